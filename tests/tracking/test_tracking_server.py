"""The record on a real MLflow server."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promptreg.__main__ import main
from pytest_promptreg.errors import TrackingError
from pytest_promptreg.tracking import RunFacts, resolve_settings, track

if TYPE_CHECKING:
    from tests.servers import MlflowServer


@pytest.fixture(scope="module")
def machine(sqlite_store: Any, mlflow_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A running server; its database is a copy of one that is set up already: that saves seconds."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(Path(sqlite_store.settings.uri.removeprefix("sqlite:///")), folder / "server.db")
    with mlflow_server(folder, f"sqlite:///{folder}/server.db") as server:
        yield server


@pytest.fixture(scope="module")
def server(machine: MlflowServer) -> str:
    """The server's address."""
    return machine.url


@pytest.fixture
def project(facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFacts:
    """Of a run in a project of its own, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return replace(facts, rootdir=tmp_path)


@contextlib.contextmanager
def swallowing(server: MlflowServer, after: int) -> Iterator[str]:
    """The address of a proxy of the server that passes on so many requests, and from then on nothing."""
    passed = itertools.count(1)
    sockets: list[socket.socket] = []

    def pump(source: socket.socket, target: socket.socket, *, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                is_request = counts and data.split(b" ", 1)[0] in {b"GET", b"POST", b"PUT", b"PATCH", b"DELETE"}
                if is_request and next(passed) > after:
                    return
                target.sendall(data)

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                upstream = socket.create_connection(("127.0.0.1", server.port))
                sockets.extend([client, upstream])
                threading.Thread(target=pump, args=(client, upstream), kwargs={"counts": True}, daemon=True).start()
                threading.Thread(target=pump, args=(upstream, client), kwargs={"counts": False}, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for opened in sockets:
                with contextlib.suppress(OSError):
                    opened.shutdown(socket.SHUT_RDWR)
                opened.close()


def statuses(runs: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each run's name, status and whether it is complete."""
    return sorted((run.name[:6], run.status, run.tags["promptreg.complete"]) for run in runs.values())


WHOLE = [("pytest", "FINISHED", "true"), ("v1", "FINISHED", "true"), ("v2", "FINISHED", "true")]


@pytest.fixture(scope="module")
def server_store(sqlite_store: Any, server: str, facts: RunFacts, make_run: Any) -> Any:
    """The server with one recorded run of three versions, found through the environment."""
    environ = {"MLFLOW_TRACKING_URI": server, "MLFLOW_EXPERIMENT_NAME": "remote: café/☕"}
    settings = resolve_settings(
        flag=None, ini="auto", experiment="promptreg", timeout_s=60, rootdir=Path("/"), environ=environ
    )
    assert settings is not None
    return replace(sqlite_store, settings=settings, receipt=track(make_run(), settings, facts))


def test_a_run_is_recorded_over_http(server_store: Any) -> None:
    """Parent, children, numbers, statuses and the baseline mark are the same as in a local file."""
    runs, receipt = server_store.runs("remote: café/☕"), server_store.receipt
    assert [runs[run_id].name for run_id in receipt.children.values()] == ["v1", "v2", "v3"]
    assert [runs[run_id].status for run_id in receipt.children.values()] == ["FINISHED", "FINISHED", "FAILED"]
    last = runs[receipt.children["tests/test_tickets.py::test_summarize", "v3"]]
    assert last.tags["mlflow.parentRunId"] == receipt.run_id
    assert last.metrics["drop_rouge_l/max"] == pytest.approx(0.31)
    assert last.datasets == ["test_summarize"]
    marked = server_store.experiment_tags("remote: café/☕")["mlflow.evaluation.baselineRunId"]
    assert marked == receipt.children["tests/test_tickets.py::test_summarize", "v1"]


def test_artifacts_go_through_the_server(server_store: Any) -> None:
    """The table and the prompt diff can be downloaded whole."""
    run_id = server_store.receipt.children["tests/test_tickets.py::test_summarize", "v2"]
    assert len(json.loads(server_store.artifact(run_id, "examples.json"))["data"]) == 12
    assert "in one sentence" in server_store.artifact(run_id, "prompt/diff.html")


def test_the_receipt_points_to_a_page_of_the_server(server_store: Any, server: str) -> None:
    """The terminal shows the parent's address."""
    receipt = server_store.receipt
    assert receipt.lines()[1] == f"  {server}/#/experiments/{receipt.experiment_id}/runs/{receipt.run_id}"


def test_nothing_is_printed_over_http(
    server_store: Any, make_run: Any, facts: RunFacts, capfd: pytest.CaptureFixture[str]
) -> None:
    """The client's own lines about viewing runs do not reach the screen."""
    track(make_run(["v1"]), server_store.named("silence"), facts)
    assert capfd.readouterr() == ("", "")


def test_cases_are_written_by_several_threads(server_store: Any, make_run: Any, facts: RunFacts) -> None:
    """With a run for each example every case has one, whole and in its version's, and no thread is left behind."""
    receipt = track(make_run(["v1", "v3"], count=6), replace(server_store.named("threads"), level="example"), facts)
    runs = server_store.runs("threads")
    assert len(runs) == 1 + 2 + 12
    for version in receipt.children.values():
        cases = [run for run in runs.values() if run.tags.get("mlflow.parentRunId") == version]
        assert sorted(run.name for run in cases) == [f"ticket-{n:03}" for n in range(6)]
    assert all(run.ended and run.tags["promptreg.complete"] == "true" for run in runs.values())
    assert not any(thread.name == "promptreg-tracking" for thread in threading.enumerate())


def test_a_password_in_the_address_is_not_shown(server_store: Any, server: str, make_run: Any, facts: RunFacts) -> None:
    """Neither a receipt nor an error tells it."""
    uri = server.replace("http://", "http://ada:secret@")
    receipt = track(make_run(["v1"]), replace(server_store.named("password"), uri=uri), facts)
    assert "secret" not in repr(receipt) + "".join(receipt.lines())
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), replace(server_store.settings, uri=uri, experiment_id="no-such"), facts)
    assert "secret" not in str(caught.value)
    assert server in str(caught.value)


@pytest.mark.slow
def test_a_connection_that_goes_dead_midway_costs_the_time_limit_and_no_record(
    server_store: Any, machine: MlflowServer, make_run: Any, project: RunFacts
) -> None:
    """Behind a proxy that stops passing requests on, a run is given up in time; a sync finishes what it began."""
    with swallowing(machine, after=12) as uri:
        settings = replace(server_store.named("swallowed"), uri=uri, timeout_s=4.0)
        began = time.monotonic()
        with pytest.raises(TrackingError) as caught:
            track(make_run(["v1", "v2"]), settings, project)
        assert time.monotonic() - began < settings.timeout_s + 1.5
    assert caught.value.what == "MLflow: no answer after 4 s"
    assert str(caught.value).endswith("python -m pytest_promptreg sync")
    for thread in threading.enumerate():
        if thread.name == "promptreg-tracking":  # it has the record in hand until its process, or its call, ends
            thread.join(20)
    assert statuses(server_store.runs("swallowed"))[0] == ("pytest", "FINISHED", "false")
    # In a process of its own: in this one, MLflow remembers the proxy as the place of the run's artifacts.
    command = [sys.executable, "-m", "pytest_promptreg", "sync", "--tracking-uri", machine.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith("sent  ")
    assert statuses(server_store.runs("swallowed")) == WHOLE


@pytest.mark.slow
def test_a_server_that_dies_among_the_traces_gets_the_rest_when_it_is_back(
    server_store: Any, machine: MlflowServer, make_run: Any, project: RunFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runs are complete by then; each trace is there once in the end, with its span, and found by its run."""
    import mlflow

    class Killing(mlflow.MlflowClient):  # type: ignore[misc]
        def link_traces_to_run(self, *arguments: Any, **named: Any) -> Any:
            if machine.process is not None:
                machine.end([signal.SIGKILL])
            return super().link_traces_to_run(*arguments, **named)

    settings = replace(server_store.named("traces"), traces="all")
    try:
        with monkeypatch.context() as patch:
            patch.setattr(mlflow, "MlflowClient", Killing)
            with pytest.raises(TrackingError, match=r"the runs are complete, and \d of 6 traces are still to be sent"):
                track(make_run(["v1", "v3"], count=3), settings, project)
    finally:
        machine.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.uri)
    assert main(["sync"]) == 0
    client = mlflow.MlflowClient(tracking_uri=settings.uri)
    experiment = client.get_experiment_by_name("traces").experiment_id
    versions = [run for run in client.search_runs([experiment]) if run.data.tags["promptreg.kind"] == "version"]
    assert len(versions) == 2
    for run in versions:
        traces = client.search_traces(locations=[experiment], run_id=run.info.run_id)
        assert sorted(trace.info.tags["promptreg.example"] for trace in traces) == [f"ticket-{n:03}" for n in range(3)]
        assert all(len(trace.data.spans) == 1 and len(trace.info.assessments) >= 3 for trace in traces)


@pytest.mark.slow
def test_a_server_that_dies_midway_gets_the_rest_when_it_is_back(
    server_store: Any,
    machine: MlflowServer,
    make_run: Any,
    project: RunFacts,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Killed between two calls it costs seconds; nothing is lost while it is away, and nothing doubled afterwards."""
    import mlflow

    class Killing(mlflow.MlflowClient):  # type: ignore[misc]
        def log_batch(self, *arguments: Any, **named: Any) -> Any:
            if machine.process is not None:  # that of the first child
                machine.end([signal.SIGKILL])
            return super().log_batch(*arguments, **named)

    began = time.monotonic()
    with monkeypatch.context() as patched:
        patched.setattr(mlflow, "MlflowClient", Killing)
        with pytest.raises(TrackingError, match="cannot be reached"):
            track(make_run(["v1", "v2"]), server_store.named("killed"), project)
    assert time.monotonic() - began < 20
    assert main(["sync"]) == 1
    assert capsys.readouterr().out.startswith("left  ")
    machine.start()
    assert statuses(server_store.runs("killed")) == [("pytest", "FINISHED", "false"), ("v1", "RUNNING", "false")]
    assert main(["sync"]) == 0
    assert statuses(server_store.runs("killed")) == WHOLE
    assert main(["sync"]) == 0
    assert capsys.readouterr().out.endswith("nothing waits to be sent\n")
