"""What becomes a case, what it is called, and which cases a command line selects."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]


def collected(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    """The node ids that a command line selects."""
    result = pytester.runpytest_inprocess("--collect-only", "-q", *arguments)
    return [line for line in result.outlines if "::" in line]


def ids(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    """The part of those node ids that is ours."""
    return [re.sub(r".*\[(.*)\]", r"\1", node) for node in collected(pytester, *arguments)]


# -- prompts

CHAT = """
    messages:
      - role: system
        content: Keep 6 words.
      - role: user
        content: "{{ text }}"
"""


@pytest.mark.parametrize(
    ("source", "labels"),
    [
        pytest.param("'prompts'", ["chat", "jinja", "v1", "v2", "v10"], id="folder"),
        pytest.param("pathlib.Path('prompts')", ["chat", "jinja", "v1", "v2", "v10"], id="path-object"),
        pytest.param("pathlib.Path('prompts').resolve()", ["chat", "jinja", "v1", "v2", "v10"], id="absolute-path"),
        pytest.param("'prompts/v*.md'", ["v1", "v2", "v10"], id="glob"),
        pytest.param("'prompts/v2.md'", ["v2"], id="file"),
        pytest.param("['prompts/v10.md', 'prompts/v2.md']", ["v2", "v10"], id="paths"),
        pytest.param("'prompts/chat.yaml'", ["chat"], id="chat"),
        pytest.param("'prompts/jinja.md.j2'", ["jinja"], id="jinja"),
        pytest.param("{'label': 'd', 'text': 'Keep 6 words. {{ text }}'}", ["d"], id="dict"),
        pytest.param("[{'label': 'd', 'text': 'Keep 6 words. {{ text }}'}, 'prompts/v1.md']", ["d", "v1"], id="mixed"),
        pytest.param("PromptVersion('o', 'Keep 6 words. {{ text }}')", ["o"], id="object"),
        pytest.param(
            "[PromptVersion('o', (Message('user', 'Keep 6 words. {{ text }}'),))]", ["o"], id="object-with-messages"
        ),
    ],
)
def test_every_source_of_prompts(project: Project, source: str, labels: list[str]) -> None:
    """A folder, a glob, a file, a list, dicts and objects each give the versions they name, and these run."""
    project.prompt("v10", keep=6)
    project.prompt("v2", keep=6)
    project.write("prompts/chat.yaml", CHAT)
    project.write("prompts/jinja.md.j2", "Keep {{ 3 + 3 }} words.\n{% if text %}{{ text }}{% endif %}\n")
    project.write("prompts/README.md", "Not a prompt.\n")
    project.write("prompts/_draft.md", "Not yet a prompt.\n")
    project.module(
        f"""
        import pathlib
        from pytest_promptreg import Message, PromptVersion

        @pytest.mark.promptreg(prompts={source}, examples=[{{"id": "e", "text": "a b c d e f g"}}],
                               gates=["exact >= 1"])
        def test_answer(promptreg):
            assert promptreg.check().output == "a b c d e f"
        """
    )
    assert ids(project.pytester) == [f"{label}-e" for label in labels]
    project.store()
    project.pytester.runpytest_inprocess().assert_outcomes(passed=len(labels))


def test_chat_prompts_reach_predict_as_messages(project: Project) -> None:
    """A chat prompt's messages arrive rendered, with their roles; a text prompt is one user message."""
    project.write("prompts/chat.yaml", CHAT)
    project.module(
        """
        @pytest.mark.promptreg(prompts="prompts", examples=[{"id": "e", "text": "so it is"}], gates=["exact >= 1"])
        def test_answer(promptreg):
            promptreg.check()
            if promptreg.version.label == "chat":
                assert promptreg.request.messages == [
                    {"role": "system", "content": "Keep 6 words."}, {"role": "user", "content": "so it is"}]
            else:
                assert [message["role"] for message in promptreg.request.messages] == ["user"]
        """
    )
    project.store()
    project.pytester.runpytest_inprocess("--promptreg-versions", "v1").assert_outcomes(passed=1, deselected=1)
    project.pytester.runpytest_inprocess("--promptreg-accept", "chat").assert_outcomes(passed=1, deselected=1)


# -- examples


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("e.jsonl", '{"id": "one", "text": "a b"}\n\n{"id": 2, "text": "c d"}\n'),
        ("e.json", '[\n {"id": "one", "text": "a b"},\n {"id": 2, "text": "c d"}\n]\n'),
        ("e.yaml", "- id: one\n  text: a b\n- {id: 2, text: c d}\n"),
        ("e.csv", "id,text\none,a b\n2,c d\n"),
        ("e.mlflow.jsonl", '{"id": "one", "inputs": {"text": "a b"}}\n{"id": 2, "inputs": {"text": "c d"}}\n'),
    ],
)
def test_every_kind_of_example_file(project: Project, name: str, text: str) -> None:
    """JSONL, JSON, YAML, CSV and MLflow's form give the same cases in the order of the file, and these run."""
    project.write(name, text)
    project.module(
        f"""
        @pytest.mark.promptreg(prompts="prompts", examples={name!r}, gates=["exact >= 1"])
        def test_answer(promptreg):
            promptreg.check()
        """
    )
    assert ids(project.pytester) == ["v1-one", "v1-2"]
    project.store()
    assert project.outputs() == {"one": "a b", "2": "c d"}


@pytest.mark.parametrize(
    "source",
    [
        "[{'id': 'one', 'text': 'a b'}, {'id': 2, 'text': 'c d', 'reference': 'c'}]",
        "({'id': 'one', 'text': 'a b'}, Example('2', {'text': 'c d'}, reference='c'))",
        "pd.DataFrame({'id': ['one', 2], 'text': ['a b', 'c d'], 'reference': [None, 'c']})",
        "pd.DataFrame({'id': ['one', 2], 'text': ['a b', 'c d'], 'reference': [float('nan'), 'c']}, index=[7, 7])",
        "[{'id': 'one', 'inputs': {'text': 'a b'}}, {'id': 2, 'inputs': {'text': 'c d'}, 'expectations': EXPECTED}]",
    ],
    ids=["dicts", "objects", "frame", "frame-with-nan", "mlflow"],
)
def test_every_source_of_examples(project: Project, source: str) -> None:
    """Dicts, objects, DataFrames and MLflow's form give the same cases, with a reference only where there is one."""
    project.module(
        f"""
        import pandas as pd
        from pytest_promptreg import Example
        EXPECTED = {{"expected_response": "c"}}

        @pytest.mark.promptreg(prompts="prompts", examples={source}, gates=["exact >= 1"])
        def test_answer(promptreg):
            promptreg.check()
            assert promptreg.example.reference == (None if promptreg.example.id == "one" else "c")
        """
    )
    assert ids(project.pytester) == ["v1-one", "v1-2"]
    project.store()
    assert project.outputs() == {"one": "a b", "2": "c d"}


def test_paths_are_relative_to_the_test_file(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts, examples and the baseline lie beside the test module, wherever pytest is started."""
    project.write("deep/suites/prompts/v1.md", "Keep 6 words of the text.\n\n{{ text }}\n")
    project.write("deep/suites/examples.jsonl", '{"id": "a", "text": "a b"}\n')
    (project.path / "test_answer.py").rename(project.path / "deep/suites/test_answer.py")
    elsewhere = project.path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    project.pytester.runpytest_inprocess(
        str(project.path / "deep"), "--rootdir", str(elsewhere), "--promptreg-update"
    ).assert_outcomes(passed=1)
    assert (project.path / "deep/suites/__baselines__/test_answer/test_answer.json").exists()
    assert {path.name for path in elsewhere.iterdir()} <= {".pytest_cache", ".promptreg"}
    assert {path.name for path in (elsewhere / ".promptreg").iterdir()} == {".gitignore", "baselines.lock"}
    monkeypatch.chdir(project.path / "deep")
    project.pytester.runpytest_inprocess("suites/test_answer.py::test_answer[v1-a]").assert_outcomes(passed=1)


# -- ids


def test_ids_are_the_version_and_the_example(project: Project) -> None:
    """An id reads test_summarize[v2-ticket-017]: version, dash, example."""
    project.prompt("v2", keep=6)
    project.examples({"ticket-017": "a b"})
    project.suite(name="summarize")
    (project.path / "test_answer.py").unlink()
    assert collected(project.pytester) == [
        "test_summarize.py::test_summarize[v1-ticket-017]",
        "test_summarize.py::test_summarize[v2-ticket-017]",
    ]


@pytest.mark.parametrize(
    "name", ["naïve/straße", "a::b", "br[ack]et", "with space", "東京", "'; or not \"", "-dash-", "a\tb"]
)
def test_ids_work_as_typed(project: Project, name: str) -> None:
    """Whatever an example is called, its id is plain ASCII that -k and a node id find; the baseline keeps its name."""
    project.examples({name: "one two three", "other": "four five six"})
    (node,) = [node for node in collected(project.pytester) if "other" not in node]
    assert re.fullmatch(r"test_answer\.py::test_answer\[v1-[A-Za-z0-9._-]+\]", node)
    project.store(node)
    assert list(project.outputs()) == [name]
    result = project.pytester.runpytest_inprocess("-k", node[node.index("[") + 1 : -1])
    result.assert_outcomes(passed=1, deselected=1)


def test_the_same_example_keeps_its_case_when_the_file_is_reordered(project: Project) -> None:
    """Rows without an id are known by their inputs, so a new order of the file changes no verdict."""
    rows = [{"text": "one two three"}, {"text": "four five six"}]
    project.rows(*rows)
    project.store()
    project.rows(*reversed(rows))
    result = project.pytester.runpytest_inprocess()
    result.assert_outcomes(passed=2)
    assert "stale" not in result.stdout.str()


# -- selecting


def test_k_lf_and_node_ids_select_cases(project: Project, run_each_way: Run) -> None:
    """-k, a node id and --lf run what they name, and the summary says that it was a part."""
    project.store()
    run_each_way("-k", "v1-b").assert_outcomes(passed=1)
    run_each_way("test_answer.py::test_answer[v1-c]").stdout.fnmatch_lines(["*3 examples, 1 of 3 cases ran*"])
    project.examples({"a": "one two three four five six seven eight nine ten", "b": "gone", "c": "c"})
    project.pytester.runpytest_inprocess().assert_outcomes(passed=1, failed=2)
    run_each_way("--lf").assert_outcomes(failed=2)


def test_versions_are_selected_by_label_or_glob(project: Project) -> None:
    """--promptreg-versions takes labels, globs, lists of them, and may be repeated; the rest is deselected."""
    for label in ("v2", "v10", "w1"):
        project.prompt(label, keep=6)
    project.examples({"e": "a b"})
    everything = ["v1-e", "v2-e", "v10-e", "w1-e"]
    expected = {
        ("v2",): ["v2-e"],
        ("v*",): ["v1-e", "v2-e", "v10-e"],
        ("v2,w1",): ["v2-e", "w1-e"],
        ("v2, w?",): ["v2-e", "w1-e"],
        ("v[12]",): ["v1-e", "v2-e"],
        ("*",): everything,
        (): everything,
    }
    for patterns, found in expected.items():
        flags = [part for pattern in patterns for part in ("--promptreg-versions", pattern)]
        assert ids(project.pytester, *flags) == found, patterns
    assert ids(project.pytester, "--promptreg-versions", "v2", "--promptreg-versions", "w1") == ["v2-e", "w1-e"]
    project.store()
    project.pytester.runpytest_inprocess("--promptreg-versions", "v2,v1").assert_outcomes(passed=2)


def test_versions_of_the_ini_file_are_a_default(project: Project) -> None:
    """The ini option selects versions when the flag does not; the flag overrides it."""
    project.prompt("v2", keep=6)
    project.examples({"e": "a b"})
    project.ini("promptreg_versions = v2\n")
    assert ids(project.pytester) == ["v2-e"]
    assert ids(project.pytester, "--promptreg-versions", "v1") == ["v1-e"]
    assert ids(project.pytester, "--promptreg-versions", "*") == ["v1-e", "v2-e"]


def test_accept_overrides_what_the_ini_file_selects(project: Project) -> None:
    """The version that is to be accepted runs although the ini file's default would not select it."""
    project.prompt("v2", keep=6)
    project.ini("promptreg_versions = v1\n")
    project.pytester.runpytest_inprocess("--promptreg-accept", "v2").assert_outcomes(passed=3, deselected=3)
    assert project.baseline()["version"] == "v2"


def test_collect_only_calls_nothing_and_writes_nothing(project: Project, run_each_way: Run) -> None:
    """--collect-only lists the cases: no call is made, no section printed, no file written, whatever else is asked."""
    project.suite(predict="def follow(request):\n    open('called', 'w').close()\n    return 'x'\n")
    project.write("__baselines__/test_answer/test_gone.json", "{}\n")
    files = project.files()
    for flags in (["--promptreg-update", "--promptreg-prune"], ["--promptreg-accept", "v1"], []):
        result = run_each_way("--collect-only", *flags)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["*test_answer*v1-a*"])
        result.stdout.no_fnmatch_line("*= prompt regression =*")
        assert project.files() == files


# -- where the marker stands, and what stands beside it


def test_markers_on_functions_classes_and_modules(project: Project, run: Run) -> None:
    """A method is a suite of its own; the marker may stand on the function, its class or the module, nearest wins."""
    project.write("own.jsonl", '{"id": "own", "text": "x y"}\n')
    project.module(
        """
        pytestmark = pytest.mark.promptreg(prompts="prompts", examples=[{"id": "m", "text": "a b"}],
                                           gates=["exact >= 1"])

        def test_module(promptreg):
            promptreg.check()

        def test_plain():
            pass

        @pytest.mark.promptreg(prompts="prompts", examples=[{"id": "c", "text": "c d"}], gates=["exact >= 1"])
        class TestAnswer:
            def test_class(self, promptreg):
                promptreg.check()

            @pytest.mark.promptreg(prompts="prompts", examples="own.jsonl", gates=["exact >= 1"])
            def test_method(self, promptreg):
                promptreg.check()

            def test_plain(self):
                pass

            class TestInner:
                def test_deep(self, promptreg):
                    promptreg.check()
        """
    )
    run("--promptreg-update").assert_outcomes(passed=6)
    for function, output in {
        "test_module": {"m": "a b"},
        "TestAnswer.test_class": {"c": "c d"},
        "TestAnswer.test_method": {"own": "x y"},
        "TestAnswer.TestInner.test_deep": {"c": "c d"},
    }.items():
        assert project.outputs(function) == output
    run().assert_outcomes(passed=6)


def test_other_parametrize_marks_make_suites_of_their_own(project: Project, run_each_way: Run) -> None:
    """Each combination of a test's other parameters is a suite, with its own baseline file and its own suite gates."""
    project.module(
        """
        @pytest.mark.parametrize("upper", [True, False], ids=["up", "low"])
        @pytest.mark.promptreg(prompts="prompts", examples=[{"id": "e-1", "text": "a b"}, {"id": "e", "text": "c d"}],
                               gates=["exact >= 1"])
        @pytest.mark.parametrize("tail", ["!", "a/b"])
        def test_answer(promptreg, upper, tail):
            text = promptreg.output.text + tail
            promptreg.check(text.upper() if upper else text)
        """
    )
    assert sorted(ids(project.pytester)) == sorted(
        f"v1-{example}-{tail}-{upper}" for example in ("e-1", "e") for tail in ("!", "a/b") for upper in ("up", "low")
    )
    run_each_way("--promptreg-update").assert_outcomes(passed=8)
    files = sorted((project.path / "__baselines__/test_answer").iterdir())
    assert len(files) == 4
    assert all(re.fullmatch(r"test_answer@[A-Za-z0-9._-]+\.json", file.name) for file in files)
    up = next(file for file in files if file.name.startswith("test_answer@a-b-up"))
    assert '"A BA/B"' in up.read_text(encoding="utf-8")
    project.pytester.runpytest_inprocess().assert_outcomes(passed=8)
    result = run_each_way("--promptreg-update", "-k", "low")
    result.stdout.fnmatch_lines(["test_answer?*-low?*baseline v1, 2 examples*"])


def test_a_removed_parameter_leaves_a_stale_file(project: Project) -> None:
    """The baseline of a parameter that is gone is stale, also when the parameters that stay are deselected."""
    source = """
        @pytest.mark.parametrize("tail", [{tails}])
        @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["exact >= 1"])
        def test_answer(promptreg, tail):
            promptreg.check(promptreg.output.text + tail)
    """
    project.module(source.format(tails="'x', 'y'"))
    project.store()
    project.module(source.format(tails="'y'"))
    project.pytester.runpytest_inprocess("-k", "v1-a").stdout.fnmatch_lines(["next: *--promptreg-prune*"])
    project.pytester.runpytest_inprocess("-k", "v1-a", "--promptreg-prune")
    assert [file.name for file in (project.path / "__baselines__/test_answer").iterdir()] == ["test_answer@y.json"]
    assert sorted(project.outputs("test_answer@y")) == ["a", "b", "c"]


def test_a_parametrized_predict_makes_suites_of_their_own(project: Project, run: Run) -> None:
    """A promptreg_predict with params runs the suite once for each, against a baseline for each."""
    fixture = """
        @pytest.fixture(scope="session", params=["loud", "quiet"])
        def promptreg_predict(request):
            return (lambda r: follow(r).upper()) if request.param == "loud" else follow
    """
    project.suite(fixture=fixture)
    run("--promptreg-update").assert_outcomes(passed=6)
    assert project.outputs("test_answer@loud")["c"] == "DO RE MI FA SOL LA"
    assert project.outputs("test_answer@quiet")["c"] == "do re mi fa sol la"
    run().assert_outcomes(passed=6)
    project.suite(fixture=fixture.replace(".upper()", '.upper() + " and more and more"'))
    run().assert_outcomes(failed=3, passed=3)


def test_predict_is_overridden_at_any_level(project: Project) -> None:
    """conftest, module and class may each override promptreg_predict; the marker's predict= is nearer than all."""
    project.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def promptreg_predict():
            return lambda request: "conftest"
        """,
    )
    project.write(
        "test_answer.py",
        """
        import pytest

        mark = pytest.mark.promptreg(prompts="prompts", examples=[{"id": "e", "text": "t"}], gates=["exact >= 1"])
        marked = pytest.mark.promptreg(prompts="prompts", examples=[{"id": "e", "text": "t"}], gates=["exact >= 1"],
                                       predict=lambda request: "marker")

        @mark
        def test_conftest(promptreg):
            assert promptreg.check().output == "conftest"

        class TestNear:
            @pytest.fixture(scope="class")
            def promptreg_predict(self):
                return lambda request: "class"

            @mark
            def test_class(self, promptreg):
                assert promptreg.check().output == "class"

            @marked
            def test_marker(self, promptreg):
                assert promptreg.check().output == "marker"
        """,
    )
    project.pytester.runpytest_inprocess("--promptreg-update").assert_outcomes(passed=3)


def test_the_fixture_may_be_used_through_another(project: Project) -> None:
    """A test that uses promptreg through a fixture of its own is a suite as any other."""
    project.module(
        """
        @pytest.fixture
        def case(promptreg):
            return promptreg

        @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["exact >= 1"])
        def test_answer(case):
            case.check()
        """
    )
    project.pytester.runpytest_inprocess("--promptreg-update").assert_outcomes(passed=3)
    assert sorted(project.outputs()) == ["a", "b", "c"]


def test_the_header_line_says_what_is_about_to_run(project: Project) -> None:
    """One line names suites, versions and cases as selected, and what a refresh is about to do."""
    project.prompt("v2", keep=6)
    result = project.pytester.runpytest_inprocess("-k", "v2")
    result.stdout.fnmatch_lines(["promptreg: 1 suite, 1 prompt version (v2), 3 cases: 0 calls to make"])
    result = project.pytester.runpytest_inprocess("--promptreg-accept", "v2")
    result.stdout.fnmatch_lines(["promptreg: 1 suite, 1 prompt version (v2), 3 cases * baseline*"])
