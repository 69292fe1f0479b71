"""Reading the files that people write, and naming them as people would."""

from __future__ import annotations

import errno
import glob
import os
import stat
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path, PurePath

from .atomic import write_atomically
from .errors import PromptregError
from .weight import LONGEST_ROW, ROOM, largest, shown, weight

_GLOB_CHARACTERS = "*?["
OWN_FOLDER = ".promptreg"


def display_path(path: PurePath, folder: PurePath | None = None) -> str:
    """``path`` as a person in the working directory would type it: with ``/``, which Windows takes as well.

    So messages, results and reports say the same on every system.

    :param folder: in place of the working directory.
    """
    try:
        here = Path.cwd() if folder is None else folder
        shown = (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
    except OSError:
        shown = path.as_posix()
    return f"./{shown}" if shown.startswith("-") else shown  # it may stand in a command, where it would be a flag


def expand(entry: str | Path, base: Path) -> list[Path] | None:
    """The sorted files that ``entry`` names from ``base``: a folder's, a glob's, or itself; None for no such path."""
    path = base / entry
    try:
        if path.is_dir():
            return sorted(path.iterdir())
        if path.exists():
            return [path]
    except OSError:  # a whole prompt, say, where its path belongs: too long to be a name
        return None
    if any(character in str(entry) for character in _GLOB_CHARACTERS):
        # Path.glob takes no absolute pattern, and a person may name one.
        found = glob.glob(str(entry), root_dir=base, recursive=True)  # noqa: PTH207
        return sorted(base / name for name in found) or None
    return None


def missing(entry: str | Path, base: Path, otherwise: str) -> str:
    """What to do about a path that leads nowhere: the name that was probably meant, or ``otherwise``.

    :param base: the folder that the path starts from.
    """
    step = f"{otherwise}; a path starts from the folder of the file that names it"
    path = base / entry
    try:
        names = sorted(found.name for found in path.parent.iterdir())
    except (OSError, ValueError):
        return step
    near = get_close_matches(path.name, names, n=1)
    return f"did you mean {(PurePath(entry).parent / near[0]).as_posix()!r}? Or {step}" if near else step


def read_text(path: Path, error: type[PromptregError], room: int = ROOM) -> str:
    """The file as text: UTF-8, with or without a byte order mark, lines ended by LF.

    :param room: bytes of memory that it may take.
    :raises PromptregError: of the kind ``error``, with ``file:line`` of the first byte that is no UTF-8, or for a file
        that is too large.
    """
    try:
        _refuse_large(path, error, room)
        data = read_bytes(path)
    except OSError as exc:
        raise _unreadable(path, exc, error) from exc
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1  # of what stands behind the byte order mark
        raise _no_utf8(path, line, exc, error) from exc
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def read_json_text(path: Path, error: type[PromptregError], room: int = ROOM) -> str:
    """The file as text that is JSON if it is what it should be, and can be parsed within the room that there is.

    :raises PromptregError: as :func:`read_text`, or for one that holds too much.
    """
    text = read_text(path, error, room)
    if weight(text) > room:
        raise error(
            f"what it holds would take more than {shown(room)} of memory",
            where=display_path(path),
            next_step="nothing that is written here is so dense: restore it, or have it written again",
        )
    return text


def read_lines(path: Path, error: type[PromptregError]) -> Iterator[str]:
    """The lines of :func:`read_text`, without their ends, one in memory at a time.

    :raises PromptregError: as it does.
    """
    number = 0
    try:
        _refuse_large(path, error, ROOM)
        refuse_endless(path)
        with path.open("rb") as file:
            for data in file:
                number += 1
                if len(data) > LONGEST_ROW:
                    raise error(
                        f"a line of {len(data) / 1e6:,.0f} MB is too long: at most {shown(LONGEST_ROW)} are read",
                        where=f"{display_path(path)}:{number}",
                        next_step="leave out what no prompt and no metric needs, or break it into several lines",
                    )
                lines = [data.removesuffix(b"\n").decode("utf-8-sig" if number == 1 else "utf-8")]
                if "\r" in lines[0]:  # at its end, or some end all their lines so
                    lines = lines[0].removesuffix("\r").split("\r")
                del data  # which may be most of the file
                number += len(lines) - 1
                lines.reverse()
                while lines:
                    yield lines.pop()
    except OSError as exc:
        raise _unreadable(path, exc, error) from exc
    except UnicodeDecodeError as exc:
        raise _no_utf8(path, number, exc, error) from exc


def _refuse_large(path: Path, error: type[PromptregError], room: int) -> None:
    size = path.stat().st_size
    if size > largest(room):
        raise error(
            f"a file of {size / 1e6:,.0f} MB is too large: at most {shown(largest(room))} are read",
            where=display_path(path),
            next_step="split it into several",
        )


def _unreadable(path: Path, exc: OSError, error: type[PromptregError]) -> PromptregError:
    return error(
        f"cannot be read: {exc.strerror}",
        where=display_path(path),
        next_step="see that it is a file, and that you may read it",
    )


def _no_utf8(path: Path, line: int, exc: UnicodeDecodeError, error: type[PromptregError]) -> PromptregError:
    return error(
        f"not UTF-8: byte 0x{exc.object[exc.start]:02x}",
        where=f"{display_path(path)}:{line}",
        next_step="save the file as UTF-8",
    )


def read_bytes(path: Path) -> bytes:
    """The bytes of a file.

    :raises OSError: when it cannot be read, or is a pipe or a device, which might never end.
    """
    refuse_endless(path)
    return path.read_bytes()


def refuse_endless(path: Path) -> None:
    """See that a path leads to a file.

    :raises OSError: when there is none, or it is a folder, a pipe or a device.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is a pipe or a device, and no file", str(path))


def own_folder(base: Path) -> Path:
    """This plugin's folder in ``base``, made when it is not there, which git does not see.

    :raises OSError: when it cannot be made.
    """
    folder = base / OWN_FOLDER
    folder.mkdir(exist_ok=True)
    ignored = folder / ".gitignore"
    if not ignored.exists():
        write_atomically(ignored, "*\n")  # an empty one would have git see all of it
    return folder
