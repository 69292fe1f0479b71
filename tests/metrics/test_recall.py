"""Recalls: of all of the baseline's words, and of those that the inputs did not give away."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_promptreg.metrics import MetricSettings, Pair, create
from pytest_promptreg.model import Example, ScoredCase

WORDS = st.lists(
    st.sampled_from(["Paris", "the", "cat", "1901", "tower", "is", "猫", "two", "NASA", "."]), max_size=12
).map(" ".join)
TEXTS = st.text(max_size=40) | WORDS
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def token_recall(output: str, baseline: str) -> float:
    (value,) = create("token_recall", MetricSettings()).score([Pair(output, baseline)])
    return value


def novel_recall(output: str, baseline: str, inputs: dict[str, Any] | None = None) -> float:
    case = None if inputs is None else ScoredCase(Example("x", inputs))
    (value,) = create("novel_recall", MetricSettings()).score([Pair(output, baseline, case)])
    return value


@pytest.mark.parametrize(
    ("output", "baseline", "expected"),
    [
        ("The first prize went to Wilhelm Conrad Röntgen in 1901.", "wilhelm röntgen", 1.0),
        ("It went to Marie Curie.", "Wilhelm Röntgen", 0.0),
        ("It went to Wilhelm Wien.", "Wilhelm Röntgen", 0.5),
        ("one cat", "cat cat cat cat", 0.25),
        ("cat cat cat cat", "cat", 1.0),
        ("首都是北京。", "北京", 1.0),
        ("I feel 🙂 today", " 🙂 ", 1.0),
        ("I feel 🙃 today", "🙂", 0.0),
        ("no words: ...", "...", 1.0),
    ],
)
def test_token_recall_is_the_share_of_the_baselines_words(output: str, baseline: str, expected: float) -> None:
    """What else the output says does not count; a word that stands twice is wanted twice."""
    assert token_recall(output, baseline) == expected


@given(TEXTS, TEXTS, TEXTS)
@settings(max_examples=150)
def test_saying_more_does_not_lower_a_token_recall(output: str, baseline: str, more: str) -> None:
    """An output within which the expected answer stands scores 1, and more words never make a score lower."""
    assume(baseline.strip())
    assert token_recall(f"{output}\n{more}", baseline) >= token_recall(output, baseline)
    assert token_recall(f"{more}\n{baseline}\n{output}", baseline) == 1


QUESTION = {"question": "Who got the first Nobel Prize in Physics?"}
ANSWER = "The first Nobel Prize in Physics was awarded to Wilhelm Röntgen in 1901."


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("In 1901, Wilhelm Röntgen.", 12 / 13),
        ("It was awarded in 1901 to wilhelm RÖNTGEN for X-rays.", 1.0),
        ("The first Nobel Prize in Physics was awarded to Marie Curie in 1903.", 1 / 13),
        ("The first Nobel Prize in Physics", 0.0),
        ("Röntgen", 4 / 13),
        ("Awards of Röntgen?", 4 / 13),
        ("It was awardedly so.", 1 / 13),
    ],
)
def test_novel_recall_weighs_what_the_question_does_not_say(output: str, expected: float) -> None:
    """Names and numbers weigh four, ordinary words one, function words and the question's own words nothing."""
    assert novel_recall(output, ANSWER, QUESTION) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("output", "baseline", "expected"),
    [
        ("the towers increase, cats", "the tower increased; cat", 1.0),
        ("gas", "cats", 0.0),
        ("Robertson", "we met Roberts", 0.0),
        ("roberts came", "we met Roberts", 4 / 5),
        ("1901 people", "1,901 people", 1.0),
        ("2 people", "two people", 1.0),
        ("3 people", "two people", 1 / 5),
        ("pi is 3.14", "pi is 3.15", 0.0),
        ("Yes, it is.", "No, it is.", 0.0),
        ("we know about it", "we know about NASA", 1 / 5),
        ("it asked us", "it asked US", 1.0),
        ("it asked them", "it asked US", 1 / 5),
        ("in June", "in May", 0.0),
        ("I think C", "I think B", 1 / 2),
        ("with vitamin D", "with a vitamin B", 1 / 2),
        ("首都是上海", "首都是北京", 3 / 5),
        ("Это большой дом", "это Большой театр", 5 / 6),
    ],
)
def test_novel_recall_of_single_changes(output: str, baseline: str, expected: float) -> None:
    """Stems of ordinary words, whole names, numbers by their value; without a case every word is novel."""
    assert novel_recall(output, baseline) == pytest.approx(expected)


@pytest.mark.parametrize(
    "inputs",
    [
        {"q": "Paris 1889 tower"},
        {"a": "paris", "b": ["TOWER", {"year": 1889}]},
        {"a": {"Paris": None, "tower": True, "1889": 0}},
        {"a": [["towers, Paris"], 1889]},
    ],
)
def test_inputs_are_read_wherever_they_stand(inputs: dict[str, Any]) -> None:
    """Texts, numbers and keys, however deep in the inputs, are given; what they leave over is all that counts."""
    baseline = "It is the Paris tower of 1889 by Eiffel"
    assert novel_recall("By Eiffel, I think.", baseline, inputs) == 1
    assert novel_recall("The tower of Paris, 1889.", baseline, inputs) == 0


def test_the_names_of_inputs_are_not_given() -> None:
    """A template's variable is called something, which the model does not see."""
    assert novel_recall("a dog", "a house", {"house": "a"}) == 0


@pytest.mark.parametrize(
    ("output", "expected"), [("positive", 1.0), ("Positive.", 1.0), ("negative", 0.0), ("positive or negative", 0.5)]
)
def test_an_answer_out_of_the_inputs_is_scored_by_all_words(output: str, expected: float) -> None:
    """Where nothing in the baseline is novel, it is the F1 of the words: a label is right or wrong."""
    assert novel_recall(output, "positive", {"labels": ["positive", "negative"]}) == expected


def test_names_are_no_names_at_a_sentences_start() -> None:
    """A capital there says nothing, unless the word has it elsewhere too."""
    assert novel_recall("towers", "Houses stood there. Towers! Tall Hills") == pytest.approx(1 / 8)
    assert novel_recall("Hills", "Hills stood. The green Hills") == pytest.approx(4 / 6)


@given(TEXTS, TEXTS, st.dictionaries(TEXTS, JSON, max_size=3))
@settings(max_examples=150)
def test_novel_recall_of_anything_is_in_range(output: str, baseline: str, inputs: dict[str, Any]) -> None:
    """Whatever JSON the inputs are, the score is between 0 and 1, and 1 for the baseline with something added."""
    assert 0 <= novel_recall(output, baseline, inputs) <= 1
    assert novel_recall(baseline, baseline, inputs) == 1


def test_a_pairs_score_does_not_depend_on_other_pairs() -> None:
    """The weights are the pair's own: no corpus shapes them."""
    pairs = [Pair("Röntgen", ANSWER), Pair("the cat", "the cats sat"), Pair("", "x"), Pair("Röntgen 1901", ANSWER)]
    metric = create("novel_recall", MetricSettings())
    assert metric.score(pairs) == [metric.score([pair])[0] for pair in pairs]
    assert metric.score(pairs[::-1]) == metric.score(pairs)[::-1]


def test_the_signatures_tell_the_weights() -> None:
    """What shapes the scores is in them."""
    assert create("token_recall", MetricSettings()).signature() == "token_recall|v1|tok:unicode"
    signature = create("novel_recall", MetricSettings()).signature()
    assert signature == "novel_recall|v1|name:4|number:4|stem:6|stop:en|else:f1"
