"""Asks the registry for the versions that an address names, and says what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import PromptError, TrackingError, did_you_mean
from ...mlflow_store import Store, database_file
from ...model import PromptVersion
from ...report.escape import one_line
from .addresses import Address
from .stored import aliases_of, from_stored, is_missing, stored_versions

if TYPE_CHECKING:
    from ...mlflow_store.deadline import Deadline

_MOST_NAMES = 500
_MOST_SHOWN = 12


def open_client(target: Store) -> Any:
    """MLflow's client of a registry, with explicit addresses."""
    from mlflow import MlflowClient

    # Unity Catalog registers prompts and keeps no runs.
    runs = target.uri.replace("-uc", "", 1) if target.uri.startswith("databricks-uc") else target.uri
    return MlflowClient(tracking_uri=runs, registry_uri=target.uri)


def ask(asked: Address, target: Store, deadline: Deadline) -> list[PromptVersion]:
    """The versions that the registry has now, oldest first.

    :raises PromptError: when there is none of that address, or one cannot be used.
    :raises TrackingError: when the registry is not there.
    """
    from ...mlflow_store.deadline import quiet_loggers
    from ...mlflow_store.faults import knock
    from ...mlflow_store.locks import alone

    _check_database(target)
    knock(target, deadline)
    from mlflow.exceptions import MlflowException

    with quiet_loggers(), alone(target.uri, deadline):
        deadline.check()
        client = open_client(target)
        try:
            if asked.version is not None:
                found = [client.get_prompt_version(asked.name, str(asked.version))]
            elif asked.alias is not None:
                found = [client.get_prompt_version_by_alias(asked.name, asked.alias)]
            else:
                found = list(stored_versions(client, asked.name, asked.last))[::-1]
        except MlflowException as exc:
            if not is_missing(exc):
                raise
            raise _missing(client, asked, target, exc) from exc
        if not found or any(version is None for version in found):  # theirs cannot be compared with None
            raise _missing(client, asked, target, None)
        aliases = aliases_of(client, asked.name)
        return [from_stored(version, aliases) for version in found]


def _check_database(store: Store) -> None:
    """Refuse a local database that is not there: opening it would make one.

    :raises TrackingError: where there is none.
    """
    database = database_file(store.uri)
    if database is not None and not database.exists():
        raise TrackingError(
            "MLflow: there is no such database",
            next_step="set MLFLOW_REGISTRY_URI or MLFLOW_TRACKING_URI to where the prompts are registered",
        )


def _missing(client: Any, asked: Address, store: Store, answer: Exception | None) -> PromptError:
    """What is not there, and what is."""
    from mlflow.exceptions import MlflowException

    uri = store.shown
    try:
        numbers = sorted(version.version for version in stored_versions(client, asked.name))
    except MlflowException as exc:
        if not is_missing(exc):
            raise
        if exc.error_code == "INVALID_PARAMETER_VALUE":  # a model has the name
            return PromptError(f"{asked}: {one_line(str(exc), 200)}", next_step="name a prompt")
        names = [prompt.name for prompt in client.search_prompts(max_results=_MOST_NAMES)]
        step = did_you_mean(asked.name, names) if names else "none is registered there; --promptreg-register does that"
        return PromptError(f"{asked}: there is no prompt {asked.name!r} in {uri}", next_step=step)
    shown = ", ".join(map(str, numbers[-_MOST_SHOWN:]))
    there = f"the newest of {len(numbers)}: {shown}" if len(numbers) > _MOST_SHOWN else f"there are: {shown}"
    if not numbers:
        return PromptError(f"{asked}: the prompt has no version in {uri}", next_step="register one")
    if asked.version is not None:
        return PromptError(f"{asked}: there is no version {asked.version} in {uri}", next_step=there)
    if asked.alias is not None:
        aliases = aliases_of(client, asked.name)
        known = ", ".join(f"@{alias} (version {number})" for alias, number in sorted(aliases.items()))
        step = f"aliases: {known}" if known else f"it has no alias; versions: {shown}"
        return PromptError(f"{asked}: there is no alias {asked.alias!r} in {uri}", next_step=step)
    return PromptError(f"{asked}: {one_line(str(answer), 200)}", next_step=there)
