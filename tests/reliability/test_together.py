"""Two processes at once: no update is lost, nothing is half of both, and whoever has to give way says why."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_promptreg.baselines.baseline import load
from pytest_promptreg.replay.store import Store
from pytest_promptreg.results.file import load as load_results
from tests.reliability.deeds import DEEDS, PYTEST, SUITES, Arena, Ran, baselines, temporaries, tree
from tests.soak import tries

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the process that runs the commands forks"),
]

ROUNDS = range(tries(1, 40))
# predict says who calls, and waits until both are at it: each has read the baselines, and neither has written.
MEETING = """
import os, pathlib, time
import pytest

@pytest.fixture(scope="session")
def promptreg_predict():
    def follow(request):
        pathlib.Path("at-it-" + os.environ["WHO"]).touch()
        deadline = time.monotonic() + 30
        while len(list(pathlib.Path(".").glob("at-it-*"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        return request.inputs["text"] + " by " + os.environ["WHO"]
    return follow
"""


@pytest.fixture
def project(stored: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    folder = tmp_path / "project"
    shutil.copytree(stored, folder)
    return folder


def together(arenas: tuple[Arena, Arena], folder: Path, one: list[str], other: list[str]) -> list[Ran]:
    """Run two commands at the same time."""
    with ThreadPoolExecutor(2) as threads:
        runs = [
            threads.submit(arena.run, folder, command, {"WHO": who})
            for arena, command, who in zip(arenas, (one, other), "AB", strict=True)
        ]
        return [run.result() for run in runs]


def by(folder: Path, suite: str) -> set[str]:
    """Who made the outputs of a baseline."""
    stored = load(folder / "__baselines__" / f"test_{suite}" / f"test_{suite}.json")
    assert stored is not None
    return {output.rpartition(" ")[2] for record in stored.records.values() for output in record.outputs}


@pytest.mark.parametrize("_", ROUNDS)
def test_two_updates_of_the_same_baselines(_: int, project: Path, arenas: tuple[Arena, Arena]) -> None:
    """One stores all of its outputs; the other, which read what was there before, writes none over them and says so."""
    (project / "conftest.py").write_text(MEETING, encoding="utf-8")
    update = [*PYTEST, *SUITES, "--promptreg-update"]
    runs = together(arenas, project, update, update)
    assert sorted(run.status for run in runs) == [0, 1], runs[0].said + runs[1].said
    winner, loser = sorted(runs, key=lambda run: run.status)
    assert {who for suite in "abc" for who in by(project, suite)} == {"AB"[runs.index(winner)]}
    assert loser.said.count("the baseline was changed while this run was under way") == 3
    assert winner.said.count("baseline written: ") == 3
    assert temporaries(tree(project)) == []
    assert not list(project.glob(".promptreg/refresh-*"))


@pytest.mark.parametrize("_", ROUNDS)
def test_two_updates_of_other_baselines(_: int, project: Path, arenas: tuple[Arena, Arena]) -> None:
    """Each stores its own."""
    (project / "conftest.py").write_text(MEETING, encoding="utf-8")
    runs = together(
        arenas,
        project,
        [*PYTEST, "test_a.py", "--promptreg-update"],
        [*PYTEST, "test_b.py", "--promptreg-update"],
    )
    assert [run.status for run in runs] == [0, 0], runs[0].said + runs[1].said
    assert (by(project, "a"), by(project, "b")) == ({"A"}, {"B"})


@pytest.mark.parametrize("_", ROUNDS)
def test_two_that_record_into_one_store(_: int, project: Path, arenas: tuple[Arena, Arena]) -> None:
    """Every output is recorded, and the file has no damaged line."""
    (project / "conftest.py").write_text(MEETING, encoding="utf-8")
    rows = [{"id": f"r{number}", "text": f"{number} one two three"} for number in range(12)]
    (project / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    flags = ["--promptreg-replay=reuse", "--promptreg-update"]
    runs = together(arenas, project, [*PYTEST, "test_a.py", *flags], [*PYTEST, "test_b.py", *flags])
    assert [run.status for run in runs] == [0, 0], runs[0].said + runs[1].said
    with Store(project / ".promptreg" / "replay.jsonl") as store:
        assert (store.damaged, len(store)) == (0, 12)  # both ask for the same


@pytest.mark.parametrize("_", ROUNDS)
def test_a_run_beside_an_update(_: int, project: Path, arenas: tuple[Arena, Arena]) -> None:
    """It reads each baseline as it was or as it is: a verdict, and neither an error nor word of a stopped run."""
    (project / "prompts" / "v1.md").write_text("Keep 6 words.\n\n{{ text }}\n", encoding="utf-8")
    looks, update = together(arenas, project, [*PYTEST, *SUITES], [*PYTEST, *SUITES, "--promptreg-update"])
    assert update.status == 0, update.said
    assert looks.status == 0, looks.said
    assert "was stopped" not in looks.said


@pytest.mark.parametrize("_", ROUNDS)
def test_two_merges_and_two_reports_of_one_name(_: int, project: Path, arenas: tuple[Arena, Arena]) -> None:
    """Both conclude the same: the baselines are those of one merge, and the file is whole, whosever it is."""
    merge = next(deed for deed in DEEDS if deed.name == "merge")
    merge.make(project, arenas[0])
    runs = together(arenas, project, merge.command, merge.command)
    assert [run.status for run in runs] == [0, 0], runs[0].said + runs[1].said
    written = baselines(tree(project))
    load_results(project / "run.json")
    assert arenas[0].run(project, merge.command).status == 0
    assert baselines(tree(project)) == written
    assert temporaries(tree(project)) == []
