"""A suite file -> the suites that it declares, each argument with the line that it stands on."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ... import typed
from ...errors import ConfigError, did_you_mean
from ...files import display_path
from ...inputs import yamls
from ...inputs.placed import Placed
from ...inputs.source_text import read_source
from ...report.escape import one_line
from ..arguments import ARGUMENTS, Schema

PREFIX = "promptreg_"
NAME, SUITES = "name", "suites"
NAME_PATTERN = r"[A-Za-z][A-Za-z0-9_-]{0,99}"

_LARGEST = 1_000_000  # characters: YAML is read slowly, and rows have files of their own
_SHOWN = 60  # characters of a value that is refused
_NEARLY = 0.8  # of a word's letters
_LEVELS = 4  # suites, which one, examples, which row
# What pytest calls in a module of its own accord, and names under which Windows has no file.
_TAKEN = re.compile(r"pytest.*|(?i:set_?up|tear_?down)_?(?i:module|function)|(?i:con|prn|aux|nul|com\d|lpt\d)")
_OF_PROMPTFOO = frozenset({"providers", "tests", "defaultTest", "scenarios", "targets"})

Lines = Mapping[tuple[str | int, ...], int]


@dataclass(frozen=True, slots=True)
class Declared:
    """One suite of a file.

    :param line: the line on which it begins.
    :param arguments: as on the marker, by name.
    :param places: ``file:line`` of each, and of each gate of a list: ``gates[0]``.
    """

    name: str
    line: int
    arguments: Mapping[str, Any]
    places: Mapping[str, str]


def is_name(name: object) -> bool:
    """Whether a suite may be called so."""
    return isinstance(name, str) and bool(re.fullmatch(NAME_PATTERN, name)) and not _TAKEN.fullmatch(name)


def read_suites(path: Path) -> tuple[Declared, ...]:
    """The suites that a file declares, in their order.

    :raises ConfigError: with ``file:line``, when it is no suite file, or one says what no suite has.
    """
    where = display_path(path)
    _refuse_a_twin(path)
    text = read_source(path, ConfigError)
    if len(text) > _LARGEST:
        raise ConfigError(
            f"a suite file of {len(text):,} characters is too long",
            where=where,
            next_step="put the rows into a file of their own: examples: rows.jsonl",
        )
    try:
        value, lines = yamls.load_with_lines(text, _LEVELS)
    except yamls.YamlError as exc:
        raise ConfigError(
            f"not valid YAML: {exc.problem}",
            where=f"{where}:{exc.line}",
            next_step=exc.next_step,
        ) from exc
    return _Reading(path, where, lines).suites(value)


def _is_meant_for_us(keys: Collection[object]) -> bool:
    """Whether any of a file's words is one of ours, or nearly."""
    ours = (SUITES, *ARGUMENTS)
    return any(get_close_matches(str(key), ours, n=1, cutoff=_NEARLY) for key in keys) or set(keys) == {NAME}


def _refuse_a_twin(path: Path) -> None:
    """Two files of one name would share their baselines."""
    twin = path.with_suffix(".yml" if path.suffix == ".yaml" else ".yaml")
    if twin.exists():
        raise ConfigError(
            f"{twin.name} stands beside it, and both would keep their baselines in the same folder",
            where=display_path(path),
            next_step="rename one of them",
        )


class _Reading:
    """One file as it is read.

    :param where: the file, for messages.
    :param lines: of what it says, by path.
    """

    def __init__(self, path: Path, where: str, lines: Lines) -> None:
        self._path = path
        self._where = where
        self._lines = lines

    def suites(self, value: object) -> tuple[Declared, ...]:
        """The suites of the file's value."""
        known = value.keys() if isinstance(value, Mapping) else set()
        if _OF_PROMPTFOO & known:
            raise self._error(
                (),
                "this is a configuration of promptfoo's, and no suite",
                f"python -m pytest_promptreg import-promptfoo {typed.word(self._where)}",
            )
        if not isinstance(value, Mapping) or not _is_meant_for_us(known):
            raise self._error(
                (),
                "a file of this name holds suites, and this one has neither prompts and examples nor suites",
                f"to keep pytest from reading another tool's file: addopts = {typed.word(f'--ignore={self._where}')}",
            )
        if SUITES not in value:
            return (self._suite(value, ()),)
        for name in value:
            if name != SUITES:
                raise self._error((name,), f"{name} stands beside suites", "what a suite says stands in its own entry")
        entries = value[SUITES]
        if not isinstance(entries, list) or not entries:
            raise self._error((SUITES,), "suites is a list of suites, at least one", "begin each with - name: NAME")
        found = tuple(self._suite(entry, (SUITES, index)) for index, entry in enumerate(entries))
        _refuse_one_name(found, self._where)
        return found

    def _suite(self, value: object, at: tuple[str | int, ...]) -> Declared:
        if not isinstance(value, Mapping):
            raise self._error(at, f"a suite is a mapping, not {_shown(value)}", "write name:, prompts: and examples:")
        for name in value:
            if name != NAME and name not in ARGUMENTS:
                raise self._error(
                    (*at, str(name)),
                    f"a suite has no argument {_shown(str(name))}",
                    did_you_mean(str(name), [NAME, *ARGUMENTS]),
                )
        name = self._name(value, at)
        for argument, declared in ARGUMENTS.items():
            if value.get(argument) is None:
                if declared.required:
                    raise self._error(at, f"the suite {name} needs {argument}:", f"it takes {declared.takes}")
            elif not _is_kind(value[argument], declared.schema):
                raise self._error(
                    (*at, argument), f"{argument} is {_shown(value[argument])}", f"it takes {declared.takes}"
                )
        said = {argument: value[argument] for argument in ARGUMENTS if value.get(argument) is not None}
        for argument in ("prompts", "examples"):
            said[argument] = self._placed(said[argument], (*at, argument))
        places = {argument: f"{self._where}:{self._line((*at, argument))}" for argument in said}
        gates = said.get("gates")
        for index in range(len(gates) if isinstance(gates, list) else 0):
            places[f"gates[{index}]"] = f"{self._where}:{self._line((*at, 'gates', index))}"
        return Declared(name, self._line(at), said, places)

    def _name(self, value: Mapping[str, Any], at: tuple[str | int, ...]) -> str:
        name = value.get(NAME)
        if name is None:
            if at:
                raise self._error(at, "a suite of several needs a name", "begin it with - name: NAME")
            name = self._path.stem.removeprefix(PREFIX)
        if not is_name(name):
            raise self._error(
                (*at, NAME) if NAME in value else at,
                f"{_shown(name)} is no name for a suite",
                "a letter, then up to 99 letters, digits, _ and -; and none that pytest or Windows has taken",
            )
        return str(name)

    def _placed(self, value: object, at: tuple[str | int, ...]) -> object:
        """Mappings in a list, each with its place."""
        if not isinstance(value, list):
            return value
        return [
            Placed(entry, f"{self._where}:{self._line((*at, index))}") if isinstance(entry, Mapping) else entry
            for index, entry in enumerate(value)
        ]

    def _line(self, at: tuple[str | int, ...]) -> int:
        return self._lines.get(at, 1)

    def _error(self, at: tuple[str | int, ...], what: str, next_step: str) -> ConfigError:
        return ConfigError(what, where=f"{self._where}:{self._line(at)}", next_step=next_step)


def _refuse_one_name(suites: Sequence[Declared], where: str) -> None:
    """A file's name is the same in small and in capital letters on some machines, and so is a baseline's."""
    seen: dict[str, Declared] = {}
    for suite in suites:
        other = seen.setdefault(suite.name.casefold(), suite)
        if other is not suite:
            raise ConfigError(
                f"two suites are called {suite.name!r}",
                where=f"{where}:{suite.line}",
                next_step=f"the other is at {where}:{other.line}; rename one of them",
            )


def _is_kind(value: object, schema: Schema) -> bool:
    """Whether a value is of the kind that is asked for; what is wrong inside of it is told by who reads it."""
    if "anyOf" in schema:
        return any(_is_kind(value, option) for option in schema["anyOf"])
    types = schema["type"]
    return any(_is_type(value, kind, schema) for kind in ([types] if isinstance(types, str) else types))


def _is_type(value: object, kind: str, schema: Schema) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "array":
        return isinstance(value, list) and all(_is_kind(entry, schema["items"]) for entry in value)
    return isinstance(value, Mapping)


def _shown(value: object) -> str:
    return one_line(repr(value), _SHOWN)
