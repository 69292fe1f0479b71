"""What holds of every metric over words and characters: range, order, edge cases, signatures, and what is imported."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.metrics import METRICS, MetricSettings, Pair, create

SURFACE = [name for name, info in METRICS.items() if info.room in {"ngrams", "overlap"}]
BLANK = ["", " ", "\n\t ", "\u3000"]
TEXTS = st.text(max_size=40) | st.lists(
    st.sampled_from(["the", "The", "cat", "1,000", "don't", "Paris", "猫", "end!", "🙂", "\n"]), max_size=15
).map(" ".join)


def score(name: str, output: str, baseline: str) -> float:
    (value,) = create(name, MetricSettings()).score([Pair(output, baseline)])
    return value


def test_the_metrics_of_this_file_are_all_of_their_kind() -> None:
    """The tests below run for each of them."""
    assert set(SURFACE) == {"bleu", "chrf", "exact", "rouge_l", "token_recall", "novel_recall"}


@pytest.mark.parametrize("name", SURFACE)
@given(st.lists(st.builds(Pair, TEXTS, TEXTS, st.none()), max_size=5), TEXTS)
@settings(max_examples=40)
def test_scores_are_in_range_and_in_order(name: str, pairs: list[Pair], text: str) -> None:
    """One score for each pair, in order, within the metric's bounds; equal texts have the best, the empty one too."""
    info = METRICS[name]
    metric = create(name, MetricSettings())
    scores = metric.score([*pairs, Pair(text, text), Pair("", "")])
    assert scores[-2:] == [info.best, info.best]
    assert all(info.low <= value <= info.high + 1e-9 for value in scores)
    assert scores[:-2] == [metric.score([pair])[0] for pair in pairs]
    assert {type(value) for value in scores} == {float}


@pytest.mark.parametrize("name", SURFACE)
@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("text", ["The cat sat.", "猫", "🙂", "...", "<skipped>", "\u200b"])
def test_a_blank_text_against_another_is_the_worst(name: str, blank: str, text: str) -> None:
    """No answer where there should be one scores 0, in either place, whatever the other text is made of."""
    assert score(name, blank, text) == 0
    assert score(name, text, blank) == 0


@pytest.mark.parametrize("name", [name for name in SURFACE if name != "exact"])
@pytest.mark.parametrize("blank", BLANK)
def test_two_blank_texts_are_equal(name: str, blank: str) -> None:
    """Nothing was expected and nothing came: the best score, whichever white space there is."""
    assert score(name, blank, "  ") == METRICS[name].best


@pytest.mark.parametrize("name", SURFACE)
@pytest.mark.parametrize(
    ("output", "baseline"), [("🙂", "🙃"), ("...", "!!!"), ("+", "-"), ("\u200b", "\u200c"), ("\ud800", "\udc00")]
)
def test_different_texts_without_words_are_the_worst(name: str, output: str, baseline: str) -> None:
    """Symbols that differ have nothing in common; that there are no words to compare makes them no more alike."""
    assert score(name, output, baseline) == 0


@pytest.mark.parametrize("name", SURFACE)
@given(TEXTS, TEXTS)
@settings(max_examples=40)
def test_no_score_is_nan(name: str, output: str, baseline: str) -> None:
    """Whatever two texts are, their score is a number."""
    assert math.isfinite(score(name, output, baseline))


@pytest.mark.parametrize("name", SURFACE)
def test_a_signature_is_one_line_with_a_version(name: str) -> None:
    """It names the metric and our version of it, and is the same each time."""
    signature = create(name, MetricSettings()).signature()
    assert signature.split("|")[0] == name
    assert signature.split("|")[1] in {"v1", "v2"}
    assert signature.isprintable()
    assert signature == create(name, MetricSettings()).signature()


def modules_after(code: str) -> set[str]:
    """The top-level packages that a fresh process has imported after ``code``."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


SCORE_ALL = f"""
from pytest_promptreg.metrics import MetricSettings, Pair, create
for name in {SURFACE}:
    for tokens in ("unicode", "rouge-score"):
        metric = create(name, MetricSettings(rouge_tokens=tokens))
        metric.signature()
        metric.score([Pair("The cat sat.", "The cat sat on the mat.")])
        metric.score([Pair("猫が座る", "猫は座る"), Pair("你好吗", "你好")])
"""


def test_scoring_imports_no_heavy_package() -> None:
    """All of them score without the packages that they equal, and without what those bring along."""
    heavy = {"nltk", "rouge_score", "sacrebleu", "scipy", "absl", "lxml", "pandas", "torch", "regex", "six"}
    loaded = modules_after(SCORE_ALL)
    assert "numpy" in loaded
    assert not heavy & loaded


def test_making_metrics_and_their_signatures_imports_less_still() -> None:
    """numpy and rapidfuzz wait for the first score."""
    code = f"""
from pytest_promptreg.metrics import MetricSettings, create
for name in {SURFACE}:
    create(name, MetricSettings()).signature()
"""
    assert not {"numpy", "rapidfuzz", "sacrebleu", "rouge_score", "nltk"} & modules_after(code)
