"""A version's prompt against the accepted one, as Markdown."""

from __future__ import annotations

from ..diffs import unified
from ..results.outcome import SuiteOutcome, VersionOutcome
from .escape import escaped, fenced, one_line


def prompt_diff(
    suite: SuiteOutcome, version: VersionOutcome, *, context: int | None = None, most_lines: int | None = None
) -> str:
    """The prompt of a version against the accepted one, as a unified diff in Markdown.

    :param context: unchanged lines that are kept around a change; None keeps all.
    :param most_lines: of the diff, what is behind them is counted; None keeps all.
    """
    accepted = suite.baseline_prompt()
    new = version.version
    if accepted is None:
        return f"There is no baseline, so {escaped(new.label)} is compared with nothing.\n"
    if accepted.digest == new.digest:
        return f"{escaped(new.label)} says what the accepted prompt, {escaped(accepted.label)}, says.\n"
    old_name, new_name = prompt_names(suite, version)
    diff = unified(accepted.text, new.text, one_line(old_name), one_line(new_name), context=context)
    if not diff:
        return "Only the ends of lines, the roles or the syntax differ.\n"
    lines = diff.split("\n")
    cut = [f"... {len(lines) - most_lines} more lines"] if most_lines is not None and len(lines) > most_lines else []
    return fenced("\n".join([*lines[:most_lines], *cut]), "diff")


def prompt_names(suite: SuiteOutcome, version: VersionOutcome) -> tuple[str, str]:
    """What the two sides of a prompt diff are called: the accepted prompt and the version's own."""
    accepted, new = suite.baseline_prompt(), version.version
    edited = accepted is not None and accepted.label == new.label and accepted.digest != new.digest
    return f"{suite.baseline_label} (baseline)", f"{new.label} (edited in place)" if edited else new.label
