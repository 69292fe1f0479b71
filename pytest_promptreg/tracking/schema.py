"""What a run becomes in MLflow, as plain values: one parent, one child for each prompt version of each suite.

Everything that shapes a tracking run is decided here and can be read without a store.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ..baselines.baseline import Baseline
from ..judging.gates import Verdict
from ..model import PromptVersion
from ..report.html.data import least_size
from ..report.html_diff import OutputChange, outputs_page, side_by_side_page
from ..report.prompt_diff import prompt_diff, prompt_names
from ..report.words import verdict_of
from ..results import file as results
from ..results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, VersionOutcome
from ..suites.suite import SuiteSpec
from . import RunFacts, clean, measures, notes, table
from .dataset import dataset_of
from .example_runs import with_examples
from .facts import Surroundings
from .records import DatasetRecord, Record, RunRecord
from .registry import LINKED_PROMPTS_TAG, linked_prompts_tag
from .release import PROMOTED_TAG

SCHEMA = "1"
OUTCOME = "outcome.json"  # the whole run: python -m pytest_promptreg and docs/results.md read it
LONG_VALUES = "long_values.json"
PAGE = "report.html"
MAX_PAGE = 25_000_000  # bytes: a larger page takes the time that the record has
MAX_OUTPUTS = 50  # pairs on the page of changed outputs; the table holds them all


def describe(run: RunOutcome, facts: RunFacts, around: Surroundings, level: str = "version") -> Record:
    """The tracking runs of a pytest run; versions of which no case was selected have none.

    :param level: ``example`` for a run of each case too.
    """
    shared = _shared_tags(facts, around)
    versions = [(suite, version) for suite in run.suites for version in suite.versions if version.cases]
    datasets = {suite.spec.id: dataset_of(suite.spec) for suite in run.suites}
    names = Counter(dataset.name for dataset in datasets.values())
    children = []
    for suite, version in versions:
        dataset = datasets[suite.spec.id]
        children.append(_child(suite, version, run, facts, shared, dataset, alone=names[dataset.name] == 1))
    # MLflow lists later starts first: this way the versions stand in their own order.
    children = [replace(child, start_ms=child.start_ms + len(children) - place) for place, child in enumerate(children)]
    notices: list[str] = []
    if level == "example":
        children, notices = with_examples(children, versions, shared)
    parent = _parent(run, [version for _, version in versions], facts, around, shared)
    page = facts.draw_page() if facts.draw_page and least_size(run) <= MAX_PAGE else ""
    if page and len(page.encode("utf-8")) <= MAX_PAGE:
        parent = replace(parent, artifacts={**parent.artifacts, PAGE: page})
    elif facts.draw_page:
        notices.append(f"{PAGE} is not recorded: it has more than {MAX_PAGE / 1e6:.0f} MB (--promptreg-html writes it)")
    return Record(parent, children, notices)


def _parent(
    run: RunOutcome,
    versions: Sequence[VersionOutcome],
    facts: RunFacts,
    around: Surroundings,
    shared: Mapping[str, str | None],
) -> RunRecord:
    note = notes.run_note(run)
    tags = clean.fitted(
        {
            **shared,
            "promptreg.kind": "run",
            "promptreg.verdict": verdict_of(run.failed, interrupted=run.interrupted, refreshed=run.refreshed),
            "promptreg.pytest_passed": str(facts.exit_passed).lower(),
            "mlflow.note.content": note,
        },
        clean.TAG_LIMIT,
    )
    params = clean.fitted({"embedding_model": facts.embedding_model, "suites": str(len(run.suites))}, clean.PARAM_LIMIT)
    return RunRecord(
        name=clean.text(_run_name(run, around), clean.RUN_NAME_LIMIT),
        status=_status(run.failed, run),
        start_ms=_ms(run.started),
        end_ms=_ms(run.ended),
        tags=tags.kept,
        params=params.kept,
        metrics=measures.of_run(run, versions),
        artifacts={"summary.md": note, OUTCOME: _outcome(run, facts), **_whole(tags, params)},
    )


def _outcome(run: RunOutcome, facts: RunFacts) -> str:
    """The whole run as a result file; its traces are in the store by themselves."""
    return results.render(run, root=facts.rootdir, traces=False)


def _child(
    suite: SuiteOutcome,
    version: VersionOutcome,
    run: RunOutcome,
    facts: RunFacts,
    shared: Mapping[str, str | None],
    dataset: DatasetRecord,
    *,
    alone: bool,
) -> RunRecord:
    """The run of a prompt version.

    :param alone: whether no other suite of the run has the same dataset.
    """
    spec, prompt = suite.spec, version.version
    cases = table.ordered(suite, version)
    note = notes.version_note(suite, version, run, cases)
    model = _model(suite, version, facts)
    tags = {**shared, **_version_tags(suite, version, run, dataset), "promptreg.model": model}
    fitted_tags = clean.fitted({**tags, "mlflow.note.content": note}, clean.TAG_LIMIT)
    params = clean.fitted({**_version_params(suite, version, facts, dataset), "model": model}, clean.PARAM_LIMIT)
    return RunRecord(
        # The column that shows it has room for a few letters, and another one names the dataset.
        name=clean.text(prompt.label if alone else f"{prompt.label} · {spec.name}", clean.RUN_NAME_LIMIT),
        status=_status(version.failed, run),
        start_ms=_ms(run.started),
        end_ms=_ms(run.ended),
        tags=fitted_tags.kept,
        params=params.kept,
        metrics=measures.of_version(suite, version),
        artifacts={**_artifacts(suite, version, cases, note), **_whole(fitted_tags, params)},
        dataset=dataset,
        suite=spec.id,
        version=prompt.label,
        is_baseline=_is_baseline(suite, prompt),
    )


def _version_tags(
    suite: SuiteOutcome, version: VersionOutcome, run: RunOutcome, dataset: DatasetRecord
) -> dict[str, str | None]:
    """What a version's run is searched by."""
    spec, prompt, accepted = suite.spec, version.version, suite.baseline_prompt()
    return {
        "promptreg.kind": "version",
        "promptreg.verdict": verdict_of(version.failed, interrupted=run.interrupted, refreshed=run.refreshed),
        "promptreg.noise": version.noise_state or None,
        "promptreg.stopped": str(version.stopped) if version.stopped is not None else None,
        "promptreg.suite": spec.id,
        "promptreg.prompt": spec.prompt_name or None,
        "promptreg.version": prompt.label,
        "promptreg.prompt_sha256": prompt.digest,
        "promptreg.commit_message": prompt.commit_message or None,
        "promptreg.baseline": suite.baseline_name,
        **{f"promptreg.{name}": value for name, value in _alias(spec).items()},
        "promptreg.baseline_sha256": suite.baseline.digest if suite.baseline else None,
        "promptreg.baseline_prompt_sha256": accepted.digest if accepted else None,
        "promptreg.is_baseline": str(_is_baseline(suite, prompt)).lower(),
        "promptreg.dataset": dataset.name,
        "promptreg.dataset_sha256": dataset.sha256,
        "promptreg.predict": spec.predict or None,
        PROMOTED_TAG: prompt.tags.get(PROMOTED_TAG),
        LINKED_PROMPTS_TAG: linked_prompts_tag([prompt]) or None,
        "mlflow.runType": "genai_evaluate",
        "mlflow.loggedArtifacts": table.LOGGED,
    }


def _model(suite: SuiteOutcome, version: VersionOutcome, facts: RunFacts) -> str | None:
    """The model under test, as far as predict's address or the prompt's model config names it."""
    config = version.version.model_config
    named = facts.under_test.get(suite.spec.id, {}).get("model") or config.get("model_name") or config.get("model")
    return str(named) if named else None


def _version_params(
    suite: SuiteOutcome, version: VersionOutcome, facts: RunFacts, dataset: DatasetRecord
) -> dict[str, str | None]:
    """What shaped the scores."""
    spec, prompt = suite.spec, version.version
    baseline, accepted = suite.baseline, _accepted(suite)
    gates: dict[str, list[str]] = {}
    for gate in spec.gates:
        gates.setdefault(f"gate/{gate.subject.replace('(', '_').replace(')', '')}", []).append(str(gate))
    own_gates = sum(bool(example.gates) for example in spec.examples)
    return {
        "suite": spec.name,
        "version": prompt.label,
        "baseline": suite.baseline_name or "none",
        **_alias(spec),
        "baseline_sha256": baseline.digest if baseline else None,
        "gates": spec.mode,
        "prompt_sha256": prompt.digest,
        "dataset": dataset.name,
        "examples": str(len(version.cases)),
        "examples_declared": str(len(spec.examples)),
        "examples_sha256": dataset.sha256,
        "examples_with_own_gates": str(own_gates) if own_gates else None,
        "terms": ", ".join(suite.terms),
        "embedding_model": facts.embedding_model,
        **{f"under_test/{name}": value for name, value in facts.under_test.get(spec.id, {}).items()},
        **{name: "; ".join(lines) for name, lines in gates.items()},
        **{f"signal/{name}": action for name, action in spec.signals.items()},
        **{f"model_config/{name}": clean.setting(str(name), value) for name, value in prompt.model_config.items()},
        **{f"signature/{name}": line for name, line in (accepted.signatures if accepted else {}).items()},
    }


def _alias(spec: SuiteSpec) -> dict[str, str]:
    """Which alias the baseline is tied to, and what it named in this run."""
    production = spec.production
    return (
        {"baseline_alias": production.address, "baseline_alias_version": str(production.number)} if production else {}
    )


def _whole(tags: clean.Fitted, params: clean.Fitted) -> dict[str, str]:
    """The file with the tags and params that the store cuts; a description's whole text is ``summary.md``."""
    long_tags = {name: value for name, value in tags.whole.items() if name != "mlflow.note.content"}
    found = {kind: whole for kind, whole in (("tags", long_tags), ("params", params.whole)) if whole}
    return {LONG_VALUES: json.dumps(found, ensure_ascii=False, indent=1)} if found else {}


def _artifacts(suite: SuiteOutcome, version: VersionOutcome, cases: Sequence[CaseOutcome], note: str) -> dict[str, str]:
    new, accepted = version.version, suite.baseline_prompt()
    files = {
        "summary.md": note,
        table.PATH: table.render(suite, cases),
        "prompt/prompt.txt": new.text,
        "prompt/diff.md": prompt_diff(suite, version),
    }
    if accepted is None:
        return files
    old_name, new_name = prompt_names(suite, version)
    title = f"Prompt of {suite.spec.name}: {old_name} and {new_name}"
    files["prompt/baseline.txt"] = accepted.text
    files["prompt/diff.html"] = side_by_side_page(accepted.text, new.text, old_name, new_name, title)
    files["outputs.html"] = _outputs_page(suite, cases, old_name, new_name)
    return files


def _outputs_page(suite: SuiteOutcome, cases: Sequence[CaseOutcome], old_name: str, new_name: str) -> str:
    told = [
        case
        for case in cases
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
        note=f"{len(told)} of {len(cases)} outputs differ from the baseline, worst first{left}.",
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


def _shared_tags(facts: RunFacts, around: Surroundings) -> dict[str, str | None]:
    """What every run of the record has, so that each can be found by it."""
    return {
        "promptreg.schema": SCHEMA,
        "promptreg.plugin_version": facts.plugin_version,
        "promptreg.dirty": str(around.dirty).lower() if around.commit else None,
        "promptreg.ci_url": around.ci_url,
        "promptreg.ci_number": around.ci_number,
        "mlflow.user": around.user,
        "mlflow.source.name": clean.command(facts.command),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": around.commit,
        "mlflow.source.git.branch": around.branch,
        "mlflow.source.git.repoURL": around.repository,
    }


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
