"""``baseline="@champion"`` on the marker: what is compared with is what an alias of the prompt registry names.

The accepted outputs stay in the baseline file. What the alias adds is which prompt has to have made them: an output
that another prompt made is not compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ConfigError, PromptError
from ..inputs.prompts import Registry, needed
from ..inputs.templates import check_syntax
from ..model import PromptVersion
from ..sources.registry.addresses import parse, registry_name
from ..sources.registry.stored import REGISTRY_VERSION_TAG
from ..text import slug
from .baseline import Baseline, Record, key_of, says_the_same

_HOW_TO_WRITE = 'write baseline="@champion", or baseline="prompts:/NAME@champion" for a prompt of another name'


@dataclass(frozen=True)
class Production:
    """What an alias of the prompt registry names in this run.

    :param name: of the prompt in the registry.
    :param number: of the version that the alias names.
    :param version: that version, labelled as the version of the suite that says the same, where there is one.
    """

    name: str
    alias: str
    number: int
    version: PromptVersion

    def __str__(self) -> str:
        return f"@{self.alias} (version {self.number})"

    @property
    def address(self) -> str:
        """The alias as the registry knows it."""
        return f"prompts:/{self.name}@{self.alias}"

    def among(self, versions: Sequence[PromptVersion]) -> tuple[PromptVersion, ...]:
        """A suite's versions with this one, where it is none of them already: what a refresh chooses from."""
        if any(version.label == self.version.label for version in versions):
            return tuple(versions)
        check_syntax(self.version)
        return (*versions, self.version)

    def stored_in(self, baseline: Baseline) -> PromptVersion | None:
        """This version's prompt as a baseline has it; None where nothing in it was made by that."""
        stored = baseline.prompts.get(key_of(self.version))
        return stored if stored is not None and says_the_same(stored, self.version) else None

    def own_part(self, record: Record, baseline: Baseline) -> Record | None:
        """What of a record this version made; None for nothing."""
        return record.made_by(key_of(self.version)) if self.stored_in(baseline) is not None else None

    def against(self, record: Record, baseline: Baseline) -> str:
        """Why a record is not compared with, in words."""
        made_by = dict.fromkeys(baseline.prompts[key].label for key in record.prompts)
        other = ", with another model config" if key_of(self.version) in record.prompts else ""
        return (
            f"its baseline is of version {', '.join(made_by)}{other}, and what is in production now is "
            f"{self.address}, version {self.number}"
        )

    def to_wire(self) -> dict[str, Any]:
        """Plain values, for another process."""
        return {**vars(self), "version": self.version.to_wire()}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Production:
        """What :meth:`to_wire` described."""
        return cls(**{**wire, "version": PromptVersion.from_wire(wire["version"])})


def address_of(said: object, prompt_name: str, where: str) -> str | None:
    """The address that ``baseline=`` names; None where the marker has none.

    :param prompt_name: what the prompt is called where only an alias is named.
    :raises PromptregError: when it is no alias.
    """
    if said is None:
        return None
    if not isinstance(said, str) or not said.startswith(("@", "prompts:")):
        raise ConfigError(f"baseline={said!r} names no alias", where=where, next_step=_HOW_TO_WRITE)
    address = f"prompts:/{registry_name(prompt_name)}{said}" if said.startswith("@") else said
    try:
        alias = parse(address, where=where).alias
    except PromptError as exc:
        raise ConfigError(f"baseline={said!r} names no alias", where=where, next_step=_HOW_TO_WRITE) from exc
    if alias is None:
        raise ConfigError(f"baseline={said!r} names a prompt and no alias of it", where=where, next_step=_HOW_TO_WRITE)
    return address


def look_up(address: str, versions: Sequence[PromptVersion], *, where: str, registry: Registry | None) -> Production:
    """What is in production, and which of a suite's versions that is.

    :param registry: gives the version that an address names.
    :raises PromptError: when there is no such alias, or the registry cannot be asked.
    """
    ask = needed(registry, address, where)
    try:
        (found,) = ask(address)
    except PromptError as exc:
        known = f"{exc.next_step}; " if exc.next_step else ""
        exc.next_step = f"{known}a first alias is set by a run without baseline=: --promptreg-promote ALIAS"
        raise
    asked = parse(address, where=where)
    own = next((version for version in versions if says_the_same(version, found)), None)
    number = found.tags[REGISTRY_VERSION_TAG]
    version = own or replace(found, label=_free_label(versions, [f"v{number}", f"{asked.alias}-v{number}"]))
    return Production(asked.name, str(asked.alias), int(number), version)


def _free_label(versions: Sequence[PromptVersion], wanted: Sequence[str]) -> str:
    """The first of the labels that no version of the suite has: files may be numbered otherwise than the registry."""
    taken = {slug(version.label) for version in versions}
    last = wanted[-1]
    return next(
        label for label in [*wanted, *(f"{last}-{n}" for n in range(2, len(versions) + 3))] if slug(label) not in taken
    )
