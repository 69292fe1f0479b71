"""What the environment names for a record, and is not there, or is of something else."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pytest_promptreg.__main__ import main
from pytest_promptreg.errors import TrackingError
from pytest_promptreg.mlflow_store import Store
from pytest_promptreg.tracking import RunFacts, TrackingSettings, spool, track
from pytest_promptreg.tracking.release import release


@pytest.fixture
def project(facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFacts:
    """Of a run in a project of its own, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return replace(facts, rootdir=tmp_path)


def client_of(store: Any) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(store.settings.uri)


def gone(store: Any, experiment_id: str) -> str:
    """A run that was deleted."""
    client = client_of(store)
    run_id = str(client.create_run(experiment_id).info.run_id)
    client.delete_run(run_id)
    return run_id


@pytest.mark.parametrize(
    ("outer", "nested", "told"),
    [
        (lambda store, here: client_of(store).create_run(here).info.run_id, True, ""),
        (lambda store, here: client_of(store).create_run("0").info.run_id, True, "set MLFLOW_EXPERIMENT_ID=0"),
        (gone, False, "was deleted: the record stands by itself"),
        (lambda store, here: "0123456789abcdef", False, "is no run of this store: the record stands by itself"),
        (lambda store, here: "a' b", False, "is no run of this store: the record stands by itself"),
    ],
)
def test_the_run_around_a_record_has_to_be_there(
    sqlite_store: Any, make_run: Any, project: RunFacts, outer: Callable[[Any, str], str], nested: bool, told: str
) -> None:
    """MLFLOW_RUN_ID is the parent where it can be seen as one; else a note says so, and the record is written."""
    settings = sqlite_store.named("around")
    client = client_of(sqlite_store)
    found = client.get_experiment_by_name("around")
    here = found.experiment_id if found else client.create_experiment("around")
    run_id = outer(sqlite_store, here)
    receipt = track(make_run(["v1"]), replace(settings, parent_run_id=run_id), project)
    tags = sqlite_store.runs("around")[receipt.run_id].tags
    assert tags.get("mlflow.parentRunId") == (run_id if nested else None)
    assert len(receipt.notes) == bool(told)
    assert told in "".join(receipt.notes)


def test_what_another_run_is_sending_does_not_wait(sqlite_store: Any, make_run: Any, project: RunFacts) -> None:
    """Two runs at once do not tell each other's record as one that was left behind."""
    with pytest.raises(TrackingError):
        track(make_run(["v1"]), TrackingSettings("nonsense://host", "promptreg", 30), project)
    (folder,) = spool.waiting(spool.spool_of(project.rootdir))
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        assert track(make_run(["v1"]), sqlite_store.named("beside"), project).notes == ()
    (note,) = track(make_run(["v1"]), sqlite_store.named("beside"), project).notes
    assert note.startswith("an earlier record waits")


def test_a_record_for_an_experiment_that_is_not_there_goes_to_another(
    sqlite_store: Any, make_run: Any, project: RunFacts, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the command, and the command works."""
    settings = replace(sqlite_store.settings, experiment_id="777777")
    with pytest.raises(TrackingError, match=r"there is no such experiment: .*\n.*sync --experiment NAME"):
        track(make_run(["v1"]), settings, project)
    assert main(["sync"]) == 1
    assert main(["sync", "--experiment", "found"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("sent  ")
    assert len(sqlite_store.runs("found")) == 2


def test_a_record_for_a_store_that_cannot_be_goes_to_the_one_that_is_named_now(
    sqlite_store: Any,
    make_run: Any,
    project: RunFacts,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """To correct MLFLOW_TRACKING_URI alone sends nothing to another store: how to do that is said."""
    with pytest.raises(TrackingError):
        track(make_run(["v1"]), TrackingSettings("sqlite://", "corrected", 30), project)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", sqlite_store.settings.uri)
    assert main(["sync"]) == 1
    said = capsys.readouterr().out
    assert said.endswith('names another store now: --tracking-uri "$MLFLOW_TRACKING_URI" sends it there\n')
    assert main(["sync", "--tracking-uri", sqlite_store.settings.uri]) == 0
    assert len(sqlite_store.runs("corrected")) == 2


@pytest.fixture
def interrupted_server() -> Iterator[str]:
    """The address of a server that never answers: this process gets a Ctrl-C when it is asked."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    connections: list[socket.socket] = []

    def interrupt(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connections.append(listener.accept()[0])
            os.kill(os.getpid(), signal.SIGINT)

    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=interrupt, args=(listener,))
            thread.start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
        for connection in connections:
            connection.close()


def test_ctrl_c_ends_the_wait_for_the_store(interrupted_server: str, make_run: Any, project: RunFacts) -> None:
    """It is told as an outage is: the run is over, and raised it would be recorded a second time as interrupted."""
    with pytest.raises(TrackingError, match=r"interrupted before the record was sent\n.*sync$"):
        track(make_run(["v1"]), TrackingSettings(interrupted_server, "promptreg", 60), project)
    assert len(spool.waiting(spool.spool_of(project.rootdir))) == 1


def test_ctrl_c_ends_the_wait_for_the_registry(interrupted_server: str, make_run: Any) -> None:
    """What was asked for and may not have been done is a failure, and not begun once more."""
    with pytest.raises(TrackingError, match="interrupted, so what became of it is not known"):
        release(make_run(["v1"]), Store(interrupted_server, 60), "champion")


@pytest.mark.parametrize("variable", ["MLFLOW_ACTIVE_MODEL_ID", "_MLFLOW_ACTIVE_MODEL_ID"])
def test_the_users_active_model_is_left_alone(
    sqlite_store: Any, make_run: Any, facts: RunFacts, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """MLflow's client would tie our numbers to it, and the database refuse those of a model that it does not know."""
    monkeypatch.setenv(variable, "m-0123456789abcdef")
    receipt = track(make_run(["v1"]), sqlite_store.named("active"), facts)
    run = client_of(sqlite_store).get_run(next(iter(receipt.children.values())))
    assert "pass_rate" in run.data.metrics
    assert os.environ[variable] == "m-0123456789abcdef"
