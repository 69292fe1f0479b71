"""Files that were whole and are no more: a clear error or success, whatever the damage."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from more_readers import more_readers
from mutations import damaged, distorted
from readers import Reader, readers, trouble

from pytest_promptreg.errors import ResultsError
from tests.soak import tries

READERS = [*readers(), *more_readers()]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a reader leaves lies in a folder of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_whole_file_is_read(reader: Reader, tmp_path: Path) -> None:
    """The files that the damage is done to are good ones: all of them are used as a run would."""
    for seed in reader.seeds:
        (tmp_path / reader.file).write_bytes(seed)
        reader.read(tmp_path / reader.file)


@pytest.mark.soak
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_damage_is_a_clear_error(reader: Reader, tmp_path: Path) -> None:
    """Flipped bits, torn ends, spliced pieces and hostile words end in success or in an error of this package."""
    random = Random(f"damage {reader.name}")  # noqa: S311
    for _ in range(tries(12, 20_000)):
        data = damaged(random.choice(reader.seeds), random.choice(reader.seeds), random)
        assert trouble(reader, data, tmp_path) is None, data


@pytest.mark.soak
@pytest.mark.parametrize("reader", [reader for reader in READERS if reader.seal], ids=lambda reader: reader.name)
def test_a_wrong_value_under_right_digests_is_a_clear_error(reader: Reader, tmp_path: Path) -> None:
    """Somebody who knows how the digests are made puts values of the wrong kind under right ones."""
    assert reader.seal is not None
    random = Random(f"wrong {reader.name}")  # noqa: S311
    for _ in range(tries(12, 20_000)):
        data = reader.seal(distorted(random.choice(reader.values), random))
        assert trouble(reader, data, tmp_path) is None, data


def test_a_shard_that_refreshes_two_versions_is_refused(tmp_path: Path) -> None:
    """What no run leaves is no part of one: a refresh is of one version of a suite."""
    reader = next(reader for reader in READERS if reader.name == "shard")
    data = json.loads(reader.seeds[0])
    data["part"]["flags"]["promptreg_update"] = True
    (tmp_path / reader.file).write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ResultsError, match="refreshes v2 of test_it, and v1 too"):
        reader.read(tmp_path / reader.file)


def test_a_number_that_no_float_can_hold_is_refused(tmp_path: Path) -> None:
    """A whole number of hundreds of digits in a result file is too large, at its place."""
    reader = next(reader for reader in READERS if reader.name == "result.json")
    data = json.loads(reader.seeds[0])
    data["run"]["suites"][0]["versions"][0]["cases"][0]["input_tokens"] = 10**400
    (tmp_path / reader.file).write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ResultsError, match=r"cases\[0\].input_tokens is too large a number"):
        reader.read(tmp_path / reader.file)
