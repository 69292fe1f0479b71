"""The cache on disk: it saves time, and nothing that is wrong with it changes or stops anything."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pytest_promptreg.embedders.cache import Store

VECTORS = {"one": np.array([0.6, 0.8], np.float32), "other\ud800": np.array([1, 0], np.float32)}


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    """Vectors come back bit for bit, for their text and fingerprint alone; the folder is made on first need."""
    path = tmp_path / "new" / "folder" / "cache.sqlite"
    Store(path).keep("model", VECTORS)
    found = Store(path).vectors("model", [*VECTORS, "unknown"])
    assert found.keys() == VECTORS.keys()
    assert all((found[text] == VECTORS[text]).all() for text in VECTORS)
    assert Store(path).vectors("another model", VECTORS) == {}


def test_the_oldest_go(tmp_path: Path) -> None:
    """Past the bound, the vectors that were kept first are dropped."""
    store = Store(tmp_path / "cache.sqlite", most=10)
    for number in range(1500):
        if number % 100 == 0:
            store.keep("m", {str(n): VECTORS["one"] for n in range(number, number + 100)})
    assert sorted(store.vectors("m", map(str, range(1500)))) == [str(n) for n in range(1490, 1500)]


@pytest.mark.parametrize("damage", ["flipped", "short", "text", "nan"])
def test_a_damaged_vector_is_not_believed(tmp_path: Path, damage: str) -> None:
    """A value whose checksum is wrong, or that is no number, is as good as none."""
    path = tmp_path / "cache.sqlite"
    store = Store(path)
    store.keep("m", {"one": np.array([np.nan, 0], np.float32) if damage == "nan" else VECTORS["one"]})
    with sqlite3.connect(path) as connection:
        ((value,),) = connection.execute("SELECT value FROM vectors")
        changed = {"flipped": value[:-1] + bytes([value[-1] ^ 1]), "short": value[:-4], "text": "a text", "nan": value}
        connection.execute("UPDATE vectors SET value = ?", (changed[damage],))
    connection.close()
    assert store.vectors("m", ["one"]) == {}


def test_a_file_that_is_no_database_is_begun_anew(tmp_path: Path) -> None:
    """A file of anything else is taken away, and the cache works again."""
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"no database, but long enough to be read as a header of one" * 100)
    store = Store(path)
    assert store.vectors("m", ["one"]) == {}
    store.keep("m", VECTORS)
    assert Store(path).vectors("m", VECTORS).keys() == VECTORS.keys()


def test_another_schema_is_lived_with(tmp_path: Path) -> None:
    """A database of another layout gives nothing, takes nothing, and raises nothing."""
    path = tmp_path / "cache.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE vectors (something)")
    connection.close()
    store = Store(path)
    for _ in range(5):
        store.keep("m", VECTORS)
        assert store.vectors("m", ["one"]) == {}
    assert store.digest("state") is None


def test_a_folder_that_cannot_be_made_is_lived_with(tmp_path: Path) -> None:
    """Where no file can be written, nothing is kept, and nothing is raised."""
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file" / "cache.sqlite")
    for _ in range(5):
        store.keep("m", VECTORS)
        store.keep_digest("state", "digest")
        assert store.vectors("m", VECTORS) == {}
    assert store.digest("state") is None


def test_a_lock_that_is_never_let_go_is_not_waited_for_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that another process holds is done without after a few tries."""
    monkeypatch.setattr("pytest_promptreg.embedders.cache._LOCK_TIMEOUT_S", 0.01)
    path = tmp_path / "cache.sqlite"
    Store(path).keep("m", {"one": VECTORS["one"]})
    store = Store(path)
    holder = sqlite3.connect(path)
    holder.execute("BEGIN EXCLUSIVE")
    for _ in range(4):
        store.keep("m", VECTORS)
    holder.rollback()
    holder.close()
    assert store.vectors("m", ["one"]) == {}
    assert Store(path).vectors("m", VECTORS).keys() == {"one"}


def test_several_processes_may_use_it_at_once(tmp_path: Path) -> None:
    """What processes keep at the same time is all kept, and whole."""
    path = tmp_path / "cache.sqlite"
    code = (
        "import sys, numpy as np; from pathlib import Path; from pytest_promptreg.embedders.cache import Store;"
        "store = Store(Path(sys.argv[1]));"
        "[store.keep('m', {f'{sys.argv[2]}-{n}': np.full(8, n, np.float32)}) for n in range(40)]"
    )
    Store(path).keep("m", VECTORS)
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), str(writer)]) for writer in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    texts = {f"{writer}-{n}": n for writer in range(3) for n in range(40)}
    found = Store(path).vectors("m", texts)
    assert found.keys() == texts.keys()
    assert all((found[text] == number).all() for text, number in texts.items())


def test_digests_are_kept_by_the_files_state(tmp_path: Path) -> None:
    """A digest is found for the very state that it was kept for."""
    store = Store(tmp_path / "cache.sqlite")
    store.keep_digest("path|1|2", "abc")
    assert store.digest("path|1|2") == "abc"
    assert store.digest("path|1|3") is None
