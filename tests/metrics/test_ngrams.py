"""BLEU and chrF: sacrebleu's sentence scores to the last bit, and the two cases where they are not."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest
import sacrebleu
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pytest_promptreg.errors import MetricError
from pytest_promptreg.metrics import MetricSettings, Pair, create
from pytest_promptreg.metrics.ngrams import common_ngrams

FIXED = ["13a", "zh", "char", "intl", "none"]
WORDS = st.lists(
    st.sampled_from(
        ["the", "The", "cat", "sat", "mat.", "1,000", "3.5", "don't", "U.S.", "(x)", "今天", "天气", "—", "é"]
    ),
    max_size=30,
).map(" ".join)
TEXTS = st.text(max_size=60) | WORDS


def edited(text: str, seed: int) -> str:
    """The text with some of its words dropped, doubled or exchanged: as like to it as a regenerated answer is."""
    chance = random.Random(seed)  # noqa: S311  the same text each time
    words = []
    for word in text.split(" "):
        words += chance.choice([[word]] * 6 + [[], [word, word], ["other"], [word.upper() + "."]])
    return " ".join(words)


ALIKE = st.tuples(TEXTS, st.integers(0, 1000)).map(lambda drawn: (edited(*drawn), drawn[0]))
PAIRS = st.tuples(TEXTS, TEXTS) | ALIKE


def score(name: str, output: str, baseline: str, tokens: str = "auto") -> float:
    (value,) = create(name, MetricSettings(bleu_tokens=tokens)).score([Pair(output, baseline)])
    return value


def paragraph(seed: int, length: int) -> str:
    chance = random.Random(seed)  # noqa: S311  the same text each time
    words = ["".join(chance.choices("etaoinshrdlcumfpgwybvk", k=chance.randint(1, 9))) for _ in range(200)]
    return " ".join(chance.choice(words) + chance.choice(["", "", "", ",", ".", "’s"]) for _ in range(length))


@pytest.mark.parametrize("tokens", FIXED)
def test_bleu_is_sacrebleus(tokens: str) -> None:
    """BLEU of unequal texts is sacrebleu's sentence BLEU to the last bit, by each of its tokenizers."""
    scorer = sacrebleu.BLEU(effective_order=True, tokenize=tokens)

    @given(PAIRS)
    @example(("a b c d e", "a  b c d e"))
    @example(("<skipped>", "<skipped> "))
    @example(("one", "two"))
    @settings(max_examples=80)
    def holds(pair: tuple[str, str]) -> None:
        output, baseline = pair
        assume(output != baseline and (output.strip() or baseline.strip()))
        assert score("bleu", output, baseline, tokens) == scorer.sentence_score(output, [baseline]).score

    holds()


@given(PAIRS)
@example(("ab", "a b"))
@settings(max_examples=150)
def test_chrf_is_sacrebleus(pair: tuple[str, str]) -> None:
    """ChrF of unequal texts is sacrebleu's sentence chrF to the last bit."""
    output, baseline = pair
    assume(output != baseline and (output.strip() or baseline.strip()))
    assert score("chrf", output, baseline) == sacrebleu.sentence_chrf(output, [baseline]).score


@pytest.mark.parametrize("name", ["bleu", "chrf"])
@pytest.mark.parametrize("length", [20, 80, 400])
def test_whole_answers_score_as_in_sacrebleu(name: str, length: int) -> None:
    """So do texts of the length of real answers, edited a little and not at all alike."""
    scorer = sacrebleu.BLEU(effective_order=True) if name == "bleu" else sacrebleu.CHRF()
    for seed in range(5):
        baseline = paragraph(seed, length)
        for output in (edited(baseline, seed), paragraph(seed + 100, length)):
            assert output != baseline
            assert score(name, output, baseline) == scorer.sentence_score(output, [baseline]).score


def test_texts_of_a_thousand_characters_that_all_differ() -> None:
    """More different characters than fit into one number are counted one by one, to the same score."""
    signs = [chr(code) for code in range(0x4E00, 0x4E00 + 1500)]
    baseline = "".join(signs)
    output = "".join(signs[:700] + signs[650:1400])
    assert score("chrf", output, baseline) == sacrebleu.sentence_chrf(output, [baseline]).score


def intersections(items: Sequence[str], others: Sequence[str], order: int) -> list[int]:
    """What :func:`common_ngrams` gives, said in Counters."""
    counted = [
        [Counter(zip(*(side[i:] for i in range(n)), strict=False)) for side in (items, others)]
        for n in range(1, order + 1)
    ]
    return [(here & there).total() for here, there in counted]


@given(
    st.lists(st.sampled_from("abcde"), max_size=30),
    st.lists(st.sampled_from("abcdef"), max_size=30),
    st.integers(1, 6),
)
@settings(max_examples=150)
def test_common_ngrams_are_the_intersection(items: list[str], others: list[str], order: int) -> None:
    """For each length, as many as the intersection of both sides' n-grams has; words and characters alike."""
    expected = intersections(items, others, order)
    assert common_ngrams(items, others, order) == expected
    assert common_ngrams("".join(items), "".join(others), order) == expected


@pytest.mark.parametrize("distinct", [1021, 1022, 1023, 1024])
def test_the_widest_numbers_still_fit(distinct: int) -> None:
    """Just before and after the number of characters up to which n-grams are packed, the counts are right."""
    text = "".join(map(chr, range(0x4E00, 0x4E00 + distinct)))
    other = text[3:] + text[:3]
    assert common_ngrams(text, other, 6) == intersections(text, other, 6)


@pytest.mark.parametrize(
    ("baseline", "output", "tokens"),
    [
        ("今天天气很好，我们去公园。", "今天天气不好，我们去公园。", "zh"),
        ("東京は今日とても暑いです。", "東京は今日とても寒いです。", "char"),
        ("วันนี้อากาศดีมาก", "วันนี้อากาศไม่ดีมาก", "char"),
        ("ມື້ນີ້ອາກາດດີຫຼາຍ", "ມື້ນີ້ອາກາດບໍ່ດີ", "char"),
        ("ថ្ងៃនេះអាកាសធាតុល្អណាស់", "ថ្ងៃនេះអាកាសធាតុមិនល្អ", "char"),
        ("ဒီနေ့ ရာသီဥတု ကောင်းတယ်", "ဒီနေ့ ရာသီဥတု ဆိုးတယ်", "char"),
        ("The cat sat on the mat.", "The cat sat on a mat.", "13a"),
        ("Сегодня хорошая погода, идём.", "Сегодня плохая погода, идём.", "13a"),
        ("오늘은 날씨가 정말 좋네요.", "오늘은 날씨가 정말 나쁘네요.", "13a"),
        ("الطقس جميل اليوم في المدينة.", "الطقس سيئ اليوم في المدينة.", "13a"),
        ("42 + 1 = 43", "42 + 1 = 44", "13a"),
    ],
)
def test_the_tokenizer_is_chosen_by_the_baselines_script(baseline: str, output: str, tokens: str) -> None:
    """Left to itself BLEU takes the tokenizer that can read the baseline, and a small change leaves a score above 0."""
    value = score("bleu", output, baseline)
    assert value == sacrebleu.sentence_bleu(output, [baseline], tokenize=tokens).score
    assert 20 < value < 100


def test_the_output_does_not_choose_the_tokenizer() -> None:
    """An answer in the wrong language is read as the baseline is."""
    output, baseline = "今天 cat sat", "The cat sat"
    assert score("bleu", output, baseline) == score("bleu", output, baseline, "13a")
    assert score("bleu", baseline, output * 3) == score("bleu", baseline, output * 3, "13a")
    assert score("bleu", "今天天气很好", "今天天气") == score("bleu", "今天天气很好", "今天天气", "zh")


def test_an_unknown_tokenizer_is_refused() -> None:
    """A misspelt name is an error that says what was meant, for the score as for the signature."""
    metric = create("bleu", MetricSettings(bleu_tokens="13b"))
    for ask in (metric.signature, lambda: metric.score([])):
        with pytest.raises(MetricError, match="unknown tokens '13b' for bleu") as error:
            ask()
        assert error.value.next_step == "did you mean '13a'?"


@pytest.mark.parametrize(("name", "tokens"), [("chrf", "auto"), *(("bleu", tokens) for tokens in FIXED)])
def test_signatures_say_what_sacrebleu_says(name: str, tokens: str) -> None:
    """The settings in the signature are those that sacrebleu itself reports for what was computed."""
    scorer = sacrebleu.BLEU(effective_order=True, tokenize=tokens) if name == "bleu" else sacrebleu.CHRF()
    scorer.sentence_score("a", ["b"])
    own = str(scorer.get_signature()).split("|")
    said = create(name, MetricSettings(bleu_tokens=tokens)).signature().split("|")
    assert said[:2] == [name, "v2"]
    assert said[2:-1] == own[:-1]
    assert own[-1].startswith(said[-1] + ".")


def test_the_rule_is_in_bleus_signature() -> None:
    """Scores by different tokenizers, or by another rule for choosing one, are not comparable."""
    signatures = {create("bleu", MetricSettings(bleu_tokens=tokens)).signature() for tokens in ("auto", *FIXED)}
    assert len(signatures) == 6
    automatic = create("bleu", MetricSettings()).signature()
    assert "tok:auto(han=zh,kana=char,thai=char,lao=char,khmer=char,myanmar=char,else=13a)|" in automatic
