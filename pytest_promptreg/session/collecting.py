"""pytest's collection <-> suites: marked functions become suites, their items cases."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..errors import ConfigError, PromptregError
from ..files import display_path
from ..judging import modes
from ..model import CaseKey
from ..options import is_suite_file
from ..results.shards import in_shard
from ..suites.declaring import build_suite
from ..suites.metrics import LASTING_SCOPES, SuiteMetrics
from ..suites.predicts import resolve_predict, subject_of
from ..suites.suite import FIXTURE, case_slug
from .board import Board
from .ini_places import told_at_its_place
from .repeats import refuse_repeated, repeated_by, variant_of
from .roles import Performing, Worker
from .stash import CASE_KEY, PLACES, REPEATED_BY, WORKER_OUTPUT, is_marked

if TYPE_CHECKING:
    from ..model import PromptVersion
    from .roles import Role

_PREDICT = "promptreg_predict"
_EXECUTOR = "promptreg_executor"
_PLUGIN = "pytest_promptreg.plugin"  # where the fixture stands that gives no predict


def parametrize(metafunc: pytest.Metafunc, role: Role) -> None:
    """Declare the suite of a test function and make its cases.

    :raises PromptregError: when the marker, the prompts or the examples cannot be used.
    """
    definition = metafunc.definition
    line = definition.location[1]
    where = f"{display_path(definition.path)}:{(line or 0) + 1}"
    marker = definition.get_closest_marker("promptreg")
    if "promptreg" not in metafunc.fixturenames:
        raise ConfigError(
            f"{definition.name} is marked promptreg and does not use the fixture promptreg",
            where=where,
            next_step=f"write def {definition.name}(promptreg): promptreg.check()",
        )
    if marker is None:
        raise ConfigError(
            f"{definition.name} uses the fixture promptreg and is not marked",
            where=where,
            next_step='write @pytest.mark.promptreg(prompts="...", examples="...", gates=["..."]) above it',
        )
    if sum(mark.name == "promptreg" for mark in definition.own_markers) > 1:
        raise ConfigError(
            f"{definition.name} has two promptreg markers, and only one would count",
            where=where,
            next_step="write a test function for each suite",
        )
    if marker.args:
        raise ConfigError(
            "the promptreg marker takes named arguments only", where=where, next_step="write prompts=..., examples=..."
        )
    if not isinstance(role, Performing):
        return
    _refuse_short_lived_executor(definition, where)
    places: Mapping[str, str] = getattr(metafunc.function, PLACES, {})
    metrics = SuiteMetrics(
        marker.kwargs.get("metrics"), lambda name: _fixture_scope(definition, name), places.get("metrics", where)
    )
    with told_at_its_place(definition.config):
        spec = build_suite(
            marker.kwargs,
            suite_id=definition.nodeid,
            module=definition.path,
            line=(line or 0) + 1,
            function=".".join(definition.nodeid.split("::")[1:]),
            ini_gates=role.settings.gates,
            ini_metrics=role.settings.metrics,
            ini_signals=role.settings.signals,
            ini_predict_version=role.settings.predict_version,
            metrics=metrics,
            samples=role.settings.asked_samples,
            registry=lambda address: _registered(address, where, role),
            refreshing=role.settings.refreshing,
            places=places,
        )
    asked = marker.kwargs.get("predict")
    spec = replace(spec, subject=_subject(definition, asked, spec.id))
    if not spec.subject and is_suite_file(definition.path):
        raise ConfigError(
            f"the suite {spec.name} has no predict",
            where=where,
            next_step=f'write predict: "package.module:function" or "openai:/MODEL", or override {_PREDICT}',
        )
    at = places.get("predict", where)
    # What is never called need not be there, nor what it imports.
    predict = resolve_predict(asked, at, role.settings.registry) if role.settings.replay != "only" else None
    role.performer.declare(spec, predict, metrics)
    cases = [(version.label, example.id) for version in spec.versions for example in spec.examples]
    metafunc.parametrize("promptreg", cases, ids=[case_slug(*case) for case in cases], indirect=True)


def _subject(definition: pytest.Item, predict: object, suite_id: str) -> str:
    """What gives the outputs of a suite: the marker, else a fixture, known by its place; empty where nothing does."""
    if predict is not None:
        return subject_of(predict, suite_id)
    if any(_PREDICT in _names(mark.args[0]) for mark in definition.iter_markers("parametrize") if mark.args):
        return f"{FIXTURE}{_PREDICT} of {suite_id}"
    found = definition.session._fixturemanager.getfixturedefs(_PREDICT, definition)
    fixture: Any = inspect.unwrap(found[-1].func) if found else None
    if fixture is None or fixture.__module__ == _PLUGIN:
        return ""
    code = getattr(fixture, "__code__", None)
    file = Path(code.co_filename if code is not None else "")
    root = definition.config.rootpath
    place = file.relative_to(root).as_posix() if file.is_relative_to(root) else fixture.__module__
    return f"{FIXTURE}{place}::{getattr(fixture, '__qualname__', _PREDICT)}"


def _names(argnames: object) -> Sequence[str]:
    """The names in the first argument of ``parametrize``."""
    if isinstance(argnames, str):
        return [name.strip() for name in argnames.split(",")]
    return [str(name) for name in argnames] if isinstance(argnames, list | tuple) else []


def _registered(address: str, where: str, role: Performing) -> Sequence[PromptVersion]:
    """The versions that an address of the prompt registry names."""
    from ..sources.registry.loading import load_registry

    loaded = load_registry(address, where=where, settings=role.settings.registry)
    if loaded.notice and loaded.notice not in role.notices:
        role.notices.append(loaded.notice)
    return loaded.versions


def _fixture_scope(definition: pytest.Item, name: str) -> str | None:
    """The scope of the fixture of that name that the test would see; pytest has no public word for it."""
    found = definition.session._fixturemanager.getfixturedefs(name, definition)
    return found[-1].scope if found else None


def _refuse_short_lived_executor(definition: pytest.Item, where: str) -> None:
    """A suite asks for its executor once, and calls on it until its last test.

    :raises ConfigError: when the fixture would have shut it down before.
    """
    scope = _fixture_scope(definition, _EXECUTOR)
    if scope is not None and scope not in LASTING_SCOPES:
        raise ConfigError(
            f"the fixture {_EXECUTOR} lives for a {scope}, and its executor makes the calls of a whole suite",
            where=where,
            next_step='give it scope="module" or scope="session"',
        )


def take_down(collector: pytest.Collector, report: pytest.CollectReport, role: Role) -> None:
    """Note the cases among what a collector found.

    :raises PromptregError: when a baseline cannot be trusted, or a marker makes no case.
    """
    if not isinstance(role, Performing) or not report.passed:
        return
    if isinstance(collector, pytest.Module):
        role.modules.append((collector.path, collector.obj))
    for node in report.result:
        # What a node id names is found once more by the session: a test's own collector declares it.
        if not isinstance(node, pytest.Function) or node.parent is not collector:
            continue
        callspec = getattr(node, "callspec", None)
        if callspec is not None and "promptreg" in callspec.params:
            label, example = callspec.params["promptreg"]
            base = f"{collector.nodeid}::{node.originalname}"
            variant = variant_of(callspec, case_slug(label, example))
            node.stash[CASE_KEY] = role.performer.variant(base, variant).case_key(label, example)
            if repeater := repeated_by(callspec):
                node.stash[REPEATED_BY] = repeater
    _refuse_unserved(collector, report.result)


def _refuse_unserved(collector: pytest.Collector, found: Sequence[pytest.Item | pytest.Collector]) -> None:
    """A marker that makes no case would be a suite that silently checks nothing."""
    for node in found:
        if isinstance(node, pytest.Function) and CASE_KEY not in node.stash and is_marked(node):
            raise ConfigError(
                f"{node.name} is marked promptreg and is a unittest method, which pytest cannot run once for each case",
                where=f"{display_path(node.path)}:{(node.location[1] or 0) + 1}",
                next_step="write it as a function, or as a method of a class that is no TestCase",
            )
    served = any(CASE_KEY in node.stash or isinstance(node, pytest.Class) for node in found)
    if isinstance(collector, pytest.Class) and is_marked(collector) and not served:
        raise ConfigError(
            f"{collector.name} is marked promptreg and none of its tests uses the fixture promptreg",
            where=f"{display_path(collector.path)}:{(collector.reportinfo()[1] or 0) + 1}",
            next_step="write def test_...(self, promptreg): promptreg.check()",
        )


def deselect(config: pytest.Config, items: list[pytest.Item], role: Role) -> None:
    """Drop the cases that the settings do not select, telling pytest.

    A worker of xdist that raised here would take the session down with an internal error: it drops everything instead,
    and the controller says why.

    :raises ConfigError: when that would leave a suite, or a named version, without a case.
    """
    if not isinstance(role, Performing):
        return
    try:
        _deselect(config, items, role)
    except PromptregError as exc:
        role.refusal = str(exc)
        if not isinstance(role, Worker):
            raise
        items.clear()


def _deselect(config: pytest.Config, items: list[pytest.Item], role: Performing) -> None:
    role.performer.choice.check()
    keep: list[pytest.Item] = []
    drop: list[pytest.Item] = []
    for item in items:
        key = item.stash.get(CASE_KEY, None)
        (keep if key is None or role.performer.choice.wants(key) else drop).append(item)
    if drop:
        config.hook.pytest_deselected(items=drop)
        items[:] = keep


def deselect_other_shards(config: pytest.Config, items: list[pytest.Item], role: Role) -> None:
    """Of a split run, drop the cases that other shards run, telling pytest; whatever else was collected stays."""
    shard = role.settings.shard
    if shard is None or not isinstance(role, Performing):
        return
    role.whole = {item.stash[CASE_KEY]: item.nodeid for item in items if CASE_KEY in item.stash}
    others = role.whole.keys() - in_shard(role.performer.suites, role.whole, shard)
    if drop := [item for item in items if item.stash.get(CASE_KEY, None) in others]:
        config.hook.pytest_deselected(items=drop)
        items[:] = [item for item in items if item.stash.get(CASE_KEY, None) not in others]


def _draw_order(items: list[pytest.Item], role: Performing) -> None:
    """Put the cases of each version that is looked at on the way in an order that says nothing of them.

    They keep the places that they have together: no case moves past one of another version, or past another test.
    """
    from ..judging.stopping import drawn_place

    places: dict[tuple[str, str], list[int]] = {}
    for place, item in enumerate(items):
        key = item.stash.get(CASE_KEY, None)
        if key is not None and role.performer.suites[key.suite].mode == modes.CALIBRATED:
            places.setdefault((key.suite, key.version), []).append(place)
    for own in places.values():
        drawn = sorted((items[place] for place in own), key=lambda item: drawn_place(item.stash[CASE_KEY]))
        for place, item in zip(own, drawn, strict=True):
            items[place] = item


def last_words(session: pytest.Session, role: Role) -> None:
    """A worker's session ends: what it learnt while it ran goes to the controller too."""
    output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined]
    if isinstance(role, Worker) and WORKER_OUTPUT in output:
        output[WORKER_OUTPUT].update(role.last_words())


def finish(session: pytest.Session, role: Role) -> None:
    """Note what is left to run; a worker leaves word for the controller.

    A worker of xdist that raised here would take the session down with an internal error: it runs nothing instead, and
    the controller says why.

    :raises PromptregError: when a case would run twice, the run would call more than it may, could not promote what it
        is to promote, or its recorded outputs cannot be read.
    """
    if not isinstance(role, Performing):
        return
    if role.settings.stop_early:
        _draw_order(session.items, role)
    found: list[tuple[CaseKey, str]] = [
        (item.stash[CASE_KEY], item.nodeid) for item in session.items if CASE_KEY in item.stash
    ]
    try:
        refuse_repeated(session.items, session.config)
        role.select(found)
        if not (session.config.option.collectonly or role.settings.plan):
            role.performer.check_promotion()
            role.settings.limits.check(role.performer.plan)
    except PromptregError as exc:
        role.refusal = str(exc)
        if not isinstance(role, Worker):
            raise
        session.items.clear()
    if role.settings.replay != "off":
        from ..replay.on_need import set_up_on_need

        set_up_on_need(item for item in session.items if CASE_KEY in item.stash)
    if isinstance(role, Worker):
        output: dict[str, Any] = session.config.workeroutput  # type: ignore[attr-defined]
        output[WORKER_OUTPUT] = role.to_wire()
        if role.performer.suites and (board := Board.of_worker(session.config)) is not None:
            board.leave_plan(role.header() or "")
