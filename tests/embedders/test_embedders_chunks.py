"""Long texts are cut into equal parts, where words start, and nothing of them is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.embedders.chunks import Cutter, TokenCutter, WordCutter, chunks
from pytest_promptreg.embedders.models import ModelFiles, folder_of
from pytest_promptreg.metrics import DEFAULT_EMBEDDING_MODEL


def token_cutter() -> TokenCutter:
    files = ModelFiles(folder_of(DEFAULT_EMBEDDING_MODEL))
    assert files.tokenizer is not None
    return TokenCutter(files.tokenizer, files.room)


TOKENS = token_cutter()
CUTTERS = pytest.mark.parametrize("cutter", [TOKENS, WordCutter()], ids=["tokens", "words"])
WORDS = st.sampled_from(
    ["a", "refund", "Märchen", "猫在沙发上睡觉", "😀👩‍👩‍👧", "한국어", "x=y+1;", "antidisestablishmentarianism", "ﷺ"]
)
LONG = st.lists(WORDS, max_size=80).map(lambda words: " ".join(words * 3))


@CUTTERS
@given(text=st.one_of(st.text(max_size=200), LONG), most=st.integers(4, 60))
@settings(max_examples=150)
def test_nothing_is_lost_and_nothing_too_long(cutter: Cutter, text: str, most: int) -> None:
    """The chunks are parts of the text, in order, of at most so many pieces, and together all of it but white space."""
    marks = cutter.marks(text)
    found = chunks(text, marks, most)
    assert cutter.pieces([text]) == [marks.pieces]
    whole = "".join(text.split())
    assert "".join("".join(chunk.text.split()) for chunk in found) == whole
    assert sum(chunk.weight for chunk in found) == max(1, marks.pieces)
    of_one = [after - before for before, after in pairwise([0, *marks.ends])]
    assert all(chunk.weight <= max(most, *of_one, 1) for chunk in found)
    assert all(chunk.text in text for chunk in found)
    if marks.pieces <= most:
        assert found == [(text, max(1, marks.pieces))]


def test_chunks_are_equal_and_start_with_words() -> None:
    """300 words of two pieces are five chunks of 120, none of which starts inside a word."""
    text = " ".join(f"embedder{n % 10}" for n in range(300))
    marks = TOKENS.marks(text)
    found = chunks(text, marks)
    assert len(found) == -(-marks.pieces // 128)
    assert max(chunk.weight for chunk in found) - min(chunk.weight for chunk in found) <= 8
    assert {word for chunk in found for word in chunk.text.split()} == set(text.split())


@CUTTERS
def test_a_chunk_weighs_what_the_model_sees(cutter: Cutter) -> None:
    """A chunk by itself has as many pieces as it had in its text: the cuts change no word."""
    text = "It's a well-known refund: 3.14 € (naïve), 猫在沙发上睡觉。 " * 40
    for chunk in chunks(text, cutter.marks(text)):
        assert cutter.pieces([chunk.text]) == [chunk.weight]


def test_a_writing_without_spaces_is_cut_as_well() -> None:
    """A single word longer than a chunk is cut inside, by estimate too."""
    text = "ab" * 600
    found = chunks(text, WordCutter().marks(text))
    assert len(found) > 1
    assert "".join(chunk.text for chunk in found) == text


@pytest.mark.parametrize(
    "text", ["The refund was sent to the customer on Monday, as agreed. " * 9, "猫在沙发上睡觉。" * 20, "a b c d " * 9]
)
def test_the_estimate_is_rather_too_high(text: str) -> None:
    """What is estimated to fit does fit."""
    assert WordCutter().pieces([text])[0] >= TOKENS.pieces([text])[0]
