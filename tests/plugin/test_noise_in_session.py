"""Suites of a model that varies by itself: what an update stores, what the gates then say, and how the run ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]

# A model that says each word of the text with some probability, and another one each time; deterministic over the whole
# run, because the calls of a run are counted by file.
VARYING = '''
    import hashlib
    import re

    import pytest

    COUNT = {"runs": RUNS}


    @pytest.fixture(scope="session")
    def promptreg_predict():
        made = {}

        def predict(request):
            """Forgets some words of the text, others each time, as the prompt says how many in ten."""
            forgets = int(re.search(r"forget (\\d) of ten", request.text)[1])
            nth = made[request.text] = made.get(request.text, 0) + 1
            kept = [
                word
                for word in request.inputs["text"].split()
                if hashlib.sha256(f"{COUNT['runs']} {nth} {request.text} {word}".encode()).digest()[0] >= 25.6 * forgets
            ]
            return " ".join(kept)

        return predict


    @pytest.mark.promptreg(prompts="prompts/varying", examples="varying.json"GATES)
    def test_varying(promptreg):
        promptreg.check()
'''
WORDS = (
    "the cat sat on mats and then ran quickly home to eat some fresh fish before a sun went down over quiet hills near",
    "blue water while birds sang about seven small ships that left port early",
)
UPDATE = ("--promptreg-update", "-o", "promptreg_baseline_samples=3")


class Varying:
    """A project whose model varies; each run of it says something else, as long as it is told which run it is."""

    def __init__(self, project: Any, count: int = 24) -> None:
        self.project = project
        words = " ".join(WORDS).split()
        rows = [
            {"id": f"e{i}", "text": " ".join(words[(i * 7 + j * 5) % len(words)] for j in range(20))}
            for i in range(count)
        ]
        project.write("varying.json", json.dumps(rows))
        project.write("prompts/varying/v1.md", "Repeat it, forget 1 of ten words: {{ text }}")
        self.nth(0)

    def nth(self, run: int, gates: str = "") -> None:
        """The model of that run."""
        self.project.write(
            "test_varying.py", VARYING.replace("RUNS", str(run)).replace("GATES", f", gates={gates}" if gates else "")
        )

    def worse(self) -> None:
        """A second version of the prompt, by which a third of the words is lost."""
        self.project.write("prompts/varying/v2.md", "Repeat it, forget 5 of ten words: {{ text }}")


@pytest.fixture
def varying(project: Any) -> Varying:
    """The project, without a baseline."""
    return Varying(project)


def test_an_update_stores_generations_and_the_next_runs_are_green(varying: Varying, run: Run) -> None:
    """With three generations stored, a model that varies as it did is green, run after run, without a gate."""
    run("test_varying.py", *UPDATE).assert_outcomes(passed=24)
    for nth in (1, 2):
        varying.nth(nth)
        result = run("test_varying.py")
        result.assert_outcomes(passed=24)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["*gates: calibrated, by what the baseline holds: *"])
        assert "regressed" not in result.stdout.str()


def test_a_worse_prompt_is_caught_beyond_the_noise(varying: Varying, run_each_way: Run) -> None:
    """The version that loses more than the model varies by fails the run, in one sentence; the other one does not."""
    run_each_way("test_varying.py", *UPDATE).assert_outcomes(passed=24)
    varying.worse()
    varying.nth(1)
    result = run_each_way("test_varying.py")
    result.assert_outcomes(passed=48)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*v2 regressed: its outputs are less like the accepted ones than those are like each other (*by chance*",
            "*most unusual: * examples (by chance up to 1.2): * (1 in *",
            "FAILED test_varying, v2 regressed: *read the worst examples, then mend the prompt or accept it",
            "next: pytest test_varying.py --promptreg-accept v2",
        ]
    )
    assert "v1 regressed" not in result.stdout.str()


def test_a_value_that_flips_beside_a_free_text_is_caught(varying: Varying, run: Run) -> None:
    """Outputs that are JSON are judged by their values, which a text that varies anyway would hide."""
    answer = '{"words": " ".join(kept), "kind": KIND, "rank": 1, "open": True, "of": "us"}'

    def answering(seed: int, kind: str) -> None:
        source = VARYING.replace("RUNS", str(seed)).replace("GATES", "").replace("import re\n", "import json, re\n")
        returned = f"return json.dumps({answer.replace('KIND', kind)})"
        varying.project.write("test_varying.py", source.replace('return " ".join(kept)', returned))

    answering(0, '"return"')
    run("test_varying.py", *UPDATE).assert_outcomes(passed=24)
    assert "json_fields" in varying.project.baseline("test_varying", "test_varying")["metrics"]
    answering(1, '"return" if len(request.text) % 3 else "repair"')
    result = run("test_varying.py")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*v1 regressed: *of 5 metrics*", "    json_fields regressed: *"])


def test_one_generation_is_judged_by_floors(varying: Varying, run: Run) -> None:
    """With one stored generation only what is as far off as another answer counts, and how to see more is said."""
    run("test_varying.py", "--promptreg-update").assert_outcomes(passed=24)
    varying.nth(1)
    result = run("test_varying.py")
    result.assert_outcomes(passed=24)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*gates: floor, by what the baseline holds: *promptreg_baseline_samples = 3*",
            "*v1 passed: 0 of 24 outputs are as far from the accepted ones as answers to another question*",
        ]
    )


def test_a_model_that_never_varied_is_held_to_it(project: Any, run: Run) -> None:
    """A deterministic predict has generations that are all the same: without a gate, nothing may change."""
    project.suite(gates=())
    run(*UPDATE).assert_outcomes(passed=3)
    green = run()
    green.assert_outcomes(passed=3)
    green.stdout.fnmatch_lines(["*gates: strict, by what the baseline holds: *so nothing may change"])
    assert "--promptreg-rescore" not in green.stdout.str()
    project.prompt("v2", keep=5)
    result = run()
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(["*exact 0.000 (gate == 1)*"])


def test_calibrated_gates_need_generations(varying: Varying, run: Run) -> None:
    """Asked for with one stored generation they are no pass: each case says so, with the command that stores three."""
    run("test_varying.py", "--promptreg-update").assert_outcomes(passed=24)
    varying.nth(1, gates='"calibrated"')
    result = run("test_varying.py")
    result.assert_outcomes(failed=24)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*to store 3: pytest test_varying.py -o promptreg_baseline_samples=3 --promptreg-update*"]
    )


def test_undecided_fails_where_it_should(varying: Varying, run: Run) -> None:
    """Too few examples to tell is a warning, told loudly, and a failure where the ini file says so."""
    Varying(varying.project, count=4)
    run("test_varying.py", *UPDATE).assert_outcomes(passed=4)
    varying.nth(3)
    warned, failed = run("test_varying.py"), run("test_varying.py", "-o", "promptreg_undecided=fail")
    assert (warned.ret, failed.ret) == (0, 1)
    warned.stdout.fnmatch_lines(
        ["*v1 is undecided: 4 examples cannot tell whether its outputs got worse by more than is allowed*"]
    )
    failed.stdout.fnmatch_lines(["FAILED test_varying, v1 is undecided: *promptreg_undecided = fail)"])


@pytest.mark.parametrize("setting", ["promptreg_undecided=maybe", "promptreg_margin=2", "promptreg_margin=lots"])
def test_a_setting_that_makes_no_sense_is_refused(varying: Varying, run: Run, setting: str) -> None:
    """A mistyped setting of the noise is refused by name before anything is called."""
    result = run("test_varying.py", "-o", setting)
    assert result.ret == 2
    result.stdout.fnmatch_lines([f"-o: the ini option {setting.partition('=')[0]}*"])


@pytest.mark.parametrize(("stored_fenced", "breached"), [(True, 0), (False, 1)])
def test_what_the_model_does_by_itself_is_no_breach(
    varying: Varying, run: Run, stored_fenced: bool, breached: int
) -> None:
    """A code fence breaches a case, unless one of the stored generations came in one as well: then it is a warning."""
    fence = 'return "```\\\\n" + " ".join(kept) + "\\\\n```" if request.example == {} and nth == 1 else " ".join(kept)'
    plain = varying.project.path / "test_varying.py"

    def fenced_at(example: str) -> None:
        source = VARYING.replace("RUNS", str(len(example))).replace("GATES", "")
        varying.project.write("test_varying.py", source.replace('return " ".join(kept)', fence.format(repr(example))))

    if stored_fenced:
        fenced_at("e3")
    run("test_varying.py", *UPDATE).assert_outcomes(passed=24)
    fenced_at("e11")
    result = run(plain.name)
    result.assert_outcomes(passed=24 - breached, failed=breached)
    if stored_fenced:
        result.stdout.fnmatch_lines(["*warning: output_kind in 1 case of v1: e11*"])
