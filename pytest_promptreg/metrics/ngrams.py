"""Metrics over runs of words and characters: BLEU and chrF."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from . import Metric, MetricSettings, Pair


def create(name: str, settings: MetricSettings) -> Metric:
    """BLEU or chrF."""
    return SacrebleuMetric(name)


class SacrebleuMetric:
    """Sentence BLEU (effective order, so that short texts do not score 0) or chrF, by sacrebleu: 0 to 100."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def _scorer(self) -> Any:
        from sacrebleu.metrics import BLEU, CHRF

        return BLEU(effective_order=True) if self.name == "bleu" else CHRF()

    def signature(self) -> str:
        """The settings in sacrebleu's own terms, with its major version: what scores are stable within."""
        import sacrebleu

        version = sacrebleu.__version__.split(".")[0]
        settings = "eff:yes|tok:13a|smooth:exp" if self.name == "bleu" else "nc:6|nw:0|space:no|eff:yes"
        return f"{self.name}|nrefs:1|case:mixed|{settings}|version:{version}"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """sacrebleu's sentence score for each pair; equal texts score 100, empty ones included."""
        scorer = self._scorer
        return [100.0 if text == other else float(scorer.sentence_score(text, [other]).score) for text, other, _ in pairs]
