"""Keeps what happens inside each call of predict, where it is called: in the only process, or in a worker of xdist.

Nothing is sent from here. What was kept is handed over as JSON, which crosses to the controller on the case's outcome.
A call is never changed or failed by being watched: when its spans cannot be kept, the reason is handed over instead.
"""

from __future__ import annotations

import inspect
import json
import threading
import warnings
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ...calls import Predict, is_async
from ...errors import said
from ...machine import environment_defaults
from ...model import CaseKey, Key, Request
from ...redaction.redactor import Redactor
from ...report.escape import one_line
from ...results.outcome import CaseOutcome
from . import is_kept
from .tidy import tidy

if TYPE_CHECKING:
    from .spans import Recorder, Recording

_PROBLEM_LIMIT = 200


class Capture:
    """The calls of one process. Of a case that is called again, the last call counts.

    :param mode: of which cases traces are kept, ``failed`` or ``all``.
    :param redactor: hides what must not be sent in what was kept.
    """

    def __init__(self, mode: str, redactor: Redactor | None = None) -> None:
        self._mode = mode
        self._redactor = redactor or Redactor()
        self._lock = threading.Lock()
        self._calls: dict[CaseKey, dict[int, _Call]] = {}  # by sample
        self._recorder: Recorder | None = None
        self._problem = ""

    def prepare(self) -> None:
        """Import what is needed, in the main thread before the first call: its seconds are none of the call's."""
        if self._recorder is None:
            self._start()

    def wrap(self, key: Key, predict: Predict) -> Predict:
        """``predict`` for one case, with its spans kept: asynchronous where it is."""
        recorder = self._recorder or self._start()
        if is_async(predict):

            @wraps(predict)
            async def watched(request: Request) -> Any:
                with self._begin(key, recorder, request):
                    return await predict(request)

            return watched

        @wraps(predict)
        def watched_in_thread(request: Request) -> Any:
            call = self._begin(key, recorder, request)
            with call:
                value = predict(request)
                call.goes_on = inspect.isawaitable(value)
            return call.rest(value) if call.goes_on else value

        return watched_in_thread

    def take(self, outcome: CaseOutcome) -> str:
        """What was kept of the last call of a case, once, as JSON; empty where none was made or is asked for.

        ``{"spans": [...], "tags": {...}, "metadata": {...}}``, or ``{"problem": "..."}``; of several samples a list of
        these, with null for one that was not called for.
        """
        with self._lock:
            calls = self._calls.pop(outcome.key, None)
        if calls is None:
            return ""
        # In any case: MLflow holds the spans until they are taken.
        told = {sample: call.told() for sample, call in calls.items()}
        if not is_kept(self._mode, outcome):
            return ""
        if not outcome.samples and set(told) == {0}:
            return told[0]
        count = max(len(outcome.samples), *(sample + 1 for sample in told))
        return f"[{', '.join(told.get(sample, 'null') for sample in range(count))}]"

    def stop(self) -> None:
        """Leave MLflow's tracing as it was found."""
        if self._recorder is not None:
            self._recorder.remove()
            self._recorder = None

    def _start(self) -> Recorder | None:
        if self._problem:
            return None
        try:
            with environment_defaults({"MLFLOW_DISABLE_TELEMETRY": "true"}), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from .spans import Recorder

                self._recorder = Recorder()
        except Exception as exc:
            self._problem = _told(exc)
        return self._recorder

    def _begin(self, key: Key, recorder: Recorder | None, request: Request) -> _Call:
        call = _Call(recorder, request, self._problem, self._redactor)
        with self._lock:
            self._calls.setdefault(key.case, {})[key.sample] = call
        return call


class _Call:
    """One call while it is watched; a context that lets every exception of predict through as it is.

    :ivar goes_on: whether predict has returned an awaitable, so that the call ends with that.
    """

    def __init__(self, recorder: Recorder | None, request: Request, problem: str, redactor: Redactor) -> None:
        self.goes_on = False
        self._redactor = redactor
        self._problem = problem
        self._recording: Recording | None = None
        if recorder is not None:
            self._try(lambda: self._open(recorder, request))

    def __enter__(self) -> None:
        if self._recording is not None:
            self._try(self._recording.enter)

    def __exit__(self, kind: object, exc: BaseException | None, trace: TracebackType | None) -> None:
        recording = self._recording
        if recording is not None:
            self._try(recording.leave)
            if not self.goes_on or exc is not None:
                self._try(lambda: recording.end(exc))

    async def rest(self, awaitable: Any) -> Any:
        """What the awaitable gives that predict returned."""
        self.goes_on = False
        with self:
            return await awaitable

    def told(self) -> str:
        """What was kept, as JSON; of a call that hangs, what it has done so far."""
        found: dict[str, Any] = {}
        if self._recording is not None:
            recording = self._recording
            self._try(lambda: found.update(tidy(recording.taken(), self._redactor)))
        return json.dumps(found or {"problem": self._redactor.message(self._problem)})

    def _open(self, recorder: Recorder, request: Request) -> None:
        self._recording = recorder.record({"promptreg.messages": request.messages})

    def _try(self, step: Any) -> None:
        try:
            step()
        except Exception as exc:
            self._problem = self._problem or _told(exc)


def _told(exc: Exception) -> str:
    return one_line(said(exc), _PROBLEM_LIMIT)
