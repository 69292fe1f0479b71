"""False alarms and power of each way to gate, simulated; writes the tables of docs/noise.md."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pytest_promptreg.noise.words import ALPHA

from . import page, simulation
from .simulation import Cell, Stopped
from .sources import SOURCES

_STORED = 3


def gates(_folder: Path, runs: int) -> None:
    """Simulate 200 x ``runs`` unchanged suites in each cell, hold the nominal rate, and write the page."""
    suites = 200 * runs
    tables = []
    for source in SOURCES:
        cells = list(simulation.cells(source, suites))
        _hold(cells)
        tables.append(page.rates(source, cells))
        print("\n" + tables[-1])
    tables.append(page.floors(simulation.floored()))
    print("\n" + tables[-1])
    for source in SOURCES[:2]:
        tables.append(page.conditional(source, simulation.unlucky(source, 10 * runs)))
        print("\n" + tables[-1])
    for source in (SOURCES[0], SOURCES[2]):
        missed = list(simulation.overlooked(source, suites))
        assert all(one.passed.value <= 2 * ALPHA + 3.5 * one.passed.error for one in missed), missed
        tables.append(page.overlooked(source, missed))
        print("\n" + tables[-1])
    for source in SOURCES[:2]:
        stops = list(simulation.stopped(source, _STORED, suites // 2))
        _hold_looks(stops)
        tables.append(page.early(source, _STORED, stops))
        print("\n" + tables[-1])
    tables.append(page.uneven(_STORED, simulation.uneven(_STORED, suites // 2)))
    print("\n" + tables[-1])
    page.write("\n\n".join([f"{suites} unchanged and {suites // 3} changed suites in each row.", *tables]))


def _hold(cells: Iterable[Cell]) -> None:
    """The nominal 5 % are kept within the Monte Carlo error, by the exact test alone and by what is shipped."""
    for cell in cells:
        for mode in ("no margin", "calibrated", "samples", "floor"):
            rate = cell.unchanged.get(mode)
            assert rate is None or rate.value <= ALPHA + 3.5 * rate.error, (cell.n, cell.stored, mode, rate)


def _hold_looks(stops: Iterable[Stopped]) -> None:
    for one in stops:
        assert one.changed or one.looks.value <= ALPHA + 3.5 * one.looks.error, one
