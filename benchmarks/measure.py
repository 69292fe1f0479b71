"""Runs whole commands, in turn, and tells what they took: wall seconds, CPU seconds of the process and its children."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a command. ``memory_mb`` is the peak of its largest process."""

    wall_s: float
    cpu_s: float
    memory_mb: float
    status: int


def once(command: Sequence[str], cwd: Path, environ: Mapping[str, str] | None = None) -> Sample:
    """Run a command once, its output thrown away.

    What it imports is compiled already, as of an installed package: an environment that forbids to keep the compiled
    modules would have each run compile those of an editable install anew.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**kept, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def in_turn(
    commands: Mapping[str, Sequence[str]],
    cwd: Path,
    *,
    runs: int,
    environ: Mapping[str, str] | None = None,
    warm: bool = True,
) -> dict[str, list[Sample]]:
    """Every command ``runs`` times, A B A B ..., after one run of each that is not counted.

    :param warm: False leaves out the run that is not counted, where each takes minutes.
    :raises RuntimeError: when a command fails: a figure of a failed run says nothing.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for attempt in range(0 if warm else 1, runs + 1):
        for name, command in commands.items():
            sample = once(command, cwd, environ)
            if sample.status != 0:
                raise RuntimeError(f"{name} ended with exit status {sample.status}: {' '.join(command)}")
            if attempt:
                samples[name].append(sample)
    return samples


def median(samples: Sequence[Sample], figure: str) -> float:
    """The median of one figure (``wall_s``, ``cpu_s``, ``memory_mb``)."""
    return float(statistics.median(getattr(sample, figure) for sample in samples))


def spread(samples: Sequence[Sample], figure: str) -> str:
    """``median (lowest .. highest)``: the machine's noise is part of the figure."""
    values = sorted(getattr(sample, figure) for sample in samples)
    return f"{statistics.median(values):.3f} ({values[0]:.3f} .. {values[-1]:.3f})"
