"""Prompt versions from the MLflow prompt registry, and the copies of them that a run without it falls back on.

mlflow is imported only where no copy will do, in a thread with a deadline. Only calls that take their store from the
client are made: MLflow's own ``load_prompt`` ties the prompt to the experiment that is active in the process.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PromptError, TrackingError, did_you_mean
from ..files import write_atomically
from ..mlflow_store import Store, database_file, find_registry, is_web
from ..model import PromptVersion
from ..redaction import without_secrets, without_user_info
from ..text import canonical_json, digest, file_slug

if TYPE_CHECKING:
    from ..mlflow_store.deadline import Deadline

PREFIX = "prompts:"
REGISTRY_NAME_TAG = "promptreg.registry.name"
REGISTRY_VERSION_TAG = "promptreg.registry.version"
ALIASES_TAG = "mlflow.aliases"
SYNTAX_TAG = "promptreg.syntax"

_ADDRESS = re.compile(
    r"prompts:/(?P<name>[A-Za-z0-9._-]+)(?:@(?P<alias>[\w-]+)|/(?P<version>[0-9]{1,9})|\?last=(?P<last>[0-9]{1,9}))?"
)
_HOW_TO_WRITE = "write prompts:/NAME, prompts:/NAME?last=5, prompts:/NAME/3 or prompts:/NAME@ALIAS"
_MISSING_CODES = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE"})
_PAGE = 100
_PAGE_TRIES = 4
_PAUSE_S = 0.05
_MOST_NAMES = 500
_MOST_SHOWN = 12
_COPY_FORMAT = 1


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Where prompts are registered, and how long a copy of them is good.

    :param uri: of the registry; None for MLFLOW_REGISTRY_URI, else MLFLOW_TRACKING_URI, else ``mlflow.db`` in rootdir.
    :param cache: folder for the copies; None to keep none.
    :param ttl_s: seconds that a copy is used without asking again.
    :param timeout_s: seconds that asking may take in all.
    :param run: what the processes of one pytest run have in common (pytest-xdist's PYTEST_XDIST_TESTRUNUID): a copy
        that one of them fetched is good for all of them, however old. Empty where there is one process.
    """

    uri: str | None = None
    cache: Path | None = None
    ttl_s: float = 60.0
    rootdir: Path = Path()
    timeout_s: float = 30.0
    run: str = ""

    def target(self, environ: Mapping[str, str]) -> Store:
        """The registry as a store, by the same rules as for runs.

        :raises ConfigError: where MLflow cannot keep a database.
        """
        return find_registry(environ, self.rootdir, self.timeout_s, uri=self.uri)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Prompt versions, oldest first, and what a person should be told about how they were come by.

    :param notice: one line; empty where there is nothing to tell. The same for each load of one address in a process.
    """

    versions: list[PromptVersion]
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """What a ``prompts:/`` text names: one version by number or alias, the newest few, or, with none of these, all."""

    name: str
    version: int | None = None
    alias: str | None = None
    last: int | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"prompts:/{self.name}/{self.version}"
        if self.alias is not None:
            return f"prompts:/{self.name}@{self.alias}"
        return f"prompts:/{self.name}" + (f"?last={self.last}" if self.last is not None else "")


def is_registry(source: object) -> bool:
    """Whether ``prompts=`` names the MLflow prompt registry."""
    return isinstance(source, str) and source.startswith(PREFIX)


def parse(address: str, *, where: str) -> Address:
    """The parts of an address.

    :raises PromptError: when it is none.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise PromptError(f"{address!r} is no address of a registered prompt", where=where, next_step=_HOW_TO_WRITE)
    version, last = (int(match[part]) if match[part] else None for part in ("version", "last"))
    if version == 0 or last == 0:
        raise PromptError(f"{address!r}: prompts are counted from 1", where=where, next_step=_HOW_TO_WRITE)
    return Address(match["name"], version, match["alias"], last)


_fetched: dict[tuple[Address, str], Loaded] = {}
_away: dict[str, TrackingError] = {}


def forget() -> None:
    """Fetch anew what this process has fetched already: to be called when a pytest run begins."""
    _fetched.clear()
    _away.clear()


def forget_alias(name: str, alias: str, settings: RegistrySettings) -> None:
    """Have the registry asked again what the alias names, however young the copy: it was moved."""
    asked, target = Address(name, alias=alias), settings.target(os.environ)
    _fetched.pop((asked, target.uri), None)
    _Copies(asked, target.uri, settings).remove()


def load_registry(address: str, *, where: str, settings: RegistrySettings) -> Loaded:
    """The versions that a ``prompts:/`` address names, fetched once in a process.

    A copy that is not older than ``settings.ttl_s`` is used without asking. One version by its number never changes:
    its copy is used for ever where the registry is a server; a local database is asked, for it is more easily deleted
    and begun again. (A server that was begun again: ``pytest --cache-clear``.) When the registry cannot be asked, an
    older copy is used, and the notice says so. A version whose settings hold a secret is not copied.

    :param where: ``file:line`` of what names the address, for messages.
    :raises PromptError: when there is no such prompt, version or alias, one cannot be used, or the registry cannot be
        asked, within ``settings.timeout_s`` seconds, and there is no copy.
    """
    asked = parse(address, where=where)
    target = settings.target(os.environ)
    key = asked, target.uri
    if key not in _fetched:
        try:
            _fetched[key] = _load(asked, target, settings)
        except PromptError as exc:
            exc.where = exc.where or where
            raise
    return _fetched[key]


def _load(asked: Address, target: Store, settings: RegistrySettings) -> Loaded:
    copies = _Copies(asked, target.uri, settings)
    before = copies.read()
    if before is not None and copies.is_good(before):
        return Loaded(before.versions)
    try:
        now = _fetch(asked, target, copies)
    except TrackingError as exc:
        return _without_registry(asked, target, before, exc)
    except PromptError as exc:
        if before is not None and asked.alias is not None and exc.next_step is not None:
            exc.next_step += f"; @{asked.alias} was {_names(before.versions)} at {_moment(before.fetched)}"
        raise
    return Loaded(now.versions, _moved(asked, before, now))


def _fetch(asked: Address, target: Store, copies: _Copies) -> _Copy:
    """What the registry has now, or a copy that another process fetched while this one waited for its turn.

    :raises PromptError: for an answer that cannot be used.
    :raises TrackingError: when there is none; a silence that was waited for once is told again at once.
    """
    from ..mlflow_store.deadline import Deadline, within_deadline
    from ..mlflow_store.faults import UnreachableError

    if target.uri in _away:
        raise _away[target.uri]

    def work(deadline: Deadline) -> _Copy | PromptError:
        with copies.turn(deadline):
            copy = copies.read()
            if copy is not None and copies.is_good(copy):
                return copy
            try:
                copy = copies.copy_of(_ask(asked, target, deadline))
            except PromptError as exc:
                return exc
            copies.write(copy)
            return copy

    deadline = Deadline(target.timeout_s)
    try:
        found = within_deadline(work, target, deadline)
    except TrackingError as exc:
        if isinstance(exc, UnreachableError) or deadline.remaining_s == 0:
            _away[target.uri] = exc
        raise
    if isinstance(found, PromptError):
        raise found
    return found


def _without_registry(asked: Address, target: Store, copy: _Copy | None, failure: TrackingError) -> Loaded:
    uri = target.shown
    said = failure.what.removeprefix("MLflow: ")
    if copy is not None:
        return Loaded(
            copy.versions,
            f"{asked} is {_names(copy.versions)} as of {_moment(copy.fetched)}, from a copy: {said} ({uri})",
        )
    raise PromptError(
        f"{asked} cannot be fetched from {uri}, and there is no earlier copy: {said}",
        next_step=failure.next_step or f"see that {target.variable} is right",
    )


def _moved(asked: Address, before: _Copy | None, now: _Copy) -> str:
    if asked.alias is None or before is None or _names(before.versions) == _names(now.versions):
        return ""
    return f"{asked} is {_names(now.versions)} now; it was {_names(before.versions)} at {_moment(before.fetched)}"


def _names(versions: list[PromptVersion]) -> str:
    return ", ".join(version.label for version in versions)


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def open_client(target: Store) -> Any:
    """MLflow's client of a registry, with explicit addresses."""
    from mlflow import MlflowClient

    # Unity Catalog registers prompts and keeps no runs.
    runs = target.uri.replace("-uc", "", 1) if target.uri.startswith("databricks-uc") else target.uri
    return MlflowClient(tracking_uri=runs, registry_uri=target.uri)


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


def _ask(asked: Address, target: Store, deadline: Deadline) -> list[PromptVersion]:
    from ..mlflow_store.deadline import quiet_loggers
    from ..mlflow_store.faults import knock
    from ..mlflow_store.locks import alone

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
        aliases = _aliases(client, asked.name)
        return [from_stored(version, aliases) for version in found]


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
    from ..prompts import _from_mapping

    template = stored.template
    texts = [template] if isinstance(template, str) else [str(message.get("content")) for message in template]
    names = {name for name, number in (aliases or {}).items() if number == stored.version} | set(stored.aliases or ())
    tags = {str(key): str(value) for key, value in stored.tags.items()}
    syntax = tags.get(SYNTAX_TAG)
    if syntax not in {"braces", "jinja2"}:
        syntax = "jinja2" if any("{%" in text and "%}" in text for text in texts) else "braces"
    version = _from_mapping(
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


def _aliases(client: Any, name: str) -> dict[str, int]:
    """The prompt's aliases; none where the registry cannot list them: they are for people to read."""
    from mlflow.exceptions import MlflowException

    query = f"name = '{name}' AND tag.`mlflow.prompt.is_prompt` = 'true'"  # without the tag, prompts are left out
    with contextlib.suppress(MlflowException):
        for prompt in client.search_registered_models(filter_string=query):
            return {alias: int(number) for alias, number in prompt.aliases.items()}
    return {}


def _missing(client: Any, asked: Address, store: Store, answer: Exception | None) -> PromptError:
    """What is not there, and what is."""
    from mlflow.exceptions import MlflowException

    from ..report.escape import one_line

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
        aliases = _aliases(client, asked.name)
        known = ", ".join(f"@{alias} (version {number})" for alias, number in sorted(aliases.items()))
        step = f"aliases: {known}" if known else f"it has no alias; versions: {shown}"
        return PromptError(f"{asked}: there is no alias {asked.alias!r} in {uri}", next_step=step)
    return PromptError(f"{asked}: {one_line(str(answer), 200)}", next_step=there)


@dataclass(frozen=True, slots=True)
class _Copy:
    """What was fetched.

    :param fetched: when, in seconds of the epoch.
    :param run: in which pytest run.
    """

    versions: list[PromptVersion]
    fetched: float
    run: str = ""


class _Copies:
    """The copy of one address, on disk. It can only help: whatever is wrong with it, it is done without."""

    def __init__(self, asked: Address, uri: str, settings: RegistrySettings) -> None:
        self._head = {"format": _COPY_FORMAT, "address": str(asked), "registry": without_user_info(uri)}
        self._settings = settings
        self._for_ever = asked.version is not None and is_web(uri)
        key = digest(canonical_json(self._head))[:12]
        self._folder = settings.cache
        self._path = settings.cache / f"{file_slug(asked.name)}-{key}.json" if settings.cache else None

    def is_good(self, copy: _Copy) -> bool:
        """Whether the copy can be used without asking the registry."""
        if self._for_ever or (copy.run and copy.run == self._settings.run):
            return True
        return 0 <= time.time() - copy.fetched <= self._settings.ttl_s

    def read(self) -> _Copy | None:
        """The copy; None where there is none, or none that can be understood."""
        if self._path is None:
            return None
        try:
            data = json.loads(self._path.read_text("utf-8"))
            if {name: data[name] for name in self._head} != self._head:
                return None
            versions = [PromptVersion.from_wire(wire) for wire in data["versions"]]
            return _Copy(versions, float(data["fetched"]), str(data["run"])) if versions else None
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return None

    def remove(self) -> None:
        """Have none."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def copy_of(self, versions: list[PromptVersion]) -> _Copy:
        """What was fetched this moment."""
        return _Copy(versions, time.time(), self._settings.run)

    def write(self, copy: _Copy) -> None:
        """Keep the copy, unless something in it is a secret."""
        if self._path is None:
            return
        if any(
            without_secrets(said) != said for version in copy.versions for said in (version.model_config, version.tags)
        ):
            return
        wires = [version.to_wire() for version in copy.versions]
        said = {**self._head, "fetched": copy.fetched, "run": copy.run, "versions": wires}
        with contextlib.suppress(OSError):
            write_atomically(self._path, canonical_json(said, indent=1) + "\n")

    @contextlib.contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """One process at a time: the others find its copy instead of asking too.

        :raises TimeoutError: when its turn does not come in time.
        """
        if self._folder is None:
            yield
            return
        from filelock import FileLock, Timeout

        lock = FileLock(self._folder / "registry.lock")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0.9 * deadline.remaining_s)
        except Timeout:
            raise TimeoutError from None
        except OSError:  # a folder that cannot be written
            yield
            return
        try:
            yield
        finally:
            lock.release()
