"""A user's mistake ends in one message that says what, where and what to do: never in a traceback, never in a pass."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_promptreg.baselines import baseline

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

Run = Callable[..., pytest.RunResult]

ROW = '[{"id": "e", "text": "a b"}]'


WAYS = ("alone", "n0", "n2")
UPDATE_AND_ACCEPT = ["--promptreg-update", "--promptreg-accept", "v1"]


@dataclass(frozen=True)
class Mistake:
    """Something wrong in a project, found when it is collected.

    :param marker: the marker's arguments; ``{folder}`` is a folder of the mistake's own, with a good v1.md in it.
    :param files: files in that folder.
    :param says: texts that the message holds, in this order; among them the place.
    :param source: the whole test function, in place of the usual one.
    """

    name: str
    says: Sequence[str]
    marker: str = 'prompts="{folder}/v1.md", examples=' + ROW + ', gates=["exact >= 1"]'
    files: dict[str, str | bytes] = field(default_factory=dict)
    source: str = ""


def prompts(path: str, **rest: str) -> str:
    """Marker arguments that differ in their prompts."""
    return f'prompts={path}, examples={rest.get("examples", ROW)}, gates=["exact >= 1"]'


def examples(source: str) -> str:
    """Marker arguments that differ in their examples."""
    return f'prompts="{{folder}}/v1.md", examples={source}, gates=["exact >= 1"]'


def gates(*lines: str, of: str = ROW) -> str:
    """Marker arguments that differ in their gates."""
    return f'prompts="{{folder}}/v1.md", examples={of}, gates={list(lines)!r}'


HERE = "test_{name}.py:{line}: "
ONE_ROW = '{"id": "e", "text": "a"}\n'

MISTAKES = [
    # prompts
    Mistake("no_prompt_file", [HERE + "there is no prompt file or folder {folder}/v9.md"], prompts('"{folder}/v9.md"')),
    Mistake("no_prompt_glob", [HERE + "there is no prompt file or folder {folder}/w*.md"], prompts('"{folder}/w*.md"')),
    Mistake(
        "empty_folder", ["there is no prompt file in '{folder}/sub'"], prompts('"{folder}/sub"'), {"sub/_x.md": "x"}
    ),
    Mistake("empty_prompts", [HERE + "prompts= names no prompt"], prompts("[]")),
    Mistake("prompts_number", [HERE + "prompts= takes", "not int"], prompts("3")),
    Mistake(
        "prompt_suffix",
        ["{folder}/v1.docx: not a prompt file", "prompt files are .md"],
        prompts('"{folder}/v1.docx"'),
        {"v1.docx": "x"},
    ),
    Mistake(
        "same_label",
        ["labelled 'v1'", "{folder}/v1.md", "{folder}/v1.txt"],
        prompts('"{folder}/v1.*"'),
        {"v1.txt": "{{ text }}"},
    ),
    Mistake(
        "labels_alike",
        ["labels 'p 1' and 'p-1' both become 'p-1'"],
        prompts('"{folder}/p*.md"'),
        {"p 1.md": "x", "p-1.md": "y"},
    ),
    Mistake(
        "missing_variable",
        ["{folder}/v2.md:3: the prompt uses 'txet', which example 'e' (", "did you mean 'text'?"],
        prompts('"{folder}/v2.md"'),
        {"v2.md": "One.\n\nAbout: {{ txet }}\n"},
    ),
    Mistake(
        "missing_variable_of_one_row",
        [
            "{folder}/v1.md:1: the prompt uses 'text', which example 'late' ({folder}/e.jsonl:2) lacks",
            "did you mean 'txt'? Or should the example say 'text'?",
        ],
        examples('"{folder}/e.jsonl"'),
        {"e.jsonl": ONE_ROW + '{"id": "late", "txt": "a"}\n'},
    ),
    Mistake(
        "half_a_variable",
        ["{folder}/v2.md:2: {{ text } is text, and no variable, though the examples have 'text'", "write {{ text }}; "],
        prompts('"{folder}/v2.md"'),
        {"v2.md": "One.\n{{ text }\n"},
    ),
    Mistake(
        "missing_variable_of_jinja",
        ["{folder}/v2.j2", "'txet'"],
        prompts('"{folder}/v2.j2"'),
        {"v2.j2": "One.\n{% if txet %}x{% endif %}\n"},
    ),
    Mistake(
        "attribute_in_braces",
        ["{folder}/v2.md:2: {{ user.name }} is not a variable", ".j2"],
        prompts('"{folder}/v2.md"'),
        {"v2.md": "One.\n{{ user.name }}\n"},
    ),
    Mistake("jinja_syntax", ["{folder}/v2.j2", "Jinja2"], prompts('"{folder}/v2.j2"'), {"v2.j2": "a\n{% if %}\n"}),
    Mistake(
        "chat_without_messages",
        ["{folder}/v2.yaml", "messages"],
        prompts('"{folder}/v2.yaml"'),
        {"v2.yaml": "model: x\n"},
    ),
    Mistake(
        "chat_broken",
        ["{folder}/v2.yaml:3", "not valid YAML"],
        prompts('"{folder}/v2.yaml"'),
        {"v2.yaml": "messages:\n  - role: user\n   content: x\n"},
    ),
    Mistake(
        "front_matter_broken",
        ["{folder}/v2.md:3", "not valid YAML"],
        prompts('"{folder}/v2.md"'),
        {"v2.md": "---\ntags: x\n  y: z\n---\n{{ text }}\n"},
    ),
    Mistake(
        "prompt_not_utf8",
        ["{folder}/v2.md:2: not UTF-8: byte 0xfc", "save the file as UTF-8"],
        prompts('"{folder}/v2.md"'),
        {"v2.md": b"One.\nf\xfcr {{ text }}\n"},
    ),
    Mistake("prompt_object_without_label", [HERE, "label"], prompts('{{"text": "x"}}')),
    Mistake(
        "registry",
        [HERE + "prompts:/a@b cannot be fetched from", "there is no such database"],
        prompts('"prompts:/a@b"'),
    ),
    # examples
    Mistake("no_example_file", [HERE + "there is no example file {folder}/e.jsonl"], examples('"{folder}/e.jsonl"')),
    Mistake("no_examples", ["{folder}/e.jsonl: no examples", "add"], examples('"{folder}/e.jsonl"'), {"e.jsonl": "\n"}),
    Mistake("no_examples_csv", ["{folder}/e.csv: no examples"], examples('"{folder}/e.csv"'), {"e.csv": "id,text\n"}),
    Mistake("no_examples_yaml", ["{folder}/e.yaml: no examples"], examples('"{folder}/e.yaml"'), {"e.yaml": "[]\n"}),
    Mistake("no_examples_list", [HERE + "no examples"], examples("[]")),
    Mistake("examples_number", [HERE + "examples= takes", "not int"], examples("3")),
    Mistake("examples_generator", [HERE + "examples= takes", "not generator"], examples("(row for row in ())")),
    Mistake("example_suffix", ["{folder}/e.xlsx: not an example file"], examples('"{folder}/e.xlsx"'), {"e.xlsx": "x"}),
    Mistake(
        "duplicate_ids",
        ["{folder}/e.jsonl:3: two examples have the id 'e'", "{folder}/e.jsonl:1"],
        examples('"{folder}/e.jsonl"'),
        {"e.jsonl": ONE_ROW + '{"id": "f", "text": "a"}\n' + ONE_ROW},
    ),
    Mistake(
        "ids_alike",
        ["{folder}/e.jsonl:2: the ids 'a b' and 'a/b' both become 'a-b' in a test id", "{folder}/e.jsonl:1"],
        examples('"{folder}/e.jsonl"'),
        {"e.jsonl": '{"id": "a b", "text": "a"}\n{"id": "a/b", "text": "a"}\n'},
    ),
    Mistake(
        "same_inputs_without_id",
        ["(row 1)", "two rows have the same inputs", "(row 0)"],
        examples('[{{"text": "a"}}] * 2'),
    ),
    Mistake("empty_id", ["(row 0)", "id"], examples('[{{"id": " ", "text": "a"}}]')),
    Mistake(
        "malformed_jsonl",
        ["{folder}/e.jsonl:2: not a row of JSON"],
        examples('"{folder}/e.jsonl"'),
        {"e.jsonl": ONE_ROW + '{"id": "f", "text": }\n'},
    ),
    Mistake(
        "row_is_no_mapping",
        ["{folder}/e.jsonl:2: a row is list, not a mapping"],
        examples('"{folder}/e.jsonl"'),
        {"e.jsonl": ONE_ROW + "[1, 2]\n"},
    ),
    Mistake(
        "malformed_json",
        ["{folder}/e.json:3: not a list of rows in JSON"],
        examples('"{folder}/e.json"'),
        {"e.json": '[\n{"id": "e", "text": "a"},\n{"id": }\n]'},
    ),
    Mistake(
        "malformed_yaml",
        ["{folder}/e.yaml:2: not valid YAML"],
        examples('"{folder}/e.yaml"'),
        {"e.yaml": "- {id: e, text: a}\n- id: f: g\n"},
    ),
    Mistake(
        "malformed_csv",
        ["{folder}/e.csv:3: 3 cells where the header has 2"],
        examples('"{folder}/e.csv"'),
        {"e.csv": "id,text\ne,a\nf,b,c\n"},
    ),
    Mistake(
        "examples_not_utf8",
        ["{folder}/e.jsonl:2: not UTF-8: byte 0xe9"],
        examples('"{folder}/e.jsonl"'),
        {"e.jsonl": ONE_ROW.encode() + b'{"id": "f", "text": "caf\xe9"}\n'},
    ),
    Mistake("value_that_cannot_be_kept", ["(row 0)", "object"], examples('[{{"id": "e", "text": object()}}]')),
    # gates
    Mistake("unknown_mode", [HERE, "'calibrate' is no gate and no mode", "'calibrated'?"], gates("calibrate")),
    Mistake("unknown_metric", [HERE, "unknown metric 'roug_l'", "did you mean 'rouge_l'?"], gates("roug_l >= 0.8")),
    Mistake("unknown_operator", [HERE, "unknown operator '=>'", "did you mean '>='?"], gates("rouge_l => 0.8")),
    Mistake("unknown_aggregate", [HERE, "unknown aggregate 'meen'", "'mean'?"], gates("meen(rouge_l) >= 0.8")),
    Mistake("no_number", [HERE, "is no number"], gates("rouge_l >= high")),
    Mistake("no_gate", [HERE, "'rouge_l' is no gate"], gates("rouge_l")),
    Mistake("impossible_gate", [HERE, "can never be met", "did you mean 0.8?"], gates("rouge_l >= 80")),
    Mistake("idle_gate", [HERE, "can never fail"], gates("rouge_l >= 0")),
    Mistake("gate_wrong_way", [HERE, "would fail for outputs that equal the baseline"], gates("rouge_l <= 0.8")),
    Mistake("bleu_as_share", [HERE, "runs from 0 to 100", "did you mean 30?"], gates("bleu >= 0.3")),
    Mistake("gate_number", [HERE, "a gate is a text"], gates().replace("[]", "[0.8]")),
    Mistake("gates_dict", [HERE, "gates is a list of texts, not dict"], gates().replace("[]", "dict(rouge_l=0.8)")),
    Mistake(
        "drop_without_reference",
        [HERE + "'drop(rouge_l) <= 0.1' compares with references, and no example has one", "reference"],
        gates("drop(rouge_l) <= 0.1", "rouge_l >= 0.5"),
    ),
    Mistake(
        "pass_rate_of_nothing",
        [HERE, "pass_rate"],
        gates("pass_rate >= 0.9"),
    ),
    Mistake(
        "row_gate_unknown",
        ["{folder}/e.jsonl:1: unknown metric 'rouge'", "did you mean 'rouge_l'?"],
        gates("exact >= 1", of='"{folder}/e.jsonl"'),
        {"e.jsonl": '{"id": "e", "text": "a", "gates": ["rouge >= 0.5"]}\n'},
    ),
    Mistake(
        "row_gate_on_the_suite",
        ["{folder}/e.jsonl:1: 'mean(rouge_l) >= 0.5' is a gate on the suite", "move it to the gates"],
        gates("exact >= 1", of='"{folder}/e.jsonl"'),
        {"e.jsonl": '{"id": "e", "text": "a", "gates": "mean(rouge_l) >= 0.5"}\n'},
    ),
    Mistake(
        "row_drop_without_reference",
        ["{folder}/e.jsonl:1: 'drop(rouge_l) <= 0.1' compares with a reference, which example 'e' lacks"],
        gates("exact >= 1", of='"{folder}/e.jsonl"'),
        {"e.jsonl": '{"id": "e", "text": "a", "gates": ["drop(rouge_l) <= 0.1"]}\n{"id": "f", "text": "a"}\n'},
    ),
    # the marker
    Mistake(
        "unknown_argument",
        [HERE + "the promptreg marker has no argument 'example'", "did you mean 'examples'?"],
        'prompts="{folder}/v1.md", example=' + ROW,
    ),
    Mistake("without_prompts", [HERE + "the promptreg marker of", "needs prompts="], f"examples={ROW}"),
    Mistake("without_examples", [HERE + "the promptreg marker of", "needs examples="], 'prompts="{folder}"'),
    Mistake("positional", [HERE + "the promptreg marker takes named arguments only"], '"{folder}", ' + ROW),
    Mistake(
        "unknown_reported_metric",
        [HERE + "unknown metric 'roge_l'", "did you mean 'rouge_l'?"],
        gates("exact >= 1") + ', metrics=["roge_l"]',
    ),
    Mistake(
        "marker_without_fixture",
        [HERE + "test_marker_without_fixture is marked promptreg and does not use the fixture", "promptreg.check()"],
        source="@pytest.mark.promptreg({marker})\ndef test_{name}():\n    pass\n",
    ),
    Mistake(
        "fixture_without_marker",
        ["test_{name}.py:3: test_{name} uses the fixture promptreg and is not marked", "@pytest.mark.promptreg("],
        source="def test_{name}(promptreg):\n    promptreg.check()\n",
    ),
    Mistake(
        "two_markers",
        ["test_{name}.py:3: ", "two promptreg markers"],
        source="@pytest.mark.promptreg({marker})\n@pytest.mark.promptreg({marker})\n"
        "def test_{name}(promptreg):\n    promptreg.check()\n",
    ),
    Mistake(
        "marked_class_without_fixture",
        ["test_{name}.py:3: TestNew is marked promptreg and none of its tests uses the fixture"],
        source="@pytest.mark.promptreg({marker})\nclass TestNew:\n    def test_{name}(self):\n        pass\n",
    ),
    Mistake(
        "unittest_class",
        ["test_{name}.py:4: TestOld is marked promptreg and none of its tests uses the fixture"],
        source="import unittest\n@pytest.mark.promptreg({marker})\nclass TestOld(unittest.TestCase):\n"
        "    def test_{name}(self):\n        pass\n",
    ),
    Mistake(
        "unittest_method",
        ["test_{name}.py:5: test_{name} is marked promptreg and is a unittest method"],
        source="import unittest\nclass TestOld(unittest.TestCase):\n"
        "    @pytest.mark.promptreg({marker})\n    def test_{name}(self):\n        pass\n",
    ),
    # predict
    Mistake(
        "predict_number", [HERE + "predict=3 is not callable", "module:function"], gates("exact >= 1") + ", predict=3"
    ),
    Mistake("predict_path", [HERE + "predict='app.py' is not callable"], gates("exact >= 1") + ', predict="app.py"'),
    Mistake(
        "predict_no_module",
        [HERE + "predict='nowhere:run'", "nowhere"],
        gates("exact >= 1") + ', predict="nowhere:run"',
    ),
    Mistake(
        "predict_no_function",
        [HERE + "predict='json:dmups'", "did you mean 'dumps'?"],
        gates("exact >= 1") + ', predict="json:dmups"',
    ),
    Mistake(
        "predict_constant",
        [HERE + "predict='re:__doc__' is not callable"],
        gates("exact >= 1") + ', predict="re:__doc__"',
    ),
    Mistake(
        "predict_module_that_fails",
        [HERE + "predict='broken_app:run'", "KeyError: 'API_KEY'"],
        gates("exact >= 1") + ', predict="broken_app:run"',
        {"../broken_app.py": "import os\nos.environ['API' '_KEY']\n"},
    ),
]


def write_mistake(project: Project, mistake: Mistake) -> list[str]:
    """The mistake as a test module of its own, with a folder of its own; what must be said of it."""
    folder = f"of_{mistake.name}"
    project.write(f"{folder}/v1.md", "{{ text }}\n")
    for name, content in mistake.files.items():
        path = project.write(f"{folder}/{name}", "")
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    marker = mistake.marker.replace("{{", "{").replace("}}", "}").replace("{folder}", folder)
    source = mistake.source or "@pytest.mark.promptreg({marker})\ndef test_{name}(promptreg):\n    promptreg.check()\n"
    source = "import pytest\n\n" + source.replace("{marker}", marker).replace("{name}", mistake.name)
    project.write(f"test_{mistake.name}.py", source)
    return [
        text.replace("{folder}", folder).replace("{name}", mistake.name).replace("{line}", "3") for text in mistake.says
    ]


def assert_refused(output: str, says: Sequence[str]) -> None:
    """The message is there, in its order, and no traceback is."""
    assert "INTERNALERROR" not in output
    assert "Traceback" not in output
    assert "pytest_promptreg/" not in output
    position = 0
    for text in says:
        position = output.find(text, position)
        assert position >= 0, f"{text!r} is not said in:\n{output}"


def collecting(output: str) -> dict[str, str]:
    """By the name of the mistake, what is said of the collection of its module."""
    parts = re.split(
        r"^_+ ERROR collecting test_(\w+)\.py _+$", output.partition("short test summary info")[0], flags=re.M
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_a_mistake_is_a_collection_error_with_its_place(project: Project) -> None:
    """Each mistake stops the collection with exit status 2, and its message says what, where and what to do."""
    (project.path / "test_answer.py").unlink()
    says = {mistake.name: write_mistake(project, mistake) for mistake in MISTAKES}
    result = project.pytester.runpytest_inprocess("-p", "no:xdist")
    assert result.ret == 2
    said = collecting(result.stdout.str())
    assert set(said) == set(says)
    for name, texts in says.items():
        assert_refused(said[name], texts)
    assert_refused(result.stdout.str() + result.stderr.str(), [])
    assert not (project.path / "__baselines__").exists()


def test_every_mistake_is_refused_under_xdist_too(project: Project) -> None:
    """With -n 2 the same messages come from the workers, none of them as a traceback, and the run fails."""
    (project.path / "test_answer.py").unlink()
    said = [write_mistake(project, mistake) for mistake in MISTAKES]
    result = project.pytester.runpytest_inprocess("-n2", "--promptreg-update")
    assert result.ret not in {0, 5}
    for says in said:
        assert_refused(result.stdout.str() + result.stderr.str(), says)
    assert not (project.path / "__baselines__").exists()


# -- the baseline


def damaged(text: str) -> dict[str, tuple[str | bytes, list[str]]]:
    """Ways to damage a baseline, each with what is said of it."""
    data = json.loads(text)
    newer = json.dumps({**data, "format": baseline.FORMAT + 1})
    conflict = text.replace(' "examples"', '<<<<<<< HEAD\n "examples"')
    return {
        "truncated": (text[: len(text) // 2], ["cannot be trusted", "no whole JSON", "git checkout"]),
        "empty": ("", [":1: ", "cannot be trusted"]),
        "edited": (text.replace("one two", "one too"), ["the record of example 'a' was changed by hand"]),
        "prompt-edited": (text.replace("Keep 6", "Keep 7"), ["the text of prompt 'v1' was changed by hand"]),
        "conflict": (conflict, ["it holds a merge conflict", "git checkout --ours -- __baselines__/", "(or --theirs)"]),
        "newer": (newer, [f"the baseline has format {baseline.FORMAT + 1}", "pip install --upgrade pytest-promptreg"]),
        "list": ("[]", ["it is no baseline"]),
        "not-utf8": (text.encode().replace(b"one two", b"\xfcne two"), ["not UTF-8: byte 0xfc"]),
        "no-examples": (json.dumps({key: data[key] for key in data if key != "examples"}), ["missing"]),
    }


@pytest.mark.parametrize(
    "how", ["truncated", "empty", "edited", "prompt-edited", "conflict", "newer", "list", "not-utf8", "no-examples"]
)
@pytest.mark.parametrize("flags", [[], ["--promptreg-update"]], ids=["plain", "update"])
def test_a_damaged_baseline_is_refused_and_left_alone(project: Project, how: str, flags: list[str]) -> None:
    """A baseline that cannot be trusted stops the collection; no refresh writes over it."""
    project.store()
    path = project.baseline_file()
    content, says = damaged(path.read_text(encoding="utf-8"))[how]
    content = content if isinstance(content, bytes) else content.encode("utf-8")
    assert content != path.read_bytes()
    path.write_bytes(content)
    result = project.pytester.runpytest_inprocess("-p", "no:xdist", *flags)
    assert result.ret == 2
    assert_refused(result.stdout.str(), ["__baselines__/test_answer/test_answer.json", *says])
    assert path.read_bytes() == content


def test_a_baseline_that_cannot_be_read_is_refused(project: Project, run: Run) -> None:
    """A folder where the file should be: collection fails, in every process alike."""
    project.baseline_file().mkdir(parents=True)
    for flags in ([], ["--promptreg-update"]):
        result = run(*flags)
        assert result.ret not in {0, 5}
        assert_refused(result.stdout.str() + result.stderr.str(), ["test_answer.json: cannot be read"])


def test_a_damaged_baseline_fails_every_process_alike(project: Project, run_each_way: Run) -> None:
    """Under xdist the workers refuse a damaged baseline as a single process does."""
    project.store()
    path = project.baseline_file()
    path.write_text(path.read_text(encoding="utf-8").replace("one two", "one too"), encoding="utf-8")
    result = run_each_way()
    assert result.ret not in {0, 5}
    assert_refused(result.stdout.str() + result.stderr.str(), ["the record of example 'a' was changed by hand"])


def test_a_damaged_baseline_of_one_method_hides_no_other_test(project: Project) -> None:
    """With --continue-on-collection-errors the other modules run; the damaged suite still fails the session."""
    project.suite(name="other")
    project.store()
    path = project.baseline_file()
    path.write_text("{}", encoding="utf-8")
    result = project.pytester.runpytest_inprocess(
        "-p", "no:xdist", "--continue-on-collection-errors", "--promptreg-prune"
    )
    result.assert_outcomes(passed=3, errors=1)
    assert result.ret != 0
    assert path.read_text(encoding="utf-8") == "{}"


# -- flags


@pytest.mark.parametrize(
    ("run", "flags", "says"),
    [
        *((way, ["--promptreg-versions", "v3"], ["no prompt version matches 'v3'", "v1, v2"]) for way in WAYS),
        ("alone", ["--promptreg-versions", "v1,w*"], ["no prompt version matches 'w*'"]),
        *((way, ["--promptreg-accept", "v3"], ["there is no prompt version 'v3'", "v1, v2"]) for way in WAYS),
        ("alone", ["--promptreg-accept", ""], ["there is no prompt version ''"]),
        ("alone", ["--promptreg-accept", "v*"], ["there is no prompt version 'v*'"]),
        *((way, UPDATE_AND_ACCEPT, ["--promptreg-update and --promptreg-accept exclude"]) for way in WAYS),
        (
            "alone",
            ["--promptreg-accept", "v2", "--promptreg-versions", "v1"],
            ["--promptreg-versions leaves out", "alone"],
        ),
        # What a CI job gives whose variable is not set.
        *((way, ["--promptreg-versions", ""], ["--promptreg-versions names no version", "v2,v3"]) for way in WAYS),
        ("alone", ["--promptreg-shard", ""], ["'' is no shard", "--promptreg-shard 2/5"]),
        ("alone", ["--promptreg-results", ""], ["--promptreg-results names no file", "run.json"]),
        ("alone", ["--promptreg-html", ""], ["--promptreg-html names no file", "report.html"]),
        ("alone", ["--promptreg-executor", ""], ["'' names no cluster", "dask+tcp"]),
        ("alone", ["--promptreg-max-calls", ""], ["--promptreg-max-calls= is no number", "--promptreg-max-calls 200"]),
        ("alone", ["--promptreg-promote", ""], ["'' is no alias", "letters"]),
    ],
    indirect=["run"],
)
def test_a_flag_that_selects_nothing_is_a_usage_error(
    project: Project, run: Run, flags: list[str], says: list[str]
) -> None:
    """An unknown version, or two flags that exclude each other: exit status 4, and what there is instead."""
    project.prompt("v2", keep=6)
    result = run(*flags)
    assert result.ret == 4
    assert_refused(result.stdout.str() + result.stderr.str(), says)
    assert not project.baseline_file().exists()


def test_update_of_a_version_that_is_gone_is_refused(project: Project, run: Run) -> None:
    """The baseline is of v1; when v1 is no longer declared, update does not guess which version to take."""
    project.store()
    before = project.baseline_file().read_bytes()
    project.prompt("v2", keep=3)
    (project.path / "prompts/v1.md").unlink()
    result = run("--promptreg-update")
    assert result.ret == 4
    assert_refused(
        result.stdout.str() + result.stderr.str(),
        ["test_answer.json", "is of version 'v1', which is not declared any more", "--promptreg-accept"],
    )
    assert project.baseline_file().read_bytes() == before


def test_update_of_a_version_that_is_deselected_is_refused(project: Project) -> None:
    """--promptreg-versions v2 --promptreg-update does not quietly make v2 the baseline, nor refresh v1."""
    project.store()
    before = project.baseline_file().read_bytes()
    project.prompt("v2", keep=3)
    result = project.pytester.runpytest_inprocess("--promptreg-update", "--promptreg-versions", "v2")
    assert result.ret == 4
    assert_refused(
        result.stdout.str() + result.stderr.str(), ["is not among the selected versions", "--promptreg-accept"]
    )
    assert project.baseline_file().read_bytes() == before


# -- the ini file


@pytest.mark.parametrize(
    ("ini", "says"),
    [
        ("promptreg_gates = rouge_l 0.8", ["promptreg_gates", "'rouge_l 0.8' is no gate"]),
        ("promptreg_signals = refusal", ["promptreg_signals", "refusal:breach"]),
        ("promptreg_bleu_tokens = 13", ["promptreg_bleu_tokens", "did you mean '13a'?"]),
        ("promptreg_concurrency = many", ["promptreg_concurrency", "'many'", "at least 1"]),
        ("promptreg_concurrency = 0", ["promptreg_concurrency", "'0'", "at least 1"]),
        ("promptreg_concurrency = 2.5", ["promptreg_concurrency", "'2.5'"]),
        ("promptreg_timeout = -1", ["promptreg_timeout", "'-1'", "at least 0"]),
        ("promptreg_timeout = nan", ["promptreg_timeout", "'nan'"]),
        ("promptreg_timeout = 2 min", ["promptreg_timeout", "'2 min'"]),
        ("promptreg_replay = no", ["the ini option promptreg_replay: there is no 'no'", "known: off, only, reuse"]),
        ("promptreg_rouge_tokens = unicod", ["promptreg_rouge_tokens", "did you mean 'unicode'?"]),
        ("promptreg_mlflow = maybe", ["promptreg_mlflow", "maybe", "true"]),
        ("promptreg_mlflow_timeout = soon", ["promptreg_mlflow_timeout", "'soon'"]),
        ("promptreg_gate = rouge_l >= 0.8", ["'promptreg_gate'", "did you mean 'promptreg_gates'?"]),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--promptreg-update"]], ids=["plain", "update"])
def test_a_wrong_ini_value_names_its_key(project: Project, ini: str, says: list[str], flags: list[str]) -> None:
    """A mistyped setting stops the run and names its key: as a collection error, with one of our flags as exit 4."""
    project.ini(ini + "\n")
    result = project.pytester.runpytest_inprocess("-p", "no:xdist", *flags)
    assert result.ret == (4 if flags else 2)
    said = result.stdout.str() + result.stderr.str()
    assert_refused(said, says)
    assert re.search(r"\b(?:pytest|tox)\.ini:\d+: |there is no ini option", said), "the line of the ini file"


@pytest.mark.parametrize(
    ("ini", "says"),
    [
        ("promptreg_gates = roug_l >= 0.8", ["promptreg_gates", "unknown metric 'roug_l'", "did you mean 'rouge_l'?"]),
        ("promptreg_gates = semantic >= -1", ["promptreg_gates", "can never fail"]),
        (
            "promptreg_metrics = bleu roge_l",
            ["promptreg_metrics", "unknown metric 'roge_l'", "did you mean 'rouge_l'?"],
        ),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--promptreg-update"]], ids=["plain", "update"])
def test_a_wrong_metric_in_the_ini_file_is_refused(
    project: Project, ini: str, says: list[str], flags: list[str]
) -> None:
    """Which metrics there are is known where a suite is: a mistyped one is its collection error, naming the option."""
    project.ini(ini + "\n")
    result = project.pytester.runpytest_inprocess("-p", "no:xdist", *flags)
    assert result.ret == 2
    assert_refused(result.stdout.str() + result.stderr.str(), says)


def test_a_wrong_ini_value_stops_the_workers_too(project: Project, run_each_way: Run) -> None:
    """Under xdist a wrong setting fails the run as it does alone, with a flag and without."""
    project.ini("promptreg_concurrency = many\n")
    for flags in ([], ["--promptreg-update"]):
        result = run_each_way(*flags)
        assert result.ret not in {0, 5}
        assert_refused(result.stdout.str() + result.stderr.str(), ["promptreg_concurrency"])


def test_an_ini_selection_that_leaves_a_suite_nothing_is_refused(project: Project, run: Run) -> None:
    """promptreg_versions that match no version of a suite would be a green run without a check: exit status 4."""
    project.ini("promptreg_versions = w1\n")
    result = run()
    assert result.ret == 4
    assert_refused(
        result.stdout.str() + result.stderr.str(),
        ["test_answer.py:", "the ini option promptreg_versions selects no version of test_answer", "it has v1"],
    )


def test_a_wrong_ini_value_does_not_disturb_other_tests(project: Project) -> None:
    """Where no test is ours, a setting of ours is not even read."""
    project.ini("promptreg_concurrency = many\n")
    project.write("test_answer.py", "def test_plain():\n    pass\n")
    project.pytester.runpytest_inprocess().assert_outcomes(passed=1)


# -- predict, as the fixture gives it


def test_a_fixture_that_returns_no_function_is_an_error(project: Project, run_each_way: Run) -> None:
    """promptreg_predict that returns a text instead of a function: an error of each test, said in words."""
    project.suite(fixture='@pytest.fixture(scope="session")\ndef promptreg_predict():\n    return "gpt"\n')
    result = run_each_way()
    result.assert_outcomes(errors=3)
    assert result.ret == 1
    said = ["the fixture promptreg_predict returned str, which is not callable", "return lambda request"]
    assert_refused(result.stdout.str(), said)


@pytest.mark.parametrize("beside_a_suite", [False, True])
def test_the_fixture_asked_for_by_another_test_says_whose_it_is(project: Project, beside_a_suite: bool) -> None:
    """A test without the marker that asks for the fixture by its name is told so, whether or not there is a suite."""
    if beside_a_suite:
        project.store()
    else:
        project.path.joinpath("test_answer.py").unlink()
    project.write("test_other.py", "def test_other(request):\n    request.getfixturevalue('promptreg')\n")
    result = project.pytester.runpytest_inprocess("-p", "no:xdist")
    result.assert_outcomes(passed=3 if beside_a_suite else 0, failed=1)
    result.stdout.fnmatch_lines(["*the fixture promptreg belongs to tests marked*"])


def test_every_message_fits_its_first_line(project: Project) -> None:
    """What is wrong stands on one line of its own, so that it can be read in a log; what to do stands below."""
    says = write_mistake(project, next(mistake for mistake in MISTAKES if mistake.name == "unknown_metric"))
    result = project.pytester.runpytest_inprocess("test_unknown_metric.py")
    (position,) = [i for i, line in enumerate(result.outlines) if re.search(re.escape(says[1]), line)]
    assert result.outlines[position].startswith("test_unknown_metric.py:3")
    assert result.outlines[position + 1].strip() == "did you mean 'rouge_l'?"
