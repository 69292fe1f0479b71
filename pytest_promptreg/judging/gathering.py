"""The evidence of a suite's cases, gathered in batches: of a case, and of others whose outputs are there already."""

from __future__ import annotations

from collections.abc import Sequence

from ..baselines.baseline import Record
from ..calls import Runner
from ..errors import MetricError
from ..model import CaseKey, Key, Output, ScoredCase
from .against import Against
from .evidence import Evidence, Table
from .matching import BATCH

_Asked = tuple[tuple[str, ...], ScoredCase]


class Gathering:
    """Gives each case its tables; an embedding model takes as long for one text as for several.

    :param runner: has outputs that are ready too, and are looked at along with the one that is asked for.
    """

    def __init__(self, against: Against, evidence: Evidence, runner: Runner) -> None:
        self._against = against
        self._evidence = evidence
        self._runner = runner
        self._ahead: dict[Key, tuple[tuple[str, ...], dict[str, Table]]] = {}
        self._in_batches = against.spec.samples == 1

    def tables(self, key: CaseKey, record: Record, outputs: Sequence[Output]) -> dict[str, Table]:
        """The tables of a case, by term.

        :raises MetricError: when a metric cannot score it.
        """
        asked = self._asked(key, record, outputs)
        texts, tables = self._ahead.pop(key, ((), {}))
        if texts == asked[0]:
            return tables
        batch = {**self._ready(), key: asked} if self._in_batches else {key: asked}
        if len(batch) > 1:
            try:
                found = self._evidence.of_all(list(batch.values()))
            except MetricError:  # of another case perhaps; from here on each is asked for by itself
                self._in_batches = False
            else:
                self._ahead.update(
                    (other, (texts, tables)) for (other, (texts, _)), tables in zip(batch.items(), found, strict=True)
                )
                return self._ahead.pop(key)[1]
        return self._evidence.of(*asked)

    def _asked(self, key: Key, record: Record, outputs: Sequence[Output]) -> _Asked:
        texts = (*record.generated, *(output.text for output in outputs))
        return texts, ScoredCase(self._against.example(key), self._against.version(key))

    def _ready(self) -> dict[Key, _Asked]:
        against = self._against
        found: dict[Key, _Asked] = {}
        for key, output in self._runner.ready().items():
            if len(found) == BATCH - 1:
                break
            if key.suite != against.spec.id or key in self._ahead or against.obstacle(key):
                continue
            record = against.record(key)
            if record is not None:
                found[key] = self._asked(key, record, [output])
        return found
