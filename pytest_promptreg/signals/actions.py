"""What signals do that no gate names: as it is by default, and as a user said."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConfigError, did_you_mean
from . import SIGNALS

ACTIONS = ("breach", "warn", "tell", "off")  # what a signal does that no gate names: `tell` names it in reports


def default_signals() -> dict[str, str]:
    """What each signal does that nobody set."""
    return {signal.name: signal.default for signal in SIGNALS.values()}


def check_actions(actions: Mapping[str, object], where: str) -> dict[str, str]:
    """What a user set signals to do.

    :raises ConfigError: for a signal or an action that is not known.
    """
    checked = {}
    for name, action in actions.items():
        if name not in SIGNALS:
            raise ConfigError(f"unknown signal {name!r}", where=where, next_step=did_you_mean(name, SIGNALS))
        if action not in ACTIONS:
            raise ConfigError(
                f"the signal {name} cannot be set to {action!r}",
                where=where,
                next_step=f"known: {', '.join(ACTIONS)}",
            )
        checked[name] = str(action)
    return checked


def read_actions(actions: object, where: str) -> dict[str, str]:
    """What a suite sets signals to do.

    :raises ConfigError: when it is no mapping, or for a signal or an action that is not known.
    """
    if actions is None:
        return {}
    if not isinstance(actions, Mapping):
        raise ConfigError(
            f"signals is a dict, not {type(actions).__name__}",
            where=where,
            next_step='write signals={"refusal": "breach", "output_kind": "off"}',
        )
    return check_actions(actions, where)
