"""The command ``report``: the closing section of a run from its result file, without a call."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from ..concluding import Conclusion
from ..results import load
from .closing import say_conclusion


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a result file: of a run, a shard or a merge")
    parser.add_argument("--rootdir", type=Path, default=Path(), help="pytest's root folder (default: the current one)")


def run(arguments: Namespace, say: Callable[[str], None]) -> int:
    """Run the command.

    :returns: 0, whatever the run came to: what is asked for is the report.
    :raises ResultsError: when the file is no result file.
    """
    results = load(arguments.file, root=arguments.rootdir.absolute())
    say_conclusion(Conclusion(results.run), say)
    return 0
