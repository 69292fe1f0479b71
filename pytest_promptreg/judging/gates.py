"""The gate grammar, ``[AGG(]METRIC[)] OP NUMBER``, and its arithmetic: scores -> breaches and verdicts.

A gate that could never fail, or never be met, is refused when it is read: a gate that silently checks nothing is the
worst thing that can stand in a suite.
"""

from __future__ import annotations

import enum
import math
import operator
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import GateError, MetricError, did_you_mean
from ..metrics import METRICS, MetricInfo

PASS_RATE = "pass_rate"  # noqa: S105  the word of the grammar, no password
TOLERANCE = 1e-6  # embeddings differ by this much with the batch that a text was in

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": lambda value, bound: value >= bound - TOLERANCE,
    "<=": lambda value, bound: value <= bound + TOLERANCE,
    ">": operator.gt,
    "<": operator.lt,
    "==": lambda value, bound: abs(value - bound) <= TOLERANCE,
}
_AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
}
_PERCENTILE = re.compile(r"p(\d{1,2})")
_GATE = re.compile(
    r"\s*(?P<subject>[A-Za-z_][\w\s()]*?)\s*(?P<op>>=|<=|==|=>|=<|!=|>|<|=|≥|≤)\s*(?P<bound>[^\s].*?)\s*", re.ASCII
)
_LONGEST = 200  # characters of a gate
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_MEANT = {"=>": ">=", "=<": "<=", "=": "==", "≥": ">=", "≤": "<="}
_TURNED = str.maketrans("<>", "><")
FORM = "a gate reads: semantic >= 0.8, drop(rouge_l) <= 0.08"
_CALL = re.compile(r"(\w+)\((.*)\)", re.ASCII)


class Verdict(enum.StrEnum):
    """What is said of a case."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    BREACHED = "breached"
    MISSING = "missing"
    INCOMPARABLE = "incomparable"
    ERROR = "error"


JUDGED = frozenset({Verdict.UNCHANGED, Verdict.CHANGED, Verdict.BREACHED})


@dataclass(frozen=True, slots=True)
class Gate:
    """One line of the grammar, understood.

    :param aggregate: ``mean``, ``p05`` ... for a gate on the suite's cases of one version; None for each case.
    :param term: what is measured: ``semantic``, ``drop(rouge_l)`` or ``pass_rate``.
    :param metric: the metric in it; None for ``pass_rate``.
    """

    aggregate: str | None
    term: str
    metric: str | None
    op: str
    bound: float

    @property
    def subject(self) -> str:
        """The left side: what a nearer gate replaces."""
        return f"{self.aggregate}({self.term})" if self.aggregate else self.term

    @property
    def is_drop(self) -> bool:
        """Whether it compares two scores against the reference."""
        return self.metric is not None and self.term != self.metric

    @property
    def of_suite(self) -> bool:
        """Whether it is judged once per version, over its cases."""
        return self.aggregate is not None or self.term == PASS_RATE

    def met_by(self, value: float) -> bool:
        """Whether ``value`` satisfies the gate; NaN never does."""
        return _OPERATORS[self.op](value, self.bound)

    def __str__(self) -> str:
        return f"{self.subject} {self.op} {number(self.bound)}"


@dataclass(frozen=True, slots=True)
class Breach:
    """A gate that was not met, and by which value.

    :param detail: what was found, where the metric is a signal: "$.age number -> string".
    :param by_default: whether nobody wrote the gate: then what was found says more than its number.
    """

    gate: Gate
    value: float
    detail: str = ""
    by_default: bool = False

    def __str__(self) -> str:
        if self.by_default and self.detail:
            return f"{self.gate.subject}: {self.detail}"
        said = f"{self.gate.subject} {show(self.value, self.gate)} (gate {self.gate.op} {number(self.gate.bound)})"
        return f"{said}: {self.detail}" if self.detail else said


@dataclass(frozen=True, slots=True)
class SuiteGateResult:
    """What a suite gate came to for one version. ``value`` is None where there was nothing to judge."""

    gate: Gate
    value: float | None
    cases: int

    @property
    def met(self) -> bool:
        """Nothing to judge is not a pass."""
        return self.value is not None and self.gate.met_by(self.value)

    def __str__(self) -> str:
        shown = "nothing to judge" if self.value is None else show(self.value, self.gate)
        return f"{self.gate.subject} {shown} (gate {self.gate.op} {number(self.gate.bound)})"


def number(bound: float) -> str:
    """The bound as a person would write it, and to the last digit: gates travel between processes as text."""
    return short if float(short := f"{bound:g}") == bound else repr(bound)


def show(value: float, gate: Gate) -> str:
    """The value with as many digits as tell it from the gate's bound."""
    for digits in (3, 4, 5, 6):
        shown = f"{round(value, digits) + 0.0:.{digits}f}"  # adding zero: no "-0.000"
        if gate.met_by(float(shown)) == gate.met_by(value):
            break
    return shown


def parse(line: object, where: str = "", known: Mapping[str, MetricInfo] = METRICS) -> Gate:
    """One line as a gate.

    :param known: the metrics that a gate may name.
    :raises GateError: when it cannot be understood or can never fail or never be met, saying what was meant.
    """
    if isinstance(line, Gate):
        return line
    if not isinstance(line, str):
        raise GateError(
            f"a gate is a text such as 'semantic >= 0.8', not {type(line).__name__}", where=where, next_step=FORM
        )
    match = _matched(line)
    if match is None:
        shown = f"{line!r}" if len(line) <= _LONGEST else f"{line[:40]!r}... ({len(line):,} characters)"
        raise GateError(f"{shown} is no gate", where=where, next_step=FORM)
    op = match["op"]
    if op not in _OPERATORS:
        meant = f"did you mean {_MEANT[op]!r}?" if op in _MEANT else f"known: {', '.join(_OPERATORS)}"
        raise GateError(f"unknown operator {op!r} in {line!r}", where=where, next_step=meant)
    if not _NUMBER.fullmatch(match["bound"]):
        raise GateError(f"{match['bound']!r} in {line!r} is no number", where=where, next_step=FORM)
    aggregate, term, metric = _subject(_close(match["subject"]), line, where, known)
    gate = Gate(aggregate, term, metric, op, float(match["bound"]))
    _refuse_idle(gate, line, where, known)
    return gate


def _matched(line: object) -> re.Match[str] | None:
    """The parts of a line; a long one is no gate, and would take the pattern a time that grows with its square."""
    return _GATE.fullmatch(line) if isinstance(line, str) and len(line) <= _LONGEST else None


def is_gate_shaped(line: object) -> bool:
    """Whether a line could be a gate, whatever metric it names."""
    match = _matched(line)
    return match is not None and match["op"] in _OPERATORS and _NUMBER.fullmatch(match["bound"]) is not None


def metric_named(line: object) -> str | None:
    """The metric that a line names, known or not; None where it names none or is no gate."""
    match = _matched(line)
    if match is None:
        return None
    metric = _close(match["subject"]).rpartition("(")[2].rstrip(")")
    return metric if metric.isidentifier() and metric != PASS_RATE else None


def _close(subject: str) -> str:
    return re.sub(r"\s+", "", subject)


def _subject(
    subject: str, line: str, where: str, known: Mapping[str, MetricInfo]
) -> tuple[str | None, str, str | None]:
    if subject == PASS_RATE:
        return None, PASS_RATE, None
    aggregate = None
    call = _CALL.fullmatch(subject)
    if call and call[1] != "drop":
        aggregate, subject = call[1], call[2]
        if aggregate not in _AGGREGATES and not _percentile(aggregate):
            raise GateError(
                f"unknown aggregate {aggregate!r} in {line!r}",
                where=where,
                next_step=did_you_mean(aggregate, [*_AGGREGATES, "p05", "drop"]),
            )
        call = _CALL.fullmatch(subject)
    metric = call[2] if call and call[1] == "drop" else subject
    if metric not in known:
        raise GateError(
            f"unknown metric {metric!r} in {line!r}",
            where=where,
            next_step=did_you_mean(metric, [*known] if aggregate or call else [*known, PASS_RATE]),
        )
    if call and known[metric].signal:
        raise GateError(
            f"{line!r} makes no sense: {metric} tells what changed since the baseline, and a drop compares with a "
            "reference",
            where=where,
            next_step=f"gate on it directly: {metric} == 1",
        )
    return aggregate, f"drop({metric})" if call else metric, metric


def _percentile(name: str) -> int:
    match = _PERCENTILE.fullmatch(name)
    return int(match[1]) if match else 0


def bounds(gate: Gate, known: Mapping[str, MetricInfo] = METRICS) -> tuple[float, float]:
    """The lowest and the highest value that the gate's subject can take."""
    if gate.metric is None:
        return 0.0, 1.0
    info = known[gate.metric]
    width = info.high - info.low
    return (-width, width) if gate.is_drop else (info.low, info.high)


def _refuse_idle(gate: Gate, line: str, where: str, known: Mapping[str, MetricInfo]) -> None:
    low, high = bounds(gate, known)
    scale = f"{gate.metric or PASS_RATE} lies between {low:g} and {high:g}"
    if gate.met_by(low) and gate.met_by(high):
        raise GateError(f"{line!r} can never fail: {scale}", where=where, next_step=_rescaled(gate, high))
    inside = min(max(gate.bound, low), high)
    if not any(gate.met_by(value) for value in (low, high, inside)):
        raise GateError(f"{line!r} can never be met: {scale}", where=where, next_step=_rescaled(gate, high))
    equal = 1.0 if gate.metric is None else perfect(gate.term, known)
    if not gate.met_by(equal):
        raise GateError(
            f"{line!r} would fail for outputs that equal the baseline ({gate.term} {equal:g})",
            where=where,
            next_step=f"did you mean {gate.op.translate(_TURNED)!r}?" if gate.op != "==" else None,
        )
    # `bleu >= 0.3` on a scale to 100: allowed by the range, and checks next to nothing.
    if high == 100 and gate.metric in METRICS and not gate.is_drop and 0 < gate.bound < 1:
        raise GateError(
            f"{line!r} checks next to nothing: {gate.metric} runs from 0 to 100",
            where=where,
            next_step=f"did you mean {gate.bound * 100:g}?",
        )


def _rescaled(gate: Gate, high: float) -> str | None:
    return f"did you mean {gate.bound / 100:g}?" if high <= 1 < gate.bound <= 100 and not gate.is_drop else None


def nearest(*levels: Iterable[Gate]) -> tuple[Gate, ...]:
    """Gates from far to near (ini, marker, example row): a subject named nearer replaces all further gates on it."""
    kept: dict[str, list[Gate]] = {}
    for level in levels:
        here: dict[str, list[Gate]] = {}
        for gate in level:
            here.setdefault(gate.subject, []).append(gate)
        kept.update(here)
    return tuple(gate for gates in kept.values() for gate in gates)


def metric_of(term: str) -> str:
    """The metric in a term: ``rouge_l`` of ``drop(rouge_l)``."""
    return term.removeprefix("drop(").removesuffix(")")


def perfect(term: str, known: Mapping[str, MetricInfo] = METRICS) -> float:
    """What an output that equals the baseline scores: the metric's best, or no drop at all."""
    return 0.0 if term.startswith("drop(") else known[term].best


def goodness(term: str, score: float, known: Mapping[str, MetricInfo] = METRICS) -> float:
    """A number that is the lower the more was lost, by which the cases of one term are ordered."""
    return -score if term.startswith("drop(") else -abs(score - known[term].best)


def judge_case(
    gates: Iterable[Gate], scores: Mapping[str, float], details: Mapping[str, str] | None = None
) -> tuple[Breach, ...]:
    """The breaches of one case. A drop is judged where there is a reference, and only there.

    :param details: what the signals found, by name.
    :raises MetricError: when a score is missing or NaN: that is no pass and no regression.
    """
    breaches = []
    for gate in gates:
        if gate.of_suite or (gate.is_drop and gate.term not in scores):
            continue
        value = scores.get(gate.term, math.nan)
        if math.isnan(value):
            raise MetricError(f"{gate.term} gave no number, so {str(gate)!r} cannot be judged")
        if not gate.met_by(value):
            breaches.append(Breach(gate, value, (details or {}).get(gate.term, "")))
    return tuple(breaches)


def judge_suite(
    gates: Iterable[Gate], scores: Sequence[Mapping[str, float]], verdicts: Iterable[Verdict]
) -> tuple[SuiteGateResult, ...]:
    """The suite gates of one version, over its cases.

    :param scores: of each case that was judged.
    :param verdicts: of each case; those that were not judged count neither for nor against the pass rate, and fail by
        themselves.
    """
    judged = [verdict for verdict in verdicts if verdict in JUDGED]
    results = []
    for gate in gates:
        if not gate.of_suite:
            continue
        if gate.aggregate is None:
            passed = sum(verdict is not Verdict.BREACHED for verdict in judged)
            value = passed / len(judged) if judged else None
            results.append(SuiteGateResult(gate, value, len(judged)))
            continue
        values = [case[gate.term] for case in scores if gate.term in case]
        results.append(SuiteGateResult(gate, aggregate(gate.aggregate, values) if values else None, len(values)))
    return tuple(results)


def aggregate(name: str, values: Sequence[float]) -> float:
    """``mean``, ``median``, ``min``, ``max`` or a percentile (``p05``, interpolated) of the values; NaN if one is."""
    if any(map(math.isnan, values)):
        return math.nan
    if name in _AGGREGATES:
        return float(_AGGREGATES[name](values))
    ordered = sorted(values)
    position = (len(ordered) - 1) * _percentile(name) / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
