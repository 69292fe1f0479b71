"""Which shard a case belongs to: each to one, as many to each, and few move when an example is added."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.errors import ConfigError, ResultsError
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.model import CaseKey, Example, PromptVersion
from pytest_promptreg.results.shards import Part, Shard, in_shard, shards_of, told
from pytest_promptreg.suites.suite import SuiteSpec

IDS = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=60, unique=True)


def spec(ids: list[str], name: str = "t.py::test") -> SuiteSpec:
    versions = (PromptVersion("v1", "one"), PromptVersion("v2", "two"))
    examples = tuple(Example(one, {"q": one}) for one in ids)
    return SuiteSpec(name, "t.py:1", Path("t.py"), "test", versions, examples, (parse("exact >= 1"),))


@given(IDS, st.integers(1, 9))
def test_every_case_is_in_one_shard_and_shards_are_alike(ids: list[str], count: int) -> None:
    """The parts make up the whole without an overlap, and no part has two examples more than another."""
    suite = spec(ids)
    keys = [CaseKey(suite.id, version, one) for version in ("v1", "v2") for one in ids]
    parts = [in_shard({suite.id: suite}, keys, Shard(index, count)) for index in range(1, count + 1)]
    assert sorted(key for part in parts for key in part) == sorted(keys)
    sizes = [len(part) // 2 for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert all({key.version for key in part} in ({"v1", "v2"}, set()) for part in parts)


@given(IDS.flatmap(lambda ids: st.tuples(st.just(ids), st.permutations(ids))), st.integers(1, 9))
def test_the_order_of_the_file_does_not_matter(orders: tuple[list[str], list[str]], count: int) -> None:
    """Nor does which of the cases are asked about."""
    ids, shuffled = orders
    assert shards_of(spec(ids), count) == shards_of(spec(shuffled), count)
    key = CaseKey("t.py::test", "v1", ids[0])
    index = shards_of(spec(ids), count)[ids[0]]
    assert in_shard({"t.py::test": spec(shuffled)}, [key], Shard(index, count)) == {key}


def test_a_new_example_moves_few() -> None:
    """Of a hundred examples on five machines, one more sends at most four elsewhere."""
    ids = [f"e{number}" for number in range(100)]
    before, after = shards_of(spec(ids), 5), shards_of(spec([*ids, "new"]), 5)
    assert sum(before[one] != after[one] for one in ids) <= 4


def test_small_suites_do_not_pile_up() -> None:
    """Suites of one example go to all shards."""
    found = Counter(shards_of(spec(["only"], f"t.py::test_{number}"), 4)["only"] for number in range(200))
    assert set(found) == {1, 2, 3, 4}
    assert min(found.values()) > 25


@pytest.mark.parametrize("text", ["", "2", "0/5", "6/5", "1/0", "-1/3", "1/3/5", "a/b", "1.5/3", "١/٣"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    """With the form that it has."""
    with pytest.raises(ConfigError, match="--promptreg-shard 2/5"):
        Shard.parse(text)


def test_a_shard_is_written_as_it_is_read() -> None:
    """And names its file."""
    shard = Shard.parse("2/5")
    assert (shard.index, shard.count, str(shard)) == (2, 5, "2/5")
    assert shard.file(Path("root")) == Path("root/.promptreg/shards/2-of-5.json")


def test_a_part_travels() -> None:
    """What a shard leaves for the merge comes back; what is none is refused with its place."""
    part = Part(2, 3, "pytest", True, None, {"a": None}, {"b": ["x"]}, (("s", "v", "e", "n"),), {"s": "d"}, {"s": {}})
    assert Part.from_wire(part.to_wire(), "f.json") == part
    for wrong in ({}, {**part.to_wire(), "cases": [["s"]]}, {**part.to_wire(), "index": 4}):
        with pytest.raises(ResultsError, match=r"f\.json: the results cannot be trusted"):
            Part.from_wire(wrong, "f.json")


def test_settings_are_told_without_secrets() -> None:
    """A password in an address, and what is called a secret by its name, do not stand in the file."""
    given = {"uri": "tcp://me:planted@host:1", "promptreg_api_key": "planted", "n": 1, "list": ("http://x:planted@y",)}
    found = told(given)
    assert "planted" not in str(found)
    assert (found["n"], found["uri"], found["list"]) == (1, "tcp://host:1", ["http://y"])
