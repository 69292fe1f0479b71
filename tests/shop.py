"""The model of the recipes: it answers the tickets of a web shop, each prompt version in its own way."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.providers import Provider, ToolCall, serving, text_of

# What a ticket asks -> the answer in two sentences, the short one, and what it is about.
_ANSWERS = {
    "where is": (
        (
            "We are sorry that order {order} did not come on 3 March. "
            "It left our store on 5 March and is with you by 8 March."
        ),
        "Your parcel is on its way.",
        ("delivery", True),
    ),
    "when ": (
        "Thank you for sending order {order} back. The 59.90 euros are in your account within 5 working days.",
        "You get your money back soon.",
        ("refund", False),
    ),
    "log in": (
        "We are sorry that you cannot log in. Ask for a new password on the sign-in page; the link holds for 24 hours.",
        "Please ask for a new password.",
        ("account", True),
    ),
}
_UNKNOWN = ("I do not know.", "I do not know.", ("other", False))
_GREETINGS = ("", "Hello! ", "Thank you for writing. ", "Good day. ")
_ENDINGS = ("", " Have a nice day.", " Please write again if that does not help.")
_SAID: Counter[str] = Counter()


def say(body: Mapping[str, Any]) -> str | ToolCall:
    """The answer to a request: fields where it asks for JSON, a call where it brings tools, else a text.

    At a temperature of 1 it is worded otherwise each time.
    """
    asked = text_of(body)
    key = next((key for key in _ANSWERS if key in asked.lower()), "")
    long, short, (category, urgent) = _ANSWERS.get(key, _UNKNOWN)
    *_, order = [None, *re.findall(r"[Oo]rder (\d{4})", asked)]
    if body.get("tools") and order:
        refunds = category == "refund" and "Be generous" in asked
        return ToolCall("pay_back" if refunds else "find_order", {"order": int(order)})
    if body.get("response_format"):
        told = urgent if "yes or no" not in asked else "yes" if urgent else "no"
        return json.dumps({"category": category, "order": order and int(order), "urgent": told})
    text = short if "one short sentence" in asked else long.format(order=order)
    return _worded(text, asked) if body.get("temperature") == 1 else text


def _worded(text: str, asked: str) -> str:
    _SAID[asked] += 1
    drawn = random.Random(f"{asked} {_SAID[asked]}")  # noqa: S311  no secret
    return f"{drawn.choice(_GREETINGS)}{text}{drawn.choice(_ENDINGS)}"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """The model behind every provider's protocol; the environment has the clients ask it."""
    _SAID.clear()
    with serving(say) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        yield provider
