"""What a prompt asks of a triage: the fields, their values, the rules and the form of the answer.

=================  ==================================================================================
demand             understood from, for example
=================  ==================================================================================
a field            ``- order: the order number``, ``1. order - ...``, ``"order": "..."`` on a line
allowed values     "one of low, normal, high", "billing (invoices, refunds), delivery", "low | high",
                   or a list of values indented below the field
a rule             "priority is high if the customer is hurt, low if nothing is broken"
unknown values     "use null for what the ticket does not say"; "unknown" is written if nothing is said
bare JSON          "JSON only", "nothing else"; otherwise a lead-in and a fenced code block
one line           "on one line", "compact"; otherwise indented
an explanation     "explain your choice first", "give a reason"
a friendly word    "be friendly", "thank the customer"
=================  ==================================================================================

What kind of value a field takes (a choice, yes or no, a number, a reference, a language, free text) is told
by its description, not by its name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .reading import is_negated, split_clauses

_FIELD = re.compile(
    r"^\s*(?:(?:[-*•]|\d+[.)])\s*[`\"'*]{0,2}(?P<listed>[a-z]\w*)[`\"'*]{0,2}\s*(?::|\s[–—-]\s)"
    r"|\"(?P<quoted>[a-z]\w*)\"\s*:)\s*(?P<description>.*\S)\s*$",
    re.IGNORECASE,
)
_SUB_ITEM = re.compile(r"^\s{2,}[-*•]\s*[`\"']?(?P<value>[\w -]+?)[`\"']?\s*(?:[:–—(-]\s*(?P<gloss>.+?)\)?)?\s*$")
_NEW_LINE = re.compile(r"^\s*(?:[-*•]|\d+[.)]|\"\w+\"\s*:)|^\S")
_RULE = re.compile(
    r"^[\s\-*•]*(?:set\s+)?(?:the\s+)?[`\"']?(?P<field>\w+)[`\"']?\s+(?:is|to|=|should be|must be|becomes)\s+"
    r"[`\"']?(?P<value>[\w-]+)[`\"']?\s+(?:if|when|whenever|where|for)\s+(?P<conditions>.+)$",
    re.IGNORECASE,
)
_NEXT_CASE = re.compile(r",\s*(?:and\s+|but\s+)?(?P<value>[\w-]+)\s+(?:if|when|for)\s+", re.IGNORECASE)
_CHOICE = re.compile(r"^(?:exactly\s+)?(?:either|(?:any\s+)?one of(?: the following)?:?)\s*", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*(?:,\s*(?:or\s+)?|\s\|\s|\sor\s|/)\s*(?![^()]*\))")
_VALUE = re.compile(r"^[`\"'“]?(?P<value>[\w-]+(?:\s[\w-]+)?)[`\"'”]?\s*(?:\((?P<gloss>[^()]*)\))?$")
_UNKNOWN = re.compile(
    r"\b(?:use|write|put|give|set|return)\b[^.]{0,20}?(?P<value>null|none|\"[^\"]*\"|'[^']*')(?=\s|$)"
    r"|\bor (?P<inline>null)\b",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"\b(?:json|object)\b.*\bonly\b|\bonly\b.*\b(?:json|object)\b|\bnothing (?:else|but)\b"
    r"|\b(?:no|without)(?: any)?(?: \w+)? (?:text|prose|explanations?|comments?|commentary)\b",
    re.IGNORECASE,
)
_ONE_LINE = re.compile(r"\b(?:on|in) (?:one|a single) line\b|\bsingle-line\b|\bcompact\b|\bminified\b", re.I)
_EXPLAIN = re.compile(r"\b(?:explain|explanation|reason(?:ing)?|rationale|justify)\b", re.IGNORECASE)
_FRIENDLY = re.compile(r"\b(?:friendly|thank the customer|greet|warm)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Value:
    """An allowed value, with what the prompt says it means."""

    name: str
    gloss: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the JSON object; ``values`` is empty unless the prompt lists them."""

    name: str
    description: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """``field`` takes ``value`` if one of the conditions holds."""

    field: str
    value: str
    conditions: str


@dataclass(frozen=True, slots=True)
class TriageBrief:
    """The demands of one prompt."""

    fields: tuple[Field, ...]
    rules: tuple[Rule, ...] = ()
    unknown: str | None = "unknown"
    bare: bool = False
    one_line: bool = False
    explain: bool = False
    friendly: bool = False


@dataclass(slots=True)
class _Draft:
    """A field while its lines are being read."""

    name: str
    description: str
    indent: int
    values: list[Value] = field(default_factory=list)


def read_brief(instructions: str) -> TriageBrief:
    """Read the demands out of the instructions of a prompt.

    >>> fields = "- mood: either calm or angry\\n- order: the order number\\n"
    >>> brief = read_brief(fields + "Use null if unknown. JSON only.")
    >>> [(field.name, [value.name for value in field.values]) for field in brief.fields]
    [('mood', ['calm', 'angry']), ('order', [])]
    >>> brief.unknown, brief.bare, brief.one_line
    (None, True, False)
    """
    drafts: list[_Draft] = []
    rules: list[Rule] = []
    reading_field = False
    for line in _logical_lines(instructions):
        if reading_field and _indent(line) > drafts[-1].indent and (item := _SUB_ITEM.match(line)):
            drafts[-1].values.append(Value(item["value"], item["gloss"] or ""))
        elif match := _FIELD.match(line):
            name = (match["listed"] or match["quoted"]).lower()
            drafts.append(_Draft(name, match["description"].rstrip(","), _indent(line)))
            reading_field = True
        elif line.strip():
            reading_field = False
            if match := _RULE.match(line):
                rules.extend(_rules(match["field"].lower(), match["value"].lower(), match["conditions"].rstrip(".")))
    clauses = split_clauses(instructions)
    return TriageBrief(
        fields=tuple(_field(draft) for draft in drafts),
        rules=tuple(rules),
        unknown=_unknown(instructions),
        bare=any(_BARE.search(clause) for clause in clauses),
        one_line=any(_ONE_LINE.search(clause) for clause in clauses),
        explain=_wants(_EXPLAIN, clauses),
        friendly=_wants(_FRIENDLY, clauses),
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _logical_lines(text: str) -> list[str]:
    """The lines, each with the indented lines that continue it."""
    lines: list[str] = []
    for raw in text.splitlines():
        if raw.strip() and lines and lines[-1] and not _NEW_LINE.match(raw):
            lines[-1] += f" {raw.strip()}"
        else:
            lines.append(raw.rstrip())
    return lines


def _rules(field_name: str, value: str, conditions: str) -> list[Rule]:
    """The rules of one line: "high if ..., low if ..." are two."""
    conditions = re.split(r"\.(?:\s|$)", conditions, maxsplit=1)[0]
    rules = []
    while match := _NEXT_CASE.search(conditions):
        rules.append(Rule(field_name, value, conditions[: match.start()]))
        value, conditions = match["value"], conditions[match.end() :]
    return [*rules, Rule(field_name, value, conditions)]


def _field(draft: _Draft) -> Field:
    values = draft.values or _listed_values(draft.description)
    return Field(draft.name, draft.description, tuple(values))


def _listed_values(description: str) -> list[Value]:
    """The values that a description lists; none if it describes the value in words."""
    listing = _CHOICE.sub("", description.strip().rstrip("."))
    if listing == description.strip().rstrip(".") and not re.search(r",| \| | or |/", listing):
        return []
    matches = [_VALUE.match(part.strip()) for part in _SEPARATOR.split(listing) if part.strip()]
    values = [Value(match["value"], match["gloss"] or "") for match in matches if match]
    values = [value for value in values if value.name.lower() != "null"]
    return values if len(values) >= 2 and all(matches) else []


def _unknown(instructions: str) -> str | None:
    match = _UNKNOWN.search(instructions)
    if match is None:
        return TriageBrief(()).unknown
    value = (match["value"] or match["inline"]).strip("\"'")
    return None if value.lower() in {"null", "none"} else value


def _wants(pattern: re.Pattern[str], clauses: Sequence[str]) -> bool:
    """Whether a clause asks for something, and does not forbid it."""
    return any(
        not is_negated(clause, match.start()) for clause in clauses if (match := pattern.search(clause)) is not None
    )
