"""Writes the JSON Schemas of result files, from the annotations of what they hold, and of suite files.

``python docs/schemas.py`` writes results.schema.json and suite_file.schema.json, ``--check`` says whether
both are up to date.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from pytest_promptreg.baselines.refreshing import Plan
from pytest_promptreg.judging.gates import Gate, Verdict
from pytest_promptreg.model import PromptVersion
from pytest_promptreg.results.file import FORMAT, KIND
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome
from pytest_promptreg.suites.files.schema import schema as of_suite_files

FOLDER = Path(__file__).parent
Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
NOT_FINITE = ["NaN", "Infinity", "-Infinity"]
SIMPLE: dict[Any, Schema] = {
    str: TEXT,
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"anyOf": [{"type": "number"}, {"enum": NOT_FINITE}]},
    type(None): {"type": "null"},
    Any: {},
    Path: {**TEXT, "description": "from the root folder on, where it lies in it"},
    Gate: {**TEXT, "description": "as people write it: semantic >= 0.8"},
}
OF_FIELDS: dict[tuple[type, str], Schema] = {
    (CaseOutcome, "verdict"): {"enum": [str(verdict) for verdict in Verdict]},
    (PromptVersion, "model_config"): {"type": "object"},
    (Plan, "before"): {"type": "null"},
}


class Making:
    """Schemas by annotation; dataclasses stand among the definitions and are referred to."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def of(self, hint: Any) -> Schema:
        """The schema of an annotation, as :class:`pytest_promptreg.wire.Wire` writes it."""
        if hint in SIMPLE:
            return SIMPLE[hint]
        if is_dataclass(hint) and isinstance(hint, type):
            return self.reference(hint)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return {"enum": [member.value for member in hint]}
        return self._container(get_origin(hint), get_args(hint))

    def _container(self, origin: Any, arguments: tuple[Any, ...]) -> Schema:
        parts = [self.of(argument) for argument in arguments if argument is not Ellipsis]
        if origin in {Union, types.UnionType}:
            return {"anyOf": parts}
        if origin is tuple and arguments[-1] is not Ellipsis:
            return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
        if origin in {list, tuple, Sequence}:
            return {"type": "array", "items": parts[0]}
        if origin in {dict, Mapping}:
            return {"type": "object", "additionalProperties": parts[1]}
        raise TypeError(f"no schema for {origin!r}")

    def reference(self, cls: type) -> Schema:
        """A reference to a dataclass's definition, which is made where it is not there yet."""
        name = cls.__name__
        if name not in self.definitions:
            self.definitions[name] = {}  # a dataclass may hold its own kind
            hints = get_type_hints(cls)
            known = [field for field in fields(cls) if field.init]
            self.definitions[name] = {
                "type": "object",
                "description": (cls.__doc__ or "").strip().partition("\n")[0],
                "properties": {
                    field.name: OF_FIELDS.get((cls, field.name)) or self.of(hints[field.name]) for field in known
                },
                "required": [f.name for f in known if f.default is MISSING and f.default_factory is MISSING],
            }
        return {"$ref": f"#/$defs/{name}"}


def of_results() -> Schema:
    """The schema of a result file. What it does not name may be there: fields are added without a new format number."""
    making = Making()
    run = making.of(RunOutcome)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pytest-promptreg results",
        "type": "object",
        "properties": {
            "kind": {"const": KIND},
            "format": {"const": FORMAT},
            "plugin_version": TEXT,
            "run": run,
            "part": {"type": ["object", "null"], "description": "in the file of a shard, what merging needs"},
        },
        "required": ["kind", "format", "plugin_version", "run"],
        "$defs": dict(sorted(making.definitions.items())),
    }


SCHEMAS = {"results.schema.json": of_results, "suite_file.schema.json": of_suite_files}


def main() -> int:
    """Write the files, or say whether they are up to date."""
    stale = False
    for name, schema in SCHEMAS.items():
        file, text = FOLDER / name, json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
        if "--check" in sys.argv[1:]:
            stale |= file.read_text(encoding="utf-8") != text
        else:
            file.write_text(text, encoding="utf-8")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
