"""Writes a described run with MLflow's client: explicit ids, nothing of the user's own MLflow state touched.

A constant number of calls for each prompt version, never one for each example.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import TrackingError
from ..text import file_slug
from . import Receipt, TrackingSettings, clean
from .faults import Deadline, quiet_loggers, shown_uri
from .schema import Record, RunRecord

_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///(?P<path>[^?]+)")
_BASELINE_TAG = "mlflow.evaluation.baselineRunId"


def write(record: Record, settings: TrackingSettings, deadline: Deadline) -> Receipt:
    """Write the parent and its children, each ended as soon as it is written.

    :raises Exception: whatever the client raises; no run is left running then.
    """
    from mlflow import MlflowClient

    with quiet_loggers(), _alone(settings.uri, deadline):
        deadline.check()
        client = MlflowClient(tracking_uri=settings.uri)
        experiment_id, experiment = _experiment(client, settings)
        outer = {"mlflow.parentRunId": settings.parent_run_id} if settings.parent_run_id else {}
        parent = _write_run(client, experiment_id, record.parent, outer, deadline)
        children = {}
        try:
            for child in record.children:
                key = child.suite, child.version
                children[key] = _write_run(client, experiment_id, child, {"mlflow.parentRunId": parent}, deadline)
        except BaseException:
            with contextlib.suppress(Exception):
                client.set_tag(parent, "promptreg.incomplete", "true")
            raise
        if record.baseline is not None and record.baseline.status == "FINISHED":
            marked = children[record.baseline.suite, record.baseline.version]
            client.set_experiment_tag(experiment_id, _BASELINE_TAG, marked)
    return Receipt(shown_uri(settings.uri), experiment, experiment_id, parent, children)


@contextlib.contextmanager
def _alone(uri: str, deadline: Deadline) -> Iterator[None]:
    """One writer at a time on an sqlite file: two that open a fresh one at once leave it broken for good."""
    match = _SQLITE.fullmatch(uri.split("?", 1)[0])
    if match is None or match["path"] == ":memory:":
        yield
        return
    from filelock import FileLock, Timeout

    path = Path(f"{match['path']}.promptreg.lock")
    # The last tenth is left for telling what was waited for.
    try:
        with FileLock(path, timeout=0.9 * deadline.remaining_s):
            yield
    except Timeout:
        raise TrackingError(
            f"MLflow: another process has been writing for {deadline.seconds:g} s",
            where=str(path),
            next_step="wait for it, or raise the time limit",
        ) from None


def _experiment(client: Any, settings: TrackingSettings) -> tuple[str, str]:
    """Id and name of the experiment, made when it is not there yet.

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
                made = client.create_experiment(settings.experiment, artifact_location=location, tags=tags)
            except MlflowException:
                # Somebody else may have made it a moment ago.
                found = client.get_experiment_by_name(settings.experiment)
                if found is None:
                    raise
            else:
                return str(made), settings.experiment
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"MLflow: the experiment {found.name!r} was deleted",
            where=shown_uri(settings.uri),
            next_step=f"mlflow experiments restore -x {found.experiment_id}, or choose another name",
        )
    return str(found.experiment_id), str(found.name)


def _write_run(client: Any, experiment_id: str, record: RunRecord, outer: Mapping[str, str], deadline: Deadline) -> str:
    from mlflow.entities import Dataset, DatasetInput, Metric, Param

    deadline.check()
    run_id = str(
        client.create_run(
            experiment_id, start_time=record.start_ms, tags={**record.tags, **outer}, run_name=record.name
        ).info.run_id
    )
    try:
        client.log_batch(
            run_id,
            metrics=[Metric(key, value, record.end_ms, 0) for key, value in record.metrics.items()],
            params=[Param(key, value) for key, value in record.params.items()],
            synchronous=True,
        )
        if record.dataset:
            name, digest = record.dataset
            dataset = Dataset(name, digest, source_type="local", source=json.dumps({"uri": record.suite}))
            client.log_inputs(run_id, [DatasetInput(dataset)])
        deadline.check()
        _write_artifacts(client, run_id, record.artifacts)
        client.set_terminated(run_id, record.status, end_time=record.end_ms)
    except BaseException:
        with contextlib.suppress(Exception):
            client.set_terminated(run_id, "FAILED", end_time=record.end_ms)
        raise
    return run_id


def _write_artifacts(client: Any, run_id: str, artifacts: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="promptreg-") as folder:
        for name, text in artifacts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(clean.text(text), encoding="utf-8", newline="\n")
        client.log_artifacts(run_id, folder)
