"""The ini option ``promptreg_redact`` -> the rules of a run."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from typing import Any

from ..errors import ConfigError, did_you_mean, said
from .redactor import FunctionRule, PatternRule, Redactor, Rule

OPTION = "promptreg_redact"
WORDS = ("builtin", "off")
_WHERE = f"the ini option {OPTION}"
_PATTERN = re.compile(r"(?:(?P<name>[\w-]+)\s*=\s*)?/(?P<pattern>.*)/(?P<flags>[ims]*)")
_FUNCTION = re.compile(r"(?P<module>\w+(?:\.\w+)*):(?P<function>\w+(?:\.\w+)*)")
_FORMS = "a line is builtin, off, /regex/, name=/regex/ or package.module:function"


def read_rules(lines: Iterable[str]) -> Redactor:
    """The redactor that the lines ask for; without a line, secrets of a known shape are hidden.

    :raises ConfigError: for a line that is none of these, a pattern that is wrong or matches nothing at all, and a
        function that is not there.
    """
    said = [line.strip() for line in lines if line.strip()]
    if set(WORDS) <= set(said):
        raise ConfigError("it says both builtin and off", where=_WHERE, next_step="leave one of the two away")
    return Redactor(known="off" not in said, rules=[_rule(line) for line in said if line not in WORDS])


def names_function(line: str) -> bool:
    """Whether a line of the option names a function, to be imported and called."""
    return _PATTERN.fullmatch(line) is None and _FUNCTION.fullmatch(line) is not None


def _rule(line: str) -> Rule:
    if match := _PATTERN.fullmatch(line):
        return _pattern(match["name"] or "pattern", match["pattern"], match["flags"])
    if match := _FUNCTION.fullmatch(line):
        return FunctionRule(line, _function(line, match["module"], match["function"]))
    guess = did_you_mean(line, WORDS)
    raise ConfigError(f"{line!r} is no rule", where=_WHERE, next_step=guess if guess.startswith("did you") else _FORMS)


def _pattern(name: str, pattern: str, flags: str) -> PatternRule:
    import regex  # its patterns can be given a time limit

    try:
        compiled = regex.compile(f"(?{flags}){pattern}" if flags else pattern)
    except regex.error as exc:
        raise ConfigError(
            f"/{pattern}/ is no regular expression: {exc}",
            where=_WHERE,
            next_step="a backslash before a character takes it as it is: \\(, \\[, \\*",
        ) from exc
    if compiled.search(""):
        raise ConfigError(
            f"/{pattern}/ matches an empty text, and so everywhere",
            where=_WHERE,
            next_step="write it so that a match has at least one character: + in place of *",
        )
    return PatternRule(name, compiled)


def _function(line: str, module: str, path: str) -> Any:
    try:
        found: Any = importlib.import_module(module)
    except Exception as exc:
        raise ConfigError(
            f"{line}: importing {module} failed: {said(exc)}",
            where=_WHERE,
            next_step="it has to be found where pytest starts; with `pythonpath = .` in the ini file, beside that file",
        ) from exc
    for part in path.split("."):
        if not hasattr(found, part):
            known = [name for name in dir(found) if not name.startswith("_")]
            raise ConfigError(f"{line}: there is no {part!r}", where=_WHERE, next_step=did_you_mean(part, known))
        found = getattr(found, part)
    if not callable(found):
        raise ConfigError(f"{line} is not callable", where=_WHERE, next_step="it takes a function, str -> str")
    return found
