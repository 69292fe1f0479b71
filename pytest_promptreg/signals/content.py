"""What changed in a text: negations, names, addresses, symbols, the order of its words."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from functools import lru_cache

from ..text import ascii_words, remembered
from .findings import KEPT, Finding, compared, lost_and_gained

_WORD = re.compile(r"\w+")
_ascii_words = ascii_words(string.ascii_lowercase + string.digits + "_")

# Words that negate, in the languages of Europe that are met most; "sin" and "pas" are no English words to speak of.
_NEGATION_WORDS = """
    not cannot no never none nobody nothing nowhere neither nor without
    nicht nichts nie niemals niemand ohne weder kein keine keinen keinem keiner keines
    pas jamais rien aucun aucune sans ni
    sin nunca jamás tampoco ningún ninguno ninguna ningunos ningunas nada
    non mai nessun nessuno nessuna senza né
    não sem nenhum nenhuma nem
    niet geen nooit niets zonder
    не нет ни без никогда ничего
"""
_NEGATIONS = frozenset(_NEGATION_WORDS.split())
_SPOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_ascii_spoken = ascii_words(string.ascii_lowercase + string.digits + "'")
_NOT_ONLY = re.compile(r"\bnot only\b|\bno\. ?(?=\d)|\bnon-")  # "not only", "No. 5", "non-stop" negate nothing
_ONLY_HINTS = ("not only", "no.", "non-")  # one of which stands where that pattern matches
_EAST_ASIAN = re.compile(r"[不没沒無无]|ません|ない|なかった|않|없")

_UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮİĶŁĽŃŅŇŌŐŒŘŚŞŠŤŪŮŰŲŹŻŽΑ-ΩА-ЯЁІЇЄ"
_CAPITALISED = re.compile(rf"(?<![\w'’])[{_UPPER}]\w*(?:[-'’&][{_UPPER}0-9]\w*)*")
# What may stand before the first word of a sentence, a line, a list item, a quotation.
_STARTS = re.compile(r"(?:^|[.!?:;。！？\n\r]|[\"“”„«»‘(\[*#>|•])[\s\"“”„«‘(\[*#>|•_-]*$")
_NO_NAMES = frozenset({"I", "I'm", "I’m", "I've", "I'll", "I'd", "A"})

_ADDRESS = re.compile(
    r"(?:https?|ftp)://[^\s<>\"'`\]}|\\^]+|\bwww\.[^\s<>\"'`\]}|\\^]+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
    re.IGNORECASE,
)
_PROSE = frozenset(
    ".,;:!?'\"()-‘’“”„«»‹›–—…·¿¡、。，；：！？（）「」『』《》〈〉【】・〜～।\u00ad\u200b\u200c\u200d\u2060\ufeff"
)


def negation(output: str, baseline: str) -> Finding:
    """The lower count of negations as a share of the higher; 1 where both have as many."""
    now, before = _negations(output), _negations(baseline)
    many, few = max(now.total(), before.total()), min(now.total(), before.total())
    if many == few:
        return KEPT
    words = now - before if now.total() > before.total() else before - now
    how = "more" if now.total() > before.total() else "fewer"
    count = "one" if many - few == 1 else str(many - few)
    which = ", ".join(word for word, _ in words.most_common(3))
    return Finding(few / many, f"{count} {how} negation{'s' if count != 'one' else ''} ({which})")


@remembered(256)
def _negations(text: str) -> Counter[str]:
    spoken = text.lower().replace("’", "'")
    if any(hint in spoken for hint in _ONLY_HINTS):
        spoken = _NOT_ONLY.sub(" ", spoken)
    counts = Counter(_spoken_words(spoken))
    found = Counter({word: count for word, count in counts.items() if word in _NEGATIONS or word.endswith("n't")})
    if not text.isascii():
        found.update(_EAST_ASIAN.findall(text))
    return found


def _spoken_words(text: str) -> list[str]:
    """The words of a text in lower case, each with what an apostrophe joins to it."""
    if not text.isascii():
        return _SPOKEN.findall(text)
    words = []
    for word in _ascii_spoken(text):
        if "'" in word:
            words += _SPOKEN.findall(word)
        else:
            words.append(word)
    return words


def entities(output: str, baseline: str) -> Finding:
    """The F1 of the capitalised words that stand inside a sentence: names, months, acronyms.

    A word at the start of a sentence is no sign of a name, but a name may be kept there.
    """
    (now, now_all), (before, before_all) = _names(output), _names(baseline)
    lost = [name for name in before if name not in now_all]
    gained = [name for name in now if name not in before_all]
    if not lost and not gained:
        return KEPT
    recall = 1 - len(lost) / len(before) if before else 1.0
    precision = 1 - len(gained) / len(now) if now else 1.0
    value = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Finding(value, lost_and_gained(lost, gained))


@remembered(256)
def _names(text: str) -> tuple[dict[str, None], frozenset[str]]:
    """The names inside sentences, in order, and all capitalised words."""
    inside: dict[str, None] = {}
    every = set()
    for match in _CAPITALISED.finditer(text):
        word = match[0].removesuffix("'s").removesuffix("’s")
        if word in _NO_NAMES:
            continue
        every.add(word)
        acronym = len(word) > 1 and word.isupper()
        if acronym or not _STARTS.search(text, max(0, match.start() - 12), match.start()):
            inside[word] = None
    return inside, frozenset(every)


def urls(output: str, baseline: str) -> Finding:
    """The F1 of the addresses, web and e-mail, to the letter."""
    return compared(_addresses(output), _addresses(baseline))


@remembered(256)
def _addresses(text: str) -> Counter[str]:
    if "@" not in text and "://" not in text and "www." not in text.lower():
        return Counter()
    return Counter(_trimmed(found) for found in _ADDRESS.findall(text))


def _trimmed(address: str) -> str:
    """Without the punctuation of the sentence around it."""
    address = address.rstrip(".,;:!?*_…。，")
    unmatched = address.count(")") - address.count("(")
    end = len(address)
    while unmatched > 0 and end and address[end - 1] == ")":
        end, unmatched = end - 1, unmatched - 1
        while end and address[end - 1] in ".,;:!?":
            end -= 1
    return address[:end]


def symbols(output: str, baseline: str) -> Finding:
    """The F1 of emoji, operators and other signs that are no ordinary punctuation of prose."""
    return compared(_signs(output), _signs(baseline))


@remembered(256)
def _signs(text: str) -> Counter[str]:
    if text.isascii():  # the few characters that may be signs
        text = text.encode("ascii").translate(None, _ASCII_PROSE).decode("ascii")
    return Counter({sign: count for sign, count in Counter(text).items() if _is_sign(sign)})


@lru_cache(maxsize=8192)
def _is_sign(character: str) -> bool:
    if character.isalnum() or character.isspace() or character in _PROSE:
        return False
    return unicodedata.category(character)[0] in "PS"


_ASCII_PROSE = bytes(code for code in range(128) if not _is_sign(chr(code)))


def order(output: str, baseline: str) -> Finding:
    """0 where both have the same words in another order."""
    now, before = _words(output), _words(baseline)
    if len(now) != len(before) or now == before or Counter(now) != Counter(before):
        return KEPT
    lines = sorted(map(_words, output.splitlines())) == sorted(map(_words, baseline.splitlines()))
    return Finding(0.0, f"the same {'lines' if lines else 'words'} in another order")


def _words(text: str) -> list[str]:
    return _ascii_words(text) if text.isascii() else _WORD.findall(text.casefold())
