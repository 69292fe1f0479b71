"""Traces of whole runs of pytest: what a store has afterwards, and what nobody else notices."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.errors import PartlyRecordedError
from tests.doc_blocks import blocks_of

Run = Callable[..., pytest.RunResult]

# An application that is traced, in async code, and whose owner keeps traces of his own elsewhere.
TRACED = """
    import asyncio
    import mlflow

    @mlflow.trace
    async def model(text, keep):
        await asyncio.sleep(0.01)
        with mlflow.start_span(f"keep {keep}"):
            return " ".join(text.split()[:keep])

    async def follow(request):
        assert mlflow.active_run() is None
        keep = int(re.search(r"[Kk]eep (\\d+) words", request.text)[1])
        if keep == 2 and request.example == "c":
            raise ConnectionError("no model")
        return await model(request.inputs["text"], keep)
"""
FIXTURE = """
    @pytest.fixture(scope="session")
    def promptreg_predict():
        mlflow.set_tracking_uri("sqlite:///own.db")
        return follow
"""
BODY = """
promptreg.check()
assert mlflow.get_tracking_uri() == "sqlite:///own.db"
assert mlflow.active_run() is None
"""


def traces_in(folder: Path) -> dict[tuple[str, str], Any]:
    """The traces of the default store, by version and example."""
    found = found_in(folder, "client.search_traces(locations=[experiment_id])")
    return {(trace.info.tags["promptreg.version"], trace.info.tags["promptreg.example"]): trace for trace in found}


def breached_in(folder: Path) -> set[str]:
    """The versions of the traces that the search of docs/mlflow.md finds."""
    (search,) = [block.text for block in blocks_of("docs/mlflow.md") if "search_traces" in block.text]
    return {trace.info.tags["promptreg.version"] for trace in found_in(folder, search)}


def found_in(folder: Path, search: str) -> Any:
    """What a search gives, an expression in ``client`` and ``experiment_id``, in the default store."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
        experiment = client.get_experiment_by_name("promptreg")
        assert experiment is not None
        return eval(search, {"client": client, "experiment_id": experiment.experiment_id})  # noqa: S307


@pytest.mark.usefixtures("_own_mlflow_state")
@pytest.mark.parametrize("run", ["alone", pytest.param("n2", marks=pytest.mark.slow)], indirect=True)
def test_spans_of_predict_reach_the_store_with_the_verdict(project: Any, run: Run) -> None:
    """Also from workers, which write nothing; the user's own store is not even opened, his state as it was."""
    project.store()
    project.suite(predict=TRACED, fixture=FIXTURE, body=BODY)
    project.prompt("v2", keep=2)
    project.ini("promptreg_mlflow_traces = all")
    result = run("--promptreg-mlflow")
    result.assert_outcomes(passed=3, failed=2, errors=1)
    assert breached_in(project.path) == {"v2"}
    assert not (project.path / "own.db").exists()
    traces = traces_in(project.path)
    assert set(traces) == {(version, example) for version in ("v1", "v2") for example in "abc"}
    for (version, example), trace in traces.items():
        names = [span.name for span in trace.data.spans]
        fails = (version, example) == ("v2", "c")
        assert names == (["predict"] if fails else ["predict", "model", "keep 6" if version == "v1" else "keep 2"])
        assert trace.info.state == ("ERROR" if fails else "OK")
        (passed,) = [one for one in trace.info.assessments if one.name == "passed"]
        assert passed.value is (version == "v1")
        assert ("rouge_l" in (passed.rationale or "")) is (version == "v2" and not fails)


def test_without_the_option_predict_runs_without_mlflow(
    project: Any, monkeypatch: pytest.MonkeyPatch, closed_port: str
) -> None:
    """A run that is to be recorded imports it afterwards, if at all."""
    project.store()
    project.suite(
        predict="""
    import sys

    def follow(request):
        assert "mlflow" not in sys.modules
        return " ".join(request.inputs["text"].split()[:6])
    """
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", closed_port)
    project.pytester.runpytest_subprocess("-pno:xdist").assert_outcomes(passed=3)


def test_another_word_is_refused(project: Any) -> None:
    """A mistyped mode would keep nothing, and nobody would know."""
    project.ini("promptreg_mlflow_traces = fail")
    result = project.pytester.runpytest_inprocess("-pno:xdist", "--promptreg-mlflow")
    result.stderr.fnmatch_lines(["*promptreg_mlflow_traces: there is no 'fail'*", "*did you mean 'failed'?*"])


def test_a_record_that_lacks_traces_only_is_called_so(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that are complete in the store are not said to be lost."""

    def track(*_: object) -> None:
        raise PartlyRecordedError("MLflow: the runs are complete, and 1 of 3 traces are still to be sent")

    monkeypatch.setattr("pytest_promptreg.session.recording.track", track)
    project.store()
    said = project.pytester.runpytest_inprocess("-pno:xdist", "--promptreg-mlflow").stdout
    said.fnmatch_lines(["recorded in part: MLflow: the runs are complete*"])
    said.no_fnmatch_line("*not recorded*")
