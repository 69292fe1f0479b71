"""The judgement of a case: its outputs beside what is accepted of it, and the outcome that comes of it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import MetricError
from ..model import CallKey, CaseKey, Output
from ..redaction import without_address_secrets
from ..redaction.redactor import Redactor
from ..results.outcome import CaseOutcome
from ..signals import SIGNALS
from ..suites.samples import merged
from . import modes
from .against import Against
from .evidence import Evidence
from .gates import Verdict, judge_case
from .gathering import Gathering
from .matching import Matching, signalled
from .scoring import Scorer

if TYPE_CHECKING:
    from ..calls import Runner


class Judge:
    """Of one suite, in one process.

    :param runner: knows which outputs are there already, and can be scored with the one that is judged.
    :param refreshing: whether outputs are made to be accepted.
    :param redactor: hides in messages what must not be stored or shown.
    :param retries: why the call of a case was tried again, a word for each time.
    """

    def __init__(
        self,
        against: Against,
        scorer: Scorer,
        runner: Runner,
        *,
        refreshing: bool,
        redactor: Redactor,
        retries: Callable[[CaseKey], Sequence[str]],
    ) -> None:
        self._against, self._scorer, self._spec = against, scorer, against.spec
        self._refreshing, self._redactor, self._retries = refreshing, redactor, retries
        self._matching = Matching(against, scorer, runner)
        self._gathering = Gathering(against, Evidence(against.spec.noise_terms, scorer, against.spec.known), runner)

    def __call__(self, key: CaseKey, output: Output, *more: Output) -> CaseOutcome:
        """The outcome of a case: the one place where a verdict is made.

        In a calibrated suite it carries, besides its own verdict, what the verdict of its version is made of.

        :param more: further samples of the case.
        """
        outputs = (output, *more)
        outcome = self._of_samples(key, outputs) if more else self._of_one(key, output)
        if self._spec.mode != modes.CALIBRATED or self._refreshing or not outcome.judged:
            return outcome
        record = self._against.record(key)
        assert record is not None  # noqa: S101  only what has one is judged
        try:
            tables = self._gathering.tables(key, record, outputs)
        except MetricError as exc:
            made = outputs if more else ()
            return self._outcome(key, Verdict.ERROR, merged(outputs, 0), message=str(exc), samples=made)
        return replace(outcome, noise=tables, generations=len(record.generated))

    def _of_one(self, key: CaseKey, output: Output) -> CaseOutcome:
        """The outcome of a case with one output.

        An output that says the same as an accepted one is unchanged, and nothing is computed. Else it is compared with
        every accepted output, by the signals and by the metrics, and judged against the best match. A metric that fails
        gives the verdict ``error``, never a low score.
        """
        record = self._against.record(key)
        if (obstacle := self._against.obstacle(key)) or record is None:
            verdict, message = obstacle or (Verdict.MISSING, "")
            return self._outcome(key, verdict, output, message=message)
        terms = self._matching.terms(self._against.example(key))
        if (accepted := record.accepts(output.text)) is not None:
            scores = {term: self._spec.perfect(term) for term in terms}
            return self._outcome(key, Verdict.UNCHANGED, output, accepted=accepted, scores=scores)
        try:
            if unequal := self._against.unequal_signature(terms, self._scorer):
                return self._outcome(key, Verdict.INCOMPARABLE, output, message=unequal)
            best = self._matching.best(key, output, record, terms)
            breaches = [self._matching.explained(breach, best, output) for breach in best.breaches]
        except MetricError as exc:
            return self._outcome(key, Verdict.ERROR, output, message=str(exc))
        return self._outcome(
            key,
            Verdict.BREACHED if best.breaches else Verdict.CHANGED,
            output,
            accepted=best.accepted,
            scores=best.scores,
            breaches=[str(breach) for breach in breaches],
            findings=best.findings,
            warnings=best.warnings,
        )

    def _of_samples(self, key: CaseKey, outputs: Sequence[Output]) -> CaseOutcome:
        """The outcome of a case with several samples.

        Gates on metrics judge the mean over the samples; a signal that a single one gives is one too many.
        """
        record = self._against.record(key)
        if (obstacle := self._against.obstacle(key)) or record is None:
            verdict, message = obstacle or (Verdict.MISSING, "")
            return self._outcome(key, verdict, merged(outputs, 0), message=message, samples=outputs)
        terms = self._matching.terms(self._against.example(key))
        try:
            equal = all(record.accepts(output.text) is not None for output in outputs)
            if not equal and (unequal := self._against.unequal_signature(terms, self._scorer)):
                return self._outcome(key, Verdict.INCOMPARABLE, merged(outputs, 0), message=unequal, samples=outputs)
            matches = [
                self._matching.as_it_is(output, record, terms)
                or self._matching.best(CallKey(key, number), output, record, terms)
                for number, output in enumerate(outputs)
            ]
            worst = max(range(len(outputs)), key=lambda number: self._matching.harm(matches[number]))
            means = {term: statistics.fmean(match.scores[term] for match in matches) for term in terms}
            metric_gates = [
                gate for gate in self._spec.case_gates(self._against.example(key)) if gate.metric not in SIGNALS
            ]
            explained = self._matching.explained
            of_means = [explained(breach, matches[worst], outputs[worst]) for breach in judge_case(metric_gates, means)]
        except MetricError as exc:
            return self._outcome(key, Verdict.ERROR, merged(outputs, 0), message=str(exc), samples=outputs)
        breaches = [*signalled(matches), *of_means]
        return self._outcome(
            key,
            Verdict.BREACHED if breaches else Verdict.UNCHANGED if equal else Verdict.CHANGED,
            merged(outputs, worst),
            accepted=matches[worst].accepted,
            scores=means,
            breaches=[str(breach) for breach in breaches],
            findings=matches[worst].findings,
            warnings=list(dict.fromkeys(name for match in matches for name in match.warnings)),
            samples=outputs,
        )

    def failed_call(self, key: CaseKey, message: str) -> CaseOutcome:
        """The outcome of a case whose call failed."""
        return self._outcome(key, Verdict.ERROR, None, message=message)

    def not_called(self, key: CaseKey) -> CaseOutcome:
        """The outcome of a case that cannot be compared and was not called for that reason."""
        obstacle = self._against.obstacle(key)
        assert obstacle is not None  # noqa: S101  only such cases are not called
        return self._outcome(key, obstacle[0], None, message=obstacle[1])

    def _outcome(
        self,
        key: CaseKey,
        verdict: Verdict,
        output: Output | None,
        *,
        accepted: str | None = None,
        scores: dict[str, float] | None = None,
        breaches: list[str] | None = None,
        findings: dict[str, str] | None = None,
        warnings: list[str] | None = None,
        message: str = "",
        samples: Sequence[Output] = (),
    ) -> CaseOutcome:
        record = self._against.record(key)
        return CaseOutcome(
            suite=key.suite,
            version=key.version,
            example=key.example,
            verdict=str(verdict),
            # One text, where two say the same: of 100,000 cases it is 100,000 copies.
            output=accepted if output and output.text == accepted else output.text if output else None,
            accepted=record.outputs[0] if accepted is None and record else accepted,
            scores=scores or {},
            breaches=breaches or [],
            findings=findings or {},
            warnings=warnings or [],
            # It quotes exceptions, and is stored and sent.
            message=self._redactor.message(without_address_secrets(message)) if message else "",
            retries=list(self._retries(key)),
            latency_s=output.latency_s if output else None,
            input_tokens=output.input_tokens if output else None,
            output_tokens=output.output_tokens if output else None,
            cost_usd=output.cost_usd if output else None,
            replayed=output is not None and output.replayed,
            samples=tuple(sample.text for sample in samples) if samples else (),
            recorded=sum(sample.replayed for sample in samples) if samples else 0,
        )
