"""How prompts are named in the registry, and what names it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.sources.registry.addresses import is_registry, registry_name


@pytest.mark.parametrize("source", ["prompts/summarize", "summarize", ["prompts:/summarize"], None, 3])
def test_files_and_objects_are_no_registry(source: object) -> None:
    """Only a text that begins with prompts: names the registry."""
    assert not is_registry(source)


@given(st.text(max_size=40))
@settings(max_examples=100)
def test_any_name_becomes_one_that_the_registry_takes(name: str) -> None:
    """A name of a registered prompt stays what it is."""
    taken = registry_name(name)
    assert taken
    assert set(taken) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert registry_name(taken) == taken


def test_two_names_do_not_become_one() -> None:
    """What was lost in a name is made up for by a piece of its digest."""
    assert registry_name("team-a.summarize_2") == "team-a.summarize_2"
    assert registry_name("team/summarize").startswith("team-summarize-")
    assert len({registry_name(name) for name in ("a/b", "a b", "a-b", "äb", "a:b", "東京", "京東")}) == 7
