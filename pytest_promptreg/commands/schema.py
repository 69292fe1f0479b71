"""The command ``schema``: the JSON Schema of suite files."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable


def add_arguments(parser: ArgumentParser) -> None:
    """It takes none."""


def run(_: Namespace, say: Callable[[str], None]) -> int:
    """Print it."""
    from ..suites.files.schema import schema

    say(json.dumps(schema(), indent=1, ensure_ascii=False))
    return 0
