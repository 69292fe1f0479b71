"""Judges the versions of a suite under noise: what was lost, beside what the stored generations differ by themselves.

All versions and metrics of a suite are judged together, because each is one more chance to be alarmed by nothing.
Errors are no evidence: a case that could not be called or scored fails by itself, and says nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from . import modes
from .baseline import Baseline
from .gates import SuiteGateResult, metric_of
from .noise import floors, judging, ranks
from .noise.evidence import ExampleScores, TermEvidence
from .noise.judging import TermVerdict
from .noise_result import OUTSIDE, REGRESSED, NoiseResult
from .outcome import VersionOutcome
from .settings import Settings
from .suites import SuiteSpec


def judge(
    spec: SuiteSpec, versions: Sequence[VersionOutcome], stored: Baseline | None, settings: Settings
) -> list[VersionOutcome]:
    """The versions with what their gates came to under noise.

    :param stored: what they were compared with: a rerun against the same gives the same verdict.
    """
    of = _floors if spec.mode == modes.FLOOR else _losses
    found = of(spec, versions, stored, settings)
    judged = []
    for version, results in zip(versions, found, strict=True):
        rates = [gate for gate in version.gates if gate.gate.metric is None]
        results += [_rate(version, gate) for gate in rates]
        judged.append(
            replace(
                version,
                gates=[gate for gate in version.gates if gate not in rates],
                noise=[replace(result, undecided_fails=settings.undecided == "fail") for result in results],
                outside_noise=_outside(spec, version),
            )
        )
    return judged


def _losses(
    spec: SuiteSpec, versions: Sequence[VersionOutcome], stored: Baseline | None, settings: Settings
) -> list[list[NoiseResult]]:
    evidence = {
        (version.version.label, term): _evidence(spec, version, term)
        for version in versions
        for term in spec.noise_terms
    }
    seed = int(stored.digest[:12], 16) if stored is not None else 0
    verdicts = iter(judging.judge(evidence, margin=settings.margin, seed=seed))
    return [[_loss(spec, version, evidence, next(verdicts)) for _ in spec.noise_terms] for version in versions]


def _evidence(spec: SuiteSpec, version: VersionOutcome, term: str) -> TermEvidence:
    scores = [ExampleScores(case.noise[term], case.generations) for case in version.judged if term in case.noise]
    return TermEvidence.of(scores, unit=_unit(spec, term))


def _unit(spec: SuiteSpec, term: str) -> float:
    """How wide the part of a metric's scale is in which outputs lie: below 0, two texts have nothing in common."""
    info = spec.known[metric_of(term)]
    return info.high - max(info.low, 0.0)


def _loss(
    spec: SuiteSpec,
    version: VersionOutcome,
    evidence: dict[tuple[str, str], TermEvidence],
    verdict: TermVerdict,
) -> NoiseResult:
    one = evidence[version.version.label, verdict.term]
    return NoiseResult(
        verdict.term,
        modes.CALIBRATED,
        verdict.state,
        verdict.examples,
        generations=one.stored,
        samples=one.samples,
        drop=verdict.drop,
        upper=verdict.upper,
        margin=verdict.margin,
        chance=verdict.p_adjusted,
        noise=verdict.noise_sd,
        detectable=verdict.detectable,
        needed=verdict.needed,
        digits=1 if _unit(spec, verdict.term) > 1 else 3,
    )


def _floors(
    spec: SuiteSpec,
    versions: Sequence[VersionOutcome],
    stored: Baseline | None,  # noqa: ARG001  as in the other mode
    settings: Settings,  # noqa: ARG001
) -> list[list[NoiseResult]]:
    # As many questions as there are metrics and versions, each one a chance to be alarmed by nothing.
    alpha = judging.ALPHA / max(1, len(versions) * len(spec.noise_terms))
    return [[_floor(version, term, alpha) for term in spec.noise_terms] for version in versions]


def _floor(version: VersionOutcome, term: str, alpha: float) -> NoiseResult:
    floor, scores = modes.FLOORS[term], version.values(term)
    below = sum(score < floor for score in scores)
    state, low, high = floors.judge_floor(below, len(scores), alpha)
    if state != REGRESSED:  # that few are below asks no question of many
        state, low, high = floors.judge_floor(below, len(scores))
        state = "undecided" if state == REGRESSED else state
    return NoiseResult(term, modes.FLOOR, state, len(scores), below=below, floor=floor, share=(low, high))


def _rate(version: VersionOutcome, gate: SuiteGateResult) -> NoiseResult:
    """A gate on the share of cases without a breach, as an estimate of what the share is in the long run."""
    cases = len(version.judged)
    kept = round((version.pass_rate or 0.0) * cases)
    state, low, high = floors.judge_rate(kept, cases, gate.gate.bound, gate.gate.op)
    return NoiseResult(str(gate.gate), "rate", state, cases, below=kept, floor=gate.gate.bound, share=(low, high))


def _outside(spec: SuiteSpec, version: VersionOutcome) -> list[tuple[str, float]]:
    """The examples that lie outside of the noise in all similarities together, the most unusual first.

    Each with the share of unchanged examples that lie as far out.
    """
    terms = [term for term in spec.noise_terms if not term.startswith("drop(")]
    cases = [case for case in version.judged if case.noise]
    if not cases:
        return []
    found = ranks.ranks(*(_evidence(spec, version, term) for term in terms))
    outside = [(case.example, rank) for case, rank in zip(cases, found, strict=True) if rank <= OUTSIDE]
    return sorted(outside, key=lambda one: one[1])
