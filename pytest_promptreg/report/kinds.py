"""What kinds of change a version brought, in plain words: "9 outputs lost a number, 4 became refusals".

The signals have looked at every changed output already; here their findings become groups of cases, the most harmful
first. Every report says them by this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..judging.gates import Verdict
from ..results.outcome import CaseOutcome


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change.

    :param name: what it is known by in data: ``number lost``.
    :param many: what is said of several outputs, behind their number.
    :param one: what is said of a single one.
    """

    name: str
    many: str
    one: str


@dataclass(frozen=True, slots=True)
class Group:
    """The changed cases of one kind, in the order of the examples; a case may be in several groups."""

    kind: Kind
    cases: Sequence[CaseOutcome]

    @property
    def phrase(self) -> str:
        """``9 lost a number``."""
        return f"{len(self.cases)} {self.kind.one if len(self.cases) == 1 else self.kind.many}"

    @property
    def examples(self) -> list[str]:
        """The ids of its cases' examples, which are anybody's text."""
        return [case.example for case in self.cases]


def _kinds() -> Iterable[Kind]:
    """All there are, the most harmful first."""
    yield Kind("empty", "say nothing any more", "says nothing any more")
    yield Kind("no JSON", "are no JSON any more", "is no JSON any more")
    yield Kind("refusal", "became refusals", "became a refusal")
    yield Kind("answer", "answer what was refused", "answers what was refused")
    yield Kind("loop", "repeat themselves", "repeats itself")
    yield Kind("language", "are in another language", "is in another language")
    yield Kind("JSON shape", "have other JSON keys or types", "has other JSON keys or types")
    yield Kind("form", "came in another form", "came in another form")
    for thing, noun in (("number", "a number"), ("name", "a name"), ("address", "an address")):
        for done in ("changed", "lost", "gained"):
            yield Kind(f"{thing} {done}", f"{done} {noun}", f"{done} {noun}")
        if thing == "number":
            yield Kind("negation lost", "lost a negation", "lost a negation")
            yield Kind("negation gained", "gained a negation", "gained a negation")
    yield Kind("shorter", "shrank to less than a third", "shrank to less than a third")
    yield Kind("longer", "grew to more than three times the length", "grew to more than three times the length")
    yield Kind("order", "have the same words in another order", "has the same words in another order")
    yield Kind("symbol", "have other symbols", "has other symbols")
    yield Kind("other", "differ in other ways", "differs in other ways")
    yield Kind("reworded", "are reworded", "is reworded")


KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _kinds()}
_RANK = {name: rank for rank, name in enumerate(KINDS)}
_REWORDED = ("reworded",)


def _way(thing: str) -> Callable[[str], str]:
    """Whether something was lost, gained, or exchanged for another of its sort."""

    def kind(detail: str) -> str:
        done = "gained" if detail.startswith("gained ") else "changed" if "; gained " in detail else "lost"
        return f"{thing} {done}"

    return kind


# By signal, the kind that its finding is of; the detail, whose words are the signal's own, says which way it went.
_KIND_OF: Mapping[str, Callable[[str], str]] = {
    "nonempty": lambda _: "empty",
    "json_valid": lambda _: "no JSON",
    "json_shape": lambda detail: "no JSON" if detail.startswith("JSON -> ") else "JSON shape",
    "output_kind": lambda detail: "empty" if detail.endswith("-> nothing") else "form",
    "script": lambda _: "language",
    "repetition": lambda _: "loop",
    "refusal": lambda detail: "refusal" if detail.startswith("refuses") else "answer",
    "length_ratio": lambda detail: "longer" if " times as long" in detail else "shorter",
    "numbers": _way("number"),
    "negation": lambda detail: "negation gained" if " more negation" in detail else "negation lost",
    "entities": _way("name"),
    "urls": _way("address"),
    "symbols": lambda _: "symbol",
    "order": lambda _: "order",
}
# One fault that several signals see is told once, in the word that says most.
_SAYS_ALL = ("empty", "refusal")  # what else such an output lacks follows from it
_SAID_BY = {"JSON shape": "no JSON", "form": "no JSON", "symbol": "no JSON", "longer": "loop"}


def kinds_of(case: CaseOutcome) -> tuple[str, ...]:
    """The names of the kinds of change that a case is of, the most harmful first; none where nothing changed."""
    if not case.judged or case.verdict == Verdict.UNCHANGED:
        return ()
    found = {_KIND_OF[signal](detail) if signal in _KIND_OF else "other" for signal, detail in case.findings.items()}
    for name in _SAYS_ALL:
        if name in found:
            return (name,)
    told = [name for name in found if _SAID_BY.get(name) not in found]
    return tuple(sorted(told, key=_RANK.__getitem__)) or _REWORDED


def groups(cases: Iterable[CaseOutcome]) -> list[Group]:
    """The changed cases by kind, the most harmful kind first."""
    found: dict[str, list[CaseOutcome]] = {}
    for case in cases:
        for name in kinds_of(case):
            found.setdefault(name, []).append(case)
    return [Group(KINDS[name], found[name]) for name in KINDS if name in found]


def sentence(found: Sequence[Group]) -> str:
    """All groups in one line: ``9 outputs lost a number, 4 became refusals``; empty where there is none."""
    if not found:
        return ""
    count, rest = found[0].phrase.split(" ", 1)
    return ", ".join([f"{count} output{'' if count == '1' else 's'} {rest}", *(group.phrase for group in found[1:])])
