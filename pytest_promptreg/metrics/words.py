"""Words of a text in any script."""

from __future__ import annotations

import re
import string
import unicodedata

from ..text import ascii_words, remembered

# Scripts that are written without spaces between words: a character of these is a token of its own.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
# Vowel signs and other marks belong to the word around them, though `\w` leaves them out: दिन and दीन are two words.
_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0900-\u0963\u0971-\u0df3\u200c\u200d"
)
_LETTERS = rf"[^\W_{UNSPACED}]"
TOKEN = rf"[{UNSPACED}]|{_LETTERS}+(?:[{_MARKS}]+{_LETTERS}*)*"
_TOKEN = re.compile(TOKEN)
_ascii_words = ascii_words(string.ascii_lowercase + string.digits)


@remembered(1024)
def unicode_tokens(text: str) -> tuple[str, ...]:
    """The words of a text in any script, case-folded after NFC."""
    if text.isascii():
        return tuple(_ascii_words(text))
    return tuple(_TOKEN.findall(unicodedata.normalize("NFC", text).casefold()))


@remembered(1024)
def rouge_score_tokens(text: str) -> tuple[str, ...]:
    """The words as the package rouge-score has them: runs of ASCII letters and digits, in lower case."""
    return tuple(_ascii_words(text.lower().encode("ascii", "replace").decode("ascii")))
