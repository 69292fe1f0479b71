"""What an output is judged by: equality, signals, metrics, several accepted outputs, renewed signatures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

SENTENCE = "The museum opens at nine and closes at five on every day but Monday."
JSON = '{"name": "Ada", "age": 36, "tags": ["a", "b"]}'


def answer(project: Project, answers: Mapping[str, str], **suite: object) -> None:
    """Let predict answer each example with a text, whatever the prompt says."""
    project.examples(dict.fromkeys(answers, "text"))
    source = f"def follow(request):\n    return {dict(answers)!r}[request.example]\n"
    project.suite(predict=source, **suite)  # type: ignore[arg-type]


def change(project: Project, before: str, after: str, **suite: object) -> None:
    """Store one text as the baseline of the one example; then predict gives another."""
    answer(project, {"a": before}, gates=["chrf >= 1"], marker=str(suite.get("marker", "")))
    project.store()
    answer(project, {"a": after}, **{"gates": ["chrf >= 1"], **suite})


# -- equality


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("One  line \r\nand another", "One line\nand another\n"),
        ("naïve", "nai\u0308ve"),
        (JSON, '{\n "tags": ["a","b"], "age": 36,\n "name": "Ada"}'),
    ],
)
def test_what_says_the_same_is_unchanged(project: Project, before: str, after: str) -> None:
    """White space, Unicode form and the spelling of JSON change no verdict, and no metric is asked."""
    change(project, before, after, gates=["exact == 1", "rouge_l >= 1"])
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*version*cases*unchanged*", "*v1?*1*1*1.000*1.000*100.0%"])


def test_a_refresh_leaves_what_says_the_same_as_it_was(project: Project) -> None:
    """An update whose outputs differ in white space only writes nothing."""
    change(project, "One line\n", "One  line")
    stored = project.baseline_file().read_bytes()
    result = project.pytester.runpytest_inprocess("--promptreg-update")
    result.stdout.fnmatch_lines(["baseline as it was:*1 unchanged*"])
    assert project.baseline_file().read_bytes() == stored


# -- signals


@pytest.mark.parametrize(
    ("run", "before", "after", "said"),
    [
        ("alone", SENTENCE, " \n", "nonempty: *"),
        ("alone", JSON, JSON[:-1], "json_valid: *"),
        ("alone", JSON, JSON.replace("36", '"36"'), "json_shape: *age*"),
        ("n2", JSON, JSON.replace("36", '"36"'), "json_shape: *age*"),
        ("alone", JSON, JSON.replace('"age"', '"years"'), "json_shape: *age*years*"),
        ("alone", JSON, f"```json\n{JSON}\n```", "*output_kind: *fence*"),
        ("alone", SENTENCE, "Музей открывается в девять и закрывается в пять каждый день.", "*script: *"),
        ("alone", SENTENCE, "The museum opens. " * 40, "*repetition: *"),
    ],
    indirect=["run"],
)
def test_a_hard_signal_is_a_breach_without_a_gate(
    project: Project, run: Run, before: str, after: str, said: str
) -> None:
    """What no similarity sees fails the case by default, and the first line says what was found."""
    change(project, before, after, gates=["length_ratio <= 1000"])
    result = run()
    result.assert_outcomes(failed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines([said])


def test_a_warning_is_shown_and_fails_nothing(project: Project, run_each_way: Run) -> None:
    """A flip to a refusal that no gate names passes, and the closing section warns of it by example."""
    change(project, SENTENCE, "I'm sorry, but I can't help with that request.")
    result = run_each_way()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["    1 became a refusal: a", "*warning: refusal in 1 case of v1: a"])


@pytest.mark.parametrize(
    ("marker", "ini"), [('signals={"refusal": "breach"}', ""), ("", "promptreg_signals = refusal:breach")]
)
def test_a_signal_can_be_made_to_fail(project: Project, marker: str, ini: str) -> None:
    """The marker or the ini file turns a warning into a breach."""
    change(project, SENTENCE, "I'm sorry, but I can't help with that request.", marker=marker)
    project.ini(ini)
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["refusal: *"])


def test_a_signal_can_be_switched_off(project: Project) -> None:
    """The marker's word is nearer than the ini file's: what is off fails nothing and warns of nothing."""
    change(project, JSON, JSON.replace("36", '"36"'), marker='signals={"json_shape": "off"}')
    project.ini("promptreg_signals = json_shape:breach")
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*warning:*")


def test_a_gate_on_a_signal_replaces_its_default(project: Project) -> None:
    """A gate that names a signal decides instead of the default, and the score is shown as any other."""
    change(project, JSON, JSON.replace("36", '"36"'), gates=["json_shape >= 0.5"])
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*version*json_shape*"])
    change(project, JSON, JSON.replace("36", '"36"'), gates=["json_shape >= 0.99"])
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["json_shape 0.* (gate >= 0.99): *age*"])


def test_a_signal_that_breached_counts_against_the_pass_rate(project: Project) -> None:
    """A default breach is a breach: where there is a pass-rate gate, the rate decides."""
    answer(project, {"a": JSON, "b": SENTENCE})
    project.store()
    answer(project, {"a": "[]", "b": SENTENCE}, gates=["chrf >= 1", "pass_rate >= 0.5"])
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*v1?*2*1*1*50.0%"])


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ('signals={"refusals": "warn"}', "*unknown signal 'refusals'*did you mean 'refusal'*"),
        ('signals={"refusal": "fail"}', "*the signal refusal cannot be set to 'fail'*breach, warn, tell, off*"),
        ('signals=["refusal"]', "*signals is a dict, not list*"),
    ],
)
def test_a_mistaken_signal_is_refused(project: Project, marker: str, said: str) -> None:
    """A signal or an action that there is not is a collection error that says what is meant."""
    project.suite(marker=marker)
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 2
    assert "Traceback" not in result.stdout.str()
    text = " ".join(result.stdout.str().split())
    for part in said.strip("*").split("*"):
        assert part in text


def test_a_drop_of_a_signal_is_refused(project: Project) -> None:
    """A signal compares with the baseline's output; a drop compares with a reference."""
    project.suite(gates=["drop(refusal) <= 0"])
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*makes no sense: refusal tells what changed since the baseline*"])


# -- long texts


def test_a_replaced_paragraph_of_a_long_text_is_named(project: Project) -> None:
    """A gate on the worst part sees what stands behind the model's window, and says which part it is."""
    tour = " ".join(
        f"The guide then shows room {number} of the museum, with its paintings and maps." for number in range(24)
    )
    rules = " ".join(
        f"Clause {number}: payments are final and deposits are kept by the company." for number in range(10)
    )
    change(project, f"{tour} {tour}", f"{tour} {rules}", gates=["semantic_worst >= 0.8"])
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            'semantic_worst 0.* (gate >= 0.8): nothing in the * is like "*..." of the *',
        ]
    )


# -- several accepted outputs


def test_an_output_can_be_accepted_beside_another(project: Project, run_each_way: Run) -> None:
    """With --promptreg-add both outputs are accepted: each of them is unchanged, a third one is judged."""
    change(project, "one two three four", "five six seven eight", gates=["rouge_l >= 0.9"])
    result = run_each_way("--promptreg-accept", "v1", "--promptreg-add")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["baseline written:*1 accepted beside others*"])
    stored = project.baseline()["examples"]["a"]["outputs"]
    assert ["".join(output) for output in stored] == ["one two three four", "five six seven eight"]
    for text, status in (("one two three four", 0), ("five six seven eight", 0), ("nine ten", 1)):
        answer(project, {"a": text}, gates=["rouge_l >= 0.9"])
        assert project.pytester.runpytest_inprocess().ret == status


def test_a_case_is_judged_against_the_best_match(project: Project) -> None:
    """Of several accepted outputs the nearest one counts, in score and in diff."""
    change(project, "one two three four", "five six seven eight")
    project.pytester.runpytest_inprocess("--promptreg-accept", "v1", "--promptreg-add")
    answer(project, {"a": "five six seven nine"}, gates=["rouge_l >= 0.7"])
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*v1?*0.750*"])
    answer(project, {"a": "five six zero nine"}, gates=["rouge_l >= 0.7"])
    result = project.pytester.runpytest_inprocess()
    result.stdout.fnmatch_lines(["rouge_l 0.500 (gate >= 0.7)", "| five six [[]-seven eight-[]]*"])


def test_without_add_an_accepted_output_takes_the_place(project: Project) -> None:
    """An update keeps the siblings of an output that is accepted already; an accept puts them away."""
    change(project, "one two three four", "five six seven eight")
    project.pytester.runpytest_inprocess("--promptreg-accept", "v1", "--promptreg-add")
    result = project.pytester.runpytest_inprocess("--promptreg-update")
    result.stdout.fnmatch_lines(["baseline as it was:*1 unchanged*"])
    assert len(project.baseline()["examples"]["a"]["outputs"]) == 2
    project.pytester.runpytest_inprocess("--promptreg-accept", "v1")
    assert project.outputs() == {"a": "five six seven eight"}
    assert len(project.baseline()["examples"]["a"]["outputs"]) == 1


def test_outputs_accepted_beside_others_know_their_prompt(project: Project) -> None:
    """An output of v2 accepted beside one of v1 leaves v1 the baseline, and is shown with its own prompt."""
    project.suite(predict="def follow(request):\n    return 'one two three ' + request.version\n")
    project.store()
    project.prompt("v2", keep=9)
    project.suite(predict="def follow(request):\n    return 'seven eight nine ten ' + request.version\n")
    project.pytester.runpytest_inprocess("--promptreg-accept", "v2", "--promptreg-add", "-k", "v2-a")
    assert project.baseline()["version"] == "v1"
    assert len(project.baseline()["examples"]["a"]["outputs"]) == 2
    assert len(project.baseline()["examples"]["b"]["outputs"]) == 1
    project.suite(predict="def follow(request):\n    return 'seven eight nine eleven twelve'\n")
    result = project.pytester.runpytest_inprocess("-k", "v1-a")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*example a, against the baseline of v2", "prompt v2 -> v1 (prompts/v1.md):"])


# -- signatures


def test_a_renewed_signature_makes_cases_comparable_again(project: Project, run_each_way: Run) -> None:
    """Another tokenizer makes changed cases incomparable; --promptreg-rescore renews that, calling nothing."""
    source = (
        "def follow(request):\n    with open('calls', 'a') as calls:\n        calls.write('x\\n')\n"
        "    return 'one two three four five' + EXTRA\n\nEXTRA = ''\n"
    )
    project.suite(predict=source, gates=["rouge_l >= 0.5"])
    project.store()
    project.suite(predict=source.replace("EXTRA = ''", "EXTRA = ' six'"), gates=["rouge_l >= 0.5"])
    project.ini("promptreg_rouge_tokens = rouge-score")
    result = run_each_way()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*incomparable: rouge_l has other settings*", "*pytest test_answer.py --promptreg-rescore"]
    )
    calls = len(project.lines("calls"))
    before = project.baseline()
    result = run_each_way("--promptreg-rescore")
    assert result.ret == 0
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(
        ["baseline written:*1 metric signatures renewed*", "*rouge_l: then *unicode*", "*now *rouge-score*"]
    )
    assert len(project.lines("calls")) == calls
    after = project.baseline()
    assert (after["examples"], after["prompts"]) == (before["examples"], before["prompts"])
    assert after["metrics"] != before["metrics"]
    assert project.pytester.runpytest_inprocess().ret == 0


def test_a_rescore_tells_where_the_stored_outputs_lie_now(project: Project) -> None:
    """With references, the stored outputs' scores by the new settings are told."""
    project.examples({"a": "one two three four five six"}, reference="one two three")
    project.suite(gates=["drop(rouge_l) <= 0.1"])
    project.store()
    project.ini("promptreg_rouge_tokens = rouge-score")
    result = project.pytester.runpytest_inprocess("--promptreg-rescore")
    result.stdout.fnmatch_lines(["*rouge_l of the stored outputs against their references: mean 0.667, lowest 0.667*"])


def test_a_rescore_without_a_change_writes_nothing(project: Project) -> None:
    """Where every signature is as it was, the file stays as it was."""
    project.store()
    stored = project.baseline_file().read_bytes()
    result = project.pytester.runpytest_inprocess("--promptreg-rescore")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["baseline as it was:*"])
    assert project.baseline_file().read_bytes() == stored


# -- a user's own metrics

POLITE = """
def polite(output, baseline, case):
    return float("please" in output)
"""

POLITE_BY_FIXTURE = f"""
{POLITE}
@pytest.fixture(scope="session")
def promptreg_metric_polite():
    return polite
"""

POLITE_IN_BATCHES = """
class Polite:
    name = "polite"

    def signature(self):
        return "polite|1"

    def score(self, pairs):
        return ["please" in pair.output for pair in pairs]
"""


def politely(project: Project, metric: str, marker: str, gates: object = ("polite >= 0.5",)) -> None:
    """A baseline that says please; then predict does not."""
    for text in ("please wait here for a moment", "wait here for a moment"):
        project.module(
            f"{metric}\n@pytest.fixture(scope='session')\ndef promptreg_predict():\n"
            f"    return lambda request: {text!r}\n\n"
            f"@pytest.mark.promptreg(prompts='prompts', examples='examples.jsonl', gates={list(gates)!r}, {marker})\n"  # type: ignore[call-overload]
            "def test_answer(promptreg):\n    promptreg.check()\n"
        )
        if text.startswith("please"):
            project.store()


@pytest.mark.parametrize(
    ("run", "metric", "marker"),
    [
        ("alone", POLITE, "metrics=[polite]"),
        ("n2", POLITE, "metrics=[polite]"),
        ("alone", POLITE, "metrics={'polite': lambda output, baseline: polite(output, baseline, None)}"),
        ("alone", POLITE_BY_FIXTURE, ""),
        ("n2", POLITE_BY_FIXTURE, ""),
        ("alone", POLITE_IN_BATCHES, "metrics=[Polite()]"),
    ],
    indirect=["run"],
)
def test_a_metric_of_ones_own_is_gated(project: Project, run: Run, metric: str, marker: str) -> None:
    """A function or an object on the marker, or a fixture, is a metric that gates can name."""
    politely(project, metric, marker)
    assert project.baseline()["metrics"]["polite"].startswith("polite|")
    result = run()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["polite 0.000 (gate >= 0.5)", "*version*polite*"])


def test_a_metric_is_found_by_entry_point(project: Project, run: Run) -> None:
    """An installed package brings a metric under the entry point group ``pytest_promptreg.metrics``."""
    project.write("politeness.py", POLITE)
    project.write("politeness-1.0.dist-info/METADATA", "Name: politeness\nVersion: 1.0\n")
    project.write(
        "politeness-1.0.dist-info/entry_points.txt", "[pytest_promptreg.metrics]\npolite = politeness:polite\n"
    )
    project.ini("pythonpath = .")
    politely(project, "", "")
    run().assert_outcomes(failed=3)


def test_another_metric_of_the_same_name_is_incomparable(project: Project) -> None:
    """When the code of a metric changes, its scores are not taken for the same; a rescore says so once."""
    politely(project, POLITE, "metrics=[polite]")
    source = (project.path / "test_answer.py").read_text()
    project.write("test_answer.py", source.replace('"please" in output', '"moment" in output'))
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*incomparable: polite has other settings*"])
    assert project.pytester.runpytest_inprocess("--promptreg-rescore").ret == 0
    assert project.pytester.runpytest_inprocess().ret == 0


@pytest.mark.parametrize(
    ("run", "body", "said"),
    [
        ("alone", "raise ValueError('no judge today')", "ValueError: no judge today"),
        ("n2", "raise ValueError('no judge today')", "ValueError: no judge today"),
        ("alone", "return None", "polite"),
        ("alone", "return float('nan')", "polite"),
        ("alone", "return 7", "polite"),
    ],
    indirect=["run"],
)
def test_a_metric_that_fails_is_an_error_and_no_low_score(project: Project, run: Run, body: str, said: str) -> None:
    """What a user's metric raises, or gives that is no score, is an error of the case with the metric's name."""
    politely(project, f"def polite(output, baseline, case):\n    {body}\n", "metrics=[polite]")
    result = run()
    result.assert_outcomes(errors=3)
    assert said in result.stdout.str()
    assert "INTERNALERROR" not in result.stdout.str()


def test_a_metric_knows_its_case(project: Project) -> None:
    """The function is given the example's inputs and reference, and the prompt version."""
    project.examples({"a": "one two three four five six seven"}, reference="ref")
    metric = (
        "import json, pathlib\n\ndef knows(output, baseline, case):\n"
        "    pathlib.Path('seen.json').write_text(json.dumps(\n"
        "        [output, baseline, dict(case.inputs), case.reference, case.example.id, case.version.label]))\n"
        "    return 1\n"
    )
    project.module(
        metric + "\n@pytest.mark.promptreg(prompts='prompts', examples='examples.jsonl', gates=['knows >= 1'],\n"
        "                       metrics=[knows])\ndef test_answer(promptreg):\n    promptreg.check()\n"
    )
    project.store()
    project.prompt("v1", keep=5)
    assert project.pytester.runpytest_inprocess().ret == 0
    assert json.loads((project.path / "seen.json").read_text()) == [
        "one two three four five",
        "one two three four five six",
        {"text": "one two three four five six seven"},
        "ref",
        "a",
        "v1",
    ]


@pytest.mark.parametrize("scope", ["function", "class"])
def test_a_metric_must_outlive_its_suite(project: Project, scope: str) -> None:
    """A fixture that is torn down before the suite's last case was scored is refused, with the scope that it needs."""
    fixture = f"\n@pytest.fixture(scope={scope!r})\ndef promptreg_metric_polite():\n    return polite\n"
    project.module(
        f"{POLITE}{fixture}\n@pytest.mark.promptreg(prompts='prompts', examples='examples.jsonl',\n"
        "                       gates=['polite >= 0.5'])\ndef test_answer(promptreg):\n    promptreg.check()\n"
    )
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 2
    result.stdout.fnmatch_lines([f"*promptreg_metric_polite lives for a {scope}*", '*scope="module"*'])


def test_a_gate_in_a_row_has_its_signature_stored(project: Project) -> None:
    """A metric that only an example's own gate names is signed too, so that other settings do not go unnoticed."""
    project.rows({"id": "a", "text": "one two three four five six seven", "gates": "rouge_l >= 0.1"})
    project.suite(gates=["chrf >= 1"])
    project.store()
    assert set(project.baseline()["metrics"]) == {"chrf", "rouge_l"}
    project.prompt("v1", keep=5)
    project.ini("promptreg_rouge_tokens = rouge-score")
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*incomparable: rouge_l has other settings*"])


def test_a_narrowed_update_says_that_it_renews_settings_for_all(project: Project) -> None:
    """Settings are stored once for a file: a refresh of one example that changes them says which."""
    project.store()
    project.prompt("v1", keep=5)
    project.ini("promptreg_rouge_tokens = rouge-score")
    result = project.pytester.runpytest_inprocess("--promptreg-update", "-k", "v1-a")
    result.stdout.fnmatch_lines(
        ["baseline written:*1 changed, 1 metric signatures renewed*", "*rouge_l: then*", "*now*"]
    )


def test_a_drop_is_what_was_lost_where_less_is_better(project: Project) -> None:
    """A metric whose best score is its lowest drops when it rises."""
    metric = (
        "import pytest_promptreg\n\n@pytest_promptreg.metric(equal=0)\n"
        "def rude(output, baseline, case):\n    return float('six' not in output)\n"
    )
    project.examples({"a": "one two three four five six seven"}, reference="ref")
    project.module(
        f"{metric}\n@pytest.mark.promptreg(prompts='prompts', examples='examples.jsonl',\n"
        "                       gates=['drop(rude) <= 0.1'], metrics=[rude])\ndef test_answer(promptreg):\n"
        "    promptreg.check()\n"
    )
    project.store()
    project.prompt("v1", keep=5)
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["drop(rude) 1.000 (gate <= 0.1)"])


@pytest.mark.parametrize(
    ("run", "leaves"),
    [
        ("alone", "pytest.skip('no model')"),
        ("n2", "pytest.skip('no model')"),
        ("alone", "pytest.xfail('no model')"),
        ("alone", "raise SystemExit(0)"),
        ("n2", "raise SystemExit(0)"),
    ],
    indirect=["run"],
)
def test_an_embedder_that_leaves_is_an_error_and_no_pass(project: Project, run: Run, leaves: str) -> None:
    """A skip or an exit in an embedder does not take the case's gate along."""
    project.write(
        "embedder.py",
        f"import pytest\n\nclass E:\n    fingerprint = 'e|1'\n\n    def encode(self, texts):\n        {leaves}\n\n"
        "e = E()\n",
    )
    project.ini("pythonpath = .\npromptreg_embedding_model = embedder:e")
    project.suite(gates=["rouge_l >= 0.1"])
    project.store()
    project.prompt("v1", keep=5)
    project.suite(gates=["semantic >= 0.9", "pass_rate >= 0.1"])
    result = run()
    result.assert_outcomes(errors=3)
    assert result.ret == 1


def test_a_gate_on_a_metric_that_is_nowhere_is_refused(project: Project) -> None:
    """A name that no marker, fixture, entry point or built-in metric has is a mistake, with a suggestion."""
    politely_marker = "metrics=[polite]"
    project.module(
        f"{POLITE}\n@pytest.mark.promptreg(prompts='prompts', examples='examples.jsonl', gates=['polit >= 0.5'],\n"
        f"                       {politely_marker})\ndef test_answer(promptreg):\n    promptreg.check()\n"
    )
    result = project.pytester.runpytest_inprocess()
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*unknown metric 'polit'*", "*did you mean 'polite'?*"])


def test_the_model_is_loaded_while_the_first_call_is_waited_for(project: Project) -> None:
    """An output that has to be scored has the embedding model loaded although an earlier test still waits."""
    project.suite(gates=["semantic >= -0.9"])
    project.store()
    project.suite(
        gates=["semantic >= -0.9"],
        predict="""
        import sys, time

        def follow(request):
            if request.example != "a":
                return "something else"
            until = time.monotonic() + 30
            while "pytest_promptreg.embedders.bert" not in sys.modules:
                assert time.monotonic() < until, "nobody loads the model"
                time.sleep(0.01)
            return "something else"
        """,
    )
    project.pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=3)
