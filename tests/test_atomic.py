"""Files written whole or not at all, and what is left by processes that were killed."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from pytest_promptreg import atomic
from pytest_promptreg.atomic import clear_unfinished, replacing, write_atomically


def test_write_makes_folders_and_keeps_the_mode(tmp_path: Path) -> None:
    """Missing folders are made, a new file obeys the umask, and an old one keeps its permissions."""
    path = tmp_path / "new" / "folder" / "a.json"
    mask = os.umask(0o027)
    try:
        write_atomically(path, "one")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o664)
    write_atomically(path, "two\n")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"two\n", 0o664)


@pytest.mark.parametrize("failing", ["replace", "fsync", "chmod"])
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """When the disk fails at any step, the old file stays whole and no temporary file is left."""
    path = tmp_path / "a.json"
    write_atomically(path, "old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    monkeypatch.undo()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]
    assert path.read_text(encoding="utf-8") == "old"


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    """Its unfinished file is removed; one of another file, and what only looks alike, is not."""
    others = [".b.json.abcd1234.tmp", ".a.json.bak", "a.json.abcd1234.tmp", ".a.json.ABCD.tmp"]
    for name in (".a.json.abcd1234.tmp", *others):
        (tmp_path / name).touch()
    write_atomically(tmp_path / "a.json", "whole")
    assert _names(tmp_path) == sorted([*others, "a.json"])


def test_what_another_process_writes_is_left_alone(tmp_path: Path) -> None:
    """Two at once: neither takes the other's unfinished file for one that was left behind; the last one stands."""
    path = tmp_path / "a.json"
    with replacing(path) as file:
        file.write(b"slow")
        clear_unfinished(path)
        write_atomically(path, "quick")
        assert path.read_text(encoding="utf-8") == "quick"
    assert path.read_text(encoding="utf-8") == "slow"
    assert _names(tmp_path) == ["a.json"]


def test_a_file_that_is_cleared_away_before_it_is_held_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may look between the making of the file and the lock on it."""
    path, made, count = tmp_path / "a.json", tempfile.mkstemp, iter(range(9))

    def clear_first(*, dir: Path, prefix: str, suffix: str) -> tuple[int, str]:  # noqa: A002
        opened = made(dir=dir, prefix=prefix, suffix=suffix)
        if next(count) == 0:
            clear_unfinished(path)
        return opened

    monkeypatch.setattr(tempfile, "mkstemp", clear_first)
    write_atomically(path, "whole")
    assert next(count) == 2
    assert _names(tmp_path) == ["a.json"]


def test_without_locks_only_an_old_file_is_abandoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows nobody can be asked who holds a file: one goes when it is older than any write takes."""
    monkeypatch.setattr(atomic, "fcntl", None)
    path = tmp_path / "a.json"
    write_atomically(path, "one")
    fresh, old = tmp_path / ".a.json.fresh123.tmp", tmp_path / ".a.json.old12345.tmp"
    fresh.touch()
    old.touch()
    os.utime(old, (1, 1))
    write_atomically(path, "two")
    assert path.read_text(encoding="utf-8") == "two"
    assert _names(tmp_path) == sorted([fresh.name, "a.json"])


def test_a_file_in_use_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows replaces no file that is open elsewhere: that is tried again, and what stays refused is an error."""
    refusals = [PermissionError(13, "in use"), PermissionError(13, "in use")]

    def replace(finished: Path, path: Path) -> None:
        if refusals:
            raise refusals.pop()
        finished.rename(path)

    monkeypatch.setattr(atomic, "fcntl", None)
    monkeypatch.setattr(atomic, "_WAITS_S", (0.0, 0.0))
    monkeypatch.setattr(Path, "replace", replace)
    write_atomically(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "new"

    refusals += [PermissionError(13, "in use")] * 3
    with pytest.raises(PermissionError):
        write_atomically(tmp_path / "a.txt", "newer")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
