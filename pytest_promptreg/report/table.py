"""What is told of a suite in figures: a row for each version, as text that a report lays out and escapes."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ..judging.gates import Verdict
from ..results.outcome import SuiteOutcome, VersionOutcome
from ..spending.budget import usd
from .words import digits

WORTH_TELLING_S = 0.05  # a predict that takes less is no model's
_USAGE = ("latency", "tokens", "cost")
EXPLAINED = "* the baseline version; in brackets, the difference to it"


@dataclass(frozen=True, slots=True)
class Table:
    """A suite's figures.

    :param header: names of the columns; the first is the version.
    :param rows: a row for each version, in their order; the baseline's version has a ``*`` behind its label.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def explains(self) -> bool:
        """Whether it has a mark or a difference, which :data:`EXPLAINED` explains."""
        return any("*" in row[0] or "(" in "".join(row) for row in self.rows)


def of_suite(suite: SuiteOutcome, *, refreshed: bool) -> Table:
    """Cases by verdict, each metric with its difference to the baseline, the pass rate, and what the calls took.

    :param refreshed: whether outputs were made to be accepted: what counts is then what becomes of the baseline.
    """
    terms = [term for term in suite.terms if any(version.values(term) for version in suite.versions)]
    counts = [_refresh_counts(suite) if refreshed else _counts(version) for version in suite.versions]
    columns = [column for column in (counts[0] if counts else ()) if any(count[column] for count in counts)]
    usage = [_usage(version) for version in suite.versions]
    used = [column for column in _USAGE if any(column in of_version for of_version in usage)]
    rows = []
    for version, count, of_version in zip(suite.versions, counts, usage, strict=True):
        mark = "*" if version.version.label == suite.baseline_label else ""
        rate = version.pass_rate
        rows.append(
            [
                version.version.label + mark,
                str(len(version.cases)),
                *(str(count[column] or "-") for column in columns),
                *(_score(suite, version, term) for term in terms),
                *([] if refreshed else ["-" if rate is None else f"{rate:.1%}"]),
                *(of_version.get(column, "-") for column in used),
            ]
        )
    return Table(["version", "cases", *columns, *terms, *([] if refreshed else ["pass rate"]), *used], rows)


def _usage(version: VersionOutcome) -> dict[str, str]:
    """What its calls took, as far as that is known: the median latency, tokens in and out, and what they cost."""
    told = {}
    latencies = [case.latency_s for case in version.cases if case.latency_s is not None]
    if latencies and (median_s := statistics.median(latencies)) >= WORTH_TELLING_S:
        told["latency"] = f"{median_s:.1f} s" if median_s >= 1 else f"{median_s * 1000:.0f} ms"
    if tokens := sum((case.input_tokens or 0) + (case.output_tokens or 0) for case in version.cases):
        told["tokens"] = f"{tokens:,}"
    if costs := [case.cost_usd for case in version.cases if case.cost_usd is not None]:
        told["cost"] = usd(sum(costs))
    return told


def outputs(suite: SuiteOutcome) -> str:
    """How many outputs are recorded ones, and what the others did cost; empty where neither is known."""
    cases = [case for version in suite.versions for case in version.cases]
    replayed = sum(case.replays for case in cases)
    live = [case for case in cases if case.called]
    costs = [case.cost_usd for case in live if case.cost_usd is not None]
    calls = sum(case.lives for case in live)
    told = f"{replayed} replayed, {calls} live" if replayed else f"{calls} live"
    if costs:
        priced = sum(case.lives for case in live if case.cost_usd is not None)
        of_some = f" for {priced} of them" if priced < calls else ""
        told += f" ({usd(sum(costs))}{of_some})"
    return told if replayed or costs else ""


def _counts(version: VersionOutcome) -> dict[str, int]:
    return {str(verdict): version.counts.get(verdict, 0) for verdict in Verdict}


def _refresh_counts(suite: SuiteOutcome) -> dict[str, int]:
    plan = suite.plan
    return {
        "new": len(plan.new) if plan else 0,
        "changed": len(plan.changed) if plan else 0,
        "added": len(plan.added) if plan else 0,
        "recounted": len(plan.recounted) if plan else 0,
        "unchanged": len(plan.unchanged) if plan else 0,
        "not written": len(plan.refused) if plan else 0,
    }


def _score(suite: SuiteOutcome, version: VersionOutcome, term: str) -> str:
    mean = version.mean(term)
    if mean is None:
        return "-"
    places = digits(suite, term)
    delta = suite.delta(version, term)
    shown = f" ({delta:+.{places}f})" if delta is not None and round(delta, places) else ""
    return f"{round(mean, places) + 0.0:.{places}f}{shown}"  # adding zero: no "-0.000"
