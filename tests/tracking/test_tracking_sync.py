"""A record that waits is sent once and whole, whatever happened to it before."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pytest_promptreg.__main__ import main
from pytest_promptreg.errors import ConfigError, TrackingError
from pytest_promptreg.mlflow_store import Store, faults
from pytest_promptreg.mlflow_store.deadline import within_deadline
from pytest_promptreg.tracking import Receipt, RunFacts, TrackingSettings, spool, track
from pytest_promptreg.tracking.client import _Tree, _Writer, send
from pytest_promptreg.tracking.facts import Surroundings
from pytest_promptreg.tracking.records import Record
from pytest_promptreg.tracking.schema import describe
from pytest_promptreg.tracking.sync import find, sync

NOWHERE = TrackingSettings("nonsense://host", "promptreg", 30.0)
SUITE = "tests/test_tickets.py::test_summarize"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def record(make_run: Any, facts: RunFacts) -> Record:
    """Of a run of two versions."""
    return describe(make_run(["v1", "v2"]), facts, Surroundings(commit="1a2b3c4d5e6f"))


def put(record: Record, place: TrackingSettings, rootdir: Path) -> spool.Session:
    """The record, waiting to be sent."""
    session = spool.keep(record, place, rootdir)
    assert session.folder is not None, session.problem
    return session


def send_now(session: spool.Session, *, again: bool = False) -> Receipt:
    """What a run, or a sync, does with it."""
    return within_deadline(lambda deadline: send(session, deadline, again=again), session.settings.store)


def content(mlflow: Any, place: TrackingSettings) -> list[dict[str, Any]]:
    """All that an experiment's runs hold, ids and sessions left out, in order of their names."""
    client = mlflow.MlflowClient(tracking_uri=place.uri)
    experiment = client.get_experiment_by_name(place.experiment)
    runs = client.search_runs([experiment.experiment_id]) if experiment else []
    names = {run.info.run_id: run.info.run_name for run in runs}
    found = []
    for run in runs:
        tags = {name: value for name, value in run.data.tags.items() if name != "promptreg.session"}
        if parent := tags.get("mlflow.parentRunId"):
            tags["mlflow.parentRunId"] = names[parent]
        with tempfile.TemporaryDirectory() as folder:
            files = Path(client.download_artifacts(run.info.run_id, "", folder))
            artifacts = {str(path.relative_to(files)): path.read_text() for path in files.rglob("*") if path.is_file()}
        found.append(
            {
                "run": (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time),
                "tags": tags,
                "params": run.data.params,
                "metrics": run.data.metrics,
                "logged": [
                    (entry.value, entry.timestamp, entry.step)
                    for entry in client.get_metric_history(run.info.run_id, "pass_rate")
                ],
                "datasets": [(entry.dataset.name, entry.dataset.digest) for entry in run.inputs.dataset_inputs],
                "artifacts": artifacts,
            }
        )
    return sorted(found, key=lambda each: str(each["run"]))


def said(folders: list[Path], **given: Any) -> tuple[bool, list[str]]:
    """Whether nothing is left, and the lines."""
    lines: list[str] = []
    return sync(folders, given.pop("environ", {}), lines.append, **given), lines


def test_what_is_sent_later_is_what_is_sent_at_once(
    sqlite_store: Any, mlflow: Any, make_run: Any, facts: RunFacts, here: Path
) -> None:
    """Times, statuses, numbers, texts and files of a run that waited are those of a run that did not."""
    facts = replace(facts, rootdir=here)
    run = make_run()
    track(run, sqlite_store.named("sync at once"), facts)
    with pytest.raises(TrackingError):
        track(run, replace(NOWHERE, experiment="sync later"), facts)
    uri = sqlite_store.settings.uri
    done, lines = said(find([here], named=False), uri=uri)
    assert done
    assert [line[:4] for line in lines] == ["sent"]
    assert "3 prompt versions in experiment 'sync later'" in lines[0]
    at_once, later = (content(mlflow, sqlite_store.named(f"sync {when}")) for when in ("at once", "later"))
    assert later == at_once
    assert len(later) == 4
    artifacts = Path(sqlite_store.settings.uri.removeprefix("sqlite:///")).parent / "mlruns"
    assert len(list(artifacts.glob("sync-later*/*/artifacts"))) == 4
    assert find([here], named=False) == []


@pytest.mark.parametrize("reply_lost", [False, True])
def test_a_record_cut_off_at_any_call_is_finished_and_nothing_is_there_twice(
    sqlite_store: Any,
    mlflow: Any,
    cutting: Callable[..., Any],
    record: Record,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    reply_lost: bool,
) -> None:
    """Wherever the connection was lost, before a call or behind it, a sync leaves what an undisturbed run would."""
    record = replace(record, children=record.children[:1])
    place = sqlite_store.named(f"sync whole {reply_lost}")
    send_now(put(record, place, here))
    expected = content(mlflow, place)
    whole = mlflow.MlflowClient
    for at in range(1, 100):
        place = sqlite_store.named(f"sync cut {reply_lost} {at}")
        session = put(record, place, here)
        assert session.folder is not None
        with monkeypatch.context() as patched:
            patched.setattr(mlflow, "MlflowClient", cutting(at, reply_lost=reply_lost))
            try:
                send_now(session)
            except TrackingError:
                pass
            else:
                break
        assert mlflow.MlflowClient is whole
        assert said([session.folder])[0]
        assert not session.folder.exists()
        assert content(mlflow, place) == expected, at
    assert at > 10


def test_a_record_that_arrived_whole_is_not_sent_again(
    sqlite_store: Any, mlflow: Any, record: Record, here: Path
) -> None:
    """A process that was killed after the last call leaves a record that is there already: nothing more is made."""
    place = sqlite_store.named("sync arrived")
    session = put(record, place, here)
    assert session.folder is not None
    shutil.copytree(session.folder, here / "copy")
    first = send_now(session)
    before = content(mlflow, place)
    assert said([here / "copy"])[0]
    assert content(mlflow, place) == before
    assert set(sqlite_store.runs("sync arrived")) == {first.run_id, *first.children.values()}


def test_a_run_that_somebody_deleted_is_made_anew(sqlite_store: Any, mlflow: Any, record: Record, here: Path) -> None:
    """What lies in MLflow's bin does not count as sent."""
    place = sqlite_store.named("sync deleted")
    session = put(record, place, here)
    assert session.folder is not None
    shutil.copytree(session.folder, here / "copy")
    first = send_now(session)
    before = content(mlflow, place)
    gone = first.children[SUITE, "v2"]
    mlflow.MlflowClient(place.uri).delete_run(gone)
    assert said([here / "copy"])[0]
    assert content(mlflow, place) == before
    assert gone not in sqlite_store.runs("sync deleted")


def test_a_request_that_was_repeated_leaves_one_run(
    sqlite_store: Any, mlflow: Any, record: Record, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that gives up on a request that did arrive makes the client ask twice: the empty run is removed."""

    class Repeating(mlflow.MlflowClient):  # type: ignore[misc]
        def create_run(self, *arguments: Any, **named: Any) -> Any:
            super().create_run(*arguments, **named)
            return super().create_run(*arguments, **named)

    place = sqlite_store.named("sync repeated")
    with monkeypatch.context() as patched:
        patched.setattr(mlflow, "MlflowClient", Repeating)
        receipt = send_now(put(record, place, here), again=True)
    runs = sqlite_store.runs("sync repeated")
    assert set(runs) == {receipt.run_id, *receipt.children.values()}
    assert {run.status for run in runs.values()} == {"FINISHED"}


def test_copies_that_are_sent_from_two_machines_leave_one_record(
    sqlite_store: Any, mlflow: Any, record: Record, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither saw the other, the later one removes what is there twice, and names what stays."""
    place = sqlite_store.named("sync copies")
    session = put(record, place, here)
    assert session.folder is not None
    copy = replace(session, folder=shutil.copytree(session.folder, here / session.id))
    send_now(session)
    expected = content(mlflow, place)
    looked = iter([_Tree()])  # before the other began
    find_runs = _Writer.found
    monkeypatch.setattr(_Writer, "found", lambda writer: next(looked, None) or find_runs(writer))
    receipt = send_now(copy, again=True)
    assert content(mlflow, place) == expected
    runs = sqlite_store.runs("sync copies")
    assert set(runs) == {receipt.run_id, *receipt.children.values()}
    assert {runs[child].tags["mlflow.parentRunId"] for child in receipt.children.values()} == {receipt.run_id}


def test_a_record_in_hand_is_left_to_whoever_has_it(sqlite_store: Any, record: Record, here: Path) -> None:
    """A run that is still sending, and a sync beside it, do not send the same record."""
    session = put(record, sqlite_store.named("sync in hand"), here)
    assert session.folder is not None
    with FileLock(session.folder.with_name(f"{session.id}.lock")):
        done, lines = said([session.folder])
    assert (done, len(lines)) == (False, 1)
    assert lines[0].startswith(f"left  {session.id}: ")
    assert lines[0].endswith(": another process is sending it")
    assert sqlite_store.runs("sync in hand") == {}
    assert said([session.folder])[0]
    assert not list(spool.spool_of(here).iterdir())


@pytest.mark.slow
def test_two_syncs_at_once_send_each_record_once(sqlite_store: Any, record: Record, here: Path) -> None:
    """Two processes that are started together leave one parent for each record, and an empty spool."""
    for _ in range(3):
        put(record, sqlite_store.named("sync twice"), here)
    command = [sys.executable, "-W", "error", "-m", "pytest_promptreg", "sync"]
    both = [
        subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=120)[0] for process in both]
    assert "".join(told).count("sent  ") == 3, told
    assert "Traceback" not in "".join(told)
    assert 0 in {process.returncode for process in both}, told
    runs = sqlite_store.runs("sync twice").values()
    assert len(runs) == 9
    assert sum("mlflow.parentRunId" not in run.tags for run in runs) == 3
    assert find([here], named=False) == []


def test_a_server_that_does_not_answer_is_asked_once(
    record: Record, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten seconds are spent on it, not ten for each record."""
    monkeypatch.setattr(faults, "ANSWER_WITHIN_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = TrackingSettings(f"http://127.0.0.1:{listener.getsockname()[1]}", "promptreg", 30)
        sessions = [put(record, place, here) for _ in range(3)]
        done, lines = said(find([here], named=False))
        listener.settimeout(0.2)
        listener.accept()[0].close()
        with pytest.raises(TimeoutError):
            listener.accept()
    assert not done
    assert sorted(lines) == sorted(
        f"left  {session.id}: {place.uri}: no answer after 0.3 s; see whether it is well" for session in sessions
    )
    assert len(find([here], named=False)) == 3


def test_one_bad_record_does_not_hold_up_the_others(sqlite_store: Any, record: Record, here: Path) -> None:
    """A damaged one is named with a way out, the others are sent."""
    bad, good = (put(record, sqlite_store.named("sync bad"), here) for _ in range(2))
    assert bad.folder is not None
    (bad.folder / spool.FILE).write_text("{")
    done, lines = said(find([here], named=False))
    assert not done
    assert sorted(line[:4] for line in lines) == ["left", "sent"]
    (left,) = (line for line in lines if line.startswith("left"))
    assert left.endswith(f"it is damaged; remove .promptreg/spool/{bad.id}")
    assert f"sent  {good.id}" in "".join(lines)


def test_the_address_with_its_password_comes_from_the_environment(
    record: Record, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record is sent with the credentials of whoever sends it, and no line tells them."""
    used = []

    def stop(store: Store, _: Any) -> None:
        used.append(store.uri)
        raise TrackingError("stopped", where=store.shown)

    monkeypatch.setattr("pytest_promptreg.tracking.client.knock", stop)
    session = put(record, replace(NOWHERE, uri="http://ada:hunter2@host:5000"), here)
    assert session.folder is not None
    _, lines = said([session.folder], environ={"MLFLOW_TRACKING_URI": "http://bob:hunter3@host:5000"})
    assert used == ["http://bob:hunter3@host:5000"]
    assert lines == [f"left  {session.id}: http://host:5000: stopped"]


def test_an_earlier_run_does_not_take_the_baseline_mark_back(
    sqlite_store: Any, mlflow: Any, make_run: Any, facts: RunFacts, here: Path
) -> None:
    """A record that is sent late leaves the experiment's baseline with the later run."""
    place = sqlite_store.named("sync mark")
    run = make_run(["v1"])
    late = put(describe(run, facts, Surroundings()), place, here)
    newer = replace(run, started=run.started + 60, ended=run.ended + 60)
    receipt = track(newer, place, replace(facts, rootdir=here))
    send_now(late, again=True)
    marked = sqlite_store.experiment_tags("sync mark")["mlflow.evaluation.baselineRunId"]
    assert marked == receipt.children[SUITE, "v1"]


def test_a_record_is_found_by_any_of_its_folders(record: Record, here: Path) -> None:
    """The root folder, the plugin's, the spool and the record itself will do, as will a spool that was moved."""
    first, second = sorted(str(put(record, NOWHERE, here).folder) for _ in range(2))
    both = [Path(first), Path(second)]
    for place in (here, here / ".promptreg", here / ".promptreg" / "spool"):
        assert find([place, place], named=True) == both
    assert find(both[1:], named=True) == both[1:]
    moved = shutil.copytree(spool.spool_of(here), here / "artifact")
    assert [folder.parent for folder in find([moved], named=True)] == [moved, moved]
    assert find([here / "nothing"], named=False) == []
    with pytest.raises(ConfigError, match="no such folder"):
        find([here / "nothing"], named=True)


def test_the_list_says_what_waits_and_sends_nothing(
    record: Record, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each record, and the exit status of a spool that is not empty."""
    session = put(record, replace(NOWHERE, uri="http://ada:hunter2@host"), here)
    assert main(["sync", "--list"]) == 1
    assert capsys.readouterr() == (f"{session.id}: 1a2b3c4, 2 prompt versions, FINISHED, for http://host\n", "")
    assert find([here], named=False) == [session.folder]
