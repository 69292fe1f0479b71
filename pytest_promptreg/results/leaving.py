"""The result file that a run leaves, whole or as a shard: the end of a run that a merge or a report begins with."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .. import typed
from ..errors import MetricError, ResultsError
from ..files import display_path, own_folder
from ..judging.gates import Verdict, metric_of
from ..report.files import make_way
from ..settings import Settings
from . import file as results
from .lines import SUFFIX
from .outcome import RunOutcome, SuiteOutcome
from .shards import Part, Shard, module_digest, told

if TYPE_CHECKING:
    from pathlib import Path

    from ..baselines.storing import Storing
    from ..session.concluding import Conclusion, Declaration


def forget_earlier(settings: Settings) -> None:
    """Remove what an earlier run left where this one is going to leave something.

    :raises PromptregError: when that cannot be done, or a file of another kind is there.
    """
    own = [] if settings.results is None else [(results.FILE, settings.results)]
    make_way(settings.reports, own)
    for file, path in own:
        file.forget(path)


def leave_results(conclusion: Conclusion, declaration: Declaration, storing: Storing, *, exit_passed: bool) -> None:
    """Write the result file that the settings ask for and note it; one that cannot be written fails the run.

    :param exit_passed: whether pytest as a whole passed so far, other tests included.
    """
    settings = storing.settings
    path = settings.results
    if path is None:
        return
    part = None
    if settings.shard is not None:
        signatures = _signatures(conclusion, declaration, storing)
        passed = exit_passed and not conclusion.fails_run
        part = _part(settings, declaration, signatures, exit_passed=passed).to_wire()
        recorded = settings.tracking is not None
        conclusion.notes.append(what_is_left(conclusion.run, settings.shard, len(declaration.whole), recorded=recorded))
    try:
        if path.is_relative_to(settings.rootdir / ".promptreg"):
            own_folder(settings.rootdir)
        lines = path.suffix == SUFFIX
        text = results.render(conclusion.run, part=part, root=settings.rootdir, lines=lines)
        results.FILE.write(path, text)
    except (ResultsError, OSError) as exc:
        conclusion.problems.append(str(exc))
        conclusion.fatal = True
        return
    conclusion.notes.append(f"results written: {display_path(path)}")
    if settings.shard is not None:
        conclusion.notes.append(f"when all shards have run: {merge_command(path, settings.shard)}")


def merge_command(path: Path, shard: Shard) -> str:
    """What merges the shards of a run.

    :param path: the file of one of them.
    """
    return f"python -m pytest_promptreg merge {_files_of_all(path, shard)}"


def _files_of_all(path: Path, shard: Shard) -> str:
    """The files of all shards, by a pattern for the shell where the number of this one stands in its file's name.

    Of the default name, those of this count alone: another split of the suite may have left its files beside them.
    """
    parts = re.split(rf"(?<!\d){shard.index}(?!\d)", path.name, maxsplit=1)
    if len(parts) == 1:
        return "FILE..."
    folder = display_path(path.parent)
    return "*".join(typed.word(part) if part else "" for part in (f"{folder}/{parts[0]}".removeprefix("./"), parts[1]))


def _part(
    settings: Settings,
    declaration: Declaration,
    signatures: Mapping[str, Mapping[str, str]],
    *,
    exit_passed: bool,
) -> Part:
    from ..tracking.clean import command
    from ..tracking.facts import look_around

    assert settings.shard is not None  # noqa: S101  only a shard leaves a part
    return Part(
        index=settings.shard.index,
        count=settings.shard.count,
        command=command(settings.invocation),
        exit_passed=exit_passed,
        commit=look_around(settings.rootdir, os.environ).commit,
        flags=told(settings.flags),
        ini=told(settings.ini),
        cases=[(*key, nodeid) for key, nodeid in declaration.whole.items()],
        modules={spec.id: module_digest(spec.module) for spec in declaration.suites.values()},
        signatures=signatures,
        notices=tuple(declaration.notices),
    )


def _signatures(conclusion: Conclusion, declaration: Declaration, storing: Storing) -> dict[str, dict[str, str]]:
    """By suite, the signatures of what scored: of every metric in a refresh, else of those that were asked at all.

    A run in which every output equals the baseline loads no embedding model for it.
    """
    found: dict[str, dict[str, str]] = {}
    for suite in conclusion.run.suites:
        spec = suite.spec
        if not conclusion.run.refreshed:
            found[spec.id] = storing.known_signatures(spec, declaration, _asked(suite))
            continue
        try:
            found[spec.id] = storing.signatures(spec, declaration) if suite.versions else {}
        except MetricError as exc:
            conclusion.problems.append(f"{suite.spec.name}: the signatures of its metrics cannot be told: {exc}")
            conclusion.fatal = True
    return found


def _asked(suite: SuiteOutcome) -> set[str]:
    scored = {Verdict.CHANGED, Verdict.BREACHED}
    cases = (case for version in suite.versions for case in version.cases if case.verdict in scored)
    return {metric_of(term) for case in cases for term in case.scores}


def what_is_left(run: RunOutcome, shard: Shard, selected: int, *, recorded: bool = False) -> str:
    """What a shard does not do, which the merge does.

    :param selected: how many cases were, whichever shard runs them.
    :param recorded: whether the merge is to record the run.
    """
    gates = dict.fromkeys(str(gate) for suite in run.suites for gate in suite.spec.gates if gate.of_suite)
    rest = []
    if gates and not run.refreshed:
        rest.append(f"judges {', '.join(gates)}")
    if run.refreshed:
        rest.append("writes the baseline")
    if recorded:
        rest.append("records the run in MLflow")
    ran = sum(len(version.cases) for suite in run.suites for version in suite.versions)
    line = f"shard {shard}: {ran} of {selected} cases"
    return f"{line}; the merge {' and '.join(rest)}" if rest else line
