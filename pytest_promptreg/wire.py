"""Dataclasses <-> JSON's own values, by their annotations: written without deep copies, and checked when read.

What a field may hold stands in one place, its annotation: a field that is added to a dataclass travels without another
word, and a file that says something else than the annotation is refused with the path to the place
(``suites[0].versions[1].cases[17].scores``). A dataclass may hold others of its own kind.

Numbers that JSON does not know are the texts ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from .text import plain

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MOST_BITS = 1_000  # a float has 1,024
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}


class WrongValueError(ValueError):
    """A value is not what its place asks for.

    :param problem: what it is and should be, to be read after the path.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path: list[str | int] = []  # from the outermost on

    def __str__(self) -> str:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).lstrip(".")
        return f"{place} {self.problem}" if place else f"it {self.problem}"


class Codec(NamedTuple):
    """How values of one annotation are written and read.

    :param encode: None where a value is written as it is.
    :param decode: raises :class:`WrongValueError`.
    """

    encode: Callable[[Any], Any] | None
    decode: Callable[[Any], Any]


class Wire:
    """The codecs of a format.

    :param special: codecs of annotations that are written in a way of their own.
    :param of_fields: codecs of single fields, by dataclass and name.
    :param finish: by dataclass, what becomes of one that was read; it may raise :class:`WrongValueError`.
    """

    def __init__(
        self,
        special: Mapping[Any, Codec] | None = None,
        of_fields: Mapping[tuple[type, str], Codec] | None = None,
        finish: Mapping[type, Callable[[Any], Any]] | None = None,
    ) -> None:
        self._codecs: dict[Any, Codec] = dict(special or {})
        self._of_fields = of_fields or {}
        self._finish = finish or {}

    def encode(self, value: Any, hint: Any) -> Any:
        """``value`` as JSON's own values; parts that are so already are shared with it and not copied."""
        encode = self.codec(hint).encode
        return value if encode is None else encode(value)

    def decode(self, value: Any, hint: Any) -> Any:
        """What :meth:`encode` wrote.

        :raises WrongValueError: where it says anything else.
        """
        return self.codec(hint).decode(value)

    def codec(self, hint: Any) -> Codec:
        """The codec of an annotation, made once."""
        if hint not in self._codecs:
            if is_dataclass(hint):
                return self._dataclass(hint)
            self._codecs[hint] = self._made(hint)
        return self._codecs[hint]

    def _dataclass(self, cls: Any) -> Codec:
        """An object with the fields by their names; names that are not known are left alone.

        Where a field leads back to the dataclass itself, its codec is looked up when a value is there.
        """
        self._codecs[cls] = Codec(lambda value: self.encode(value, cls), lambda value: self.decode(value, cls))
        try:
            made = self._codecs[cls] = self._with_fields(cls)
        except BaseException:
            del self._codecs[cls]
            raise
        return made

    def _with_fields(self, cls: Any) -> Codec:
        hints = get_type_hints(cls)
        codecs = {
            field.name: self._of_fields.get((cls, field.name)) or self.codec(hints[field.name])
            for field in fields(cls)
            if field.init
        }
        required = [
            field.name
            for field in fields(cls)
            if field.init and field.default is MISSING and field.default_factory is MISSING
        ]
        encoders = [(name, codec.encode) for name, codec in codecs.items()]
        decoders = {name: codec.decode for name, codec in codecs.items()}
        finish = self._finish.get(cls)

        def encode(value: Any) -> dict[str, Any]:
            return {
                name: getattr(value, name) if turn is None else turn(getattr(value, name)) for name, turn in encoders
            }

        def decode(value: Any) -> Any:
            _expect(value, dict)
            given = {}
            name = ""
            try:
                for name, item in value.items():
                    if name in decoders:
                        given[name] = decoders[name](item)
            except WrongValueError as exc:
                exc.path.insert(0, name)
                raise
            for name in required:
                if name not in given:
                    raise WrongValueError(f"lacks {name!r}")
            made = cls(**given)
            return made if finish is None else finish(made)

        return Codec(encode, decode)

    def _made(self, hint: Any) -> Codec:
        origin, arguments = get_origin(hint), get_args(hint)
        if hint is Any:
            return Codec(plain, lambda value: value)
        if hint in _SIMPLE:
            return _SIMPLE[hint]
        if origin in {Union, types.UnionType}:
            return self._union(arguments)
        if origin in {list, Sequence, tuple}:
            return self._items(tuple if origin is not list else list, arguments)
        if origin in {dict, Mapping}:
            return self._mapping(arguments[1])
        if isinstance(hint, type) and issubclass(hint, Enum):
            return _enumeration(hint)
        raise TypeError(f"no value of {hint!r} can be written")

    def _union(self, members: tuple[Any, ...]) -> Codec:
        """The first member that can read a value, which members of unlike kinds make the right one."""
        others = [member for member in members if member is not type(None)]
        if len(others) < len(members) and len(others) == 1:
            encode, decode = self.codec(others[0])
            return Codec(
                None if encode is None else lambda value: None if value is None else encode(value),
                lambda value: None if value is None else decode(value),
            )
        codecs = [(member, self.codec(member)) for member in members]

        def write(value: Any) -> Any:
            for member, codec in codecs:
                if isinstance(value, get_origin(member) or member):
                    return value if codec.encode is None else codec.encode(value)
            raise TypeError(f"{type(value).__name__} is none of {members}")

        def read(value: Any) -> Any:
            for _, codec in codecs[:-1]:
                try:
                    return codec.decode(value)
                except WrongValueError:
                    continue
            return codecs[-1][1].decode(value)

        return Codec(write, read)

    def _items(self, kind: type, arguments: tuple[Any, ...]) -> Codec:
        if kind is tuple and len(arguments) > 1 and arguments[-1] is not Ellipsis:
            return self._row(arguments)
        encode, decode = self.codec(arguments[0])

        def read(value: Any) -> Any:
            _expect(value, list)
            found: list[Any] = []
            try:
                for item in value:
                    found.append(decode(item))
            except WrongValueError as exc:
                exc.path.insert(0, len(found))
                raise
            return found if kind is list else tuple(found)

        return Codec(list if encode is None else lambda value: [encode(item) for item in value], read)

    def _row(self, arguments: tuple[Any, ...]) -> Codec:
        codecs = [self.codec(argument) for argument in arguments]

        def write(value: Any) -> Any:
            return [
                item if code.encode is None else code.encode(item) for item, code in zip(value, codecs, strict=True)
            ]

        def read(value: Any) -> Any:
            _expect(value, list)
            if len(value) != len(codecs):
                raise WrongValueError(f"has {len(value)} parts and not {len(codecs)}")
            return tuple(codec.decode(item) for item, codec in zip(value, codecs, strict=True))

        return Codec(write, read)

    def _mapping(self, of: Any) -> Codec:
        encode, decode = self.codec(of)

        def read(value: Any) -> Any:
            _expect(value, dict)
            name, found = "", {}
            try:
                for name, item in value.items():
                    found[name] = decode(item)
            except WrongValueError as exc:
                exc.path.insert(0, name)
                raise
            return found

        return Codec(
            dict if encode is None else lambda value: {name: encode(item) for name, item in value.items()}, read
        )


def expected(what: str, value: Any) -> WrongValueError:
    """The error of a value that should be ``what``."""
    return WrongValueError(f"is {_KINDS.get(type(value), 'a number')}, not {what}")


def _expect(value: Any, kind: type) -> None:
    if type(value) is not kind:
        raise expected(_KINDS[kind], value)


def _exactly(kind: type) -> Codec:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise expected(_KINDS.get(kind, "a whole number"), value)
        return value

    return Codec(None, read)


def _read_int(value: Any) -> int:
    if type(value) is not int:
        raise expected("a whole number", value)
    if value.bit_length() > _MOST_BITS:  # as a float, or written out, it would not do
        raise WrongValueError("is too large a number")
    return value


def _write_float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _read_float(value: Any) -> float:
    if type(value) is float or type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise WrongValueError("is too large a number") from None
    if type(value) is str and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    raise expected("a number", value)


def _enumeration(kind: type[Enum]) -> Codec:
    def read(value: Any) -> Enum:
        try:
            return kind(value)
        except ValueError:
            raise WrongValueError(f"is none of {', '.join(str(member.value) for member in kind)}") from None

    return Codec(lambda value: value.value, read)


_SIMPLE: dict[Any, Codec] = {
    str: _exactly(str),
    int: Codec(None, _read_int),
    bool: _exactly(bool),
    type(None): _exactly(type(None)),
    float: Codec(_write_float, _read_float),
}
TEXT = _SIMPLE[str]
OBJECT = _exactly(dict)
