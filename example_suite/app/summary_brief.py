"""What a prompt asks of a summary: the instructions that the summarizer understands.

====================  ===========================================================================
demand                understood from, for example
====================  ===========================================================================
number of sentences   "at most two sentences", "one short sentence", "2-3 sentences"; else three
number of words       "under 40 words", "no more than 80 words"
bullet list           "three bullet points", "as a bulleted list"; else one paragraph
keep facts            "keep the numbers and names", "preserve every figure and date"
avoid facts           "leave out the figures"
plain language        "plain words", "everyday language", "no jargon"
brevity               "be concise", "short sentence", "brief"; two sentences if no number is given
no quotations         "do not quote", "leave out direct speech"
no asides             "leave out remarks in brackets", "drop asides"
opening               'start with "In short:"'
focus                 "focus on the next steps"
order                 "most important first"; else in the order of the text
====================  ===========================================================================

Every other instruction is ignored. An extractive summary is always in the language of its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .reading import is_negated, upper_bounds

DEFAULT_SENTENCES = 3
DEFAULT_SENTENCES_IF_BRIEF = 2

# Subjects that a clause can ask for or forbid, and subjects that it only mentions in order to ask for them.
_FACTS = re.compile(
    r"\b(?:numbers?|figures?|dates?|names?|amounts?|quantit\w+|statistics|facts?|deadlines?)\b", re.IGNORECASE
)
_QUOTES = re.compile(r"\b(?:quot\w+|direct speech)\b", re.IGNORECASE)
_ASIDES = re.compile(r"\b(?:asides?|brackets?|parenthe\w+)\b", re.IGNORECASE)
_BULLETS = re.compile(r"\b(?:bullet\w*|(?:as a|numbered|itemi[sz]ed) list)\b", re.IGNORECASE)
_PLAIN = re.compile(
    r"\b(?:plain|simple|everyday|easy|non-technical)\s+(?:words?|language|terms|english|wording)\b"
    r"|\b(?:no|without|avoid) jargon\b|\blay(?:man|person| reader)|\beasy to read\b",
    re.IGNORECASE,
)
_BRIEF = re.compile(r"\b(?:concise\w*|brief\w*|terse|crisp|succinct\w*|short(?:er)?)\b", re.IGNORECASE)
_RANKED = re.compile(r"\b(?:most important|key) (?:\w+ )?first\b|\border of importance\b", re.IGNORECASE)

_OPENING = re.compile(
    r"\b(?:start|begin|open)\w*\b[^\"“'`]*\bwith\b[^\"“'`]*[\"“'`](?P<opening>[^\"”'`]+)[\"”'`]",
    re.IGNORECASE,
)
_FOCUS = re.compile(
    r"\b(?:focus(?:ing)? on|concentrat\w+ on|emphasi[sz]e|pay attention to|highlight)\s+(?P<focus>.+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SummaryBrief:
    """The demands of one prompt."""

    max_sentences: int = DEFAULT_SENTENCES
    max_words: int | None = None
    bullets: bool = False
    keep_facts: bool = False
    avoid_facts: bool = False
    plain: bool = False
    brief: bool = False
    skip_quotes: bool = False
    drop_asides: bool = False
    ranked: bool = False
    opening: str = ""
    focus: str = ""


def read_brief(clauses: Iterable[str]) -> SummaryBrief:
    """Read the demands out of the clauses of a prompt.

    >>> brief = read_brief(["Up to two sentences, under 40 words.", "Do not quote anybody.", "No bullets."])
    >>> brief.max_sentences, brief.max_words, brief.skip_quotes, brief.bullets
    (2, 39, True, False)
    """
    bounds: dict[str, int] = {}
    wanted: dict[str, bool] = {}
    opening = focus = ""
    for clause in clauses:
        if match := _OPENING.search(clause):
            opening = match["opening"].strip()
            continue  # what is in quotes is to be written, not to be obeyed
        if match := _FOCUS.search(clause):
            focus = match["focus"].strip(" .")
        for unit, bound in upper_bounds(clause).items():
            bounds[unit] = min(bound, bounds.get(unit, bound))
        wanted |= _subjects(clause)
    brief = wanted.get("brief", False)
    default = DEFAULT_SENTENCES_IF_BRIEF if brief else DEFAULT_SENTENCES
    limits = [bounds[unit] for unit in ("sentences", "bullets") if unit in bounds]
    return SummaryBrief(
        max_sentences=min(limits, default=default),
        max_words=bounds.get("words"),
        bullets=wanted.get("bullets", False),
        keep_facts=wanted.get("facts", False),
        avoid_facts=not wanted.get("facts", True),
        plain=wanted.get("plain", False),
        brief=brief,
        skip_quotes=not wanted.get("quotes", True),
        drop_asides=not wanted.get("asides", True),
        ranked=wanted.get("ranked", False),
        opening=opening,
        focus=focus,
    )


def _subjects(clause: str) -> dict[str, bool]:
    """The subjects that a clause is about, and whether it asks for them or forbids them."""
    subjects = {}
    for subject, pattern in (
        ("facts", _FACTS),
        ("quotes", _QUOTES),
        ("asides", _ASIDES),
        ("bullets", _BULLETS),
    ):
        if match := pattern.search(clause):
            subjects[subject] = not is_negated(clause, match.start())
    for subject, pattern in (("plain", _PLAIN), ("brief", _BRIEF), ("ranked", _RANKED)):
        if pattern.search(clause):
            subjects[subject] = True
    return subjects
