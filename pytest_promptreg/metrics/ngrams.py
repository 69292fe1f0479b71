"""Metrics over runs of words and characters: BLEU and chrF, bit-equal to sacrebleu's sentence scores.

Both count, for each order, the n-grams that two texts share. Here an n-gram is one integer, and the two texts' n-grams
of all orders are counted in one sorted array.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from . import Metric, MetricSettings, Pair
from .bleu_tokens import Tokenize, chooser, rule

if TYPE_CHECKING:
    import numpy as np

_SACREBLEU = 2  # the major version whose scores these are


def create(name: str, settings: MetricSettings) -> Metric:
    """BLEU or chrF."""
    return Bleu(settings.bleu_tokens) if name == "bleu" else Chrf()


class Bleu:
    """Sentence BLEU, 0 to 100: runs of up to four tokens, by how many of the output's are in the baseline.

    Effective order, so that texts of less than four tokens do not score 0; exponential smoothing. Bit-equal to
    sacrebleu's ``BLEU(effective_order=True).sentence_score`` with the same tokenizer, but for two cases: equal texts,
    and two blank ones, score 100. One blank text of the two scores 0, as do texts without a common token.

    :param tokens: ``"auto"``: a tokenizer for each pair by the script of the baseline's text, since 13a makes a
        sentence of Chinese, Japanese or Thai one single token; or ``"13a"``, ``"zh"``, ``"char"``, ``"intl"``,
        ``"none"``: that one for all.
    """

    name = "bleu"

    def __init__(self, tokens: str) -> None:
        self._tokens = tokens

    def signature(self) -> str:
        """The settings in sacrebleu's own terms."""
        chooser(self._tokens)
        return f"bleu|v2|nrefs:1|case:mixed|eff:yes|tok:{rule(self._tokens)}|smooth:exp|version:{_SACREBLEU}"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The score of each output against its baseline.

        :raises MetricError: when there is no such tokenizer.
        """
        tokenizer_for = chooser(self._tokens)
        return [
            100.0 if _alike(output, baseline) else _bleu(output, baseline, tokenizer_for(baseline))
            for output, baseline, _ in pairs
        ]


class Chrf:
    """ChrF2, 0 to 100: runs of up to six characters, white space left out, recall weighted above precision.

    Bit-equal to sacrebleu's ``CHRF().sentence_score``, but for two cases: equal texts, and two blank ones, score 100.
    One blank text of the two scores 0, as do texts without a common character.
    """

    name = "chrf"

    def signature(self) -> str:
        """The settings in sacrebleu's own terms."""
        return f"chrf|v2|nrefs:1|case:mixed|eff:yes|nc:{_CHRF_ORDER}|nw:0|space:no|version:{_SACREBLEU}"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The score of each output against its baseline."""
        return [100.0 if _alike(output, baseline) else _chrf(output, baseline) for output, baseline, _ in pairs]


_BLEU_ORDER = 4
_CHRF_ORDER = 6
_BETA_SQUARED = 4


def _alike(output: str, baseline: str) -> bool:
    return output == baseline or not (output.strip() or baseline.strip())


@lru_cache(maxsize=512)
def _baseline_tokens(text: str, tokenize: Tokenize) -> Sequence[str]:
    return tokenize(text)


def _bleu(output: str, baseline: str, tokenize: Tokenize) -> float:
    tokens, expected = tokenize(output), _baseline_tokens(baseline, tokenize)
    found = common_ngrams(tokens, expected, _BLEU_ORDER)
    if not any(found):
        return 0.0
    smoothing = 1.0
    logarithms = []
    for order, count in enumerate(found[: len(tokens)]):
        if not count:
            smoothing *= 2
        logarithms.append(math.log(100.0 * (count or 1 / smoothing) / (len(tokens) - order)))
    penalty = math.exp(1 - len(expected) / len(tokens)) if len(tokens) < len(expected) else 1.0
    return penalty * math.exp(sum(logarithms) / len(logarithms))


def _chrf(output: str, baseline: str) -> float:
    output, baseline = "".join(output.split()), "".join(baseline.split())
    orders = min(len(output), len(baseline), _CHRF_ORDER)
    if not orders:
        return 0.0
    found = common_ngrams(output, baseline, _CHRF_ORDER)[:orders]
    precision = recall = 0.0
    for order, count in enumerate(found):
        precision += count / (len(output) - order)
        recall += count / (len(baseline) - order)
    precision, recall = precision / orders, recall / orders
    if not precision:
        return 0.0
    return 100 * ((1 + _BETA_SQUARED) * precision * recall / (_BETA_SQUARED * precision + recall))


def common_ngrams(items: Sequence[str], others: Sequence[str], order: int) -> list[int]:
    """How many n-grams two sequences share, each counted as often as both have it, for n from 1 to ``order``.

    :param items: tokens, or a text for its characters.
    """
    known = {*items, *others}
    if not known:
        return [0] * order
    bits = (len(known) + 1).bit_length()
    if order * bits >= _WIDTH:
        return [_counted(items, others, length) for length in range(1, order + 1)]
    return _sorted(*_numbered(items, others, known), order, bits)


_WIDTH = 63  # bits of a positive int64; one of them tells the side


def _counted(items: Sequence[str], others: Sequence[str], length: int) -> int:
    here, there = (Counter(zip(*(side[i:] for i in range(length)), strict=False)) for side in (items, others))
    return (here & there).total()


def _numbered(items: Sequence[str], others: Sequence[str], known: set[str]) -> tuple[np.ndarray, np.ndarray]:
    """Both sides as numbers from 2 on, equal for what is equal."""
    import numpy as np

    if not (isinstance(items, str) and isinstance(others, str)):
        numbers = {item: number for number, item in enumerate(known, start=2)}
        by_word = [np.array([*map(numbers.__getitem__, side)], np.int64) for side in (items, others)]
        return by_word[0], by_word[1]
    codes = _code_points("".join(known))
    by_code = np.empty(int(codes.max()) + 1, np.int64)
    by_code[codes] = np.arange(2, len(codes) + 2)
    return by_code[_code_points(items)], by_code[_code_points(others)]


def _code_points(text: str) -> np.ndarray:
    import numpy as np

    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _sorted(items: np.ndarray, others: np.ndarray, order: int, bits: int) -> list[int]:
    """What :func:`common_ngrams` says, of numbers from 2 on that fit in ``bits``.

    Runs of 0 and of 1 end the two sides: an n-gram that reaches over an end has no partner. In the sorted array of the
    longest n-grams the shorter ones, their beginnings, are sorted as well: an n-gram of any length is a stretch of the
    array, and what both sides have of it is half of the stretch less what one side has more.
    """
    import numpy as np

    end = order - 1
    numbers = np.concatenate([items, np.zeros(end, np.int64), others, np.ones(end, np.int64)])
    count = len(numbers) - end
    grams = numbers[:count].copy()
    for position in range(1, order):
        grams <<= bits
        grams |= numbers[position : position + count]
    grams <<= 1
    grams[len(items) + end :] |= 1
    grams.sort()
    changes = np.empty(count, np.int64)
    changes[0] = np.iinfo(np.int64).max
    np.bitwise_xor(grams[1:], grams[:-1], out=changes[1:])
    sides = 1 - 2 * (grams & 1)
    found = []
    for length in range(1, order + 1):
        starts = np.flatnonzero(changes >= 1 << ((order - length) * bits + 1))
        surplus = int(np.abs(np.add.reduceat(sides, starts)).sum())
        found.append((count - surplus) // 2)
    return found
