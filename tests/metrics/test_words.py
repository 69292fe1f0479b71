"""Words of any script, and the words of the package rouge-score."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize

from pytest_promptreg.metrics.words import rouge_score_tokens, unicode_tokens

ASCII = st.text(alphabet=st.characters(codec="ascii"), max_size=60)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat's 3.5 mats, U.S.", ["the", "cat", "s", "3", "5", "mats", "u", "s"]),
        ("snake_case __init__", ["snake", "case", "init"]),
        ("今天 GPT4 很好", ["今", "天", "gpt4", "很", "好"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("오늘 날씨", ["오", "늘", "날", "씨"]),
        ("Это ДОМ", ["это", "дом"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("naïve café", ["naïve", "café"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("שָׁלוֹם", [unicodedata.normalize("NFC", "שָׁלוֹם")]),
        ("a\u2028b\u3000c", ["a", "b", "c"]),
        ("١٢ ²", ["١٢", "²"]),
        ("🙂 … --", []),
        ("", []),
    ],
)
def test_the_words_of_a_text(text: str, words: list[str]) -> None:
    """Runs of letters and digits, folded; one for each character where words have no spaces; no punctuation."""
    assert list(unicode_tokens(text)) == words


@given(st.text(max_size=60))
@settings(max_examples=120)
def test_words_do_not_depend_on_form_or_case(text: str) -> None:
    """Composed and decomposed text have the same words; they are folded, and none is empty."""
    words = unicode_tokens(text)
    assert words == unicode_tokens(unicodedata.normalize("NFD", text))
    folded = unicodedata.normalize("NFC", text).casefold()
    assert all(word and word in folded and not any(map(str.isspace, word)) for word in words)


@given(ASCII, ASCII)
@settings(max_examples=150)
def test_the_ascii_way_is_the_common_way(text: str, other: str) -> None:
    """ASCII text, which is read faster, has the same words beside text that is not."""
    assert unicode_tokens(f"{text} é {other}") == (*unicode_tokens(text), "é", *unicode_tokens(other))


@given(st.text(max_size=80) | ASCII | st.text(alphabet="aZ0_'.- \nİKſßéﬁ中\ud800", max_size=30))
@settings(max_examples=200)
def test_the_tokens_of_rouge_score_are_its_own(text: str) -> None:
    """Token for token what the package itself makes of any text, without importing it."""
    assert list(rouge_score_tokens(text)) == tokenize(text, None)
