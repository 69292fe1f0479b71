"""What a suite can say: the one declaration of its arguments, for the marker, for suite files and for editors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..judging.modes import MODES
from ..signals import SIGNALS
from ..signals.actions import ACTIONS
from .samples import MOST

Schema = Mapping[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXTS: Schema = {"type": "array", "items": _TEXT}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a suite.

    :param meaning: what it says, in one line, as an editor shows it.
    :param takes: what it takes in a suite file, in words.
    :param schema: the same as JSON Schema.
    :param in_python: what the marker takes besides.
    :param required: whether every suite has to have it.
    """

    meaning: str
    takes: str
    schema: Schema
    in_python: str = ""
    required: bool = False


ARGUMENTS: Mapping[str, Argument] = {
    "prompts": Argument(
        "the prompt versions under test",
        "a folder, a glob, a file or a prompts:/ address, or a list of these and of prompts with label and text",
        {
            "anyOf": [
                _TEXT,
                {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "anyOf": [
                            _TEXT,
                            {
                                "type": "object",
                                "required": ["label"],
                                "properties": {
                                    "label": {"type": "string", "minLength": 1},
                                    "text": {"type": "string", "minLength": 1},
                                    "messages": {
                                        "type": "array",
                                        "minItems": 1,
                                        "items": {
                                            "type": "object",
                                            "required": ["role", "content"],
                                            "properties": {"role": _TEXT, "content": {"type": "string"}},
                                        },
                                    },
                                    "model_config": {"type": "object"},
                                    "commit_message": {"type": "string"},
                                    "tags": {"type": "object"},
                                    "syntax": {"enum": ["braces", "jinja2"]},
                                },
                                "additionalProperties": False,
                            },
                        ]
                    },
                },
            ]
        },
        in_python="`PromptVersion` objects",
        required=True,
    ),
    "examples": Argument(
        "the evaluation set: each row has the prompt's variables, and may have id, reference, gates and tags",
        "a path or a glob (JSONL, JSON, YAML, CSV), or a list of rows",
        {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": {"type": "object"}}]},
        in_python="a DataFrame and `Example` objects",
        required=True,
    ),
    "gates": Argument(
        "what must hold, such as semantic >= 0.80, drop(rouge_l) <= 0.08 or pass_rate >= 0.95; or how it is judged: "
        + ", ".join(MODES),
        "a gate or a mode, or a list of them",
        {"anyOf": [_TEXT, _TEXTS]},
    ),
    "predict": Argument(
        "what is under test; left out, what the fixture promptreg_predict of a conftest.py gives",
        '"package.module:function", "openai:/MODEL", "models:/NAME@ALIAS" or the URL of an MLflow scoring server',
        _TEXT,
        in_python="a function, sync or async",
    ),
    "predict_version": Argument(
        "what is declared as predict's version: another one calls anew under replay",
        "a text or a whole number",
        {"type": ["string", "integer"]},
    ),
    "metrics": Argument(
        "metrics that are reported though no gate names them",
        'a metric\'s name or "package.module:function", a list of them, or functions by the name of their metric',
        {"anyOf": [_TEXT, _TEXTS, {"type": "object", "additionalProperties": _TEXT}]},
        in_python="functions, batch objects, and scorers of MLflow",
    ),
    "signals": Argument(
        "what signals do that no gate names",
        f"by signal, one of {', '.join(ACTIONS)}",
        {
            "type": "object",
            "properties": {name: {"enum": list(ACTIONS)} for name in SIGNALS},
            "additionalProperties": False,
        },
    ),
    "baseline": Argument(
        "ties the baseline to what the MLflow prompt registry names as in production",
        '"@ALIAS" or "prompts:/NAME@ALIAS"',
        _TEXT,
    ),
    "samples": Argument(
        "outputs of each case in a run, judged together",
        f"a whole number from 1 to {MOST}",
        {"type": "integer", "minimum": 1, "maximum": MOST},
    ),
}
