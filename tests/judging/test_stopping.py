"""When a version needs no further call: counted breaches, and looks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.calls.ahead import Queue
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.judging.stopping import Stopping, is_lost
from pytest_promptreg.judging.under_noise import judge
from pytest_promptreg.model import CaseKey, Example, Key, PromptVersion
from pytest_promptreg.noise import looks
from pytest_promptreg.results.outcome import CaseOutcome, EarlyStop, VersionOutcome
from pytest_promptreg.suites.suite import SuiteSpec

V1, V2 = PromptVersion("v1", "Say {{ it }}"), PromptVersion("v2", "Tell {{ it }}")
COUNT = 30


def settings(**changes: Any) -> Any:
    """What a run is told."""
    return SimpleNamespace(**{"margin": None, "undecided": "warn", "promote": None, **changes})


def suite(mode: str = "calibrated", gates: tuple[str, ...] = ()) -> SuiteSpec:
    """A suite of two versions that is judged by ROUGE-L alone."""
    examples = tuple(Example(f"e{i}", {"it": i}) for i in range(COUNT))
    parsed = tuple(map(parse, gates))
    return SuiteSpec(
        "s", "test_x.py:1", Path("test_x.py"), "test_y", (V1, V2), examples, parsed, ("rouge_l",), mode=mode
    )


def case(version: PromptVersion, number: int, lost: float, *, breached: bool = False) -> CaseOutcome:
    """A case whose output lost so much beside three generations that hardly differ."""
    rng = random.Random(number)  # noqa: S311  noise that is the same each time
    scores = [[0.9 + rng.gauss(0, 0.005) - (lost if 3 in {i, j} else 0.0) for j in range(4)] for i in range(4)]
    verdict = "breached" if breached else "changed"
    return CaseOutcome(
        "s", version.label, f"e{number}", verdict, output="new", noise={"rouge_l": scores}, generations=3
    )


class Run:
    """A suite's run, of which nobody calls anything."""

    def __init__(self, spec: SuiteSpec) -> None:
        self.spec = spec
        self.baseline = None
        self.left_out: list[CaseKey] = []

    def leave_out(self, keys: list[CaseKey]) -> int:
        """Takes down which cases are not called."""
        self.left_out += keys
        return len(keys)


def started(spec: SuiteSpec, **changes: Any) -> tuple[Stopping, Run]:
    """A run of all cases of both versions."""
    run: Any = Run(spec)
    keys = [CaseKey("s", version.label, example.id) for version in (V1, V2) for example in spec.examples]
    return Stopping(settings(**changes), {"s": run}, {"s": keys}), run


def goes(stopping: Stopping, version: PromptVersion, lost: float) -> str:
    """Run the cases of a version as long as they are called; why they are not, in the end."""
    for number in range(COUNT):
        if why := stopping.why_not(CaseKey("s", version.label, f"e{number}")):
            return why
        stopping.note(case(version, number, lost))
    return ""


@pytest.fixture
def twenty_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version may pass early by as few examples as there are here."""
    monkeypatch.setattr(looks, "FEWEST_EARLY", 20)


@pytest.mark.usefixtures("twenty_suffice")
def test_a_look_and_the_conclusion_say_the_same() -> None:
    """What stopped a version is what the run is concluded by, with the alpha of all versions and looks."""
    spec = suite()
    stopping, run = started(spec)
    assert goes(stopping, V2, 0.2) == "v2 regressed after 10 of 30 examples: not called (--promptreg-stop-early)"
    assert goes(stopping, V1, 0.0) == "v1 passed after 20 of 30 examples: not called (--promptreg-stop-early)"
    assert len(run.left_out) == 30
    versions = [
        VersionOutcome(
            version, [case(version, i, lost) for i in range(ran)], stopped=stopping.stops["s", version.label]
        )
        for version, lost, ran in ((V1, 0.0, 20), (V2, 0.2, 10))
    ]
    orders = {version.label: list(spec.example_by_id) for version in (V1, V2)}
    v1, v2 = judge(spec, versions, None, settings(), orders)
    assert (v1.noise_state, v2.noise_state) == ("passed", "regressed")
    assert v2.noise[0].chance == pytest.approx(1e-4 * 10 * 2)  # the least there is, at the first look, of two versions


@pytest.mark.usefixtures("twenty_suffice")
def test_what_is_to_be_promoted_or_judged_by_other_gates_does_not_stop_as_passed() -> None:
    """An alias moves to what was tested wholly, and a gate on single cases may still fail; a regression stands."""
    for spec, changes in ((suite(), {"promote": "champion"}), (suite(gates=("numbers == 1",)), {})):
        stopping, _ = started(spec, **changes)
        assert goes(stopping, V1, 0.0) == ""
        assert "v2 regressed after 10" in goes(stopping, V2, 0.2)


def test_calls_wait_at_a_look_and_leave_out_what_was_stopped() -> None:
    """Nothing is called ahead of a look that is not taken yet; of the next version, no more than to its own first."""
    stopping, _ = started(suite())
    everything = [CaseKey("s", label, f"e{i}") for label in ("v1", "v2") for i in range(COUNT)]

    def ahead(keys: list[CaseKey]) -> list[Key]:
        source: Iterator[Key] = iter(keys)
        queue = stopping.until_look(lambda: Queue(source, len(keys)))()
        assert queue is not None
        return list(queue.keys)

    assert ahead(everything) == everything[:10]
    for number in range(10):
        stopping.note(case(V1, number, 0.03 if number % 2 else -0.02))
    assert stopping.why_not(everything[10]) == ""
    assert ahead(everything[10:]) == everything[10:20]
    goes(stopping, V1, 0.2)
    assert stopping.is_stopped(everything[20])
    assert ahead(everything[20:]) == everything[30:40]


def test_errors_are_no_evidence_at_a_look() -> None:
    """A version none of whose first cases could be judged is not stopped by what they did not say."""
    stopping, _ = started(suite())
    for number in range(10):
        stopping.note(CaseOutcome("s", "v2", f"e{number}", "error"))
    assert stopping.why_not(CaseKey("s", "v2", "e10")) == ""


def test_breaches_are_counted_and_the_last_attempt_counts() -> None:
    """A case that breached and then passed is no breach; the fourth real one of thirty is one too many."""
    stopping, run = started(suite("strict", ("rouge_l >= 0.8", "pass_rate >= 0.9")))
    stopping.note(case(V1, 0, 0.0, breached=True))
    for number in range(4):
        assert stopping.why_not(CaseKey("s", "v1", f"e{number}")) == ""
        stopping.note(case(V1, number, 0.0, breached=number > 0))
    assert not stopping.stops
    stopping.note(case(V1, 4, 0.0, breached=True))
    assert stopping.stops == {("s", "v1"): EarlyStop("missed pass_rate >= 0.9", 5, 30, 25)}
    assert run.left_out[0].example == "e5"


def test_a_version_with_a_skipped_case_is_not_stopped_at_its_last() -> None:
    """Of a skipped test nothing is noted, and it leaves nothing to call: a rate lost at the last case stops no call."""
    stopping, run = started(suite("strict", ("rouge_l >= 0.8", "pass_rate >= 0.95")))
    for number in (0, *range(2, COUNT)):
        stopping.note(case(V1, number, 0.0, breached=number in {10, COUNT - 1}))
    assert not stopping.stops
    stopping, run = started(suite("strict", ("rouge_l >= 0.8", "pass_rate >= 0.9")))
    for number in (0, *range(2, 6)):
        stopping.note(case(V1, number, 0.0, breached=number > 2))
    assert stopping.stops == {("s", "v1"): EarlyStop("missed pass_rate >= 0.9", 6, 30, 24)}, "three of 29 are too many"
    assert run.left_out[0].example == "e6"


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 30), st.sampled_from([0.5, 0.8, 0.9, 0.95, 1.0]))
def test_a_rate_is_lost_when_no_rest_can_save_it(passes: int, breaches: int, left: int, bound: float) -> None:
    """Whatever the rest comes to, judged or not, a rate that is lost is missed; else passes alone can meet it."""
    gate = parse(f"pass_rate >= {bound}")
    ends = [
        (passes + more) / total
        for more in range(left + 1)
        for fails in range(left - more + 1)
        if (total := passes + breaches + more + fails)
    ]
    assert is_lost(gate, passes, passes + breaches, left) == (not any(map(gate.met_by, ends)))
