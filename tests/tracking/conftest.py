"""Runs made by hand: what a pytest run of one suite with three prompt versions could have found."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.baselines.baseline import Baseline, Record, key_of
from pytest_promptreg.judging.gates import Verdict, parse
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.suites.suite import SuiteSpec
from pytest_promptreg.tracking import Receipt, RunFacts, TrackingSettings, resolve_settings, track

HOSTILE = "</td><script>alert(1)</script> | **x** `y` ``` [a](javascript:alert(2)) \u202eevil\x1b[2J \x00 <img src=x>"
STARTED = 1_790_000_000.25

V1 = PromptVersion("v1", "Summarize the ticket.\n\nTicket: {{ ticket }}\nSummary:", model_config={"temperature": 0})
V2 = replace(
    V1,
    label="v2",
    template="Summarize the ticket in one sentence.\n\nTicket: {{ ticket }}\nSummary:",
    commit_message="one sentence is enough",
)
V3 = replace(
    V1,
    label="v3",
    template=f"You are terse.\nSummarize the ticket in ten words.\n```\n{HOSTILE}\n```\nTicket: {{{{ ticket }}}}",
    model_config={"temperature": 1.0, "api_key": "sk-hidden", "stop": ["\n", "END"], "max_tokens": 40},
)
ACCEPTED = "The customer was charged twice in March and wants the second payment back by Friday."
MILD = "The customer was billed twice in March and wants the second payment returned by Friday."


def spec_of(count: int, gates: Sequence[str]) -> SuiteSpec:
    """A suite of ``count`` examples with three prompt versions."""
    examples = [
        Example(f"ticket-{n:03}", {"ticket": f"Ticket {n}: charged twice, please refund."}, reference=f"Refund {n}")
        for n in range(count)
    ]
    return SuiteSpec(
        id="tests/test_tickets.py::test_summarize",
        where="tests/test_tickets.py:12",
        module=Path("tests/test_tickets.py"),
        function="test_summarize",
        versions=(V1, V2, V3),
        examples=tuple(examples),
        gates=tuple(parse(gate) for gate in gates),
    )


def baseline_of(spec: SuiteSpec, version: PromptVersion = V1) -> Baseline:
    """The accepted outputs of one version for every example."""
    key = key_of(version)
    records = {
        example.id: Record(example.id, example.inputs_digest, (f"{ACCEPTED} #{example.id}",), (key,))
        for example in spec.examples
    }
    return Baseline(key, {key: version}, records, {"semantic": "all-MiniLM-L6-v2|mean|1"})


def cases_of(spec: SuiteSpec, label: str) -> list[CaseOutcome]:
    """The cases of a version: v1 says what was accepted, v2 rewords a third of it, v3 is worse."""
    return [_case(spec, label, example, number) for number, example in enumerate(spec.examples)]


def _case(spec: SuiteSpec, label: str, example: Example, number: int) -> CaseOutcome:
    accepted = f"{ACCEPTED} #{example.id}"
    same = CaseOutcome(
        suite=spec.id,
        version=label,
        example=example.id,
        verdict=Verdict.UNCHANGED,
        output=accepted,
        accepted=accepted,
        scores={"semantic": 1.0, "bleu": 100.0, "drop(rouge_l)": 0.0},
        latency_s=0.2 + number / 100,
        input_tokens=40,
        output_tokens=20,
        cost_usd=0.001,
        nodeid=f"{spec.id}[{label}-{example.id}]",
    )
    if label == "v2" and number % 3 == 0:
        scores = {"semantic": 0.93 - number / 1000, "bleu": 61.5, "drop(rouge_l)": 0.01}
        return replace(same, verdict=Verdict.CHANGED, output=f"{MILD} #{example.id}", scores=scores)
    if label == "v3" and number == 0:
        return replace(
            same, verdict=Verdict.ERROR, output=None, scores={}, message=f"TimeoutError: {HOSTILE}", passed=False
        )
    if label == "v3" and number % 2 == 0:
        scores = {"semantic": 0.61 - number / 1000, "bleu": 12.25, "drop(rouge_l)": 0.31}
        return replace(
            same,
            verdict=Verdict.BREACHED,
            output=f"Refund. {HOSTILE} #{example.id}",
            scores=scores,
            breaches=[f"semantic {scores['semantic']:.3f}, gate >= 0.8"],
            passed=False,
        )
    return same


GATES = ("semantic >= 0.8", "mean(drop(rouge_l)) <= 0.05", "bleu >= 20")
MakeRun = Callable[..., RunOutcome]


def run_of(
    labels: Sequence[str] = ("v1", "v2", "v3"),
    *,
    count: int = 12,
    gates: Sequence[str] = GATES,
    with_baseline: bool = True,
    interrupted: bool = False,
) -> RunOutcome:
    """A run of the suite with those of its versions that are named."""
    spec = spec_of(count, gates)
    versions = [
        version_outcome(spec, spec.version_by_label[label], cases_of(spec, label), gated=True) for label in labels
    ]
    baseline = baseline_of(spec) if with_baseline else None
    suite = SuiteOutcome(spec, baseline, versions, selected=count * len(labels))
    return RunOutcome([suite], STARTED, STARTED + 4.5, interrupted=interrupted)


@pytest.fixture(scope="session")
def make_run() -> MakeRun:
    """:func:`run_of`, for test modules."""
    return run_of


@pytest.fixture(scope="session")
def facts(tmp_path_factory: pytest.TempPathFactory) -> RunFacts:
    """Of a run outside any repository."""
    return RunFacts(
        command="pytest tests --api-key sk-hidden",
        exit_passed=False,
        rootdir=tmp_path_factory.mktemp("nowhere"),
        embedding_model="all-MiniLM-L6-v2",
    )


@pytest.fixture(scope="session")
def hostile() -> str:
    """What the prompt, an output and a message of version v3 say."""
    return HOSTILE


@pytest.fixture
def mlflow() -> Iterator[Any]:
    """The package, imported without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow

        yield mlflow


@pytest.fixture
def cutting(mlflow: Any) -> Callable[..., Any]:
    """Makes clients whose connection is gone from their ``at``-th call on, before that is made or after it was."""

    def make(at: int, *, reply_lost: bool) -> Any:
        made = 0

        class Cut(mlflow.MlflowClient):  # type: ignore[misc]
            def __getattribute__(self, name: str) -> Any:
                found = super().__getattribute__(name)
                if name.startswith("_") or not callable(found):
                    return found

                def call(*arguments: Any, **named: Any) -> Any:
                    nonlocal made
                    made += 1
                    if made < at:
                        return found(*arguments, **named)
                    if made == at and reply_lost:
                        found(*arguments, **named)
                    raise ConnectionError("cut off")

                return call

        return Cut

    return make


@dataclass(frozen=True)
class Stored:
    """One run as the store has it."""

    name: str
    status: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    datasets: list[str]
    ended: bool


def read_runs(uri: str, experiment: str) -> tuple[dict[str, Stored], dict[str, str]]:
    """The experiment's runs by id, and the experiment's tags. MLflow's own warnings are not what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        if found is None:
            return {}, {}
        runs = {
            run.info.run_id: Stored(
                run.info.run_name,
                run.info.status,
                dict(run.data.tags),
                dict(run.data.params),
                dict(run.data.metrics),
                [entry.dataset.name for entry in run.inputs.dataset_inputs],
                run.info.end_time is not None,
            )
            for run in client.search_runs([found.experiment_id])
        }
        return runs, dict(found.tags)


def read_artifact(uri: str, run_id: str, path: str) -> str:
    """The text of one artifact of a run."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        return Path(MlflowClient(tracking_uri=uri).download_artifacts(run_id, path, folder)).read_text("utf-8")


@dataclass(frozen=True)
class Store:
    """A store with one recorded run of three versions in it."""

    settings: TrackingSettings
    receipt: Receipt

    def runs(self, experiment: str = "promptreg") -> dict[str, Stored]:
        """The runs of an experiment, by id."""
        return read_runs(self.settings.uri, experiment)[0]

    def experiment_tags(self, experiment: str = "promptreg") -> dict[str, str]:
        """The tags of an experiment."""
        return read_runs(self.settings.uri, experiment)[1]

    def artifact(self, run_id: str, path: str) -> str:
        """The text of one artifact."""
        return read_artifact(self.settings.uri, run_id, path)

    def named(self, experiment: str) -> TrackingSettings:
        """The same store, and another experiment: what one test writes, no other reads."""
        return replace(self.settings, experiment=experiment)


def record_in(settings: TrackingSettings, facts: RunFacts) -> Store:
    """A store that has seen one run."""
    return Store(settings, track(run_of(), settings, facts))


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory, facts: RunFacts) -> Store:
    """The default store, made from nothing in a folder whose name has a space and an umlaut."""
    rootdir = tmp_path_factory.mktemp("größe 1")
    settings = resolve_settings(
        flag=True, ini="auto", experiment="promptreg", timeout_s=120, rootdir=rootdir, environ={}
    )
    assert settings is not None
    return record_in(settings, facts)


@pytest.fixture(scope="session")
def runs_in() -> Callable[[str, str], dict[str, Stored]]:
    """The runs of an experiment in any store, by id."""
    return lambda uri, experiment: read_runs(uri, experiment)[0]
