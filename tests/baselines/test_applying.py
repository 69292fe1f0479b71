"""Baselines that are written together: by one process at a time, never over what was not read, told when stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from pytest_promptreg.baselines import applying
from pytest_promptreg.baselines.applying import Change, alone, noted, settle, stopped
from pytest_promptreg.errors import BaselineError

COMMAND = "pytest --promptreg-update"


class _KilledError(Exception):
    """Stands for the end of the process."""


def changes(folder: Path) -> list[Change]:
    """Two files that are to be written, and one that is to go."""
    for name in "abc":
        (folder / name).write_text("old", encoding="utf-8")
    return [Change(folder / "a", "new"), Change(folder / "b", "new"), Change(folder / "c", None)]


def stop_after(root: Path, done: int) -> None:
    """Do so many of the changes, and be killed."""
    planned = changes(root)
    with pytest.raises(_KilledError), noted(root, COMMAND, planned):  # noqa: PT012
        for change in planned[:done]:
            if change.text is None:
                change.path.unlink()
            else:
                change.path.write_text(change.text, encoding="utf-8")
        raise _KilledError


def notes(root: Path) -> list[str]:
    """The notes that are left."""
    return [path.name for path in (root / ".promptreg").glob("refresh-*")]


def test_what_was_done_half_is_told_until_it_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run counts, names what is as it was, and says the command; once that was run, nothing is left of it."""
    monkeypatch.chdir(tmp_path)
    stop_after(tmp_path, 1)
    expected = f"a run was stopped after 1 of 3 baselines; as before: b, c; run it again: {COMMAND}"
    assert stopped(tmp_path) == [expected]
    settle(tmp_path)  # another deed came to its end
    assert stopped(tmp_path) == [expected]
    (tmp_path / "b").write_text("new", encoding="utf-8")
    (tmp_path / "c").unlink()
    assert stopped(tmp_path) == []
    settle(tmp_path)
    assert notes(tmp_path) == []


@pytest.mark.parametrize("done", [0, 3])
def test_what_was_not_begun_or_was_done_is_not_told(tmp_path: Path, done: int) -> None:
    """Killed before the first file, or behind the last one: there is nothing half about it."""
    stop_after(tmp_path, done)
    assert stopped(tmp_path) == []
    settle(tmp_path)
    assert notes(tmp_path) == []


def test_a_deed_that_came_to_its_end_leaves_no_note(tmp_path: Path) -> None:
    """Nor does one that had nothing to do."""
    with noted(tmp_path, COMMAND, changes(tmp_path)):
        assert len(notes(tmp_path)) == 1
    with noted(tmp_path, COMMAND, []):
        assert notes(tmp_path) == []
    assert notes(tmp_path) == []


def test_nothing_is_told_while_a_run_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run during an update sees half of it, and that nobody was stopped."""
    monkeypatch.setattr(applying, "_LOOK_S", 0.05)
    stop_after(tmp_path, 1)
    with FileLock(tmp_path / ".promptreg" / "baselines.lock"):
        assert stopped(tmp_path) == []
    assert len(stopped(tmp_path)) == 1


@pytest.mark.parametrize("said", ["", "{}", '{"command": "", "files": [1]}', '{"files": {"a": []}}', "[]", "\udcff"])
def test_a_damaged_note_tells_nothing(tmp_path: Path, said: str) -> None:
    """It is nobody's baseline: it is passed over, and goes with the next deed."""
    note = tmp_path / ".promptreg" / "refresh-00000000.json"
    note.parent.mkdir()
    note.write_bytes(said.encode("utf-8", "surrogateescape"))
    assert stopped(tmp_path) == []
    settle(tmp_path)
    assert notes(tmp_path) == []


def test_many_files_are_counted(tmp_path: Path) -> None:
    """Of a deed of many, a few are named."""
    for number in range(9):
        (tmp_path / str(number)).write_text("old", encoding="utf-8")
    planned = [Change(tmp_path / str(number), "new") for number in range(9)]
    with pytest.raises(_KilledError), noted(tmp_path, COMMAND, planned):  # noqa: PT012
        planned[0].path.write_text("new", encoding="utf-8")
        raise _KilledError
    (line,) = stopped(tmp_path)
    assert "after 1 of 9 baselines" in line
    assert ", 3 more; " in line


def test_two_runs_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one writes, another waits; when that takes too long, it says so, and has written nothing."""
    monkeypatch.setattr(applying, "_LOCK_S", 0.05)
    with alone(tmp_path), pytest.raises(BaselineError, match="another run has been writing"), alone(tmp_path):
        pytest.fail("two at once")
    with alone(tmp_path):
        pass


def test_a_lock_that_was_left_behind_blocks_nobody(tmp_path: Path) -> None:
    """The lock goes with its process; its file alone means nothing."""
    (tmp_path / ".promptreg").mkdir()
    (tmp_path / ".promptreg" / "baselines.lock").touch()
    with alone(tmp_path):
        pass


def test_where_no_folder_can_be_made_there_is_no_lock_and_no_note(tmp_path: Path) -> None:
    """A file stands where the folder belongs: the baselines can be written all the same."""
    (tmp_path / ".promptreg").write_text("somebody's", encoding="utf-8")
    (planned, *_) = changes(tmp_path)
    with alone(tmp_path), noted(tmp_path, COMMAND, [planned]):
        planned.path.write_text("new", encoding="utf-8")
    settle(tmp_path)
    assert stopped(tmp_path) == []
    assert planned.is_done
    assert (tmp_path / ".promptreg").read_text(encoding="utf-8") == "somebody's"
