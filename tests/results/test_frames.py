"""A run as a DataFrame: a row for each case, columns that do not depend on what happened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from pytest_promptreg.judging.gates import parse
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.results.frames import COLUMNS
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.suites.suite import SuiteSpec

PAGE = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")


def run() -> RunOutcome:
    versions = (PromptVersion("v1", "one"), PromptVersion("v2", "two"))
    examples = (Example("a", {"q": 1}, "ref", tags=("x",)), Example("b", {"q": 2}))
    spec = SuiteSpec("t.py::test", "t.py:1", Path("t.py"), "test", versions, examples, (parse("semantic >= 0.5"),))
    said: dict[str, Any] = {"output": "It took 24.", "accepted": "It took 42."}
    of_v2 = [
        CaseOutcome(
            spec.id,
            "v2",
            "a",
            "breached",
            scores={"semantic": 0.25, "drop(bleu)": 3.0},
            findings={"numbers": "lost 42; gained 24"},
            breaches=["semantic 0.250 (gate >= 0.5)"],
            passed=False,
            latency_s=0.5,
            input_tokens=7,
            **said,
        ),
        CaseOutcome(spec.id, "v2", "b", "error", message="no key", passed=False),
    ]
    by_version = zip(versions, ([], of_v2), strict=True)
    outcomes = [version_outcome(spec, version, cases, gated=True) for version, cases in by_version]
    return RunOutcome([SuiteOutcome(spec, None, outcomes)], 0, 1)


def test_there_is_a_row_for_each_case_with_all_that_is_known() -> None:
    """Scores and findings are columns of their own; what a case lacks is missing there."""
    frame = run().to_frame()
    assert list(frame.columns) == [*COLUMNS, "score.semantic", "score.drop(bleu)", "finding.numbers"]
    first, second = frame.to_dict("records")
    assert [first[name] for name in ("suite", "version", "example", "verdict")] == ["t.py::test", "v2", "a", "breached"]
    assert (first["reference"], first["inputs"], first["tags"]) == ("ref", {"q": 1}, ["x"])
    assert first["kinds"] == ["number changed"]
    assert (first["score.semantic"], first["latency_s"], first["input_tokens"]) == (0.25, 0.5, 7)
    assert first["finding.numbers"] == "lost 42; gained 24"
    assert first["samples"] == ["It took 24."]
    assert pd.isna(second["score.semantic"])
    assert pd.isna(second["input_tokens"])
    assert second["message"] == "no key"
    assert frame.loc[~frame.passed, "score.semantic"].mean() == 0.25


def test_an_empty_run_has_the_same_columns_and_types() -> None:
    """What is computed on a frame works for every run."""
    empty = RunOutcome([], 0, 1).to_frame()
    assert list(empty.columns) == list(COLUMNS)
    full = run().to_frame()
    for name in ("passed", "latency_s", "input_tokens", "cost_usd"):
        assert empty[name].dtype == full[name].dtype


def test_the_page_tells_every_column() -> None:
    """docs/results.md names each, with what it holds."""
    section = PAGE[PAGE.index("## As a DataFrame") :]
    for name in COLUMNS:
        assert f"`{name}`" in section, name


def test_pandas_is_imported_when_a_frame_is_asked_for() -> None:
    """Not before: it takes longer than most runs do."""
    code = "import sys; from pytest_promptreg.results import frames, outcome; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
