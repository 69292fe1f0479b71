"""The pages under docs/ say what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import reference
import yaml

from pytest_promptreg.metrics import METRICS
from pytest_promptreg.options import INI_OPTIONS, LEAVE_FILES
from pytest_promptreg.signals import SIGNALS

DOCS = Path(__file__).parents[1] / "docs"
METRICS_PAGE = (DOCS / "metrics.md").read_text(encoding="utf-8")


def test_the_table_of_edits_is_what_the_metrics_say() -> None:
    """The table in metrics.md, and its counts, are what the script computes now."""
    command = [sys.executable, str(DOCS / "metrics_table.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), "run python docs/metrics_table.py"


def test_the_table_has_forty_pairs_of_every_kind() -> None:
    """The kinds of edit that people have been burned by are all there."""
    rows = re.findall(r"^\| ([\w ]+) \| .* \| (?:yes|no) \| .*$", METRICS_PAGE, re.MULTILINE)
    assert len(rows) >= 40
    assert {"negation", "numbers", "names", "units", "JSON", "refusal", "truncation", "language", "code"} <= set(rows)
    assert {"emoji", "order", "paraphrase"} <= set(rows)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_its_line(name: str) -> None:
    """Each metric and signal stands in one of the two tables, a signal with what it does by default."""
    (line,) = re.findall(rf"^\| `{name}` \|.*$", METRICS_PAGE, re.MULTILINE)
    if name in SIGNALS:
        default = SIGNALS[name].default
        assert line.split("|")[2].split()[0] == default


def test_the_reference_is_what_the_code_declares() -> None:
    """docs/reference/python.md and its like are what the script writes now; there is a page for each."""
    for page in reference.PAGES:
        written = (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")
        assert written == reference.text_of(page), "run python docs/reference.py"


def test_options_named_in_the_docs_exist() -> None:
    """Every ini option that the page names is one."""
    named = set(re.findall(r"`(promptreg_[a-z_]+)(?: =[^`]*)?`", METRICS_PAGE))
    fixtures = {name for name in named if name.startswith("promptreg_metric_")}
    assert named - fixtures <= set(INI_OPTIONS)
    assert {"promptreg_signals", "promptreg_embedding_model", "promptreg_bleu_tokens"} <= named


CI_PAGE = (DOCS / "ci.md").read_text(encoding="utf-8")


def test_the_workflow_posts_what_pytest_wrote() -> None:
    """The one for GitHub is YAML, runs pytest with flags that there are, and posts and keeps their files."""
    workflow = yaml.safe_load(yaml_block("github"))
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (job,) = workflow["jobs"].values()
    (command,) = [step["run"] for step in job["steps"] if step.get("run", "").startswith("pytest")]
    files = files_of(command)
    posting = {step["uses"].split("@")[0]: step for step in job["steps"] if "if" in step}
    assert posting["marocchino/sticky-pull-request-comment"]["with"]["path"] == files["promptreg-markdown"]
    assert posting["actions/upload-artifact"]["with"]["path"] == files["promptreg-html"]
    for step in posting.values():
        assert "!cancelled()" in step["if"], "a run that failed is the one to be told of"
        assert f"hashFiles('{step['with']['path']}')" in step["if"]


def test_the_gitlab_job_keeps_what_pytest_wrote() -> None:
    """JUnit and code quality are reports of the job, whether it passes or not."""
    (job,) = yaml.safe_load(yaml_block("gitlab")).values()
    (command,) = [line for line in job["script"] if line.startswith("pytest")]
    files = files_of(command)
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["reports"] == {"junit": files["junitxml"], "codequality": files["promptreg-codequality"]}
    assert job["artifacts"]["paths"] == [files["promptreg-html"]]


def yaml_block(service: str) -> str:
    """The YAML on the page that begins with that service's file name."""
    (found,) = re.findall(rf"```yaml\n(# \.{service}.*?)```", CI_PAGE, re.DOTALL)
    return str(found)


def files_of(command: str) -> dict[str, str]:
    """The files that a command line names by flags, each of which pytest or the plugin has."""
    found = dict(re.findall(r"--([a-z-]+)[= ](\S+)", command))
    known = {"junitxml", *(f"promptreg-{name}" for name in LEAVE_FILES)}
    assert set(found) <= known
    return found
