"""The signals as metrics: each gives its value for a pair, so that gates can name it."""

from __future__ import annotations

from collections.abc import Sequence

from ..signals import VERSION, look
from . import Metric, MetricSettings, Pair


def create(name: str, _settings: MetricSettings) -> Metric:
    """The signal of that name; there is nothing to set."""
    return SignalMetric(name)


class SignalMetric:
    """A signal's value."""

    def __init__(self, name: str) -> None:
        self.name = name

    def signature(self) -> str:
        """The version of the rules."""
        return f"{self.name}|{VERSION}"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """The signal's value for each pair; equal texts have the best."""
        return [look(output, baseline, (self.name,))[self.name].value for output, baseline, _ in pairs]
