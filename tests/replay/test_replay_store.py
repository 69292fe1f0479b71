"""The file of recorded outputs outlives kills, edits, and several processes at once."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_promptreg.errors import ReplayError
from pytest_promptreg.model import Output
from pytest_promptreg.replay import line
from pytest_promptreg.replay.store import shown_size
from tests.soak import tries

if TYPE_CHECKING:
    from tests.replay.conftest import MakeRecord, OpenStore

ROUNDS = tries(36, 400)
WRITES = """
import os, random, signal, sys, time
from pathlib import Path
from pytest_promptreg.model import Output
from pytest_promptreg.replay.keys import Parts
from pytest_promptreg.replay.line import Record
from pytest_promptreg.replay.store import Store
from pytest_promptreg.text import digest

def write(path, name, count, size, said):
    store = Store(Path(path))
    for number in range(count):
        output = Output(f"{name} {number} " + "x" * size)
        key = digest(f"{name} {number}")[:32]
        store.add(Record(key, "test_a.py::test_a", "v1", f"{name}-{number}", Parts("p", "i", "c", "openai:/m"), output))
        os.write(said, key.encode() + b"\\n")
"""
WRITER = f"{WRITES}\nwrite(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), 1)"
# One interpreter whose children are killed, each a moment after its first record.
KILLER = f"""{WRITES}
import filelock
for round_ in range({ROUNDS}):
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        write(sys.argv[1], f"round {{round_}}", 10_000, 50_000, writes)
        os._exit(0)
    os.close(writes)
    first = os.read(reads, 33)
    time.sleep(random.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    rest = b"".join(iter(lambda: os.read(reads, 65536), b""))
    os.close(reads)
    print((first + rest).decode())
"""


def _writer(path: Path, name: str, count: int, size: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name, str(count), str(size)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_an_output_is_there_again_in_another_process(
    tmp_path: Path, make_record: MakeRecord, open_store: OpenStore
) -> None:
    """What was added is found by its key in this store and in one that is opened later; another key finds nothing."""
    store = open_store(tmp_path / "replay.jsonl")
    assert (len(store), store.size, store.notice) == (0, 0, "")
    record = make_record(1, "zwölf\nZeilen \u2028")
    store.add(record)
    for opened in (store, open_store(store.path)):
        assert record.key in opened
        found = opened.output(record.key)
        assert found is not None
        assert (found.text, found.latency_s, found.replayed) == ("zwölf\nZeilen \u2028", 0.5, True)
        assert make_record(2).key not in opened
        assert opened.output(make_record(2).key) is None


def test_the_latest_of_several_records_counts(tmp_path: Path, make_record: MakeRecord, open_store: OpenStore) -> None:
    """What two processes recorded for the same request is one output."""
    store = open_store(tmp_path / "replay.jsonl")
    for text in ("first", "second"):
        store.add(make_record(1, text))
    for opened in (store, open_store(store.path)):
        found = opened.output(make_record(1).key)
        assert found is not None
        assert found.text == "second"
        assert (len(opened), opened.superseded) == (1, 1)


def test_a_torn_last_line_is_dropped_with_a_notice(
    tmp_path: Path, make_record: MakeRecord, open_store: OpenStore
) -> None:
    """Whatever a kill left of the last line: the records before it stand, and the next one stands behind it."""
    path = tmp_path / "replay.jsonl"
    whole = line.write(make_record(1))
    torn = line.write(make_record(2))
    for length in range(1, len(torn), 7):
        path.write_bytes(whole + torn[:length])
        store = open_store(path)
        assert (make_record(1).key in store, make_record(2).key in store) == (True, False)
        assert ":2: a damaged line is not believed" in store.notice
        store.add(make_record(3))
        later = open_store(path)
        assert {record.key for record in later.records()} == {make_record(1).key, make_record(3).key}
        assert later.damaged == 1


def test_lines_that_were_edited_or_merged_are_not_believed(
    tmp_path: Path, make_record: MakeRecord, open_store: OpenStore
) -> None:
    """An edited output and the marks of a merge conflict are counted and dropped; CRLF line ends harm nothing."""
    path = tmp_path / "replay.jsonl"
    edited = line.write(make_record(1)).replace(b"an output", b"another output")
    good = line.write(make_record(2)).replace(b"\n", b"\r\n")
    path.write_bytes(b"<<<<<<< ours\n" + edited + b"=======\n" + good + b">>>>>>> theirs\n\n")
    store = open_store(path)
    assert [record.key for record in store.records()] == [make_record(2).key]
    assert "replay.jsonl:1: 4 damaged lines are not believed" in store.notice
    assert store.output(make_record(2).key) is not None


def test_two_processes_append_at_once(tmp_path: Path, open_store: OpenStore) -> None:
    """Every record of both is there and whole."""
    path = tmp_path / "replay.jsonl"
    writers = [_writer(path, name, 150, 3000) for name in ("left", "right")]
    keys = [key for writer in writers for key in writer.communicate()[0].split()]
    store = open_store(path)
    assert len(keys) == len(store) == 300
    assert (store.damaged, store.superseded) == (0, 0)
    assert all(key in store for key in keys)


@pytest.mark.soak
def test_a_process_that_is_killed_loses_nothing_that_it_said(tmp_path: Path, open_store: OpenStore) -> None:
    """Killed at any moment, with long records: what add() returned from is whole, and the file goes on."""
    path = tmp_path / "replay.jsonl"
    done = subprocess.run([sys.executable, "-c", KILLER, str(path)], check=True, capture_output=True, text=True)
    said = done.stdout.split()
    store = open_store(path)
    assert len(set(said)) == len(said) > ROUNDS
    assert all(key in store for key in said)
    assert all(len(record.output.text) > 50_000 for record in store.records())


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, make_record: MakeRecord, open_store: OpenStore) -> None:
    """The part of a line that the disk took is taken back, and once there is room, recording goes on."""
    resource = pytest.importorskip("resource", reason="limits on files as POSIX has them")
    store = open_store(tmp_path / "replay.jsonl")
    store.add(make_record(1))
    before = store.path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, limits[1]))
    try:
        with pytest.raises(ReplayError, match="cannot be written: No space left"):
            store.add(make_record(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.path.read_bytes() == before
    store.add(make_record(2))
    assert [record.key for record in store.records()] == [make_record(1).key, make_record(2).key]
    assert store.notice == ""


def test_pruning_gives_the_same_file_for_the_same_records(
    tmp_path: Path, make_record: MakeRecord, open_store: OpenStore
) -> None:
    """Sorted, each once, without what is damaged or gone, whatever the order in which they were recorded."""
    files = []
    for name, order in (("one", [1, 2, 3, 4]), ("two", [4, 3, 1, 2])):
        store = open_store(tmp_path / name / "replay.jsonl")
        store.add(make_record(order[0], "before"))
        for number in order:
            store.add(make_record(number, suite="test_b.py::test_b" if number == 4 else "test_a.py::test_a"))
        with store.path.open("ab") as file:
            file.write(b'{"sum":"torn')
        pruned = store.prune(lambda record: record.suite == "test_b.py::test_b")
        assert (pruned.kept, pruned.gone, pruned.superseded, pruned.damaged) == (3, 1, 1, 1)
        assert (pruned.size, store.notice) == (store.size, "")
        assert make_record(3).key in store
        files.append(store.path.read_bytes())
    assert files[0] == files[1]
    assert files[0] == b"".join(line.write(make_record(number)) for number in (1, 2, 3))


def test_a_record_of_a_newer_version_outlives_pruning(
    tmp_path: Path, make_record: MakeRecord, open_store: OpenStore
) -> None:
    """What this version cannot read is no output here, and not its to remove."""
    path = tmp_path / "replay.jsonl"
    body = line.write(make_record(1))[:-1].split(b",", 1)[1].replace(b'"latency_s"', b'"colour"')
    newer = b'{"sum":"' + line._sum(body) + b'",' + body + b"\n"
    path.write_bytes(newer)
    store = open_store(path)
    assert store.output(make_record(1).key) is None
    store.add(make_record(2))
    assert store.prune().kept == 2
    assert path.read_bytes() == line.write(make_record(2)) + newer


def test_a_store_that_was_pruned_by_another_process_is_read_anew(
    tmp_path: Path, make_record: MakeRecord, open_store: OpenStore
) -> None:
    """What this process adds after that lies where it looks for it."""
    store = open_store(tmp_path / "replay.jsonl")
    for number in range(5):
        store.add(make_record(number, f"output {number}"))
    open_store(store.path).prune(lambda record: record.example < "row-00003")
    store.add(make_record(9, "output 9"))
    assert len(store) == 3
    for number in (3, 4, 9):
        found = store.output(make_record(number).key)
        assert found is not None
        assert found.text == f"output {number}"


def test_git_sees_the_file_and_nothing_besides(tmp_path: Path, make_record: MakeRecord, open_store: OpenStore) -> None:
    """A file elsewhere than in the plugin's own folder can be committed; its lock lies where git does not look."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for folder in (".promptreg", "recorded"):
        open_store(tmp_path / folder / "replay.jsonl").add(make_record(1))
    status = ["git", "-C", str(tmp_path), "status", "--porcelain", "-uall"]
    assert subprocess.run(status, check=True, capture_output=True, text=True).stdout == "?? recorded/replay.jsonl\n"


def test_a_line_without_end_takes_no_memory_and_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_record: MakeRecord, open_store: OpenStore
) -> None:
    """It is passed over in pieces, what stands behind it is found, and none is written."""
    path = tmp_path / "replay.jsonl"
    monkeypatch.setattr(line, "LONGEST", 1_000)
    first, last = make_record(1), make_record(2)
    path.write_bytes(line.write(first) + b'{"sum":"' + b"x" * 2_000_000 + b"\n" + line.write(last))
    store = open_store(path)
    tracemalloc.start(1)
    try:
        assert (len(store), store.damaged) == (2, 1)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
    assert store.output(last.key) is not None
    assert "2: a damaged line" in store.notice
    long = replace(make_record(3), output=Output("x" * 1_000))
    with pytest.raises(ReplayError, match=r"an output of .* is too long to be recorded"):
        store.add(long)
    assert path.read_bytes().endswith(line.write(last))


def test_a_dense_record_is_not_parsed(monkeypatch: pytest.MonkeyPatch, make_record: MakeRecord) -> None:
    """Though its digest is right, it would take more memory than there is for a file."""
    record = make_record(1)
    text = line.write(record).rstrip()
    assert line.read(text) is not None
    monkeypatch.setattr(line, "ROOM", 1_000)
    assert line.read(text) is None


def test_a_file_that_cannot_be_used_is_said_so(tmp_path: Path, make_record: MakeRecord, open_store: OpenStore) -> None:
    """A folder where the file belongs, or a file where its folder belongs, is an error that names the setting."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ReplayError, match="cannot be read") as read:
        len(open_store(tmp_path))
    assert "promptreg_replay_file" in str(read.value)
    with pytest.raises(ReplayError, match="cannot be"):
        open_store(tmp_path / "file" / "replay.jsonl").add(make_record(1))


def test_a_file_of_somebody_elses_is_left_alone(tmp_path: Path, make_record: MakeRecord, open_store: OpenStore) -> None:
    """Examples that the setting names by mistake are neither appended to nor pruned away."""
    path = tmp_path / "examples.jsonl"
    path.write_text('{"id": "a", "text": "one"}\n{"id": "b", "text": "two"}\n', encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(ReplayError, match="no file of recorded outputs"):
        open_store(path).add(make_record(1))
    with pytest.raises(ReplayError, match="no file of recorded outputs"):
        open_store(path).prune()
    assert path.read_bytes() == before


@pytest.mark.parametrize("left", [b"", b"\n", b'{"su', b'{"sum":"12'])
def test_what_the_first_writer_tore_is_a_file_of_ours(
    tmp_path: Path, make_record: MakeRecord, open_store: OpenStore, left: bytes
) -> None:
    """A process that was killed in its first line, or before it, leaves a file that goes on being used."""
    (tmp_path / "r.jsonl").write_bytes(left)
    store = open_store(tmp_path / "r.jsonl")
    store.add(make_record(1))
    assert len(store) == 1


@pytest.mark.parametrize(("size", "shown"), [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (5_600_000, "5.6 MB")])
def test_sizes_are_shown_as_people_read_them(size: int, shown: str) -> None:
    """Bytes, kilobytes of 1000 bytes, and megabytes."""
    assert shown_size(size) == shown
