"""What a pass rate that is judged by its value says of the share in the long run: its exact bounds, in words.

Where gates are thresholds, the share of the cases that ran decides how a run ends. Of few cases it says little: that is
told beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..judging.gates import Verdict
from ..text import count
from .escape import one_line

if TYPE_CHECKING:
    from ..judging.gates import SuiteGateResult
    from ..results.outcome import VersionOutcome

_SURE = {"passed": "surely met", "regressed": "surely missed"}


def lines(version: VersionOutcome, *, verbose: bool) -> list[tuple[str, dict[str, bool]]]:
    """A line for each pass rate of which so many cases cannot tell whether it is met in the long run.

    Of a version all of whose outputs are the accepted ones nothing is told: there is no breach that might be chance's.

    :param verbose: whether also those are told that are surely met or missed, or of which nothing has changed.
    """
    told: list[tuple[str, dict[str, bool]]] = []
    if set(version.counts) == {Verdict.UNCHANGED} and not verbose:
        return told
    for result in version.gates:
        said = in_the_long_run(result)
        unsure = not said.endswith(tuple(_SURE.values()))
        if said and (unsure or verbose):
            # What is met is no warning, however few the cases: only what is sure, or missed, has a colour.
            colour = {"green": not unsure} if result.met else {"yellow": True} if unsure else {"red": True}
            here = f"is {'met' if result.met else 'missed'} here"
            told.append((f"  {one_line(version.version.label)}: {result} {here}; {said}", colour))
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
    long_run = f"in the long run {low:.1%} to {high:.1%} (95 % sure of each)"
    if state in _SURE:
        return f"{long_run}, {_SURE[state]}"
    needed = settling_rate(kept, result.cases, gate.bound)
    told = f", {needed:,} would" if needed else ""
    return f"{long_run}: {count(result.cases, 'case')} cannot tell if it is met there{told}"
