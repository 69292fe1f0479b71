"""Files that must not be there yet: all of them are written, or none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .errors import ConfigError
from .files import display_path


def write_new(files: Mapping[Path, str], who: str, next_step: str) -> None:
    """Write files, by path, and the folders that they lie in.

    :param who: what writes them, for messages: a flag or a command.
    :raises ConfigError: when one of them is there already, or cannot be written.
    """
    there = next((path for path in files if os.path.lexists(path)), None)
    if there is not None:
        raise ConfigError(
            f"{who} overwrites nothing, and there is one already", where=display_path(there), next_step=next_step
        )
    written: list[Path] = []
    at = Path()
    try:
        for at, text in files.items():
            at.parent.mkdir(parents=True, exist_ok=True)
            with at.open("x", encoding="utf-8", newline="\n") as file:
                written.append(at)
                file.write(text)
    except OSError as exc:
        for path in written:
            with suppress(OSError):
                path.unlink()
        raise ConfigError(f"{who} cannot write: {exc.strerror}", where=display_path(at), next_step=next_step) from exc
