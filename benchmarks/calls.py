"""Calls ahead of the tests, beside what the calls themselves and a bare pytest take."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from measure import in_turn, median, spread

EXAMPLES = 1000
VERSIONS = 2
LATENCY_S = 0.05
CONCURRENCY = 64
LATENCIES_S = (0.0, 0.05, 0.5)
CONCURRENCIES = (4, 16, 64, 256)
AIM_S = 1.0  # what the calls of one field of the table take at their limit
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


def calls(folder: Path, runs: int) -> None:
    """The field that has a bar, sync and async, then all latencies and concurrencies."""
    project(folder, EXAMPLES, VERSIONS, CONCURRENCY)
    for name, predict in (
        ("sync", SYNC.format(latency=LATENCY_S)),
        ("async", ASYNC.format(latency=LATENCY_S)),
        ("instant", SYNC.format(latency=0)),
    ):
        suite(folder, name, predict)
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
        print(f"  {name}: {ratio:.2f} x (calls' limit + bare pytest) (bar 1.15)")
    overhead = median(samples["instant"], "cpu_s") / median(samples["bare"], "cpu_s")
    print(f"  instant predict: {overhead:.2f} x the CPU of bare pytest, which has one fixture")
    table(min(runs, 3))


def table(runs: int) -> None:
    """Each latency at each concurrency: wall seconds over the calls' limit and a bare pytest of as many cases."""
    print(f"\ncalls, sync: wall over (calls' limit + bare pytest), medians of {runs}; in brackets the cases")
    print("            " + "".join(f"{f'at {concurrency}':>16s}" for concurrency in CONCURRENCIES))
    for latency in LATENCIES_S:
        fields = []
        for concurrency in CONCURRENCIES:
            cases = min(2000, round(AIM_S * concurrency / latency)) if latency else 2000
            with tempfile.TemporaryDirectory() as name:
                fields.append(f"{field(Path(name), latency, concurrency, cases, runs):.2f} ({cases})")
        print(f"  {latency * 1000:4.0f} ms   " + "".join(f"{field:>16s}" for field in fields))


def field(folder: Path, latency: float, concurrency: int, cases: int, runs: int) -> float:
    """One field of the table."""
    project(folder, cases, 1, concurrency)
    suite(folder, "sync", SYNC.format(latency=latency))
    samples = in_turn({name: [*PYTEST, f"test_{name}.py"] for name in ("bare", "sync")}, folder, runs=runs)
    limit = cases * latency / concurrency
    return median(samples["sync"], "wall_s") / (limit + median(samples["bare"], "wall_s"))


def project(folder: Path, examples: int, versions: int, concurrency: int) -> None:
    """Prompts, examples, settings and the bare pytest of as many cases."""
    (folder / "prompts").mkdir()
    for version in range(1, versions + 1):
        (folder / "prompts" / f"v{version}.md").write_text(f"Answer in {version} sentences: {{{{ question }}}}\n")
    rows = [{"id": f"ex{i:05d}", "question": f"question {i} of case {i * 7919 % 10007}"} for i in range(examples)]
    (folder / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "pytest.ini").write_text(f"[pytest]\npromptreg_concurrency = {concurrency}\n")
    (folder / "test_bare.py").write_text(BARE.format(versions=versions, examples=examples))


def suite(folder: Path, name: str, predict: str) -> None:
    """A suite with its baseline stored."""
    (folder / f"test_{name}.py").write_text(SUITE.format(predict=predict))
    in_turn({name: [*PYTEST, f"test_{name}.py", "--promptreg-update"]}, folder, runs=0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        calls(Path(temporary), 5)
