"""Whether a text goes round in circles: the same words, sentence or characters again and again."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise
from operator import eq

from ..text import remembered
from .findings import KEPT, Finding, piece

# One token for each character of a script without spaces between words, and for a rule such as "-----".
_NO_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_NO_SPACES}]|[^\W{_NO_SPACES}]+|[-=_*#~.·─━═…]+|[^\w\s]")
_SINGLE = re.compile(rf"[{_NO_SPACES}]")
_COUNTER = re.compile(r"^[ \t]*(?:\d{1,4}[.):]|[-*•])[ \t]+", re.MULTILINE)
_SENTENCE = re.compile(r"[^\n.!?。！？]{30,}")
_READ = 100_000  # characters of the beginning, and of the end, that are looked at
_SPACE_FLOOD = re.compile(r"(?<!\s)\s{1000,}")
_WINDOW = 8  # tokens that must come back at one distance before that distance is looked at
_LONG_WORD = 60
_LONG_RULE = 300
_MOST_CHARACTERS = 4000  # of one long word
_PERIODS = 3
# How often a unit of so many words must stand in a row to be a loop: (words at least, times). A character of a script
# without spaces is half a word.
_TIMES = ((8, 3), (5, 4), (3, 8), (1, 20))
_TIMES_WITHOUT_WORDS = 200  # columns, rules and zeros repeat by nature
_SAME_SENTENCES = 4


def repetition(output: str, baseline: str) -> Finding:
    """0 where the output loops and the baseline does not."""
    found = loop(output)
    if not found or loop(baseline):
        return KEPT
    return Finding(0.0, found)


@remembered(256)
def loop(text: str) -> str:
    """What a text repeats, and how often, in words; empty where it does not loop."""
    if len(text) > 2 * _READ:  # a text that loops for so long does so at its end
        text = f"{text[:_READ]}\n{text[-_READ:]}"
    if _SPACE_FLOOD.search(text):
        return "white space without an end"
    tokens: list[str] = _TOKEN.findall(_COUNTER.sub("", text).lower())
    for token in tokens:
        if len(token) >= _LONG_WORD and (looping := _loop_in_word(token)):
            return looping
    if found := _in_a_row(tokens):
        unit, times = found
        return f'repeats "{piece(_joined(unit))}" {times} times'
    return _same_sentences(text)


def _loop_in_word(word: str) -> str:
    if not word[0].isalnum():
        return f'repeats "{word[0]}" {len(word)} times' if len(word) >= _LONG_RULE else ""
    for unit, times in _runs(word[:_MOST_CHARACTERS]):
        length = len(unit) * times
        if length >= (_LONG_WORD if any(map(str.isalpha, unit)) else _LONG_RULE):
            return f'repeats "{piece("".join(unit))}" {times} times'
    return ""


def _in_a_row(tokens: Sequence[str]) -> tuple[Sequence[str], int] | None:
    for unit, times in _runs(tokens):
        words = math.ceil(sum(0.5 if _SINGLE.match(token) else 1 for token in unit if token[0].isalpha()))
        needed = next((count for least, count in _TIMES if words >= least), _TIMES_WITHOUT_WORDS)
        if times >= needed:
            return unit, times
    return None


def _runs(tokens: Sequence[str]) -> list[tuple[Sequence[str], int]]:
    """Units that stand several times in a row, with how often: at the most frequent distances of equal windows."""
    if len(tokens) < 2 * _WINDOW:
        return []
    windows = list(zip(*(tokens[start:] for start in range(_WINDOW)), strict=False))
    last: dict[tuple[str, ...], int] = {}
    distances: Counter[int] = Counter()
    for at, window in enumerate(windows):
        if window in last:
            distances[at - last[window]] += 1
        last[window] = at
    found = []
    for period, _ in distances.most_common(_PERIODS):
        at = 0
        for same, group in groupby(map(eq, tokens[period:], tokens)):
            length = sum(1 for _ in group)
            if same and length >= period:
                found.append((tokens[at : at + period], (length + period) // period))
            at += length
    return found


def _joined(unit: Sequence[str]) -> str:
    text = unit[0]
    for before, token in pairwise(unit):
        close = not token[0].isalnum() or (_SINGLE.match(token) and _SINGLE.match(before))
        text += token if close else f" {token}"
    return text


def _same_sentences(text: str) -> str:
    """A sentence that comes back so often, with others between, that copies are half of the text."""
    sentences = [" ".join(found.split()) for found in _SENTENCE.findall(text)]
    if len(sentences) <= _SAME_SENTENCES:
        return ""
    counts = Counter(sentence for sentence in sentences if any(map(str.isalpha, sentence)))
    copies = sum(len(sentence) * (count - 1) for sentence, count in counts.items() if count >= _SAME_SENTENCES)
    if copies < len(text) / 2:
        return ""
    sentence, times = counts.most_common(1)[0]
    return f'repeats "{piece(sentence)}" {times} times'
