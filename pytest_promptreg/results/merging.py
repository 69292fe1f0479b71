"""Shards -> one run: their result files are checked against each other, and concluded as one process would have.

What cannot be of one run (another count, a shard twice, other prompts, examples, gates, baselines, commits, metrics) is
refused. What one run has lost (a shard, the rest of an interrupted one, a case) fails it, and the report says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from .. import __version__, typed
from ..baselines.baseline import Baseline
from ..calls import Tally
from ..errors import ResultsError
from ..files import display_path
from ..model import CaseKey
from ..report.files import leave
from ..session.concluding import Conclusion, Declaration
from ..session.roles import Concluding
from ..settings import Settings
from ..suites.suite import SuiteSpec
from ..text import canonical_json
from .file import load
from .outcome import RunOutcome
from .shards import Part, in_shard

_REFRESH = ("promptreg_update", "promptreg_accept", "promptreg_add")
_OF_METRICS = ("promptreg_embedding_model", "promptreg_rouge_tokens", "promptreg_bleu_tokens")
_OF_NOISE = ("promptreg_margin", "promptreg_undecided")  # the merge judges by them, and each shard was told its own


@dataclass(frozen=True)
class ShardResults:
    """One shard's file.

    :param name: the file, for messages.
    """

    name: str
    run: RunOutcome
    part: Part
    plugin_version: str

    def __str__(self) -> str:
        return f"shard {self.part.shard} ({self.name})"

    @property
    def died(self) -> bool:
        """Whether its workers died before they could tell what they ran."""
        return bool(self.run.lost) and not self.part.cases

    @property
    def specs(self) -> dict[str, SuiteSpec]:
        """Every suite that it declared."""
        of_run = [suite.spec for suite in self.run.suites]
        return {spec.id: spec for spec in (*of_run, *self.run.left_out)}

    @property
    def baselines(self) -> dict[str, Baseline | None]:
        """The baselines that it compared with."""
        return {suite.spec.id: suite.baseline for suite in self.run.suites}


def read_shards(paths: Sequence[Path], root: Path) -> list[ShardResults]:
    """The shards of one run, in order.

    :param root: the folder that paths in the files start from.
    :raises ResultsError: when a file is none of a shard, or the shards are not of one run.
    """
    found = []
    for path in paths:
        results = load(path, root=root)
        name = display_path(path)
        if results.part is None:
            raise ResultsError(
                "these are the results of a whole run, and there is nothing to merge",
                where=name,
                next_step="a shard is run by: pytest --promptreg-shard 1/2",
            )
        found.append(ShardResults(name, results.run, Part.from_wire(results.part, name), results.plugin_version))
    found.sort(key=lambda shard: shard.part.index)
    _refuse_strangers(found)
    return found


def _refuse_strangers(shards: Sequence[ShardResults]) -> None:
    first = shards[0]
    for shard in shards:
        if shard.plugin_version != __version__:
            raise _stranger(
                f"{shard} is of pytest-promptreg {shard.plugin_version}, and this is {__version__}",
                f"pip install {typed.word(f'pytest-promptreg=={shard.plugin_version}')}, or run the shard again",
            )
        if shard.part.count != first.part.count:
            raise _stranger(f"{shard} and {first} are parts of unequal counts")
    for before, shard in pairwise(shards):
        if before.part.index == shard.part.index:
            if before.name == shard.name:
                raise _stranger(f"{shard} is named twice", "name each file once")
            raise _stranger(f"shard {shard.part.shard} is there twice: {before.name} and {shard.name}")
    alive = [shard for shard in shards if not shard.died]
    for shard in alive[1:]:
        for difference in _differences(alive[0], shard):
            raise _stranger(f"{shard} and {alive[0]} are not of one run: {difference}")
    for shard in alive:
        keys = {case.key for suite in shard.run.suites for version in suite.versions for case in version.cases}
        cases = {CaseKey(*case[:3]) for case in shard.part.cases}
        undeclared = {case for case in cases if not _is_declared(case, shard.specs)}
        if undeclared or keys - (cases and in_shard(shard.specs, cases, shard.part.shard)):
            raise _stranger(f"{shard} has cases that are not its own")


def _is_declared(key: CaseKey, specs: Mapping[str, SuiteSpec]) -> bool:
    spec = specs.get(key.suite)
    return spec is not None and key.version in spec.version_by_label and key.example in spec.example_by_id


def _differences(one: ShardResults, other: ShardResults) -> Iterator[str]:
    """What tells that two shards are not of one run."""
    commits = {shard.part.commit for shard in (one, other)}
    if len(commits) > 1 and None not in commits:
        yield f"commit {str(other.part.commit)[:10]} and commit {str(one.part.commit)[:10]}"
    for name in _REFRESH:
        if one.part.flags.get(name) != other.part.flags.get(name):
            yield f"only one was run with --{name.replace('_', '-')}, or with another value"
    for name in (*_OF_METRICS, *_OF_NOISE):
        if one.part.ini.get(name) != other.part.ini.get(name):
            yield f"{name} differs"
    if unlike := one.specs.keys() ^ other.specs.keys():
        yield f"only one has the suite {min(unlike)}"
        return
    for suite in one.specs:
        yield from _suite_differences(suite, one, other)
    if set(one.part.cases) != set(other.part.cases):
        yield "they selected other cases (by -k, -m, --lf, --promptreg-versions or paths)"


def _suite_differences(suite: str, one: ShardResults, other: ShardResults) -> Iterator[str]:
    name = one.specs[suite].name
    others = _aspects(other, suite)
    for aspect, value in _aspects(one, suite).items():
        if value != others[aspect]:
            yield f"{aspect} of {name} differ"
    if suite in one.baselines.keys() & other.baselines.keys() and one.baselines[suite] != other.baselines[suite]:
        yield f"the baselines of {name} differ"
    signed, others_signed = one.part.signatures.get(suite, {}), other.part.signatures.get(suite, {})
    for metric in sorted(signed.keys() & others_signed.keys()):
        if signed[metric] != others_signed[metric]:
            lines = [f"  {shard.part.shard}: {shard.part.signatures[suite][metric]}" for shard in (one, other)]
            yield "\n".join([f"{metric} of {name} has other settings there", *lines])


def _aspects(shard: ShardResults, suite: str) -> dict[str, object]:
    """What must be equal in all shards, by the words of a message; the places of files need not be."""
    spec = shard.specs[suite]
    versions = {version.label: [version.digest, version.model_config] for version in spec.versions}
    examples = [[e.id, e.inputs_digest, e.reference, list(e.gates), list(e.tags)] for e in spec.examples]
    return {
        "the test modules": shard.part.modules.get(spec.id),
        "the prompts": canonical_json(versions),
        "the examples": canonical_json(examples),
        "the gates": (spec.mode, spec.gates),
        "the metrics": (spec.metrics, dict(spec.own)),
        "the signals": dict(spec.signals),
        "predict": spec.predict,
        "the number of samples": spec.samples,
        "what the alias names": spec.production and (spec.production.address, spec.production.number),
    }


def _stranger(what: str, step: str = "run the shards of one run again, and merge those") -> ResultsError:
    return ResultsError(what, next_step=step)


class Merging(Concluding):
    """The process that concludes a run of which every case ran elsewhere."""

    concludes_all = False  # what the shards lack is added

    def __init__(self, settings: Settings, shards: Sequence[ShardResults]) -> None:
        super().__init__(settings)
        self._shards = shards
        self.concluder.started = min(shard.run.started for shard in shards)
        self.concluder.ended = max(shard.run.ended for shard in shards)
        for shard in shards:
            for suite in shard.run.suites:
                for version in suite.versions:
                    for case in version.cases:
                        self.concluder.gather(case)

    def merge(self) -> Conclusion:
        """The conclusion that one process would have come to.

        :raises ResultsError: when a baseline that is to be written is another one than the shards had, or of two.
        """
        if self.settings.refreshing:
            self._refuse_several_versions()
        problems = [*self._missing(), *self._shortfalls(), *self._nothing_selected()]
        conclusion = self.conclude(
            interrupted=bool(problems),
            exit_passed=not problems and all(shard.part.exit_passed for shard in self._shards),
            unreported=[nodeid for shard in self._shards for nodeid in shard.run.lost],
        )
        if conclusion is None:  # no shard has run a case
            run = RunOutcome((), self.concluder.started, self.concluder.ended or 0.0, interrupted=True)
            conclusion = Conclusion(run)
        problems += self._failures()
        conclusion.problems[:0] = problems
        conclusion.fatal |= bool(problems)
        leave(conclusion, self.settings.reports, self.settings.step_summary)
        return conclusion

    def declaration(self, unreported: Collection[str]) -> Declaration | None:  # noqa: ARG002  as every role's
        """What the shards agree on."""
        alive = [shard for shard in self._shards if not shard.died]
        if not alive:
            return None
        nodeids = {CaseKey(*case[:3]): case[3] for case in alive[0].part.cases}
        selected: dict[str, list[CaseKey]] = {}
        for key in nodeids:
            selected.setdefault(key.suite, []).append(key)
        baselines: dict[str, Baseline | None] = dict.fromkeys(alive[0].specs)
        signatures: dict[str, dict[str, str]] = {}
        for shard in alive:
            baselines.update(shard.baselines)
            for suite, told in shard.part.signatures.items():
                signatures.setdefault(suite, {}).update(told)
        order = dict.fromkeys([*selected, *alive[0].specs])
        return Declaration(
            suites={suite: alive[0].specs[suite] for suite in order},
            baselines=baselines,
            selected=selected,
            expected=nodeids.values(),
            orphans=[Path(path) for path in dict.fromkeys(path for shard in alive for path in shard.run.orphans)],
            signatures=signatures,
            calls=_summed(shard.run.calls for shard in alive),
            notices=list(dict.fromkeys(notice for shard in alive for notice in shard.part.notices)),
        )

    def _missing(self) -> list[str]:
        """A line for each shard that is not there."""
        count = self._shards[0].part.count
        there = {shard.part.index for shard in self._shards}
        missing = [str(index) for index in range(1, count + 1) if index not in there]
        if not missing:
            return []
        which = f"shard {missing[0]}" if len(missing) == 1 else f"shards {', '.join(missing)}"
        return [f"{which} of {count} {'is' if len(missing) == 1 else 'are'} missing: the run is not whole"]

    def _nothing_selected(self) -> list[str]:
        """That the shards agree on nothing: what checks no case has not passed."""
        if any(shard.died or shard.part.cases for shard in self._shards):
            return []
        return ["no case was selected in any of the shards (by -k, -m, --lf or paths): nothing was run"]

    def _shortfalls(self) -> list[str]:
        """A line for each shard that did not run all that was its own."""
        told = []
        for shard in self._shards:
            if shard.died:
                told.append(f"{shard}: its workers died before they told what they ran")
            elif shard.run.interrupted:
                told.append(f"{shard} was interrupted: it ended before its last case")
            elif (meant := self._share(shard)) != (ran := sum(suite.selected for suite in shard.run.suites)):
                told.append(f"{shard} selected {ran} of its {meant} cases")
        return told

    @staticmethod
    def _share(shard: ShardResults) -> int:
        return len(in_shard(shard.specs, {CaseKey(*case[:3]) for case in shard.part.cases}, shard.part.shard))

    def _refuse_several_versions(self) -> None:
        """A refresh runs one version of a suite: what says otherwise was not left by one."""
        ran: dict[str, str] = {}
        for shard in self._shards:
            for suite in shard.run.suites:
                for version in suite.versions:
                    label = version.version.label
                    if version.cases and ran.setdefault(suite.spec.id, label) != label:
                        raise _stranger(f"{shard} refreshes {label} of {suite.spec.name}, and {ran[suite.spec.id]} too")

    def _failures(self) -> list[str]:
        """A line for each shard that lost cases, or failed for something that none of its cases says."""
        told = []
        for shard in self._shards:
            if shard.run.lost:
                told.append(f"{shard} lost {len(shard.run.lost)} cases: they were collected and never reported")
            elif not shard.part.exit_passed and not shard.run.failed and not shard.run.interrupted:
                told.append(f"{shard} failed for something else than a case: its own output says what")
        return told

    def refuse(self, run: RunOutcome) -> None:
        """A baseline is written only below the root folder, and over what the shards had; or there it is already.

        :raises ResultsError: when one is to be written elsewhere, or over something else.
        """
        root = self.settings.rootdir.resolve()
        for plan in (suite.plan for suite in run.suites if suite.plan is not None):
            if not plan.path.resolve().is_relative_to(root):
                raise ResultsError(
                    "a suite lies outside of the root folder, where no baseline is written",
                    where=display_path(plan.path),
                    next_step="run the merge in the checkout's root folder, or give it as --rootdir",
                )
            if plan.has_moved(self.concluder.storing.now(plan.path)):
                raise ResultsError(
                    "the baseline is another one than the shards refreshed",
                    where=display_path(plan.path),
                    next_step="run the merge on the commit that the shards ran on",
                )


def _summed(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total
