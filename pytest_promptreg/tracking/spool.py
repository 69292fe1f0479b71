"""What is to be recorded, on disk before anything is sent: no outage and no killed process loses it.

``<rootdir>/.promptreg/spool/<session id>/session.json`` holds a run's record, artifacts included, and where it is to
go. It is removed when it has been sent. No user name, password or token of the store is ever in it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import typed
from ..atomic import hold, is_abandoned
from ..errors import TrackingError
from ..files import OWN_FOLDER, display_path, own_folder, read_json_text
from ..mlflow_store import TRACKING_VARIABLE, database_file
from ..redaction import without_user_info
from ..weight import LARGE_ROOM
from ..wire import OBJECT, Codec, Wire
from . import TrackingSettings
from .records import Record
from .traces.record import TraceRecord

FORMAT = 1
FILE = "session.json"
_UNFINISHED = ".unfinished-"
_LOCK = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}\.lock")
_COMMAND = "python -m pytest_promptreg sync"
_OF_MLFLOW = Codec(dict, OBJECT.decode)  # left as it is: predict may have set what is no text
_WIRE = Wire(
    special={Any: Codec(None, lambda value: value)},
    of_fields={(TraceRecord, "tags"): _OF_MLFLOW, (TraceRecord, "metadata"): _OF_MLFLOW},
)


@dataclass(frozen=True)
class Session:
    """A run's record with the id by which the store knows it.

    :param folder: where it is kept until it is sent; None where it could not be written.
    :param problem: why it could not.
    """

    id: str
    record: Record
    settings: TrackingSettings
    folder: Path | None = None
    problem: str = ""


def spool_of(rootdir: Path) -> Path:
    """Where the records of a project wait."""
    return rootdir / OWN_FOLDER / "spool"


def keep(record: Record, settings: TrackingSettings, rootdir: Path) -> Session:
    """The record with a new id, on disk where that is possible: what cannot be kept can still be sent."""
    session = Session(f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}", record, settings)
    try:
        return dataclasses.replace(session, folder=_write(session, rootdir))
    except (OSError, TypeError, ValueError) as exc:
        return dataclasses.replace(session, problem=getattr(exc, "strerror", None) or str(exc))


def _write(session: Session, rootdir: Path) -> Path:
    own_folder(rootdir)
    spool = spool_of(rootdir)
    spool.mkdir(mode=0o700, exist_ok=True)
    clear_up(spool)
    data = {
        "format": FORMAT,
        "session": session.id,
        "settings": _WIRE.encode(_storable(session.settings), TrackingSettings),
        "record": _WIRE.encode(session.record, Record),
    }
    text = json.dumps(data)  # ASCII: a lone surrogate in some name comes back as it was
    try:
        return _write_whole(spool, session.id, text)
    except FileNotFoundError:  # cleared up by another process, in the moment before it was known to be held
        return _write_whole(spool, session.id, text)


def _write_whole(spool: Path, name: str, text: str) -> Path:
    """Whole or not at all: into a folder with another name, flushed, then renamed."""
    unfinished = Path(tempfile.mkdtemp(dir=spool, prefix=_UNFINISHED))  # for this user only, as the spool is
    try:
        with (unfinished / FILE).open("xb") as file:
            hold(file)
            file.write(text.encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
        return unfinished.rename(spool / name)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def clear_up(spool: Path) -> None:
    """Remove what processes that were killed left unfinished, and locks on records that are gone."""
    with contextlib.suppress(OSError):
        for path in list(spool.iterdir()):
            if path.name.startswith(_UNFINISHED):
                if not (path / FILE).exists() or is_abandoned(path / FILE):
                    shutil.rmtree(path, ignore_errors=True)
            elif _LOCK.fullmatch(path.name) and not path.with_suffix("").exists():
                path.unlink(missing_ok=True)


def load(folder: Path) -> Session:
    """A record that waits.

    :raises TrackingError: when it cannot be read, is damaged, or was written by a newer version of this package.
    """
    where = display_path(folder / FILE)
    try:
        data = json.loads(read_json_text(folder / FILE, TrackingError, LARGE_ROOM))
        if data["format"] > FORMAT:
            raise TrackingError(
                f"it has format {data['format']}, and this version of pytest-promptreg reads up to {FORMAT}",
                where=where,
                next_step="pip install --upgrade pytest-promptreg",
            )
        settings = _WIRE.decode(data["settings"], TrackingSettings)
        return Session(str(data["session"]), _WIRE.decode(data["record"], Record), settings, folder)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise TrackingError("it is damaged", where=where, next_step=f"remove {display_path(folder)}") from exc


def was_written_here(folder: Path) -> bool:
    """Whether a record may have been written by a run on this machine: for its owner only, as git and archives do not.

    A record decides where it is sent, and what is sent there is sent with the credentials of the environment.
    """
    try:
        return os.name == "nt" or not folder.stat().st_mode & 0o077
    except OSError:
        return False


def remove(folder: Path) -> None:
    """Take a record that was sent out of the spool; one that stays is found to be sent already the next time."""
    with contextlib.suppress(OSError):
        sent = folder.rename(folder.with_name(f"{_UNFINISHED}{folder.name}"))
        shutil.rmtree(sent, ignore_errors=True)


def waiting(spool: Path) -> list[Path]:
    """The folders of the records that wait, oldest first."""
    try:
        return sorted(folder for folder in spool.iterdir() if folder.name[0] != "." and (folder / FILE).is_file())
    except OSError:
        return []


def command(rootdir: Path) -> str:
    """What sends the records that wait, typed in the working directory."""
    return _COMMAND if rootdir == Path.cwd() else f"{_COMMAND} --rootdir {typed.word(display_path(rootdir))}"


def _storable(settings: TrackingSettings) -> TrackingSettings:
    """The settings as they may lie on a disk, and as they are understood from any working directory."""
    return dataclasses.replace(settings, uri=storable_uri(settings.uri))


def storable_uri(uri: str) -> str:
    """The store's address as a record has it: public, and the same from any working directory."""
    uri = public_uri(uri)
    if (database := database_file(uri)) is not None:
        uri = f"{uri.partition(':///')[0]}:///{database.absolute().as_posix()}"
    return uri


def public_uri(uri: str) -> str:
    """The store's address without user, password and query, any of which may hold a secret."""
    return without_user_info(uri).partition("?")[0]


def with_credentials(settings: TrackingSettings, environ: Mapping[str, str]) -> TrackingSettings:
    """The settings with the whole address, where MLFLOW_TRACKING_URI in the environment names the same store."""
    uri = environ.get(TRACKING_VARIABLE, "").strip()
    return dataclasses.replace(settings, uri=uri) if uri and public_uri(uri) == settings.uri else settings
