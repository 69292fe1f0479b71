"""The cases of one prompt version as a table that MLflow shows and ``load_table`` reads, failures first."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..judging.gates import Verdict
from ..results.outcome import CaseOutcome, SuiteOutcome, VersionOutcome
from . import clean

PATH = "examples.json"
# Value of the tag that makes MLflow show it as a table.
LOGGED = json.dumps([{"path": PATH, "type": "table"}])
CELL_LIMIT = 20_000
_OPTIONAL = frozenset(
    {"kind of change", "reference", "message", "latency_s", "input_tokens", "output_tokens", "cost_usd"}
)
_NONE: Mapping[str, float] = {}
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode

_RANK: dict[str, int] = {
    verdict: rank
    for rank, verdict in enumerate(
        (Verdict.BREACHED, Verdict.ERROR, Verdict.MISSING, Verdict.INCOMPARABLE, Verdict.CHANGED, Verdict.UNCHANGED)
    )
}


def ordered(suite: SuiteOutcome, version: VersionOutcome) -> list[CaseOutcome]:
    """The cases in the order of reading: breached, not judged, failed otherwise, changed, unchanged; worst first."""
    by_harm = version.worst(suite.terms, len(version.cases), suite.spec.known)
    position = {case.example: place for place, case in enumerate(by_harm)}

    changed = _RANK[Verdict.CHANGED]

    def urgency(case: CaseOutcome) -> tuple[bool, int, int]:
        rank = _RANK[case.verdict]
        return case.passed and rank >= changed, rank, position.get(case.example, 0)

    return sorted(version.cases, key=urgency)


def render(suite: SuiteOutcome, cases: Sequence[CaseOutcome]) -> str:
    """The table as JSON, ``{"columns": [...], "data": [[...], ...]}``.

    Scores are in their field's units (BLEU and chrF 0-100). A delta is the case's score minus that of the
    baseline version's case in the same run, or minus a perfect score where that did not run. Cells longer than
    20,000 characters are cut.

    :param cases: of one version, in the order of the rows.
    """
    own = next((other for other in suite.versions if other.version.label == suite.baseline_label), None)
    own_scores = {case.example: case.scores for case in own.cases} if own else {}
    examples = [suite.spec.example_by_id.get(case.example) for case in cases]
    columns: dict[str, list[Any]] = {
        "verdict": [_verdict(case) for case in cases],
        "example": [clean.text(case.example) for case in cases],
        "breaches": [_cell("\n".join(case.breaches)) for case in cases],
        "kind of change": [_cell("\n".join(map(": ".join, case.findings.items()))) for case in cases],
        "baseline output": [_cell(case.accepted) for case in cases],
        "output": [_cell(case.output) for case in cases],
    }
    for term in suite.terms:
        perfect = suite.spec.perfect(term)
        scores = [case.scores.get(term) for case in cases]
        against = [own_scores.get(case.example, _NONE).get(term, perfect) for case in cases]
        columns[term] = [_number(score) for score in scores]
        columns[f"{term} delta"] = [
            None if score is None else _number(score - other) for score, other in zip(scores, against, strict=True)
        ]
    columns |= {
        "inputs": [_cell(_encode(example.inputs)) if example else None for example in examples],
        "reference": [_cell(example.reference) if example else None for example in examples],
        "message": [_cell(case.message) for case in cases],
        "latency_s": [_number(case.latency_s) for case in cases],
        "input_tokens": [case.input_tokens for case in cases],
        "output_tokens": [case.output_tokens for case in cases],
        "cost_usd": [_number(case.cost_usd) for case in cases],
    }
    if any(case.samples for case in cases):
        columns["samples"] = [_cell(_numbered(case.samples)) for case in cases]
    if any(case.replayed for case in cases):
        columns["call"] = ["replayed" if case.replayed else "live" if case.called else None for case in cases]
    kept = {name: cells for name, cells in columns.items() if name not in _OPTIONAL or any(map(_is_said, cells))}
    return json.dumps({"columns": list(kept), "data": list(zip(*kept.values(), strict=True))}, ensure_ascii=False)


def _verdict(case: CaseOutcome) -> str:
    failed_anyway = not case.passed and case.verdict in {Verdict.UNCHANGED, Verdict.CHANGED}
    return f"{case.verdict}, test failed" if failed_anyway else case.verdict


def _numbered(samples: Sequence[str]) -> str:
    """Every sample of a case in one cell, one behind the other."""
    return "\n\n".join(f"{number}. {text}" for number, text in enumerate(samples, 1))


def _is_said(cell: object) -> bool:
    return cell is not None and cell != ""


def _cell(value: str | None) -> str | None:
    return clean.text(value, CELL_LIMIT) if value else value


def _number(value: float | None) -> float | None:
    return round(value, 6) if value is not None and math.isfinite(value) else None
