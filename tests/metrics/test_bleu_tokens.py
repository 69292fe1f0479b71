"""BLEU's tokens: sacrebleu's own, whatever the text."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import _get_tokenizer

from pytest_promptreg.metrics.bleu_tokens import TOKENIZERS

# What the rules look at: digits around . , - ; punctuation; markup and entities; every kind of white space.
PIECES = st.sampled_from(
    [
        *"019.,-&;'\"<>/()[]{}~`!@#$%^*+=|\\:_?aZéß中。、あアท한ف١²½’“–…😀",
        *" \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u2001\u2028\u2029\u3000\u200b\ud800",
        *("<skipped>", "-\n", "&quot;", "&amp;", "&lt;", "&gt;", "&amp;lt;", "1,901.5", "U.S.", "3-4", "e.g., "),
    ]
)
TEXTS = st.lists(PIECES, max_size=16).map("".join) | st.text(max_size=40)


def sacrebleus(name: str, text: str) -> list[str]:
    """The tokens as sacrebleu's BLEU comes by them."""
    tokens: list[str] = _get_tokenizer(name)()(text.rstrip()).split()
    return tokens


@pytest.mark.parametrize("name", TOKENIZERS)
@given(TEXTS)
@example("")
@example(" . , - ")
@example("1.5 .5 5. 1,5 ,5 5, 1-5 -5 5-")
@example("a.,b..c,,d.1.,2")
@example("end-\nof-line <ski<skipped>pped> &amp;quot;")
@settings(max_examples=150)
def test_the_tokens_are_sacrebleus(name: str, text: str) -> None:
    """Token for token, also around odd white space, numbers and markup."""
    assert list(TOKENIZERS[name](text)) == sacrebleus(name, text)


@pytest.mark.parametrize("name", ["13a", "zh", "char"])
def test_every_character_is_read_as_sacrebleu_reads_it(name: str) -> None:
    """All characters of Unicode's first plane, each between a letter, a stop and a digit."""
    codes = range(0x10000)
    for start in range(0, len(codes), 512):
        text = "".join(f"a{chr(code)}b.{chr(code)}1 " for code in codes[start : start + 512])
        assert list(TOKENIZERS[name](text)) == sacrebleus(name, text)


def test_the_tokenizers_are_sacrebleus_by_name() -> None:
    """Each goes by the name that sacrebleu's signature gives it."""
    assert [_get_tokenizer(name)().signature() for name in TOKENIZERS] == list(TOKENIZERS)
