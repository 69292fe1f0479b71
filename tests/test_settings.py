"""Flags and ini options: what they mean, and which of their mistakes are refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.errors import ConfigError, PromptregError
from pytest_promptreg.metrics import DEFAULT_EMBEDDING_MODEL
from pytest_promptreg.settings import Settings, check_ini_names, read_settings

LISTS = {"promptreg_gates", "promptreg_metrics", "promptreg_signals", "promptreg_versions"}


def read(root: Path, workers: int = 1, environ: dict[str, str] | None = None, **given: Any) -> Settings:
    """Settings by ``flag_<name>`` and ``<name>`` of the ini file."""
    flags = {f"promptreg_{name.removeprefix('flag_')}": value for name, value in given.items() if name[:5] == "flag_"}
    ini = {f"promptreg_{name}": value for name, value in given.items() if name[:5] != "flag_"}
    return read_settings(
        flags.get,
        lambda name: ini.get(name, [] if name in LISTS else ""),
        rootdir=root,
        invocation="pytest",
        workers=workers,
        environ=environ or {},
    )


def test_the_defaults(tmp_path: Path) -> None:
    """With nothing set: sixteen calls at once, two minutes for each, the default model, every version, no record."""
    settings = read(tmp_path)
    assert (settings.concurrency, settings.timeout_s) == (16, 120.0)
    assert (settings.retries, settings.rate) == (2, None)
    assert settings.metric_settings.embedding_model == DEFAULT_EMBEDDING_MODEL
    assert settings.metric_settings.rouge_tokens == "unicode"
    assert settings.tracking is None
    assert settings.selects("anything")
    assert (settings.refreshing, settings.prune, settings.versions_flagged) == (False, False, False)


def test_what_is_set_is_taken(tmp_path: Path) -> None:
    """Each ini option reaches its setting."""
    settings = read(
        tmp_path,
        gates=["semantic >= 0.8"],
        metrics=["bleu"],
        concurrency="4",
        timeout="1.5",
        rouge_tokens="rouge-score",
        embedding_model="all-mpnet-base-v2",
        versions=["v1"],
    )
    assert (settings.gates, settings.metrics) == (("semantic >= 0.8",), ("bleu",))
    assert (settings.concurrency, settings.timeout_s) == (4, 1.5)
    assert settings.metric_settings.rouge_tokens == "rouge-score"
    assert settings.metric_settings.embedding_model == "all-mpnet-base-v2"
    assert (settings.versions, settings.versions_flagged) == (("v1",), False)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gates": ["semantic 0.8"]}, ["promptreg_gates", "'semantic 0.8' is no gate", "a gate reads"]),
        ({"gates": ["semantic => 0.8"]}, ["promptreg_gates", "is no gate"]),
        ({"gates": ["semantic >= high"]}, ["promptreg_gates", "is no gate"]),
        ({"signals": ["refusal"]}, ["promptreg_signals", "'refusal' sets no signal", "refusal:breach"]),
        ({"signals": ["refusals:warn"]}, ["promptreg_signals", "did you mean 'refusal'?"]),
        (
            {"signals": ["refusal:fail"]},
            ["promptreg_signals", "refusal cannot be set to 'fail'", "breach, warn, tell, off"],
        ),
        ({"bleu_tokens": "mecab"}, ["promptreg_bleu_tokens", "'mecab'"]),
        ({"flag_add": True}, ["--promptreg-add", "--promptreg-accept VERSION"]),
        ({"flag_rescore": True, "flag_add": True}, ["--promptreg-add", "nothing is being stored"]),
        (
            {"flag_rescore": True, "flag_update": True},
            ["--promptreg-update", "--promptreg-rescore", "exclude each other"],
        ),
        ({"concurrency": "0"}, ["promptreg_concurrency", "'0'"]),
        ({"concurrency": "-1"}, ["promptreg_concurrency"]),
        ({"concurrency": "many"}, ["promptreg_concurrency", "'many'"]),
        ({"concurrency": "2.5"}, ["promptreg_concurrency"]),
        ({"concurrency": "9" * 5000}, ["promptreg_concurrency"]),
        ({"retries": "-1"}, ["promptreg_retries", "'-1'"]),
        ({"retries": "some"}, ["promptreg_retries"]),
        ({"rate": "60"}, ["promptreg_rate", "'60' is no rate", "60/min"]),
        ({"rate": "0/min"}, ["promptreg_rate", "is no rate"]),
        ({"rate": "-5/s"}, ["promptreg_rate"]),
        ({"rate": "60/day"}, ["promptreg_rate"]),
        ({"flag_executor": "tcp://127.0.0.1:8786"}, ["--promptreg-executor", "names no cluster", "dask+tcp://"]),
        ({"timeout": "-1"}, ["promptreg_timeout"]),
        ({"timeout": "soon"}, ["promptreg_timeout"]),
        ({"timeout": "nan"}, ["promptreg_timeout"]),
        ({"timeout": "inf"}, ["promptreg_timeout"]),
        ({"rouge_tokens": "rouge_score"}, ["promptreg_rouge_tokens", "did you mean 'rouge-score'?"]),
        ({"mlflow": "yes please"}, ["promptreg_mlflow"]),
        ({"mlflow_timeout": "0"}, ["promptreg_mlflow_timeout"]),
        (
            {"flag_update": True, "flag_accept": "v2"},
            ["--promptreg-update", "--promptreg-accept", "exclude each other"],
        ),
    ],
)
def test_mistakes_are_refused_by_name(tmp_path: Path, given: dict[str, Any], said: list[str]) -> None:
    """A setting that cannot be meant is refused, with the name of its flag or option."""
    with pytest.raises(PromptregError) as error:
        read(tmp_path, **given)
    for part in said:
        assert part in str(error.value)


def test_signals_are_set_by_name_and_action(tmp_path: Path) -> None:
    """``promptreg_signals`` lists what signals do, each as ``name:action``."""
    assert read(tmp_path).signals == {}
    assert read(tmp_path, signals=["refusal:breach", "json_shape:off"]).signals == {
        "refusal": "breach",
        "json_shape": "off",
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [("", "default"), ("true", "default"), ("false", None), ("off", None), ("vectors", "vectors")],
)
def test_embeddings_are_kept_where_it_is_said(tmp_path: Path, said: str, expected: str | None) -> None:
    """In pytest's cache unless a folder is named, relative to the ini file, or nothing is to be kept."""
    settings = read_settings(
        lambda _: None,
        lambda name: said if name == "promptreg_embedding_cache" else [] if name in LISTS else "",
        rootdir=tmp_path,
        invocation="pytest",
        cache=tmp_path / "default",
        environ={},
    )
    assert settings.metric_settings.cache == (None if expected is None else tmp_path / expected)


def test_a_run_that_may_write_a_baseline_says_so(tmp_path: Path) -> None:
    """Update, accept, rescore and prune may change a baseline; nothing else does."""
    assert not read(tmp_path).writes
    assert read(tmp_path, flag_update=True).writes
    assert read(tmp_path, flag_rescore=True).writes
    assert read(tmp_path, flag_prune=True).writes
    assert read(tmp_path, flag_accept="v2", flag_add=True).writes


@pytest.mark.parametrize("timeout", ["0", " 0 ", "0.0"])
def test_no_limit_can_be_set(tmp_path: Path, timeout: str) -> None:
    """A time limit of 0 is none."""
    assert read(tmp_path, timeout=timeout).timeout_s == 0


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        (["v1"], ("v1",)),
        (["v1,v2"], ("v1", "v2")),
        (["v1 v2", "v3"], ("v1", "v2", "v3")),
        (["v1, v*"], ("v1", "v*")),
    ],
)
def test_versions_are_listed_as_one_likes(tmp_path: Path, flag: list[str], expected: tuple[str, ...]) -> None:
    """Several labels in one flag or several flags, and the flag is nearer than the ini option."""
    settings = read(tmp_path, flag_versions=flag, versions=["v9"])
    assert (settings.versions, settings.versions_flagged) == (expected, True)


@pytest.mark.parametrize(
    ("patterns", "label", "selected"),
    [
        (["v1"], "v1", True),
        (["v1"], "v10", False),
        (["v*"], "v10", True),
        (["V1"], "v1", False),
        (["v[12]"], "v2", True),
    ],
)
def test_versions_are_selected_by_label_or_glob(
    tmp_path: Path, patterns: list[str], label: str, selected: bool
) -> None:
    """A label selects itself only, a glob what it matches, in the case that was written."""
    assert read(tmp_path, flag_versions=patterns).selects(label) is selected


def test_refreshing(tmp_path: Path) -> None:
    """Update and accept make outputs to be accepted; prune alone does not."""
    assert read(tmp_path, flag_update=True).refreshing
    assert read(tmp_path, flag_accept="v2").refreshing
    pruning = read(tmp_path, flag_prune=True)
    assert (pruning.prune, pruning.refreshing) == (True, False)


def test_a_model_folder_is_beside_the_ini_file(tmp_path: Path) -> None:
    """A folder is relative to the project, an absolute one is itself, anything else is a name."""
    (tmp_path / "models" / "mine").mkdir(parents=True)
    for name in ("models/mine", str(tmp_path / "models" / "mine")):
        model = read(tmp_path, embedding_model=name).metric_settings.embedding_model
        assert model == str(tmp_path / "models" / "mine")
    assert read(tmp_path, embedding_model="models/other").metric_settings.embedding_model == "models/other"


@pytest.mark.parametrize(("workers", "each"), [(1, 16), (2, 8), (3, 5), (40, 1)])
def test_workers_share_the_limit(tmp_path: Path, workers: int, each: int) -> None:
    """The limit on calls is the run's: processes divide it, and each may make at least one."""
    assert read(tmp_path, workers=workers).concurrency == each


def test_workers_share_the_cores(tmp_path: Path) -> None:
    """A single process leaves the threads to the library, several divide the cores."""
    assert read(tmp_path).metric_settings.threads == 0
    assert read(tmp_path, workers=2).metric_settings.threads == max(1, (os.cpu_count() or 1) // 2)


@pytest.mark.parametrize(
    ("given", "environ", "recorded"),
    [
        ({}, {}, False),
        ({"flag_mlflow": True}, {}, True),
        ({"mlflow": "true"}, {}, True),
        ({}, {"MLFLOW_TRACKING_URI": "http://x"}, True),
        ({"mlflow": "false"}, {"MLFLOW_TRACKING_URI": "http://x"}, False),
        ({"mlflow": "true", "flag_mlflow": False}, {}, False),
    ],
)
def test_tracking_is_asked_for(tmp_path: Path, given: dict[str, Any], environ: dict[str, str], recorded: bool) -> None:
    """A run is recorded when flag, ini file or environment ask for it, the nearest deciding."""
    assert (read(tmp_path, environ=environ, **given).tracking is not None) is recorded


def test_an_ini_option_that_does_not_exist_is_refused() -> None:
    """pytest only warns of it, and a gate under a mistyped name would silently be gone."""
    known = ("promptreg_gates", "promptreg_timeout")
    check_ini_names(["addopts", "promptreg_gates", "other_promptreg_gate"], known)
    with pytest.raises(ConfigError) as error:
        check_ini_names(["promptreg_gate"], known, "pytest.ini")
    assert str(error.value) == "pytest.ini: there is no ini option 'promptreg_gate'\n  did you mean 'promptreg_gates'?"
