"""The metrics over words and characters, beside the packages whose scores they equal."""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path

from pytest_promptreg.metrics import METRICS, MetricSettings, Pair, create

PAIRS = 805
WORDS = 210
VOCABULARY = 20_000
ROOMS = ("ngrams", "overlap")
AIMS = {"bleu": 1, "chrf": 8, "rouge_l": 100}
COMMON = "the of and to a in is that for it as was with be by on not he this are or his from at which but have an"
SYLLABLES = "ba con de er fo gra in ja ka lo me nor o pre qui re st ter un vi wa ex yl zo tion ing al ly est"


def scoring(folder: Path, runs: int) -> None:  # noqa: ARG001  called as all benchmarks are
    """Each metric's time for 805 pairs of about 210 words, nothing of them in any cache, and the package's."""
    pairs = texts()
    packages = others()
    length = statistics.fmean(len(text.split()) for pair in pairs for text in pair[:2])
    print(f"\nscoring: {PAIRS} pairs of {length:.0f} words, seconds: median (lowest .. highest), caches empty")
    names = [name for name, info in METRICS.items() if info.room in ROOMS]
    taken: dict[str, list[float]] = {name: [] for name in names}
    beside: dict[str, list[float]] = {name: [] for name in packages}
    for attempt in range(max(runs, 5) + 1):
        for name in names:
            scores, seconds = timed(lambda: create(name, MetricSettings(bleu_tokens="13a")).score(pairs))  # noqa: B023
            if attempt:
                taken[name].append(seconds)
            if name in packages:
                expected, seconds = timed(lambda: packages[name](pairs))  # noqa: B023
                assert scores == expected, f"{name} differs from its package"
                if attempt:
                    beside[name].append(seconds)
    for name in names:
        line = f"  {name:13s} {spread(taken[name])}"
        if name in beside:
            ratio = statistics.median(beside[name]) / statistics.median(taken[name])
            line += f"   package {spread(beside[name])}   {ratio:.1f} x as fast (aim {AIMS[name]})"
        print(line)
    print(f"  together      {sum(map(statistics.median, taken.values())):.3f}")


def others() -> dict[str, Callable[[Sequence[Pair]], list[float]]]:
    """The packages' own sentence scores, by our names for them."""
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415  slow, and of use to this benchmark alone
    from sacrebleu.metrics import BLEU, CHRF  # noqa: PLC0415

    bleu, chrf, rouge = BLEU(effective_order=True), CHRF(), RougeScorer(["rougeL"])
    return {
        "bleu": lambda pairs: [bleu.sentence_score(pair.output, [pair.baseline]).score for pair in pairs],
        "chrf": lambda pairs: [chrf.sentence_score(pair.output, [pair.baseline]).score for pair in pairs],
        "rouge_l": lambda pairs: [rouge.score(pair.baseline, pair.output)["rougeL"].fmeasure for pair in pairs],
    }


def timed(score: Callable[[], list[float]]) -> tuple[list[float], float]:
    """The scores and the seconds that they took, with nothing remembered of earlier runs."""
    forget()
    gc.collect()
    start = time.perf_counter()
    scores = score()
    return scores, time.perf_counter() - start


def forget() -> None:
    """Empty every cache of functions in our modules, and sacrebleu's of tokenized lines."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("pytest_promptreg.", "sacrebleu.tokenizers.")):
            for value in list(vars(module).values()):
                for function in (value, getattr(value, "__call__", None)):  # noqa: B004  the function, not whether
                    if clear := getattr(function, "cache_clear", None):
                        clear()


def spread(seconds: Sequence[float]) -> str:
    """``median (lowest .. highest)``."""
    return f"{statistics.median(seconds):.3f} ({min(seconds):.3f} .. {max(seconds):.3f})"


def texts(seed: int = 7) -> list[Pair]:
    """Baselines of words as frequent as in English (Zipf), and outputs that are edits of them."""
    chance = random.Random(seed)  # noqa: S311  the same texts each time
    syllables = SYLLABLES.split()
    words = COMMON.split() + ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(VOCABULARY)]
    frequencies = list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))
    baselines = [prose(chance, words, frequencies, chance.randint(WORDS - 60, WORDS + 60)) for _ in range(PAIRS)]
    return [Pair(edited(chance, baseline, words, frequencies), baseline) for baseline in baselines]


def prose(chance: random.Random, words: Sequence[str], frequencies: Sequence[float], length: int) -> str:
    """Sentences and paragraphs, with the punctuation and the numbers of an assistant's answer."""
    drawn = chance.choices(words, cum_weights=frequencies, k=length)
    starts = True
    for position, word in enumerate(drawn):
        if chance.random() < 0.02:
            word = f"{chance.randint(1, 9999):,}"  # noqa: PLW2901
        ends = chance.random() < 0.07
        mark = chance.choice([".", ".", ".", "?", ":", ".\n\n", ".\n- "]) if ends else chance.choice([""] * 12 + [","])
        drawn[position] = (word.capitalize() if starts else word) + mark
        starts = ends
    return " ".join(drawn)


def edited(chance: random.Random, text: str, words: Sequence[str], frequencies: Sequence[float]) -> str:
    """The text with stretches of it left out, moved and rewritten."""
    pieces = text.split(" ")
    for _ in range(len(pieces) // 12):
        start, length = chance.randrange(len(pieces)), chance.randint(1, 8)
        stretch = pieces[start : start + length]
        action = chance.choice(["leave out", "move", "rewrite", "rewrite", "rewrite"])
        new = chance.choices(words, cum_weights=frequencies, k=chance.randint(1, 8)) if action == "rewrite" else []
        pieces[start : start + length] = new
        if action == "move":
            target = chance.randrange(len(pieces) + 1)
            pieces[target:target] = stretch
    return " ".join(pieces)


if __name__ == "__main__":
    scoring(Path(), 5)
