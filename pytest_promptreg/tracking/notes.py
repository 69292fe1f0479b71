"""What a person reads first in MLflow: the verdict, then the numbers, then the worst cases, as Markdown.

Names, messages and texts of prompts and models are untrusted: every one of them is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from ..judging.gates import Verdict
from ..report import kinds
from ..report.escape import escaped, fenced
from ..report.noise import sentence
from ..report.words import counted, verdict_of
from ..results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
from ..text import count, some
from . import clean

WORST = 8
EXAMPLES = 3  # of each kind of change
_SAID_LIMIT = 1_500  # of each text in a case's note; its files hold them whole
_WHERE_TO_LOOK = "The cause: `prompt/diff.html`. The effect: `outputs.html`. Every case: `examples.json`."


def run_note(run: RunOutcome) -> str:
    """The whole run: its verdict, a row for each version of each suite, what was breached, what was lost."""
    versions = [(suite, version) for suite in run.suites for version in suite.versions if version.cases]
    failed = sum(version.failed for _, version in versions)
    verdict = verdict_of(run.failed, interrupted=run.interrupted, refreshed=run.refreshed)
    # The page shows four lines before "Show more".
    lines = [f"**{verdict}**: {failed} of {count(len(versions), 'prompt version')} failed", ""]
    lines += [
        f"- {'**FAILED** ' if version.failed else ''}{escaped(version.version.label)} of {escaped(suite.spec.name)}: "
        f"{counted(version)}"
        for suite, version in sorted(versions, key=lambda pair: not pair[1].failed)
        if version.failed or set(version.counts) != {Verdict.UNCHANGED}
    ][:WORST]
    lines.append("")
    lines += ["| version | suite | verdict | cases | mean scores (delta) |", "| --- | --- | --- | --- | --- |"]
    for suite, version in versions:
        marked = " (baseline)" if version.version.label == suite.baseline_label else ""
        cells = [
            escaped(version.version.label) + marked,
            escaped(suite.spec.name),
            f"**{verdict_of(True)}**" if version.failed else verdict_of(False, refreshed=run.refreshed),
            counted(version),
            "; ".join(_means(suite, version)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    lines += _section(
        "Suite gates not met",
        [f"{escaped(s.spec.name)}, {escaped(v.version.label)}: {escaped(str(g))}" for s, v, g in run.breached_gates],
    )
    lines += _section("Collected and never reported", [escaped(nodeid) for nodeid in run.lost[:WORST]], len(run.lost))
    return "\n".join(lines) + "\n"


def version_note(suite: SuiteOutcome, version: VersionOutcome, run: RunOutcome, cases: Sequence[CaseOutcome]) -> str:
    """One prompt version: its verdict against the baseline, its scores, and its worst cases.

    :param cases: the version's, worst first.
    """
    verdict = verdict_of(version.failed, interrupted=run.interrupted, refreshed=run.refreshed)
    against = f"the baseline of {escaped(suite.baseline_name)}" if suite.baseline_name else "no baseline"
    lines = [
        f"**{verdict}** against {against}: {counted(version)}.",
        "",
        *(f"- {mean}" for mean in _means(suite, version)),
    ]
    if version.stopped is not None:
        lines += ["", f"Stopped early: {escaped(str(version.stopped))}."]
    if version.noise:
        lines += ["", f"{escaped(sentence(version))}.", "", *(f"- {escaped(str(result))}" for result in version.noise)]
    lines += _section("Suite gates not met", [escaped(str(gate)) for gate in version.breached_gates])
    lines += _section(
        "Kinds of change among the outputs",
        [f"{group.phrase}: {some(group.examples, EXAMPLES, escaped)}" for group in kinds.groups(version.cases)],
    )
    told = [case for case in cases if case.verdict != Verdict.UNCHANGED or not case.passed]
    lines += _section(
        "Cases to read first",
        [
            f"{escaped(case.example)}: {case.verdict}"
            + "".join(f", {escaped(breach)}" for breach in case.breaches)
            + (f", {escaped(case.message)}" if case.message else "")
            for case in told[:WORST]
        ],
        len(told),
    )
    lines += ["", _WHERE_TO_LOOK]
    return "\n".join(lines) + "\n"


def case_note(suite: SuiteOutcome, version: VersionOutcome, case: CaseOutcome) -> str:
    """One case: its verdict, what was not met, its scores, and both outputs."""
    against = f"the baseline of {escaped(suite.baseline_name)}" if suite.baseline_name else "no baseline"
    failed = "" if case.passed or case.breaches or case.message else ", and the test failed"
    lines = [f"**{str(case.verdict).upper()}**{failed}: {escaped(version.version.label)} against {against}.", ""]
    lines += [f"- {escaped(line)}" for line in (*case.breaches, *([case.message] if case.message else []))]
    lines += [f"- {escaped(name)}: {escaped(detail)}" for name, detail in case.findings.items()]
    if case.scores:
        lines += ["- " + "; ".join(f"{escaped(term)} {score:.3f}" for term, score in case.scores.items())]
    example = suite.spec.example_by_id.get(case.example)
    said = [("Output", case.output)]
    if case.accepted != case.output:
        said.append(("Accepted", case.accepted))
    inputs = json.dumps(example.inputs, ensure_ascii=False, indent=1, default=str) if example else None
    for title, text in (*said, ("Inputs", inputs), ("Reference", example.reference if example else None)):
        if text is not None:
            lines += ["", f"**{title}**", "", fenced(clean.text(text, _SAID_LIMIT)).rstrip()]
    return "\n".join(lines) + "\n"


def _means(suite: SuiteOutcome, version: VersionOutcome) -> Iterable[str]:
    for term in suite.terms:
        mean, delta = version.mean(term), suite.delta(version, term)
        if mean is not None and delta is not None:
            yield f"{term} {mean:.3f} ({delta:+.3f})"


def _section(title: str, entries: Sequence[str], total: int | None = None) -> list[str]:
    if not entries:
        return []
    left = (total or 0) - len(entries)
    more = [f"- and {left} more"] if left > 0 else []
    return ["", f"**{title}**", "", *(f"- {entry}" for entry in entries), *more]
