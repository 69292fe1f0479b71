"""Traces: what happened inside predict, and what was said of its output, as MLflow shows it.

    capture.py   where predict is called: keeps the spans of each call, as plain JSON that rides with the outcome
    spans.py     MLflow's tracing inside one call: where spans go while it lasts
    tidy.py      spans without secrets and of a size that a store takes
    record.py    outcome -> TraceRecord, the trace to be
    send.py      TraceRecords -> store

Only spans.py and send.py import mlflow, and only where traces are asked for.
"""

from __future__ import annotations

from typing import Any

from ...results.outcome import CaseOutcome

Span = dict[str, Any]  # as MLflow's own Span.to_dict has it


def is_kept(mode: str, outcome: CaseOutcome) -> bool:
    """Whether a case leaves a trace; with ``failed``, one that breached, could not be judged, or whose test failed."""
    return mode == "all" or (mode == "failed" and not is_met(outcome))


def is_met(outcome: CaseOutcome) -> bool:
    """Whether there is nothing to object to: judged, every gate met, and the test passed as a whole."""
    return outcome.passed and outcome.judged and not outcome.breaches
