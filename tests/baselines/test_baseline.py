"""The stored file: what is accepted comes back as it was, and what was damaged is never believed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.baselines import baseline
from pytest_promptreg.baselines.baseline import Baseline, Record, key_of, load, path_for, render
from pytest_promptreg.errors import BaselineError
from pytest_promptreg.model import Message, PromptVersion
from pytest_promptreg.redaction import without_secrets
from pytest_promptreg.text import file_slug
from tests.baseline_files import V1, V2, make, make_everything, written

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "__baselines__" / "test_x" / "test_y.json"


@pytest.fixture
def stored() -> Baseline:
    return make_everything()


def believed(path: Path, text: str | bytes) -> str | None:
    """What a file comes to, rendered again; None when it is refused."""
    try:
        found = load(written(path, text))
    except BaselineError as error:
        return None if error.next_step and path.name in str(error.where) else f"an error without a place: {error}"
    assert found is not None
    return render(found)


def test_no_file_is_no_baseline(path: Path) -> None:
    """A file that is not there is None, and no error."""
    assert load(path) is None


@given(
    st.dictionaries(ANY_TEXT, ANY_TEXT, min_size=1, max_size=4),
    ANY_TEXT.filter(str.strip),
    st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=1, max_size=2),
    ANY_TEXT.filter(bool),
)
@settings(max_examples=150)
def test_any_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    outputs: dict[str, str],
    template: str,
    messages: list[tuple[str, str]],
    label: str,
) -> None:
    """Whatever ids, outputs, prompts and labels say, they are read as they were stored, and the bytes stay the same."""
    path = tmp_path_factory.getbasetemp() / "any.json"
    for version in (
        PromptVersion(label, template),
        PromptVersion(label, tuple(Message(role, content) for role, content in messages)),
    ):
        made = make(outputs, version)
        found = load(written(path, render(made)))
        assert found == made
        assert {name: record.outputs for name, record in found.records.items()} == {
            name: (text,) for name, text in outputs.items()
        }
        assert found.digest == made.digest


@pytest.mark.parametrize(
    "output",
    ["", "\n", "\n\n", " ", "a\n", "\na", "\r\n", "a\rb", "\u2028", "\x85", "\x00", "\ufeff", "." * 200, ". " * 99],
)
def test_edges_of_texts_come_back(path: Path, output: str) -> None:
    """Empty outputs, line ends of every kind and invisible characters are stored exactly."""
    found = load(written(path, render(make({"a": output}))))
    assert found is not None
    assert found.records["a"].outputs == (output,)


def test_the_whole_of_a_file_comes_back(path: Path, stored: Baseline) -> None:
    """Versions, model config, chat prompts, signatures and several accepted outputs of one example."""
    found = load(written(path, render(stored)))
    assert found == stored
    assert found.version == "v1"
    assert found.prompt_of(found.records["naïve 文"], "Ein Satz.\n\n— Ende") == V2
    assert found.prompts[key_of(V1)].model_config == {"temperature": 0, "stop": ["."]}


def test_equal_baselines_have_equal_bytes(stored: Baseline) -> None:
    """The order in which records, prompts, signatures and settings came does not show in the file."""
    backwards = Baseline(
        stored.accepted,
        {
            key: replace(prompt, model_config=dict(reversed(list(prompt.model_config.items()))), where="elsewhere.md")
            for key, prompt in reversed(list(stored.prompts.items()))
        },
        dict(reversed(list(stored.records.items()))),
        dict(reversed(list(stored.signatures.items()))),
    )
    assert render(backwards) == render(stored)
    assert backwards.digest == stored.digest


def test_the_file_is_for_people(stored: Baseline) -> None:
    """UTF-8 as it is, LF, a final line end, and no very long line: a person reads it in a diff."""
    text = render(stored)
    assert "naïve 文" in text
    assert text.endswith("}\n")
    assert "\r" not in text
    assert max(map(len, text.splitlines())) < 120


def test_a_changed_word_changes_few_lines() -> None:
    """A one-word change in one output of many is the changed sentence and the record's digest in git's diff."""
    outputs = {
        f"e{number:03}": "The first sentence is long enough to be cut. " * 5 + "And a last one." for number in range(50)
    }
    old = render(make(outputs)).splitlines()
    new = render(make({**outputs, "e025": outputs["e025"].replace("last", "final")})).splitlines()
    changed = [line for line, before in zip(new, old, strict=True) if line != before]
    assert len(changed) == 2
    assert "And a final one." in changed[0]
    assert '"record"' in changed[1]


def test_a_file_cut_anywhere_is_not_believed(path: Path, stored: Baseline) -> None:
    """Truncated at any byte, it is refused, or it is whole."""
    text = render(stored)
    data = text.encode()
    for end in range(len(data)):
        assert believed(path, data[:end]) in {None, text}


def test_a_file_with_a_wrong_byte_is_not_believed(path: Path, stored: Baseline) -> None:
    """Whatever single byte is wrong, the file is refused, or says the same."""
    text = render(stored)
    data = text.encode()
    for position in range(0, len(data), 3):
        for wrong in (b"x", b"\xff", b" ", b'"'):
            assert believed(path, data[:position] + wrong + data[position + 1 :]) in {None, text}


def damaged_lines(text: str) -> Iterator[str]:
    lines = text.splitlines(keepends=True)
    for index in range(len(lines)):
        yield "".join(lines[:index] + lines[index + 1 :])
        yield "".join(lines[: index + 1] + lines[index:])
    for one, other in combinations(range(len(lines)), 2):
        swapped = list(lines)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        yield "".join(swapped)


def test_no_line_can_be_lost_doubled_or_swapped(path: Path, stored: Baseline) -> None:
    """After any single line is deleted, duplicated or exchanged with another, it is refused, or says the same."""
    text = render(stored)
    for damaged in damaged_lines(text):
        assert believed(path, damaged) in {None, text}


def test_records_of_two_baselines_cannot_be_mixed(path: Path) -> None:
    """A merge that takes each line from the one or the other side is refused unless it is one side's record."""
    ours = render(make({"a": "First of ours.\nSecond of ours."})).splitlines(keepends=True)
    theirs = render(make({"a": "First of theirs.\nSecond of theirs."})).splitlines(keepends=True)
    differing = [index for index, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other]
    assert len(differing) == 3
    for choice in range(1, 2 ** len(differing) - 1):
        mixed = list(ours)
        for bit, index in enumerate(differing):
            if choice >> bit & 1:
                mixed[index] = theirs[index]
        assert believed(path, "".join(mixed)) is None


def test_a_clean_merge_is_believed(path: Path) -> None:
    """Records that two branches added, each whole, merge by line and are read."""
    base = render(make({"a": "A.", "m": "M.", "z": "Z."}))
    ours, theirs = (
        render(make({"a": "A.", "b": "B.", "m": "M.", "z": "Z."})),
        render(make({"a": "A.", "m": "M.", "y": "Y.", "z": "Z."})),
    )
    start = next(i for i, line in enumerate(theirs.splitlines(True)) if '"y": {' in line)
    length = len(theirs.splitlines()) - len(base.splitlines())
    added = theirs.splitlines(keepends=True)[start : start + length]
    merged = ours.splitlines(keepends=True)
    place = next(i for i, line in enumerate(merged) if '"z": {' in line)
    merged[place:place] = added
    assert believed(path, "".join(merged)) == render(make({"a": "A.", "b": "B.", "m": "M.", "y": "Y.", "z": "Z."}))


@pytest.mark.parametrize("mark", ["<<<<<<< HEAD", "=======", ">>>>>>> theirs"])
def test_a_merge_conflict_is_named_with_its_line(path: Path, stored: Baseline, mark: str) -> None:
    """A conflict that was left in the file is said to be one, at its line."""
    lines = render(stored).splitlines()
    lines.insert(4, mark)
    with pytest.raises(BaselineError, match="merge conflict") as error:
        load(written(path, "\n".join(lines)))
    assert str(error.value.where).endswith("test_y.json:5")


def test_conflict_marks_in_an_output_are_text(path: Path) -> None:
    """An output may talk of merge conflicts."""
    made = make({"a": "<<<<<<< HEAD\n=======\n>>>>>>> x"})
    assert load(written(path, render(made))) == made


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"format": 1', '"format": 2'), "has format 2; this version reads up to 1"),
        (lambda text: text.replace('"format": 1', '"format": 0'), "a part of it is missing or of the wrong kind"),
        (
            lambda text: text.replace('"format": 1', '"format": true'),
            "its header (version, metrics, prompts) was changed",
        ),
        (lambda text: text.replace('"format": 1,', ""), "a part of it is missing or of the wrong kind"),
        (
            lambda text: text.replace('"version": "v1"', '"version": "v9"'),
            "its header (version, metrics, prompts) was changed",
        ),
        (lambda text: text.replace("Line two.", "Line 2.", 1), "the record of example 'a' was changed by hand"),
        (lambda text: text.replace("In one sentence.", "In two."), "the text of prompt 'v1' was changed by hand"),
        (lambda text: text.replace('"temperature": 0', '"temperature": 1'), "changed by hand"),
        (lambda text: text.replace("tok:unicode", "tok:other"), "changed by hand"),
        (lambda text: text.replace('"label": "v2"', '"label": "v3"'), "changed by hand"),
        (lambda text: text.replace('"naïve 文"', '"a"'), "'a' stands in it twice"),
        (lambda _: "[]", "it is no baseline"),
        (lambda _: "{}", "a part of it is missing"),
        (lambda _: "", "no whole JSON"),
        (lambda _: "null", "it is no baseline"),
        (lambda _: "[" * 100_000, "trusted"),
        (lambda _: "9" * 5000, "trusted"),
    ],
)
def test_a_changed_file_is_refused_for_its_reason(
    path: Path, stored: Baseline, change: Callable[[str], str], said: str
) -> None:
    """Every damage is refused in one sentence that says what it is, and what to do."""
    text = change(render(stored))
    assert text != render(stored)
    with pytest.raises(BaselineError) as error:
        load(written(path, text))
    assert said in error.value.what
    assert error.value.next_step


def test_a_newer_format_says_to_upgrade(path: Path) -> None:
    """A file of a later version is refused even when nothing else in it can be understood."""
    with pytest.raises(BaselineError) as error:
        load(written(path, '{"format": 7, "chapters": []}'))
    assert "pip install --upgrade" in str(error.value.next_step)


def test_not_utf8_is_refused_at_its_line(path: Path, stored: Baseline) -> None:
    """A file that an editor saved in another encoding is refused."""
    with pytest.raises(BaselineError, match="not UTF-8"):
        load(written(path, render(stored).encode("latin-1", "replace")))


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    """What is no file is refused, not taken for a missing baseline."""
    path.mkdir(parents=True)
    with pytest.raises(BaselineError, match="cannot be read"):
        load(path)


def test_windows_line_ends_are_the_same_baseline(path: Path, stored: Baseline) -> None:
    """git's autocrlf, or a byte order mark, does no harm."""
    assert load(written(path, b"\xef\xbb\xbf" + render(stored).replace("\n", "\r\n").encode())) == stored


def test_the_place_is_beside_the_module() -> None:
    """One file for each test function, and one for each combination of its other parameters."""
    module = Path("tests/test_x.py")
    assert path_for(module, "TestA.test_y") == Path("tests/__baselines__/test_x/TestA.test_y.json")
    assert path_for(module, "test_y", "fast") == Path("tests/__baselines__/test_x/test_y@fast.json")
    odd = {path_for(module, "test_y", variant) for variant in ("a/b", "a-b", "a b", "../a")}
    assert len(odd) == 4
    assert {place.parent for place in odd} == {Path("tests/__baselines__/test_x")}
    assert path_for(module, "test_y", "a/b").stem == f"test_y@{file_slug('a/b')}"


def test_a_record_knows_its_content() -> None:
    """The digest of a record covers the example, the inputs, a prompt of its own and each output, in order."""
    accepted, other = key_of(V1), key_of(V2)
    record = Record("a", "i", ("x", "y"), (accepted, accepted))
    others = [
        replace(record, example="b"),
        replace(record, inputs="j"),
        replace(record, prompts=(other, other)),
        replace(record, prompts=(accepted, other)),
        replace(record, outputs=("y", "x")),
        replace(record, outputs=("xy",), prompts=(accepted,), generations=()),
        replace(record, generations=(1, 1)),
    ]
    files = [render(Baseline(accepted, {accepted: V1, other: V2}, {one.example: one})) for one in [record, *others]]
    digests = {next(iter(json.loads(file)["examples"].values()))["record"] for file in files}
    assert len(digests) == 8
    assert all(re.fullmatch("[0-9a-f]{32}", value) for value in digests)
    assert json.loads(render(make({"a": "x"})))["format"] == baseline.FORMAT


def test_a_stored_prompt_says_what_its_version_says() -> None:
    """Secrets aside, whatever else is called so: a tool's schema with a property `password` is stored with stars."""
    tool = {"name": "login", "parameters": {"properties": {"password": {"type": "string"}, "name": {"type": "string"}}}}
    version = PromptVersion("v1", "Say {{ text }}", model_config={"tools": [tool], "api_key": "one"})
    stored = replace(version, model_config=without_secrets(version.model_config))
    assert baseline.says_the_same(stored, version)
    assert not baseline.says_the_same(stored, replace(version, model_config={"tools": []}))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=4).filter(any))
def test_generations_come_back(tmp_path_factory: pytest.TempPathFactory, times: list[int]) -> None:
    """How often each output was generated is read as it was stored, and stands in a file only where it says something.

    A file without it is of outputs of which the first was made once, and the others were accepted beside it.
    """
    texts = tuple("wxyz"[: len(times)])
    made = make({"a": "w"})
    record = Record("a", made.records["a"].inputs, texts, (key_of(V1),) * len(texts), tuple(times))
    changed = replace(made, records={"a": record})
    found = load(written(tmp_path_factory.getbasetemp() / "generations.json", render(changed)))
    assert found == changed
    assert found.records["a"].generated == tuple("".join(text * n for text, n in zip(texts, times, strict=True)))
    plain = replace(record, generations=())
    assert plain.generations == (1, *[0] * (len(texts) - 1))
    assert ("generations" in render(changed)) == (record != plain)


@pytest.mark.parametrize("wrong", ["[2]", "[1, 1, 1]", "[0, 0]", "[-1, 2]", "[1.0, 1]", "[true, 1]", '"11"', "11"])
def test_generations_that_cannot_be_are_refused(path: Path, wrong: str) -> None:
    """Too few, too many, none or no numbers: the record is not whole."""
    text = json.dumps({**json.loads(render(make({"a": ["x", "y"]})))})
    with pytest.raises(BaselineError, match="cannot be trusted"):
        load(written(path, text.replace("[1, 1]", wrong)))


def test_another_count_by_hand_is_refused(path: Path) -> None:
    """The digest of a record covers how often each output was generated."""
    text = json.dumps(json.loads(render(make({"a": ["x", "y"]}))))
    assert "[1, 1]" in text
    for wrong in ("[2, 1]", "[1, 0]"):
        with pytest.raises(BaselineError, match="changed by hand"):
            load(written(path, text.replace("[1, 1]", wrong)))
