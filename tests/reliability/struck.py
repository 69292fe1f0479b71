"""A process that runs commands in children of its own, and strikes them in the middle.

It has imported all that they need, so that a child costs a tenth of a new process. It reads one order from each line of
its input, and answers each with a line.

An order is struck ``after`` some seconds, or before the ``number``-th of its dealings with files in the working
directory; an audit hook sees files opened for writing, renamed, removed and made, and ``os.fsync`` is looked at from
both sides: nothing in the command knows of it. ``how`` says what happens then: ``SIGKILL``, ``SIGTERM`` or ``SIGINT``
comes, or the disk is full (``ENOSPC``) or read-only (``EROFS``) from there on. ``whom`` says to which process a signal
comes: to the command, to one of its workers, or to all of them.
"""

from __future__ import annotations

import errno
import gc
import importlib
import json
import os
import pkgutil
import random
import runpy
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import pytest_promptreg
from tests.soak import share

_NAMED = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod")
_NEEDS_ROOM = ("open", "os.mkdir", "fsync")
_ORPHANS_S = 30.0
_OTHERS = ("__pycache__", ".pytest_cache")
_WITHOUT = ("pytest_promptreg.__main__", "pytest_promptreg.plugin", "pytest_promptreg.tracking.traces.spans")


class _Striker:
    """Counts what is done to files, and strikes at its number."""

    def __init__(self, how: str, number: int, counted: str) -> None:
        self._how, self._number, self._counted = how, number, counted
        self._root = os.getcwd() + os.sep  # noqa: PTH109  as the paths of events are
        self._fsync = os.fsync
        self.count = 0

    def look(self, event: str, arguments: tuple[Any, ...]) -> None:
        """See an event of the interpreter."""
        if event not in _NAMED:
            return
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        if isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100
            if path.startswith(self._root) and not any(part in path for part in _OTHERS):
                self.count_one(event)

    def fsync(self, descriptor: int) -> None:
        """Bring a file to the disk, with a chance to be struck before and after."""
        self.count_one("fsync")
        self._fsync(descriptor)
        self.count_one("synced")

    def count_one(self, event: str) -> None:
        """One more; strike when it is the one."""
        self.count += 1
        fails = self._how in {"ENOSPC", "EROFS"}
        if fails and self.count >= self._number and (self._how == "EROFS" or event in _NEEDS_ROOM):
            code = getattr(errno, self._how)
            raise OSError(code, os.strerror(code))
        if not fails and self.count == self._number:
            os.kill(os.getpid(), getattr(signal, self._how))


def _obey(order: dict[str, Any]) -> int:
    """The child's whole life; its exit status."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    striker = None
    if order["number"]:
        striker = _Striker(order["how"], order["number"], order["counted"])
        os.fsync = striker.fsync  # type: ignore[assignment]
        sys.addaudithook(striker.look)
    module, *arguments = order["command"]
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except KeyboardInterrupt:
        return 130
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if striker is not None:
            Path(order["counted"]).write_text(str(striker.count), encoding="ascii")
    return 0


def _run(order: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.setpgid(0, 0)
            status = _obey(order)
        finally:
            os._exit(status)
    done, struck = 0, False
    while not done:
        time.sleep(0.001)
        done, status = os.waitpid(child, os.WNOHANG)
        seconds = time.monotonic() - began
        if not done and not struck and order["after"] is not None and seconds >= order["after"]:
            _strike(child, order["whom"], getattr(signal, order["how"]))
            struck = True
        if not done and seconds > order["limit"]:
            os.kill(child, signal.SIGKILL)
            order["limit"] = float("inf")
    _see_workers_end(child)
    return {"status": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - began}


def _strike(child: int, whom: str, sign: signal.Signals) -> None:
    """Send the signal to those who are there; a worker may be gone, or not have come yet."""
    with suppress(ProcessLookupError, FileNotFoundError):
        if whom == "all":
            os.killpg(child, sign)
        elif whom == "command":
            os.kill(child, sign)
        else:
            workers = Path(f"/proc/{child}/task/{child}/children").read_text(encoding="ascii").split()
            if workers:
                os.kill(int(random.choice(workers)), sign)  # noqa: S311


def _see_workers_end(child: int) -> None:
    """Wait for the workers of a command that was killed: they have nobody left to report to."""
    deadline = time.monotonic() + _ORPHANS_S
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(child, 0)
            time.sleep(0.005)
        os.killpg(child, signal.SIGKILL)
        raise TimeoutError("the workers of a command that was killed did not end")


def main() -> None:
    """Answer orders until there are no more."""
    for module in pkgutil.walk_packages(pytest_promptreg.__path__, "pytest_promptreg."):
        if module.name not in _WITHOUT:
            importlib.import_module(module.name)
    assert pytest.__version__
    for name in ("filelock", "rapidfuzz.distance", "packaging.version", "yaml"):
        importlib.import_module(name)
    if share():  # seconds that only the long campaign has
        for name in ("mlflow", "mlflow.store.tracking.sqlalchemy_store", "sqlalchemy.dialects.sqlite"):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
