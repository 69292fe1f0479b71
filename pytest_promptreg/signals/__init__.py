"""Signals: cheap, exact looks at what changed between an output and its baseline.

They need no model and no reference. The hard ones say that an answer is broken whatever it says (empty, no JSON any
more, another language); the explanatory ones name the kind of a change (a number, a negation, a name).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from .findings import Finding

__all__ = ["SIGNALS", "VERSION", "Finding", "Signal", "look"]

VERSION = "v1"


@dataclass(frozen=True)
class Signal:
    """A signal by name.

    :param default: what it does where no gate names it; ``tell`` of those that only explain.
    :param bounds: the gates that it is judged by then.
    """

    name: str
    default: Literal["breach", "warn", "tell"]
    bounds: tuple[str, ...] = ()


SIGNALS: Mapping[str, Signal] = {
    signal.name: signal
    for signal in (
        Signal("nonempty", "breach", ("nonempty == 1",)),
        Signal("json_valid", "breach", ("json_valid == 1",)),
        Signal("json_shape", "breach", ("json_shape == 1",)),
        Signal("output_kind", "breach", ("output_kind >= 0.5",)),
        Signal("script", "breach", ("script == 1",)),
        Signal("repetition", "breach", ("repetition == 1",)),
        Signal("refusal", "warn", ("refusal == 1",)),
        Signal("length_ratio", "warn", ("length_ratio >= 0.333", "length_ratio <= 3")),
        Signal("numbers", "tell"),
        Signal("negation", "tell"),
        Signal("entities", "tell"),
        Signal("urls", "tell"),
        Signal("symbols", "tell"),
        Signal("order", "tell"),
    )
}


def look(output: str, baseline: str, names: Iterable[str] = SIGNALS) -> dict[str, Finding]:
    """What each of the named signals says of an output against its baseline, in their order.

    :raises KeyError: for a name that is not in :data:`SIGNALS`.
    """
    from .looks import LOOKS  # its patterns take a while to compile, and outputs that are unchanged need none

    return {name: LOOKS[name](output, baseline) for name in names}
