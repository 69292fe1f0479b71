"""A marked test function -> a suite: prompt versions x examples, gates, and where the baseline lies."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from . import modes
from .baseline import Baseline, path_for
from .errors import ConfigError, ExampleError, GateError, PromptError, did_you_mean
from .examples import load_examples
from .files import display_path
from .gates import Gate, metric_of, nearest, parse, perfect
from .metrics import METRICS, MetricInfo
from .model import CaseKey, Example, PromptVersion
from .predicts import check_predict, name_of
from .production import Production, address_of, look_up
from .prompts import Registry, load_prompts
from .samples import check_samples
from .signals import SIGNALS
from .suite_metrics import SuiteMetrics
from .templates import missing_variable, place_of_variable
from .text import slug

MARKER_ARGUMENTS = (
    *("prompts", "examples", "gates", "predict", "predict_version", "metrics", "signals", "baseline"),
    "samples",
)
FIXTURE = "fixture "  # how the subject of a suite begins whose predict a fixture gives
ACTIONS = ("breach", "warn", "tell", "off")  # what a signal does that no gate names: `tell` names it in reports


def default_signals() -> dict[str, str]:
    """What each signal does that nobody set."""
    return {signal.name: signal.default for signal in SIGNALS.values()}


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
    :param mode: how its gates are judged: see :mod:`pytest_promptreg.modes`; empty until its baseline is known, where
        it names neither a mode nor a gate.
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
        references = any(example.reference is not None for example in self.examples)
        return modes.terms(self.mode, self.metrics, references=references)

    def judged_by(self, stored: Baseline | None, generations: int) -> SuiteSpec:
        """This suite, with the mode that its baseline speaks for where it names none.

        :param generations: how many an update stores.
        """
        if self.mode:
            return self
        mode = modes.by_baseline(stored, self.example_by_id, generations)
        return replace(self, mode=mode, gates=(parse(modes.NOTHING_CHANGES),) if mode == modes.STRICT else ())

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
        return shlex.join(["pytest", node, "--promptreg-accept", label])

    def with_variant(self, variant: str) -> SuiteSpec:
        """This suite for one combination of the function's other parameters."""
        return replace(self, variant=variant, id=f"{self.id}[{variant}]") if variant else self

    def command(self, *flags: str) -> str:
        """The command line that runs this suite's module with ``flags``."""
        return shlex.join(["pytest", display_path(self.module), *flags])

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


def build_suite(
    marker: Mapping[str, Any],
    *,
    suite_id: str,
    module: Path,
    line: int,
    function: str,
    ini_gates: Iterable[str],
    ini_metrics: Iterable[str] = (),
    ini_signals: Mapping[str, str] | None = None,
    ini_predict_version: str = "",
    metrics: SuiteMetrics | None = None,
    samples: int | None = None,
    registry: Registry | None = None,
    refreshing: bool = False,
) -> SuiteSpec:
    """The suite that a marker declares; everything that can be refused before a call is made is refused here.

    :param marker: the marker's keyword arguments.
    :param samples: of each case, whatever the marker says; None for what it says.
    :param registry: gives the versions that a ``prompts:/`` address names.
    :param refreshing: whether outputs are made to be accepted: of what is in production, if the marker says so, also
        where that is none of its prompts.
    :param metrics: where the suite's metrics are found; left out, there are the built-in ones and the marker's.
    :raises PromptregError: with the place of the mistake and what to do.
    """
    where = f"{display_path(module)}:{line}"
    for name in marker:
        if name not in MARKER_ARGUMENTS:
            raise ConfigError(
                f"the promptreg marker has no argument {name!r}",
                where=where,
                next_step=did_you_mean(name, MARKER_ARGUMENTS),
            )
    for name in ("prompts", "examples"):
        if marker.get(name) is None:
            raise ConfigError(f"the promptreg marker of {function} needs {name}=", where=where)
    check_predict(marker.get("predict"), where)
    of_marker = check_samples(marker["samples"], f"samples={marker['samples']!r}", where) if "samples" in marker else 1
    versions = load_prompts(marker["prompts"], base=module.parent, where=where, registry=registry)
    prompt_name = _prompt_name(marker["prompts"], function)
    production = None
    if address := address_of(marker.get("baseline"), prompt_name, where):
        production = look_up(address, versions, where=where, registry=registry)
        versions = production.among(versions) if refreshing else versions
        prompt_name = prompt_name if _is_registered(marker["prompts"]) else production.name
    examples = load_examples(marker["examples"], base=module.parent, where=where)
    _refuse_colliding_ids(versions, examples)
    _refuse_missing_variables(versions, examples)
    metrics = metrics or SuiteMetrics(marker.get("metrics"), lambda _: None, where)
    mode, far_lines, near_lines = _levels(ini_gates, marker.get("gates"), where)
    metrics.look_up([*far_lines, *near_lines, *(line for example in examples for line in example.gates)])
    gates = nearest(
        (parse(line, "the ini option promptreg_gates", metrics.known) for line in far_lines),
        (parse(line, where, metrics.known) for line in near_lines),
    )
    if not mode and (gates or (examples and all(example.gates for example in examples))):
        mode = modes.STRICT
    elif mode == modes.STRICT and not gates:
        gates = (parse(modes.NOTHING_CHANGES),)
    of_ini = metrics.require(tuple(ini_metrics), "the ini option promptreg_metrics")
    said = {**(ini_signals or {}), **_actions(marker.get("signals"), where)}
    spec = SuiteSpec(
        suite_id,
        where,
        module,
        function,
        versions,
        examples,
        gates,
        tuple(dict.fromkeys([*of_ini, *metrics.reported])),
        own=metrics.own_infos,
        signals={**default_signals(), **said},
        named_signals=tuple(said),
        predict=name_of(marker.get("predict")),
        prompt_name=prompt_name,
        production=production,
        predict_version=_version_of_predict(marker.get("predict_version"), ini_predict_version, where),
        samples=of_marker if samples is None else samples,
        mode=mode,
        mode_named=bool(mode),
    )
    _refuse_unjudgeable(spec)
    return spec


def check_actions(actions: Mapping[str, object], where: str) -> dict[str, str]:
    """What a user set signals to do.

    :raises ConfigError: for a signal or an action that is not known.
    """
    checked = {}
    for name, action in actions.items():
        if name not in SIGNALS:
            raise ConfigError(f"unknown signal {name!r}", where=where, next_step=did_you_mean(name, SIGNALS))
        if action not in ACTIONS:
            raise ConfigError(
                f"the signal {name} cannot be set to {action!r}",
                where=where,
                next_step=f"known: {', '.join(ACTIONS)}",
            )
        checked[name] = str(action)
    return checked


def case_slug(version: str, example: str) -> str:
    """The case's part of the test id: ``v2-ticket-017``."""
    return f"{slug(version)}-{slug(example)}"


def _gate_lines(lines: object, where: str) -> Sequence[object]:
    if lines is None:
        return ()
    if isinstance(lines, str):
        return (lines,)
    if not isinstance(lines, list | tuple):
        raise GateError(f"gates is a list of texts, not {type(lines).__name__}", where=where)
    return lines


def _levels(ini: Iterable[str], marker: object, where: str) -> tuple[str, list[object], list[object]]:
    """The mode, and the gate lines of ini file and marker: a marker that names a mode begins anew."""
    far_mode, far = modes.split(ini, "the ini option promptreg_gates")
    near_mode, near = modes.split(_gate_lines(marker, where), where)
    return (near_mode, [], near) if near_mode else (far_mode, far, near)


def _version_of_predict(version: object, ini_version: str, where: str) -> str:
    if version is None:
        return ini_version
    if isinstance(version, bool) or not isinstance(version, str | int):
        raise ConfigError(
            f"predict_version is a text, not {type(version).__name__}",
            where=where,
            next_step='write predict_version="2", and another one when predict has changed',
        )
    return str(version)


def _actions(actions: object, where: str) -> dict[str, str]:
    if actions is None:
        return {}
    if not isinstance(actions, Mapping):
        raise ConfigError(
            f"signals is a dict, not {type(actions).__name__}",
            where=where,
            next_step='write signals={"refusal": "breach", "output_kind": "off"}',
        )
    return check_actions(actions, where)


def _refuse_colliding_ids(versions: Sequence[PromptVersion], examples: Sequence[Example]) -> None:
    labels = Counter(slug(version.label) for version in versions)
    if len(labels) < len(versions):
        alike = [version for version in versions if labels[slug(version.label)] > 1]
        raise PromptError(
            f"the labels {alike[0].label!r} and {alike[1].label!r} both become {slug(alike[0].label)!r} in a test id",
            where=alike[1].where,
            next_step=f"the other is at {alike[0].where}; rename one of them",
        )
    seen: dict[str, tuple[str, Example]] = {}
    for version in versions:
        for example in examples:
            other_label, other = seen.setdefault(case_slug(version.label, example.id), (version.label, example))
            if other is not example:
                raise ExampleError(
                    f"version {version.label!r} with id {example.id!r} and version {other_label!r} with id "
                    f"{other.id!r} have the same test id",
                    where=example.where,
                    next_step=f"the other is at {other.where}; give one of them another id",
                )


def _refuse_missing_variables(versions: Iterable[PromptVersion], examples: Iterable[Example]) -> None:
    shapes: dict[frozenset[str], Example] = {}
    for example in examples:
        shapes.setdefault(frozenset(example.inputs), example)
    for version in versions:
        # A Jinja2 template may look into the values, so each example is asked; braces only name columns.
        asked = list(examples) if version.syntax == "jinja2" else list(shapes.values())
        for example in asked:
            if name := missing_variable(version, example.inputs):
                raise PromptError(
                    f"the prompt uses {name!r}, which example {example.id!r} ({example.where}) lacks",
                    where=place_of_variable(version, name),
                    next_step=did_you_mean(name, example.inputs),
                )


def _refuse_unjudgeable(spec: SuiteSpec) -> None:
    gates, examples, where = spec.gates, spec.examples, spec.where
    row_gates = [(parse(line, example.where, spec.known), example) for example in examples for line in example.gates]
    for gate, example in row_gates:
        if gate.of_suite:
            raise GateError(
                f"'{gate}' is a gate on the suite; an example's row takes gates on its own case",
                where=example.where,
                next_step=f"move it to the marker at {where}",
            )
        if gate.is_drop and example.reference is None:
            raise GateError(
                f"'{gate}' compares with a reference, which example {example.id!r} lacks",
                where=example.where,
                next_step="give the row a reference, or gate on the similarity to the baseline",
            )
    bare = next((example for example in examples if not example.gates), None)
    rates = [gate for gate in gates if gate.metric is None]
    if rates and bare and not any(not gate.of_suite for gate in gates):
        raise GateError(
            f"'{rates[0]}' counts the cases without a breach, and no gate is on a case",
            where=where,
            next_step='add the gate that a case has to meet, such as "semantic >= 0.8"',
        )
    for_all = any(gate.metric and not gate.is_drop for gate in gates)
    idle = next((e for e in examples if e.reference is None and not e.gates), None)
    if gates and idle and not for_all and any(example.reference is not None for example in examples):
        raise GateError(
            f"example {idle.id!r} has no reference, and every gate compares with one: its case could never fail",
            where=idle.where,
            next_step="give it a reference, or add a gate on the similarity to the baseline, such as semantic >= 0.8",
        )
    without = [example for example in examples if example.reference is None]
    if len(without) == len(examples) and (drops := [gate for gate in gates if gate.is_drop]):
        raise GateError(
            f"'{drops[0]}' compares with references, and no example has one",
            where=where,
            next_step="give the examples a reference column, or gate on the similarity to the baseline",
        )


def _is_registered(prompts: object) -> bool:
    return isinstance(prompts, str) and prompts.startswith("prompts:/")


def _prompt_name(prompts: object, function: str) -> str:
    """The name of the folder, the file or the registered prompt; of anything else, the test's."""
    if isinstance(prompts, str) and _is_registered(prompts):
        return re.split("[@/?]", prompts.removeprefix("prompts:/"))[0]
    if isinstance(prompts, str | Path):
        return next((part for part in reversed(Path(prompts).with_suffix("").parts) if "*" not in part), function)
    return function
