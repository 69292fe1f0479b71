"""From scores to an exit status: which gate fails what, and what a person is told about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

# Against a baseline of 6 words: an output of 5 scores rouge_l 0.909, of 4 0.8, of 3 0.667, of 2 0.5.
WORDS = "one two three four five six seven eight nine ten"


def by_example(**keep: int) -> str:
    """A predict that keeps so many words of each example's text, whatever the prompt says."""
    return f"def follow(request):\n    return ' '.join(request.inputs['text'].split()[:{keep!r}[request.example]])\n"


def change(project: Project, *, gates: object, body: str = "promptreg.check()", **keep: int) -> None:
    """Store a baseline of 6 words for each example; then predict keeps so many of each, under these gates."""
    project.examples(dict.fromkeys(keep, WORDS))
    project.suite(predict=by_example(**dict.fromkeys(keep, 6)), gates=["rouge_l >= 0.1"])
    project.store()
    project.suite(predict=by_example(**keep), gates=gates, body=body)


# -- gates on a case


def test_a_breach_fails_its_test_with_number_and_threshold(project: Project, run_each_way: Run) -> None:
    """The short summary's line has the metric, its value and the gate; only the case that breached fails."""
    change(project, gates=["rouge_l >= 0.8"], good=6, poor=2)
    result = run_each_way()
    result.assert_outcomes(passed=1, failed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*test_answer[[]v1-poor[]]*",
            "rouge_l 0.500 (gate >= 0.8)",
            "*version v1, example poor, against the baseline of v1",
            "*the same text as the baseline's*",
            "*one two *three four five six*",
            "If this is how it should be: pytest test_answer.py --promptreg-accept v1",
            "FAILED *v1-poor* - *rouge_l 0.500 (gate >= 0.8)",
        ]
    )


def test_a_change_within_the_gates_passes(project: Project) -> None:
    """Another output that meets every gate is told as changed, and passes."""
    change(project, gates=["rouge_l >= 0.8", "chrf >= 20"], same=6, other=5)
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*version*cases*unchanged*changed*rouge_l*chrf*pass rate", "*v1?*2*1*1*0.95*100.0%"])


def test_every_breached_gate_is_named(project: Project) -> None:
    """A case that misses two gates says both."""
    change(project, gates=["rouge_l >= 0.8", "exact >= 1"], e=2)
    project.pytester.runpytest_inprocess().stdout.fnmatch_lines(
        ["rouge_l 0.500 (gate >= 0.8); exact 0.000 (gate >= 1)"]
    )


def test_a_drop_against_the_reference(project: Project, run: Run) -> None:
    """drop(rouge_l) compares what old and new output score against the reference; an output nearer to it passes."""
    project.examples({"better": WORDS, "worse": WORDS}, reference=WORDS)
    project.suite(predict=by_example(better=6, worse=6), gates=["drop(rouge_l) <= 0.1"])
    project.store()
    project.suite(predict=by_example(better=9, worse=3), gates=["drop(rouge_l) <= 0.1"])
    result = run()
    result.assert_outcomes(passed=1, failed=1)
    # 6 of 10 words score 0.75 against the reference, 3 of 10 0.462.
    result.stdout.fnmatch_lines(["drop(rouge_l) 0.288 (gate <= 0.1)"])


def test_a_case_on_the_threshold_passes(project: Project) -> None:
    """Exactly the number of the gate meets >= and <=, rounding of floats aside; > and < it does not."""
    change(project, gates=["rouge_l >= 0.8"], e=4)
    project.pytester.runpytest_inprocess().assert_outcomes(passed=1)
    change(project, gates=["rouge_l > 0.8"], e=4)
    project.pytester.runpytest_inprocess().assert_outcomes(failed=1)


# -- gates on the suite


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        ("mean(rouge_l) >= 0.9", "mean(rouge_l) 0.750 (gate >= 0.9)"),
        ("min(rouge_l) >= 0.6", "min(rouge_l) 0.500 (gate >= 0.6)"),
        ("p05(rouge_l) >= 0.6", "p05(rouge_l) 0.525 (gate >= 0.6)"),
        ("median(rouge_l) >= 0.8", "median(rouge_l) 0.750 (gate >= 0.8)"),
        ("mean(exact) >= 0.6", "mean(exact) 0.500 (gate >= 0.6)"),
    ],
)
def test_a_suite_gate_fails_the_session(project: Project, gate: str, line: str) -> None:
    """Every case passed, and the exit status is 1: the closing section says which gate was not met, and by what."""
    change(project, gates=["rouge_l >= 0.5", gate], good=6, poor=2)
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED test_answer, v1: {line}", "next: *--promptreg-accept v1*"])


def test_a_suite_gate_decides_the_exit_status(project: Project, run_each_way: Run) -> None:
    """The same outputs: where the aggregate meets its gate the session passes, and where it does not it fails."""
    change(project, gates=["mean(rouge_l) >= 0.7"], good=6, poor=2)
    met = run_each_way()
    met.assert_outcomes(passed=2)
    assert met.ret == 0
    met.stdout.no_fnmatch_line("FAILED*")
    change(project, gates=["mean(rouge_l) >= 0.8"], good=6, poor=2)
    missed = run_each_way()
    missed.assert_outcomes(passed=2)
    assert missed.ret == 1
    missed.stdout.fnmatch_lines(
        ["FAILED test_answer, v1: mean(rouge_l) 0.750 (gate >= 0.8)", "*2 passed, 1 suite gate missed in *"]
    )


def test_what_the_last_line_counts_looks_like_a_report(project: Project, run: Run) -> None:
    """Other plugins, hypothesis among them, ask all that pytest counts for attributes of their own."""
    change(project, gates=["mean(rouge_l) >= 0.8"], good=6, poor=2)
    project.write(
        "conftest.py",
        """
        def pytest_unconfigure(config):
            counted = config.pluginmanager.get_plugin("terminalreporter").stats
            assert [vars(entry)["nodeid"] for entry in counted["suite gate missed"]] == [""]
        """,
    )
    missed = run()
    missed.stdout.fnmatch_lines(["*2 passed, 1 suite gate missed in *"])
    assert missed.ret == 1


@pytest.mark.parametrize("quiet", [["-q"], ["-qq"], ["-v"], ["-rN"], ["--tb=no", "-q"]])
def test_a_suite_gate_is_told_however_quiet_the_run(project: Project, quiet: list[str]) -> None:
    """An exit status 1 without a failed test is explained, also with -qq."""
    change(project, gates=["mean(rouge_l) >= 0.9"], good=6, poor=2)
    result = project.pytester.runpytest_inprocess(*quiet)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED test_answer, v1: mean(rouge_l) 0.750 (gate >= 0.9)"])


def test_a_suite_gate_is_judged_for_each_version(project: Project) -> None:
    """Aggregates are over one version's cases: a good version does not make up for a poor one."""
    project.store()
    project.prompt("v2", keep=2)
    project.suite(gates=["mean(rouge_l) >= 0.7"])
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED test_answer, v2: mean(rouge_l) 0.500 (gate >= 0.7)"])
    result.stdout.no_fnmatch_line("FAILED test_answer, v1*")


def test_a_suite_gate_is_judged_for_each_parameter(project: Project) -> None:
    """Each combination of other parameters is judged by itself."""
    source = """
        @pytest.mark.parametrize("tail", ["", "{tail}"], ids=["plain", "tailed"])
        @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["mean(rouge_l) >= 0.95"])
        def test_answer(promptreg, tail):
            promptreg.check(promptreg.output.text + tail)
    """
    project.module(source.format(tail="!"))
    project.store()
    project.module(source.format(tail=" and so on and on"))
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=6)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED test_answer?tailed?, v1: mean(rouge_l) *"])
    result.stdout.no_fnmatch_line("FAILED test_answer?plain?*")


def test_pass_rate_leaves_single_breaches_to_the_rate(project: Project, run_each_way: Run) -> None:
    """With a pass-rate gate a breach does not fail its test; the rate decides, and says so."""
    gates = ["rouge_l >= 0.8", "pass_rate >= 0.75"]
    change(project, gates=gates, a=6, b=6, c=6, d=2)
    enough = run_each_way()
    enough.assert_outcomes(passed=4)
    assert enough.ret == 0
    enough.stdout.fnmatch_lines(
        [
            "*version*unchanged*breached*",
            "*v1?*4*3*1*75.0%*",
            "  v1: pass_rate 0.750 (gate >= 0.75) is met here; in the long run 24.9%*",
        ]
    )

    change(project, gates=gates, a=6, b=6, c=2, d=2)
    few = run_each_way()
    few.assert_outcomes(passed=4)
    assert few.ret == 1
    few.stdout.fnmatch_lines(["FAILED test_answer, v1: pass_rate 0.500 (gate >= 0.75)"])


def test_pass_rate_does_not_excuse_what_was_not_judged(project: Project, run: Run) -> None:
    """A missing baseline and a failed call fail by themselves, and count neither for the rate nor against it."""
    change(project, gates=["rouge_l >= 0.8", "pass_rate >= 0.5"], a=6, b=6)
    project.examples({"a": WORDS, "b": WORDS, "new": "never stored"})
    project.suite(
        predict="def follow(request):\n    if request.example == 'b':\n        raise OSError('away')\n"
        "    return 'one two three four five six'\n",
        gates=["rouge_l >= 0.8", "pass_rate >= 0.5"],
    )
    result = run()
    result.assert_outcomes(passed=1, failed=1, errors=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*version*unchanged*missing*error*pass rate", "*v1?*3*1*1*1*100.0%"])


def test_a_suite_gate_over_nothing_is_not_met(project: Project, run: Run) -> None:
    """When every call failed there is nothing to judge: a suite gate is not met by that."""
    change(project, gates=["mean(rouge_l) >= 0.5"], a=6, b=6)
    project.suite(predict="def follow(request):\n    raise OSError('away')\n", gates=["mean(rouge_l) >= 0.5"])
    result = run()
    result.assert_outcomes(errors=2)
    assert result.ret == 1


def test_a_refresh_shows_gates_and_fails_for_none(project: Project, run: Run) -> None:
    """--promptreg-accept accepts outputs that breach every gate: that is what it is for."""
    change(project, gates=["rouge_l >= 0.99", "mean(rouge_l) >= 0.99", "pass_rate >= 1"], a=2, b=2)
    result = run("--promptreg-accept", "v1")
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("FAILED*")
    assert project.outputs() == {"a": "one two", "b": "one two"}


# -- nearest wins


def test_the_nearest_gate_on_a_metric_counts(project: Project) -> None:
    """ini, marker, example row: metric by metric, the nearest one replaces those further away."""
    project.ini("promptreg_gates =\n    rouge_l >= 0.95\n    exact >= 1\n")
    project.rows({"id": "marker", "text": WORDS}, {"id": "row", "text": WORDS, "gates": ["rouge_l >= 0.7"]})
    project.suite(predict=by_example(marker=6, row=6), gates=["exact >= 0.5"])
    project.store()
    project.suite(predict=by_example(marker=4, row=4), gates=["rouge_l >= 0.85", "exact == 1"])
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["rouge_l 0.800 (gate >= 0.85); exact 0.000 (gate == 1)", "*example marker,*"])
    result.stdout.fnmatch_lines(["exact 0.000 (gate == 1)", "*example row,*"])


def test_gates_of_the_ini_file_are_enough(project: Project) -> None:
    """A suite without gates of its own is judged by those of the ini file."""
    project.ini("promptreg_gates =\n    rouge_l >= 0.9\n    mean(rouge_l) >= 0.99\n")
    change(project, gates=[], good=6, poor=4)
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["rouge_l 0.800 (gate >= 0.9)"])


def test_a_suite_gate_is_kept_beside_a_case_gate_on_the_same_metric(project: Project) -> None:
    """mean(rouge_l) and rouge_l are two subjects: a nearer one on the case leaves the other in force."""
    project.ini("promptreg_gates = mean(rouge_l) >= 0.9\n")
    change(project, gates=["rouge_l >= 0.4"], good=6, poor=2)
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2)
    assert result.ret == 1


def test_metrics_are_reported_without_a_gate(project: Project) -> None:
    """metrics=[...] and the ini option are scored and shown, and fail nothing."""
    project.ini("promptreg_metrics = chrf\n")
    project.examples({"e": WORDS})
    project.suite(predict=by_example(e=6), marker='metrics=["exact"]')
    project.store()
    project.suite(predict=by_example(e=5), marker='metrics=["exact"]')
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*version*rouge_l*chrf*exact*pass rate"])


# -- verdicts other than pass and breach


def test_other_inputs_are_incomparable(project: Project, run: Run) -> None:
    """A row whose inputs changed under its id is not compared: it fails, and says why and what to run."""
    project.store()
    project.examples({"a": "other words than then", "b": "b", "c": "c"})
    result = run("-k", "v1-a")
    result.assert_outcomes(failed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "incomparable: its inputs (examples.jsonl:1) are not those that the baseline was made from",
            "*--promptreg-update",
            "FAILED *v1-a* - *incomparable: *",
        ]
    )


def test_another_reference_is_comparable(project: Project) -> None:
    """The reference is no input: editing it leaves the stored outputs comparable."""
    project.examples({"a": WORDS}, reference="one")
    project.suite(gates=["drop(rouge_l) <= 0.1"])
    project.store()
    project.examples({"a": WORDS}, reference="two")
    project.pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_other_settings_of_a_metric_are_incomparable(project: Project) -> None:
    """Scores of another tokenizer than the baseline's are not gated; equal outputs still are equal."""
    change(project, gates=["rouge_l >= 0.1"], same=6, other=5)
    project.ini("promptreg_rouge_tokens = rouge-score\n")
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["incomparable: rouge_l has other settings *", "*then rouge_l*unicode*", "*now  rouge_l*rouge-score*"]
    )


def test_a_new_example_in_an_old_suite_is_missing(project: Project, run: Run) -> None:
    """An example that the baseline does not know fails, naming its place and the command; the others pass."""
    project.store()
    project.rows(*[{"id": name, "text": WORDS} for name in "xyz"])
    result = run("-k", "v1-x")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["missing: no record of it in the baseline (examples.jsonl:1)", "*--promptreg-update"])


# -- check()


@pytest.mark.parametrize("flags", [[], ["--promptreg-update"]], ids=["plain", "update"])
def test_a_test_that_never_checks_fails(project: Project, run_each_way: Run, flags: list[str]) -> None:
    """A test that took the fixture and judged nothing is no pass, and its output is not stored."""
    project.store()
    before = project.baseline_file().read_bytes()
    project.suite(body="assert promptreg.output.text", predict="def follow(request):\n    return 'unchecked'\n")
    result = run_each_way(*flags)
    result.assert_outcomes(failed=3)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["the test never called promptreg.check()*"])
    assert project.baseline_file().read_bytes() == before


def test_a_test_that_fails_before_its_check_tells_its_own_failure(project: Project) -> None:
    """The missing check() does not hide the assertion that kept the test from it."""
    project.store()
    project.suite(body="assert 'seven' in promptreg.output.text\npromptreg.check()")
    result = project.pytester.runpytest_inprocess("-k", "v1-a")
    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(["E*AssertionError*"])
    result.stdout.no_fnmatch_line("*never called*")


def test_check_scores_what_the_test_made_itself(project: Project, run_each_way: Run) -> None:
    """Without a predict, check(output) is stored, compared and gated as any output."""
    body = "promptreg.check(' '.join(promptreg.request.inputs['text'].split()[:{keep}]))"
    project.suite(fixture="", body=body.format(keep=6))
    run_each_way("--promptreg-update").assert_outcomes(passed=3)
    assert project.outputs()["a"] == "one two three four five six"
    project.suite(fixture="", body=body.format(keep="2 if promptreg.example.id == 'b' else 6"))
    result = run_each_way()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["rouge_l 0.500 (gate >= 0.8)"])


def test_check_without_output_and_without_predict_fails(project: Project) -> None:
    """check() in a suite that has no predict says what is missing and where."""
    project.suite(fixture="")
    result = project.pytester.runpytest_inprocess("-k", "v1-a")
    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(["test_answer.py:*: this suite has no predict*", "*promptreg.check(output)*"])


@pytest.mark.parametrize("value", ["None", "7", "b'x'"])
def test_check_refuses_what_is_no_output(project: Project, value: str) -> None:
    """check(None) is a helper that forgot to return: it fails, rather than judge what predict said instead."""
    project.store()
    project.suite(body=f"promptreg.check({value})")
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*promptreg.check(output): * is no output*"])


def test_check_twice_is_one_verdict(project: Project) -> None:
    """check() again, or with the same output, answers with the same outcome."""
    project.suite(
        body="""
        first = promptreg.check()
        assert promptreg.check() is first
        assert promptreg.check("one two three four five six") is first
        """
    )
    project.pytester.runpytest_inprocess("--promptreg-update", "-k", "v1-a").assert_outcomes(passed=1)
    project.pytester.runpytest_inprocess("-k", "v1-a").assert_outcomes(passed=1)


ANOTHER = "promptreg.check() has judged another output of this case*"
SWALLOWED = "with pytest.raises(BaseException):\n    "


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("promptreg.check('{good}')\npromptreg.check('no')", ANOTHER),
        (SWALLOWED + "promptreg.check('no')\npromptreg.check('{good}')", ANOTHER),
        (f"{SWALLOWED}promptreg.check('no')\n{SWALLOWED}promptreg.check('{{good}}')", "rouge_l 0.000 (gate >= 0.8)"),
    ],
)
def test_a_second_output_is_refused(project: Project, body: str, said: str) -> None:
    """A case has one verdict: a better output cannot talk a breach away, nor a worse one go unseen."""
    project.store()
    project.suite(body=body.format(good="one two three four five six"))
    result = project.pytester.runpytest_inprocess("-k", "v1-a")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])


def test_a_pass_rate_counts_the_first_output(project: Project) -> None:
    """Where a breach raises nothing, the output that is judged after it is refused all the same."""
    project.store()
    body = f"promptreg.check('no')\n{SWALLOWED}promptreg.check('one two three four five six')"
    project.suite(body=body, gates=["rouge_l >= 0.8", "pass_rate >= 0.1"])
    result = project.pytester.runpytest_inprocess("-k", "v1-a")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*version*breached*", "*v1[*]*1 *1*"])


def test_what_a_test_sees_of_its_case(project: Project) -> None:
    """version, example, request, output, baseline and outcome are there for the test's own assertions."""
    project.store()
    project.suite(
        body="""
        assert promptreg.version.label == "v1"
        assert promptreg.example.inputs["text"] == promptreg.request.inputs["text"]
        assert promptreg.baseline == promptreg.output.text
        outcome = promptreg.check()
        assert outcome is promptreg.outcome
        assert (outcome.verdict, outcome.scores) == ("unchanged", {"rouge_l": 1.0})
        assert repr(promptreg) == f"<promptreg case 'v1' x '{promptreg.example.id}'>"
        """
    )
    project.pytester.runpytest_inprocess().assert_outcomes(passed=3)


# -- the closing section


def test_the_closing_section_counts_every_verdict(project: Project, run_each_way: Run) -> None:
    """Unchanged, changed, breached, missing, incomparable and error each have their column, and the worst is shown."""
    change(project, gates=["rouge_l >= 0.8"], same=6, alike=5, poor=2, moved=6, fails=6)
    project.rows(
        *({"id": name, "text": WORDS} for name in ("same", "alike", "poor", "fails", "new")),
        {"id": "moved", "text": "other words"},
    )
    project.suite(
        predict=by_example(same=6, alike=5, poor=2).replace(
            "    return", "    if request.example == 'fails':\n        raise OSError('away')\n    return"
        )
    )
    result = run_each_way()
    result.assert_outcomes(passed=2, failed=3, errors=1)
    result.stdout.fnmatch_lines(
        [
            "test_answer (test_answer.py:*): baseline v1, 6 examples",
            "*version*cases*unchanged*changed*breached*missing*incomparable*error*rouge_l*pass rate",
            "*v1?*6*1*1*1*1*1*1*0.803*66.7%",
            "*worst of v1:*",
            "*poor*rouge_l 0.500 (gate >= 0.8)",
            "next: *--promptreg-update*",
            "next: *--promptreg-accept v1*",
        ]
    )


def test_the_closing_section_shows_the_way_from_the_baseline_version(project: Project) -> None:
    """Beside the mean of another version stands the difference to the version that the baseline has."""
    project.store()
    project.prompt("v2", keep=3)
    result = project.pytester.runpytest_inprocess()
    result.stdout.fnmatch_lines(["*v1?*3*3*1.000*100.0%", "*v2*3*3*0.667 (-0.333)*0.0%"])


def test_model_output_cannot_speak_for_the_plugin(project: Project) -> None:
    """Escape sequences, CI commands and forged lines in an output reach the terminal only as visible text."""
    project.store()
    forged = "\\x1b[2J\\n::error::forged\\nnext: rm -rf /\\n\\u202eevil"
    project.suite(predict=f"def follow(request):\n    return '{forged}'\n")
    result = project.pytester.runpytest_inprocess("-v")
    result.assert_outcomes(failed=3)
    said = result.stdout.str()
    assert "\x1b[2J" not in said
    assert "\u202e" not in said
    assert not [line for line in result.outlines if line.startswith(("::error", "next: rm"))]
