"""The tables of the simulation as Markdown, and their place in docs/noise.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .simulation import Cell, Floored, Overlooked, Rate, Stopped, Uneven, Unlucky
from .sources import Source

PAGE = Path(__file__).parents[2] / "docs" / "noise.md"
MARKS = ("<!-- tables: begin, written by benchmarks/run.py gates -->", "<!-- tables: end -->")


def write(tables: str) -> None:
    """Put the tables between the marks of the page."""
    text = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(MARKS[0])}.*{re.escape(MARKS[1])}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{PAGE.name} has lost the marks between which its tables stand")
    PAGE.write_text(pattern.sub(lambda _: f"{MARKS[0]}\n\n{tables}\n\n{MARKS[1]}", text), encoding="utf-8")


def rates(source: Source, cells: Sequence[Cell]) -> str:
    """False alarms and power of each mode, in per cent of suites."""
    bound = f"{source.strict[0]} {'<=' if source.floor is None else '>='} {source.strict[1]:g}"
    header = [
        "examples", "stored", f"every `{bound}`", f"`mean({source.strict[0]})`", "floor", "calibrated",
        "calibrated, no margin", "calibrated, 3 samples", "unchanged: passed", "with 3 samples",
    ]  # fmt: skip
    modes = ("every", "mean", "floor", "calibrated", "no margin", "samples")
    return _table(
        f"**{source.name}**: false alarms / caught, per cent of suites",
        header,
        (
            [
                str(cell.n),
                str(cell.stored),
                *(_both(cell.unchanged.get(mode), cell.changed.get(mode)) for mode in modes),
                str(cell.unchanged.get("passed", "")),
                str(cell.unchanged.get("samples passed", "")),
            ]
            for cell in cells
        ),
    )


def _both(unchanged: Rate | None, changed: Rate | None) -> str:
    return "" if unchanged is None or changed is None else f"{unchanged} / {changed}"


def conditional(source: Source, found: Iterable[Unlucky]) -> str:
    """False alarms of single baselines."""
    return _table(
        f"**{source.name}**: false alarms of one stored baseline, over many baselines, per cent: "
        "mean / ninth decile / worst",
        ["examples", "stored", "calibrated", "without a margin"],
        ([str(one.n), str(one.stored), _three(one.with_margin), _three(one.without)] for one in found),
    )


def _three(shares: tuple[float, float, float]) -> str:
    return " / ".join(f"{100 * share:.0f}" for share in shares)


def floors(found: Iterable[Floored]) -> str:
    """What the floor says of which share."""
    return _table(
        "**The floor**: per cent of suites that get each word, by the share of outputs that fall below it",
        ["examples", "share below", "passed", "undecided", "regressed"],
        (
            [str(one.n), f"{100 * one.share:.0f} %"]
            + [f"{100 * one.states[word]:.0f}" for word in ("passed", "undecided", "regressed")]
            for one in found
        ),
    )


def overlooked(source: Source, found: Sequence[Overlooked]) -> str:
    """What "passed" errs by."""
    return _table(
        f"**{source.name}**: called passed, per cent of suites that drop by just the margin ({found[0].drop:.3f})",
        ["examples", "stored", "passed"],
        ([str(one.n), str(one.stored), str(one.passed)] for one in found),
    )


def uneven(stored: int, found: Iterable[Uneven]) -> str:
    """What "passed" errs by where a few examples bear the whole loss."""
    return _table(
        f"**Losses that a few examples bear**, {stored} stored generations: called passed, per cent of suites that "
        "drop by just the margin",
        ["examples", "that lose", "one look", "stopping early"],
        ([str(one.n), f"{100 * one.share:.0f} %", str(one.one_look), str(one.looks)] for one in found),
    )


def early(source: Source, stored: int, found: Iterable[Stopped]) -> str:
    """Early stopping beside one look."""
    return _table(
        f"**{source.name}**, {stored} stored generations: called regressed, per cent of suites, and calls saved",
        ["examples", "suite", "one look", "stopping early", "calls saved"],
        (
            [str(one.n), "changed" if one.changed else "unchanged", str(one.one_look), str(one.looks),
             f"{100 * one.saved:.0f} %"]
            for one in found
        ),
    )  # fmt: skip


def _table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join([title, "", *(f"| {' | '.join(line)} |" for line in lines)])
