"""Flags that exclude each other, refused with the reason and the way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import ConfigError, TrackingError
from ..results.shards import FLAG as SHARD_FLAG
from ..results.shards import Shard
from ..tracking.registry import check_alias

STOP_EARLY, PLAN = "--promptreg-stop-early", "--promptreg-plan"
_ALONE = {
    STOP_EARLY: "one process has to see every case in order",
    PLAN: "it calls nothing, and says once what a run would find",
}
_NOT_IN_A_SHARD = {
    "rescore": "rescoring makes no calls: run it whole, on one machine",
    "prune": "run pytest --promptreg-prune whole, on one machine",
    "register": "the merge registers what was tested: python -m pytest_promptreg merge --register FILE...",
    "html": "the merge writes it: python -m pytest_promptreg merge --html PATH FILE...",
    "markdown": "the merge writes it: python -m pytest_promptreg merge --markdown PATH FILE...",
    "codequality": "the merge writes it: python -m pytest_promptreg merge --codequality PATH FILE...",
    "promote": "only a whole run can pass: python -m pytest_promptreg merge --promote ALIAS FILE...",
}


def refuse_contradictions(option: Callable[[str], Any]) -> list[str]:
    """The one of update, accept and rescore that is asked for, if any.

    :raises ConfigError: when flags contradict each other.
    """
    asked = [flag for flag in ("update", "accept", "rescore") if option(f"promptreg_{flag}")]
    if len(asked) > 1:
        what = {
            "update": "update refreshes the version that the baseline has",
            "accept": "accept makes another one the baseline",
            "rescore": "rescore keeps the outputs and renews how they are scored",
        }
        raise ConfigError(
            f"--promptreg-{asked[0]} and --promptreg-{asked[1]} exclude each other",
            next_step="; ".join(what[flag] for flag in asked),
        )
    if option("promptreg_add") and not {"update", "accept"} & set(asked):
        raise ConfigError(
            "--promptreg-add says how outputs are stored, and nothing is being stored",
            next_step="use it with --promptreg-accept VERSION or --promptreg-update",
        )
    return asked


def refuse_what_runs_alone(option: Callable[[str], Any], asked: Sequence[str], *, distributed: bool) -> None:
    """Refuse flags that need a whole run in one process where it is none.

    :param asked: those of update, accept and rescore that are asked for.
    """
    given = [flag for flag in _ALONE if option(flag.removeprefix("--").replace("-", "_"))]
    for flag in given:
        if distributed:
            raise ConfigError(
                f"{flag} does not work with pytest-xdist: {_ALONE[flag]}", next_step=f"pytest -n 0 {flag}"
            )
        if option("promptreg_shard") is not None:
            raise ConfigError(
                f"{flag} and {SHARD_FLAG} exclude each other", next_step=f"{_ALONE[flag]}: run it whole, on one machine"
            )
        if asked:
            raise ConfigError(
                f"{flag} and --promptreg-{asked[0]} exclude each other",
                next_step="store the baseline first, then run it",
            )
    if len(given) > 1:
        raise ConfigError(f"{given[0]} and {given[1]} exclude each other", next_step="a plan calls nothing at all")


def shard_asked(option: Callable[[str], Any]) -> Shard | None:
    """The shard that is to be run; None for the whole.

    :raises ConfigError: when a flag is given that a shard cannot follow.
    """
    said = option("promptreg_shard")
    if said is None:
        return None
    for flag, why in _NOT_IN_A_SHARD.items():
        if option(f"promptreg_{flag}") not in {None, False}:
            raise ConfigError(f"{SHARD_FLAG} and --promptreg-{flag} exclude each other", next_step=why)
    return Shard.parse(said)


def alias_asked(alias: str | None, asked: Sequence[str]) -> str | None:
    """The alias that is to move when the run has passed, if any.

    :param asked: those of update, accept and rescore that are asked for.
    :raises ConfigError: when gates are not judged, or there can be no such alias.
    """
    if alias is None:
        return None
    if asked:
        raise ConfigError(
            f"--promptreg-promote and --promptreg-{asked[0]} exclude each other",
            next_step="an alias moves after a run whose gates were judged",
        )
    try:
        check_alias(alias)
    except TrackingError as exc:
        raise ConfigError(f"--promptreg-promote: {exc.what}", next_step=exc.next_step) from exc
    return alias
