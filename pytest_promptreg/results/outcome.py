"""What a run found, as values: everything that a person sees is drawn from these.

A :class:`CaseOutcome` is made of plain values from birth, because it rides on pytest's report from one process to
another, and one value that cannot be carried takes the whole worker down with it.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..baselines.baseline import Baseline
from ..baselines.refreshing import Plan
from ..calls.tally import Tally
from ..judging.gates import JUDGED, SuiteGateResult, Verdict, goodness, judge_suite
from ..judging.noise_result import PASSED, REGRESSED, UNDECIDED, NoiseResult
from ..metrics import MetricInfo
from ..model import CaseKey, PromptVersion
from ..suites.suite import SuiteSpec

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CaseOutcome:
    """One case, judged.

    :param output: what the version under test said, of several samples the one that lies worst; None when it was not
        called or failed.
    :param accepted: the baseline output that it was compared with, of several the best match; None when there is none.
    :param scores: by term: ``semantic``, ``drop(rouge_l)``; the mean over its samples.
    :param breaches: a line for each gate that was not met.
    :param findings: what kind of change it is: what each signal found, by the signal's name.
    :param warnings: names of the signals that are no breach and still want a look.
    :param message: what went wrong, for missing, incomparable and error.
    :param retries: why the call was tried again, a word for each time: ``429``, ``connection``, ``timeout``.
    :param replayed: whether the output is a recorded one; latency, tokens and cost are then those of its call. Of
        several samples: whether all are. Latency is then their mean, tokens and cost are sums.
    :param passed: whether the test function passed as a whole, its own assertions included.
    :param trace: what was kept of the call for MLflow, as JSON; empty where no traces are asked for. Of several
        samples it is a list.
    :param samples: every text that the version said, in order, where the case has several; empty where it has one.
    :param recorded: how many of them are recorded ones.
    :param noise: by term, in a calibrated suite, how alike its texts are: the stored generations, then the outputs of
        this run. Of a similarity a row for each text, of what it scores against each of them; of a drop one row, of
        what each text scores against the reference.
    :param generations: how many of those texts are stored.
    """

    suite: str
    version: str
    example: str
    verdict: str
    output: str | None = None
    accepted: str | None = None
    scores: dict[str, float] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)
    findings: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    message: str = ""
    retries: list[str] = field(default_factory=list)
    latency_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    replayed: bool = False
    passed: bool = True
    nodeid: str = ""
    trace: str = ""
    samples: tuple[str, ...] = ()
    recorded: int = 0
    noise: dict[str, list[list[float]]] = field(default_factory=dict)
    generations: int = 0

    @property
    def key(self) -> CaseKey:
        """What the case is known by."""
        return CaseKey(self.suite, self.version, self.example)

    @property
    def replays(self) -> int:
        """How many recorded outputs it has."""
        return self.recorded if self.samples else int(self.replayed)

    @property
    def lives(self) -> int:
        """How many outputs predict gave it in this run."""
        return (len(self.samples) or 1) - self.replays if self.called else 0

    @property
    def generated(self) -> Sequence[str]:
        """Every text that the version said."""
        return self.samples or (() if self.output is None else (self.output,))

    @property
    def called(self) -> bool:
        """Whether predict gave the output in this run: it was not replayed, and not made by the test itself."""
        return self.output is not None and self.latency_s is not None and not self.replayed

    @property
    def judged(self) -> bool:
        """Whether it was compared with a baseline at all."""
        return self.verdict in JUDGED

    def to_wire(self) -> dict[str, Any]:
        """Plain values, for another process."""
        wire = dict(vars(self))
        for name in _CONTAINERS:  # of plain values: dataclasses.asdict would copy each of those too
            wire[name] = wire[name].copy()
        return wire

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> CaseOutcome:
        """The outcome that :meth:`to_wire` described."""
        return cls(**{**wire, "samples": tuple(wire.get("samples", ()))})  # JSON has no tuples


_CONTAINERS = tuple(known.name for known in fields(CaseOutcome) if known.default_factory is not MISSING)


@dataclass(frozen=True)
class EarlyStop:
    """That a version was not called to its end, because what is said of it could no longer change.

    :param state: what is said: ``regressed``, ``passed``, or ``missed pass_rate >= 0.95``.
    :param after: how many of its selected examples had had their turn; :param of: how many there are.
    :param saved: calls that were not made. What was called for already and thrown away is not among them.
    """

    state: str
    after: int
    of: int
    saved: int

    @property
    def rest(self) -> int:
        """How many examples did not have their turn."""
        return self.of - self.after

    @property
    def finding(self) -> str:
        """``regressed after 20 of 60 examples``."""
        return f"{self.state} after {self.after} of {self.of} examples"

    def __str__(self) -> str:
        calls = f", {self.saved} call{'' if self.saved == 1 else 's'} saved" if self.saved else ""
        return f"{self.finding}{calls}"


@dataclass(frozen=True)
class VersionOutcome:
    """The cases of one prompt version of a suite, in the order of the examples.

    :param noise: what each metric came to over all examples, where the suite is judged under noise.
    :param outside_noise: the examples whose outputs lie outside of the noise, the most unusual first, each with the
        share of unchanged examples that lie as far out.
    :param stopped: where it was stopped early; None where every selected case had its turn.
    """

    version: PromptVersion
    cases: Sequence[CaseOutcome]
    gates: Sequence[SuiteGateResult] = ()
    noise: Sequence[NoiseResult] = ()
    outside_noise: Sequence[tuple[str, float]] = ()
    stopped: EarlyStop | None = None

    @cached_property
    def counts(self) -> Mapping[Verdict, int]:
        """Cases by verdict; verdicts that no case has are left out."""
        found = Counter(Verdict(case.verdict) for case in self.cases)
        return {verdict: found[verdict] for verdict in Verdict if found[verdict]}

    @cached_property
    def judged(self) -> Sequence[CaseOutcome]:
        """The cases that were compared with a baseline."""
        return [case for case in self.cases if case.judged]

    @cached_property
    def pass_rate(self) -> float | None:
        """Share of the judged cases without a breach; None when none was judged."""
        kept = sum(case.verdict != Verdict.BREACHED for case in self.judged)
        return kept / len(self.judged) if self.judged else None

    def values(self, term: str) -> list[float]:
        """The scores of one term, of the cases that have it."""
        return [case.scores[term] for case in self.judged if term in case.scores]

    def mean(self, term: str) -> float | None:
        """The mean score of one term; None when no case has it."""
        values = self.values(term)
        return statistics.fmean(values) if values else None

    @property
    def breached_gates(self) -> list[SuiteGateResult | NoiseResult]:
        """The suite gates that were not met, and what was lost beyond the noise."""
        results: list[SuiteGateResult | NoiseResult] = [*self.gates, *self.noise]
        return [result for result in results if not result.met]

    @property
    def failed(self) -> bool:
        """Whether anything about this version fails the run."""
        return bool(self.breached_gates) or any(not case.passed for case in self.cases)

    @property
    def noise_state(self) -> str:
        """What is said of the version under noise: the worst that is said of a metric; empty where nothing is."""
        states = {result.state for result in self.noise}
        return next((state for state in (REGRESSED, UNDECIDED, PASSED) if state in states), "")

    @cached_property
    def findings(self) -> Mapping[str, int]:
        """How many cases each signal found something in, most first."""
        return dict(Counter(name for case in self.cases for name in case.findings).most_common())

    @cached_property
    def warnings(self) -> Mapping[str, list[str]]:
        """The examples that each signal warns of."""
        found: dict[str, list[str]] = {}
        for case in self.cases:
            for name in case.warnings:
                found.setdefault(name, []).append(case.example)
        return found

    def worst(self, terms: Sequence[str], limit: int, known: Mapping[str, MetricInfo]) -> list[CaseOutcome]:
        """The judged cases that lost most, by the first term that tells them apart; unchanged ones never.

        Under noise those come first that lie outside of it: what varies much by itself need have lost nothing.

        :param known: the suite's metrics: which end of a scale is the good one.
        """
        changed = [case for case in self.cases if case.judged and case.verdict != Verdict.UNCHANGED]
        unusual = dict(self.outside_noise)

        def harm(case: CaseOutcome) -> tuple[bool, float, list[float]]:
            return (
                case.verdict != Verdict.BREACHED,
                unusual.get(case.example, 1.0),
                [goodness(term, case.scores[term], known) if term in case.scores else math.inf for term in terms],
            )

        return sorted(changed, key=harm)[:limit]


@dataclass(frozen=True)
class SuiteOutcome:
    """One suite of the run.

    :param baseline: as it was when the run began; None when there was none.
    :param stale: ids of baseline records whose example is no longer declared.
    :param plan: what a refresh or prune proposes for the baseline file; None when none was asked for.
    :param selected: how many of its cases were selected to run.
    """

    spec: SuiteSpec
    baseline: Baseline | None
    versions: Sequence[VersionOutcome]
    stale: Sequence[str] = ()
    plan: Plan | None = None
    selected: int = 0

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """Every term that any of its cases was scored by, the suite's own first."""
        of_rows = (term for version in self.versions for case in version.cases for term in case.scores)
        return tuple(dict.fromkeys([*self.spec.terms, *of_rows]))

    @property
    def ran(self) -> int:
        """How many cases have an outcome."""
        return sum(len(version.cases) for version in self.versions)

    @property
    def declared(self) -> int:
        """How many cases there are of the versions that ran, selected or not."""
        return max(self.selected, len(self.spec.examples) * len(self.versions))

    @property
    def baseline_label(self) -> str | None:
        """The accepted version's label."""
        prompt = self.baseline_prompt()
        return prompt.label if prompt else None

    @property
    def baseline_name(self) -> str | None:
        """What the baseline is of: the accepted version's label, or what is in production, where it must be that."""
        production = self.spec.production
        if production is None or self.baseline is None:
            return self.baseline_label
        of_it = production.stored_in(self.baseline) is not None
        return str(production) if of_it else f"{self.baseline_label}, not {production}"

    def baseline_prompt(self) -> PromptVersion | None:
        """The accepted version's prompt as the baseline file has it."""
        if self.baseline is None:
            return None
        production = self.spec.production
        return (production.stored_in(self.baseline) if production else None) or self.baseline.prompt

    def delta(self, version: VersionOutcome, term: str) -> float | None:
        """The version's mean minus the baseline version's in this run; minus a perfect score where that did not run."""
        mean = version.mean(term)
        if mean is None:
            return None
        own = next((other for other in self.versions if other.version.label == self.baseline_label), None)
        against = own.mean(term) if own else None
        return mean - (self.spec.perfect(term) if against is None else against)

    @property
    def failed(self) -> bool:
        """Whether anything about this suite fails the run."""
        return any(version.failed for version in self.versions)


@dataclass(frozen=True)
class RunOutcome:
    """The whole run.

    :param lost: node ids of cases that were collected and never reported.
    :param orphans: baseline files whose test function is no longer declared.
    :param refreshed: whether this run was asked to make outputs accepted: gates are shown and do not fail it.
    :param rescored: whether it renewed how stored outputs are scored, and ran no case.
    :param left_out: declared suites of which no case was selected.
    :param interrupted: whether it ended before its last case.
    :param calls: what was retried and waited for.
    """

    suites: Sequence[SuiteOutcome]
    started: float
    ended: float
    lost: Sequence[str] = ()
    orphans: Sequence[str] = ()
    refreshed: bool = False
    rescored: bool = False
    left_out: Sequence[SuiteSpec] = ()
    interrupted: bool = False
    calls: Tally = field(default_factory=Tally)

    @property
    def breached_gates(self) -> list[tuple[SuiteOutcome, VersionOutcome, SuiteGateResult | NoiseResult]]:
        """Every suite gate that was not met."""
        return [
            (suite, version, result)
            for suite in self.suites
            for version in suite.versions
            for result in version.breached_gates
        ]

    @property
    def is_empty(self) -> bool:
        """Whether no case ran, and none was lost."""
        return not self.lost and not any(suite.versions for suite in self.suites)

    @property
    def failed(self) -> bool:
        """Whether the run failed for anything that this plugin judges."""
        return bool(self.lost) or any(suite.failed for suite in self.suites)

    def to_frame(self) -> pd.DataFrame:
        """A row for each case, with its scores and findings; the columns are those of :mod:`frames`."""
        from .frames import frame_of

        return frame_of(self)


def version_outcome(
    spec: SuiteSpec,
    version: PromptVersion,
    cases: Iterable[CaseOutcome],
    *,
    gated: bool,
    stopped: EarlyStop | None = None,
) -> VersionOutcome:
    """The cases of one version with its suite gates judged.

    :param gated: False in a refresh, where gates must not fail what a person accepts.
    :param stopped: where it was stopped early: of its suite gates, only one that is lost for good is told.
    """
    order = {example.id: position for position, example in enumerate(spec.examples)}
    ordered = sorted(cases, key=lambda case: order.get(case.example, len(order)))
    gates: tuple[SuiteGateResult, ...] = ()
    if gated and ordered:
        gates = judge_suite(
            spec.gates,
            [case.scores for case in ordered if case.judged],
            [Verdict(case.verdict) for case in ordered],
        )
    if stopped is not None:
        gates = tuple(result for result in gates if result.gate.metric is None and not result.met)
    return VersionOutcome(version, ordered, gates, stopped=stopped)
