"""One suite while it runs in one process: its calls, its scores, and the judgement of each case."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import modes
from .baseline import Baseline, Record
from .calls import Caller, Predict, Progress, Runner
from .calls.ahead import Queue
from .calls.words import Tell, keep_silent
from .errors import BudgetError, MetricError
from .evidence import Evidence
from .gates import Breach, Gate, Verdict, goodness, judge_case, metric_of
from .metrics import METRICS
from .model import CallKey, CaseKey, Example, Key, Output, PromptVersion, Request, ScoredCase
from .outcome import CaseOutcome
from .redaction import without_address_secrets
from .report import failure
from .samples import among, calls_of, merged, queued
from .scoring import Comparison, Scorer
from .signals import SIGNALS, Finding, look
from .suites import SuiteSpec
from .templates import render

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from .outlay import Outlay
    from .replay.replaying import Replay
    from .tracking.traces.capture import Capture

BATCH = 64  # outputs scored at once, at most: what is ready is taken along, and a first failure is not kept waiting


@dataclass(frozen=True, slots=True)
class _Match:
    """An output beside one of the outputs that are accepted for its case."""

    accepted: str
    scores: dict[str, float]
    breaches: list[Breach]
    findings: dict[str, str]
    warnings: list[str]


def _looked(output: str, accepted: str) -> Mapping[str, Finding]:
    """What the signals say.

    :raises MetricError: should one fail on a text that nobody thought of: an error, and neither a pass nor a breach.
    """
    try:
        return look(output, accepted)
    except Exception as exc:
        raise MetricError(f"the signals failed: {type(exc).__name__}: {exc}") from exc


def _signalled(matches: Sequence[_Match]) -> list[Breach]:
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


@dataclass
class SuiteRun:
    """A suite with what its cases are compared with and called by.

    :param refreshing: whether outputs are made to be accepted: then cases without a baseline are called too.
    :param verbose: whether every failure is told in full.
    :param capture: keeps what happens inside the calls; None where nothing is kept.
    :param replay: the recorded outputs; None where every output is called for and none is recorded.
    :param outlay: what calls cost; None where nobody said a price or a limit.
    :param tell: says again what a call printed and logged, when its test has the output.
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

    def __post_init__(self) -> None:
        self._scores: dict[Key, list[dict[str, float]] | MetricError] = {}
        self._terms: dict[str, tuple[str, ...]] = {}
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
        self._evidence = Evidence(self.spec.noise_terms, self.scorer, self.spec.known)

    # -- calls

    def call_ahead(self, predict: Predict, key: CaseKey, upcoming: Callable[[], Queue]) -> None:
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
                self._request,
                wanted=self.needs_output,
                recorded=replay.recorded if replay is not None else None,
                keep=self._keep if replay is not None or self.outlay is not None or self._embeds else None,
                watch=watch,
                executor=executor,
            )
        return self._caller

    def _request(self, key: Key) -> Request:
        """What predict is given, once the call may be made."""
        if self.outlay is not None:
            self.outlay.before(self.spec, self.baseline, key)
        example = self.example(key)
        return render(self.version(key), example.id, example.inputs)

    def _keep(self, key: Key, output: Output) -> None:
        """A call gave an output: it is paid for, and recorded."""
        if self.outlay is not None:
            output = self.outlay.after(self.spec, key, output)
        if self.replay is not None and self.spec.subject:
            self.replay.keep(key, output)
        if self._embeds:
            self._load_ahead(key, output)

    def _load_ahead(self, key: Key, output: Output) -> None:
        """The first output that has to be scored has the embedding model loaded, while other calls are waited for.

        Not before: a run in which nothing changed needs no model.
        """
        record = self._record(key)
        if record is not None and self.obstacle(key) is None and record.accepts(output.text) is None:
            self.scorer.load_ahead(self._embeds)
            self._embeds = ()

    def needs_output(self, key: Key) -> bool:
        """A case whose verdict is known without an output is not paid for."""
        return self.refreshing or self.obstacle(key) is None

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

    def obstacle(self, key: Key) -> tuple[Verdict, str] | None:
        """Why a case cannot be compared, known before its output is: the verdict and what to do about it."""
        record = self._stored(key)
        example = self.example(key)
        if record is None or self.baseline is None:
            what = "no baseline" if self.baseline is None else "no record of it in the baseline"
            return Verdict.MISSING, f"{what} ({example.where})\n  {self._remedy}"
        if record.inputs != example.inputs_digest:
            return Verdict.INCOMPARABLE, (
                f"its inputs ({example.where}) are not those that the baseline was made from\n  {self._remedy}"
            )
        own = self._record(key)
        if self.spec.production is not None and own is None:
            return Verdict.INCOMPARABLE, f"{self.spec.production.against(record, self.baseline)}\n  {self._remedy}"
        if self.spec.mode == modes.CALIBRATED and own is not None and len(own.generated) < modes.GENERATIONS:
            return Verdict.INCOMPARABLE, self._too_few_generations(example)
        return None

    def _too_few_generations(self, example: Example) -> str:
        update = self.spec.command("-o", f"promptreg_baseline_samples={modes.RECOMMENDED}", "--promptreg-update")
        return (
            f"the baseline has one generation of it ({example.where}), and calibrated gates compare with what several "
            f"differ by\n  to store {modes.RECOMMENDED}: {update}"
        )

    def judge(self, key: CaseKey, output: Output, *more: Output) -> CaseOutcome:
        """The outcome of a case: the one place where a verdict is made.

        In a calibrated suite it carries, besides its own verdict, what the verdict of its version is made of.

        :param more: further samples of the case.
        """
        outputs = (output, *more)
        outcome = self._judge_samples(key, outputs) if more else self._judge(key, output)
        if self.spec.mode != modes.CALIBRATED or not outcome.judged:
            return outcome
        record = self._record(key)
        assert record is not None  # noqa: S101  only what has one is judged
        texts = [*record.generated, *(sample.text for sample in outputs)]
        try:
            tables = self._evidence.of(texts, ScoredCase(self.example(key), self.version(key)))
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
        record = self._record(key)
        if (obstacle := self.obstacle(key)) or record is None:
            verdict, message = obstacle or (Verdict.MISSING, "")
            return self._outcome(key, verdict, output, message=message)
        terms = self.terms(self.example(key))
        if (accepted := record.accepts(output.text)) is not None:
            scores = {term: self.spec.perfect(term) for term in terms}
            return self._outcome(key, Verdict.UNCHANGED, output, accepted=accepted, scores=scores)
        try:
            if unequal := self._unequal_signature(terms):
                return self._outcome(key, Verdict.INCOMPARABLE, output, message=unequal)
            best = self._best(key, output, record, terms)
            breaches = [self._explained(breach, best, output) for breach in best.breaches]
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
        record = self._record(key)
        if (obstacle := self.obstacle(key)) or record is None:
            verdict, message = obstacle or (Verdict.MISSING, "")
            return self._outcome(key, verdict, merged(outputs, 0), message=message, samples=outputs)
        terms = self.terms(self.example(key))
        try:
            equal = all(record.accepts(output.text) is not None for output in outputs)
            if not equal and (unequal := self._unequal_signature(terms)):
                return self._outcome(key, Verdict.INCOMPARABLE, merged(outputs, 0), message=unequal, samples=outputs)
            matches = [
                self._accepted_as_it_is(output, record, terms)
                or self._best(CallKey(key, number), output, record, terms)
                for number, output in enumerate(outputs)
            ]
            worst = max(range(len(outputs)), key=lambda number: self._harm(matches[number]))
            means = {term: statistics.fmean(match.scores[term] for match in matches) for term in terms}
            metric_gates = [gate for gate in self.spec.case_gates(self.example(key)) if gate.metric not in SIGNALS]
            of_means = [
                self._explained(breach, matches[worst], outputs[worst]) for breach in judge_case(metric_gates, means)
            ]
        except MetricError as exc:
            return self._outcome(key, Verdict.ERROR, merged(outputs, 0), message=str(exc), samples=outputs)
        breaches = [*_signalled(matches), *of_means]
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

    def _accepted_as_it_is(self, output: Output, record: Record, terms: tuple[str, ...]) -> _Match | None:
        accepted = record.accepts(output.text)
        if accepted is None:
            return None
        return _Match(accepted, {term: self.spec.perfect(term) for term in terms}, [], {}, [])

    def _best(self, key: Key, output: Output, record: Record, terms: tuple[str, ...]) -> _Match:
        """An output beside the accepted one that it matches best.

        :raises MetricError: when a metric or a signal fails.
        """
        scored = self._score(key, output, record, terms)
        gates = self.spec.case_gates(self.example(key))
        matches = [
            self._match(output.text, accepted, gates, scores)
            for accepted, scores in zip(record.outputs, scored, strict=True)
        ]
        return min(matches, key=self._harm)

    def _match(self, output: str, accepted: str, gates: tuple[Gate, ...], scores: dict[str, float]) -> _Match:
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
            if unmet and self.spec.signals[name] == "breach":
                if details.get(name) in {breach.detail for breach in breaches}:  # one fault, which two signals see
                    continue
                breaches.append(Breach(unmet[0], found[name].value, details.get(name, ""), by_default=True))
            elif unmet and name in details:  # two labels of one word each have any ratio of lengths
                warnings.append(name)
        return _Match(accepted, scores, [*breaches, *judge_case(gates, scores, details)], details, warnings)

    def _explained(self, breach: Breach, match: _Match, output: Output) -> Breach:
        """The breach with what its metric can say of it in words, where it can and nothing is said yet."""
        metric = breach.gate.term
        if breach.detail or metric not in METRICS:
            return breach
        words = self.scorer.explain(metric, Comparison(output.text, match.accepted, None, (metric,)))
        return replace(breach, detail=words)

    def _harm(self, match: _Match) -> tuple[int, list[float]]:
        """By which the best of several matches comes first: the fewest breaches, then the best scores."""
        known = self.spec.known
        return len(match.breaches), [-goodness(term, score, known) for term, score in match.scores.items()]

    def failure(self, outcome: CaseOutcome) -> str:
        """What a person reads about a case that was not met: in full of the first ones, unless all are asked for."""
        self._told.setdefault(outcome.key, self.verbose or len(self._told) < failure.TOLD_IN_FULL)
        return failure.text(outcome, self.spec, self._accepted_prompt(outcome), in_full=self._told[outcome.key])

    def failed_call(self, key: CaseKey, message: str) -> CaseOutcome:
        """The outcome of a case whose call failed."""
        return self._outcome(key, Verdict.ERROR, None, message=message)

    def not_called(self, key: CaseKey) -> CaseOutcome:
        """The outcome of a case that cannot be compared and was not called for that reason."""
        obstacle = self.obstacle(key)
        assert obstacle is not None  # noqa: S101  only such cases are not called
        return self._outcome(key, obstacle[0], None, message=obstacle[1])

    # -- what the cases are made of

    def version(self, key: Key) -> PromptVersion:
        """The prompt version of a case."""
        return self.spec.version_by_label[key.version]

    def example(self, key: Key) -> Example:
        """The example of a case."""
        return self.spec.example_by_id[key.example]

    def _accepted_prompt(self, outcome: CaseOutcome) -> PromptVersion | None:
        """The prompt that made the accepted output that a case was compared with."""
        record = self._record(outcome.key)
        if self.baseline is None or record is None or outcome.accepted is None:
            return None
        return self.baseline.prompt_of(record, outcome.accepted)

    def terms(self, example: Example) -> tuple[str, ...]:
        """What a case is scored by: the suite's terms and its row's own; drops only where there is a reference."""
        if example.id not in self._terms:
            of_row = [gate.term for gate in self.spec.case_gates(example) if gate.metric] if example.gates else []
            terms = dict.fromkeys([*self.spec.terms, *of_row])
            has_reference = example.reference is not None
            self._terms[example.id] = tuple(t for t in terms if has_reference or not t.startswith("drop("))
        return self._terms[example.id]

    @property
    def _remedy(self) -> str:
        what = "it" if self.spec.production is None else f"the outputs of {self.spec.production}"
        return f"to store {what}: {self.spec.command('--promptreg-update')}"

    def accepted(self, key: CaseKey) -> str | None:
        """The output that a case is compared with, the first where there are several; None when there is none."""
        record = self._record(key)
        return record.outputs[0] if record else None

    def _record(self, key: Key) -> Record | None:
        """What a case may be compared with."""
        stored, production = self._stored(key), self.spec.production
        if stored is None or self.baseline is None or production is None:
            return stored
        return production.own_part(stored, self.baseline)

    def _stored(self, key: Key) -> Record | None:
        return self.baseline.records.get(key.example) if self.baseline else None

    def _unequal_signature(self, terms: Iterable[str]) -> str | None:
        stored = self.baseline.signatures if self.baseline else {}
        for metric in dict.fromkeys(map(metric_of, terms)):
            if metric in stored and stored[metric] != (now := self.scorer.signature(metric)):
                return (
                    f"{metric} has other settings than when the baseline was stored\n"
                    f"  then {stored[metric]}\n  now  {now}\n"
                    f"  to score the stored texts by what is set now: {self.spec.command('--promptreg-rescore')}"
                )
        return None

    def _score(self, key: Key, output: Output, record: Record, terms: tuple[str, ...]) -> list[dict[str, float]]:
        """The case's scores against each accepted output.

        Every other output of the suite that is there already is scored along with it.
        """
        if key not in self._scores:
            batch: dict[Key, list[Comparison]] = {key: self._comparisons(key, output, record, terms)}
            for other, ready in self.runner.ready().items():
                if len(batch) >= BATCH:
                    break
                if other.suite != self.spec.id or other in self._scores or other in batch or self.obstacle(other):
                    continue
                other_record = self._record(other)
                if other_record is not None and other_record.accepts(ready.text) is None:
                    batch[other] = self._comparisons(other, ready, other_record, self.terms(self.example(other)))
            self._score_batch(batch)
        scores = self._scores.pop(key)
        if isinstance(scores, MetricError):
            raise scores
        return scores

    def _score_batch(self, batch: dict[Key, list[Comparison]]) -> None:
        try:
            scored = iter(
                self.scorer.score([comparison for comparisons in batch.values() for comparison in comparisons])
            )
            self._scores.update({key: [next(scored) for _ in comparisons] for key, comparisons in batch.items()})
        except MetricError as exc:
            if len(batch) == 1:
                self._scores.update(dict.fromkeys(batch, exc))
                return
            # One pair that a metric cannot take must not fail the cases that were scored along with it.
            for key, comparisons in batch.items():
                self._score_batch({key: comparisons})

    def _comparisons(self, key: Key, output: Output, record: Record, terms: tuple[str, ...]) -> list[Comparison]:
        example = self.example(key)
        case = ScoredCase(example, self.version(key))
        return [Comparison(output.text, accepted, example.reference, terms, case) for accepted in record.outputs]

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
        record = self._record(key)
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
            message=without_address_secrets(message),  # it quotes exceptions, and is stored and sent
            retries=list(self.retries(key)),
            latency_s=output.latency_s if output else None,
            input_tokens=output.input_tokens if output else None,
            output_tokens=output.output_tokens if output else None,
            cost_usd=output.cost_usd if output else None,
            replayed=output is not None and output.replayed,
            samples=tuple(sample.text for sample in samples) if samples else (),
            recorded=sum(sample.replayed for sample in samples) if samples else 0,
        )
