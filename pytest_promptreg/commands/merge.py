"""The command ``merge``: the result files of all shards -> one verdict, one report, one MLflow record."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import typed
from ..files import expand
from ..report.annotations import commands
from ..report.files import make_way
from ..results.file import FILE
from ..results.merging import Merging, ShardResults, read_shards
from ..settings import LIST_OPTIONS, Settings, read_settings
from .closing import failed_cases, say_conclusion
from .named_code import refuse_unknown_code
from .reports import add_report_arguments, report_paths

_OF_NO_SHARD = ("promptreg_prune", "promptreg_rescore")


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="the result files of all shards")
    parser.add_argument("--rootdir", type=Path, default=Path(), help="pytest's root folder (default: the current one)")
    parser.add_argument(
        "--mlflow",
        action=BooleanOptionalAction,
        default=None,
        help="record the run in MLflow, or not (default: as the shards' flags and ini file, and MLFLOW_TRACKING_URI)",
    )
    parser.add_argument("--register", action="store_true", help="as pytest --promptreg-register")
    parser.add_argument("--promote", metavar="ALIAS", help="as pytest --promptreg-promote")
    parser.add_argument("--results", type=Path, metavar="PATH", help="write the merged outcome as JSON")
    add_report_arguments(parser)


def _named(path: Path) -> list[Path]:
    """The files that a pattern names: the shells of Windows hand it on as it is."""
    return [path] if path.exists() else expand(path, Path()) or [path]


def run(arguments: Namespace, say: Callable[[str], None]) -> int:
    """Run the command.

    :returns: the exit status of the whole run: 0 when everything passed, else 1.
    :raises PromptregError: when the files are not those of one run, or the merged one may not be written there.
    """
    root = arguments.rootdir.absolute()
    if arguments.results is not None:
        FILE.refuse_others(arguments.results)
    make_way(report_paths(arguments), [] if arguments.results is None else [(FILE, arguments.results)])
    shards = read_shards([path for named in arguments.files for path in _named(named)], root)
    merging = Merging(_settings(shards[0], arguments, root), shards)
    conclusion = merging.merge()
    say_conclusion(conclusion, say)
    if merging.settings.annotated is not None:
        for line in commands(conclusion, merging.settings.annotated):
            say(line)
    outcome = conclusion.run
    ran = sum(len(version.cases) for suite in outcome.suites for version in suite.versions)
    failed = len(failed_cases(outcome))
    passed = not conclusion.fails_run and not failed and all(shard.part.exit_passed for shard in shards)
    missed = len(conclusion.missed_gates)
    gates = f", {missed} suite gate{'' if missed == 1 else 's'} missed" if missed else ""
    say(
        f"merged {len(shards)} of {shards[0].part.count} shards: {ran} cases, {failed} failed{gates}: "
        f"{'passed' if passed else 'FAILED'}"
    )
    return 0 if passed else 1


def _settings(shard: ShardResults, arguments: Namespace, root: Path) -> Settings:
    """What the shards were told, but for what makes one a shard; and what this command was told."""
    flags: dict[str, Any] = {
        **shard.part.flags,
        **dict.fromkeys(_OF_NO_SHARD, False),  # no shard runs with these, and what says so removes files
        "promptreg_shard": None,
        "promptreg_results": arguments.results,
        "promptreg_register": arguments.register,
        "promptreg_promote": arguments.promote,
        **{f"promptreg_{name}": path for name, path in report_paths(arguments).items()},
    }
    if arguments.mlflow is not None:
        flags["promptreg_mlflow"] = arguments.mlflow
    ini = shard.part.ini
    refuse_unknown_code(ini, root, shard.name)
    return read_settings(
        flags.get,
        lambda name: ini.get(name, [] if name in LIST_OPTIONS else ""),
        rootdir=root,
        invocation=typed.command(["python", "-m", "pytest_promptreg", *sys.argv[1:]]),
        environ=os.environ,
    )
