"""``python -m pytest_promptreg replay``: what is recorded, and what of it can go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_promptreg.__main__ import main
from pytest_promptreg.replay.store import Store

if TYPE_CHECKING:
    from tests.replay.conftest import MakeRecord, OpenStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_record: MakeRecord, open_store: OpenStore) -> Store:
    """Three outputs of two test modules, one of which is there, in the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_a.py").write_text("")
    store = open_store(tmp_path / ".promptreg" / "replay.jsonl")
    for number in (1, 2, 2):
        store.add(make_record(number))
    store.add(make_record(3, suite="test_gone.py::test_gone"))
    return store


def test_it_shows_what_is_recorded(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Count and size, outputs by suite, and what is superseded."""
    assert main(["replay"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [
        f".promptreg/replay.jsonl: 3 recorded outputs, {store.size / 1000:.1f} kB",
        "  test_a.py::test_a: 2 recorded outputs",
        "  test_gone.py::test_gone: 1 recorded output   (its test module is not there)",
        "  1 more that have been recorded again since",
    ]


def test_it_prunes_what_nobody_needs(store: Store, capsys: pytest.CaptureFixture[str], open_store: OpenStore) -> None:
    """What is damaged, recorded again or of a module that is gone is removed, and the rest stays as it was."""
    with store.path.open("ab") as file:
        file.write(b"torn")
    assert main(["replay"]) == 1
    assert "to remove what is damaged: python -m pytest_promptreg replay .promptreg/replay.jsonl --prune" in (
        capsys.readouterr().out
    )
    assert main(["replay", "--prune"]) == 0
    told = capsys.readouterr().out
    assert (
        "2 recorded outputs kept; removed: 1 of test modules that are gone, 1 recorded again since, 1 damaged" in told
    )
    assert [record.example for record in open_store(store.path).records()] == ["row-00001", "row-00002"]
    assert main(["replay", ".promptreg/replay.jsonl"]) == 0


def test_it_does_not_prune_everything_from_the_wrong_folder(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no test module is found, the root folder is asked for and nothing is removed."""
    before = store.path.read_bytes()
    Path("elsewhere").mkdir()
    assert main(["replay", "--prune", "--rootdir", "elsewhere", str(store.path)]) == 2
    assert "--rootdir" in capsys.readouterr().err
    assert store.path.read_bytes() == before


def test_no_file_is_no_mistake_and_a_named_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing recorded yet is said; a file that a person named has to be there."""
    monkeypatch.chdir(tmp_path)
    assert main(["replay"]) == 0
    assert "nothing is recorded: there is no .promptreg/replay.jsonl" in capsys.readouterr().out
    assert main(["replay", "other.jsonl"]) == 2
    assert "other.jsonl: there is no such file" in capsys.readouterr().err
