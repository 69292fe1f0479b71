"""The part of the page that needs no script: the verdict, each suite's table, the prompt diffs and the worst cases.

It is what is printed, and what is left where scripts are not run.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from ...judging.gates import SuiteGateResult, Verdict, metric_of
from ...judging.noise_result import NoiseResult
from ...model import PromptVersion
from ...results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
from ...spending.budget import usd
from ...text import count, some
from .. import noise, shares
from ..escape import visible
from ..failure import beyond_the_gates, changed_settings
from ..html_diff import escaped, side_by_side
from ..html_diff import words as word_marks
from ..kinds import groups
from ..prompt_diff import prompt_names
from ..terminal import next_commands
from ..words import digits, state_of, whole_of
from . import words
from .data import Table, cut

if TYPE_CHECKING:
    from ...session.concluding import Conclusion

UNUSUAL = 20  # examples that are named
STALE = 10
WORST = 5  # cases of a version that are shown with it; the table of examples has all


def overview(table: Table, conclusion: Conclusion) -> str:
    """The verdict, what to do, and a section for each suite."""
    run = table.run
    verdict = f"<strong>{words.state(conclusion)}.</strong> {escaped(words.verdict(conclusion))}"
    parts = [
        '<section id="overview" aria-labelledby="verdict">',
        f'<p id="verdict" class="verdict {state_of(conclusion)}">{verdict}</p>',
        _problems(conclusion),
        _what_to_do(conclusion),
        _lost(run),
        "</section>",
    ]
    parts += [_suite(number, suite, table) for number, suite in enumerate(run.suites)]
    return "".join(parts)


def legend(run: RunOutcome) -> str:
    """What the words of the page mean."""
    rows = "".join(
        f'<dt><span class="chip {verdict}">{verdict}</span></dt><dd>{escaped(meaning)}</dd>'
        for verdict, meaning in words.VERDICTS.items()
    )
    return (
        '<details class="legend"><summary>What the words mean</summary><dl>'
        "<dt>baseline</dt><dd>the accepted outputs that every new output is compared with</dd>"
        "<dt>gate</dt><dd>a limit that somebody set: a score that must not fall below it, or rise above it</dd>"
        f"{rows}{_scores(run)}</dl></details>"
    )


def _scores(run: RunOutcome) -> str:
    """What the scores of the run measure, as far as they are this package's own."""
    terms = dict.fromkeys(term for suite in run.suites for term in suite.terms)
    told = {name: words.METRICS[name] for name in map(metric_of, terms) if name in words.METRICS}
    if any(term.startswith("drop(") for term in terms):
        told["drop(...)"] = "how much further than the baseline's output the new one is from the expected answer"
    return "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(meaning)}</dd>" for name, meaning in told.items())


def _problems(conclusion: Conclusion) -> str:
    """What could not be done although it was asked for."""
    told = "".join(f'<li class="problem">{escaped(problem)}</li>' for problem in conclusion.problems)
    return f"<h2>{'Why the run fails' if conclusion.fatal else 'To be known'}</h2><ul>{told}</ul>" if told else ""


def _what_to_do(conclusion: Conclusion) -> str:
    run = conclusion.run
    steps = [
        f"<li><span>{_sentence(why)}</span> <code>{escaped(command)}</code></li>"
        for command, why in next_commands(conclusion)
    ]
    if any(case.verdict == Verdict.BREACHED for case in _cases(run)) and not run.refreshed:
        steps.insert(
            0,
            "<li><span>If the prompt should not do this: read what it did below, change the prompt, and run the tests "
            "again.</span></li>",
        )
    return f'<h2>What to do</h2><ul class="steps">{"".join(steps)}</ul>' if steps else ""


def _sentence(text: str) -> str:
    """What a command is for, as the beginning of a line that ends with it."""
    return escaped(f"{text[:1].upper()}{text[1:]}:")


def _lost(run: RunOutcome) -> str:
    if not run.lost:
        return ""
    shown = "".join(f"<li><code>{escaped(nodeid)}</code></li>" for nodeid in run.lost[:20])
    more = f"<li>and {len(run.lost) - 20} more</li>" if len(run.lost) > 20 else ""
    return f"<h2>Began and never reported</h2><ul>{shown}{more}</ul>"


def _suite(number: int, suite: SuiteOutcome, table: Table) -> str:
    spec = suite.spec
    baseline = f"baseline: {escaped(suite.baseline_name)}" if suite.baseline_name else "no baseline yet"
    examples = count(len(spec.examples), "example")
    samples = f", {spec.samples} samples of each" if spec.samples > 1 else ""
    parts = [
        f'<section class="suite" id="suite-{number}"><h2>{escaped(spec.name)}</h2>',
        f'<p class="dim">{escaped(spec.where)} · {baseline} · {examples}{samples}{whole_of(suite, table.run)}</p>',
    ]
    if suite.versions:
        parts.append(_versions(number, suite))
        parts.append(_gates(suite))
    if not table.run.refreshed:
        failed_first = sorted(suite.versions, key=lambda version: not version.failed)
        parts += [_change(number, suite, version, table) for version in failed_first]
    if suite.stale:
        names = some(suite.stale, STALE, escaped)
        parts.append(f"<p>Stale: {count(len(suite.stale), 'accepted output')} without an example: {names}</p>")
    return "".join(parts) + "</section>"


def _versions(number: int, suite: SuiteOutcome) -> str:
    """The table of a suite: a row for each version."""
    verdicts = [verdict for verdict in words.VERDICTS if any(verdict in v.counts for v in suite.versions)]
    cells = [_row(number, suite, version, verdicts) for version in suite.versions]
    names = [name for name in cells[0] if any(cell[name] for cell in cells)]
    head = "".join(f'<th scope="col">{escaped(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{cell["version"]}</th>'
        + "".join(f"<td>{cell[name] or '–'}</td>" for name in names if name != "version")
        + "</tr>"
        for cell in cells
    )
    note = "* the baseline version; the smaller number is the difference to it"
    return (
        f'<div class="wide" role="region" aria-label="Results of {escaped(suite.spec.name)}" tabindex="0">'
        f'<table class="numbers"><caption class="hidden">Results of {escaped(suite.spec.name)} by prompt version'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="dim">{note}</p>'
    )


def _row(number: int, suite: SuiteOutcome, version: VersionOutcome, verdicts: Iterable[str]) -> dict[str, str]:
    """The cells of one version as HTML, by column; empty where there is nothing to say."""
    label, cases = version.version.label, version.cases
    mark = "*" if label == suite.baseline_label else ""
    state = "failed" if version.failed else "passed"
    row = {
        "version": f"{escaped(label)}{mark}",
        "result": f'<span class="chip {state}">{"does not pass" if version.failed else "passes"}</span>',
        "outputs": f"{len(cases):,}",
    }
    for verdict in verdicts:
        found = version.counts.get(Verdict(verdict), 0)
        row[verdict] = _link(f"{found:,}", number, version, verdict=verdict) if found else ""
    row["pass rate"] = "" if version.pass_rate is None else f"{version.pass_rate:.1%}"
    for term in suite.terms:
        row[term] = _mean(suite, version, term)
    live, replayed = sum(case.lives for case in cases), sum(case.replays for case in cases)
    row["calls"] = f"{live:,} live, {replayed:,} replayed" if replayed else f"{live:,}" if live else ""
    row["tokens in"] = _sum(case.input_tokens for case in cases)
    row["tokens out"] = _sum(case.output_tokens for case in cases)
    costs = [case.cost_usd for case in cases if case.cost_usd is not None]
    row["cost"] = usd(sum(costs)) if costs else ""
    latencies = [case.latency_s for case in cases if case.latency_s is not None]
    row["median latency"] = words.seconds(statistics.median(latencies)) if latencies else ""
    return row


def _link(text: str, number: int, version: VersionOutcome, **wanted: str) -> str:
    """A link that shows the cases in the table of examples; the script reads it."""
    asked = {"suite": str(number), "version": visible(version.version.label)}
    asked |= {name: visible(value) for name, value in wanted.items()}
    return f'<a href="#{escaped(urlencode(asked))}">{text}</a>'


def _mean(suite: SuiteOutcome, version: VersionOutcome, term: str) -> str:
    mean, delta, places = version.mean(term), suite.delta(version, term), digits(suite, term)
    if mean is None:
        return ""
    way = words.direction(suite, version, term)
    told = words.number(mean, places)
    if delta is None or not round(delta, places):
        return told
    said = f' <span class="hidden">({way})</span>' if way else ""
    return f'{told} <small class="{way}">{words.number(delta, places, "+")}{said}</small>'


def _sum(values: Iterable[int | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known):,}" if known else ""


def _gates(suite: SuiteOutcome) -> str:
    """The gates of each output, and those on the whole suite: the missed ones first, the met ones on request."""
    missed: list[str] = []
    met: list[str] = []
    for version in suite.versions:
        results: list[SuiteGateResult | NoiseResult] = [*version.gates, *version.noise]
        for result in results:
            met_now = result.met
            said = f"{escaped(version.version.label)}: {escaped(str(result))}"
            if isinstance(result, SuiteGateResult) and (more := shares.in_the_long_run(result)):
                said += f"; {escaped(more)}"
            chip = f'<span class="chip {"passed" if met_now else "failed"}">{"met" if met_now else "not met"}</span>'
            (met if met_now else missed).append(f"<li>{chip} {said}</li>")
    of_cases = [str(gate) for gate in suite.spec.gates if not gate.of_suite]
    each = f"<p>For each output: <code>{escaped('; '.join(of_cases))}</code></p>" if of_cases else ""
    each += "".join(f"<p>{escaped(line.strip())}</p>" for line, _ in noise.mode_line(suite, refreshed=False))
    for version in suite.versions:
        if version.stopped is not None:
            each += f"<p>Stopped early: {escaped(version.version.label)} {escaped(str(version.stopped))}.</p>"
    shown = f'<ul class="gates">{"".join(missed)}</ul>' if missed else ""
    if met:
        shown += (
            f"<details><summary>{count(len(met), 'gate')} on the whole suite met</summary>"
            f'<ul class="gates">{"".join(met)}</ul></details>'
        )
    return f"<h3>Gates</h3>{each}{shown}" if each or shown else ""


def _change(number: int, suite: SuiteOutcome, version: VersionOutcome, table: Table) -> str:
    """What a version changed, and what came of it: the prompt diff, kinds of change, worst cases."""
    accepted = suite.baseline_prompt()
    worst = version.worst(suite.terms, WORST, suite.spec.known)
    if accepted is None or (not worst and accepted.digest == version.version.digest):
        return ""
    label = escaped(version.version.label)
    parts = [f'<h3 class="change">{label} against the baseline</h3><p>{escaped(_said(version))}</p>']
    if version.noise:
        parts.append(f"<p>{escaped(noise.sentence(version))}.</p>")
    parts.append(_prompts(suite, version, accepted))
    parts.append(_kinds(number, version))
    parts.append(_unusual(version))
    if worst:
        breached = any(case.verdict == Verdict.BREACHED for case in worst)
        what = "What it did: the worst outputs" if breached else "What it did: the outputs that changed most"
        parts.append(f'<h4 class="worst">{what}</h4>')
        parts += [_case(suite, version, case, table) for case in worst]
    return f'<div class="version">{"".join(parts)}</div>'


def _said(version: VersionOutcome) -> str:
    told = words.what_happened(version)
    return f"{told[:1].upper()}{told[1:]}."


def _prompts(suite: SuiteOutcome, version: VersionOutcome, old: PromptVersion) -> str:
    """Both prompts side by side, and the settings that differ."""
    new = version.version
    config = _settings(old, new)
    names = prompt_names(suite, version)
    if old.digest == new.digest:
        same = "The prompt says the same as the baseline's."
        behind = "" if config else " What changed lies behind it: the model, the code, or chance."
        return f"<p>{same}{behind}</p>{config}"
    message = f'<p class="dim">{escaped(new.commit_message)}</p>' if new.commit_message else ""
    return (
        f"<h4>What changed: the prompt</h4>{message}"
        f'<div class="scroll" role="region" tabindex="0" aria-label="Prompts {escaped(names[0])} and '
        f'{escaped(names[1])} of {escaped(suite.spec.name)}">{side_by_side(old.text, new.text, *names)}</div>{config}'
    )


def _settings(old: PromptVersion, new: PromptVersion) -> str:
    rows = [
        f'<tr><th scope="row">{escaped(name)}</th><td class="removed">{escaped(was)}</td>'
        f'<td class="added">{escaped(now)}</td></tr>'
        for name, was, now in changed_settings(old, new)
    ]
    if not rows:
        return ""
    head = '<tr><th scope="col">setting</th><th scope="col">baseline</th><th scope="col">now</th></tr>'
    return f'<table class="lines settings"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _kinds(number: int, version: VersionOutcome) -> str:
    """How many outputs changed in which way, each a link to them."""
    told = "".join(
        f"<li>{_link(escaped(group.phrase), number, version, kind=group.kind.name)}</li>"
        for group in groups(version.cases)
    )
    return f'<h4>What it did: kinds of change</h4><ul class="kinds">{told}</ul>' if told else ""


def _unusual(version: VersionOutcome) -> str:
    """The examples whose outputs lie outside of the noise."""
    if not version.outside_noise:
        return ""
    names = some([name for name, _ in version.outside_noise], UNUSUAL, escaped)
    return f"<p>Outside of what the model varies by itself: {names}</p>"


def _case(suite: SuiteOutcome, version: VersionOutcome, case: CaseOutcome, table: Table) -> str:
    left, right = word_marks(cut(case.accepted or ""), cut(case.output or ""))
    number = table.numbers[case.key]
    why = "".join(f'<p class="breach">{escaped(line)}</p>' for line in case.breaches)
    found = "; ".join(beyond_the_gates(case))
    notes = f'<p class="dim">{escaped(found)}</p>' if found else ""
    if case.samples:
        notes += f'<p class="dim">The worst of {len(case.samples)} samples:</p>'
    return (
        f'<article class="case"><h5><a href="#case={number}">{escaped(case.example)}</a> '
        f'<span class="chip {case.verdict}">{escaped(case.verdict)}</span></h5>{why}{notes}'
        f'<table class="words"><thead><tr><th scope="col">baseline ({escaped(suite.baseline_name or "")})</th>'
        f'<th scope="col">{escaped(version.version.label)}</th></tr></thead>'
        f'<tbody><tr><td dir="auto">{left}</td><td dir="auto">{right}</td></tr></tbody></table></article>'
    )


def _cases(run: RunOutcome) -> Iterable[CaseOutcome]:
    return (case for suite in run.suites for version in suite.versions for case in version.cases)
