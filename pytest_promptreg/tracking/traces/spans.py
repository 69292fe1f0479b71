"""MLflow's tracing inside one call: its spans are kept here, in memory, and go nowhere.

MLflow has one tracer provider for the whole process, which exports to the user's store. It must neither be replaced
(the user's own traces would be lost) nor started (that opens a store, and no worker may). So the one method by which
MLflow asks for its tracer is answered twice: inside a call that is watched by a provider of ours, anywhere else, in
other threads and tasks too, as before. Spans of a call end up together because a context variable says where one is,
and contexts follow calls, tasks and coroutines.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from contextvars import ContextVar, Token
from typing import Any

from mlflow.entities import SpanType
from mlflow.entities.span import create_mlflow_span
from mlflow.entities.trace_info import TraceInfo
from mlflow.entities.trace_location import TraceLocation
from mlflow.entities.trace_state import TraceState
from mlflow.tracing import provider as tracing
from mlflow.tracing.trace_manager import InMemoryTraceManager
from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from . import Span

ROOT = "predict"
_SYSTEM = random.SystemRandom()


class Recorder:
    """Answers MLflow's request for a tracer while a call is watched; put in place when made, until :meth:`remove`."""

    def __init__(self) -> None:
        self._inside: ContextVar[bool] = ContextVar("promptreg_watched", default=False)
        self._own = TracerProvider(
            sampler=ALWAYS_ON, resource=Resource.get_empty(), id_generator=_Ids(), shutdown_on_exit=False
        )
        self._own.add_span_processor(_Register())
        self._asked: Any = tracing.provider
        self._usual = self._asked.get_or_init_tracer
        self._asked.get_or_init_tracer = self._tracer

    def remove(self) -> None:
        """Let MLflow ask as before."""
        if self._asked.get_or_init_tracer != self._tracer:
            return
        is_method = getattr(self._usual, "__self__", None) is self._asked
        if is_method:  # of its class, and found there again
            del self._asked.get_or_init_tracer
        else:
            self._asked.get_or_init_tracer = self._usual

    def record(self, attributes: dict[str, Any]) -> Recording:
        """Begin a trace with its root span.

        :raises RuntimeError: when tracing is switched off.
        """
        if self._is_off():
            raise RuntimeError("MLflow's tracing is disabled in this process")
        # A context of its own: a span of the user's around the test is no parent of it.
        span = self._own.get_tracer(__name__).start_span(ROOT, context=Context())
        return Recording(self._inside, span, attributes)

    def _tracer(self, module_name: str) -> Any:
        if not self._inside.get() or self._is_off():
            return self._usual(module_name)
        return self._own.get_tracer(module_name)

    def _is_off(self) -> bool:
        """Whether the user, or MLflow for a moment, has switched tracing off."""
        return isinstance(self._asked.get(), otel.NoOpTracerProvider)


class Recording:
    """One trace while it grows."""

    def __init__(self, inside: ContextVar[bool], span: Any, attributes: dict[str, Any]) -> None:
        self._inside = inside
        self._token: Token[bool] | None = None
        self._trace = span.context.trace_id
        manager = InMemoryTraceManager.get_instance()
        trace_id = manager.get_mlflow_trace_id_from_otel_id(self._trace)
        self._root = manager.get_span_from_id(trace_id, f"{span.context.span_id:016x}")
        self._root.set_span_type(SpanType.CHAIN)
        self._root.set_attributes(attributes)
        self._context = ExitStack()
        self._held: Any = None

    def enter(self) -> None:
        """From here on, in this context, spans belong to the trace."""
        self._token = self._inside.set(True)
        self._context.enter_context(tracing.safe_set_span_in_context(self._root))

    def leave(self) -> None:
        """They do not any more."""
        try:
            self._context.close()
        finally:
            if self._token is not None:
                self._inside.reset(self._token)
                self._token = None

    def end(self, exc: BaseException | None) -> None:
        """The call is over. MLflow lets go of it: it holds a thousand traces, and more calls may be ahead of the tests.

        :param exc: what it raised.
        """
        if exc is not None:
            self._root.record_exception(exc)
        self._root.end()
        self._held = InMemoryTraceManager.get_instance().pop_trace(self._trace)

    def taken(self) -> dict[str, Any]:
        """The spans, the root first, with tags and metadata that predict has set; to be asked once."""
        held = self._held or InMemoryTraceManager.get_instance().pop_trace(self._trace)
        if held is None:
            raise RuntimeError("MLflow gave the trace up: it took longer than MLFLOW_TRACE_TIMEOUT_SECONDS")
        spans: list[Span] = [span.to_dict() for span in held.trace.data.spans]
        spans.sort(key=lambda span: (span["parent_span_id"] is not None, span["start_time_unix_nano"]))
        info = held.trace.info
        return {"spans": spans, "tags": dict(info.tags), "metadata": dict(info.trace_metadata)}


class _Register(SpanProcessor):
    """Makes spans known to MLflow, as its own processors do, and exports nothing."""

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:  # noqa: ARG002  OpenTelemetry's name
        """A span began."""
        manager = InMemoryTraceManager.get_instance()
        number = span.context.trace_id
        if span.parent is None:
            info = TraceInfo(
                trace_id=f"tr-{number:032x}",
                trace_location=TraceLocation.from_experiment_id("0"),  # where it goes is not known here
                request_time=span.start_time // 1_000_000,
                state=TraceState.IN_PROGRESS,
            )
            manager.register_trace(number, info)
        if trace_id := manager.get_mlflow_trace_id_from_otel_id(number):  # a trace that is over takes no more
            manager.register_span(create_mlflow_span(span, trace_id))


class _Ids(IdGenerator):
    """Ids of no seed: the usual generator shares its state with ``random``, which tests seed and count on."""

    def generate_span_id(self) -> int:
        """64 bits, not all of them zero."""
        return _SYSTEM.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        """128 bits, not all of them zero."""
        return _SYSTEM.getrandbits(128) or 1
