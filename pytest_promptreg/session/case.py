"""What the fixture ``promptreg`` hands to a test: one case, and the check that judges it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import PredictError, RedactionError
from ..judging.gates import Verdict
from ..model import CaseKey, Example, Output, PromptVersion, Request

if TYPE_CHECKING:
    from ..results.outcome import CaseOutcome
    from .suite_run import SuiteRun

_WHAT_PREDICT_RETURNED: Any = object()


class PromptregCase:
    """One prompt version on one example.

    ``check()`` judges its output against the stored baseline; everything else is there for what the test wants to say
    besides.
    """

    def __init__(self, run: SuiteRun, key: CaseKey, fail: Callable[[str], NoReturn]) -> None:
        self._run = run
        self._key = key
        self._fail = fail
        self._predict: Callable[[Request], Any] | None = None
        self._outputs: Sequence[Output] = ()
        self._outcome: CaseOutcome | None = None
        self._checked = False

    def __repr__(self) -> str:
        return f"<promptreg case {self._key.version!r} x {self._key.example!r}>"

    @property
    def version(self) -> PromptVersion:
        """The prompt version under test, as it was declared."""
        return self._run.against.declared_version(self._key)

    @property
    def example(self) -> Example:
        """The example, as it was declared: its inputs, reference and tags."""
        return self._run.against.declared_example(self._key)

    @property
    def request(self) -> Request:
        """The rendered prompt: what predict is given, with nothing redacted."""
        return self._run.request(self._key)

    @property
    def output(self) -> Output:
        """What predict returned for this case, redacted; of several samples the first.

        Fails the test in a suite without predict, before ``check(output)`` was given one.
        """
        __tracebackhide__ = True
        return self.outputs[0]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What predict returned for this case: one output for each of its samples.

        Fails the test in a suite without predict, before ``check(output)`` was given one.
        """
        __tracebackhide__ = True
        if not self._outputs and self._predict is not None:
            self._run.call(self._predict, self._key)
            self._outputs = self._run.outputs(self._key)
        if not self._outputs:
            self._fail(
                f"{self._run.spec.where}: this suite has no predict, so there is no output yet\n"
                "  call promptreg.check(output) first, or give the marker predict= or override the fixture "
                "promptreg_predict"
            )
        return tuple(self._outputs)

    @property
    def baseline(self) -> str | None:
        """The accepted output, the first where there are several; None when there is none."""
        return self._run.against.accepted(self._key)

    @property
    def outcome(self) -> CaseOutcome | None:
        """Verdict, scores and breaches, once the case is judged."""
        return self._outcome

    def check(self, output: Any = _WHAT_PREDICT_RETURNED, *, outputs: Any = _WHAT_PREDICT_RETURNED) -> CaseOutcome:
        """Judge the output against the stored baseline.

        Fails the test on a breach, where there is nothing to compare with, and where another output of this case has
        been judged before. In a refresh (``--promptreg-update``, ``--promptreg-accept``) no output fails here. Where
        the suite has a pass-rate gate, a single breach is recorded and only the rate fails, at the end.

        :param output: what the test made itself: a str, a dict or list, or an Output; left out, what predict returned.
        :param outputs: several of them, where the test made samples itself: a list or tuple.
        :returns: the outcome of the case.
        """
        __tracebackhide__ = True
        if outputs is not _WHAT_PREDICT_RETURNED:
            if output is not _WHAT_PREDICT_RETURNED or not isinstance(outputs, list | tuple) or not outputs:
                self._fail("promptreg.check(outputs=[...]) takes a list of the samples, and no output beside it")
            self._take_made(outputs)
        elif output is not _WHAT_PREDICT_RETURNED:  # None is a helper that forgot to return
            self._take_made([output])
        if self._outcome is None:
            self._outcome = self._run.judge(self._key, *self.outputs)
        self._checked = True
        if not self._tolerated(Verdict(self._outcome.verdict)):
            self._fail(self._run.failure(self._outcome))
        return self._outcome

    def _tolerated(self, verdict: Verdict) -> bool:
        if verdict is Verdict.ERROR:
            return False
        if self._run.refreshing or verdict in {Verdict.UNCHANGED, Verdict.CHANGED}:
            return True
        return verdict is Verdict.BREACHED and self._run.spec.has_pass_rate

    def _take_made(self, outputs: Sequence[Any]) -> None:
        """Keep what the test made itself; the first that was judged stays, or a breach could be talked away."""
        if not self._checked:
            self._outcome = None
        try:
            made = [self._run.redacted(Output.of(output)) for output in outputs]
        except (PredictError, RedactionError) as exc:
            self._fail(f"promptreg.check(output): {exc}")
        if not self._checked:
            self._outputs = made
        elif [output.text for output in made] != [output.text for output in self._outputs]:
            self._fail(
                "promptreg.check() has judged another output of this case already, and a case has one verdict\n"
                "  give several samples at once, promptreg.check(outputs=[...]), or make a test of its own of the other"
            )

    # -- for the plugin: set-up of the fixture, and the end of the test

    def insist(self) -> None:
        """Fail a test that ended well although its case was not checked, or not met: a swallowed failure is one."""
        __tracebackhide__ = True
        if not self._checked:
            self._fail(
                "the test never called promptreg.check(), or gave it no output, so its gates were not judged\n"
                "  call it once in the test, or drop the promptreg marker"
            )
        if self._outcome is not None and not self._tolerated(Verdict(self._outcome.verdict)):
            self._fail(self._run.failure(self._outcome))

    def attach_predict(self, predict: Callable[[Request], Any]) -> None:
        """Let ``output`` be had by calling ``predict``."""
        self._predict = predict

    def take(self, outputs: Sequence[Output]) -> None:
        """Keep what predict returned and judge it, so that a metric's failure shows in set-up, as predict's do."""
        self._outputs = outputs
        self._outcome = self._run.judge(self._key, *outputs)

    def decide(self, outcome: CaseOutcome) -> None:
        """Keep a verdict that needed no output."""
        self._outcome = outcome
