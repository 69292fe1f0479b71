"""A run as a table of its cases, for notebooks; pandas is imported when one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..report.kinds import kinds_of

if TYPE_CHECKING:
    import pandas as pd

    from .outcome import CaseOutcome, RunOutcome, SuiteOutcome

# By column, what it holds; docs/results.md says the same in more words.
COLUMNS = {
    "suite": "str",
    "version": "str",
    "example": "str",
    "verdict": "str",
    "passed": "bool",
    "output": "str",
    "accepted": "str",
    "reference": "str",
    "inputs": "object",
    "tags": "object",
    "kinds": "object",
    "breaches": "object",
    "warnings": "object",
    "message": "str",
    "latency_s": "Float64",
    "input_tokens": "Int64",
    "output_tokens": "Int64",
    "cost_usd": "Float64",
    "replayed": "bool",
    "retries": "object",
    "samples": "object",
    "nodeid": "str",
}


def frame_of(run: RunOutcome) -> pd.DataFrame:
    """A row for each case, in the order of suites, versions and examples.

    Behind :data:`COLUMNS` stand a column ``score.TERM`` for each term of any suite and ``finding.SIGNAL`` for each
    signal that found something; a case that has none of it has a missing value there.
    """
    import pandas as pd

    rows = [_row(suite, case) for suite in run.suites for version in suite.versions for case in version.cases]
    terms = dict.fromkeys(f"score.{term}" for suite in run.suites for term in suite.terms)
    found = dict.fromkeys(name for row in rows for name in row if name.startswith("finding."))
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *terms, *found])
    types = {name: kind for name, kind in COLUMNS.items() if kind not in {"str", "object"}}
    return frame.astype({**types, **dict.fromkeys(terms, "Float64")})


def _row(suite: SuiteOutcome, case: CaseOutcome) -> dict[str, Any]:
    example = suite.spec.example_by_id.get(case.example)
    return {
        **{name: getattr(case, name) for name in COLUMNS if hasattr(case, name)},
        "reference": example.reference if example else None,
        "inputs": dict(example.inputs) if example else None,
        "tags": list(example.tags) if example else None,
        "kinds": list(kinds_of(case)),
        "samples": list(case.generated),
        **{f"score.{term}": score for term, score in case.scores.items()},
        **{f"finding.{signal}": detail for signal, detail in case.findings.items()},
    }
