"""The published check: it passes for what keeps the rules, and names the rule that a metric breaks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pytest_promptreg.metrics import METRICS, Pair, create
from pytest_promptreg.metrics.life_cycle import check_metric
from pytest_promptreg.metrics.own import OwnMetric, metric
from pytest_promptreg.model import Example, ScoredCase


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def shared(output: str, baseline: str) -> float:
    """A metric that keeps every rule."""
    either = words(output) | words(baseline)
    return len(words(output) & words(baseline)) / len(either) if either else 1.0


class Shared:
    """A batch object that keeps every rule; what a subclass changes is the one that it breaks."""

    name = "shared_words"

    def signature(self) -> str:
        """One line."""
        return "shared_words|v1"

    def score(self, pairs: Sequence[Pair]) -> list[Any]:
        """The share of words."""
        return [shared(pair.output, pair.baseline) for pair in pairs]


def broken_by(source: object, examples: Sequence[Pair] | None = None) -> list[str]:
    """The lines of the check, without its heading."""
    with pytest.raises(AssertionError) as error:
        check_metric(source, examples)
    return str(error.value).splitlines()[1:]


@pytest.mark.parametrize("name", ["bleu", "chrf", "exact", "rouge_l"])
def test_built_in_metrics_keep_the_rules(name: str) -> None:
    """What users' metrics are held to, the package's own are held to."""
    check_metric(OwnMetric(METRICS[name], create(name)))


@pytest.mark.parametrize(
    "source", [shared, Shared(), metric(low=-1, high=2, equal=1)(lambda *texts: shared(*texts[:2]))]
)
def test_metrics_that_keep_the_rules_pass(source: Any) -> None:
    """Functions, described ones and batch objects."""
    if getattr(source, "__name__", "") == "<lambda>":
        source.__name__ = "described"
    check_metric(source)


def test_a_metric_of_its_case_is_checked_with_its_own_examples() -> None:
    """A metric that needs certain inputs is given examples that have them, also for the unusual texts."""

    def toned(output: str, baseline: str, case: ScoredCase) -> float:
        return shared(output, baseline) * len(case.inputs["tone"]) / 4

    assert "KeyError: 'tone'" in broken_by(toned)[0]
    check_metric(toned, [Pair("some words", "other words", ScoredCase(Example("t-1", {"tone": "warm"})))])


def test_no_examples_are_no_check() -> None:
    """An empty list of examples does not pass for a check."""
    assert broken_by(shared, []) == ["- examples: there are none to check it with"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (lambda output, baseline: 1.0, "a lambda has no name"),
        (metric(low=1, high=1)(lambda output, baseline: 1.0), "has no name"),
        (metric(name="bad", low=1, high=1)(lambda output, baseline: 1.0), "bad: low 1 is not below high 1"),
        (metric(name="bleu")(lambda output, baseline: 1.0), "'bleu' is a built-in metric's name"),
        (Shared, "Shared is a class, not a metric"),
    ],
)
def test_what_cannot_be_adopted_fails_the_check(source: object, said: str) -> None:
    """A name or bounds that are refused in a suite fail the check with the same words."""
    with pytest.raises(AssertionError) as error:
        check_metric(source)
    assert str(error.value).startswith("this is no metric: ")
    assert said in str(error.value)


def test_a_signature_of_two_lines_is_caught() -> None:
    """Rule: the signature is one line."""
    (line,) = broken_by(type("Broken", (Shared,), {"signature": lambda self: "a\nb"})())
    assert line.startswith("- signature: the metric shared_words has the signature 'a\\nb'")


def test_a_signature_that_changes_is_caught() -> None:
    """Rule: the signature stays the same."""
    numbers = itertools.count()
    (line,) = broken_by(type("Broken", (Shared,), {"signature": lambda self: f"v{next(numbers)}"})())
    assert line == "- signature: 'shared_words|v0' the first time, 'shared_words|v1' later"


def test_a_signature_that_cannot_be_had_is_caught() -> None:
    """Rule: there is a signature."""
    (line,) = broken_by(type("Broken", (Shared,), {"signature": lambda self: 1 / 0})())
    assert line.startswith("- signature: the metric shared_words failed: ZeroDivisionError")


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (lambda self, pairs: Shared().score(pairs)[1:], "gave 3 scores for 4 pairs"),
        (lambda self, pairs: [None for _ in pairs], "gave None for example 'capital', no finite number"),
        (lambda self, pairs: [float("nan") for _ in pairs], "gave nan for example 'capital'"),
        (lambda self, pairs: [7.0 for _ in pairs], "gave 7.0 for example 'capital', no finite number from 0 to 1"),
        (lambda self, pairs: 1 / 0, "failed: ZeroDivisionError"),
    ],
)
def test_what_are_no_scores_is_caught(score: Callable[..., object], said: str) -> None:
    """Rules: one number for each pair, within the bounds."""
    (line,) = broken_by(type("Broken", (Shared,), {"score": score})())
    assert line.startswith("- scores: the metric shared_words")
    assert said in line


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (lambda pairs: [int(value) for value in Shared().score(pairs)], "- scores: 0 is of type int, not float"),
        (lambda pairs: Shared().score(pairs)[1:], "- scores: 3 scores for 4 pairs"),
        (lambda pairs: [value * 2 for value in Shared().score(pairs)], "- equal: 'It is Paris, of course.' against"),
        (
            lambda pairs: [value - 0.5 for value in Shared().score(pairs)],
            "- bounds: -0.277778 does not lie from 0 to 1",
        ),
    ],
)
def test_a_metric_without_our_wrapper_is_caught_as_well(score: Callable[..., Any], said: str) -> None:
    """The rules about numbers do not rely on what adoption sees to."""
    broken = Shared()
    broken.score = score  # type: ignore[method-assign]
    lines = broken_by(OwnMetric(METRICS["exact"], broken))
    assert any(line.startswith(said) for line in lines), lines


def test_chance_is_caught() -> None:
    """Rule: the same pair scores the same again."""
    chance = random.Random(7)  # noqa: S311  no secret
    (line,) = broken_by(
        type("Broken", (Shared,), {"score": lambda self, pairs: _but_for_equal(pairs, chance.random)})()
    )
    assert line.startswith("- repetition: the same pair scored 0.")


def _but_for_equal(pairs: Sequence[Pair], number: Callable[[], float]) -> list[float]:
    return [1.0 if pair.output == pair.baseline else number() for pair in pairs]


def test_a_metric_that_looks_at_the_batch_is_caught() -> None:
    """Rule: a pair's score does not depend on the pairs beside it."""

    class Ranked(Shared):
        def score(self, pairs: Sequence[Pair]) -> list[Any]:
            scores = super().score(pairs)
            return [value / (max(scores) or 1.0) for value in scores]

    (line,) = broken_by(Ranked())
    assert line.startswith("- independence: a pair scored 0.37037, and 1 alone; ")


def test_a_metric_that_sorts_is_caught() -> None:
    """Rule: the scores are in the order of the pairs."""
    (line,) = broken_by(type("Broken", (Shared,), {"score": lambda self, pairs: sorted(Shared().score(pairs))})())
    assert line.startswith("- independence: a pair scored ")


def test_a_metric_that_looks_at_the_order_is_caught() -> None:
    """Rule: the order of the pairs changes no score."""

    class Alphabetic(Shared):
        def score(self, pairs: Sequence[Pair]) -> list[Any]:
            share = 0.5 if pairs[0].output > pairs[-1].output else 1.0
            return [value * share for value in super().score(pairs)]

    pairs = [Pair(text, "a b", None) for text in ("a", "a b c", "b c d e")]
    (line,) = broken_by(Alphabetic(), pairs)
    assert line.startswith("- order: a pair scored ")


def test_equal_texts_that_score_less_are_caught() -> None:
    """Rule: equal texts score ``equal``, for that is what they are taken to have."""

    def halved(output: str, baseline: str) -> float:
        return shared(output, baseline) / 2

    (line,) = broken_by(halved)
    assert line.startswith("- equal: 'It is Paris, of course.' against itself scored 0.5, not 1")
    check_metric(metric(equal=0.5)(halved))


@pytest.mark.parametrize(
    ("rule", "refuse"),
    [
        ("blank", lambda output, baseline: not output),
        ("blank", lambda output, baseline: not baseline.strip()),
        ("long", lambda output, baseline: len(output) > 5000),
        ("long", lambda output, baseline: len(baseline) > 5000),
        ("unicode", lambda output, baseline: not (output + baseline).isascii()),
    ],
)
def test_unusual_texts_that_fail_are_caught(rule: str, refuse: Callable[[str, str], bool]) -> None:
    """Rules: blank, long and Unicode texts on either side give a number."""

    def picky(output: str, baseline: str) -> float:
        return shared(output, baseline) / (not refuse(output, baseline))

    (line,) = broken_by(picky)
    assert line.startswith(f"- {rule}: ")
    assert "ZeroDivisionError" in line
    assert len(line) < 500


def test_a_metric_that_changes_the_inputs_is_caught() -> None:
    """Rule: it leaves what it is given alone; the examples of the check stay as they are."""

    def taking(output: str, baseline: str, case: ScoredCase) -> float:
        case.inputs.pop("question")  # type: ignore[attr-defined]
        return shared(output, baseline)

    case = ScoredCase(Example("t-1", {"question": "why?"}))
    (line,) = broken_by(taking, [Pair("a b", "a c", case)])
    assert line == "- inputs: it changed the inputs of the example that it was given"
    assert case.inputs == {"question": "why?"}
    assert len(broken_by(taking)) == 1


def test_every_broken_rule_has_its_line() -> None:
    """Several broken rules are told at once."""

    class Poor(Shared):
        def signature(self) -> str:
            return "a\nb"

        def score(self, pairs: Sequence[Pair]) -> list[Any]:
            return [0.5 / len(pair.output) for pair in pairs]

    rules = [line.split(":")[0] for line in broken_by(Poor())]
    assert rules == ["- signature", "- equal", "- blank"]
