"""What ``semantic`` takes, beside raw sentence-transformers: its vectors in bulk, and the first from a cold start."""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from measure import in_turn, median, spread

from pytest_promptreg.embedders.models import folder_of
from pytest_promptreg.metrics import DEFAULT_EMBEDDING_MODEL, MetricSettings, Pair, create

PAIRS = 60
WORDS = 210
_ADJECTIVES = ("small", "recent", "expensive", "careful", "annual", "public", "broken", "quiet", "simple", "early")
_SUBJECTS = ("customer", "refund", "server", "report", "invoice", "meeting", "city", "engine", "patient", "river")
_VERBS = ("explains", "shows", "delays", "improves", "requires", "changes", "follows", "supports", "rejects", "keeps")
_LINKS = ("and", "but", "because", "although", "while", "so that", "unless", "after", "before")

_LIGHT = """
from pytest_promptreg.metrics import Pair, create
print(create("semantic").score([Pair("The cat sleeps on the sofa.", "A cat is asleep on the couch.")]))
"""
_RAW = """
from sentence_transformers import SentenceTransformer
model = SentenceTransformer({model!r}, device="cpu", local_files_only=True)
one, other = model.encode(
    ["The cat sleeps on the sofa.", "A cat is asleep on the couch."], normalize_embeddings=True
)
print(one @ other)
"""


def text(seed: int, words: int = WORDS) -> str:
    """Something that looks like an answer, of about so many words; the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311  no secret
    sentences: list[str] = []
    count = 0
    while count < words:
        sentence = " ".join(
            f"the {dice.choice(_ADJECTIVES)} {dice.choice(_SUBJECTS)} {dice.choice(_VERBS)} {dice.randint(2, 90)} "
            f"{dice.choice(_ADJECTIVES)} {dice.choice(_SUBJECTS)}s {dice.choice(_LINKS)}"
            for _ in range(dice.randint(1, 3))
        )
        sentence = sentence.rpartition(" ")[0].capitalize() + "."
        sentences.append(sentence)
        count += len(sentence.split())
    return " ".join(sentences)


def throughput(folder: Path, runs: int) -> None:
    """``semantic`` beside ``SentenceTransformer.encode`` in batches of 32, in turn.

    What of a text lies beyond the model's window is read by ``semantic``, in chunks, and cut off by the other.
    """
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  five seconds, for this benchmark alone

    model = SentenceTransformer(str(folder_of(DEFAULT_EMBEDDING_MODEL)), device="cpu", local_files_only=True)
    pairs = [Pair(text(index), text(index + PAIRS)) for index in range(PAIRS)]
    texts = [side for pair in pairs for side in pair[:2]]

    def seconds(work: Callable[[], object]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    names = ("raw encode", "semantic", "from memory", "from disk")
    samples: dict[str, list[float]] = {name: [] for name in names}
    for run in range(runs + 1):
        cache = folder / str(run)
        metric = create("semantic", MetricSettings(cache=cache))
        metric.score([Pair("weights are loaded", "before the clock starts")])
        taken = [
            seconds(partial(model.encode, texts, batch_size=32, normalize_embeddings=True, show_progress_bar=False)),
            seconds(partial(metric.score, pairs)),
            seconds(partial(metric.score, pairs)),
        ]
        # Other settings make another embedder, which finds the file of the one before.
        metric = create("semantic", MetricSettings(cache=cache, threads=1))
        metric.signature()
        taken.append(seconds(partial(metric.score, pairs)))
        if run:
            for name, value in zip(names, taken, strict=True):
                samples[name].append(value)
    words = round(statistics.fmean(len(text.split()) for text in texts))
    print(f"\nembedding: {len(texts)} texts of {words} words on average, all different")
    for name, found in samples.items():
        each = sorted(1000 * value / len(texts) for value in found)
        print(f"  {name:12s} ms a text {statistics.median(each):.3f} ({each[0]:.3f} .. {each[-1]:.3f})")
    raw = statistics.median(samples["raw encode"])
    print(f"  semantic: {statistics.median(samples['semantic']) / raw:.2f} x the time of raw batched encode")


def cold_start(folder: Path, runs: int) -> None:
    """A fresh process to its first score of ``semantic``: the light path beside sentence-transformers' own."""
    commands = {
        "light": [sys.executable, "-c", _LIGHT],
        "sentence-transformers": [sys.executable, "-c", _RAW.format(model=str(folder_of(DEFAULT_EMBEDDING_MODEL)))],
        "bare python": [sys.executable, "-c", "pass"],
    }
    samples = in_turn(commands, folder, runs=runs)
    print("\ncold start: a fresh process to the first score of `semantic`")
    for name, taken in samples.items():
        print(f"  {name:22s} wall s {spread(taken, 'wall_s')}   memory MB {median(taken, 'memory_mb'):.0f}")
    ratio = median(samples["sentence-transformers"], "wall_s") / median(samples["light"], "wall_s")
    print(f"  light: {ratio:.1f} x as fast to the first score (aim: 5)")
