"""docs/mlflow.md: every search finds exactly what it says, and every tag and artifact that is recorded is explained."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.mlflow_store.deadline import within_deadline
from pytest_promptreg.sources.registry.stored import registered_as
from pytest_promptreg.tracking import RunFacts, TrackingSettings
from pytest_promptreg.tracking.client import COMPLETE_TAG, send
from pytest_promptreg.tracking.facts import Surroundings
from pytest_promptreg.tracking.records import Record, RunRecord
from pytest_promptreg.tracking.release import PROMOTED_TAG
from pytest_promptreg.tracking.schema import describe
from pytest_promptreg.tracking.spool import Session
from pytest_promptreg.tracking.traces.send import SESSION_TAG

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "mlflow.md").read_text(encoding="utf-8")
SEARCHES = dict(re.findall(r"```sql[^\n]*\n-- (.*?)\n(.*?)```", DOCS, re.DOTALL))
FIRST, SECOND = "a1" * 20, "b2" * 20

# By question: what stands for the capitals, and the runs to be found, by pytest run, and name in it.
FOUND: dict[str, tuple[dict[str, str], set[tuple[str, str]]]] = {
    "Which runs of this text of the prompt failed?": ({"PROMPT": "tickets", "DIGEST": "v3"}, {("first", "v3")}),
    "What was compared with the baseline of v1?": ({}, {("first", "v2"), ("first", "v3"), ("second", "v2")}),
    "What was compared with this accepted text, whatever its label?": (
        {"DIGEST": "v1"},
        {("first", "v1"), ("first", "v2"), ("first", "v3"), ("second", "v2")},
    ),
    "Which runs are of this commit?": ({"COMMIT": SECOND[:9]}, {("second", "b2b2b2b main")}),
    "Where did the mean similarity on this dataset fall by more than 0.05?": (
        {"DATASET": "tickets.jsonl"},
        {("first", "v3")},
    ),
    "Who moved champion, and to what? (the columns User and promptreg.promoted)": ({}, {("second", "v2")}),
    "Which runs tested version 3 of the registered prompt?": ({"PROMPT": "tickets"}, {("second", "v2")}),
    "Which versions were tested with this model and broke a gate?": ({"MODEL": "small"}, {("first", "v3")}),
    "Which runs came from CI, and passed?": ({}, {("second", "b2b2b2b main")}),
    "When was this example breached? (promptreg_mlflow_level = example)": (
        {"EXAMPLE": "ticket-010"},
        {("first", "ticket-010")},
    ),
    "Which versions are slow or dear?": ({}, {("first", "v1"), ("first", "v2"), ("first", "v3")}),
}


def recorded(make_run: Any, facts: RunFacts) -> dict[str, Record]:
    """Two pytest runs: all versions with a run for each case, and v2 alone, from CI, that was promoted."""
    records = {}
    for name, labels, count, around in (
        ("first", ["v1", "v2", "v3"], 12, Surroundings(FIRST, "topic", dirty=True, user="ada")),
        ("second", ["v2"], 3, Surroundings(SECOND, "main", user="bob", ci_url="https://ci.example.org/7")),
    ):
        run = make_run(labels, count=count)
        suite = run.suites[0]
        examples = tuple(replace(example, where="evals/tickets.jsonl:1") for example in suite.spec.examples)
        spec = replace(suite.spec, examples=examples, prompt_name="tickets")
        versions = suite.versions
        if name == "second":
            prompt = registered_as(versions[0].version, "tickets", 3)
            tags = {**prompt.tags, PROMOTED_TAG: "tickets@champion is version 3 now (it was version 2)"}
            versions = [replace(versions[0], version=replace(prompt, tags=tags))]
        run = replace(run, suites=[replace(suite, spec=spec, versions=versions)])
        of_model = replace(facts, under_test={spec.id: {"model": "small"}})
        records[name] = describe(run, of_model, around, "example" if name == "first" else "version")
    return records


@pytest.fixture(scope="module")
def records(make_run: Any, facts: RunFacts) -> Mapping[str, Record]:
    """What is in the store, by pytest run."""
    return recorded(make_run, facts)


@pytest.fixture(scope="module")
def place(sqlite_store: Any, records: Mapping[str, Record]) -> TrackingSettings:
    """An experiment with both runs in it."""
    settings: TrackingSettings = sqlite_store.named("searches")
    for name, record in records.items():
        session = Session(name, record, settings)
        within_deadline(lambda deadline, session=session: send(session, deadline), settings.store)  # type: ignore[misc]
    return settings


def test_every_search_is_tested() -> None:
    """A search that the page gains, loses or rewords is noticed here."""
    assert set(SEARCHES) == set(FOUND)


@pytest.mark.parametrize("question", FOUND)
def test_a_search_finds_exactly_what_it_says(
    question: str, place: TrackingSettings, records: Mapping[str, Record]
) -> None:
    """As it stands on the page, with a person's own values for the capitals."""
    from mlflow import MlflowClient

    digests = {child.version: child.tags["promptreg.prompt_sha256"] for child in records["first"].children}
    values, expected = FOUND[question]
    text = SEARCHES[question]
    for word, value in values.items():
        assert word in text
        text = text.replace(word, digests.get(value, value)[:20])
    assert not re.search(r"'[^']*\b(?!LIKE|AND|FAILED|FINISHED|BREACHED)[A-Z]{4,}", text), "capitals are left"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = MlflowClient(tracking_uri=place.uri)
        experiment = client.get_experiment_by_name(place.experiment)
        found = client.search_runs([experiment.experiment_id], text)
    assert {(run.data.tags[SESSION_TAG], run.info.run_name) for run in found} == expected
    assert len(found) == len(expected)


def every_run(records: Mapping[str, Record]) -> list[RunRecord]:
    found = [run for record in records.values() for run in (record.parent, *record.children)]
    return [*found, *(inner for run in found for inner in run.nested)]


def test_every_tag_is_explained(records: Mapping[str, Record]) -> None:
    """And none is that no run has; those of an alias have tests of their own."""
    section = DOCS.split("### Tags")[1].split("### Metrics")[0]
    told = set(re.findall(r"`((?:promptreg|mlflow)\.[\w.]+)`", section))
    ours = {tag for run in every_run(records) for tag in run.tags} | {SESSION_TAG, COMPLETE_TAG}
    elsewhere = {
        "mlflow.source.git.repoURL",
        "promptreg.ci_number",
        "promptreg.baseline_alias",
        "promptreg.baseline_alias_version",
        "promptreg.signals",
        "promptreg.predict",
        "promptreg.noise",
        "promptreg.stopped",
    }
    assert ours <= told
    assert told - ours <= elsewhere


def test_every_artifact_is_explained(records: Mapping[str, Record]) -> None:
    """The page and the store name the same files."""
    told = set(re.findall(r"`([\w/]+\.(?:md|json|txt|html))`", DOCS.split("| artifact |")[1].split("## Searches")[0]))
    assert {path for run in every_run(records) for path in run.artifacts} | {"long_values.json", "report.html"} == told


def test_every_kind_of_metric_is_explained(records: Mapping[str, Record]) -> None:
    """By its name, or by the last part of it where a metric's own name comes first."""
    section = DOCS.split("### Metrics")[1].split("### Parameters")[0]
    for key in {key for run in every_run(records) for key in run.metrics}:
        last = key.rpartition("/")[2]
        assert key in section or f"/{last}`" in section or key.startswith("cases/") or last in section, key
