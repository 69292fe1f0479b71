"""What a process is told by others."""

from __future__ import annotations

from pathlib import Path

from pytest_promptreg.session.roles import Controller, Worker
from pytest_promptreg.settings import LIST_OPTIONS, read_settings


def test_one_workers_refusal_is_not_taken_back_by_another(tmp_path: Path) -> None:
    """A worker that took the place of another may find less to call: what the first one refused was not run."""
    settings = read_settings(
        lambda _: None, lambda name: [] if name in LIST_OPTIONS else "", rootdir=tmp_path, invocation="pytest"
    )
    told = Worker(settings).to_wire()
    controller = Controller(settings)
    controller.worker_done({**told, "refusal": "it would make 6 calls"})
    controller.worker_done({**told, "refusal": None})
    assert controller.refusal == "it would make 6 calls"
