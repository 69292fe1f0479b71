"""The command ``report``: the closing section of a run from its result file, and its reports, without a call."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from ..errors import ResultsError
from ..files import display_path
from ..report.files import leave, make_way
from ..results.file import Results, load
from ..results.leaving import merge_command, what_is_left
from ..results.origin import Origin
from ..results.shards import Part
from ..session.concluding import Conclusion
from .closing import say_conclusion
from .reports import add_report_arguments, report_paths


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a result file: of a run, a shard or a merge")
    parser.add_argument("--rootdir", type=Path, default=Path(), help="pytest's root folder (default: the current one)")
    add_report_arguments(parser)


def run(arguments: Namespace, say: Callable[[str], None]) -> int:
    """Run the command.

    :returns: 0, whatever the run came to: what is asked for is the report; 1 where that could not be written.
    :raises PromptregError: when the file is no result file, or a report may not be written where it was asked for.
    """
    results = load(arguments.file, root=arguments.rootdir.absolute())
    paths = report_paths(arguments)
    if paths and results.part is not None:
        raise ResultsError(
            "this is one shard's file, and a part has no verdict: only the terminal tells of it",
            where=display_path(arguments.file),
            next_step="merge the shards with the same arguments: python -m pytest_promptreg merge FILE...",
        )
    make_way(paths)
    notes = _of_shard(results, arguments.file.absolute())
    conclusion = Conclusion(results.run, notes=notes, origin=_origin(results))
    leave(conclusion, paths)
    say_conclusion(conclusion, say)
    return int(conclusion.fatal)


def _origin(results: Results) -> Origin:
    """Where the run comes from, as far as a file says: that of a shard does."""
    part = results.part or {}
    return Origin(str(part.get("command") or ""), str(part.get("commit") or ""))


def _of_shard(results: Results, path: Path) -> list[str]:
    """What a person must know of a shard's file, whose counts are a part's: that it is one, and who judges the rest."""
    if results.part is None:
        return []
    part = Part.from_wire(results.part, display_path(path))
    rest = "the merge stores what it made" if results.run.refreshed else "suite gates are judged by the merge"
    return [
        what_is_left(results.run, part.shard, len(part.cases)),
        f"this is shard {part.index} of {part.count} and not the run; {rest}: {merge_command(path, part.shard)}",
    ]
