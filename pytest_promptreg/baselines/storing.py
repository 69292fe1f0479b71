"""What concluding a run does to baseline files: planned, shown, then applied once."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..atomic import clear_unfinished
from ..errors import BaselineError, MetricError, PromptregError
from ..files import display_path
from ..judging import modes
from ..judging.gates import Verdict, metric_of
from ..judging.scoring import Comparison, Scorer
from ..metrics import METRICS
from ..metrics.builtin import BuiltinMetrics
from ..model import ScoredCase
from ..redaction.declared import redacted_baseline
from ..report.escape import one_line
from ..results.outcome import CaseOutcome, SuiteOutcome
from ..settings import Settings
from ..suites.suite import SuiteSpec
from ..tracking.clean import command
from .applying import Change, alone, noted, settle
from .baseline import Baseline, load
from .refreshing import Plan, moved, plan_refresh, plan_rescore, prune

if TYPE_CHECKING:
    from ..session.concluding import Conclusion, Declaration


class Storing:
    """Plans and writes baselines, as the settings ask.

    :param builtin: gives the built-in metric of a name.
    """

    def __init__(self, settings: Settings, builtin: BuiltinMetrics) -> None:
        self.settings = settings
        self._builtin = builtin
        self._changes: Sequence[Change] = ()  # that were begun

    def plan(
        self,
        spec: SuiteSpec,
        declaration: Declaration,
        cases: Mapping[str, Sequence[CaseOutcome]],
        stale: Sequence[str],
    ) -> Plan:
        """What is to become of a suite's baseline.

        :param cases: the outcomes by version.
        :raises PromptregError: when the metrics that it is to be scored by cannot be had, or the file has moved on.
        """
        if spec.id in declaration.moved:
            raise moved(spec.baseline_path)
        stored = declaration.baselines[spec.id]
        plan = Plan(spec.baseline_path, stored, stored)
        if self.settings.rescore and stored is not None:
            plan = plan_rescore(spec.baseline_path, stored, self.signatures(spec, declaration))
        if self.settings.refreshing and cases:
            (label,) = cases  # a refresh runs one version of a suite
            accepted: dict[str, Sequence[str]] = {}
            refused = dict.fromkeys(
                (key.example for key in declaration.selected.get(spec.id, ())),
                "its test was skipped, or ended without a result",
            )
            for case in cases[label]:
                refused.pop(case.example, None)
                if reason := _reason_to_refuse(case):
                    refused[case.example] = reason
                elif case.output is not None:
                    accepted[case.example] = case.generated
            plan = plan_refresh(
                spec.baseline_path,
                stored,
                spec.version_by_label[label],
                accepted,
                examples=spec.examples,
                signatures=self.signatures(spec.telling(accepted.values()), declaration) if accepted else {},
                refused=refused,
                add=self.settings.add,
                only=self.settings.accept is not None and not self.settings.add,
                alone=spec.production is not None,
            )
        return prune(plan, stale) if self.settings.prune else plan

    def signatures(self, spec: SuiteSpec, declaration: Declaration) -> dict[str, str]:
        """What shapes the scores of each metric that the suite names.

        :raises MetricError: when a metric cannot be had.
        """
        told = declaration.signatures.get(spec.id, {})
        scorer = Scorer(self._builtin)
        signatures = {}
        named = spec.all_metrics if spec.mode_named else sorted({*spec.all_metrics, *modes.every_metric()})
        for metric in named:
            if metric in told:
                signatures[metric] = told[metric]
            elif metric not in spec.own:
                signatures[metric] = scorer.signature(metric)
                if METRICS[metric].room == "embedding":
                    scorer.try_out(metric)
            else:
                raise MetricError(
                    f"the metric {metric} gave no signature: none of the suite's cases was set up",
                    next_step="select at least one of them that is not skipped",
                )
        return signatures

    def known_signatures(self, spec: SuiteSpec, declaration: Declaration, names: Set[str]) -> dict[str, str]:
        """The signatures of metrics that have scored already; one that cannot be told is left out."""
        found = dict(declaration.signatures.get(spec.id, {}))
        scorer = Scorer(self._builtin)
        for metric in names - spec.own.keys() - found.keys():
            with suppress(MetricError):
                found[metric] = scorer.signature(metric)
        return {metric: found[metric] for metric in sorted(found) if metric in names}

    def apply(self, declaration: Declaration, conclusion: Conclusion) -> None:
        """Apply the plans of a run, once, and note what was written; an interrupted run writes nothing."""
        if conclusion.run.interrupted:
            if self.settings.writes:
                conclusion.problems.append(self._what_an_interrupted_run_wrote())
            return
        if not self.settings.writes:
            return
        try:
            with alone(self.settings.rootdir):
                self._apply(declaration, conclusion)
        except BaselineError as exc:
            conclusion.problems.append(str(exc))
            conclusion.fatal = True

    def _apply(self, declaration: Declaration, conclusion: Conclusion) -> None:
        orphans = declaration.orphans if self.settings.prune else ()
        plans = [suite.plan for suite in conclusion.run.suites if suite.plan is not None]
        self._changes = [Change(plan.path, plan.text) for plan in plans if plan.writes]
        self._changes += [Change(orphan, None) for orphan in orphans]
        for path in (*(plan.path for plan in plans), *orphans):
            clear_unfinished(path)
        with noted(self.settings.rootdir, command(self.settings.invocation), self._changes):
            for suite in conclusion.run.suites:
                if suite.plan is not None:
                    self._apply_plan(suite, suite.plan, conclusion)
            for orphan in orphans:
                self._remove(orphan, conclusion)
        settle(self.settings.rootdir)
        conclusion.pruned = self.settings.prune

    def _apply_plan(self, suite: SuiteOutcome, plan: Plan, conclusion: Conclusion) -> None:
        path = display_path(plan.path)
        try:
            if plan.writes:
                plan.refuse_moved(self.now(plan.path))
            plan.apply()
        except PromptregError as exc:
            conclusion.problems.append(str(exc))
            conclusion.fatal = True
            return
        if plan.writes and plan.after is None:
            conclusion.notes.append(f"baseline removed: {path} ({plan})")
        elif plan.writes:
            conclusion.notes.append(f"baseline written: {path} ({_what_was_stored(suite)})")
        else:
            state = "baseline as it was" if plan.before else "no baseline written"
            conclusion.notes.append(f"{state}: {path} ({plan})")
        conclusion.notes += self._what_was_rescored(suite)
        conclusion.notes += [
            f"  not written: {one_line(example)}: {one_line(why)}" for example, why in plan.refused.items()
        ]

    def now(self, path: Path) -> Baseline | None:
        """What a baseline file says at this moment, redacted as it was when the run began.

        :raises PromptregError: when it cannot be read.
        """
        return redacted_baseline(load(path), self.settings.redactor)

    def _what_an_interrupted_run_wrote(self) -> str:
        """Of a run that was stopped while it concluded: what it has done by then is done."""
        if not self._changes or not (done := sum(change.is_done for change in self._changes)):
            return "the run ended early, so no baseline was written"
        return f"the run ended early, when {done} of {len(self._changes)} baselines were written"

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
