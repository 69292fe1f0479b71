"""Flags and ini options, read once and checked: a mistyped setting is refused, not ignored."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, TypeVar

from .errors import ConfigError, did_you_mean
from .gates import parse
from .metrics import DEFAULT_EMBEDDING_MODEL, MetricSettings
from .suites import check_metric_names
from .tracking import TrackingSettings, resolve_settings

_N = TypeVar("_N", int, float)
ROUGE_TOKENS = ("unicode", "rouge-score")


@dataclass(frozen=True)
class Settings:
    """What a person set for the run.

    :param gates: gate lines of the ini file.
    :param versions: labels or globs of the versions to run; empty for all.
    :param versions_flagged: whether the flag named them, not the ini option.
    :param accept: the label whose outputs become the baseline; None when not asked.
    :param tracking: where the run is recorded; None when it is not.
    """

    gates: tuple[str, ...]
    metrics: tuple[str, ...]
    concurrency: int
    timeout_s: float
    metric_settings: MetricSettings
    versions: tuple[str, ...]
    versions_flagged: bool
    update: bool
    accept: str | None
    prune: bool
    tracking: TrackingSettings | None
    rootdir: Path
    invocation: str

    @property
    def refreshing(self) -> bool:
        """Whether outputs are made to be accepted."""
        return self.update or self.accept is not None

    def selects(self, label: str) -> bool:
        """Whether a version is to run, by the flag or the ini option."""
        return not self.versions or any(fnmatchcase(label, pattern) for pattern in self.versions)


def check_ini_names(found: Iterable[str], known: Collection[str]) -> None:
    """Refuse an ini option that begins as ours do and is none.

    :raises ConfigError: saying which was probably meant.
    """
    for name in found:
        if name.startswith("promptreg_") and name not in known:
            raise ConfigError(f"there is no ini option {name!r}", next_step=did_you_mean(name, known))


def read_settings(
    option: Callable[[str], Any],
    ini: Callable[[str], Any],
    *,
    rootdir: Path,
    invocation: str,
    workers: int = 1,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of a run.

    :param option: value of a flag by its ``promptreg_*`` name.
    :param ini: value of an ini option by name; lists for list options, text otherwise.
    :param workers: processes that share the machine and the limit on calls.
    :raises PromptregError: naming the flag or option that is wrong.
    """
    gates = tuple(ini("promptreg_gates"))
    for line in gates:
        parse(line, "the ini option promptreg_gates")
    metrics = tuple(ini("promptreg_metrics"))
    check_metric_names(metrics, "the ini option promptreg_metrics")
    accept = option("promptreg_accept")
    if accept and option("promptreg_update"):
        raise ConfigError(
            "--promptreg-update and --promptreg-accept exclude each other",
            next_step="update refreshes the version that the baseline has; accept makes another one the baseline",
        )
    rouge_tokens = ini("promptreg_rouge_tokens") or ROUGE_TOKENS[0]
    if rouge_tokens not in ROUGE_TOKENS:
        raise ConfigError(
            f"promptreg_rouge_tokens = {rouge_tokens!r}", next_step=did_you_mean(rouge_tokens, ROUGE_TOKENS)
        )
    flagged = tuple(label for entry in option("promptreg_versions") or () for label in entry.replace(",", " ").split())
    concurrency = _number(ini, "promptreg_concurrency", int, 16, least=1)
    return Settings(
        gates=gates,
        metrics=metrics,
        concurrency=max(1, concurrency // workers),
        timeout_s=_number(ini, "promptreg_timeout", float, 120.0, least=0),
        metric_settings=MetricSettings(
            embedding_model=_model(ini("promptreg_embedding_model"), rootdir),
            rouge_tokens=rouge_tokens,
            threads=max(1, (os.cpu_count() or 1) // workers) if workers > 1 else 0,
        ),
        versions=flagged or tuple(ini("promptreg_versions")),
        versions_flagged=bool(flagged),
        update=bool(option("promptreg_update")),
        accept=accept,
        prune=bool(option("promptreg_prune")),
        tracking=resolve_settings(
            flag=option("promptreg_mlflow"),
            ini=ini("promptreg_mlflow") or "auto",
            experiment=ini("promptreg_mlflow_experiment") or "promptreg",
            timeout_s=_number(ini, "promptreg_mlflow_timeout", float, 30.0, least=1),
            rootdir=rootdir,
            environ=environ,
        ),
        rootdir=rootdir,
        invocation=invocation,
    )


def _number(ini: Callable[[str], Any], name: str, kind: type[_N], default: _N, *, least: float) -> _N:
    text = str(ini(name) or "").strip()
    if not text:
        return default
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not least <= value < float("inf"):
        raise ConfigError(f"the ini option {name} = {text!r} is not a number of at least {least:g}")
    return value


def _model(name: str, rootdir: Path) -> str:
    """A folder is relative to the ini file, as paths in it are; anything else is a model's name."""
    if name and (rootdir / name).is_dir():
        return str(rootdir / name)
    return name or DEFAULT_EMBEDDING_MODEL
