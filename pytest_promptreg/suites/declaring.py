"""What a suite declares, made into a suite; whatever can be refused before a call is made is refused here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..baselines.production import address_of, look_up
from ..errors import ConfigError, ExampleError, GateError, PromptError, did_you_mean
from ..files import display_path
from ..inputs.examples import load_examples
from ..inputs.prompts import Registry, load_prompts
from ..inputs.templates import missing_variable, place_of_variable, refuse_half_braces
from ..judging import modes
from ..judging.gates import nearest, parse
from ..model import Example, PromptVersion
from ..signals.actions import default_signals, read_actions
from ..text import slug
from .arguments import ARGUMENTS
from .metrics import SuiteMetrics
from .predicts import check_predict, name_of
from .samples import check_samples
from .suite import SuiteSpec, case_slug

_NEEDED = {
    "prompts": 'prompts="prompts/NAME": a folder with v1.md, v2.md ..., or one file',
    "examples": 'examples="rows.jsonl": a row such as {"id": "t-1", "text": "..."} in each line',
}


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
    places: Mapping[str, str] | None = None,
) -> SuiteSpec:
    """The suite that a marker declares; everything that can be refused before a call is made is refused here.

    :param marker: the marker's keyword arguments.
    :param samples: of each case, whatever the marker says; None for what it says.
    :param registry: gives the versions that a ``prompts:/`` address names.
    :param refreshing: whether outputs are made to be accepted: of what is in production, if the marker says so, also
        where that is none of its prompts.
    :param places: of arguments that stand on lines of their own, as those of a suite file do: ``file:line``, by name.
    :param metrics: where the suite's metrics are found; left out, there are the built-in ones and the marker's.
    :raises PromptregError: with the place of the mistake and what to do.
    """
    where = f"{display_path(module)}:{line}"
    at = {**dict.fromkeys(ARGUMENTS, where), **(places or {})}
    for name in marker:
        if name not in ARGUMENTS:
            raise ConfigError(
                f"the promptreg marker has no argument {name!r}",
                where=where,
                next_step=did_you_mean(name, ARGUMENTS),
            )
    for name, example in _NEEDED.items():
        if marker.get(name) is None:
            raise ConfigError(
                f"the promptreg marker of {function} needs {name}=",
                where=where,
                next_step=f"write {example}",
            )
    check_predict(marker.get("predict"), at["predict"])
    said_samples = marker.get("samples", 1)
    of_marker = check_samples(said_samples, f"samples={said_samples!r}", at["samples"])
    versions = load_prompts(marker["prompts"], base=module.parent, where=at["prompts"], registry=registry)
    prompt_name = _prompt_name(marker["prompts"], function)
    production = None
    if address := address_of(marker.get("baseline"), prompt_name, at["baseline"]):
        production = look_up(address, versions, where=at["baseline"], registry=registry)
        versions = production.among(versions) if refreshing else versions
        prompt_name = prompt_name if _is_registered(marker["prompts"]) else production.name
    examples = load_examples(marker["examples"], base=module.parent, where=at["examples"])
    _refuse_colliding_ids(versions, examples)
    _refuse_missing_variables(versions, examples)
    metrics = metrics or SuiteMetrics(marker.get("metrics"), lambda _: None, at["metrics"])
    said_gates = marker.get("gates")
    mode, far_lines, near_lines = _levels(ini_gates, said_gates, at["gates"])
    metrics.look_up([*far_lines, *near_lines, *(line for example in examples for line in example.gates)])
    places_of_gates = _places_of_gates(said_gates, at)
    gates = nearest(
        (parse(line, "the ini option promptreg_gates", metrics.known) for line in far_lines),
        (parse(line, places_of_gates[str(line)], metrics.known) for line in near_lines),
    )
    if not mode and (gates or (examples and all(example.gates for example in examples))):
        mode = modes.STRICT
    elif mode == modes.STRICT and not gates:
        gates = (parse(modes.NOTHING_CHANGES),)
    of_ini = metrics.require(tuple(ini_metrics), "the ini option promptreg_metrics")
    said = {**(ini_signals or {}), **read_actions(marker.get("signals"), at["signals"])}
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
        predict_version=_version_of_predict(marker.get("predict_version"), ini_predict_version, at["predict_version"]),
        samples=of_marker if samples is None else samples,
        mode=mode,
        mode_named=bool(mode),
    )
    _refuse_unjudgeable(spec, at["gates"])
    return spec


def _gate_lines(lines: object, where: str) -> Sequence[object]:
    if lines is None:
        return ()
    if isinstance(lines, str):
        return (lines,)
    if not isinstance(lines, list | tuple):
        raise GateError(
            f"gates is a list of texts, not {type(lines).__name__}",
            where=where,
            next_step='write gates=["semantic >= 0.8"]',
        )
    return lines


def _places_of_gates(lines: object, at: Mapping[str, str]) -> dict[str, str]:
    """Where each gate stands, by its text: in a suite file on a line of its own."""
    return {str(line): at.get(f"gates[{index}]", at["gates"]) for index, line in enumerate(_gate_lines(lines, ""))}


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


def _refuse_colliding_ids(versions: Sequence[PromptVersion], examples: Sequence[Example]) -> None:
    labels = Counter(slug(version.label) for version in versions)
    if len(labels) < len(versions):
        name = next(name for name, number in labels.items() if number > 1)
        first, second, *_ = (version for version in versions if slug(version.label) == name)
        raise PromptError(
            f"the labels {first.label!r} and {second.label!r} both become {name!r} in a test id",
            where=second.where,
            next_step=f"the other is at {first.where}; rename one of them",
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
                    next_step=_of_columns(name, example),
                )
            refuse_half_braces(version, example.inputs)


def _of_columns(name: str, example: Example) -> str:
    """Which of the two is to be changed is not known: the prompt, or the row."""
    near = did_you_mean(name, example.inputs)
    if near.endswith("?"):
        return f"{near} Or should the example say {name!r}?"
    return f"add it to the example, or use one that it has ({near})" if example.inputs else "add it to the example"


def _refuse_unjudgeable(spec: SuiteSpec, where: str) -> None:
    """Refuse gates that would judge nothing.

    :param where: the suite's gates stand.
    """
    gates, examples = spec.gates, spec.examples
    row_gates = [(parse(line, example.where, spec.known), example) for example in examples for line in example.gates]
    for gate, example in row_gates:
        if gate.of_suite:
            raise GateError(
                f"'{gate}' is a gate on the suite; an example's row takes gates on its own case",
                where=example.where,
                next_step=f"move it to the gates of the suite at {where}",
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
