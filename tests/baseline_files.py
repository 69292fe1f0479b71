"""Baselines for tests: what several test modules make them of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_promptreg.baselines.baseline import Baseline, key_of
from pytest_promptreg.baselines.refreshing import Plan, plan_refresh
from pytest_promptreg.model import Example, Message, PromptVersion

V1 = PromptVersion("v1", "Summarize {{ text }}\nIn one sentence.", model_config={"temperature": 0, "stop": ["."]})
V2 = PromptVersion("v2", (Message("system", "Be brief."), Message("user", "{{ text }}")), model_config={"n": 1})
EXAMPLES = [Example(name, {"text": name}) for name in ("a", "b", "c", "naïve 文")]
SIGNATURES = {"rouge_l": "rouge_l|f1|tok:unicode", "semantic": "semantic|cosine|model:x"}
ALL = {"a": "A.", "b": "B.", "c": "C.", "naïve 文": "D."}

Outputs = Mapping[str, str | Sequence[str]]


def refresh(
    before: Baseline | None,
    version: PromptVersion,
    outputs: Outputs,
    examples: Sequence[Example] = EXAMPLES,
    path: Path = Path("x.json"),
    refused: Mapping[str, str] | None = None,
    **how: bool,
) -> Plan:
    """The plan of a refresh; a text by itself is one generation."""
    generated = {name: [said] if isinstance(said, str) else said for name, said in outputs.items()}
    return plan_refresh(
        path, before, version, generated, examples=examples, signatures=SIGNATURES, refused=refused or {}, **how
    )


def make(outputs: Outputs, version: PromptVersion = V1, before: Baseline | None = None) -> Baseline:
    """The baseline after a refresh of the version with these outputs."""
    examples = [Example(name, {"text": name}) for name in outputs] + EXAMPLES
    after = refresh(before, version, outputs, examples).after
    assert after is not None
    return after


def make_everything() -> Baseline:
    """Two versions, several examples, records with several outputs and generations: everything that a file can hold."""
    first = make({"a": "Line one.\nLine two.", "b": "", "c": "One. " * 30}, V1)
    mixed = make({"naïve 文": ["Ein Satz.\n\n— Ende", "Ein Satz.\n\n— Ende", "Zwei."]}, V2, first)
    two = replace(
        mixed.records["a"],
        outputs=("Line one.\nLine two.", "Another."),
        prompts=(key_of(V1),) * 2,
        generations=(1, 0),
    )
    more = replace(
        mixed.records["c"],
        outputs=("One. " * 30, "Eins."),
        prompts=(key_of(V1), key_of(V2)),
        generations=(0, 3),
    )
    return replace(mixed, records={**mixed.records, "a": two, "c": more})


def written(path: Path, text: str | bytes) -> Path:
    """The file, with its folder, holding ``text``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def prompt_of(stored: Baseline, example: str) -> PromptVersion:
    """The prompt that made an example's first output."""
    record = stored.records[example]
    return stored.prompt_of(record, record.outputs[0])
