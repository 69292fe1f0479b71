"""Where in the repository a failure belongs: the prompt's first changed line, and the suite's line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..judging.gates import Verdict
from ..judging.noise_result import UNDECIDED, NoiseResult
from ..model import PromptVersion
from ..results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
from . import kinds
from .words import counted

_LINE = re.compile(r"(.*?):(\d+)", re.DOTALL)
_WORST = 3  # cases that are named


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file; the path is relative to the root of the repository, where it lies in it, with ``/``."""

    path: str
    line: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that failed, and where.

    :param rule: what kind of thing it is: ``regression``, ``not judged``, ``case`` or ``warning``.
    :param suite: the suite's id, ``version`` the version's label, ``example`` the example's id, empty where it is of a
        whole version: by them it is the same in the next run.
    :param title: in a few words; ``text`` says more. Both hold names and words of models as they came.
    """

    place: Place
    rule: str
    suite: str
    version: str
    title: str
    text: str
    example: str = ""


def findings(run: RunOutcome, root: Path, *, cases: bool = False) -> Iterator[Finding]:
    """What failed, version by version: at the prompt that was changed, and at the suite.

    :param root: of the repository.
    :param cases: whether, behind those, each case that failed or that a signal warns of is told at its example's line.
    """
    versions = [] if run.refreshed else [(suite, version) for suite in run.suites for version in suite.versions]
    for suite, version in versions:
        if version.failed:
            yield from _of_version(suite, version, root)
    for suite, version in versions if cases else ():
        for case in version.cases:
            yield from _of_case(suite, case, root)


def _of_version(suite: SuiteOutcome, version: VersionOutcome, root: Path) -> Iterator[Finding]:
    spec, label = suite.spec, version.version.label
    lost = bool(version.breached_gates) or Verdict.BREACHED in version.counts
    text = "; ".join(_said(suite, version))
    rule, what = ("regression", "regressed") if lost else ("not judged", "was not judged or failed its test")
    if _only_undecided(version):
        rule, what = "undecided", "is undecided"
    accepted = suite.baseline_prompt()
    if lost and accepted is not None and accepted.digest != version.version.digest:
        prompt = of_prompt(version.version, accepted, root)
        if prompt is not None and prompt.path != of_suite(suite, root).path:  # it stands in the test, and is told there
            yield Finding(prompt, rule, spec.id, label, f"prompt {label} {what} in {spec.name}", text)
    yield Finding(of_suite(suite, root), rule, spec.id, label, f"{spec.name}: {label} {what}", text)


def _of_case(suite: SuiteOutcome, case: CaseOutcome, root: Path) -> Iterator[Finding]:
    breached = case.verdict == Verdict.BREACHED  # it fails the run or a pass-rate gate lets it pass; a person looks
    if not case.passed or breached:
        rule, text = "case", "; ".join(case.breaches) or case.message or "the test failed"
    elif case.warnings:
        rule, text = "warning", "; ".join(f"{name}: {case.findings.get(name, '')}" for name in case.warnings)
    else:
        return
    spec, example = suite.spec, suite.spec.example_by_id[case.example]
    place = _place(example.where, root)
    if not (root / place.path).is_file():
        place = of_suite(suite, root)
    yield Finding(
        place, rule, spec.id, case.version, f"{spec.name}: {case.version} x {case.example}", text, case.example
    )


def _only_undecided(version: VersionOutcome) -> bool:
    """Whether nothing is known to have got worse, and the run fails because nobody can tell."""
    missed = version.breached_gates
    cannot_tell = all(isinstance(result, NoiseResult) and result.state == UNDECIDED for result in missed)
    return bool(missed) and cannot_tell and all(case.passed for case in version.cases)


def _said(suite: SuiteOutcome, version: VersionOutcome) -> Iterator[str]:
    """Counts, gates, kinds of change and the worst cases."""
    yield counted(version)
    yield from map(str, version.breached_gates)
    if told := kinds.sentence(kinds.groups(version.cases)):
        yield told
    for case in version.worst(suite.terms, _WORST, suite.spec.known):
        if case.breaches:
            yield f"{case.example}: {', '.join(case.breaches)}"
    for case in [case for case in version.cases if not case.judged][:_WORST]:
        yield f"{case.example}: {case.verdict}, {case.message}"


def of_suite(suite: SuiteOutcome, root: Path) -> Place:
    """The line of the test function."""
    return _place(suite.spec.where, root)


def of_prompt(version: PromptVersion, accepted: PromptVersion, root: Path) -> Place | None:
    """The first line of the prompt's file that differs from the accepted text; None where it has no file."""
    place = _place(version.where, root)
    if not version.where or not (root / place.path).is_file():
        return None
    if not version.first_line:
        return place
    old, new = accepted.text.splitlines(), version.text.splitlines()
    same = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), len(old))
    return Place(place.path, version.first_line + max(0, min(same, len(new) - 1)))


def _place(where: str, root: Path) -> Place:
    """What ``file:line`` from the working directory is, seen from the root of the repository."""
    match = _LINE.fullmatch(where)
    name, line = (match[1], int(match[2])) if match else (where, 1)
    path = Path.cwd() / name
    return Place((path.relative_to(root) if path.is_relative_to(root) else path).as_posix(), max(line, 1))
