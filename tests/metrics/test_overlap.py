"""Surface metrics: bit-equal to the field's own packages where those can be trusted, sensible where they cannot."""

from __future__ import annotations

import unicodedata

import pytest
import sacrebleu
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from pytest_promptreg.metrics import METRICS, MetricSettings, create

ASCII = st.text(alphabet=st.characters(codec="ascii", exclude_characters="_"), max_size=60)
ASCII_WORDS = st.lists(
    st.sampled_from(["the", "The", "cat", "sat", "on", "mat.", "1,000", "don't", "U.S.", "end!", "(x)"]), max_size=25
)
TEXTS = st.text(max_size=60) | ASCII | ASCII_WORDS.map(" ".join)
SURFACE = [name for name, info in METRICS.items() if info.room == "surface"]
rouge = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)


def score(name: str, text: str, other: str, rouge_tokens: str = "unicode") -> float:
    (value,) = create(name, MetricSettings(rouge_tokens=rouge_tokens)).score([(text, other)])
    return value


@given(TEXTS, TEXTS)
@settings(deadline=None, max_examples=200)
def test_bleu_is_sacrebleus(text: str, other: str) -> None:
    """BLEU of unequal texts is sacrebleu's sentence BLEU to the last bit."""
    assume(text != other)
    assert score("bleu", text, other) == sacrebleu.sentence_bleu(text, [other]).score


@given(TEXTS, TEXTS)
@settings(deadline=None, max_examples=200)
def test_chrf_is_sacrebleus(text: str, other: str) -> None:
    """chrF of unequal texts is sacrebleu's sentence chrF to the last bit."""
    assume(text != other)
    assert score("chrf", text, other) == sacrebleu.sentence_chrf(text, [other]).score


@given(ASCII | ASCII_WORDS.map(" ".join), ASCII | ASCII_WORDS.map(" ".join))
@settings(deadline=None, max_examples=200)
def test_rouge_l_is_rouge_scores_on_ascii(text: str, other: str) -> None:
    """ROUGE-L of unequal ASCII texts without underscores is rouge-score's F1 to the last bit."""
    assume(text != other)
    assert score("rouge_l", text, other) == rouge.score(other, text)["rougeL"].fmeasure


@given(TEXTS, TEXTS)
@settings(deadline=None, max_examples=200)
def test_rouge_l_with_rouge_scores_tokens_is_its(text: str, other: str) -> None:
    """With ``rouge_tokens="rouge-score"`` it is rouge-score's on any unequal texts."""
    assume(text != other)
    assert score("rouge_l", text, other, "rouge-score") == rouge.score(other, text)["rougeL"].fmeasure


@pytest.mark.parametrize("name", SURFACE)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5), TEXTS)
@settings(deadline=None, max_examples=60)
def test_scores_are_in_range_and_in_order(name: str, pairs: list[tuple[str, str]], text: str) -> None:
    """One score for each pair, in order, within the metric's bounds; equal texts have the best, the empty one too."""
    info = METRICS[name]
    metric = create(name, MetricSettings())
    scores = metric.score([*pairs, (text, text), ("", "")])
    assert scores[-2:] == [info.high, info.high]
    assert all(info.low <= value <= info.high + 1e-9 for value in scores)
    assert scores[:-2] == [metric.score([pair])[0] for pair in pairs]
    assert {type(value) for value in scores} == {float}


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_exact_is_equality(text: str, other: str) -> None:
    """1 for equal texts, 0 for all others: no normalisation."""
    assert score("exact", text, other) == float(text == other)


@pytest.mark.parametrize("name", ["bleu", "chrf", "rouge_l", "exact"])
def test_no_text_against_a_text_is_the_worst(name: str) -> None:
    """An empty answer where there should be one scores 0, in either place."""
    assert score(name, "", "The cat sat.") == 0
    assert score(name, "The cat sat.", "") == 0


@pytest.mark.parametrize(
    ("text", "other", "expected"),
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
        ("🙂", "🙃", 0.0),
    ],
)
def test_rouge_l_reads_every_script(text: str, other: str, expected: float | None) -> None:
    """Words of any script count, folded; scripts without spaces count by character."""
    value = score("rouge_l", text, other)
    assert 0.3 < value < 0.95 if expected is None else value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("दिन अच्छा है", "दीन अच्छा है"),
        ("যাও", "যাই"),
        ("தமிழ்", "தமழ"),
        ("שָׁלוֹם", "שָׁלִים"),
        ("கி", "கு"),
    ],
)
def test_vowel_signs_are_part_of_the_word(text: str, other: str) -> None:
    """Words that differ in a vowel sign or mark only are different words."""
    assert score("rouge_l", text, other) < 1


def test_two_different_words_of_hindi_are_one_token_each() -> None:
    """A word with vowel signs is one word, not its consonants."""
    assert score("rouge_l", "हिन्दी भाषा", "हिन्दी किताब") == pytest.approx(0.5)


@given(st.text(min_size=1), st.text(min_size=1))
@settings(deadline=None, max_examples=100)
def test_rouge_l_is_symmetric(text: str, other: str) -> None:
    """F1 does not know which text is the expected one."""
    assert score("rouge_l", text, other) == score("rouge_l", other, text)


@pytest.mark.parametrize("name", SURFACE)
def test_signatures_tell_settings_apart(name: str) -> None:
    """A signature is one line that names its metric, the same each time."""
    signature = create(name, MetricSettings()).signature()
    assert signature.startswith(name)
    assert "\n" not in signature
    assert signature == create(name, MetricSettings()).signature()


def test_the_tokens_are_in_rouge_ls_signature() -> None:
    """Scores by different tokens are not comparable, and the signature says so."""
    signatures = {create("rouge_l", MetricSettings(rouge_tokens=t)).signature() for t in ("unicode", "rouge-score")}
    assert len(signatures) == 2


@pytest.mark.parametrize("name", ["bleu", "chrf"])
def test_signatures_say_what_sacrebleu_says(name: str) -> None:
    """The settings in the signature are those that sacrebleu itself reports for what was computed."""
    scorer = sacrebleu.BLEU(effective_order=True) if name == "bleu" else sacrebleu.CHRF()
    scorer.sentence_score("a", ["b"])
    own = str(scorer.get_signature()).split("|")
    said = create(name, MetricSettings()).signature().split("|")
    assert said[0] == name
    assert sorted(said[1:-1]) == sorted(own[:-1])
    assert own[-1].startswith(said[-1] + ".")
