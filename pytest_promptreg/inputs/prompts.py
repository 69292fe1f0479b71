"""Prompt files, folders and objects -> prompt versions, in order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import PromptError
from ..files import display_path, expand, missing
from ..model import Message, PromptVersion
from ..sources.registry.addresses import is_registry
from ..text import AS_JSON, plain, well_formed
from . import yamls
from .placed import place_of
from .source_text import read_source
from .templates import check_syntax

TEXT_SUFFIXES = frozenset({".md", ".txt"})
CHAT_SUFFIXES = frozenset({".yaml", ".yml"})
JINJA_SUFFIX = ".j2"
_FIELDS = frozenset({"label", "text", "messages", "model_config", "commit_message", "tags", "syntax"})
_META_FIELDS = frozenset({"model_config", "commit_message", "tags"})
_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_OF_MESSAGES = 'write messages: and below it, for each, - role: user and content: "{{ name }}"'
Registry = Callable[[str], Sequence[PromptVersion]]
_DIGITS = re.compile(r"(\d+)")


def load_prompts(
    source: object, *, base: Path, where: str, registry: Registry | None = None
) -> tuple[PromptVersion, ...]:
    """The versions that ``prompts=`` names, ordered.

    :param source: a folder, a glob, a file, a ``prompts:/`` address, or a list of these, of dicts and of
        PromptVersion objects.
    :param base: the folder that relative paths start from: the test file's.
    :param where: ``file:line`` of the marker, for messages about what is no file.
    :param registry: gives the versions that an address of the MLflow prompt registry names.
    :raises PromptError: when there is none, one cannot be used, or two share a label.
    """
    versions: list[PromptVersion] = []
    for entry in source if isinstance(source, list | tuple) else [source]:
        versions.extend(_load_entry(entry, base, where, registry))
    if not versions:
        raise PromptError("prompts= names no prompt", where=where, next_step="name a folder, a glob, a file or a list")
    labels = Counter(version.label for version in versions)
    for label, count in labels.items():
        if count > 1:
            places = ", ".join(version.where for version in versions if version.label == label)
            raise PromptError(
                f"{count} prompt versions are labelled {label!r}: {places}", where=where, next_step="rename one of them"
            )
    for version in versions:
        check_syntax(version)
    return tuple(sort_versions(versions))


def needed(registry: Registry | None, address: str, where: str) -> Registry:
    """The registry that an address names.

    :raises PromptError: where there is none.
    """
    if registry is None:
        raise PromptError(
            f"{address!r} names the MLflow prompt registry, and there is none here",
            where=where,
            next_step="set MLFLOW_TRACKING_URI, or MLFLOW_REGISTRY_URI, to the registry's server",
        )
    return registry


def sort_versions(versions: Sequence[PromptVersion]) -> list[PromptVersion]:
    """Ordered by label: as version numbers where every label is one (1.2.0-rc1 before 1.2.0), else v9 before v10."""
    from packaging.version import InvalidVersion, Version

    try:
        return sorted(versions, key=lambda version: Version(version.label))
    except InvalidVersion:
        return sorted(versions, key=lambda version: _natural(version.label))


def _natural(label: str) -> list[tuple[int, int, str]]:
    parts = _DIGITS.split(label)
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts if part]


def _load_entry(entry: object, base: Path, where: str, registry: Registry | None) -> Sequence[PromptVersion]:
    if isinstance(entry, PromptVersion):
        return [_from_object(entry, where)]
    if isinstance(entry, Mapping):
        return [prompt_from_mapping(entry, where=place_of(entry, where))]
    if is_registry(entry):
        return needed(registry, entry, where)(entry)
    if isinstance(entry, str | Path):
        return [load_file(path) for path in _prompt_files(entry, base, where)]
    raise PromptError(
        f"prompts= takes a folder, a glob, a file or a list of objects, not {type(entry).__name__}",
        where=where,
        next_step='write prompts="prompts/NAME", or a list such as [{"label": "v1", "text": "..."}]',
    )


def _prompt_files(entry: str | Path, base: Path, where: str) -> list[Path]:
    found = expand(entry, base)
    if found is None and ("{{" in str(entry) or "\n" in str(entry)):
        raise PromptError(
            "prompts= names files, and this is a prompt's text",
            where=where,
            next_step='write it into prompts/v1.md, or prompts=[{"label": "v1", "text": "..."}]',
        )
    if found is None:
        raise PromptError(
            f"there is no prompt file or folder {display_path(base / entry)}",
            where=where,
            next_step=missing(entry, base, f"write the first version into {_first(base / entry)}"),
        )
    files = [path for path in found if path.is_file() and not _is_aside(path)]
    for path in files:
        if _suffix(path) is None:
            raise PromptError(
                f"not a prompt file: the name ends in {path.suffix or 'no suffix'}",
                where=display_path(path),
                next_step="prompt files are .md, .txt, .yaml, .yml or .j2; a leading _ or . sets a file aside",
            )
    if not files:
        raise PromptError(
            f"there is no prompt file in {str(entry)!r}",
            where=where,
            next_step=f"write the first version into {_first(base / entry)}",
        )
    return files


def _first(path: Path) -> str:
    """Where the first version of a prompt could stand, of a path at which there is none."""
    name = path if path.suffix or set(path.name) & set("*?[") else path / "v1.md"
    return display_path(name)


def _is_aside(path: Path) -> bool:
    return path.name.startswith((".", "_")) or path.stem.lower() == "readme"


def _suffix(path: Path) -> str | None:
    name = path.name.removesuffix(JINJA_SUFFIX)
    suffix = Path(name).suffix
    if suffix in TEXT_SUFFIXES | CHAT_SUFFIXES:
        return suffix
    return "" if path.suffix == JINJA_SUFFIX else None


def load_file(path: Path) -> PromptVersion:
    """One prompt file as a version; its label is the file's stem.

    :raises PromptError: with file and line.
    """
    where = display_path(path)
    text = read_source(path, PromptError)
    jinja = path.suffix == JINJA_SUFFIX
    name = path.name.removesuffix(JINJA_SUFFIX)
    suffix = _suffix(path) or ""
    label = name[: -len(suffix)] if suffix else name
    syntax = "jinja2" if jinja else "braces"
    if suffix in CHAT_SUFFIXES:
        data = _yaml_mapping(text, where, 1)
        return prompt_from_mapping({"label": label, "syntax": syntax, **data}, where=where)
    head = _FRONT_MATTER.match(text)
    meta = _yaml_mapping(head.group(1), where, 2) if head else {}
    body = text[head.end() :] if head else text
    if unknown := set(meta) - _META_FIELDS:
        raise PromptError(
            f"unknown field in the front matter: {', '.join(sorted(map(str, unknown)))}",
            where=where,
            next_step=f"known: {', '.join(sorted(_META_FIELDS))}",
        )
    first_line = 1 + text[: head.end()].count("\n") if head else 1
    if not body.strip():
        raise PromptError(
            "the prompt is empty",
            where=f"{where}:{first_line}",
            next_step=f"write its text, or set the file aside by an underscore: _{path.name}",
        )
    return _version(label, body.rstrip("\n"), meta, syntax, where, first_line)


def prompt_from_mapping(data: Mapping[str, Any], *, where: str) -> PromptVersion:
    """A prompt version from its fields, by the names that they have in a prompt file.

    :raises PromptError: with ``where``, when one is missing, unknown or of the wrong kind.
    """
    label = data.get("label")
    if not isinstance(label, str) or not label:
        raise PromptError("a prompt object needs a label", where=where, next_step='give it one: {"label": "v1", ...}')
    if ("text" in data) == ("messages" in data):
        raise PromptError(
            f"prompt {label!r} needs messages (a chat) or text, one of the two",
            where=where,
            next_step=_OF_MESSAGES,
        )
    if unknown := set(data) - _FIELDS:
        raise PromptError(
            f"unknown field: {', '.join(sorted(map(str, unknown)))}",
            where=where,
            next_step=f"known: {', '.join(sorted(_FIELDS))}",
        )
    template: object
    if "messages" in data:
        messages = data["messages"]
        if not isinstance(messages, list | tuple) or not messages:
            raise PromptError("messages is not a list of messages", where=where, next_step=_OF_MESSAGES)
        template = tuple(_message(entry, where) for entry in messages)
    else:
        template = data["text"]
        if not isinstance(template, str) or not template.strip():
            raise PromptError(
                f"the text of prompt {label!r} is empty or no text",
                where=where,
                next_step="write it in quotes, or below `text: |`",
            )
    return _version(label, template, data, str(data.get("syntax", "braces")), where, 0)


def _from_object(entry: PromptVersion, where: str) -> PromptVersion:
    said = {name: getattr(entry, name) for name in _FIELDS - {"text", "messages"}}
    said["text" if isinstance(entry.template, str) else "messages"] = entry.template
    return replace(prompt_from_mapping(said, where=entry.where or where), first_line=entry.first_line)


def _message(entry: object, where: str) -> Message:
    if isinstance(entry, Message):
        return entry
    if not isinstance(entry, Mapping):
        raise PromptError(
            f"a message is {type(entry).__name__}, not a mapping of role and content",
            where=where,
            next_step=_OF_MESSAGES,
        )
    role, content = entry.get("role"), entry.get("content")
    if not isinstance(role, str) or not role:
        found = f"; it has {', '.join(map(str, entry))}" if entry else ""
        raise PromptError(
            f"a message needs a role (system, user, assistant){found}", where=where, next_step=_OF_MESSAGES
        )
    if not isinstance(content, str):
        raise PromptError(
            f"the content of the {role} message is {type(content).__name__}, not text",
            where=where,
            next_step="quote it, or write `content: |` and the text below it",
        )
    return Message(role, well_formed(content))


def _version(
    label: str, template: object, data: Mapping[str, Any], syntax: str, where: str, first_line: int
) -> PromptVersion:
    if syntax not in {"braces", "jinja2"}:
        raise PromptError(f"unknown template syntax {syntax!r}", where=where, next_step="known: braces, jinja2")
    for field in ("model_config", "tags"):
        if not isinstance(data.get(field) or {}, Mapping):
            raise PromptError(f"{field} is not a mapping", where=where, next_step=f"write {field}: {{name: value}}")
    try:
        model_config = plain(data.get("model_config") or {})
    except TypeError as exc:
        raise PromptError(
            f"model_config: {exc}",
            where=where,
            next_step=AS_JSON,
        ) from exc
    return PromptVersion(
        label=label,
        template=template if isinstance(template, tuple) else well_formed(str(template)),
        syntax=syntax,
        model_config=model_config,
        commit_message=str(data.get("commit_message") or "").strip(),
        tags={str(key): str(value) for key, value in (data.get("tags") or {}).items()},
        where=where,
        first_line=first_line,
    )


def _yaml_mapping(text: str, where: str, first_line: int) -> dict[str, Any]:
    try:
        data = yamls.load(text)
    except yamls.YamlError as exc:
        raise PromptError(
            f"not valid YAML: {exc.problem}",
            where=f"{where}:{first_line + exc.line - 1}",
            next_step=exc.next_step,
        ) from exc
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise PromptError(
            f"expected a mapping, found {type(data).__name__}",
            where=f"{where}:{first_line}",
            next_step="write a name, a colon and a value in each line",
        )
    return data
