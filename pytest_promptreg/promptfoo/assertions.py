"""promptfoo's assertions -> what a row expects: a reference, and gates on how far from it an output may fall.

There an output passes or fails by itself; here it is compared with the one that was accepted. So what an assertion
becomes is a gate on losing what the accepted output had: ``contains: Paris`` is the reference ``Paris`` and
``drop(token_recall) <= 0``, which an output breaches that lacks the word where the accepted one has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .leftovers import Leftovers

_WORDS = "drop(token_recall) <= 0"
# By type: the gate, and how near the reference is to a whole expected answer; of several, the nearest is taken.
_GATES = {
    "equals": ("drop(exact) <= 0", 0),
    "similar": ("drop(semantic) <= 0.1", 1),
    "rouge-n": ("drop(rouge_l) <= 0.1", 1),
    "rouge-l": ("drop(rouge_l) <= 0.1", 1),
    "bleu": ("drop(bleu) <= 10", 1),
    "contains": (_WORDS, 2),
    "icontains": (_WORDS, 2),
    "contains-all": (_WORDS, 2),
    "icontains-all": (_WORDS, 2),
}
_TEXTS = 2  # how near those are whose texts are put together
_JSON = frozenset({"is-json", "contains-json"})
_WHY = {
    "llm-rubric": "a judge is a metric of your own here: see docs/metrics.md",
    "model-graded-closedqa": "a judge is a metric of your own here: see docs/metrics.md",
    "factuality": "a judge is a metric of your own here: see docs/metrics.md",
    "answer-relevance": "a judge is a metric of your own here: see docs/metrics.md",
    "g-eval": "a judge is a metric of your own here: see docs/metrics.md",
    "javascript": "write it as a metric in Python, and name it as module:function under metrics:",
    "python": "write it as a metric, and name it as module:function under metrics:",
    "webhook": "write it as a metric in Python, and name it as module:function under metrics:",
    "regex": "a pattern is no gate here: assert it in a Python suite, or write it as a metric",
    "cost": "a run's cost is limited by --promptreg-max-cost, and told in every report",
    "latency": "told in every report, and no gate",
}
_OTHERWISE = "no gate of this kind: assert it in a Python suite, or write it as a metric"
_REST = {
    "threshold": "an absolute number; here the gate is on what is lost against the accepted output",
    "weight": "gates have no weights; a share of cases is pass_rate >= 0.9",
    "metric": "a name for reports",
    "provider": "metrics are computed here, by promptreg_embedding_model",
    "transform": "outputs are taken as they are: do it in predict",
    "rubricPrompt": "a judge is a metric of your own here: see docs/metrics.md",
}
_JSON_ANYWAY = "nothing to write: what was JSON and is none any more, or of another shape, breaches without a gate"
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
CELL = re.compile(r"(?P<kind>(?:not-)?[a-z][a-z-]*)(?:\((?P<threshold>[\d.]+)\))?:(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Assertion:
    """One assertion.

    :param where: ``file:line``.
    :param rest: what else was said, by name.
    """

    kind: str
    value: Any
    where: str
    rest: Mapping[str, Any]


def from_cell(text: str, where: str) -> Assertion:
    """What a cell of ``__expected`` says: ``contains: Paris``, ``similar(0.8): ...``, or the whole answer."""
    text = text.strip()
    match = CELL.fullmatch(text)
    known = {*_GATES, *_JSON, *_WHY, "fn", "eval", "grade", "starts-with", "levenshtein", "contains-any"}
    if match and match["kind"].removeprefix("not-") in known:
        kind = {"fn": "javascript", "eval": "javascript", "grade": "llm-rubric"}.get(match["kind"], match["kind"])
        value: Any = match["value"].strip()
        if kind.endswith("-all"):
            value = [part.strip() for part in value.split(",")]
        return Assertion(kind, value, where, {"threshold": match["threshold"]} if match["threshold"] else {})
    if text.removeprefix("not-") in _JSON:
        return Assertion(text, None, where, {})
    return Assertion("equals", text, where, {})


def expected(
    assertions: Iterable[Assertion], variables: Mapping[str, Any], leftovers: Leftovers
) -> tuple[Any, list[str]]:
    """A row's reference and its gates.

    :param variables: that assertions may name.
    """
    found: list[tuple[int, str, Any, Assertion]] = []
    for assertion in assertions:
        value = _filled(assertion.value, variables)
        for name in assertion.rest:
            leftovers.add(
                assertion.where, f"{name} of {assertion.kind}", _REST.get(name, "there is nothing like it here")
            )
        if assertion.kind in _JSON and value is None:
            leftovers.add(
                assertion.where, assertion.kind, "nothing to write: JSON that is none any more breaches anyway"
            )
        elif assertion.kind in _GATES and _is_text(value):
            gate, rank = _GATES[assertion.kind]
            found.append((rank, gate, "\n".join(map(str, value)) if isinstance(value, list) else value, assertion))
        else:
            why = _WHY.get(assertion.kind, _OTHERWISE)
            leftovers.add(assertion.where, assertion.kind, "its schema is not read" if assertion.kind in _JSON else why)
    if not found:
        return None, []
    nearest = min(rank for rank, *_ in found)
    references: list[Any] = []
    gates: list[str] = []
    for rank, gate, reference, assertion in found:
        if rank == nearest and (rank == _TEXTS or not references or reference in references):
            references += [reference] if reference not in references else []
            gates += [gate] if gate not in gates else []
        else:
            leftovers.add(assertion.where, assertion.kind, "a row has one reference, and another assertion gives it")
    return references[0] if len(references) == 1 else "\n".join(map(str, references)), gates


def _is_text(value: object) -> bool:
    if isinstance(value, str):
        return not value.startswith("file://") and not any(mark in value for mark in ("{{", "{%"))
    if isinstance(value, list):
        return bool(value) and all(isinstance(part, str | int | float) and _is_text(str(part)) for part in value)
    return isinstance(value, int | float | dict)


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """A text with the names of variables replaced by what they are."""
    if isinstance(value, list):
        return [_filled(part, variables) for part in value]
    if not isinstance(value, str):
        return value

    def fill(match: re.Match[str]) -> str:
        found = variables.get(match[1], match[0])
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    return _VARIABLE.sub(fill, value)
