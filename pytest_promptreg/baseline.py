"""The stored file: the accepted outputs of one prompt version of a suite, with the provenance that made them.

``__baselines__/<test module>/<test function>.json`` beside the test module; JSON, sorted, one sentence or line of text
on a line, so that a one-word change in one output is a change of one line in ``git diff``. The header and every
record carry a digest of themselves: a merge that mixed two of them is refused rather than believed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .equality import same
from .errors import BaselineError
from .files import display_path, read_text, write_atomically
from .model import Example, Message, PromptVersion
from .redaction import open_settings, without_secrets
from .text import canonical_json, digest, file_slug

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
    """

    example: str
    inputs: str
    outputs: tuple[str, ...]
    prompts: tuple[str, ...]

    def made_by(self, prompt: str) -> Record | None:
        """What of it the prompt of that key made; None for nothing."""
        outputs = tuple(text for text, key in zip(self.outputs, self.prompts, strict=True) if key == prompt)
        return replace(self, outputs=outputs, prompts=(prompt,) * len(outputs)) if outputs else None

    def accepts(self, output: str) -> str | None:
        """The accepted output that says the same as ``output``; None when none does."""
        equal = (accepted for accepted in self.outputs if accepted == output)
        return next(equal, None) or next((accepted for accepted in self.outputs if same(accepted, output)), None)


@dataclass(frozen=True)
class Baseline:
    """One baseline file.

    :param accepted: key of the accepted prompt version among ``prompts``.
    :param prompts: the prompts that made the records, by digest.
    :param signatures: of the metrics that the suite's gates named when the file was written.
    """

    accepted: str
    prompts: Mapping[str, PromptVersion]
    records: Mapping[str, Record]
    signatures: Mapping[str, str] = field(default_factory=dict)

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
    text = read_text(path, BaselineError)
    where = display_path(path)
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise _broken("it holds a merge conflict", f"{where}:{line}")
    try:
        data = json.loads(text, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError as exc:
        raise _broken(f"it is no whole JSON ({exc.msg})", f"{where}:{exc.lineno}") from exc
    except (ValueError, RecursionError) as exc:
        raise _broken(str(exc), where) from exc
    if not isinstance(data, dict):
        raise _broken("it is no baseline", where)
    found = data.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise BaselineError(
            f"the baseline has format {found}; this version reads up to {FORMAT}",
            where=where,
            next_step="upgrade: pip install --upgrade pytest-promptreg",
        )
    try:
        return _from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise _broken(
            str(exc) if isinstance(exc, _DamagedError) else "a part of it is missing or of the wrong kind", where
        ) from exc


class _DamagedError(ValueError):
    """The file does not say what its digests say."""


def _broken(problem: str, where: str) -> BaselineError:
    return BaselineError(
        f"the baseline cannot be trusted: {problem}",
        where=where,
        next_step="restore it with `git checkout`, or delete it and run pytest --promptreg-update",
    )


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
            model_config=stored["model_config"],
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
        record = Record(example, stored["inputs"], outputs, made_by)
        if not outputs or len(made_by) != len(outputs) or not set(made_by) <= set(prompts):
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

    So that a new version that leaves an output as it was leaves the output's lines in the file as they were.
    """
    return {
        "inputs": record.inputs,
        **({} if (other := _other_prompts(record, accepted)) is None else {"prompt": other}),
        "outputs": [_split(output) for output in record.outputs],
        "record": _record_digest(record, accepted),
    }


def _record_digest(record: Record, accepted: str) -> str:
    other = _other_prompts(record, accepted)
    said = [] if other is None else [other]
    return digest(canonical_json([record.example, record.inputs, list(record.outputs), *said]))[:32]


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


@dataclass(frozen=True)
class Plan:
    """What a refresh would do to a baseline file: proposed first, shown, then applied once.

    :param before: the file as it was read; None when there was none.
    :param after: what would be written; None when nothing is left to keep.
    :param added: examples that get one more accepted output.
    :param rescored: metrics whose signature is another than before.
    :param refused: examples that were asked for and are not written, each with the reason.
    """

    path: Path
    before: Baseline | None
    after: Baseline | None
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()
    rescored: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether applying it changes anything on disk."""
        return (self.before and render(self.before)) != (self.after and render(self.after))

    @property
    def after_label(self) -> str:
        """The version that the file would hold."""
        return self.after.version if self.after else ""

    def __str__(self) -> str:
        parts = [
            f"{len(names)} {word}"
            for word, names in (
                ("new", self.new),
                ("changed", self.changed),
                ("accepted beside others", self.added),
                ("unchanged", self.unchanged),
                ("stale removed", self.pruned),
                ("metric signatures renewed", self.rescored),
                ("not written", self.refused),
            )
            if names
        ]
        return ", ".join(parts) or "nothing to write"

    def apply(self) -> None:
        """Write it: the whole file or nothing.

        :raises BaselineError: when it cannot be written.
        """
        if not self.writes:
            return
        try:
            if self.after is None:
                self.path.unlink(missing_ok=True)
            else:
                write_atomically(self.path, render(self.after))
        except OSError as exc:
            raise BaselineError(
                f"the baseline cannot be written: {exc.strerror}",
                where=display_path(self.path),
                next_step="make the folder writable and run the same command again",
            ) from exc


def plan_refresh(
    path: Path,
    before: Baseline | None,
    version: PromptVersion,
    outputs: Mapping[str, str],
    *,
    examples: Iterable[Example],
    signatures: Mapping[str, str],
    refused: Mapping[str, str],
    add: bool = False,
    only: bool = False,
    alone: bool = False,
) -> Plan:
    """The plan that makes ``outputs`` of ``version`` accepted.

    Examples that were not run, or failed, keep their records and the prompt that made them; the file's accepted version
    becomes ``version`` once most of the declared examples' records are of it. An output that is accepted already, but
    for white space, leaves the record's texts as they are.

    :param outputs: accepted text by example id, of the cases that ran and passed.
    :param add: whether outputs stand beside what is accepted, and the accepted version stays, or in their place.
    :param only: whether an output that is accepted already puts its siblings away: how one is taken back.
    :param alone: whether nothing that another prompt made stays accepted in the records that are renewed.
    :raises BaselineError: when, with ``alone``, records would stay that the version made with another model config.
    """
    declared = {example.id: example for example in examples}
    old = before.records if before else {}
    records = dict(old)
    key = key_of(version)
    groups: dict[str, list[str]] = {"new": [], "changed": [], "added": [], "unchanged": []}
    for example_id, output in outputs.items():
        group, records[example_id] = _renewed(
            old.get(example_id), declared[example_id], output, key, add=add, only=only, alone=alone
        )
        groups[group].append(example_id)
    if not outputs:
        return Plan(path, before, before, refused=refused)
    if alone and before is not None:
        _refuse_two_configs(path, before, version, [name for name in old if name not in outputs])
    known = {**(before.prompts if before else {}), key: _as_stored(version)}
    used = {prompt for record in records.values() for prompt in record.prompts}
    of_declared = [records[name].prompts for name in declared if name in records]
    prevails = not add and sum(key in prompts for prompts in of_declared) * 2 > len(of_declared)
    after = Baseline(
        accepted=before.accepted if before and not prevails and before.accepted in used else key,
        prompts={name: prompt for name, prompt in known.items() if name in used},
        records=records,
        signatures=signatures,
    )
    return Plan(
        path,
        before,
        after,
        **{word: tuple(sorted(names)) for word, names in groups.items()},
        rescored=_renewed_signatures(before, signatures),
        refused=refused,
    )


def _renewed(
    stored: Record | None, example: Example, output: str, key: str, *, add: bool, only: bool, alone: bool
) -> tuple[str, Record]:
    """What becomes of one record, and in which group of the plan."""
    if alone and stored is not None and set(stored.prompts) != {key}:
        if (own := stored.made_by(key)) is None:
            add, only = False, True
        else:
            group, record = _renewed(own, example, output, key, add=add, only=only, alone=False)
            return "changed" if group == "unchanged" else group, record
    if stored is None or stored.inputs != example.inputs_digest:  # made from other inputs: nothing to keep
        record = Record(example.id, example.inputs_digest, (output,), (key,))
        return "changed" if stored else "new", record
    if (accepted := stored.accepts(output)) is not None:
        if only and len(stored.outputs) > 1:
            return "changed", replace(stored, outputs=(accepted,), prompts=(key,))
        # It keeps its siblings: refreshing must not forget what people accepted.
        made_by = [
            key if text == accepted and not add else prompt
            for text, prompt in zip(stored.outputs, stored.prompts, strict=True)
        ]
        return "unchanged", replace(stored, prompts=tuple(made_by))
    if add:
        return "added", replace(stored, outputs=(*stored.outputs, output), prompts=(*stored.prompts, key))
    return "changed", replace(stored, outputs=(output,), prompts=(key,))


def _refuse_two_configs(path: Path, before: Baseline, version: PromptVersion, untouched: Iterable[str]) -> None:
    """A file has one model config for a prompt: records that were made with another would pass for those of this one.

    :raises BaselineError: where there are such records among those that are not renewed.
    """
    stored = before.prompts.get(key_of(version))
    if stored is None or says_the_same(stored, version):
        return
    if left := sorted(name for name in untouched if key_of(version) in before.records[name].prompts):
        raise BaselineError(
            f"{version.label} has another model config than when {len(left)} of the records were made "
            f"(such as {left[0]})",
            where=display_path(path),
            next_step="refresh all of the examples at once, and remove records of others with --promptreg-prune",
        )


def plan_rescore(path: Path, before: Baseline, signatures: Mapping[str, str]) -> Plan:
    """The plan that renews how the outputs of a baseline are scored, and leaves the outputs alone."""
    renewed = sorted(name for name, line in signatures.items() if before.signatures.get(name) != line)
    return Plan(path, before, replace(before, signatures=signatures), rescored=tuple(renewed))


def _renewed_signatures(before: Baseline | None, signatures: Mapping[str, str]) -> tuple[str, ...]:
    """The metrics whose stored signature is replaced: of every record, whichever were refreshed."""
    stored = before.signatures if before else {}
    return tuple(sorted(name for name, line in signatures.items() if stored.get(name, line) != line))


def _as_stored(version: PromptVersion) -> PromptVersion:
    """The version as a file keeps it: without its place on this machine, and without secrets."""
    return replace(version, model_config=without_secrets(version.model_config), where="", first_line=0)


def prune(plan: Plan, stale: Iterable[str]) -> Plan:
    """``plan`` with the stale records removed as well; a file of which nothing is left goes."""
    gone = frozenset(stale)
    if plan.after is None or not gone:
        return plan
    records = {example: record for example, record in plan.after.records.items() if example not in gone}
    used = {prompt for record in records.values() for prompt in record.prompts}
    kept = {key: prompt for key, prompt in plan.after.prompts.items() if key in used or key == plan.after.accepted}
    after = replace(plan.after, records=records, prompts=kept) if records else None
    return replace(plan, after=after, pruned=tuple(sorted(gone)))
