"""The part of a process that gathers outcomes and concludes the run: one writer, one tracker, one exit status."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..baselines.applying import stopped
from ..baselines.baseline import Baseline
from ..baselines.storing import Storing
from ..calls.tally import Tally
from ..errors import PartlyRecordedError, PromptregError, ReplayError, TrackingError
from ..files import display_path
from ..judging.gates import SuiteGateResult
from ..judging.noise_result import RATE, NoiseResult
from ..metrics.builtin import BuiltinMetrics
from ..model import CaseKey
from ..report.noise import sentence
from ..results.origin import Origin
from ..results.outcome import CaseOutcome, EarlyStop, RunOutcome, SuiteOutcome, VersionOutcome, version_outcome
from ..settings import Settings
from ..suites.suite import SuiteSpec
from ..tracking import REQUIRED_KEY
from ..tracking.release import Release

_LOST = 20  # that are named: when all workers die, it is every case there is


@dataclass
class Declaration:
    """What the processes that collected agreed on.

    :param selected: keys of the cases that were to run.
    :param expected: their node ids, and only theirs.
    :param orphans: baseline files that belong to no declared suite.
    :param notices: what a person must be told about how prompts were come by.
    :param signatures: by suite, those of metrics that only the processes that ran it can tell: its own.
    :param whole: in a shard, node ids of every case that was selected, whichever shard runs it.
    :param calls: what the processes that ran had to retry and wait for.
    :param stops: by suite and version, where it was stopped early.
    :param moved: suites whose baseline is another one by now than their cases were compared with.
    """

    suites: Mapping[str, SuiteSpec]
    baselines: Mapping[str, Baseline | None]
    selected: Mapping[str, Sequence[CaseKey]]
    expected: Collection[str]
    orphans: Sequence[Path] = ()
    signatures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    calls: Tally = field(default_factory=Tally)
    notices: Sequence[str] = ()
    whole: Mapping[CaseKey, str] = field(default_factory=dict)
    stops: Mapping[tuple[str, str], EarlyStop] = field(default_factory=dict)
    moved: Collection[str] = ()


@dataclass
class Conclusion:
    """What concluding a run came to, for the summary.

    :param notes: what was written where.
    :param problems: what could not be done although it was asked for; each fails the run when ``fatal``.
    :param pruned: whether what was stale has been removed.
    :param origin: the command and the commit, where a report is to say them.
    :param page: the web page as it was drawn last, with what it told: MLflow and a file can both want it.
    """

    run: RunOutcome
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    fatal: bool = False
    pruned: bool = False
    origin: Origin = field(default_factory=Origin)
    page: tuple[object, str] | None = field(default=None, repr=False, compare=False)

    @property
    def fails_run(self) -> bool:
        """Whether the run must fail for something that no test failed for."""
        return self.fatal or bool(self.run.lost) or bool(self.run.breached_gates)

    @property
    def missed_gates(self) -> list[tuple[SuiteOutcome, VersionOutcome, SuiteGateResult | NoiseResult]]:
        """The suite gates that were not met; one with nothing to judge counts only where no failed test says why.

        What a version lost under noise is one of them, in however many metrics it shows.
        """
        found: dict[tuple[str, str], tuple[SuiteOutcome, VersionOutcome, SuiteGateResult | NoiseResult]] = {}
        for suite, version, result in self.run.breached_gates:
            if result.value is not None or not any(not case.passed for case in version.cases):
                found.setdefault((suite.spec.id, _reason(version, result)), (suite, version, result))
        return list(found.values())

    @property
    def reasons(self) -> list[str]:
        """Why the run fails although no test did, a line each."""
        lines = [f"{suite.spec.name}, {_reason(version, result)}" for suite, version, result in self.missed_gates]
        lines += [f"collected and never reported: {nodeid}" for nodeid in self.run.lost[:_LOST]]
        if more := len(self.run.lost[_LOST:]):
            lines.append(f"and {more} more that were collected and never reported")
        return lines


def _reason(version: VersionOutcome, result: SuiteGateResult | NoiseResult) -> str:
    """A gate that was not met with its number; metrics under noise together, in the sentence on their version."""
    if isinstance(result, NoiseResult) and result.mode != RATE:
        return sentence(version)
    return f"{version.version.label}: {result}"


class Concluder:
    """Gathers what is reported; the last attempt of a case counts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started = time.time()
        self.ended: float | None = None  # set where the cases ran before this process began
        self.storing = Storing(settings, BuiltinMetrics(settings.metric_settings))
        self._outcomes: dict[CaseKey, CaseOutcome] = {}

    def gather(self, outcome: CaseOutcome) -> None:
        """A case was reported."""
        self._outcomes[outcome.key] = outcome

    @property
    def any_reported(self) -> bool:
        """Whether a case of ours has an outcome."""
        return bool(self._outcomes)

    def conclude(
        self,
        declaration: Declaration,
        *,
        interrupted: bool,
        unreported: Collection[str],
        track: Callable[[Conclusion], list[str]] | None,
        publish: Callable[[Conclusion], Release] | None = None,
        refuse: Callable[[RunOutcome], None] | None = None,
    ) -> Conclusion:
        """Judge the suites, apply what a refresh or prune asked for, and record the run.

        An interrupted run writes no baseline: half of a refresh is none.

        :param unreported: node ids of tests, ours and others', that were to run and that nobody reported.
        :param track: records the run, of which something ran, and says where; raises TrackingError.
        :param publish: registers what was tested and moves an alias; raises TrackingError.
        :param refuse: raises where nothing may be written of what is planned.
        """
        missing = frozenset() if interrupted else frozenset(unreported)
        lost = [nodeid for nodeid in declaration.expected if nodeid in missing]
        problems: list[str] = []
        suites = []
        for spec in declaration.suites.values():
            if not declaration.selected.get(spec.id) and not self.settings.prune:
                continue
            suites.append(self._suite(spec, declaration, problems, interrupted=interrupted))
        run = RunOutcome(
            suites=suites,
            started=self.started,
            ended=time.time() if self.ended is None else self.ended,
            lost=lost,
            orphans=[display_path(path) for path in declaration.orphans],
            refreshed=self.settings.refreshing,
            rescored=self.settings.rescore,
            left_out=[spec for spec in declaration.suites.values() if not declaration.selected.get(spec.id)],
            interrupted=interrupted,
            calls=declaration.calls,
        )
        conclusion = Conclusion(run, problems=problems, fatal=bool(problems))
        if refuse is not None:
            refuse(run)
        self.storing.apply(declaration, conclusion)
        conclusion.problems += stopped(self.settings.rootdir)
        if self.settings.replay != "off":
            self._tell_of_recorded(declaration, conclusion)
        conclusion.problems += declaration.notices
        if publish is not None:
            try:
                release = publish(conclusion)
            except TrackingError as exc:
                conclusion.problems.append(str(exc))
                conclusion.fatal = True
            else:
                conclusion.run = release.run
                conclusion.notes += release.lines
        self._redact(conclusion)
        if track is not None and not run.is_empty:
            try:
                conclusion.notes += track(conclusion)
            except TrackingError as exc:
                how = "recorded in part" if isinstance(exc, PartlyRecordedError) else "not recorded in MLflow"
                conclusion.problems.append(f"{how}: {exc}")
                if self.settings.tracking is not None and self.settings.tracking.required:
                    conclusion.problems.append(f"{REQUIRED_KEY} = true: without its record the run fails")
                    conclusion.fatal = True
        self._redact(conclusion)
        return conclusion

    def _redact(self, conclusion: Conclusion) -> None:
        conclusion.problems = [self.settings.redactor.message(problem) for problem in conclusion.problems]

    def _tell_of_recorded(self, declaration: Declaration, conclusion: Conclusion) -> None:
        from ..replay.ending import conclude

        prune = self.settings.prune and not conclusion.run.interrupted
        try:
            conclusion.notes += conclude(self.settings.replay_file, declaration.suites, prune=prune)
        except ReplayError as exc:
            conclusion.problems.append(str(exc))
            conclusion.fatal = True

    def _suite(
        self, spec: SuiteSpec, declaration: Declaration, problems: list[str], *, interrupted: bool
    ) -> SuiteOutcome:
        stored = declaration.baselines[spec.id]
        cases: dict[str, list[CaseOutcome]] = {}
        for key in declaration.selected.get(spec.id, ()):
            if outcome := self._outcomes.get(key):
                cases.setdefault(key.version, []).append(outcome)
        part = self.settings.shard is not None  # it sees too little to judge a suite's gates, and writes no baseline
        gated = not self.settings.refreshing and not part
        versions = [
            version_outcome(
                spec,
                version,
                cases[version.label],
                gated=gated,
                stopped=declaration.stops.get((spec.id, version.label)),
            )
            for version in spec.versions
            if version.label in cases
        ]
        if gated and spec.noise_terms:
            from ..judging.under_noise import judge

            orders: dict[str, list[str]] = {}
            for key in declaration.selected.get(spec.id, ()):
                orders.setdefault(key.version, []).append(key.example)
            versions = judge(spec, versions, stored, self.settings, orders if self.settings.stop_early else None)
        stale = spec.stale_records(stored)
        plan = None
        if not interrupted and self.settings.writes and not part:
            try:
                plan = self.storing.plan(spec, declaration, cases, stale)
            except PromptregError as exc:
                problems.append(f"{spec.name}: the baseline was not written: {exc}")
        return SuiteOutcome(spec, stored, versions, stale, plan, len(declaration.selected.get(spec.id, ())))
