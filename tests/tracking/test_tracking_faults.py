"""A tracking store that is away, silent, busy or broken costs one line and a bounded time."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.mlflow_store import faults
from pytest_promptreg.tracking import RunFacts, TrackingSettings, track

SLACK_S = 1.5  # what a busy machine may add to a deadline
HERE = Path(__file__).parent
SEND_LATER = "; the verdict stands; send its record later: python -m pytest_promptreg sync"
# Records one run: python -c WRITER <folder of conftest.py> <uri> <time limit> <artifacts> [<most bytes in a file>].
WRITER = """
import sys, time
if len(sys.argv) > 5:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), int(sys.argv[5])))
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import conftest
from pytest_promptreg.errors import TrackingError
from pytest_promptreg.tracking import RunFacts, TrackingSettings, track
settings = TrackingSettings(sys.argv[2], "race", float(sys.argv[3]), artifact_root=sys.argv[4])
facts = RunFacts("pytest", True, Path(sys.argv[4].removeprefix("file://")).parent)
try:
    print(track(conftest.run_of(["v1"]), settings, facts).run_id)
except TrackingError as exc:
    print(exc)
print("end", time.monotonic())
"""


def dead(uri: str, timeout_s: float = 20) -> TrackingSettings:
    """Settings of a store that will not do."""
    return TrackingSettings(uri, "promptreg", timeout_s)


def one_line(exc: TrackingError) -> str:
    """What happened, which must be told in one line, with a next step behind it."""
    assert "\n" not in exc.what
    assert exc.next_step
    return exc.what


@pytest.fixture
def project(facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFacts:
    """Of a run in a project of its own, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return replace(facts, rootdir=tmp_path)


def start_writer(uri: str, timeout_s: float, folder: Path, *most_bytes: int) -> subprocess.Popen[str]:
    """A process of its own that records a run, with every warning an error."""
    python = [sys.executable, "-B", "-W", "error"]  # a compiled module that was cut off would be there for the next
    command = [*python, "-c", WRITER, str(HERE), uri, str(timeout_s), (folder / "art").as_uri()]
    command += map(str, most_bytes)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder)


def test_a_dead_port_is_told_at_once(closed_port: str, make_run: Any, facts: RunFacts) -> None:
    """A server that is down costs seconds, not MLflow's own four minutes a call."""
    began = time.monotonic()
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), dead(closed_port), facts)
    assert time.monotonic() - began < 20
    assert one_line(caught.value) == "MLflow: the server cannot be reached"
    assert caught.value.where == closed_port


def test_a_silent_server_is_left_at_the_deadline(silent_server: str, make_run: Any, facts: RunFacts) -> None:
    """A server that never answers holds the run up for its time limit and no longer; the environment is restored."""
    before = dict(os.environ)
    began = time.monotonic()
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), dead(silent_server, 1.0), facts)
    assert time.monotonic() - began < 1.0 + SLACK_S
    assert one_line(caught.value) == "MLflow: no answer after 1 s"
    assert dict(os.environ) == before


def test_a_server_that_never_answers_is_given_up_long_before_the_time_limit(
    silent_server: str, make_run: Any, project: RunFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A black hole costs its own, shorter limit; the record is kept, and the message ends with what sends it."""
    assert faults.ANSWER_WITHIN_S == 10
    monkeypatch.setattr(faults, "ANSWER_WITHIN_S", 0.5)
    began = time.monotonic()
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), dead(silent_server, 60), project)
    assert time.monotonic() - began < 0.5 + SLACK_S
    assert one_line(caught.value) == "MLflow: no answer after 0.5 s"
    assert str(caught.value).endswith(SEND_LATER)


def test_a_server_that_hangs_up_cannot_be_reached(make_run: Any, project: RunFacts) -> None:
    """One that accepts and closes is as far away as one that refuses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with pytest.raises(TrackingError, match="cannot be reached"):
            track(make_run(["v1"]), dead(f"http://127.0.0.1:{listener.getsockname()[1]}"), project)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "MLflow: the server refused: "),
        (403, "MLflow: the server refused: "),
        (404, "MLflow: there is no MLflow server at this address"),
        (429, "MLflow: the server answers with errors: "),
        (500, "MLflow: the server answers with errors: "),
        (503, "MLflow: the server answers with errors: "),
    ],
)
def test_a_server_that_answers_with_errors_is_one_line(
    status: int, told: str, answering: Any, make_run: Any, project: RunFacts, capfd: pytest.CaptureFixture[str]
) -> None:
    """Refusals and failures are told as what they are, within seconds, also where it asks to come back in an hour."""
    began = time.monotonic()
    with answering(status) as uri, pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), dead(uri), project)
    assert time.monotonic() - began < 15
    assert one_line(caught.value).startswith(told)
    assert str(caught.value).endswith(SEND_LATER)
    assert caught.value.where == uri
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_two_processes_can_make_the_same_store_at_once(tmp_path: Path, runs_in: Any) -> None:
    """Two pytest runs that find no store both succeed in silence, and leave one that works, with one parent each."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    writers = [start_writer(uri, 120, tmp_path) for _ in range(2)]
    said = [writer.communicate(timeout=120)[0] for writer in writers]
    assert all(writer.returncode == 0 for writer in writers), said
    assert all(len(text.splitlines()) == 2 for text in said), said
    ids = {text.splitlines()[0] for text in said}
    runs = runs_in(uri, "race")
    assert {run_id for run_id, run in runs.items() if "mlflow.parentRunId" not in run.tags} == ids
    assert sorted(run.tags.get("mlflow.parentRunId", "") for run in runs.values()) == ["", "", *sorted(ids)]
    assert {run.tags["promptreg.complete"] for run in runs.values()} == {"true"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit there")
@pytest.mark.parametrize("most_bytes", [100, 100_000])
def test_a_full_disk_is_one_line(tmp_path: Path, most_bytes: int) -> None:
    """Neither the database's own page of errors nor a traceback is shown where files cannot grow."""
    with start_writer(f"sqlite:///{tmp_path}/mlflow.db", 60, tmp_path, most_bytes) as writer:
        said = writer.communicate(timeout=60)[0]
    assert writer.returncode == 0
    told, step, end = said.splitlines()
    assert told.startswith(f"sqlite:///{tmp_path}/mlflow.db: MLflow: "), said
    assert end.startswith("end ")
    lost = "its record is lost: it could not be kept on disk either (File too large)"
    see = "  see that its folder is there and writable"  # and no sync: what is lost cannot be sent
    assert step == f"{see}; the verdict stands; {lost}" if most_bytes == 100 else step.endswith(SEND_LATER), said


def test_a_writer_that_hangs_does_not_hold_the_interpreter(silent_server: str, tmp_path: Path) -> None:
    """After the deadline the process ends, though a call to the server is still open."""
    with start_writer(silent_server, 3.0, tmp_path) as writer:
        said = writer.communicate(timeout=60)[0]
        ended = time.monotonic()
    assert "MLflow: no answer after 3 s" in said
    assert "Traceback" not in said
    assert ended - float(said.rsplit("end ", 1)[1]) < SLACK_S


def test_a_store_in_use_is_waited_for_until_the_deadline(make_run: Any, facts: RunFacts, tmp_path: Path) -> None:
    """Another writer's lock is respected, and named when it takes too long."""
    with FileLock(tmp_path / "mlflow.db.promptreg.lock"), pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), dead(f"sqlite:///{tmp_path}/mlflow.db", 1.0), facts)
    assert not (tmp_path / "mlflow.db").exists()
    assert one_line(caught.value) == "MLflow: another process has been writing for 1 s"


@pytest.mark.parametrize("uri", ["sqlite:////proc/no/mlflow.db", "nonsense://host", "file:///tmp/mlruns-promptreg"])
def test_a_store_that_cannot_be_is_one_line(uri: str, make_run: Any, facts: RunFacts) -> None:
    """A folder that is not there, a scheme that nobody knows and MLflow's retired file store are no tracebacks."""
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), dead(uri), facts)
    assert one_line(caught.value).startswith("MLflow: ")
    assert caught.value.where is not None
    assert uri in caught.value.where


def test_a_damaged_database_is_one_line(make_run: Any, facts: RunFacts, tmp_path: Path, capfd: Any) -> None:
    """A file that is no database is reported without MLflow's own page of errors."""
    (tmp_path / "mlflow.db").write_text("this is no database, " * 200)
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), dead(f"sqlite:///{tmp_path}/mlflow.db"), facts)
    assert "database" in one_line(caught.value)
    assert capfd.readouterr().err == ""


def test_a_missing_mlflow_is_one_line(make_run: Any, facts: RunFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the message says what to install."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), dead("sqlite:///x.db"), facts)
    assert "a package is missing" in one_line(caught.value)
    assert "pip install" in str(caught.value.next_step)
