"""Writes the pages of docs/reference: flags, ini options, a suite's arguments, Python names, commands.

Everything comes from where it is declared, and so from what ``pytest --help`` and editors say.

python docs/reference.py            # --check only compares, and exits with 1 where a page is not up to date
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest_promptreg
from pytest_promptreg import errors, plugin
from pytest_promptreg.__main__ import COMMANDS
from pytest_promptreg.options import INI_OPTIONS, add_options
from pytest_promptreg.suites.arguments import ARGUMENTS, Argument

FOLDER = Path(__file__).with_name("reference")
WRITTEN = "<!-- written by docs/reference.py: change what it reads, and run it -->\n"
KINDS = {"string": "text", "args": "words", "linelist": "lines"}
LONGEST_CALL = 100
_NAMES = re.compile(r"(?<!\w)--[a-z-]*[a-z]\b|\bpromptreg_[a-z_]+\b|\bMLFLOW_\w+|(?<!\w)\.?[\w/-]+\.(?:jsonl?|db|py)\b")
# Ini options, by the page that says more.
TOLD_IN = {
    "gates": ["promptreg_gates", "promptreg_versions"],
    "../metrics": [
        *("promptreg_metrics", "promptreg_signals", "promptreg_embedding_model", "promptreg_embedding_cache"),
        *("promptreg_rouge_tokens", "promptreg_bleu_tokens"),
    ],
    "../noise": ["promptreg_margin", "promptreg_undecided"],
    "../calls": [
        *("promptreg_concurrency", "promptreg_timeout", "promptreg_retries", "promptreg_rate"),
        "promptreg_baseline_samples",
    ],
    "../replay": ["promptreg_replay", "promptreg_replay_file", "promptreg_predict_version", "promptreg_prices"],
    "../mlflow": [
        *("promptreg_mlflow", "promptreg_mlflow_experiment", "promptreg_mlflow_level", "promptreg_mlflow_timeout"),
        *("promptreg_mlflow_required", "promptreg_mlflow_traces", "promptreg_registry_ttl"),
    ],
    "../ci": ["promptreg_github"],
    "../redaction": ["promptreg_redact"],
}
FIXTURES = ("promptreg", "promptreg_predict", "promptreg_executor")
# What the plugin does with a case, and how values travel between processes.
NOT_FOR_USERS = frozenset({"insist", "attach_predict", "take", "decide", "to_wire", "from_wire"})


class Declared:
    """Takes down what :func:`pytest_promptreg.options.add_options` declares, in a parser's place."""

    def __init__(self) -> None:
        self.flags: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def getgroup(self, *_: str) -> Declared:
        """There is one group."""
        return self

    def addoption(self, *names: str, **settings: Any) -> None:
        """A flag."""
        self.flags.append((names, settings))

    def addini(self, *_: Any, **__: Any) -> None:
        """An ini option: read from where it is declared."""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([coded(cell).replace("|", r"\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def coded(text: str) -> str:
    """A help text with flags, options and files marked as such, where it does not do so itself."""
    parts = text.split("`")
    parts[::2] = [_NAMES.sub(r"`\g<0>`", part) for part in parts[::2]]
    return "`".join(parts)


def flags() -> str:
    """The page of flags."""
    declared = Declared()
    add_options(declared)  # type: ignore[arg-type]
    rows = []
    for names, settings in declared.flags:
        value = settings.get("metavar") or "|".join(settings.get("choices", ()))
        shown = ", ".join(f"`{name} {value}`" if value else f"`{name}`" for name in names)
        rows.append([shown, settings["help"]])
    return f"""# Flags

What `pytest` takes besides its own. A flag that names a file or a version takes it with `=` as well:
`--promptreg-html=report.html`. Where a flag and an [ini option](options.md) say the same, the flag counts.

{table(["flag", "what it does"], rows)}
A baseline is written by `--promptreg-update`, `--promptreg-accept`, `--promptreg-rescore` and `--promptreg-prune`, and
by nothing else.
"""


def options() -> str:
    """The page of ini options."""
    pages = {name: page for page, names in TOLD_IN.items() for name in names}
    rows = [
        [f"`{name}`", KINDS[option.kind], option.meaning, option.default or "none", _more(pages[name])]
        for name, option in INI_OPTIONS.items()
    ]
    return f"""# Ini options

They stand in `pytest.ini` under `[pytest]`, in `pyproject.toml` under `[tool.pytest.ini_options]` (or, as TOML's own
values, under `[tool.pytest]`), in `tox.ini` or in `setup.cfg`, and `pytest -o NAME=VALUE` sets one for a run. *Words*
are separated by spaces, *lines* stand one on a line. A name that there is not, and a value that cannot be, are refused
before anything runs.

```ini
# pytest.ini
[pytest]
promptreg_gates =
    semantic >= 0.80
    pass_rate >= 0.95
promptreg_versions = v1 v2
promptreg_timeout = 60
```

{table(["option", "kind", "what it says", "default", "more"], rows)}"""


def _more(page: str) -> str:
    return f"[{page.rpartition('/')[2]}]({page}.md)"


def suite() -> str:
    """The page of the marker's arguments and of the fixtures."""
    rows = [
        [f"`{name}`" + (" (required)" if argument.required else ""), argument.meaning, _taken(argument)]
        for name, argument in ARGUMENTS.items()
    ]
    fixtures = "\n".join(
        f"### {name}\n\n{markdown(inspect.getdoc(inspect.unwrap(fixture_function(name))) or '')}" for name in FIXTURES
    )
    return f"""# A suite: marker and fixtures

A suite is a test function with the marker `promptreg`. It becomes a test for each prompt version and example,
`test_summarize[v2-ticket-017]`, beside whatever else parametrizes it.

## Arguments of the marker

`@pytest.mark.promptreg(prompts=..., examples=..., ...)`, on a function, a class or a module (`pytestmark`). Relative
paths start from the folder of the test module.

{table(["argument", "what it says", "what it takes"], rows)}
## Fixtures

{fixtures}"""


def _taken(argument: Argument) -> str:
    return f"{argument.takes}; in Python also {argument.in_python}" if argument.in_python else argument.takes


def fixture_function(name: str) -> Callable[..., Any]:
    """The function that stands behind a fixture of the plugin."""
    fixture = getattr(plugin, name)
    function: Callable[..., Any] = getattr(fixture, "_fixture_function", fixture)  # pytest has no public word for it
    return function


def python() -> str:
    """The page of the public Python names."""
    parts = []
    for name in sorted(pytest_promptreg.__all__, key=str.lower):
        value = getattr(pytest_promptreg, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            continue
        if inspect.isclass(value):
            parts.append(of_class(name, value))
        elif callable(value):
            parts.append(f"## {name}\n\n{signature(name, value)}{markdown(inspect.getdoc(value) or '')}")
    tree = [
        [f"`{kind.__name__}`", of, markdown(inspect.getdoc(kind) or "").split("\n\n")[0].strip()]
        for of, kind in exceptions(errors.PromptregError)
    ]
    return f"""# Python names

What `import pytest_promptreg` offers. Everything else in the package may change without notice.

{chr(10).join(parts)}
## Exceptions

All of them say what happened (`.what`), where (`.where`: `file:line`) and what to do next (`.next_step`). pytest shows
them as errors of its own, without a traceback. `PromptregError` and `MetricError` can be imported from
`pytest_promptreg`, the others from `pytest_promptreg.errors`.

{table(["exception", "is a", "what went wrong"], tree)}"""


def exceptions(kind: type[Exception]) -> Iterator[tuple[str, type[Exception]]]:
    """An exception and those below it, each with the name of what it is."""
    yield f"`{kind.__bases__[0].__name__}`", kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from exceptions(below)


def of_class(name: str, value: type) -> str:
    """The section of a class: what it is, how it is made, and what it has."""
    made = signature(name, value) if is_dataclass(value) or issubclass(value, tuple) else ""
    found = list(members(value))
    rows = [
        [f"`.{member}`", markdown(doc).split("\n\n")[0].replace("\n", " ").strip()]
        for member, function, doc in found
        if not inspect.isfunction(function)
    ]
    methods = [
        f"### {name}.{member}\n\n{signature(member, function)}{markdown(doc)}"
        for member, function, doc in found
        if inspect.isfunction(function)
    ]
    has = f"\n{table(['has', 'what it is'], rows)}" if rows else ""
    return "\n".join([f"## {name}\n\n{made}{markdown(inspect.getdoc(value) or '')}{has}", *methods])


def members(value: type) -> Iterator[tuple[str, Any, str]]:
    """The public methods and properties of a class: name, what it is, docstring."""
    for name, member in vars(value).items():
        function = member.__func__ if isinstance(member, classmethod) else member
        told = isinstance(function, property | cached_property) or inspect.isfunction(function)
        if told and not name.startswith("_") and name not in NOT_FOR_USERS:
            yield name, function, inspect.getdoc(function) or ""


def signature(name: str, value: Callable[..., Any]) -> str:
    """How it is called, as a block of Python."""
    said = inspect.signature(value)
    arguments: list[str] = []
    for argument in said.parameters.values():
        if argument.name in {"self", "cls"}:
            continue
        if argument.kind is argument.KEYWORD_ONLY and "*" not in arguments:
            arguments.append("*")
        arguments.append(_argument(argument))
    gives = "" if said.return_annotation in {"None", None, said.empty} else f" -> {said.return_annotation}"
    call = f"{name}({', '.join(arguments)}){gives}"
    if len(call) > LONGEST_CALL:
        call = f"{name}(\n{''.join(f'    {line},{chr(10)}' for line in arguments)}){gives}"
    return f'```python held-by="tests/test_docs.py"\n{call}\n```\n\n'


def _argument(argument: inspect.Parameter) -> str:
    annotation = getattr(argument.annotation, "__forward_arg__", argument.annotation)
    if argument.default is argument.empty:
        return f"{argument.name}: {annotation}"
    value = repr(argument.default)
    left_out = "{}" if value == "<factory>" else "..." if value.startswith("<") else value
    return f"{argument.name}: {annotation} = {left_out}"


_ROLE = re.compile(r":(?:class|func|meth|mod|attr):`~?(?:[\w.]*\.)?([\w]+)`")
_FIELD = re.compile(r"^:(?P<kind>param|returns|raises)(?: (?P<name>\w+))?: ?(?P<text>.*(?:\n[ ]+.*)*)", re.MULTILINE)


def markdown(doc: str) -> str:
    """A docstring as Markdown."""
    text = _ROLE.sub(r"`\1`", doc).replace("``", "`")
    fields = [(found["kind"], found["name"], " ".join(found["text"].split())) for found in _FIELD.finditer(text)]
    said = _FIELD.sub("", text).strip()
    items = [f"- {_item(kind, name, words)}" for kind, name, words in fields]
    return "\n\n".join(filter(None, [said, "\n".join(items)])) + "\n"


def _item(kind: str, name: str | None, words: str) -> str:
    if kind == "param":
        return f"`{name}`: {words}"
    return f"Gives {words}" if kind == "returns" else f"Raises `{name}` {words}"


def commands() -> str:
    """The page of commands."""
    parts = []
    for name, (purpose, module) in COMMANDS.items():
        parser = argparse.ArgumentParser(add_help=False)
        importlib.import_module(f"pytest_promptreg.{module}").add_arguments(parser)
        rows = [
            [", ".join(f"`{word}`" for word in _words(action)), _filled(action)]
            for action in parser._actions  # argparse has no public word for what was added
        ]
        takes = f"\n{table(['argument', 'what it says'], rows)}" if rows else ""
        parts.append(f"## {name}\n\n{purpose[0].upper()}{purpose[1:]}.\n{takes}")
    return f"""# Commands

What is done outside of a pytest run: `python -m pytest_promptreg COMMAND`. `--help` behind a command says the same, and
`--version` in place of one says which version this is. See [exit statuses](exit_statuses.md).

{chr(10).join(parts)}"""


def _words(action: argparse.Action) -> list[str]:
    if not action.option_strings:
        return [str(action.metavar) + {"+": "...", "*": "..."}.get(str(action.nargs), "")]
    value = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 else ""
    return [f"{word}{value}" for word in action.option_strings]


def _filled(action: argparse.Action) -> str:
    return re.sub(r"%\((\w+)\)\w", lambda found: f"{getattr(action, found[1]):g}", action.help or "")


PAGES: dict[str, Callable[[], str]] = {
    "flags": flags,
    "options": options,
    "suite": suite,
    "python": python,
    "commands": commands,
}


def text_of(page: str) -> str:
    """The whole text of a page."""
    title, _, rest = PAGES[page]().partition("\n")
    return f"{title}\n\n{WRITTEN}{rest.rstrip()}\n"


def main() -> int:
    """Write the pages, or say whether they are up to date."""
    stale = 0
    for page in PAGES:
        file, text = FOLDER / f"{page}.md", text_of(page)
        if "--check" in sys.argv[1:]:
            stale |= not file.is_file() or file.read_text(encoding="utf-8") != text
        else:
            file.write_text(text, encoding="utf-8")
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
