"""A promptfoo configuration becomes a suite that runs, and what did not come along is said with its line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_promptreg.__main__ import main
from pytest_promptreg.suites.declaring import build_suite
from pytest_promptreg.suites.files.reading import read_suites
from tests.servers import JsonServer
from tests.soak import tries

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of a project of promptfoo's."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: Path, name: str, text: str) -> None:
    """A file of the project."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")


def rows(folder: Path) -> list[dict[str, Any]]:
    """The rows that were written."""
    (file,) = (folder / "evals").glob("*.jsonl")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def brought_over(folder: Path, config: str, *arguments: str) -> None:
    """Import a configuration, which must succeed."""
    put(folder, "bot.yaml", config)
    assert main(["import-promptfoo", "bot.yaml", *arguments]) == 0


WHOLE = """
    description: Answers of the bot
    prompts:
      - 'Answer in {{language}}: {{question}}'
    providers:
      - id: openai:chat:gpt-4o-mini
        config: {temperature: 0, max_tokens: 50, apiKey: "sk-abcdefghijklmnopqrstuvwxyz"}
    defaultTest:
      vars: {language: English}
    tests:
      - description: Capital of France
        vars: {question: "What is the capital of France?"}
        assert:
          - type: contains
            value: Paris
          - type: llm-rubric
            value: is polite
      - vars: {question: "Thanks!", language: French}
        metadata: {kind: small talk}
"""


def test_what_it_writes_runs(
    pytester: pytest.Pytester, run: Run, json_server: JsonServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands that it prints store a baseline and pass; a model that forgets the expected word is caught."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{json_server.port}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    said = "Paris is the capital of France, on the river Seine."
    json_server.answers({"choices": [{"message": {"role": "assistant", "content": said}}]})
    brought_over(pytester.path, WHOLE)
    run("evals", "--promptreg-update").assert_outcomes(passed=2)
    run("evals/promptreg_bot.yaml").assert_outcomes(passed=2)
    sent = json_server.asked[0]
    assert {name: sent[name] for name in ("model", "temperature", "max_tokens")} == {
        "model": "gpt-4o-mini",
        "temperature": 0,
        "max_tokens": 50,
    }
    asked = {request["messages"][0]["content"] for request in json_server.asked}
    assert asked == {"Answer in English: What is the capital of France?", "Answer in French: Thanks!"}
    forgot = said.replace("Paris", "This city")
    json_server.answers({"choices": [{"message": {"role": "assistant", "content": forgot}}]})
    caught = run("evals", "-k", "Capital")
    caught.stdout.fnmatch_lines(["*drop(token_recall) 1.000 (gate <= 0)*"])


def test_what_it_leaves_out_is_said_twice(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the terminal and in the suite file: the line, what stands there, and why; a key is written nowhere."""
    brought_over(folder, WHOLE)
    said = capsys.readouterr().out
    text = (folder / "evals/promptreg_bot.yaml").read_text(encoding="utf-8")
    for line in (
        "bot.yaml:6: apiKey: set OPENAI_API_KEY; a key belongs in no file",
        "bot.yaml:15: llm-rubric: a judge is a metric of your own here: see docs/metrics.md",
    ):
        assert f"  {line}\n" in said
        assert f"# - {line}\n" in text
    assert said.endswith("next: pytest evals/promptreg_bot.yaml --promptreg-update\n")
    assert "# Answers of the bot\n" in text
    assert not any("sk-abc" in path.read_text(encoding="utf-8") for path in folder.glob("evals/**/*.*"))
    assert rows(folder)[1] == {"id": "test-2", "language": "French", "question": "Thanks!", "tags": ["kind:small talk"]}


ASSERTIONS = [
    ("{type: equals, value: 'no {{q}}'}", "no why", ["drop(exact) <= 0"], ""),
    ("{type: equals, value: {a: 1}}", {"a": 1}, ["drop(exact) <= 0"], ""),
    ("{type: icontains-all, value: [Ann, Bo]}", "Ann\nBo", ["drop(token_recall) <= 0"], ""),
    ("{type: similar, value: x y, threshold: 0.8}", "x y", ["drop(semantic) <= 0.1"], "threshold of similar"),
    ("{type: rouge-n, value: x y}, {type: bleu, value: x y}", "x y", ["drop(rouge_l) <= 0.1", "drop(bleu) <= 10"], ""),
    ("{type: contains, value: a}, {type: icontains, value: b}", "a\nb", ["drop(token_recall) <= 0"], ""),
    ("{type: contains, value: a}, {type: equals, value: b}", "b", ["drop(exact) <= 0"], "contains: a row has one"),
    ("{type: is-json}", None, [], "is-json: nothing to write"),
    ("{type: is-json, value: {type: object}}", None, [], "is-json: its schema is not read"),
    ("{type: javascript, value: 'output.length'}", None, [], "javascript: write it as a metric"),
    ("{type: not-contains, value: a}", None, [], "not-contains: no gate of this kind"),
    ("{type: regex, value: '[a-z]'}", None, [], "regex: a pattern is no gate"),
    ("{type: cost, threshold: 1}", None, [], "cost: a run's cost is limited by --promptreg-max-cost"),
    ("{type: equals, value: 'file://x.txt'}", None, [], "equals: no gate of this kind"),
    ("{type: contains, value: '{{ q | upper }}'}", None, [], "contains: no gate of this kind"),
    ("{value: a}", None, [], "an assertion without a type"),
    ("{type: contains, value: a, weight: 2}", "a", ["drop(token_recall) <= 0"], "weight of contains"),
]


@pytest.mark.parametrize(("assertion", "reference", "gates", "said"), ASSERTIONS, ids=range(len(ASSERTIONS)))
def test_an_assertion_is_a_reference_and_a_gate_or_is_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str], assertion: str, reference: object, gates: list[str], said: str
) -> None:
    """What has a meaning here becomes one; of everything else the reason is said, at its line."""
    brought_over(folder, f"prompts: ['{{{{q}}}}']\ntests:\n  - vars: {{q: why}}\n    assert: [{assertion}]\n")
    (row,) = rows(folder)
    assert (row.get("reference"), row.get("gates", [])) == (reference, gates)
    assert said in capsys.readouterr().out


def test_prompts_of_every_kind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts, files, several in a file, chats, labels and expressions; what a program would make is left out."""
    put(folder, "p/two.txt", "First {{q}}\n---\nSecond {{q}}\n")
    put(folder, "p/chat.json", '[{"role": "system", "content": "Be {{tone}}"}, {"role": "user", "content": "{{q}}"}]')
    put(folder, "p/list.yaml", "- role: user\n  content: Hm {{q}}\n")
    brought_over(
        folder,
        """
        prompts:
          - "--- {{q}} ---"
          - file://p/two.txt
          - p/chat.json
          - file://p/list.yaml
          - {raw: "Loud {{ q | upper }}", label: loud, config: {seed: 1}}
          - '[{"role": "user", "content": "Inline {{q}}"}]'
          - file://make.py:prompt
          - file://none.txt
          - "Broken {% if %}"
        tests: [{vars: {q: why}}]
        """,
    )
    (suite,) = read_suites(folder / "evals/promptreg_bot.yaml")
    spec = build_suite(suite.arguments, suite_id="s", module=folder / "evals/x", line=1, function="bot", ini_gates=())
    texts = {version.label: version.text for version in spec.versions}
    assert texts == {
        "v1": "--- {{q}} ---",
        "v2": "First {{q}}",
        "v3": "Second {{q}}",
        "v4": "[system]\nBe {{tone}}\n\n[user]\n{{q}}",
        "v5": "[user]\nHm {{q}}",
        "v6": "Loud {{ q | upper }}",
        "v7": "[user]\nInline {{q}}",
    }
    assert spec.version_by_label["v6"].model_config == {"seed": 1}
    assert spec.version_by_label["v6"].commit_message == "loud"
    said = capsys.readouterr().out
    for line in (
        "bot.yaml:8: prompt make.py:prompt: a prompt is a text here",
        "bot.yaml:9: prompt none.txt: there is no such file",
        "bot.yaml:10: prompt Broken {% if %}: no template of Jinja2's",
        "bot.yaml:6: Nunjucks in v6: run as Jinja2",
        "bot.yaml:11: no tone in a test: prompt v4 uses it: it is empty",
        "first: say in evals/promptreg_bot.yaml what is under test",
    ):
        assert line in said


def test_tests_of_every_kind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Written out, multiplied out, and in CSV, JSONL, YAML and JSON; ids are told apart."""
    put(
        folder,
        "t.csv",
        "q,__expected,__description,__metadata:kind,__prefix\nwhy,contains: so,Same,a,x\nwho,Ann,Same,,\n",
    )
    put(folder, "t.jsonl", '{"vars": {"q": "when"}, "description": "Same"}\n\n{"vars": {"q": "x"}, "threshold": 1}\n')
    put(folder, "t.yaml", "- vars: {q: file://q.txt}\n- vars: {q: file://q.bin}\n")
    put(folder, "t.json", '[{"vars": {"q": "{{other}}"}}]')
    put(folder, "q.txt", "from a file\n")
    brought_over(
        folder,
        """
        prompts: ['{{q}}']
        tests:
          - {vars: {q: [a, b], id: 7}, options: {transform: x}}
          - file://t.csv
          - t.jsonl
          - file://t.y*ml
          - file://t.json
          - huggingface://datasets/x
          - tests.py
        """,
    )
    found = rows(folder)
    assert [row["id"] for row in found] == [
        *("test-1-1", "test-1-2", "Same", "Same-2", "Same-3", "test-5", "test-6", "test-7", "test-8"),
    ]
    asked = ["a", "b", "why", "who", "when", "x", "from a file", "", "{{other}}"]
    assert [row["inputs"]["q"] for row in found] == asked
    assert (found[2]["reference"], found[2]["tags"], found[3]["reference"]) == ("so", ["kind:a"], "Ann")
    said = capsys.readouterr().out
    for line in (
        "bot.yaml:3: options of a test",
        "t.csv:2: column __prefix",
        "t.jsonl:3: threshold of a test",
        "t.yaml:2: file://q.bin of the variable q",
        "a template in the variable q: it is taken as it stands",
        "bot.yaml:8: tests 'huggingface://datasets/x'",
        "bot.yaml:9: tests 'tests.py'",
    ):
        assert line in said, line


def test_providers_of_every_kind(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each that has a counterpart has a suite, its settings with the prompts; samples are repeats."""
    brought_over(
        folder,
        """
        prompts: ['Hi']
        providers:
          - openai:gpt-4o
          - {id: "openai:responses:gpt-4o", label: warm one, config: {temperature: 1, tools: file://t.yaml}}
          - ollama:chat:llama3
          - anthropic:messages:claude
          - python:provider.py
          - openai:embedding:x
          - 3
        evaluateOptions: {repeat: 2, maxConcurrency: 4}
        scenarios: []
        """,
    )
    suites = read_suites(folder / "evals/promptreg_bot.yaml")
    assert [(suite.name, suite.arguments["predict"], suite.arguments["samples"]) for suite in suites] == [
        ("bot-gpt-4o", "openai:/gpt-4o", 2),
        ("bot-warm-one", "openai:/gpt-4o", 2),
        ("bot-llama3", "openai:/llama3", 2),
    ]
    assert "temperature: 1" in (folder / "evals/prompts/bot-warm-one/v1.md").read_text(encoding="utf-8")
    assert "temperature" not in (folder / "evals/prompts/bot-gpt-4o/v1.md").read_text(encoding="utf-8")
    said = capsys.readouterr().out
    for line in (
        "bot.yaml:4: openai:responses:gpt-4o: asked for chat completions here",
        "bot.yaml:4: tools of a provider",
        "bot.yaml:5: ollama:chat:llama3: asked in OpenAI's way: set OPENAI_BASE_URL=http://localhost:11434/v1",
        "bot.yaml:6: provider anthropic:messages:claude: no counterpart",
        "bot.yaml:7: provider python:provider.py: a program of your own",
        "bot.yaml:8: provider openai:embedding:x",
        "bot.yaml:9: provider 3: it has no id",
        "bot.yaml:10: maxConcurrency: the ini option promptreg_concurrency",
        "bot.yaml:11: scenarios: write their rows among tests",
    ):
        assert line in said, line


REFUSED = [
    ("bot.yaml", "services: {}\n", "bot.yaml:1: this is no configuration of promptfoo's"),
    ("bot.yaml", "- prompts\n", "no configuration of promptfoo's"),
    ("bot.yaml", "prompts: [file://none.py]\n", "no prompt that can be taken\n  bot.yaml:1: prompt none.py"),
    ("bot.yaml", "prompts: [a]\ntests: [none.csv]\n", "no test that can be taken\n  bot.yaml:2: tests 'none.csv'"),
    ("bot.yaml", "prompts: [a\n", "not valid YAML"),
    ("bot.js", "module.exports = {}\n", "only configurations in YAML and JSON are read"),
    ("bot.json", "{", "not valid JSON"),
    ("bot.yaml", f"prompts: [a]\ntests: [{{vars: {{a: {[1] * 101}, b: {[1] * 101}}}}}]\n", "more than 10,000 rows"),
    ("bot.yaml", "prompts: [a]\ntests: [t.csv]\n", "t.csv:1: not valid CSV"),
]


@pytest.mark.parametrize(("name", "text", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_brought_over_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, said: str
) -> None:
    """With the place and the reason; then nothing is written."""
    put(folder, "t.csv", 'q\n"a\n')
    put(folder, name, text)
    assert main(["import-promptfoo", name]) == 2
    assert said in capsys.readouterr().err
    assert not (folder / "evals").exists()


def test_nothing_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second time it is refused, and all stays as it is; another folder can be named."""
    brought_over(folder, WHOLE)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert main(["import-promptfoo", "bot.yaml"]) == 2
    assert "promptreg_bot.yaml: import-promptfoo overwrites nothing" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    brought_over(folder, WHOLE, "-o", "other/place")
    assert (folder / "other/place/promptreg_bot.yaml").is_file()


SAID = ["{{q}}", "Hi {{ q }}", "{% if q %}", "file://x.txt", "openai:gpt-4o", "---"]
TEXTS = st.text(max_size=12) | st.sampled_from(SAID)
VALUES = TEXTS | st.integers() | st.none() | st.booleans() | st.lists(TEXTS, max_size=3)
KINDS = ("equals", "contains", "similar", "bleu", "is-json", "javascript", "icontains-all")
CONFIGS = st.fixed_dictionaries(
    {"prompts": VALUES | st.lists(st.fixed_dictionaries({"raw": TEXTS}, optional={"label": VALUES, "config": VALUES}))},
    optional={
        "providers": VALUES | st.lists(st.fixed_dictionaries({"id": TEXTS}, optional={"config": VALUES})),
        "description": VALUES,
        "defaultTest": VALUES,
        "tests": VALUES
        | st.lists(
            st.fixed_dictionaries(
                {"vars": st.dictionaries(st.sampled_from(["q", "id", "gates", "a b"]), VALUES)},
                optional={
                    "assert": st.lists(
                        st.fixed_dictionaries({"type": st.sampled_from(KINDS), "value": VALUES}), max_size=3
                    ),
                    "description": VALUES,
                },
            ),
            max_size=3,
        ),
    },
)


@pytest.mark.soak
@settings(max_examples=tries(60, 2000), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=CONFIGS)
def test_whatever_it_writes_is_a_suite(folder: Path, config: Mapping[str, Any]) -> None:
    """Any configuration is refused in a sentence, or becomes files that pytest would collect."""
    place = folder / str(len(list(folder.iterdir())))
    put(place, "any.yaml", yaml.safe_dump(dict(config), allow_unicode=True))
    if main(["import-promptfoo", str(place / "any.yaml"), "-o", str(place / "evals")]) == 2:
        assert not (place / "evals").exists()
        return
    path = place / "evals/promptreg_any.yaml"
    for suite in read_suites(path):
        spec = build_suite(suite.arguments, suite_id=suite.name, module=path, line=1, function="any", ini_gates=())
        assert spec.versions
        assert spec.examples
