"""What a run leaves in a tracking store. Nothing here can change a verdict.

Importing this package imports no mlflow; :func:`track` does, in a thread with a deadline, once the record is on disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__, typed
from ..errors import ConfigError, TrackingError
from ..mlflow_store import TRACKING_VARIABLE, Store, is_web, local_uri

if TYPE_CHECKING:
    from ..results.outcome import RunOutcome
    from .spool import Session

INI_KEY = "promptreg_mlflow"
TIMEOUT_KEY = "promptreg_mlflow_timeout"
REQUIRED_KEY = "promptreg_mlflow_required"
LEVEL_KEY = "promptreg_mlflow_level"
LEVELS = ("version", "example")
TRACES_KEY = "promptreg_mlflow_traces"
TRACES = ("off", "failed", "all")
_INI_VALUES = ("auto", "true", "false")


@dataclass(frozen=True, slots=True)
class TrackingSettings:
    """Where a run is recorded.

    :param uri: MLflow's tracking URI.
    :param experiment: its name; made when it is not there.
    :param timeout_s: seconds that the whole writing may take.
    :param artifact_root: folder, as a URI, for the artifacts of a local sqlite store that is ours; else None.
    :param experiment_id: used instead of the name, when given.
    :param parent_run_id: a run that the pytest run is nested in, when given.
    :param required: whether a run without a record has failed.
    :param level: the innermost runs: one for each prompt ``version``, or for each ``example`` too.
    :param traces: of which cases traces are kept: ``off``, ``failed`` or ``all``.
    """

    uri: str
    experiment: str
    timeout_s: float
    artifact_root: str | None = None
    experiment_id: str | None = None
    parent_run_id: str | None = None
    required: bool = False
    level: str = "version"
    traces: str = "off"

    @property
    def store(self) -> Store:
        """The store by itself."""
        return Store(self.uri, self.timeout_s)


def resolve_settings(
    *,
    flag: bool | None,
    ini: str,
    experiment: str,
    timeout_s: float,
    rootdir: Path,
    environ: Mapping[str, str],
    required: bool = False,
    level: str = "version",
    traces: str = "off",
) -> TrackingSettings | None:
    """Whether and where to record a run: None unless it is asked for.

    It is asked for by the flag, by ini ``true``, or, with ini ``auto``, by MLFLOW_TRACKING_URI in the
    environment. The flag is nearer than the ini file, and both are nearer than the environment. The store is
    MLFLOW_TRACKING_URI, else ``mlflow.db`` in ``rootdir`` with artifacts below ``mlruns``. MLFLOW_EXPERIMENT_NAME
    and MLFLOW_EXPERIMENT_ID replace ``experiment``; MLFLOW_RUN_ID becomes the parent.

    :param flag: True, False, or None where the command line says nothing.
    :raises ConfigError: naming the ini key, for a value that it does not take.
    """
    chosen = ini.strip().lower() or "auto"
    if chosen not in _INI_VALUES:
        raise ConfigError(f"the ini option {INI_KEY} = {ini!r}", next_step=f"it takes {', '.join(_INI_VALUES)}")
    if not timeout_s > 0:
        raise ConfigError(
            f"{TIMEOUT_KEY} = {timeout_s:g}", where=TIMEOUT_KEY, next_step="it takes seconds, more than 0"
        )
    uri = environ.get(TRACKING_VARIABLE, "").strip()
    wanted = flag if flag is not None else {"true": True, "false": False, "auto": bool(uri)}[chosen]
    if not wanted:
        return None
    artifact_root = None
    if not uri:
        uri = local_uri(rootdir)
        artifact_root = (rootdir / "mlruns").as_uri()
    return TrackingSettings(
        uri=uri,
        experiment=environ.get("MLFLOW_EXPERIMENT_NAME") or experiment,
        timeout_s=timeout_s,
        artifact_root=artifact_root,
        experiment_id=environ.get("MLFLOW_EXPERIMENT_ID") or None,
        parent_run_id=environ.get("MLFLOW_RUN_ID") or None,
        required=required,
        level=level,
        traces=traces,
    )


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a record needs besides the outcome; commit, branch, user and CI job are looked up in ``rootdir``.

    :param command: the command line, as typed; secret-looking values are hidden before it is sent.
    :param exit_passed: whether pytest as a whole passed, other tests included.
    :param under_test: by suite, what its predict's address names: model, version, host.
    :param embedding_model: name of the model behind ``semantic``; None where none was used.
    :param draw_page: draws the report as a web page; None for none.
    """

    command: str
    exit_passed: bool
    rootdir: Path
    embedding_model: str | None = None
    under_test: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    plugin_version: str = __version__
    draw_page: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written and where it can be looked at.

    :param uri: the store, without user and password.
    :param run_id: of the parent.
    :param children: run ids by (suite id, version label).
    :param notes: what else the terminal is to say.
    """

    uri: str
    experiment: str
    experiment_id: str
    run_id: str
    children: Mapping[tuple[str, str], str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def url(self) -> str | None:
        """The parent's page; None for a store that is no server."""
        return f"{self.uri.rstrip('/')}/{self._page}" if is_web(self.uri) else None

    @property
    def _page(self) -> str:
        return f"#/experiments/{self.experiment_id}/runs/{self.run_id}"

    def lines(self) -> list[str]:
        """For the terminal: what was written, and how to look at it."""
        count = len(self.children)
        what = f"MLflow: {count} prompt version{'' if count == 1 else 's'} in experiment {self.experiment!r}"
        notes = [f"  {note}" for note in self.notes]
        if self.url:
            return [what, f"  {self.url}", *notes]
        look = f"mlflow ui --backend-store-uri {typed.word(self.uri)}"
        return [what, f"  {look}", f"  then http://127.0.0.1:5000/{self._page}", *notes]


def track(run: RunOutcome, settings: TrackingSettings, facts: RunFacts) -> Receipt:
    """Record a run: one parent, and nested in it a run for each prompt version of each suite.

    The record is written to disk before it is sent, and stays there when it could not be sent.

    :raises TrackingError: one line and a next step, for any failure whatever, after at most
        ``settings.timeout_s`` seconds. The step ends with the command that sends the record later.
    """
    from ..mlflow_store.deadline import Deadline, within_deadline
    from ..mlflow_store.faults import ELSEWHERE, explain
    from ..mlflow_store.locks import is_in_hand
    from . import spool

    deadline = Deadline(settings.timeout_s)
    try:
        session = _describe(run, settings, facts)
    except Exception as exc:
        raise _with_step(explain(exc, settings.store), "the verdict stands") from exc

    def work(deadline: Deadline) -> Receipt:
        from .client import send

        return send(session, deadline)

    try:
        receipt = within_deadline(work, settings.store, deadline)
    except (TrackingError, KeyboardInterrupt) as caught:
        # The run is over, and its verdict stands: Ctrl-C ends the wait. Raised, it would have the run recorded again.
        failure = caught if isinstance(caught, TrackingError) else _interrupted(settings)
        if session.folder is None:
            step = (failure.next_step or "").replace(f"; {ELSEWHERE}", "")  # there is nothing to send
            failure = type(failure)(failure.what, where=failure.where, next_step=step or None)
            kept = f"its record is lost: it could not be kept on disk either ({session.problem})"
        else:
            kept = f"send its record later: {spool.command(facts.rootdir)}"
        raise _with_step(failure, f"the verdict stands; {kept}") from caught
    # What a run beside this one is sending just now does not wait.
    if waiting := sum(not is_in_hand(folder) for folder in spool.waiting(spool.spool_of(facts.rootdir))):
        which = "an earlier record waits" if waiting == 1 else f"{waiting} earlier records wait"
        receipt = replace(receipt, notes=(*receipt.notes, f"{which} to be sent: {spool.command(facts.rootdir)}"))
    return receipt


def _describe(run: RunOutcome, settings: TrackingSettings, facts: RunFacts) -> Session:
    """The run's record, on disk where that is possible."""
    from . import spool
    from .facts import files_under_test, look_around
    from .schema import describe
    from .traces.record import traces_of

    record = describe(run, facts, look_around(facts.rootdir, os.environ, files_under_test(run)), settings.level)
    if settings.traces != "off":
        traces, notices = traces_of(run, settings.traces)
        record = replace(record, traces=traces, notices=[*record.notices, *notices])
    return spool.keep(record, settings, facts.rootdir)


def _interrupted(settings: TrackingSettings) -> TrackingError:
    return TrackingError("MLflow: interrupted before the record was sent", where=settings.store.shown)


def _with_step(error: TrackingError, last: str) -> TrackingError:
    step = f"{error.next_step}; {last}" if error.next_step else last
    return type(error)(error.what, where=error.where, next_step=step)


__all__ = ["Receipt", "RunFacts", "TrackingError", "TrackingSettings", "resolve_settings", "track"]
