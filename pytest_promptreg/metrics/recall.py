"""Metrics that ask how much of the baseline's words an output has: of all of them, and of those that tell something."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ..text import remembered
from . import Pair
from .words import TOKEN, UNSPACED, unicode_tokens

_ORDINARY, _NAME, _NUMBER = 1.0, 4.0, 4.0
_STEM = 6  # letters of an ordinary word that count: "increased" and "increases" are one
_NO_PLURAL = 3  # letters: "cats" is a plural, "gas" is none
# "may", "will" and "might" are missing: they are names and nouns too, and "no" is an answer.
_ENGLISH = (
    "about above after again also am an and any are as at be been before being below between both but by can could did "
    "do does doing during each few for from further had has have having he her here hers herself him himself his how "
    "i if in into is it its itself just me mine more most must my myself of off on once only onto or other ought our "
    "ours out over own same shall she should since so some such than that the their theirs them themselves then there "
    "these they this those through to too under until up us very was we were what when where which while who whom "
    "whose why with within would yet you your yours yourself"
)
_FUNCTION_WORDS = frozenset(_ENGLISH.split())
_SHORT = 2  # letters: most words of this length are function words, in any language with spaces
_SHORT_ANSWERS = frozenset({"no", "ja", "sí", "sì", "да"})
_COUNTING = (  # without "one", which mostly is no number
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty"
)
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(_COUNTING.split(), start=2)}
_CASED_TOKEN = re.compile(rf"(\d+(?:[.,]\d+)+|{TOKEN})")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SENTENCE_END = re.compile(r"[.!?:\n\"“]")


class TokenRecall:
    """The share of the baseline's words that the output has, 0 to 1; a word that stands twice is wanted twice.

    Made for a short expected answer: ``drop(token_recall)`` asks of the reference's words, and an output may say as
    much besides as it likes. Words are those of :func:`~.words.unicode_tokens`. Texts that are equal but for white
    space score 1, one blank text of the two 0; a baseline without words (``"🙂"``) is wanted as it stands.
    """

    name = "token_recall"

    def signature(self) -> str:
        """Nothing can be set."""
        return "token_recall|v1|tok:unicode"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The recall for each pair."""
        return [_token_recall(output, baseline) for output, baseline, _ in pairs]


def _token_recall(output: str, baseline: str) -> float:
    wanted = unicode_tokens(baseline)
    if wanted:
        return _shared(unicode_tokens(output), wanted) / len(wanted)
    sought = baseline.strip()
    return float(sought in output if sought else not output.strip())


def alike(output: str, baseline: str) -> bool:
    """Whether two texts are equal but for white space, as two blank ones are: of use where there are no words."""
    return output.split() == baseline.split()


def _shared(words: Sequence[str], others: Sequence[str]) -> int:
    return (Counter(words) & Counter(others)).total()


class NovelRecall:
    """How much the output has of what the baseline tells beyond the inputs, 0 to 1.

    The words that a question hands to every answer say nothing about the answer. Of the baseline's other words each
    counts once: names (capitalised within a sentence, or in capitals) and numbers four times as much as ordinary words,
    English function words and uncapitalised words of one or two letters not at all. Case does not count; ordinary words
    are equal when their first six letters are, or but for an ``s`` at the end, ``1,901`` is ``1901`` and ``two`` is
    ``2``. In scripts without spaces each character is a word; in other languages longer function words are ordinary
    ones.

    The weights are of the pair alone: no other output changes a score. Where nothing is left to weigh, as when the
    answer is one of the inputs' words, the score is the F1 of all words. Texts that are equal but for white space score
    1, one blank text of the two 0, as do different texts without words.
    """

    name = "novel_recall"

    def signature(self) -> str:
        """The weights and what makes two words one."""
        return f"novel_recall|v1|name:{_NAME:g}|number:{_NUMBER:g}|stem:{_STEM}|stop:en|else:f1"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The weighted recall for each pair; without a case nothing counts as given."""
        return [_novel_recall(output, baseline, case.inputs if case else {}) for output, baseline, case in pairs]


def _novel_recall(output: str, baseline: str, inputs: Mapping[str, Any]) -> float:
    given = _forms("\n".join(text for value in inputs.values() for text in _texts(value)))
    wanted = {form: weight for form, weight in _wanted(baseline).items() if form not in given}
    if wanted:
        found = _forms(output)
        return sum(weight for form, weight in wanted.items() if form in found) / sum(wanted.values())
    words, others = unicode_tokens(output), unicode_tokens(baseline)
    if words and others:
        return 2 * _shared(words, others) / (len(words) + len(others))
    return float(alike(output, baseline))


def _texts(value: Any) -> Iterator[str]:
    """Every text and number in a JSON value, keys included."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


@remembered(512)
def _wanted(text: str) -> Mapping[str, float]:
    """The forms that a text's words are looked for in, with their weights, where they weigh anything."""
    return {_stem(word) if weight == _ORDINARY else word: weight for word, weight in _weights(text).items() if weight}


@remembered(512)
def _forms(text: str) -> frozenset[str]:
    """Every form in which a text's words can be found: as they are, for names and numbers, and their stems."""
    words = _weights(text)
    return frozenset({*words, *map(_stem, words)})


@lru_cache(maxsize=32768)
def _stem(word: str) -> str:
    if len(word) > _NO_PLURAL:
        word = word.removesuffix("s")
    return word if len(word) < _STEM else f"{word[:_STEM]}*"  # the star: a stem is no whole name


@remembered(512)
def _weights(text: str) -> Mapping[str, float]:
    """What each word of a text, folded, weighs: the most that it does at any of its places."""
    pieces = _CASED_TOKEN.split(unicodedata.normalize("NFC", text))
    weights: dict[str, float] = {}
    starts = True
    for gap, written in zip(pieces[::2], pieces[1::2], strict=False):
        starts = starts or (gap != " " and _SENTENCE_END.search(gap) is not None)
        word = _folded(written)
        weights[word] = max(_weight(written, starts), weights.get(word, 0.0))
        starts = False
    return weights


@lru_cache(maxsize=32768)
def _folded(written: str) -> str:
    if _THOUSANDS.fullmatch(written):
        return written.replace(",", "")
    word = written.casefold()
    return _NUMBER_WORDS.get(word, word)


@lru_cache(maxsize=32768)
def _weight(written: str, starts: bool) -> float:
    word = _folded(written)
    if any(map(str.isdigit, word)):
        return _NUMBER
    in_capitals = len(written) > 1 and written.isupper()
    if word in _FUNCTION_WORDS and not in_capitals:
        return 0.0
    capitalised = in_capitals or (written[0].isupper() and not starts)
    if len(word) <= _SHORT and not capitalised and word not in _SHORT_ANSWERS and not _UNSPACED.match(word):
        return 0.0
    return _NAME if capitalised and len(written) > 1 else _ORDINARY  # a single capital is an option or an initial
