"""Differences as HTML: self-contained, without scripts, and safe whatever the texts say.

What a prompt or a model wrote is untrusted: it is escaped, and characters that could hide or reorder it are
written out.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ..diffs import Piece, line_diff, word_diff
from .escape import visible

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --fg: #1f2328; --bg: #fff; --dim: #656d76; --line: #d0d7de;
  --del: #ffebe9; --del-word: #ffb3ad; --ins: #e6ffec; --ins-word: #9be9a8; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6edf3; --bg: #0d1117; --dim: #8d96a0; --line: #30363d;
  --del: #3c1618; --del-word: #8e2b2b; --ins: #12301c; --ins-word: #1f6f35; } }
body { margin: 1rem; color: var(--fg); background: var(--bg); font: 14px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.15rem; } h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p { margin: .25rem 0; color: var(--dim); }
p.breach { color: var(--fg); border-left: 3px solid var(--del-word); padding-left: .5rem; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; border: 1px solid var(--line); }
th { text-align: left; padding: .25rem .5rem; border-bottom: 1px solid var(--line); font-weight: 600; }
td { padding: .1rem .5rem; vertical-align: top; white-space: pre-wrap; overflow-wrap: anywhere; }
td + td, th + th { border-left: 1px solid var(--line); }
table.lines td { height: 1.5em; font-family: ui-monospace, monospace; font-size: 13px; }
td.removed { background: var(--del); } td.added { background: var(--ins); }
del, ins { text-decoration: none; } del { background: var(--del-word); } ins { background: var(--ins-word); }
"""


@dataclass(frozen=True, slots=True)
class OutputChange:
    """One case whose output differs from the accepted one.

    :param heading: what the case is called.
    :param notes: lines below the heading, such as its scores.
    :param breaches: lines for the gates that were not met, or for what went wrong.
    """

    heading: str
    old: str
    new: str
    notes: Sequence[str] = ()
    breaches: Sequence[str] = ()


def escaped(text: str) -> str:
    """``text`` as HTML that shows what it says, hidden characters included, and does nothing."""
    return html.escape(visible(text))


def words(old: str, new: str) -> tuple[str, str]:
    """Both texts as HTML, each with the words marked that only it has."""
    pieces = word_diff(old, new, context=None)
    left = "".join(_word(piece) for piece in pieces if piece.kind != "added")
    right = "".join(_word(piece) for piece in pieces if piece.kind != "removed")
    return left, right


def _word(piece: Piece) -> str:
    """The piece in its mark, which hugs the words: white space before them stays outside."""
    tag = {"removed": "del", "added": "ins"}.get(piece.kind)
    bare = piece.text.lstrip() or piece.text
    space = escaped(piece.text.removesuffix(bare))
    return f"{space}<{tag}>{escaped(bare)}</{tag}>" if tag else escaped(piece.text)


def side_by_side(old: str, new: str, old_name: str, new_name: str) -> str:
    """Two texts as a table of lines, whole, with the changed words of changed lines marked."""
    pieces = line_diff(old, new, context=old.count("\n") + 1) or [Piece("same", line) for line in old.splitlines()]
    rows: list[str] = []
    removed: list[str] = []
    added: list[str] = []
    for piece in [*pieces, Piece("same", "")]:
        if piece.kind == "removed":
            removed.append(piece.text)
        elif piece.kind == "added":
            added.append(piece.text)
        else:
            rows += _changed_rows(removed, added)
            removed, added = [], []
            rows.append(f"<tr><td>{escaped(piece.text)}</td><td>{escaped(piece.text)}</td></tr>")
    return _table("lines", old_name, new_name, rows[:-1])


def _changed_rows(removed: Sequence[str], added: Sequence[str]) -> list[str]:
    rows = []
    for before, after in zip_longest(removed, added):
        left, right = words(before or "", after or "")
        rows.append(
            (f'<tr><td class="removed">{left}</td>' if before is not None else "<tr><td></td>")
            + (f'<td class="added">{right}</td></tr>' if after is not None else "<td></td></tr>")
        )
    return rows


def _table(kind: str, old_name: str, new_name: str, rows: Iterable[str]) -> str:
    head = f"<tr><th>{escaped(old_name)}</th><th>{escaped(new_name)}</th></tr>"
    return f'<table class="{kind}"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def side_by_side_page(old: str, new: str, old_name: str, new_name: str, title: str) -> str:
    """A page with two texts side by side, the old one on the left."""
    same = "<p>Both are the same.</p>" if old == new else ""
    return page(title, same + side_by_side(old, new, old_name, new_name))


def outputs_page(changes: Iterable[OutputChange], old_name: str, new_name: str, title: str, note: str = "") -> str:
    """A page with one pair of outputs for each case, in the order given.

    :param note: a line below the title, such as how many were left out.
    """
    parts = [f"<p>{escaped(note)}</p>"] if note else []
    for change in changes:
        left, right = words(change.old, change.new)
        parts.append(f"<h2>{escaped(change.heading)}</h2>")
        parts += [f'<p class="breach">{escaped(line)}</p>' for line in change.breaches]
        parts += [f"<p>{escaped(line)}</p>" for line in change.notes]
        parts.append(_table("words", old_name, new_name, [f"<tr><td>{left}</td><td>{right}</td></tr>"]))
    return page(title, "".join(parts))


def page(title: str, body: str) -> str:
    """A whole page around ``body``, which is HTML already; it may load nothing and run nothing."""
    heading = escaped(title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{heading}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{heading}</h1>\n{body}\n</body></html>\n"
    )
