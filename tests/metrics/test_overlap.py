"""ROUGE-L: bit-equal to rouge-score where its words can be trusted, sensible where they cannot; and exact equality."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from pytest_promptreg.errors import MetricError
from pytest_promptreg.metrics import MetricSettings, Pair, create

ASCII = st.text(alphabet=st.characters(codec="ascii", exclude_characters="_"), max_size=60)
ASCII_WORDS = st.lists(
    st.sampled_from(["the", "The", "cat", "sat", "on", "mat.", "1,000", "don't", "U.S.", "end!", "(x)"]), max_size=25
)
TEXTS = st.text(max_size=60) | ASCII | ASCII_WORDS.map(" ".join)
rouge = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)


def score(name: str, output: str, baseline: str, rouge_tokens: str = "unicode") -> float:
    (value,) = create(name, MetricSettings(rouge_tokens=rouge_tokens)).score([Pair(output, baseline)])
    return value


@given(ASCII | ASCII_WORDS.map(" ".join), ASCII | ASCII_WORDS.map(" ".join))
@settings(max_examples=120)
def test_rouge_l_is_rouge_scores_on_ascii(output: str, baseline: str) -> None:
    """ROUGE-L of unequal ASCII texts without underscores is rouge-score's F1 to the last bit."""
    assume(output.split() != baseline.split())
    assert score("rouge_l", output, baseline) == rouge.score(baseline, output)["rougeL"].fmeasure


@given(TEXTS, TEXTS)
@settings(max_examples=120)
def test_rouge_l_with_rouge_scores_tokens_is_its(output: str, baseline: str) -> None:
    """With ``rouge_tokens="rouge-score"`` it is rouge-score's on any unequal texts."""
    assume(output.split() != baseline.split())
    assert score("rouge_l", output, baseline, "rouge-score") == rouge.score(baseline, output)["rougeL"].fmeasure


def test_rouge_l_of_whole_answers_is_rouge_scores() -> None:
    """So it is on texts of hundreds of words, where the subsequence is longer than a machine word has bits."""
    baseline = " ".join(f"word{number * 7919 % 97}" for number in range(400))
    words = baseline.split()
    for output in (words[::-1], words[::2], words[50:] + words[:50], words[:200] + ["new"] * 30 + words[230:]):
        text = " ".join(output)
        assert score("rouge_l", text, baseline) == rouge.score(baseline, text)["rougeL"].fmeasure


@given(TEXTS, TEXTS)
def test_exact_is_equality(output: str, baseline: str) -> None:
    """1 for equal texts, 0 for all others: no normalisation."""
    assert score("exact", output, baseline) == float(output == baseline)
    assert score("exact", output, f"{output} ") == 0


@pytest.mark.parametrize(
    ("output", "baseline", "expected"),
    [
        ("今天天气很好", "今天天气不好", 5 / 6),
        ("今天天气很好", "再见朋友们啊", 0.0),
        ("東京は晴れ", "東京は雨", 2 * 3 / 9),
        ("Это большой дом", "Это маленький дом", 2 / 3),
        ("Это большой ДОМ", "это БОЛЬШОЙ дом", 1.0),
        ("هذا بيت كبير", "هذا بيت صغير", 2 / 3),
        ("สวัสดีครับ", "สวัสดีค่ะ", None),
        ("오늘 날씨", "오늘 기분", 0.5),
        ("Straße GROSS", "STRASSE groß", 1.0),
        ("naïve café", unicodedata.normalize("NFD", "naïve café"), 1.0),
        ("日本 2024", "日本 2025", 2 * 2 / 6),
        ("Ελληνικά κείμενα", "ΕΛΛΗΝΙΚΆ ΚΕΊΜΕΝΑ", 1.0),
        ("snake_case name", "snake case name", 1.0),
    ],
)
def test_rouge_l_reads_every_script(output: str, baseline: str, expected: float | None) -> None:
    """Words of any script count, folded; scripts without spaces count by character."""
    value = score("rouge_l", output, baseline)
    assert 0.3 < value < 0.95 if expected is None else value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("output", "baseline"),
    [
        ("दिन अच्छा है", "दीन अच्छा है"),
        ("যাও", "যাই"),
        ("தமிழ்", "தமழ"),
        ("שָׁלוֹם", "שָׁלִים"),
        ("கி", "கு"),
    ],
)
def test_vowel_signs_are_part_of_the_word(output: str, baseline: str) -> None:
    """Words that differ in a vowel sign or mark only are different words."""
    assert score("rouge_l", output, baseline) < 1


def test_two_different_words_of_hindi_are_one_token_each() -> None:
    """A word with vowel signs is one word, not its consonants."""
    assert score("rouge_l", "हिन्दी भाषा", "हिन्दी किताब") == pytest.approx(0.5)


@given(st.text(), st.text())
@settings(max_examples=100)
def test_rouge_l_is_symmetric(output: str, baseline: str) -> None:
    """F1 does not know which text is the expected one."""
    assert score("rouge_l", output, baseline) == score("rouge_l", baseline, output)


@pytest.mark.parametrize("tokens", ["unicode", "rouge-score"])
def test_white_space_makes_no_difference(tokens: str) -> None:
    """Texts that are equal but for white space score 1, by any tokens, though they may have none."""
    for text in ("a b", "猫 猫", "🙂 🙂", "-- ."):
        assert score("rouge_l", text.replace(" ", "\n\n "), f" {text}\t", tokens) == 1


def test_the_tokens_are_in_rouge_ls_signature() -> None:
    """Scores by different tokens are not comparable, and the signature says so."""
    signatures = [create("rouge_l", MetricSettings(rouge_tokens=t)).signature() for t in ("unicode", "rouge-score")]
    assert signatures == ["rouge_l|v2|f1|tok:unicode", "rouge_l|v2|f1|tok:rouge-score"]


def test_unknown_tokens_are_refused() -> None:
    """A misspelt name is an error that says what was meant, for the score as for the signature."""
    metric = create("rouge_l", MetricSettings(rouge_tokens="rouge_score"))
    for ask in (metric.signature, lambda: metric.score([])):
        with pytest.raises(MetricError, match="unknown tokens 'rouge_score' for rouge_l") as error:
            ask()
        assert error.value.next_step == "did you mean 'rouge-score'?"
