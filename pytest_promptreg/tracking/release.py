"""What a run does to the prompt registry when it is asked to: register what it tested, and move an alias to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TrackingError
from ..model import CaseKey, PromptVersion
from ..redaction.redactor import is_redacted
from ..sources.registry.addresses import registry_name
from ..sources.registry.asking import open_client
from ..sources.registry.stored import REGISTRY_NAME_TAG, REGISTRY_VERSION_TAG, registered_as
from . import git
from .registry import Promotion, promote, register

if TYPE_CHECKING:
    from ..mlflow_store import Store
    from ..results.outcome import RunOutcome, SuiteOutcome
    from ..suites.suite import SuiteSpec

PROMOTED_TAG = "promptreg.promoted"


@dataclass(frozen=True, slots=True)
class Release:
    """What became of the registry.

    :param run: the outcome, its versions knowing their names and numbers in the registry.
    :param lines: what was done, for the terminal.
    :param promotions: where the alias names another version than before.
    """

    run: RunOutcome
    lines: Sequence[str]
    promotions: Sequence[Promotion] = ()


def refuse_promotion(run: RunOutcome, *, exit_passed: bool) -> None:
    """Refuse to move an alias to what was not tested, wholly and with success.

    :raises TrackingError: saying what stands against it.
    """
    step = "the alias stays as it was"
    if run.interrupted or run.failed or not exit_passed:
        raise TrackingError("the run did not pass, so nothing is promoted", next_step=step)
    if not any(suite.versions for suite in run.suites):
        raise TrackingError("no prompt version was tested, so nothing is promoted", next_step=step)
    _refuse_left_out(run.left_out, [suite.spec for suite in run.suites if suite.versions])
    for suite in run.suites:
        _refuse_several(suite.spec, [version.version.label for version in suite.versions])
        for version in suite.versions:
            judged = sum(case.judged for case in version.cases)
            if judged < len(suite.spec.examples):
                raise TrackingError(
                    f"only {judged} of {len(suite.spec.examples)} examples of {suite.spec.name} were judged: nothing "
                    "is promoted",
                    next_step="run all of them",
                )


def refuse_promotion_of(selected: Mapping[str, Sequence[CaseKey]], specs: Mapping[str, SuiteSpec]) -> None:
    """Refuse a run that could promote nothing even if it passed, before it calls for anything.

    :param selected: the cases that are to run, by suite.
    :param specs: every suite that was collected.
    :raises TrackingError: saying what stands against it.
    """
    ran = [specs[suite] for suite, keys in selected.items() if keys]
    _refuse_left_out([spec for spec in specs.values() if not selected.get(spec.id)], ran)
    for spec in ran:
        keys = set(selected[spec.id])
        _refuse_several(spec, [label for label in spec.version_by_label if any(key.version == label for key in keys)])
        if len(keys) < len(spec.examples):
            raise TrackingError(
                f"only {len(keys)} of {len(spec.examples)} examples of {spec.name} are to run: nothing could be "
                "promoted",
                where=spec.where,
                next_step="run all of them: without -k, -m, --lf and node ids",
            )


def _refuse_left_out(left_out: Iterable[SuiteSpec], ran: Iterable[SuiteSpec]) -> None:
    tested = {spec.prompt_name for spec in ran}
    for spec in left_out:
        if spec.prompt_name in tested:
            raise TrackingError(
                f"{spec.name} tests the same prompt and was left out, so nothing is promoted",
                where=spec.where,
                next_step="run all suites of the prompt",
            )


def _refuse_several(spec: SuiteSpec, labels: Sequence[str]) -> None:
    if len(labels) > 1:
        raise TrackingError(
            f"{spec.name} tests {', '.join(labels)}: which of them is to be promoted?",
            next_step=f"select one: {spec.command('--promptreg-versions', labels[-1])}",
        )


def release(run: RunOutcome, target: Store, alias: str | None) -> Release:
    """Register the versions that were tested and, where an alias is given, move it to them.

    :raises TrackingError: in one line, whatever went wrong; after at most ``target.timeout_s`` seconds.
    """
    from ..mlflow_store.deadline import Deadline, quiet_loggers, within_deadline
    from ..mlflow_store.faults import knock
    from ..mlflow_store.fresh import make_whole
    from ..mlflow_store.locks import alone

    def work(deadline: Deadline) -> Release:
        knock(target, deadline)
        with quiet_loggers(), alone(target.uri, deadline):
            make_whole(target.uri)
            return _released(run, open_client(target), alias)

    try:
        return within_deadline(work, target)
    except KeyboardInterrupt:  # raised, it would have the run concluded, and released, once more
        raise TrackingError(
            "MLflow prompt registry: interrupted, so what became of it is not known",
            where=target.shown,
            next_step="run it again: nothing is registered twice",
        ) from None


def _released(run: RunOutcome, client: Any, alias: str | None) -> Release:
    lines: list[str] = []
    suites = []
    promoted: dict[str, int] = {}
    for suite in run.suites:
        known = _registered(suite, client, lines)
        versions = [replace(version, version=known[version.version.label]) for version in suite.versions]
        suites.append(replace(suite, versions=versions))
        for version in versions if alias else ():
            name, number = _place(version.version)
            if promoted.setdefault(name, number) != number:
                raise TrackingError(
                    f"suites tested versions {promoted[name]} and {number} of the prompt {name}",
                    next_step="promote from a run of one of them",
                )
    moves = [promote(name, number, alias, client) for name, number in promoted.items() if alias]
    lines += [move.line for move in moves]
    moved = "; ".join(line for line in lines if f"@{alias} " in line)
    if moved:
        suites = [replace(suite, versions=[_noted(version, moved) for version in suite.versions]) for suite in suites]
    moves = [move for move in moves if move.old != move.new]
    told = [f"MLflow prompt registry: {line}" for line in lines]
    return Release(replace(run, suites=suites), [*told, *_outdated(run, moves)], moves)


def _outdated(run: RunOutcome, moves: Sequence[Promotion]) -> list[str]:
    """A line for each suite whose baseline has to be of what the alias named before."""
    specs = [*(suite.spec for suite in run.suites), *run.left_out]
    return [
        f"the baseline of {spec.name} is of version {spec.production.number}, which @{move.alias} named before; to "
        f"store the outputs of version {move.new}: {spec.command('--promptreg-update')}"
        for move in moves
        for spec in specs
        if spec.production is not None and (spec.production.name, spec.production.alias) == (move.name, move.alias)
    ]


def _registered(suite: SuiteOutcome, client: Any, lines: list[str]) -> dict[str, PromptVersion]:
    """The suite's tested versions by label, each knowing its place; those from files are registered first."""
    tested = [version.version for version in suite.versions]
    from_files = [version for version in tested if REGISTRY_VERSION_TAG not in version.tags]
    found = {version.label: version for version in tested}
    for version in from_files:
        if is_redacted(version.text):
            raise TrackingError(
                f"{version.label} holds what is redacted, and a prompt is registered as it is or not at all",
                where=version.where or None,
                next_step="take it out of the prompt: predict can add it to what it sends",
            )
    if from_files:
        name = registry_name(suite.spec.prompt_name)
        numbers = register(from_files, name, client, _commit_message)
        for version in from_files:
            found[version.label] = registered_as(version, name, numbers[version.label])
            line = f"{version.label} is version {numbers[version.label]} of {name}"
            if line not in lines:
                lines.append(line)
    return found


def _commit_message(version: PromptVersion) -> str:
    """What the prompt file says of itself; else the subject of the last commit that touched it."""
    if version.commit_message:
        return version.commit_message
    path = Path(re.sub(r":\d+$", "", version.where))
    return git.last_change(path.absolute()) if path.is_file() else ""


def _place(version: PromptVersion) -> tuple[str, int]:
    return version.tags[REGISTRY_NAME_TAG], int(version.tags[REGISTRY_VERSION_TAG])


def _noted(version: Any, moved: str) -> Any:
    prompt = version.version
    return replace(version, version=replace(prompt, tags={**prompt.tags, PROMOTED_TAG: moved}))
