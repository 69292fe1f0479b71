"""What was computed once, kept on disk from run to run: vectors of texts, digests of files.

It can only save time. Whatever is wrong with it (a damaged file, a folder that cannot be written, a full disk, a lock
that is never let go), it is done without, and what it holds is believed only where its checksum is right.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_MOST_ROWS = 100_000  # of vectors: 150 MB for MiniLM's
_LOCK_TIMEOUT_S = 2.0
_MOST_FAULTS = 3
_KEYS_AT_ONCE = 500
_CHECKSUM_BYTES = 8
_NO_DATABASE = ("not a database", "malformed")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (row INTEGER PRIMARY KEY, key BLOB UNIQUE, value BLOB);
CREATE TABLE IF NOT EXISTS digests (key BLOB PRIMARY KEY, value TEXT);
"""


class Store:
    """A file of vectors and digests that several processes may use at once.

    Nothing here raises. After a few faults it holds nothing and keeps nothing for the rest of the process.

    :param most: how many vectors are kept; past it the oldest go.
    """

    def __init__(self, path: Path, most: int = _MOST_ROWS) -> None:
        self._path = path
        self._most = most
        self._faults = 0

    def vectors(self, fingerprint: str, texts: Iterable[str]) -> dict[str, np.ndarray]:
        """Those of the texts' vectors that are kept, float32[d], finite, by text."""
        import numpy as np

        keys = {_key(fingerprint, text): text for text in texts}
        found: dict[str, np.ndarray] = {}

        def look(connection: sqlite3.Connection) -> None:
            for some in _in_parts(keys, _KEYS_AT_ONCE):
                marks = ",".join("?" * len(some))
                rows = connection.execute(f"SELECT key, value FROM vectors WHERE key IN ({marks})", some)  # noqa: S608
                for key, value in rows:
                    data = _checked(key, value)
                    if data is not None and np.isfinite(vector := np.frombuffer(data, "<f4")).all():
                        found[keys[key]] = vector.astype(np.float32)

        self._connected(look)
        return found

    def keep(self, fingerprint: str, vectors: Mapping[str, np.ndarray]) -> None:
        """Keep the vectors of texts."""
        rows = []
        for text, vector in vectors.items():
            key, data = _key(fingerprint, text), vector.astype("<f4").tobytes()
            rows.append((key, _checksum(key, data) + data))

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO vectors (key, value) VALUES (?, ?)", rows)
            connection.execute("DELETE FROM vectors WHERE row <= (SELECT max(row) FROM vectors) - ?", (self._most,))

        self._connected(write)

    def digest(self, state: str) -> str | None:
        """The digest that is kept for a file in that state: a text that any change of the file would change."""
        rows: list[tuple[str]] = []
        self._connected(
            lambda connection: rows.extend(
                connection.execute("SELECT value FROM digests WHERE key = ?", (_key("", state),))
            )
        )
        return str(rows[0][0]) if rows else None

    def keep_digest(self, state: str, digest: str) -> None:
        """Keep the digest of a file in that state."""
        self._connected(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO digests (key, value) VALUES (?, ?)", (_key("", state), digest)
            )
        )

    def _connected(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """Do something with a connection of its own, which neither a thread nor a fork can inherit."""
        if self._faults >= _MOST_FAULTS:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_LOCK_TIMEOUT_S)) as connection:
                # No write waits for the disk: what a power failure damages is found by its checksum, or made anew.
                connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {_SCHEMA}")
                with connection:
                    work(connection)
        except (sqlite3.Error, OSError, ValueError, TypeError) as exc:
            self._faults += 1
            if any(word in str(exc) for word in _NO_DATABASE):
                self._remove()

    def _remove(self) -> None:
        """Away with a file that is no database, so that a new one can be begun."""
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _in_parts(keys: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    iterator = iter(keys)
    while part := list(islice(iterator, size)):
        yield part


def _key(fingerprint: str, text: str) -> bytes:
    of_text = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return hashlib.sha256(of_text + fingerprint.encode()).digest()


def _checksum(key: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, key=key, digest_size=_CHECKSUM_BYTES).digest()


def _checked(key: object, value: object) -> bytes | None:
    """What a row holds, where its checksum says so."""
    if not isinstance(key, bytes) or not isinstance(value, bytes) or len(value) % 4 or len(value) <= _CHECKSUM_BYTES:
        return None
    checksum, data = value[:_CHECKSUM_BYTES], value[_CHECKSUM_BYTES:]
    return data if checksum == _checksum(key, data) else None
