"""What a run is going to do and to call, known before it calls anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model import CaseKey, Key
from ..report.escape import one_line
from ..suites.samples import calls_of
from ..text import count
from .budget import usd

if TYPE_CHECKING:
    from ..session.suite_run import SuiteRun
    from ..settings import Settings


@dataclass(frozen=True)
class CallPlan:
    """The calls of the selected cases, at most: a test may still skip itself. Retries are not foreseen.

    :param calls: calls of predict that are to be made: one for each sample of a case.
    :param replayed: recorded outputs that are handed over in place of calls.
    :param missing: recorded outputs that are needed, where there is none and no call is made.
    :param cost_usd: what the calls of which the price is known are going to cost; an estimate.
    :param priced: how many those are.
    :param unpriced: names of the models of which it is not.
    :param expects_prices: whether prices were set, so that a model without one is worth a word.
    :param gapless: suites of which an output is recorded for every selected case.
    """

    calls: int = 0
    replayed: int = 0
    missing: int = 0
    cost_usd: float = 0.0
    priced: int = 0
    unpriced: frozenset[str] = frozenset()
    expects_prices: bool = False
    gapless: frozenset[str] = frozenset()

    def __str__(self) -> str:
        parts = [f"{self.calls} call{'' if self.calls == 1 else 's'} to make"]
        if told := self._cost():
            parts[0] += f" ({told})"
        if self.replayed:
            parts.append(f"{self.replayed} replayed")
        if self.missing:
            parts.append(f"{self.missing} not recorded")
        return ", ".join(parts)

    def _cost(self) -> str:
        of_some = f" for {self.priced} of them" if self.priced < self.calls else ""
        told = [f"about {usd(self.cost_usd)}{of_some}"] if self.priced else []
        if self.expects_prices and self.unpriced:
            models = sorted(one_line(model) or "a model without a name" for model in self.unpriced)
            told.append(f"no price for {', '.join(models)}")
        return "; ".join(told)


def plan_calls(runs: Iterable[tuple[SuiteRun, Sequence[CaseKey]]]) -> CallPlan:
    """What the cases of these suites are going to call.

    :raises ReplayError: when the file of recorded outputs cannot be read.
    """
    made = replayed = missing = priced = 0
    expects_prices = False
    cost = 0.0
    unpriced, gapless = set(), set()
    for run, keys in runs:
        calls: Sequence[Key] = keys
        if run.spec.samples > 1:
            calls = [call for key in keys for call in calls_of(key, run.spec.samples)]
        needing = [call for call in calls if run.needs_output(call)] if run.spec.subject else []
        gaps = needing
        if run.replay is not None:
            unrecorded = {call for call in calls if not run.replay.has(call)} if run.spec.subject else set()
            gaps = [call for call in needing if call in unrecorded]
            replayed += len(needing) - len(gaps)
            if not unrecorded:
                gapless.add(run.spec.id)
            if run.replay.never_calls:
                missing += len(gaps)
                continue
        made += len(gaps)
        if run.outlay is None:
            continue
        expects_prices = expects_prices or run.outlay.has_prices
        for call in gaps:
            amount = run.outlay.estimate(run.spec, run.baseline, call)
            if amount is None:
                unpriced.add(run.outlay.model(run.spec, call))
            else:
                priced += 1
                cost += amount
    return CallPlan(made, replayed, missing, cost, priced, frozenset(unpriced), expects_prices, frozenset(gapless))


def describe(selected: Mapping[str, Sequence[CaseKey]], settings: Settings) -> str:
    """The one line that says what is about to run."""
    cases = sum(map(len, selected.values()))
    versions = list(dict.fromkeys(key.version for keys in selected.values() for key in keys))
    idle = "rescoring" if settings.rescore else "planning" if settings.plan else ""
    verb = " to be stored as the baseline" if settings.refreshing else f", none run: {idle}" if idle else ""
    suites = len([keys for keys in selected.values() if keys])
    named = f" ({', '.join(versions[:6])}{', ...' if len(versions) > 6 else ''})" if versions else ""
    return (
        f"promptreg: {count(suites, 'suite')}, {count(len(versions), 'prompt version')}{named}, "
        f"{count(cases, 'case')}{verb}"
    )
