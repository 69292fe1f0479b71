"""Writes a described run with MLflow's client: explicit ids, nothing of the user's own MLflow state touched.

A constant number of calls for each prompt version, never one for each example. Every run has the tag
``promptreg.session``, the id of the record that it is part of, and ``promptreg.complete``, which is ``true`` once
nothing of it is missing; a parent's, once its children are complete too. By these a record that was sent in part is
found and finished.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import TrackingError
from ..mlflow_store import is_web
from ..mlflow_store.deadline import Deadline, quiet_loggers
from ..mlflow_store.faults import knock
from ..mlflow_store.locks import alone, in_hand
from ..text import file_slug
from . import Receipt, TrackingSettings, clean, spool
from .schema import Record, RunRecord

SESSION_TAG = "promptreg.session"
COMPLETE_TAG = "promptreg.complete"
_BASELINE_TAG = "mlflow.evaluation.baselineRunId"
_KINDS = ("run", "version")
_ENDED = ("FINISHED", "FAILED", "KILLED")
_MOST_RUNS = 50_000  # what MLflow gives at once


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

    with quiet_loggers(), alone(settings.uri, deadline):
        deadline.check()
        client = MlflowClient(tracking_uri=settings.uri)
        experiment = _experiment(client, settings)
        writer = _Writer(client, experiment.experiment_id, session.id, deadline)
        tree = writer.write(session.record, settings.parent_run_id, writer.found() if again else _Tree())
        if again or is_web(settings.uri):  # a database of our own repeats no request
            tree = writer.settled(tree)
        _mark_baseline(client, experiment, session.record, tree.children, late=again)
    return Receipt(
        settings.store.shown,
        experiment.name,
        experiment.experiment_id,
        tree.parent,
        {(child.suite, child.version): tree.children[_key(child.tags)] for child in session.record.children},
    )


_Key = tuple[str, str]


@dataclass
class _Tree:
    """The runs of one record: a parent and its children; ``whole`` are those in which nothing is missing."""

    parent: str = ""
    children: dict[_Key, str] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    surplus: list[str] = field(default_factory=list)


@dataclass
class _Writer:
    """Writes the runs of one record, or what is missing of them."""

    client: Any
    experiment_id: str
    session: str
    deadline: Deadline

    def write(self, record: Record, outer: str | None, there: _Tree) -> _Tree:
        """Parent first, then its children, each ended as soon as it is written; the parent's numbers complete it."""
        tags = {"mlflow.parentRunId": outer} if outer else {}
        whole = there.parent in there.whole
        tree = _Tree(there.parent if whole else self._run(record.parent, tags, there.parent, with_numbers=False))
        for child in record.children:
            key = _key(child.tags)
            run_id = there.children.get(key, "")
            if run_id not in there.whole:
                run_id = self._run(child, {"mlflow.parentRunId": tree.parent}, run_id)
            tree.children[key] = run_id
        if not whole:
            self._log_numbers(tree.parent, record.parent)
        return tree

    def _run(self, record: RunRecord, outer: Mapping[str, str], run_id: str, *, with_numbers: bool = True) -> str:
        """Make the run, or write again what it already has: the store takes equal values twice as once."""
        from mlflow.entities import Dataset, DatasetInput

        self.deadline.check()
        client = self.client
        if not run_id:
            tags = {**record.tags, SESSION_TAG: self.session, COMPLETE_TAG: "false", **outer}
            made = client.create_run(self.experiment_id, start_time=record.start_ms, tags=tags, run_name=record.name)
            run_id = str(made.info.run_id)
        try:
            if record.dataset:
                name, digest = record.dataset
                dataset = Dataset(name, digest, source_type="local", source=json.dumps({"uri": record.suite}))
                client.log_inputs(run_id, [DatasetInput(dataset)])
            self.deadline.check()
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
        """The last that a run lacks, and in the same call the tag which says so."""
        from mlflow.entities import Metric, Param, RunTag

        self.deadline.check()
        self.client.log_batch(
            run_id,
            metrics=[Metric(key, value, record.end_ms, 0) for key, value in record.metrics.items()],
            params=[Param(key, value) for key, value in record.params.items()],
            tags=[RunTag(COMPLETE_TAG, "true")],
            synchronous=True,
        )

    def found(self) -> _Tree:
        """What the store has of the record. Of runs that are there twice every process chooses the same."""
        runs = [
            run
            for run in self.client.search_runs(
                [self.experiment_id], f"tags.`{SESSION_TAG}` = '{self.session}'", max_results=_MOST_RUNS
            )
            if run.data.tags.get("promptreg.kind") in _KINDS
        ]
        tree = _Tree(whole={run.info.run_id for run in runs if _is_whole(run)})
        best_first = sorted(runs, key=lambda run: (run.info.run_id not in tree.whole, run.info.run_id))
        of_version = [run for run in best_first if _key(run.data.tags) != _key({})]
        parents = [run.info.run_id for run in best_first if run not in of_version]
        tree.parent = next(iter(parents), "")
        for run in of_version:
            if run.data.tags.get("mlflow.parentRunId") == tree.parent:
                tree.children.setdefault(_key(run.data.tags), run.info.run_id)
        tree.surplus = [
            run.info.run_id for run in runs if run.info.run_id not in {tree.parent, *tree.children.values()}
        ]
        return tree

    def settled(self, ours: _Tree) -> _Tree:
        """The record once what is there twice is gone: a request that was repeated, a copy that was sent elsewhere."""
        self.deadline.check()
        found = self.found()
        if not found.surplus:
            return ours
        for run_id in found.surplus:
            self.client.delete_run(run_id)
        return _Tree(found.parent, {**ours.children, **found.children})


def _key(tags: Mapping[str, str]) -> _Key:
    """By what a run is known within its record; the parent has neither."""
    return tags.get("promptreg.suite", ""), tags.get("promptreg.version", "")


def _is_whole(run: Any) -> bool:
    return run.data.tags.get(COMPLETE_TAG) == "true" and run.info.status in _ENDED


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
            next_step=f"mlflow experiments restore -x {found.experiment_id}, or choose another name",
        )
    return found


def _mark_baseline(client: Any, experiment: Any, record: Record, children: Mapping[_Key, str], *, late: bool) -> None:
    """Let the experiment mark the accepted version's run; a late one leaves the mark of a later run as it is."""
    from mlflow.exceptions import MlflowException

    if record.baseline is None or record.baseline.status != "FINISHED":
        return
    marked = experiment.tags.get(_BASELINE_TAG)
    if late and marked:
        with contextlib.suppress(MlflowException):  # it is gone
            if client.get_run(marked).info.start_time > record.baseline.start_ms:
                return
    client.set_experiment_tag(experiment.experiment_id, _BASELINE_TAG, children[_key(record.baseline.tags)])


def _write_artifacts(client: Any, run_id: str, artifacts: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="promptreg-") as folder:
        for name, text in artifacts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(clean.text(text), encoding="utf-8", newline="\n")
        client.log_artifacts(run_id, folder)
