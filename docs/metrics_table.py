"""Writes the tables of metrics.md: every edit pair by every metric and signal, and what catches what.

python docs/metrics_table.py            # --check only compares, and exits with 1 where the page is not up to date
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edit_pairs import PAIRS, EditPair

from pytest_promptreg import Example, Pair, ScoredCase
from pytest_promptreg.equality import same
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.metrics import METRICS, create
from pytest_promptreg.signals import SIGNALS, look

PAGE = Path(__file__).with_name("metrics.md")
MARKS = ("<!-- table: begin, written by docs/metrics_table.py -->", "<!-- table: end -->")
SIMILARITIES = ("semantic", "semantic_worst", "bleu", "chrf", "rouge_l", "token_recall", "novel_recall")
TYPICAL_GATE = 0.8  # of cosine: what people write first


@dataclass(frozen=True)
class Row:
    """An edit pair with everything that is said of it."""

    pair: EditPair
    scores: dict[str, float]

    @cached_property
    def unchanged(self) -> bool:
        """Whether the two texts say the same, so that nothing is compared."""
        return same(self.pair.output, self.pair.baseline)

    @cached_property
    def signals(self) -> dict[str, float]:
        """The signals that found something."""
        if self.unchanged:
            return {}
        found = look(self.pair.output, self.pair.baseline)
        return {name: finding.value for name, finding in found.items() if finding.detail}

    @cached_property
    def default(self) -> str:
        """What happens without a gate: ``breach``, ``warn`` or nothing."""
        unmet = [
            SIGNALS[name].default
            for name, value in self.signals.items()
            if any(not parse(line).met_by(value) for line in SIGNALS[name].bounds)
        ]
        return "breach" if "breach" in unmet else "warn" if "warn" in unmet else ""


def rows() -> list[Row]:
    """Every pair with its scores."""
    asked = [Pair(pair.output, pair.baseline, ScoredCase(Example("pair", pair.inputs))) for pair in PAIRS]
    scores = {name: create(name).score(asked) for name in SIMILARITIES}
    return [Row(pair, {name: scores[name][place] for name in SIMILARITIES}) for place, pair in enumerate(PAIRS)]


def tables(found: list[Row]) -> str:
    """Markdown of the table, and of what catches what."""
    wanted = [row for row in found if row.pair.wanted]
    harmless = [row for row in found if not row.pair.wanted]
    by_default = [row for row in wanted if row.default == "breach"]
    warned = [row for row in wanted if row.default == "warn"]
    named = [row for row in wanted if not row.default and row.signals]
    unseen = [row for row in wanted if not row.signals]
    cosine = [row for row in wanted if row.scores["semantic"] < TYPICAL_GATE]
    false = [row for row in harmless if not row.unchanged and row.scores["semantic"] < TYPICAL_GATE]
    alone = (
        f"`semantic >= {TYPICAL_GATE:g}` alone catches {len(cosine)} of them, and fails {len(false)} of the "
        f"{len(harmless)} harmless ones: {_names(false)}."
    )
    return "\n".join(
        [
            *_table(found),
            "",
            f"Of the {len(wanted)} edits that a reviewer wants caught:",
            "",
            f"- **{len(by_default)} breach without a gate**: {_names(by_default)}.",
            f"- **{len(warned)} warn without a gate**: {_names(warned)}.",
            f"- **{len(named)} are named**, and fail by a gate such as `numbers == 1`: {_names(named)}.",
            f"- **{len(unseen)} no signal sees**: {_names(unseen)}.",
            "",
            alone,
        ]
    )


def _table(found: Iterable[Row]) -> list[str]:
    header = ["kind", "edit", "catch?", *(f"`{name}`" for name in SIMILARITIES), "signals", "by default"]
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join('---' for _ in header)} |"]
    for row in found:
        cells = [
            row.pair.kind,
            row.pair.edit,
            "yes" if row.pair.wanted else "no",
            *(_number(name, row.scores[name]) for name in SIMILARITIES),
            ", ".join(row.signals) or "-",
            "unchanged" if row.unchanged else row.default or "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _number(name: str, score: float) -> str:
    return f"{score:.0f}" if METRICS[name].high == 100 else f"{score:.2f}"


def _names(found: Iterable[Row]) -> str:
    return "; ".join(f"{row.pair.kind}, {row.pair.edit}" for row in found) or "none"


def page(text: str, table: str) -> str:
    """The page with its table replaced."""
    begin, end = MARKS
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"


def agree(text: str, other: str) -> bool:
    """Whether two pages say the same, but for the last digit of a score, which processors may round otherwise."""
    number = re.compile(r"(?<=\| )-?\d+(?:\.\d+)?(?= \|)")
    if number.sub("0", text) != number.sub("0", other):
        return False
    pairs = zip(number.findall(text), number.findall(other), strict=True)
    return all(abs(float(one) - float(two)) <= (0.011 if "." in one else 1) for one, two in pairs)


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where the page is out of date")
    written = PAGE.read_text(encoding="utf-8")
    made = page(written, tables(rows()))
    if parser.parse_args().check:
        return 0 if agree(written, made) else 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
