"""What `--promptreg-plan` prints: of each suite a small table, and one sentence of advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..judging import modes
from ..spending.budget import usd
from ..text import count
from .escape import one_line, visible

if TYPE_CHECKING:
    import pytest

    from ..judging.sizing import Cell, Sizing


def write(reporter: pytest.TerminalReporter, sizings: Sequence[Sizing]) -> None:
    """Write the plan to pytest's terminal."""
    reporter.write_sep("=", "prompt regression plan")
    for place, sizing in enumerate(sizings):
        if place:
            reporter.write_line("")
        for text in lines(sizing):
            reporter.write_line(text)


def lines(sizing: Sizing) -> list[str]:
    """What is told of one suite."""
    spec = sizing.spec
    versions = count(sizing.versions, "prompt version")
    head = f"{one_line(spec.name)} ({one_line(spec.where)}): {count(sizing.examples, 'example')}, {versions}"
    told = [f"{head}, {count(sizing.generations, 'stored generation')} of each"]
    if 0 < sizing.varied < sizing.examples and sizing.noise:
        told[0] = f"{head}, {sizing.generations} stored generations of {sizing.varied} of them"
    told += [f"  {visible(problem)}" for problem in sizing.problems]
    if not sizing.noise:
        return told + ([] if sizing.problems else _unknown(sizing))
    told.append(f"  {_what(sizing)}")
    told += _table(sizing)
    own = ", ".join(
        f"{term} {_number(sizing, sizing.drop(sizing.examples, spec.samples, term), term)}" for term in sizing.noise
    )
    told.append(f"  as the suite is ({count(spec.samples, 'sample')}): {own}")
    if spec.mode != modes.CALIBRATED:
        told.append(f'  so much is found under gates="calibrated"; this suite is judged in the mode {spec.mode}')
    told.append(f"  {_advice(sizing)}")
    return told


def _unknown(sizing: Sizing) -> list[str]:
    update = sizing.spec.command("-o", f"promptreg_baseline_samples={modes.RECOMMENDED}", "--promptreg-update")
    return [
        "  what the model varies by itself is known from two examples with two stored generations or more",
        f"  to store {modes.RECOMMENDED}: {update}",
    ]


def _what(sizing: Sizing) -> str:
    cost = ", and their cost" if sizing.cost_usd is not None else ""
    return f"the smallest drop in {sizing.term} that is found in four runs of five (calls of one version{cost}):"


def _table(sizing: Sizing) -> list[str]:
    rows = sizing.rows()
    header = ["examples", *(count(cell.samples, "sample") for cell in rows[0])]
    body = [
        [
            f"{row[0].examples}{'*' if row[0].examples == sizing.examples else ''}",
            *(f"{_number(sizing, cell.drop)} ({_price(sizing, cell)})" for cell in row),
        ]
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(header, *body, strict=True)]
    return [
        "  " + "  ".join(text.ljust(size) for text, size in zip(row, widths, strict=True)).rstrip()
        for row in [header, *body]
    ]


def _advice(sizing: Sizing) -> str:
    best, other = sizing.advice()
    samples = (
        f"{count(best.samples, 'sample')} of {'' if best.samples == 1 else 'each of '}your {best.examples} examples"
    )
    told = (
        f"advice: {samples} find{'s' if best.samples == 1 else ''} a drop of {_number(sizing, best.drop)} in "
        f"{sizing.term}, for {_costs(sizing, best)} of each version"
    )
    if other is None:
        return told
    return (
        f"{told}; {count(other.samples, 'sample')} of {other.examples} would find {_number(sizing, other.drop)}, for "
        f"{_costs(sizing, other)}"
    )


def _costs(sizing: Sizing, cell: Cell) -> str:
    cost = f", about {usd(cell.calls * sizing.cost_usd)}," if sizing.cost_usd is not None else ""
    return f"{count(cell.calls, 'call')}{cost}"


def _price(sizing: Sizing, cell: Cell) -> str:
    return str(cell.calls) + (f", {usd(cell.calls * sizing.cost_usd)}" if sizing.cost_usd is not None else "")


def _number(sizing: Sizing, drop: float, term: str = "") -> str:
    return f"{drop:.{1 if sizing.noise[term or sizing.term].unit > 1 else 3}f}"
