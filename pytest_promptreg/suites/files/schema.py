"""The JSON Schema of suite files: by it an editor completes, explains and underlines."""

from __future__ import annotations

from typing import Any

from ..arguments import ARGUMENTS
from .reading import NAME, NAME_PATTERN, SUITES

_NAME = {
    "type": "string",
    "pattern": f"^{NAME_PATTERN}$",
    "description": "how it is called in test ids and reports; of a file with one suite, left out, as the file",
}


def schema() -> dict[str, Any]:
    """The schema, in the draft that editors know: one suite, or several in a list."""
    suite: dict[str, Any] = {
        "type": "object",
        "properties": {
            NAME: _NAME,
            **{
                name: {**argument.schema, "description": f"{argument.meaning}. Takes {argument.takes}."}
                for name, argument in ARGUMENTS.items()
            },
        },
        "required": [name for name, argument in ARGUMENTS.items() if argument.required],
        "additionalProperties": False,
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "pytest-promptreg suite file",
        "description": "promptreg_*.yaml: prompt regression suites that pytest collects",
        "type": "object",
        "if": {"required": [SUITES]},
        "then": {
            "properties": {
                SUITES: {
                    "type": "array",
                    "minItems": 1,
                    "description": "several suites of one file, each with a name",
                    "items": {"allOf": [{"$ref": "#/definitions/suite"}, {"required": [NAME]}]},
                }
            },
            "additionalProperties": False,
        },
        "else": {"$ref": "#/definitions/suite"},
        "definitions": {"suite": suite},
    }
