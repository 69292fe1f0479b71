"""The record in MLflow's default store: a local sqlite file."""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.tracking import RunFacts, track


def test_a_run_becomes_a_parent_with_a_child_for_each_version(sqlite_store: Any) -> None:
    """The receipt's ids are those of the store; children are nested, ended, and have the verdict's status."""
    runs, receipt = sqlite_store.runs(), sqlite_store.receipt
    assert set(runs) == {receipt.run_id, *receipt.children.values()}
    assert [runs[run_id].name for run_id in receipt.children.values()] == ["v1", "v2", "v3"]
    assert [runs[run_id].status for run_id in receipt.children.values()] == ["FINISHED", "FINISHED", "FAILED"]
    assert {runs[run_id].tags["mlflow.parentRunId"] for run_id in receipt.children.values()} == {receipt.run_id}
    assert runs[receipt.run_id].status == "FAILED"
    assert "mlflow.parentRunId" not in runs[receipt.run_id].tags
    assert all(run.ended for run in runs.values())


def test_the_store_has_what_was_described(sqlite_store: Any) -> None:
    """Metrics, params, tags and the dataset of a version arrive as they were described."""
    run = sqlite_store.runs()[sqlite_store.receipt.children["tests/test_tickets.py::test_summarize", "v3"]]
    assert run.metrics["bleu_0to1/min"] == pytest.approx(0.1225)
    assert run.metrics["cases/breached"] == 5
    assert run.params["gate/semantic"] == "semantic >= 0.8"
    assert run.tags["mlflow.runType"] == "genai_evaluate"
    assert run.tags["mlflow.note.content"].startswith("**FAILED** against the baseline of v1")
    assert run.datasets == ["test_summarize"]


def test_the_experiment_marks_the_baseline(sqlite_store: Any) -> None:
    """MLflow pins the run of the accepted version."""
    marked = sqlite_store.experiment_tags()["mlflow.evaluation.baselineRunId"]
    assert marked == sqlite_store.receipt.children["tests/test_tickets.py::test_summarize", "v1"]


def test_artifacts_lie_in_the_root_folder_and_can_be_read(sqlite_store: Any, hostile: str) -> None:
    """They lie below mlruns whatever the working directory is; the table is whole, hostile text included."""
    run_id = sqlite_store.receipt.children["tests/test_tickets.py::test_summarize", "v3"]
    database = Path(sqlite_store.settings.uri.removeprefix("sqlite:///"))
    assert sorted(path.name for path in database.parent.glob(f"mlruns/promptreg/{run_id}/artifacts/*")) == [
        "examples.json",
        "outputs.html",
        "prompt",
        "summary.md",
    ]
    table = json.loads(sqlite_store.artifact(run_id, "examples.json"))
    assert len(table["data"]) == 12
    assert hostile.replace("\0", "�") in table["data"][0][table["columns"].index("output")]
    assert "Summarize the ticket in ten words." in sqlite_store.artifact(run_id, "prompt/prompt.txt")


def test_nothing_is_said_and_nothing_is_left_behind(
    sqlite_store: Any, make_run: Any, facts: RunFacts, capfd: pytest.CaptureFixture[str]
) -> None:
    """Under `-W error` the record succeeds in silence, and environment and warning filters are as before."""
    before = dict(os.environ), list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        receipt = track(make_run(["v1"]), sqlite_store.named("silence"), facts)
    assert (dict(os.environ), list(warnings.filters)) == before
    assert capfd.readouterr() == ("", "")
    assert caught == []
    assert sqlite_store.runs("silence")[receipt.run_id].status == "FINISHED"


def test_the_users_active_run_is_not_touched(
    sqlite_store: Any, make_run: Any, facts: RunFacts, mlflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that the user has open stays open and active, gets nothing of ours, and adopts nothing of ours."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_store.settings.uri)
    own = mlflow.start_run(experiment_id=sqlite_store.receipt.experiment_id, run_name="the user's own")
    try:
        receipt = track(make_run(["v1"]), sqlite_store.named("beside"), facts)
        assert mlflow.active_run().info.run_id == own.info.run_id
        assert os.environ["MLFLOW_TRACKING_URI"] == sqlite_store.settings.uri
    finally:
        mlflow.end_run()
        mlflow.MlflowClient(sqlite_store.settings.uri).delete_run(own.info.run_id)
    assert "mlflow.parentRunId" not in sqlite_store.runs("beside")[receipt.run_id].tags


def test_an_outer_run_becomes_the_parent(sqlite_store: Any, make_run: Any, facts: RunFacts) -> None:
    """MLFLOW_RUN_ID nests the whole record in a run of the user's."""
    settings = replace(sqlite_store.named("nested"), parent_run_id=sqlite_store.receipt.run_id)
    receipt = track(make_run(["v1"]), settings, facts)
    runs = sqlite_store.runs("nested")
    assert runs[receipt.run_id].tags["mlflow.parentRunId"] == sqlite_store.receipt.run_id
    assert {runs[child].tags["mlflow.parentRunId"] for child in receipt.children.values()} == {receipt.run_id}


def test_an_experiment_id_is_used_instead_of_a_name(sqlite_store: Any, make_run: Any, facts: RunFacts) -> None:
    """MLFLOW_EXPERIMENT_ID chooses an experiment that is there."""
    made = track(make_run(["v1"]), sqlite_store.named("by id"), facts)
    settings = replace(sqlite_store.named("unused"), experiment_id=made.experiment_id)
    again = track(make_run(["v1"]), settings, facts)
    assert (again.experiment, again.experiment_id) == ("by id", made.experiment_id)
    assert len(sqlite_store.runs("by id")) == 4


def test_the_number_of_calls_does_not_grow_with_the_examples(
    sqlite_store: Any, make_run: Any, facts: RunFacts, mlflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run costs one call of a kind, whether it has 3 examples or 300."""
    calls: Counter[str] = Counter()

    class Counting(mlflow.MlflowClient):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            if not name.startswith("_"):
                calls[name] += 1
            return super().__getattribute__(name)

    monkeypatch.setattr(mlflow, "MlflowClient", Counting)
    counted = []
    for count in (3, 300):
        calls.clear()
        track(make_run(["v1", "v2"], count=count), sqlite_store.named("silence"), facts)
        counted.append(dict(calls))
    assert counted[0] == counted[1]
    assert counted[0]["create_run"] == counted[0]["log_batch"] == counted[0]["log_artifacts"] == 3


def test_a_failure_midway_leaves_no_run_running(
    sqlite_store: Any, make_run: Any, facts: RunFacts, mlflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk is full at the second run, that run is ended as failed, and its parent says that it lacks some."""

    class Full(mlflow.MlflowClient):  # type: ignore[misc]
        def log_artifacts(self, run_id: str, local_dir: str, artifact_path: str | None = None) -> None:
            if (Path(local_dir) / "examples.json").exists():
                raise OSError(28, "No space left on device")
            super().log_artifacts(run_id, local_dir, artifact_path)

    monkeypatch.setattr(mlflow, "MlflowClient", Full)
    with pytest.raises(TrackingError, match=r"No space left on device\n  make room on it; .*the verdict stands"):
        track(make_run(["v1", "v2"]), sqlite_store.named("full"), facts)
    found = {
        run.name[:6]: (run.status, run.tags.get("promptreg.complete")) for run in sqlite_store.runs("full").values()
    }
    assert found == {"pytest": ("FINISHED", "false"), "v1": ("FAILED", "false")}


def test_a_deleted_experiment_is_named_with_a_way_out(
    sqlite_store: Any, make_run: Any, facts: RunFacts, mlflow: Any
) -> None:
    """MLflow neither shows nor replaces an experiment in its bin, so the message says how to bring it back."""
    made = track(make_run(["v1"]), sqlite_store.named("binned"), facts)
    mlflow.MlflowClient(sqlite_store.settings.uri).delete_experiment(made.experiment_id)
    with pytest.raises(TrackingError, match=f"restore -x {made.experiment_id}"):
        track(make_run(["v1"]), sqlite_store.named("binned"), facts)


def test_values_at_every_limit_are_taken(sqlite_store: Any, make_run: Any, facts: RunFacts) -> None:
    """Names and settings of any length and any characters are stored, cut where they must be."""
    run = make_run(["v1"])
    suite = run.suites[0]
    config = {"stop[0]/../x": "s" * 7_000, "emoji 🎉": "\ud800\0", "": None, "/": float("nan")}
    odd = replace(suite.versions[0].version, label="v" * 300, model_config=config, commit_message="m" * 9_000)
    versions = [replace(suite.versions[0], version=odd)]
    receipt = track(replace(run, suites=[replace(suite, versions=versions)]), sqlite_store.named("limits"), facts)
    stored = sqlite_store.runs("limits")[next(iter(receipt.children.values()))]
    assert stored.name == "v" * 249 + "…"
    assert stored.params["model_config/stop_0_/x"] == "s" * 5_999 + "…"
    assert stored.params["model_config/emoji _"] == "?�"
    assert len(stored.tags["promptreg.commit_message"]) == 8_000
