"""One suite while it runs in one process: its calls, its scores, and the judgement of each case."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..baselines.baseline import Baseline
from ..calls import Caller, Predict, Progress, Runner
from ..calls.ahead import LookAhead
from ..calls.words import Tell, keep_silent
from ..errors import BudgetError, MetricError
from ..inputs.templates import render
from ..judging import modes
from ..judging.against import Against
from ..judging.evidence import Evidence
from ..judging.gates import Verdict, judge_case
from ..judging.gathering import Gathering
from ..judging.matching import Matching, signalled
from ..judging.scoring import Scorer
from ..metrics import METRICS
from ..model import CallKey, CaseKey, Key, Output, Request
from ..redaction import without_address_secrets
from ..redaction.redactor import Redactor
from ..report import failure
from ..results.outcome import CaseOutcome
from ..signals import SIGNALS
from ..suites.samples import among, calls_of, merged, queued
from ..suites.suite import SuiteSpec

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..replay.replaying import Replay
    from ..spending.outlay import Outlay
    from ..tracking.traces.capture import Capture


def _never(_: Key) -> bool:
    return False


@dataclass
class SuiteRun:
    """A suite with what its cases are compared with and called by.

    :param refreshing: whether outputs are made to be accepted: then cases without a baseline are called too.
    :param verbose: whether every failure is told in full.
    :param capture: keeps what happens inside the calls; None where nothing is kept.
    :param replay: the recorded outputs; None where every output is called for and none is recorded.
    :param outlay: what calls cost; None where nobody said a price or a limit.
    :param is_stopped: whether a call is one too many, because its version was stopped early.
    :param tell: says again what a call printed and logged, when its test has the output.
    :param redactor: hides what must not be stored, shown or sent; in ``spec`` and ``baseline`` it is hidden already.
    :param declared: the suite as it was declared, for predict and the test; left out, ``spec``.
    """

    spec: SuiteSpec
    baseline: Baseline | None
    runner: Runner
    scorer: Scorer
    refreshing: bool
    verbose: bool = False
    capture: Capture | None = None
    tell: Tell = keep_silent
    replay: Replay | None = None
    outlay: Outlay | None = None
    is_stopped: Callable[[Key], bool] = _never
    redactor: Redactor = field(default_factory=Redactor)
    declared: SuiteSpec | None = None

    def __post_init__(self) -> None:
        self.against = Against(self.spec, self.baseline, self.declared or self.spec)
        self._matching = Matching(self.against, self.scorer, self.runner)
        self._called_by: Predict | None = None
        self._told: dict[CaseKey, bool] = {}  # failures, and whether in full
        self._caller: Caller | None = None
        self.executor: Executor | None = None
        self.knows_executor = False
        self._embeds = tuple(
            name for name in self.spec.all_metrics if name in METRICS and METRICS[name].room == "embedding"
        )
        self._retries: dict[CaseKey, Sequence[str]] = {}
        self._failed_sample: dict[CaseKey, int] = {}
        evidence = Evidence(self.spec.noise_terms, self.scorer, self.spec.known)
        self._gathering = Gathering(self.against, evidence, self.runner)

    # -- calls

    def call_ahead(self, predict: Predict, key: CaseKey, upcoming: LookAhead) -> None:
        """Call for these cases, in order, as places come free.

        :param key: the case that is called for already.
        """
        if self.spec.samples > 1:
            upcoming = queued(upcoming, self.spec.samples, key)
        self.runner.call_ahead(self.spec.id, self._caller_by(predict), upcoming)

    def is_called(self, key: CaseKey) -> bool:
        """Whether every call of a case waits to be made, is made, or waits to be handed over."""
        samples = self.spec.samples
        if samples == 1:
            return self.runner.submitted(key)
        return all(self.runner.submitted(call) for call in calls_of(key, samples))

    def call(self, predict: Predict, key: CaseKey) -> None:
        """Call for one case now."""
        self._called_by = self._called_by or predict
        caller = self._caller_by(predict)
        for call in calls_of(key, self.spec.samples):
            self.runner.submit(call, caller)

    def outputs(self, key: CaseKey, on_wait: Callable[[Progress], None] | None = None) -> list[Output]:
        """Wait for the samples of a case that was called for; raises what predict raised first, when all have ended."""
        self._retries.pop(key, None)
        found: list[Output] = []
        failed: tuple[int, BaseException] | None = None
        for call in calls_of(key, self.spec.samples):
            answer = self.runner.take(call, on_wait)
            self.tell(answer.words)
            if answer.retries:
                self._retries[key] = (*self.retries(key), *answer.retries)
            if answer.failure is not None:
                failed = failed or (call.sample, answer.failure)
                continue
            output = answer.output
            assert output is not None  # noqa: S101  a finished call has the one or the other
            if self.outlay is not None and not output.replayed:
                output = self.outlay.priced(self.spec, key, output)
            found.append(output)
        if failed is not None:
            self._failed_sample[key], failure = failed
            raise failure
        return found

    def retries(self, key: CaseKey) -> Sequence[str]:
        """Why the call of a case was tried again, a word for each time."""
        return self._retries.get(key, ())

    def _caller_by(self, predict: Predict) -> Caller:
        executor = self.executor
        if self._caller is None or self._caller.predict is not predict or self._caller.executor is not executor:
            watch = None
            if self.capture is not None and executor is None:
                self.capture.prepare()
                watch = self.capture.wrap
            replay = self.replay if self.spec.subject else None
            self._caller = Caller(
                predict,
                self.request,
                admit=self._admit if self.outlay is not None and self.outlay.is_limited else None,
                wanted=self.needs_output,
                recorded=self._recorded if replay is not None else None,
                redact=None if self.redactor.hides_nothing else self.redacted,
                redacts_slowly=self.redactor.is_slow,
                keep=self._keep if replay is not None or self.outlay is not None or self._embeds else None,
                watch=watch,
                executor=executor,
            )
        return self._caller

    def _admit(self, key: Key) -> None:
        """A call is about to be made, if there is money for it."""
        if self.outlay is not None:
            self.outlay.before(self.spec, self.baseline, key)

    def request(self, key: Key) -> Request:
        """The prompt of a case as it was declared, filled with its inputs."""
        example = self.against.declared_example(key)
        return render(self.against.declared_version(key), example.id, example.inputs)

    def redacted(self, output: Output) -> Output:
        """The output as it is judged, stored and shown.

        :raises RedactionError: when a rule of the user's fails.
        """
        text = self.redactor.text(output.text)
        return output if text is output.text else replace(output, text=text)

    def _recorded(self, key: Key) -> Output | None:
        """The recorded output of a call, which may have been recorded under other rules."""
        output = self.replay.recorded(key) if self.replay is not None else None
        return None if output is None else self.redacted(output)

    def _keep(self, key: Key, output: Output) -> None:
        """A call gave an output: it is recorded, whatever becomes of the rest, and paid for."""
        if self.outlay is not None:
            output = self.outlay.priced(self.spec, key, output)
        if self.replay is not None and self.spec.subject:
            self.replay.keep(key, output)
        if self.outlay is not None:
            self.outlay.after(key, output)
        if self._embeds:
            self._load_ahead(key, output)

    def _load_ahead(self, key: Key, output: Output) -> None:
        """The first output that has to be scored has the embedding model loaded, while other calls are waited for.

        Not before: a run in which nothing changed needs no model.
        """
        record = self.against.record(key)
        if record is not None and self.against.obstacle(key) is None and record.accepts(output.text) is None:
            self.scorer.load_ahead(self._embeds)
            self._embeds = ()

    def needs_output(self, key: Key) -> bool:
        """A case whose verdict is known without an output is not paid for."""
        return (self.refreshing or self.against.obstacle(key) is None) and not self.is_stopped(key)

    def leave_out(self, keys: Sequence[CaseKey]) -> int:
        """Call for none of these cases any more.

        :returns: how many calls that saves: those that began are none, nor those whose output is recorded.
        """
        calls = [call for key in keys for call in calls_of(key, self.spec.samples)]
        begun = self.runner.leave_out(calls)
        if not self.spec.subject or (self.replay is not None and self.replay.never_calls):
            return 0
        return sum(
            call not in begun
            and self.against.obstacle(call) is None
            and (self.replay is None or not self.replay.has(call))
            for call in calls
        )

    def run_on(self, executor: Executor | None) -> None:
        """Where calls are made, and scores computed that take a model's time; None for this process."""
        self.executor = self.scorer.executor = executor
        self.knows_executor = True

    def hint(self, key: CaseKey, predict: Predict | None, failure: BaseException) -> str:
        """What a person should know about a failed call: how it failed before, that each test has a predict."""
        before = "failed before" if isinstance(failure, BudgetError) else "tried again"
        hint = f"\n  {before}: {', '.join(retries)}" if (retries := self.retries(key)) else ""
        if self.spec.samples > 1 and key in self._failed_sample:
            hint += f"\n  {among([self._failed_sample[key]], self.spec.samples)}"
        if self._called_by in {None, predict}:
            return hint
        return (
            f"{hint}\n  the calls run ahead with the predict of the suite's first test, and each test made another: "
            "give the fixture promptreg_predict scope='session', or set promptreg_concurrency = 1"
        )

    # -- judgement

    def judge(self, key: CaseKey, output: Output, *more: Output) -> CaseOutcome:
        """The outcome of a case: the one place where a verdict is made.

        In a calibrated suite it carries, besides its own verdict, what the verdict of its version is made of.

        :param more: further samples of the case.
        """
        outputs = (output, *more)
        outcome = self._judge_samples(key, outputs) if more else self._judge(key, output)
        if self.spec.mode != modes.CALIBRATED or self.refreshing or not outcome.judged:
            return outcome
        record = self.against.record(key)
        assert record is not None  # noqa: S101  only what has one is judged
        try:
            tables = self._gathering.tables(key, record, outputs)
        except MetricError as exc:
            made = outputs if more else ()
            return self._outcome(key, Verdict.ERROR, merged(outputs, 0), message=str(exc), samples=made)
        return replace(outcome, noise=tables, generations=len(record.generated))

    def _judge(self, key: CaseKey, output: Output) -> CaseOutcome:
        """The outcome of a case with one output.

        An output that says the same as an accepted one is unchanged, and nothing is computed. Else it is compared with
        every accepted output, by the signals and by the metrics, and judged against the best match. A metric that fails
        gives the verdict ``error``, never a low score.
        """
        record = self.against.record(key)
        if (obstacle := self.against.obstacle(key)) or record is None:
            verdict, message = obstacle or (Verdict.MISSING, "")
            return self._outcome(key, verdict, output, message=message)
        terms = self._matching.terms(self.against.example(key))
        if (accepted := record.accepts(output.text)) is not None:
            scores = {term: self.spec.perfect(term) for term in terms}
            return self._outcome(key, Verdict.UNCHANGED, output, accepted=accepted, scores=scores)
        try:
            if unequal := self.against.unequal_signature(terms, self.scorer):
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

    def _judge_samples(self, key: CaseKey, outputs: Sequence[Output]) -> CaseOutcome:
        """The outcome of a case with several samples.

        Gates on metrics judge the mean over the samples; a signal that a single one gives is one too many.
        """
        record = self.against.record(key)
        if (obstacle := self.against.obstacle(key)) or record is None:
            verdict, message = obstacle or (Verdict.MISSING, "")
            return self._outcome(key, verdict, merged(outputs, 0), message=message, samples=outputs)
        terms = self._matching.terms(self.against.example(key))
        try:
            equal = all(record.accepts(output.text) is not None for output in outputs)
            if not equal and (unequal := self.against.unequal_signature(terms, self.scorer)):
                return self._outcome(key, Verdict.INCOMPARABLE, merged(outputs, 0), message=unequal, samples=outputs)
            matches = [
                self._matching.as_it_is(output, record, terms)
                or self._matching.best(CallKey(key, number), output, record, terms)
                for number, output in enumerate(outputs)
            ]
            worst = max(range(len(outputs)), key=lambda number: self._matching.harm(matches[number]))
            means = {term: statistics.fmean(match.scores[term] for match in matches) for term in terms}
            metric_gates = [
                gate for gate in self.spec.case_gates(self.against.example(key)) if gate.metric not in SIGNALS
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

    def failure(self, outcome: CaseOutcome) -> str:
        """What a person reads about a case that was not met: in full of the first ones, unless all are asked for."""
        self._told.setdefault(outcome.key, self.verbose or len(self._told) < failure.TOLD_IN_FULL)
        return failure.text(outcome, self.spec, self.against.accepted_prompt(outcome), in_full=self._told[outcome.key])

    def failed_call(self, key: CaseKey, message: str) -> CaseOutcome:
        """The outcome of a case whose call failed."""
        return self._outcome(key, Verdict.ERROR, None, message=message)

    def not_called(self, key: CaseKey) -> CaseOutcome:
        """The outcome of a case that cannot be compared and was not called for that reason."""
        obstacle = self.against.obstacle(key)
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
        record = self.against.record(key)
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
            message=self.redactor.message(without_address_secrets(message)) if message else "",
            retries=list(self.retries(key)),
            latency_s=output.latency_s if output else None,
            input_tokens=output.input_tokens if output else None,
            output_tokens=output.output_tokens if output else None,
            cost_usd=output.cost_usd if output else None,
            replayed=output is not None and output.replayed,
            samples=tuple(sample.text for sample in samples) if samples else (),
            recorded=sum(sample.replayed for sample in samples) if samples else 0,
        )
