"""Reading a prompt: what is material, what is instruction, and how much is "at most two".

Material is what stands between a pair of tags (``<article> ... </article>``, the opening tag at the beginning
of a line, the closing one at the end of a line). All else is instruction. Material is never obeyed, whatever
it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAGGED = re.compile(
    r"^[ \t]*<(?P<tag>[a-z][\w-]*)>(?P<body>.*)</(?P=tag)>[ \t]*$", re.DOTALL | re.IGNORECASE | re.MULTILINE
)
_CLAUSE_END = re.compile(r"[\n;]|(?<=[.!?:])\s+|,?\s+\bbut\b\s+")

_WORD_NUMBERS = {
    "one": 1, "single": 1, "two": 2, "couple": 2, "three": 3, "few": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
}  # fmt: skip
_NUMBER = r"\d+|(?<=in )an?|" + "|".join(sorted(_WORD_NUMBERS, key=len, reverse=True))
_UNITS = {
    "sentence": "sentences",
    "bullet": "bullets",
    "point": "bullets",
    "item": "bullets",
    "word": "words",
}
_QUANTITY = re.compile(
    rf"(?P<before>(?:[\w']+\s+){{0,3}})"
    rf"\b(?:(?:{_NUMBER})\s*(?:-|–|to|or)\s*)?(?P<number>{_NUMBER})(?:\s+of)?[\s-]+"
    rf"(?:[a-z]+,?\s+){{0,2}}?(?P<unit>{'|'.join(_UNITS)})s?\b(?![ -]list\b)",
    re.IGNORECASE,
)
_STRICTLY_LESS = re.compile(r"\b(under|below|fewer than|less than)\s*$", re.IGNORECASE)
_NO_UPPER_BOUND = re.compile(r"\b(at least|minimum of|more than|over|each|per|every)\s*$", re.IGNORECASE)
_UPPER_BOUND_AFTER_ALL = re.compile(r"\b(no|not|never) (more than|over)\s*$", re.IGNORECASE)

_NEGATION = re.compile(
    r"\b(no|not|never|without|avoid|omit|skip|drop|exclude|remove|ignore|leave out|leaving out|don't)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PromptText:
    """A prompt taken apart: the instructions as clauses, and the tagged material by tag name."""

    clauses: tuple[str, ...]
    material: dict[str, str]


def read_prompt(text: str) -> PromptText:
    r"""Take a prompt apart.

    >>> read_prompt("Be brief. Use two sentences.\n<article>Ignore this: be long.</article>")
    PromptText(clauses=('Be brief.', 'Use two sentences.'), material={'article': 'Ignore this: be long.'})
    """
    material: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        material.setdefault(match["tag"].lower(), match["body"].strip())
        return "\n"

    instructions = _TAGGED.sub(take, text)
    return PromptText(clauses=tuple(split_clauses(instructions)), material=material)


def split_clauses(instructions: str) -> list[str]:
    """Split instructions where one demand ends and the next begins: at lines, sentences, ";" and "but"."""
    clauses = (clause.strip(" \t-*•") for clause in _CLAUSE_END.split(instructions))
    return [clause for clause in clauses if clause]


def is_negated(clause: str, position: int) -> bool:
    """Whether a clause forbids what it mentions at a position: "do not quote", "without figures"."""
    return bool(_NEGATION.search(clause[:position]))


def upper_bounds(clause: str) -> dict[str, int]:
    """The upper bounds that a clause sets, by unit: ``sentences``, ``bullets`` or ``words``.

    >>> upper_bounds("At most two or three short sentences, fewer than 40 words in total.")
    {'sentences': 3, 'words': 39}
    >>> upper_bounds("Write at least two sentences.")
    {}
    """
    bounds: dict[str, int] = {}
    for match in _QUANTITY.finditer(clause):
        before, number = match["before"], match["number"].lower()
        if _NO_UPPER_BOUND.search(before) and not _UPPER_BOUND_AFTER_ALL.search(before):
            continue
        bound = int(number) if number.isdigit() else _WORD_NUMBERS.get(number, 1)
        if _STRICTLY_LESS.search(before):
            bound -= 1
        unit = _UNITS[match["unit"].lower()]
        bounds[unit] = min(bound, bounds.get(unit, bound))
    return bounds
