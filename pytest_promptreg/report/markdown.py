"""A run as Markdown, for a pull request and for the summary of a CI job: the verdict in the first line.

What is most pressing comes first, so that what does not fit is the least: the verdict, why the run fails, the figures,
the next commands, then by version the kinds of change, the prompt diff and the worst cases with their word-level diff.

Names, messages and texts of prompts and models are untrusted. Short ones are escaped and stand in ``<code>``, in which
nobody can be mentioned; outputs stand there as escaped HTML without a line end, in which no Markdown is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ..diffs import Piece, word_diff
from ..judging.gates import Verdict
from ..text import count, some
from . import html_diff, kinds
from .escape import escaped, fenced
from .failure import beyond_the_gates, config_changes, inline
from .files import SIGN
from .noise import sentence
from .prompt_diff import prompt_diff
from .table import EXPLAINED, of_suite, outputs
from .terminal import next_commands
from .words import state_of, verdict_of, whole_of

if TYPE_CHECKING:
    from ..results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
    from ..session.concluding import Conclusion

_WORDS = {
    "passed": "PASSED",
    "failed": "FAILED",
    "stopped": "INTERRUPTED",
    "refreshed": "REFRESHED",
    "empty": "NOTHING RAN",
}
COMMENT = 60_000  # bytes: GitHub takes no comment of more than 65,536 characters
WORST = 20  # cases of a version
NOT_JUDGED = 5
EXAMPLES = 3  # of each kind of change
PROMPT_LINES = 150
OUTPUT_CHARACTERS = 3_000
_SHAPES = {"same": "{}", "removed": "<del>{}</del>", "added": "<ins>{}</ins>", "skipped": " [... {} ...] "}
_CUT = "*Cut here: this place takes no more. The terminal, the HTML page and MLflow have the rest.*\n"


class Paper:
    """What was written so far, and how much room is left."""

    def __init__(self, limit: int) -> None:
        self._limit = limit - len(_CUT) - 1
        self._blocks: list[str] = []
        self._cut = False

    def add(self, block: str) -> bool:
        """Write a block, with an empty line behind it, if there is room for the whole of it."""
        size = len(block.encode("utf-8")) + 1
        if size > self._limit:
            self._cut = True
            return False
        self._limit -= size
        self._blocks.append(block)
        return True

    def share(self, parts: int) -> Paper:
        """Paper of its own for one of several parts that are still to be written."""
        return Paper(self._limit // parts + len(_CUT) + 1)

    def paste(self, other: Paper) -> None:
        """Take over what was written on another."""
        for block in other._blocks:
            self.add(block)
        self._cut = self._cut or other._cut

    def text(self) -> str:
        """All of it."""
        return "\n".join([*self._blocks, *([_CUT] if self._cut else [])])


def render(conclusion: Conclusion, limit: int = COMMENT) -> str:
    """The document, of at most ``limit`` bytes; what does not fit is left out in whole blocks, and that is said."""
    run = conclusion.run
    paper = Paper(limit)
    paper.add(_verdict(conclusion))
    _bullets(paper, "Why the run fails", [*conclusion.reasons, *(conclusion.problems if conclusion.fatal else ())])
    if not conclusion.fatal:
        _bullets(paper, "Problems that fail nothing", conclusion.problems)
    for suite in run.suites:
        paper.add(_figures(suite, run))
    for command, why in next_commands(conclusion):
        paper.add(f"**Next**, {_named(why)}:\n\n" + fenced(command, "console"))
    told = [
        (suite, version)
        for suite in run.suites
        for version in suite.versions
        if not run.refreshed and (set(version.counts) - {Verdict.UNCHANGED} or version.failed)
    ]
    told.sort(key=lambda pair: not pair[1].failed)
    for number, (suite, version) in enumerate(told):
        own = paper.share(len(told) - number)
        _version(own, suite, version)
        paper.paste(own)
    return paper.text()


def _named(text: str, limit: int = 200) -> str:
    return f"<code>{escaped(text, limit)}</code>"


def _verdict(conclusion: Conclusion) -> str:
    run = conclusion.run
    versions = [version for suite in run.suites for version in suite.versions if version.cases]
    failed = sum(version.failed for version in versions)
    word = _WORDS[state_of(conclusion)]
    of_versions = f"{failed} of {count(len(versions), 'prompt version')} failed"
    return f"## Prompt regression: **{word}**, {of_versions} {SIGN}\n"


def _bullets(paper: Paper, title: str, entries: Sequence[str]) -> None:
    if not entries:
        return
    lines = [f"- {_named(entry, 400)}" for entry in entries[:WORST]]
    more = [f"- and {len(entries) - WORST} more"] if len(entries) > WORST else []
    paper.add("\n".join([f"**{title}**", "", *lines, *more]) + "\n")


def _figures(suite: SuiteOutcome, run: RunOutcome) -> str:
    accepted = f"baseline {_named(suite.baseline_name)}" if suite.baseline_name else "no baseline"
    examples = count(len(suite.spec.examples), "example")
    lines = [
        f"### {_named(suite.spec.name)}",
        "",
        f"{accepted}, {examples}{whole_of(suite, run)}, declared at {_named(suite.spec.where)}",
    ]
    if suite.versions:
        table = of_suite(suite, refreshed=run.refreshed)
        lines += ["", _row(["version", "verdict", *map(escaped, table.header[1:])])]
        lines.append(_row(["---", "---", *("---:" for _ in table.header[1:])]))
        for version, (label, *figures) in zip(suite.versions, table.rows, strict=True):
            mark = "\\*" if version.version.label == suite.baseline_label else ""
            name = _named(label.removesuffix("*") if mark else label) + mark
            word = verdict_of(version.failed, refreshed=run.refreshed)
            lines.append(_row([name, f"**{word}**" if version.failed else word, *map(escaped, figures)]))
        if table.explains:
            lines += ["", escaped(EXPLAINED)]
    if calls := outputs(suite):
        lines += ["", f"Outputs: {escaped(calls)}"]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _version(paper: Paper, suite: SuiteOutcome, version: VersionOutcome) -> None:
    paper.add(f"#### {_named(version.version.label)} of {_named(suite.spec.name)}\n")
    if found := kinds.groups(version.cases):
        paper.add("\n".join(f"- {group.phrase}: {some(group.examples, EXAMPLES, _named)}" for group in found) + "\n")
    if version.stopped is not None:
        paper.add(f"Stopped early: {_named(str(version.stopped))}.\n")
    if version.noise:
        lines = [f"- {_named(str(result))}" for result in version.noise]
        paper.add("\n".join([f"{_named(sentence(version), 600)}", "", *lines]) + "\n")
    _not_judged(paper, version)
    worst = version.worst(suite.terms, WORST + 1, suite.spec.known)
    if worst or version.failed:
        paper.add(_prompt(suite, version))
    for number, case in enumerate(worst[:WORST]):
        if not paper.add(_case(case, opened=version.failed and not number)):
            return
    if len(worst) > WORST:
        paper.add(f"*These are the {WORST} that lost most; others changed as well.*\n")


def _not_judged(paper: Paper, version: VersionOutcome) -> None:
    cases = [case for case in version.cases if not case.judged]
    lines = [f"- {_named(case.example)} {case.verdict}: {_named(case.message, 300)}" for case in cases[:NOT_JUDGED]]
    if len(cases) > NOT_JUDGED:
        lines.append(f"- and {len(cases) - NOT_JUDGED} more that were not judged")
    if lines:
        paper.add("\n".join(lines) + "\n")


def _prompt(suite: SuiteOutcome, version: VersionOutcome) -> str:
    accepted = suite.baseline_prompt()
    lines = [prompt_diff(suite, version, context=3, most_lines=PROMPT_LINES)]
    if accepted is not None and (config := config_changes(accepted, version.version)):
        lines += [f"- model\\_config {_named(line)}" for line in config] + [""]
    return "\n".join(lines)


def _case(case: CaseOutcome, *, opened: bool) -> str:
    """One case, folded: blocks of HTML, none of which an empty line can end too early."""
    diff = marked(case.accepted or "", case.output or "")
    said = "; ".join(case.breaches) or ", ".join(f"{term} {score:.3f}" for term, score in case.scores.items())
    lines = beyond_the_gates(case)
    if case.samples:
        lines.append(f"shown is the worst of {len(case.samples)} samples")
    found = "<br>\n".join(f"<code>{_html(line)}</code>" for line in lines)
    return (
        f"<details{' open' if opened else ''}>"
        f"<summary><code>{_html(case.example)}</code> {case.verdict} <code>{_html(said)}</code></summary>\n\n"
        + (f"<p>{found}</p>\n\n" if found else "")
        + f"<p><code>{diff}</code></p>\n\n</details>\n"
    )


def _html(text: str) -> str:
    return html_diff.escaped(" ".join(text.split())[:400])


def marked(old: str, new: str) -> str:
    """The words of two outputs as HTML, those marked that only one has, up to a number of characters.

    Line ends are entities: GitHub hides ``<br>`` in ``<code>``, and ``<pre>`` would not wrap lines that are paragraphs.
    """
    told, room = [], OUTPUT_CHARACTERS
    for piece in word_diff(old, new):
        told.append(Piece(piece.kind, html_diff.escaped(piece.text[:room])))
        room -= len(piece.text)
        if room <= 0:
            told.append(Piece("skipped", "cut"))
            break
    return inline(told, _SHAPES).replace("\n", "&#10;")
