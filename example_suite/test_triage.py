"""Triage of tickets to JSON: a chat prompt, a gate on every single case, an asynchronous predict."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from app.triage import triage

from pytest_promptreg import PromptregCase, Request

CATEGORIES = {
    "billing", "delivery", "defect", "return", "account", "security", "question", "praise", "other",
}  # fmt: skip


@pytest.fixture(scope="session")
def promptreg_predict() -> Callable[[Request], Awaitable[Any]]:
    """The application under test, and the parser of the ticket system behind it.

    What parses is handed on as data, so that spaces and the order of keys do not count; what does not, as text.
    """

    async def predict(request: Request) -> Any:
        answer = await asyncio.to_thread(triage, request.messages)
        try:
            return json.loads(answer)
        except json.JSONDecodeError:
            return answer

    return predict


# Of JSON every character counts, so no gate here measures meaning. What was right stays right, without exception;
# no answer changes beyond one short value; and at most one answer in ten changes at all.
@pytest.mark.promptreg(
    prompts="prompts/triage",
    examples="examples/tickets.yaml",
    gates=[
        "drop(exact) <= 0",
        "chrf >= 88",
        "mean(exact) >= 0.90",
    ],
)
def test_triage(promptreg: PromptregCase) -> None:
    """Every ticket has the fields that the router reads, with the types that it expects."""
    promptreg.check()
    ticket = json.loads(promptreg.output.text)
    assert ticket["category"] in CATEGORIES
    assert ticket["priority"] in {"low", "normal", "high"}
    assert ticket["order"] is None or ticket["order"].startswith("VB-")
    assert ticket["amount"] is None or isinstance(ticket["amount"], int | float)
    assert isinstance(ticket["callback"], bool)
