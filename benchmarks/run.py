"""All benchmarks, each figure beside a limit or a bare pytest in the same run.

python benchmarks/run.py [startup] [calls] [scoring] [tracking] [--runs N]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import embedding
import scoring
import tracking
from measure import in_turn, median, spread

EXAMPLES = 1000
VERSIONS = 2
LATENCY_S = 0.05
CONCURRENCY = 64
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]

SUITE = """
import asyncio, time, pytest

@pytest.fixture(scope="session")
def promptreg_predict():
    {predict}
    return predict

@pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["rouge_l >= 0.8"])
def test_suite(promptreg):
    promptreg.check()
"""
SYNC = """def predict(request):
        time.sleep({latency})
        return "The answer to " + request.inputs["question"]"""
ASYNC = """async def predict(request):
        await asyncio.sleep({latency})
        return "The answer to " + request.inputs["question"]"""
BARE = """
import pytest

@pytest.fixture
def something():
    return 1

@pytest.mark.parametrize("case", [(v, i) for v in range({versions}) for i in range({examples})])
def test_bare(case, something):
    assert something
"""


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


def calls(folder: Path, runs: int) -> None:
    """Calls ahead of the items, beside the time that the calls themselves and a bare pytest take."""
    (folder / "prompts").mkdir()
    for version in range(1, VERSIONS + 1):
        (folder / "prompts" / f"v{version}.md").write_text(f"Answer in {version} sentences: {{{{ question }}}}\n")
    rows = [{"id": f"ex{i:05d}", "question": f"question {i} of case {i * 7919 % 10007}"} for i in range(EXAMPLES)]
    (folder / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "pytest.ini").write_text(f"[pytest]\npromptreg_concurrency = {CONCURRENCY}\n")
    (folder / "test_sync.py").write_text(SUITE.format(predict=SYNC.format(latency=LATENCY_S)))
    (folder / "test_async.py").write_text(SUITE.format(predict=ASYNC.format(latency=LATENCY_S)))
    (folder / "test_instant.py").write_text(SUITE.format(predict=SYNC.format(latency=0)))
    (folder / "test_bare.py").write_text(BARE.format(versions=VERSIONS, examples=EXAMPLES))
    for name in ("sync", "async", "instant"):
        in_turn({name: [*PYTEST, f"test_{name}.py", "--promptreg-update"]}, folder, runs=1)
    samples = in_turn(
        {name: [*PYTEST, f"test_{name}.py"] for name in ("bare", "sync", "async", "instant")}, folder, runs=runs
    )
    cases = EXAMPLES * VERSIONS
    limit = cases * LATENCY_S / CONCURRENCY
    bare = median(samples["bare"], "wall_s")
    print(f"\ncalls: {cases} cases, {LATENCY_S * 1000:.0f} ms a call, concurrency {CONCURRENCY}")
    print(f"  calls x latency / concurrency       {limit:.3f} s")
    for name, taken in samples.items():
        print(f"  {name:8s} wall s {spread(taken, 'wall_s')}   CPU s {spread(taken, 'cpu_s')}")
    for name in ("sync", "async"):
        ratio = median(samples[name], "wall_s") / (limit + bare)
        print(f"  {name}: {ratio:.2f} x (calls' limit + bare pytest)")
    overhead = median(samples["instant"], "cpu_s") / median(samples["bare"], "cpu_s")
    print(f"  instant predict: {overhead:.2f} x the CPU of bare pytest, which has one fixture")


def score(folder: Path, runs: int) -> None:
    """Scores over words and by embeddings, in bulk and from a cold start."""
    embedding.cold_start(folder, runs)  # first: a process counts the memory of the one that started it as its own
    scoring.scoring(folder, runs)
    embedding.throughput(folder, runs)


BENCHMARKS: dict[str, Callable[[Path, int], None]] = {
    "startup": startup,
    "calls": calls,
    "scoring": score,
    "tracking": tracking.tracking,
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
