"""pytest's capture and logs <-> calls: what a call prints and logs is heard in the set-up of its own test.

Whatever stream and handler pytest has in place when a call speaks, its words are put by, and said again when its test
has the answer: then they are captured, shown and sent on as those of any set-up are. With ``-s`` prints go straight
through.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ..calls.words import CURRENT, Words

_STREAMS = ("stdout", "stderr")
_LOG_HANDLERS = ("caplog_handler", "report_handler", "log_cli_handler")


class Hearing:
    """Listens from the first call of a session to its end."""

    def __init__(self, config: pytest.Config) -> None:
        self._seen: tuple[Any, Any] | None = None
        self._streams: dict[int, tuple[Any, Any]] = {}
        self._captures = config.getoption("capture", "no") != "no"
        self._capture: Any = config.pluginmanager.getplugin("capturemanager")
        logs: Any = config.pluginmanager.getplugin("logging-plugin")
        self._handlers: list[logging.Handler] = [
            handler
            for handler in (getattr(logs, name, None) for name in _LOG_HANDLERS)
            if isinstance(handler, logging.Handler)
        ]
        self._own = _Handler(self._handlers)
        self._listen()
        config.add_cleanup(self._end)

    def look(self) -> None:
        """Listen to the streams that are in place now, as a fixture like ``capsys`` brings its own."""
        if not self._captures or self._seen == (sys.stdout, sys.stderr):
            return
        self._seen = (sys.stdout, sys.stderr)
        for name in _STREAMS:
            self._watch(getattr(sys, name), name)

    def tell(self, words: Words) -> None:
        """Say what a call said, in the place of its own test."""
        for name, text in words.printed:
            getattr(sys, name).write(text)
        for handler, record in words.logged:
            handler.handle(record)

    def _listen(self) -> None:
        logging.getLogger().addHandler(self._own)
        for handler in self._handlers:
            handler.addFilter(_not_of_a_call)
        self.look()
        if self._captures and self._capture is not None:
            with self._capture.global_and_fixture_disabled():  # what a call prints between two tests
                self.look()

    def _watch(self, stream: Any, name: str) -> None:
        if id(stream) in self._streams:
            return
        try:
            write = stream.write
            had = "write" in vars(stream)
            stream.write = _put_by(write, name)
        except (AttributeError, TypeError):  # a stream that takes no attribute: its prints go straight through
            return
        for number in [number for number, (known, _) in self._streams.items() if getattr(known, "closed", False)]:
            del self._streams[number]  # one of each test that uses capsys
        # The stream is kept: another one must not be taken for it.
        self._streams[id(stream)] = (stream, write if had else None)

    def _end(self) -> None:
        for stream, write in self._streams.values():
            with contextlib.suppress(AttributeError):
                if write is None:
                    del stream.write
                else:
                    stream.write = write
        self._streams.clear()
        logging.getLogger().removeHandler(self._own)
        for handler in self._handlers:
            handler.removeFilter(_not_of_a_call)


def _put_by(write: Callable[[str], int], name: str) -> Callable[[str], int]:
    def write_or_put_by(text: str) -> int:
        words = CURRENT.get()
        if words is None or not isinstance(text, str):
            return write(text)
        words.printed.append((name, text))
        return len(text)

    return write_or_put_by


def _not_of_a_call(_: logging.LogRecord) -> bool:
    return CURRENT.get() is None


class _Handler(logging.Handler):
    """Puts by the records of calls for the handlers that are to have them later."""

    def __init__(self, handlers: list[logging.Handler]) -> None:
        super().__init__()
        self._later = handlers

    def emit(self, record: logging.LogRecord) -> None:
        """Put a record by."""
        words = CURRENT.get()
        if words is not None:
            words.logged += [(handler, record) for handler in self._later if record.levelno >= handler.level]
