"""Everything that shapes an output is part of its key, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_promptreg.model import Example, Message, PromptVersion
from pytest_promptreg.replay.keys import Parts, key_of, shared_part

VERSION = PromptVersion("v1", "Say {{ word }}", model_config={"temperature": 0, "api_key": "one"})
EXAMPLE = Example("a", {"word": "yes"})


def _key(
    version: PromptVersion = VERSION,
    example: Example = EXAMPLE,
    predict: str = "openai:/small",
    declared: str = "",
    sample: int = 0,
) -> str:
    return key_of(version, example, shared_part(version, predict=predict, predict_version=declared), sample)


@pytest.mark.parametrize(
    "other",
    [
        _key(version=replace(VERSION, template="Say {{ word }}!")),
        _key(version=replace(VERSION, template=(Message("user", "Say {{ word }}"),))),
        _key(version=replace(VERSION, syntax="jinja2")),
        _key(version=replace(VERSION, model_config={"temperature": 1, "api_key": "one"})),
        _key(version=replace(VERSION, model_config={})),
        _key(version=replace(VERSION, model_config={**VERSION.model_config, "tools": [{"password": {"type": "a"}}]})),
        _key(example=replace(EXAMPLE, inputs={"word": "no"})),
        _key(example=replace(EXAMPLE, inputs={"word": "yes", "unused": 1})),
        _key(predict="openai:/large"),
        _key(declared="2"),
        _key(sample=1),
    ],
)
def test_each_part_changes_the_key(other: str) -> None:
    """Another prompt, other inputs, another model config, predict, declared version or sample is another output."""
    assert other != _key()


@pytest.mark.parametrize(
    "same",
    [
        _key(version=replace(VERSION, label="v2", commit_message="x", tags={"a": "b"}, where="elsewhere")),
        _key(version=replace(VERSION, model_config={"api_key": "another", "temperature": 0})),
        _key(example=replace(EXAMPLE, id="b", reference="x", gates=("exact == 1",), tags=("t",), where="y:1")),
    ],
)
def test_what_shapes_no_output_is_no_part_of_the_key(same: str) -> None:
    """A renamed version or example, other gates and another API key find what was recorded."""
    assert same == _key()


def test_a_tool_may_describe_what_is_called_a_secret() -> None:
    """A schema has a property `password`, which holds none: another description asks the model for something else."""
    one, other = (replace(VERSION, model_config={"tools": [{"password": {"type": kind}}]}) for kind in ("a", "b"))
    assert _key(version=one) != _key(version=other)


def test_what_has_changed_is_told_in_words() -> None:
    """Each part that differs is named; equal parts tell nothing."""
    then = Parts.of(VERSION, EXAMPLE, predict="openai:/small")
    now = Parts.of(replace(VERSION, template="Shout {{ word }}"), EXAMPLE, predict="openai:/large", predict_version="2")
    assert then.changed_since(then) == []
    assert now.changed_since(then) == [
        "the prompt",
        "predict (then openai:/small, now openai:/large)",
        "predict's declared version (then '', now '2')",
    ]
