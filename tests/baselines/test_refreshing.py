"""A refresh: planned as changes, told in counts, applied once."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.baselines.baseline import Baseline, key_of, load, render
from pytest_promptreg.baselines.refreshing import Plan, plan_rescore, prune
from pytest_promptreg.errors import BaselineError
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.text import well_formed
from tests.baseline_files import ALL, EXAMPLES, SIGNATURES, V1, V2, make, make_everything, prompt_of, refresh, written


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "__baselines__" / "test_x" / "test_y.json"


@pytest.fixture
def stored() -> Baseline:
    return make_everything()


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
@settings(max_examples=150)
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


def test_a_new_version_leaves_the_lines_of_an_unchanged_output_alone() -> None:
    """Accepting another version changes the header and the outputs that changed, and nothing else."""
    first = make({"a": "one", "b": "two"}, V1)
    second = refresh(first, V2, {"a": "one", "b": "three"}, EXAMPLES[:2]).after
    assert second is not None
    before, after = json.loads(render(first)), json.loads(render(second))
    assert (before["version"], after["version"]) == ("v1", "v2")
    assert before["examples"]["a"] == after["examples"]["a"]
    assert before["examples"]["b"] != after["examples"]["b"]


@pytest.mark.parametrize(("accepted", "label"), [(["a"], "v1"), (["a", "b"], "v2"), (["a", "b", "c"], "v2")])
def test_the_version_of_most_records_is_the_accepted_one(accepted: list[str], label: str) -> None:
    """Accepting one case of another version leaves the baseline's version; a failed call does not hold a new one up."""
    first = make(dict.fromkeys("abc", "old"), V1)
    after = refresh(first, V2, dict.fromkeys(accepted, "new"), EXAMPLES[:3]).after
    assert after is not None
    assert after.version == label
    assert {name: after.prompt_of(record, record.outputs[0]).label for name, record in after.records.items()} == {
        name: "v2" if name in accepted else "v1" for name in "abc"
    }


def test_an_output_is_added_beside_what_is_accepted() -> None:
    """With ``add`` a new output stands beside the others with its own prompt, and the accepted version stays."""
    before = make(ALL, V1)
    plan = refresh(before, V2, {"a": "New.", "b": "B.", "c": "C.  "}, add=True)
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
    plan = refresh(before, V1, {"a": "New."}, examples, add=True)
    assert plan.changed == ("a",)
    assert plan.after is not None
    assert plan.after.records["a"].outputs == ("New.",)


def test_an_accepted_output_is_taken_back_by_accepting_another_alone() -> None:
    """With ``only`` a record keeps the one output that was made, and its siblings go."""
    first = make({"a": "Bad."}, V1)
    both = refresh(first, V1, {"a": "Good."}, add=True).after
    assert both is not None
    assert both.records["a"].outputs == ("Bad.", "Good.")
    plan = refresh(both, V1, {"a": "Good."}, only=True)
    assert plan.changed == ("a",)
    assert plan.after is not None
    assert plan.after.records["a"].outputs == ("Good.",)
    again = refresh(plan.after, V1, {"a": "Good."}, only=True)
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


# -- generations


GENERATED = st.lists(st.sampled_from(["x", "y", "z", "x "]), min_size=1, max_size=5)


def texts_of(plan: Plan, example: str = "a") -> dict[str, int]:
    assert plan.after is not None
    record = plan.after.records[example]
    return dict(zip(record.outputs, record.generations, strict=True))


def test_equal_generations_are_one_text_with_a_count() -> None:
    """Three generations of which two say the same are two accepted texts, the one counted twice."""
    plan = refresh(None, V1, {"a": ["Yes.", "No.", "Yes. "]})
    assert texts_of(plan) == {"Yes.": 2, "No.": 1}
    assert plan.after is not None
    assert plan.after.records["a"].generated == ("Yes.", "Yes.", "No.")
    assert plan.after.records["a"].prompts == (key_of(V1),) * 2


@given(GENERATED, st.randoms())
def test_the_same_generations_in_another_order_change_nothing(generated: list[str], random: Random) -> None:
    """What is generated again, text for text and as often, leaves the file's bytes as they were."""
    before = make({"a": generated})
    again = list(generated)
    random.shuffle(again)
    plan = refresh(before, V1, {"a": again})
    assert plan.unchanged == ("a",)
    assert not plan.writes


@given(GENERATED, GENERATED)
def test_a_refresh_leaves_as_many_generations_as_it_brings(old: list[str], new: list[str]) -> None:
    """Fewer or more generations than stored, known texts or not: the record counts those of the refresh."""
    plan = refresh(make({"a": old}), V1, {"a": new})
    assert plan.after is not None
    record = plan.after.records["a"]
    assert record.is_whole
    assert sorted(map(str.strip, record.generated)) == sorted(map(str.strip, new))
    assert plan.writes == (sorted(map(str.strip, old)) != sorted(map(str.strip, new)))


def test_other_numbers_of_the_same_texts_are_told_as_that() -> None:
    """Texts that stay and were generated in other numbers are no change of a text, and are written."""
    plan = refresh(make({"a": ["Yes.", "No."]}), V1, {"a": ["No.", "Yes.", "No."]})
    assert (plan.recounted, plan.changed, plan.unchanged) == (("a",), (), ())
    assert texts_of(plan) == {"Yes.": 1, "No.": 2}
    assert str(plan) == "1 recounted"
    assert plan.writes


def test_what_a_person_accepted_outlives_generations_that_say_what_is_stored() -> None:
    """Texts accepted beside the generations stay with them, and go when a generation says something else."""
    before = refresh(make({"a": ["Yes.", "Yes.", "No."]}), V2, {"a": ["Maybe."]}, add=True)
    assert texts_of(before) == {"Yes.": 2, "No.": 1, "Maybe.": 0}
    assert before.after_label == "v1"
    assert texts_of(refresh(before.after, V1, {"a": ["Yes."] * 3})) == {"Yes.": 3, "Maybe.": 0}
    assert texts_of(refresh(before.after, V1, {"a": ["Yes.", "Never."]})) == {"Yes.": 1, "Never.": 1}


def test_what_a_person_accepted_stays_when_the_model_said_it_and_says_it_no_more() -> None:
    """A text accepted by hand is no ordinary generation for being generated once: the next refresh keeps it too."""
    before = refresh(make({"a": ["Yes.", "Yes.", "No."]}), V2, {"a": ["Maybe."]}, add=True).after
    said = refresh(before, V1, {"a": ["Maybe.", "Yes.", "Yes."]})
    assert said.recounted == ()
    assert said.changed == ("a",), "another generation has gone"
    assert said.after is not None
    record = said.after.records["a"]
    assert list(zip(record.outputs, record.generations, record.prompts, strict=True)) == [
        ("Yes.", 2, key_of(V1)),
        ("Maybe.", 0, key_of(V2)),
        ("Maybe.", 1, key_of(V1)),
    ]
    assert record.is_whole
    only = refresh(said.after, V1, {"a": ["Maybe."] * 3})
    assert texts_with_counts(only) == [("Maybe.", 0), ("Maybe.", 3)]
    again = refresh(only.after, V1, {"a": ["Maybe."] * 3})
    assert (again.unchanged, again.writes) == (("a",), False)
    gone = refresh(said.after, V1, {"a": ["Yes."] * 3})
    assert texts_with_counts(gone) == [("Yes.", 3), ("Maybe.", 0)]
    assert gone.recounted == ("a",), "no text has come or gone"


def texts_with_counts(plan: Plan) -> list[tuple[str, int]]:
    assert plan.after is not None
    record = plan.after.records["a"]
    return list(zip(record.outputs, record.generations, strict=True))


def test_generations_that_are_added_count_for_nothing() -> None:
    """With ``add`` a person says that these texts are fine: the model's own variation stays what it was."""
    plan = refresh(make({"a": ["Yes.", "No."]}), V1, {"a": ["Maybe.", "Maybe.", "No.", "Never."]}, add=True)
    assert plan.added == ("a",)
    assert texts_of(plan) == {"Yes.": 1, "No.": 1, "Maybe.": 0, "Never.": 0}


def test_an_accept_without_add_leaves_its_own_generations() -> None:
    """With ``only`` siblings go, and the numbers are those of the generations that were made."""
    stored = refresh(make({"a": ["Yes.", "No."]}), V2, {"a": ["Maybe."]}, add=True).after
    plan = refresh(stored, V2, {"a": ["Maybe.", "Maybe.", "No."]}, only=True)
    assert plan.changed == ("a",)
    assert texts_of(plan) == {"No.": 1, "Maybe.": 2}
    assert refresh(plan.after, V2, {"a": ["No.", "Maybe.", "Maybe."]}, only=True).unchanged == ("a",)


def test_alone_counts_what_its_own_prompt_made() -> None:
    """What another prompt generated goes, and what was accepted of this one beside it stands for one generation."""
    stored = refresh(make({"a": ["Yes.", "No."]}), V2, {"a": ["Maybe."]}, add=True).after
    plan = refresh(stored, V2, {"a": ["Maybe.", "Maybe."]}, alone=True)
    assert plan.changed == ("a",)
    assert texts_of(plan) == {"Maybe.": 2}
    assert texts_of(refresh(stored, V1, {"a": ["No.", "Yes."]}, alone=True)) == {"Yes.": 1, "No.": 1}


def test_one_changed_generation_changes_few_lines() -> None:
    """Of three generations one says something else: git's diff has that text and the record's digest."""
    before = make({"a": ["First.", "Second.", "Third."], "b": "B."})
    after = refresh(before, V1, {"a": ["First.", "Other.", "Third."]}).after
    assert after is not None
    lines = unified_diff(render(before).splitlines(), render(after).splitlines(), lineterm="", n=0)
    assert len([line for line in lines if re.match("[-+] ", line)]) <= 10
