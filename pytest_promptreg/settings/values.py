"""One flag or ini option -> its value, or a refusal that says what can be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigError, did_you_mean

_N = TypeVar("_N", int, float)
ON = ("true", "yes", "on", "1")
OFF = ("false", "no", "off", "0")


def noted(ask: Callable[[str], Any], notes: dict[str, Any]) -> Callable[[str], Any]:
    """``ask``, with what it said taken down."""

    def note(name: str) -> Any:
        notes[name] = ask(name)
        return notes[name]

    return note


def path(option: Callable[[str], Any], name: str, example: str) -> Path | None:
    """The file that a flag names; None where it is not given."""
    said = option(name)
    if said is None:
        return None
    if not str(said).strip():
        flag = f"--{name.replace('_', '-')}"
        raise ConfigError(f"{flag} names no file", next_step=f"name one: {flag} {example}")
    return Path(said).absolute()


def one_of(ini: Callable[[str], Any], name: str, known: tuple[str, ...]) -> str:
    """An ini option that is one of a few words; the first of them where it is left out."""
    value = ini(name) or known[0]
    if value not in known:
        raise ConfigError(f"the ini option {name}: there is no {value!r}", next_step=did_you_mean(value, known))
    return str(value)


def is_on(ini: Callable[[str], Any], name: str) -> bool:
    """An ini option that is true or false; false where it is left out."""
    said = str(ini(name) or "false").strip().lower()
    if said not in {*OFF, *ON}:
        raise ConfigError(
            f"the ini option {name} = {said!r} is neither true nor false",
            next_step=f"write {name} = true, or leave it out",
        )
    return said in ON


def number(ini: Callable[[str], Any], name: str, kind: type[_N], default: _N, *, least: float) -> _N:
    """An ini option that is a finite number of at least ``least``."""
    text = str(ini(name) or "").strip()
    if not text:
        return default
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not least <= value < float("inf"):
        raise ConfigError(
            f"the ini option {name} = {text!r} is not a number of at least {least:g}",
            next_step=f"write {name} = {default:g}, which it is where it is left out",
        )
    return value


def limit(option: Callable[[str], Any], name: str, kind: type[_N]) -> _N | None:
    """A flag that is a number of calls or an amount of USD; None where it is not given."""
    text = option(name)
    if text is None:
        return None
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not 0 <= value < float("inf"):
        flag = f"--{name.replace('_', '-')}"
        raise ConfigError(
            f"{flag}={text} is no {'number' if kind is int else 'amount'} of at least 0",
            next_step=f"calls: {flag} 200" if kind is int else f"USD: {flag} 0.50",
        )
    return value
