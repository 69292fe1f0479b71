"""What a temperature does to the stand-in: it picks by chance among what ranks high, and among words of one meaning.

Chance is the operating system's, as it is for a sampled model: no two runs are alike, and none can be repeated.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence

_SPREAD = 0.1  # of scores at temperature 1: about what lies between two sentences of an article
_VARIED = 0.6  # share of the words with synonyms that are put in other words at temperature 1

_SYNONYMS = (
    ("about", "around", "roughly"), ("because", "since"), ("began", "started"), ("big", "large"), ("but", "yet"),
    ("buy", "purchase"), ("probably", "likely"), ("cannot", "can not"), ("children", "kids"), ("city", "town"),
    ("company", "firm"), ("cost", "price"), ("ended", "finished"), ("fell", "dropped"), ("found", "discovered"),
    ("help", "support"), ("many", "a lot of"), ("more than", "over"), ("near", "close to"), ("new", "fresh"),
    ("next", "coming"), ("only", "just"), ("opened", "started"), ("often", "frequently"), ("plan", "scheme"),
    ("rose", "increased"), ("said", "stated"), ("several", "some"), ("team", "group"), ("until", "till"),
    ("will", "shall"), ("while", "as"), ("without", "with no"), ("aber", "jedoch"), ("auch", "ebenfalls"),
    ("etwa", "rund"), ("nur", "lediglich"), ("ab", "von"), ("aussi", "également"), ("environ", "à peu près"),
    ("mais", "toutefois"), ("pero", "mas"), ("también", "además"),
)  # fmt: skip
_CHOICES = {word: group for group in _SYNONYMS for word in group}
_WORD = re.compile("|".join(rf"\b{word}\b" for word in sorted(_CHOICES, key=len, reverse=True)))


class Sampler:
    """Draws at a temperature; at 0 nothing is drawn, and everything stays as it was.

    :param temperature: as of a language model: 0 always says the likeliest, 1 says what it says as likely as it is.
    """

    def __init__(self, temperature: float, chance: random.Random | None = None) -> None:
        self.temperature = temperature
        self._chance = chance or random.SystemRandom()

    def shaken(self, scores: Sequence[float]) -> list[float]:
        """The scores, moved so that the best of them are a sample from the softmax (the Gumbel trick)."""
        return (
            [score + self.temperature * _SPREAD * self._gumbel() for score in scores] if self.temperature else [*scores]
        )

    def reworded(self, text: str) -> str:
        """The text, with some words in other words that mean the same."""
        return _WORD.sub(lambda match: self._reworded(match[0]), text) if self.temperature else text

    def _reworded(self, word: str) -> str:
        return self._chance.choice(_CHOICES[word]) if self._chance.random() < _VARIED * self.temperature else word

    def _gumbel(self) -> float:
        return -math.log(-math.log(self._chance.uniform(1e-12, 1.0 - 1e-12)))


DETERMINISTIC = Sampler(0.0)
