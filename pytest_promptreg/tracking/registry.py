"""Prompt versions that go into the MLflow prompt registry, aliases that move there, and the tag that ties runs to them.

Every function takes the client, and raises whatever the client raises: to be called where runs are written, within a
deadline and, for a local database, under its lock. MLflow's own ``register_prompt`` is not used: it never sees that a
text is registered already, writes a version's tags on the prompt too, and ties the prompt to the experiment that is
active in the process.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import PromptError, TrackingError
from ..inputs.prompts import sort_versions
from ..model import PromptVersion
from ..redaction import HIDDEN, is_secret_name
from ..sources.registry.addresses import registry_name
from ..sources.registry.stored import (
    ALIASES_TAG,
    REGISTRY_NAME_TAG,
    REGISTRY_VERSION_TAG,
    SYNTAX_TAG,
    from_stored,
    is_missing,
    stored_versions,
)
from ..text import canonical_json, digest
from . import clean

DIGEST_TAG = "promptreg.sha256"
LABEL_TAG = "promptreg.label"
CONFIG_DIGEST_TAG = "promptreg.model_config_sha256"
LINKED_PROMPTS_TAG = "mlflow.linkedPrompts"

_ALIAS = re.compile(r"[\w-]{1,255}")
_RESERVED_ALIAS = re.compile(r"latest|v[0-9]+", re.IGNORECASE)
_TEMPLATE_LIMIT = 100_000
_COMMIT_MESSAGE_LIMIT = 5_000
_EXPERIMENTS_TAG = "_mlflow_experiment_ids"
_RUNS_TAG = "mlflow.prompt.run_ids"  # what the page of a version reads
_RUNS_SHOWN = 20
_OF_THE_REGISTRY = frozenset({ALIASES_TAG, REGISTRY_NAME_TAG, REGISTRY_VERSION_TAG})
_OF_MLFLOW = ("mlflow.prompt.", "_mlflow_prompt")

_Identity = tuple[str, str]
_Known = dict[_Identity, list[int]]  # the numbers of the registered versions, oldest first


@dataclass(frozen=True, slots=True)
class Promotion:
    """An alias that was moved.

    :param old: the version that it named before; None where it is new.
    """

    name: str
    alias: str
    old: int | None
    new: int

    @property
    def line(self) -> str:
        """For the terminal and the run: what moved from where."""
        if self.old == self.new:
            return f"{self.name}@{self.alias} is version {self.new} already"
        before = "new" if self.old is None else f"it was version {self.old}"
        return f"{self.name}@{self.alias} is version {self.new} now ({before})"


def register(
    versions: Sequence[PromptVersion],
    name: str,
    client: Any,
    message_of: Callable[[PromptVersion], str] = lambda version: version.commit_message,
) -> dict[str, int]:
    """Register what the registry has not yet, in the order of the labels.

    A version is known by its template, syntax and model config: by the digests in its tags or, of versions that others
    registered, by what they say. None is registered twice, not even when two processes do it at once: what was written
    is looked up again, and of two that say the same the later one is deleted by the process that wrote it. One limit
    remains: a process that ends between the two steps leaves its own.

    Secrets in the model config are left out.

    :param name: of the prompt; see :func:`.registry_name`.
    :param message_of: the commit message of one that is written.
    :returns: the registry's version number for each label.
    :raises TrackingError: before anything is written, when a version is too long or cannot be kept as it is.
    """
    name = registry_name(name)
    for version in versions:
        _check(version)
    known = _known(client, name)
    written: list[int] = []
    for version in sort_versions(versions):
        if not _numbers(version, known):
            number = _write(client, name, version, message_of(version))
            written.append(number)
            known |= {key: [number] for key in _identities(version)}
    if written:
        known = _known(client, name)
        _delete_doubles(client, name, written, known)
    return {version.label: _number(version, name, known) for version in versions}


def promote(name: str, version: int, alias: str, client: Any) -> Promotion:
    """Let the alias name that version. Of two processes that move it at once, the last one wins.

    :param name: of the prompt; see :func:`.registry_name`.
    :raises TrackingError: when the alias is reserved or malformed, or there is no such version.
    """
    from mlflow.exceptions import MlflowException

    check_alias(alias)
    name = registry_name(name)
    try:
        before = client.get_prompt_version_by_alias(name, alias)
    except MlflowException as exc:
        if not is_missing(exc):
            raise
        before = None
    old = None if before is None else int(before.version)
    if old != version:
        try:
            client.set_prompt_alias(name, alias, version)
        except MlflowException as exc:
            if not is_missing(exc):
                raise
            raise TrackingError(
                f"MLflow: there is no version {version} of the prompt {name!r}",
                next_step=f"register it first; @{alias} stays as it was",
            ) from exc
    return Promotion(name, alias, old, version)


def check_alias(alias: str) -> None:
    """Refuse what cannot be an alias; asks no registry.

    :raises TrackingError: for ``latest`` and ``v3``, which the registry keeps for itself, and for odd characters.
    """
    if _RESERVED_ALIAS.fullmatch(alias):
        raise TrackingError(
            f"MLflow keeps the alias {alias!r} for itself", next_step="choose another one, such as champion"
        )
    if not _ALIAS.fullmatch(alias):
        raise TrackingError(f"{alias!r} is no alias", next_step="it takes letters, digits, _ and -")


def linked_prompts_tag(versions: Sequence[PromptVersion]) -> str:
    """The value of a run's tag ``mlflow.linkedPrompts``; empty where no version is registered.

    It links the run's page to the prompts and theirs to the run, and is what MLflow's own call writes; that call
    takes no address.
    """
    entries: list[dict[str, str]] = []
    for version in versions:
        name, number = version.tags.get(REGISTRY_NAME_TAG), version.tags.get(REGISTRY_VERSION_TAG)
        entry = {"name": name or "", "version": number or ""}
        if name and number and entry not in entries and len(json.dumps([*entries, entry])) <= clean.TAG_LIMIT:
            entries.append(entry)
    return json.dumps(entries) if entries else ""


def show_in_experiment(name: str, experiment_id: str, client: Any) -> None:
    """Let the prompt stand among the experiment's prompts in MLflow's pages."""
    prompt = client.get_prompt(registry_name(name))
    if prompt is None:
        return
    known = [part for part in prompt.tags.get(_EXPERIMENTS_TAG, "").split(",") if part]
    if experiment_id not in known:
        client.set_prompt_tag(registry_name(name), _EXPERIMENTS_TAG, f",{','.join([*known, experiment_id])},")


def show_run(name: str, number: int, run_id: str, client: Any) -> None:
    """Let the version's page name the run among the last twenty that tested it."""
    stored = client.get_prompt_version(name, str(number))
    if stored is None:
        return
    known = [part for part in stored.tags.get(_RUNS_TAG, "").split(",") if part]
    if run_id not in known:
        client.set_prompt_version_tag(name, str(number), _RUNS_TAG, ",".join([run_id, *known][:_RUNS_SHOWN]))


def _known(client: Any, name: str) -> _Known:
    """What the registry has. The prompt is made when it is not there yet."""
    from mlflow.exceptions import MlflowException

    try:
        stored = list(stored_versions(client, name))
    except MlflowException as exc:
        if exc.error_code not in {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}:
            raise
        try:
            client.create_prompt(name)
        except MlflowException:  # somebody else may have made it a moment ago; if not, this says what is wrong
            stored = list(stored_versions(client, name))
        else:
            return {}
    found: _Known = {}
    for version in reversed(stored):
        for key in _stored_identities(version):
            found.setdefault(key, []).append(version.version)
    return found


def _identities(version: PromptVersion) -> set[_Identity]:
    """The digests of what a version says, its model config as written and as MLflow reads it (0 becomes 0.0)."""
    from mlflow.entities.model_registry import PromptModelConfig

    config = _without_secrets(version.model_config)
    return {
        (version.digest, digest(canonical_json(said)))
        for said in (config, PromptModelConfig.from_dict(config).to_dict())
    }


def _stored_identities(stored: Any) -> set[_Identity]:
    tagged = {(stored.tags[DIGEST_TAG], stored.tags.get(CONFIG_DIGEST_TAG, ""))} if DIGEST_TAG in stored.tags else set()
    try:
        return tagged | _identities(from_stored(stored))
    except PromptError:  # a chat of pictures, say, which no file can equal
        return tagged


def _numbers(version: PromptVersion, known: _Known) -> list[int]:
    """The registered versions that say the same, by number."""
    return sorted({number for key in _identities(version) for number in known.get(key, ())})


def _number(version: PromptVersion, name: str, known: _Known) -> int:
    """Of those that say the same the one that it was loaded from, else the oldest."""
    numbers = _numbers(version, known)
    if version.tags.get(REGISTRY_NAME_TAG) == name:
        for number in numbers:
            if str(number) == version.tags.get(REGISTRY_VERSION_TAG):
                return number
    return numbers[0]


def _delete_doubles(client: Any, name: str, written: Sequence[int], known: _Known) -> None:
    """Delete what was written here and had been written by somebody else a moment before."""
    for number in written:
        if any(numbers[0] < number for numbers in known.values() if number in numbers):
            with contextlib.suppress(Exception):
                client.delete_prompt_version(name, str(number))


def _check(version: PromptVersion) -> None:
    """Refuse what the registry would refuse, or change, half way through.

    :raises TrackingError: with the version's place.
    """
    from mlflow.entities.model_registry import PromptModelConfig

    template = _template(version)
    length = len(template if isinstance(template, str) else json.dumps(template))
    if length > _TEMPLATE_LIMIT:
        raise TrackingError(
            f"MLflow registers prompts of up to {_TEMPLATE_LIMIT:,} characters; {version.label} has {length:,}",
            where=version.where,
            next_step="move examples and documents out of the prompt into its inputs",
        )
    if "\0" in version.text:
        raise TrackingError(f"{version.label} has a NUL character, which databases refuse", where=version.where)
    try:
        PromptModelConfig.from_dict(_without_secrets(version.model_config))
    except ValueError as exc:  # pydantic's is one
        lines = str(exc).splitlines()
        raise TrackingError(
            f"MLflow cannot keep the model config of {version.label}: {' '.join(line.strip() for line in lines[1:3])}",
            where=version.where,
            next_step="correct the setting in the prompt file",
        ) from exc


def _write(client: Any, name: str, version: PromptVersion, message: str) -> int:
    config = _without_secrets(version.model_config)
    tags = {
        clean.key(key): HIDDEN if is_secret_name(key) else clean.text(value, clean.TAG_LIMIT)
        for key, value in version.tags.items()
        if key not in _OF_THE_REGISTRY and not key.startswith(_OF_MLFLOW)
    }
    ours = {
        DIGEST_TAG: version.digest,
        CONFIG_DIGEST_TAG: digest(canonical_json(config)),
        LABEL_TAG: clean.text(version.label, clean.TAG_LIMIT),
        SYNTAX_TAG: version.syntax,
    }
    made = client.create_prompt_version(
        name,
        _template(version),
        clean.text(message, _COMMIT_MESSAGE_LIMIT) or None,
        {**tags, **ours},
        model_config=config or None,
    )
    return int(made.version)


def _template(version: PromptVersion) -> str | list[dict[str, str]]:
    template = version.template
    if isinstance(template, str):
        return template
    return [{"role": message.role, "content": message.content} for message in template]


def _without_secrets(value: Any) -> Any:
    """``value`` without what its own names call a secret: asterisks would be handed to a model as its key."""
    if isinstance(value, Mapping):
        return {name: _without_secrets(item) for name, item in value.items() if not is_secret_name(str(name))}
    if isinstance(value, list | tuple):
        return [_without_secrets(item) for item in value]
    return value
