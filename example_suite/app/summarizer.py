"""An extractive summarizer that does what its prompt says: a rule-based stand-in for a language model.

The text stands between tags in the prompt (``<article>``, or any other name), optionally with a ``<title>``;
the rest of the prompt is read as instructions (``app.summary_brief`` lists those that are understood).
Sentences are ranked by how close their embeddings are to all the others and to the title, instructions push
the ranking one way or the other, and the best sentences that fit the limits are returned word for word. At a
temperature above 0 they are a sample, and so are some of the words (``app.sampling``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .embeddings import embed
from .reading import read_prompt
from .sampling import DETERMINISTIC, Sampler
from .sentences import count_words, join_sentences, split_sentences
from .summary_brief import SummaryBrief, read_brief

# What an instruction or a habit weighs against centrality, which lies between 0 and 1.
_LEAD = 0.12  # news puts the point first
_TITLE = 0.25
_FOCUS = 0.35
_FACT, _MAX_FACTS = 0.04, 4
_HARD_WORD, _MAX_HARD_WORDS = 0.10, 6
_LONG_SENTENCE, _PER_WORD = 12, 0.01
_QUOTATION = 1.0
_FRAGMENT, _FRAGMENT_WORDS = 0.3, 5
_REPETITION = 0.5
_UNWANTED = -0.2  # a sentence that scores less is taken only where there is no other

_QUOTED = re.compile(r"[\"“„«「『][^\"”“»」』]{12,}[\"”“»」』]")
_ASIDE = re.compile(r"\s*(?:\([^()]*\)|\[[^\[\]]*\]|（[^（）]*）)")
_NAME = re.compile(r"(?<=[\w,;] )[A-ZÀ-Þ][a-zß-ÿ][\w’'-]*")
_HARD_TOKEN = re.compile(r"\S*(?:\d|[A-Z]{2,}|[_/@<>=]|\w{14,})\S*")
_GREETING = re.compile(r"^(?:hi|hello|dear|thanks|thank you|regards|cheers|best|ps|p\.s)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence with its place in the text and its score."""

    position: int
    text: str
    score: float


def summarize(prompt: str, temperature: float = 0.0) -> str:
    """The summary that a prompt asks for; empty if the prompt has no text to summarize."""
    parts = read_prompt(prompt)
    title = parts.material.get("title", "")
    bodies = [body for tag, body in parts.material.items() if tag != "title"]
    if not bodies:
        return ""
    return summarize_text(bodies[0], read_brief(parts.clauses), title=title, sampler=Sampler(temperature))


def summarize_text(text: str, brief: SummaryBrief, *, title: str = "", sampler: Sampler = DETERMINISTIC) -> str:
    """Summarize a text as briefed."""
    sentences = split_sentences(text)
    if not sentences:
        return ""
    ranked = _rank(sentences, brief, title, sampler)
    lines = [sampler.reworded(sentence.text) for sentence in _choose(ranked, brief)]
    if brief.bullets:
        return "\n".join([brief.opening] * bool(brief.opening) + [f"- {line}" for line in lines])
    return join_sentences([brief.opening] * bool(brief.opening) + lines)


def _rank(sentences: Sequence[str], brief: SummaryBrief, title: str, sampler: Sampler) -> list[_Sentence]:
    """The sentences with their scores, best first.

    Scores are rounded, and the earlier sentence wins a tie, so that noise in the last digits of an embedding
    cannot change a summary.
    """
    vectors = embed(tuple(sentences))
    likeness = vectors @ vectors.T
    others = max(len(sentences) - 1, 1)
    scores = []
    for position, sentence in enumerate(sentences):
        score = (float(likeness[position].sum()) - 1.0) / others + _LEAD / (1 + position)
        if title:
            score += _TITLE * float(vectors[position] @ embed((title,))[0])
        if brief.focus:
            score += _FOCUS * float(vectors[position] @ embed((brief.focus,))[0])
        scores.append(score + _instructed(sentence, brief))
    scored = []
    for position, (sentence, score) in enumerate(zip(sentences, sampler.shaken(scores), strict=True)):
        text = _ASIDE.sub("", sentence).strip() if brief.drop_asides else sentence
        scored.append(_Sentence(position, text or sentence, round(score, 4)))
    return _without_repetition(scored, likeness.tolist())


def _instructed(sentence: str, brief: SummaryBrief) -> float:
    """What the instructions add to a sentence's score, or take from it."""
    words = count_words(sentence)
    score = 0.0
    if words <= _FRAGMENT_WORDS or _GREETING.match(sentence):
        score -= _FRAGMENT
    if brief.keep_facts:
        score += _FACT * min(_count_facts(sentence), _MAX_FACTS)
    if brief.avoid_facts:
        score -= _HARD_WORD * min(_count_facts(sentence), _MAX_HARD_WORDS)
    if brief.plain:
        score -= _HARD_WORD * min(len(_HARD_TOKEN.findall(sentence)), _MAX_HARD_WORDS)
    if brief.brief:
        score -= _PER_WORD * max(words - _LONG_SENTENCE, 0)
    if brief.skip_quotes and _QUOTED.search(sentence):
        score -= _QUOTATION
    return score


def _count_facts(sentence: str) -> int:
    numbers = sum(any(character.isdigit() for character in token) for token in sentence.split())
    return numbers + len(_NAME.findall(sentence))


def _without_repetition(scored: Sequence[_Sentence], likeness: Sequence[Sequence[float]]) -> list[_Sentence]:
    """The sentences, best first, each one's score less what a better one has already said."""
    remaining, ordered = list(scored), list[_Sentence]()

    def worth(candidate: _Sentence) -> tuple[float, int]:
        said = max((likeness[candidate.position][better.position] for better in ordered), default=0.0)
        return round(candidate.score - _REPETITION * max(said - 0.5, 0.0), 4), -candidate.position

    while remaining:
        best = max(remaining, key=worth)
        remaining.remove(best)
        ordered.append(best)
    return ordered


def _choose(ranked: Sequence[_Sentence], brief: SummaryBrief) -> list[_Sentence]:
    """The best sentences that fit the limits; if not even one does, the best one, cut."""
    chosen: list[_Sentence] = []
    words_left = brief.max_words
    for candidate in ranked:
        if len(chosen) == brief.max_sentences or (chosen and candidate.score < _UNWANTED):
            break
        words = count_words(candidate.text)
        if words_left is not None:
            if words > words_left:
                continue
            words_left -= words
        chosen.append(candidate)
    if not chosen:
        best = ranked[0]
        return [_Sentence(best.position, _cut(best.text, brief.max_words or 0), best.score)]
    return chosen if brief.ranked else sorted(chosen, key=lambda sentence: sentence.position)


def _cut(text: str, max_words: int) -> str:
    """The beginning of a text that is too long, at the end of a word where words have ends."""
    words = text.split()
    if len(words) == 1:
        return f"{text[: 2 * max_words]}…"
    while len(words) > 1 and count_words(" ".join(words)) > max_words:
        words.pop()
    return f"{' '.join(words).rstrip(',;:')} …"
