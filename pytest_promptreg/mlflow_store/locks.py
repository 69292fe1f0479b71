"""One writer at a time: on a local database, and on a record that waits to be sent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import TrackingError
from ..files import display_path
from . import database_file

if TYPE_CHECKING:
    from .deadline import Deadline


@contextlib.contextmanager
def alone(uri: str, deadline: Deadline) -> Iterator[None]:
    """One process at a time on an sqlite file: two that open a fresh one at once leave it broken for good.

    Any other store looks after itself.

    :raises TrackingError: when another process has had the file for nearly all of the deadline.
    """
    database = database_file(uri)
    if database is None:
        yield
        return
    from filelock import FileLock, Timeout

    path = database.with_name(f"{database.name}.promptreg.lock")
    # The last tenth is left for telling what was waited for.
    try:
        with FileLock(path, timeout=0.9 * deadline.remaining_s):
            yield
    except Timeout:
        raise TrackingError(
            f"MLflow: another process has been writing for {deadline.seconds:g} s",
            where=str(path),
            next_step="wait for it, or raise the time limit",
        ) from None


def is_in_hand(folder: Path) -> bool:
    """Whether another process has a record's folder in hand at this moment."""
    from filelock import FileLock, Timeout

    path = folder.with_name(f"{folder.name}.lock")
    try:
        if path.exists():
            with FileLock(path, timeout=0):
                return False
    except Timeout:
        return True
    except OSError:
        pass
    return False


@contextlib.contextmanager
def in_hand(folder: Path) -> Iterator[None]:
    """A record's folder, held by this process until its record is sent or the process ends.

    :raises TrackingError: when another process has it in hand, or has sent it.
    """
    from filelock import FileLock, Timeout

    # Beside the folder, which goes when its record is sent: an open file in it could stop that.
    path = folder.with_name(f"{folder.name}.lock")
    try:
        with FileLock(path, timeout=0):
            if not folder.exists():
                raise TrackingError("another process has just sent it", where=display_path(folder))
            yield
    except Timeout:
        raise TrackingError("another process is sending it", where=display_path(folder)) from None
    finally:
        if not folder.exists():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
