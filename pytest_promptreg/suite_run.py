"""One suite while it runs in one process: its calls, its scores, and the judgement of each case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .baseline import Baseline, Record
from .errors import MetricError
from .gates import Verdict, judge_case, perfect
from .model import CaseKey, Example, Output, PromptVersion
from .outcome import CaseOutcome
from .runner import Predict, Progress, Runner
from .scoring import Comparison, Scorer, metric_of
from .suites import SuiteSpec
from .templates import render

BATCH = 64  # outputs scored at once, at most: what is ready is taken along, and a first failure is not kept waiting


@dataclass
class SuiteRun:
    """A suite with what its cases are compared with and called by.

    :param refreshing: whether outputs are made to be accepted: then cases without a baseline are called too.
    """

    spec: SuiteSpec
    baseline: Baseline | None
    runner: Runner
    scorer: Scorer
    refreshing: bool

    def __post_init__(self) -> None:
        self._scores: dict[CaseKey, dict[str, float]] = {}
        self._terms: dict[str, tuple[str, ...]] = {}
        self._called_by: Predict | None = None

    # -- calls

    def call_ahead(self, predict: Predict, keys: Iterable[CaseKey]) -> None:
        """Queue the calls of these cases, in order; those whose verdict is known without an output are not paid for."""
        for key in keys:
            if self.refreshing or self.obstacle(key) is None:
                self.call(predict, key)

    def call(self, predict: Predict, key: CaseKey) -> None:
        """Queue the call of one case."""
        self._called_by = self._called_by or predict
        version, example = self.version(key), self.example(key)
        self.runner.submit(key, predict, lambda: render(version, example.id, example.inputs))

    def output(self, key: CaseKey, on_wait: Callable[[Progress], None] | None = None) -> Output:
        """Wait for the output of a case whose call is queued; raises what predict raised."""
        return self.runner.result(key, on_wait)

    def hint(self, predict: Predict | None) -> str:
        """What a person should know about a failed call, where each test has a predict of its own."""
        if self._called_by in {None, predict}:
            return ""
        return (
            "\n  the calls run ahead with the predict of the suite's first test, and each test made another: give the "
            "fixture promptreg_predict scope='session', or set promptreg_concurrency = 1"
        )

    # -- judgement

    def obstacle(self, key: CaseKey) -> tuple[Verdict, str] | None:
        """Why a case cannot be compared, known before its output is: the verdict and what to do about it."""
        record = self._record(key)
        example = self.example(key)
        if record is None:
            what = "no baseline" if self.baseline is None else "no record of it in the baseline"
            return Verdict.MISSING, f"{what} ({example.where})\n  {self._remedy}"
        if record.inputs != example.inputs_digest:
            return Verdict.INCOMPARABLE, (
                f"its inputs ({example.where}) are not those that the baseline was made from\n  {self._remedy}"
            )
        return None

    def judge(self, key: CaseKey, output: Output) -> CaseOutcome:
        """The outcome of a case: the one place where a verdict is made.

        A metric that fails gives the verdict ``error``, never a low score.
        """
        record = self._record(key)
        if (obstacle := self.obstacle(key)) or record is None:
            verdict, message = obstacle or (Verdict.MISSING, "")
            return self._outcome(key, verdict, output, record, message=message)
        terms = self.terms(self.example(key))
        if output.text in record.outputs:
            scores = {term: perfect(term) for term in terms}
            return self._outcome(key, Verdict.UNCHANGED, output, record, scores=scores)
        try:
            if unequal := self._unequal_signature(terms):
                return self._outcome(key, Verdict.INCOMPARABLE, output, record, message=unequal)
            scores = self._score(key, output, record, terms)
            breaches = judge_case(self.spec.case_gates(self.example(key)), scores)
        except MetricError as exc:
            return self._outcome(key, Verdict.ERROR, output, record, message=str(exc))
        verdict = Verdict.BREACHED if breaches else Verdict.CHANGED
        return self._outcome(key, verdict, output, record, scores=scores, breaches=[str(breach) for breach in breaches])

    def failed_call(self, key: CaseKey, message: str) -> CaseOutcome:
        """The outcome of a case whose call failed."""
        return self._outcome(key, Verdict.ERROR, None, self._record(key), message=message)

    def not_called(self, key: CaseKey) -> CaseOutcome:
        """The outcome of a case that cannot be compared and was not called for that reason."""
        obstacle = self.obstacle(key)
        assert obstacle is not None  # noqa: S101  only such cases are not called
        return self._outcome(key, obstacle[0], None, self._record(key), message=obstacle[1])

    # -- what the cases are made of

    def version(self, key: CaseKey) -> PromptVersion:
        """The prompt version of a case."""
        return self.spec.version_by_label[key.version]

    def example(self, key: CaseKey) -> Example:
        """The example of a case."""
        return self.spec.example_by_id[key.example]

    def accepted_prompt(self, key: CaseKey) -> PromptVersion | None:
        """The prompt that made the accepted output of a case."""
        record = self._record(key)
        return self.baseline.prompt_of(record) if self.baseline and record else None

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
        return f"to store it: {self.spec.command('--promptreg-update')}"

    def _record(self, key: CaseKey) -> Record | None:
        return self.baseline.records.get(key.example) if self.baseline else None

    def _unequal_signature(self, terms: Iterable[str]) -> str | None:
        stored = self.baseline.signatures if self.baseline else {}
        for metric in dict.fromkeys(map(metric_of, terms)):
            if metric in stored and stored[metric] != (now := self.scorer.signature(metric)):
                return (
                    f"{metric} has other settings than when the baseline was stored\n"
                    f"  then {stored[metric]}\n  now  {now}\n  {self._remedy}"
                )
        return None

    def _score(self, key: CaseKey, output: Output, record: Record, terms: tuple[str, ...]) -> dict[str, float]:
        """The case's scores; every other output of the suite that is there already is scored along with it."""
        if key not in self._scores:
            batch = {key: self._comparison(key, output, record, terms)}
            for other, ready in self.runner.ready().items():
                if len(batch) >= BATCH:
                    break
                if other.suite != self.spec.id or other in self._scores or other in batch or self.obstacle(other):
                    continue
                other_record = self._record(other)
                if other_record is not None and ready.text not in other_record.outputs:
                    batch[other] = self._comparison(other, ready, other_record, self.terms(self.example(other)))
            try:
                self._scores.update(zip(batch, self.scorer.score(list(batch.values())), strict=True))
            except MetricError:
                # One pair that a metric cannot take must not fail the cases that were scored along with it.
                return self.scorer.score([batch[key]])[0]
        return self._scores.pop(key)

    def _comparison(self, key: CaseKey, output: Output, record: Record, terms: tuple[str, ...]) -> Comparison:
        return Comparison(output.text, record.outputs[0], self.example(key).reference, terms)

    def _outcome(
        self,
        key: CaseKey,
        verdict: Verdict,
        output: Output | None,
        record: Record | None,
        *,
        scores: dict[str, float] | None = None,
        breaches: list[str] | None = None,
        message: str = "",
    ) -> CaseOutcome:
        return CaseOutcome(
            suite=key.suite,
            version=key.version,
            example=key.example,
            verdict=str(verdict),
            output=output.text if output else None,
            accepted=record.outputs[0] if record else None,
            scores=scores or {},
            breaches=breaches or [],
            message=message,
            latency_s=output.latency_s if output else None,
            input_tokens=output.input_tokens if output else None,
            output_tokens=output.output_tokens if output else None,
            cost_usd=output.cost_usd if output else None,
        )
