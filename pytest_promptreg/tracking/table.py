"""The cases of one prompt version as a table that MLflow shows and ``load_table`` reads, failures first."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..gates import Verdict
from ..outcome import CaseOutcome, SuiteOutcome, VersionOutcome
from ..suites import SuiteSpec
from . import clean

PATH = "examples.json"
# Value of the tag that makes MLflow show it as a table.
LOGGED = json.dumps([{"path": PATH, "type": "table"}])
CELL_LIMIT = 20_000

_RANK = {
    verdict: rank
    for rank, verdict in enumerate(
        (Verdict.BREACHED, Verdict.ERROR, Verdict.MISSING, Verdict.INCOMPARABLE, Verdict.CHANGED, Verdict.UNCHANGED)
    )
}


def ordered(suite: SuiteOutcome, version: VersionOutcome) -> list[CaseOutcome]:
    """The cases in the order of reading: breached, not judged, failed otherwise, changed, unchanged; worst first."""
    by_harm = version.worst(suite.terms, len(version.cases), suite.spec.known)
    position = {case.example: place for place, case in enumerate(by_harm)}

    def urgency(case: CaseOutcome) -> tuple[bool, int, int]:
        rank = _RANK[Verdict(case.verdict)]
        return case.passed and rank >= _RANK[Verdict.CHANGED], rank, position.get(case.example, 0)

    return sorted(version.cases, key=urgency)


def render(suite: SuiteOutcome, version: VersionOutcome) -> str:
    """The table as JSON, ``{"columns": [...], "data": [[...], ...]}``.

    Scores are in their field's units (BLEU and chrF 0-100). A delta is the case's score minus that of the
    baseline version's case in the same run, or minus a perfect score where that did not run. Cells longer than
    20,000 characters are cut.
    """
    terms = suite.terms
    own = next((other for other in suite.versions if other.version.label == suite.baseline_label), None)
    own_scores = {case.example: case.scores for case in own.cases} if own else {}
    columns = ["verdict", "example", "breaches", "kind of change", "baseline output", "output"]
    columns += [name for term in terms for name in (term, f"{term} delta")]
    columns += ["inputs", "reference", "message", "latency_s", "input_tokens", "output_tokens", "cost_usd"]
    rows = [_row(suite.spec, terms, case, own_scores.get(case.example, {})) for case in ordered(suite, version)]
    unused = {
        place
        for place, name in enumerate(columns)
        if name in {"kind of change", "reference", "message", "latency_s", "input_tokens", "output_tokens", "cost_usd"}
        and all(row[place] in {None, ""} for row in rows)
    }
    kept = [place for place in range(len(columns)) if place not in unused]
    data = {"columns": [columns[place] for place in kept], "data": [[row[place] for place in kept] for row in rows]}
    return json.dumps(data, ensure_ascii=False, allow_nan=False)


def _row(spec: SuiteSpec, terms: Sequence[str], case: CaseOutcome, against: Mapping[str, float]) -> list[Any]:
    example = spec.example_by_id.get(case.example)
    failed_anyway = not case.passed and case.verdict in {Verdict.UNCHANGED, Verdict.CHANGED}
    row: list[Any] = [
        f"{case.verdict}, test failed" if failed_anyway else case.verdict,
        clean.text(case.example),
        _cell("\n".join(case.breaches)),
        _cell("\n".join(f"{name}: {detail}" for name, detail in case.findings.items())),
        _cell(case.accepted),
        _cell(case.output),
    ]
    for term in terms:
        score = case.scores.get(term)
        row.append(_number(score))
        row.append(None if score is None else _number(score - against.get(term, spec.perfect(term))))
    inputs = json.dumps(example.inputs, ensure_ascii=False, default=str) if example else None
    return [
        *row,
        _cell(inputs),
        _cell(example.reference if example else None),
        _cell(case.message),
        _number(case.latency_s),
        case.input_tokens,
        case.output_tokens,
        _number(case.cost_usd),
    ]


def _cell(value: str | None) -> str | None:
    return None if value is None else clean.text(value, CELL_LIMIT)


def _number(value: float | None) -> float | None:
    return round(value, 6) if value is not None and math.isfinite(value) else None
