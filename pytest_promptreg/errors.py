"""Everything that can go wrong, as one tree.

    PromptregError
    ├── ConfigError      a flag, an ini option or a marker argument
    ├── PromptError      a prompt file or object
    ├── ExampleError     an example file, frame or row
    ├── GateError        a line of the gate grammar
    ├── BaselineError    the stored baseline
    ├── PredictError     predict failed: infrastructure, not regression
    ├── MetricError      a metric could not score: infrastructure, not regression
    ├── ReplayError      a recorded output is missing, or their file cannot be used
    ├── RedactionError   a text that could not be redacted, and so is kept nowhere
    ├── BudgetError      a call that would exceed what a run may call or cost
    ├── TrackingError    the tracking store could not be written
    │   └── PartlyRecordedError   the runs were, and not all that belongs to them
    ├── ResultsError     a result file
    └── ReportError      a report that was asked for cannot be written

Each says what happened, where (``file:line``) and what to do next. The core raises these; the plugin turns them into
pytest's own errors at its edge.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from .report.escape import obeyed_by_none, visible

_MOST_NAMES = 12


class PromptregError(Exception):
    """A problem that a person can mend.

    :param what: what happened, in one line.
    :param where: ``file``, ``file:line`` or a name, when there is one.
    :param next_step: what to do or run next, in one line.
    """

    def __init__(self, what: str, *, where: str | None = None, next_step: str | None = None) -> None:
        # File names, ids and what servers say are in these: nothing of it may reach a terminal, or a CI runner, raw.
        self.what = obeyed_by_none(visible(what))
        self.where = where and obeyed_by_none(visible(where))
        self.next_step = next_step and obeyed_by_none(visible(next_step))
        super().__init__(self.what)

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line}\n  {self.next_step}" if self.next_step else line


class ConfigError(PromptregError):
    """A flag, an ini option or a marker argument is wrong."""


class PromptError(PromptregError):
    """A prompt file or object cannot be used."""


class ExampleError(PromptregError):
    """An example file, frame or row cannot be used."""


class GateError(PromptregError):
    """A gate cannot be understood, or could never do its work."""


class BaselineError(PromptregError):
    """A stored baseline cannot be read, or must not be written as asked."""


class PredictError(PromptregError):
    """predict failed or returned something that is no output."""


class MetricError(PromptregError):
    """A metric could not score."""


class ReplayError(PromptregError):
    """A recorded output is missing, or the file of recorded outputs cannot be used."""


class RedactionError(PromptregError):
    """A text could not be redacted: it is neither judged nor stored, and not quoted here."""


class BudgetError(PromptregError):
    """A call was not made because the run may make no more, or cost no more."""


class TrackingError(PromptregError):
    """The tracking store could not be written."""


class PartlyRecordedError(TrackingError):
    """The runs are complete in the tracking store, and traces of them are still to be sent."""


class ResultsError(PromptregError):
    """A result file cannot be read or written, or does not fit to the others."""


class ReportError(PromptregError):
    """A report cannot be written."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean 'rouge_l'?`` when something known is near, else the known words."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    if len(choices) > _MOST_NAMES:
        return f"known: {', '.join(choices[:_MOST_NAMES])} and {len(choices) - _MOST_NAMES} more"
    return f"known: {', '.join(choices)}" if choices else "there is none"


def said(exc: BaseException) -> str:
    """``ValueError: what it says``; an exception of somebody's own may fail when it is asked."""
    try:
        text = str(exc)
    except Exception as failure:
        text = f"(what it says is not known: {type(failure).__name__})"
    return f"{type(exc).__name__}: {text}"
