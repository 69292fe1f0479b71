"""Untrusted text made safe for a screen and for Markdown.

Model output may hold anything: escape sequences that rewrite a terminal, marks that turn the reading direction, lines
that a CI runner takes for its own commands.
"""

from __future__ import annotations

import re
import unicodedata

# Everything that moves a cursor, hides, or reorders: C0 and C1 controls, line and paragraph separators, bidirectional
# controls and isolates, zero-width and invisible characters, surrogates, tags. Joiners stay: scripts need them.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
GUTTER = "| "
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&:$@])")
_COMMANDS = ("::", "##[", "##vso[")  # of GitHub's and Azure's runners, which obey them behind spaces as well
_COMMAND = re.compile(rf"^([^\S\n]*)(?={'|'.join(map(re.escape, _COMMANDS))})", re.MULTILINE)


def visible(text: str) -> str:
    """``text`` with unsafe characters written out (``\\x1b``); line ends and tabs stay."""
    return _UNSAFE.sub(lambda match: _written_out(match.group()), text)


def one_line(text: str, limit: int | None = None) -> str:
    """``text`` on one line, white space folded, cut to ``limit`` characters with ``...``; no CI runner's command."""
    folded = obeyed_by_none(visible(" ".join(text.split())))
    return folded if limit is None or len(folded) <= limit else folded[: max(limit - 3, 0)].rstrip() + "..."


def obeyed_by_none(text: str) -> str:
    """``text`` with a backslash before each line that a CI runner would take for a command of its own."""
    if not any(command in text for command in _COMMANDS):
        return text
    return _COMMAND.sub(r"\1\\", text)


def quoted(text: str) -> list[str]:
    """The lines of ``text`` behind a gutter, so that none can begin with what a CI runner obeys (``::error``)."""
    return [f"{GUTTER}{line}".rstrip() for line in visible(text).split("\n")]


def escaped(text: str, limit: int = 300) -> str:
    """``text`` on one line, as Markdown that shows what it says: no markup, HTML, mention or table cell of its own."""
    return _MARKUP.sub(r"\\\1", one_line(text, limit)).replace("\\<", "&lt;").replace("\\&", "&amp;")


def fenced(text: str, language: str = "") -> str:
    """``text`` as a code block of Markdown that nothing in it can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text)}\n{fence}\n"


def width(text: str) -> int:
    """Columns that ``text`` takes in a terminal."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
