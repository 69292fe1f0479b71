"""Copies on disk of what was fetched from the registry."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...atomic import write_atomically
from ...errors import RedactionError
from ...files import read_bytes
from ...mlflow_store import is_web
from ...model import PromptVersion
from ...redaction import without_secrets, without_user_info
from ...text import canonical_json, digest, file_slug, plain_in_place
from ...wire import Wire
from .addresses import Address
from .settings import RegistrySettings

if TYPE_CHECKING:
    from ...mlflow_store.deadline import Deadline

_FORMAT = 2
_WIRE = Wire()


@dataclass(frozen=True, slots=True)
class Copy:
    """What was fetched.

    :param fetched: when, in seconds of the epoch.
    :param run: in which pytest run.
    """

    versions: list[PromptVersion]
    fetched: float
    run: str = ""


class Copies:
    """The copy of one address, on disk. It can only help: whatever is wrong with it, it is done without."""

    def __init__(self, asked: Address, uri: str, settings: RegistrySettings) -> None:
        self._head = {"format": _FORMAT, "address": str(asked), "registry": without_user_info(uri)}
        self._settings = settings
        self._for_ever = asked.version is not None and is_web(uri)
        key = digest(canonical_json(self._head))[:12]
        self._folder = settings.cache
        self._path = settings.cache / f"{file_slug(asked.name)}-{key}.json" if settings.cache else None

    def is_good(self, copy: Copy) -> bool:
        """Whether the copy can be used without asking the registry."""
        if self._for_ever or (copy.run and copy.run == self._settings.run):
            return True
        return 0 <= time.time() - copy.fetched <= self._settings.ttl_s

    def read(self) -> Copy | None:
        """The copy; None where there is none, or none that can be understood."""
        if self._path is None:
            return None
        try:
            data = plain_in_place(json.loads(read_bytes(self._path)))
            if {name: data[name] for name in self._head} != self._head:
                return None
            versions = _WIRE.decode(data["versions"], list[PromptVersion])
            return Copy(versions, float(data["fetched"]), str(data["run"])) if versions else None
        except (OSError, ValueError, TypeError, LookupError, OverflowError, RecursionError):
            return None

    def remove(self) -> None:
        """Have none."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def copy_of(self, versions: list[PromptVersion]) -> Copy:
        """What was fetched this moment."""
        return Copy(versions, time.time(), self._settings.run)

    def write(self, copy: Copy) -> None:
        """Keep the copy, unless something in it is a secret."""
        if self._path is None:
            return
        wires = _WIRE.encode(copy.versions, list[PromptVersion])
        if any(map(self._holds_a_secret, wires)):
            return
        said = {**self._head, "fetched": copy.fetched, "run": copy.run, "versions": wires}
        with contextlib.suppress(OSError):
            write_atomically(self._path, canonical_json(said, indent=1) + "\n")

    def _holds_a_secret(self, wire: dict[str, Any]) -> bool:
        """By the name of a setting, by its shape, or by a rule of the user's."""
        if any(without_secrets(wire[named]) != wire[named] for named in ("model_config", "tags")):
            return True
        try:
            return self._settings.redactor.value(wire) is not wire
        except RedactionError:  # whether it does cannot be told
            return True

    @contextlib.contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """One process at a time: the others find its copy instead of asking too.

        :raises TimeoutError: when its turn does not come in time.
        """
        if self._folder is None:
            yield
            return
        from filelock import FileLock, Timeout

        lock = FileLock(self._folder / "registry.lock")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0.9 * deadline.remaining_s)
        except Timeout:
            raise TimeoutError from None
        except OSError:  # a folder that cannot be written
            yield
            return
        try:
            yield
        finally:
            lock.release()
