"""Whether a text refuses to answer.

Three sorts of words are told apart, in the first few hundred characters:

- what is only said of a request: "I cannot assist with that", "I'm sorry, but I won't", "against my guidelines";
- what may lead up to an answer: "I have no access to live data", "I couldn't find". These refuse where no answer
  follows: "However, as of 2021 it was Rome" is an answer, "However, you can look it up" is none;
- the words in which other languages refuse, less finely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..equality import NO_JSON, parse_json
from ..text import remembered
from .findings import KEPT, Finding
from .refusal_words import (
    ADVICE,
    ANSWERS_AT_ONCE,
    BEGINS_TO_REFUSE,
    KNOWS_NOTHING,
    LETTER,
    NEGATES_ABROAD,
    OFFER,
    ONLY_KNOWS_NOTHING,
    REFUSES,
    REFUSES_ABROAD,
    TURN,
    TURN_ABROAD,
)

_HEAD = 300  # characters in which a refusal must begin
_READ = 1400  # characters that are looked at for an answer after it
_ANSWER = 30  # characters that may be an answer
_ANSWER_ABROAD = 160
_LONG_ADVICE = 440  # characters: what begins as advice after words of regret is an answer above
_MOST_TEXTS = 50  # of a JSON document
_LONGEST_THOUGHT = 50_000  # characters that are looked at for the end of what a model thought aloud
_THOUGHT = re.compile(r"\A<(think|thinking|reasoning)>.*?</\1>", re.DOTALL)
_PLAIN = str.maketrans("’‘ʼ`*_#~:-", "''''      ")  # apostrophes as one, markup as spaces
_QUOTATION = ('"', "“", "«", "„", "「", "『", "|", "{", "[", "<", ">")


def refusal(output: str, baseline: str) -> Finding:
    """0 where exactly one of the two texts refuses to answer."""
    now, before = refuses(output), refuses(baseline)
    if now == before:
        return KEPT
    return Finding(0.0, "refuses, the baseline answered" if now else "answers, the baseline refused")


@remembered(256)
def refuses(text: str) -> bool:
    """Whether a text declines to answer in its first words, or has nothing to say and leaves it at that."""
    text = _THOUGHT.sub("", text.lstrip()[:_LONGEST_THOUGHT], count=1).lstrip()
    document = parse_json(text)
    return any(map(_refuses, _texts(document))) if document is not NO_JSON else _refuses(text)


def _refuses(text: str) -> bool:
    text = text.lstrip()[: 2 * _READ]
    if text[:1] == '"' == text.rstrip()[-1:]:  # the whole answer in quotation marks
        text = text.strip().strip('"')
    if text.startswith(_QUOTATION):
        return False
    paragraphs = (" ".join(part.split()) for part in text.translate(_PLAIN).lower().split("\n\n"))
    text = "\n\n".join(part for part in paragraphs if part)[:_READ]
    head = text[:_HEAD]
    if LETTER.match(head) or ANSWERS_AT_ONCE.match(head):
        return False
    if match := BEGINS_TO_REFUSE.match(head) or REFUSES.search(head):
        milder = ONLY_KNOWS_NOTHING.search(head, max(0, match.start() - 1))
        return milder is None or milder.start() > match.end() or not _answers_after(text, milder.end())
    if match := KNOWS_NOTHING.match(head):
        return not _answers_after(text, match.end())
    if NEGATES_ABROAD.search(head) and (match := REFUSES_ABROAD.search(head)):
        turn = TURN_ABROAD.search(text, match.end())
        return turn is None or len(text) - turn.end() < _ANSWER_ABROAD
    return False


def _texts(document: Any) -> Iterator[str]:
    """The texts in a JSON document, the first few of them."""
    todo, found = [document], 0
    while todo and found < _MOST_TEXTS:
        value = todo.pop()
        if isinstance(value, str):
            found += 1
            yield value
        elif isinstance(value, dict | list):
            todo.extend((list(value.values()) if isinstance(value, dict) else value)[:_MOST_TEXTS])


def _answers_after(text: str, at: int) -> bool:
    """Whether, after words of regret, an answer follows: a turn that is more than an offer or a piece of advice."""
    for turn in TURN.finditer(text, at):
        rest = text[turn.end() :]
        if offer := OFFER.match(rest):
            rest = rest[offer.end() :]
        if len(rest) < _ANSWER or KNOWS_NOTHING.match(rest):
            continue
        if len(rest) > _LONG_ADVICE or not ADVICE.match(rest):
            return True
    return False
