"""A user's own metrics: a function, a batch object or an MLflow scorer, made into a metric.

@pytest_promptreg.metric(low=0, high=1)
def polite(output, baseline, case):
    return float("please" in output)
"""

from __future__ import annotations

import copy
import functools
import inspect
import math
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, overload

from ..errors import ConfigError, MetricError
from ..files import display_path
from . import METRICS, Metric, MetricInfo, Pair
from .checked import as_score, exactly, guarded, shown
from .judges import JudgeMetric, is_scorer, refuse_unfit
from .sources import source_digest

_MARK = "__promptreg_metric__"
_FORM = "a metric is a function (output, baseline, case) -> float, or an object with score(pairs) -> list of float"
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# What a name means to the gate grammar already.
_GATE_WORDS = re.compile(r"drop|pass_rate|mean|median|min|max|p\d{1,2}", re.ASCII)
_PARAMETERS = ("output", "baseline", "case")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Description:
    """What :func:`metric` says of a metric. ``None`` leaves it to the metric."""

    name: str | None = None
    low: float = 0.0
    high: float = 1.0
    equal: float | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A user's metric: what gates must know of it, and what scores."""

    info: MetricInfo
    metric: Metric


@overload
def metric(source: _T, /) -> _T: ...
@overload
def metric(
    *,
    name: str | None = None,
    low: float = 0.0,
    high: float = 1.0,
    equal: float | None = None,
    version: str | None = None,
) -> Callable[[_T], _T]: ...
def metric(
    source: _T | None = None,
    /,
    *,
    name: str | None = None,
    low: float = 0.0,
    high: float = 1.0,
    equal: float | None = None,
    version: str | None = None,
) -> _T | Callable[[_T], _T]:
    """Describe a metric; ``@metric`` and ``@metric(low=..., ...)`` both do.

    What comes back is a copy that works as what was given, which itself is left as it is: another suite may describe it
    otherwise. It also describes a batch object or an MLflow scorer: ``metric(low=1, high=5)(make_judge(...))``.

    :param name: what gates call it; left out, the function's own name.
    :param low: its lowest score.
    :param high: its highest score.
    :param equal: what a text scores against itself; left out, ``high``.
    :param version: what stands for its code in the signature; left out, a digest of the source does, so that scores
        from before and after an edit are not taken for comparable.
    """
    described = Description(name, low, high, equal, version)

    def describe(source: _T) -> _T:
        if not callable(source) and not hasattr(source, "score"):
            raise ConfigError(f"{shown(source)} is no metric", next_step="write @metric(name=..., low=..., high=...)")
        # Not setattr(): an MLflow scorer's takes its known fields alone, a frozen dataclass's none at all.
        put = type.__setattr__ if isinstance(source, type) else object.__setattr__
        try:
            source = _copied(source)
            put(source, _MARK, described)
        except Exception as exc:  # whatever an object's own __copy__ raises, too
            raise ConfigError(
                f"{shown(source)} cannot be described", next_step="write a function around it, and describe that"
            ) from exc
        return source

    return describe if source is None else describe(source)


def _copied(source: _T) -> _T:
    """A shallow copy; of a function, one with the same code, which ``copy.copy`` does not make; a class is itself."""
    if not inspect.isfunction(source):
        return source if isinstance(source, type) else copy.copy(source)
    function: Any = types.FunctionType(
        source.__code__, source.__globals__, source.__name__, source.__defaults__, source.__closure__
    )
    function.__kwdefaults__ = source.__kwdefaults__
    functools.update_wrapper(function, source)
    del function.__wrapped__  # it is no wrapper
    copied: _T = function
    return copied


def adopt(source: object, *, name: str | None = None, where: str = "") -> OwnMetric:
    """What a user gave, as a metric.

    :param source: a function ``(output, baseline, case) -> float`` or ``(output, baseline) -> float``; an object with
        ``score(pairs) -> list[float]`` and, where it has them, ``name``, ``low``, ``high``, ``equal`` and
        ``signature()``; or an MLflow scorer.
    :param name: what gates call it, whatever it calls itself.
    :param where: who gave it, for messages.
    :raises ConfigError: for what can be no metric, saying what is expected.
    """
    where = where or _place(source)
    if isinstance(source, type):
        raise ConfigError(
            f"{source.__name__} is a class, not a metric",
            where=where,
            next_step=f"give an instance: {source.__name__}()",
        )
    described = _description(source)
    scorer = is_scorer(source)
    batch = not scorer and callable(getattr(source, "score", None))
    if not (scorer or batch or callable(source)):
        raise ConfigError(f"{shown(source)} is no metric", where=where, next_step=_FORM)
    info = _info(_name(source, name or described.name, where), described, where)
    if scorer:
        refuse_unfit(source, where, has_bounds=isinstance(getattr(source, _MARK, None), Description))
        return OwnMetric(info, JudgeMetric(source, info, _bounds(info)))
    if batch:
        _refuse_async(source.score, "score()", where)  # type: ignore[attr-defined]
        if not _takes(source.score, 1):  # type: ignore[attr-defined]
            raise ConfigError(f"{info.name}: score() must take the pairs", where=where, next_step=_FORM)
        return OwnMetric(info, BatchMetric(source, info, described.version))
    _refuse_async(source, info.name, where)
    return OwnMetric(info, FunctionMetric(_caller(source, info.name, where), source, info, described.version))


class FunctionMetric:
    """A function of two texts, and of their case if it takes one."""

    def __init__(
        self, call: Callable[[Pair], object], function: object, info: MetricInfo, version: str | None = None
    ) -> None:
        self.name = info.name
        self._call = call
        self._info = info
        code = f"source:{source_digest(function)}" if version is None else f"version:{version}"
        self._signature = f"{info.name}|function|{code}{_bounds(info)}"

    def signature(self) -> str:
        """The version that the user gave, or a digest of the source; and the bounds, unless they are 0 and 1."""
        return self._signature

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """What the function gives for each pair.

        :raises MetricError: when it raises, or gives no number within its bounds.
        """
        return [self._score(pair) for pair in pairs]

    def _score(self, pair: Pair) -> float:
        with guarded(self.name, pair):
            value = self._call(pair)
        return as_score(value, self._info, pair)


class BatchMetric:
    """An object that scores all the pairs at hand at once."""

    def __init__(self, source: Any, info: MetricInfo, version: str | None = None) -> None:
        self.name = info.name
        self._source = source
        self._info = info
        kind = type(source)
        code = f"source:{source_digest(source)}" if version is None else f"version:{version}"
        self._class_signature = f"{kind.__module__}.{kind.__qualname__}|{code}"
        self._has_own_signature = version is None and callable(getattr(source, "signature", None))

    def signature(self) -> str:
        """The object's own, behind the metric's name; without one, its class and a digest of the source.

        :raises MetricError: when the object's own is not one line of text.
        """
        said = self._own_signature() if self._has_own_signature else self._class_signature
        named = said if said == self.name or said.startswith(f"{self.name}|") else f"{self.name}|{said}"
        return f"{named}{_bounds(self._info)}"

    def _own_signature(self) -> str:
        with guarded(self.name):
            said = self._source.signature()
        if not isinstance(said, str) or not said.strip() or len(said.splitlines()) > 1:
            raise MetricError(f"the metric {self.name} has the signature {shown(said)}: one line of text is expected")
        return said.strip()

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """What the object gives for the pairs.

        :raises MetricError: when it raises, or does not give one number within its bounds for each pair.
        """
        if not pairs:
            return []
        with guarded(self.name, pairs[0] if len(pairs) == 1 else None):
            values = self._source.score(list(pairs))
            listed = list(values) if _is_listed(values) else None
        if listed is None:
            raise MetricError(f"the metric {self.name} gave {shown(values)}: a list of scores is expected")
        if len(listed) != len(pairs):
            raise MetricError(f"the metric {self.name} gave {len(listed)} scores for {len(pairs)} pairs")
        return [as_score(value, self._info, pair) for value, pair in zip(listed, pairs, strict=True)]


def _is_listed(values: object) -> bool:
    return isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping | AbstractSet)


def _place(source: object) -> str:
    code = getattr(inspect.unwrap(source) if callable(source) else source, "__code__", None)
    return f"{display_path(Path(code.co_filename))}:{code.co_firstlineno}" if inspect.iscode(code) else ""


def _description(source: object) -> Description:
    """What :func:`metric` said of it, else what an object says of itself."""
    described = getattr(source, _MARK, None)
    if isinstance(described, Description):
        return described
    if inspect.isroutine(source) or is_scorer(source):
        return Description()
    own = {field: value for field in ("low", "high", "equal") if not callable(value := getattr(source, field, None))}
    return Description(**{field: value for field, value in own.items() if value is not None})


def _name(source: object, given: str | None, where: str) -> str:
    name = given or getattr(source, "name", None) or getattr(source, "__name__", None)
    if name is None or name == "<lambda>":
        kind = "a lambda" if name else f"this {type(source).__name__}"
        raise ConfigError(
            f"{kind} has no name that a gate could use",
            where=where,
            next_step="define it with def, or name it: {'my_metric': ...}",
        )
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{shown(name)} cannot be a metric's name",
            where=where,
            next_step="a name is letters, digits and underscores, and does not begin with a digit",
        )
    if name in METRICS or _GATE_WORDS.fullmatch(name):
        taken = "a built-in metric's name" if name in METRICS else "a word of the gate grammar"
        raise ConfigError(f"{name!r} is {taken}", where=where, next_step="give your metric another name")
    return name


def _info(name: str, described: Description, where: str) -> MetricInfo:
    low, high = (_bound(name, side, getattr(described, side), where) for side in ("low", "high"))
    equal = None if described.equal is None else _bound(name, "equal", described.equal, where)
    if low >= high:
        raise ConfigError(
            f"{name}: low {low:g} is not below high {high:g}",
            where=where,
            next_step=f"give it low={high:g}, high={low:g}, or what its scores lie between",
        )
    if equal is not None and not (low <= equal <= high and math.isfinite(equal)):
        raise ConfigError(
            f"{name}: equal {equal:g} does not lie between low {low:g} and high {high:g}",
            where=where,
            next_step="equal is the score of two equal texts, on the metric's own scale",
        )
    if equal is None and math.isinf(high):
        raise ConfigError(
            f"{name} has no highest score, so what equal texts score must be said",
            where=where,
            next_step="add equal=..., what a text scores against itself",
        )
    version = described.version
    if version is not None and (not str(version).strip() or len(str(version).splitlines()) > 1):
        raise ConfigError(
            f"{name}: version {shown(version)} is not one line of text",
            where=where,
            next_step='write version="2", and another one when its scores change',
        )
    return MetricInfo(name, low, high, equal=equal)


def _bound(name: str, side: str, value: object, where: str) -> float:
    try:
        bound = math.nan if isinstance(value, str | bytes) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        bound = math.nan
    if math.isnan(bound):
        raise ConfigError(
            f"{name}: {side} must be a number, not {shown(value)}",
            where=where,
            next_step="write low=0, high=1, or what its scores lie between",
        )
    return bound


def _bounds(info: MetricInfo) -> str:
    """For the signature; empty for the usual ones."""
    bounds = "" if (info.low, info.high) == (0.0, 1.0) else f"|range:{exactly(info.low)}..{exactly(info.high)}"
    return bounds if info.equal is None else f"{bounds}|equal:{exactly(info.equal)}"


def _refuse_async(function: Any, what: str, where: str) -> None:
    called = function.func if isinstance(function, functools.partial) else function
    if not inspect.isroutine(called):
        called = type(called).__call__
    if inspect.iscoroutinefunction(inspect.unwrap(called)):
        raise ConfigError(
            f"{what} is async; a metric is called, not awaited",
            where=where,
            next_step="make it a plain function, with asyncio.run(...) inside where something must be awaited",
        )


def _takes(function: Callable[..., object], count: int, **keywords: object) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count, **keywords)
    except TypeError:
        return False
    except ValueError:  # written in C, and says nothing of its parameters
        return not keywords
    return True


def _caller(source: Any, name: str, where: str) -> Callable[[Pair], object]:
    """How a function is called with a pair, by its parameters."""
    parameters = _parameters(source)
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    for place, parameter in enumerate(positional):
        if parameter.name in _PARAMETERS and _PARAMETERS.index(parameter.name) != place:
            _refuse_parameters(source, name, where)
    # A third parameter with a default, `(a, b, threshold=0.5)`, is a setting unless it is called case.
    third = positional[2] if len(positional) > 2 else None
    wants_case = any(p.kind is p.VAR_POSITIONAL for p in parameters) if third is None else _is_case(third)
    if any(p.name == "case" and p.kind is p.KEYWORD_ONLY for p in parameters) and _takes(source, 2, case=None):
        return lambda pair: source(pair.output, pair.baseline, case=pair.case)
    if wants_case and _takes(source, 3):
        return lambda pair: source(pair.output, pair.baseline, pair.case)
    if not _takes(source, 2):
        _refuse_parameters(source, name, where)
    return lambda pair: source(pair.output, pair.baseline)


def _is_case(parameter: inspect.Parameter) -> bool:
    return parameter.name == "case" or parameter.default is parameter.empty


def _parameters(function: Callable[..., object]) -> Iterable[inspect.Parameter]:
    try:
        return inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()


def _refuse_parameters(function: Callable[..., object], name: str, where: str) -> None:
    raise ConfigError(
        f"{name} takes {inspect.signature(function)}; "
        "a metric is called with (output, baseline, case) or (output, baseline)",
        where=where,
        next_step="give its other parameters defaults, or bind them with functools.partial",
    )
