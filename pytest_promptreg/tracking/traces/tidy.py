"""Spans as they may be kept: no secrets, no characters that a store refuses, and of a sensible size."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ...redaction import HIDDEN, is_secret_name, without_address_secrets, without_secrets, without_user_info
from ...redaction.redactor import Redactor
from .. import clean
from ..table import CELL_LIMIT
from . import Span

MOST_SPANS = 200
MOST_CHARACTERS = 500_000  # of one trace, as JSON
_TEXT_LIMITS = (CELL_LIMIT, 2_000, 200)  # the next where the trace is too large by the one before
REQUEST_ID = "mlflow.traceRequestId"
ERROR = "STATUS_CODE_ERROR"


def tidy(kept: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """A captured trace: redacted, secrets hidden by their names, texts cut, spans that are still open ended now.

    :raises RedactionError: when a rule of the user's fails.
    """
    spans = [_redacted(span, redactor) for span in kept["spans"][:MOST_SPANS]]
    count = len(kept["spans"])
    found: list[Span] = []
    for limit in _TEXT_LIMITS:
        found = [_span(span, limit) for span in spans]
        if len(json.dumps(found)) <= MOST_CHARACTERS:
            break
    else:
        found = found[:1]
    if cut := count - len(found):
        found[0]["attributes"]["promptreg.spans_cut"] = json.dumps(cut)
    tags, metadata = redactor.value(kept["tags"]), redactor.value(kept["metadata"])
    return {"spans": found, "tags": _texts(tags), "metadata": _texts(metadata)}


def _redacted(span: Span, redactor: Redactor) -> Span:
    """A span with its texts redacted; attributes are JSON, and what that says is looked at."""
    if redactor.hides_nothing:
        return span
    return {
        **span,
        "name": redactor.text(span["name"]),
        "attributes": {name: _redacted_json(value, redactor) for name, value in span["attributes"].items()},
        "events": redactor.value(span["events"]),
        "status": redactor.value(span["status"]),
    }


def _redacted_json(value: Any, redactor: Redactor) -> Any:
    try:
        said = json.loads(value)
    except (TypeError, ValueError):
        return redactor.value(value)
    made = redactor.value(said)
    return value if made is said else json.dumps(made, ensure_ascii=False)


def encoded(value: Any, limit: int = CELL_LIMIT) -> str:
    """A value as span attributes have it: JSON, without secrets, its texts cut."""
    return json.dumps(_cut(without_secrets(value), limit), ensure_ascii=False, default=str)


def _span(span: Span, limit: int) -> Span:
    status = span["status"]
    unfinished = not span["end_time_unix_nano"]
    return {
        **span,
        "name": clean.text(span["name"], clean.KEY_LIMIT),
        "end_time_unix_nano": time.time_ns() if unfinished else span["end_time_unix_nano"],
        "attributes": {
            clean.text(name, clean.KEY_LIMIT): _attribute(name, value, limit)
            for name, value in span["attributes"].items()
        },
        "events": [
            {**event, "attributes": {name: _said(value, limit) for name, value in (event["attributes"] or {}).items()}}
            for event in span["events"]
        ],
        "status": {
            "code": ERROR if unfinished else status["code"],
            "message": "it had not ended when the case was over" if unfinished else _said(status["message"], limit),
        },
    }


def _attribute(name: str, value: Any, limit: int) -> Any:
    if is_secret_name(name):
        return json.dumps(HIDDEN)
    if name == REQUEST_ID or not isinstance(value, str):
        return value
    try:
        return without_user_info(encoded(json.loads(value), limit))
    except ValueError:
        return without_user_info(clean.text(value, limit))


def _said(value: Any, limit: int) -> Any:
    """What an exception says, which may quote an address."""
    return clean.text(without_address_secrets(value), limit) if isinstance(value, str) else value


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return clean.text(value, limit)
    if isinstance(value, Mapping):
        return {clean.text(name): _cut(item, limit) for name, item in value.items()}
    return [_cut(item, limit) for item in value] if isinstance(value, list | tuple) else value


def _texts(found: Mapping[str, Any]) -> dict[str, str]:
    """Tags and metadata that predict has set."""
    return {
        clean.key(name): HIDDEN if is_secret_name(name) else clean.text(value, clean.TAG_LIMIT)
        for name, value in found.items()
    }
