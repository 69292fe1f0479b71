"""Whether and where a run is recorded, and what the terminal says of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.errors import ConfigError
from pytest_promptreg.tracking import Receipt, TrackingSettings, resolve_settings

HERE = {"MLFLOW_TRACKING_URI": "http://tracking.example:5000"}


def resolve(rootdir: Path = Path("/project"), **given: Any) -> TrackingSettings | None:
    defaults: dict[str, Any] = {
        "flag": None,
        "ini": "auto",
        "experiment": "promptreg",
        "timeout_s": 30.0,
        "environ": {},
    }
    return resolve_settings(rootdir=rootdir, **{**defaults, **given})


@pytest.mark.parametrize(
    ("flag", "ini", "environ", "on"),
    [
        (None, "auto", {}, False),
        (None, "", {}, False),
        (None, "auto", HERE, True),
        (None, "auto", {"MLFLOW_TRACKING_URI": " "}, False),
        (None, "true", {}, True),
        (None, "false", HERE, False),
        (True, "auto", {}, True),
        (True, "false", {}, True),
        (False, "true", HERE, False),
    ],
)
def test_tracking_is_off_unless_asked_for(flag: bool | None, ini: str, environ: dict[str, str], on: bool) -> None:
    """The flag is nearer than the ini file, and both are nearer than the environment."""
    assert (resolve(flag=flag, ini=ini, environ=environ) is not None) == on


def test_the_default_store_lies_in_the_root_folder(tmp_path: Path) -> None:
    """Without a URI the database and the artifacts lie in rootdir, wherever pytest was started."""
    found = resolve(tmp_path, flag=True)
    assert found is not None
    assert found.uri == f"sqlite:///{tmp_path.as_posix()}/mlflow.db"
    assert found.artifact_root == (tmp_path / "mlruns").as_uri()
    assert found.experiment == "promptreg"


def test_the_environment_names_store_experiment_and_parent() -> None:
    """MLflow's own variables are honoured, and a store of the user's keeps its own place for artifacts."""
    environ = {"MLFLOW_EXPERIMENT_NAME": "team", "MLFLOW_EXPERIMENT_ID": "7", "MLFLOW_RUN_ID": "abc"}
    found = resolve(environ=HERE | environ)
    assert found == TrackingSettings(HERE["MLFLOW_TRACKING_URI"], "team", 30.0, None, "7", "abc")


@pytest.mark.parametrize(
    ("given", "key"), [({"ini": "ture"}, "promptreg_mlflow"), ({"timeout_s": 0.0}, "promptreg_mlflow_timeout")]
)
def test_a_bad_value_is_refused_by_the_name_of_its_key(given: dict[str, Any], key: str) -> None:
    """A typo is not read as off."""
    with pytest.raises(ConfigError, match=key):
        resolve(**given)


def test_a_folder_that_no_database_url_can_hold_is_refused(tmp_path: Path) -> None:
    """A root folder with a question mark is refused with a way out, and does no harm to a server's URI."""
    folder = tmp_path / "what?"
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_URI"):
        resolve(folder, flag=True)
    assert resolve(folder, environ=HERE) is not None


def test_a_receipt_of_a_server_gives_the_page() -> None:
    """The terminal shows an address to open."""
    receipt = Receipt("http://tracking.example/", "promptreg", "3", "abc", {("s", "v1"): "def"})
    assert receipt.lines() == [
        "MLflow: 1 prompt version in experiment 'promptreg'",
        "  http://tracking.example/#/experiments/3/runs/abc",
    ]


def test_a_receipt_of_a_file_gives_the_command() -> None:
    """The terminal shows how to look at a store that has no pages, quoted as a shell needs it."""
    receipt = Receipt("sqlite:////my project/mlflow.db", "promptreg", "3", "abc")
    assert receipt.lines()[1] == "  mlflow ui --backend-store-uri 'sqlite:////my project/mlflow.db'"
    assert receipt.lines()[2].endswith("/#/experiments/3/runs/abc")


def test_importing_the_package_imports_no_mlflow() -> None:
    """Loading and configuring cost a run nothing that it may not need."""
    code = (
        "import sys, pytest_promptreg.tracking as t; print(sorted({'mlflow', 'pandas', 'filelock'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
