"""The flags, the ini options and the marker: what there is, in the words of ``pytest --help``.

Every pytest run of the environment loads this module: it imports the standard library and pytest alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

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


class IniOption(NamedTuple):
    """What ``pytest --help`` and the reference say of an ini option.

    :param kind: as pytest reads it.
    :param meaning: what it says.
    :param default: in words; empty where there is none.
    """

    kind: Literal["string", "args", "linelist"]
    meaning: str
    default: str = ""

    @property
    def help(self) -> str:
        """The line of ``pytest --help``."""
        return f"{self.meaning} (default: {self.default})" if self.default else self.meaning


INI_OPTIONS: dict[str, IniOption] = {
    "promptreg_gates": IniOption(
        "linelist", "gates of every suite, one on a line, or a mode; markers and rows are nearer, metric by metric"
    ),
    "promptreg_undecided": IniOption(
        "string", "what a suite does whose examples cannot tell under noise: warn or fail", "warn"
    ),
    "promptreg_margin": IniOption(
        "string",
        "share of a metric's scale that may be lost under noise, from 0 to 1",
        "0.02, or a quarter of the noise's standard deviation where that is more",
    ),
    "promptreg_metrics": IniOption("args", "metrics to report though no gate names them, separated by spaces"),
    "promptreg_signals": IniOption(
        "args", "what signals do that no gate names: refusal:breach json_shape:warn numbers:tell output_kind:off"
    ),
    "promptreg_versions": IniOption("args", "prompt versions to run: labels or globs, separated by spaces", "all"),
    "promptreg_concurrency": IniOption("string", "predict calls in flight at once; 1 calls inside the test", "16"),
    "promptreg_timeout": IniOption("string", "seconds that one predict call may take; 0 for no limit", "120"),
    "promptreg_retries": IniOption(
        "string", "times that a call is tried again after no connection, no answer, 429 or 5xx", "2"
    ),
    "promptreg_rate": IniOption("string", "predict calls over time: 60/min, 5/s, 1000/h", "no limit"),
    "promptreg_baseline_samples": IniOption(
        "string", "outputs of each case that a refresh stores", "as many samples as the suite takes: 1"
    ),
    "promptreg_replay": IniOption(
        "string",
        "recorded outputs in place of calls: off; reuse calls only for what is not recorded; only never calls",
        "off",
    ),
    "promptreg_replay_file": IniOption("string", "where outputs are recorded", ".promptreg/replay.jsonl"),
    "promptreg_predict_version": IniOption(
        "string", "declared version of predict: another one calls anew under replay"
    ),
    "promptreg_prices": IniOption(
        "linelist", "USD for a million input and output tokens of a model: gpt-4o-mini = 0.15 0.60"
    ),
    "promptreg_embedding_model": IniOption(
        "string",
        "model of `semantic`: a sentence-transformers name, a folder, openai:NAME or your own module:name",
        "all-MiniLM-L6-v2",
    ),
    "promptreg_embedding_cache": IniOption(
        "string", "keep embeddings from run to run, in pytest's cache: true, false, or a folder", "true"
    ),
    "promptreg_rouge_tokens": IniOption(
        "string", "words of `rouge_l`: unicode, or rouge-score as that package cuts them", "unicode"
    ),
    "promptreg_bleu_tokens": IniOption(
        "string", "sacrebleu's tokenizer: auto (by script), 13a, zh, char, intl, none", "auto"
    ),
    "promptreg_mlflow": IniOption(
        "string", "record runs in MLflow: true, false, or auto (when MLFLOW_TRACKING_URI is set)", "auto"
    ),
    "promptreg_mlflow_experiment": IniOption("string", "MLflow experiment that runs are recorded in", "promptreg"),
    "promptreg_mlflow_level": IniOption(
        "string", "innermost runs in MLflow: version, or example for a run of each example too", "version"
    ),
    "promptreg_mlflow_required": IniOption("string", "fail a run that could not be recorded: true or false", "false"),
    "promptreg_mlflow_traces": IniOption("string", "cases of which MLflow gets a trace: off, failed, all", "off"),
    "promptreg_github": IniOption(
        "string", "on GitHub Actions, the job's summary and annotations: auto (there and only there), or off", "auto"
    ),
    "promptreg_redact": IniOption(
        "linelist",
        "what is hidden before it is stored or sent: builtin, off, /regex/, name=/regex/, module:function",
        "builtin",
    ),
    "promptreg_registry_ttl": IniOption(
        "string", "seconds for which prompts of MLflow's registry are not asked for again", "60"
    ),
    "promptreg_mlflow_timeout": IniOption("string", "seconds that recording may add to the run", "30"),
}


def add_options(parser: pytest.Parser) -> None:
    """Flags and ini options, all under the one prefix."""
    group = parser.getgroup("promptreg", "prompt regression testing (pytest-promptreg)")
    group.addoption(
        "--promptreg-init",
        dest="promptreg_init",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="write a first suite to start from, into evals/ where pytest collects it or into this folder; run nothing",
    )
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
    for name, option in INI_OPTIONS.items():
        parser.addini(name, option.help, type=option.kind)


def ini_value(config: pytest.Config, name: str) -> Any:
    """An ini option, in a native TOML file also as a number, a truth value or a single text."""
    try:
        return config.getini(name)
    except (TypeError, ValueError, pytest.UsageError):
        raw = config._inicfg[name]  # pytest has no public word for what stands in the file
        value = getattr(raw, "value", raw)
        if INI_OPTIONS[name].kind != "string":
            return [str(entry) for entry in (value if isinstance(value, list) else [value])]
        return str(value).lower() if isinstance(value, bool) else str(value)


def is_suite_file(path: Path) -> bool:
    """Whether a file is one of ours by its name."""
    return path.name.startswith("promptreg_") and path.suffix in {".yaml", ".yml"}


def runs_nothing(config: pytest.Config) -> bool:
    """Whether tests are collected and none is run."""
    return bool(config.option.collectonly or config.option.promptreg_plan)
