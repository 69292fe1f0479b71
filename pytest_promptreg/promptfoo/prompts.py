"""promptfoo's prompts -> prompt versions, numbered in their order."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import PromptError
from ..files import display_path, expand, read_text
from ..inputs.templates import check_syntax
from ..model import Message, PromptVersion
from .leftovers import NOTHING_LIKE_IT, Leftovers
from .parts import Part, load

_PLAIN = re.compile(r"\{\{\s*[A-Za-z_]\w*\s*\}\}")
_SEPARATOR = re.compile(r"^---[ \t]*$", re.MULTILINE)
_PROGRAM = re.compile(r"\.(?:py|[cm]?[jt]s)(?::\w+)?$")
_NO_TEXT = "a prompt is a text here, and made by no program"
_TEXT = frozenset({".txt", ".md", ".j2", ".njk", ""})
_CHAT = frozenset({".json", ".yaml", ".yml"})


@dataclass(frozen=True)
class Prompt:
    """One prompt as it was found.

    :param origin: what it is called there: its label, or its file.
    """

    template: str | tuple[Message, ...]
    origin: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


def read_prompts(part: Part | None, leftovers: Leftovers) -> list[PromptVersion]:
    """The prompt versions of a configuration: v1, v2 ... in its order."""
    versions: list[PromptVersion] = []
    for prompt in _prompts(part, leftovers) if part is not None else ():
        template = prompt.template
        texts = [template] if isinstance(template, str) else [message.content for message in template]
        version = PromptVersion(
            label=f"v{len(versions) + 1}",
            template=template,
            syntax="jinja2" if any(map(_is_more_than_names, texts)) else "braces",
            model_config=dict(prompt.config),
            commit_message=prompt.origin,
            where=prompt.where,
        )
        try:
            check_syntax(version)
        except PromptError as exc:
            leftovers.add(prompt.where, f"prompt {prompt.origin or texts[0]}", f"no template of Jinja2's: {exc.what}")
            continue
        if version.syntax == "jinja2":
            leftovers.add(prompt.where, f"Nunjucks in {version.label}", "run as Jinja2: see that it says the same")
        versions.append(version)
    return versions


def _is_more_than_names(text: str) -> bool:
    rest = _PLAIN.sub("", text)
    return any(mark in rest for mark in ("{{", "{%", "{#"))


def _prompts(part: Part, leftovers: Leftovers) -> Iterator[Prompt]:
    part = part.loaded() if isinstance(part.value, str) and _named_list(part) else part
    if isinstance(part.value, Mapping) and not {"id", "raw", "label"} & part.value.keys():
        for name, label in part.items():  # the old form: label by file
            yield from _of_file(part.file.parent / name.removeprefix("file://"), label, str(label.value), {}, leftovers)
        return
    for entry in part.entries():
        if isinstance(entry.value, str):
            yield from _of_text(entry, entry.value, "", {}, leftovers)
        elif isinstance(entry.value, Mapping):
            yield from _of_mapping(entry, leftovers)
        else:
            leftovers.add(entry.where, f"prompt {entry.value!r}", "neither a text nor a mapping")


def _named_list(part: Part) -> bool:
    """Whether a text names a file that lists prompts."""
    file = part.named_file()
    if file is None or file.suffix not in {".yaml", ".yml"} or not file.is_file():
        return False
    value = load(file).value
    return isinstance(value, list) and not _is_chat(value)


def _of_mapping(entry: Part, leftovers: Leftovers) -> Iterator[Prompt]:
    for name, other in entry.items():
        if name not in {"id", "raw", "label", "config"}:
            leftovers.add(other.where, f"{name} of a prompt", NOTHING_LIKE_IT)
    text = entry.value.get("raw") or entry.value.get("id")
    config = entry.value.get("config")
    if not isinstance(text, str):
        leftovers.add(entry.where, "a prompt without raw and id", "it has no text")
        return
    label = str(entry.value.get("label") or "")
    yield from _of_text(entry, text, label, config if isinstance(config, Mapping) else {}, leftovers)


def _of_text(entry: Part, text: str, label: str, config: Mapping[str, Any], leftovers: Leftovers) -> Iterator[Prompt]:
    if not text.strip():
        leftovers.add(entry.where, "an empty prompt", "it says nothing")
        return
    named = text.startswith("file://")
    path = text.removeprefix("file://")
    if not named and ("\n" in text or "{{" in text or expand(text, entry.file.parent) is None):
        yield Prompt(_chat_or_text(text), label, config, entry.where)
        return
    yield from _of_file(entry.file.parent / path, entry, label, config, leftovers)


def _of_file(path: Path, entry: Part, label: str, config: Mapping[str, Any], leftovers: Leftovers) -> Iterator[Prompt]:
    found = expand(path, entry.file.parent)
    if _PROGRAM.search(path.name):
        leftovers.add(entry.where, f"prompt {path.name}", _NO_TEXT)
        return
    if not found:
        leftovers.add(entry.where, f"prompt {path.name}", "there is no such file")
        return
    for file in found:
        origin, where = label or file.name, display_path(file)
        if file.is_dir():
            continue
        if file.suffix in _TEXT:
            for text in _SEPARATOR.split(read_text(file, PromptError)):
                if text.strip():
                    yield Prompt(_chat_or_text(text.strip("\n")), origin, config, where)
        elif file.suffix in _CHAT:
            value = load(file).value
            if _is_chat(value):
                yield Prompt(_messages(value), origin, config, where)
            else:
                leftovers.add(entry.where, f"prompt {file.name}", "it is no list of messages with role and content")
        else:
            leftovers.add(entry.where, f"prompt {file.name}", _NO_TEXT)


def _chat_or_text(text: str) -> str | tuple[Message, ...]:
    if text.lstrip().startswith("["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if _is_chat(value):
            return _messages(value)
    return text


def _is_chat(value: object) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(entry, Mapping) and set(entry) == {"role", "content"} for entry in value)
        and all(isinstance(entry["content"], str) and entry["role"] for entry in value)
    )


def _messages(value: list[Mapping[str, Any]]) -> tuple[Message, ...]:
    return tuple(Message(str(entry["role"]), entry["content"]) for entry in value)
