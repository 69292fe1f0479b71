"""The registry's own objects for prompt versions: listed, and read as ours."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...inputs.prompts import prompt_from_mapping
from ...model import PromptVersion

REGISTRY_NAME_TAG = "promptreg.registry.name"
REGISTRY_VERSION_TAG = "promptreg.registry.version"
ALIASES_TAG = "mlflow.aliases"
SYNTAX_TAG = "promptreg.syntax"

_MISSING_CODES = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"})
_PAGE = 100
_PAGE_TRIES = 4
_PAUSE_S = 0.05


def stored_versions(client: Any, name: str, last: int | None = None) -> Iterator[Any]:
    """MLflow's own objects for the newest ``last`` versions, or all, newest first."""
    token: str | None = None
    left = last
    while left is None or left > 0:
        page = _page(client, name, _PAGE if left is None else min(left, _PAGE), token)
        yield from page
        token = page.token
        if not token:
            return
        left = left if left is None else left - len(page)


def _page(client: Any, name: str, size: int, token: str | None) -> Any:
    """One page of versions, asked for again where it seems to be one of a model's.

    A version that is deleted while MLflow lists it has lost its tags, and with them the mark of a prompt.
    """
    from mlflow.exceptions import MlflowException

    for _ in range(_PAGE_TRIES - 1):
        try:
            return client.search_prompt_versions(name, size, token)
        except MlflowException as exc:
            if exc.error_code != "INVALID_PARAMETER_VALUE":
                raise
            time.sleep(_PAUSE_S)
    return client.search_prompt_versions(name, size, token)


def is_missing(exc: BaseException) -> bool:
    """Whether the registry has answered, and has not what was asked for."""
    return getattr(exc, "error_code", None) in _MISSING_CODES


def from_stored(stored: Any, aliases: Mapping[str, int] | None = None) -> PromptVersion:
    """MLflow's own object for a version as ours, with its name, number and aliases in its tags.

    :param aliases: of the prompt, each with the number that it names; MLflow's list of versions leaves them out.
    :raises PromptError: when it is no prompt that could be used: a message without text, an empty text.
    """
    template = stored.template
    texts = [template] if isinstance(template, str) else [str(message.get("content")) for message in template]
    names = {name for name, number in (aliases or {}).items() if number == stored.version} | set(stored.aliases or ())
    tags = {str(key): str(value) for key, value in stored.tags.items()}
    syntax = tags.get(SYNTAX_TAG)
    if syntax not in {"braces", "jinja2"}:
        syntax = "jinja2" if any("{%" in text and "%}" in text for text in texts) else "braces"
    version = prompt_from_mapping(
        {
            "label": f"v{stored.version}",
            "text" if isinstance(template, str) else "messages": template,
            "syntax": syntax,
            "model_config": stored.model_config or {},
            "commit_message": stored.commit_message or "",
            "tags": tags | ({ALIASES_TAG: ", ".join(sorted(names))} if names else {}),
        },
        where=f"prompts:/{stored.name}/{stored.version}",
    )
    return registered_as(version, stored.name, stored.version)


def registered_as(version: PromptVersion, name: str, number: int) -> PromptVersion:
    """The version, knowing under which name and number the registry has it."""
    return replace(version, tags={**version.tags, REGISTRY_NAME_TAG: name, REGISTRY_VERSION_TAG: str(number)})


def aliases_of(client: Any, name: str) -> dict[str, int]:
    """The prompt's aliases; none where the registry cannot list them: they are for people to read."""
    from mlflow.exceptions import MlflowException

    query = f"name = '{name}' AND tag.`mlflow.prompt.is_prompt` = 'true'"  # without the tag, prompts are left out
    with contextlib.suppress(MlflowException):
        for prompt in client.search_registered_models(filter_string=query):
            return {alias: int(number) for alias, number in prompt.aliases.items()}
    return {}
