"""Runs of pytest-xdist: whichever of its processes is killed, nothing that was recorded or accepted is lost."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.reliability.deeds import DEEDS_OF_WORKERS, Arena
from tests.reliability.scenes import Scene, make_scene
from tests.soak import some_or_all, tries

pytestmark = [
    pytest.mark.soak,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="there is no list of a process's children"),
]


@pytest.fixture(scope="module", params=some_or_all(DEEDS_OF_WORKERS), ids=lambda deed: deed.name)
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stored: Path, arena: Arena
) -> Scene:
    """Each deed, done once undisturbed."""
    return make_scene(request.param, tmp_path_factory.mktemp("workers"), stored, arena)


@pytest.mark.parametrize("whom", ["command", "worker", "all"])
def test_a_kill_at_any_moment_of_a_run_of_workers(scene: Scene, whom: str) -> None:
    """The controller, a worker, or all at once."""
    many = tries(whom == "worker", 25)
    for _ in range(many):
        folder = scene.again()
        after_s = random.uniform(0.2, 1.05) * scene.undisturbed.seconds  # noqa: S311
        ran = scene.arena.strike_in_time(folder, scene.deed, "SIGKILL", after_s, whom)
        scene.judge(ran, folder)
    print(f"{scene.deed.name}: SIGKILL to {whom} at {many} random moments")
