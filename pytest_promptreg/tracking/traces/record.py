"""What a case becomes as a trace in MLflow, as plain values: spans, tags, and what was said of its output.

Names are MLflow's own where it has one: its pages pair the rows of two versions by ``mlflow.eval.requestId``, list
traces of a run by ``mlflow.sourceRun`` and those of a prompt by ``mlflow.linkedPrompts``.
"""

from __future__ import annotations

import base64
import json
import math
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...judging.gates import Verdict
from ...results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
from .. import clean, measures
from ..registry import LINKED_PROMPTS_TAG, linked_prompts_tag
from ..table import CELL_LIMIT, ordered
from . import Span, is_kept, is_met
from .tidy import ERROR, REQUEST_ID, encoded

PREVIEW_LIMIT = 1_000  # what MLflow's own stores hold
RATIONALE_LIMIT = 4_000
_ROOT = "predict"


@dataclass(frozen=True)
class Said:
    """One assessment.

    :param value: a truth value, a number or a text.
    """

    name: str
    value: Any
    rationale: str = ""


@dataclass(frozen=True)
class TraceRecord:
    """One trace to be.

    :param trace_id: fixed here, so that a trace that is sent again is not made twice.
    :param suite, version: of the run that it belongs to.
    :param state: ``OK`` or ``ERROR``.
    :param request, response: what MLflow's tables show of it.
    :param feedback: what was found of the output.
    :param expectations: what it was compared with, by name.
    :param spans: as MLflow's ``Span.to_dict`` has them, the root first.
    """

    trace_id: str
    suite: str
    version: str
    state: str
    start_ms: int
    duration_ms: int
    request: str
    response: str
    tags: Mapping[str, str]
    metadata: Mapping[str, str]
    feedback: list[Said] = field(default_factory=list)
    expectations: Mapping[str, str] = field(default_factory=dict)
    spans: list[dict[str, Any]] = field(default_factory=list)


def traces_of(run: RunOutcome, mode: str) -> tuple[list[TraceRecord], list[str]]:
    """The traces of a run, failures first within each version, and what a person should be told about them.

    :param mode: ``failed`` or ``all``.
    """
    found, problems = [], []
    for suite in run.suites:
        for version in suite.versions:
            for case in ordered(suite, version):
                if is_kept(mode, case):
                    of_calls = json.loads(case.trace) if case.trace else {}
                    samples = of_calls if isinstance(of_calls, list) else [of_calls]
                    samples += [None] * (len(case.samples) - len(samples))
                    for number, kept in enumerate(samples):
                        problems += [kept["problem"]] if kept and "problem" in kept else []
                        sample = _Sample(number, len(samples), case)
                        found.append(_trace(suite, version, case, sample, kept or {}, run.started))
    return found, _notices(problems)


def _notices(problems: Sequence[str]) -> list[str]:
    if not problems:
        return []
    count = "1 trace has" if len(problems) == 1 else f"{len(problems)} traces have"
    return [f"{count} no spans of predict's own: {problems[0]}"]


@dataclass(frozen=True, slots=True)
class _Sample:
    """Which of a case's calls a trace is of.

    :param number: from 0.
    """

    number: int
    count: int
    case: CaseOutcome

    @property
    def output(self) -> str | None:
        """What it said."""
        return self.case.samples[self.number] if self.number < len(self.case.samples) else self.case.output

    @property
    def is_shown(self) -> bool:
        """Whether what was found of the case stands with it: with the first one that says the case's output."""
        samples = self.case.samples
        return self.number == (samples.index(self.case.output) if self.case.output in samples else 0)

    @property
    def name(self) -> str:
        """What tells its trace from those of the others; MLflow pairs the traces of two versions by it."""
        return self.case.example if self.count == 1 else f"{self.case.example} #{self.number + 1}"


def _trace(
    suite: SuiteOutcome,
    version: VersionOutcome,
    case: CaseOutcome,
    sample: _Sample,
    kept: Mapping[str, Any],
    started: float,
) -> TraceRecord:
    example = suite.spec.example_by_id.get(case.example)
    spans = [dict(span) for span in kept.get("spans", ())] or [_root_span(case, started)]
    root = spans[0]
    inputs = encoded(dict(example.inputs) if example else {})
    failed = case.verdict == Verdict.ERROR
    root["attributes"] = {
        **root["attributes"],
        "mlflow.spanInputs": inputs,
        **({} if sample.output is None else {"mlflow.spanOutputs": encoded(sample.output)}),
        "promptreg.version": encoded(case.version),
        "promptreg.example": encoded(case.example),
    }
    if failed and root["status"]["code"] != ERROR:
        root["status"] = {"code": ERROR, "message": clean.text(case.message, CELL_LIMIT)}
    begin, end = root["start_time_unix_nano"], root["end_time_unix_nano"]
    expected = {"baseline": case.accepted, "expected_response": example.reference if example else None}
    return TraceRecord(
        trace_id=json.loads(root["attributes"][REQUEST_ID]),
        suite=suite.spec.id,
        version=version.version.label,
        state="ERROR" if failed else "OK",
        start_ms=begin // 1_000_000,
        duration_ms=(end - begin) // 1_000_000,
        request=clean.text(inputs, PREVIEW_LIMIT),
        response=clean.text(case.message if sample.output is None else sample.output, PREVIEW_LIMIT),
        tags=_tags(suite, version, case, sample, kept.get("tags", {})),
        metadata=_metadata(case, sample, kept.get("metadata", {})),
        feedback=_feedback(suite, case) if sample.is_shown else [],
        expectations={name: clean.text(value, CELL_LIMIT) for name, value in expected.items() if value is not None},
        spans=spans,
    )


def _root_span(case: CaseOutcome, started: float) -> Span:
    """The one span of a case of which no call was watched: its output came from elsewhere, or there was none."""
    number = secrets.token_bytes(16)
    begin = int(started * 1e9)
    return {
        "trace_id": base64.b64encode(number).decode(),
        "span_id": base64.b64encode(secrets.token_bytes(8)).decode(),
        "parent_span_id": None,
        "name": _ROOT,
        "start_time_unix_nano": begin,
        "end_time_unix_nano": begin + int((case.latency_s or 0) * 1e9),
        "events": [],
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {REQUEST_ID: json.dumps(f"tr-{number.hex()}"), "mlflow.spanType": json.dumps("CHAIN")},
        "links": [],
    }


def _tags(
    suite: SuiteOutcome, version: VersionOutcome, case: CaseOutcome, sample: _Sample, own: Mapping[str, str]
) -> dict[str, str]:
    known = {
        "mlflow.traceName": clean.text(f"{case.version} · {sample.name}", clean.KEY_LIMIT),
        "mlflow.eval.requestId": clean.text(sample.name, clean.KEY_LIMIT),
        "mlflow.test.name": sample.name,  # shown in place of the id, in the table of one version
        LINKED_PROMPTS_TAG: linked_prompts_tag([version.version]),
        "promptreg.suite": suite.spec.id,
        "promptreg.version": case.version,
        "promptreg.example": case.example,
        "promptreg.sample": str(sample.number + 1) if sample.count > 1 else "",
        "promptreg.verdict": case.verdict,
        "promptreg.prompt_sha256": version.version.digest,
        "promptreg.test": case.nodeid,
    }
    return {**own, **{name: clean.text(value, clean.TAG_LIMIT) for name, value in known.items() if value}}


def _metadata(case: CaseOutcome, sample: _Sample, own: Mapping[str, str]) -> dict[str, str]:
    """Tokens and cost as predict told them; where it did not, MLflow adds up what the spans say.

    Of several samples the case has sums, which are none of a single call.
    """
    known: dict[str, str] = {"mlflow.trace_schema.version": "3"}
    if sample.count > 1:
        return {**own, **known}
    if case.input_tokens is not None and case.output_tokens is not None:
        total = case.input_tokens + case.output_tokens
        usage = {"input_tokens": case.input_tokens, "output_tokens": case.output_tokens, "total_tokens": total}
        known["mlflow.trace.tokenUsage"] = json.dumps(usage)
    if case.cost_usd is not None and math.isfinite(case.cost_usd):
        known["mlflow.trace.cost"] = json.dumps({"total_cost": case.cost_usd})
    return {**own, **known}


def _feedback(suite: SuiteOutcome, case: CaseOutcome) -> list[Said]:
    """First whether it passed and why not, then each score, named and scaled as the run's metrics are."""
    found = [
        Said("passed", is_met(case), clean.text("\n".join(_reasons(case)), RATIONALE_LIMIT)),
        Said("verdict", str(case.verdict)),
    ]
    for term, score in case.scores.items():
        if math.isfinite(score):
            name, value = measures.scaled(term, score, suite.spec)
            why = "\n".join(line for line in case.breaches if line.startswith(f"{term} "))
            found.append(Said(name, round(value, 6), clean.text(why, RATIONALE_LIMIT)))
    return found


def _reasons(case: CaseOutcome) -> Iterable[str]:
    yield from case.breaches
    if case.message:
        yield case.message
    if not case.passed and not case.breaches and not case.message:
        yield "the test failed for an assertion of its own"
    for name, detail in case.findings.items():
        yield f"{name}: {detail}"
