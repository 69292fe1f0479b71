"""What an import found, as the texts of a suite file, prompt files and a file of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ..model import PromptVersion
from ..report.escape import one_line
from .providers import Provider
from .tests import Row

_TAKEN = frozenset({"id", "reference", "gates", "tags", "inputs", "expectations"})
_MEANING = (
    "",
    "An assertion there holds for an output by itself. Here an output is compared with the one that was accepted: what",
    "an assertion expected is a row's reference, and its gates fail what is further from it than the accepted output.",
    "So review what is stored first: pytest --promptreg-update shows it.",
)
_GATE = "semantic >= 0.8"
_WIDTH = 160


def prompt_file(version: PromptVersion, config: Mapping[str, Any]) -> tuple[str, str]:
    """Name and text of a prompt's file.

    :param config: the model config that goes with it.
    """
    import yaml

    head: dict[str, Any] = {}
    if version.commit_message:
        head["commit_message"] = version.commit_message
    if config:
        head["model_config"] = dict(config)
    jinja = ".j2" if version.syntax == "jinja2" else ""
    template = version.template
    if not isinstance(template, str):
        head["messages"] = [{"role": message.role, "content": message.content} for message in template]
        return f"{version.label}.yaml{jinja}", yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=_WIDTH)
    meta = yaml.safe_dump(head, allow_unicode=True, sort_keys=False, width=_WIDTH) if head else ""
    front = f"---\n{meta}---\n" if meta or template.startswith("---") else ""
    return f"{version.label}.md{jinja}", f"{front}{template.rstrip(chr(10))}\n"


def rows_file(rows: Sequence[Row]) -> str:
    """The rows as JSON Lines, with the inputs by themselves where one has a name that is taken."""
    apart = any(_TAKEN & row.inputs.keys() for row in rows)
    lines = []
    for row in rows:
        line: dict[str, Any] = {"id": row.id, **({"inputs": row.inputs} if apart else row.inputs)}
        line |= {name: value for name, value in _expected(row) if value not in (None, [])}
        lines.append(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    return "".join(lines)


def _expected(row: Row) -> Iterator[tuple[str, Any]]:
    yield "reference", row.reference
    yield "gates", row.gates
    yield "tags", row.tags


def suite_file(
    suites: Mapping[str, Provider | None],
    *,
    source: str,
    description: str,
    rows: str,
    samples: int,
    leftovers: Sequence[str],
) -> str:
    """The suite file.

    :param suites: by name, what is under test; None where nothing of the configuration could be.
    :param source: the configuration's name.
    :param rows: the name of the file of rows.
    :param samples: outputs of each case.
    :param leftovers: what did not come along, in lines.
    """
    lines = [f"# Written by: python -m pytest_promptreg import-promptfoo {one_line(source)}"]
    lines += [f"# {one_line(description)}"] if description else []
    lines += [f"# {line}".rstrip() for line in _MEANING]
    lines += ["#", "# Left out, or otherwise than there:"] if leftovers else []
    lines += [f"# - {line}" for line in leftovers]
    lines.append("")
    several = len(suites) > 1
    lines += ["suites:"] if several else []
    for name, provider in suites.items():
        body = list(_suite(name, provider, rows, samples))
        lines += [f"  - {body[0]}", *(f"    {line}" for line in body[1:])] if several else body
    return "\n".join(lines) + "\n"


def _suite(name: str, provider: Provider | None, rows: str, samples: int) -> Iterator[str]:
    yield f"name: {name}"
    yield f"prompts: {PurePosixPath('prompts', name)}"
    yield f"examples: {rows}"
    if provider is None:
        yield "# predict: what is under test: package.module:function, openai:/MODEL, models:/NAME@ALIAS or a URL"
    else:
        yield f"predict: {json.dumps(provider.predict, ensure_ascii=False)}"
    if samples > 1:
        yield f"samples: {samples}"
    yield "gates:"
    yield f"  - {_GATE}  # each output beside the accepted one; of a model that samples, see docs/noise.md"
