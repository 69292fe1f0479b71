"""Prompt files, folders and objects become versions, in order, or are refused with their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.errors import PromptError
from pytest_promptreg.inputs.prompts import load_prompts, sort_versions
from pytest_promptreg.model import Message, PromptVersion


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def load(folder: Path, source: object) -> tuple[PromptVersion, ...]:
    return load_prompts(source, base=folder, where="test_x.py:7")


def labels(versions: tuple[PromptVersion, ...] | list[PromptVersion]) -> list[str]:
    return [version.label for version in versions]


def refused(folder: Path, source: object) -> PromptError:
    with pytest.raises(PromptError) as error:
        load(folder, source)
    assert error.value.next_step, "a refusal says what to do"
    return error.value


@pytest.mark.parametrize(
    ("given_labels", "expected"),
    [
        (["v10", "v9", "v1"], ["v1", "v9", "v10"]),
        (["1.10.0", "1.9.0", "1.10.0-rc1"], ["1.9.0", "1.10.0-rc1", "1.10.0"]),
        (["step-10-b", "step-9-a", "step-10-a"], ["step-9-a", "step-10-a", "step-10-b"]),
        (["final", "2", "v1"], ["2", "final", "v1"]),
    ],
)
def test_versions_are_in_natural_order(given_labels: list[str], expected: list[str]) -> None:
    """Numbers sort as numbers, version numbers as such, everything else by its letters."""
    assert labels(sort_versions([PromptVersion(label, "x") for label in given_labels])) == expected


@given(st.lists(st.text(min_size=1), unique=True, max_size=8), st.randoms())
def test_any_labels_can_be_ordered(names: list[str], random: Any) -> None:
    """Whatever the labels are, sorting them neither fails nor loses one."""
    random.shuffle(names)
    assert sorted(labels(sort_versions([PromptVersion(name, "x") for name in names]))) == sorted(names)


def test_a_folder_gives_its_prompts(tmp_path: Path) -> None:
    """The label is the file's stem; README and files set aside by ``_`` or ``.`` are none."""
    write(
        tmp_path, **{"v2.md": "two", "v1.txt": "one", "1.2.0.md": "x", "README.md": "no", "_old.md": "no", ".a": "no"}
    )
    (tmp_path / "v3.md.j2").write_text("{{ a }}")
    (tmp_path / "v4.j2").write_text("{{ a }}")
    versions = {version.label: version for version in load(tmp_path, ".")}
    assert set(versions) == {"v1", "v2", "1.2.0", "v3", "v4"}
    assert (versions["v3"].syntax, versions["v2"].syntax) == ("jinja2", "braces")
    assert versions["v2"].where.endswith("v2.md")


@pytest.mark.parametrize("source", ["v1.md", Path("v1.md"), "*.md", ["v1.md"], ("v1.md",)])
def test_a_file_a_glob_and_a_list_name_prompts(tmp_path: Path, source: object) -> None:
    """Each way to name one file gives it."""
    write(tmp_path, **{"v1.md": "Hello {{ name }}\n"})
    (version,) = load(tmp_path, source)
    assert (version.label, version.template) == ("v1", "Hello {{ name }}")


def test_front_matter_is_taken(tmp_path: Path) -> None:
    """Model config, commit message and tags come from the front matter, and the body's lines are counted behind it."""
    write(
        tmp_path,
        **{
            "v1.md": "---\nmodel_config:\n  temperature: 0.2\ncommit_message: shorter\ntags: {a: 1}\n---\nHi\n{{ x }}\n"
        },
    )
    (version,) = load(tmp_path, "v1.md")
    assert version.model_config == {"temperature": 0.2}
    assert (version.commit_message, version.tags, version.template) == ("shorter", {"a": "1"}, "Hi\n{{ x }}")
    assert version.first_line == 7


@pytest.mark.parametrize("body", ["---\n", "--- a\nb\n---\n", "text\n---\na: 1\n---\n"])
def test_other_rules_are_text(tmp_path: Path, body: str) -> None:
    """Three hyphens that open no front matter are the prompt's own."""
    write(tmp_path, **{"v1.md": f"{body}end"})
    assert load(tmp_path, "v1.md")[0].template == f"{body}end"


def test_windows_files_are_the_same_prompt(tmp_path: Path) -> None:
    """A byte order mark and CRLF change neither the text nor its digest."""
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf---\r\ntags: {a: b}\r\n---\r\nHi\r\nyou\r\n")
    (tmp_path / "b.md").write_bytes(b"Hi\nyou")
    a, b = load(tmp_path, "*.md")
    assert (a.template, a.digest, a.tags) == (b.template, b.digest, {"a": "b"})


def test_a_chat_is_read(tmp_path: Path) -> None:
    """Messages keep their order and roles; the label may be given in the file."""
    write(
        tmp_path,
        **{
            "c.yaml": "label: v7\nmessages:\n- role: system\n  content: |\n    Be {{ tone }}\n"
            "- {role: user, content: '{{ q }}'}\nmodel_config: {n: 1}\n"
        },
    )
    (version,) = load(tmp_path, "c.yaml")
    assert version.label == "v7"
    assert version.template == (Message("system", "Be {{ tone }}\n"), Message("user", "{{ q }}"))


def test_objects_are_taken(tmp_path: Path) -> None:
    """Mappings and PromptVersion objects work beside files, and know the marker's place."""
    write(tmp_path, **{"v1.md": "one"})
    chat = PromptVersion("v3", (Message("user", "{{ a }}"),))
    versions = load(tmp_path, ["v1.md", {"label": "v2", "text": "two", "model_config": {"t": (1,)}}, chat])
    assert labels(versions) == ["v1", "v2", "v3"]
    assert versions[1].model_config == {"t": [1]}
    assert [version.where for version in versions[1:]] == ["test_x.py:7", "test_x.py:7"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"text": "x"}, "needs a label"),
        ({"label": "", "text": "x"}, "needs a label"),
        ({"label": 1, "text": "x"}, "needs a label"),
        ({"label": "a"}, "needs messages"),
        ({"label": "a", "text": "x", "messages": []}, "needs messages"),
        ({"label": "a", "text": "  "}, "empty or no text"),
        ({"label": "a", "text": 5}, "empty or no text"),
        ({"label": "a", "messages": []}, "not a list of messages"),
        ({"label": "a", "messages": "hi"}, "not a list of messages"),
        ({"label": "a", "messages": ["hi"]}, "a message is str"),
        ({"label": "a", "messages": [{"content": "x"}]}, "needs a role"),
        ({"label": "a", "messages": [{"role": "user", "content": {"x": 1}}]}, "is dict, not text"),
        ({"label": "a", "text": "x", "modelconfig": {}}, "unknown field: modelconfig"),
        ({"label": "a", "text": "x", 3: {}}, "unknown field: 3"),
        ({"label": "a", "text": "x", "model_config": [1]}, "model_config is not a mapping"),
        ({"label": "a", "text": "x", "tags": "t"}, "tags is not a mapping"),
        ({"label": "a", "text": "x", "model_config": {"f": object()}}, "model_config: object"),
        ({"label": "a", "text": "x", "syntax": "mustache"}, "unknown template syntax"),
        (PromptVersion(5, "x"), "needs a label"),  # type: ignore[arg-type]
        (PromptVersion("a", "  "), "empty or no text"),
        (PromptVersion("a", ({"role": "user"},)), "content of the user message"),  # type: ignore[arg-type]
        (PromptVersion("a", "x", syntax="f-string"), "unknown template syntax"),
        (PromptVersion("a", "x", model_config={"f": object()}), "model_config: object"),
        (5, "not int"),
        ("prompts:/summarize@champion", "MLflow prompt registry"),
    ],
)
def test_objects_that_are_no_prompt_are_refused(tmp_path: Path, entry: object, said: str) -> None:
    """What cannot be a prompt is refused in one sentence, with the marker's place."""
    error = refused(tmp_path, [entry])
    assert said in error.what
    assert error.where == "test_x.py:7"


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("v.md", "", ":1", "the prompt is empty"),
        ("v.md", "---\ntags: {a: b}\n---\n\n", ":4", "the prompt is empty"),
        ("v.md", "Hi\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> other\n", ":2", "it holds a merge conflict"),
        ("v.md", "---\na: b\nmodel_config: {\n---\nHi", ":4", "not valid YAML"),
        ("v.md", "---\n- a\n---\nHi", ":2", "expected a mapping, found list"),
        ("v.md", "---\nmodel: x\n---\nHi", "", "unknown field in the front matter: model"),
        ("v.md", "---\n1: x\n---\nHi", "", "unknown field in the front matter: 1"),
        ("v.md", "---\ntags: {d: 2024-02-31}\n---\nHi", ":2", "not valid YAML"),
        ("v.md", "Hi\n{{ a.b }}", ":2", "is not a variable"),
        ("v.yaml", "messages:\n- role: user\n  content: {{ q }}\n", ":3", "not valid YAML"),
        ("v.yaml", "messages:\n- role: user\n  content: {q}\n", "", "content of the user message is dict"),
        ("v.yaml", "messages:\n- role: user\n  content: a: b\n", ":3", "not valid YAML"),
        ("v.yaml", "just text", ":1", "expected a mapping, found str"),
        ("v.yaml", "b: 1\na: \x00", ":2", "not valid YAML"),
        ("v.yaml", "", "", "needs messages"),
        ("v.j2", "a\n{% endif %}", "", "Jinja2 cannot read it"),
        ("v.pdf", "x", "", "not a prompt file"),
        ("v", "x", "", "no suffix"),
    ],
)
def test_files_that_are_no_prompt_are_refused(tmp_path: Path, name: str, text: str, line: str, said: str) -> None:
    """A broken prompt file is refused by name, with the line where there is one."""
    write(tmp_path, **{name: text})
    error = refused(tmp_path, name)
    assert said in error.what
    assert str(error.where).endswith(f"{name}{line}")


@pytest.mark.parametrize(
    "text",
    ["<<<<<<< a\n>>>>>>> b\n", ">>>>>>> b\n=======\n<<<<<<< a", " <<<<<<< a\n =======\n >>>>>>> b", "=======\nHi"],
)
def test_marks_that_are_no_conflict_are_text(tmp_path: Path, text: str) -> None:
    """A rule of equals signs, half a conflict and one that is indented are a prompt's own."""
    write(tmp_path, **{"v.md": text})
    (version,) = load(tmp_path, "v.md")
    assert version.text == text.rstrip("\n")


@pytest.mark.parametrize("text", ["Sum up: {{ text }}", "Sum up\nthe text"])
def test_a_text_where_a_file_belongs_is_told_its_place(tmp_path: Path, text: str) -> None:
    """A prompt written into the marker is no path."""
    error = refused(tmp_path, text)
    assert error.what == "prompts= names files, and this is a prompt's text"
    assert "prompts/v1.md" in str(error.next_step)


def test_a_name_that_is_nearly_there_is_told(tmp_path: Path) -> None:
    """A folder whose name is misspelt is asked for by its right one; else the first file to write is named."""
    write(tmp_path, **{"v1.md": "Hi"})
    (tmp_path / "prompts" / "reply").mkdir(parents=True)
    assert "did you mean 'prompts/reply'?" in str(refused(tmp_path, "prompts/replay").next_step)
    assert f"write the first version into {tmp_path}/prompts/x/v1.md;" in str(refused(tmp_path, "prompts/x").next_step)
    assert str(refused(tmp_path, "prompts/reply").next_step).endswith("/prompts/reply/v1.md")


def test_not_utf8_is_refused(tmp_path: Path) -> None:
    """A prompt in another encoding is refused at its line."""
    (tmp_path / "v1.md").write_bytes(b"Hello\ncaf\xe9")
    assert str(refused(tmp_path, "v1.md").where).endswith("v1.md:2")


@pytest.mark.parametrize("source", ["nothing", "*.md", "Summarize: {{ text }} " * 30, [], "empty"])
def test_no_prompt_is_refused(tmp_path: Path, source: object) -> None:
    """A source that names nothing is refused at the marker, never an empty suite."""
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path, source).where == "test_x.py:7"


def test_equal_labels_are_refused_with_both_places(tmp_path: Path) -> None:
    """Two versions of one label are refused, and both files are named."""
    write(tmp_path, **{"v1.md": "a", "v1.txt": "b"})
    error = refused(tmp_path, ".")
    assert "labelled 'v1'" in error.what
    assert "v1.md" in error.what
    assert "v1.txt" in error.what


@given(st.text(min_size=1).filter(str.strip), st.text(), st.sampled_from(["braces", "jinja2"]))
def test_the_digest_is_of_what_is_said(text: str, other: str, syntax: str) -> None:
    """Two prompts share a digest exactly when text and syntax are equal; label, config and place do not matter."""
    one = PromptVersion("a", text, syntax=syntax, where="x", first_line=3)
    assert one.digest == PromptVersion("b", text, syntax=syntax, model_config={"t": 1}).digest
    assert (one.digest == PromptVersion("a", other, syntax=syntax).digest) == (text == other)
    assert one.digest != PromptVersion("a", (Message("user", text),), syntax=syntax).digest


def test_versions_survive_the_wire() -> None:
    """Plain values and back give an equal version, text or chat."""
    for template in ("text", (Message("system", "s"), Message("user", "u"))):
        version = PromptVersion("v1", template, "jinja2", {"t": [1]}, "message", {"a": "b"}, "v1.md", 4)
        assert PromptVersion.from_wire(version.to_wire()) == version
