"""Suites and baselines, redacted where they enter.

A suite is redacted when it is declared, and what was declared is kept for the calls alone: predict is given the prompt
as it is. A baseline is redacted when it is read, so that outputs that were stored under other rules are compared by
what both sides say in the end.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..baselines.baseline import Baseline, Record, key_of
from ..model import Example, Message, PromptVersion
from .redactor import Redactor

if TYPE_CHECKING:
    from ..suites.suite import SuiteSpec


def redacted_suite(spec: SuiteSpec, redactor: Redactor) -> SuiteSpec:
    """The suite as it is judged, stored and sent; the same object where nothing is to be hidden.

    :raises RedactionError: when a rule of the user's fails.
    """
    if redactor.hides_nothing:
        return spec
    versions = tuple(_version(version, redactor) for version in spec.versions)
    examples = tuple(_example(example, redactor) for example in spec.examples)
    production = spec.production and replace(spec.production, version=_version(spec.production.version, redactor))
    same = all(map(operator.is_, versions, spec.versions)) and all(map(operator.is_, examples, spec.examples))
    if same and production == spec.production:
        return spec
    return replace(spec, versions=versions, examples=examples, production=production)


def redacted_baseline(stored: Baseline | None, redactor: Redactor) -> Baseline | None:
    """The baseline as it is compared with, its prompts known by what is left of them.

    :raises RedactionError: when a rule of the user's fails.
    """
    if stored is None or redactor.hides_nothing:
        return stored
    prompts = {key: _version(prompt, redactor) for key, prompt in stored.prompts.items()}
    renamed = {key: key_of(prompt) for key, prompt in prompts.items() if prompt is not stored.prompts[key]}
    records = {name: _record(record, renamed, redactor) for name, record in stored.records.items()}
    if all(map(operator.is_, prompts.values(), stored.prompts.values())) and all(
        map(operator.is_, records.values(), stored.records.values())
    ):
        return stored
    return replace(
        stored,
        accepted=renamed.get(stored.accepted, stored.accepted),
        prompts={renamed.get(key, key): prompt for key, prompt in prompts.items()},
        records=records,
        rewritten=True,
    )


def _record(record: Record, renamed: Mapping[str, str], redactor: Redactor) -> Record:
    outputs = record.outputs
    if any(redactor.text(output) is not output for output in outputs):
        outputs = tuple(map(redactor.text, outputs))
    if outputs is record.outputs and renamed.keys().isdisjoint(record.prompts):
        return record
    return replace(record, outputs=outputs, prompts=tuple(renamed.get(key, key) for key in record.prompts))


def _version(version: PromptVersion, redactor: Redactor) -> PromptVersion:
    template = version.template
    made = {
        "template": redactor.text(template) if isinstance(template, str) else _messages(template, redactor),
        "model_config": redactor.value(version.model_config),
        "commit_message": redactor.text(version.commit_message),
        "tags": redactor.value(version.tags),
    }
    return version if all(getattr(version, name) is value for name, value in made.items()) else replace(version, **made)


def _messages(messages: tuple[Message, ...], redactor: Redactor) -> tuple[Message, ...]:
    made = tuple(
        message if (content := redactor.text(message.content)) is message.content else replace(message, content=content)
        for message in messages
    )
    return messages if all(map(operator.is_, made, messages)) else made


def _example(example: Example, redactor: Redactor) -> Example:
    inputs = redactor.value(example.inputs)
    reference = example.reference and redactor.text(example.reference)
    tags = redactor.value(example.tags)
    if inputs is example.inputs and reference is example.reference and tags is example.tags:
        return example
    return replace(example, inputs=inputs, reference=reference, tags=tags)
