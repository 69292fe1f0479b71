"""Files that a run leaves where a person said: written whole or not at all, never over one of another kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..atomic import clear_unfinished, write_atomically
from ..errors import PromptregError
from ..files import display_path

_HEAD = 200  # bytes of a file among which its kind stands, also where a person has indented it


def refuse_one_place(places: Iterable[tuple[OwnFile, Path]]) -> None:
    """Refuse files that would be written one over the other.

    :raises PromptregError: naming the two.
    """
    named: dict[Path, OwnFile] = {}
    for kind, path in places:
        if (other := named.setdefault(path.resolve(), kind)) is not kind:
            raise kind.error(
                f"{other.noun} and {kind.noun} are to go into one file",
                where=display_path(path),
                next_step="name a file for each",
            )


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A kind of file.

    :param kind: words at its beginning by which it is known.
    :param name: what one is called: ``result file``.
    :param noun: what it holds: ``the results``.
    :param flag: by which a person names its place.
    :param example: a name for it.
    :param empty: all that one says which has nothing to tell.
    """

    kind: str
    name: str
    noun: str
    flag: str
    example: str
    error: type[PromptregError]
    empty: str = ""

    def write(self, path: Path, text: str) -> None:
        """Write the file, whole or not at all.

        :raises PromptregError: when it cannot be written, or what is there is no such file.
        """
        self.refuse_others(path)
        try:
            write_atomically(path, text)
        except OSError as exc:
            raise self._unwritable(path, exc) from exc

    def forget(self, path: Path) -> None:
        """Remove the file that an earlier run left: it must not be taken for that of a run that leaves none.

        :raises PromptregError: when that cannot be done, or what is there is no such file, or there can be none.
        """
        self.refuse_others(path)
        try:
            path.unlink(missing_ok=True)
            clear_unfinished(path)
            path.parent.mkdir(parents=True, exist_ok=True)  # what cannot be kept is told before the calls, not after
        except OSError as exc:
            raise self._unwritable(path, exc) from exc

    def refuse_others(self, path: Path) -> None:
        """Leave alone what is no such file: the path may have been forgotten, and a test file named in its place.

        :raises PromptregError: for anything there but such a file, whole or not, or an empty file.
        """
        try:
            if not path.exists():
                return
            head = b"a folder, a pipe or a device"
            if path.is_file():
                with path.open("rb") as file:
                    head = file.read(_HEAD)
        except OSError as exc:
            raise self._unwritable(path, exc) from exc
        is_empty = len(head) < _HEAD and head.strip() in {b"", self.empty.encode()}
        if self.kind.encode() not in head and not is_empty:
            raise self.error(
                f"this is no {self.name}, and is not overwritten",
                where=display_path(path),
                next_step=f"name another file for {self.noun}, such as {self.example}",
            )

    def _unwritable(self, path: Path, exc: OSError) -> PromptregError:
        return self.error(
            f"{self.noun} cannot be written: {exc.strerror}",
            where=display_path(path),
            next_step=f"make the folder writable, or name another file: {self.flag} PATH",
        )
