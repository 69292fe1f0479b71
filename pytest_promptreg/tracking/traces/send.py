"""Sends traces, after the runs that they belong to, and each once however often it is tried.

A trace's id is part of its record, and the store takes equal spans and links twice as once: what a trace that is there
already may lack is added, and it is not made again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import PartlyRecordedError
from ...mlflow_store import Store, is_web
from ...mlflow_store.deadline import Deadline, at_once
from ...mlflow_store.faults import explain
from ...text import digest
from .record import Said, TraceRecord

SESSION_TAG = "promptreg.session"
_SOURCE = "pytest-promptreg"
_BATCH = 20  # traces whose spans go in one request
_SENDERS = 8  # requests to a server at once: each waits some 50 ms for its answer
_PAGE = 500
_LAST_S = 1.0  # left of the deadline for telling how far it came


@dataclass(frozen=True)
class Place:
    """Where traces go.

    :param session: the id of the record that they are part of.
    :param runs: run ids by suite and version.
    """

    store: Store
    experiment_id: str
    session: str
    runs: Mapping[tuple[str, str], str]


def send_traces(client: Any, place: Place, traces: Sequence[TraceRecord], deadline: Deadline, *, again: bool) -> None:
    """Write the traces, as many at once as the store takes.

    :param again: whether some may be there already.
    :raises PartlyRecordedError: when not all of them are sent, because of the time or of the store.
    """
    if not traces:
        return
    there = set(_there(client, place)) if again else set()
    sender = _Sender(client, place, there, deadline)
    try:
        at_once(sender.send, list(_batches(traces)), _SENDERS if is_web(place.store.uri) else 1)
    except BaseException as exc:
        left = len(traces) - sender.sent
        what = f"MLflow: the runs are complete, and {left} of {len(traces)} traces are still to be sent"
        if isinstance(exc, TimeoutError):
            raise PartlyRecordedError(
                f"{what}: {deadline.seconds:g} s were not enough", where=place.store.shown
            ) from None
        failure = explain(exc, place.store)
        reason = failure.what.removeprefix("MLflow: ")
        raise PartlyRecordedError(f"{what}: {reason}", where=failure.where, next_step=failure.next_step) from None


@dataclass
class _Sender:
    """What the sending threads share."""

    client: Any
    place: Place
    there: Collection[str]
    deadline: Deadline
    done: list[int] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """How many traces are complete."""
        return sum(self.done)

    def send(self, batch: list[TraceRecord]) -> None:
        """Send traces of one run, of which none or some may be there.

        :raises TimeoutError: when the time is nearly up: nobody waits for the rest.
        """
        from mlflow.entities.span import Span
        from mlflow.tracing.client import TracingClient

        store = TracingClient(self.place.store.uri)
        run_id = self.place.runs[batch[0].suite, batch[0].version]
        for trace in batch:
            self._check()
            if trace.trace_id not in self.there:
                store.start_trace(_info(trace, self.place, run_id))
        self._check()
        store.log_spans(
            self.place.experiment_id, [Span.from_dict(dict(span)) for trace in batch for span in trace.spans]
        )
        self._check()
        self.client.link_traces_to_run([trace.trace_id for trace in batch], run_id)
        self.done.append(len(batch))

    def _check(self) -> None:
        if self.deadline.remaining_s < _LAST_S:
            raise TimeoutError


def _batches(traces: Sequence[TraceRecord]) -> Iterator[list[TraceRecord]]:
    """The traces in portions of one run each."""
    by_run: dict[tuple[str, str], list[TraceRecord]] = {}
    for trace in traces:
        by_run.setdefault((trace.suite, trace.version), []).append(trace)
    for found in by_run.values():
        yield from (found[start : start + _BATCH] for start in range(0, len(found), _BATCH))


def _there(client: Any, place: Place) -> Iterator[str]:
    """Ids of the record's traces that the store has."""
    token = None
    while True:
        page = client.search_traces(
            locations=[place.experiment_id],
            filter_string=f"tags.`{SESSION_TAG}` = '{place.session}'",
            max_results=_PAGE,
            page_token=token,
            include_spans=False,
        )
        yield from (trace.info.trace_id for trace in page)
        token = page.token
        if not token:
            return


def _info(trace: TraceRecord, place: Place, run_id: str) -> Any:
    from mlflow.entities import AssessmentSource, Expectation, Feedback
    from mlflow.entities.trace_info import TraceInfo
    from mlflow.entities.trace_location import TraceLocation
    from mlflow.entities.trace_state import TraceState

    source = AssessmentSource(source_type="CODE", source_id=_SOURCE)
    said = [*trace.feedback, *(Said(name, value) for name, value in trace.expectations.items())]
    assessments = []
    for one in said:
        expected = one.name in trace.expectations
        made = (
            Expectation(name=one.name, value=one.value, source=source)
            if expected
            else Feedback(name=one.name, value=one.value, source=source, rationale=one.rationale or None)
        )
        made.trace_id = trace.trace_id
        made.assessment_id = f"a-{digest(f'{trace.trace_id} {expected} {one.name}')[:32]}"
        assessments.append(made)
    return TraceInfo(
        trace_id=trace.trace_id,
        trace_location=TraceLocation.from_experiment_id(place.experiment_id),
        request_time=trace.start_ms,
        execution_duration=trace.duration_ms,
        state=TraceState(trace.state),
        request_preview=trace.request,
        response_preview=trace.response,
        trace_metadata={**trace.metadata, "mlflow.sourceRun": run_id},
        tags={**trace.tags, SESSION_TAG: place.session},
        assessments=assessments,
    )
