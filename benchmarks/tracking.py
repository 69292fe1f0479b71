"""What a record in MLflow costs, beside bare calls of its client that write the same, and ``mlflow.genai.evaluate``.

Seconds, and what the store is asked: HTTP requests of a server, SQL statements of a local database.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pytest_promptreg.baselines.baseline import Baseline, Record, key_of
from pytest_promptreg.judging.gates import Verdict, parse
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.suites.suite import SuiteSpec
from pytest_promptreg.tracking import RunFacts, TrackingSettings, track
from pytest_promptreg.tracking.facts import look_around
from pytest_promptreg.tracking.records import Record as RunsRecord
from pytest_promptreg.tracking.records import RunRecord
from pytest_promptreg.tracking.schema import describe

SIZES = (100, 1_000, 10_000)
AIM_BARE, AIM_EVALUATE = 1.2, 100
EVALUATED = 20
EVALUATE = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import mlflow
from mlflow.genai import scorer

@scorer
def same(outputs, expectations):
    return outputs == expectations["expected_response"]

@scorer
def shorter(outputs, expectations):
    return len(outputs) <= len(expectations["expected_response"])

@scorer
def overlap(outputs, expectations):
    return len(set(outputs.split()) & set(expectations["expected_response"].split())) / len(outputs.split())

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("evaluate")
rows = json.load(sys.stdin)
mlflow.genai.evaluate(data=rows[:1], scorers=[same, shorter, overlap])
start = time.perf_counter()
mlflow.genai.evaluate(data=rows, scorers=[same, shorter, overlap])
print(time.perf_counter() - start, file=sys.stderr)
"""
OLD = "The customer was charged twice in March and wants the second payment back by Friday, ticket {}."
NEW = "The customer was billed twice in March and wants the second payment returned by Friday, ticket {}."


def tracking(folder: Path, runs: int) -> None:
    """Our record, bare calls and MLflow's own evaluation, on a local database and on a server of its own."""
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # it costs a request for each run
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        opened = {"sqlite": f"sqlite:///{folder}/local.db"}
        begin = time.perf_counter()
        from mlflow import MlflowClient  # noqa: PLC0415  what it costs is measured

        imported = time.perf_counter() - begin
        begin = time.perf_counter()
        MlflowClient(opened["sqlite"]).search_experiments()
        print(
            f"\ntracking: import of MLflow {imported:.1f} s, a fresh sqlite store {time.perf_counter() - begin:.1f} s"
        )
        print("  in every run and not counted below; seconds: median (lowest .. highest)")
        with server(folder) as opened["server"]:
            for name, uri in opened.items():
                seconds = [beside_bare_calls(name, uri, size, runs, folder) for size in SIZES]
                beside_evaluate(name, uri, folder, seconds[SIZES.index(1_000)])


def beside_bare_calls(name: str, uri: str, size: int, runs: int, folder: Path) -> float:
    """Print one store's figures for so many examples of one version.

    :returns: seconds of our whole record.
    """
    run, facts = run_of(size), RunFacts("pytest", True, folder)
    settings = TrackingSettings(uri, f"ours {size}", 600, (folder / "art").as_uri() if name == "sqlite" else None)
    taken: dict[str, list[float]] = {"ours": [], "describe": [], "bare": []}
    asked: dict[str, int] = {}
    for attempt in range(runs + 1):
        record, described = timed(lambda: describe(run, facts, look_around(folder, os.environ)))
        for way, write in (
            ("ours", lambda: track(run, settings, facts)),
            ("bare", lambda: bare(record, uri, f"bare {size}", settings.artifact_root)),  # noqa: B023
        ):
            with counted(name) as count:
                _, seconds = timed(write)
            asked[way] = len(count)
            if attempt:
                taken[way].append(seconds)
        if attempt:
            taken["describe"].append(described)
    ours, bare_s, describing = (statistics.median(taken[way]) for way in ("ours", "bare", "describe"))
    unit = "SQL statements" if name == "sqlite" else "requests"
    print(f"  {name}, {size:,} examples x 1 version")
    print(f"    ours          {spread(taken['ours'])}   {asked['ours']} {unit}")
    print(f"      describing  {spread(taken['describe'])}")
    print(f"    bare calls    {spread(taken['bare'])}   {asked['bare']} {unit}")
    ratio = (ours - describing) / bare_s
    print(f"    {ratio:.2f} x bare without describing, {ours / bare_s:.2f} x with (aim <= {AIM_BARE})")
    return ours


def bare(record: RunsRecord, uri: str, experiment: str, artifact_root: str | None) -> None:
    """The same two runs, as somebody would write them by hand who has all the texts."""
    from mlflow import MlflowClient  # noqa: PLC0415

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(experiment)
    experiment_id = found.experiment_id if found else client.create_experiment(experiment, artifact_root)
    parent = write_bare(client, experiment_id, record.parent, {})
    for child in record.children:
        run_id = write_bare(client, experiment_id, child, {"mlflow.parentRunId": parent})
        client.set_experiment_tag(experiment_id, "mlflow.evaluation.baselineRunId", run_id)


def write_bare(client: Any, experiment_id: str, record: RunRecord, outer: dict[str, str]) -> str:
    """One run with its numbers, texts and files."""
    from mlflow.entities import Dataset, DatasetInput, Metric, Param  # noqa: PLC0415

    run = client.create_run(experiment_id, record.start_ms, {**record.tags, **outer}, record.name)
    run_id = str(run.info.run_id)
    metrics = [Metric(key, value, record.end_ms, 0) for key, value in record.metrics.items()]
    client.log_batch(run_id, metrics, [Param(key, value) for key, value in record.params.items()])
    if record.dataset:
        dataset = Dataset(record.dataset.name, record.dataset.sha256[:36], source_type="local", source="{}")
        client.log_inputs(run_id, [DatasetInput(dataset)])
    with tempfile.TemporaryDirectory() as folder:
        for name, text in record.artifacts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder)
    client.set_terminated(run_id, record.status, record.end_ms)
    return run_id


def beside_evaluate(name: str, uri: str, folder: Path, ours_s: float) -> None:
    """Print what MLflow's own evaluation of precomputed outputs takes, and what that makes for 1,000 rows."""
    rows = [
        {
            "inputs": {"ticket": f"Ticket {n}"},
            "outputs": NEW.format(n),
            "expectations": {"expected_response": OLD.format(n)},
        }
        for n in range(EVALUATED)
    ]
    done = subprocess.run(
        [sys.executable, "-c", EVALUATE, uri],
        input=json.dumps(rows),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    if done.returncode:
        print(f"    mlflow.genai.evaluate failed: {done.stderr.splitlines()[-1]}")
        return
    seconds = float(done.stderr.splitlines()[-1])
    per_row = seconds / EVALUATED
    print(f"  {name}: mlflow.genai.evaluate, precomputed outputs, 3 scorers: {EVALUATED} rows {seconds:.1f} s")
    print(
        f"    {per_row:.3f} s a row; 1,000 rows would take {per_row * 1000:.0f} s, "
        f"{per_row * 1000 / ours_s:.0f} x ours (aim >= {AIM_EVALUATE})"
    )


def run_of(count: int) -> RunOutcome:
    """A run of one version that rewords every third output."""
    prompt = PromptVersion("v2", "Summarize the ticket in one sentence.\n\nTicket: {{ ticket }}\nSummary:")
    examples = tuple(Example(f"t-{n:05}", {"ticket": f"Ticket {n}: charged twice"}) for n in range(count))
    spec = SuiteSpec(
        id="test_tickets.py::test_summarize",
        where="test_tickets.py:1",
        module=Path("test_tickets.py"),
        function="test_summarize",
        versions=(prompt,),
        examples=examples,
        gates=(parse("semantic >= 0.8"), parse("bleu >= 20")),
    )
    key = key_of(prompt)
    records = {ex.id: Record(ex.id, ex.inputs_digest, (OLD.format(ex.id),), (key,)) for ex in examples}
    cases = [
        CaseOutcome(
            suite=spec.id,
            version="v2",
            example=ex.id,
            verdict=Verdict.CHANGED if n % 3 == 0 else Verdict.UNCHANGED,
            output=(NEW if n % 3 == 0 else OLD).format(ex.id),
            accepted=OLD.format(ex.id),
            scores={"semantic": 0.93 if n % 3 == 0 else 1.0, "bleu": 61.5 if n % 3 == 0 else 100.0},
            latency_s=0.2 + n % 7 / 100,
            nodeid=f"{spec.id}[v2-{ex.id}]",
        )
        for n, ex in enumerate(examples)
    ]
    suite = SuiteOutcome(
        spec,
        Baseline(key, {key: prompt}, records, {}),
        [version_outcome(spec, prompt, cases, gated=True)],
        selected=count,
    )
    return RunOutcome([suite], time.time() - 5, time.time())


@contextlib.contextmanager
def counted(name: str) -> Iterator[list[None]]:
    """What the store was asked meanwhile: an entry for each request or statement."""
    count: list[None] = []
    if name == "sqlite":
        from sqlalchemy import event  # noqa: PLC0415
        from sqlalchemy.engine import Engine  # noqa: PLC0415

        def statement(*_: object) -> None:
            count.append(None)

        event.listen(Engine, "before_cursor_execute", statement)
        yield count
        event.remove(Engine, "before_cursor_execute", statement)
        return
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    send = HTTPAdapter.send

    def counting(*arguments: Any, **named: Any) -> Any:
        count.append(None)
        return send(*arguments, **named)

    HTTPAdapter.send = counting  # type: ignore[method-assign]
    yield count
    HTTPAdapter.send = send  # type: ignore[method-assign]


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """The address of ``mlflow server`` on this machine, with a database of its own."""
    shutil.copy(folder / "local.db", folder / "server.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", url.rsplit(":", 1)[1]]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/server.db"]
    command += ["--artifacts-destination", str(folder / "served")]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=2):
                break
            time.sleep(0.1)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What ``work`` gives, and its seconds."""
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


def spread(seconds: list[float]) -> str:
    """``median (lowest .. highest)``."""
    return f"{statistics.median(seconds):.3f} ({min(seconds):.3f} .. {max(seconds):.3f})"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        tracking(Path(scratch), 5)
