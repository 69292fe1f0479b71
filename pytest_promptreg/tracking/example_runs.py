"""A run for each case, nested in that of its prompt version: for small suites, where somebody wants them.

They cost four or more requests each, and stand in MLflow's lists beside all others; the table of the version's run,
``examples.json``, holds the same and costs one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..report.html_diff import side_by_side_page
from ..report.prompt_diff import prompt_names
from ..results.outcome import CaseOutcome, SuiteOutcome, VersionOutcome
from . import clean, measures, notes, table
from .records import RunRecord

LIMIT = 200  # cases of a pytest run: half a minute on a busy machine, which is what recording may take


def with_examples(
    children: Sequence[RunRecord],
    versions: Sequence[tuple[SuiteOutcome, VersionOutcome]],
    shared: Mapping[str, str | None],
) -> tuple[list[RunRecord], list[str]]:
    """The runs of the versions with those of their cases in them, and a line for each suite that is too large.

    :param children: of ``versions``, in their order.
    """
    room = LIMIT
    notices = []
    chosen: dict[str, bool] = {}
    for suite, _ in versions:
        if suite.spec.id in chosen:
            continue
        count = sum(len(version.cases) for version in suite.versions)
        chosen[suite.spec.id] = count <= room
        if count <= room:
            room -= count
        else:
            notices.append(
                f"{suite.spec.name}: no run for each of its {count:,} cases, of which {LIMIT} may be recorded so in a "
                "pytest run: select fewer (--promptreg-versions, -k), or see examples.json in each version's run"
            )
    found = [
        replace(child, nested=list(_runs(suite, version, child, shared))) if chosen[suite.spec.id] else child
        for child, (suite, version) in zip(children, versions, strict=True)
    ]
    return found, notices


def _runs(
    suite: SuiteOutcome, version: VersionOutcome, outer: RunRecord, shared: Mapping[str, str | None]
) -> Iterable[RunRecord]:
    cases = table.ordered(suite, version)
    for place, case in enumerate(cases):
        # Later starts stand first in MLflow's lists: this way what is to be read first does.
        start = outer.start_ms + len(cases) - place
        yield _run(suite, version, case, start, shared)


def _run(
    suite: SuiteOutcome, version: VersionOutcome, case: CaseOutcome, start_ms: int, shared: Mapping[str, str | None]
) -> RunRecord:
    spec = suite.spec
    example = spec.example_by_id.get(case.example)
    note = notes.case_note(suite, version, case)
    tags = clean.fitted(
        {
            **shared,
            "promptreg.kind": "example",
            "promptreg.verdict": str(case.verdict).upper(),
            "promptreg.suite": spec.id,
            "promptreg.prompt": spec.prompt_name or None,
            "promptreg.version": version.version.label,
            "promptreg.example": case.example,
            "promptreg.breaches": "\n".join(case.breaches) or None,
            "promptreg.signals": ", ".join(case.findings) or None,
            "promptreg.test": case.nodeid or None,
            "mlflow.note.content": note,
        },
        clean.TAG_LIMIT,
    )
    params = clean.fitted(
        {
            "example": case.example,
            "version": version.version.label,
            "inputs_sha256": example.inputs_digest if example else None,
            "prompt_sha256": version.version.digest,
            "baseline": suite.baseline_name or "none",
        },
        clean.PARAM_LIMIT,
    )
    return RunRecord(
        name=clean.text(case.example, clean.RUN_NAME_LIMIT),
        status="FINISHED" if case.passed else "FAILED",
        start_ms=start_ms,
        end_ms=start_ms + int((case.latency_s or 0) * 1000),
        tags=tags.kept,
        params=params.kept,
        metrics=measures.of_case(suite, case),
        artifacts=_artifacts(suite, version, case, note),
        suite=spec.id,
        version=version.version.label,
        example=case.example,
    )


def _artifacts(suite: SuiteOutcome, version: VersionOutcome, case: CaseOutcome, note: str) -> dict[str, str]:
    files = {"summary.md": note}
    if case.output is not None:
        files["output.txt"] = case.output
    for number, text in enumerate(case.samples, 1):
        files[f"samples/{number}.txt"] = text
    if case.accepted is not None and case.output is not None and case.accepted != case.output:
        old_name, new_name = prompt_names(suite, version)
        title = f"Output for {case.example}: {old_name} and {new_name}"
        files["diff.html"] = side_by_side_page(
            clean.text(case.accepted), clean.text(case.output), old_name, new_name, title
        )
    return files
