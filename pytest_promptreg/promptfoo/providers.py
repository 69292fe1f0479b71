"""promptfoo's providers -> predict, and the model config that goes with every prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..redaction import open_settings
from .leftovers import NOTHING_LIKE_IT, Leftovers
from .parts import Part

# What of a provider's config an endpoint of chat completions is sent as it is.
_SENT = frozenset(
    {
        *("temperature", "max_tokens", "max_completion_tokens", "top_p", "seed", "stop", "frequency_penalty"),
        *("presence_penalty", "response_format", "tools", "tool_choice", "reasoning_effort", "reasoning", "verbosity"),
        *("logit_bias", "user", "service_tier", "parallel_tool_calls"),
    }
)
_KINDS = ("chat:", "responses:", "completion:")
_OLLAMA = "http://localhost:11434/v1"


@dataclass(frozen=True)
class Provider:
    """What is under test.

    :param name: to tell its suite from others of the same configuration.
    """

    name: str
    predict: str
    config: Mapping[str, Any] = field(default_factory=dict)


def read_providers(part: Part | None, leftovers: Leftovers) -> list[Provider]:
    """The providers that have a counterpart, in their order."""
    found = []
    for entry in part.loaded().entries() if part is not None else ():
        for source in entry.loaded().entries():
            provider = _provider(source, leftovers)
            if provider is not None and provider not in found:
                found.append(provider)
    return found


def _provider(entry: Part, leftovers: Leftovers) -> Provider | None:
    config: Part | None = None
    label = ""
    if isinstance(entry.value, str):
        name = entry.value
    elif isinstance(entry.value, Mapping) and isinstance(entry.value.get("id"), str):
        name, label, config = entry.value["id"], str(entry.value.get("label") or ""), entry.get("config")
        for field_name, other in entry.items():
            if field_name not in {"id", "label", "config"}:
                leftovers.add(other.where, f"{field_name} of the provider {name}", NOTHING_LIKE_IT)
    elif isinstance(entry.value, Mapping) and len(entry.value) == 1:  # the old form: options by id
        ((name, options),) = entry.items()
        config = options.get("config")
    else:
        leftovers.add(entry.where, f"provider {entry.value!r}", "it has no id")
        return None
    predict = _predict(name, entry, leftovers)
    if predict is None:
        return None
    return Provider(label or name.rpartition(":")[2], predict, _config(config, leftovers))


def _predict(name: str, entry: Part, leftovers: Leftovers) -> str | None:
    vendor, _, model = name.partition(":")
    kind = next((kind for kind in _KINDS if model.startswith(kind)), "")
    model = model.removeprefix(kind)
    if vendor == "openai" and model and not model.startswith(("embedding", "image", "realtime", "assistant", "agents")):
        if kind in _KINDS[1:]:
            leftovers.add(entry.where, name, "asked for chat completions here")
        return f"openai:/{model}"
    if vendor == "ollama" and model and not model.startswith("embedding"):
        leftovers.add(entry.where, name, f"asked in OpenAI's way: set OPENAI_BASE_URL={_OLLAMA}")
        return f"openai:/{model}"
    why = 'no counterpart: write a function and name it as predict: "module:function"'
    if name.startswith("file://") or vendor in {"python", "exec"}:
        why = 'a program of your own: write predict: "module:function", given request.text and request.messages'
    leftovers.add(entry.where, f"provider {name}", why)
    return None


def _config(part: Part | None, leftovers: Leftovers) -> dict[str, Any]:
    if part is None:
        return {}
    found: dict[str, Any] = {}
    for name, entry in part.items():
        if name in _SENT and not (isinstance(entry.value, str) and entry.value.startswith("file://")):
            found[name] = entry.value
        elif name == "passthrough" and isinstance(entry.value, Mapping):
            found["extra_body"] = dict(entry.value)
        elif name in {"apiHost", "apiBaseUrl"}:
            leftovers.add(entry.where, name, "set OPENAI_BASE_URL")
        elif name.startswith("apiKey"):
            leftovers.add(entry.where, name, "set OPENAI_API_KEY; a key belongs in no file")
        else:
            leftovers.add(entry.where, f"{name} of a provider", "nothing that is sent to an endpoint as it stands")
    return dict(open_settings(found))
