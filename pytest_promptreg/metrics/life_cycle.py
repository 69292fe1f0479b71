"""The rules that a metric keeps from its first score to its last, as one check for a test of a user's own metric.

def test_polite_is_a_metric():
    pytest_promptreg.check_metric(polite)
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

from ..errors import ConfigError, MetricError
from ..model import Example, ScoredCase
from . import Pair
from .checked import shown
from .own import OwnMetric, adopt

_NOISE = 1e-6  # embeddings differ by this much with the batch that a text was in; gates allow for it
_LONG = " ".join(f"word{number}" for number in range(3000))
_UNICODE = "naïve e\u0301tude 東京タワー สวัสดี مرحبا שלום 👩‍👩‍👧‍👦 🇯🇵 \u200b\ufeff\u0007 ½ ﬁ 𝔘𝔫𝔦"


def check_metric(source: object, examples: Sequence[Pair] | None = None) -> None:
    """Check that a metric keeps the rules that scoring relies on.

    It has a name that gates can use, bounds, and a signature on one line that stays the same. It gives one number
    within its bounds for each pair, in order: the same one each time, whatever stands beside the pair. Equal texts
    score its ``equal``; blank, long and Unicode texts score as well. It leaves what it is given as it is.

    It scores some thirty pairs: of a judge that is paid by the call, give it one or two examples.

    :param source: what a user would hand over as a metric.
    :param examples: pairs that the metric is made for; left out, short English ones whose inputs are a ``question``.
    :raises AssertionError: with one line for each rule that it breaks.
    """
    try:
        own = source if isinstance(source, OwnMetric) else adopt(source)
        again = source if isinstance(source, OwnMetric) else adopt(source)
    except ConfigError as exc:
        raise AssertionError(f"this is no metric: {exc}") from exc
    broken = list(_Check(own, again, list(_EXAMPLES if examples is None else examples)).broken())
    if broken:
        raise AssertionError(
            "\n".join([f"the metric {own.info.name} breaks a rule:", *(f"- {line}" for line in broken)])
        )


class _Check:
    def __init__(self, own: OwnMetric, again: OwnMetric, examples: list[Pair]) -> None:
        self._own = own
        self._again = again
        self._examples = examples
        self._touched = False

    def broken(self) -> Iterator[str]:
        """A line for each rule that is broken."""
        if not self._examples:
            yield "examples: there are none to check it with"
            return
        yield from self._signature()
        try:
            first = self._score(self._examples)
        except MetricError as exc:
            yield f"scores: {_line(exc)}"
            return
        yield from self._numbers(first)
        if len(first) == len(self._examples):
            yield from self._constancy(first)
        yield from self._equal()
        yield from self._unusual()
        if self._touched:
            yield "inputs: it changed the inputs of the example that it was given"

    def _score(self, pairs: Sequence[Pair]) -> list[float]:
        """The scores of copies, so that a metric that changes what it is given breaks that rule alone."""
        given = [Pair(pair.output, pair.baseline, copy.deepcopy(pair.case)) for pair in pairs]
        try:
            return self._own.metric.score(given)
        finally:
            for pair, copied in zip(pairs, given, strict=True):
                if pair.case and copied.case and pair.case.example != copied.case.example:
                    self._touched = True

    def _signature(self) -> Iterator[str]:
        try:
            said = [self._own.metric.signature(), self._own.metric.signature(), self._again.metric.signature()]
        except MetricError as exc:
            yield f"signature: {_line(exc)}"
            return
        for line in said[:1]:
            if not isinstance(line, str) or not line.strip() or len(line.splitlines()) > 1:
                yield f"signature: {shown(line)} is not one line of text"
                return
        if len(set(said)) > 1:
            yield f"signature: {shown(said[0])} the first time, {shown(next(s for s in said if s != said[0]))} later"

    def _numbers(self, scores: Sequence[object]) -> Iterator[str]:
        info = self._own.info
        if len(scores) != len(self._examples):
            yield f"scores: {len(scores)} scores for {len(self._examples)} pairs"
        for value in scores:
            if not isinstance(value, float):
                yield f"scores: {shown(value)} is of type {type(value).__name__}, not float"
                return
            if not info.low <= value <= info.high:
                yield f"bounds: {value:g} does not lie from {info.low:g} to {info.high:g}"
                return

    def _constancy(self, first: list[float]) -> Iterator[str]:
        """The same scores again; only of a metric that gives them can be said what the pairs beside one change."""
        pairs = self._examples
        try:
            if place := _difference(first, self._score(pairs)):
                yield f"repetition: the same pair scored {place} the next time"
                return
            alone = [score for pair in pairs for score in self._score([pair])]
            if place := _difference(first, alone):
                yield f"independence: a pair scored {place} alone; it must not depend on the pairs beside it"
                return
            if place := _difference(first, self._score(pairs[::-1])[::-1]):
                yield f"order: a pair scored {place} with the pairs in another order"
        except MetricError as exc:
            yield f"repetition: {_line(exc)}, which it had scored before"

    def _equal(self) -> Iterator[str]:
        best = self._own.info.best
        texts = [Pair(text, text, pair.case) for pair in self._examples for text in pair[:2] if text.strip()]
        try:
            for pair, score in zip(texts, self._score(texts), strict=True):
                if abs(score - best) > _NOISE:
                    yield (
                        f"equal: {shown(pair.output)} against itself scored {score:g}, not {best:g}: "
                        "equal outputs are not scored but taken to have it (say equal=... if it is another)"
                    )
                    return
        except (MetricError, ValueError) as exc:
            yield f"equal: {_line(exc)}"

    def _unusual(self) -> Iterator[str]:
        """Texts as models give them on their bad days; each is tried by itself."""
        output, baseline, case = self._examples[0]
        unusual = {
            "blank": [("", baseline), (" \n", baseline), (output, ""), (output, "\n\t "), ("", " ")],
            "long": [(_LONG, baseline), (output, _LONG), (_LONG, f"{_LONG} end")],
            "unicode": [(_UNICODE, baseline), (output, _UNICODE)],
        }
        for rule, texts in unusual.items():
            for text, other in texts:
                try:
                    self._score([Pair(text, other, case)])
                except MetricError as exc:
                    yield f"{rule}: {shown(text)} against {shown(other)}: {_line(exc)}"
                    break


def _difference(scores: Sequence[float], others: Sequence[float]) -> str:
    """The first two scores that differ, as ``0.5, and 0.7``; empty where none do."""
    for score, other in zip(scores, others, strict=True):
        if abs(score - other) > _NOISE:
            return f"{score:g}, and {other:g}"
    return ""


def _line(exc: BaseException) -> str:
    return f"{exc.what} ({exc.where})" if isinstance(exc, MetricError) and exc.where else str(exc).split("\n", 1)[0]


def _example(name: str, question: str, answer: str, output: str) -> Pair:
    return Pair(output, answer, ScoredCase(Example(name, {"question": question}, answer)))


_EXAMPLES = (
    _example("capital", "What is the capital of France?", "The capital of France is Paris.", "It is Paris, of course."),
    _example("sum", "What is 12 + 30?", "12 + 30 = 42", "The sum is 42."),
    _example(
        "refund", "Can I return it?", "Yes, within 30 days, please keep the receipt.", "No, that is not possible."
    ),
    _example("json", "Alice's age as JSON", '{"name": "Alice", "age": 36}', '{"name": "Alice", "age": "36"}'),
)
