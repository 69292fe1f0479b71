"""What a suite file declares, and what is refused in it, each with its line."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.__main__ import main
from pytest_promptreg.errors import ConfigError
from pytest_promptreg.inputs.placed import place_of
from pytest_promptreg.options import MARKER
from pytest_promptreg.suites.arguments import ARGUMENTS
from pytest_promptreg.suites.declaring import build_suite
from pytest_promptreg.suites.files.reading import Declared, read_suites
from pytest_promptreg.suites.files.schema import schema
from tests.soak import tries

DOCS = Path(__file__).parents[2] / "docs"


def read(folder: Path, text: str, name: str = "promptreg_tickets.yaml") -> tuple[Declared, ...]:
    """The suites of a file of that text."""
    path = folder / name
    path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return read_suites(path)


def test_one_suite_is_the_file(tmp_path: Path) -> None:
    """Without a name it is called as its file; its arguments are the marker's, as they stand there."""
    (suite,) = read(tmp_path, 'prompts: prompts\nexamples: rows.jsonl\ngates: [bleu >= 3]\nbaseline: "@champion"\n')
    assert suite.name == "tickets"
    assert suite.line == 1
    assert suite.arguments == {
        "prompts": "prompts",
        "examples": "rows.jsonl",
        "gates": ["bleu >= 3"],
        "baseline": "@champion",
    }


def test_each_gate_knows_its_line(tmp_path: Path) -> None:
    """A gate of a list is told at its own line, and one that stands alone at that of the gates."""
    several, one = read(
        tmp_path,
        """
        suites:
          - {name: a, prompts: p, examples: e, gates: [bleu >= 3,
              chrf >= 5]}
          - {name: b, prompts: p, examples: e, gates: bleu >= 3}
        """,
    )
    lines = {name: int(place.rpartition(":")[2]) for name, place in several.places.items() if "gates" in name}
    assert lines == {"gates": 2, "gates[0]": 2, "gates[1]": 3}
    assert "gates[0]" not in one.places


def test_several_suites_stand_in_a_list(tmp_path: Path) -> None:
    """Each begins at its own line; rows and prompts that are written out know theirs; an anchor saves writing."""
    first, second = read(
        tmp_path,
        """
        # yaml-language-server: $schema=x.json
        suites:
          - name: one
            <<: &shared
              predict: app:answer
              samples: 3
            prompts:
              - p.md
              - label: a
                text: "Hi {{ q }}"
            examples:
              - {id: x, q: 1}

              - q: 2
          - <<: *shared
            name: two-b
            prompts: p
            examples: [{q: 1}]
        """,
    )
    assert (first.name, first.line, second.name, second.line) == ("one", 3, "two-b", 15)
    assert first.arguments["samples"] == second.arguments["samples"] == 3
    prompts, rows = first.arguments["prompts"], first.arguments["examples"]
    assert [Path(place_of(prompt, "p")).name for prompt in prompts] == ["p", "promptreg_tickets.yaml:9"]
    assert [Path(row.where).name for row in rows] == ["promptreg_tickets.yaml:12", "promptreg_tickets.yaml:14"]
    assert rows == [{"id": "x", "q": 1}, {"q": 2}]


WHOLE = "prompts: p\nexamples: e\n"
REFUSED = [
    ("promts: p\nexamples: e\n", 1, "a suite has no argument 'promts'", "did you mean 'prompts'?"),
    (WHOLE + "gate: x\n", 3, "a suite has no argument 'gate'", "did you mean 'gates'?"),
    (WHOLE + "1: x\n", 3, "a suite has no argument '1'", "known: "),
    ("examples: e\n", 1, "the suite tickets needs prompts:", "it takes a folder, a glob"),
    ("prompts: p\nexamples:\n", 1, "the suite tickets needs examples:", "it takes a path"),
    (WHOLE + "samples: three\n", 3, "samples is 'three'", "a whole number from 1 to 20"),
    (WHOLE + "samples: yes\n", 3, "samples is True", "a whole number from 1 to 20"),
    (WHOLE + "gates:\n  - 3\n", 3, "gates is [3]", "a gate or a mode"),
    (WHOLE + "predict: [a]\n", 3, "predict is ['a']", "openai:/MODEL"),
    ("prompts: 3\nexamples: e\n", 1, "prompts is 3", "a folder"),
    ("prompts: p\nexamples: [a, b]\n", 2, "examples is ['a', 'b']", "a list of rows"),
    ("providers: [x]\nprompts: [p]\ntests: []\n", 1, "a configuration of promptfoo's", "import-promptfoo promptreg_"),
    ("name: a\n", 1, "the suite a needs prompts:", "it takes a folder"),
    ("prompt: a\nexample: b\n", 1, "a suite has no argument 'prompt'", "did you mean 'prompts'?"),
    ("", 1, "neither prompts and examples nor suites", "addopts = --ignore=promptreg_tickets.yaml"),
    ("services: {a: b}\n", 1, "neither prompts and examples nor suites", "--ignore="),
    ("- a\n", 1, "neither prompts", "--ignore="),
    ("suites: []\n", 1, "suites is a list of suites, at least one", "begin each with"),
    ("suites: 3\n", 1, "suites is a list", "begin each"),
    ("gates: x\nsuites: [{}]\n", 1, "gates stands beside suites", "in its own entry"),
    (
        "suites:\n  - name: a\n    prompts: p\n    examples: e\n  - b\n",
        5,
        "a suite is a mapping",
        "write name:",
    ),
    ("suites:\n  - prompts: p\n    examples: e\n", 2, "a suite of several needs a name", "- name: NAME"),
    (
        "suites:\n  - {name: a, prompts: p, examples: e}\n  - {name: A, prompts: p, examples: e}\n",
        3,
        "two suites are called 'A'",
        "promptreg_tickets.yaml:2; rename one",
    ),
    *(
        (f"{WHOLE}name: {name}\n", 3, "is no name for a suite", "a letter")
        for name in (
            *("../x", "a.b", "a[b]", "''", "3", "_a", "ä", "a b", "x" * 101, "[a]"),
            *("nul", "Com1", "setup_module", "pytest_generate_tests", "pytestmark", "tearDownModule"),
        )
    ),
    ("prompts: p\nexamples: e\nbaseline: @champion\n", 3, "not valid YAML: found character '@'", "quote what begins"),
    ("prompts: p\nprompts: q\nexamples: e\n", 2, "'prompts' stands in it twice", "keep one"),
    ("prompts: !!python/object/apply:os.system [x]\nexamples: e\n", 1, "could not determine a constructor", "quote"),
    ("a: &a [*a]\n", 1, "stands inside of what it names", "quote"),
]


@pytest.mark.parametrize(("text", "line", "what", "step"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_suite_is_refused_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, line: int, what: str, step: str
) -> None:
    """With the file and line, what is wrong, and what to do."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=re.escape(what)) as caught:
        read(tmp_path, text)
    assert caught.value.where == f"promptreg_tickets.yaml:{line}"
    assert step in (caught.value.next_step or "")


def test_aliases_that_unfold_without_end_are_refused(tmp_path: Path) -> None:
    """Nine lines are not made a billion values."""
    bomb = "prompts: p\nexamples:\n  - &l0 [a, a, a, a, a, a, a, a, a, a]\n"
    bomb += "".join(f"  - &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 10))
    with pytest.raises(ConfigError, match="unfold to too much"):
        read(tmp_path, bomb)


def test_a_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """Rows in such number belong in a file that is read fast."""
    with pytest.raises(ConfigError, match="1,000,040 characters is too long") as caught:
        read(tmp_path, WHOLE + "predict_version: " + "x" * 1_000_000)
    assert "examples: rows.jsonl" in str(caught.value)


def test_two_files_that_would_share_their_baselines_are_refused(tmp_path: Path) -> None:
    """promptreg_a.yaml beside promptreg_a.yml: one of them has to have another name."""
    (tmp_path / "promptreg_tickets.yml").write_text("")
    with pytest.raises(ConfigError, match=r"promptreg_tickets\.yml stands beside it"):
        read(tmp_path, WHOLE)


WORDS = st.sampled_from([*ARGUMENTS, "suites", "name", "x"])


@pytest.mark.soak
@settings(max_examples=tries(60, 5000))
@given(
    text=st.one_of(
        st.text(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8) | WORDS,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner),
            max_leaves=12,
        ).map(lambda value: yaml.safe_dump(value, allow_unicode=True)),
    )
)
def test_any_text_is_a_suite_file_or_is_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever stands in it: suites, or one sentence with the file's name."""
    path = tmp_path_factory.getbasetemp() / "promptreg_any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        suites = read_suites(path)
    except ConfigError as exc:
        where = exc.where
    else:
        where = str(path)
        assert all(suite.arguments.keys() <= ARGUMENTS.keys() for suite in suites)
    assert "promptreg_any.yaml" in str(where)


def test_the_arguments_are_the_markers() -> None:
    """A suite file, the marker and its help know the same arguments."""
    inside = MARKER[MARKER.index("(") + 1 : MARKER.index("): ")]
    named = [part.split("=")[0].strip() for part in inside.split(", ")]
    assert sorted(named) == sorted(ARGUMENTS)
    used = set(re.findall(r'marker(?:\.get\(|\[)"(\w+)"', inspect.getsource(build_suite)))
    assert used | {"metrics"} == set(ARGUMENTS)


def test_the_page_tells_every_argument() -> None:
    """Its table has a line for each, and no other."""
    page = (DOCS / "suite_files.md").read_text(encoding="utf-8").partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == ["name", *ARGUMENTS]


def test_the_published_schema_is_the_readers(capsys: pytest.CaptureFixture[str]) -> None:
    """The file under docs/ and what the command prints are what the reader declares."""
    assert json.loads((DOCS / "suite_file.schema.json").read_text(encoding="utf-8")) == schema(), "docs/schemas.py"
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()
    suite = schema()["definitions"]["suite"]
    assert set(suite["properties"]) == {"name", *ARGUMENTS}
    assert suite["required"] == ["prompts", "examples"]
