"""A run that records into a store beside a sync of what waits for it, one of them killed: every record, each once."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.reliability.deeds import DEEDS, PYTEST, SUITES, Arena, Deed, runs_in, temporaries, tree
from tests.soak import tries

ROUNDS = tries(0, 20)
pytestmark = [
    pytest.mark.soak,
    pytest.mark.slow,
    pytest.mark.skipif(not ROUNDS, reason="MLflow takes seconds to begin with: make soak"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the process that runs the commands forks"),
]


@pytest.mark.parametrize("killed", ["sync", "run", "both", "none"])
def test_every_record_is_in_the_store_once(
    killed: str, stored: Path, tmp_path: Path, arena: Arena, arenas: tuple[Arena, Arena]
) -> None:
    """Whoever was killed, and when: the next sync sends what is left, and nothing twice."""
    sync = next(deed for deed in DEEDS if deed.name == "sync")
    waiting = tmp_path / "waiting"
    shutil.copytree(stored, waiting)
    sync.make(waiting, arena)
    before = {str(session) for session, *_ in runs_in(waiting / "store.db")}
    names = before | {folder.name for folder in (waiting / ".promptreg" / "spool").glob("2*") if folder.is_dir()}
    assert len(names) == 3
    for number in range(ROUNDS):
        folder = tmp_path / "now"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(waiting, folder)
        run = Deed(
            "run",
            (*SUITES, "--promptreg-mlflow"),
            sync.make,
            environ={"MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'store.db'}"},
        )

        def do(arena: Arena, deed: Deed, folder: Path = folder) -> object:
            if killed in {deed.name, "both"}:
                return arena.strike_in_time(folder, deed, "SIGKILL", random.uniform(0, 4))  # noqa: S311
            return arena.run(folder, deed.command, deed.environ)

        with ThreadPoolExecutor(2) as threads:
            said = [one.result() for one in (threads.submit(do, arenas[0], sync), threads.submit(do, arenas[1], run))]
        done = arena.run(folder, sync.command)
        assert done.status == 0, (number, said, done.said)
        of_session = Counter(str(session) for session, *_ in runs_in(folder / "store.db"))
        assert names <= of_session.keys(), (number, said, done.said)
        assert len(set(of_session.values())) == 1, (number, of_session, said)  # as many runs each
        assert {complete for _, _, _, complete, *_ in runs_in(folder / "store.db")} == {"true"}, (number, said)
        assert len(of_session) == 4 or killed in {"run", "both"}, (number, of_session, said)
        found = tree(folder)
        assert temporaries(found) == []
        assert not [name for name in found if name.startswith(".promptreg/spool/2")]
        assert arena.run(folder, [*PYTEST, *SUITES]).status == 0
    print(f"sync beside a run: {killed} killed at {ROUNDS} random moments")
