"""The stored file: the accepted outputs of one prompt version of a suite, with the provenance that made them.

``__baselines__/<test module>/<test function>.json`` beside the test module; JSON, sorted, one sentence or line of text
on a line, so that a one-word change in one output is a change of one line in ``git diff``. The header and every
record carry a digest of themselves: a merge that mixed two of them is refused rather than believed.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..equality import found_among
from ..errors import BaselineError
from ..files import display_path, read_json_text
from ..model import Message, PromptVersion
from ..redaction import open_settings, without_secrets
from ..text import canonical_json, digest, file_slug, plain

FORMAT = 1
FOLDER = "__baselines__"
_HEADER = ("format", "version", "prompt", "metrics", "prompts")
_SENTENCE_END = re.compile(r"(?<=[.!?])[ \t]+|(?<=[。！？])")
_LONG_LINE = 80
_CONFLICT = re.compile(r"^(<<<<<<<|=======|>>>>>>>)", re.MULTILINE)


@dataclass(frozen=True)
class Record:
    """What is accepted for one example.

    :param inputs: digest of the inputs that the outputs were made from.
    :param outputs: the accepted texts, at least one.
    :param prompts: for each output, the digest of the prompt that made it: a partial refresh leaves those of an
        earlier one, and outputs can be accepted beside others.
    :param generations: for each output, how many of the stored generations said it; 0 for one that a person accepted
        beside others. Left out: the first was made once, and the others were accepted beside it.
    """

    example: str
    inputs: str
    outputs: tuple[str, ...]
    prompts: tuple[str, ...]
    generations: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.generations:
            object.__setattr__(self, "generations", _made_once(len(self.outputs)))

    @property
    def generated(self) -> tuple[str, ...]:
        """The stored generations: outputs that were made in the same way, each as often as it was said."""
        return tuple(text for text, times in zip(self.outputs, self.generations, strict=True) for _ in range(times))

    @property
    def is_whole(self) -> bool:
        """Whether its parts belong together, as those of a record that was made here do."""
        times = self.generations
        return (
            0 < len(self.outputs) == len(self.prompts) == len(times)
            and all(type(number) is int and number >= 0 for number in times)
            and any(times)
        )

    def made_by(self, prompt: str) -> Record | None:
        """What of it the prompt of that key made; None for nothing."""
        kept = [
            (text, times)
            for text, key, times in zip(self.outputs, self.prompts, self.generations, strict=True)
            if key == prompt
        ]
        if not kept:
            return None
        outputs, generations = zip(*kept, strict=True)
        return replace(
            self,
            outputs=outputs,
            prompts=(prompt,) * len(outputs),
            generations=generations if any(generations) else (),
        )

    def accepts(self, output: str) -> str | None:
        """The accepted output that says the same as ``output``; None when none does."""
        return found_among(output, self.outputs)


@dataclass(frozen=True)
class Baseline:
    """One baseline file.

    :param accepted: key of the accepted prompt version among ``prompts``.
    :param prompts: the prompts that made the records, by digest.
    :param signatures: of the metrics that the suite's gates named when the file was written.
    :param rewritten: whether it says something else than its file, because more is redacted now.
    """

    accepted: str
    prompts: Mapping[str, PromptVersion]
    records: Mapping[str, Record]
    signatures: Mapping[str, str] = field(default_factory=dict)
    rewritten: bool = field(default=False, compare=False)

    @property
    def prompt(self) -> PromptVersion:
        """The accepted prompt version."""
        return self.prompts[self.accepted]

    @property
    def version(self) -> str:
        """Its label."""
        return self.prompt.label

    @cached_property
    def digest(self) -> str:
        """Of the whole file: what a run was compared with."""
        return digest(render(self))

    def prompt_of(self, record: Record, output: str) -> PromptVersion:
        """The prompt that made an accepted output of a record."""
        return self.prompts[record.prompts[record.outputs.index(output)]]


def _made_once(outputs: int) -> tuple[int, ...]:
    """The generations of a record that says nothing of them."""
    return (1,) if outputs == 1 else (1, *(0,) * (outputs - 1))


def path_for(module: Path, function: str, variant: str = "") -> Path:
    """Where the baseline of a suite lies.

    :param function: name of the test function, with its class (``TestX.test_y``).
    :param variant: id of the function's other parameters, each combination of which is a suite of its own.
    """
    name = f"{function}@{file_slug(variant)}" if variant else function
    return module.parent / FOLDER / module.stem / f"{name}.json"


def load(path: Path) -> Baseline | None:
    """The baseline in a file, or None when there is no file.

    :raises BaselineError: when it is unreadable, truncated, edited by hand, badly merged, or of a newer format.
    """
    if not path.exists():
        return None
    text = read_json_text(path, BaselineError)
    where = display_path(path)
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        side = f"git checkout --ours -- {shlex.quote(where)}"  # without a side, git refuses a file that is unmerged
        step = f"take one side: {side} (or --theirs); then run pytest, and refresh or accept what it shows"
        raise _broken("it holds a merge conflict", f"{where}:{line}", step)
    try:
        data = json.loads(text, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as exc:
        raise _broken(f"it is no whole JSON ({exc.msg})", f"{where}:{exc.lineno}") from exc
    except (ValueError, RecursionError) as exc:
        raise _broken(str(exc), where) from exc
    if not isinstance(data, dict):
        raise _broken("it is no baseline", where)
    if "\\ud" in text.lower() and not _can_be_written(data):
        raise _broken("half a character stands in it, which no file can hold", where)
    found = data.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise BaselineError(
            f"the baseline has format {found}; this version reads up to {FORMAT}",
            where=where,
            next_step="upgrade: pip install --upgrade pytest-promptreg",
        )
    try:
        return _from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as exc:
        raise _broken(
            str(exc) if isinstance(exc, _DamagedError) else "a part of it is missing or of the wrong kind", where
        ) from exc


def _can_be_written(data: object) -> bool:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


class _DamagedError(ValueError):
    """The file does not say what its digests say."""


_RESTORE = "restore it with `git checkout`, or delete it and run pytest --promptreg-update"


def _broken(problem: str, where: str, next_step: str = _RESTORE) -> BaselineError:
    return BaselineError(f"the baseline cannot be trusted: {problem}", where=where, next_step=next_step)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands in it twice")
    return found


def _from_json(data: Mapping[str, Any]) -> Baseline:
    if data["format"] != FORMAT:
        raise ValueError("format")
    prompts = {}
    for key, stored in data["prompts"].items():
        template = stored["template"]
        prompt = PromptVersion(
            label=stored["label"],
            template=_joined(template)
            if not isinstance(template, dict)
            else tuple(Message(message["role"], _joined(message["content"])) for message in template["messages"]),
            syntax=stored["syntax"],
            model_config=plain(stored["model_config"]),
        )
        if prompt.digest[:32] != key:
            raise _DamagedError(f"the text of prompt {prompt.label!r} was changed by hand or by a merge")
        prompts[key] = prompt
    if data["header"] != _header_digest(data):
        raise _DamagedError("its header (version, metrics, prompts) was changed by hand or by a merge")
    accepted = data["prompt"]
    if prompts[accepted].label != data["version"]:
        raise _DamagedError(f"the accepted prompt is not of version {data['version']!r}")
    records = {}
    for example, stored in data["examples"].items():
        outputs = tuple(_joined(lines) for lines in stored["outputs"])
        made_by = stored.get("prompt", accepted)
        made_by = tuple(made_by) if isinstance(made_by, list) else (made_by,) * len(outputs)
        record = Record(example, stored["inputs"], outputs, made_by, tuple(stored.get("generations", ())))
        if not record.is_whole or not set(made_by) <= set(prompts):
            raise _DamagedError(f"the record of example {example!r} is not whole")
        if _record_digest(record, accepted) != stored["record"]:
            raise _DamagedError(f"the record of example {example!r} was changed by hand or by a merge")
        records[example] = record
    return Baseline(accepted, prompts, records, {str(k): str(v) for k, v in data["metrics"].items()})


def render(baseline: Baseline) -> str:
    """The file's text; equal baselines give equal bytes."""
    header = {
        "format": FORMAT,
        "version": baseline.version,
        "prompt": baseline.accepted,
        "metrics": dict(sorted(baseline.signatures.items())),
        "prompts": {key: _prompt_json(prompt) for key, prompt in sorted(baseline.prompts.items())},
    }
    data = {
        **header,
        "header": _header_digest(header),
        "examples": {
            example: _record_json(record, baseline.accepted) for example, record in sorted(baseline.records.items())
        },
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _header_digest(data: Mapping[str, Any]) -> str:
    return digest(canonical_json({name: data[name] for name in _HEADER}))[:32]


def _record_json(record: Record, accepted: str) -> dict[str, Any]:
    """The record; the prompts that made it stand there only where one is another than the accepted one.

    So that a new version that leaves an output as it was leaves the output's lines in the file as they were. The
    generations stand there only where there is more than the first output, made once, to tell of.
    """
    return {
        "inputs": record.inputs,
        **({} if (other := _other_prompts(record, accepted)) is None else {"prompt": other}),
        **({} if (times := _told_generations(record)) is None else {"generations": times}),
        "outputs": [_split(output) for output in record.outputs],
        "record": _record_digest(record, accepted),
    }


def _record_digest(record: Record, accepted: str) -> str:
    other = _other_prompts(record, accepted)
    said = [part for part in (other, _told_generations(record)) if part is not None]
    return digest(canonical_json([record.example, record.inputs, list(record.outputs), *said]))[:32]


def _told_generations(record: Record) -> list[int] | None:
    """How often each output was made; None where that is what is meant without a word."""
    return None if record.generations == _made_once(len(record.outputs)) else list(record.generations)


def _other_prompts(record: Record, accepted: str) -> str | list[str] | None:
    """What made the outputs, one for all or a list; None where it is the accepted prompt."""
    if len(set(record.prompts)) > 1:
        return list(record.prompts)
    return None if record.prompts[0] == accepted else record.prompts[0]


def _prompt_json(prompt: PromptVersion) -> dict[str, Any]:
    template = prompt.template
    return {
        "label": prompt.label,
        "syntax": prompt.syntax,
        "model_config": json.loads(canonical_json(prompt.model_config)),
        "template": _split(template)
        if isinstance(template, str)
        else {"messages": [{"role": m.role, "content": _split(m.content)} for m in template]},
    }


def _split(text: str) -> list[str]:
    """Text as pieces that join to it: its lines, and the sentences of long lines."""
    pieces = []
    for line in text.split("\n"):
        if len(line) <= _LONG_LINE:
            pieces.append(line + "\n")
            continue
        start = 0
        for match in _SENTENCE_END.finditer(line):
            pieces.append(line[start : match.end()])
            start = match.end()
        pieces.append(line[start:] + "\n")
    pieces[-1] = pieces[-1][:-1]
    return [piece for piece in pieces if piece]


def _joined(pieces: list[str]) -> str:
    return "".join(pieces)


def key_of(prompt: PromptVersion) -> str:
    """How a baseline file refers to a prompt."""
    return prompt.digest[:32]


def says_the_same(one: PromptVersion, other: PromptVersion) -> bool:
    """Whether two versions ask a model for the same: the same text, and the same settings but for secrets.

    One of them may have been stored, and has then stars in place of all that is called a secret.
    """
    settings, others = (open_settings(without_secrets(version.model_config)) for version in (one, other))
    return one.digest == other.digest and settings == others
