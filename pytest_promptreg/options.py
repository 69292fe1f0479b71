"""The flags, the ini options and the marker: what there is, in the words of ``pytest --help``.

Every pytest run of the environment loads this module: it imports the standard library and pytest alone.
"""

from __future__ import annotations

from typing import Any, Literal

import pytest

MARKER = (
    "promptreg(prompts, examples, gates=(), predict=None, predict_version='', metrics=(), signals={}, baseline=None, "
    "samples=1): run the test once for each prompt version and example, and gate the outputs against the stored "
    "baseline (pytest-promptreg)."
)

# Flags by which somebody asks for something of ours, so that a mistake in them is told before anything is collected.
CHECKED_AT_ONCE = (
    *("update", "accept", "add", "rescore", "prune", "versions", "mlflow", "register", "promote"),
    *("shard", "results", "replay", "max_calls", "max_cost", "executor", "samples", "html", "markdown", "codequality"),
    *("stop_early", "plan"),
)

# Flags by which a run leaves a file; what an earlier run left there is removed before the first test.
LEAVE_FILES = ("results", "shard", "html", "markdown", "codequality")

INI_OPTIONS: dict[str, tuple[Literal["string", "args", "linelist"], str]] = {
    "promptreg_gates": ("linelist", "gates of every suite, one on a line, or a mode; markers and rows override"),
    "promptreg_undecided": (
        "string",
        "what a suite does whose examples cannot tell under noise: warn (default) or fail",
    ),
    "promptreg_margin": ("string", "share of a metric's scale that may be lost under noise (default 0.02 or more)"),
    "promptreg_metrics": ("args", "metrics to report though no gate names them"),
    "promptreg_signals": ("args", "what signals do that no gate names: refusal:breach json_shape:warn output_kind:off"),
    "promptreg_versions": ("args", "prompt versions to run: labels or globs (default: all)"),
    "promptreg_concurrency": ("string", "predict calls in flight at once (default 16; 1 calls inside the test)"),
    "promptreg_timeout": ("string", "seconds that one predict call may take (default 120; 0 for no limit)"),
    "promptreg_retries": ("string", "times that a call is tried again after no connection, no answer, 429 or 5xx (2)"),
    "promptreg_rate": ("string", "predict calls over time: 60/min, 5/s, 1000/h (default: no limit)"),
    "promptreg_baseline_samples": (
        "string",
        "outputs of each case that a refresh stores (default: the suite's samples)",
    ),
    "promptreg_replay": ("string", "hand recorded outputs over in place of calls: off (default), reuse or only"),
    "promptreg_replay_file": ("string", "where outputs are recorded (default .promptreg/replay.jsonl)"),
    "promptreg_predict_version": ("string", "declared version of predict: another one calls anew under replay"),
    "promptreg_prices": ("linelist", "USD for a million input and output tokens: gpt-4o-mini = 0.15 0.60"),
    "promptreg_embedding_model": (
        "string",
        "for `semantic`: sentence-transformers name, folder, openai:NAME or module:name (default all-MiniLM-L6-v2)",
    ),
    "promptreg_embedding_cache": ("string", "keep embeddings from run to run: true (default), false, or a folder"),
    "promptreg_rouge_tokens": ("string", "words of `rouge_l`: unicode (default) or rouge-score"),
    "promptreg_bleu_tokens": ("string", "sacrebleu's tokenizer: auto (default: by script), 13a, zh, char, intl, none"),
    "promptreg_mlflow": ("string", "record runs in MLflow: true, false, or auto (when MLFLOW_TRACKING_URI is set)"),
    "promptreg_mlflow_experiment": ("string", "MLflow experiment (default promptreg)"),
    "promptreg_mlflow_level": ("string", "innermost runs in MLflow: of each version (default), or of each example too"),
    "promptreg_mlflow_required": ("string", "fail a run that could not be recorded: true or false (default)"),
    "promptreg_mlflow_traces": ("string", "cases of which MLflow gets a trace: off (default), failed, all"),
    "promptreg_github": ("string", "on GitHub Actions, the job's summary and annotations: auto (default), or off"),
    "promptreg_redact": (
        "linelist",
        "what is hidden before it is stored or sent: builtin (default), off, /regex/, name=/regex/, module:function",
    ),
    "promptreg_registry_ttl": ("string", "seconds for which prompts of the registry are not asked for again (60)"),
    "promptreg_mlflow_timeout": ("string", "seconds that recording may add to the run (default 30)"),
}


def add_options(parser: pytest.Parser) -> None:
    """Flags and ini options, all under the one prefix."""
    group = parser.getgroup("promptreg", "prompt regression testing (pytest-promptreg)")
    group.addoption(
        "--promptreg-update",
        dest="promptreg_update",
        action="store_true",
        help="store or refresh the baseline: outputs of the version that it has, or of the first one",
    )
    group.addoption(
        "--promptreg-accept",
        dest="promptreg_accept",
        metavar="VERSION",
        help="run this prompt version and make its outputs the baseline",
    )
    group.addoption(
        "--promptreg-add",
        dest="promptreg_add",
        action="store_true",
        help="with --promptreg-accept or --promptreg-update: keep what is accepted and add the new outputs to it",
    )
    group.addoption(
        "--promptreg-rescore",
        dest="promptreg_rescore",
        action="store_true",
        help="renew the baselines' metric signatures from the stored texts, without a call",
    )
    group.addoption(
        "--promptreg-prune",
        dest="promptreg_prune",
        action="store_true",
        help="remove baseline records whose example or test is no longer declared",
    )
    group.addoption(
        "--promptreg-versions",
        dest="promptreg_versions",
        action="append",
        metavar="LABELS",
        help="run only these prompt versions: labels or globs, separated by commas (overrides the ini option)",
    )
    group.addoption(
        "--promptreg-shard",
        dest="promptreg_shard",
        metavar="N/COUNT",
        help="run only this part of the cases (2/5), and leave a result file for `python -m pytest_promptreg merge`",
    )
    group.addoption(
        "--promptreg-results",
        "--promptreg-json",
        dest="promptreg_results",
        metavar="PATH",
        help="write the whole outcome as JSON (.jsonl: in lines); of a shard, default .promptreg/shards/2-of-5.json",
    )
    group.addoption(
        "--promptreg-html",
        dest="promptreg_html",
        metavar="PATH",
        help="write the report as one web page: what changed, how bad it is, every example side by side",
    )
    group.addoption(
        "--promptreg-samples",
        dest="promptreg_samples",
        metavar="K",
        help="call K times for each case and judge it by all of them (overrides the marker's samples=)",
    )
    group.addoption(
        "--promptreg-markdown",
        dest="promptreg_markdown",
        metavar="PATH",
        help="write a report in Markdown, for a comment on a pull request",
    )
    group.addoption(
        "--promptreg-codequality",
        dest="promptreg_codequality",
        metavar="PATH",
        help="write what failed as a code quality report for GitLab",
    )
    group.addoption(
        "--promptreg-stop-early",
        dest="promptreg_stop_early",
        action="store_true",
        help="call no further for a prompt version whose verdict can no longer change (in one process)",
    )
    group.addoption(
        "--promptreg-plan",
        dest="promptreg_plan",
        action="store_true",
        help="run nothing and say how small a drop so many examples and samples would find, and what they cost",
    )
    group.addoption(
        "--promptreg-replay",
        dest="promptreg_replay",
        choices=("off", "reuse", "only"),
        help="reuse: call only for what is not recorded, and record it; only: never call (overrides the ini option)",
    )
    group.addoption(
        "--promptreg-max-calls",
        dest="promptreg_max_calls",
        metavar="N",
        help="make no more calls than these, retries included: the run is refused, or the case that needs one more",
    )
    group.addoption(
        "--promptreg-max-cost",
        dest="promptreg_max_cost",
        metavar="USD",
        help="spend no more than this, by promptreg_prices and what predict says",
    )
    group.addoption(
        "--promptreg-mlflow",
        dest="promptreg_mlflow",
        action="store_true",
        default=None,
        help="record the run in MLflow (at MLFLOW_TRACKING_URI, else in mlflow.db)",
    )
    group.addoption(
        "--no-promptreg-mlflow",
        dest="promptreg_mlflow",
        action="store_false",
        help="do not record the run in MLflow, whatever ini file and environment say",
    )
    group.addoption(
        "--promptreg-register",
        dest="promptreg_register",
        action="store_true",
        help="register the tested prompt versions in the MLflow prompt registry, those that it has not yet",
    )
    group.addoption(
        "--promptreg-promote",
        dest="promptreg_promote",
        metavar="ALIAS",
        help="when the whole run passed, move this alias in the MLflow prompt registry to the tested version",
    )
    group.addoption(
        "--promptreg-executor",
        dest="promptreg_executor",
        metavar="ADDRESS",
        help="run predict on a Dask cluster: dask+tcp://host:8786 (needs the extra dask)",
    )
    for name, (kind, text) in INI_OPTIONS.items():
        parser.addini(name, text, type=kind)


def ini_value(config: pytest.Config, name: str) -> Any:
    """An ini option, in a native TOML file also as a number, a truth value or a single text."""
    try:
        return config.getini(name)
    except (TypeError, ValueError, pytest.UsageError):
        raw = config._inicfg[name]  # pytest has no public word for what stands in the file
        value = getattr(raw, "value", raw)
        if INI_OPTIONS[name][0] != "string":
            return value if isinstance(value, list) else [str(value)]
        return str(value).lower() if isinstance(value, bool) else str(value)


def runs_nothing(config: pytest.Config) -> bool:
    """Whether tests are collected and none is run."""
    return bool(config.option.collectonly or config.option.promptreg_plan)
