"""A record that others have written chooses neither a file of this machine nor who is given its credentials."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.tracking import TrackingSettings, spool
from pytest_promptreg.tracking.client import _write_artifacts
from pytest_promptreg.tracking.records import Record, RunRecord
from pytest_promptreg.tracking.sync import find, sync

NOWHERE = TrackingSettings("nonsense://host/x", "promptreg", 5.0)


class Kept:
    """In place of MLflow's client: what it was given to keep, by path."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def log_artifacts(self, run_id: str, folder: str) -> None:
        """As MLflow's own."""
        found = [path for path in Path(folder).rglob("*") if path.is_file()]
        self.files = {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def test_artifacts_lie_in_their_run() -> None:
    """A name with folders in it is a file below the run."""
    kept = Kept()
    _write_artifacts(kept, "run", {"summary.md": "a", "prompts/v1.md": "b"})
    assert kept.files == {"summary.md": "a", "prompts/v1.md": "b"}


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/x", "", ".", "..", "C:\\x", "..\\x", "\\\\host\\x", "c:x", "a\0b"]
)
def test_an_artifact_outside_of_its_run_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that leads elsewhere, on any system, is the record's fault, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    kept = Kept()
    with pytest.raises(TrackingError, match="no file of the run's"):
        _write_artifacts(kept, "run", {name: "text"})
    assert not kept.files
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="its folders have no such rights")
def test_a_record_that_came_with_a_checkout_does_not_choose_the_store(tmp_path: Path) -> None:
    """What git or an archive brought is sent where the environment or a flag says, and not where it says itself."""
    run = RunRecord("run", "FINISHED", 1, 2, {}, {}, {}, {})
    folder = spool.keep(Record(run), NOWHERE, tmp_path).folder
    assert folder is not None

    def said(environ: dict[str, str], **how: Any) -> str:
        lines: list[str] = []
        assert not sync(find([tmp_path], named=False), environ, lines.append, timeout_s=5.0, **how)
        return "\n".join(lines)

    refused = "MLFLOW_TRACKING_URI does not name its store nonsense://host/x"
    assert refused not in said({})
    folder.chmod(0o755)
    assert refused in said({})
    assert refused in said({"MLFLOW_TRACKING_URI": "http://other"})
    assert "--tracking-uri URI sends it where you say" in said({})
    assert refused not in said({"MLFLOW_TRACKING_URI": NOWHERE.uri})
    assert refused not in said({}, uri="nonsense://elsewhere")
