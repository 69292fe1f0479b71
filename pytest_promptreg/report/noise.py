"""What a suite under noise came to, in words: a sentence for each version, and a line for what did not pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..judging import modes
from ..judging.noise_result import OUTSIDE, PASSED, RATE, REGRESSED, UNDECIDED, NoiseResult, odds
from ..text import count, some
from .escape import one_line

if TYPE_CHECKING:
    from ..results.outcome import SuiteOutcome, VersionOutcome

Line = tuple[str, dict[str, bool]]
_COLOURS = {PASSED: {"green": True}, REGRESSED: {"red": True}, UNDECIDED: {"yellow": True}}
NAMED = 5  # examples that are named
_MODES = {
    modes.STRICT: "all stored generations are the same, so nothing may change",
    modes.CALIBRATED: "new outputs may differ from the stored ones as much as those differ from each other",
    modes.FLOOR: (
        "only outputs as far from the accepted ones as answers to another question count; for finer gates, "
        f"update with promptreg_baseline_samples = {modes.RECOMMENDED}"
    ),
}
_ADVICE = {
    PASSED: "nothing to do",
    REGRESSED: "read the worst examples, then mend the prompt or accept it",
    UNDECIDED: "add examples",
}
_STORE = f"store {modes.RECOMMENDED} outputs of each example to see smaller losses"


def mode_line(suite: SuiteOutcome, *, refreshed: bool) -> list[Line]:
    """How the suite is judged, where nobody wrote gates for it; nothing where it is judged by thresholds.

    :param refreshed: whether outputs were made to be accepted: then nothing is judged.
    """
    if refreshed or not suite.versions or (suite.spec.mode_named and suite.spec.mode == modes.STRICT):
        return []
    why = "" if suite.spec.mode_named else ", by what the baseline holds"
    return [(f"  gates: {suite.spec.mode}{why}: {_MODES[suite.spec.mode]}", {})]


def lines(version: VersionOutcome, *, verbose: bool) -> list[Line]:
    """What is told of one version.

    :param verbose: whether also each metric that passed is told.
    """
    if not version.noise:
        return []
    told: list[Line] = [(f"  {sentence(version)}", _COLOURS[version.noise_state])]
    told += [(f"    {result}", _COLOURS[result.state]) for result in version.noise if verbose or result.state != PASSED]
    return told + _unusual(version)


def sentence(version: VersionOutcome) -> str:
    """What was found, how sure that is, and what to do: one sentence, for somebody who takes no interest in numbers."""
    label, state = one_line(version.version.label), version.noise_state
    unjudged = ", ".join(one_line(result.term) for result in version.noise if not result.examples)
    if not any(result.examples for result in version.noise):
        return f"{label} cannot be judged: none of its cases has an output to compare"
    of_state = [result for result in version.noise if result.state == state and result.examples]
    if not of_state:
        return f"{label} cannot be judged by {unjudged}: none of the cases that have it has an output to compare"
    outputs = [result for result in of_state if result.mode != RATE]
    if not outputs:  # only the share of cases without a breach decided, and that is a sentence already
        found, advice = "; ".join(one_line(f"{result.term}: {result.finding}") for result in of_state), _ADVICE[state]
    elif outputs[0].mode == modes.CALIBRATED:
        asked = sum(result.mode != RATE for result in version.noise)
        found, advice = _calibrated(state, outputs, asked), _ADVICE[state]
    else:
        found, advice = _fallen(state, outputs), _STORE if state == PASSED else _ADVICE[state]
    if state != UNDECIDED:
        return f"{label} {state}: {found}; {advice}"
    needed = max((result.needed or 0 for result in outputs), default=0)  # a share has told its own
    more = f": {needed:,} would settle it" if needed else ""
    why = "not failed: promptreg_undecided = warn"
    if not all(result.met for result in of_state):
        why = "failed: promptreg_undecided = fail"
    elif unjudged:
        why = f"failed: none of the cases that have {unjudged} has an output to compare"
    return f"{label} is undecided: {found}; {advice}{more} ({why})"


def _calibrated(state: str, results: Sequence[NoiseResult], asked: int) -> str:
    """What was found beside what the stored generations differ by.

    :param results: of the state; :param asked: how many metrics there are in all.
    """
    if state == PASSED:
        return "if its outputs got worse at all, then by less than is allowed (95 % sure)"
    if state == UNDECIDED:
        most = max(result.examples for result in results)
        return f"{count(most, 'example')} cannot tell whether its outputs got worse by more than is allowed"
    what = "its outputs are less like the accepted ones than those are like each other"
    if all(result.term.startswith("drop(") for result in results):
        what = "its outputs keep less of the expected answers than the accepted ones do"
    found = len(results)
    by = "" if asked == 1 else f"by all {asked} metrics, " if found == asked else f"by {found} of {asked} metrics, "
    return f"{what} ({by}{odds(min((result.chance for result in results if result.chance), default=None))})"


def _fallen(state: str, results: Sequence[NoiseResult]) -> str:
    """What was found under floors: how many outputs are far off, which says something only when they are many."""
    most = max(results, key=lambda result: result.below)
    found = f"{most.below} of {most.examples} outputs are as far from the accepted ones as answers to another question"
    if state == REGRESSED:
        return f"{found}, more than the model does by itself (95 % sure)"
    if state == PASSED:
        return f"{found}, which is no more than usual (95 % sure)"
    return f"{found}, and {count(most.examples, 'example')} cannot tell whether that is usual"


def _unusual(version: VersionOutcome) -> list[Line]:
    """The examples that lie outside of their own noise, beside how many do so by chance."""
    outside = version.outside_noise
    if not outside:
        return []
    shown = some([f"{one_line(name)} (1 in {round(1 / chance)})" for name, chance in outside], NAMED)
    by_chance = OUTSIDE * len(version.judged)
    found = count(len(outside), "example")
    return [(f"    most unusual: {found} (by chance up to {by_chance:.2g}): {shown}", {})]
