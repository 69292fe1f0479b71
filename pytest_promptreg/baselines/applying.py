"""Several baseline files written as one deed: by one process at a time, and with word for the next run when stopped.

Each file is written whole or not at all, and a deed of several can be stopped between two. What is about to be written
stands in ``.promptreg/refresh-<random>.json`` until all of it is: a run that finds such a note says so. All processes
that write below one root folder take turns.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import is_abandoned, write_atomically
from ..errors import BaselineError
from ..files import OWN_FOLDER, display_path, own_folder, read_bytes
from ..text import digest

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LOCK = "baselines.lock"
_LOCK_S = 60.0
_LOOK_S = 1.0  # who holds it longer is at work
_NOTE = "refresh-*.json"
_MOST_NAMED = 5


@dataclass(frozen=True)
class Change:
    """One file that is to be written.

    :param text: what it is to say; None when it is to go.
    """

    path: Path
    text: str | None

    @property
    def is_done(self) -> bool:
        """Whether the file says so."""
        return _digest_of(self.path) == _digested(self.text)


@contextmanager
def alone(rootdir: Path) -> Iterator[None]:
    """This process alone writes baselines below ``rootdir``; where no lock can be had, no other run can be kept off.

    :raises BaselineError: when another process has been writing all the time.
    """
    from filelock import Timeout

    try:
        lock = _lock(own_folder(rootdir), _LOCK_S)
        lock.acquire()
    except Timeout:
        raise BaselineError(
            f"another run has been writing baselines for {_LOCK_S:g} s",
            where=display_path(rootdir),
            next_step="wait for it, and run the same command again",
        ) from None
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


@contextmanager
def noted(rootdir: Path, command: str, changes: Sequence[Change]) -> Iterator[None]:
    """While the block runs, a note says what it is about to write; it stays when the block is stopped.

    :param command: that is run, as a person can type it again.
    """
    if not changes:
        yield
        return
    note = rootdir / OWN_FOLDER / _NOTE.replace("*", secrets.token_hex(4))
    said = {
        "command": command,
        "files": [
            {"path": str(change.path.absolute()), "before": _digest_of(change.path), "after": _digested(change.text)}
            for change in changes
        ],
    }
    with suppress(OSError):  # then the next run cannot tell; what is written is whole all the same
        own_folder(rootdir)
        write_atomically(note, json.dumps(said, indent=1) + "\n")
    yield
    with suppress(OSError):
        note.unlink(missing_ok=True)


def settle(rootdir: Path) -> None:
    """Remove the notes of deeds that have been done since, or undone, or of which nothing had been done."""
    with suppress(OSError):
        for note in _notes(rootdir):
            if not _half_done(note):
                note.unlink(missing_ok=True)
        for unfinished in (rootdir / OWN_FOLDER).glob(f".{_NOTE}.*"):
            if is_abandoned(unfinished):
                unfinished.unlink(missing_ok=True)


def stopped(rootdir: Path) -> list[str]:
    """A line for each deed that was stopped in the middle, unless a process is at work on it."""
    if not _notes(rootdir):
        return []
    from filelock import Timeout

    try:
        with _lock(rootdir / OWN_FOLDER, _LOOK_S):
            return _half_done_deeds(rootdir)
    except Timeout:
        return []
    except OSError:  # what cannot be locked cannot be written to either
        return _half_done_deeds(rootdir)


def _half_done_deeds(rootdir: Path) -> list[str]:
    return [line for note in _notes(rootdir) if (line := _half_done(note))]


def _notes(rootdir: Path) -> list[Path]:
    try:
        return sorted((rootdir / OWN_FOLDER).glob(_NOTE))
    except OSError:
        return []


def _half_done(note: Path) -> str:
    """What a note has to tell of a deed that was begun and not ended; empty for one that is all done, or not begun."""
    try:
        said = json.loads(read_bytes(note))
        files: Sequence[Mapping[str, Any]] = said["files"]
        now = {file["path"]: _digest_of(Path(file["path"])) for file in files}
        done = [file for file in files if now[file["path"]] == file["after"]]
        left = [file["path"] for file in files if now[file["path"]] == file["before"] != file["after"]]
        command = str(said["command"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
    if not done or not left:
        return ""
    names = [display_path(Path(path)) for path in left[:_MOST_NAMED]]
    names += [f"{len(left) - _MOST_NAMED} more"] if len(left) > _MOST_NAMED else []
    return (
        f"a run was stopped after {len(done)} of {len(files)} baselines; as before: {', '.join(names)}; "
        f"run it again: {command}"
    )


def _lock(folder: Path, timeout_s: float) -> BaseFileLock:
    from filelock import FileLock

    return FileLock(folder / _LOCK, timeout=timeout_s)


def _digest_of(path: Path) -> str | None:
    """Of what a file says; None where there is none."""
    try:
        return digest(read_bytes(path).decode("utf-8", "surrogateescape"))
    except OSError:
        return None


def _digested(text: str | None) -> str | None:
    return None if text is None else digest(text)
