"""The result file: a run that is written is the run that is read, and nothing else is read."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_promptreg.baselines.baseline import Baseline
from pytest_promptreg.baselines.refreshing import Plan, plan_refresh
from pytest_promptreg.errors import PromptregError, ResultsError
from pytest_promptreg.judging.gates import Verdict, parse
from pytest_promptreg.metrics import METRICS, MetricInfo
from pytest_promptreg.model import Example, Message, PromptVersion
from pytest_promptreg.report import terminal
from pytest_promptreg.results.file import FILE, FORMAT, KIND, load, render
from pytest_promptreg.results.file import parse as parse_results
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.session.concluding import Conclusion
from pytest_promptreg.suites.suite import SuiteSpec
from pytest_promptreg.tracking import RunFacts
from pytest_promptreg.tracking.facts import Surroundings
from pytest_promptreg.tracking.schema import describe

V1 = PromptVersion("v1", "one {{ q }}", model_config={"temperature": 0.5}, where="prompts/v1.md", first_line=1)
V2 = PromptVersion("v2", (Message("system", "two"), Message("user", "{{ q }}")), tags={"a": "b"}, commit_message="why")
EXAMPLES = tuple(
    Example(name, {"q": name, "n": [1, None, {"x": 2.5}]}, "reference", ("bleu >= 10",), ("tag",), "e.jsonl:1")
    for name in "abcd"
)
OWN = {"polite": MetricInfo("polite", 0.0, math.inf, equal=1.0)}
GATES = ("semantic >= 0.8", "polite >= 0.5", "mean(semantic) >= 0.9", "pass_rate >= 0.9")
TERMS = ["semantic", "drop(bleu)", "polite"]


def spec() -> SuiteSpec:
    gates = tuple(parse(gate, known={**METRICS, **OWN}) for gate in GATES)
    path = Path.cwd() / "t.py"
    return SuiteSpec("t.py::test", "t.py:1", path, "test", (V1, V2), EXAMPLES, gates, ("chrf",), own=OWN)


def refresh(before: Baseline | None = None) -> Plan:
    outputs = {name: ["accepted"] for name in "abc"}
    return plan_refresh(
        spec().baseline_path, before, V1, outputs, examples=EXAMPLES, signatures={"semantic": "m"}, refused={"d": "no"}
    )


CASES = st.builds(
    CaseOutcome,
    st.just("t.py::test"),
    st.just("v2"),
    st.sampled_from("abcd"),
    st.sampled_from([str(verdict) for verdict in Verdict]),
    output=st.none() | st.text(),
    samples=st.lists(st.text(), max_size=3).map(tuple),
    recorded=st.integers(0, 3),
    accepted=st.none() | st.text(),
    scores=st.dictionaries(st.sampled_from(TERMS), st.floats(-1, 1)),
    breaches=st.lists(st.text(max_size=5), max_size=2),
    findings=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    message=st.text(),
    latency_s=st.none() | st.floats(0, 10),
    cost_usd=st.none() | st.floats(0, 10),
    passed=st.booleans(),
    nodeid=st.text(),
)


@st.composite
def runs(draw: st.DrawFn) -> RunOutcome:
    """A run of one suite, plain or a refresh, with one left out."""
    of_suite = spec()
    plan = draw(st.sampled_from([None, refresh(), replace(refresh(), after=None)]))
    cases = draw(st.lists(CASES, unique_by=lambda case: case.example))
    suite = SuiteOutcome(
        of_suite,
        plan.before if plan else refresh().after,
        [version_outcome(of_suite, V2, cases, gated=plan is None)],
        stale=tuple(draw(st.lists(st.text(), max_size=2))),
        plan=plan,
        selected=4,
    )
    return RunOutcome(
        (suite,),
        draw(st.floats(0, 1e10)),
        draw(st.floats(0, 1e10)),
        lost=tuple(draw(st.lists(st.text(), max_size=2))),
        orphans=("old.json",),
        refreshed=plan is not None,
        left_out=(replace(of_suite, id="t.py::other"),),
        interrupted=draw(st.booleans()),
    )


@given(runs())
@settings(max_examples=50)
def test_a_run_comes_back_as_it_was(run: RunOutcome) -> None:
    """Read again, it is written with the same bytes, and every part of it is equal."""
    text = render(run)
    read = parse_results(text).run
    assert render(read) == text
    assert read.suites[0].spec == run.suites[0].spec
    assert read.suites[0].baseline == run.suites[0].baseline
    assert read.suites[0].plan == run.suites[0].plan
    assert list(read.suites[0].versions[0].cases) == list(run.suites[0].versions[0].cases)
    assert list(read.suites[0].versions[0].gates) == list(run.suites[0].versions[0].gates)
    assert (read.started, read.ended, read.lost, read.left_out) == (run.started, run.ended, run.lost, run.left_out)


@given(runs())
@settings(max_examples=25)
def test_what_is_shown_and_recorded_of_it_is_the_same(run: RunOutcome) -> None:
    """The closing section and the record for MLflow are those of the run itself."""
    read = parse_results(render(run)).run
    assert terminal.lines(Conclusion(read)) == terminal.lines(Conclusion(run))
    facts = RunFacts("pytest", True, Path.cwd())
    assert describe(read, facts, Surroundings()) == describe(run, facts, Surroundings())


def whole(**more: Any) -> RunOutcome:
    """A run of one suite, all four of its cases judged."""
    cases = [
        CaseOutcome("t.py::test", "v2", name, "unchanged", output="o", scores={"semantic": 1.0}) for name in "abcd"
    ]
    version = version_outcome(spec(), V2, cases, gated=True)
    return RunOutcome((SuiteOutcome(spec(), refresh().after, [version], selected=4),), 1.0, 2.0, **more)


def test_a_file_says_what_it_is_and_is_strict_json() -> None:
    """Kind, format and version come first; NaN and infinities are texts."""
    data = json.loads(render(whole()), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert list(data) == ["kind", "format", "plugin_version", "run", "part"]
    assert (data["kind"], data["format"]) == (KIND, FORMAT)
    assert data["run"]["suites"][0]["spec"]["own"]["polite"]["high"] == "Infinity"
    assert data["run"]["suites"][0]["spec"]["gates"] == list(GATES)


def test_paths_start_from_the_root(tmp_path: Path) -> None:
    """Another machine has the same files in another folder."""
    text = render(whole())
    assert str(Path.cwd()) not in text
    assert parse_results(text, root=tmp_path).run.suites[0].spec.module == tmp_path / "t.py"


def test_secrets_are_hidden() -> None:
    """What a model config calls a secret by its name, and a password in predict's address, are not written."""
    secret = replace(V1, model_config={"api_key": "sk-planted", "nested": {"access_token": "planted-too"}, "n": 1})
    of_suite = replace(spec(), versions=(secret, V2), predict="https://me:planted@host.example/invocations")
    version = version_outcome(of_suite, secret, [], gated=False)
    text = render(replace(whole(), suites=(SuiteOutcome(of_suite, None, [version]),)))
    assert "planted" not in text
    assert json.loads(text)["run"]["suites"][0]["versions"][0]["version"]["model_config"]["n"] == 1


def test_traces_can_be_left_out() -> None:
    """What was kept of the calls may be most of a file, and MLflow has it already."""
    case = CaseOutcome(spec().id, "v1", "a", "unchanged", trace='{"spans": []}')
    run = replace(whole(), suites=(SuiteOutcome(spec(), None, [version_outcome(spec(), V1, [case], gated=False)]),))
    for traces, told in ((True, '{"spans": []}'), (False, "")):
        (found,) = parse_results(render(run, traces=traces)).run.suites[0].versions[0].cases
        assert found.trace == told


def test_nothing_of_the_run_is_changed_by_writing_it() -> None:
    """The outcome that goes on to the reports is the one that was there before."""
    run = whole()
    before = vars(run.suites[0].versions[0].cases[0]).copy()
    render(run)
    assert vars(run.suites[0].versions[0].cases[0]) == before


def test_a_newer_format_is_refused() -> None:
    """It may mean something else: the message names both formats and the upgrade."""
    text = render(whole()).replace(f'"format":{FORMAT}', f'"format":{FORMAT + 1}', 1)
    with pytest.raises(ResultsError) as caught:
        parse_results(text, where="r.json")
    assert f"r.json: the results have format {FORMAT + 1}" in str(caught.value)
    assert "pip install --upgrade" in str(caught.value)


def test_a_file_of_an_older_plugin_lacks_the_newer_fields() -> None:
    """They have their defaults then."""
    data = json.loads(render(whole()))
    for case in data["run"]["suites"][0]["versions"][0]["cases"]:
        del case["findings"], case["warnings"], case["cost_usd"]
    del data["run"]["left_out"]
    assert parse_results(json.dumps(data)).run.left_out == ()


def change(data: Any, path: str, value: object) -> None:
    *steps, last = [int(step) if step.isdigit() else step for step in path.split("/")]
    for step in steps:
        data = data[step]
    data[last] = value


SUITE = "run/suites/0"
CASE = f"{SUITE}/versions/0/cases/0"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("kind", "something else", "no result file"),
        ("format", "1", "there is no format '1'"),
        ("format", True, "there is no format True"),
        ("run", None, "run is null, not an object"),
        ("part", [], "part is missing or of the wrong kind"),
        ("run/started", -1, "no times that could be"),
        ("run/ended", "NaN", "no times that could be"),
        (f"{SUITE}/spec/gates", ["semantic >= 7"], "run.suites[0].spec has a gate that is none"),
        (f"{SUITE}/spec/gates", ["mood >= 7"], "unknown metric"),
        (f"{SUITE}/spec/metrics", ["mood"], "unknown metrics: mood"),
        (f"{SUITE}/spec/signals", {"refusal": "explode"}, "sets a signal that there is not"),
        (f"{SUITE}/spec/own/polite/name", "\x1b[2J", "without a proper name"),
        (f"{SUITE}/spec/examples/1/id", "a", "an example twice"),
        (f"{SUITE}/spec/examples/1/gates", ["bleu"], "has a gate that is none"),
        (f"{SUITE}/spec/examples/1/inputs", [], "inputs is a list, not an object"),
        (f"{SUITE}/spec/module", "t\0.py", "module is a text, not a path"),
        (f"{SUITE}/baseline/accepted", "other", "lacks the accepted prompt"),
        (f"{SUITE}/baseline/records/a/outputs", [], "a record that is not whole: 'a'"),
        (f"{SUITE}/versions/0/version/label", "v9", "a version 'v9', which it does not declare"),
        (f"{SUITE}/versions/0/gates/0/gate", "mean(mood) >= 1", "has a gate that is none"),
        (f"{CASE}/verdict", "fine", "cases[0].verdict is no verdict"),
        (f"{CASE}/suite", "other", "a case that is not its own"),
        (f"{CASE}/example", "z", "a case that is not its own: 'z'"),
        (f"{CASE}/scores", {"mood": 1.0}, "scored by an unknown metric"),
        (f"{CASE}/scores", {"semantic": "high"}, "scores.semantic is a text, not a number"),
        (f"{CASE}/output", 5, "output is a number, not a text"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(path: str, value: object, said: str) -> None:
    """A file that was edited or made up is no traceback and no verdict."""
    data = json.loads(render(whole()))
    change(data, path, value)
    with pytest.raises(ResultsError) as caught:
        parse_results(json.dumps(data), where="r.json")
    assert said in str(caught.value)
    assert str(caught.value).startswith("r.json: ")


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{", "null", '{"kind": "pytest-promptreg results"}', "1" * 5000])
def test_what_is_no_file_of_ours_is_refused(text: str) -> None:
    """Whatever is in it."""
    with pytest.raises(ResultsError):
        parse_results(text, where="r.json")


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_a_torn_or_damaged_file_is_refused_or_read(data: st.DataObject) -> None:
    """Cut anywhere it is refused; with any one value replaced it is refused or still a run: never another error."""
    text = render(whole())
    cut = data.draw(st.integers(0, len(text) - 3))
    with pytest.raises(ResultsError, match="cannot be trusted"):
        parse_results(text[:cut])
    hostile: Any = json.loads(text)
    place = hostile
    while isinstance(place, dict | list) and place:
        step = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[step]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.integers(0, 5)) == 0:
            place[step] = data.draw(st.sampled_from([None, True, -1, 1e300, "", "\x1b", "NaN", [], {}, [[]], {"a": 1}]))
            break
        place = inner
    try:
        read = parse_results(json.dumps(hostile))
    except PromptregError:
        return
    terminal.lines(Conclusion(read.run))


def test_a_file_is_written_whole_and_read_again(tmp_path: Path) -> None:
    """Folders on the way are made; nothing else is left beside it."""
    path = tmp_path / "a" / "b.json"
    FILE.write(path, render(whole(), part={"index": 1}))
    assert load(path).part == {"index": 1}
    assert [file.name for file in path.parent.iterdir()] == ["b.json"]


@pytest.mark.parametrize("remove", [False, True], ids=["write", "forget"])
def test_a_file_that_is_no_result_file_is_left_alone(tmp_path: Path, remove: bool) -> None:
    """A test file that stands where the path was forgotten is neither removed nor written over; nor is a pipe."""
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "test_a.py"
    path.write_text("def test_a(): pass\n", encoding="utf-8")
    for other in (path, tmp_path, tmp_path / "pipe"):
        with pytest.raises(ResultsError, match="no result file"):
            FILE.forget(other) if remove else FILE.write(other, "{}")
        assert other.exists()
    assert path.read_text(encoding="utf-8") == "def test_a(): pass\n"


def test_an_earlier_result_file_is_replaced(tmp_path: Path) -> None:
    """Also one that a person has indented, and an empty one that was made beforehand."""
    path = tmp_path / "run.json"
    for earlier in (render(whole()), json.dumps(json.loads(render(whole())), indent=4), ""):
        path.write_text(earlier, encoding="utf-8")
        FILE.write(path, render(whole()))
        assert load(path).part is None
        FILE.forget(path)
        assert not path.exists()


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """With the flag that names another."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="the results cannot be written"):
        FILE.write(tmp_path / "file" / "r.json", "{}")
    with pytest.raises(ResultsError, match="cannot be read"):
        load(tmp_path / "missing.json")


SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "results.schema.json").read_text(encoding="utf-8"))
KINDS: dict[str, Any] = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}


def is_of(value: Any, types: str | list[str]) -> bool:
    """Whether a value is of one of the types of JSON Schema; a truth value is no number."""
    names = [types] if isinstance(types, str) else types
    if value is None or isinstance(value, bool):
        return ("null" if value is None else "boolean") in names
    return any(isinstance(value, KINDS[name]) for name in names if name in KINDS)


def breaks(value: Any, schema: dict[str, Any], where: str = "$") -> list[str]:
    """Where a value is not as a schema says, by the words of JSON Schema that ours uses."""
    if "$ref" in schema:
        return breaks(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], where)
    if "anyOf" in schema:
        found = [breaks(value, one, where) for one in schema["anyOf"]]
        return [] if [] in found else found[0]
    allowed = schema.get("enum", [schema["const"]] if "const" in schema else [value])
    if value not in allowed or ("type" in schema and not is_of(value, schema["type"])):
        return [where]
    lacking = []
    inside: list[tuple[str, Any, dict[str, Any]]] = []
    if isinstance(value, list):
        parts = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        lacking = [where] if len(parts) != len(value) else []
        inside = [(f"[{at}]", item, part) for at, (item, part) in enumerate(zip(value, parts, strict=False))]
    elif isinstance(value, dict):
        lacking = [f"{where}.{name}" for name in schema.get("required", ()) if name not in value]
        others = schema.get("additionalProperties", {})
        inside = [(f".{name}", item, schema.get("properties", {}).get(name, others)) for name, item in value.items()]
    return lacking + [at for step, item, part in inside for at in breaks(item, part, where + step)]


@given(runs())
@settings(max_examples=25)
def test_every_file_is_as_the_schema_says(run: RunOutcome) -> None:
    """docs/results.schema.json describes what is written."""
    assert breaks(json.loads(render(run)), SCHEMA) == []


def test_the_schema_finds_what_is_wrong() -> None:
    """A score that is a list, a verdict that is none, and what is missing."""
    data = json.loads(render(whole()))
    (version,) = data["run"]["suites"][0]["versions"]
    version["cases"][0]["scores"] = [1]
    version["cases"][1]["verdict"] = "fine"
    del version["cases"][2]["example"]
    del data["format"]
    place = "$.run.suites[0].versions[0].cases"
    assert breaks(data, SCHEMA) == ["$.format", f"{place}[0].scores", f"{place}[1].verdict", f"{place}[2].example"]


def test_the_schemas_are_up_to_date() -> None:
    """A field that is added to what is written is added to the schema: `python docs/schemas.py`."""
    script = Path(__file__).parents[2] / "docs" / "schemas.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert done.returncode == 0, "run python docs/schemas.py"


@given(runs())
@settings(max_examples=25)
def test_a_run_as_lines_is_the_same_run(run: RunOutcome) -> None:
    """A line for each case behind the first; read again, the run is the same to the byte."""
    text = render(run, lines=True)
    cases = sum(len(version.cases) for suite in run.suites for version in suite.versions)
    assert [type(json.loads(line)) for line in text.removesuffix("\n").split("\n")] == [dict] * (1 + cases)
    assert render(parse_results(text).run) == render(run)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: lines[:-1], "it has 3 of 4 cases"),
        (lambda lines: lines[:1], "it has 0 of 4 cases"),
        (lambda lines: [lines[0], '{"suite":[],"version":{}}', *lines[2:]], "line 2 is no case of the run"),
        (lambda lines: [*lines[:2], lines[2][:40], *lines[3:]], "line 3, column"),
        (lambda lines: [lines[0].replace('"spec":{"id":"', '"spec":{"id":[],"x":"'), *lines[1:]], "not whole"),
        (lambda lines: [*lines, lines[-1]], "it has 5 of 4 cases"),
        (lambda lines: [lines[0], "[1]", *lines[2:]], "line 2 is no case of the run"),
        (lambda lines: [lines[0], lines[1].replace("v2", "v9"), *lines[2:]], "line 2 is no case of the run"),
        (lambda lines: [*lines[:-1], lines[-1][:-9]], "it is no whole JSON"),
        (lambda lines: [lines[0].replace('"versions":[{"version"', '"versions":[{"x"'), *lines[1:]], "not whole"),
    ],
)
def test_torn_and_foreign_lines_are_refused(change: Any, problem: str) -> None:
    """A file of which lines are missing or of another run is none."""
    lines = change(render(whole(), lines=True).splitlines())
    with pytest.raises(ResultsError, match=problem):
        parse_results("\n".join(lines) + "\n")


def test_an_indented_document_is_read(tmp_path: Path) -> None:
    """A person may have looked at it with a tool that lays it out."""
    text = json.dumps(json.loads(render(whole())), indent=2)
    assert render(parse_results(text).run) == render(whole())
