"""Splitting one run over machines: which shard a case belongs to, and what a shard leaves for the merge.

A suite's examples stand in the order of their digests, cut into equal stretches: each shard has as many as any other,
give or take one, whatever the order of the file or ``-k``, and a new example moves a few others and not all. All prompt
versions of an example are run by the same shard: each version is spread as evenly as the whole, a run of one version
is split as a run of all is, and what the versions share (the baseline's embeddings, the reference's) is computed on
one machine. The first stretch goes to another shard in each suite, so that small suites do not pile up on the first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ConfigError, ResultsError
from ..model import CaseKey
from ..redaction import HIDDEN, is_secret_name, without_user_info
from ..suites.suite import SuiteSpec
from ..text import canonical_json, digest
from ..wire import Wire, WrongValueError

FLAG = "--promptreg-shard"
_FORM = re.compile(r"([1-9]\d{0,5})/([1-9]\d{0,5})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of a split run; the first is 1."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``2/5``.

        :raises ConfigError: for anything else.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None or int(match[1]) > int(match[2]):
            raise ConfigError(f"{FLAG} {text!r} is no shard", next_step=f"the second of five: {FLAG} 2/5")
        return cls(int(match[1]), int(match[2]))

    def file(self, rootdir: Path) -> Path:
        """Where its results go that nobody said another place for."""
        return rootdir / ".promptreg" / "shards" / f"{self.index}-of-{self.count}.json"


def shards_of(spec: SuiteSpec, count: int) -> dict[str, int]:
    """By example of the suite, the number of the shard that runs it; 1 to ``count``."""
    ordered = sorted(spec.example_by_id, key=lambda example: digest(canonical_json([spec.id, example])))
    first = int(digest(spec.id)[:12], 16)
    return {example: (rank * count // len(ordered) + first) % count + 1 for rank, example in enumerate(ordered)}


def in_shard(specs: Mapping[str, SuiteSpec], keys: Collection[CaseKey], shard: Shard) -> set[CaseKey]:
    """Those of the cases that the shard runs."""
    numbers = {suite: shards_of(specs[suite], shard.count) for suite in {key.suite for key in keys}}
    return {key for key in keys if numbers[key.suite][key.example] == shard.index}


@dataclass(frozen=True)
class Part:
    """What a shard leaves for the merge besides its outcomes.

    :param command: how it was started.
    :param exit_passed: whether pytest as a whole passed, other tests included.
    :param commit: of the checkout; None where that is not known.
    :param flags: as they were given, and ``ini`` options, by which the merge knows what is to be done.
    :param cases: suite, version, example and node id of every case that was selected, whichever shard runs it.
    :param modules: by suite, the digest of its test module.
    :param signatures: by suite, those of the metrics that this shard scored with.
    :param notices: what a person must be told about how prompts were come by.
    """

    index: int
    count: int
    command: str
    exit_passed: bool
    commit: str | None
    flags: Mapping[str, Any]
    ini: Mapping[str, Any]
    cases: Sequence[tuple[str, str, str, str]]
    modules: Mapping[str, str]
    signatures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notices: Sequence[str] = ()

    @property
    def shard(self) -> Shard:
        """Which part it is."""
        return Shard(self.index, self.count)

    def to_wire(self) -> dict[str, Any]:
        """JSON's own values."""
        wire: dict[str, Any] = Wire().encode(self, Part)
        return wire

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any], where: str) -> Part:
        """The part that :meth:`to_wire` described.

        :param where: the file, for messages.
        :raises ResultsError: when it is none.
        """
        try:
            part: Part = Wire().decode(wire, Part)
        except WrongValueError as exc:
            exc.path.insert(0, "part")
            raise ResultsError(
                f"the results cannot be trusted: {exc}", where=where, next_step="run that shard again"
            ) from exc
        if not 1 <= part.index <= part.count:
            raise ResultsError(
                "the results cannot be trusted: part is of no shard", where=where, next_step="run that shard again"
            )
        return part


def told(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Flags and ini options as plain values without secrets: a user in a URL, and what is called a secret by name."""
    return {name: HIDDEN if is_secret_name(name) else _plain(value) for name, value in asked.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return [str(_plain(item)) for item in value] if isinstance(value, list | tuple) else without_user_info(str(value))


def module_digest(path: Path) -> str:
    """Of a test module's bytes; empty where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
