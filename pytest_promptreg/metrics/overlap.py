"""Metrics over the words that two texts share: exact, ROUGE-L, and recalls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..errors import MetricError, did_you_mean
from . import Metric, MetricSettings, Pair
from .recall import NovelRecall, TokenRecall, alike
from .words import rouge_score_tokens, unicode_tokens

_TOKENS: Mapping[str, Callable[[str], Sequence[str]]] = {
    "unicode": unicode_tokens,
    "rouge-score": rouge_score_tokens,
}


def create(name: str, settings: MetricSettings) -> Metric:
    """The overlap metric of that name."""
    if name == "rouge_l":
        return RougeL(settings.rouge_tokens)
    metrics: Mapping[str, Callable[[], Metric]] = {
        "exact": Exact,
        "token_recall": TokenRecall,
        "novel_recall": NovelRecall,
    }
    return metrics[name]()


class Exact:
    """1 where the texts are equal to the last character, else 0. Texts that only say the same never get here."""

    name = "exact"

    def signature(self) -> str:
        """Nothing can be set."""
        return "exact|v1"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """1.0 or 0.0 for each pair."""
        return [float(output == baseline) for output, baseline, _ in pairs]


class RougeL:
    """ROUGE-L F1: the longest common subsequence of words, 0 to 1.

    The words are Unicode's, folded, with one token for each character of a script without spaces. The package
    rouge-score keeps only ASCII letters and digits, by which two different Chinese texts are both empty; its tokens
    can be had for parity, and then the scores are its own to the last bit (``tokens="rouge-score"``).

    Texts that are equal but for white space score 1, two blank ones too; one blank text of the two scores 0, as do
    different texts without words (``"🙂"`` and ``"🙃"``).
    """

    name = "rouge_l"

    def __init__(self, tokens: str) -> None:
        self._tokens = tokens

    def signature(self) -> str:
        """The tokenizer is what can be set."""
        self._tokenizer()
        return f"rouge_l|v2|f1|tok:{self._tokens}"

    def _tokenizer(self) -> Callable[[str], Sequence[str]]:
        if self._tokens not in _TOKENS:
            raise MetricError(
                f"unknown tokens {self._tokens!r} for rouge_l", next_step=did_you_mean(self._tokens, _TOKENS)
            )
        return _TOKENS[self._tokens]

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The F1 for each pair.

        :raises MetricError: when there are no such tokens.
        """
        from rapidfuzz.distance import LCSseq

        tokens = self._tokenizer()
        scores = []
        for output, baseline, _ in pairs:
            words, others = tokens(output), tokens(baseline)
            if words and others:
                scores.append(_f1(LCSseq.similarity(words, others), len(words), len(others)))
            else:
                scores.append(float(alike(output, baseline)))
        return scores


def _f1(common: int, length: int, other_length: int) -> float:
    if not common:
        return 0.0
    precision, recall = common / length, common / other_length
    return 2 * precision * recall / (precision + recall)  # in this order: the last bit is rouge-score's
