"""The numbers of a tracking run. Scores lie in 0..1, where MLflow draws its charts (of ``semantic``, -1..1); counts,
seconds and dollars are what they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..gates import Verdict, aggregate
from ..metrics import METRICS
from ..outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
from . import clean


def term_key(term: str) -> str:
    """How a term is called in metric keys: ``drop(rouge_l)`` is ``drop_rouge_l``, ``bleu`` is ``bleu_0to1``."""
    scaled = "_0to1" if _scale(term) != 1 else ""
    return term.replace("(", "_").replace(")", "") + scaled


def _scale(term: str) -> float:
    """What a score of this term is divided by: 100 for BLEU and chrF, whose field counts to 100."""
    return max(1.0, METRICS[term.removeprefix("drop(").removesuffix(")")].high)


def of_version(suite: SuiteOutcome, version: VersionOutcome) -> dict[str, float]:
    """Of one prompt version, by metric key: the shape of every term's scores, cases by verdict, cost and latency."""
    found: list[tuple[str, float | None]] = [*_counts([version]), *_usage(version.cases)]
    not_numbers = 0
    for term in suite.terms:
        values = list(clean.finite((str(n), value) for n, value in enumerate(version.values(term))).values())
        not_numbers += len(version.values(term)) - len(values)
        if not values:
            continue
        key, scale = term_key(term), _scale(term)
        # The bad end of a drop is its high one.
        shown = ("mean", "median", "p95", "max") if term.startswith("drop(") else ("mean", "median", "p05", "min")
        found += [(f"{key}/{name}", aggregate(name, values) / scale) for name in shown]
        delta = suite.delta(version, term)
        found.append((f"{key}/delta_to_baseline", None if delta is None else delta / scale))
    if not_numbers:
        found.append(("scores/not_a_number", not_numbers))
    return clean.unique_keys(clean.finite(found).items())


def of_run(run: RunOutcome, versions: Sequence[VersionOutcome]) -> dict[str, float]:
    """Of the whole run, by metric key."""
    cases = [case for version in versions for case in version.cases]
    found: list[tuple[str, float | None]] = [
        *_counts(versions),
        *_usage(cases),
        ("versions/total", len(versions)),
        ("versions/failed", sum(version.failed for version in versions)),
        ("cases/lost", len(run.lost)),
        ("wall_s", run.ended - run.started),
    ]
    return clean.unique_keys(clean.finite(found).items())


def _counts(versions: Sequence[VersionOutcome]) -> Iterable[tuple[str, float | None]]:
    """Every verdict is counted, none left out: a chart of runs needs its zeros."""
    cases = [case for version in versions for case in version.cases]
    judged = [case for case in cases if case.judged]
    for verdict in Verdict:
        yield f"cases/{verdict}", sum(case.verdict == verdict for case in cases)
    yield "cases/total", len(cases)
    yield "cases/failed", sum(not case.passed for case in cases)
    if judged:
        yield "pass_rate", sum(case.verdict != Verdict.BREACHED for case in judged) / len(judged)
        yield "changed_rate", sum(case.verdict != Verdict.UNCHANGED for case in judged) / len(judged)


def _usage(cases: Sequence[CaseOutcome]) -> Iterable[tuple[str, float | None]]:
    latencies = [case.latency_s for case in cases if case.latency_s is not None]
    if latencies:
        yield "latency_s/p50", aggregate("p50", latencies)
        yield "latency_s/p95", aggregate("p95", latencies)
    for name, known in (
        ("tokens/input", [case.input_tokens for case in cases if case.input_tokens is not None]),
        ("tokens/output", [case.output_tokens for case in cases if case.output_tokens is not None]),
        ("cost_usd", [case.cost_usd for case in cases if case.cost_usd is not None]),
    ):
        if known:
            yield name, float(sum(known))
