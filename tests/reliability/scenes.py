"""A deed that is to be done, again and again: each time stopped in another way, and judged alike."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.deeds import Arena, Deed, Ran, Tree, baselines, faults, is_half_done, temporaries, tree


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

    def _is_refreshed_in_part(self, name: str, found: Tree) -> bool:
        """Whether each record of a baseline is the old one or the new one, and none is missing."""
        if name not in baselines(found):
            return False
        old, new, now = (
            json.loads(tree_[name])["examples"] if name in tree_ else {} for tree_ in (self.before, self.after, found)
        )
        return now.keys() == new.keys() and all(
            record["outputs"] in (old.get(example, {}).get("outputs"), new[example]["outputs"])
            for example, record in now.items()
        )

    def judge(self, ran: Ran, folder: Path) -> None:
        """See that nothing is wrong now, that the next run says what there is to say, and that the deed can be done."""
        internal = [line for line in ran.said.splitlines() if line.startswith("INTERNALERROR")]
        if internal:  # of xdist's own, whose worker was killed before it was there
            assert ran.status, ran.said
            assert any("xdist" in line for line in internal), ran.said
            assert not any("pytest_promptreg" in line for line in internal), ran.said
        found = tree(folder)
        wrong = faults(folder, self.before, self.after, done=False)
        went_on = "ended without a result" in ran.said  # a worker was killed, and the run ended without its case
        if went_on:
            wrong = [fault for fault in wrong if not self._is_refreshed_in_part(fault.partition(": ")[0], found)]
        assert wrong == [], ran.said
        if "no baseline was written" in ran.said:
            assert not is_half_done(found, self.before, self.after), ran.said
        may_be_half_done = went_on or "cannot be written" in ran.said
        if is_half_done(found, self.before, self.after) and not may_be_half_done:
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
