"""What the processes of one run under xdist leave for each other to read while it runs.

Between the start of a worker and its end xdist carries reports of tests, and nothing of a plugin's. So word is left in
files, in pytest's temporary folder, below which xdist has put each worker's own. A worker on another machine sees none
of it: its run lacks the plan, and it goes on until xdist has it stop.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

_INPUT = "promptreg_board"  # under which a worker is told where
_PLAN = "promptreg-plan"
_STOP = "promptreg-stop"


class Board:
    """Word that is left in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def for_node(cls, node: Any, config: pytest.Config) -> Board | None:
        """The board of a run, of which a worker is told; None where they share no folder.

        :param node: xdist's own object of a worker that is about to start.
        """
        factory = getattr(config, "_tmp_path_factory", None)  # as xdist asks for it; gone under `-p no:tmpdir`
        if factory is None or not node.gateway.spec.popen:
            return None
        board = cls(factory.getbasetemp())
        workerinput: MutableMapping[str, Any] = node.workerinput
        workerinput[_INPUT] = str(board._folder)
        return board

    @classmethod
    def of_worker(cls, config: pytest.Config) -> Board | None:
        """The board that this process was told of; None where it was not, or is no worker."""
        folder = getattr(config, "workerinput", {}).get(_INPUT)
        return cls(Path(folder)) if folder else None

    def leave_plan(self, line: str) -> None:
        """Say what is about to run. All workers say the same, whole; which comes first is all one."""
        with suppress(OSError):
            unfinished = self._folder / f"{_PLAN}-{os.getpid()}"
            unfinished.write_text(line, encoding="utf-8")
            unfinished.replace(self._folder / _PLAN)

    def plan(self) -> str | None:
        """What was said; None where no worker has cases of ours."""
        try:
            return (self._folder / _PLAN).read_text(encoding="utf-8")
        except OSError:
            return None

    def call_stop(self) -> None:
        """The run ends here: no worker need wait for a call any more."""
        with suppress(OSError):
            (self._folder / _STOP).touch()

    def says_stop(self) -> bool:
        """Whether the run ends here."""
        return (self._folder / _STOP).exists()

    def clear(self) -> None:
        """Leave nothing behind: the folder may be one that a person named."""
        for name in (_PLAN, _STOP):
            with suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)
