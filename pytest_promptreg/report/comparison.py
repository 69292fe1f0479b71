"""Two runs beside each other, in sentences: for the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from ..results.comparing import Means, Pair, SuiteComparison, VersionComparison
from ..text import count, some
from . import html_diff
from .escape import escaped, one_line
from .files import SIGN
from .markdown import COMMENT, Paper, marked

_NAMED = 5  # cases that a sentence names
_SHOWN = 10  # cases of a version whose outputs are shown in Markdown


def lines(found: Sequence[SuiteComparison], names: tuple[str, str]) -> list[str]:
    """The comparison for a terminal.

    :param names: what the two runs are called.
    """
    told = [one_line(_verdict(found, names))]
    for suite in found:
        told += ["", one_line(suite.name), *(f"  {one_line(said)}" for said in _of_suite(suite, names))]
        for version in suite.versions:
            told.append(f"  {one_line(version.label)}: {one_line(_cases(version, names))}")
            told += [f"    {one_line(said)}" for said in _of_version(version)]
    return told


def markdown(found: Sequence[SuiteComparison], names: tuple[str, str]) -> str:
    """The comparison for a pull request; what does not fit into a comment is left out, and that is said."""
    paper = Paper(COMMENT)
    paper.add(f"## Comparison {SIGN}\n\n{escaped(_verdict(found, names), 1_000)}\n")
    for suite in found:
        said = [f"- {_named(line)}" for line in _of_suite(suite, names)]
        paper.add("\n".join([f"### {_named(suite.name)}", "", *said]) + "\n")
        for version in suite.versions:
            said = [f"- {_named(line)}" for line in _of_version(version)]
            paper.add("\n".join([f"#### {_named(version.label)}: {escaped(_cases(version, names))}", "", *said]) + "\n")
            for pair in version.worse[:_SHOWN]:
                paper.add(_shown(pair))
    return paper.text()


def _named(text: str) -> str:
    return f"<code>{escaped(text, 400)}</code>"


def _shown(pair: Pair) -> str:
    name = html_diff.escaped(one_line(pair.after.example, 200))
    flip = html_diff.escaped(_flip(pair))
    said = marked(pair.before.output or "", pair.after.output or "")
    return f"<details><summary><code>{name}</code> {flip}</summary>\n\n<p><code>{said}</code></p>\n\n</details>\n"


def _verdict(found: Sequence[SuiteComparison], names: tuple[str, str]) -> str:
    versions = [version for suite in found for version in suite.versions]
    worse = sum(len(version.worse) for version in versions)
    better = sum(len(version.better) for version in versions)
    differing = sum(len(version.differing) for version in versions)
    cases = sum(len(version.pairs) for version in versions)
    missed = sum(len(version.missed) for version in versions)
    gates = f", {count(missed, 'gate')} not met now" if missed else ""
    return (
        f"{names[1]} against {names[0]}: of {count(cases, 'case')} {worse} worse, {better} better{gates}; "
        f"{count(differing, 'output')} differ"
    )


def _of_suite(suite: SuiteComparison, names: tuple[str, str]) -> list[str]:
    if suite.only_in is not None:
        return [f"only in {names[suite.only_in]}"]
    alone = zip(names, suite.alone, strict=True)
    return [f"version {label} is only in {name}" for name, labels in alone for label in labels]


def _cases(version: VersionComparison, names: tuple[str, str]) -> str:
    alone = [f"{number} only in {name}" for name, number in zip(names, version.alone, strict=True) if number]
    prompt = [] if version.same_prompt else ["its prompt is another one"]
    return ", ".join([f"{count(len(version.pairs), 'case')} in both", *alone, *prompt])


def _of_version(version: VersionComparison) -> list[str]:
    told = [f"gate not met now: {said}" for said in version.missed]
    told += [f"gate met now: {said}" for said in version.met]
    for word, pairs in (("worse", version.worse), ("better", version.better)):
        if pairs:
            told.append(
                f"{len(pairs)} {word}: {some([f'{pair.after.example} ({_flip(pair)})' for pair in pairs], _NAMED)}"
            )
    told += [_mean(means) for means in version.scores if means.better is not None]
    if same := [means.name for means in version.scores if means.better is None]:
        told.append(f"the same: {', '.join(same)}")
    if differing := version.differing:
        names = some([pair.after.example for pair in differing], _NAMED)
        told.append(f"{len(differing)} of {count(len(version.pairs), 'output')} differ: {names}")
    return told + [_mean(means) for means in version.outlay]


def _flip(pair: Pair) -> str:
    failed = " and failed" if not pair.after.passed and pair.after.verdict == pair.before.verdict else ""
    return f"{pair.before.verdict} -> {pair.after.verdict}{failed}"


def _mean(means: Means) -> str:
    word = "" if means.better is None else ", better" if means.better else ", worse"
    digits = 1 if max(abs(means.before), abs(means.after)) >= 10 else 4
    change = means.after - means.before
    return f"{means.name} {means.before:.{digits}f} -> {means.after:.{digits}f} ({change:+.{digits}f}{word})"
