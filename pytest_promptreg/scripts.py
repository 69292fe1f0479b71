"""Which writing systems a text is written in."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

# What Unicode's names call the letters of one writing system.
_SYSTEMS = {"CJK": "HAN", "HIRAGANA": "KANA", "KATAKANA": "KANA", "IDEOGRAPHIC": "HAN"}
_SHARED = {"NEW", "OLD", "TAI"}  # first words of the names of several writing systems
_NO_LETTERS = bytes(code for code in range(256) if not chr(code).isascii() or not chr(code).isalpha())
_ASCII = re.compile(r"[\x00-\x7f]+")
_JAPANESE = 0.1  # a share of kana among kana and Han above which a text is Japanese


def letters(text: str) -> Counter[str]:
    """How many letters of each writing system a text has: ``{"LATIN": 12, "HAN": 3}``."""
    found: Counter[str] = Counter()
    if latin := len(text.encode("ascii", "ignore").translate(None, _NO_LETTERS)):
        found["LATIN"] = latin
    for character, count in Counter(_ASCII.sub("", text)).items() if not text.isascii() else ():
        if system := script(character):
            found[system] += count
    return found


def dominant(text: str) -> str | None:
    """The writing system of most of a text's letters; ``KANA`` for Japanese, which mixes it with Han; None without."""
    found = letters(text)
    east_asian = found["HAN"] + found["KANA"]
    if found["KANA"] > _JAPANESE * east_asian:
        found["KANA"], found["HAN"] = east_asian, 0
    return max(found, key=lambda system: (found[system], system)) if found.total() else None


@lru_cache(maxsize=16384)
def script(character: str) -> str:
    """The writing system of a letter (``LATIN``, ``CYRILLIC``, ``HAN`` ...); empty for what is no letter of one."""
    if not character.isalpha():
        return ""
    words = unicodedata.name(unicodedata.normalize("NFKC", character)[:1], "").replace("-", " ").split()
    name = " ".join(words[:2]) if words[:1] and words[0] in _SHARED else "".join(words[:1])
    return "" if name == "MODIFIER" else _SYSTEMS.get(name, name)
