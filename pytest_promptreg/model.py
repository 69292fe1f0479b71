"""The values that travel through the house. Frozen, plain, and free of pytest, MLflow and torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from .errors import PredictError
from .text import canonical_json, digest, is_amount, well_formed


class CaseKey(NamedTuple):
    """What a case is known by, everywhere: never by its node id, which plugins rewrite."""

    suite: str
    version: str
    example: str

    @property
    def case(self) -> CaseKey:
        """Itself: a case with one sample is called by its own key."""
        return self

    @property
    def sample(self) -> int:
        """The first."""
        return 0


class CallKey(NamedTuple):
    """What a call is known by, where a case has several samples, each a call of its own.

    :param sample: which one, from 0.
    """

    case: CaseKey
    sample: int

    @property
    def suite(self) -> str:
        """The case's."""
        return self.case.suite

    @property
    def version(self) -> str:
        """The case's."""
        return self.case.version

    @property
    def example(self) -> str:
        """The case's."""
        return self.case.example


Key = CaseKey | CallKey  # of a call


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat prompt; ``content`` is a template until it is rendered."""

    role: str
    content: str


@dataclass(frozen=True)
class PromptVersion:
    """One text of a prompt.

    :param label: its name, unique within a suite (``v2``).
    :param template: a text, or the messages of a chat.
    :param syntax: ``"braces"`` for ``{{ name }}``, ``"jinja2"`` for Jinja2 in its sandbox.
    :param model_config: handed to predict as it is; recorded with the baseline.
    :param where: its file, or the place that declares it, for messages.
    :param first_line: the line of the file on which a text template begins; 0 where there is none.
    """

    label: str
    template: str | tuple[Message, ...]
    syntax: str = "braces"
    model_config: Mapping[str, Any] = field(default_factory=dict)
    commit_message: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    first_line: int = 0

    @cached_property
    def text(self) -> str:
        """The template as one text: what diffs and reports show."""
        if isinstance(self.template, str):
            return self.template
        return "\n\n".join(f"[{message.role}]\n{message.content}" for message in self.template)

    @cached_property
    def digest(self) -> str:
        """Sha256 of what the template says: its text or messages, and their syntax."""
        template = self.template
        said = template if isinstance(template, str) else [[m.role, m.content] for m in template]
        return digest(canonical_json([self.syntax, said]))

    def to_wire(self) -> dict[str, Any]:
        """Plain values, for another process."""
        template = self.template
        return {
            "label": self.label,
            "template": template if isinstance(template, str) else [[m.role, m.content] for m in template],
            "syntax": self.syntax,
            "model_config": dict(self.model_config),
            "commit_message": self.commit_message,
            "tags": dict(self.tags),
            "where": self.where,
            "first_line": self.first_line,
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> PromptVersion:
        """The version that :meth:`to_wire` described."""
        template = wire["template"]
        messages = template if isinstance(template, str) else tuple(Message(*pair) for pair in template)
        return cls(**{**wire, "template": messages})


@dataclass(frozen=True)
class Example:
    """One row of the evaluation set.

    :param inputs: the template's variables, by name.
    :param reference: the expected answer, where there is one.
    :param gates: gate lines of this row, nearer than the suite's.
    :param where: ``file:line`` of the row, for messages.
    """

    id: str
    inputs: Mapping[str, Any]
    reference: str | None = None
    gates: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    where: str = ""

    @cached_property
    def inputs_digest(self) -> str:
        """Sha256 of the inputs as canonical JSON."""
        return digest(canonical_json(self.inputs))

    def to_wire(self) -> dict[str, Any]:
        """Plain values, for another process."""
        return {
            "id": self.id,
            "inputs": dict(self.inputs),
            "reference": self.reference,
            "gates": list(self.gates),
            "tags": list(self.tags),
            "where": self.where,
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Example:
        """The example that :meth:`to_wire` described."""
        return cls(**{**wire, "gates": tuple(wire["gates"]), "tags": tuple(wire["tags"])})


@dataclass(frozen=True, eq=False)
class ScoredCase:
    """What a metric may know of a case besides the two texts that it compares.

    :param version: the prompt version under test; None where a metric is tried by itself.
    """

    example: Example
    version: PromptVersion | None = None

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The example's inputs."""
        return self.example.inputs

    @property
    def reference(self) -> str | None:
        """The expected answer, where there is one."""
        return self.example.reference


@dataclass(frozen=True, slots=True)
class Request:
    """What predict is given: one prompt version rendered with one example's inputs.

    :param text: the rendered prompt; of a chat prompt, its messages one after the other.
    :param messages: ``[{"role": ..., "content": ...}]``; a text prompt is one user message.
    :param version: the label of the prompt version.
    """

    text: str
    messages: list[dict[str, str]]
    inputs: Mapping[str, Any]
    model_config: Mapping[str, Any]
    version: str
    example: str


@dataclass(frozen=True, slots=True)
class Output:
    """What predict returned.

    A number of tokens, seconds or USD that is none (NaN, one below zero) is not known, and None.

    :param latency_s: seconds that the call took; set by the runner.
    :param replayed: whether it is a recorded output, handed over without a call.
    """

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    replayed: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise PredictError(
                f"Output(text=...) takes a str, not {type(self.text).__name__}",
                next_step="return the dict or list itself, or Output(json.dumps(it))",
            )
        object.__setattr__(self, "text", well_formed(self.text))
        for name, kind in (("input_tokens", int), ("output_tokens", int), ("cost_usd", float), ("latency_s", float)):
            value = getattr(self, name)
            if value is None:
                continue
            if type(value) is not kind:
                try:  # a Decimal or one of NumPy's numbers, which cannot ride on a report, is what it says
                    value = kind(value)
                except (TypeError, ValueError, OverflowError) as exc:
                    raise PredictError(f"Output({name}=...) takes a number, not {type(value).__name__}") from exc
            object.__setattr__(self, name, value if is_amount(value) else None)

    @classmethod
    def of(cls, value: object) -> Output:
        """``value`` as an output: an Output, a str, or a dict or list (kept as canonical JSON).

        :raises PredictError: for anything else, None included.
        """
        if isinstance(value, Output):
            return value
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, dict | list):
            try:
                return cls(canonical_json(value, indent=2))
            except (TypeError, ValueError, RecursionError) as exc:
                raise PredictError(f"a {type(value).__name__} that is no JSON is no output: {exc}") from exc
        raise PredictError(
            f"{type(value).__name__} is no output: it takes a str, a dict, a list or an Output",
            next_step="return the model's text, or pytest_promptreg.read_reply(...) of what a client returned",
        )
