"""Models that answer differently each time, of our own making: as vectors, as scores against a reference, as texts.

Each gives suites of n examples. A suite's outputs are drawn as often as is wanted, from the accepted prompt or from a
changed one, and scored: that is what a stored baseline and the runs after it are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pytest_promptreg.metrics import Pair, create
from pytest_promptreg.noise.evidence import ExampleScores, TermEvidence

Floats = NDArray[np.float64]


class Suite(Protocol):
    """n examples, and a model that is asked for outputs of each."""

    def baseline(self, random: np.random.Generator, stored: int) -> None:
        """Store so many generations of the accepted prompt."""

    def run(self, random: np.random.Generator, samples: int, *, changed: bool) -> dict[str, Floats]:
        """Scores of a run by term: (n, t, t) among stored and new outputs, or (n, t) against the reference."""


class Source(Protocol):
    """Where suites come from."""

    @property
    def name(self) -> str:
        """What the tables call it."""

    @property
    def strict(self) -> tuple[str, float]:
        """The term and the bound that people write first."""

    @property
    def floor(self) -> tuple[str, float] | None:
        """The term and the bound of a catastrophe; None where there is none."""

    @property
    def units(self) -> dict[str, float]:
        """The width of each term's scale."""

    def suite(self, random: np.random.Generator, n: int) -> Suite:
        """A suite of n examples."""


def evidence_of(scores: Floats, stored: int, unit: float, first: int | None = None) -> TermEvidence:
    """A term's evidence, of the first examples only where wanted."""
    rows = (scores[:, None, :] if scores.ndim == 2 else scores)[:first]
    return TermEvidence.of([ExampleScores(row, stored) for row in rows], unit=unit)


DIMENSIONS = 8


@dataclass(frozen=True)
class Vectors:
    """Embeddings: a common direction, noise whose size is the example's own (lognormal) with tails as of Student's t.

    Set so that two outputs of one prompt have a cosine of about 0.94 in the median and 0.74 at the fifth percentile,
    near what was measured on GPT-4 (0.92, 0.73). A changed prompt pushes every output of an example to the same side,
    by an amount of the example's own: the mean cosine falls by about 0.04.
    """

    name: str = "cosine of vectors"
    strict: tuple[str, float] = ("semantic", 0.8)
    floor: tuple[str, float] | None = ("semantic", 0.5)
    push: float = 0.28

    @property
    def units(self) -> dict[str, float]:
        """The width of each term's scale."""
        return {"semantic": 1.0}

    def suite(self, random: np.random.Generator, n: int) -> VectorSuite:
        """A suite of n examples."""
        return VectorSuite(
            0.20 * random.lognormal(0.0, 0.45, n),
            self.push * random.lognormal(0.0, 0.5, n),
            self._directions(random, n),
        )

    @staticmethod
    def _directions(random: np.random.Generator, n: int) -> Floats:
        directions = random.standard_normal((n, DIMENSIONS))
        return np.asarray(directions / np.linalg.norm(directions, axis=1, keepdims=True))


@dataclass
class VectorSuite:
    """Examples by the size of their noise, and by where a changed prompt pushes them."""

    noise: Floats
    push: Floats
    directions: Floats

    def __post_init__(self) -> None:
        self.stored = np.empty((0, 0, 0))

    def _texts(self, random: np.random.Generator, count: int, *, changed: bool) -> Floats:
        n = len(self.noise)
        tails = np.sqrt(4.0 / random.chisquare(4.0, (n, count, 1)))
        around = random.standard_normal((n, count, DIMENSIONS)) * tails * self.noise[:, None, None] / DIMENSIONS**0.5
        if changed:
            around = around + (self.push[:, None] * self.directions)[:, None]
        vectors = np.concatenate([np.ones((n, count, 1)), around], axis=2)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=2, keepdims=True))

    def baseline(self, random: np.random.Generator, stored: int) -> None:
        """Store so many generations of the accepted prompt."""
        self.stored = self._texts(random, stored, changed=False)

    def run(self, random: np.random.Generator, samples: int, *, changed: bool) -> dict[str, Floats]:
        """Cosines among stored and new outputs."""
        vectors = np.concatenate([self.stored, self._texts(random, samples, changed=changed)], axis=1)
        return {"semantic": vectors @ vectors.transpose(0, 2, 1)}


@dataclass(frozen=True)
class References:
    """Scores against a reference: an example's level, its own spread, tails as of Student's t with four degrees."""

    name: str = "drop against a reference"
    strict: tuple[str, float] = ("drop(rouge_l)", 0.08)
    floor: tuple[str, float] | None = None
    loss: float = 0.06

    @property
    def units(self) -> dict[str, float]:
        """The width of each term's scale."""
        return {"drop(rouge_l)": 1.0}

    def suite(self, random: np.random.Generator, n: int) -> ReferenceSuite:
        """A suite of n examples."""
        return ReferenceSuite(
            random.uniform(0.3, 0.9, n), 0.09 * random.lognormal(0.0, 0.4, n), self.loss * random.lognormal(0.0, 0.5, n)
        )


@dataclass
class ReferenceSuite:
    """Examples by level, spread, and what a changed prompt loses."""

    level: Floats
    spread: Floats
    loss: Floats

    def __post_init__(self) -> None:
        self.stored = np.empty((0, 0))

    def _scores(self, random: np.random.Generator, count: int, *, changed: bool) -> Floats:
        noise = random.standard_t(4.0, (len(self.level), count)) / 2.0**0.5
        return np.asarray((self.level - changed * self.loss)[:, None] + self.spread[:, None] * noise)

    def baseline(self, random: np.random.Generator, stored: int) -> None:
        """Store so many generations of the accepted prompt."""
        self.stored = self._scores(random, stored, changed=False)

    def run(self, random: np.random.Generator, samples: int, *, changed: bool) -> dict[str, Floats]:
        """Scores of stored and new outputs."""
        return {"drop(rouge_l)": np.hstack([self.stored, self._scores(random, samples, changed=changed)])}


OUTPUTS, CHANGED_OUTPUTS = 14, 8
EXAMPLES = 200
_SYNONYMS = (
    ("rose", "increased", "went up"), ("fell", "dropped", "declined"), ("said", "stated", "told reporters"),
    ("big", "large", "major"), ("began", "started", "set out"), ("plan", "proposal", "scheme"),
    ("worried", "concerned", "uneasy"), ("quickly", "rapidly", "at speed"), ("expects", "foresees", "looks for"),
    ("cost", "price", "expense"), ("firm", "company", "business"), ("people", "residents", "citizens"),
)  # fmt: skip
_NOUNS = (
    "harbour",
    "bridge",
    "school",
    "river",
    "budget",
    "railway",
    "library",
    "market",
    "clinic",
    "theatre",
    "forest",
)
_PLACES = ("north", "south", "old", "new", "upper", "lower", "central", "eastern", "western", "outer")


@dataclass(frozen=True)
class Texts:
    """Real texts: a summariser that picks sentences and words at a temperature, scored by this project's own metrics.

    The changed prompt never picks the sentence that matters most.
    """

    name: str = "texts of a summariser"
    strict: tuple[str, float] = ("rouge_l", 0.8)
    floor: tuple[str, float] | None = ("rouge_l", 0.18)

    @property
    def units(self) -> dict[str, float]:
        """The width of each term's scale."""
        return {"rouge_l": 1.0, "bleu": 100.0}

    def suite(self, random: np.random.Generator, n: int) -> TextSuite:
        """A suite of n of the examples."""
        return TextSuite(random.permutation(EXAMPLES)[:n])


@dataclass
class TextSuite:
    """Examples by their number among those that were written and scored."""

    examples: NDArray[np.int64]

    def __post_init__(self) -> None:
        self.order = np.empty((0, 0), dtype=np.int64)
        self.stored = 0

    def baseline(self, random: np.random.Generator, stored: int) -> None:
        """Store so many of the outputs; runs draw from the others."""
        self.order = random.permuted(np.tile(np.arange(OUTPUTS), (len(self.examples), 1)), axis=1)
        self.stored = stored

    def run(self, random: np.random.Generator, samples: int, *, changed: bool) -> dict[str, Floats]:
        """Scores among stored and new outputs."""
        if changed:
            rest = np.tile(np.arange(OUTPUTS, OUTPUTS + CHANGED_OUTPUTS), (len(self.examples), 1))
        else:
            rest = self.order[:, self.stored :]
        new = random.permuted(rest, axis=1)[:, :samples]
        chosen = np.hstack([self.order[:, : self.stored], new])
        return {
            term: scores[self.examples[:, None, None], chosen[:, :, None], chosen[:, None, :]]
            for term, scores in _scored().items()
        }


@cache
def _scored() -> dict[str, Floats]:
    """Every output of every example scored by every other: (examples, outputs, outputs) by metric."""
    random = np.random.default_rng(11)
    written = [_outputs(random) for _ in range(EXAMPLES)]
    pairs = [Pair(one, other) for outputs in written for one in outputs for other in outputs]
    shape = (EXAMPLES, OUTPUTS + CHANGED_OUTPUTS, OUTPUTS + CHANGED_OUTPUTS)
    return {term: np.array(create(term).score(pairs)).reshape(shape) for term in ("rouge_l", "bleu")}


def _outputs(random: np.random.Generator) -> list[str]:
    article = [_sentence(random) for _ in range(7)]
    sharpness = random.uniform(
        0.5, 2.5
    )  # of some articles everybody tells the same, of others everybody something else
    weights = sharpness * np.sort(random.standard_normal(len(article)))[::-1]
    return [
        *(_summary(random, article, weights, 3) for _ in range(OUTPUTS)),
        *(_summary(random, article[1:], weights[1:], 3) for _ in range(CHANGED_OUTPUTS)),
    ]


def _sentence(random: np.random.Generator) -> list[str | tuple[str, ...]]:
    words: list[str | tuple[str, ...]] = ["the", str(random.choice(_PLACES)), str(random.choice(_NOUNS))]
    for place in random.permutation(len(_SYNONYMS))[:3]:
        words += [_SYNONYMS[place], str(random.choice(_NOUNS)), str(random.integers(2, 99))]
    return words


def _summary(
    random: np.random.Generator, article: list[list[str | tuple[str, ...]]], weights: Floats, length: int
) -> str:
    chosen = np.argsort(-(weights + random.gumbel(size=len(article))))[:length]
    return " ".join(
        " ".join(
            word if isinstance(word, str) else str(random.choice(word, p=(0.6, 0.25, 0.15))) for word in article[at]
        )
        + "."
        for at in sorted(chosen)
    )


SOURCES: tuple[Source, ...] = (Vectors(), Texts(), References())
