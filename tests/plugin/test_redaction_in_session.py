"""Whole runs of pytest with secrets in every text there is: what is left behind has none of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]

# One for each place, so that the one that got through is known.
PLANTED = {
    place: f"{head}{place.title()}0a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuV"[:40]
    for place, head in {
        "prompt": "sk-proj-",
        "config": "ghp_",
        "input": "glpat-",
        "nested": "hf_",
        "reference": "sk-ant-api03-",
        "output": "sk-",
        "raised": "ghp_",
        "cause": "glpat-",
        "printed": "sk-",
        "logged": "hf_",
        "span": "sk-",
        "event": "ghp_",
        "tested": "glpat-",
        "asserted": "sk-",
    }.items()
}
PREDICT = f"""
    import logging
    import mlflow

    P = {PLANTED!r}

    @mlflow.trace
    def model(text, key):
        with mlflow.start_span("ask " + P["span"]) as span:
            span.set_inputs({{"header": "Bearer", "said": [P["span"], json.dumps({{"k": P["span"]}})]}})
            span.set_attribute("free", P["span"])
            span.add_event(mlflow.entities.SpanEvent("seen", attributes={{"key": P["event"]}}))
        return text

    import json

    def follow(request):
        assert P["prompt"] in request.text and P["input"] in request.text
        assert request.model_config["endpoint"] == "https://ada:" + P["config"] + "@host/v1"
        assert request.inputs["headers"]["X"] == [P["nested"]]
        print("asking with " + P["printed"])
        logging.getLogger("app").warning("asking with %s", P["logged"])
        if request.version == "v2" and request.example == "c":
            try:
                raise KeyError(P["cause"])
            except KeyError as exc:
                raise ValueError("401: incorrect key " + P["raised"]) from exc
        words = "two three" if request.version == "v2" else "one two three four"
        return model(words + " with " + P["output"], P["output"])
"""
FIXTURE = """
    @pytest.fixture(scope="session")
    def promptreg_predict():
        mlflow.set_tracking_uri("sqlite:///own.db")  # what the application traces itself is none of ours
        return follow
"""
BODY = """
print("tested with " + P["tested"])
assert P["prompt"] in promptreg.request.text and P["input"] in promptreg.example.inputs["text"]
assert promptreg.output.text.endswith("with [redacted:openai-key]")
promptreg.check()
key = P["asserted"]
assert promptreg.version.label != "v3" or promptreg.request.text == key
"""
PROMPT = f"""\
---
model_config:
  endpoint: https://ada:{PLANTED["config"]}@host/v1
  note: {PLANTED["config"]}
---
Use {PLANTED["prompt"]} for %s.

{{{{ text }}}}
"""


def plant(project: Any) -> None:
    """The project with a secret in every place."""
    for label in ("v1", "v2", "v3"):
        project.write(f"prompts/{label}.md", PROMPT % label)
    project.rows(
        *(
            {
                "id": name,
                "text": f"Text {name} of {PLANTED['input']}",
                "headers": {"X": [PLANTED["nested"]]},
                "reference": f"one two with {PLANTED['reference']}",
            }
            for name in "abc"
        )
    )
    project.suite(predict=PREDICT, fixture=FIXTURE, body=BODY, gates=["rouge_l >= 0.9", "drop(rouge_l) <= 0.5"])
    project.ini(
        "junit_logging = all\npromptreg_replay = reuse\n"
        "promptreg_mlflow_traces = all\npromptreg_mlflow_level = example\n"
    )


def found_in(folder: Path) -> dict[str, list[str]]:
    """By file that the run wrote, the places of the secrets in it."""
    found = {}
    for path in folder.rglob("*"):
        written_by_us = path.is_file() and path.parts[-2] != "prompts" and path.name != "examples.jsonl"
        if not written_by_us or path.suffix in {".py", ".pyc"} or path.name in {"stdout", "stderr", "own.db"}:
            continue
        if path.is_relative_to(folder / "mlruns" / "0"):  # the application's own traces, where own.db holds no spans
            continue
        said = path.read_bytes()
        places = [place for place, secret in PLANTED.items() if secret.encode() in said]
        if places:
            found[str(path.relative_to(folder))] = places
    return found


@pytest.mark.usefixtures("_own_mlflow_state")
@pytest.mark.parametrize("run", ["alone", pytest.param("n2", marks=pytest.mark.slow)], indirect=True)
def test_no_file_and_no_line_of_a_run_has_a_secret(project: Any, run: Run) -> None:
    """Prompt, settings, inputs, reference, output, exception, prints, logs and spans: predict and the test see them."""
    import mlflow

    plant(project)
    project.store()
    mlflow.set_tracking_uri(None)  # as another process would find it
    result = run(
        "--promptreg-mlflow", "--junitxml=junit.xml", "--promptreg-results=run.json", "--promptreg-html=run.html", "-l"
    )
    result.assert_outcomes(passed=3, failed=5, errors=1)
    told = result.stdout.str() + result.stderr.str()
    assert [place for place, secret in PLANTED.items() if secret in told] == []
    assert found_in(project.path) == {}
    for name in ("mlflow.db", ".promptreg/replay.jsonl", "junit.xml", "run.json", "run.html"):
        assert b"[redacted:" in (project.path / name).read_bytes(), name
    assert "[redacted:gitlab-token]" in told
    assert "401: incorrect key [redacted:github-token]" in told
    again = project.pytester.runpytest_inprocess("-pno:xdist", "--promptreg-replay=only", "--promptreg-versions=v1")
    again.assert_outcomes(passed=3)


@pytest.mark.usefixtures("_own_mlflow_state")
def test_what_waits_for_a_store_has_no_secret(
    project: Any, run: Run, closed_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that could not be sent lies on the disk until it is."""
    plant(project)
    run("--promptreg-update")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", closed_port)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    result = run("--promptreg-mlflow", "-o", "promptreg_mlflow_timeout=2")
    result.stdout.fnmatch_lines(["*not recorded in MLflow*"])
    (waiting,) = project.path.glob(".promptreg/spool/*/session.json")
    assert b"[redacted:" in waiting.read_bytes()
    assert found_in(project.path) == {}


def test_a_baseline_of_other_rules_is_compared_by_what_both_say(project: Any, run: Run) -> None:
    """What an older version stored as it was is unchanged, and the next refresh takes it out of the file."""
    project.suite(predict="def follow(request):\n    return 'key sk-' + 'a1B2c3D4e5' * 3")
    project.rows({"id": "a", "text": "with sk-" + "z9Y8x7W6v5" * 3})
    project.ini("promptreg_redact = off\n")
    project.store()
    assert "a1B2c3D4e5" in project.outputs()["a"]
    project.ini("")
    run().assert_outcomes(passed=1)
    result = run("--promptreg-update")
    result.stdout.fnmatch_lines(["baseline written:*redacted*"])
    assert project.outputs() == {"a": "key [redacted:openai-key]"}
    run().assert_outcomes(passed=1)
    result = run("--promptreg-update")
    result.stdout.fnmatch_lines(["baseline as it was:*1 unchanged*"])


@pytest.mark.parametrize("run", ["alone", "n2"], indirect=True)
def test_a_rule_of_ones_own_hides_in_all_that_is_kept(project: Any, run: Run) -> None:
    """A pattern, a named pattern and a function, in this order; predict is given the inputs as they are."""
    project.write("hide.py", "def names(text):\n    return text.replace('Ada', '[redacted:name]')\n")
    project.ini("pythonpath = .\npromptreg_redact =\n    /ticket \\d+/\n    mail=/[\\w.]+@[\\w.]+/i\n    hide:names\n")
    project.rows({"id": "a", "text": "Ada wrote ticket 17 to BOB@example.com"})
    project.suite(predict="def follow(request):\n    return request.inputs['text']")
    result = run("--promptreg-update", "--promptreg-results=run.json")
    assert result.ret == 0, result.stdout.str()
    assert project.outputs() == {"a": "[redacted:name] wrote [redacted:pattern] to [redacted:mail]"}
    said = json.loads((project.path / "run.json").read_text())
    (example,) = said["run"]["suites"][0]["spec"]["examples"]
    assert example["inputs"] == {"text": "[redacted:name] wrote [redacted:pattern] to [redacted:mail]"}
    run().assert_outcomes(passed=1)


@pytest.mark.parametrize("run", ["alone", "n2"], indirect=True)
def test_a_function_that_fails_is_an_error_without_the_text(project: Any, run: Run) -> None:
    """Neither the output nor what the function says of it is told; the baseline is not written."""
    project.write("hide.py", "def it(text):\n    if 'six' in text:\n        raise ValueError(text)\n    return text\n")
    project.ini("pythonpath = .\npromptreg_redact = hide:it\n")
    project.examples({"a": "lorem ipsum"})
    project.suite(predict="def follow(request):\n    return 'five six hush'")
    result = run("--promptreg-update")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*hide:it raised ValueError*"])
    assert "hush" not in result.stdout.str()
    assert not project.baseline_file().exists()


@pytest.mark.parametrize("run", ["alone", "n2"], indirect=True)
def test_a_suite_that_cannot_be_redacted_is_refused(project: Any, run: Run) -> None:
    """A function that fails on an example's inputs: nothing is called for."""
    project.write("hide.py", "def it(text):\n    return None\n")
    project.ini("pythonpath = .\npromptreg_redact = hide:it\n")
    result = run()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*hide:it gave NoneType and no text*"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/(/", "*is no regular expression*"),
        ("/a*/", "*matches an empty text*"),
        ("nowhere:it", "*importing nowhere failed*"),
        ("json:nothing", "*there is no 'nothing'*"),
        ("bultin", "*did you mean 'builtin'*"),
        ("what is this?", "*a line is builtin, off, /regex/*"),
        ("builtin\n    off", "*both builtin and off*"),
    ],
)
def test_a_wrong_rule_is_refused(project: Any, run: Run, line: str, said: str) -> None:
    """Before anything is called for: a rule that hides nothing would be found out too late."""
    project.ini(f"promptreg_redact =\n    {line}\n")
    result = run("--promptreg-update")
    assert result.ret != 0
    (result.stderr if result.stderr.lines else result.stdout).fnmatch_lines([said])
    assert not project.baseline_file().exists()


def test_a_prompt_with_a_secret_is_not_registered(project: Any, run: Run) -> None:
    """The registry would hold the secret, or a prompt that is none."""
    project.write("prompts/v1.md", f"Keep 6 words, key {PLANTED['prompt']}.\n\n{{{{ text }}}}\n")
    project.store()
    result = run("--promptreg-register")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*v1 holds what is redacted*"])
