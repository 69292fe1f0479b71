"""Metrics over characters and words: exact, BLEU, chrF, ROUGE-L."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import Any

from . import Metric, MetricSettings, Pair

# Scripts that are written without spaces between words: a character of these is a token of its own.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
# Vowel signs and other marks belong to the word around them, though `\w` leaves them out: दिन and दीन are two words.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0963\u0971-\u0df3\u200c\u200d"
)
_LETTERS = rf"[^\W_{_UNSPACED}]"
_TOKEN = re.compile(rf"[{_UNSPACED}]|{_LETTERS}+(?:[{_MARKS}]+{_LETTERS}*)*")


def create(name: str, settings: MetricSettings) -> Metric:
    """The surface metric of that name."""
    if name == "exact":
        return Exact()
    if name == "rouge_l":
        return RougeL(settings.rouge_tokens)
    return SacrebleuMetric(name)


class Exact:
    """1 where the texts are equal, else 0."""

    name = "exact"

    def signature(self) -> str:
        """Nothing can be set."""
        return "exact"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """1.0 or 0.0 for each pair."""
        return [float(text == other) for text, other in pairs]


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
        return [100.0 if text == other else float(scorer.sentence_score(text, [other]).score) for text, other in pairs]


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
        for text, other in pairs:
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


@lru_cache(maxsize=4096)
def unicode_tokens(text: str) -> tuple[str, ...]:
    """The words of a text in any script, case-folded after NFC."""
    return tuple(_TOKEN.findall(unicodedata.normalize("NFC", text).casefold()))
