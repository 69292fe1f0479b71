"""A deed that is to be done, again and again: each time stopped in another way, and judged alike."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.deeds import Arena, Deed, Ran, Tree, faults, is_half_done, temporaries, tree


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
        internal = [line for line in ran.said.splitlines() if line.startswith("INTERNALERROR")]
        if internal:  # of xdist's own, whose worker was killed before it was there
            assert ran.status, ran.said
            assert any("xdist" in line for line in internal), ran.said
            assert not any("pytest_promptreg" in line for line in internal), ran.said
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


def make_scene(deed: Deed, folder: Path, stored: Path, arena: Arena) -> Scene:
    """The deed, done once undisturbed.

    :param folder: for its projects.
    :param stored: the project to begin with.
    """
    old, new = folder / "old", folder / "new"
    shutil.copytree(stored, old)
    deed.make(old, arena)
    shutil.copytree(old, new)
    undisturbed = arena.do(new, deed)
    assert undisturbed.dealings, undisturbed.said
    return Scene(folder, deed, arena, tree(old), tree(new), undisturbed)
