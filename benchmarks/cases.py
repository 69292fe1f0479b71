"""What a case costs besides its call, passing and failing, beside a bare parametrized pytest with one fixture."""

from __future__ import annotations

import json
from pathlib import Path

from calls import PYTEST
from measure import Sample, in_turn, median, once, spread

SIZES = (1_000, 10_000, 100_000)
RUNS_AT_MOST = {100_000: 1}  # minutes each
FAILING_BARE_AT_MOST = 10_000  # bare pytest takes the square of the failures: hours at the next size
OUTPUT_CHARACTERS = 1_000
LIMIT_CPU, LIMIT_KB, LIMIT_GROWTH = 1.5, 6.0, 1.2

OURS = """
import pytest

@pytest.fixture(scope="session")
def promptreg_predict():
    def predict(request):
        return ({output!r} + " " + request.inputs["question"] + ", ") * {times}
    return predict

@pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["rouge_l >= 0.8"])
def test_suite(promptreg):
    promptreg.check()
"""
BARE = """
import pytest

@pytest.fixture
def something():
    return 1

@pytest.mark.parametrize("case", [("v1", i) for i in range({count})])
def test_bare(case, something):
    assert {what}
"""


def cases(folder: Path, runs: int) -> None:
    """CPU and memory for each case by the number of cases; of failing ones, how time grows."""
    passing: dict[int, dict[str, list[Sample]]] = {}
    failing: dict[int, Sample] = {}
    for count in SIZES:
        project = folder / str(count)
        _write(project, count)
        times = min(runs, RUNS_AT_MOST.get(count, runs))
        _stored(project)
        passing[count] = in_turn(
            {"bare": [*PYTEST, "test_bare.py"], "ours": [*PYTEST, "test_ours.py"]}, project, runs=times, warm=times > 1
        )
        failing[count] = _failed(project, "test_ours_failing.py")
        if count <= FAILING_BARE_AT_MOST:
            bare = _failed(project, "test_bare_failing.py")
            ratio = failing[count].cpu_s / bare.cpu_s
            print(f"  {count} failing: ours {failing[count].cpu_s:.1f} s CPU, bare {bare.cpu_s:.1f} s: {ratio:.2f} x")
    print(f"\ncases: an instant predict, outputs of {OUTPUT_CHARACTERS} characters that equal the baseline's")
    for count, samples in passing.items():
        ratio = median(samples["ours"], "cpu_s") / median(samples["bare"], "cpu_s")
        kilobytes = (median(samples["ours"], "memory_mb") - median(samples["bare"], "memory_mb")) * 1024 / count
        print(f"  {count}: bare CPU s {spread(samples['bare'], 'cpu_s')}, ours {spread(samples['ours'], 'cpu_s')}")
        print(
            f"    {ratio:.2f} x the CPU (limit {LIMIT_CPU} at 10,000), {kilobytes:.1f} kB a case more (limit "
            f"{LIMIT_KB} at 100,000)"
        )
    small, large = SIZES[-2:]
    factor = large / small
    for name, grown in (
        ("passing", median(passing[large]["ours"], "cpu_s") / median(passing[small]["ours"], "cpu_s") / factor),
        ("bare, passing", median(passing[large]["bare"], "cpu_s") / median(passing[small]["bare"], "cpu_s") / factor),
        ("failing", failing[large].cpu_s / failing[small].cpu_s / factor),
    ):
        print(f"  {small} -> {large}, {name}: {grown:.2f} x linear (limit {LIMIT_GROWTH})")


def _write(project: Path, count: int) -> None:
    (project / "prompts").mkdir(parents=True)
    (project / "prompts" / "v1.md").write_text("Answer: {{ question }}\n")
    rows = [{"id": f"ex{i:06d}", "question": f"question {i} of case {i * 7919 % 10007}"} for i in range(count)]
    (project / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (project / "pytest.ini").write_text("[pytest]\n")
    times = OUTPUT_CHARACTERS // 50
    (project / "test_ours.py").write_text(OURS.format(output="The answer to the", times=times))
    (project / "test_ours_failing.py").write_text(OURS.format(output="Not a word about", times=times // 4))
    (project / "test_bare.py").write_text(BARE.format(count=count, what="something"))
    (project / "test_bare_failing.py").write_text(BARE.format(count=count, what="not something"))


def _stored(project: Path) -> None:
    """The baseline of the outputs that stay the same; the suite that fails has the same one."""
    sample = once([*PYTEST, "test_ours.py", "--promptreg-update"], project)
    if sample.status:
        raise RuntimeError(f"the baseline could not be stored: exit status {sample.status}")
    folder = project / "__baselines__"
    (folder / "test_ours_failing").mkdir()
    (folder / "test_ours_failing" / "test_suite.json").write_bytes(
        (folder / "test_ours" / "test_suite.json").read_bytes()
    )


def _failed(project: Path, name: str) -> Sample:
    sample = once([*PYTEST, name], project)
    if sample.status != 1:
        raise RuntimeError(f"{name} ended with exit status {sample.status}, and every case of it should fail")
    return sample
