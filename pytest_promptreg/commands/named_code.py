"""Code that a shard's file names is run only where an ini file of the root folder names it too.

A shard's file is data: in CI it comes from a job that ran somebody's pull request. The ini options in it that name a
function or a class would otherwise have the merge import and call whatever that job wrote there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..embedders import is_own
from ..errors import ConfigError
from ..files import read_bytes
from ..redaction.rules import OPTION as REDACT
from ..redaction.rules import names_function

MODEL = "promptreg_embedding_model"
_INI_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


def refuse_unknown_code(ini: Mapping[str, Any], root: Path, shard: str) -> None:
    """See that the code which the options name is what the root folder's own ini file names.

    :param ini: the options, as a shard's file has them.
    :param shard: the file, for messages.
    :raises ConfigError: for code that none of the ini files names.
    """
    known: str | None = None
    for option, address in _addresses(ini):
        known = _texts(root) if known is None else known
        if address not in known:
            raise ConfigError(
                f"it sets {option} to {address}, which no ini file of the root folder names, so it is not run",
                where=shard,
                next_step="run the merge in the checkout's root folder, or give it as --rootdir",
            )


def _addresses(ini: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    lines = ini.get(REDACT) or ()
    for line in lines if isinstance(lines, list | tuple) else [lines]:
        if names_function(str(line).strip()):
            yield REDACT, str(line).strip()
    if is_own(model := str(ini.get(MODEL) or "").strip()):
        yield MODEL, model


def _texts(root: Path) -> str:
    texts = []
    for name in _INI_FILES:
        try:
            texts.append(read_bytes(root / name).decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(texts)
