"""A marked test function -> a suite: prompt versions x examples, gates, and where the baseline lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import typed
from ..baselines.baseline import Baseline, path_for
from ..baselines.production import Production
from ..files import display_path
from ..judging import modes
from ..judging.gates import Gate, metric_of, nearest, parse, perfect
from ..metrics import METRICS, MetricInfo
from ..model import CaseKey, Example, PromptVersion
from ..signals import SIGNALS
from ..signals.actions import default_signals
from ..text import slug

FIXTURE = "fixture "  # how the subject of a suite begins whose predict a fixture gives


@dataclass(frozen=True)
class SuiteSpec:
    """A suite as declared: what its cases are does not depend on which of them run.

    :param id: what the suite is known by: its test function's node id, and the variant where there is one.
    :param where: ``file:line`` of the test function.
    :param module: path of the test module.
    :param function: name of the test function, with its class.
    :param variant: id of the function's other parameters; each combination is a suite of its own.
    :param gates: from ini and marker, nearest first resolved; example rows add their own.
    :param metrics: metrics that are reported though no gate names them.
    :param own: the user's own metrics.
    :param predict: what the marker names as predict, an address or a function by module and name; else empty.
    :param subject: what its predict is known by among recorded outputs, without the function's other parameters; empty
        where nothing gives a predict.
    :param predict_version: what was declared as predict's version.
    :param prompt_name: what its prompt is called in a registry.
    :param signals: what each signal does that no gate names: ``breach``, ``warn``, ``tell`` or ``off``.
    :param named_signals: those of which marker or ini file says it.
    :param production: what an alias of the registry names, where the baseline must be of that; else None.
    :param samples: outputs of each case in this run, each a call of its own.
    :param mode: how its gates are judged: see :mod:`pytest_promptreg.judging.modes`; empty until its baseline is known,
        where it names neither a mode nor a gate.
    :param mode_named: whether the suite named the mode itself.
    """

    id: str
    where: str
    module: Path
    function: str
    versions: tuple[PromptVersion, ...]
    examples: tuple[Example, ...]
    gates: tuple[Gate, ...]
    metrics: tuple[str, ...] = ()
    variant: str = ""
    own: Mapping[str, MetricInfo] = field(default_factory=dict)
    signals: Mapping[str, str] = field(default_factory=default_signals)
    named_signals: tuple[str, ...] = ()
    predict: str = ""
    subject: str = ""
    predict_version: str = ""
    prompt_name: str = ""
    production: Production | None = None
    samples: int = 1
    mode: str = modes.STRICT
    mode_named: bool = True

    @property
    def name(self) -> str:
        """How a person calls it."""
        return f"{self.function}[{self.variant}]" if self.variant else self.function

    @property
    def recorded_as(self) -> str:
        """What its predict is known by among recorded outputs: a fixture may give another to each variant."""
        by_variant = self.variant and self.subject.startswith(FIXTURE)
        return f"{self.subject}[{self.variant}]" if by_variant else self.subject

    @cached_property
    def baseline_path(self) -> Path:
        """Where its baseline lies."""
        return path_for(self.module, self.function, self.variant)

    @cached_property
    def example_by_id(self) -> Mapping[str, Example]:
        """The examples by id."""
        return {example.id: example for example in self.examples}

    @cached_property
    def version_by_label(self) -> Mapping[str, PromptVersion]:
        """The versions by label."""
        return {version.label: version for version in self.versions}

    @cached_property
    def has_pass_rate(self) -> bool:
        """Whether single breaches are left to a pass-rate gate."""
        return any(gate.of_suite and gate.metric is None for gate in self.gates)

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """What is scored for every case, in the gates' order: ``semantic``, ``drop(rouge_l)``."""
        of_gates = [gate.term for gate in self.gates if gate.metric]
        return tuple(dict.fromkeys([*of_gates, *self.noise_terms, *self.metrics]))

    @cached_property
    def noise_terms(self) -> tuple[str, ...]:
        """What is judged over all examples of a version, beside what the model varies by itself."""
        return self.noise_terms_of(self.example_by_id)

    def noise_terms_of(self, examples: Iterable[str]) -> tuple[str, ...]:
        """The same for a part of the examples: what was lost of references is asked only where one of them has one."""
        asked = frozenset(examples)
        references = any(example.reference is not None for example in self.examples if example.id in asked)
        return modes.terms(self.mode, self.metrics, references=references)

    def judged_by(self, stored: Baseline | None, generations: int) -> SuiteSpec:
        """This suite, with the mode that its baseline speaks for where it names none, and what is judged by then.

        :param generations: how many an update stores.
        """
        spec = self
        if not self.mode:
            mode = modes.by_baseline(stored, self.example_by_id, generations)
            spec = replace(self, mode=mode, gates=(parse(modes.NOTHING_CHANGES),) if mode == modes.STRICT else ())
        records = stored.records if stored else {}
        return spec.telling(records[example].generated for example in self.example_by_id if example in records)

    def telling(self, generated: Iterable[Sequence[str]]) -> SuiteSpec:
        """This suite, as it is judged where these are its accepted outputs.

        Where they are JSON, and the suite names no metric, it is judged under noise by their values too.

        :param generated: of each example, its generations.
        """
        if self.mode != modes.CALIBRATED or modes.similarities(self.metrics) or not modes.are_json(generated):
            return self
        return replace(self, metrics=(*modes.SIMILARITIES, modes.FIELDS, *self.metrics))

    @cached_property
    def all_metrics(self) -> tuple[str, ...]:
        """Every metric that scores a case of the suite, those of example rows included, sorted."""
        of_rows = (gate.metric for example in self.examples if example.gates for gate in self.case_gates(example))
        return tuple(sorted({*map(metric_of, self.terms), *filter(None, of_rows)}))

    @cached_property
    def known(self) -> Mapping[str, MetricInfo]:
        """Every metric that a gate of this suite may name."""
        return {**METRICS, **self.own}

    def perfect(self, term: str) -> float:
        """What an output that equals the baseline scores."""
        return perfect(term, self.known)

    def case_gates(self, example: Example) -> tuple[Gate, ...]:
        """The gates of one case: the suite's, and nearer than those its row's own."""
        return nearest(self.gates, (parse(line, example.where, self.known) for line in example.gates))

    @cached_property
    def signal_gates(self) -> Mapping[str, tuple[Gate, ...]]:
        """The gates that signals bring along, by signal, of those that are not switched off."""
        return {
            name: tuple(parse(line) for line in SIGNALS[name].bounds or (f"{name} == 1",))
            for name, action in self.signals.items()
            if action in {"breach", "warn"}
        }

    def case_key(self, version: str, example: str) -> CaseKey:
        """What one of its cases is known by."""
        return CaseKey(self.id, version, example)

    def stale_records(self, stored: Baseline | None) -> list[str]:
        """Ids of the stored records whose example is no longer declared, whatever happens to run."""
        return sorted(set(stored.records) - set(self.example_by_id)) if stored else []

    def how_to_accept(self, label: str) -> str:
        """What a person does to make a version's outputs the baseline."""
        if self.production is None:
            return self.command("--promptreg-accept", label)
        return f"let {self.production.address} name it, then {self.command('--promptreg-update')}"

    def how_to_accept_one(self, label: str, example: str) -> str | None:
        """What a person does to accept the output of a single case; None where the baseline is of one version alone."""
        if self.production is not None:
            return None
        ids = case_slug(label, example) + (f"-{self.variant}" if self.variant else "")
        node = f"{display_path(self.module)}::{self.function.replace('.', '::')}[{ids}]"
        return typed.command(["pytest", node, "--promptreg-accept", label])

    def with_variant(self, variant: str) -> SuiteSpec:
        """This suite for one combination of the function's other parameters."""
        return replace(self, variant=variant, id=f"{self.id}[{variant}]") if variant else self

    def command(self, *flags: str) -> str:
        """The command line that runs this suite's module with ``flags``."""
        return typed.command(["pytest", display_path(self.module), *flags])

    def to_wire(self) -> dict[str, Any]:
        """Plain values, for another process."""
        return {
            "id": self.id,
            "where": self.where,
            "module": str(self.module),
            "function": self.function,
            "versions": [version.to_wire() for version in self.versions],
            "examples": [example.to_wire() for example in self.examples],
            "gates": [str(gate) for gate in self.gates],
            "metrics": list(self.metrics),
            "variant": self.variant,
            "own": [[info.name, info.low, info.high, info.best] for info in self.own.values()],
            "signals": dict(self.signals),
            "named_signals": list(self.named_signals),
            "predict": self.predict,
            "subject": self.subject,
            "predict_version": self.predict_version,
            "prompt_name": self.prompt_name,
            "production": self.production and self.production.to_wire(),
            "samples": self.samples,
            "mode": self.mode,
            "mode_named": self.mode_named,
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> SuiteSpec:
        """The suite that :meth:`to_wire` described."""
        own = {name: MetricInfo(name, low, high, equal=best) for name, low, high, best in wire["own"]}
        return cls(
            id=wire["id"],
            where=wire["where"],
            module=Path(wire["module"]),
            function=wire["function"],
            versions=tuple(PromptVersion.from_wire(version) for version in wire["versions"]),
            examples=tuple(Example.from_wire(example) for example in wire["examples"]),
            gates=tuple(parse(gate, known={**METRICS, **own}) for gate in wire["gates"]),
            metrics=tuple(wire["metrics"]),
            variant=wire["variant"],
            own=own,
            signals=wire["signals"],
            named_signals=tuple(wire["named_signals"]),
            predict=wire["predict"],
            subject=wire["subject"],
            predict_version=wire["predict_version"],
            prompt_name=wire["prompt_name"],
            production=wire["production"] and Production.from_wire(wire["production"]),
            samples=wire["samples"],
            mode=wire["mode"],
            mode_named=wire["mode_named"],
        )


def case_slug(version: str, example: str) -> str:
    """The case's part of the test id: ``v2-ticket-017``."""
    return f"{slug(version)}-{slug(example)}"
