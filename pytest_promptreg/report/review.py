"""What a refresh writes, to be reviewed: a line for each example, with where the old and the new text part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..baselines.baseline import Record
from ..baselines.refreshing import Plan
from ..text import count
from .escape import one_line

MOST = 20  # lines that are told unless all are asked for
_EXCERPT = 60  # characters of a text
_BEFORE = 20  # of them before the first difference, at most


def review(plan: Plan, *, verbose: bool = False) -> list[str]:
    """A line for each example whose record is not as it was, changed ones first.

    :param verbose: whether all are told.
    """
    found = list(_changes(plan))
    kinds = max((len(kind) for kind, _, _ in found), default=0)
    told = [f"{kind.ljust(kinds)}  {one_line(example)}: {what}" for kind, example, what in found]
    if verbose or len(told) <= MOST + 1:
        return told
    return [*told[:MOST], f"and {len(told) - MOST} more (-v tells all of them)"]


def _changes(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Kind, example, and what becomes of its text."""
    old = plan.before.records if plan.before else {}
    new = plan.after.records if plan.after else {}
    for name in plan.changed:
        if name in new:  # what is stale as well is removed
            yield "changed", name, _parting(old[name].outputs, new[name].outputs)
    for name in plan.new:
        if name in new:
            yield "new", name, _excerpt(new[name].outputs[0])
    for name in plan.added:
        yield "added", name, "; ".join(_excerpt(text) for text in new[name].outputs if text not in old[name].outputs)
    for name in plan.recounted:
        yield "recounted", name, f"{_generations(old[name])} -> {_generations(new[name])}"
    for name in plan.pruned:
        if name in old:
            yield "removed", name, _excerpt(old[name].outputs[0])


def _parting(old: Sequence[str], new: Sequence[str]) -> str:
    """The first text of each side that the other has not, from just before where they part."""
    before = next((text for text in old if text not in new), old[0])
    after = next((text for text in new if text not in old), new[0])
    if before == after:
        return f"{_excerpt(after)} (as before, made by another prompt or from other inputs)"
    common = next((at for at, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    start = before.rfind(" ", 0, common - _BEFORE) + 1 if common > _BEFORE else 0
    return f"{_excerpt(before, start)} -> {_excerpt(after, start)}"


def _excerpt(text: str, start: int = 0) -> str:
    shown = one_line(text[start : start + 4 * _EXCERPT], _EXCERPT)
    return f'"{"..." if start else ""}{shown}"'


def _generations(record: Record) -> str:
    generated = record.generated
    return f"{count(len(generated), 'generation')} of {count(len(set(generated)), 'text')}"
