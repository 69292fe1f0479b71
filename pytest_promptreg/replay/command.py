"""The command ``replay``: what is recorded, and what of it can go."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ..errors import ConfigError
from ..files import OWN_FOLDER, display_path
from ..report.escape import one_line
from . import FILE
from .line import Record
from .store import Store, shown_size


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="the file of recorded outputs, where promptreg_replay_file names one (default: that of the root folder)",
    )
    parser.add_argument("--rootdir", type=Path, default=Path(), help="pytest's root folder (default: the current one)")
    parser.add_argument(
        "--prune",
        action="store_true",
        help="remove damaged lines, outputs that were recorded again, and those whose test module is gone; sort the "
        "rest",
    )


def run(arguments: Namespace, say: Callable[[str], None]) -> int:
    """Run the command.

    :returns: the exit status: 1 when the file has damaged lines, and they were not removed.
    :raises ConfigError: for a file that is not there, or a root folder that has none of the test modules.
    :raises ReplayError: when the file cannot be read or written.
    """
    path = arguments.file or arguments.rootdir / OWN_FOLDER / FILE
    if not path.is_file():
        if arguments.file:
            raise ConfigError(
                "there is no such file",
                where=display_path(path),
                next_step="outputs are recorded by: pytest --promptreg-replay=reuse",
            )
        say(f"nothing is recorded: there is no {display_path(path)}")
        return 0
    with Store(path) as store:
        return _prune(store, arguments.rootdir, say) if arguments.prune else _show(store, arguments.rootdir, say)


def _show(store: Store, rootdir: Path, say: Callable[[str], None]) -> int:
    counts = Counter(record.suite for record in store.records())
    say(f"{display_path(store.path)}: {_outputs(len(store))}, {shown_size(store.size)}")
    for suite, count in sorted(counts.items()):
        gone = "" if _is_there(suite, rootdir) else "   (its test module is not there)"
        say(f"  {one_line(suite)}: {_outputs(count)}{gone}")
    if store.superseded:
        say(f"  {store.superseded} more that have been recorded again since")
    if store.notice:
        say(one_line(store.notice, 400))
    return 1 if store.notice else 0


def _prune(store: Store, rootdir: Path, say: Callable[[str], None]) -> int:
    suites = {record.suite for record in store.records()}
    gone = {suite for suite in suites if not _is_there(suite, rootdir)}
    if suites and gone == suites:
        raise ConfigError(
            f"none of the test modules is there ({one_line(min(suites))}), so everything would be removed",
            where=display_path(rootdir.absolute()),
            next_step="run it in pytest's root folder, or name that with --rootdir; to remove everything, delete "
            f"{display_path(store.path)}",
        )

    def is_gone(record: Record) -> bool:
        return record.suite in gone

    done = store.prune(is_gone)
    say(
        f"{display_path(store.path)}: {_outputs(done.kept)} kept; removed: {done.gone} of test modules that are gone, "
        f"{done.superseded} recorded again since, {done.damaged} damaged; "
        f"{shown_size(done.size_before)} -> {shown_size(done.size)}"
    )
    return 0


def _is_there(suite: str, rootdir: Path) -> bool:
    """Whether a suite's test module is there; a name that can be no file's is not."""
    try:
        return (rootdir / suite.partition("::")[0]).is_file()
    except (OSError, ValueError):
        return False


def _outputs(count: int) -> str:
    return f"{count} recorded output{'' if count == 1 else 's'}"
