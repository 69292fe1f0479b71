"""Traces in a store, as MLflow's own client finds them."""

from __future__ import annotations

import json
import math
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.errors import PartlyRecordedError
from pytest_promptreg.mlflow_store import Store
from pytest_promptreg.mlflow_store.deadline import Deadline
from pytest_promptreg.results.outcome import RunOutcome
from pytest_promptreg.tracking import RunFacts, TrackingSettings, spool, track
from pytest_promptreg.tracking.sync import sync
from pytest_promptreg.tracking.traces import send
from pytest_promptreg.tracking.traces.record import traces_of

SUITE = "tests/test_tickets.py::test_summarize"
Find = Callable[[TrackingSettings], list[Any]]


@pytest.fixture
def found() -> Iterator[Find]:
    """The traces of an experiment, with spans."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        def search(settings: TrackingSettings) -> list[Any]:
            client = MlflowClient(tracking_uri=settings.uri)
            experiment = client.get_experiment_by_name(settings.experiment)
            return list(client.search_traces(locations=[experiment.experiment_id], max_results=500))

        yield search


@pytest.fixture
def project(facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFacts:
    """Of a run in a project of its own, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return replace(facts, rootdir=tmp_path)


def with_traces(place: TrackingSettings, mode: str) -> TrackingSettings:
    """The same store, and traces wanted."""
    return replace(place, traces=mode)


def of(traces: list[Any], version: str, example: str) -> Any:
    """The one trace of a case."""
    (trace,) = [
        trace
        for trace in traces
        if (trace.info.tags["promptreg.version"], trace.info.tags["mlflow.eval.requestId"]) == (version, example)
    ]
    return trace


def said(trace: Any) -> dict[str, Any]:
    """Values and rationales of what was said of a trace."""
    return {one.name: (one.value, one.rationale) for one in trace.info.assessments}


def test_a_breach_is_on_its_trace(sqlite_store: Any, make_run: Any, project: RunFacts, found: Find) -> None:
    """Scores under the names and in the scale of the run's metrics, the breach as the reason of the verdict."""
    place = with_traces(sqlite_store.named("one"), "all")
    receipt = track(make_run(count=4), place, project)
    trace = of(found(place), "v3", "ticket-002")
    assert said(trace) == {
        "passed": (False, "semantic 0.608, gate >= 0.8"),
        "verdict": ("breached", None),
        "semantic": (0.608, "semantic 0.608, gate >= 0.8"),
        "bleu_0to1": (0.1225, None),
        "drop_rouge_l": (0.31, None),
        "baseline": (make_run().suites[0].versions[0].cases[2].output, None),
        "expected_response": ("Refund 2", None),
    }
    assert trace.info.trace_metadata["mlflow.sourceRun"] == receipt.children[SUITE, "v3"]
    assert json.loads(trace.info.trace_metadata["mlflow.trace.tokenUsage"])["total_tokens"] == 60
    assert trace.info.tags["mlflow.traceName"] == "v3 · ticket-002"
    (root,) = trace.data.spans
    assert root.inputs == {"ticket": "Ticket 2: charged twice, please refund."}
    assert root.outputs.startswith("Refund.")
    assert root.end_time_ns - root.start_time_ns == 220_000_000


def test_a_run_finds_its_traces(sqlite_store: Any, make_run: Any, project: RunFacts) -> None:
    """By the stock call with a run's id: the examples of that version and no others."""
    place = with_traces(sqlite_store.named("by run"), "all")
    receipt = track(make_run(count=3), place, project)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=place.uri)
        for (_, version), run_id in receipt.children.items():
            traces = client.search_traces(locations=[receipt.experiment_id], run_id=run_id)
            assert {trace.info.tags["promptreg.version"] for trace in traces} == {version}
            assert len(traces) == 3


def test_a_call_that_failed_is_an_error(sqlite_store: Any, make_run: Any, project: RunFacts, found: Find) -> None:
    """And hostile texts are data."""
    place = with_traces(sqlite_store.named("error"), "failed")
    track(make_run(["v3"], count=1), place, project)
    (trace,) = found(place)
    assert trace.info.state == "ERROR"
    assert said(trace)["passed"][0] is False
    assert said(trace)["passed"][1].startswith("TimeoutError: </td><script>")
    assert trace.data.spans[0].status.status_code == "ERROR"


@pytest.mark.parametrize(("mode", "count"), [("failed", 2), ("all", 12), ("off", 0)])
def test_the_mode_says_of_which_cases(
    sqlite_store: Any, make_run: Any, project: RunFacts, found: Find, mode: str, count: int
) -> None:
    """``failed``: what breached, failed or could not be judged; ``all``; and by default none."""
    place = with_traces(sqlite_store.named(f"mode {mode}"), mode)
    track(make_run(count=4), place, project)
    assert len(found(place)) == count


def test_a_trace_that_could_not_be_kept_is_told_of_once(
    sqlite_store: Any, make_run: Any, project: RunFacts, found: Find
) -> None:
    """However many they are; each has the one span that its outcome gives."""
    run = with_kept(make_run(["v1"], count=3), {"problem": "KeyError: 'spans'"})
    place = with_traces(sqlite_store.named("unkept"), "all")
    receipt = track(run, place, project)
    assert receipt.lines()[-1] == "  3 traces have no spans of predict's own: KeyError: 'spans'"
    assert [len(trace.data.spans) for trace in found(place)] == [1, 1, 1]


def test_scores_that_are_no_numbers_are_left_out(make_run: Any) -> None:
    """A store refuses NaN, and the whole trace with it."""
    run = make_run(["v1"], count=1)
    run.suites[0].versions[0].cases[0].scores.update(semantic=math.nan, bleu=math.inf)
    (trace,), _ = traces_of(run, "all")
    assert {one.name for one in trace.feedback} == {"passed", "verdict", "drop_rouge_l"}


def test_each_sample_has_a_trace_of_its_own(make_run: Any) -> None:
    """With its own text and its own pairing; what was found of the case stands with the sample that is its output."""
    run = make_run(["v1"], count=1)
    version = run.suites[0].versions[0]
    case = replace(version.cases[0], samples=("one", "two", "two"), output="two")
    run = replace(run, suites=[replace(run.suites[0], versions=[replace(version, cases=[case])])])
    traces, _ = traces_of(run, "all")
    assert [trace.response for trace in traces] == ["one", "two", "two"]
    assert [bool(trace.feedback) for trace in traces] == [False, True, False]
    assert [trace.tags["mlflow.eval.requestId"] for trace in traces] == [f"{case.example} #{n}" for n in (1, 2, 3)]
    assert [trace.tags["promptreg.sample"] for trace in traces] == ["1", "2", "3"]
    assert len({trace.trace_id for trace in traces}) == 3


def test_what_the_time_did_not_suffice_for_is_sent_by_sync_once(
    sqlite_store: Any, make_run: Any, project: RunFacts, found: Find, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runs are complete, the message says what is left, and sync sends each trace once, however often it is run."""
    place = with_traces(sqlite_store.named("late"), "all")
    asked = iter([False] * 12 + [True] * 100)  # five traces with spans and links, and one that has none of them yet
    monkeypatch.setattr(send, "_BATCH", 2)
    with monkeypatch.context() as patch:
        patch.setattr(send._Sender, "_check", lambda _: stop() if next(asked) else None)
        with pytest.raises(PartlyRecordedError, match="complete, and 4 of 9 traces are still to be sent") as told:
            track(make_run(count=3), place, project)
    assert "python -m pytest_promptreg sync" in str(told.value)
    assert len(found(place)) == 5
    (waiting,) = spool.waiting(spool.spool_of(project.rootdir))
    copy = shutil.copytree(waiting, tmp_path / "copy")
    assert sync([waiting], {}, lambda _: None)
    first = found(place)
    copy.rename(waiting)
    assert sync([waiting], {}, lambda _: None)
    assert len(first) == 9
    assert sorted(map(said_of, first)) == sorted(map(said_of, found(place)))
    assert {len(trace.data.spans) for trace in first} == {1}


@pytest.mark.parametrize(
    ("failure", "reason"), [(TimeoutError, "30 s were not enough"), (PermissionError, "PermissionError: no")]
)
def test_what_several_senders_have_sent_counts_when_one_fails(
    make_run: Any, monkeypatch: pytest.MonkeyPatch, failure: type[Exception], reason: str
) -> None:
    """A server is sent several portions at once: those that arrived are told of as sent, whatever ends the others."""
    portions = iter([True] * 3 + [False] * 9)

    class Client:
        def __init__(self, uri: str) -> None: ...

        def start_trace(self, info: object) -> None: ...

        def log_spans(self, place: str, spans: object) -> None:
            if not next(portions):
                raise failure("no")

        def link_traces_to_run(self, traces: object, run: str) -> None: ...

    traces, _ = traces_of(make_run(count=4), "all")
    runs = {(trace.suite, trace.version): "run" for trace in traces}
    place = send.Place(Store("http://server.example", 30.0), "1", "session", runs)
    monkeypatch.setattr(send, "_BATCH", 1)
    with warnings.catch_warnings(), monkeypatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setattr("mlflow.tracing.client.TracingClient", Client)
        with pytest.raises(PartlyRecordedError, match=f"9 of 12 traces are still to be sent: {reason}"):
            send.send_traces(Client(""), place, traces, Deadline(30.0), again=False)


def stop() -> None:
    """The time is up."""
    raise TimeoutError


def said_of(trace: Any) -> str:
    """What was said of a trace and what it is linked to, comparable."""
    return json.dumps([trace.info.trace_id, sorted(said(trace).items(), key=str), len(trace.data.spans)])


def with_kept(run: RunOutcome, kept: dict[str, Any]) -> RunOutcome:
    """The run, and this kept of each of its calls."""
    suite = run.suites[0]
    versions = [
        replace(version, cases=[replace(case, trace=json.dumps(kept)) for case in version.cases])
        for version in suite.versions
    ]
    return replace(run, suites=[replace(suite, versions=versions)])
