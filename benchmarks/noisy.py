"""The example suite that varies: run after run unchanged, and with the version that is worse, at n = 40.

Ten whole runs of each as a user makes them, against the committed baseline; then what many more would say, judged from
a stock of outputs: against the committed baseline, and against others that could have been committed.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pytest_promptreg.baselines.baseline import Baseline, load
from pytest_promptreg.inputs.prompts import load_file
from pytest_promptreg.inputs.templates import render
from pytest_promptreg.judging import modes
from pytest_promptreg.judging.evidence import Evidence
from pytest_promptreg.judging.gates import metric_of
from pytest_promptreg.judging.scoring import Scorer
from pytest_promptreg.metrics import METRICS, MetricSettings
from pytest_promptreg.metrics.builtin import BuiltinMetrics
from pytest_promptreg.model import Example, PromptVersion, ScoredCase
from pytest_promptreg.noise import judging
from pytest_promptreg.noise.evidence import ExampleScores, TermEvidence

SUITE = Path(__file__).resolve().parent.parent / "example_suite"
RUNS = 10
STOCK = 40  # outputs of each example and version that the many runs are drawn from
UNCHANGED, HARMLESS, WORSE = VERSIONS = ("v1", "v2", "v3")
STORED = 3
MARGIN = 0.1  # of the suite's ini file
FALSE_ALARMS = 0.05


def noisy(folder: Path, runs: int) -> None:
    """Hold that unchanged runs are green and that the worse version is caught, and tell how often each word is said."""
    suite = folder / "example_suite"
    shutil.copytree(SUITE, suite, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    green = sum(_said(suite, f"{UNCHANGED},{HARMLESS}", status=0, word="passed") for _ in range(RUNS))
    caught = sum(_said(suite, WORSE, status=1, word=f"{WORSE} regressed") for _ in range(RUNS))
    print(f"\nnoisy: {len(Stock.rows)} examples, {STORED} stored generations, at the temperature of the prompt")
    print(f"  unchanged and harmless: green in {green} of {RUNS} runs; worse: caught in {caught} of {RUNS}")
    assert (green, caught) == (RUNS, RUNS)
    stock = Stock()
    for margin in (MARGIN, None):
        for committed in (True, False):
            _many(stock, 100 * runs, margin=margin, committed=committed)


def _said(suite: Path, versions: str, *, status: int, word: str) -> bool:
    """Whether a run of these versions ends as it should; what another one said is shown."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", "test_teaser.py"]
    ran = subprocess.run(
        [*command, "--promptreg-versions", versions], cwd=suite, capture_output=True, text=True, check=False
    )
    if ran.returncode == status and word in ran.stdout:
        return True
    print(ran.stdout[-4_000:], ran.stderr[-2_000:])
    return False


def _many(stock: Stock, many: int, *, margin: float | None, committed: bool) -> None:
    said = [stock.run(random.Random(seed), margin=margin, committed=committed) for seed in range(many)]  # noqa: S311
    against = "the committed baseline" if committed else "a baseline of its own each"
    print(f"  {many} runs against {against}, margin {margin or 'as usual'}: passed / undecided / regressed")
    for version in VERSIONS:
        words = Counter(one[version] for one in said)
        print(f"    {version}: {words['passed']} / {words['undecided']} / {words['regressed']}")
    alarmed = sum("regressed" in (one[UNCHANGED], one[HARMLESS]) for one in said) / many
    print(f"    runs of {UNCHANGED} and {HARMLESS} that are red: {alarmed:.1%}")
    if not committed:  # the rate is promised over baselines: one that was unlucky stays so
        assert alarmed <= FALSE_ALARMS + 3.5 * (FALSE_ALARMS * (1 - FALSE_ALARMS) / many) ** 0.5


class Stock:
    """Outputs of every example by every version, and how alike they are: what many runs are drawn from."""

    rows = tuple(json.loads(line) for line in (SUITE / "examples/articles.jsonl").read_text("utf-8").splitlines()[:40])

    def __init__(self) -> None:
        self.terms = modes.terms(modes.CALIBRATED, (), references=True)
        self._evidence = Evidence(self.terms, Scorer(BuiltinMetrics(MetricSettings())), METRICS)
        self._tables = [self._tables_of(row) for row in self.rows]

    @cached_property
    def _prompts(self) -> dict[str, PromptVersion]:
        return {version: load_file(SUITE / f"prompts/teaser/{version}.md") for version in VERSIONS}

    @cached_property
    def _committed(self) -> Baseline:
        stored = load(SUITE / "__baselines__/test_teaser/test_teaser.json")
        assert stored is not None
        return stored

    def _tables_of(self, row: dict[str, Any]) -> dict[str, Any]:
        """All texts of an example with all: the committed generations, then each version's stock."""
        example = Example(row["id"], {"title": row["title"], "text": row["text"]}, reference=row["reference"])
        texts = [*self._committed.records[example.id].generated, *self._outputs(example)]
        tables = self._evidence.of(texts, ScoredCase(example, self._prompts[UNCHANGED]))
        return {term: np.array(table) for term, table in tables.items()}

    def _outputs(self, example: Example) -> Iterator[str]:
        sys.path.insert(0, str(SUITE))
        from app.summarizer import summarize  # noqa: PLC0415  the application under test: a folder, not a package

        for prompt in self._prompts.values():
            asked = render(prompt, example.id, example.inputs).text
            temperature = float(prompt.model_config["temperature"])
            yield from (summarize(asked, temperature) for _ in range(STOCK))

    def run(self, chance: random.Random, *, margin: float | None, committed: bool) -> dict[str, str]:
        """What is said of each version in a run; unchanged and harmless are judged together, as in a plain run."""
        own = [chance.sample(range(STORED, STORED + STOCK), STORED + 1) for _ in self.rows]
        stored = [list(range(STORED)) for _ in self.rows] if committed else [places[:STORED] for places in own]
        new = {
            version: [STORED + STOCK * place + chance.randrange(STOCK) for _ in self.rows]
            for place, version in enumerate(VERSIONS)
        }
        new[UNCHANGED] = [places[STORED] for places in own]  # not one of those that are stored
        said: dict[str, str] = {}
        for versions in ((UNCHANGED, HARMLESS), (WORSE,)):
            evidence = {
                (version, term): self._judged(term, stored, new[version]) for version in versions for term in self.terms
            }
            verdicts = judging.judge(evidence, margin=margin, seed=chance.getrandbits(48))
            for version in versions:
                states = {verdict.state for verdict in verdicts if verdict.version == version}
                said[version] = next(state for state in ("regressed", "undecided", "passed") if state in states)
        return said

    def _judged(self, term: str, stored: Sequence[list[int]], new: Sequence[int]) -> TermEvidence:
        chosen = [[*places, one] for places, one in zip(stored, new, strict=True)]
        tables = [
            tables[term][:, places] if len(tables[term]) == 1 else tables[term][np.ix_(places, places)]
            for tables, places in zip(self._tables, chosen, strict=True)
        ]
        info = METRICS[metric_of(term)]
        return TermEvidence.of([ExampleScores(table, STORED) for table in tables], unit=info.high - max(info.low, 0.0))
