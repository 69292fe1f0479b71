"""The closing section: per suite and version the counts, the scores and deltas, the worst cases, what was written."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

from ..diffs import word_diff
from ..judging.gates import Verdict
from ..text import count, some
from . import noise, shares
from .escape import obeyed_by_none, one_line, visible, width
from .failure import inline, prompt_change
from .kinds import groups
from .review import review
from .table import EXPLAINED, of_suite, outputs
from .words import whole_of

if TYPE_CHECKING:
    import pytest

    from ..results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
    from ..session.concluding import Conclusion

WORST = 3
RESCORE = "--promptreg-rescore"  # what the message of a case names, where settings have changed and not inputs
STALE = 5
EXAMPLES = 3  # of each kind of change
MAX_PROMPT_LINES = 60
EXCERPT = 120
WIDE = 200  # columns of a terminal that takes any table
Line = tuple[str, dict[str, bool]]  # what is written, and its colour


def write(reporter: pytest.TerminalReporter, conclusion: Conclusion) -> None:
    """Write the section to pytest's terminal.

    With ``-q`` one line says what came out, and ``-qq`` says nothing; why the run fails, where no test says it, is told
    in any case, and so is what was written.
    """
    verbosity = reporter.config.get_verbosity()
    if verbosity >= 0:
        columns = reporter._tw.fullwidth if reporter.isatty else WIDE  # a log has room for any line
        told = lines(conclusion, verbose=verbosity > 0, columns_wide=columns)
        if told:
            reporter.write_sep("=", "prompt regression")
    else:
        told = [*([summary(conclusion.run)] if verbosity == -1 else []), *_failures(conclusion)]
        told += [(visible(note), {}) for note in conclusion.notes] if verbosity == -1 else []
    for text, markup in told:
        reporter.write_line(text, **markup)
    # For pytest's last line, which would be green: "92 passed, 3 suite gates missed".
    missed = len(conclusion.missed_gates)
    _count(reporter, f"suite gate{'' if missed == 1 else 's'} missed", missed)
    _count(reporter, "problem that fails the run", int(conclusion.fatal))
    _count(reporter, "lost", len(conclusion.run.lost))


def _count(reporter: pytest.TerminalReporter, what: str, number: int) -> None:
    """Have pytest count something that is no test; other plugins look into what is counted for their own attributes."""
    if number:
        reporter.stats[what] = [SimpleNamespace(nodeid="", longrepr=what, sections=[]) for _ in range(number)]


def lines(conclusion: Conclusion, *, verbose: bool = False, columns_wide: int = WIDE) -> list[Line]:
    """The section's lines, each with its colour.

    :param columns_wide: of the terminal: a table that is wider is told in parts.
    """
    run = conclusion.run
    told: list[Line] = []
    for suite in run.suites:
        told += _suite(suite, run, verbose=verbose, columns_wide=columns_wide)
        told.append(("", {}))
    if calls := str(run.calls):
        told.append((f"calls: {calls}", {"yellow": True}))
    for orphan in () if conclusion.pruned else run.orphans:
        told.append((f"stale: {one_line(orphan)} belongs to no test any more", {"yellow": True}))
    told += _failures(conclusion)
    told += [(_lines(note), {}) for note in conclusion.notes]
    for command, why in next_commands(conclusion):
        told += [(f"next: {_lines(command)}", {"bold": True}), (f"  {_lines(why)}", {})]
    while told and not told[-1][0]:
        told.pop()
    return told


def summary(run: RunOutcome) -> Line:
    """The run in one line: what was run, and of how many cases what is said; of a refresh, what it ran for."""
    versions = [version for suite in run.suites for version in suite.versions]
    counts = Counter(verdict for version in versions for case in version.cases for verdict in [case.verdict])
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
    failed = dict.fromkeys(
        f"{one_line(suite.spec.name)} {one_line(version.version.label)}"
        for suite in run.suites
        for version in suite.versions
        if version.failed
    )
    if run.refreshed:
        told = "to be stored as the baseline"
    what = f"promptreg: {count(len(run.suites), 'suite')}, {count(sum(counts.values()), 'case')}: {told or 'none ran'}"
    return f"{what}; failed: {', '.join(failed)}" if failed else what, {"red": True} if run.failed else {"green": True}


def _review(suite: SuiteOutcome, *, verbose: bool) -> list[Line]:
    """What becomes of the baseline, example by example."""
    told = review(suite.plan, verbose=verbose) if suite.plan else []
    return [("  in the baseline, to be reviewed:", {}), *((f"    {line}", {}) for line in told)] if told else []


def _failures(conclusion: Conclusion) -> list[Line]:
    told: list[Line] = [(f"FAILED {one_line(reason)}", {"red": True, "bold": True}) for reason in conclusion.reasons]
    return told + [(_lines(problem), {"red": True}) for problem in conclusion.problems]


def _lines(text: str) -> str:
    return obeyed_by_none(visible(text))


def _suite(suite: SuiteOutcome, run: RunOutcome, *, verbose: bool, columns_wide: int) -> list[Line]:
    accepted = f"baseline {one_line(suite.baseline_name)}" if suite.baseline_name else "no baseline"
    examples = count(len(suite.spec.examples), "example")
    if suite.spec.samples > 1:
        examples += f", {suite.spec.samples} samples of each"
    told: list[Line] = [
        (
            f"{one_line(suite.spec.name)} ({one_line(suite.spec.where)}): {accepted}, {examples}{whole_of(suite, run)}",
            {"bold": True},
        )
    ]
    if suite.versions:
        told += _table(suite, refreshed=run.refreshed, columns_wide=columns_wide)
    if calls := outputs(suite):
        told.append((f"  outputs: {calls}", {}))
    told += wrapped(noise.mode_line(suite, refreshed=run.refreshed), columns_wide)
    told += _review(suite, verbose=verbose)
    missed = suite.selected - suite.ran
    for version in suite.versions:
        if version.stopped is not None:
            told.append((f"  stopped early: {one_line(version.version.label)} {version.stopped}", {}))
            missed -= version.stopped.rest
    if missed > 0 and not run.rescored:
        told.append((f"  not judged: {missed} of {suite.selected} selected cases", {"yellow": True}))
    for version in () if run.refreshed else suite.versions:
        told += wrapped(noise.lines(version, verbose=verbose), columns_wide)
        told += wrapped(shares.lines(version, verbose=verbose), columns_wide)
        told += _changes(version)
        told += _version(suite, version)
    if suite.stale and not (suite.plan and suite.plan.pruned):
        records = count(len(suite.stale), "baseline record")
        told.append((f"  stale: {records} without an example: {some(suite.stale, STALE, one_line)}", {"yellow": True}))
    return told


def wrapped(told: list[Line], columns_wide: int) -> list[Line]:
    """Sentences in lines that the terminal has room for, broken between words; the rest of each stands further in."""
    broken: list[Line] = []
    for text, colour in told:
        indent = " " * (len(text) - len(text.lstrip()))
        parts = textwrap.wrap(
            text.strip(),
            columns_wide,
            initial_indent=indent,
            subsequent_indent=f"{indent}    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        broken += [(part, colour) for part in parts]
    return broken


def _table(suite: SuiteOutcome, *, refreshed: bool, columns_wide: int) -> list[Line]:
    table = of_suite(suite, refreshed=refreshed)
    rows = [[one_line(label), *figures] for label, *figures in table.rows]
    widths = [max(map(width, column)) for column in zip(table.header, *rows, strict=True)]
    told: list[Line] = []
    for part in _fitting(widths, columns_wide):
        told.append((_row(table.header, widths, part), {}))
        for version, row in zip(suite.versions, rows, strict=True):
            told.append((_row(row, widths, part), {"red": True} if version.failed else {"green": True}))
    if table.explains:
        told.append((f"  {EXPLAINED}", {"light": True}))
    return told


def _fitting(widths: list[int], columns_wide: int) -> list[list[int]]:
    """The table's columns in as many parts as the terminal is too narrow for; the version stands in each."""
    parts, taken = [[0]], widths[0]
    for number, size in enumerate(widths[1:], start=1):
        if taken + 2 + size > columns_wide - 2 and len(parts[-1]) > 1:
            parts.append([0])
            taken = widths[0]
        parts[-1].append(number)
        taken += 2 + size
    return parts


def _row(cells: Sequence[str], widths: list[int], part: list[int]) -> str:
    """Some of a row's cells: the first to the left, the others to the right, by the columns that they take."""
    first, *others = part
    cells = [
        cells[first] + " " * (widths[first] - width(cells[first])),
        *(" " * (widths[number] - width(cells[number])) + cells[number] for number in others),
    ]
    return f"  {'  '.join(cells)}".rstrip()


def _version(suite: SuiteOutcome, version: VersionOutcome) -> list[Line]:
    """What a version that lost something lost: the cause, then the cases that lost most."""
    lost = version.breached_gates or (version.failed and Verdict.BREACHED in version.counts)
    worst = version.worst(suite.terms, WORST, suite.spec.known)
    if not lost or not worst:
        return []
    told: list[Line] = [("", {})]
    told += [
        (f"  {line}".rstrip(), _diff_colour(line))
        for line in prompt_change(suite.baseline_prompt(), version.version, MAX_PROMPT_LINES)
    ]
    while told[-1][0] == "":
        told.pop()
    told.append((f"  worst of {one_line(version.version.label)}:", {}))
    for case in worst:
        of_samples = f"  (the worst of {len(case.samples)} samples)" if case.samples else ""
        told.append((f"    {one_line(case.example)}  {_numbers(case)}{of_samples}", {}))
        told += [(f"      {line}", _diff_colour(f"| {line}")) for line in _excerpt(case)]
    return told


def _changes(version: VersionOutcome) -> list[Line]:
    """What kinds of change there are, and where a signal warns."""
    label = one_line(version.version.label)
    told: list[Line] = []
    if found := groups(version.cases):
        told.append((f"  changes in the outputs of {label}:", {}))
        told += [(f"    {group.phrase}: {some(group.examples, EXAMPLES, one_line)}", {}) for group in found]
    for name, examples in version.warnings.items():
        where = f"{count(len(examples), 'case')} of {label}: {some(examples, STALE, one_line)}"
        told.append((f"  warning: {one_line(name)} in {where}", {"yellow": True}))
    return told


def _diff_colour(line: str) -> dict[str, bool]:
    return {"red": True} if line.startswith("| -") else {"green": True} if line.startswith("| +") else {}


def _numbers(case: CaseOutcome) -> str:
    if case.breaches:
        return one_line("; ".join(case.breaches))
    return ", ".join(f"{term} {score:.3f}" for term, score in case.scores.items())


def _excerpt(case: CaseOutcome) -> list[str]:
    """What changed, on one line where it fits, else a line of each side."""
    old, new = case.accepted or "", case.output or ""
    marked = one_line(inline(word_diff(old, new, context=4)))
    if len(marked) <= EXCERPT:
        return [marked]
    return [f"- {one_line(old, EXCERPT - 2)}", f"+ {one_line(new, EXCERPT - 2)}"]


def _what_an_update_does(suite: SuiteOutcome) -> str:
    """Said before a person runs it: an update also replaces the records that differ, breached ones among them."""
    if suite.spec.production is not None:
        return f"stores the outputs of {suite.spec.production}"
    own = next((v for v in suite.versions if v.version.label == suite.baseline_label), None)
    counts = own.counts if own else {}
    differ = sum(counts.get(verdict, 0) for verdict in (Verdict.CHANGED, Verdict.BREACHED, Verdict.INCOMPARABLE))
    return f"stores what is missing, and replaces {differ} that differ" if differ else "stores what is missing"


class NextCommand(NamedTuple):
    """A command that a person would run next, and what for: told apart, so that the command is copied as it stands."""

    command: str
    why: str


def next_commands(conclusion: Conclusion) -> list[NextCommand]:
    """What a person would run next, most pressing first."""
    commands = []
    for suite in conclusion.run.suites:
        verdicts = {verdict for version in suite.versions for verdict in version.counts}
        if conclusion.run.refreshed or conclusion.run.rescored:
            continue
        cases = [case for version in suite.versions for case in version.cases]
        if any(case.verdict == Verdict.INCOMPARABLE and RESCORE in case.message for case in cases):
            commands.append(NextCommand(suite.spec.command(RESCORE), "scores what is stored by what is set now"))
        if Verdict.MISSING in verdicts or any(
            case.verdict == Verdict.INCOMPARABLE and RESCORE not in case.message for case in cases
        ):
            commands.append(NextCommand(suite.spec.command("--promptreg-update"), _what_an_update_does(suite)))
        unsigned = suite.baseline and [name for name in suite.spec.all_metrics if name not in suite.baseline.signatures]
        if unsigned and verdicts & {Verdict.CHANGED, Verdict.BREACHED}:
            why = f"stores the settings of {', '.join(unsigned)}, new here"
            commands.append(NextCommand(suite.spec.command(RESCORE), why))
        for version in suite.versions:
            judged = any(gate.value is not None for gate in version.breached_gates)
            if version.failed and (judged or Verdict.BREACHED in version.counts):
                label = version.version.label
                accept = one_line(suite.spec.how_to_accept(label))
                commands.append(NextCommand(accept, f"if {one_line(label)} is how it should be"))
    stale = any(suite.stale for suite in conclusion.run.suites) or conclusion.run.orphans
    if stale and not conclusion.pruned:
        commands.append(NextCommand("pytest --promptreg-prune", "removes what is stale"))
    return list(dict.fromkeys(commands))
