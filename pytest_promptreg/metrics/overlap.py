"""Metrics over the words that two texts share: exact, ROUGE-L, and recalls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from . import Metric, MetricSettings, Pair
from .words import unicode_tokens


def create(name: str, settings: MetricSettings) -> Metric:
    """The overlap metric of that name."""
    if name == "exact":
        return Exact()
    return RougeL(settings.rouge_tokens)


class Exact:
    """1 where the texts are equal, else 0."""

    name = "exact"

    def signature(self) -> str:
        """Nothing can be set."""
        return "exact"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """1.0 or 0.0 for each pair."""
        return [float(text == other) for text, other, _ in pairs]


class RougeL:
    """ROUGE-L F1: the longest common subsequence of words, 0 to 1.

    The words are Unicode's, folded, with one token for each character of a script without spaces. The package
    rouge-score keeps only ASCII letters and digits, by which two different Chinese texts are both empty; its tokens
    can be had for parity (``rouge_tokens="rouge-score"``).
    """

    name = "rouge_l"

    def __init__(self, tokens: str) -> None:
        self._tokens = tokens

    @cached_property
    def _tokenize(self) -> Callable[[str], Sequence[str]]:
        if self._tokens == "rouge-score":
            from rouge_score.tokenize import tokenize

            return lambda text: tuple(tokenize(text, None))
        return unicode_tokens

    def signature(self) -> str:
        """The tokenizer is what can be set."""
        return f"rouge_l|f1|tok:{self._tokens}"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The F1 for each pair; equal texts score 1, and a text without words against another scores 0."""
        from rapidfuzz.distance import LCSseq

        scores = []
        for text, other, _ in pairs:
            if text == other:
                scores.append(1.0)
                continue
            words, other_words = self._tokenize(text), self._tokenize(other)
            common = LCSseq.similarity(words, other_words) if words and other_words else 0
            if not common:
                scores.append(0.0)
                continue
            precision, recall = common / len(words), common / len(other_words)
            scores.append(2 * precision * recall / (precision + recall))
        return scores
