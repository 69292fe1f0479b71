"""Ticket triage that does what its prompt says: a rule-based stand-in for a language model.

The system message is read for fields, allowed values and rules (``app.triage_brief``), the last user message
is the ticket. Choices are made by what the words of the prompt mean (``app.lexicon``) and by how close the
embeddings of ticket and value are; references, amounts and languages are found by patterns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from .embeddings import similarity
from .languages import NAMES, detect_language
from .lexicon import BY_NAME, concepts_in
from .sentences import split_sentences
from .summarizer import summarize_text
from .summary_brief import read_brief as read_summary_brief
from .triage_brief import Field, Rule, TriageBrief, Value, read_brief

Answer = str | int | float | bool | None

_OTHER = re.compile(r"^(?:other|misc\w*|general|none of these)$", re.IGNORECASE)
_OTHER_SCORE = 0.45  # what "other" has to be beaten by
_ALIKE = 0.5  # a condition that names no known concept holds if a sentence is as close as this
_SEVERE = ("injury", "security", "legal", "work")
_SERIOUS = ("defect", "billing", "security", "injury", "legal", "deadline")
_REQUESTS = ("delivery", "return", "account")  # praised as often as asked for, but no mere question
_LOW_WORDS = re.compile(r"^(?:low|minor|p[34])$", re.IGNORECASE)
_HIGH_WORDS = re.compile(r"^(?:high|urgent|critical|p1)$", re.IGNORECASE)

_BOOLEAN = re.compile(r"\b(?:true|yes)\s+(?:if|when)\s+(?P<conditions>[^,.;]+)|\bwhether\s+(?P<whether>[^,.;]+)", re.I)
_REFERENCE = re.compile(
    r"\b(?:order|invoice|serial|tracking|reference|booking|customer)\b.*\b(?:number|no|id|code)\b", re.I
)
_EXAMPLE = re.compile(r"\b(?:for example|e\.g\.,?|such as|like)\s+[`\"']?(?P<example>[\w#/-]*\d[\w/-]*)", re.I)
_ANY_REFERENCE = re.compile(r"\b[A-Za-z]{1,4}-?\d{4,}\b|#\d{4,}")
_MONEY_FIELD = re.compile(r"\b(?:amount|sum|money|price|cost)\b", re.IGNORECASE)
_CURRENCY = r"(?:€|\$|£|¥|zł|EUR|USD|GBP|CHF|BRL|R\$|SAR|euros?|dollars?|pounds?|reais|元|円|ريال)"
_FIGURE = r"(?P<{name}>\d{{1,3}}(?:[.,’ ]\d{{3}})+(?:[.,]\d{{1,2}})?|\d+(?:[.,]\d{{1,2}})?)"
_MONEY = re.compile(
    rf"{_CURRENCY}\s?{_FIGURE.format(name='after')}(?!\d)|{_FIGURE.format(name='before')}\s?{_CURRENCY}",
    re.IGNORECASE,
)
_LANGUAGE_FIELD = re.compile(r"\blanguage\b", re.IGNORECASE)
_CODE = re.compile(r"\b(?:code|ISO|two-letter|two letters)\b", re.IGNORECASE)
_HEADER = re.compile(r"^(?:channel|received|customer since|ticket)\b[^:\n]*:.*$", re.IGNORECASE | re.MULTILINE)
_LABEL = re.compile(r"^(?:subject|message|body):[ \t]*", re.IGNORECASE | re.MULTILINE)


def triage(messages: Sequence[Mapping[str, str]]) -> str:
    """The JSON that the system message asks for, about the ticket in the last user message."""
    instructions = "\n".join(message["content"] for message in messages if message["role"] != "user")
    tickets = [message["content"] for message in messages if message["role"] == "user"]
    brief = read_brief(instructions)
    ticket = _LABEL.sub("", _HEADER.sub("", tickets[-1] if tickets else "")).strip()
    return _formatted({field.name: _answer(field, ticket, brief) for field in brief.fields}, brief)


def _answer(field: Field, ticket: str, brief: TriageBrief) -> Answer:
    """The value of one field."""
    found: Answer
    if field.values:
        return _choice(field, ticket, brief)
    if match := _BOOLEAN.search(field.description):
        return _holds(match["conditions"] or match["whether"], ticket)
    if _LANGUAGE_FIELD.search(field.description):
        code = detect_language(ticket)
        found = code if code is None or _CODE.search(field.description) else NAMES[code]
    elif _REFERENCE.search(field.description):
        found = _reference(field.description, ticket)
    elif _MONEY_FIELD.search(field.description):
        found = _amount(ticket)
    elif re.search(r"\b(?:summar\w+|sentence|words|in short|describ\w+)\b", field.description, re.IGNORECASE):
        found = summarize_text(ticket, read_summary_brief([field.description])) or None
    else:
        found = None
    return brief.unknown if found is None else found


def _choice(field: Field, ticket: str, brief: TriageBrief) -> str:
    """One of the allowed values: by the prompt's rules, as a degree, or by meaning."""
    rules = [rule for rule in brief.rules if rule.field == field.name]
    for rule in rules:
        if _holds(rule.conditions, ticket):
            spelled = (value.name for value in field.values if value.name.lower() == rule.value.lower())
            return next(spelled, rule.value)
    degrees = [value.name for value in field.values if _LOW_WORDS.match(value.name) or _HIGH_WORDS.match(value.name)]
    if degrees:
        return _degree(field.values, ticket, rules)
    return _closest(field.values, ticket)


def _degree(values: Sequence[Value], ticket: str, rules: Sequence[Rule]) -> str:
    """A degree such as a priority: the middle one, unless there are no rules and common sense says more."""
    if not rules:
        low = next((value.name for value in values if _LOW_WORDS.match(value.name)), None)
        high = next((value.name for value in values if _HIGH_WORDS.match(value.name)), None)
        if high and any(BY_NAME[name].strength(ticket) for name in _SEVERE):
            return high
        if low and _is_harmless(ticket):
            return low
    return values[len(values) // 2].name


def _closest(values: Sequence[Value], ticket: str) -> str:
    """The value that a ticket is most about."""

    def score(value: Value) -> float:
        if _OTHER.match(value.name):
            return _OTHER_SCORE
        meaning = f"{value.name} {value.gloss}".strip()
        known = sum(concept.strength(ticket) for concept in concepts_in(meaning))
        return round(known + similarity(ticket, meaning), 4)

    return max(values, key=score).name


def _holds(conditions: str, ticket: str) -> bool:
    """Whether one of the conditions, separated by commas and "or", is true of a ticket."""
    for condition in re.split(r",|;|\bor\b", conditions):
        concepts = concepts_in(condition)
        if "only" in condition or "just" in condition:
            if concepts and _is_harmless(ticket):
                return True
        elif concepts:
            if any(concept.strength(ticket) for concept in concepts):
                return True
        elif condition.strip() and _is_alike(condition, ticket):
            return True
    return False


def _is_harmless(ticket: str) -> bool:
    """Whether a ticket only asks or only praises."""

    def about(*names: str) -> bool:
        return any(BY_NAME[name].strength(ticket) for name in names)

    if about(*_SERIOUS):
        return False
    return about("praise") or (about("question") and not about(*_REQUESTS))


def _is_alike(condition: str, ticket: str) -> bool:
    return any(similarity(condition.strip(), sentence) >= _ALIKE for sentence in split_sentences(ticket))


def _reference(description: str, ticket: str) -> str | None:
    """A reference in the form of the prompt's example, however the customer wrote it; or anything alike."""
    example = _EXAMPLE.search(description)
    if example is None:
        match = _ANY_REFERENCE.search(ticket)
        return match.group() if match else None
    parts = re.findall(r"[A-Za-z]+|\d+|[^A-Za-z\d]+", example["example"])
    pattern = "".join(
        rf"([A-Za-z]{{{len(part)}}})" if part.isalpha() else rf"(\d{{{len(part)}}})" if part.isdigit() else r"[-\s/#]?"
        for part in parts
    )
    match = re.search(rf"(?<![A-Za-z\d]){pattern}(?!\d)", ticket)
    if match is None:
        return None
    groups = iter(match.groups())
    return "".join(next(groups).upper() if part.isalnum() else part for part in parts)


def _amount(ticket: str) -> int | float | None:
    """The first sum of money in a ticket."""
    match = _MONEY.search(ticket)
    if match is None:
        return None
    figure = re.sub(r"[’ ]", "", match["after"] or match["before"])
    decimal = re.search(r"[.,](\d{1,2})$", figure)
    whole = re.sub(r"[.,]", "", figure[: decimal.start()] if decimal else figure)
    amount = float(f"{whole}.{decimal[1]}") if decimal else float(whole)
    return int(amount) if amount.is_integer() else amount


def _formatted(answer: dict[str, Answer], brief: TriageBrief) -> str:
    """The answer in the form that the prompt asks for; if nobody asks for bare JSON, a model talks."""
    body = json.dumps(answer, ensure_ascii=False, indent=None if brief.one_line else 2)
    said = []
    if brief.friendly:
        said.append("Thank you for your message, I am happy to help!")
    if brief.explain:
        facts = ", ".join(f"{name} is {json.dumps(value, ensure_ascii=False)}" for name, value in answer.items())
        said.append(f"Judging by what the customer writes, {facts}.")
    if brief.bare:
        return "\n\n".join([*said, body])
    return "\n\n".join([*said, "Here is the triage of the ticket:", f"```json\n{body}\n```"])
