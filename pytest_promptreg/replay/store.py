"""The file of recorded outputs: read by an index of where each record lies, appended to a line at a time.

A process that is killed leaves at most one torn line, which the next one ends and nobody believes. Any number of
processes may append at once, under a lock; pruning replaces the file whole.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .. import typed
from ..atomic import replacing
from ..errors import ReplayError
from ..files import OWN_FOLDER, display_path, own_folder
from ..model import Output
from . import line as lines
from .line import Record

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LOCK_S = 60.0
_LAST = ("\U0010ffff", "", "", 0, "")  # records of a newer version of this package are kept, behind all others


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did: records by what became of them, and bytes."""

    kept: int
    gone: int
    superseded: int
    damaged: int
    size_before: int
    size: int


class Store:
    """Recorded outputs in one file. Only digests and places are held in memory; outputs are read when they are needed.

    :param path: the file; it need not be there.
    :raises ReplayError: by any method, when the file is there and cannot be read or written, or has no line of ours:
        it is somebody's own, which is neither appended to nor pruned.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0  # lines that are not what was written
        self.superseded = 0  # records of whose key there is a later one
        self._first_damaged = 0
        self._has_ours = False
        self._threads = threading.RLock()
        self._places: dict[bytes, int] = {}
        self._file: IO[bytes] | None = None
        self._loaded = False

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, key: str) -> bool:
        with self._threads:
            self._load()
            return bytes.fromhex(key) in self._places

    def __len__(self) -> int:
        with self._threads:
            self._load()
            return len(self._places)

    @property
    def size(self) -> int:
        """The file's bytes; 0 where there is none."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def notice(self) -> str:
        """What a person must be told about lines that are not believed; empty where there are none."""
        with self._threads:
            self._load()
        if not self.damaged:
            return ""
        many = f"{self.damaged} damaged lines are" if self.damaged > 1 else "a damaged line is"
        return (
            f"{display_path(self.path)}:{self._first_damaged}: {many} not believed (a process was killed while it "
            f"wrote, or the file was edited or merged); to remove what is damaged: {self.command('--prune')}"
        )

    def command(self, *flags: str) -> str:
        """The command that looks after this file."""
        return typed.command(["python", "-m", "pytest_promptreg", "replay", display_path(self.path), *flags])

    def output(self, key: str) -> Output | None:
        """The recorded output of a key; None where there is none."""
        record = self.record(key)
        return record.output if record else None

    def record(self, key: str) -> Record | None:
        """The record of a key, the latest where there are several; None where there is none."""
        with self._threads:
            self._load()
            place = self._places.get(bytes.fromhex(key))
            if place is None or self._file is None:
                return None
            try:
                self._file.seek(place)
                return lines.read(self._file.readline().rstrip(b"\r\n"))
            except OSError as exc:
                raise self._unusable("read", exc) from exc

    def records(self) -> Iterator[Record]:
        """Every record that counts, in the file's order."""
        for _, record in self._in_order():
            if record is not None:
                yield record

    def add(self, record: Record) -> None:
        """Append a record; it is on its way to the disk when this returns, whatever becomes of the process."""
        line = lines.write(record)
        if len(line) > lines.LONGEST:
            raise ReplayError(
                f"an output of {shown_size(len(line))} is too long to be recorded",
                where=display_path(self.path),
                next_step="run with --promptreg-replay=off",
            )
        with self._threads:
            self._load()
            try:
                with self._alone:
                    place = self._append(line)
                if self._is_replaced():
                    self._reload()
                else:
                    self.superseded += bytes.fromhex(record.key) in self._places
                    self._places[bytes.fromhex(record.key)] = place
            except OSError as exc:
                raise self._unusable("written", exc) from exc

    def prune(self, gone: Callable[[Record], bool] = lambda _: False) -> Pruned:
        """Leave out what is damaged, superseded or ``gone``, and sort the rest: the same records give the same file.

        The file is replaced whole or not at all.
        """
        with self._threads:
            try:
                with self._alone:
                    return self._prune(gone)
            except OSError as exc:
                raise self._unusable("written", exc) from exc

    def close(self) -> None:
        """Let go of the file."""
        with self._threads:
            if self._file is not None:
                self._file.close()
            self._file, self._loaded = None, False

    # -- reading

    def _in_order(self) -> Iterator[tuple[int, Record | None]]:
        """Every line that counts, by its place; None for a record of another version of this package."""
        with self._threads:
            self._load()
            places = sorted(self._places.values())
        for place in places:
            with self._threads:
                if self._file is None:
                    return
                self._file.seek(place)
                line = self._file.readline()
            yield place, lines.read(line.rstrip(b"\r\n"))

    def _load(self) -> None:
        """Read where each record lies, once."""
        if self._loaded:
            return
        self._places.clear()
        self.damaged = self.superseded = self._first_damaged = 0
        self._has_ours = False
        try:
            self._file = self.path.open("rb")
        except FileNotFoundError:
            self._loaded = True
            return
        except OSError as exc:
            raise self._unusable("read", exc) from exc
        place = 0
        try:
            for number, (line, length) in enumerate(_lines(self._file), 1):
                self._take(line, place, number)
                place += length
        except OSError as exc:
            raise self._unusable("read", exc) from exc
        if self.damaged and not self._has_ours:
            self.close()
            raise ReplayError(
                "this is no file of recorded outputs, and is left as it is",
                where=display_path(self.path),
                next_step="name another one: the ini option promptreg_replay_file, or "
                "python -m pytest_promptreg replay FILE",
            )
        self._loaded = True

    def _take(self, line: bytes, place: int, number: int) -> None:
        text = line.rstrip(b"\r\n")
        if not text:
            return
        self._has_ours = self._has_ours or lines.is_ours(text)
        key = lines.key_in(text) if line.endswith(b"\n") else None  # what has no end yet may still be written
        if key is None:
            self.damaged += 1
            self._first_damaged = self._first_damaged or number
            return
        self.superseded += key in self._places
        self._places[key] = place

    def _reload(self) -> None:
        self.close()
        self._load()

    def _is_replaced(self) -> bool:
        """Whether the file is not the one that was read, because there was none or it has been pruned since."""
        if self._file is None:
            return True
        with suppress(OSError):
            return not os.path.samestat(os.fstat(self._file.fileno()), self.path.stat())
        return True

    # -- writing, by one process at a time

    @cached_property
    def _alone(self) -> BaseFileLock:
        from filelock import FileLock

        # In a folder that git does not see: the file itself may be meant to be committed.
        self.path.parent.mkdir(parents=True, exist_ok=True)
        parent = self.path.parent
        folder = own_folder(parent.parent if parent.name == OWN_FOLDER else parent)
        return FileLock(folder / f"{self.path.name}.lock", timeout=_LOCK_S, thread_local=False)

    def _append(self, line: bytes) -> int:
        """Write a line in one go and say where it begins; a torn line before it is ended first.

        :raises OSError: when it cannot be written whole; the file is as it was.
        """
        with self.path.open("a+b", buffering=0) as file:
            end = place = file.seek(0, os.SEEK_END)
            if end:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    line = b"\n" + line
                    place += 1
            if file.write(line) != len(line):
                file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return place

    def _prune(self, gone: Callable[[Record], bool]) -> Pruned:
        before = self.size
        self._reload()
        superseded, damaged = self.superseded, self.damaged
        keep = [
            (record.order if record is not None else _LAST, place)
            for place, record in self._in_order()
            if record is None or not gone(record)
        ]
        dropped = len(self._places) - len(keep)
        if self._file is not None:
            self._rewrite(self._file, [place for _, place in sorted(keep)])
        self._reload()
        return Pruned(len(keep), dropped, superseded, damaged, before, self.size)

    def _rewrite(self, source: IO[bytes], places: list[int]) -> None:
        with replacing(self.path) as file:
            for place in places:
                source.seek(place)
                file.write(source.readline().rstrip(b"\r\n") + b"\n")
            self.close()  # before it is replaced: some systems replace no open file

    def _unusable(self, what: str, exc: OSError) -> ReplayError:
        return ReplayError(
            f"the recorded outputs cannot be {what}: {exc.strerror or exc}",
            where=display_path(self.path),
            next_step="set promptreg_replay_file to a file elsewhere, or run with --promptreg-replay=off",
        )


def _lines(file: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """The lines of a file, each with its length; of one that is longer than any that was written, the beginning."""
    while line := file.readline(lines.LONGEST):
        length = len(line)
        part = line
        while len(part) == lines.LONGEST and not part.endswith(b"\n"):
            part = file.readline(lines.LONGEST)
            length += len(part)
        yield line, length


def shown_size(size: int) -> str:
    """Bytes as a person reads them: ``812 B``, ``12.3 kB``, ``1.2 MB``."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"
