"""Which signals only warn, because the model gives them by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_promptreg.baselines.baseline import Baseline, Record
from pytest_promptreg.baselines.production import Production
from pytest_promptreg.judging.against import Against
from pytest_promptreg.judging.noisy_signals import noisy_signals
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.suites.suite import SuiteSpec

PROMPT = PromptVersion("v1", "Say {{ it }}")
KEY = PROMPT.digest[:32]
FENCED = "```\nx = 1\n```"


def against(mode: str, *generated: tuple[str, ...], named: tuple[str, ...] = ()) -> Against:
    """A suite of one version whose examples have these stored generations."""
    examples = tuple(Example(f"e{i}", {"it": i}) for i in range(len(generated)))
    records = {
        example.id: Record(example.id, "inputs", texts, (KEY,) * len(texts), (1,) * len(texts))
        for example, texts in zip(examples, generated, strict=True)
    }
    spec = SuiteSpec("s", "t.py:1", Path("t.py"), "test_y", (PROMPT,), examples, ())
    spec = replace(spec, mode=mode, named_signals=named)
    return Against(spec, Baseline(KEY, {KEY: PROMPT}, records), spec)


def test_what_stored_generations_differ_by_is_noise() -> None:
    """A signal that fires between two generations of any example breaches no case of a calibrated suite."""
    varied = [("x = 1", "x = 2"), ("x = 1", FENCED)]
    assert noisy_signals(against("calibrated", *varied)) == {"output_kind"}
    assert noisy_signals(against("calibrated", varied[0])) == frozenset()


def test_what_another_prompt_made_says_nothing() -> None:
    """Where the baseline has to be of what is in production, the noise is that of its own generations alone."""
    varied = against("calibrated", ("x = 1", FENCED))
    other = PromptVersion("v2", "Tell {{ it }}")
    record = replace(varied.baseline.records["e0"], prompts=(KEY, other.digest[:32]))  # type: ignore[union-attr]
    stored = Baseline(KEY, {KEY: PROMPT, other.digest[:32]: other}, {"e0": record})
    spec = replace(varied.spec, production=Production("p", "champion", 1, PROMPT))
    assert noisy_signals(Against(varied.spec, stored, spec)) == {"output_kind"}
    assert noisy_signals(Against(spec, stored, spec)) == frozenset()


def test_what_somebody_said_is_meant() -> None:
    """A signal that marker or ini file sets to breach does so, however the model varies."""
    assert noisy_signals(against("calibrated", ("x = 1", FENCED), named=("output_kind",))) == frozenset()
    assert noisy_signals(against("floor", ("x = 1",), named=("output_kind",))) == {"script"}


@pytest.mark.parametrize(("mode", "noisy"), [("strict", set()), ("floor", {"output_kind", "script"})])
def test_without_generations_nothing_is_known(mode: str, noisy: set[str]) -> None:
    """Strict gates mean every signal; under floors those only warn that answers to one prompt differ by."""
    assert noisy_signals(against(mode, ("x = 1", FENCED))) == noisy
