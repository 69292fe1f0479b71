"""In which form an answer is delivered: as text, a list, bare code, JSON, or in a code fence."""

from __future__ import annotations

import re
from enum import StrEnum

from ..equality import NO_JSON, parse_json
from ..text import remembered
from .findings import KEPT, Finding

_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})([^`\n]*)")
_ITEM = re.compile(r"[ \t]*(?:[-*+•–]|\d{1,3}[.)]|[a-zA-Z][.)])[ \t]+\S")
# White space and what is not seen: zero-width characters, joiners, the byte order mark, NUL.
_INVISIBLE = re.compile(
    r"[\s\x00-\x1f\x7f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800"
    r"\u3164\ufe00-\ufe0f\ufeff]*"
)
# A line that cannot well be prose: definitions, statements, calls, SQL, tags, a brace at the end.
_CODE_LINE = re.compile(
    r"""\s*(?:
        (?:async\s+)?def\s+\w+\s*\(
      | class\s+\w+\s*[:({]
      | import\s+[\w.{*'"]\S*(?:\s+(?:as|from)\s+\S+)?;?$
      | from\s+[\w.]+\s+import\s.*
      | (?:if|elif|else\ if|while|with|for|switch|except|catch)\b.*[()=<>\[\].'"_].*[:{]$
      | (?:if|elif|while)\s+(?:not\s+)?\w+:$ | for\s+\w.*\sin\s.*:$ | (?:else|try|finally|do|except)\s*[:{]$
      | return(?:\s+-?\w+;?|\s+\S.*[()\[\]+*/%._<>=].*(?<!\.)|\s*;)?$
      | (?:const|let|var)\s+[\w{\[].*=.*
      | (?:public|private|protected|static|final|fn|func|function|struct|enum|interface|impl)\s+[\w<].*[({;]
      | \#include\s*[<"] | \#!/ | (?:package|using|namespace)\s+[\w.:]+\s*[;{]?$
      | SELECT\s.+ | FROM\s+\S+(?:\s\S+){0,2};?$ | INSERT\s+INTO\s.+ | UPDATE\s+\S+\s+SET\s.+ | DELETE\s+FROM\s.+
      | (?:CREATE|ALTER|DROP)\s+TABLE\s.+ | WHERE\s.+ | (?:GROUP|ORDER)\s+BY\s.+ | (?:LEFT\s|INNER\s)?JOIN\s.+
      | [\w.]+\([^()]*(?:\([^()]*\)[^()]*)*\)(?:\.\w+\([^()]*(?:\([^()]*\)[^()]*)*\))*[;:]?$
      | (?![-*•]\s).*[=()\[\]{}"'].*;$ | (?![-*•]\s).*(?:\{|[;)]\s*\})$ | [\])}]+[,;]?$
      | </?[a-zA-Z!][^<>]*>(?:.*>)?$
    )""",
    re.VERBOSE,
)
# Worked sums read so too: code only beside other code.
_ASSIGNMENT = re.compile(
    r"\s*[\w.]+(?:, ?[\w.]+){0,5}(?:\[[^\]]{0,40}\])?(?:: ?[\w\[\], .|]+)?\s?(?:[-+*/%|&^:]|//|\*\*)?= ?[^\s=]"
)
# Comments and docstrings say nothing of their own: Markdown's headings look the same.
_COMMENT = re.compile(r"\s*(?:#+\s|//|/\*|\*/|\*\s|--\s|:\w+[^:]*:|@\w+)|\s*(?:\"{3}|'{3})")
_LONGEST_CODE_LINE = 300
_CODE_SHARE = 0.5
_MOST_LINES = 200


class Kind(StrEnum):
    """The forms; the value is what a person reads."""

    EMPTY = "nothing"
    TEXT = "text"
    LIST = "list"
    MIXED = "text with a code block"
    CODE = "bare code"
    FENCED = "code fence"
    UNCLOSED = "code fence without its end"
    JSON = "JSON"


# What models do by themselves from one call to the next: no break in the form.
_NEAR = (
    frozenset({Kind.TEXT, Kind.LIST, Kind.MIXED}),
    frozenset({Kind.FENCED, Kind.MIXED}),
)


def output_kind(output: str, baseline: str) -> Finding:
    """1 for the same kind; 0.5 between text, list and text with a code block, and between the latter and a fence."""
    now, before = kind(output), kind(baseline)
    if now is before:
        return KEPT
    value = 0.5 if any({now, before} <= near for near in _NEAR) else 0.0
    return Finding(value, f"{before} -> {now}")


def blank(text: str) -> bool:
    """Whether there is nothing to see in a text."""
    return _INVISIBLE.fullmatch(text) is not None


@remembered(256)
def kind(text: str) -> Kind:
    """The form of a text. A fence is an answer's form only where nothing stands around it."""
    if blank(text):
        return Kind.EMPTY
    if parse_json(text) is not NO_JSON:
        return Kind.JSON
    if ("```" in text or "~~~" in text) and (fences := _fences(text)):
        return fences
    lines = [line for line in text.split("\n") if not blank(line)]
    if _is_code(lines[:_MOST_LINES]):
        return Kind.CODE
    items = sum(_ITEM.match(line) is not None for line in lines)
    return Kind.LIST if items >= 2 and items >= len(lines) / 2 else Kind.TEXT


def in_fence(text: str) -> str | None:
    """What stands in the one code fence around a whole text; None where there is no such fence."""
    lines = text.strip().split("\n")
    first = _FENCE.fullmatch(lines[0].rstrip())
    if first is None or len(lines) < 2:
        return None
    last = lines[-1].rstrip()
    return "\n".join([*lines[1:-1], last.removesuffix(first[1])]) if last.endswith(first[1]) else None


def _fences(text: str) -> Kind | None:
    """Read line by line as Markdown does, but that a fence may also close at the end of a line of code."""
    opened = ""
    blocks, outside = 0, False
    for line in text.split("\n"):
        if opened:
            if line.rstrip().endswith(opened):
                opened = ""
            continue
        match = _FENCE.match(line)
        if match is None or (match.end() < len(line.rstrip()) and not line.rstrip().endswith(match[1])):
            outside = outside or not blank(line)
            continue
        blocks += 1
        opened = "" if match.end() < len(line.rstrip()) else match[1]
    if opened:
        return Kind.UNCLOSED
    if not blocks:
        return None
    return Kind.MIXED if outside else Kind.FENCED


def _is_code(lines: list[str]) -> bool:
    """Whether more than half of the lines that are no comments cannot well be prose."""
    telling = [line.rstrip() for line in lines if len(line) <= _LONGEST_CODE_LINE and not _COMMENT.match(line)]
    prose = sum(len(line) > _LONGEST_CODE_LINE for line in lines)
    code = sum(_CODE_LINE.match(line) is not None for line in telling)
    if not code:
        return False
    sums = sum(_ASSIGNMENT.match(line) is not None and _CODE_LINE.match(line) is None for line in telling)
    return code + sums > (len(telling) + prose) * _CODE_SHARE
