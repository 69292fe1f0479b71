"""Samples of a case: how many there may be, what their calls are known by, and what they come to together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.calls.ahead import Queue
from pytest_promptreg.errors import ConfigError
from pytest_promptreg.model import CallKey, CaseKey, Output
from pytest_promptreg.suites.samples import MOST, among, calls_of, check_samples, merged, queued, read_samples

A, B, C = (CaseKey("t.py::test", "v1", name) for name in "abc")


@pytest.mark.parametrize("said", [0, -1, MOST + 1, 1.5, True, "3", None, [3]])
def test_what_is_no_number_of_samples_is_refused(said: object) -> None:
    """On the marker a whole number from 1 to 20, and nothing that merely looks like one."""
    with pytest.raises(ConfigError, match="a case has a whole number of samples, from 1 to 20") as error:
        check_samples(said, f"samples={said!r}", "t.py:3")
    assert error.value.where == "t.py:3"
    assert error.value.next_step


@pytest.mark.parametrize("text", ["", " ", "0", "21", "-3", "1.5", "three", "\u00b3"])
def test_what_a_flag_cannot_say_is_refused(text: str) -> None:
    """A flag's text is read as a whole number, or refused with what was written."""
    with pytest.raises(ConfigError, match="--promptreg-samples = "):
        read_samples(text, "--promptreg-samples")
    assert read_samples(" 3 ", "--promptreg-samples") == 3


def test_one_sample_is_called_by_the_key_of_its_case() -> None:
    """With one sample nothing is as it would not be without samples; with several each call has a key of its own."""
    assert calls_of(A, 1) == (A,)
    assert (A.case, A.sample) == (A, 0)
    calls = calls_of(A, 3)
    assert [call.sample for call in calls] == [0, 1, 2]
    assert {(call.case, call.suite, call.version, call.example) for call in calls} == {(A, *A)}
    assert len({A, *calls}) == 4


def test_all_samples_of_a_case_come_before_the_next_case() -> None:
    """The case that is asked for already is left out, and the queue says how many calls there are."""
    queue = queued(lambda: Queue(iter([A, B, C]), 3), 2, A)()
    assert queue is not None
    assert list(queue.keys) == [CallKey(B, 0), CallKey(B, 1), CallKey(C, 0), CallKey(C, 1)]
    assert queue.size == 6
    assert queued(lambda: None, 2, A)() is None


NUMBERS = st.none() | st.integers(0, 10_000)


@given(
    st.lists(
        st.builds(
            Output, st.text(), NUMBERS, NUMBERS, st.none() | st.floats(0, 9), st.none() | st.floats(0, 9), st.booleans()
        ),
        min_size=2,
        max_size=5,
    ),
    st.data(),
)
def test_samples_together_are_one_output(outputs: list[Output], data: st.DataObject) -> None:
    """The text of the one that is shown, sums of tokens and cost that are known, the mean time, replayed if all are."""
    shown = data.draw(st.integers(0, len(outputs) - 1))
    one = merged(outputs, shown)
    assert one.text == outputs[shown].text
    for name in ("input_tokens", "output_tokens", "cost_usd"):
        known = [value for output in outputs if (value := getattr(output, name)) is not None]
        assert getattr(one, name) == (sum(known) if known else None)
    times = [output.latency_s for output in outputs if output.latency_s is not None]
    assert one.latency_s == (pytest.approx(sum(times) / len(times)) if times else None)
    assert one.replayed == all(output.replayed for output in outputs)


def test_samples_are_named_from_one() -> None:
    """People count from one."""
    assert among([0], 3) == "sample 1 of 3"
    assert among([0, 2], 3) == "samples 1, 3 of 3"
