"""A whole run in which every output changed, beside raw embeddings of the texts that are new in it."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from pathlib import Path

from embedding import text
from measure import Sample, median, once

EXAMPLES = 1_000
WORDS = 150
LIMIT = 1.15
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_suite.py"]
SUITE = """
import json, os, pytest

SAID = json.load(open("said.json"))[os.environ["SAID"]]

@pytest.fixture(scope="session")
def promptreg_predict():
    return lambda request: SAID[request.inputs["index"]]

@pytest.mark.promptreg(
    prompts="prompts", examples="examples.jsonl", gates=["semantic >= -0.9", "rouge_l >= 0.01", "bleu >= 1"]
)
def test_suite(promptreg):
    promptreg.check()
"""
RAW = """
import json, time
from sentence_transformers import SentenceTransformer
from pytest_promptreg.embedders.models import folder_of
from pytest_promptreg.metrics import DEFAULT_EMBEDDING_MODEL

model = SentenceTransformer(str(folder_of(DEFAULT_EMBEDDING_MODEL)), device="cpu", local_files_only=True)
texts = json.load(open("said.json"))["new"]
model.encode(texts[:32], batch_size=32, normalize_embeddings=True)
start = time.perf_counter()
model.encode(texts, batch_size=32, normalize_embeddings=True)
open("raw.txt", "w").write(str(time.perf_counter() - start))
"""


def changed(folder: Path, runs: int) -> None:
    """What a run takes longer for scoring than one that had nothing to score, over ``encode`` of the new texts.

    The accepted outputs were embedded by an earlier run, as they are from the second one on.
    """
    _write(folder)
    vectors = folder / "vectors"
    _run(folder, "accepted", "--promptreg-update")
    _run(folder, "earlier")
    kept = folder / "kept"
    shutil.copytree(vectors, kept)
    scored: list[Sample] = []
    unchanged: list[Sample] = []
    raw: list[float] = []
    for _ in range(runs):
        shutil.rmtree(vectors)
        shutil.copytree(kept, vectors)
        scored.append(_run(folder, "new"))
        unchanged.append(_run(folder, "accepted"))
        _checked(once([sys.executable, "-c", RAW], folder))
        raw.append(float((folder / "raw.txt").read_text()))
    scoring_s = median(scored, "wall_s") - median(unchanged, "wall_s")
    print(f"\nchanged: {EXAMPLES} outputs of {WORDS} words, all changed, gates on semantic, rouge_l and bleu")
    print(f"  the run {median(scored, 'wall_s'):.1f} s, with nothing to score {median(unchanged, 'wall_s'):.1f} s")
    print(f"  raw encode of the new texts, batches of 32: {statistics.median(raw):.1f} s")
    print(f"  scoring over raw encode: {scoring_s / statistics.median(raw):.2f} (limit {LIMIT})")


def _write(folder: Path) -> None:
    (folder / "prompts").mkdir()
    (folder / "prompts" / "v1.md").write_text("Answer: {{ index }}\n")
    rows = [{"id": f"ex{index:04d}", "index": index} for index in range(EXAMPLES)]
    (folder / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "pytest.ini").write_text("[pytest]\npromptreg_embedding_cache = vectors\n")
    (folder / "test_suite.py").write_text(SUITE)
    said = {
        name: [text(first + index, WORDS) for index in range(EXAMPLES)]
        for name, first in (("accepted", 0), ("earlier", EXAMPLES), ("new", 2 * EXAMPLES))
    }
    (folder / "said.json").write_text(json.dumps(said))


def _run(folder: Path, said: str, *flags: str) -> Sample:
    return _checked(once([*PYTEST, *flags], folder, {"SAID": said}))


def _checked(sample: Sample) -> Sample:
    if sample.status:
        raise RuntimeError(f"exit status {sample.status}: a figure of a failed run says nothing")
    return sample
