"""By what a recorded output is found: everything that shapes it and is known without calling anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..model import Example, PromptVersion
from ..redaction import open_settings
from ..redaction.redactor import is_redacted
from ..text import canonical_json, digest

_SHORT = 16  # hex digits: parts only say which of them has changed
_KEY = 32


@dataclass(frozen=True, slots=True)
class Parts:
    """What a recorded output was made from.

    :param prompt: digest of the prompt's template; its label is no part of it.
    :param inputs: digest of the example's inputs; its id is no part of it.
    :param config: digest of the model config, secrets aside: a new API key makes no other output.
    :param predict: what predict is known by: an address, ``module:function``, or a fixture's place.
    :param predict_version: what was declared as its version; empty where nothing was.
    :param sample: which of several outputs for the same request.
    """

    prompt: str
    inputs: str
    config: str
    predict: str
    predict_version: str = ""
    sample: int = 0

    @classmethod
    def of(
        cls, version: PromptVersion, example: Example, *, predict: str, predict_version: str = "", sample: int = 0
    ) -> Parts:
        """The parts of a case."""
        return cls(
            prompt=version.digest[:_SHORT],
            inputs=example.inputs_digest[:_SHORT],
            config=digest(canonical_json(open_settings(version.model_config)))[:_SHORT],
            predict=predict,
            predict_version=predict_version,
            sample=sample,
        )

    def to_wire(self) -> dict[str, Any]:
        """Plain values, for a record."""
        return {name: getattr(self, name) for name in self.__slots__}

    def changed_since(self, then: Parts) -> list[str]:
        """What is not as it was, in words."""
        words = {
            "prompt": "the prompt",
            "inputs": "the inputs",
            "config": "the model config",
            "predict": f"predict (then {then.predict}, now {self.predict})",
            "predict_version": f"predict's declared version (then {then.predict_version!r}, "
            f"now {self.predict_version!r})",
            "sample": "the sample",
        }
        return [word for name, word in words.items() if getattr(self, name) != getattr(then, name)]


def key_of(version: PromptVersion, example: Example, shared: str, sample: int = 0) -> str:
    """The key of a case. Examples that redaction made alike are told apart by their ids.

    :param shared: :func:`shared_part` of its suite and version: the same for all its examples.
    """
    inputs = example.inputs_digest
    if is_redacted(canonical_json(example.inputs)):
        inputs += f" {example.id}"
    return digest(f"{shared} {version.digest} {inputs} {sample}")[:_KEY]


def shared_part(version: PromptVersion, *, predict: str, predict_version: str = "") -> str:
    """What the keys of one version's cases have in common besides the prompt."""
    return digest(canonical_json([1, open_settings(version.model_config), predict, predict_version]))
