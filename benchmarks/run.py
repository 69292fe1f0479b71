"""All benchmarks, each figure beside a limit or a bare pytest in the same run.

python benchmarks/run.py [startup] [cases] [calls] [scoring] [changed] [tracking] [peers] [gates] [noisy] [--runs N]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import calls
import cases
import changed
import embedding
import gates
import noisy
import peers
import scoring
import tracking
from calls import PYTEST
from measure import in_turn, median, spread


def startup(folder: Path, runs: int) -> None:
    """What the installed and unused plugin adds to any pytest run."""
    (folder / "test_other.py").write_text("def test_other():\n    pass\n")
    samples = in_turn(
        {"with": [*PYTEST, "--collect-only"], "without": [*PYTEST, "--collect-only", "-p", "no:promptreg"]},
        folder,
        runs=max(runs, 15),
    )
    print("\nstart-up: `pytest --collect-only` in a project that does not use the plugin")
    for name, taken in samples.items():
        print(f"  {name:8s} CPU s {spread(taken, 'cpu_s')}   wall s {spread(taken, 'wall_s')}")
    added = median(samples["with"], "cpu_s") - median(samples["without"], "cpu_s")
    print(f"  added: {added * 1000:.0f} ms CPU (limit 30 ms)")


def score(folder: Path, runs: int) -> None:
    """Scores over words and by embeddings, in bulk and from a cold start."""
    embedding.cold_start(folder, runs)  # first: a process counts the memory of the one that started it as its own
    scoring.scoring(folder, runs)
    embedding.throughput(folder, runs)


BENCHMARKS: dict[str, Callable[[Path, int], None]] = {
    "startup": startup,
    "cases": cases.cases,
    "calls": calls.calls,
    "scoring": score,
    "changed": changed.changed,
    "tracking": tracking.tracking,
    "peers": peers.peers,
    "gates": gates.gates,
    "noisy": noisy.noisy,
}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which (default: all)")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.names or BENCHMARKS:
        with tempfile.TemporaryDirectory() as folder:
            BENCHMARKS[name](Path(folder), arguments.runs)


if __name__ == "__main__":
    main()
