"""Samples: several outputs of one case, each a call of its own, judged together as one case."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from ..calls.ahead import LookAhead, Queue
from ..errors import ConfigError
from ..model import CallKey, CaseKey, Key, Output

MOST = 20  # of a case; the differences between examples are not had by asking one of them more often


def check_samples(said: object, what: str, where: str | None = None) -> int:
    """A number of samples.

    :param what: what was written, as it was: ``samples=0``.
    :raises ConfigError: when it is none that a case can have.
    """
    if isinstance(said, bool) or not isinstance(said, int) or not 1 <= said <= MOST:
        raise ConfigError(
            f"{what}: a case has a whole number of samples, from 1 to {MOST}",
            where=where,
            next_step="3 say how much the model varies by itself; after that more examples say more than more samples",
        )
    return said


def read_samples(text: str, what: str) -> int:
    """The number of samples that a flag or an ini option says.

    :raises ConfigError: when it is none that a case can have.
    """
    return check_samples(int(text) if text.strip().isdecimal() else text, f"{what} = {text!r}")


def calls_of(key: CaseKey, samples: int) -> Sequence[Key]:
    """What the calls of a case are known by; of a case with one sample, its own key."""
    return (key,) if samples == 1 else [CallKey(key, sample) for sample in range(samples)]


def queued(upcoming: LookAhead, samples: int, called: CaseKey) -> LookAhead:
    """The calls of the upcoming cases: all samples of a case before the next case.

    :param called: the case that is asked for already, whose calls are none of these.
    """

    def calls() -> Queue | None:
        cases = upcoming()
        if cases is None:
            return None
        keys = (call for key in cases.keys if key != called for call in calls_of(key.case, samples))
        return Queue(keys, cases.size * samples)

    return calls


def merged(outputs: Sequence[Output], shown: int) -> Output:
    """Several samples as one output: the text of one, the mean latency, and the sums of tokens and cost.

    :param shown: which one's text.
    """
    latency = _known(output.latency_s for output in outputs)
    return Output(
        outputs[shown].text,
        input_tokens=_sum(output.input_tokens for output in outputs),
        output_tokens=_sum(output.output_tokens for output in outputs),
        cost_usd=_sum(output.cost_usd for output in outputs),
        latency_s=statistics.fmean(latency) if latency else None,
        replayed=all(output.replayed for output in outputs),
    )


def among(numbers: Sequence[int], samples: int) -> str:
    """Which of a case's samples, in words.

    :param numbers: from 0.
    """
    told = ", ".join(str(number + 1) for number in numbers)
    return f"sample{'' if len(numbers) == 1 else 's'} {told} of {samples}"


def _known(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def _sum(values: Iterable[Any]) -> Any:
    known = _known(values)
    return sum(known) if known else None
