"""Files written whole or not at all, and what processes that were killed have left of theirs.

A file is written under another name beside its place, flushed, and renamed over what is there. While it is written its
process holds a lock on it, which goes with the process: what nobody holds is removed by whoever writes there next.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # on Windows, where what is open cannot be removed
    fcntl = None  # type: ignore[assignment]

_SUFFIX = ".tmp"
_WAITS_S: tuple[float, ...] = (0.01, 0.04, 0.15, 0.3, 0.5)
_UNHELD_FOR_S = 3600.0  # after which a file that cannot be asked whether it is held is taken for abandoned


def write_atomically(path: Path, text: str) -> None:
    """Write the file whole or not at all.

    :raises OSError: when it cannot be written; what was there is there still.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to that takes the place of the one at ``path`` when the block ends; nothing when it raises.

    :raises OSError: when that cannot be.
    """
    clear_unfinished(path)
    temporary, file = _open_beside(path)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            if fcntl is not None:  # while it is held
                temporary.replace(path)
        if fcntl is None:  # what is open cannot be renamed there
            put_in_place(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def put_in_place(finished: Path, path: Path) -> None:
    """Rename a finished file to the name that it is to have, in place of what has it now.

    Windows replaces no file that somebody has open, as editors, indexers and virus scanners do for moments.

    :raises OSError: when it cannot be done, on Windows for a second.
    """
    for wait_s in _WAITS_S[: None if fcntl is None else 0]:
        try:
            finished.replace(path)
        except PermissionError:
            time.sleep(wait_s)
        else:
            return
    finished.replace(path)


def clear_unfinished(path: Path) -> None:
    """Remove what processes that were killed left beside ``path`` when they wrote to it."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]+\{_SUFFIX}")
    with suppress(OSError):
        for name in os.listdir(path.parent):  # noqa: PTH208  a folder of anybody's: names are enough
            if ours.fullmatch(name) and is_abandoned(found := path.parent / name):
                found.unlink(missing_ok=True)


def is_abandoned(path: Path) -> bool:
    """Whether no process writes to the file any more."""
    try:
        if fcntl is None:
            return time.time() - path.stat().st_mtime > _UNHELD_FOR_S
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:  # held, gone, or not for us to touch
        return False


def _open_beside(path: Path) -> tuple[Path, IO[bytes]]:
    """A new file with a name of its own beside ``path``, held by this process."""
    while True:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX)
        file = os.fdopen(handle, "wb")
        hold(file)
        if Path(name).exists():  # else somebody else cleared it up, in the moment before it was held
            return Path(name), file
        file.close()


def hold(file: IO[bytes]) -> None:
    """Have the file known for one that is being written, until it is closed or the process ends."""
    if fcntl is not None:
        with suppress(OSError):  # a file system without locks: then nobody else can have it as abandoned either
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
