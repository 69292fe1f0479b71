"""The numbers of a tracking run. Scores lie in 0..1, where MLflow draws its charts (of ``semantic``, -1..1); counts,
seconds and dollars are what they are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from ..judging.gates import Verdict, aggregate, metric_of
from ..judging.noise_result import RATE
from ..results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
from ..suites.suite import SuiteSpec
from . import clean

_NOT_JUDGED = (Verdict.ERROR, Verdict.MISSING, Verdict.INCOMPARABLE)


def term_key(term: str, spec: SuiteSpec) -> str:
    """How a term is called in metric keys: ``drop(rouge_l)`` is ``drop_rouge_l``, ``bleu`` is ``bleu_0to1``."""
    scaled = "_0to1" if _scale(term, spec) != 1 else ""
    return term.replace("(", "_").replace(")", "") + scaled


def _scale(term: str, spec: SuiteSpec) -> float:
    """What a score of this term is divided by: 100 for BLEU and chrF, whose field counts to 100."""
    high = spec.known[metric_of(term)].high
    return high if 1 < high < math.inf else 1.0


def scaled(term: str, score: float, spec: SuiteSpec) -> tuple[str, float]:
    """A score of one case under the key that its metrics have, and in their scale."""
    return term_key(term, spec), score / _scale(term, spec)


def _spread(term: str, spec: SuiteSpec) -> tuple[str, ...]:
    """Which figures tell how the scores lie; the worst cases are high for a drop, and where nothing is best."""
    info = spec.known[metric_of(term)]
    high_is_bad = term.startswith("drop(") or info.best == info.low
    return ("p95", "max", "median", "p05") if high_is_bad else ("p05", "min", "median")


def of_version(suite: SuiteOutcome, version: VersionOutcome) -> dict[str, float]:
    """Of one prompt version, by metric key: every term's scores, cases by verdict, cost and latency.

    MLflow shows columns in the order in which they are logged: what decides comes first.
    """
    first: list[tuple[str, float | None]] = [("pass_rate", version.pass_rate)]
    rest: list[tuple[str, float | None]] = []
    not_numbers = 0
    for term in suite.terms:
        scores = version.values(term)
        values = sorted(value for value in scores if math.isfinite(value))  # what is sorted is aggregated faster
        not_numbers += len(scores) - len(values)
        if not values:
            continue
        key, scale = term_key(term, suite.spec), _scale(term, suite.spec)
        delta = suite.delta(version, term)
        first.append((f"{key}/mean", aggregate("mean", values) / scale))
        first.append((f"{key}/delta_to_baseline", None if delta is None else delta / scale))
        rest += [(f"{key}/{name}", aggregate(name, values) / scale) for name in _spread(term, suite.spec)]
    if not_numbers:
        rest.append(("scores/not_a_number", not_numbers))
    found = [
        *first,
        *_noise(suite, version),
        *_counts(version.cases),
        *_signals(version),
        *rest,
        *_usage(version.cases),
    ]
    return clean.unique_keys(clean.finite(found).items())


def _noise(suite: SuiteOutcome, version: VersionOutcome) -> Iterable[tuple[str, float | None]]:
    """What was lost beyond the model's own noise, of each metric, and under floors how many outputs lie below."""
    for result in version.noise:
        if result.mode == RATE:
            continue
        key, scale = term_key(result.term, suite.spec), _scale(result.term, suite.spec)
        if result.floor is not None:
            yield f"{key}/below_floor", result.below
            continue
        for name, lost in (("lost", result.drop), ("lost_at_most", result.upper), ("margin", result.margin)):
            yield f"{key}/{name}", None if lost is None else lost / scale
        yield f"{key}/chance", result.chance
    if version.noise:
        yield "cases/outside_noise", len(version.outside_noise)


def _signals(version: VersionOutcome) -> Iterable[tuple[str, float | None]]:
    """In how many cases each signal found something, and in how many it warned."""
    for name, count in version.findings.items():
        yield f"signals/{name}", count
    if version.warnings:
        yield "cases/warned", sum(bool(case.warnings) for case in version.cases)


def of_case(suite: SuiteOutcome, case: CaseOutcome) -> dict[str, float]:
    """Of one case, by the keys that its version's run has: in MLflow's tree they then stand in the same columns."""
    scores = [scaled(term, case.scores[term], suite.spec) for term in suite.terms if term in case.scores]
    found: list[tuple[str, float | None]] = [
        ("pass_rate", float(case.verdict != Verdict.BREACHED) if case.judged else None),
        *((f"{key}/mean", score) for key, score in scores),
        ("cases/failed", float(not case.passed)),
        ("latency_s/p50", case.latency_s),
        ("tokens/input", case.input_tokens),
        ("tokens/output", case.output_tokens),
        ("cost_usd", case.cost_usd),
    ]
    return clean.unique_keys(clean.finite(found).items())


def of_run(run: RunOutcome, versions: Sequence[VersionOutcome]) -> dict[str, float]:
    """Of the whole run, by metric key."""
    cases = [case for version in versions for case in version.cases]
    judged = [case for version in versions for case in version.judged]
    kept = sum(case.verdict != Verdict.BREACHED for case in judged)
    found: list[tuple[str, float | None]] = [
        ("pass_rate", kept / len(judged) if judged else None),
        ("versions/failed", sum(version.failed for version in versions)),
        *_counts(cases),
        ("cases/lost", len(run.lost)),
        ("versions/total", len(versions)),
        *_usage(cases),
        ("wall_s", run.ended - run.started),
    ]
    return clean.unique_keys(clean.finite(found).items())


def _counts(cases: Sequence[CaseOutcome]) -> Iterable[tuple[str, float | None]]:
    """Every verdict is counted, none left out: a chart of runs needs its zeros."""
    verdicts = Counter(case.verdict for case in cases)
    for verdict in (Verdict.BREACHED, Verdict.CHANGED, Verdict.UNCHANGED, *_NOT_JUDGED):
        yield f"cases/{verdict}", verdicts[verdict]
    yield "cases/failed", sum(not case.passed for case in cases)
    yield "cases/total", len(cases)


def _usage(cases: Sequence[CaseOutcome]) -> Iterable[tuple[str, float | None]]:
    latencies = [case.latency_s for case in cases if case.latency_s is not None]
    if latencies:
        yield "latency_s/p50", aggregate("p50", latencies)
        yield "latency_s/p95", aggregate("p95", latencies)
    live = [case for case in cases if case.called]
    replayed = sum(case.replays for case in cases)
    yield "calls/live", sum(case.lives for case in live)
    yield "calls/replayed", replayed
    if replayed:  # what this run did cost; `cost_usd` is what its outputs did
        yield "calls/cost_usd", float(sum(case.cost_usd or 0.0 for case in live))
    yield "calls/retries", sum(len(case.retries) for case in cases)
    for name, known in (
        ("tokens/input", [case.input_tokens for case in cases if case.input_tokens is not None]),
        ("tokens/output", [case.output_tokens for case in cases if case.output_tokens is not None]),
        ("cost_usd", [case.cost_usd for case in cases if case.cost_usd is not None]),
    ):
        if known:
            yield name, float(sum(known))
