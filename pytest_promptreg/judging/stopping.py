"""Stopping early: which versions of a run need no further call, because what is said of them can no longer change.

Calibrated suites are looked at after a third and two thirds of a version's examples, and their calls wait there: what
is called beyond a look would be paid for and thrown away. Their examples run in an order drawn from their ids: in a
file they stand by kind or difficulty, and the first of them would say nothing of the rest. In strict suites breaches
are counted, and a version stops when no further pass can lift it to its pass rate; a single case may always fail by
itself, so none is stopped as passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..calls.ahead import LookAhead, Queue
from ..model import CaseKey, Key
from ..report.escape import one_line
from ..results.outcome import CaseOutcome, EarlyStop
from ..settings import Settings
from ..settings.exclusions import STOP_EARLY
from ..text import canonical_json, digest
from . import modes
from .gates import Gate, Verdict

if TYPE_CHECKING:
    from ..session.suite_run import SuiteRun
    from ..suites.suite import SuiteSpec


@dataclass
class _Version:
    """One prompt version of a suite while it runs.

    :param order: its examples, in the order that they run in.
    :param looked: how many examples the last look saw.
    :param cases: those that have ended, by example; of them ``judged`` were compared, and ``passes`` broke no gate.
    :param ended: how many examples had their turn when the last of these had: a test that was skipped has ended too.
    """

    run: SuiteRun
    label: str
    order: Sequence[str]
    counts: Sequence[int] = ()
    looked: int = 0
    cases: dict[str, CaseOutcome] = field(default_factory=dict)
    judged: int = 0
    passes: int = 0
    ended: int = 0
    stop: EarlyStop | None = None

    def __post_init__(self) -> None:
        self.place = {example: place for place, example in enumerate(self.order)}

    def note(self, outcome: CaseOutcome) -> None:
        """Count a case; of one that is run again, the last attempt."""
        for case, number in ((self.cases.get(outcome.example), -1), (outcome, 1)):
            if case is not None and case.judged:
                self.judged += number
                self.passes += number * (case.verdict != Verdict.BREACHED)
        self.cases[outcome.example] = outcome
        self.ended = max(self.ended, self.place[outcome.example] + 1)

    @property
    def next_look(self) -> int:
        """After how many examples the next look is; all of them where none is left before the end."""
        return next((count for count in self.counts if count > self.looked), len(self.order))


class Stopping:
    """Follows the cases of a run and says of which versions no more are called.

    It runs where all cases of the run do: in one process, in the order that was fixed when they were collected.
    """

    def __init__(
        self, settings: Settings, runs: Mapping[str, SuiteRun], selected: Mapping[str, Iterable[CaseKey]]
    ) -> None:
        self._settings = settings
        self._versions: dict[tuple[str, str], _Version] = {}
        self._beside: dict[str, int] = {}  # versions of each suite that are looked at
        for suite, keys in selected.items():
            orders: dict[str, list[str]] = {}
            for key in keys:
                orders.setdefault(key.version, []).append(key.example)
            self._beside[suite] = len(orders)
            for label, order in orders.items():
                self._versions[suite, label] = _Version(runs[suite], label, order)

    @property
    def stops(self) -> Mapping[tuple[str, str], EarlyStop]:
        """By suite and version, where it was stopped."""
        return {key: version.stop for key, version in self._versions.items() if version.stop is not None}

    def is_stopped(self, key: Key) -> bool:
        """Whether a call is one too many."""
        return self._versions[key.suite, key.version].stop is not None

    def why_not(self, key: CaseKey) -> str:
        """Why the case whose turn it is need not be called; empty where it is. A look that is due is taken first."""
        version = self._versions[key.suite, key.version]
        if version.stop is None and version.run.spec.mode == modes.CALIBRATED:
            self._look(version, version.place[key.example])
        if version.stop is None:
            return ""
        return f"{one_line(key.version)} {version.stop.finding}: not called ({STOP_EARLY})"

    def note(self, outcome: CaseOutcome) -> None:
        """A case has ended. Of one that is run again, the last attempt counts."""
        version = self._versions.get((outcome.suite, outcome.version))
        if version is None or outcome.example not in version.place:
            return
        version.note(outcome)
        if version.stop is None and version.run.spec.mode == modes.STRICT:
            self._count(version)

    def until_look(self, upcoming: LookAhead) -> LookAhead:
        """The upcoming cases as far as they may be called before the next look."""

        def calls() -> Queue | None:
            queue = upcoming()
            return None if queue is None else Queue(self._before_look(queue.keys), queue.size)

        return calls

    def _before_look(self, keys: Iterator[Key]) -> Iterator[Key]:
        for key in keys:
            version = self._versions[key.suite, key.version]
            if version.stop is not None:
                continue
            if version.run.spec.mode == modes.CALIBRATED and version.place[key.example] >= self._planned(version):
                return
            yield key

    def _planned(self, version: _Version) -> int:
        if not version.counts:
            from ..noise.looks import look_counts

            version.counts = look_counts(len(version.order))
        return version.next_look

    def _look(self, version: _Version, ended: int) -> None:
        """Take the look that is due after so many examples of a version have ended, if one is."""
        while version.stop is None and self._planned(version) <= ended:
            from .under_noise import look

            run = version.run
            version.looked = version.next_look
            decision = look(
                run.spec,
                version.label,
                version.order,
                {example: case for example, case in version.cases.items() if case.judged},
                version.looked,
                versions=self._beside[run.spec.id],
                stored=run.baseline,
                settings=self._settings,
            )
            if decision.state == "regressed" or (decision.state == "passed" and self._is_all(run.spec)):
                self._stop(version, version.looked, decision.state)

    def _is_all(self, spec: SuiteSpec) -> bool:
        """Whether nothing was asked for but what the looks tell; what is to be promoted, is tested whole."""
        gated = spec.gates or any(example.gates for example in spec.examples)
        return not gated and self._settings.promote is None

    def _count(self, version: _Version) -> None:
        """Stop a version whose pass rate is lost, whatever the rest comes to."""
        left = len(version.order) - version.ended
        for gate in version.run.spec.gates:
            if left and is_lost(gate, version.passes, version.judged, left):
                self._stop(version, version.ended, f"missed {gate}")
                return

    def _stop(self, version: _Version, ended: int, finding: str) -> None:
        spec, order = version.run.spec, version.order
        version.stop = EarlyStop(finding, ended, len(order), 0)
        rest = [spec.case_key(version.label, example) for example in order[ended:]]
        version.stop = replace(version.stop, saved=version.run.leave_out(rest))


def drawn_place(key: CaseKey) -> str:
    """By which the cases of a version are put in order: as if by lot, the same in every run and for every version."""
    return digest(canonical_json([key.suite, key.example]))


def is_lost(gate: Gate, passes: int, judged: int, left: int) -> bool:
    """Whether a gate on the pass rate is missed even if all cases that are left are judged and pass.

    :param passes: of those that were judged so far.
    """
    return gate.of_suite and gate.metric is None and not gate.met_by((passes + left) / (judged + left))
