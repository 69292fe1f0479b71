"""What a run becomes in MLflow, as plain values: one parent, one child for each prompt version of each suite.

Everything that shapes a tracking run is decided here and can be read without a store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ..baseline import Baseline
from ..gates import Verdict
from ..model import PromptVersion
from ..outcome import RunOutcome, SuiteOutcome, VersionOutcome
from ..report.html_diff import OutputChange, outputs_page, side_by_side_page
from ..suites import SuiteSpec
from ..text import canonical_json, digest
from . import RunFacts, clean, measures, notes, table
from .facts import Surroundings
from .registry import linked_prompts_tag
from .release import PROMOTED_TAG

SCHEMA = "1"
MAX_OUTPUTS = 50  # pairs on the page of changed outputs; the table holds them all


@dataclass(frozen=True)
class RunRecord:
    """One MLflow run to be.

    :param status: ``FINISHED``, ``FAILED`` or ``KILLED``.
    :param start_ms, end_ms: milliseconds since the epoch.
    :param artifacts: text by path inside the run's artifacts.
    :param dataset: name and digest (up to 36 characters) of the examples; None for the parent.
    :param suite, version: what a child is of; empty for the parent.
    :param is_baseline: whether it is of the accepted prompt.
    """

    name: str
    status: str
    start_ms: int
    end_ms: int
    tags: Mapping[str, str]
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    artifacts: Mapping[str, str]
    dataset: tuple[str, str] | None = None
    suite: str = ""
    version: str = ""
    is_baseline: bool = False


@dataclass(frozen=True)
class Record:
    """Everything that a pytest run leaves: its own run and those of its prompt versions."""

    parent: RunRecord
    children: Sequence[RunRecord] = field(default_factory=list)

    @property
    def baseline(self) -> RunRecord | None:
        """The child to mark as the experiment's baseline; None when there is none, or more than one."""
        marked = [child for child in self.children if child.is_baseline]
        return marked[0] if len(marked) == 1 else None


def describe(run: RunOutcome, facts: RunFacts, around: Surroundings) -> Record:
    """The tracking runs of a pytest run; versions of which no case was selected have none."""
    shared = _shared_tags(facts, around)
    versions = [(suite, version) for suite in run.suites for version in suite.versions if version.cases]
    parent = RunRecord(
        name=clean.text(_run_name(run, around), clean.RUN_NAME_LIMIT),
        status=_status(run.failed, run),
        start_ms=_ms(run.started),
        end_ms=_ms(run.ended),
        tags=_tags(
            shared,
            {
                "promptreg.kind": "run",
                "promptreg.verdict": notes.verdict_of(run.failed, interrupted=run.interrupted, refreshed=run.refreshed),
                "promptreg.pytest_passed": str(facts.exit_passed).lower(),
                "promptreg.ci_url": around.ci_url,
                "promptreg.ci_number": around.ci_number,
                "mlflow.note.content": notes.run_note(run),
            },
        ),
        params=_params({"embedding_model": facts.embedding_model, "suites": str(len(run.suites))}),
        metrics=measures.of_run(run, [version for _, version in versions]),
        artifacts={"summary.md": notes.run_note(run)},
    )
    children = [_child(suite, version, run, facts, shared) for suite, version in versions]
    # MLflow lists later starts first: this way the versions stand in their own order.
    ordered = [replace(child, start_ms=child.start_ms + len(children) - place) for place, child in enumerate(children)]
    return Record(parent, ordered)


def _child(
    suite: SuiteOutcome, version: VersionOutcome, run: RunOutcome, facts: RunFacts, shared: Mapping[str, str]
) -> RunRecord:
    spec, prompt = suite.spec, version.version
    is_baseline = _is_baseline(suite, prompt)
    note = notes.version_note(suite, version, run)
    return RunRecord(
        # The column that shows it has room for a few letters: what tells the runs apart, and no more than that.
        name=clean.text(
            prompt.label if len(run.suites) == 1 else f"{prompt.label} · {spec.name}", clean.RUN_NAME_LIMIT
        ),
        status=_status(version.failed, run),
        start_ms=_ms(run.started),
        end_ms=_ms(run.ended),
        tags=_tags(
            shared,
            {
                "promptreg.kind": "version",
                "promptreg.verdict": notes.verdict_of(
                    version.failed, interrupted=run.interrupted, refreshed=run.refreshed
                ),
                "promptreg.suite": spec.id,
                "promptreg.version": prompt.label,
                "promptreg.baseline": suite.baseline_name,
                **{f"promptreg.{name}": value for name, value in _alias(spec).items()},
                "promptreg.is_baseline": str(is_baseline).lower(),
                "promptreg.commit_message": prompt.commit_message or None,
                "promptreg.predict": spec.predict or None,
                "promptreg.prompt": spec.prompt_name or None,
                "promptreg.prompt_sha256": prompt.digest,
                "promptreg.baseline_sha256": suite.baseline.digest if suite.baseline else None,
                "promptreg.dataset_sha256": _examples_digest(spec),
                "mlflow.linkedPrompts": linked_prompts_tag([prompt]) or None,
                PROMOTED_TAG: prompt.tags.get(PROMOTED_TAG),
                "mlflow.runType": "genai_evaluate",
                "mlflow.loggedArtifacts": table.LOGGED,
                "mlflow.note.content": note,
            },
        ),
        params=_version_params(suite, version, facts),
        metrics=measures.of_version(suite, version),
        artifacts=_artifacts(suite, version, note),
        dataset=(clean.text(spec.name, clean.DATASET_NAME_LIMIT), _examples_digest(spec)[: clean.DATASET_DIGEST_LIMIT]),
        suite=spec.id,
        version=prompt.label,
        is_baseline=is_baseline,
    )


def _version_params(suite: SuiteOutcome, version: VersionOutcome, facts: RunFacts) -> dict[str, str]:
    spec, prompt = suite.spec, version.version
    baseline, accepted = suite.baseline, _accepted(suite)
    gates: dict[str, list[str]] = {}
    for gate in spec.gates:
        gates.setdefault(f"gate/{gate.subject.replace('(', '_').replace(')', '')}", []).append(str(gate))
    own_gates = sum(bool(example.gates) for example in spec.examples)
    return _params(
        {
            "suite": spec.name,
            "version": prompt.label,
            "baseline": suite.baseline_name or "none",
            **_alias(spec),
            "baseline_sha256": baseline.digest if baseline else None,
            "prompt_sha256": prompt.digest,
            "examples": str(len(version.cases)),
            "examples_declared": str(len(spec.examples)),
            "examples_sha256": _examples_digest(spec),
            "examples_with_own_gates": str(own_gates) if own_gates else None,
            "terms": ", ".join(suite.terms),
            "embedding_model": facts.embedding_model,
            **{f"under_test/{name}": value for name, value in facts.under_test.get(spec.id, {}).items()},
            **{name: "; ".join(lines) for name, lines in gates.items()},
            **{f"model_config/{name}": clean.setting(str(name), value) for name, value in prompt.model_config.items()},
            **{f"signature/{name}": line for name, line in (accepted.signatures if accepted else {}).items()},
        }
    )


def _alias(spec: SuiteSpec) -> dict[str, str]:
    """Which alias the baseline is tied to, and what it named in this run."""
    production = spec.production
    return (
        {"baseline_alias": production.address, "baseline_alias_version": str(production.number)} if production else {}
    )


def _examples_digest(spec: SuiteSpec) -> str:
    return digest(canonical_json([[example.id, example.inputs_digest, example.reference] for example in spec.examples]))


def _artifacts(suite: SuiteOutcome, version: VersionOutcome, note: str) -> dict[str, str]:
    new, accepted = version.version, suite.baseline_prompt()
    files = {
        "summary.md": note,
        table.PATH: table.render(suite, version),
        "prompt/prompt.txt": new.text,
        "prompt/diff.md": notes.prompt_diff(suite, version),
    }
    if accepted is None:
        return files
    old_name, new_name = notes.prompt_names(suite, version)
    title = f"Prompt of {suite.spec.name}: {old_name} and {new_name}"
    files["prompt/baseline.txt"] = accepted.text
    files["prompt/diff.html"] = side_by_side_page(accepted.text, new.text, old_name, new_name, title)
    files["outputs.html"] = _outputs_page(suite, version, old_name, new_name)
    return files


def _outputs_page(suite: SuiteOutcome, version: VersionOutcome, old_name: str, new_name: str) -> str:
    told = [
        case
        for case in table.ordered(suite, version)
        if case.accepted is not None and case.output is not None and case.verdict != Verdict.UNCHANGED
    ]
    title = f"Outputs of {suite.spec.name}: {old_name} and {new_name}"
    left = f"; the first {MAX_OUTPUTS} are here, examples.json has all" if len(told) > MAX_OUTPUTS else ""
    return outputs_page(
        (
            OutputChange(
                heading=f"{case.example}: {case.verdict}",
                old=clean.text(case.accepted, table.CELL_LIMIT),
                new=clean.text(case.output, table.CELL_LIMIT),
                notes=[", ".join(f"{term} {score:.3f}" for term, score in case.scores.items())],
                breaches=[*case.breaches, *([case.message] if case.message else [])],
            )
            for case in told[:MAX_OUTPUTS]
        ),
        old_name,
        new_name,
        title,
        note=f"{len(told)} of {len(version.cases)} outputs differ from the baseline, worst first{left}.",
    )


def _is_baseline(suite: SuiteOutcome, prompt: PromptVersion) -> bool:
    """Whether the prompt is the accepted one, by label and by text."""
    after = _accepted(suite)
    if after is None or after.version != prompt.label:
        return False
    return any(known.digest == prompt.digest for known in after.prompts.values() if known.label == prompt.label)


def _accepted(suite: SuiteOutcome) -> Baseline | None:
    """The baseline once the run's own refresh, if it is one, has been applied."""
    return suite.plan.after if suite.plan is not None else suite.baseline


def _shared_tags(facts: RunFacts, around: Surroundings) -> dict[str, str]:
    return _tags(
        {},
        {
            "promptreg.schema": SCHEMA,
            "promptreg.plugin_version": facts.plugin_version,
            "promptreg.dirty": str(around.dirty).lower() if around.commit else None,
            "mlflow.user": around.user,
            "mlflow.source.name": clean.command(facts.command),
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": around.commit,
            "mlflow.source.git.branch": around.branch,
            "mlflow.source.git.repoURL": around.repository,
        },
    )


def _tags(shared: Mapping[str, str], own: Mapping[str, str | None]) -> dict[str, str]:
    found = [(name, clean.text(value, clean.TAG_LIMIT)) for name, value in own.items() if value is not None]
    return {**shared, **clean.unique_keys(found)}


def _params(own: Mapping[str, str | None]) -> dict[str, str]:
    found = [(name, clean.text(value, clean.PARAM_LIMIT)) for name, value in own.items() if value is not None]
    return clean.unique_keys(found)


def _run_name(run: RunOutcome, around: Surroundings) -> str:
    if not around.commit:
        return f"pytest {datetime.fromtimestamp(run.started).astimezone():%Y-%m-%d %H:%M}"
    edited = "+" if around.dirty else ""
    number = f"#{around.ci_number}" if around.ci_number else ""
    return " ".join(part for part in (f"{around.commit[:7]}{edited}", around.branch, number) if part)


def _status(failed: bool, run: RunOutcome) -> str:
    if failed:  # also a run that was ended by its first failure
        return "FAILED"
    return "KILLED" if run.interrupted else "FINISHED"


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
