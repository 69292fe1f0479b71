"""Whatever stops a command that writes, and wherever: files are old or new, nothing is lost, it can be run again."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.reliability.deeds import DEEDS, Arena, Deed, Ran, Tree, faults, is_half_done, temporaries, tree
from tests.soak import tries

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the process that runs the commands forks"),
]

KILLS = ("SIGKILL", "SIGTERM", "SIGINT")
FAILURES = ("ENOSPC", "EROFS")


@dataclass(frozen=True)
class Scene:
    """A deed that is to be done.

    :param before: the project's files as they are.
    :param after: them when the deed was done undisturbed, which took ``undisturbed``.
    """

    folder: Path
    deed: Deed
    arena: Arena
    before: Tree
    after: Tree
    undisturbed: Ran

    def again(self) -> Path:
        """The project as it is before the deed, in a folder of its own."""
        folder = self.folder / "now"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / "old", folder)
        return folder

    def judge(self, ran: Ran, folder: Path) -> None:
        """See that nothing is wrong now, that the next run says what there is to say, and that the deed can be done."""
        assert "INTERNALERROR" not in ran.said, ran.said
        assert faults(folder, self.before, self.after, done=False) == [], ran.said
        found = tree(folder)
        if "no baseline was written" in ran.said:
            assert not is_half_done(found, self.before, self.after), ran.said
        if is_half_done(found, self.before, self.after) and "cannot be written" not in ran.said:
            told = self.arena.run(folder, self.deed.looking).said
            assert "a run was stopped after" in told, told
            assert "run it again: " in told, told
        done = self.arena.run(folder, self.deed.command, self.deed.environ)
        assert done.status == self.undisturbed.status, done.said
        assert "was stopped" not in done.said, done.said
        assert faults(folder, self.before, self.after, done=True) == [], ran.said + done.said
        assert temporaries(tree(folder)) == []


@pytest.fixture(scope="module", params=DEEDS[: tries(1, len(DEEDS))], ids=lambda deed: deed.name)
def scene(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, stored: Path, arena: Arena
) -> Scene:
    """Each deed, done once undisturbed."""
    deed: Deed = request.param
    folder = tmp_path_factory.mktemp(deed.name)
    old, new = folder / "old", folder / "new"
    shutil.copytree(stored, old)
    deed.make(old, arena)
    shutil.copytree(old, new)
    undisturbed = arena.do(new, deed)
    assert undisturbed.dealings, undisturbed.said
    return Scene(folder, deed, arena, tree(old), tree(new), undisturbed)


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
