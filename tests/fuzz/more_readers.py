"""Readers of what a run keeps for itself, of configurations, and of values that a person sets or that travel."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from argparse import Namespace
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from readers import Reader, _json

from pytest_promptreg.baselines.applying import settle, stopped
from pytest_promptreg.embedders.cache import Store as Vectors
from pytest_promptreg.errors import BudgetError
from pytest_promptreg.model import Message, PromptVersion
from pytest_promptreg.promptfoo import command as import_promptfoo
from pytest_promptreg.sources.registry.addresses import parse as parse_address
from pytest_promptreg.sources.registry.copies import _WIRE, Copies
from pytest_promptreg.sources.registry.settings import RegistrySettings
from pytest_promptreg.spending.budget import Budget, Limits
from pytest_promptreg.suites.files.reading import read_suites
from pytest_promptreg.text import digest

# -- the cache of embeddings

_TEXTS = {f"text {number}": np.arange(4, dtype=np.float32) + number for number in range(30)}


def _vectors_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "v.db")
        store = Vectors(path)
        store.keep("model", _TEXTS)
        store.keep_digest("state", "d" * 64)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        return path.read_bytes()


def _vectors(path: Path) -> None:
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    store = Vectors(path)
    found = store.vectors("model", [*_TEXTS, "another"])
    for text, vector in found.items():
        assert (vector == _TEXTS[text]).all()
    assert isinstance(store.digest("state"), str | None)
    store.keep("model", {"another": np.zeros(4, np.float32)})
    store.keep_digest("other", "e")
    store.vectors("model", _TEXTS)


# -- notes of this package's own


def _note(files: list[tuple[str, str]]) -> dict[str, Any]:
    said = [{"path": name, "before": digest("old"), "after": digest(after)} for name, after in files]
    return {"command": "pytest --promptreg-update", "files": said}


_NOTES = _note([("done.json", "new"), ("left.json", "newer")])


def _stopped(path: Path) -> None:
    folder = path.parent / ".promptreg"
    folder.mkdir(exist_ok=True)
    (path.parent / "done.json").write_text("new", encoding="utf-8")
    (path.parent / "left.json").write_text("old", encoding="utf-8")
    shutil.copy(path, folder / path.name)
    for line in stopped(path.parent):
        line.encode()
    settle(path.parent)


def _copy() -> dict[str, Any]:
    versions = [PromptVersion("v1", "Say {{ q }}."), PromptVersion("v2", (Message("user", "x"),), tags={"a": "b"})]
    wires = _WIRE.encode(versions, list[PromptVersion])
    return {**_copies(Path())._head, "fetched": 1.7e9, "run": "", "versions": wires}


def _copies(folder: Path) -> Copies:
    return Copies(parse_address("prompts:/p", where="t.py:1"), "http://host", RegistrySettings(cache=folder))


def _registry(path: Path) -> None:
    copies = _copies(path.parent)
    assert copies._path is not None
    shutil.copy(path, copies._path)
    copy = copies.read()
    if copy is not None:
        copies.is_good(copy)
        for version in copy.versions:
            assert isinstance(version.text + version.label + version.digest, str)
            json.dumps(version.to_wire())


_COUNTED = {"r": [1, 0.5, 4e9], "s": [2, 0, 4e9]}


def _budget(path: Path) -> None:
    folder = path.parent / ".promptreg"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / "budget.json")
    budget = Budget(Limits(5, 1.0), run="r", rootdir=path.parent)
    try:
        budget.take(0.5)
    except BudgetError:
        return
    budget.settle(0.5, 0.25)


# -- configurations

_SUITE = {
    "name": "bot",
    "prompts": [
        {"label": "v1", "text": "Say {{ q }}."},
        {"label": "v2", "messages": [{"role": "user", "content": "x"}]},
    ],
    "examples": [{"id": "a", "q": "x", "reference": "y", "gates": ["rouge_l >= 0.5"]}, {"q": 1, "tags": ["t"]}],
    "gates": ["rouge_l >= 0.8", "mean(bleu) >= 20"],
    "metrics": ["chrf"],
    "signals": {"refusal": "warn"},
    "predict": "module:function",
    "predict_version": "1",
    "samples": 2,
}
_SUITES = {"suites": [_SUITE, {**_SUITE, "name": "other", "prompts": "prompts", "examples": "e.jsonl"}]}

_PROMPTFOO = {
    "description": "A bot",
    "prompts": ["Answer in {{ language }}: {{ question }}", "file://p.txt", {"raw": "x", "label": "l", "id": "i"}],
    "providers": [
        "openai:chat:gpt-4o-mini",
        {"id": "anthropic:messages:c", "label": "x", "config": {"temperature": 0}},
    ],
    "defaultTest": {"vars": {"language": "English"}, "assert": [{"type": "similar", "value": "x", "threshold": 0.8}]},
    "tests": [
        {"vars": {"question": ["a", "b"]}, "assert": [{"type": "contains", "value": "x"}], "metadata": {"k": "v"}},
        {"description": "../../d", "vars": {"question": "file://q.txt"}, "assert": [{"type": "equals", "value": "y"}]},
        "file://t.csv",
        "t.jsonl",
    ],
    "evaluateOptions": {"repeat": 3},
}
_CSV_TESTS = b'question,__expected,__description,__metadata:k,__x\nWhy?,contains: x,d,v,\n"a\nb",equals:y,,,\n'
_LINES_OF_TESTS = (
    b'{"vars": {"question": "x"}, "assert": [{"type": "contains-json"}]}\n{"vars": {"question": ["a", "b"]}}\n'
)


def _suite_file(path: Path) -> None:
    for suite in read_suites(path):
        assert suite.line > 0
        for place in suite.places.values():
            place.encode()


def _promptfoo(path: Path) -> None:
    """The configuration beside files that it names; only the folder for what is made may have others afterwards."""
    root = path.parent / "root"
    shutil.rmtree(root, ignore_errors=True)
    folder = root / "of" / "a" / "project"
    folder.mkdir(parents=True)
    for name, data in {"p.txt": b"Say {{ question }}.", "q.txt": b"Why?", "t.csv": _CSV_TESTS}.items():
        (folder / name).write_bytes(data)
    (folder / "t.jsonl").write_bytes(_LINES_OF_TESTS)
    if path.suffix != ".yaml":
        (folder / "promptfooconfig.yaml").write_bytes(json.dumps(_PROMPTFOO).encode())
    shutil.copy(path, folder / path.name)
    before = set(path.parent.rglob("*"))
    try:
        import_promptfoo.run(Namespace(file=folder / "promptfooconfig.yaml", output=folder / "made"), _printable)
    finally:
        outside = [made for made in set(path.parent.rglob("*")) - before if not made.is_relative_to(folder / "made")]
        assert outside == []
    for made in (folder / "made").glob("promptreg_*.yaml"):
        read_suites(made)


def _printable(line: str) -> None:
    line.encode()


def more_readers() -> list[Reader]:
    """All of them."""
    return [
        Reader("vectors", "vectors.db", [_vectors_file()], _vectors),
        Reader("note of a refresh", "refresh-0a.json", [_json(_NOTES)], _stopped, [_NOTES], _json),
        Reader("copy of a registry", "copy.json", [_json(_copy())], _registry, [_copy()], _json),
        Reader("budget", "counted.json", [_json(_COUNTED)], _budget, [_COUNTED], _json),
        Reader("suite file", "promptreg_a.yaml", [_json(_SUITE), _json(_SUITES)], _suite_file, [_SUITES], _json),
        Reader("promptfoo", "promptfooconfig.yaml", [_json(_PROMPTFOO)], _promptfoo, [_PROMPTFOO], _json),
        Reader("promptfoo tests.csv", "t.csv", [_CSV_TESTS], _promptfoo),
        Reader("promptfoo tests.jsonl", "t.jsonl", [_LINES_OF_TESTS], _promptfoo),
    ]
