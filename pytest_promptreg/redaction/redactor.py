"""The rules of a run, applied to texts and to values of any depth."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import RedactionError
from .known import placeholder, without_known_secrets

if TYPE_CHECKING:
    from regex import Pattern

PATTERN_S = 2.0  # that one pattern may take for one text
_PLACEHOLDER = re.compile(r"\[redacted:[\w-]+\]")


@dataclass(frozen=True, slots=True)
class PatternRule:
    """A regular expression of the user's: what it matches is replaced.

    :param name: what is said in place of a match.
    """

    name: str
    pattern: Pattern[str]

    def __call__(self, text: str) -> str:
        """``text`` with every match replaced, but for what stands inside of a replacement already.

        :raises RedactionError: when the pattern takes too long for it.
        """
        made = [match.span() for match in _PLACEHOLDER.finditer(text)] if "[redacted:" in text else []

        def replaced(match: Any) -> str:
            start, end = match.span()
            is_made = any(first <= start and end <= last for first, last in made)
            return match[0] if is_made or start == end else placeholder(self.name)

        try:
            return str(self.pattern.sub(replaced, text, timeout=PATTERN_S))
        except TimeoutError:
            raise _failed(
                f"the pattern {self.name!r} took more than {PATTERN_S:g} s for a text of {len(text)} characters",
                "write it without nested repetitions, such as (a+)+",
            ) from None


@dataclass(frozen=True, slots=True)
class FunctionRule:
    """A function of the user's, ``str -> str``.

    :param name: ``module:function``.
    """

    name: str
    function: Callable[[str], object]

    def __call__(self, text: str) -> str:
        """What the function makes of ``text``.

        :raises RedactionError: when it fails, gives no text, or would change once more what it made.
        """
        said = self._asked(text)
        if said != text and self._asked(said) != said:
            raise _failed(
                f"{self.name} changes its own result when it is given that",
                "what it puts in place of something, it has to leave as it is: a text may pass it more than once",
            )
        return said

    def _asked(self, text: str) -> str:
        try:
            said = self.function(text)
        except Exception as exc:  # what it says may quote the text
            raise _failed(f"{self.name} raised {type(exc).__name__}", f"try it: {self.name}") from None
        if not isinstance(said, str):
            raise _failed(f"{self.name} gave {type(said).__name__} and no text", "return the text in any case")
        return said


Rule = PatternRule | FunctionRule


class Redactor:
    """Hides what must not be stored, shown or sent.

    What it has hidden it leaves as it is: a text may be redacted any number of times.

    :param known: whether secrets of a known shape are hidden.
    :param rules: the user's own, in order; they see what is left.
    """

    def __init__(self, *, known: bool = True, rules: Sequence[Rule] = ()) -> None:
        self._known = known
        self._rules = tuple(rules)

    @property
    def is_slow(self) -> bool:
        """Whether it may take longer than some microseconds for a text."""
        return bool(self._rules)

    @property
    def hides_nothing(self) -> bool:
        """Whether it is switched off."""
        return not self._known and not self._rules

    def text(self, said: str) -> str:
        """``said`` redacted; the same object where nothing is to be hidden.

        :raises RedactionError: when a rule of the user's fails: the text must then not be kept.
        """
        if self._known:
            said = without_known_secrets(said)
        for rule in self._rules:
            said = rule(said)
        return said

    def message(self, said: str) -> str:
        """``said`` redacted; withheld where a rule fails: that something went wrong is told in any case."""
        try:
            return self.text(said)
        except RedactionError as exc:
            return f"(withheld, for it could not be redacted: {exc.what})"

    def value(self, value: Any) -> Any:
        """``value`` with every text in it redacted, at any depth; the same object where nothing is to be hidden.

        Texts that name something are redacted as well.

        :raises RedactionError: when a rule of the user's fails.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            entries = [(self.value(name), self.value(item)) for name, item in value.items()]
            same = all(name is of[0] and item is of[1] for (name, item), of in zip(entries, value.items(), strict=True))
            return value if same else dict(entries)
        if isinstance(value, list | tuple):
            items = [self.value(item) for item in value]
            if all(map(operator.is_, items, value)):
                return value
            return items if isinstance(value, list) else tuple(items)
        return value


def is_redacted(text: str) -> bool:
    """Whether something in ``text`` was replaced."""
    return "[redacted:" in text and _PLACEHOLDER.search(text) is not None


def _failed(what: str, next_step: str) -> RedactionError:
    return RedactionError(what, where="the ini option promptreg_redact", next_step=next_step)
