"""The stored file: what is accepted comes back as it was, and what was damaged is never believed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg import baseline
from pytest_promptreg.baseline import (
    Baseline,
    Plan,
    Record,
    key_of,
    load,
    path_for,
    plan_refresh,
    plan_rescore,
    prune,
    render,
)
from pytest_promptreg.errors import BaselineError
from pytest_promptreg.model import Example, Message, PromptVersion
from pytest_promptreg.redaction import without_secrets
from pytest_promptreg.text import file_slug, well_formed

V1 = PromptVersion("v1", "Summarize {{ text }}\nIn one sentence.", model_config={"temperature": 0, "stop": ["."]})
V2 = PromptVersion("v2", (Message("system", "Be brief."), Message("user", "{{ text }}")), model_config={"n": 1})
EXAMPLES = [Example(name, {"text": name}) for name in ("a", "b", "c", "naïve 文")]
SIGNATURES = {"rouge_l": "rouge_l|f1|tok:unicode", "semantic": "semantic|cosine|model:x"}
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))


def make(outputs: dict[str, str], version: PromptVersion = V1, before: Baseline | None = None) -> Baseline:
    examples = [Example(name, {"text": name}) for name in outputs] + EXAMPLES
    plan = plan_refresh(Path("x.json"), before, version, outputs, examples=examples, signatures=SIGNATURES, refused={})
    assert plan.after is not None
    return plan.after


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "__baselines__" / "test_x" / "test_y.json"


@pytest.fixture
def stored() -> Baseline:
    """Two versions, several examples, a record with two accepted outputs: everything that a file can hold."""
    first = make({"a": "Line one.\nLine two.", "b": "", "c": "One. " * 30}, V1)
    mixed = make({"naïve 文": "Ein Satz.\n\n— Ende"}, V2, first)
    two = replace(mixed.records["a"], outputs=("Line one.\nLine two.", "Another."), prompts=(key_of(V1),) * 2)
    more = replace(mixed.records["c"], outputs=("One. " * 30, "Eins."), prompts=(key_of(V1), key_of(V2)))
    return replace(mixed, records={**mixed.records, "a": two, "c": more})


def written(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def prompt_of(stored: Baseline, example: str) -> PromptVersion:
    record = stored.records[example]
    return stored.prompt_of(record, record.outputs[0])


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
@settings(deadline=None, max_examples=150)
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


# -- what a refresh does


def refresh(
    before: Baseline | None,
    version: PromptVersion,
    outputs: dict[str, str],
    examples: list[Example] = EXAMPLES,
    refused: dict[str, str] | None = None,
    path: Path = Path("x.json"),
) -> Plan:
    return plan_refresh(path, before, version, outputs, examples=examples, signatures=SIGNATURES, refused=refused or {})


ALL = {"a": "A.", "b": "B.", "c": "C.", "naïve 文": "D."}


def test_a_first_refresh_is_all_new() -> None:
    """Without a file every output is new, and the version is the one that ran."""
    plan = refresh(None, V1, ALL)
    assert (plan.new, plan.changed, plan.unchanged) == (tuple(sorted(ALL)), (), ())
    assert plan.writes
    assert plan.after_label == "v1"
    assert str(plan) == "4 new"


def test_a_refresh_tells_new_changed_and_unchanged() -> None:
    """Each output is counted as what it is, and only what is different is written."""
    before = make({"a": "A.", "b": "B."})
    plan = refresh(before, V1, {"a": "A.", "b": "Other.", "c": "C."}, refused={"naïve 文": "its test failed"})
    assert (plan.new, plan.changed, plan.unchanged) == (("c",), ("b",), ("a",))
    assert str(plan) == "1 new, 1 changed, 1 unchanged, 1 not written"
    assert plan.after is not None
    assert "naïve 文" not in plan.after.records
    assert plan.after.records["a"] == before.records["a"]


def test_an_unchanged_refresh_writes_nothing() -> None:
    """The same outputs of the same prompt leave the file alone."""
    plan = refresh(make(ALL), V1, ALL)
    assert not plan.writes
    assert str(plan) == "4 unchanged"


def test_other_inputs_are_a_change() -> None:
    """The same output from other inputs is a new acceptance, and the record says of what."""
    plan = refresh(make({"a": "A."}), V1, {"a": "A."}, [Example("a", {"text": "other"})])
    assert plan.changed == ("a",)
    assert plan.after is not None
    assert plan.after.records["a"].inputs == Example("a", {"text": "other"}).inputs_digest


def test_an_accepted_output_keeps_its_siblings(stored: Baseline) -> None:
    """A refresh that meets one of several accepted outputs forgets none; a new output replaces them."""
    kept = refresh(stored, V1, {"a": "Another."})
    assert kept.unchanged == ("a",)
    assert kept.after is not None
    assert kept.after.records["a"].outputs == stored.records["a"].outputs
    replaced = refresh(stored, V1, {"a": "New."})
    assert replaced.after is not None
    assert replaced.after.records["a"].outputs == ("New.",)


def test_a_partial_accept_does_not_change_the_version() -> None:
    """Accepting v2 for some examples leaves v1 the accepted version until every record is v2's."""
    before = make(ALL, V1)
    part = refresh(before, V2, {"a": "New.", "b": "New."})
    assert part.after_label == "v1"
    assert part.after is not None
    assert {part.after.prompt_of(record, record.outputs[0]).label for record in part.after.records.values()} == {
        "v1",
        "v2",
    }
    whole = refresh(part.after, V2, {"c": "New.", "naïve 文": "New."})
    assert whole.after_label == "v2"
    assert whole.after is not None
    assert [prompt.label for prompt in whole.after.prompts.values()] == ["v2"]


def test_a_stale_record_does_not_hold_the_version_back() -> None:
    """Once every declared example is of v2, v2 is accepted, whatever the records of examples that are gone say."""
    plan = refresh(make(ALL, V1), V2, {"a": "A.", "b": "B."}, EXAMPLES[:2])
    assert plan.after_label == "v2"


def test_an_edited_prompt_is_stored_with_what_it_made(path: Path) -> None:
    """v1 edited in place: records that were refreshed are of the new text, the others keep the old."""
    edited = replace(V1, template="Summarize {{ text }} kindly.")
    plan = refresh(make(ALL, V1), edited, {"a": "New."})
    assert plan.after is not None
    assert prompt_of(plan.after, "a").template == "Summarize {{ text }} kindly."
    assert prompt_of(plan.after, "b").template == V1.template
    assert plan.after_label == "v1"
    assert load(written(path, render(plan.after))) == plan.after


def test_nothing_accepted_writes_nothing() -> None:
    """A refresh in which every call failed leaves the file alone, or missing."""
    before = make(ALL)
    plan = refresh(before, V1, {}, refused={"a": "predict failed"})
    assert not plan.writes
    assert plan.after is before
    assert not refresh(None, V1, {}).writes
    assert str(refresh(None, V1, {})) == "nothing to write"


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_any_series_of_refreshes_can_be_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever is refreshed, accepted and pruned in a row, each file loads as it was meant, and each output is kept."""
    path = tmp_path_factory.getbasetemp() / "series.json"
    now: Baseline | None = None
    expected: dict[str, str] = {}
    edited = replace(V1, template="edited {{ text }}")
    renamed = replace(V1, label="v7")
    for _ in range(data.draw(st.integers(1, 5))):
        version = data.draw(st.sampled_from([V1, V2, edited, renamed]))
        outputs = data.draw(st.dictionaries(st.sampled_from([e.id for e in EXAMPLES]), st.sampled_from("xyz")))
        stale = (
            data.draw(st.sets(st.sampled_from(sorted(now.records)))) - set(outputs) if now and now.records else set()
        )
        plan = prune(refresh(now, version, outputs), stale)
        expected = {name: text for name, text in {**expected, **outputs}.items() if name not in stale}
        now = plan.after
        assert {name: record.outputs for name, record in (now.records if now else {}).items()} == {
            name: (text,) for name, text in expected.items()
        }
        if now is not None:
            assert load(written(path, render(now))) == now


def test_prune_removes_what_is_stale_and_no_more() -> None:
    """Named records go, the others and the accepted version's prompt stay."""
    before = make(ALL)
    plan = prune(Plan(Path("x.json"), before, before), ["a", "c"])
    assert plan.after is not None
    assert set(plan.after.records) == {"b", "naïve 文"}
    assert plan.pruned == ("a", "c")
    assert plan.writes
    assert str(plan) == "2 stale removed"


def test_prune_of_nothing_changes_nothing() -> None:
    """Without stale records there is nothing to write."""
    before = make(ALL)
    assert not prune(Plan(Path("x.json"), before, before), []).writes
    assert not prune(Plan(Path("x.json"), None, None), ["a"]).writes


def test_prune_of_everything_removes_the_file(path: Path) -> None:
    """A file of which no record is left goes."""
    before = make({"a": "A."})
    written(path, render(before))
    plan = prune(Plan(path, before, before), ["a"])
    plan.apply()
    assert not path.exists()
    plan.apply()


# -- writing


def test_apply_writes_the_file_whole(path: Path) -> None:
    """What was planned is what is read, the folder is made, and nothing else lies beside it."""
    plan = refresh(None, V1, ALL, path=path)
    plan.apply()
    assert load(path) == plan.after
    assert [entry.name for entry in path.parent.iterdir()] == ["test_y.json"]


def test_apply_leaves_an_equal_file_alone(path: Path) -> None:
    """Nothing is written where nothing changes: not even the time of the file."""
    refresh(None, V1, ALL, path=path).apply()
    os.utime(path, (1, 1))
    refresh(load(path), V1, ALL, path=path).apply()
    assert path.stat().st_mtime == 1


def test_a_failed_write_leaves_the_old_baseline(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file cannot be replaced, the old one is whole, nothing lies beside it, and the error says what to do."""
    refresh(None, V1, ALL, path=path).apply()
    old = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(BaselineError, match="cannot be written: Permission denied") as error:
        refresh(load(path), V1, {"a": "New."}, path=path).apply()
    assert error.value.next_step
    assert path.read_bytes() == old
    assert [entry.name for entry in path.parent.iterdir()] == ["test_y.json"]


def test_a_file_where_the_folder_belongs_is_an_error(path: Path) -> None:
    """A place that cannot hold the file is an error of the baseline, not a traceback."""
    written(path.parent, "a file")
    with pytest.raises(BaselineError, match="cannot be written"):
        refresh(None, V1, ALL, path=path).apply()


def test_odd_texts_are_stored_as_what_they_can_be(path: Path) -> None:
    """Ids and labels with lone surrogates, which no file can hold, are written and read all the same."""
    odd = "id-\udce9"
    version = PromptVersion(well_formed("v\udce9"), "x")
    plan = refresh(None, version, {well_formed(odd): "A."}, [Example(well_formed(odd), {})], path=path)
    plan.apply()
    assert load(path) == plan.after


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
        replace(record, outputs=("xy",), prompts=(accepted,)),
    ]
    files = [render(Baseline(accepted, {accepted: V1, other: V2}, {one.example: one})) for one in [record, *others]]
    digests = {next(iter(json.loads(file)["examples"].values()))["record"] for file in files}
    assert len(digests) == 7
    assert all(re.fullmatch("[0-9a-f]{32}", value) for value in digests)
    assert json.loads(render(make({"a": "x"})))["format"] == baseline.FORMAT


def test_a_new_version_leaves_the_lines_of_an_unchanged_output_alone() -> None:
    """Accepting another version changes the header and the outputs that changed, and nothing else."""
    examples = [Example("a", {}), Example("b", {})]
    first = plan_refresh(
        Path("x"), None, V1, {"a": "one", "b": "two"}, examples=examples, signatures={}, refused={}
    ).after
    assert first is not None
    second = plan_refresh(
        Path("x"), first, V2, {"a": "one", "b": "three"}, examples=examples, signatures={}, refused={}
    ).after
    assert second is not None
    before, after = json.loads(render(first)), json.loads(render(second))
    assert (before["version"], after["version"]) == ("v1", "v2")
    assert before["examples"]["a"] == after["examples"]["a"]
    assert before["examples"]["b"] != after["examples"]["b"]


@pytest.mark.parametrize(("accepted", "label"), [(["a"], "v1"), (["a", "b"], "v2"), (["a", "b", "c"], "v2")])
def test_the_version_of_most_records_is_the_accepted_one(accepted: list[str], label: str) -> None:
    """Accepting one case of another version leaves the baseline's version; a failed call does not hold a new one up."""
    examples = [Example(name, {}) for name in "abc"]
    first = plan_refresh(
        Path("x"), None, V1, dict.fromkeys("abc", "old"), examples=examples, signatures={}, refused={}
    ).after
    assert first is not None
    after = plan_refresh(
        Path("x"), first, V2, dict.fromkeys(accepted, "new"), examples=examples, signatures={}, refused={}
    ).after
    assert after is not None
    assert after.version == label
    assert {name: after.prompt_of(record, record.outputs[0]).label for name, record in after.records.items()} == {
        name: "v2" if name in accepted else "v1" for name in "abc"
    }


def test_an_output_is_added_beside_what_is_accepted() -> None:
    """With ``add`` a new output stands beside the others with its own prompt, and the accepted version stays."""
    before = make(ALL, V1)
    plan = plan_refresh(
        Path("x"),
        before,
        V2,
        {"a": "New.", "b": "B.", "c": "C.  "},
        examples=[Example(name, {"text": name}) for name in ALL],
        signatures=SIGNATURES,
        refused={},
        add=True,
    )
    assert (plan.added, plan.unchanged, plan.changed) == (("a",), ("b", "c"), ())
    assert plan.after is not None
    record = plan.after.records["a"]
    assert (record.outputs, record.prompts) == (("A.", "New."), (key_of(V1), key_of(V2)))
    assert plan.after.prompt_of(record, "New.").label == "v2"
    assert plan.after.version == "v1"
    assert plan.after.records["b"] == before.records["b"]


def test_outputs_of_other_inputs_are_not_kept_beside() -> None:
    """Where the example's inputs changed, adding replaces: what was accepted answers another question."""
    before = make({"a": "A."}, V1)
    examples = [Example("a", {"text": "another"})]
    plan = plan_refresh(Path("x"), before, V1, {"a": "New."}, examples=examples, signatures={}, refused={}, add=True)
    assert plan.changed == ("a",)
    assert plan.after is not None
    assert plan.after.records["a"].outputs == ("New.",)


def test_an_accepted_output_is_taken_back_by_accepting_another_alone() -> None:
    """With ``only`` a record keeps the one output that was made, and its siblings go."""
    first = make({"a": "Bad."}, V1)
    examples = [Example("a", {"text": "a"})]
    both = plan_refresh(
        Path("x"), first, V1, {"a": "Good."}, examples=examples, signatures={}, refused={}, add=True
    ).after
    assert both is not None
    assert both.records["a"].outputs == ("Bad.", "Good.")
    plan = plan_refresh(Path("x"), both, V1, {"a": "Good."}, examples=examples, signatures={}, refused={}, only=True)
    assert plan.changed == ("a",)
    assert plan.after is not None
    assert plan.after.records["a"].outputs == ("Good.",)
    again = plan_refresh(
        Path("x"), plan.after, V1, {"a": "Good."}, examples=examples, signatures={}, refused={}, only=True
    )
    assert (again.unchanged, again.writes) == (("a",), False)


def test_white_space_makes_no_new_text() -> None:
    """An output that says the same as an accepted one leaves the stored text as it is."""
    before = make({"a": "One line.\n"}, V1)
    plan = refresh(before, V1, {"a": "One  line."})
    assert plan.unchanged == ("a",)
    assert not plan.writes


def test_a_rescore_renews_signatures_alone(path: Path, stored: Baseline) -> None:
    """Outputs and prompts stay; the metrics whose signature changed are named."""
    plan = plan_rescore(path, stored, {**SIGNATURES, "chrf": "chrf|x"})
    assert plan.rescored == ("chrf",)
    assert plan.after == replace(stored, signatures={**SIGNATURES, "chrf": "chrf|x"})
    assert str(plan) == "1 metric signatures renewed"
    assert not plan_rescore(path, stored, stored.signatures).writes


def test_a_stored_prompt_says_what_its_version_says() -> None:
    """Secrets aside, whatever else is called so: a tool's schema with a property `password` is stored with stars."""
    tool = {"name": "login", "parameters": {"properties": {"password": {"type": "string"}, "name": {"type": "string"}}}}
    version = PromptVersion("v1", "Say {{ text }}", model_config={"tools": [tool], "api_key": "one"})
    stored = replace(version, model_config=without_secrets(version.model_config))
    assert baseline.says_the_same(stored, version)
    assert not baseline.says_the_same(stored, replace(version, model_config={"tools": []}))
