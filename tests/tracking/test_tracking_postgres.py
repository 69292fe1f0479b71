"""The record and the registry on a real MLflow server whose database is PostgreSQL."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from pytest_promptreg.__main__ import main
from pytest_promptreg.errors import TrackingError
from pytest_promptreg.tracking import RunFacts, TrackingSettings, track

START_LIMIT_S = 90
SUITE = """
    import pytest

    @pytest.fixture(scope="session")
    def promptreg_predict():
        return lambda request: request.inputs["text"]

    ROWS = [{{"id": str(number), "text": "x y z"}} for number in range(4)]

    @pytest.mark.promptreg(prompts={prompts!r}, examples=ROWS, gates=["rouge_l >= 0.5"], baseline={baseline!r})
    def test_say(promptreg):
        promptreg.check()
"""


def tools() -> Path:
    """The folder of PostgreSQL's programs; skips where one, or what connects Python to it, is missing."""
    for package in ("psycopg", "mlflow"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    found = shutil.which("initdb")
    folder = Path(found).resolve().parent if found else None
    if folder is None or not (folder / "postgres").exists():
        pytest.skip("needs PostgreSQL's initdb and postgres")
    return folder


def unprivileged() -> dict[str, Any]:
    """How a process is started that may be PostgreSQL's, which refuses to run as root."""
    if os.name != "posix":
        pytest.skip("needs POSIX")
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("nobody")
    except KeyError:
        pytest.skip("PostgreSQL refuses to run as root, and there is no user nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not ready():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@contextlib.contextmanager
def running(command: Sequence[str], ready: Callable[[], bool], log: Path, end: int, **how: Any) -> Iterator[None]:
    """A process with all its children, from when it is ready to the end of the block, when it is sent a signal."""
    with log.open("ab") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True, **how)
    try:
        wait_for(ready, process, log)
        yield
    finally:
        for number in (end, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(process.pid, number)
                process.wait(15)
                break


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a database in a PostgreSQL of its own."""
    programs, how = tools(), unprivileged()
    # Not below pytest's own folder, which only its owner may enter.
    folder = Path(tmp_path_factory.mktemp("log"))
    with contextlib.ExitStack() as stack:
        home = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="promptreg-pg-", ignore_cleanup_errors=True))
        )
        if how:
            os.chown(home, how["user"], how["group"])
        data, port = home / "data", free_port()
        setup = [str(programs / "initdb"), "-D", str(data), "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8"]
        done = subprocess.run(setup, capture_output=True, text=True, check=False, cwd=home, **how)
        if done.returncode:
            pytest.skip(f"initdb does not work here: {done.stderr.strip()[-200:]}")
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(home)]
        command += ["-c", "fsync=off", "-c", "full_page_writes=off"]

        def ready() -> bool:
            import psycopg

            with contextlib.suppress(psycopg.Error):
                psycopg.connect(f"postgresql://tester@127.0.0.1:{port}/postgres", connect_timeout=2).close()
                return True
            return False

        stack.enter_context(running(command, ready, folder / "postgres.log", signal.SIGINT, cwd=home, **how))
        yield f"postgresql://tester@127.0.0.1:{port}/postgres"


@pytest.fixture(scope="session")
def server(postgres: str, mlflow_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow server with that database."""
    with mlflow_server(tmp_path_factory.mktemp("postgres-server"), postgres) as running_server:
        yield running_server.url


@pytest.fixture
def project(pytester: pytest.Pytester, server: str, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A suite of two prompt versions with a stored baseline, to be recorded on the server."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    folder = pytester.mkdir("prompts") / "say"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"v{number}.md").write_text(f"Say {number} times {{{{ text }}}}\n", encoding="utf-8")
    write(pytester, "prompts/say")
    assert pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-update", "--no-promptreg-mlflow").ret == 0
    return pytester


def write(pytester: pytest.Pytester, prompts: str, baseline: str | None = None) -> None:
    (pytester.path / "test_say.py").write_text(dedent(SUITE.format(prompts=prompts, baseline=baseline)))


def settings_of(server: str, experiment: str) -> TrackingSettings:
    return TrackingSettings(server, experiment, 90)


def tree(runs: dict[str, Any]) -> list[tuple[str, str]]:
    """Each run's version and whether it is complete, parents as such."""
    return sorted(
        (run.tags.get("promptreg.version", "parent"), run.tags["promptreg.complete"]) for run in runs.values()
    )


pytestmark = pytest.mark.slow

ONE = [("parent", "true"), ("v1", "true"), ("v2", "true")]


def test_a_run_is_recorded_whole(server: str, make_run: Any, facts: RunFacts, runs_in: Any) -> None:
    """Prompts with control characters and markup, numbers, statuses: PostgreSQL takes what sqlite took."""
    receipt = track(make_run(), settings_of(server, "größe: 'whole' ☕"), facts)
    runs = runs_in(server, "größe: 'whole' ☕")
    assert [runs[run_id].status for run_id in receipt.children.values()] == ["FINISHED", "FINISHED", "FAILED"]
    assert {run.tags["promptreg.complete"] for run in runs.values()} == {"true"}
    last = runs[receipt.children["tests/test_tickets.py::test_summarize", "v3"]]
    assert last.metrics["drop_rouge_l/max"] == pytest.approx(0.31)
    assert last.datasets == ["test_summarize"]


def test_prompts_go_in_and_come_out(project: pytest.Pytester, server: str) -> None:
    """Registered, promoted, tested where they are, and the baseline tied to the alias."""
    quiet = ["-p", "no:xdist", "--no-promptreg-mlflow"]
    result = project.runpytest_inprocess(*quiet, "--promptreg-versions", "v1", "--promptreg-promote", "champion")
    result.stdout.fnmatch_lines(["*v1 is version 1 of say", "*say@champion is version 1 now (new)"])
    write(project, "prompts:/say@champion", "@champion")
    result = project.runpytest_inprocess(*quiet)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*baseline @champion (version 1), 4 examples"])


def test_two_runs_and_four_workers_leave_one_parent_each(
    project: pytest.Pytester, server: str, runs_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two pytest runs at once, one of them with ``-n 4``, in an experiment that neither finds."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "at once")
    command = [sys.executable, "-m", "pytest", "-q", "-o", "promptreg_mlflow_timeout=90"]
    both = [
        subprocess.Popen([*command, *more], cwd=project.path, stdout=subprocess.PIPE, text=True)
        for more in (["-p", "no:xdist"], ["-n4"])
    ]
    said = [process.communicate(timeout=180)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert "".join(said).count("MLflow: 2 prompt versions") == 2, said
    assert tree(runs_in(server, "at once")) == sorted([*ONE, *ONE])


def test_a_sync_sends_once(
    server: str, make_run: Any, facts: RunFacts, runs_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited for the server is sent whole, and the copy of it not again."""
    monkeypatch.chdir(tmp_path)
    lost = replace(settings_of(server, "later"), uri="nonsense://host")
    with pytest.raises(TrackingError):
        track(make_run(["v1", "v2"]), lost, replace(facts, rootdir=tmp_path))
    shutil.copytree(tmp_path / ".promptreg", tmp_path / "copy")
    for folder in (tmp_path, tmp_path / "copy"):
        assert main(["sync", str(folder), "--tracking-uri", server]) == 0
        assert tree(runs_in(server, "later")) == ONE
