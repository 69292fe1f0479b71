"""The prompt versions that a ``prompts:/`` address names: from this process, from a copy, or asked for."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import PromptError, TrackingError
from ...mlflow_store import Store
from ...model import PromptVersion
from .addresses import Address, parse
from .asking import ask
from .copies import Copies, Copy
from .settings import RegistrySettings

if TYPE_CHECKING:
    from ...mlflow_store.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Loaded:
    """Prompt versions, oldest first, and what a person should be told about how they were come by.

    :param notice: one line; empty where there is nothing to tell. The same for each load of one address in a process.
    """

    versions: list[PromptVersion]
    notice: str = ""


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
    Copies(asked, target.uri, settings).remove()


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
    copies = Copies(asked, target.uri, settings)
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


def _fetch(asked: Address, target: Store, copies: Copies) -> Copy:
    """What the registry has now, or a copy that another process fetched while this one waited for its turn.

    :raises PromptError: for an answer that cannot be used.
    :raises TrackingError: when there is none; a silence that was waited for once is told again at once.
    """
    from ...mlflow_store.deadline import Deadline, within_deadline
    from ...mlflow_store.faults import UnreachableError

    if target.uri in _away:
        raise _away[target.uri]

    def work(deadline: Deadline) -> Copy | PromptError:
        with copies.turn(deadline):
            copy = copies.read()
            if copy is not None and copies.is_good(copy):
                return copy
            try:
                copy = copies.copy_of(ask(asked, target, deadline))
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


def _without_registry(asked: Address, target: Store, copy: Copy | None, failure: TrackingError) -> Loaded:
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


def _moved(asked: Address, before: Copy | None, now: Copy) -> str:
    if asked.alias is None or before is None or _names(before.versions) == _names(now.versions):
        return ""
    return f"{asked} is {_names(now.versions)} now; it was {_names(before.versions)} at {_moment(before.fetched)}"


def _names(versions: list[PromptVersion]) -> str:
    return ", ".join(version.label for version in versions)


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
