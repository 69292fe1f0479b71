"""What the model of the recipes says: it answers the tickets of a web shop, each prompt version in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers import ToolCall, text_of

# What a ticket says -> the answer in two sentences, and the short one.
_ANSWERS = {
    "4711": (
        "We are sorry that order 4711 did not come on 3 March. It left our store on 5 March and is with you by 8 March.",
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


def say(body: Mapping[str, Any]) -> str | ToolCall:
    """The answer to a request."""
    asked = text_of(body)
    long, short = next((answer for key, answer in _ANSWERS.items() if key in asked), ("I do not know.",) * 2)
    return short if "one short sentence" in asked else long
