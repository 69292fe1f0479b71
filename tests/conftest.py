"""What all tests share: pytester, and runs under it in one process or in each way."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import pkgutil
import types
from collections.abc import Callable

import hypothesis
import pytest

import pytest_promptreg
from pytest_promptreg.session import garbage

hypothesis.settings.register_profile("tests", deadline=None, max_examples=50)  # a test is not to fail for being slow
hypothesis.settings.load_profile("tests")
pytest_plugins = ["pytester", "servers", "tests.shop"]
collect_ignore = ["doc_pages"]  # suites of the reader of a page

# The plugins of others cost more than the runs under test.
_WITHOUT_OTHERS = "-p no:hypothesispytest -p no:anyio -p no:randomly"

# An in-process run of pytester drops what it imported: a package half of which survived would meet its own classes
# twice, and C extensions cannot be loaded again. What is loaded before stays.
_OF_MLFLOW = "pytest_promptreg.tracking.traces.spans"  # it imports MLflow, which not every test pays for
for _module in pkgutil.walk_packages(pytest_promptreg.__path__, "pytest_promptreg."):
    if _module.name != _OF_MLFLOW:
        importlib.import_module(_module.name)
for _name in ("jinja2.meta", "jinja2.sandbox", "packaging.version", "rapidfuzz.distance", "yaml"):
    importlib.import_module(_name)


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own settings must not reach the runs under test."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):  # these tests may run in CI themselves
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
        monkeypatch.delenv(name)  # these tests may run under xdist themselves
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # compiling all anew takes longer than most runs do
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PYTEST_ADDOPTS", _WITHOUT_OTHERS)


@pytest.fixture(scope="session")
def _heavy_packages() -> None:
    """What a run under test may import: NumPy and torch imported a second time take the whole process down."""
    for name in (
        "pandas",
        "sacrebleu",
        "rouge_score.rouge_scorer",
        "sentence_transformers",
        "mlflow.genai.scorers",
        "mlflow.store.tracking.sqlalchemy_store",
        "sqlalchemy.dialects.sqlite",
        _OF_MLFLOW,
    ):
        if name != "sentence_transformers" or importlib.util.find_spec("torch") is not None:  # docs/compatibility.md
            importlib.import_module(name)
    # What they made is not looked through again: each collection of garbage would take 0.2 s, and to count the frozen
    # objects, as each run under test does before it freezes its own, 0.07 s.
    gc.collect()
    gc.freeze()
    vars(garbage)["gc"] = types.SimpleNamespace(get_freeze_count=lambda: 1)  # undone where it is tested


@pytest.fixture
def pytester(_heavy_packages: None, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """pytest's own, after everything that must be imported only once."""
    monkeypatch.setenv("PYTEST_ADDOPTS", _WITHOUT_OTHERS)  # pytester has just taken it away
    return pytester


Run = Callable[..., pytest.RunResult]


def _runner(pytester: pytest.Pytester, way: str) -> Run:
    """Runs pytest in the pytester folder: ``alone`` (without xdist), ``n0`` (xdist, one process) or ``n2``.

    With two workers, these are processes of their own and the controller is in this one.
    """
    flags = {"alone": ["-p", "no:xdist"], "n0": ["-n0"], "n2": ["-n2"]}[way]
    return lambda *arguments: pytester.runpytest_inprocess(*flags, *arguments)


@pytest.fixture
def run(request: pytest.FixtureRequest, pytester: pytest.Pytester) -> Run:
    """Runs pytest in this one process: for behaviour that the number of processes has no part in.

    Of many alike, one may be run with two workers as well: ``n2`` in the column ``run`` of its parameters, and
    ``indirect=["run"]``.
    """
    return _runner(pytester, getattr(request, "param", "alone"))


@pytest.fixture(params=["alone", "n0", "n2"])
def run_each_way(request: pytest.FixtureRequest, pytester: pytest.Pytester) -> Run:
    """Runs pytest without xdist, with ``-n 0`` and with ``-n 2``: the behaviour is the same."""
    return _runner(pytester, request.param)
