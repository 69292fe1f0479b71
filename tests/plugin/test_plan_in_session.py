"""`--promptreg-plan`: what more examples and samples would find, told without a call."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_promptreg.noise.planned import StoredNoise

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]
PLAN = "--promptreg-plan"
NOISY = '''
    import random

    import pytest

    DICE = random.Random(SEED)

    @pytest.fixture(scope="session")
    def promptreg_predict():
        def predict(request):
            """Forgets each word with one chance in ten."""
            assert SEED == 0, "called"
            return " ".join(word for word in request.inputs["text"].split() if DICE.random() < 0.9)
        return predict

    @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", MARKER)
    def test_answer(promptreg):
        promptreg.check()
'''
TEXT = "the cat sat on mats and ran quickly home to eat some fresh fish before a sun went down over hills"
THREE = ("-o", "promptreg_baseline_samples=3")


def suite(project: Project, *, seed: int = 1, marker: str = 'metrics=["rouge_l", "bleu"]') -> None:
    """The test module; with another seed than 0 its predict must not be called."""
    project.write("test_answer.py", NOISY.replace("SEED", str(seed)).replace("MARKER", marker))


@pytest.fixture
def stored(project: Project) -> Project:
    """Twelve examples with three stored generations, and a second version of the prompt."""
    words = TEXT.split()
    project.rows(
        *({"id": f"e{i}", "text": " ".join(words[(i * 7 + j * 5) % 21] for j in range(15))} for i in range(12))
    )
    suite(project, seed=0)
    project.store(*THREE, "-o", "promptreg_concurrency=1")
    suite(project)
    project.prompt("v2", keep=6)
    return project


def rouge_noise(project: Project) -> StoredNoise:
    """The noise of ROUGE-L among the stored generations, computed beside the plugin."""
    from rouge_score.rouge_scorer import _score_lcs  # the package that the metric equals

    tables = []
    for record in project.baseline()["examples"].values():
        texts = ["".join(output).split() for output in record["outputs"]]
        texts = [
            text for text, times in zip(texts, record.get("generations", [1] * 3), strict=True) for _ in range(times)
        ]
        tables.append([[_score_lcs(one, other).fmeasure for other in texts] for one in texts])
    return StoredNoise.of(tables)


@pytest.mark.parametrize("flags", [["-p", "no:xdist"], ["-n0"]])
def test_the_table_says_what_each_size_finds(stored: Project, flags: list[str]) -> None:
    """The numbers are those of the noise that is stored, for two metrics and two versions; nothing is called."""
    result = stored.pytester.runpytest_inprocess(*flags, PLAN)
    assert result.ret == 0
    noise = rouge_noise(stored)
    rows = {
        int(found[1]): [float(drop) for drop in re.findall(r"(\d\.\d{3}) \(", found[2])]
        for line in result.outlines
        if (found := re.match(r"  (\d+)\*? +(\d\.\d{3} \(.*)", line))
    }
    assert sorted(rows) == [12, 20, 50, 100, 200]
    for examples, drops in rows.items():
        wanted = [noise.smallest_drop(examples, samples, questions=4) for samples in (1, 2, 3, 5)]
        assert drops == pytest.approx(wanted, abs=0.0006)
    result.stdout.fnmatch_lines(
        [
            "promptreg: 1 suite, 2 prompt versions (v1, v2), 24 cases, none run: planning",
            "test_answer (test_answer.py:*): 12 examples, 2 prompt versions, 3 stored generations of each",
            "  the smallest drop in rouge_l that is found in four runs of five (calls of one version):",
            "  examples  1 sample *5 samples",
            "  12* *(12) *(24) *(36) *(60)",
            f"  as the suite is (1 sample): rouge_l {rows[12][0]:.3f}, bleu *",
            "  advice: * your 12 examples find* a drop of 0.* in rouge_l, for * calls of each version*",
            "*no tests ran*",
        ]
    )


def test_a_loss_of_references_is_planned_for_the_examples_that_have_one(stored: Project, run: Run) -> None:
    """With a reference in every fourth example, a drop is found as by those examples alone."""
    rows = [json.loads(line) for line in stored.lines("examples.jsonl")]
    stored.rows(*({**row, "reference": row["text"]} if i % 4 == 0 else row for i, row in enumerate(rows)))

    def planned(*flags: str) -> str:
        (told,) = re.findall(r"as the suite is .*drop\(token_recall\) ([\d.]+)", run(PLAN, *flags).stdout.str())
        return str(told)

    assert planned() == planned("-k", "e0 or e4 or e8")
    assert "drop(token_recall)" not in run(PLAN, "-k", "e1 or e2 or e3").stdout.str()


def test_what_was_stored_before_more_was_redacted_is_planned_with(stored: Project, run: Run) -> None:
    """A run compares with such a record, so a plan counts it."""
    stored.ini("promptreg_redact = /cat/\n")
    run(PLAN).stdout.fnmatch_lines(["test_answer *: 12 examples, 2 prompt versions, 3 stored generations of each"])


def test_what_it_costs_is_told_where_prices_are_known(stored: Project, run: Run) -> None:
    """A call is priced as it is before a run; the advice names what it comes to."""
    stored.write("prompts/v1.md", "---\nmodel_config: {model: small}\n---\nRepeat it: {{ text }}\n")
    result = run(PLAN, "-o", "promptreg_prices=small = 1000 1000", "--promptreg-versions=v1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*(calls of one version, and their cost):", "  12* *(12, $*", "  advice: *, about $*"])


def test_a_margin_of_the_users_own_is_what_can_be_put_up_with(stored: Project, run: Run) -> None:
    """A wide margin is the least that can be found, whatever the size."""
    told = run(PLAN, "-o", "promptreg_margin=0.4").stdout.str()
    drops = [float(drop) for drop in re.findall(r"(0\.\d{3}) \(", told)]
    assert len(drops) == 20
    assert min(drops) > 0.4


def test_without_generations_it_says_how_to_store_them(project: Project, run: Run) -> None:
    """One stored output says nothing of what the model varies by; the command that stores three is told."""
    project.store()
    result = run(PLAN)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["  to store 3: pytest test_answer.py -o promptreg_baseline_samples=3 --promptreg-update"]
    )
    project.baseline_file().unlink()
    assert "to store 3" in run(PLAN).stdout.str()


def test_a_metric_that_cannot_be_had_is_told_and_the_others_are_planned(stored: Project, run: Run) -> None:
    """A missing model is one line, without a traceback."""
    suite(stored, marker='gates="calibrated"')
    result = run(PLAN, "-o", "promptreg_embedding_model=no/such-model", "-o", "promptreg_embedding_cache=false")
    assert result.ret == 0
    told = result.stdout.str()
    assert "semantic is left out: " in told
    assert "the smallest drop in rouge_l" in told
    assert "Traceback" not in told


def test_a_suite_with_thresholds_is_planned_for_calibrated_gates(stored: Project, run: Run) -> None:
    """What it says holds for another way of judging than the suite's, and that is told."""
    suite(stored, marker='gates=["rouge_l >= 0.5"], metrics=["rouge_l"]')
    run(PLAN).stdout.fnmatch_lines(['*found under gates="calibrated"; this suite is judged in the mode strict'])


def test_a_run_without_suites_has_nothing_to_plan(project: Project, run: Run) -> None:
    """Said, and the tests of others are not run either."""
    project.write("test_answer.py", "def test_other():\n    assert False\n")
    result = run(PLAN)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["promptreg: no suite was collected, so there is nothing to plan"])


def test_what_cannot_be_collected_is_no_plan(stored: Project, run: Run) -> None:
    """A mistake in a module ends the run as it always does."""
    stored.write("test_other.py", "import nowhere_to_be_found\n")
    assert run(PLAN).ret == pytest.ExitCode.INTERRUPTED


def test_no_limit_and_no_file_stands_against_a_plan(stored: Project, run: Run) -> None:
    """Nothing is called, so a limit on calls refuses nothing, and the results of an earlier run stay."""
    stored.write("run.json", json.dumps({"kind": "pytest-promptreg results"}))
    assert run(PLAN, "--promptreg-max-calls=0", "--promptreg-results=run.json").ret == 0
    assert (stored.path / "run.json").exists()
