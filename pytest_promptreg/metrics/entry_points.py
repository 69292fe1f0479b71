"""Metrics that installed packages offer, by the entry points of a group."""

from __future__ import annotations

from importlib import metadata

from ..errors import ConfigError
from .checked import told

ENTRY_POINTS = "pytest_promptreg.metrics"


def from_entry_point(name: str) -> object | None:
    """What an installed package offers as the metric of that name; None where none does.

    :raises ConfigError: when it cannot be loaded, or two packages offer it.
    """
    found = {(point.value, _package(point)): point for point in metadata.entry_points(group=ENTRY_POINTS, name=name)}
    if not found:
        return None
    if len(found) > 1:
        packages = " and ".join(sorted(package for _, package in found))
        raise ConfigError(
            f"the metric {name} is offered twice, by {packages}", next_step="uninstall one, or name the metric yourself"
        )
    ((value, package), point) = found.popitem()
    try:
        loaded: object = point.load()
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as exc:  # a module may do anything while it is imported
        raise ConfigError(
            f"the metric {name} of {package} ({value}) cannot be loaded: {told(exc)}",
            next_step=f"mend or uninstall {package}",
        ) from exc
    return loaded


def entry_point_names() -> list[str]:
    """The names of the metrics that installed packages offer."""
    return sorted({point.name for point in metadata.entry_points(group=ENTRY_POINTS)})


def _package(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else "an unknown package"
