"""Flags and ini options, read once and checked: a mistyped setting is refused, not ignored."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..calls.rate import Rate
from ..errors import ConfigError, did_you_mean
from ..files import OWN_FOLDER
from ..judging.gates import FORM, is_gate_shaped
from ..judging.modes import MODES as MODES_OF_GATES
from ..machine import processors
from ..metrics import DEFAULT_EMBEDDING_MODEL, MetricSettings
from ..metrics.bleu_tokens import AUTO, TOKENIZERS
from ..mlflow_store import REGISTRY_VARIABLE, TRACKING_VARIABLE
from ..redaction.redactor import Redactor
from ..redaction.rules import OPTION as REDACT_OPTION
from ..redaction.rules import read_rules
from ..replay import FILE, MODES
from ..report.annotations import workspace
from ..report.files import REPORT_FILES, SUMMARY_VARIABLE
from ..results.shards import Shard
from ..session.executors import check_address
from ..signals.actions import check_actions
from ..sources.registry.settings import RegistrySettings
from ..spending.budget import Limits
from ..spending.prices import Prices, read_prices
from ..suites.samples import read_samples
from ..tracking import LEVEL_KEY, LEVELS, TRACES, TRACES_KEY, TrackingSettings, resolve_settings
from . import values
from .exclusions import alias_asked, refuse_contradictions, refuse_what_runs_alone, shard_asked

ROUGE_TOKENS = ("unicode", "rouge-score")
BLEU_TOKENS = (AUTO, *TOKENIZERS)
UNDECIDED = ("warn", "fail")
GITHUB = ("auto", "off")
LIST_OPTIONS = frozenset(
    {"promptreg_gates", "promptreg_metrics", "promptreg_prices", "promptreg_signals", "promptreg_versions"}
)


@dataclass(frozen=True)
class Settings:
    """What a person set for the run.

    :param gates: gate lines of the ini file.
    :param metrics: metrics that every suite reports.
    :param signals: what signals do, where the ini file says so.
    :param concurrency: calls that this process may have in flight at once.
    :param retries: how often a call is tried again where that is worth it.
    :param rate: calls that this process may make over time; None for no limit.
    :param versions: labels or globs of the versions to run; empty for all.
    :param versions_flagged: whether the flag named them, not the ini option.
    :param accept: the label whose outputs become the baseline; None when not asked.
    :param add: whether outputs are accepted beside those that are accepted already, not in their place.
    :param rescore: whether the baselines' metric signatures are renewed, without a call.
    :param register: whether tested prompt versions go to the prompt registry.
    :param promote: the registry's alias that a run that passed moves to the tested version; None for none.
    :param replay: whether recorded outputs are handed over in place of calls: ``off``, ``reuse`` or ``only``.
    :param replay_file: where they are recorded.
    :param prices: of models, where the ini file says so.
    :param limits: what the run may call and cost.
    :param predict_version: declared version of every predict that has none of its own.
    :param margin: share of a metric's scale that may be lost under noise; None for what the noise speaks for.
    :param undecided: what a suite does of which too few examples tell whether it lost something: ``warn`` or ``fail``.
    :param tracking: where the run is recorded; None when it is not.
    :param registry: where prompts and models are registered.
    :param samples: of each case, in place of what markers say; None where the flag is not given.
    :param baseline_samples: of each case in a refresh; None for as many as in other runs.
    :param verbose: whether every failure is told in full, not only the first ones of a suite.
    :param shard: the part of a split run that this one is; None for a whole one.
    :param results: the file that the run leaves for a merge or a report; None for none.
    :param reports: files that the run leaves for people and CI, by the name of their flag.
    :param annotated: on GitHub Actions, the folder of the repository in whose files failures are shown; else None.
    :param step_summary: the file of GitHub's that shows a job's summary; None elsewhere, and where it is not wanted.
    :param stop_early: whether a version is called no further once what is said of it can no longer change.
    :param plan: whether the run calls nothing, and says what examples and samples would find.
    :param flags: as they were given, and ``ini`` options: what a merge reads again.
    """

    gates: tuple[str, ...]
    metrics: tuple[str, ...]
    signals: Mapping[str, str]
    concurrency: int
    timeout_s: float
    retries: int
    rate: Rate | None
    metric_settings: MetricSettings
    versions: tuple[str, ...]
    versions_flagged: bool
    update: bool
    accept: str | None
    add: bool
    rescore: bool
    prune: bool
    register: bool
    promote: str | None
    replay: str
    replay_file: Path
    predict_version: str
    prices: Prices
    limits: Limits
    tracking: TrackingSettings | None
    registry: RegistrySettings
    rootdir: Path
    invocation: str
    samples: int | None = None
    baseline_samples: int | None = None
    margin: float | None = None
    undecided: str = "warn"
    verbose: bool = False
    shard: Shard | None = None
    results: Path | None = None
    reports: Mapping[str, Path] = field(default_factory=dict)
    annotated: Path | None = None
    step_summary: Path | None = None
    stop_early: bool = False
    plan: bool = False
    redactor: Redactor = field(default_factory=Redactor)
    flags: Mapping[str, Any] = field(default_factory=dict)
    ini: Mapping[str, Any] = field(default_factory=dict)

    @property
    def refreshing(self) -> bool:
        """Whether outputs are made to be accepted."""
        return self.update or self.accept is not None

    @property
    def asked_samples(self) -> int | None:
        """How many samples of each case this run takes, whatever the markers say; None for what they say."""
        return self.samples or (self.baseline_samples if self.refreshing else None)

    @property
    def writes(self) -> bool:
        """Whether the run may change a baseline."""
        return self.refreshing or self.rescore or self.prune

    def selects(self, label: str) -> bool:
        """Whether a version is to run, by the flag or the ini option."""
        return not self.versions or any(fnmatchcase(label, pattern) for pattern in self.versions)


def check_ini_names(found: Iterable[str], known: Collection[str], where: str | None = None) -> None:
    """Refuse an ini option that begins as ours do and is none.

    :param where: the file that they were read from, as a person would name it.
    :raises ConfigError: saying which was probably meant.
    """
    for name in found:
        if name.startswith("promptreg_") and name not in known:
            raise ConfigError(f"there is no ini option {name!r}", where=where, next_step=did_you_mean(name, known))


def read_settings(
    option: Callable[[str], Any],
    ini: Callable[[str], Any],
    *,
    rootdir: Path,
    invocation: str,
    workers: int = 1,
    distributed: bool = False,
    cache: Path | None = None,
    verbose: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of a run.

    :param option: value of a flag by its ``promptreg_*`` name.
    :param ini: value of an ini option by name; lists for list options, text otherwise.
    :param workers: processes that share the machine and the limit on calls.
    :param distributed: whether cases run in other processes than this one.
    :param cache: pytest's own cache folder for this plugin; None where pytest has none.
    :param samples: of each case, in place of what markers say; None where the flag is not given.
    :param baseline_samples: of each case in a refresh; None for as many as in other runs.
    :param verbose: whether every failure is to be told in full.
    :param environ: the environment variables as they were when the run began.
    :raises PromptregError: naming the flag or option that is wrong.
    """
    flags: dict[str, Any] = {}
    of_ini: dict[str, Any] = {}
    option, ini = values.noted(option, flags), values.noted(ini, of_ini)
    gates = tuple(ini("promptreg_gates"))
    for line in gates:  # the metric in it may be a suite's own, so that is for the suite to refuse
        if line.strip() not in MODES_OF_GATES and not is_gate_shaped(line):
            raise ConfigError(f"{line!r} is no gate", where="the ini option promptreg_gates", next_step=FORM)
    accept, add = option("promptreg_accept"), bool(option("promptreg_add"))
    asked = refuse_contradictions(option)
    refuse_what_runs_alone(option, asked, distributed=distributed or workers > 1)
    if option("promptreg_executor") is not None:
        check_address(option("promptreg_executor"))
    if option("promptreg_versions") and not any(entry.strip(", ") for entry in option("promptreg_versions")):
        raise ConfigError(
            "--promptreg-versions names no version", next_step="labels or globs: --promptreg-versions v2,v3"
        )
    flagged = tuple(label for entry in option("promptreg_versions") or () for label in entry.replace(",", " ").split())
    concurrency = values.number(ini, "promptreg_concurrency", int, 16, least=1)
    shard = shard_asked(option)
    redactor = read_rules(ini(REDACT_OPTION))
    return Settings(
        gates=gates,
        metrics=tuple(ini("promptreg_metrics")),
        signals=_signals(ini("promptreg_signals")),
        concurrency=max(1, concurrency // workers),
        timeout_s=values.number(ini, "promptreg_timeout", float, 120.0, least=0),
        retries=values.number(ini, "promptreg_retries", int, 2, least=0),
        rate=_rate(ini("promptreg_rate"), workers),
        metric_settings=MetricSettings(
            embedding_model=_model(ini("promptreg_embedding_model"), rootdir),
            rouge_tokens=values.one_of(ini, "promptreg_rouge_tokens", ROUGE_TOKENS),
            bleu_tokens=values.one_of(ini, "promptreg_bleu_tokens", BLEU_TOKENS),
            cache=_cache(ini("promptreg_embedding_cache"), rootdir, cache),
            threads=max(1, processors() // workers) if workers > 1 else 0,
        ),
        versions=flagged or tuple(ini("promptreg_versions")),
        versions_flagged=bool(flagged),
        update=bool(option("promptreg_update")),
        accept=accept,
        add=add,
        rescore=bool(option("promptreg_rescore")),
        prune=bool(option("promptreg_prune")),
        register=bool(option("promptreg_register")),
        promote=alias_asked(option("promptreg_promote"), asked),
        replay=option("promptreg_replay") or values.one_of(ini, "promptreg_replay", MODES),
        replay_file=rootdir / (ini("promptreg_replay_file") or Path(OWN_FOLDER, FILE)),
        predict_version=str(ini("promptreg_predict_version") or "").strip(),
        prices=read_prices(ini("promptreg_prices") or ()),
        margin=_margin(ini),
        undecided=values.one_of(ini, "promptreg_undecided", UNDECIDED),
        limits=Limits(
            values.limit(option, "promptreg_max_calls", int), values.limit(option, "promptreg_max_cost", float)
        ),
        tracking=resolve_settings(
            flag=option("promptreg_mlflow"),
            ini=ini("promptreg_mlflow") or "auto",
            experiment=ini("promptreg_mlflow_experiment") or "promptreg",
            timeout_s=values.number(ini, "promptreg_mlflow_timeout", float, 30.0, least=1),
            rootdir=rootdir,
            environ=environ,
            required=values.is_on(ini, "promptreg_mlflow_required"),
            level=values.one_of(ini, LEVEL_KEY, LEVELS),
            traces=values.one_of(ini, TRACES_KEY, TRACES),
        ),
        registry=RegistrySettings(
            uri=environ.get(REGISTRY_VARIABLE, "").strip() or environ.get(TRACKING_VARIABLE, "").strip() or None,
            cache=cache,
            ttl_s=values.number(ini, "promptreg_registry_ttl", float, 60.0, least=0),
            rootdir=rootdir,
            run=environ.get("PYTEST_XDIST_TESTRUNUID", ""),
            redactor=redactor,
        ),
        rootdir=rootdir,
        invocation=redactor.message(invocation),
        redactor=redactor,
        samples=_samples(option("promptreg_samples"), "--promptreg-samples"),
        baseline_samples=_samples(
            ini("promptreg_baseline_samples") or None, "the ini option promptreg_baseline_samples"
        ),
        verbose=verbose,
        shard=shard,
        results=values.path(option, "promptreg_results", "run.json") or (shard.file(rootdir) if shard else None),
        reports=_reports(option),
        **_github(ini, shard, environ),
        stop_early=bool(option("promptreg_stop_early")),
        plan=bool(option("promptreg_plan")),
        flags=flags,
        ini=of_ini,
    )


def _reports(option: Callable[[str], Any]) -> dict[str, Path]:
    return {
        name: path
        for name, report in REPORT_FILES.items()
        if (path := values.path(option, f"promptreg_{name}", report.file.example)) is not None
    }


def _github(ini: Callable[[str], Any], shard: Shard | None, environ: Mapping[str, str]) -> dict[str, Path | None]:
    """What is done on GitHub Actions without being asked for; in a shard nothing: the merge has the verdict."""
    wanted = values.one_of(ini, "promptreg_github", GITHUB) == "auto" and shard is None
    summary = environ.get(SUMMARY_VARIABLE, "").strip()
    return {
        "step_summary": Path(summary) if summary and wanted else None,
        "annotated": workspace(environ) if wanted else None,
    }


def _signals(entries: Iterable[str]) -> dict[str, str]:
    where = "the ini option promptreg_signals"
    actions = {}
    for entry in entries:
        name, separator, action = entry.partition(":")
        if not separator:
            raise ConfigError(
                f"{entry!r} sets no signal", where=where, next_step="write refusal:breach output_kind:off"
            )
        actions[name] = action
    return check_actions(actions, where)


def _cache(said: str, rootdir: Path, default: Path | None) -> Path | None:
    if said.lower() in values.OFF:
        return None
    return default if said.lower() in {"", *values.ON} else rootdir / said


def _samples(text: str | None, name: str) -> int | None:
    return None if text is None else read_samples(text, name)


def _margin(ini: Callable[[str], Any]) -> float | None:
    margin = values.number(ini, "promptreg_margin", float, 0.0, least=0)
    if margin >= 1:
        raise ConfigError(
            f"the ini option promptreg_margin = {margin:g} is more than there is to lose",
            next_step="it is a share of a metric's scale: 0.02 is 0.02 of semantic and 2 points of bleu",
        )
    return margin or None


def _rate(text: str, workers: int) -> Rate | None:
    return Rate.parse(text, "the ini option promptreg_rate").shared_by(workers) if text else None


def _model(name: str, rootdir: Path) -> str:
    """A folder is relative to the ini file, as paths in it are; anything else is a model's name."""
    if name and (rootdir / name).is_dir():
        return str(rootdir / name)
    return name or DEFAULT_EMBEDDING_MODEL
