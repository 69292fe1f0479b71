"""One process's part in a run, chosen once.

    Local       no xdist: collects, runs and concludes
    Worker      under xdist: collects and runs; sends outcomes on the reports and what was declared at the end
    Controller  under xdist: collects nothing; concludes

One writer, one tracker, one exit status, whatever the number of processes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import typed
from ..baselines import baseline as baseline_file
from ..baselines.baseline import Baseline
from ..baselines.orphans import orphans
from ..calls import Tally
from ..errors import BaselineError, RedactionError
from ..model import CaseKey
from ..options import is_suite_file
from ..redaction.declared import redacted_baseline
from ..redaction.redactor import Redactor
from ..report.files import leave
from ..results.leaving import leave_results
from ..results.outcome import CaseOutcome, RunOutcome
from ..settings import Settings
from ..sources.registry.loading import forget
from ..spending.planning import describe
from ..suites.suite import SuiteSpec
from .concluding import Concluder, Conclusion, Declaration
from .garbage import Frozen
from .performing import Performer
from .recording import Recording

if TYPE_CHECKING:
    from ..judging.sizing import Sizing


class Role:
    """What every process has; what it can do besides is its own.

    The hooks call these methods and never ask which role it is.
    """

    conclusion: Conclusion | None = None
    refusal: str | None = None  # why nothing was run: a mistake that shows only once everything is collected
    runs_elsewhere = False  # whether cases were selected, by this shard or others

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sizings: list[Sizing] = []  # of the suites, where they were asked for in place of a run

    def header(self) -> str | None:
        """The one line that says what is about to run; None where nothing is collected."""
        return None

    def expected(self) -> Collection[str]:
        """Node ids of the cases that this process is going to run."""
        return ()

    def reported(self, nodeid: str, wire: Mapping[str, Any] | None) -> None:
        """A phase of a case was reported, with its outcome or without."""

    def worker_done(self, wire: Mapping[str, Any]) -> None:
        """A worker ended in order and told what was declared."""

    def conclude(self, *, interrupted: bool, exit_passed: bool, unreported: Collection[str] = ()) -> Conclusion | None:
        """Conclude the run, once; None where another process does, or nothing of ours ran.

        :param unreported: node ids of tests that were to run and that nobody reported.
        """
        return None

    def stop(self) -> None:
        """Leave nothing running."""

    def let_go(self) -> None:
        """Keep nothing of the run from being freed."""


class Performing(Role):
    """A process that collects and runs."""

    bit_by_bit = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.performer = Performer(settings, bit_by_bit=self.bit_by_bit)
        self.modules: list[tuple[Path, object]] = []
        self.nodeids: dict[CaseKey, str] = {}
        self.whole: dict[CaseKey, str] = {}  # in a shard, every case that was selected, whichever shard runs it
        self.notices: list[str] = []  # of the prompt registry, for the summary
        self._collected = Frozen()

    def select(self, cases: Iterable[tuple[CaseKey, str]]) -> None:
        """The cases that are left to run, in order, with their node ids."""
        self.nodeids = dict(cases)
        self.performer.select(self.nodeids)
        if self.nodeids:
            self._collected.begin()
        if self.performer.replay is not None and (notice := self.performer.replay.notice):
            self.notices.append(notice)

    def size_up(self) -> None:
        """Say of each suite how large it should be, in place of running it."""
        from ..judging.sizing import size_up

        selected = self.performer.selected
        margin = self.settings.margin
        self.sizings = [size_up(self.performer.run_of(suite), keys, margin) for suite, keys in selected.items()]

    def problems(self) -> list[str]:
        """What came up while cases ran that a person must be told."""
        return self.performer.replay.problems if self.performer.replay is not None else []

    def header(self) -> str | None:
        """The one line that says what is about to run."""
        if self.refusal or not (self.nodeids or self.whole):
            return None
        line = describe(self.performer.selected, self.settings)
        if self.settings.shard:
            line += f", shard {self.settings.shard} of {len(self.whole)}"
        return line if self.settings.rescore or self.settings.plan else f"{line}: {self.performer.plan}"

    def expected(self) -> Collection[str]:
        """Node ids of the cases that this process is going to run."""
        return self.nodeids.values()

    def orphans(self) -> list[Path]:
        """Baseline files whose test is gone."""
        return orphans(self.performer.suites.values(), self.modules)

    def stop(self) -> None:
        """Start no more calls."""
        self.performer.stop()

    def let_go(self) -> None:
        """Give what was collected back to the garbage collector."""
        self._collected.end()


class Concluding(Role):
    """A process that gathers outcomes and concludes."""

    concludes_all = True  # whether nothing is added to the conclusion, so that reports can be written of it

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.concluder = Concluder(settings)
        self.known: set[str] = set()  # node ids of cases of which anything was reported

    def declaration(self, unreported: Collection[str]) -> Declaration | None:
        """What was declared, as far as this process knows."""
        raise NotImplementedError

    def reported(self, nodeid: str, wire: Mapping[str, Any] | None) -> None:
        """Gather an outcome."""
        self.known.add(nodeid)
        if wire is not None:
            self.concluder.gather(CaseOutcome.from_wire(wire))

    def conclude(self, *, interrupted: bool, exit_passed: bool, unreported: Collection[str] = ()) -> Conclusion | None:
        """Conclude the run, once."""
        nothing_ran = interrupted and not self.concluder.any_reported
        if self.conclusion is None and not nothing_ran and (declaration := self.declaration(unreported)) is not None:
            self.runs_elsewhere = bool(declaration.whole)
            recording = Recording(self.settings, exit_passed=exit_passed)
            self.conclusion = self.concluder.conclude(
                declaration,
                interrupted=interrupted,
                unreported=unreported,
                track=recording.tracker(),
                publish=recording.publisher(),
                refuse=self.refuse,
            )
            if self.settings.results is not None:
                leave_results(self.conclusion, declaration, self.concluder.storing, exit_passed=exit_passed)
            if self.settings.reports:
                self.conclusion.origin = recording.origin
            if self.concludes_all:
                leave(self.conclusion, self.settings.reports, self.settings.step_summary)
        return self.conclusion

    def refuse(self, run: RunOutcome) -> None:
        """Raise where nothing may be written of what a run has planned."""


class Local(Concluding, Performing):
    """The only process of a run."""

    def declaration(self, unreported: Collection[str]) -> Declaration | None:
        """What was collected here."""
        if not self.performer.suites and not self.settings.prune:
            return None
        return Declaration(
            suites=self.performer.suites,
            baselines=self.performer.baselines,
            selected=self.performer.selected,
            expected=self.nodeids.values(),
            orphans=self.orphans(),
            signatures=self.performer.own_signatures(),
            calls=self.performer.runner.tally(),
            notices=[*self.notices, *self.problems()],
            whole=self.whole,
            stops=self.performer.stopping.stops if self.performer.stopping is not None else {},
        )

    def reported(self, nodeid: str, wire: Mapping[str, Any] | None) -> None:
        """Gather an outcome, and note it where versions may be stopped."""
        super().reported(nodeid, wire)
        if wire is not None and self.performer.stopping is not None:
            self.performer.stopping.note(CaseOutcome.from_wire(wire))


class Worker(Performing):
    """A worker of xdist. It writes nothing; what it knows travels."""

    bit_by_bit = True

    def to_wire(self) -> dict[str, Any]:
        """What the controller needs to conclude, as plain values."""
        return {
            "suites": [spec.to_wire() for spec in self.performer.suites.values()],
            "nodeids": [[*key, nodeid] for key, nodeid in self.nodeids.items()],
            "baselines": self._baselines() if self.settings.writes else {},
            "orphans": [str(path) for path in self.orphans()],
            "refusal": self.refusal,
            "own_signatures": {},
            "calls": {},
            "problems": [],
            "notices": self.notices,
            "whole": [[*key, nodeid] for key, nodeid in self.whole.items()],
        }

    def _baselines(self) -> dict[str, str | None]:
        """By suite, the digest of what its cases are compared with."""
        return {suite: _digest(stored) for suite, stored in self.performer.baselines.items()}

    def last_words(self) -> dict[str, Any]:
        """What is known only when the cases have run."""
        return {
            "own_signatures": self.performer.own_signatures(),
            "calls": self.performer.runner.tally().to_wire(),
            "problems": self.problems(),
        }


class Controller(Concluding):
    """The controller of xdist: it collects nothing, and learns from the workers."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._declaration: Declaration | None = None
        self._own_signatures: dict[str, dict[str, str]] = {}
        self._calls = Tally()
        self._problems: dict[str, None] = {}

    def worker_done(self, wire: Mapping[str, Any]) -> None:
        """All workers collected the same, so the first one's word on that is enough."""
        self.refusal = self.refusal or wire["refusal"]
        for suite, signatures in wire["own_signatures"].items():
            self._own_signatures.setdefault(suite, {}).update(signatures)
        self._problems.update(dict.fromkeys(wire["problems"]))
        if wire["calls"]:
            self._calls.add(Tally.from_wire(wire["calls"]))
        if self._declaration is not None:
            return
        specs = {spec["id"]: SuiteSpec.from_wire(spec) for spec in wire["suites"]}
        nodeids = {CaseKey(*entry[:3]): entry[3] for entry in wire["nodeids"]}
        selected: dict[str, list[CaseKey]] = {}
        for key in nodeids:
            selected.setdefault(key.suite, []).append(key)
        baselines = {name: _baseline(spec, self.settings.redactor) for name, spec in specs.items()}
        self._declaration = Declaration(
            suites=specs,
            baselines=baselines,
            selected=selected,
            expected=nodeids.values(),
            orphans=[Path(path) for path in wire["orphans"]],
            signatures=self._own_signatures,
            calls=self._calls,
            notices=wire["notices"],
            whole={CaseKey(*entry[:3]): entry[3] for entry in wire["whole"]},
            moved=[name for name, had in wire["baselines"].items() if had != _digest(baselines[name])],
        )

    def declaration(self, unreported: Collection[str]) -> Declaration | None:
        """What a worker told; when all of them died before they could, what may have been a case counts as one.

        That is what reported its set-up, what a baseline or the text of its module speaks for, and in a refresh
        everything: nothing was stored that was asked for.
        """
        if self._declaration is None:
            rootdir, asked = self.settings.rootdir, self.settings.writes
            lost = sorted(
                nodeid for nodeid in unreported if asked or nodeid in self.known or _may_be_ours(rootdir, nodeid)
            )
            return Declaration(suites={}, baselines={}, selected={}, expected=lost) if lost else None
        return replace(self._declaration, notices=[*self._declaration.notices, *self._problems])


def _baseline(spec: SuiteSpec, redactor: Redactor) -> Baseline | None:
    try:
        return redacted_baseline(baseline_file.load(spec.baseline_path), redactor)
    except (BaselineError, RedactionError):  # the workers could read it a moment ago; their outcomes stand
        return None


def _digest(stored: Baseline | None) -> str | None:
    return None if stored is None else stored.digest


def _may_be_ours(rootdir: Path, nodeid: str) -> bool:
    path, *parts = nodeid.partition("[")[0].split("::")
    module = rootdir / path
    if parts and baseline_file.path_for(module, ".".join(parts)).exists():
        return True
    return module.is_file() and (is_suite_file(module) or b"promptreg" in module.read_bytes())


def choose(settings: Settings, *, is_worker: bool, is_controller: bool) -> Role:
    """The role of this process, which asks prompt registries anew."""
    forget()
    if is_worker:
        return Worker(settings)
    return Controller(settings) if is_controller else Local(settings)


def invocation(arguments: Sequence[str]) -> str:
    """How the run was started, as a person would type it."""
    return typed.command(["pytest", *map(str, arguments)])
