"""The command ``import-promptfoo``: a promptfoo configuration becomes a suite file."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from .. import typed
from ..errors import ConfigError
from ..files import display_path
from ..inputs.templates import missing_variable
from ..model import PromptVersion
from ..new_files import write_new
from ..suites.files.reading import PREFIX, is_name
from ..suites.samples import MOST
from ..text import slug
from .leftovers import NOTHING_LIKE_IT, Leftovers
from .parts import Part, load
from .prompts import read_prompts
from .providers import Provider, read_providers
from .tests import Row, read_rows
from .writing import prompt_file, rows_file, suite_file

COMMAND = "import-promptfoo"
FOLDER = "evals"

_READ = frozenset({"description", "prompts", "providers", "targets", "tests", "defaultTest", "evaluateOptions"})
_SILENT = frozenset({"$schema"})
_WHY = {
    "scenarios": "write their rows among tests",
    "env": "set them where pytest runs; a key belongs in no file",
    "outputPath": "pytest --promptreg-html PATH, --promptreg-markdown, --promptreg-results",
    "redteam": "another trade than regression testing",
    "maxConcurrency": "the ini option promptreg_concurrency",
    "delay": "the ini option promptreg_rate",
    "cache": "pytest --promptreg-replay=reuse",
    "timeoutMs": "the ini option promptreg_timeout",
}


def add_arguments(parser: ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("file", type=Path, metavar="CONFIG", help="promptfooconfig.yaml, or its like in YAML or JSON")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(FOLDER), metavar="FOLDER", help=f"where to write (default: {FOLDER})"
    )


def run(arguments: Namespace, say: Callable[[str], None]) -> int:
    """Write the suite file, its prompts and its rows, and say what was left out.

    :raises PromptregError: when the configuration cannot be read, has no prompt, or a file would be overwritten; then
        nothing is written.
    """
    config = load(arguments.file)
    if not isinstance(config.value, Mapping) or not {"prompts", "providers", "tests"} & config.value.keys():
        raise ConfigError(
            "this is no configuration of promptfoo's: it has no prompts",
            where=config.where,
            next_step="name the file that has prompts: and tests:",
        )
    leftovers = Leftovers()
    versions = read_prompts(config.get("prompts"), leftovers)
    if not versions:
        raise ConfigError(
            "\n  ".join(["there is no prompt that can be taken", *leftovers.lines()]),
            where=config.where,
            next_step="write the prompts as texts or text files, then import again",
        )
    providers = read_providers(config.get("providers") or config.get("targets"), leftovers)
    rows = read_rows(config.get("tests"), config.get("defaultTest"), leftovers)
    if not rows:
        raise ConfigError(
            "\n  ".join(["there is no test that can be taken", *leftovers.lines()]),
            where=config.where,
            next_step="write the tests with vars, or as CSV, JSON or YAML, then import again",
        )
    _fill_gaps(rows, versions, leftovers)
    samples = _options(config, leftovers)
    name = _name(arguments.file)
    suites = _suites(name, providers)
    folder: Path = arguments.output
    suite = folder / f"{PREFIX}{name}.yaml"
    description = config.get("description")
    files = {
        suite: suite_file(
            suites,
            source=display_path(arguments.file),
            description=str(description.value) if description is not None else "",
            rows=f"{name}.jsonl",
            samples=samples,
            leftovers=list(leftovers.lines()),
        ),
        folder / f"{name}.jsonl": rows_file(rows),
    }
    for suite_name, provider in suites.items():
        for version in versions:
            of_provider = provider.config if provider is not None else {}
            label, text = prompt_file(version, {**of_provider, **version.model_config})
            files[folder / "prompts" / suite_name / label] = text
    write_new(files, COMMAND, f"name another folder: python -m pytest_promptreg {COMMAND} CONFIG -o FOLDER")
    _tell(say, list(files), leftovers, has_predict=bool(providers))
    return 0


def _tell(say: Callable[[str], None], files: list[Path], leftovers: Leftovers, *, has_predict: bool) -> None:
    suite = files[0]
    for path in files:
        say(f"written: {display_path(path)}")
    if leftovers:
        say("left out, or otherwise than there (the suite file says it too):")
    for line in leftovers.lines():
        say(f"  {line}")
    if not has_predict:
        say(f"first: say in {display_path(suite)} what is under test (predict:), for no provider has a counterpart")
    say("what v1 says becomes the baseline, and without the flag every version is compared with it")
    say(f"next: pytest {typed.word(display_path(suite))} --promptreg-update")


def _suites(name: str, providers: list[Provider]) -> dict[str, Provider | None]:
    """By the name of the suite, what is under test: a suite for each provider."""
    if len(providers) < 2:
        return {name: providers[0] if providers else None}
    found: dict[str, Provider | None] = {}
    for provider in providers:
        base = f"{name}-{_words(provider.name)}"[:90]
        taken = {other.casefold() for other in found}
        options = [base, *(f"{base}-{number}" for number in range(2, len(providers) + 1))]
        found[next(option for option in options if option.casefold() not in taken)] = provider
    return found


def _words(text: str) -> str:
    """What of a text can stand in a suite's name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", slug(text)).strip("-")


def _name(path: Path) -> str:
    """What the suite is called: as the file, where that is not what promptfoo calls every one; else as its folder."""
    stem = path.stem.removeprefix("promptfooconfig").strip(".-_") or path.absolute().parent.name
    name = _words(stem)[:60]
    return name if is_name(name) else f"suite-{name}".rstrip("-")


def _options(config: Part, leftovers: Leftovers) -> int:
    """The number of samples; what else is said is noted."""
    samples = 1
    for name, part in config.items():
        if name not in _READ | _SILENT:
            leftovers.add(part.where, name, _WHY.get(name, NOTHING_LIKE_IT))
    options = config.get("evaluateOptions")
    for name, part in options.items() if options is not None else ():
        if name == "repeat" and type(part.value) is int and 1 <= part.value <= MOST:
            samples = part.value
        else:
            leftovers.add(part.where, name, _WHY.get(name, NOTHING_LIKE_IT))
    return samples


def _fill_gaps(rows: Iterable[Row], versions: Iterable[PromptVersion], leftovers: Leftovers) -> None:
    """A variable that a row lacks is empty there, and refused here: it is written out as empty."""
    for row in rows:
        for version in versions:
            gaps = 0
            while gaps < 100 and (name := missing_variable(version, row.inputs)) and name not in row.inputs:
                row.inputs[name] = ""
                gaps += 1
                leftovers.add(row.where, f"no {name} in a test", f"prompt {version.label} uses it: it is empty")
