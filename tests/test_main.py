"""``python -m pytest_promptreg``: commands outside a pytest run."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_promptreg import __version__
from pytest_promptreg.__main__ import COMMANDS, main

SUITE = """
import pytest

@pytest.fixture(scope="session")
def promptreg_predict():
    return lambda request: "The answer to " + request.inputs["question"]

@pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["rouge_l >= 0.8"])
def test_suite(promptreg):
    promptreg.check()
"""
PYTHON = [sys.executable, "-W", "error", "-m"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one suite with a baseline."""
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "v1.md").write_text("Answer {{ question }}\n")
    (tmp_path / "examples.jsonl").write_text(json.dumps({"id": "a", "question": "why?"}) + "\n")
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    subprocess.run([*PYTHON, "pytest", "-q", "--promptreg-update"], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_without_a_command_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command stands in the help with what it does."""
    assert main([]) == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: python -m pytest_promptreg")
    for name, (purpose, _) in COMMANDS.items():
        assert name in said
        assert purpose in " ".join(said.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_of_its_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what the command takes."""
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"pytest_promptreg {command}" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints it and nothing else."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"pytest-promptreg {__version__}\n"


@pytest.mark.parametrize("arguments", [["snyc"], ["sync", "--unknown"], ["sync", "--timeout", "soon"]])
def test_a_mistyped_call_is_refused(arguments: list[str]) -> None:
    """Exit status 2, as pytest has it."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person who named it is told, without a traceback."""
    assert main(["sync", str(tmp_path / "gone")]) == 2
    step = "  name the folder in which records wait, or leave it out for the one of this project\n"
    assert capsys.readouterr() == ("", f"error: {tmp_path / 'gone'}: there is no such folder\n{step}")


def test_an_empty_spool_is_nothing_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 0, whether there is a spool or not."""
    for listed in ([], ["--list"]):
        assert main(["sync", "--rootdir", str(tmp_path), *listed]) == 0
        assert capsys.readouterr().out == "nothing waits to be sent\n"


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever interrupts it knows that he did."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pytest_promptreg.tracking.sync.find", interrupted)
    assert main(["sync", "--rootdir", str(tmp_path)]) == 130


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed otherwise there")
def test_a_run_that_was_killed_while_it_was_sending_is_sent_later(project: Path) -> None:
    """From pytest to the store: a server that hangs, SIGKILL, and one command that sends what the run had found."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        environ = os.environ | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{listener.getsockname()[1]}"}
        with subprocess.Popen([*PYTHON, "pytest", "-q"], cwd=project, env=environ, stdout=subprocess.DEVNULL) as run:
            connection, _ = listener.accept()  # it asks whether anybody is there
            run.send_signal(signal.SIGKILL)
        connection.close()
    uri = f"sqlite:///{project}/mlflow.db"
    sync = [*PYTHON, "pytest_promptreg", "sync", "--rootdir", str(project)]
    done = subprocess.run([*sync, "--tracking-uri", uri], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sent  ")
    assert "MLflow: 1 prompt version in experiment 'promptreg'" in done.stdout
    again = subprocess.run(sync, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (0, "nothing waits to be sent\n")


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    """What `| head` does: the pipe is closed before all is printed, and nothing is said of it."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [*PYTHON, "pytest_promptreg", "schema"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
