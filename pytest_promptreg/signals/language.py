"""Whether a text stayed in its writing system and, in Latin letters, in its language."""

from __future__ import annotations

import re
import string
from collections import Counter

from ..scripts import dominant, letters
from ..text import ascii_words, remembered
from .findings import KEPT, Finding

_NAMES = {
    "LATIN": "Latin", "CYRILLIC": "Cyrillic", "HAN": "Chinese", "KANA": "Japanese", "HANGUL": "Korean",
    "ARABIC": "Arabic", "GREEK": "Greek", "HEBREW": "Hebrew", "DEVANAGARI": "Devanagari", "THAI": "Thai",
}  # fmt: skip
_DENSE = frozenset({"HAN", "KANA", "HANGUL"})  # a letter is a word here
_FEWEST = 3

# Frequent words of each language; one that is frequent in several stands in all of them and decides nothing.
_PROFILES = {
    "English": """
        the and of to is that it for was with are this you be have from or by not which they at but his has as in on an
        a i we he she can will their its were been would what there no do if so me
    """,
    "German": """
        der die das und ist nicht ein eine einen zu den mit von sich auf für dem des im auch wird sind ich sie wie oder
        bei in es war als an so um werden wir er
    """,
    "French": """
        le la les des et est un une dans que pour qui sur pas du de au avec il sont ce cette vous nous aux ou par en se
        plus elle je te on tu me
    """,
    "Spanish": """
        el la los las y es un una en que de por con para del se su al como más pero son está lo sus muy este esta o no
        a si me te yo
    """,
    "Italian": """
        il la di che è un per una non sono della con del gli nel si da le i anche dei delle alla ma come più e in a lo
        al se o su la mi ti no
    """,
    "Portuguese": """
        o a os e é um uma em que não do da dos das de para com por no na ao mais como se seu sua são você as me te eu
    """,
    "Dutch": """
        de het een van en is in dat niet op te zijn voor met die aan om ook als er bij maar door wordt naar ik je of was
        we he me so
    """,
}
_WORD = re.compile(r"[^\W\d_]+")
_ascii_words = ascii_words(string.ascii_lowercase)
_MOST_CHARACTERS = 4000
_FEWEST_WORDS = 8
_SHARE = 0.25  # of the words, that are function words of the language
_LEAD = 1.6  # times as many as of the next language


def script(output: str, baseline: str) -> Finding:
    """0 where another writing system became the main one, or another language of Europe took the place of one.

    A text in two systems whose halves only shift is left alone; languages are told apart in texts of eight words and
    more, by their most frequent words, and where that is not plain nothing is said.
    """
    before, now = dominant(baseline), dominant(output)
    if before is None or now is None:
        return KEPT
    if before == now:
        if now != "LATIN":
            return KEPT
        spoken, language_now = language(baseline), language(output)
        if spoken and language_now and spoken != language_now:
            return Finding(0.0, f"{spoken} -> {language_now}")
        return KEPT
    kept, had = _share(output, before), _share(baseline, before)
    if kept >= had / 2 or _few(output, now) or _few(baseline, before):
        return KEPT
    return Finding(0.0, f"{_name(before)} -> {_name(now)} script")


def _share(text: str, system: str) -> float:
    found = letters(text)
    own = found["HAN"] + found["KANA"] if system == "KANA" else found[system]
    return own / max(1, found.total())


def _few(text: str, system: str) -> bool:
    return system not in _DENSE and letters(text)[system] < _FEWEST


def _name(system: str) -> str:
    return _NAMES.get(system, system.capitalize())


@remembered(256)
def language(text: str) -> str:
    """The language of a text in Latin letters; empty where it is short, mixed or none of those that are known."""
    text = text[:_MOST_CHARACTERS]
    words = _ascii_words(text) if text.isascii() else _WORD.findall(text.lower())
    if len(words) < _FEWEST_WORDS:
        return ""
    hits = dict.fromkeys(_PROFILES, 0)
    counts = Counter(words)
    for word in counts.keys() & _LANGUAGES.keys():
        for name in _LANGUAGES[word]:
            hits[name] += counts[word]
    (most, name), (second, _) = sorted(((count, name) for name, count in hits.items()), reverse=True)[:2]
    return name if most >= _SHARE * len(words) and most >= _LEAD * second else ""


_SETS = {name: frozenset(words.split()) for name, words in _PROFILES.items()}
# By word the languages in which it is frequent.
_LANGUAGES = {
    word: [name for name, profile in _SETS.items() if word in profile] for word in frozenset().union(*_SETS.values())
}
