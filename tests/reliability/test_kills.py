"""Whatever stops a command that writes, and wherever: files are old or new, nothing is lost, it can be run again."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.reliability.deeds import DEEDS, Arena
from tests.reliability.scenes import Scene, make_scene
from tests.soak import some_or_all, tries

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the process that runs the commands forks"),
]

KILLS = ("SIGKILL", "SIGTERM", "SIGINT")
FAILURES = ("ENOSPC", "EROFS")


@pytest.fixture(scope="module", params=some_or_all(DEEDS), ids=lambda deed: deed.name)
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stored: Path, arena: Arena
) -> Scene:
    """Each deed, done once undisturbed."""
    return make_scene(request.param, tmp_path_factory.mktemp(request.param.name), stored, arena)


@pytest.mark.parametrize("how", KILLS)
def test_a_kill_at_any_moment(scene: Scene, how: str) -> None:
    """A process that is killed, or gets Ctrl-C, at a random moment of its life."""
    many = tries(how == "SIGKILL", 20)
    for _ in range(many):
        folder = scene.again()
        after_s = random.uniform(0, 1.1 * scene.undisturbed.seconds)  # noqa: S311
        scene.judge(scene.arena.strike_in_time(folder, scene.deed, how, after_s), folder)
    print(f"{scene.deed.name}: {how} at {many} random moments")


@pytest.mark.parametrize("how", KILLS)
def test_a_kill_between_any_two_steps(scene: Scene, how: str) -> None:
    """The same, before each of its dealings with files: where a random moment is seldom."""
    numbers = _some(scene.undisturbed.dealings, tries(how != "SIGTERM", 60))
    for number in numbers:
        folder = scene.again()
        ran = scene.arena.strike(folder, scene.deed, how, number)
        # The verdict stands when Ctrl-C ends no more than the wait for MLflow.
        assert ran.status or "interrupted before the record was sent" in ran.said, f"{number}: {ran.said}"
        scene.judge(ran, folder)
    print(f"{scene.deed.name}: {how} before {len(numbers)} of its {scene.undisturbed.dealings} dealings with files")


@pytest.mark.parametrize("how", FAILURES)
def test_a_disk_that_fails_from_some_moment_on(scene: Scene, how: str) -> None:
    """It is full, or cannot be written to any more: that is said, without a traceback, and is no success."""
    numbers = _some(scene.undisturbed.dealings, tries(how == "ENOSPC", 60))
    for number in numbers:
        folder = scene.again()
        ran = scene.arena.strike(folder, scene.deed, how, number)
        assert "Traceback" not in ran.said, ran.said
        scene.judge(ran, folder)
    print(f"{scene.deed.name}: {how} from each of {len(numbers)} of its {scene.undisturbed.dealings} dealings on")


def _some(dealings: int, most: int) -> list[int]:
    """Numbers of dealings with files: all of them, or as many as there is time for."""
    return sorted(random.sample(range(1, dealings + 1), min(most, dealings)))
