"""The tracking runs to be, as plain values: what is described here is what the store gets, and what waits on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .traces.record import TraceRecord


@dataclass(frozen=True)
class RunRecord:
    """One MLflow run to be.

    :param status: ``FINISHED``, ``FAILED`` or ``KILLED``.
    :param start_ms, end_ms: milliseconds since the epoch.
    :param artifacts: text by path inside the run's artifacts.
    :param dataset: what its examples are; None where it is not about all of them.
    :param suite, version, example: what it is of; empty for the parent, and ``example`` for a version's run.
    :param is_baseline: whether it is of the accepted prompt.
    :param nested: the runs inside it.
    """

    name: str
    status: str
    start_ms: int
    end_ms: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    artifacts: Mapping[str, str]
    dataset: DatasetRecord | None = None
    suite: str = ""
    version: str = ""
    example: str = ""
    is_baseline: bool = False
    nested: list[RunRecord] = field(default_factory=list)


@dataclass(frozen=True)
class DatasetRecord:
    """The examples of a suite as MLflow's runs name them: equal ones have the same digest wherever they lie.

    :param sha256: of ids, inputs and references.
    :param source: where they were read from.
    :param rows: how many there are.
    """

    name: str
    sha256: str
    source: str
    rows: int


@dataclass(frozen=True)
class Record:
    """Everything that a pytest run leaves: its own run, those of its prompt versions, and traces of their cases.

    :param notices: what a person should be told of it.
    """

    parent: RunRecord
    children: list[RunRecord] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    traces: list[TraceRecord] = field(default_factory=list)

    @property
    def baseline(self) -> RunRecord | None:
        """The child to mark as the experiment's baseline; None when there is none, or more than one."""
        marked = [child for child in self.children if child.is_baseline]
        return marked[0] if len(marked) == 1 else None
