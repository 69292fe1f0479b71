"""What a ``prompts:/`` text names, and how a prompt is called in the registry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeGuard

from ...errors import PromptError
from ...text import file_slug

_PREFIX = "prompts:"
_ADDRESS = re.compile(
    r"prompts:/(?P<name>[A-Za-z0-9._-]+)(?:@(?P<alias>[\w-]+)|/(?P<version>[0-9]{1,9})|\?last=(?P<last>[0-9]{1,9}))?"
)
_HOW_TO_WRITE = "write prompts:/NAME, prompts:/NAME?last=5, prompts:/NAME/3 or prompts:/NAME@ALIAS"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")


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


def is_registry(source: object) -> TypeGuard[str]:
    """Whether an entry of ``prompts=`` names the MLflow prompt registry, well or not."""
    return isinstance(source, str) and source.startswith(_PREFIX)


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


def registry_name(name: str) -> str:
    """``name`` as the registry takes it.

    A name of letters, digits, ``.``, ``_`` and ``-`` stays. In any other what does not fit becomes ``-``, and a piece
    of the name's digest is put behind it, so that two names never become one.
    """
    return name if _NAME.fullmatch(name) else file_slug(name)
