"""The same work in the nearest peers: examples x versions, calls of 50 ms, outputs compared with a stored text, and a
record of every case kept in a file.

Each peer is installed in an environment of its own below PROMPTREG_PEERS (README.md says how); one that is not there is
left out, and said to be. None of them compares a whole suite with a baseline by version as this plugin does: what is
measured is what each takes to call, compare and keep.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from measure import in_turn, median, spread

EXAMPLES = 300  # those that call one after the other take half a minute for them
VERSIONS = 2
LATENCY_S = 0.05
CONCURRENCY = 64
HOME = Path(os.environ.get("PROMPTREG_PEERS", Path.home() / ".promptreg-peers"))
PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider"]

# Imported by every peer, so that no two of them do other work.
WORK = f"""
import asyncio, collections, time

EXAMPLES, VERSIONS, LATENCY_S = {EXAMPLES}, {VERSIONS}, {LATENCY_S}
WORDS = "account balance billing cancel card change charge city client code credit date delay email error fee".split()

def words(index, version):
    said = [WORDS[(index * 7 + place * 13 + place // 16) % len(WORDS)] for place in range(60)]
    said[5 + version] = "also"  # not what is stored, and no breach
    return " ".join(said)

def stored(index):
    return words(index, 0)

ROWS = [(version, index) for version in range(1, VERSIONS + 1) for index in range(EXAMPLES)]

def call(version, index):
    time.sleep(LATENCY_S)
    return words(index, version)

async def call_async(version, index):
    await asyncio.sleep(LATENCY_S)
    return words(index, version)

def token_f1(one, other):
    x, y = collections.Counter(one.split()), collections.Counter(other.split())
    return 2 * (x & y).total() / (x.total() + y.total())
"""
OURS = """
import os, pytest, work

@pytest.fixture(scope="session")
def promptreg_predict():
    async def predict(request):
        if "STORE" in os.environ:
            return work.stored(request.inputs["index"])
        return await work.call_async(int(request.version[1:]), request.inputs["index"])
    return predict

@pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["token_recall >= 0.5"])
def test_suite(promptreg):
    promptreg.check()
"""
PYDANTIC_EVALS = """
from dataclasses import dataclass
from pathlib import Path
import work
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import Evaluator, EvaluatorContext
from pydantic_evals.reporting import EvaluationReportAdapter

@dataclass
class Surface(Evaluator):
    def evaluate(self, ctx: EvaluatorContext) -> float:
        return work.token_f1(ctx.output, ctx.expected_output)

async def task(row: tuple) -> str:
    return await work.call_async(*row)

cases = [
    Case(name=f"v{version}-{index}", inputs=(version, index), expected_output=work.stored(index))
    for version, index in work.ROWS
]
report = Dataset(name="bench", cases=cases, evaluators=[Surface()]).evaluate_sync(
    task, max_concurrency=CONCURRENCY, progress=False
)
assert all(case.scores["Surface"].value >= 0.5 for case in report.cases)
Path("report.json").write_bytes(EvaluationReportAdapter.dump_json(report))
""".replace("CONCURRENCY", str(CONCURRENCY))
SYRUPY = """
import os, pytest, work

@pytest.mark.parametrize("row", work.ROWS, ids=[f"v{version}-{index}" for version, index in work.ROWS])
def test_case(row, snapshot):
    said = work.words(row[1], row[0]) if "STORE" in os.environ else work.call(*row)
    assert said == snapshot
"""
DEEPEVAL = """
import pytest, work
from deepeval import assert_test
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase

class Surface(BaseMetric):
    threshold = 0.5
    async_mode = False

    def measure(self, test_case, *args, **kwargs):
        self.score = work.token_f1(test_case.actual_output, test_case.expected_output)
        self.success = self.score >= self.threshold
        return self.score

    async def a_measure(self, test_case, *args, **kwargs):
        return self.measure(test_case)

    def is_successful(self):
        return self.success

    @property
    def __name__(self):
        return "Surface"

@pytest.mark.parametrize("row", work.ROWS, ids=[f"v{version}-{index}" for version, index in work.ROWS])
def test_case(row):
    said = work.call(*row)
    assert_test(LLMTestCase(input=str(row), actual_output=said, expected_output=work.stored(row[1])), [Surface()])
"""
PROMPTFOO = """
import fs from "node:fs";
const said = JSON.parse(fs.readFileSync("said.json", "utf8"));
export default class {
  id() { return "stub"; }
  async callApi(prompt, context) {
    await new Promise((done) => setTimeout(done, LATENCY));
    return { output: said[prompt.slice(0, 2)][context.vars.index] };
  }
}
""".replace("LATENCY", str(int(LATENCY_S * 1000)))


def peers(folder: Path, runs: int) -> None:
    """Wall and CPU seconds of the same work, ours first."""
    commands = _commands(folder)
    environ = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1", "DEEPEVAL_TELEMETRY_OPT_OUT": "1"}
    samples = in_turn(
        commands, folder, runs=runs, environ={**environ, "HOME": str(folder), "PYTHONPATH": _path(folder)}
    )
    ours = median(samples["pytest-promptreg"], "wall_s")
    print(
        f"\npeers: {EXAMPLES * VERSIONS} cases, {LATENCY_S * 1000:.0f} ms a call, concurrency {CONCURRENCY} where "
        f"there is one; the calls alone {EXAMPLES * VERSIONS * LATENCY_S / CONCURRENCY:.2f} s"
    )
    for name, taken in samples.items():
        ratio = median(taken, "wall_s") / ours
        print(f"  {name:18s} wall s {spread(taken, 'wall_s')}   CPU s {spread(taken, 'cpu_s')}   {ratio:.1f} x ours")


def _path(folder: Path) -> str:
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))


def _commands(folder: Path) -> Mapping[str, Sequence[str]]:
    """What is to be run, by name, of those that are installed; their files are written and their baselines stored."""
    (folder / "work.py").write_text(WORK)
    commands: dict[str, Sequence[str]] = {"pytest-promptreg": _ours(folder)}
    makers = {"pydantic-evals": _pydantic_evals, "syrupy": _syrupy, "deepeval": _deepeval, "promptfoo": _promptfoo}
    for name, make in makers.items():
        if (HOME / name).is_dir():
            commands[name] = make(folder)
        else:
            print(f"  {name} is not below {HOME}: left out")
    return commands


def _ours(folder: Path) -> Sequence[str]:
    (folder / "prompts").mkdir()
    for version in range(1, VERSIONS + 1):
        (folder / "prompts" / f"v{version}.md").write_text(f"{version}: {{{{ index }}}}\n")
    rows = [{"id": f"ex{index:05d}", "index": index} for index in range(EXAMPLES)]
    (folder / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "pytest.ini").write_text(f"[pytest]\npromptreg_concurrency = {CONCURRENCY}\n")
    (folder / "test_ours.py").write_text(OURS)
    # The peers' environments hold nothing else: ours runs without the plugins that this one has besides.
    alone = ["--disable-plugin-autoload", "-p", "pytest_promptreg.plugin"]
    command = [sys.executable, *PYTEST, *alone, "test_ours.py", "--promptreg-results", "results.json"]
    _store([*command, "--promptreg-update"], folder)
    return command


def _store(command: Sequence[str], folder: Path) -> None:
    in_turn({"store": command}, folder, runs=1, environ={"STORE": "1", "PYTHONPATH": _path(folder)}, warm=False)


def _python(name: str) -> str:
    return str(HOME / name / "bin" / "python")


def _pydantic_evals(folder: Path) -> Sequence[str]:
    (folder / "pydantic_evals_work.py").write_text(PYDANTIC_EVALS)
    return [_python("pydantic-evals"), "pydantic_evals_work.py"]


def _syrupy(folder: Path) -> Sequence[str]:
    (folder / "test_syrupy.py").write_text(SYRUPY)
    command = [_python("syrupy"), *PYTEST, "-c", os.devnull, "--rootdir", ".", "test_syrupy.py"]
    _store([*command, "--snapshot-update"], folder)
    return command


def _deepeval(folder: Path) -> Sequence[str]:
    (folder / "test_deepeval.py").write_text(DEEPEVAL)
    return [_python("deepeval"), *PYTEST, "-c", os.devnull, "--rootdir", ".", "test_deepeval.py"]


def _promptfoo(folder: Path) -> Sequence[str]:
    """Its ``rouge-n`` is the nearest that it has; the provider is JavaScript, its fastest kind."""
    namespace: dict[str, object] = {}
    exec(WORK, namespace)  # noqa: S102  the text above
    said = {f"{v}:": [namespace["words"](i, v) for i in range(EXAMPLES)] for v in range(1, VERSIONS + 1)}  # type: ignore[operator]
    (folder / "said.json").write_text(json.dumps(said))
    (folder / "provider.mjs").write_text(PROMPTFOO)
    stored = [namespace["stored"](index) for index in range(EXAMPLES)]  # type: ignore[operator]
    config = {
        "prompts": [f"{version}: {{{{index}}}}" for version in range(1, VERSIONS + 1)],
        "providers": [{"id": "file://provider.mjs", "label": "stub"}],
        "tests": [
            {"vars": {"index": index}, "assert": [{"type": "rouge-n", "value": text, "threshold": 0.5}]}
            for index, text in enumerate(stored)
        ],
        "sharing": False,
    }
    (folder / "promptfooconfig.yaml").write_text(json.dumps(config))
    node = shutil.which("node") or "node"
    entry = HOME / "promptfoo" / "node_modules" / "promptfoo" / "dist" / "src" / "entrypoint.js"
    options = ["--no-cache", "--no-table", "--no-progress-bar", "-j", str(CONCURRENCY), "-o", "out.json"]
    return [node, str(entry), "eval", "-c", "promptfooconfig.yaml", *options]
