"""The arguments by which a command leaves reports: ``--markdown PATH``, as pytest's flags do."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..report.files import REPORT_FILES


def add_report_arguments(parser: ArgumentParser) -> None:
    """An argument for each kind of file."""
    for name, report in REPORT_FILES.items():
        parser.add_argument(f"--{name}", type=Path, metavar="PATH", help=f"write {report.file.noun}")


def report_paths(arguments: Namespace) -> dict[str, Path]:
    """The files that are asked for, by the name of their kind."""
    given = {name: getattr(arguments, name) for name in REPORT_FILES}
    return {name: path.absolute() for name, path in given.items() if path is not None}
