"""A marker becomes a suite, or is refused with its place before any call is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.baselines.baseline import Baseline, Record
from pytest_promptreg.errors import ConfigError, ExampleError, GateError, PromptError, PromptregError
from pytest_promptreg.judging.modes import FLOORS, SIMILARITIES
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.suites.declaring import build_suite
from pytest_promptreg.suites.suite import SuiteSpec, case_slug

PROMPTS = [{"label": "v1", "text": "Say {{ q }}"}, {"label": "v2", "text": "Tell {{ q }}"}]
ROWS = [{"id": "a", "q": "x", "reference": "r"}, {"id": "b", "q": "y"}]
GATES = ["semantic >= 0.8", "drop(rouge_l) <= 0.1"]


def build(
    tmp_path: Path, ini_gates: tuple[str, ...] = (), ini_metrics: tuple[str, ...] = (), **marker: Any
) -> SuiteSpec:
    return build_suite(
        {"prompts": PROMPTS, "examples": ROWS, "gates": GATES, **marker},
        suite_id="test_x.py::test_y",
        module=tmp_path / "test_x.py",
        line=12,
        function="test_y",
        ini_gates=ini_gates,
        ini_metrics=ini_metrics,
    )


def refused(tmp_path: Path, kind: type[PromptregError], **marker: Any) -> PromptregError:
    with pytest.raises(kind) as error:
        build(tmp_path, **marker)
    assert error.value.next_step, "a refusal says what to do"
    return error.value


def test_a_suite_is_what_was_declared(tmp_path: Path) -> None:
    """Versions, examples, gates, the baseline's place, and a key for each case."""
    spec = build(tmp_path)
    assert [version.label for version in spec.versions] == ["v1", "v2"]
    assert list(spec.example_by_id) == ["a", "b"]
    assert [str(gate) for gate in spec.gates] == GATES
    assert spec.terms == ("semantic", "drop(rouge_l)")
    assert spec.baseline_path == tmp_path / "__baselines__" / "test_x" / "test_y.json"
    assert spec.case_key("v1", "a") == ("test_x.py::test_y", "v1", "a")
    assert spec.where.endswith("test_x.py:12")
    assert not spec.has_pass_rate


def test_paths_are_from_the_test_file(tmp_path: Path) -> None:
    """Prompts and examples are looked for beside the test, wherever pytest was started."""
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "v1.md").write_text("{{ q }}")
    (tmp_path / "rows.jsonl").write_text(json.dumps(ROWS[0]))
    spec = build(tmp_path, prompts="p", examples="rows.jsonl")
    assert (len(spec.versions), len(spec.examples)) == (1, 1)


def test_gates_are_taken_from_the_nearest(tmp_path: Path) -> None:
    """The marker's gate replaces the ini file's on the same subject, a row's replaces both for its case."""
    rows = [{"id": "a", "q": "x", "gates": ["semantic >= 0.1"]}, {"id": "b", "q": "y"}]
    spec = build(tmp_path, ini_gates=("semantic >= 0.9", "bleu >= 20"), gates="semantic >= 0.5", examples=rows)
    assert [str(gate) for gate in spec.gates] == ["semantic >= 0.5", "bleu >= 20"]
    gates = {name: [str(gate) for gate in spec.case_gates(spec.example_by_id[name])] for name in ("a", "b")}
    assert gates == {"a": ["semantic >= 0.1", "bleu >= 20"], "b": ["semantic >= 0.5", "bleu >= 20"]}


def test_a_mode_stands_where_gates_stand(tmp_path: Path) -> None:
    """A marker that names a mode begins anew: the ini file's gates are not judged beside it; its own are."""
    spec = build(tmp_path, ini_gates=("semantic >= 0.9",), gates=["calibrated", "bleu >= 20"])
    assert (spec.mode, [str(gate) for gate in spec.gates]) == ("calibrated", ["bleu >= 20"])
    assert spec.noise_terms == (*SIMILARITIES, "drop(token_recall)")
    of_ini = build(tmp_path, ini_gates=("floor",), gates=None)
    assert (of_ini.mode, of_ini.gates, of_ini.noise_terms) == ("floor", (), tuple(FLOORS))


def test_gates_without_a_mode_are_strict(tmp_path: Path) -> None:
    """Whoever writes thresholds means them, of the suite or of each row; strict without any lets nothing change."""
    rows = [{"id": "a", "q": "x", "gates": ["semantic >= 0.1"]}]
    assert build(tmp_path).mode == "strict"
    assert build(tmp_path, gates=None, examples=rows).mode == "strict"
    assert [str(gate) for gate in build(tmp_path, gates="strict").gates] == ["exact == 1"]


def test_a_gate_with_a_line_of_its_own_is_refused_there(tmp_path: Path) -> None:
    """A suite file's gates stand on several lines, and the one that is wrong is told at its own."""
    places = {"gates": "s.yaml:4", "gates[0]": "s.yaml:5", "gates[1]": "s.yaml:6"}
    with pytest.raises(GateError) as error:
        build_suite(
            {"prompts": PROMPTS, "examples": ROWS, "gates": ["calibrated", "bleuh >= 5"]},
            suite_id="s.yaml::s",
            module=tmp_path / "s.yaml",
            line=1,
            function="s",
            ini_gates=(),
            places=places,
        )
    assert error.value.where == "s.yaml:6"


def test_gates_that_judge_nothing_are_refused_where_the_gates_stand(tmp_path: Path) -> None:
    """A rate of cases that no gate can fail is told at the line of the gates, not of the suite."""
    with pytest.raises(GateError) as error:
        build_suite(
            {"prompts": PROMPTS, "examples": ROWS, "gates": ["pass_rate >= 0.9"]},
            suite_id="s.yaml::s",
            module=tmp_path / "s.yaml",
            line=1,
            function="s",
            ini_gates=(),
            places={"gates": "s.yaml:4"},
        )
    assert error.value.where == "s.yaml:4"


def test_a_suite_without_gates_is_judged_by_its_baseline(tmp_path: Path) -> None:
    """Where neither gate nor mode is named, the mode is open until the baseline is known."""
    spec = build(tmp_path, gates=None)
    assert (spec.mode, spec.mode_named) == ("", False)
    assert spec.judged_by(None, 3).mode == "calibrated"
    assert spec.judged_by(None, 1).mode == "floor"
    assert build(tmp_path).judged_by(None, 3).mode == "strict"


def test_json_outputs_are_judged_by_their_values_too(tmp_path: Path) -> None:
    """Under noise, and where the suite names no metric that is to be judged."""
    spec = build(tmp_path, gates=None)

    def terms(spec: SuiteSpec, *texts: str) -> tuple[str, ...]:
        prompt = spec.versions[0].digest[:32]
        records = {
            one.id: Record(one.id, one.inputs_digest, texts, (prompt,) * len(texts), (1,) * len(texts))
            for one in spec.examples
        }
        return spec.judged_by(Baseline(prompt, {prompt: spec.versions[0]}, records), 3).noise_terms

    assert terms(spec, "{}", "[]") == (*SIMILARITIES, "json_fields", "drop(token_recall)")
    assert terms(spec, "{}", "text") == (*SIMILARITIES, "drop(token_recall)")
    assert terms(spec, "{}") == tuple(FLOORS)
    assert terms(build(tmp_path, gates="calibrated"), "{}", "[]")[:-1] == (*SIMILARITIES, "json_fields")
    assert terms(build(tmp_path, gates="calibrated", metrics=["bleu"]), "{}", "[]")[:-1] == ("bleu",)


def test_reported_metrics_are_scored_too(tmp_path: Path) -> None:
    """Metrics of ini file and marker that no gate names are terms as well, each once."""
    spec = build(tmp_path, ini_metrics=("bleu", "semantic"), metrics=["chrf", "bleu"])
    assert spec.terms == ("semantic", "drop(rouge_l)", "bleu", "chrf")
    assert build(tmp_path, metrics="chrf").metrics == ("chrf",)


def test_a_variant_is_a_suite_of_its_own(tmp_path: Path) -> None:
    """Each combination of other parameters has its own id, name and baseline."""
    spec = build(tmp_path)
    fast = spec.with_variant("fast")
    assert (fast.id, fast.name) == ("test_x.py::test_y[fast]", "test_y[fast]")
    assert fast.baseline_path != spec.baseline_path
    assert spec.with_variant("") is spec


def test_suites_survive_the_wire(tmp_path: Path) -> None:
    """Plain values and back give an equal suite, to the last digit of its gates."""
    spec = build(tmp_path, gates=["semantic > 0.99999999", "pass_rate >= 0.9", "drop(bleu) <= 1.23456789"])
    wire = spec.with_variant("fast").to_wire()
    assert SuiteSpec.from_wire(wire) == spec.with_variant("fast")
    assert json.loads(json.dumps(wire)) == wire


def test_commands_work_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that is shown can be pasted into a shell, whatever the label or folder is called."""
    folder = tmp_path / "my tests"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    assert build(folder).command("--promptreg-accept", "final v2") == (
        "pytest 'my tests/test_x.py' --promptreg-accept 'final v2'"
    )


@pytest.mark.parametrize(
    ("marker", "kind", "said", "next_step"),
    [
        ({"prompt": "x"}, ConfigError, "has no argument 'prompt'", "did you mean 'prompts'?"),
        ({"gate": "x"}, ConfigError, "has no argument 'gate'", "did you mean 'gates'?"),
        ({"prompts": None}, ConfigError, "needs prompts=", None),
        ({"examples": None}, ConfigError, "needs examples=", None),
        ({"predict": 5}, ConfigError, "predict=5 is not callable", "package.module:function"),
        ({"predict": "module.function"}, ConfigError, "is not callable", "package.module:function"),
        ({"metrics": ["rouge"]}, ConfigError, "unknown metric 'rouge'", "did you mean 'rouge_l'?"),
        ({"metrics": [["bleu"]]}, ConfigError, "['bleu'] is no metric", None),
        ({"metrics": {"tone": 1}}, ConfigError, "1 is no metric", None),
        ({"metrics": 1}, ConfigError, "metrics is a list of names, functions and objects, or a dict", None),
        ({"signals": {"refusals": "warn"}}, ConfigError, "unknown signal 'refusals'", "did you mean 'refusal'?"),
        (
            {"signals": {"refusal": "fail"}},
            ConfigError,
            "refusal cannot be set to 'fail'",
            "known: breach, warn, tell, off",
        ),
        ({"signals": "refusal"}, ConfigError, "signals is a dict, not str", None),
        ({"gates": {"semantic": 0.8}}, GateError, "gates is a list of texts, not dict", None),
        ({"gates": ["semantics >= 0.8"]}, GateError, "unknown metric 'semantics'", "did you mean 'semantic'?"),
        ({"gates": [0.8]}, GateError, "not float", None),
        ({"gates": "calibrate"}, GateError, "'calibrate' is no gate and no mode", "did you mean 'calibrated'?"),
        ({"gates": ["floor", "strict"]}, GateError, "one mode", None),
        ({"gates": ["pass_rate >= 0.9"]}, GateError, "no gate is on a case", "semantic >= 0.8"),
        ({"examples": []}, ExampleError, "no examples", "add a row such as"),
        ({"prompts": []}, PromptError, "names no prompt", None),
        ({"prompts": [{"label": "v1", "text": "{{ topic }}"}]}, PromptError, "uses 'topic', which example 'a'", "q"),
        (
            {"examples": [{"id": "a", "q": 1}], "gates": ["drop(rouge_l) <= 0.1"]},
            GateError,
            "compares with references, and no example has one",
            "reference column",
        ),
        (
            {"examples": [{"id": "a", "q": 1, "gates": ["mean(semantic) >= 0.9"]}]},
            GateError,
            "is a gate on the suite",
            "move it to the gates",
        ),
        (
            {"examples": [{"id": "a", "q": 1, "gates": ["drop(bleu) <= 5"]}, ROWS[0] | {"id": "c"}]},
            GateError,
            "which example 'a' lacks",
            "give the row a reference",
        ),
        (
            {"examples": [{"id": "a", "q": 1, "gates": ["bleuh >= 5"]}]},
            GateError,
            "unknown metric 'bleuh'",
            "did you mean 'bleu'?",
        ),
        (
            {"prompts": [{"label": "v 1", "text": "x"}, {"label": "v-1", "text": "y"}]},
            PromptError,
            "both become 'v-1' in a test id",
            "rename one",
        ),
        (
            {"prompts": [{"label": label, "text": label} for label in ("a 1", "b 1", "a-1", "b-1")]},
            PromptError,
            "'a 1' and 'a-1' both become 'a-1' in a test id",
            "rename one",
        ),
        (
            {
                "prompts": [{"label": "v1", "text": "x"}, {"label": "v1-a", "text": "y"}],
                "examples": [{"id": "a-b"}, {"id": "b"}],
            },
            ExampleError,
            "have the same test id",
            "another id",
        ),
    ],
)
def test_mistakes_are_refused(
    tmp_path: Path, marker: dict[str, Any], kind: type[PromptregError], said: str, next_step: str | None
) -> None:
    """Whatever is wrong with a marker is said in one sentence, with its place and what was meant."""
    error = refused(tmp_path, kind, **marker)
    assert said in error.what
    assert "test_x.py:12" in str(error.where)
    if next_step:
        assert next_step in str(error.next_step)


def test_a_missing_variable_is_named_with_both_places(tmp_path: Path) -> None:
    """The template's line, the example's place, and the column that was probably meant."""
    (tmp_path / "v1.md").write_text("Hello.\nAbout {{ question }}:")
    (tmp_path / "rows.csv").write_text("id,questions\na,x\n")
    error = refused(tmp_path, PromptError, prompts="v1.md", examples="rows.csv", gates="semantic >= 0.5")
    assert str(error.where).endswith("v1.md:2")
    assert "rows.csv:2" in error.what
    assert error.next_step == "did you mean 'questions'? Or should the example say 'question'?"


def test_every_example_is_asked_for_every_variable(tmp_path: Path) -> None:
    """A column that only one row lacks is found, in a Jinja2 template too."""
    rows = [{"id": "a", "q": "x"}, {"id": "b", "q": None}, {"id": "c", "other": "x"}]
    assert "'c'" in refused(tmp_path, PromptError, examples=rows, gates="semantic >= 0.5").what
    jinja = [{"label": "v1", "text": "{{ doc.title }}", "syntax": "jinja2"}]
    rows = [{"id": "a", "doc": {"title": "x"}}, {"id": "b", "doc": {}}]
    error = refused(tmp_path, PromptError, prompts=jinja, examples=rows, gates="semantic >= 0.5")
    assert "uses 'title', which example 'b'" in error.what


def test_rows_with_their_own_gates_need_no_others(tmp_path: Path) -> None:
    """A suite in which every row has a gate of its own needs none on the marker; one bare row is judged under noise."""
    rows = [{"id": "a", "q": "x", "gates": "semantic >= 0.5"}]
    spec = build(tmp_path, gates=None, examples=rows)
    assert (spec.gates, spec.mode) == ((), "strict")
    rows.append({"id": "b", "q": "y"})
    assert build(tmp_path, gates=None, examples=rows).judged_by(None, 1).noise_terms == tuple(FLOORS)


def test_objects_are_examples_and_prompts(tmp_path: Path) -> None:
    """Values made in Python are declared as files are."""
    spec = build(
        tmp_path,
        prompts=[PromptVersion("v1", "{{ q }}")],
        examples=[Example("a", {"q": "x"})],
        gates=("semantic >= 0.5",),
    )
    assert spec.examples[0].where
    assert spec.versions[0].where


def test_case_slugs() -> None:
    """The case's part of a test id is typeable."""
    assert case_slug("v 2", "ticket/017") == "v-2-ticket-017"
