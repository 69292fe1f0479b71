"""Writing systems of texts: what is counted, and which one prevails."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.scripts import dominant, letters, script

SAMPLES = {
    "LATIN": "Le café est fermé, naïve Straße.",
    "CYRILLIC": "Сегодня хорошая погода.",
    "GREEK": "Καλημέρα κόσμε.",
    "ARABIC": "الطقس جميل اليوم.",
    "HEBREW": "שלום עולם.",
    "DEVANAGARI": "हिन्दी में लिखा है।",
    "TAMIL": "தமிழ் மொழி.",
    "HAN": "今天天气很好。",
    "KANA": "東京は今日とても暑いです。",
    "HANGUL": "오늘은 날씨가 좋네요.",
    "THAI": "วันนี้อากาศดี",
    "LAO": "ມື້ນີ້ອາກາດດີ",
    "KHMER": "ថ្ងៃនេះអាកាសធាតុល្អ",
    "MYANMAR": "ဒီနေ့ ရာသီဥတု ကောင်းတယ်",
    "GEORGIAN": "დღეს კარგი ამინდია.",
    "ARMENIAN": "Այսօր լավ եղանակ է։",
    "ETHIOPIC": "ዛሬ አየሩ ጥሩ ነው።",
}
TEXTS = st.text(max_size=40) | st.text(alphabet="aZé中文のアж1 .🙂", max_size=30)


@pytest.mark.parametrize("system", SAMPLES)
def test_each_writing_system_is_known_by_its_letters(system: str) -> None:
    """A sentence in it is of it, and every letter there is of one system, or of two in Japanese."""
    text = SAMPLES[system]
    assert dominant(text) == system
    assert set(letters(text)) == ({"HAN", "KANA"} if system == "KANA" else {system})


@pytest.mark.parametrize(
    "text", ["", " \n", "123 4.5", "?!… — «»", "🙂👍🏽", "①½²", "+-*/=<>", "\u200b\ufeff", "\ud800"]
)
def test_what_is_no_letter_has_no_writing_system(text: str) -> None:
    """Digits, signs, symbols, white space and broken characters are of none."""
    assert letters(text) == {}
    assert dominant(text) is None


@pytest.mark.parametrize(
    ("character", "system"),
    [
        ("Ａ", "LATIN"),
        ("ﬁ", "LATIN"),
        ("𝐀", "LATIN"),
        ("ª", "LATIN"),
        ("ｱ", "KANA"),
        ("ー", "KANA"),
        ("々", "HAN"),
        ("豈", "HAN"),
        ("𠀀", "HAN"),
        ("ﺎ", "ARABIC"),
        ("µ", "GREEK"),
        ("ı", "LATIN"),
        ("\u0301", ""),
        ("ि", ""),
        ("７", ""),
        ("。", ""),
    ],
)
def test_forms_of_a_letter_are_of_its_system(character: str, system: str) -> None:
    """Wide, narrow, presented and mathematical letters are of the system of the letter itself; marks are no letters."""
    assert script(character) == system


def test_letters_are_counted() -> None:
    """By system, each as often as it stands there."""
    assert letters("Use 猫 and 犬, ок? aa") == {"LATIN": 8, "HAN": 2, "CYRILLIC": 2}


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("今天の天气很好我们去公园玩吧", "HAN"),
        ("日本語の本", "KANA"),
        ("カタカナ", "KANA"),
        ("the cat 猫", "LATIN"),
        ("猫猫猫猫 the", "HAN"),
        ("東京タワーは高い tower", "KANA"),
        ("GPT это модель", "CYRILLIC"),
    ],
)
def test_the_writing_system_of_most_letters_prevails(text: str, system: str) -> None:
    """Letters of Japanese count together, and a single kana makes Chinese no Japanese."""
    assert dominant(text) == system


@given(TEXTS, TEXTS)
@settings(max_examples=150)
def test_letters_of_two_texts_add_up(text: str, other: str) -> None:
    """A character's system does not depend on what stands beside it, and none has two."""
    assert letters(text + other) == letters(text) + letters(other)
    assert letters(text).total() <= len(text)


@given(TEXTS)
@settings(max_examples=150)
def test_the_prevailing_system_is_one_of_the_letters(text: str) -> None:
    """There is one as soon as there is a letter; the order of the characters does not matter."""
    system = dominant(text)
    assert (system is None) == (not letters(text))
    assert system is None or letters(text)[system] > 0
    assert system == dominant(text[::-1])


@given(st.integers(1, 30), st.integers(0, 30))
def test_a_share_of_kana_makes_japanese(han: int, kana: int) -> None:
    """More than a tenth of the letters of the two being kana, and no fewer, make a text Japanese."""
    expected = "KANA" if kana * 10 > han + kana else "HAN"
    assert dominant("字" * han + "の" * kana) == expected
