"""One file that shows a whole run in a browser: no network, no framework, and nothing that the texts in it could start.

Its policy allows the one script and the one style sheet that are in it, by their digests, and nothing else: what a
model wrote is text and stays text.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from ... import __version__
from ...results.outcome import RunOutcome
from ..html_diff import escaped
from . import FILE, words
from .data import Table
from .overview import legend, overview

if TYPE_CHECKING:
    from ...results.origin import Origin
    from ...session.concluding import Conclusion

_SCRIPTS = ("data.js", "state.js", "examples.js", "case.js", "plots.js", "start.js")
_STYLES = ("page.css", "print.css")


def render(conclusion: Conclusion) -> str:
    """The page; equal runs give equal bytes. It is drawn anew only where the conclusion has something new to tell."""
    told = (id(conclusion.run), tuple(conclusion.problems), conclusion.fatal, conclusion.pruned, conclusion.origin)
    if conclusion.page is None or conclusion.page[0] != told:
        conclusion.page = told, _drawn(conclusion)
    return conclusion.page[1]


def _drawn(conclusion: Conclusion) -> str:
    run = conclusion.run
    table = Table(run)
    script, style = _joined(_SCRIPTS), _joined(_STYLES)
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; base-uri 'none'; "
        "form-action 'none'"
    )
    data = "\n".join(
        f'<script type="application/json" class="{name}">{json}</script>' for name, json in table.scripts()
    )
    names = ", ".join(suite.spec.name for suite in run.suites)
    state = words.state(conclusion)
    title = f"{state}: {names}" if names else state
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="{FILE.kind}">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        'content="light dark"><meta name="referrer" content="no-referrer">\n'
        f"<title>{escaped(title)}</title>\n<style>{style}</style></head>\n<body>\n"
        '<a class="skip" href="#examples">Skip to the examples</a>\n'
        f"<header><h1>Prompt report</h1>{_facts(run, conclusion.origin)}"
        '<div class="tools"><button type="button" id="theme" hidden>Dark</button></div></header>\n'
        f"<main>{overview(table, conclusion)}\n{_EXAMPLES}\n{_PLOTS}\n{legend(run)}\n{_PRINTED}</main>\n"
        f"<footer>pytest-promptreg {escaped(__version__)}</footer>\n{_CASE}\n"
        f"{data}\n<script>{script}</script>\n</body></html>\n"
    )


_EXAMPLES = """<section id="examples" aria-labelledby="examples-heading" tabindex="-1">
<h2 id="examples-heading">Examples</h2>
<noscript><p>The table of all examples needs JavaScript, which this browser does not run.</p></noscript>
<div id="explorer" hidden>
<form id="filters" role="search" aria-label="Examples"></form>
<p id="found" role="status"></p>
<div class="wide" role="region" aria-label="Table of examples" tabindex="0"><table id="cases" role="table">
<caption class="hidden">All examples; a button in a column's heading sorts by it</caption>
<thead role="rowgroup"></thead><tbody role="rowgroup"></tbody></table></div>
<nav id="pages" aria-label="Pages of the table"></nav>
<p class="dim keys">Keys: <kbd>/</kbd> search, <kbd>↑</kbd> <kbd>↓</kbd> move between examples, <kbd>Enter</kbd> open,
<kbd>←</kbd> <kbd>→</kbd> the one before and after, <kbd>Esc</kbd> close.</p>
</div></section>"""

_PLOTS = """<section id="plots" aria-labelledby="plots-heading" hidden>
<h2 id="plots-heading">Scores: baseline against candidate</h2>
<p class="dim">How many cases have which score: of the baseline's version above the line, of the candidate below it.
Upright line: the mean. Dashed line: the gate.</p>
<div id="plot-choice"></div><div id="plot-list"></div></section>"""

_CASE = '<dialog id="case" aria-labelledby="case-heading"></dialog>'
_PRINTED = '<section id="printed" aria-hidden="true"></section>'


@cache
def _joined(names: tuple[str, ...]) -> str:
    folder = resources.files(__package__) / "assets"
    parts = [(folder / name).read_text(encoding="utf-8") for name in names]
    return "\n".join(parts)


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def _facts(run: RunOutcome, origin: Origin) -> str:
    started = datetime.fromtimestamp(run.started).astimezone()
    told = [
        ("started", f'<time datetime="{started.isoformat(timespec="seconds")}">{started:%Y-%m-%d %H:%M:%S %Z}</time>'),
        ("took", escaped(words.seconds(max(run.ended - run.started, 0.0)))),
        ("commit", f"<code>{escaped(origin.commit[:10])}</code>" if origin.commit else ""),
        ("branch", escaped(origin.branch)),
        ("calls", escaped(str(run.calls))),
        ("command", f"<code>{escaped(origin.command)}</code>" if origin.command else ""),
    ]
    return (
        '<dl class="facts">'
        + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in told if value)
        + "</dl>"
    )
