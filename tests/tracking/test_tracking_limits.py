"""What is more, or longer, than MLflow takes at once loses nothing."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.results.outcome import RunOutcome
from pytest_promptreg.tracking import RunFacts, track
from pytest_promptreg.tracking.sync import find, sync

MANY = 300
SUITE = "tests/test_tickets.py::test_summarize"
TERMS = ("semantic", "rouge_l", "token_recall", "novel_recall")
GATES = [f"p{n:02}({term}) >= 0.0{n:02}" for term in TERMS for n in range(1, 76)]
LONG = "long, and it matters how it ends. " * 400 + "END"


@pytest.fixture(scope="module")
def large(make_run: Any) -> RunOutcome:
    """A run of one version with 300 gates, 300 settings and 1,200 signals, and a setting and a message too long."""
    run: RunOutcome = make_run(["v1"], gates=GATES)
    suite, version = run.suites[0], run.suites[0].versions[0]
    config = {**{f"setting_{n}": n for n in range(MANY)}, "instructions": LONG, "api_key": "sk-" + "x" * 7_000}
    prompt = replace(version.version, model_config=config, commit_message=LONG)
    cases = [replace(version.cases[0], findings={f"signal_{n}": "found" for n in range(4 * MANY)}), *version.cases[1:]]
    return replace(run, suites=[replace(suite, versions=[replace(version, version=prompt, cases=cases)])])


def test_hundreds_of_gates_settings_and_signals_all_arrive(
    sqlite_store: Any, large: RunOutcome, facts: RunFacts, capfd: pytest.CaptureFixture[str]
) -> None:
    """More params and metrics than one request takes are all in the store, and nothing is said about it."""
    assert len(GATES) == MANY
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        receipt = track(large, sqlite_store.named("large"), facts)
    stored = sqlite_store.runs("large")[receipt.children[SUITE, "v1"]]
    assert {f"gate/{gate.split(' ')[0].replace('(', '_').replace(')', '')}" for gate in GATES} <= set(stored.params)
    assert all(stored.params[f"model_config/setting_{n}"] == str(n) for n in range(MANY))
    assert all(stored.metrics[f"signals/signal_{n}"] == 1 for n in range(4 * MANY))
    assert stored.tags["promptreg.complete"] == "true"
    assert capfd.readouterr() == ("", "")


def test_values_that_are_too_long_are_whole_in_a_file(sqlite_store: Any, large: RunOutcome, facts: RunFacts) -> None:
    """The store has their beginning, the file the whole of them; a secret is in neither."""
    receipt = track(large, sqlite_store.named("long"), facts)
    run_id = receipt.children[SUITE, "v1"]
    stored = sqlite_store.runs("long")[run_id]
    assert stored.params["model_config/instructions"] == LONG[:5_999] + "…"
    whole = json.loads(sqlite_store.artifact(run_id, "long_values.json"))
    assert whole == {"tags": {"promptreg.commit_message": LONG}, "params": {"model_config/instructions": LONG}}
    assert stored.params["model_config/api_key"] == "***"


def test_where_nothing_is_too_long_there_is_no_such_file(sqlite_store: Any) -> None:
    """An ordinary run has no file more than it needs."""
    uri = sqlite_store.settings.uri
    files = Path(uri.removeprefix("sqlite:///")).parent.rglob(f"{sqlite_store.receipt.run_id}/**/long_values.json")
    assert list(files) == []


def test_a_run_is_not_complete_before_its_last_request(
    sqlite_store: Any,
    large: RunOutcome,
    facts: RunFacts,
    mlflow: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection that is gone among the requests for the numbers leaves a run that a sync fills up."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    monkeypatch.chdir(tmp_path)
    sent = 0
    log_batch = SqlAlchemyStore.log_batch

    def cut(store: Any, run_id: str, metrics: Any, params: Any, tags: Any) -> None:
        nonlocal sent
        sent += bool(params)
        if sent == 3:
            raise ConnectionError("cut off")
        log_batch(store, run_id, metrics, params, tags)

    with monkeypatch.context() as patched:
        patched.setattr(SqlAlchemyStore, "log_batch", cut)
        with pytest.raises(TrackingError, match="cut off"):
            track(large, sqlite_store.named("large cut"), replace(facts, rootdir=tmp_path))
    (version,) = (run for run in sqlite_store.runs("large cut").values() if run.name == "v1")
    assert 0 < len(version.params) < MANY
    assert version.tags["promptreg.complete"] == "false"
    assert sync(find([tmp_path], named=False), {}, lambda _: None)
    (version,) = (run for run in sqlite_store.runs("large cut").values() if run.name == "v1")
    assert len(version.params) > 2 * MANY
    assert version.tags["promptreg.complete"] == "true"
