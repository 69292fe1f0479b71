"""Rates and limits: arithmetic over a clock that the tests set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.calls.limit import Limit
from pytest_promptreg.calls.rate import Pace, Rate
from pytest_promptreg.calls.tally import Tally
from pytest_promptreg.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "per_second"), [("60/min", 1.0), (" 5 / s ", 5.0), ("0.5/s", 0.5), ("3600/h", 1.0), ("90/min", 1.5)]
)
def test_rates_as_they_are_written(text: str, per_second: float) -> None:
    """So many in a second, a minute or an hour."""
    assert Rate.parse(text, "ini").per_second == pytest.approx(per_second)


@given(st.text(max_size=12))
def test_what_is_no_rate_is_refused(text: str) -> None:
    """Any text is either a rate above zero or refused by name."""
    try:
        rate = Rate.parse(text, "the ini option promptreg_rate")
    except ConfigError as error:
        assert "promptreg_rate" in str(error)  # noqa: PT017
    else:
        assert rate.per_second > 0


@given(
    rate=st.floats(0.01, 2000),
    gaps=st.lists(st.floats(0, 5), min_size=2, max_size=60),
)
def test_no_stretch_of_time_has_more_calls_than_the_rate(rate: float, gaps: list[float]) -> None:
    """However late or early calls come, each stretch of T seconds sees at most rate x (T + 0.1) + 1 of them start."""
    pace, now, starts = Pace(Rate(rate)), 0.0, []
    for gap in gaps:
        now += gap
        now += pace.wait_s(now)
        pace.start(now)
        starts.append(now)
    for first, begin in enumerate(starts):
        for last in range(first, len(starts)):
            assert last - first + 1 <= rate * (starts[last] - begin + 0.1) + 1 + 1e-6


def test_calls_that_always_wait_keep_the_rate() -> None:
    """Waking up a little late each time does not lower the rate."""
    pace, now = Pace(Rate(100)), 0.0
    for _ in range(1001):
        now += pace.wait_s(now)
        pace.start(now)
        now += 0.003
    assert now == pytest.approx(10, abs=0.2)


def test_workers_share_a_rate() -> None:
    """Each of four processes has a quarter."""
    assert Rate.parse("60/min", "").shared_by(4).per_second == pytest.approx(0.25)


def test_a_limit_halves_once_for_calls_that_were_in_flight_together() -> None:
    """Sixteen calls that are refused together halve the limit once; one that began after that halves it again."""
    limit = Limit(16)
    for _ in range(16):
        limit.throttled(started=1.0, now=2.0)
    assert (limit.now, limit.decreases) == (8, 1)
    limit.throttled(started=3.0, now=4.0)
    assert (limit.now, limit.lowest, limit.decreases) == (4, 4, 2)


def test_a_limit_creeps_up_and_never_beyond_what_is_allowed() -> None:
    """A full round of successes gives one place more, up to what the user allows."""
    limit = Limit(8)
    limit.throttled(started=1.0, now=2.0)
    rounds = []
    for _ in range(60):
        limit.succeeded()
        rounds.append(limit.now)
    assert rounds[3:5] == [4, 5]
    assert rounds == sorted(rounds)
    assert rounds[-1] == 8
    assert limit.lowest == 4


@given(st.integers(1, 300), st.lists(st.booleans(), max_size=200))
def test_a_limit_stays_between_one_and_the_most(most: int, refused: list[bool]) -> None:
    """Whatever happens, at least one call may run, and never more than the user allows."""
    limit = Limit(most)
    for moment, throttled in enumerate(refused):
        if throttled:
            limit.throttled(started=moment, now=moment + 0.5)
        else:
            limit.succeeded()
        assert 1 <= limit.lowest <= limit.now <= most


def test_a_tally_says_what_happened_and_nothing_else() -> None:
    """One line of what was retried and waited for; nothing when nothing was; it survives the wire and adds up."""
    assert str(Tally(lowest=16)) == ""
    one = Tally(lowest=2, decreases=1, rate_s=30.6)
    one.retry("429", 12)
    one.retry("connection")
    total = Tally()
    total.add(Tally.from_wire(one.to_wire()))
    other = Tally(lowest=2, asked_s=1.25)
    other.retry("connection")
    total.add(Tally.from_wire(other.to_wire()))
    assert str(total) == (
        "14 retried (429: 12, connection: 2), waited 31 s for the rate limit, waited 1.2 s as a server asked, "
        "concurrency fell to 4"
    )
