"""The end of a run with recorded outputs: what no case needs any more is removed where that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..files import display_path
from ..suites.suite import SuiteSpec
from .replaying import Replay
from .store import shown_size


def conclude(file: Path, suites: Mapping[str, SuiteSpec], *, prune: bool) -> list[str]:
    """Where outputs are recorded and how much that is, for the summary.

    :param prune: whether outputs of no declared case are to be removed.
    :raises ReplayError: when the file cannot be written.
    """
    notes = []
    if prune and file.exists():
        replay = Replay("reuse", file, suites)
        pruned = replay.prune()
        replay.close()
        notes.append(f"recorded outputs: {pruned.kept} kept, {pruned.gone} of no declared case removed")
    size = shown_size(file.stat().st_size) if file.exists() else "nothing yet"
    return [*notes, f"recorded outputs: {display_path(file)} ({size})"]
