"""What a pass rate that is judged by its value says of the share in the long run: its exact bounds, in words.

Where gates are thresholds, the share of the cases that ran decides how a run ends. Of few cases it says little: that is
told beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..text import count
from .escape import one_line

if TYPE_CHECKING:
    from ..judging.gates import SuiteGateResult
    from ..results.outcome import VersionOutcome

_SURE = {"passed": "surely met", "regressed": "surely missed"}


def lines(version: VersionOutcome, *, verbose: bool) -> list[tuple[str, dict[str, bool]]]:
    """A line for each pass rate of which so many cases cannot tell whether it is met.

    :param verbose: whether also those are told that are surely met or missed.
    """
    told: list[tuple[str, dict[str, bool]]] = []
    for result in version.gates:
        said = in_the_long_run(result)
        unsure = not said.endswith(tuple(_SURE.values()))
        if said and (unsure or verbose):
            colour = {"yellow": True} if unsure else {"green": True} if result.met else {"red": True}
            told.append((f"  {one_line(version.version.label)}: {result}; {said}", colour))
    return told


def in_the_long_run(result: SuiteGateResult) -> str:
    """Between which bounds the true share lies, and whether the gate is surely met, surely missed, or neither.

    :returns: empty for other gates than on the pass rate, for one that is taken at its word, and without cases.
    """
    gate = result.gate
    if gate.metric is not None or result.value is None:
        return ""
    from ..noise.floors import is_taken_at_its_word, judge_rate, settling_rate

    if is_taken_at_its_word(gate.bound, gate.op):
        return ""
    kept = round(result.value * result.cases)
    state, low, high = judge_rate(kept, result.cases, gate.bound, gate.op)
    words = _SURE.get(state, f"undecided by {count(result.cases, 'case')}")
    if state == "undecided" and (needed := settling_rate(kept, result.cases, gate.bound)):
        words += f", {needed:,} would settle it"
    return f"in the long run {low:.1%} to {high:.1%} (95 % sure of each), {words}"
