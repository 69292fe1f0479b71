"""The record on a real MLflow server."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.tracking import RunFacts, resolve_settings, track

START_LIMIT_S = 60


@pytest.fixture(scope="module")
def server(sqlite_store: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with a database of its own, a copy of one that is set up already: that saves seconds."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(Path(sqlite_store.settings.uri.removeprefix("sqlite:///")), folder / "server.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "art")]
    environ = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, start_new_session=True, cwd=folder)
    try:
        deadline = time.monotonic() + START_LIMIT_S
        while not is_up(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def is_up(url: str) -> bool:
    """Whether the server answers."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


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
    assert receipt.lines()[-1] == f"  {server}/#/experiments/{receipt.experiment_id}/runs/{receipt.run_id}"


def test_nothing_is_printed_over_http(
    server_store: Any, make_run: Any, facts: RunFacts, capfd: pytest.CaptureFixture[str]
) -> None:
    """The client's own lines about viewing runs do not reach the screen."""
    track(make_run(["v1"]), server_store.named("silence"), facts)
    assert capfd.readouterr() == ("", "")


def test_a_password_in_the_address_is_not_shown(server_store: Any, server: str, make_run: Any, facts: RunFacts) -> None:
    """Neither a receipt nor an error tells it."""
    uri = server.replace("http://", "http://ada:secret@")
    receipt = track(make_run(["v1"]), replace(server_store.named("password"), uri=uri), facts)
    assert "secret" not in repr(receipt) + "".join(receipt.lines())
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), replace(server_store.settings, uri=uri, experiment_id="no-such"), facts)
    assert "secret" not in str(caught.value)
    assert server in str(caught.value)
