"""The text of a call that failed: what went wrong, and where in the user's own code."""

from __future__ import annotations

import traceback
from pathlib import Path

from ..errors import PromptregError, said
from ..redaction.redactor import Redactor
from .escape import one_line, quoted, visible

_PACKAGE = Path(__file__).parent.parent
_CALLING = {_PACKAGE / "session", _PACKAGE / "calls", _PACKAGE / "tracking" / "traces"}  # the frames above predict


def text(exc: BaseException, hint: str, redactor: Redactor) -> str:
    """What a person reads when a call failed: our own errors as they are, anything else with its traceback.

    An exception may quote what a model said, so its lines stand behind the gutter; and what a server was asked, so it
    is redacted, before anything is cut.
    """
    if isinstance(exc, PromptregError):
        return f"{visible(redactor.message(str(exc)))}{hint}"
    trace = exc.__traceback__
    while trace is not None and Path(trace.tb_frame.f_code.co_filename).parent in _CALLING:  # it says nothing about it
        trace = trace.tb_next
    first = one_line(redactor.message(said(exc)), 300)
    if isinstance(exc, TypeError) and trace is None and exc.__cause__ is None:  # none of predict's lines was reached
        return f"{first}\n  predict takes one argument, the request: def predict(request){hint}"
    shown = "".join(traceback.format_exception(type(exc), exc, trace, chain=True)).rstrip()
    return "\n".join([f"{first}{hint}", "", *quoted(redactor.message(shown))])
