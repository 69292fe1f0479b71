"""``python -m pytest_promptreg COMMAND``: what is done outside a pytest run."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from . import __version__
from .errors import PromptregError

# By command: what it does, and the module that has its add_arguments(parser) and run(arguments, say).
COMMANDS = {
    "merge": ("merge the result files of all shards into one verdict, one report and one record", "commands.merge"),
    "report": ("show a run from its result file, in the terminal or as a web page, without a call", "commands.report"),
    "compare": ("say what one run does better and worse than another, from their result files", "commands.compare"),
    "import-promptfoo": (
        "make a suite file of promptfoo's configuration, and say what it lost",
        "promptfoo.command",
    ),
    "schema": ("print the JSON Schema of suite files, by which an editor completes and checks them", "commands.schema"),
    "sync": ("send the records of runs that could not be sent to MLflow", "tracking.sync"),
    "replay": ("show the recorded outputs, or remove those that nobody needs", "replay.command"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    :returns: its exit status; 2 for a mistake in how it was called.
    """
    parser = argparse.ArgumentParser(prog="python -m pytest_promptreg", description="Prompt regression testing.")
    parser.add_argument("--version", action="version", version=f"pytest-promptreg {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, (purpose, module) in COMMANDS.items():
        room = importlib.import_module(f".{module}", __package__)
        command = commands.add_parser(name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}.")
        room.add_arguments(command)
        command.set_defaults(run=room.run)
    given = parser.parse_args(arguments)
    if given.command is None:
        parser.print_help()
        return 0
    try:
        return int(given.run(given, _say))
    except PromptregError as exc:
        sys.stderr.write(f"error: {exc}\n")
        return 2
    except BrokenPipeError:  # whoever read it has read enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:  # what was not sent is still there
        return 130


def _say(line: str) -> None:
    """A line for the terminal, whatever characters that knows."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
