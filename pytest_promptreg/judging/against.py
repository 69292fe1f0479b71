"""What the cases of a suite are compared with, and why one cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..baselines.baseline import Baseline, Record
from ..model import CaseKey, Example, Key, PromptVersion
from ..results.outcome import CaseOutcome
from ..suites.suite import SuiteSpec
from . import modes
from .gates import Verdict, metric_of
from .scoring import Scorer


@dataclass(frozen=True)
class Against:
    """A suite's cases beside its baseline.

    :param declared: the suite as it was declared; in ``spec`` is redacted what must not be stored, shown or sent.
    """

    spec: SuiteSpec
    baseline: Baseline | None
    declared: SuiteSpec

    def version(self, key: Key) -> PromptVersion:
        """The prompt version of a case."""
        return self.spec.version_by_label[key.version]

    def example(self, key: Key) -> Example:
        """The example of a case."""
        return self.spec.example_by_id[key.example]

    def declared_version(self, key: Key) -> PromptVersion:
        """The prompt version of a case as it was declared: for predict and the test."""
        return self.declared.version_by_label[key.version]

    def declared_example(self, key: Key) -> Example:
        """The example of a case as it was declared: for predict and the test."""
        return self.declared.example_by_id[key.example]

    def accepted(self, key: CaseKey) -> str | None:
        """The output that a case is compared with, the first where there are several; None when there is none."""
        record = self.record(key)
        return record.outputs[0] if record else None

    def record(self, key: Key) -> Record | None:
        """What a case may be compared with."""
        return self.record_of(key.example)

    def record_of(self, example: str) -> Record | None:
        """What the cases of an example may be compared with."""
        stored, production = self.stored(example), self.spec.production
        if stored is None or self.baseline is None or production is None:
            return stored
        return production.own_part(stored, self.baseline)

    def stored(self, example: str) -> Record | None:
        """What is stored for an example, whatever prompt made it."""
        return self.baseline.records.get(example) if self.baseline else None

    def is_made_from(self, record: Record, key: Key) -> bool:
        """Whether what is stored was made from the inputs that the case has now.

        Where less was redacted when it was stored, it knows what it was made from as it was declared.
        """
        return record.inputs in {self.example(key).inputs_digest, self.declared_example(key).inputs_digest}

    def accepted_prompt(self, outcome: CaseOutcome) -> PromptVersion | None:
        """The prompt that made the accepted output that a case was compared with."""
        record = self.record(outcome.key)
        if self.baseline is None or record is None or outcome.accepted is None:
            return None
        return self.baseline.prompt_of(record, outcome.accepted)

    def obstacle(self, key: Key) -> tuple[Verdict, str] | None:
        """Why a case cannot be compared, known before its output is: the verdict and what to do about it."""
        record = self.stored(key.example)
        example = self.example(key)
        if record is None or self.baseline is None:
            what = "no baseline" if self.baseline is None else "no record of it in the baseline"
            return Verdict.MISSING, f"{what} ({example.where})\n  {self._remedy}"
        if not self.is_made_from(record, key):
            return Verdict.INCOMPARABLE, (
                f"its inputs ({example.where}) are not those that the baseline was made from\n  {self._remedy}"
            )
        own = self.record(key)
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

    def unequal_signature(self, terms: Iterable[str], scorer: Scorer) -> str | None:
        """That a metric has other settings than when the baseline was stored, and what to do; None where none has.

        :raises MetricError: when a metric cannot be had.
        """
        stored = self.baseline.signatures if self.baseline else {}
        for metric in dict.fromkeys(map(metric_of, terms)):
            if metric in stored and stored[metric] != (now := scorer.signature(metric)):
                return (
                    f"{metric} has other settings than when the baseline was stored\n"
                    f"  then {stored[metric]}\n  now  {now}\n"
                    f"  to score the stored texts by what is set now: {self.spec.command('--promptreg-rescore')}"
                )
        return None

    @property
    def _remedy(self) -> str:
        what = "it" if self.spec.production is None else f"the outputs of {self.spec.production}"
        return f"to store {what}: {self.spec.command('--promptreg-update')}"
