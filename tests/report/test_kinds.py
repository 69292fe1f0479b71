"""Kinds of change: what the signals found, in plain words, grouped and the most harmful first."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.judging.gates import Verdict
from pytest_promptreg.report.kinds import KINDS, Group, groups, kinds_of, sentence
from pytest_promptreg.results.outcome import CaseOutcome
from pytest_promptreg.signals import SIGNALS, look


def changed(before: str, after: str, example: str = "a", verdict: str = "changed", **more: Any) -> CaseOutcome:
    """A case with what the signals really say of two texts."""
    findings = {name: found.detail for name, found in look(after, before).items() if found.detail}
    return CaseOutcome("s", "v2", example, verdict, output=after, accepted=before, **{"findings": findings, **more})


LONG = "The tenants of the house on the lane are asked to store some water before the work begins in the morning"
GERMAN = "Die Mieter des Hauses in der Gasse werden gebeten, vor dem Beginn der Arbeiten etwas Wasser zu lagern"


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        ("Yes.", "  \n", ("empty",)),
        ('{"a": 1, "b": "x"}', "", ("empty",)),
        ('{"a": true}', "It is true.", ("no JSON",)),
        ('{"age": 36}', '{"age": "36"}', ("JSON shape",)),
        ("It was sunny all day.", "I'm sorry, but I can't help with that request.", ("refusal",)),
        ("I'm sorry, but I can't help with that request.", "It was sunny all day.", ("answer", "negation lost")),
        (LONG, GERMAN, ("language", "name gained")),
        ("It ends well.", "It ends well." + " And so on and so forth it goes." * 12, ("loop",)),
        ("Bread, milk and tea.", "- bread\n- milk\n- tea\n", ("form",)),
        ("It took 42 days.", "It took 24 days.", ("number changed",)),
        ("It took 42 days.", "It took days.", ("number lost",)),
        ("It took days.", "It took 42 days.", ("number gained",)),
        ("He did not pay.", "He did pay.", ("negation lost",)),
        ("He did pay.", "He did not pay.", ("negation gained",)),
        ("Then Alice paid.", "Then Bob paid.", ("name changed",)),
        ("See http://a.org for more.", "See more.", ("address lost", "symbol")),
        (LONG, "The tenants store water.", ("shorter",)),
        ("Alice owes Bob money.", "Bob owes Alice money.", ("order",)),
        ("The sky is blue.", "The sky looks blue.", ("reworded",)),
    ],
)
def test_what_the_signals_find_is_a_kind(before: str, after: str, kinds: tuple[str, ...]) -> None:
    """Each signal's finding, with the way that it went, becomes one kind; what two signals see is told once."""
    assert kinds_of(changed(before, after)) == kinds


def test_every_kind_is_found_by_a_signal() -> None:
    """No signal's finding falls through to a word that says nothing."""
    details = {"refusal": "refuses, the baseline answered", "length_ratio": "9 times as long"}
    for name in SIGNALS:
        case = CaseOutcome("s", "v", "a", "changed", findings={name: details.get(name, "lost x")})
        assert not {"other", "reworded"} & set(kinds_of(case)), name


@pytest.mark.parametrize("verdict", ["unchanged", "missing", "incomparable", "error"])
def test_what_was_not_changed_is_of_no_kind(verdict: str) -> None:
    """Only outputs that were compared and differ are counted."""
    assert kinds_of(changed("It took 42 days.", "It took days.", verdict=verdict)) == ()


def test_groups_are_told_by_harm_in_a_sentence() -> None:
    """A case may be in several groups; the most harmful kind comes first, however few cases it has."""
    refusal = "I'm sorry, but I can't help with that request."
    cases = [
        changed("It took 42 days.", "It took days.", "a"),
        changed("It took 7 days.", refusal, "b", "breached"),
        changed("The sky is blue.", "The sky looks blue.", "c"),
    ]
    found = groups(cases)
    assert [(group.kind.name, group.examples) for group in found] == [
        ("refusal", ["b"]),
        ("number lost", ["a"]),
        ("reworded", ["c"]),
    ]
    assert sentence(found) == "1 output became a refusal, 1 lost a number, 1 is reworded"
    assert sentence([Group(KINDS["form"], cases)]) == "3 outputs came in another form"
    assert sentence([]) == ""


@given(
    st.lists(
        st.builds(
            CaseOutcome,
            st.just("s"),
            st.just("v"),
            st.text(max_size=3),
            st.sampled_from([str(verdict) for verdict in Verdict]),
            findings=st.dictionaries(st.sampled_from([*SIGNALS, "x\n::error::"]), st.text(max_size=20)),
        )
    )
)
def test_every_changed_case_is_in_a_group(cases: list[CaseOutcome]) -> None:
    """Whatever a finding says, no changed case is left out, none is twice in a group, and words are only ours."""
    found = groups(cases)
    of_any = {id(case) for group in found for case in group.cases}
    assert of_any == {id(case) for case in cases if case.verdict in {"changed", "breached"}}
    for group in found:
        assert len({id(case) for case in group.cases}) == len(group.cases)
        assert group.kind is KINDS[group.kind.name]
