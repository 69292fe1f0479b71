"""The pages under docs/ say what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_promptreg.metrics import METRICS
from pytest_promptreg.options import INI_OPTIONS
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


def test_options_named_in_the_docs_exist() -> None:
    """Every ini option that the page names is one."""
    named = set(re.findall(r"`(promptreg_[a-z_]+)(?: =[^`]*)?`", METRICS_PAGE))
    fixtures = {name for name in named if name.startswith("promptreg_metric_")}
    assert named - fixtures <= set(INI_OPTIONS)
    assert {"promptreg_signals", "promptreg_embedding_model", "promptreg_bleu_tokens"} <= named
