"""The part of a process that collects suites and runs cases: declared, selected, called, judged."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import baseline as baseline_file
from .baseline import Baseline
from .budget import Budget
from .calls import Predict, Progress, Runner, Terms
from .calls.ahead import LookAhead
from .calls.words import Tell, Words, keep_silent
from .case import PromptregCase
from .errors import BaselineError, ConfigError, MetricError, PromptregError, did_you_mean
from .files import display_path
from .metrics.builtin import BuiltinMetrics
from .model import CaseKey, Key
from .planning import CallPlan, plan_calls
from .production import Production
from .redaction.declared import redacted_baseline, redacted_suite
from .redaction.redactor import Redactor
from .report.escape import one_line, quoted, visible
from .scoring import Scorer
from .settings import Settings
from .sources.registry.addresses import registry_name
from .suite_metrics import SuiteMetrics
from .suite_run import SuiteRun
from .suites import SuiteSpec
from .text import count
from .tracking.traces import capture
from .tracking.traces.capture import Capture

if TYPE_CHECKING:
    from .outlay import Outlay
    from .replay.replaying import Replay
    from .stopping import Stopping

_MODULE_SUFFIXES = (".py", ".yaml", ".yml")  # of what may have declared the suites of a baseline
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

    def wanted(self, key: CaseKey) -> bool:
        """Whether the settings select a case: by its version, and in a refresh by the version that is refreshed."""
        if self.settings.refreshing:
            return key.version == self.refreshed_version(self.suites[key.suite])
        return self.settings.selects(key.version)

    def refreshed_version(self, spec: SuiteSpec) -> str | None:
        """The label of the version whose outputs become the baseline; None when this suite has no such version.

        :raises ConfigError: when an update would have to change which version is accepted.
        """
        if spec.production is not None:
            return self._refreshed_production(spec, spec.production)
        labels = [version.label for version in spec.versions]
        if self.settings.accept is not None:
            return self.settings.accept if self.settings.accept in labels else None
        stored = self.baselines[spec.id]
        if stored is None:
            return next((label for label in labels if self.settings.selects(label)), None)
        if stored.version not in labels or not self.settings.selects(stored.version):
            why = "is not declared any more" if stored.version not in labels else "is not among the selected versions"
            raise ConfigError(
                f"the baseline of {spec.name} is of version {stored.version!r}, which {why}: it cannot be updated",
                where=display_path(spec.baseline_path),
                next_step=f"to accept another version: {spec.command('--promptreg-accept', 'LABEL')}",
            )
        return stored.version

    def _refreshed_production(self, spec: SuiteSpec, production: Production) -> str | None:
        """The label of what is in production: no other version's outputs would be compared with.

        :raises ConfigError: when another version is asked for.
        """
        label, asked = production.version.label, self.settings.accept
        if asked is not None and asked != label:
            if asked not in spec.version_by_label:
                return None
            here = production.name == registry_name(spec.prompt_name)
            promote = spec.command("--promptreg-versions", asked, "--promptreg-promote", production.alias)
            raise ConfigError(
                f"--promptreg-accept {asked}: the baseline of {spec.name} is of {production}, which is another prompt",
                where=spec.where,
                next_step=(
                    f"promote it first{f': {promote}' if here else f' to {production.address}'}; or drop baseline= "
                    "from the marker"
                ),
            )
        if self.settings.versions_flagged and asked is None and not self.settings.selects(label):
            raise ConfigError(
                f"the baseline of {spec.name} is of {production}, which --promptreg-versions does not select",
                where=spec.where,
                next_step=f"to store it: {spec.command('--promptreg-update')}",
            )
        return label

    def check_versions(self) -> None:
        """Refuse a selection that leaves nothing of any suite: a run that checked nothing would look like a pass.

        :raises ConfigError: saying which versions there are.
        """
        labels = sorted({version.label for spec in self.suites.values() for version in spec.versions})
        if not labels:
            return
        accept = self.settings.accept
        if accept is not None and accept not in labels:
            raise ConfigError(
                f"--promptreg-accept: there is no prompt version {accept!r}",
                next_step=did_you_mean(accept, labels),
            )
        if accept is not None:
            if self.settings.versions_flagged and not self.settings.selects(accept):
                raise ConfigError(
                    f"--promptreg-accept {accept} runs a version that --promptreg-versions leaves out",
                    next_step="leave --promptreg-versions away: the accepted version alone is run",
                )
            return
        if self.settings.versions_flagged:
            for pattern in self.settings.versions:
                if not any(fnmatchcase(label, pattern) for label in labels):
                    raise ConfigError(
                        f"--promptreg-versions: no prompt version matches {pattern!r}",
                        next_step=did_you_mean(pattern, labels),
                    )
            return
        for spec in self.suites.values():
            if not any(self.settings.selects(version.label) for version in spec.versions):
                raise ConfigError(
                    f"the ini option promptreg_versions selects no version of {spec.name}",
                    where=spec.where,
                    next_step=f"it has {', '.join(version.label for version in spec.versions)}",
                )

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
            from .stopping import Stopping

            self.stopping = Stopping(self.settings, self._runs, self.selected)

    def check_promotion(self) -> None:
        """Refuse a run that is to promote a version and could not, before it calls for anything.

        :raises TrackingError: saying what stands against it.
        """
        if self.settings.promote is not None and self.selected:
            from .tracking.release import refuse_promotion_of

            refuse_promotion_of(self.selected, self.suites)

    # -- running

    def run_of(self, suite_id: str) -> SuiteRun:
        """The suite's runtime in this process."""
        if suite_id not in self._runs:
            self._runs[suite_id] = SuiteRun(
                self.suites[suite_id],
                self.baselines[suite_id],
                self.runner,
                Scorer(self._builtin, self.own_metrics[suite_id].own, self.suites[suite_id].known),
                self.settings.refreshing,
                self.settings.verbose,
                self.capture,
                self._say,
                self.replay,
                self._outlay,
                self._is_stopped,
                self.settings.redactor,
                self.declared[suite_id],
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
            case.decide(run.not_called(key))
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
        from .replay.replaying import no_predict

        return no_predict

    def _recorded_outputs(self) -> Replay | None:
        if self.settings.replay == "off":
            return None
        from .replay.replaying import Replay

        return Replay(self.settings.replay, self.settings.replay_file, self.suites)

    def _prices_and_budget(self) -> Outlay | None:
        settings = self.settings
        if not settings.prices and not settings.limits:
            return None
        from .outlay import Outlay

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

    # -- what is stale

    def orphans(self, modules: Collection[tuple[Path, object]]) -> list[Path]:
        """Baseline files beside the collected modules whose module, test function or variant is no longer there.

        :param modules: path and module object of each test module that was collected.
        """
        declared = {spec.baseline_path for spec in self.suites.values()}
        functions = {(spec.module, spec.function) for spec in self.suites.values()}
        found = []
        for path, module in modules:
            folder = path.parent / baseline_file.FOLDER / path.stem
            for file in sorted(folder.glob("*.json")) if folder.is_dir() else ():
                function = file.stem.partition("@")[0]
                # The methods of a class that this run did not look into are not known, and so not stale.
                gone = (path, function) in functions or not _resolves(module, function)
                if file not in declared and gone:
                    found.append(file)
        for folder in {path.parent / baseline_file.FOLDER for path, _ in modules}:
            for of_module in sorted(folder.glob("*/")) if folder.is_dir() else ():
                if not any((folder.parent / f"{of_module.name}{suffix}").exists() for suffix in _MODULE_SUFFIXES):
                    found += sorted(of_module.glob("*.json"))
        return sorted(file for file in set(found) if _is_baseline(file))

    def stop(self) -> None:
        """Start no more calls."""
        self.runner.stop()
        if self.capture is not None:
            self.capture.stop()
        if self.replay is not None:
            self.replay.close()


def _is_baseline(file: Path) -> bool:
    """Whether a file is what it seems: nothing that another tool keeps beside ours may be called stale, and removed."""
    try:
        return baseline_file.load(file) is not None
    except BaselineError:
        return False


def _resolves(module: object, dotted: str) -> bool:
    for name in dotted.split("."):
        module = getattr(module, name, None)
    return module is not None


def describe(selected: Mapping[str, Sequence[CaseKey]], settings: Settings) -> str:
    """The one line that says what is about to run."""
    cases = sum(map(len, selected.values()))
    versions = list(dict.fromkeys(key.version for keys in selected.values() for key in keys))
    idle = "rescoring" if settings.rescore else "planning" if settings.plan else ""
    verb = " to be stored as the baseline" if settings.refreshing else f", none run: {idle}" if idle else ""
    suites = len([keys for keys in selected.values() if keys])
    named = f" ({', '.join(versions[:6])}{', ...' if len(versions) > 6 else ''})" if versions else ""
    return (
        f"promptreg: {count(suites, 'suite')}, {count(len(versions), 'prompt version')}{named}, "
        f"{count(cases, 'case')}{verb}"
    )


def error_text(exc: BaseException, what: str, hint: str, redactor: Redactor) -> str:
    """What a person reads when a call failed: our own errors as they are, anything else with its traceback.

    An exception may quote what a model said, so its lines stand behind the gutter; and what a server was asked, so it
    is redacted, before anything is cut.
    """
    if isinstance(exc, PromptregError):
        return f"{what}: {visible(redactor.message(str(exc)))}{hint}"
    # The frames above predict are this plugin's own and say nothing about the failure.
    trace = exc.__traceback__
    here = Path(__file__).parent
    own = {here, here / "calls", Path(capture.__file__).parent}
    while trace is not None and Path(trace.tb_frame.f_code.co_filename).parent in own:
        trace = trace.tb_next
    shown = "".join(traceback.format_exception(type(exc), exc, trace, chain=True)).rstrip()
    said = one_line(redactor.message(f"{type(exc).__name__}: {exc}"), 300)
    return "\n".join([f"{what}: {said}{hint}", "", *quoted(redactor.message(shown))])
