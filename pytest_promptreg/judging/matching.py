"""An output beside the outputs that are accepted for its case: scored and looked at, and the best match taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from ..baselines.baseline import Record
from ..calls import Runner
from ..errors import MetricError, said
from ..metrics import METRICS
from ..model import Example, Key, Output, ScoredCase
from ..signals import SIGNALS, Finding, look
from ..suites.samples import among
from .against import Against
from .gates import Breach, Gate, goodness, judge_case
from .noisy_signals import noisy_signals
from .scoring import Comparison, Scorer

BATCH = 64  # outputs scored at once, at most: what is ready is taken along, and a first failure is not kept waiting


@dataclass(frozen=True, slots=True)
class Match:
    """An output beside one of the outputs that are accepted for its case."""

    accepted: str
    scores: dict[str, float]
    breaches: list[Breach]
    findings: dict[str, str]
    warnings: list[str]


class _Scored(NamedTuple):
    """What an output came to that was scored, perhaps long before its test is there.

    :param output: its text: a test that is run again has another one.
    :param found: the scores against each accepted output, or why there are none.
    """

    output: str
    found: list[dict[str, float]] | MetricError


class Matching:
    """Finds the best match of each output of a suite.

    :param runner: has outputs that are ready too, and are scored along with the one that is asked for.
    """

    def __init__(self, against: Against, scorer: Scorer, runner: Runner) -> None:
        self.spec = against.spec
        self.scorer = scorer
        self._against = against
        self._runner = runner
        self._scores: dict[Key, _Scored] = {}
        self._terms: dict[str, tuple[str, ...]] = {}

    def terms(self, example: Example) -> tuple[str, ...]:
        """What a case is scored by: the suite's terms and its row's own; drops only where there is a reference."""
        if example.id not in self._terms:
            of_row = [gate.term for gate in self.spec.case_gates(example) if gate.metric] if example.gates else []
            terms = dict.fromkeys([*self.spec.terms, *of_row])
            has_reference = example.reference is not None
            self._terms[example.id] = tuple(t for t in terms if has_reference or not t.startswith("drop("))
        return self._terms[example.id]

    def as_it_is(self, output: Output, record: Record, terms: tuple[str, ...]) -> Match | None:
        """An output that says the same as an accepted one; None for any other."""
        accepted = record.accepts(output.text)
        if accepted is None:
            return None
        return Match(accepted, {term: self.spec.perfect(term) for term in terms}, [], {}, [])

    def best(self, key: Key, output: Output, record: Record, terms: tuple[str, ...]) -> Match:
        """An output beside the accepted one that it matches best.

        :raises MetricError: when a metric or a signal fails.
        """
        scored = self._score(key, output, record, terms)
        gates = self.spec.case_gates(self._against.example(key))
        matches = [
            self._match(output.text, accepted, gates, scores)
            for accepted, scores in zip(record.outputs, scored, strict=True)
        ]
        return min(matches, key=self.harm)

    def _match(self, output: str, accepted: str, gates: tuple[Gate, ...], scores: dict[str, float]) -> Match:
        found = _looked(output, accepted)
        gated = {gate.metric for gate in gates if not gate.of_suite}
        details = {
            name: finding.detail
            for name, finding in found.items()
            if finding.detail and (name in gated or self.spec.signals[name] != "off")
        }
        breaches: list[Breach] = []
        warnings = []
        for name, own_gates in self.spec.signal_gates.items():
            if name in gated:  # the user's word on it replaces ours
                continue
            unmet = [gate for gate in own_gates if not gate.met_by(found[name].value)]
            if unmet and self.spec.signals[name] == "breach" and name not in self._noisy:
                if details.get(name) in {breach.detail for breach in breaches}:  # one fault, which two signals see
                    continue
                breaches.append(Breach(unmet[0], found[name].value, details.get(name, ""), by_default=True))
            elif unmet and name in details:  # two labels of one word each have any ratio of lengths
                warnings.append(name)
        return Match(accepted, scores, [*breaches, *judge_case(gates, scores, details)], details, warnings)

    @cached_property
    def _noisy(self) -> frozenset[str]:
        """Asked when the first signal would breach: in most runs none does.

        :raises MetricError: when a signal fails on a stored text.
        """
        try:
            return noisy_signals(self._against)
        except Exception as exc:
            raise MetricError(f"the signals failed on the baseline: {said(exc)}") from exc

    def explained(self, breach: Breach, match: Match, output: Output) -> Breach:
        """The breach with what its metric can say of it in words, where it can and nothing is said yet."""
        metric = breach.gate.term
        if breach.detail or metric not in METRICS:
            return breach
        words = self.scorer.explain(metric, Comparison(output.text, match.accepted, None, (metric,)))
        return replace(breach, detail=words)

    def harm(self, match: Match) -> tuple[int, list[float]]:
        """By which the best of several matches comes first: the fewest breaches, then the best scores."""
        known = self.spec.known
        return len(match.breaches), [-goodness(term, score, known) for term, score in match.scores.items()]

    def _score(self, key: Key, output: Output, record: Record, terms: tuple[str, ...]) -> list[dict[str, float]]:
        """The case's scores against each accepted output.

        Every other output of the suite that is there already is scored along with it.
        """
        scored = self._scores.pop(key, None)
        if scored is None or scored.output != output.text:
            against = self._against
            batch: dict[Key, list[Comparison]] = {key: self._comparisons(key, output, record, terms)}
            for other, ready in self._runner.ready().items():
                if len(batch) >= BATCH:
                    break
                if other.suite != self.spec.id or other in self._scores or other in batch or against.obstacle(other):
                    continue
                its_record = against.record(other)
                if its_record is not None and its_record.accepts(ready.text) is None:
                    batch[other] = self._comparisons(other, ready, its_record, self.terms(against.example(other)))
            self._score_batch(batch)
            scored = self._scores.pop(key)
        if isinstance(scored.found, MetricError):
            raise scored.found
        return scored.found

    def _score_batch(self, batch: dict[Key, list[Comparison]]) -> None:
        try:
            scored = iter(
                self.scorer.score([comparison for comparisons in batch.values() for comparison in comparisons])
            )
            for key, comparisons in batch.items():
                self._scores[key] = _Scored(comparisons[0].output, [next(scored) for _ in comparisons])
        except MetricError as exc:
            if len(batch) == 1:
                for key, comparisons in batch.items():
                    self._scores[key] = _Scored(comparisons[0].output, exc)
                return
            # One pair that a metric cannot take must not fail the cases that were scored along with it.
            for key, comparisons in batch.items():
                self._score_batch({key: comparisons})

    def _comparisons(self, key: Key, output: Output, record: Record, terms: tuple[str, ...]) -> list[Comparison]:
        example = self._against.example(key)
        case = ScoredCase(example, self._against.version(key))
        return [Comparison(output.text, accepted, example.reference, terms, case) for accepted in record.outputs]


def _looked(output: str, accepted: str) -> Mapping[str, Finding]:
    """What the signals say.

    :raises MetricError: should one fail on a text that nobody thought of: an error, and neither a pass nor a breach.
    """
    try:
        return look(output, accepted)
    except Exception as exc:
        raise MetricError(f"the signals failed: {said(exc)}") from exc


def signalled(matches: Sequence[Match]) -> list[Breach]:
    """What signals breach in any of several samples, each once, with the samples that it is in."""
    found: dict[Gate, list[tuple[int, Breach]]] = {}
    for number, match in enumerate(matches):
        for breach in match.breaches:
            if breach.gate.metric in SIGNALS:
                found.setdefault(breach.gate, []).append((number, breach))
    told = []
    for fired in found.values():
        where = among([number for number, _ in fired], len(matches))
        first = fired[0][1]
        told.append(replace(first, detail=f"{where}: {first.detail}" if first.detail else where))
    return told
