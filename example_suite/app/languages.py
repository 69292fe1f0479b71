"""Which language a short text is in: by its script, and for Latin letters by its small words."""

from __future__ import annotations

import re

NAMES = {
    "ar": "Arabic",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "zh": "Chinese",
}

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),  # before Chinese: Japanese is written with both
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
)
_SHARE_OF_LETTERS = 0.2  # a foreign word in a text is not the text's language
_SMALL_WORDS = {  # of two letters and more: single ones are shared by too many languages
    "de": "der die das und ich nicht ist ein eine mit für auf wir sie mein meine bitte haben aber noch seit",
    "en": "the and is my you it not this that was have for with please we but can your of to are no out since",
    "es": "el la los las que no mi es por un una con para pero pedido está hola me se gracias lo desde",
    "fr": "le la les et je ne pas est mon ma un une vous avec pour mais bonjour des que ce il votre j'ai",
    "it": "il la che non un una per con ma mio mia sono grazie ho di del gli buongiorno ordine",
    "nl": "de het een en ik niet is mijn voor met maar van jullie graag heb dit nog bestelling",
    "pl": "nie się na jest że do mój moje proszę to dzień dobry zamówienie",
    "pt": "os que não meu minha um uma com para mas pedido está olá obrigado obrigada você por foi",
    "sv": "och jag är inte det att en ett min mitt med för på har hej tack",
    "tr": "ve bir bu için ben çok ama değil siparişim merhaba ne mi",
}
_VOCABULARY = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def detect_language(text: str) -> str | None:
    """The ISO 639-1 code of a text's language, or None if nothing tells.

    >>> detect_language("Wo ist mein Paket? Ich warte auf die Lieferung."), detect_language("订单还没到")
    ('de', 'zh')
    >>> detect_language("???") is None
    True
    """
    letters = sum(character.isalpha() for character in text)
    for language, script in _SCRIPTS:
        if len(script.findall(text)) > _SHARE_OF_LETTERS * letters:
            return language
    tokens = [token.lower().replace("’", "'") for token in _TOKEN.findall(text)]
    hits = {language: sum(token in words for token in tokens) for language, words in _VOCABULARY.items()}
    best = max(hits, key=lambda language: hits[language])
    return best if hits[best] else None
