"""The model of the recipes: it answers the tickets of a web shop, each prompt version in its own way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.providers import Provider, ToolCall, serving, text_of

# What a ticket says -> the answer in two sentences, and the short one.
_ANSWERS = {
    "4711": (
        (
            "We are sorry that order 4711 did not come on 3 March. "
            "It left our store on 5 March and is with you by 8 March."
        ),
        "Your parcel is on its way.",
    ),
    "1207": (
        "Thank you for sending order 1207 back. The 59.90 euros are in your account within 5 working days.",
        "You get your money back soon.",
    ),
    "log in": (
        "We are sorry that you cannot log in. Ask for a new password on the sign-in page; the link holds for 24 hours.",
        "Please ask for a new password.",
    ),
}


_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "4711": {"category": "delivery", "order": 4711, "urgent": True},
    "1207": {"category": "refund", "order": 1207, "urgent": False},
    "log in": {"category": "account", "order": None, "urgent": True},
}
_NO_FIELDS: Mapping[str, Any] = {"category": "other", "order": None, "urgent": False}


def say(body: Mapping[str, Any]) -> str | ToolCall:
    """The answer to a request: fields where it asks for JSON, a call where it brings tools, else a text."""
    asked = text_of(body)
    fields = next((fields for key, fields in _FIELDS.items() if key in asked), _NO_FIELDS)
    if body.get("tools") and fields["order"]:
        refunds = fields["category"] == "refund" and "Be generous" in asked
        return ToolCall("pay_back" if refunds else "find_order", {"order": fields["order"]})
    if body.get("response_format"):
        urgent = fields["urgent"] if "yes or no" not in asked else "yes" if fields["urgent"] else "no"
        return json.dumps({**fields, "urgent": urgent})
    long, short = next((answer for key, answer in _ANSWERS.items() if key in asked), ("I do not know.",) * 2)
    return short if "one short sentence" in asked else long


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """The model behind every provider's protocol; the environment has the clients ask it."""
    with serving(say) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        yield provider
