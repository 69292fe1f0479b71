"""One suite while it runs in one process: its calls, and who judges what they give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..baselines.baseline import Baseline
from ..calls import Caller, Predict, Progress, Runner
from ..calls.ahead import LookAhead
from ..calls.words import Tell, keep_silent
from ..errors import BudgetError
from ..inputs.templates import render
from ..judging.against import Against
from ..judging.judge import Judge
from ..judging.scoring import Scorer
from ..metrics import METRICS
from ..model import CaseKey, Key, Output, Request
from ..redaction.redactor import Redactor
from ..report import failure
from ..report.escape import one_line
from ..results.outcome import CaseOutcome
from ..suites.samples import among, calls_of, queued
from ..suites.suite import SuiteSpec
from ..text import digest

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
        self._called_by: Predict | None = None
        self._told: dict[CaseKey, bool] = {}  # failures, and whether in full
        self._told_first_of: dict[str, CaseKey] = {}  # by the digest of what was told
        self._caller: Caller | None = None
        self.executor: Executor | None = None
        self.knows_executor = False
        self._embeds = tuple(
            name for name in self.spec.all_metrics if name in METRICS and METRICS[name].room == "embedding"
        )
        self._retries: dict[CaseKey, Sequence[str]] = {}
        self._failed_sample: dict[CaseKey, int] = {}
        self.judge = Judge(
            self.against,
            self.scorer,
            self.runner,
            refreshing=self.refreshing,
            redactor=self.redactor,
            retries=self.retries,
        )

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

    def unless_told(self, key: CaseKey, problem: str) -> str:
        """What is wrong with a call: all of it for the first case that it is told of, for the others its first line.

        A wrong key fails all calls alike.
        """
        first = self._told_first_of.setdefault(digest(problem), key)
        line, *more = problem.splitlines()
        if self.verbose or first == key or not more:
            return problem
        return f"{line}\n  as of {first.version} x {one_line(first.example, 60)}, where all of it is told (or -v)"

    def failure(self, outcome: CaseOutcome) -> str:
        """What a person reads about a case that was not met: in full of the first ones, unless all are asked for."""
        self._told.setdefault(outcome.key, self.verbose or len(self._told) < failure.TOLD_IN_FULL)
        return failure.text(outcome, self.spec, self.against.accepted_prompt(outcome), in_full=self._told[outcome.key])
