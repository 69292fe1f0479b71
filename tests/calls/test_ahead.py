"""Which calls are made ahead: those of the queue, but for what was given away."""

from __future__ import annotations

from pytest_promptreg.calls import Caller
from pytest_promptreg.calls.ahead import Ahead, Queue
from pytest_promptreg.inputs.templates import render
from pytest_promptreg.model import CaseKey, Key, PromptVersion

KEYS = [CaseKey("suite", "v1", str(number)) for number in range(4)]
CALLER = Caller(lambda asked: "x", lambda key: render(PromptVersion("v1", "x"), key.example, {}))


def begun(ahead: Ahead) -> None:
    ahead.begin("suite", CALLER, Queue(iter(KEYS), len(KEYS)))


def called(ahead: Ahead) -> list[Key]:
    calls = iter(lambda: ahead.next(lambda _: False), None)
    return [call.key for call in calls if call is not None]


def test_what_was_given_away_is_not_called_until_it_comes_back() -> None:
    """A worker that is out of work takes cases; a new look into the queue may have them again."""
    ahead = Ahead(10, {})
    begun(ahead)
    ahead.leave_out(KEYS[1:3])
    assert called(ahead) == [KEYS[0], KEYS[3]]
    begun(ahead)
    assert called(ahead) == KEYS[1:3]


def test_however_often_others_ask_for_work_the_next_call_is_found() -> None:
    """One that got nothing asks five times a second, and a call may be waited for for minutes."""
    ahead = Ahead(10, {})
    begun(ahead)
    for _ in range(3000):
        ahead.leave_out([])
    assert called(ahead) == KEYS
