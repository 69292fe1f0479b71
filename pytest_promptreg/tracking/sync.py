"""The command ``sync``: sends the records that wait in a spool, each once, however often it is run."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ConfigError, TrackingError
from ..files import display_path
from ..mlflow_store import TRACKING_VARIABLE, database_file
from ..mlflow_store.deadline import Deadline, within_deadline
from ..mlflow_store.faults import UnreachableError
from ..report.escape import one_line
from . import Receipt, spool

_TIMEOUT_S = 120.0


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="FOLDER",
        help="a spool, a folder that has one, or one record of it (default: the spool of the root folder)",
    )
    parser.add_argument("--rootdir", type=Path, default=Path(), help="pytest's root folder (default: the current one)")
    parser.add_argument("--list", action="store_true", help="say what waits, and send nothing")
    parser.add_argument("--tracking-uri", metavar="URI", help="send to this store, not to the one of the run")
    parser.add_argument("--experiment", metavar="NAME", help="send to this experiment, not to the one of the run")
    parser.add_argument(
        "--timeout", type=float, default=_TIMEOUT_S, metavar="S", help="seconds for each record (default: %(default)g)"
    )


def run(arguments: Namespace, say: Callable[[str], None]) -> int:
    """Run the command.

    :returns: the exit status: 0 when nothing is left to send.
    :raises ConfigError: for a folder that is not there.
    """
    folders = find(arguments.folders or [arguments.rootdir], named=bool(arguments.folders))
    if not folders:
        say("nothing waits to be sent")
        return 0
    if arguments.list:
        for folder in folders:
            say(_described(folder))
        return 1
    done = sync(
        folders,
        os.environ,
        say,
        timeout_s=arguments.timeout,
        uri=arguments.tracking_uri,
        experiment=arguments.experiment,
    )
    return 0 if done else 1


def find(places: Iterable[Path], *, named: bool) -> list[Path]:
    """The folders of the records that wait there, oldest first.

    :param named: whether a person named the places, so that each has to be there.
    :raises ConfigError: for a place that is not.
    """
    found: dict[Path, None] = {}
    for place in places:
        if not place.is_dir() and named:
            raise ConfigError(
                "there is no such folder",
                where=display_path(place),
                next_step="name the folder in which records wait, or leave it out for the one of this project",
            )
        if (place / spool.FILE).is_file():
            found[place] = None
        spool.clear_up(spool.spool_of(place))
        for inner in (place, place / "spool", spool.spool_of(place)):
            found.update(dict.fromkeys(spool.waiting(inner)))
    return sorted(found, key=lambda folder: folder.name)


def sync(
    folders: Sequence[Path],
    environ: Mapping[str, str],
    say: Callable[[str], None],
    *,
    timeout_s: float = _TIMEOUT_S,
    uri: str | None = None,
    experiment: str | None = None,
) -> bool:
    """Send what waits and say a line for each; what the store has already is not sent again.

    :param uri: a store to send to in place of the one that the record names.
    :param experiment: name of one to send to in place of the one that the record names.
    :returns: whether all of it is sent.
    """
    away: dict[str, TrackingError] = {}
    unsent = []
    for folder in folders:
        try:
            receipt = _send(folder, environ, timeout_s, uri, experiment, away)
        except TrackingError as exc:
            unsent.append(folder)
            say(f"left  {folder.name}: {_reason(exc)}{'' if uri else _elsewhere(folder, environ)}")
        else:
            say(f"sent  {folder.name}: {'; '.join(line.strip() for line in receipt.lines()[:2])}")
    return not any(folder.exists() for folder in unsent)  # what another process had in hand may be sent by now


def _send(
    folder: Path,
    environ: Mapping[str, str],
    timeout_s: float,
    uri: str | None,
    experiment: str | None,
    away: dict[str, TrackingError],
) -> Receipt:
    session = spool.load(folder)
    if not uri and not spool.was_written_here(folder) and not _is_named(session.settings.uri, environ):
        raise TrackingError(
            f"others can read its folder, so it was not written on this machine, and {TRACKING_VARIABLE} does not name "
            f"its store {session.settings.store.shown}",
            next_step="--tracking-uri URI sends it where you say",
        )
    settings = replace(spool.with_credentials(session.settings, environ), timeout_s=timeout_s)
    if uri:
        settings = replace(settings, uri=uri, artifact_root=_artifacts_beside(uri))
    if experiment:
        settings = replace(settings, experiment=experiment, experiment_id=None)
    if settings.uri in away:  # ten seconds for each record would add up
        raise away[settings.uri]
    session = replace(session, settings=settings)

    def work(deadline: Deadline) -> Receipt:
        from .client import send

        return send(session, deadline, again=True)

    try:
        return within_deadline(work, settings.store)
    except UnreachableError as exc:
        away[settings.uri] = exc
        raise


def _elsewhere(folder: Path, environ: Mapping[str, str]) -> str:
    """How a record gets to the store that the environment names now, where the run named another one."""
    named = environ.get(TRACKING_VARIABLE, "").strip()
    try:
        stored = spool.load(folder).settings
    except TrackingError:
        return ""
    if not named or spool.storable_uri(named) == stored.uri:
        return ""
    return f'; {TRACKING_VARIABLE} names another store now: --tracking-uri "${TRACKING_VARIABLE}" sends it there'


def _is_named(store: str, environ: Mapping[str, str]) -> bool:
    """Whether the environment names the store of a record."""
    named = environ.get(TRACKING_VARIABLE, "").strip()
    return bool(named) and spool.storable_uri(named) == store


def _artifacts_beside(uri: str) -> str | None:
    """Where a database's artifacts go: beside it. MLflow would put them into the working directory."""
    database = database_file(uri)
    return None if database is None else (database.absolute().parent / "mlruns").as_uri()


def _described(folder: Path) -> str:
    try:
        session = spool.load(folder)
    except TrackingError as exc:
        return f"{folder.name}: {_reason(exc)}"
    count = len(session.record.children)
    versions = f"{count} prompt version{'' if count == 1 else 's'}"
    return one_line(
        f"{folder.name}: {session.record.parent.name}, {versions}, {session.record.parent.status}, for "
        f"{session.settings.store.shown}"
    )


def _reason(exc: TrackingError) -> str:
    told = ": ".join(part for part in (exc.where, exc.what.removeprefix("MLflow: ")) if part)
    return one_line(f"{told}; {exc.next_step}" if exc.next_step else told)
