"""Writes a described run with MLflow's client: explicit ids, nothing of the user's own MLflow state touched.

A constant number of calls for each run. Every run has the tag
``promptreg.session``, the id of the record that it is part of, and ``promptreg.complete``, which is ``true`` once
nothing of it is missing, the runs nested in it included. By these a record that was sent in part is
found and finished.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import TrackingError
from ..machine import environment_without
from ..mlflow_store import is_web
from ..mlflow_store.deadline import Deadline, at_once, quiet_loggers
from ..mlflow_store.faults import knock
from ..mlflow_store.fresh import make_whole
from ..mlflow_store.locks import alone, in_hand
from ..report.escape import one_line
from ..text import file_slug
from . import Receipt, TrackingSettings, clean, spool
from .records import Record, RunRecord
from .registry import LINKED_PROMPTS_TAG, show_in_experiment, show_run
from .traces.send import SESSION_TAG, Place, send_traces

COMPLETE_TAG = "promptreg.complete"
_BASELINE_TAG = "mlflow.evaluation.baselineRunId"
_KINDS = ("run", "version", "example")
_THREADS = 8  # a server takes that many requests at once; a local file takes one
# The user's model: MLflow would tie every metric to it, and refuses those of a model that the store does not know.
_ACTIVE_MODEL = ("MLFLOW_ACTIVE_MODEL_ID", "_MLFLOW_ACTIVE_MODEL_ID")
_ENDED = ("FINISHED", "FAILED", "KILLED")
_PAGE = 1_000  # runs; a server may take long for more
_MOST_PARAMS, _MOST_NUMBERS = 100, 999  # what MLflow sends in one request


def send(session: spool.Session, deadline: Deadline, *, again: bool = False) -> Receipt:
    """Write a session's record and take it out of the spool.

    :param again: whether some of it may be in the store already: that is finished, and nothing made twice.
    :raises Exception: whatever the client raises; no run is left running then, if the store still answers.
    """
    with contextlib.ExitStack() as stack:
        if session.folder is not None:
            stack.enter_context(in_hand(session.folder))
        receipt = _write(session, deadline, again=again)
        if session.folder is not None:
            spool.remove(session.folder)
    return receipt


def _write(session: spool.Session, deadline: Deadline, *, again: bool) -> Receipt:
    settings = session.settings
    knock(settings.store, deadline)
    from mlflow import MlflowClient

    with quiet_loggers(), environment_without(_ACTIVE_MODEL), alone(settings.uri, deadline):
        deadline.check()
        make_whole(settings.uri)
        client = MlflowClient(tracking_uri=settings.uri)
        experiment = _experiment(client, settings)
        outer, note = _run_around(client, experiment, settings.parent_run_id)
        threads = _THREADS if is_web(settings.uri) else 1
        writer = _Writer(client, experiment.experiment_id, session.id, deadline, threads)
        there = writer.found() if again else _Tree()
        writer.write(session.record, outer, there)
        if again or is_web(settings.uri):  # a database of our own repeats no request
            writer.settle(there)
        _mark_baseline(client, experiment, session.record, there.runs, late=again)
        _show_on_prompts(settings.uri, experiment.experiment_id, session.record, there.runs)
        children = {(child.suite, child.version): there.runs[_key(child.tags)] for child in session.record.children}
        place = Place(settings.store, experiment.experiment_id, session.id, children)
        send_traces(client, place, session.record.traces, deadline, again=again)
    return Receipt(
        settings.store.shown,
        experiment.name,
        experiment.experiment_id,
        there.runs[_PARENT],
        children,
        (*session.record.notices, *([note] if note else [])),
    )


_Key = tuple[str, str, str]
_PARENT: _Key = ("", "", "")


@dataclass
class _Tree:
    """The runs of one record in the store, by what they are of; ``whole`` are those in which nothing is missing."""

    runs: dict[_Key, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    surplus: list[str] = field(default_factory=list)


@dataclass
class _Writer:
    """Writes the runs of one record, or what is missing of them."""

    client: Any
    experiment_id: str
    session: str
    deadline: Deadline
    threads: int

    def write(self, record: Record, outer: str | None, there: _Tree) -> None:
        """The whole record, into the tree: what it has already is left as it is."""
        self._nest(replace(record.parent, nested=record.children), outer, there)

    def _nest(self, record: RunRecord, outer: str | None, there: _Tree) -> None:
        """A run, then those in it, each ended as soon as it is written; an outer one's numbers complete it."""
        key = _key(record.tags)
        run_id = there.runs.get(key, "")
        whole = run_id in there.whole
        if not whole:
            tags = {"mlflow.parentRunId": outer} if outer else {}
            run_id = there.runs[key] = self._run(record, tags, run_id, with_numbers=not record.nested)
        threads = 1 if any(inner.nested or inner.dataset for inner in record.nested) else self.threads
        at_once(lambda inner: self._nest(inner, run_id, there), record.nested, threads)
        if record.nested and not whole:
            self._log_numbers(run_id, record)

    def _run(self, record: RunRecord, outer: Mapping[str, str], run_id: str, *, with_numbers: bool) -> str:
        """Make the run, or write again what it already has: the store takes equal values twice as once."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        self.deadline.check()
        client = self.client
        if not run_id:
            tags = {**record.tags, SESSION_TAG: self.session, COMPLETE_TAG: "false", **outer}
            made = client.create_run(self.experiment_id, start_time=record.start_ms, tags=tags, run_name=record.name)
            run_id = str(made.info.run_id)
        try:
            if record.dataset:
                dataset = Dataset(
                    record.dataset.name,
                    record.dataset.sha256[: clean.DATASET_DIGEST_LIMIT],
                    source_type="local",
                    source=json.dumps({"uri": record.dataset.source}),
                    profile=json.dumps({"num_rows": record.dataset.rows}),
                )
                client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "eval")])])
            self.deadline.check()
            if record.artifacts:
                _write_artifacts(client, run_id, record.artifacts)
            if with_numbers:
                self._log_numbers(run_id, record)
            client.set_terminated(run_id, record.status, end_time=record.end_ms)
        except BaseException:
            if self.deadline.remaining_s:  # else nobody waits, and the client has its own long limits back
                with contextlib.suppress(Exception):
                    client.set_terminated(run_id, "FAILED", end_time=record.end_ms)
            raise
        return run_id

    def _log_numbers(self, run_id: str, record: RunRecord) -> None:
        """The last that a run lacks, and with the last of that the tag which says so."""
        from mlflow.entities import Metric, Param, RunTag

        self.deadline.check()
        numbers = {
            "metrics": [Metric(key, value, record.end_ms, 0) for key, value in record.metrics.items()],
            "params": [Param(key, value) for key, value in record.params.items()],
        }
        complete = [RunTag(COMPLETE_TAG, "true")]
        if len(record.params) > _MOST_PARAMS or len(record.metrics) + len(record.params) > _MOST_NUMBERS:
            self.client.log_batch(run_id, **numbers)  # in several requests, of which the first would have the tag
            numbers = {}
        self.client.log_batch(run_id, **numbers, tags=complete)

    def found(self) -> _Tree:
        """What the store has of the record. Of runs that are there twice every process chooses the same."""
        runs = [run for run in self._of_session() if run.data.tags.get("promptreg.kind") in _KINDS]
        tree = _Tree(whole={run.info.run_id for run in runs if _is_whole(run)})
        # What is nested lies in what was chosen: outer runs come first, of equal ones the whole ones.
        for run in sorted(runs, key=lambda run: (_depth(run), run.info.run_id not in tree.whole, run.info.run_id)):
            key, run_id = _key(run.data.tags), run.info.run_id
            outer = tree.runs.get(_outer(key))
            if key in tree.runs or (key != _PARENT and run.data.tags.get("mlflow.parentRunId") != outer):
                tree.surplus.append(run_id)
            else:
                tree.runs[key] = run_id
        return tree

    def _of_session(self) -> Iterator[Any]:
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id], f"tags.`{SESSION_TAG}` = '{self.session}'", max_results=_PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    def settle(self, ours: _Tree) -> None:
        """Delete what is there twice: made by a request that was repeated, or from a copy that was sent elsewhere."""
        self.deadline.check()
        found = self.found()
        for run_id in found.surplus:
            self.client.delete_run(run_id)
        if found.surplus:
            ours.runs.update(found.runs)


def _depth(run: Any) -> int:
    return sum(map(bool, _key(run.data.tags)[1:]))


def _outer(key: _Key) -> _Key:
    """Of what the run is in which one of that key lies."""
    suite, version, example = key
    return (suite, version, "") if example else _PARENT


def _key(tags: Mapping[str, str]) -> _Key:
    """By what a run is known within its record; the parent has none of these, a version's run no example."""
    return tags.get("promptreg.suite", ""), tags.get("promptreg.version", ""), tags.get("promptreg.example", "")


def _is_whole(run: Any) -> bool:
    return run.data.tags.get(COMPLETE_TAG) == "true" and run.info.status in _ENDED


def _run_around(client: Any, experiment: Any, run_id: str | None) -> tuple[str | None, str]:
    """The run that the record is nested in, where there is such a run, and what a person should know about it."""
    from mlflow.exceptions import MlflowException

    if run_id is None:
        return None, ""
    try:
        info = client.get_run(run_id).info
    except MlflowException as exc:
        if exc.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise
        return None, f"MLFLOW_RUN_ID={one_line(run_id, 40)} is no run of this store: the record stands by itself"
    if info.lifecycle_stage != "active":
        return None, f"MLFLOW_RUN_ID={run_id} was deleted: the record stands by itself"
    if info.experiment_id != experiment.experiment_id:
        return run_id, (
            f"MLFLOW_RUN_ID is of another experiment, and MLflow shows no tree across two: set "
            f"MLFLOW_EXPERIMENT_ID={info.experiment_id}"
        )
    return run_id, ""


def _experiment(client: Any, settings: TrackingSettings) -> Any:
    """The experiment, made when it is not there yet.

    :raises TrackingError: when it was deleted.
    """
    from mlflow.exceptions import MlflowException

    if settings.experiment_id:
        found = client.get_experiment(settings.experiment_id)
    else:
        found = client.get_experiment_by_name(settings.experiment)
        if found is None:
            location = f"{settings.artifact_root}/{file_slug(settings.experiment)}" if settings.artifact_root else None
            tags = {"mlflow.experimentKind": "genai_development"}
            try:
                found = client.get_experiment(
                    client.create_experiment(settings.experiment, artifact_location=location, tags=tags)
                )
            except MlflowException:
                # Somebody else may have made it a moment ago.
                found = client.get_experiment_by_name(settings.experiment)
                if found is None:
                    raise
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"MLflow: the experiment {found.name!r} was deleted",
            where=settings.store.shown,
            next_step=f"mlflow experiments restore -x {found.experiment_id}, or choose another name "
            "(python -m pytest_promptreg sync --experiment NAME)",
        )
    return found


def _mark_baseline(client: Any, experiment: Any, record: Record, runs: Mapping[_Key, str], *, late: bool) -> None:
    """Let the experiment mark the accepted version's run; a late one leaves the mark of a later run as it is."""
    from mlflow.exceptions import MlflowException

    if record.baseline is None or record.baseline.status != "FINISHED":
        return
    marked = experiment.tags.get(_BASELINE_TAG)
    if late and marked:
        with contextlib.suppress(MlflowException):  # it is gone
            if client.get_run(marked).info.start_time > record.baseline.start_ms:
                return
    client.set_experiment_tag(experiment.experiment_id, _BASELINE_TAG, runs[_key(record.baseline.tags)])


def _show_on_prompts(uri: str, experiment_id: str, record: Record, runs: Mapping[_Key, str]) -> None:
    """Let the pages of the prompts that were tested name the runs, where the store keeps both.

    It is for people to read, and no part of the record: a registry elsewhere, or one that refuses, costs nothing.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    linked = [child for child in record.children if LINKED_PROMPTS_TAG in child.tags]
    client = MlflowClient(tracking_uri=uri, registry_uri=uri) if linked else None
    for child in linked:
        for prompt in json.loads(child.tags[LINKED_PROMPTS_TAG]):
            with contextlib.suppress(MlflowException):
                show_run(prompt["name"], int(prompt["version"]), runs[_key(child.tags)], client)
                show_in_experiment(prompt["name"], experiment_id, client)


def _write_artifacts(client: Any, run_id: str, artifacts: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="promptreg-") as folder:
        for name, text in artifacts.items():
            path = _inside(Path(folder), name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(clean.text(text), encoding="utf-8", newline="\n")
        client.log_artifacts(run_id, folder)


def _inside(folder: Path, name: str) -> Path:
    """The file of that name in the folder.

    :raises TrackingError: for a name that leads out of it, as a record may have that others have written.
    """
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or set(name) & {"\\", ":", "\0"}:
        raise TrackingError(f"it names an artifact that is no file of the run's: {name!r}")
    return folder.joinpath(*path.parts)
