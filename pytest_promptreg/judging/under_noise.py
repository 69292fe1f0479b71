"""Judges the versions of a suite under noise: what was lost, beside what the stored generations differ by themselves.

All versions and metrics of a suite are judged together, because each is one more chance to be alarmed by nothing.
Errors are no evidence: a case that could not be called or scored fails by itself, and says nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..baselines.baseline import Baseline
from ..noise import floors, judging, looks, ranks
from ..noise.evidence import ExampleScores, TermEvidence
from ..noise.judging import TermVerdict
from ..noise.looks import Decision
from ..noise.words import ALPHA
from ..results.outcome import CaseOutcome, VersionOutcome
from ..settings import Settings
from ..suites.suite import SuiteSpec
from . import modes
from .gates import SuiteGateResult, metric_of
from .noise_result import OUTSIDE, RATE, REGRESSED, UNDECIDED, NoiseResult


def judge(
    spec: SuiteSpec,
    versions: Sequence[VersionOutcome],
    stored: Baseline | None,
    settings: Settings,
    orders: Mapping[str, Sequence[str]] | None = None,
) -> list[VersionOutcome]:
    """The versions with what their gates came to under noise.

    :param stored: what they were compared with: a rerun against the same gives the same verdict.
    :param orders: by version, the examples in the order that they were to run in, where looks were taken on the way.
    """
    evidence = [
        {term: _evidence(spec, version.judged, term) for term in _terms(spec, version.cases)} for version in versions
    ]
    if spec.mode == modes.FLOOR:
        found = _floors(spec, versions)
    elif orders is None:
        found = _losses(spec, versions, evidence, stored, settings)
    else:
        found = [_losses_at_looks(spec, version, orders, stored, settings) for version in versions]
    judged = []
    for version, results, of_version in zip(versions, found, evidence, strict=True):
        rates = [gate for gate in version.gates if gate.gate.metric is None]
        if version.stopped is None:  # of a part, the share says nothing
            results += [_rate(version, gate) for gate in rates]
        judged.append(
            replace(
                version,
                gates=[gate for gate in version.gates if gate not in rates],
                noise=[replace(result, undecided_fails=settings.undecided == "fail") for result in results],
                outside_noise=_outside(version, of_version),
            )
        )
    return judged


def _terms(spec: SuiteSpec, cases: Iterable[CaseOutcome]) -> tuple[str, ...]:
    """What is asked of a version: of the cases that ran, whether they could be judged or not."""
    return spec.noise_terms_of(case.example for case in cases)


def _losses(
    spec: SuiteSpec,
    versions: Sequence[VersionOutcome],
    evidence: Sequence[Mapping[str, TermEvidence]],
    stored: Baseline | None,
    settings: Settings,
) -> list[list[NoiseResult]]:
    asked = {
        (version.version.label, term): one
        for version, of_version in zip(versions, evidence, strict=True)
        for term, one in of_version.items()
    }
    verdicts = iter(judging.judge(asked, margin=settings.margin, seed=_seed(stored)))
    return [[_loss(spec, one, next(verdicts)) for one in of_version.values()] for of_version in evidence]


def _losses_at_looks(
    spec: SuiteSpec,
    version: VersionOutcome,
    orders: Mapping[str, Sequence[str]],
    stored: Baseline | None,
    settings: Settings,
) -> list[NoiseResult]:
    """What the last look at a version says, with the error rates of all looks at all versions kept."""
    label = version.version.label
    cases = {case.example: case for case in version.judged}
    taken = version.stopped.after if version.stopped is not None else len(orders[label])
    decision = look(spec, label, orders[label], cases, taken, versions=len(orders), stored=stored, settings=settings)
    seen = _of(orders[label][:taken], cases)
    return [_loss(spec, _evidence(spec, seen, one.term), one, questions=len(orders)) for one in decision.verdicts]


def look(
    spec: SuiteSpec,
    label: str,
    order: Sequence[str],
    cases: Mapping[str, CaseOutcome],
    taken: int,
    *,
    versions: int,
    stored: Baseline | None,
    settings: Settings,
) -> Decision:
    """What is said of a version at a look: while it runs, and the same when the run is concluded.

    Errors are no evidence here either: a look may see fewer examples than it was planned for.

    :param order: its examples in the order that they run in, fixed before anything was seen.
    :param cases: the judged ones, by example.
    :param taken: how many of the examples have ended: a number at which a look is planned.
    :param versions: how many of the suite are looked at.
    """
    terms = spec.noise_terms_of(order)
    seen = [
        {(label, term): _evidence(spec, _of(order[:count], cases), term) for term in terms}
        for count in looks.look_counts(len(order))
        if count <= taken
    ]
    return looks.decide(seen, margin=settings.margin, versions=versions, seed=_seed(stored))


def _of(examples: Sequence[str], cases: Mapping[str, CaseOutcome]) -> list[CaseOutcome]:
    return [cases[example] for example in examples if example in cases]


def _seed(stored: Baseline | None) -> int:
    return int(stored.digest[:12], 16) if stored is not None else 0


def _evidence(spec: SuiteSpec, judged: Sequence[CaseOutcome], term: str) -> TermEvidence:
    scores = [ExampleScores(case.noise[term], case.generations) for case in judged if term in case.noise]
    return TermEvidence.of(scores, unit=unit_of(spec, term))


def unit_of(spec: SuiteSpec, term: str) -> float:
    """How wide the part of a metric's scale is in which outputs lie: below 0, two texts have nothing in common."""
    info = spec.known[metric_of(term)]
    return info.high - max(info.low, 0.0)


def _loss(spec: SuiteSpec, one: TermEvidence, verdict: TermVerdict, questions: int = 1) -> NoiseResult:
    """A verdict with what it rests on.

    :param questions: how many times as many questions were asked as its p value knows of.
    """
    if not verdict.examples:  # nothing was lost, and nothing was kept: no number says so
        return NoiseResult(verdict.term, modes.CALIBRATED, verdict.state, 0)
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
        chance=min(1.0, verdict.p_adjusted * questions),
        noise=verdict.noise_sd,
        detectable=verdict.detectable,
        needed=verdict.needed,
        digits=1 if unit_of(spec, verdict.term) > 1 else 3,
    )


def _floors(spec: SuiteSpec, versions: Sequence[VersionOutcome]) -> list[list[NoiseResult]]:
    # As many questions as there are metrics and versions, each one a chance to be alarmed by nothing.
    alpha = ALPHA / max(1, len(versions) * len(spec.noise_terms))
    return [[_floor(version, term, alpha) for term in spec.noise_terms] for version in versions]


def _floor(version: VersionOutcome, term: str, alpha: float) -> NoiseResult:
    floor, scores = modes.FLOORS[term], version.values(term)
    below = sum(score < floor for score in scores)
    state, low, high = floors.judge_floor(below, len(scores), alpha)
    if state != REGRESSED:  # that few are below asks no question of many
        state, low, high = floors.judge_floor(below, len(scores))
        state = "undecided" if state == REGRESSED else state
    needed = floors.settling_floor(below, len(scores), alpha) if state == UNDECIDED else None
    return NoiseResult(
        term, modes.FLOOR, state, len(scores), needed=needed, below=below, floor=floor, share=(low, high)
    )


def _rate(version: VersionOutcome, gate: SuiteGateResult) -> NoiseResult:
    """A gate on the share of cases without a breach, as an estimate of what the share is in the long run."""
    cases = len(version.judged)
    kept = round((version.pass_rate or 0.0) * cases)
    state, low, high = floors.judge_rate(kept, cases, gate.gate.bound, gate.gate.op)
    bound = gate.gate.bound
    needed = floors.settling_rate(kept, cases, bound) if state == UNDECIDED else None
    return NoiseResult(str(gate.gate), RATE, state, cases, needed=needed, below=kept, floor=bound, share=(low, high))


def _outside(version: VersionOutcome, evidence: Mapping[str, TermEvidence]) -> list[tuple[str, float]]:
    """The examples that lie outside of the noise in all similarities together, the most unusual first.

    Each with the share of unchanged examples that lie as far out.

    :param evidence: of the version, by term.
    """
    cases = [case for case in version.judged if case.noise]
    if not cases:
        return []
    found = ranks.ranks(*(one for term, one in evidence.items() if not term.startswith("drop(")))
    outside = [(case.example, rank) for case, rank in zip(cases, found, strict=True) if rank <= OUTSIDE]
    return sorted(outside, key=lambda one: one[1])
