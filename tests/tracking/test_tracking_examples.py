"""``promptreg_mlflow_level = example``: a run for each case, nested in that of its version."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.results.outcome import RunOutcome
from pytest_promptreg.tracking import RunFacts, example_runs, track
from pytest_promptreg.tracking.facts import Surroundings
from pytest_promptreg.tracking.records import Record, RunRecord
from pytest_promptreg.tracking.schema import describe
from pytest_promptreg.tracking.sync import find, sync

SUITE = "tests/test_tickets.py::test_summarize"
COMMIT = Surroundings(commit="1a2b3c4d" * 5, branch="main")


@pytest.fixture(scope="module")
def record(make_run: Any, facts: RunFacts) -> Record:
    """Of three versions with twelve examples each."""
    return describe(make_run(), facts, COMMIT, "example")


def of(record: Record, version: str, example: str) -> RunRecord:
    child = next(child for child in record.children if child.version == version)
    return next(run for run in child.nested if run.example == example)


def test_every_case_has_a_run_in_its_versions_run(record: Record) -> None:
    """It is named by the example, FAILED where the case failed, and what is to be read first starts last."""
    assert [len(child.nested) for child in record.children] == [12, 12, 12]
    third = record.children[2].nested
    assert [run.status for run in third] == ["FAILED"] * 6 + ["FINISHED"] * 6
    assert [run.name for run in third[:2]] == ["ticket-010", "ticket-008"]
    starts = [run.start_ms for run in third]
    assert starts == sorted(starts, reverse=True)
    assert third[0].end_ms - third[0].start_ms == 300
    assert record.notices == []


def test_a_case_is_found_by_its_tags_and_drawn_by_its_metrics(record: Record) -> None:
    """Verdict, example, prompt, commit and breaches are tags; scores lie in 0..1; its inputs have a digest."""
    run = of(record, "v3", "ticket-010")
    assert run.tags["promptreg.kind"] == "example"
    assert run.tags["promptreg.verdict"] == "BREACHED"
    assert run.tags["promptreg.example"] == "ticket-010"
    assert run.tags["promptreg.breaches"] == "semantic 0.600, gate >= 0.8"
    assert run.tags["mlflow.source.git.commit"] == COMMIT.commit
    assert run.metrics == {
        "pass_rate": 0.0,
        "semantic/mean": 0.6,
        "drop_rouge_l/mean": 0.31,
        "bleu_0to1/mean": 0.1225,
        "cases/failed": 1.0,
        "latency_s/p50": pytest.approx(0.3),
        "tokens/input": 40,
        "tokens/output": 20,
        "cost_usd": 0.001,
    }
    assert set(run.metrics) <= set(record.children[2].metrics), "the columns of MLflow's table line up"
    assert len(run.params["inputs_sha256"]) == 64
    assert run.params["version"] == "v3"


def test_outputs_are_files_and_the_description_shows_them(record: Record, hostile: str) -> None:
    """What differs has both outputs side by side; what is the same has one file less; hostile text does nothing."""
    breached, same, error = (of(record, "v3", name) for name in ("ticket-010", "ticket-001", "ticket-000"))
    assert set(breached.artifacts) == {"summary.md", "output.txt", "diff.html"}
    assert set(same.artifacts) == {"summary.md", "output.txt"}
    assert set(error.artifacts) == {"summary.md"}
    note = breached.tags["mlflow.note.content"]
    assert note.startswith("**BREACHED**: v3 against the baseline of v1.\n\n- semantic 0\\.600, gate")
    assert "**Accepted**" in note
    assert "**Accepted**" not in same.tags["mlflow.note.content"]
    assert "<script" not in breached.artifacts["diff.html"]
    assert "\x1b" not in note
    assert "TimeoutError" in error.tags["mlflow.note.content"]


def test_samples_are_shown_wherever_outputs_are_listed(make_run: Any, facts: RunFacts) -> None:
    """Every sample is a file of its case and stands in the version's table; calls are counted by samples."""
    run = make_run(["v1"], count=2)
    version = run.suites[0].versions[0]
    cases = [replace(case, samples=(str(case.output), "other"), recorded=1) for case in version.cases]
    run = replace(run, suites=[replace(run.suites[0], versions=[replace(version, cases=cases)])])
    record = describe(run, facts, Surroundings(), level="example")
    child = record.children[0]
    assert {"samples/1.txt", "samples/2.txt"} <= set(child.nested[0].artifacts)
    assert child.nested[0].artifacts["samples/2.txt"] == "other"
    table = json.loads(child.artifacts["examples.json"])
    assert table["data"][0][table["columns"].index("samples")].endswith("\n\n2. other")
    assert (child.metrics["calls/live"], child.metrics["calls/replayed"]) == (2, 2)


def test_a_score_that_is_no_number_is_left_out(make_run: Any, facts: RunFacts) -> None:
    """NaN and infinities reach no chart."""
    run: RunOutcome = make_run(["v1"])
    suite, version = run.suites[0], run.suites[0].versions[0]
    spoilt = replace(version.cases[0], scores={"semantic": math.nan, "bleu": math.inf}, latency_s=None)
    versions = [replace(version, cases=[spoilt, *version.cases[1:]])]
    found = describe(replace(run, suites=[replace(suite, versions=versions)]), facts, COMMIT, "example")
    metrics = of(found, "v1", spoilt.example).metrics
    assert set(metrics) == {"pass_rate", "cases/failed", "tokens/input", "tokens/output", "cost_usd"}


def test_a_suite_that_is_too_large_has_none_and_says_so(
    make_run: Any, facts: RunFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Suites are taken in order as long as there is room; the line says the limit and what to do."""
    assert example_runs.LIMIT == 200
    monkeypatch.setattr(example_runs, "LIMIT", 40)
    run = make_run()
    small = replace(run.suites[0].spec, id="a.py::test_b", function="test_b")
    suites = [run.suites[0], replace(run.suites[0], spec=small)]
    found = describe(replace(run, suites=suites), facts, COMMIT, "example")
    assert [len(child.nested) for child in found.children] == [12, 12, 12, 0, 0, 0]
    (notice,) = found.notices
    assert notice == (
        "test_b: no run for each of its 36 cases, of which 40 may be recorded so in a pytest run: select fewer "
        "(--promptreg-versions, -k), or see examples.json in each version's run"
    )


def test_by_default_there_is_none(make_run: Any, facts: RunFacts) -> None:
    """The number of runs does not grow with the examples unless somebody asks for it."""
    assert all(not child.nested for child in describe(make_run(), facts, COMMIT).children)


def tree(runs: dict[str, Any]) -> Counter[tuple[str, str]]:
    """How often each run stands where: its name and that of the run it is in."""
    return Counter((run.name, runs[run.tags["mlflow.parentRunId"]].name) for run in runs.values() if
                   "mlflow.parentRunId" in run.tags)  # fmt: skip


def test_the_store_has_the_whole_tree(sqlite_store: Any, make_run: Any, facts: RunFacts) -> None:
    """Cases are nested in their version, versions in the parent; all are ended and complete."""
    receipt = track(make_run(["v1", "v3"]), replace(sqlite_store.named("examples"), level="example"), facts)
    runs = sqlite_store.runs("examples")
    assert len(runs) == 1 + 2 + 24
    assert set(tree(runs).values()) == {1}
    assert Counter(outer for _, outer in tree(runs))["v3"] == 12
    assert all(run.ended and run.tags["promptreg.complete"] == "true" for run in runs.values())
    version = receipt.children[SUITE, "v3"]
    cases = [run for run in runs.values() if run.tags.get("mlflow.parentRunId") == version]
    assert sum(run.status == "FAILED" for run in cases) == 6


@pytest.mark.parametrize(("at", "reply_lost"), [(9, True), (14, False), (20, True), (40, False), (43, True)])
def test_what_was_sent_in_part_is_finished_and_nothing_made_twice(
    sqlite_store: Any,
    make_run: Any,
    facts: RunFacts,
    mlflow: Any,
    cutting: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at: int,
    reply_lost: bool,
) -> None:
    """Cut off in any call, before it or after it, a sync makes the tree whole; a second one changes nothing."""
    monkeypatch.chdir(tmp_path)
    place = replace(sqlite_store.named(f"examples cut {at}"), level="example")
    with monkeypatch.context() as patched:
        patched.setattr(mlflow, "MlflowClient", cutting(at, reply_lost=reply_lost))
        with pytest.raises(TrackingError):
            track(make_run(["v1", "v3"], count=4), place, replace(facts, rootdir=tmp_path))
    for _ in range(2):
        assert sync(find([tmp_path], named=False), {}, lambda _: None)
        runs = sqlite_store.runs(place.experiment)
        assert len(runs) == 1 + 2 + 8
        assert set(tree(runs).values()) == {1}
        assert {run.tags["promptreg.complete"] for run in runs.values()} == {"true"}
        assert all(run.ended for run in runs.values())


def test_the_setting_reaches_the_store(
    pytester: pytest.Pytester, sqlite_store: Any, monkeypatch: pytest.MonkeyPatch, runs_in: Any
) -> None:
    """From the ini file to the runs; a level that there is not is refused with what there is."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_store.settings.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "examples by ini")
    pytester.makepyfile(
        test_say=dedent(
            """
            import pytest

            @pytest.fixture
            def promptreg_predict():
                return lambda request: request.inputs["text"]

            ROWS = [{"id": "a", "text": "x y z"}, {"id": "b", "text": "p q r"}]

            @pytest.mark.promptreg(prompts=[{"label": "v1", "text": "Say {{ text }}"}], examples=ROWS,
                                   gates=["rouge_l >= 0.5"])
            def test_say(promptreg):
                promptreg.check()
            """
        )
    )
    pytester.makeini("[pytest]\npromptreg_mlflow_level = example\n")
    assert pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-update", "--no-promptreg-mlflow").ret == 0
    assert pytester.runpytest_inprocess("-p", "no:xdist").ret == 0
    runs = runs_in(sqlite_store.settings.uri, "examples by ini").values()
    assert Counter(run.tags["promptreg.kind"] for run in runs) == {"run": 1, "version": 1, "example": 2}
    pytester.makeini("[pytest]\npromptreg_mlflow_level = exampel\n")
    result = pytester.runpytest_inprocess("-p", "no:xdist")
    assert result.ret != 0
    assert "did you mean 'example'?" in result.stdout.str() + result.stderr.str()
