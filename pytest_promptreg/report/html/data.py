"""What the page's script shows of a run, as JSON that a script element holds and that can do nothing.

The table needs little of each case, and has it in one piece. Outputs, inputs and messages lie in pieces of their own,
which the browser reads when a case is opened or a text is searched for: a page of 10,000 cases opens at once.

Every text is made visible here (control characters and marks that turn the reading direction are written out), and the
word differences are those of the terminal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ... import typed
from ...diffs import word_diff
from ...judging.gates import Verdict, metric_of
from ...metrics import MetricInfo
from ...model import Example
from ...results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
from ...text import canonical_json
from ..escape import visible
from ..kinds import KINDS, kinds_of
from ..words import digits
from . import words

CUT = 20_000  # characters of one text; whole ones are in the result file
MARKED = 30_000_000  # characters of outputs in which differences are looked for: about ten seconds
_PIECE = 300_000  # characters of a piece of texts
_ESCAPED = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
PASSED, REPLAYED, CALLED, WARNED = 1, 2, 4, 8
_RANK = {verdict: rank for rank, verdict in enumerate(words.VERDICTS)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case stands: its suite's and version's number in the run, and its own in the page."""

    suite: int
    version: int
    number: int


class Table:
    """The cases of a run, numbered as the page knows them: by version, the worst first."""

    def __init__(self, run: RunOutcome) -> None:
        self.run = run
        self.cases: list[tuple[Place, CaseOutcome]] = []
        self.numbers: dict[tuple[str, str, str], int] = {}
        for of_suite, suite in enumerate(run.suites):
            for of_version, version in enumerate(suite.versions):
                for case in ordered(suite, version):
                    place = Place(of_suite, of_version, len(self.cases))
                    self.numbers[case.key] = place.number
                    self.cases.append((place, case))

    def scripts(self) -> Iterator[tuple[str, str]]:
        """The JSON of each script element with the class that it goes by: ``index``, then ``texts`` pieces."""
        bounds, pieces = self._texts()
        example_bounds, example_pieces = self._examples()
        yield "index", safe_json({**self._index(), "texts": bounds, "example_texts": example_bounds})
        for piece in pieces:
            yield "texts", piece
        for piece in example_pieces:
            yield "example-texts", piece

    def _index(self) -> dict[str, Any]:
        told = {place.number: kinds_of(case) for place, case in self.cases}
        there = {name for names in told.values() for name in names}
        kinds = [name for name in KINDS if name in there]
        tags = list(dict.fromkeys(t for suite in self.run.suites for e in suite.spec.examples for t in e.tags))
        of_kind = {name: number for number, name in enumerate(kinds)}
        of_tag = {name: number for number, name in enumerate(tags)}
        first = 0
        suites, place_of_example = [], {}
        for number, suite in enumerate(self.run.suites):
            for position, example in enumerate(suite.spec.examples):
                place_of_example[number, example.id] = position
            suites.append(_suite(suite, of_tag, first))
            first += len(suite.spec.examples)
        rows = []
        for place, case in self.cases:
            terms = self.run.suites[place.suite].terms
            rows.append(
                [
                    place.suite,
                    place.version,
                    place_of_example[place.suite, case.example],
                    _RANK[Verdict(case.verdict)],
                    (PASSED * case.passed)
                    | (REPLAYED * case.replayed)
                    | (CALLED * case.called)
                    | (WARNED * bool(case.warnings)),
                    [_number(case.scores.get(term)) for term in terms],
                    [of_kind[name] for name in told[place.number]],
                    _number(case.latency_s),
                    case.input_tokens,
                    case.output_tokens,
                    _number(case.cost_usd),
                ]
            )
        return {
            "verdicts": [str(verdict) for verdict in words.VERDICTS],
            "kinds": [visible(name) for name in kinds],
            "tags": [visible(tag) for tag in tags],
            "suites": suites,
            "cases": rows,
        }

    def _texts(self) -> tuple[list[int], list[str]]:
        left = MARKED

        def told() -> Iterator[dict[str, Any]]:
            nonlocal left
            for _, case in self.cases:
                said = _texts_of(case, marked=left > 0)
                left -= _size(case) if "d" in said else 0
                yield said

        return _in_pieces(told())

    def _examples(self) -> tuple[list[int], list[str]]:
        return _in_pieces(_example(suite, example) for suite in self.run.suites for example in suite.spec.examples)


def ordered(suite: SuiteOutcome, version: VersionOutcome) -> list[CaseOutcome]:
    """A version's cases, the worst first: by verdict, then by what they lost."""
    by_harm = version.worst(suite.terms, len(version.cases), suite.spec.known)
    position = {case.example: place for place, case in enumerate(by_harm)}
    return sorted(
        version.cases,
        key=lambda case: (_RANK[Verdict(case.verdict)], case.passed, position.get(case.example, 0)),
    )


def safe_json(value: Any) -> str:
    """JSON that ends no script element and opens no comment, whatever the texts in it say."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPED)


def pieces_of(old: str, new: str) -> list[str]:
    """The word difference of two texts, flat: what both say, what only the old one says, what only the new one says,
    and so on in threes.
    """
    flat: list[str] = []
    slots = {"same": 0, "removed": 1, "added": 2}
    for piece in word_diff(old, new, context=None):
        slot = slots[piece.kind]
        if not flat or slot == 0 or any(flat[-3 + slot :]):
            flat += ["", "", ""]
        flat[-3 + slot] = visible(piece.text)
    return flat


def cut(text: str) -> str:
    """A text that a page can hold, with how much was left out where it is longer."""
    return text if len(text) <= CUT else f"{text[:CUT]}\n[... {len(text) - CUT:,} more characters]"


def _number(value: float | None) -> float | str | None:
    if value is None:
        return None
    if math.isfinite(value):
        return round(value, 6)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _suite(suite: SuiteOutcome, of_tag: dict[str, int], first: int) -> dict[str, Any]:
    spec = suite.spec
    return {
        "name": visible(spec.name),
        "baseline": None if suite.baseline_name is None else visible(suite.baseline_name),
        "base": next((n for n, v in enumerate(suite.versions) if v.version.label == suite.baseline_label), None),
        "versions": [visible(version.version.label) for version in suite.versions],
        "failed": [version.failed for version in suite.versions],
        "terms": [_term(suite, term) for term in suite.terms],
        "examples": [visible(example.id) for example in spec.examples],
        "tags": [[of_tag[tag] for tag in example.tags] for example in spec.examples],
        "first": first,
    }


def _term(suite: SuiteOutcome, term: str) -> dict[str, Any]:
    """A term with the range it lives in and the gates on it, of each case and of the whole."""
    info: MetricInfo = suite.spec.known[metric_of(term)]
    drop = term.startswith("drop(")
    width = info.high - info.low
    low, high = (-width, width) if drop else (info.low, info.high)
    gates = [gate for gate in suite.spec.gates if gate.term == term]
    return {
        "name": visible(term),
        "low": _number(low),
        "high": _number(high),
        "best": _number(suite.spec.perfect(term)),
        "digits": digits(suite, term),
        "down": drop,
        "gates": [str(gate) for gate in gates if not gate.of_suite],
        "bounds": [_number(gate.bound) for gate in gates if not gate.of_suite],
    }


def least_size(run: RunOutcome) -> int:
    """Characters that the page of a run has at least, without drawing it."""
    cases = (case for suite in run.suites for version in suite.versions for case in version.cases)
    return sum(min(len(case.output or ""), CUT) for case in cases)


def _size(case: CaseOutcome) -> int:
    return sum(min(len(text or ""), CUT) for text in (case.output, case.accepted))


def _texts_of(case: CaseOutcome, *, marked: bool) -> dict[str, Any]:
    """The texts of a case by short names, those that are empty left out.

    ``d``: both outputs as a difference; ``o``, ``a``: output and accepted one where there is only one, they are the
    same (``o`` alone, and ``e``), or differences are not ``marked``; ``b``: breaches; ``f``: findings; ``w``: warnings;
    ``m``: message; ``r``: retries; ``n``: the command that runs it alone; ``s``: every sample, where there are several:
    the outputs are then those of the worst.
    """
    said: dict[str, Any] = {}
    output = None if case.output is None else cut(case.output)
    accepted = None if case.accepted is None else cut(case.accepted)
    if output is not None and accepted == output:
        said |= {"o": visible(output), "e": 1}
    elif marked and output is not None and accepted is not None:
        said["d"] = pieces_of(accepted, output)
    else:
        said |= {name: visible(text) for name, text in (("o", output), ("a", accepted)) if text is not None}
    rest = {
        "b": [visible(line) for line in case.breaches],
        "f": [[visible(name), visible(detail)] for name, detail in case.findings.items()],
        "w": [visible(name) for name in case.warnings],
        "m": visible(cut(case.message)),
        "r": [visible(reason) for reason in case.retries],
        "n": visible(typed.command(["pytest", case.nodeid])) if case.nodeid else "",
        "s": [visible(cut(sample)) for sample in case.samples],
    }
    return said | {name: value for name, value in rest.items() if value}


def _example(suite: SuiteOutcome, example: Example) -> dict[str, Any]:
    """``i``: inputs by name; ``r``: reference; ``w``: where it is declared; ``g``: its own gates, by term."""
    said: dict[str, Any] = {"i": [[visible(name), _as_text(value)] for name, value in example.inputs.items()]}
    if example.reference is not None:
        said["r"] = visible(cut(example.reference))
    if example.where:
        said["w"] = visible(example.where)
    if example.gates:
        gates: dict[str, list[str]] = {}
        for gate in suite.spec.case_gates(example):
            if not gate.of_suite:
                gates.setdefault(visible(gate.term), []).append(str(gate))
        said["g"] = gates
    return said


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return visible(cut(value))
    try:
        return visible(cut(canonical_json(value, indent=2)))
    except (TypeError, ValueError):
        return visible(cut(str(value)))


def _in_pieces(values: Iterable[dict[str, Any]]) -> tuple[list[int], list[str]]:
    """The values as JSON lists of some size, with the number of the first value of each."""
    bounds: list[int] = []
    pieces: list[str] = []
    room: list[str] = []
    size = 0

    def close() -> None:
        pieces.append(f"[{','.join(room)}]")
        room.clear()

    number = 0
    for number, value in enumerate(values):
        if room and size > _PIECE:
            close()
        if not room:
            bounds.append(number)
            size = 0
        room.append(safe_json(value))
        size += len(room[-1])
    if room:
        close()
    return bounds, pieces
