"""What is to be sent lies on a disk first, whole or not at all, for its owner only, and without secrets."""

from __future__ import annotations

import json
import math
import os
import stat
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.atomic import hold
from pytest_promptreg.errors import TrackingError
from pytest_promptreg.files import own_folder
from pytest_promptreg.tracking import RunFacts, TrackingSettings, spool, track
from pytest_promptreg.tracking.facts import Surroundings
from pytest_promptreg.tracking.records import DatasetRecord, Record, RunRecord
from pytest_promptreg.tracking.schema import describe
from pytest_promptreg.tracking.traces.record import Said, TraceRecord

NOWHERE = TrackingSettings("nonsense://host", "promptreg", 30.0)
TEXT = st.text(st.characters(codec=None), max_size=20)  # NUL and lone surrogates too
NUMBERS = st.floats(allow_nan=False) | st.integers(-(10**15), 10**15)
RUN = st.builds(
    RunRecord,
    name=TEXT,
    status=st.sampled_from(["FINISHED", "FAILED", "KILLED"]),
    start_ms=st.integers(0, 2**60),
    end_ms=st.integers(0, 2**60),
    tags=st.dictionaries(TEXT, TEXT, max_size=3),
    params=st.dictionaries(TEXT, TEXT, max_size=3),
    metrics=st.dictionaries(TEXT, NUMBERS, max_size=3),
    artifacts=st.dictionaries(TEXT, TEXT, max_size=3),
    dataset=st.none() | st.builds(DatasetRecord, TEXT, TEXT, TEXT, st.integers(0, 9)),
    suite=TEXT,
    version=TEXT,
    is_baseline=st.booleans(),
)
RUNS = RUN | st.builds(replace, RUN, nested=st.lists(RUN, min_size=1, max_size=2))
TRACES = st.builds(
    TraceRecord,
    trace_id=TEXT,
    suite=TEXT,
    version=TEXT,
    state=st.sampled_from(["OK", "ERROR"]),
    start_ms=st.integers(0, 2**60),
    duration_ms=st.integers(0, 2**60),
    request=TEXT,
    response=TEXT,
    tags=st.dictionaries(TEXT, TEXT | NUMBERS, max_size=2),  # predict's own among them
    metadata=st.dictionaries(TEXT, TEXT | NUMBERS, max_size=2),
    feedback=st.lists(st.builds(Said, TEXT, TEXT | NUMBERS | st.booleans(), TEXT), max_size=2),
    expectations=st.dictionaries(TEXT, TEXT, max_size=2),
    spans=st.lists(st.dictionaries(TEXT, TEXT | NUMBERS | st.none() | st.lists(TEXT, max_size=2)), max_size=2),
)
PLACES = st.builds(
    TrackingSettings,
    uri=st.sampled_from(["http://host:5000/mlflow", "sqlite:////tmp/mlflow.db", "postgresql://host/db", "databricks"]),
    experiment=TEXT,
    timeout_s=st.floats(1, 100),
    artifact_root=st.none() | TEXT,
    experiment_id=st.none() | TEXT,
    parent_run_id=st.none() | TEXT,
    required=st.booleans(),
)


@pytest.fixture
def record(make_run: Any, facts: RunFacts) -> Record:
    """Of a run of two versions."""
    return describe(make_run(["v1", "v2"]), facts, Surroundings(commit="1a2b3c4d5e6f"))


@pytest.fixture
def here(facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFacts:
    """Of a run in a project of its own, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return replace(facts, rootdir=tmp_path)


def kept(record: Record, place: TrackingSettings, rootdir: Path) -> Path:
    """The folder of a record that could be kept."""
    session = spool.keep(record, place, rootdir)
    assert session.folder is not None, session.problem
    return session.folder


@given(RUNS, st.lists(RUNS, max_size=2), st.lists(TRACES, max_size=2), PLACES)
@settings(max_examples=40)
def test_a_record_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory,
    parent: RunRecord,
    children: list[RunRecord],
    traces: list[TraceRecord],
    place: TrackingSettings,
) -> None:
    """Any text, number and absence of one survives, so that what is sent later is what would have been sent at once."""
    rootdir = tmp_path_factory.mktemp("spool")
    session = spool.keep(Record(parent, children, traces=traces), place, rootdir)
    assert session.folder == spool.spool_of(rootdir) / session.id
    assert spool.load(session.folder) == session


def test_a_described_run_comes_back_as_it_was(record: Record, tmp_path: Path) -> None:
    """With every artifact of every version."""
    found = spool.load(kept(record, NOWHERE, tmp_path)).record
    assert found == record
    assert "examples.json" in found.children[1].artifacts


BEFORE = """
{"format": 1, "session": "20260101T000000Z-1a2b3c4d",
 "settings": {"uri": "http://host:5000", "experiment": "promptreg", "timeout_s": 30, "artifact_root": null,
              "experiment_id": null, "parent_run_id": null, "required": false},
 "record": {
  "parent": {"name": "run", "status": "FAILED", "start_ms": 1, "end_ms": 2, "tags": {"a": "\\ud800"}, "params": {},
             "metrics": {"cases": 3, "infinite": Infinity}, "artifacts": {}, "dataset": null, "suite": "",
             "version": "", "is_baseline": false},
  "children": [
   {"name": "v1", "status": "FINISHED", "start_ms": 1, "end_ms": 2, "tags": {}, "params": {}, "metrics": {},
    "artifacts": {"x.txt": "text"}, "dataset": {"name": "d", "sha256": "00", "source": "s", "rows": 3},
    "suite": "s", "version": "v1", "example": "", "is_baseline": true, "nested": []}],
  "notices": ["told"]}}
"""


def test_a_record_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """With the fields that there were then, numbers as JSON had them, and what came later by its default."""
    folder = tmp_path / "20260101T000000Z-1a2b3c4d"
    folder.mkdir()
    (folder / spool.FILE).write_text(BEFORE, encoding="ascii")
    found = spool.load(folder)
    assert found.settings == TrackingSettings("http://host:5000", "promptreg", 30.0)
    dataset = DatasetRecord("d", "00", "s", 3)
    child = RunRecord("v1", "FINISHED", 1, 2, {}, {}, {}, {"x.txt": "text"}, dataset, "s", "v1", is_baseline=True)
    metrics = {"cases": 3.0, "infinite": math.inf}
    parent = RunRecord("run", "FAILED", 1, 2, {"a": "\ud800"}, {}, metrics, {})
    assert found.record == Record(parent, [child], ["told"])


def test_git_does_not_see_the_folder_and_nobody_else_may_read_it(record: Record, tmp_path: Path) -> None:
    """Prompts and outputs are the owner's: they get into no commit, and other users cannot open them."""
    folder = kept(record, NOWHERE, tmp_path)
    assert (tmp_path / ".promptreg" / ".gitignore").read_text() == "*\n"
    if os.name == "posix":
        assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o700}
    assert sorted(path.name for path in folder.iterdir()) == ["session.json"]


@pytest.mark.parametrize(
    ("uri", "stored"),
    [
        ("https://ada:hunter2@host/mlflow", "https://host/mlflow"),
        ("postgresql+psycopg://ada:hunter2@host/db?sslpassword=hunter2", "postgresql+psycopg://host/db"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dhunter2", "mssql+pyodbc:///"),
        ("databricks://profile", "databricks://profile"),
    ],
)
def test_no_password_is_kept_and_the_environment_gives_it_again(
    record: Record, tmp_path: Path, uri: str, stored: str
) -> None:
    """The file has the address without what may be secret in it; MLFLOW_TRACKING_URI makes it whole when it is sent."""
    folder = kept(record, replace(NOWHERE, uri=uri), tmp_path)
    assert "hunter2" not in (folder / spool.FILE).read_text()
    found = spool.load(folder).settings
    assert found.uri == stored
    assert spool.with_credentials(found, {"MLFLOW_TRACKING_URI": uri}).uri == uri
    assert spool.with_credentials(found, {"MLFLOW_TRACKING_URI": "https://ada:hunter2@other"}).uri == stored
    assert spool.with_credentials(found, {}).uri == stored


def test_a_database_is_found_from_any_folder(record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative address is of the folder in which the tests ran, not of that from which the record is sent."""
    monkeypatch.chdir(tmp_path)
    folder = kept(record, replace(NOWHERE, uri="sqlite:///mlflow.db"), tmp_path)
    assert spool.load(folder).settings.uri == f"sqlite:///{tmp_path.as_posix()}/mlflow.db"


def test_a_newer_format_is_refused(record: Record, tmp_path: Path) -> None:
    """It is not guessed at, and the message says what to do."""
    folder = kept(record, NOWHERE, tmp_path)
    data = json.loads((folder / spool.FILE).read_text())
    (folder / spool.FILE).write_text(json.dumps({**data, "format": spool.FORMAT + 1}))
    with pytest.raises(TrackingError, match=r"format 2.*\n  pip install --upgrade"):
        spool.load(folder)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": "1"}', "cut", "field", "missing"])
def test_a_damaged_file_is_told(record: Record, tmp_path: Path, damage: str) -> None:
    """Neither half a file nor one with other fields is taken for a record, and none is a traceback."""
    folder = kept(record, NOWHERE, tmp_path)
    path = folder / spool.FILE
    text = path.read_text()
    changed = {"cut": text[: len(text) // 2], "field": text.replace('"status"', '"state"', 1)}
    if damage == "missing":
        path.unlink()
    else:
        path.write_text(changed.get(damage, damage))
    with pytest.raises(TrackingError, match="cannot be read" if damage == "missing" else "damaged"):
        spool.load(folder)


def test_a_full_disk_leaves_no_half_record(record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written whole is not there, and why is known."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    own_folder(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    session = spool.keep(record, NOWHERE, tmp_path)
    assert (session.folder, session.problem) == (None, "No space left on device")
    assert list(spool.spool_of(tmp_path).iterdir()) == []


def test_an_unfinished_record_does_not_wait_and_goes(record: Record, tmp_path: Path) -> None:
    """What a killed process left is never sent, and the next one clears it up; what is being written stays."""
    whole = kept(record, NOWHERE, tmp_path)
    left, empty, held = (whole.with_name(f".unfinished-{name}") for name in ("left", "empty", "held"))
    for folder in (left, empty, held):
        folder.mkdir()
    (left / spool.FILE).write_text("{")
    lock, others = whole.with_name("20260101T000000Z-0123abcd.lock"), whole.with_name("mine.lock")
    lock.touch()
    others.touch()
    with (held / spool.FILE).open("wb") as file:
        hold(file)
        assert spool.waiting(whole.parent) == [whole]
        second = kept(record, NOWHERE, tmp_path)
        assert set(whole.parent.iterdir()) == {whole, second, held, others}


def test_a_record_whose_folder_is_cleared_away_is_written_again(
    record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes at once: one that clears up just before the other has anything in its folder costs nothing."""
    made = tempfile.mkdtemp
    folders: list[str] = []

    def clear_first(*, dir: Path, prefix: str) -> str:  # noqa: A002
        folders.append(made(dir=dir, prefix=prefix))
        if len(folders) == 1:
            spool.clear_up(spool.spool_of(tmp_path))
        return folders[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", clear_first)
    whole = kept(record, NOWHERE, tmp_path)
    assert len(folders) == 2
    assert list(whole.parent.iterdir()) == [whole]


def test_what_was_sent_is_removed(sqlite_store: Any, make_run: Any, here: RunFacts) -> None:
    """After a success nothing waits and nothing is said of a spool."""
    receipt = track(make_run(["v1"]), sqlite_store.named("spool sent"), here)
    assert list(spool.spool_of(here.rootdir).iterdir()) == []
    assert receipt.notes == ()


def test_what_could_not_be_sent_is_kept(make_run: Any, here: RunFacts) -> None:
    """The message ends with the command that sends it, and the record is what would have been sent."""
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), NOWHERE, here)
    assert str(caught.value).endswith("; the verdict stands; send its record later: python -m pytest_promptreg sync")
    (folder,) = spool.waiting(spool.spool_of(here.rootdir))
    assert spool.load(folder).record.children[0].version == "v1"


def test_a_later_success_tells_what_still_waits(sqlite_store: Any, make_run: Any, here: RunFacts) -> None:
    """A record that was left behind is not forgotten."""
    for _ in range(2):
        with pytest.raises(TrackingError):
            track(make_run(["v1"]), NOWHERE, here)
    receipt = track(make_run(["v1"]), sqlite_store.named("spool later"), here)
    assert receipt.lines()[-1] == "  2 earlier records wait to be sent: python -m pytest_promptreg sync"


def test_the_command_names_a_root_folder_that_is_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works as it is typed, in the folder in which pytest was started."""
    rootdir = tmp_path / "a b"
    (rootdir / "tests").mkdir(parents=True)
    monkeypatch.chdir(rootdir)
    assert spool.command(rootdir) == "python -m pytest_promptreg sync"
    monkeypatch.chdir(rootdir / "tests")
    assert spool.command(rootdir) == f"python -m pytest_promptreg sync --rootdir '{rootdir}'"


def test_it_is_on_disk_before_mlflow_is_imported(
    make_run: Any, here: RunFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where MLflow cannot even be imported, the record waits all the same."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(TrackingError, match="a package is missing"):
        track(make_run(["v1"]), replace(NOWHERE, uri="sqlite:///x.db"), here)
    assert len(spool.waiting(spool.spool_of(here.rootdir))) == 1


def test_without_a_spool_the_run_is_sent_all_the_same(sqlite_store: Any, make_run: Any, here: RunFacts) -> None:
    """A folder that cannot be written costs nothing where the store is there, and is told only where it is not."""
    (here.rootdir / ".promptreg").write_text("in the way")
    receipt = track(make_run(["v1"]), sqlite_store.named("no spool"), here)
    assert receipt.run_id in sqlite_store.runs("no spool")
    assert receipt.notes == ()
    with pytest.raises(TrackingError) as caught:
        track(make_run(["v1"]), NOWHERE, here)
    assert str(caught.value).endswith(
        "the verdict stands; its record is lost: it could not be kept on disk either (File exists)"
    )


def test_keeping_a_record_imports_no_mlflow() -> None:
    """Neither the spool nor the command that lists it waits for MLflow's import."""
    code = (
        "import sys, pytest_promptreg.__main__ as m, pytest_promptreg.tracking.schema; m.main([]);"
        "print(sorted({'mlflow', 'pandas', 'requests', 'filelock'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
