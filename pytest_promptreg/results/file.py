"""The result file: a whole run as one JSON document or as JSON Lines, to be judged again, shown, merged and recorded.

docs/results.md describes it. A reader refuses a newer format, reads an older one, and leaves alone what it does not
know: a field that is added does not change the format's number, one whose meaning changes does.

What by its own name holds a secret, in model configs and addresses, is hidden before it is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..baselines.baseline import Baseline
from ..baselines.refreshing import Plan
from ..errors import PromptregError, ResultsError
from ..files import display_path, read_json_text
from ..judging.evidence import is_whole
from ..judging.gates import Gate, Verdict, metric_of
from ..judging.gates import parse as parse_gate
from ..judging.modes import MODES
from ..model import PromptVersion
from ..redaction import without_secrets, without_user_info
from ..signals import SIGNALS
from ..signals.actions import ACTIONS
from ..suites.suite import SuiteSpec
from ..text import is_amount, plain, well_formed
from ..weight import LARGE_ROOM
from ..wire import OBJECT, TEXT, Codec, Wire, WrongValueError, expected
from .lines import read_lines, write_lines
from .outcome import CaseOutcome, RunOutcome, SuiteOutcome
from .own_files import OwnFile

FORMAT = 1
KIND = "pytest-promptreg results"
FILE = OwnFile(KIND, "result file", "the results", "--promptreg-results", "run.json", ResultsError)
_VERDICTS = frozenset(map(str, Verdict))
_LATEST = 1e11  # seconds since the epoch: what is later is no time


@dataclass(frozen=True)
class Results:
    """What a result file says.

    :param plugin_version: of the plugin that wrote it.
    :param part: what a merge needs besides, as plain values; None in the file of a whole run.
    """

    run: RunOutcome
    plugin_version: str
    part: Mapping[str, Any] | None = None


def render(
    run: RunOutcome,
    *,
    part: Mapping[str, Any] | None = None,
    root: Path | None = None,
    traces: bool = True,
    lines: bool = False,
) -> str:
    """The file's text; equal runs give equal bytes.

    :param part: what a merge needs besides, as JSON's own values.
    :param root: the folder that paths in the file start from; left out, the working directory.
    :param traces: whether what was kept of the calls is in it, which may be most of it.
    :param lines: whether it is JSON Lines, and not one document.
    """
    data = {
        "kind": KIND,
        "format": FORMAT,
        "plugin_version": __version__,
        "run": _wire(root, traces=traces).encode(run, RunOutcome),
        "part": part,
    }
    if lines:
        return well_formed(write_lines(data))
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return well_formed(text) + "\n"


def parse(text: str, *, where: str = "", root: Path | None = None) -> Results:
    """What a result file says.

    :param where: its name, for messages.
    :param root: the folder that its paths start from here; left out, the working directory.
    :raises ResultsError: when it is torn, no result file, of a newer format, or says what cannot be.
    """
    try:
        data = read_lines(text)
    except json.JSONDecodeError as exc:
        raise _broken(f"it is no whole JSON ({exc.msg}, line {exc.lineno}, column {exc.colno})", where) from exc
    except ValueError as exc:
        raise _broken(str(exc), where) from exc
    except RecursionError as exc:
        raise _broken("it is no JSON that could be read", where) from exc
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise ResultsError("this is no result file", where=where or None, next_step="pytest --promptreg-results PATH")
    found = data.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise ResultsError(
            f"the results have format {found}; this version reads up to {FORMAT}",
            where=where or None,
            next_step="upgrade: pip install --upgrade pytest-promptreg",
        )
    if type(found) is not int or found < 1:
        raise _broken(f"there is no format {found!r}", where)
    try:
        run = _wire(root).decode(data.get("run"), RunOutcome)
    except WrongValueError as exc:
        exc.path.insert(0, "run")
        raise _broken(str(exc), where) from exc
    except (RecursionError, OverflowError) as exc:
        raise _broken("it says what cannot be", where) from exc
    part, version = data.get("part"), data.get("plugin_version")
    if not isinstance(version, str) or not (part is None or isinstance(part, dict)):
        raise _broken("plugin_version or part is missing or of the wrong kind", where)
    return Results(run, version, part)


def load(path: Path, *, root: Path | None = None) -> Results:
    """What the result file of that path says.

    :raises ResultsError: as :func:`parse` does, or when it cannot be read.
    """
    return parse(read_json_text(path, ResultsError, LARGE_ROOM), where=display_path(path), root=root)


def _broken(problem: str, where: str) -> ResultsError:
    return ResultsError(
        f"the results cannot be trusted: {problem}", where=where or None, next_step="run the tests that wrote it again"
    )


def _wire(root: Path | None, *, traces: bool = True) -> Wire:
    """The format's own ways: paths from the root folder, gates as people write them, secrets hidden, parts that agree.

    A gate is read as text first: which metrics it may name, its suite knows.
    """
    base = (root or Path.cwd()).absolute()

    def write_path(path: Path) -> str:
        path = path.absolute()
        return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()

    def read_path(value: Any) -> Path:
        if type(value) is not str or "\0" in value:
            raise expected("a path", value)
        return base / value

    return Wire(
        special={
            Path: Codec(write_path, read_path),
            Gate: Codec(str, TEXT.decode),
        },
        of_fields={
            (PromptVersion, "model_config"): Codec(lambda config: plain(without_secrets(config)), OBJECT.decode),
            (SuiteSpec, "predict"): Codec(without_user_info, TEXT.decode),
            (CaseOutcome, "verdict"): Codec(None, _read_verdict),
            (CaseOutcome, "trace"): Codec(None if traces else lambda _: "", TEXT.decode),
            (Plan, "before"): Codec(lambda _: None, lambda _: None),  # the suite's baseline, which is there already
        },
        finish={
            SuiteSpec: _finish_spec,
            Baseline: _checked_baseline,
            SuiteOutcome: _finish_suite,
            RunOutcome: _checked_run,
        },
    )


def _read_verdict(value: Any) -> str:
    if not isinstance(value, str) or value not in _VERDICTS:
        raise WrongValueError("is no verdict")
    return value


def _finish_spec(spec: SuiteSpec) -> SuiteSpec:
    """The suite with its gates understood, and nothing in it that could not have been declared."""
    if any(name != info.name or not name.isidentifier() for name, info in spec.own.items()):
        raise WrongValueError("has a metric of its own without a proper name")
    if spec.mode not in MODES:
        raise WrongValueError(f"is judged in a mode that there is not: {spec.mode!r}")
    if any(name not in SIGNALS or action not in ACTIONS for name, action in spec.signals.items()):
        raise WrongValueError("sets a signal that there is not")
    if unknown := {metric_of(term) for term in spec.metrics} - spec.known.keys():
        raise WrongValueError(f"reports unknown metrics: {', '.join(sorted(unknown))}")
    if len(spec.version_by_label) < len(spec.versions) or len(spec.example_by_id) < len(spec.examples):
        raise WrongValueError("has a version or an example twice")
    understood = replace(spec, gates=tuple(_gate(line, spec) for line in spec.gates))
    for example in spec.examples:
        for line in example.gates:
            _gate(line, spec)
    return understood


def _gate(line: object, spec: SuiteSpec) -> Gate:
    try:
        return parse_gate(line, known=spec.known)
    except PromptregError as exc:
        raise WrongValueError(f"has a gate that is none: {exc.what}") from exc


def _checked_baseline(stored: Baseline) -> Baseline:
    if stored.accepted not in stored.prompts:
        raise WrongValueError("lacks the accepted prompt")
    for name, record in stored.records.items():
        if not record.is_whole or record.example != name or not set(record.prompts) <= stored.prompts.keys():
            raise WrongValueError(f"has a record that is not whole: {name!r}")
    return stored


def _finish_suite(suite: SuiteOutcome) -> SuiteOutcome:
    """The suite with the gates of its versions understood, its plan complete, and cases that are of it."""
    spec, versions = suite.spec, []
    for version in suite.versions:
        label = version.version.label
        if label not in spec.version_by_label:
            raise WrongValueError(f"has the outcome of a version {label!r}, which it does not declare")
        for case in version.cases:
            if (case.suite, case.version) != (spec.id, label) or case.example not in spec.example_by_id:
                raise WrongValueError(f"has a case that is not its own: {case.example!r}")
            amounts = (case.input_tokens, case.output_tokens, case.cost_usd, case.latency_s)
            if not all(amount is None or is_amount(amount) for amount in amounts):
                raise WrongValueError(f"has a case with an amount that is none: {case.example!r}")
            if any(metric_of(term) not in spec.known for term in case.scores):
                raise WrongValueError(f"has a case that is scored by an unknown metric: {case.example!r}")
            if not all(is_whole(term, table, case.generations) for term, table in case.noise.items()):
                raise WrongValueError(f"has a case whose scores under noise are not whole: {case.example!r}")
        if version.stopped is not None and not 0 < version.stopped.after < version.stopped.of:
            raise WrongValueError(f"has a version that was stopped where none can be: {label!r}")
        gates = tuple(replace(result, gate=_gate(result.gate, spec)) for result in version.gates)
        versions.append(replace(version, gates=gates))
    plan = suite.plan and replace(suite.plan, before=suite.baseline)
    return replace(suite, versions=versions, plan=plan)


def _checked_run(run: RunOutcome) -> RunOutcome:
    if not (0 <= run.started <= _LATEST and 0 <= run.ended <= _LATEST):
        raise WrongValueError("has no times that could be")
    return run
