"""The part of a process that gathers outcomes and concludes the run: one writer, one tracker, one exit status."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .baseline import Baseline, Plan, plan_refresh, plan_rescore, prune
from .errors import BaselineError, MetricError, PromptregError, TrackingError
from .files import display_path
from .gates import Verdict, metric_of
from .metrics import METRICS
from .model import CaseKey, ScoredCase
from .outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from .report.escape import one_line
from .scoring import Comparison, Scorer, builtin_metrics
from .settings import Settings
from .suites import SuiteSpec
from .tracking.release import Release


@dataclass
class Declaration:
    """What the processes that collected agreed on.

    :param selected: keys of the cases that were to run.
    :param expected: their node ids, and only theirs.
    :param orphans: baseline files that belong to no declared suite.
    :param notices: what a person must be told about how prompts were come by.
    :param own_signatures: by suite, the signatures of its own metrics, which only the processes that ran it have.
    """

    suites: Mapping[str, SuiteSpec]
    baselines: Mapping[str, Baseline | None]
    selected: Mapping[str, Sequence[CaseKey]]
    expected: Collection[str]
    orphans: Sequence[Path] = ()
    own_signatures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notices: Sequence[str] = ()


@dataclass
class Conclusion:
    """What concluding a run came to, for the summary.

    :param notes: what was written where.
    :param problems: what could not be done although it was asked for; each fails the run when ``fatal``.
    :param pruned: whether what was stale has been removed.
    """

    run: RunOutcome
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    fatal: bool = False
    pruned: bool = False

    @property
    def fails_run(self) -> bool:
        """Whether the run must fail for something that no test failed for."""
        return self.fatal or bool(self.run.lost) or bool(self.run.breached_gates)

    @property
    def reasons(self) -> list[str]:
        """Why the run fails although no test did, a line each."""
        lines = [
            f"{suite.spec.name}, {version.version.label}: {result}"
            for suite, version, result in self.run.breached_gates
            if result.value is not None or not any(not case.passed for case in version.cases)
        ]
        lines += [f"collected and never reported: {nodeid}" for nodeid in self.run.lost]
        return lines


class Concluder:
    """Gathers what is reported; the last attempt of a case counts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.started = time.time()
        self._outcomes: dict[CaseKey, CaseOutcome] = {}
        self._builtin = builtin_metrics(settings.metric_settings)

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
        track: Callable[[RunOutcome], list[str]] | None,
        publish: Callable[[RunOutcome], Release] | None = None,
    ) -> Conclusion:
        """Judge the suites, apply what a refresh or prune asked for, and record the run.

        An interrupted run writes no baseline: half of a refresh is none.

        :param unreported: node ids of tests, ours and others', that were to run and that nobody reported.
        :param track: records the run and says where; raises TrackingError.
        :param publish: registers what was tested and moves an alias; raises TrackingError.
        """
        lost = [] if interrupted else [nodeid for nodeid in declaration.expected if nodeid in unreported]
        problems: list[str] = []
        suites = []
        for spec in declaration.suites.values():
            if not declaration.selected.get(spec.id) and not self.settings.prune:
                continue
            suites.append(self._suite(spec, declaration, problems, interrupted=interrupted))
        run = RunOutcome(
            suites=suites,
            started=self.started,
            ended=time.time(),
            lost=lost,
            orphans=[display_path(path) for path in declaration.orphans],
            refreshed=self.settings.refreshing,
            rescored=self.settings.rescore,
            left_out=[spec for spec in declaration.suites.values() if not declaration.selected.get(spec.id)],
            interrupted=interrupted,
        )
        conclusion = Conclusion(run, problems=problems, fatal=bool(problems))
        self._apply(declaration, conclusion)
        conclusion.problems += declaration.notices
        if publish is not None:
            try:
                release = publish(run)
            except TrackingError as exc:
                conclusion.problems.append(str(exc))
                conclusion.fatal = True
            else:
                run = release.run
                conclusion.notes += release.lines
        if track is not None:
            try:
                conclusion.notes += track(run)
            except TrackingError as exc:
                conclusion.problems.append(f"not recorded in MLflow: {exc}")
                conclusion.fatal |= self.settings.tracking is not None and self.settings.tracking.required
        return conclusion

    def _suite(
        self, spec: SuiteSpec, declaration: Declaration, problems: list[str], *, interrupted: bool
    ) -> SuiteOutcome:
        stored = declaration.baselines[spec.id]
        cases: dict[str, list[CaseOutcome]] = {}
        for key in declaration.selected.get(spec.id, ()):
            if outcome := self._outcomes.get(key):
                cases.setdefault(key.version, []).append(outcome)
        versions = [
            version_outcome(spec, version, cases[version.label], gated=not self.settings.refreshing)
            for version in spec.versions
            if version.label in cases
        ]
        stale = spec.stale_records(stored)
        plan = None
        if not interrupted and self.settings.writes:
            try:
                plan = self._plan(spec, declaration, cases, stale)
            except PromptregError as exc:
                problems.append(f"{spec.name}: the baseline was not written: {exc}")
        return SuiteOutcome(spec, stored, versions, stale, plan, len(declaration.selected.get(spec.id, ())))

    def _plan(
        self,
        spec: SuiteSpec,
        declaration: Declaration,
        cases: Mapping[str, Sequence[CaseOutcome]],
        stale: Sequence[str],
    ) -> Plan:
        stored = declaration.baselines[spec.id]
        plan = Plan(spec.baseline_path, stored, stored)
        if self.settings.rescore and stored is not None:
            plan = plan_rescore(spec.baseline_path, stored, self._signatures(spec, declaration))
        if self.settings.refreshing and cases:
            (label,) = cases  # a refresh runs one version of a suite
            accepted = {}
            refused = dict.fromkeys(
                (key.example for key in declaration.selected.get(spec.id, ())),
                "its test was skipped, or ended without a result",
            )
            for case in cases[label]:
                refused.pop(case.example, None)
                if reason := _reason_to_refuse(case):
                    refused[case.example] = reason
                elif case.output is not None:
                    accepted[case.example] = case.output
            plan = plan_refresh(
                spec.baseline_path,
                stored,
                spec.version_by_label[label],
                accepted,
                examples=spec.examples,
                signatures=self._signatures(spec, declaration) if accepted else {},
                refused=refused,
                add=self.settings.add,
                only=self.settings.accept is not None and not self.settings.add,
                alone=spec.production is not None,
            )
        return prune(plan, stale) if self.settings.prune else plan

    def _signatures(self, spec: SuiteSpec, declaration: Declaration) -> dict[str, str]:
        """What shapes the scores of each metric that the suite names.

        :raises MetricError: when a metric cannot be had.
        """
        own = declaration.own_signatures.get(spec.id, {})
        scorer = Scorer(self._builtin)
        signatures = {}
        for metric in spec.all_metrics:
            if metric not in spec.own:
                signatures[metric] = scorer.signature(metric)
                if METRICS[metric].room == "embedding":
                    scorer.try_out(metric)
            elif metric in own:
                signatures[metric] = own[metric]
            else:
                raise MetricError(
                    f"the metric {metric} gave no signature: none of the suite's cases was set up",
                    next_step="select at least one of them that is not skipped",
                )
        return signatures

    def _apply(self, declaration: Declaration, conclusion: Conclusion) -> None:
        if conclusion.run.interrupted:
            if self.settings.writes:
                conclusion.problems.append("the run ended early, so no baseline was written")
            return
        for suite in conclusion.run.suites:
            if suite.plan is None:
                continue
            path = display_path(suite.plan.path)
            try:
                suite.plan.apply()
            except BaselineError as exc:
                conclusion.problems.append(str(exc))
                conclusion.fatal = True
                continue
            if suite.plan.writes and suite.plan.after is None:
                conclusion.notes.append(f"baseline removed: {path} ({suite.plan})")
            elif suite.plan.writes:
                conclusion.notes.append(f"baseline written: {path} ({_what_was_stored(suite)})")
            else:
                state = "baseline as it was" if suite.plan.before else "no baseline written"
                conclusion.notes.append(f"{state}: {path} ({suite.plan})")
            conclusion.notes += self._what_was_rescored(suite)
            conclusion.notes += [
                f"  not written: {one_line(example)}: {one_line(why)}" for example, why in suite.plan.refused.items()
            ]
        if self.settings.prune:
            conclusion.pruned = True
            for orphan in declaration.orphans:
                self._remove(orphan, conclusion)

    def _what_was_rescored(self, suite: SuiteOutcome) -> list[str]:
        """Each renewed signature, and on which level the stored outputs now lie, where there are references."""
        plan = suite.plan
        if plan is None or plan.before is None or plan.after is None:
            return []
        told = []
        for name in plan.rescored:
            told.append(f"  {name}: then {plan.before.signatures.get(name, 'not scored')}")
            told.append(f"  {' ' * len(name)}  now  {plan.after.signatures[name]}")
        if not self.settings.rescore:
            return told
        try:
            found = self._reference_scores(suite.spec, plan.after)
        except MetricError as exc:  # the signatures are written; what they lead to can be told another time
            return [*told, f"  the stored outputs could not be scored: {one_line(str(exc))}"]
        for name, scores in found.items():
            told.append(
                f"  {name} of the stored outputs against their references: mean {statistics.fmean(scores):.3f}, "
                f"lowest {min(scores):.3f} ({len(scores)} examples)"
            )
        return told

    def _reference_scores(self, spec: SuiteSpec, stored: Baseline) -> dict[str, list[float]]:
        names = [metric_of(gate.term) for gate in spec.gates if gate.is_drop and metric_of(gate.term) not in spec.own]
        comparisons = [
            Comparison(stored.records[example.id].outputs[0], example.reference, None, (name,), ScoredCase(example))
            for name in dict.fromkeys(names)
            for example in spec.examples
            if example.reference is not None and example.id in stored.records
        ]
        found: dict[str, list[float]] = {}
        for comparison, scores in zip(comparisons, Scorer(self._builtin).score(comparisons), strict=True):
            found.setdefault(comparison.terms[0], []).append(scores[comparison.terms[0]])
        return found

    @staticmethod
    def _remove(orphan: Path, conclusion: Conclusion) -> None:
        try:
            orphan.unlink(missing_ok=True)
            if not any(orphan.parent.iterdir()):
                orphan.parent.rmdir()
        except OSError as exc:
            conclusion.problems.append(f"{display_path(orphan)}: it cannot be removed: {exc.strerror}")
            conclusion.fatal = True
        else:
            conclusion.notes.append(f"baseline removed: {display_path(orphan)} (its test is gone)")


def _what_was_stored(suite: SuiteOutcome) -> str:
    """The version and the counts; an accept that was narrowed leaves the baseline's version, and says so."""
    plan = suite.plan
    assert plan is not None  # noqa: S101  only suites with a plan are applied
    ran = suite.versions[0].version.label if suite.versions else plan.after_label
    stays = "" if ran == plan.after_label else f"; the baseline stays {plan.after_label}"
    return f"{ran}: {plan}{stays}"


def _reason_to_refuse(case: CaseOutcome) -> str | None:
    """Why a case that was run must not become the baseline."""
    if case.verdict == Verdict.ERROR or case.output is None:
        return case.message.splitlines()[0] if case.message else "there is no output"
    if not case.passed:
        return "its test failed"
    return None
