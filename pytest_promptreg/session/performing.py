"""The part of a process that collects suites and runs cases: declared, selected, called, judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from ..baselines import baseline as baseline_file
from ..baselines.baseline import Baseline
from ..calls import Predict, Progress, Runner, Terms
from ..calls.ahead import LookAhead
from ..calls.words import Tell, Words, keep_silent
from ..errors import ConfigError, MetricError
from ..judging.scoring import Scorer
from ..metrics.builtin import BuiltinMetrics
from ..model import CaseKey, Key
from ..redaction.declared import redacted_baseline, redacted_suite
from ..settings import Settings
from ..spending.budget import Budget
from ..spending.planning import CallPlan, plan_calls
from ..suites.metrics import SuiteMetrics
from ..suites.suite import SuiteSpec
from ..tracking.traces.capture import Capture
from .case import PromptregCase
from .choosing import Choice
from .suite_run import SuiteRun

if TYPE_CHECKING:
    from ..judging.stopping import Stopping
    from ..replay.replaying import Replay
    from ..spending.outlay import Outlay

_WORKER_WINDOW = 2  # times the calls in flight


@dataclass
class Performer:
    """Suites as they are declared and run in this process.

    :param declared: suites as they were declared; every other mention of one is of what is redacted.
    :param tell: says again what a call printed and logged.
    :param bit_by_bit: whether the process learns what it will run only as it goes, as a worker of xdist does.
    """

    settings: Settings
    bit_by_bit: bool = False
    declared: dict[str, SuiteSpec] = field(default_factory=dict)
    bases: dict[str, SuiteSpec] = field(default_factory=dict)
    suites: dict[str, SuiteSpec] = field(default_factory=dict)
    baselines: dict[str, Baseline | None] = field(default_factory=dict)
    selected: dict[str, list[CaseKey]] = field(default_factory=dict)
    predicts: dict[str, object] = field(default_factory=dict)
    tell: Tell = keep_silent

    def __post_init__(self) -> None:
        tracking = self.settings.tracking
        self.capture = (
            Capture(tracking.traces, self.settings.redactor)
            if tracking is not None and tracking.traces != "off"
            else None
        )
        settings = self.settings
        # A worker's queue may be shared out anew: what it has called for already, it keeps to itself.
        window = _WORKER_WINDOW * settings.concurrency if self.bit_by_bit else 0
        self.runner = Runner(Terms(settings.concurrency, settings.timeout_s, settings.retries, settings.rate, window))
        self.own_metrics: dict[str, SuiteMetrics] = {}
        self._builtin = BuiltinMetrics(self.settings.metric_settings)
        self._runs: dict[str, SuiteRun] = {}
        self._files: dict[str, str] = {}  # by the path of a baseline in small letters, its suite
        self.choice = Choice(settings, self.suites, self.baselines)
        self.stopping: Stopping | None = None
        self.plan = CallPlan()
        self.replay = self._recorded_outputs()
        self._outlay = self._prices_and_budget()

    # -- declaring

    def declare(self, spec: SuiteSpec, predict: object, metrics: SuiteMetrics) -> None:
        """A marked function was collected; its variants are not known yet.

        :raises RedactionError: when what it declares cannot be redacted.
        """
        self.declared[spec.id] = spec
        self.bases[spec.id] = redacted_suite(spec, self.settings.redactor)
        self.predicts[spec.id] = predict
        self.own_metrics[spec.id] = metrics

    def variant(self, base_id: str, variant: str) -> SuiteSpec:
        """The suite of one combination of the function's other parameters, with its baseline read.

        :raises BaselineError: when the baseline cannot be trusted.
        :raises ConfigError: when its file would be another suite's where small and capital letters are one.
        :raises RedactionError: when it cannot be redacted.
        """
        spec = self.bases[base_id].with_variant(variant)
        if spec.id not in self.suites:
            self._refuse_one_file(spec)
            stored = redacted_baseline(baseline_file.load(spec.baseline_path), self.settings.redactor)
            self.baselines[spec.id] = stored
            self.declared[spec.id] = self.declared[base_id]
            # A refresh signs the metrics by which the next runs are judged.
            known = None if self.settings.refreshing else stored
            generations = self.settings.samples or self.settings.baseline_samples or spec.samples
            self.suites[spec.id] = spec.judged_by(known, generations)
            self.predicts[spec.id] = self.predicts[base_id]
            self.own_metrics[spec.id] = self.own_metrics[base_id]
        return self.suites[spec.id]

    def _refuse_one_file(self, spec: SuiteSpec) -> None:
        other = self._files.setdefault(str(spec.baseline_path).casefold(), spec.id)
        if other != spec.id:
            raise ConfigError(
                f"{spec.id} and {other} differ in small and capital letters alone: on macOS and Windows their "
                "baselines are one file",
                where=spec.where,
                next_step="rename one of them",
            )

    # -- selecting

    def select(self, keys: Iterable[CaseKey]) -> None:
        """The cases that this process was given to run, in order; what they are going to call is known from here on.

        :raises ReplayError: when the file of recorded outputs cannot be read.
        """
        self.selected = {}
        for key in keys:
            self.selected.setdefault(key.suite, []).append(key)
        if not self.settings.rescore:
            self.plan = plan_calls((self.run_of(suite), keys) for suite, keys in self.selected.items())
        if self.settings.stop_early:
            from ..judging.stopping import Stopping

            self.stopping = Stopping(self.settings, self._runs, self.selected)

    def check_promotion(self) -> None:
        """Refuse a run that is to promote a version and could not, before it calls for anything.

        :raises TrackingError: saying what stands against it.
        """
        if self.settings.promote is not None and self.selected:
            from ..tracking.release import refuse_promotion_of

            refuse_promotion_of(self.selected, self.suites)

    # -- running

    def run_of(self, suite_id: str) -> SuiteRun:
        """The suite's runtime in this process."""
        if suite_id not in self._runs:
            spec = self.suites[suite_id]
            self._runs[suite_id] = SuiteRun(
                spec,
                self.baselines[suite_id],
                self.runner,
                Scorer(self._builtin, self.own_metrics[suite_id].own, spec.known),
                refreshing=self.settings.refreshing,
                verbose=self.settings.verbose,
                capture=self.capture,
                tell=self._say,
                replay=self.replay,
                outlay=self._outlay,
                is_stopped=self._is_stopped,
                redactor=self.settings.redactor,
                declared=self.declared[suite_id],
            )
        return self._runs[suite_id]

    def open_case(
        self,
        key: CaseKey,
        predict: Predict | None,
        upcoming: LookAhead,
        *,
        fail: Callable[[str], NoReturn],
        on_wait: Callable[[Progress], None] | None,
    ) -> PromptregCase:
        """The case for its test, with its output awaited and judged where there is a predict.

        :param upcoming: tells the cases of the same suite that this process will run, which are called ahead. Asked
            when this case was not called ahead itself, or a worker's calls run dry.
        :raises BaseException: what predict raised.
        """
        run = self.run_of(key.suite)
        case = PromptregCase(run, key, fail)
        if predict is None:
            return case
        case.attach_predict(predict)
        if not self.settings.refreshing and run.against.obstacle(key):
            case.decide(run.judge.not_called(key))
            return case
        news = not run.is_called(key) or (self.bit_by_bit and self.runner.exhausted(key.suite))
        run.call(predict, key)
        if news and self.settings.concurrency > 1:
            run.call_ahead(predict, key, upcoming if self.stopping is None else self.stopping.until_look(upcoming))
        case.take(run.outputs(key, on_wait))
        return case

    def _is_stopped(self, key: Key) -> bool:
        return self.stopping is not None and self.stopping.is_stopped(key)

    def _say(self, words: Words) -> None:
        """Who says what a call printed is known only when the first case runs."""
        self.tell(words)

    def stand_in(self, suite_id: str) -> Predict | None:
        """In place of predict, where every output of a suite is recorded or nothing may be called; else None."""
        if self.replay is None or not self.suites[suite_id].subject:
            return None
        if not self.replay.never_calls and suite_id not in self.plan.gapless:
            return None
        from ..replay.replaying import no_predict

        return no_predict

    def _recorded_outputs(self) -> Replay | None:
        if self.settings.replay == "off":
            return None
        from ..replay.replaying import Replay

        return Replay(self.settings.replay, self.settings.replay_file, self.suites)

    def _prices_and_budget(self) -> Outlay | None:
        settings = self.settings
        if not settings.prices and not settings.limits:
            return None
        from ..spending.outlay import Outlay

        # Workers of xdist count together: which of them runs a case is nobody's to say.
        run = settings.registry.run if self.bit_by_bit else ""
        budget = Budget(settings.limits, run=run, rootdir=settings.rootdir) if settings.limits else None
        return Outlay(settings.prices, budget)

    def own_signatures(self) -> dict[str, dict[str, str]]:
        """By suite, the signatures of its own metrics; told only where a baseline is to be written, or a shard merged.

        A metric that fails to tell is left out, and the baseline not written.
        """
        found: dict[str, dict[str, str]] = {}
        told = self.settings.writes or self.settings.shard
        for suite_id, run in self._runs.items() if told else ():
            for name in self.own_metrics[suite_id].own:
                with suppress(MetricError):
                    found.setdefault(suite_id, {})[name] = run.scorer.signature(name)
        return found

    def stop(self) -> None:
        """Start no more calls."""
        self.runner.stop()
        if self.capture is not None:
            self.capture.stop()
        if self.replay is not None:
            self.replay.close()
