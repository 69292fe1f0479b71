"""What a suite under noise came to, in words: a sentence for each version, and a line for what did not pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import modes
from ..noise_result import OUTSIDE, PASSED, REGRESSED, UNDECIDED, NoiseResult, odds
from .escape import one_line

if TYPE_CHECKING:
    from ..outcome import SuiteOutcome, VersionOutcome

Line = tuple[str, dict[str, bool]]
_COLOURS = {PASSED: {"green": True}, REGRESSED: {"red": True}, UNDECIDED: {"yellow": True}}
NAMED = 5  # examples that are named
_MODES = {
    modes.STRICT: "all stored generations are the same, so nothing may change",
    modes.CALIBRATED: "outputs are compared with what the stored generations differ by themselves",
    modes.FLOOR: (
        "only outputs as far from the baseline as other answers count; with "
        f"promptreg_baseline_samples = {modes.RECOMMENDED} an update stores what the model varies by"
    ),
}


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
    of_state = [result for result in version.noise if result.state == state]
    calibrated = version.noise[0].mode == modes.CALIBRATED
    if not any(result.examples for result in version.noise):
        return f"{label} cannot be judged: none of its cases has an output to compare"
    if state == REGRESSED:
        found = _lost(of_state) if calibrated else _fallen(of_state)
        return f"{label} regressed: {found}; look at the worst below, then mend the prompt or accept it"
    if state == PASSED:
        return f"{label} passed: {_kept(of_state) if calibrated else _not_fallen(of_state)}"
    warns = all(result.met for result in of_state)
    why = "not failed, because promptreg_undecided = warn" if warns else "failed, because promptreg_undecided = fail"
    return f"{label} is undecided: {_too_few(of_state)} ({why})"


def _lost(results: Sequence[NoiseResult]) -> str:
    surest = min((result for result in results), key=lambda result: result.chance or 0.0)
    return f"its outputs lost more than the model varies by itself ({_names(results)}), and {odds(surest.chance)}"


def _fallen(results: Sequence[NoiseResult]) -> str:
    most = max(results, key=lambda result: result.below)
    return (
        f"{most.below} of {most.examples} outputs are as far from the baseline as answers to another question "
        f"({_names(results)})"
    )


def _kept(results: Sequence[NoiseResult]) -> str:
    return f"whatever its outputs lost is less than may be lost, with 95 % confidence ({_names(results)})"


def _not_fallen(results: Sequence[NoiseResult]) -> str:
    most = max(results, key=lambda result: result.below)
    return (
        f"{most.below} of {most.examples} outputs are as far from the baseline as answers to another question, "
        "which is no more than usual; a smaller loss is not seen with one stored generation"
    )


def _too_few(results: Sequence[NoiseResult]) -> str:
    needed = [result.needed for result in results if result.needed]
    more = f"; {max(needed)} would settle it" if needed else ""
    return f"{results[0].examples} examples are too few to tell whether it lost anything ({_names(results)}){more}"


def _names(results: Sequence[NoiseResult]) -> str:
    return ", ".join(one_line(result.term) for result in results)


def _unusual(version: VersionOutcome) -> list[Line]:
    """The examples that lie outside of their own noise, beside how many do so by chance."""
    outside = version.outside_noise
    if not outside:
        return []
    shown = ", ".join(f"{one_line(name)} ({chance:.2f})" for name, chance in outside[:NAMED])
    more = f" and {len(outside) - NAMED} more" if len(outside) > NAMED else ""
    by_chance = OUTSIDE * len(version.judged)
    count = f"{len(outside)} example{'' if len(outside) == 1 else 's'}"
    return [(f"    outside the noise: {count} (by chance up to {by_chance:.1f}): {shown}{more}", {})]
