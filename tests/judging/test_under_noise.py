"""What a suite under noise comes to: verdicts on outcomes that were made by hand, and what may never pass."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_promptreg.judging.gates import SuiteGateResult, parse
from pytest_promptreg.judging.under_noise import judge
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.report.noise import lines, sentence
from pytest_promptreg.report.terminal import wrapped
from pytest_promptreg.results.outcome import CaseOutcome, VersionOutcome
from pytest_promptreg.suites.suite import SuiteSpec

V1, V2 = PromptVersion("v1", "Say {{ it }}"), PromptVersion("v2", "Tell {{ it }}")
SETTINGS: Any = SimpleNamespace(margin=None, undecided="warn")


def suite(mode: str, count: int = 40, **changes: Any) -> SuiteSpec:
    """A suite of so many examples that is judged by ROUGE-L alone."""
    examples = tuple(Example(f"e{i}", {"it": i}) for i in range(count))
    plain = SuiteSpec("s", "test_x.py:1", Path("test_x.py"), "test_y", (V1, V2), examples, (), ("rouge_l",))
    return replace(plain, mode=mode, mode_named=False, **changes)


def table(rng: random.Random, lost: float, generations: int = 3, noise: float = 0.05) -> list[list[float]]:
    """How alike the generations and one new text are, of which the new one lost so much."""
    size = generations + 1
    scores = [[1.0] * size for _ in range(size)]
    for one in range(size):
        for other in range(one):
            level = 0.8 - (lost if one == generations else 0.0) + rng.gauss(0, noise)
            scores[one][other] = scores[other][one] = level
    return scores


def version(label: PromptVersion, count: int, lost: float = 0.0, seed: int = 0, **noise: float) -> VersionOutcome:
    """A version whose outputs lost so much of ROUGE-L, beside the noise."""
    rng = random.Random(seed)  # noqa: S311  noise that is the same each time
    cases = [
        CaseOutcome(
            "s",
            label.label,
            f"e{i}",
            "changed",
            output="new",
            accepted="old",
            scores={"rouge_l": 0.8 - lost},
            noise={"rouge_l": table(rng, lost, **noise)},  # type: ignore[arg-type]
            generations=3,
        )
        for i in range(count)
    ]
    return VersionOutcome(label, cases)


def test_a_loss_beyond_the_noise_is_told_from_none() -> None:
    """The version that lost something is regressed, the one beside it is not, each with what is known about it."""
    kept, lost = judge(suite("calibrated"), [version(V1, 40), version(V2, 40, lost=0.1)], None, SETTINGS)
    (passed,), (regressed,) = kept.noise, lost.noise
    assert (kept.noise_state, lost.noise_state) == ("passed", "regressed")
    assert (kept.failed, lost.failed) == (False, True)
    assert regressed.drop == pytest.approx(0.1, abs=0.03)
    assert passed.upper is not None
    assert passed.margin is not None
    assert passed.upper < passed.margin
    assert regressed.chance is not None
    assert regressed.chance < 0.01
    assert (regressed.examples, regressed.generations, regressed.samples) == (40, 3, 1)
    assert len(lost.outside_noise) > 20 > len(kept.outside_noise)


def test_the_same_run_gives_the_same_verdict() -> None:
    """Nothing is drawn anew: a rerun on the same outputs says the same to the last digit."""
    versions = [version(V1, 30, seed=3), version(V2, 30, lost=0.02, seed=4)]
    assert judge(suite("calibrated"), versions, None, SETTINGS) == judge(suite("calibrated"), versions, None, SETTINGS)


def test_few_examples_are_undecided_and_say_what_would_settle_it() -> None:
    """Where examples are too few to tell, the run passes with a warning, unless the user wants it to fail."""
    few = [version(V1, 5, seed=1, noise=0.1)]
    (warned,) = judge(suite("calibrated", 5), few, None, SETTINGS)
    (failed,) = judge(suite("calibrated", 5), few, None, SimpleNamespace(margin=None, undecided="fail"))  # type: ignore[arg-type]
    assert warned.noise_state == failed.noise_state == "undecided"
    assert (warned.failed, failed.failed) == (False, True)
    assert warned.noise[0].needed is not None
    assert warned.noise[0].needed > 5
    assert f"{warned.noise[0].needed} would settle it" in sentence(warned)
    assert "promptreg_undecided = warn" in sentence(warned)
    assert "promptreg_undecided = fail" in sentence(failed)


def test_a_margin_of_the_users_own_is_a_share_of_the_scale() -> None:
    """What is smaller than the margin is no regression, however sure it is."""
    versions = [version(V1, 40, lost=0.1)]
    (strict,) = judge(suite("calibrated"), versions, None, SimpleNamespace(margin=0.05, undecided="warn"))  # type: ignore[arg-type]
    (lenient,) = judge(suite("calibrated"), versions, None, SimpleNamespace(margin=0.3, undecided="warn"))  # type: ignore[arg-type]
    assert (strict.noise_state, lenient.noise_state) == ("regressed", "passed")
    assert (strict.noise[0].margin, lenient.noise[0].margin) == (0.05, 0.3)


def referred(spec: SuiteSpec, *having: str) -> SuiteSpec:
    """The suite, of whose examples these have a reference."""
    examples = [replace(one, reference="r") if one.id in having else one for one in spec.examples]
    return replace(spec, examples=tuple(examples))


def test_what_is_lost_of_references_is_asked_of_selected_examples_only() -> None:
    """Where none of the examples that ran has a reference (``-k``), nothing was lost of one, and nothing fails."""
    spec = referred(suite("calibrated", 60), "e55")
    assert spec.noise_terms == ("rouge_l", "drop(token_recall)")
    (judged,) = judge(spec, [version(V1, 40)], None, SETTINGS)
    assert [result.term for result in judged.noise] == ["rouge_l"]
    assert not judged.failed
    (at_looks,) = judge(spec, [version(V1, 40)], None, SETTINGS, {"v1": [f"e{i}" for i in range(40)]})
    assert [result.term for result in at_looks.noise] == ["rouge_l"]
    assert not at_looks.failed


@pytest.mark.parametrize("noise", [0.05, 0.4])
def test_a_metric_without_a_judged_case_fails_for_that_reason(noise: float) -> None:
    """The one case with a reference has failed: that is no word of a setting, and no number of a loss either."""
    spec = referred(suite("calibrated"), "e0")
    ran = version(V1, 40, noise=noise)
    ran = replace(ran, cases=[replace(ran.cases[0], verdict="error"), *ran.cases[1:]])
    (judged,) = judge(spec, [ran], None, SETTINGS)
    nothing = judged.noise[-1]
    assert (nothing.term, nothing.examples, nothing.met) == ("drop(token_recall)", 0, False)
    assert (nothing.value, nothing.drop, nothing.margin, nothing.chance, nothing.noise) == (None,) * 5
    assert judged.failed
    assert "promptreg_undecided" not in sentence(judged)
    assert "drop(token_recall)" in sentence(judged)
    assert "has an output to compare" in sentence(judged)


@pytest.mark.parametrize("mode", ["calibrated", "floor"])
def test_a_version_without_a_judged_case_has_not_passed(mode: str) -> None:
    """Errors are no evidence, and no evidence is no pass."""
    broken = VersionOutcome(V1, [CaseOutcome("s", "v1", "e0", "error", message="no connection")])
    (judged,) = judge(suite(mode), [broken], None, SETTINGS)
    assert judged.failed
    assert judged.breached_gates
    assert "none of its cases has an output to compare" in sentence(judged)


def test_an_errored_case_says_nothing_for_or_against() -> None:
    """The verdict rests on the cases that were judged, and says how many those are."""
    whole = version(V1, 30)
    errors = [CaseOutcome("s", "v1", f"x{i}", "error", message="no connection") for i in range(5)]
    (judged,) = judge(suite("calibrated"), [replace(whole, cases=[*whole.cases, *errors])], None, SETTINGS)
    assert judged.noise[0].examples == 30


def fallen(count: int, below: int) -> VersionOutcome:
    """A version of whose outputs so many lie below the floor of ROUGE-L."""
    cases = [
        CaseOutcome("s", "v1", f"e{i}", "changed", output="n", scores={"rouge_l": 0.1 if i < below else 0.6})
        for i in range(count)
    ]
    return VersionOutcome(V1, cases)


@pytest.mark.parametrize(
    ("count", "below", "state"),
    [(20, 0, "passed"), (20, 2, "passed"), (20, 5, "undecided"), (20, 14, "regressed"), (4, 0, "undecided")],
)
def test_floors_are_judged_by_their_count(count: int, below: int, state: str) -> None:
    """A few outputs as far off as unrelated ones are usual; many are not; and few examples cannot tell."""
    (judged,) = judge(suite("floor"), [fallen(count, below)], None, SETTINGS)
    (result,) = judged.noise
    assert (result.state, result.below, result.examples) == (state, below, count)
    assert judged.failed is (state == "regressed")
    assert (result.needed is not None) is (state == "undecided")


@pytest.mark.parametrize(
    ("count", "kept", "state"), [(200, 199, "passed"), (20, 20, "undecided"), (20, 10, "regressed")]
)
def test_a_pass_rate_is_an_estimate_under_noise(count: int, kept: int, state: str) -> None:
    """A share of few cases says little of the share in the long run: its exact bounds decide."""
    cases = [
        CaseOutcome("s", "v1", f"e{i}", "changed" if i < kept else "breached", output="n", scores={"rouge_l": 0.6})
        for i in range(count)
    ]
    gate = SuiteGateResult(parse("pass_rate >= 0.95"), kept / count, count)
    (judged,) = judge(suite("floor"), [VersionOutcome(V1, cases, [gate])], None, SETTINGS)
    rate = judged.noise[-1]
    assert ("without a breach" in sentence(judged)) is (state != "passed"), "outputs are told, unless the rate decided"
    assert (rate.term, rate.state) == ("pass_rate >= 0.95", state)
    assert not judged.gates, "it is not judged twice"
    assert f"{kept} of {count} cases without a breach" in str(rate)
    assert rate.needed == (59 if state == "undecided" else None)
    assert sentence(judged).count("59 would settle it") == (state == "undecided")


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (
            lambda: version(V1, 40, lost=0.2),
            "are less like the accepted ones than those are like each other (by chance in 1 of",
        ),
        (
            lambda: version(V1, 40),
            "if its outputs got worse at all, then by less than is allowed (95 % sure); nothing to do",
        ),
        (
            lambda: version(V1, 3, noise=0.3),
            "3 examples cannot tell whether its outputs got worse by more than is allowed; add examples: ",
        ),
    ],
)
def test_a_version_is_told_in_one_sentence(made: Callable[[], VersionOutcome], found: str) -> None:
    """What was found, how sure that is and what to do stand in one line of words."""
    (judged,) = judge(suite("calibrated"), [made()], None, SETTINGS)
    assert found in sentence(judged)
    assert sentence(judged).startswith("v1 ")
    assert [text for text, _ in lines(judged, verbose=True)][1].strip().startswith("rouge_l ")


def test_what_only_the_references_show_is_told_as_such() -> None:
    """Outputs that are as alike as ever and say less of what was expected are not called less alike."""
    kept = version(V1, 40)
    rng = random.Random(2)  # noqa: S311  noise that is the same each time
    rows = [[[rng.gauss(0.8, 0.02) for _ in range(3)] + [0.5]] for _ in kept.cases]
    cases = [
        replace(case, noise={**case.noise, "drop(token_recall)": row})
        for case, row in zip(kept.cases, rows, strict=True)
    ]
    spec = suite("calibrated")
    (judged,) = judge(referred(spec, *spec.example_by_id), [replace(kept, cases=cases)], None, SETTINGS)
    assert "v1 regressed: its outputs keep less of the expected answers than the accepted ones do (" in sentence(judged)
    assert "by 1 of 2 metrics, by chance in 1 of " in sentence(judged)


@pytest.mark.parametrize(
    ("below", "told"),
    [
        (14, "14 of 20 outputs are as far from the accepted ones as answers to another question, more than the model"),
        (5, "question, and 20 examples cannot tell whether that is usual; add examples: 46 would settle it (not"),
        (1, "no more than usual (95 % sure); store 3 outputs of each example to see smaller losses"),
    ],
)
def test_floors_are_told_by_the_count_of_outputs(below: int, told: str) -> None:
    """Under floors the sentence says how many outputs are far off, and what to do about it."""
    (judged,) = judge(suite("floor"), [fallen(20, below)], None, SETTINGS)
    assert told in sentence(judged)


def test_sentences_are_broken_where_the_terminal_ends() -> None:
    """No line is wider than a terminal of 80 columns, and none is lost."""
    (judged,) = judge(suite("calibrated"), [version(V1, 40, lost=0.2)], None, SETTINGS)
    whole = lines(judged, verbose=True)
    broken = wrapped(whole, 80)
    assert max(len(text) for text, _ in whole) > 80 >= max(len(text) for text, _ in broken)
    assert " ".join(" ".join(text.split()) for text, _ in broken) == " ".join(text.strip() for text, _ in whole)
    assert wrapped(whole, 1000) == whole
