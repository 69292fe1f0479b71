"""pytest's items <-> cases: what the fixture ``promptreg`` does, and what rides on the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest

from ..errors import BudgetError, PromptregError, ReplayError, said
from ..judging.gates import Verdict
from ..redaction.reported import redact_report
from ..report import call_failure
from ..report.escape import obeyed_by_none, visible
from ..report.kinds import kinds_of
from ..results.outcome import CaseOutcome
from ..suites.metrics import FIXTURE, SuiteMetrics, from_fixture
from .board import Board
from .hearing import Hearing
from .progress import ProgressLine
from .roles import Performing, Worker
from .stash import CASE, CASE_KEY, HEARING, OUTCOME, REPORT_ATTRIBUTE, ROLE, RUNS, UPCOMING
from .upcoming import look_ahead

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..calls import Progress
    from ..calls.ahead import Queue
    from .case import PromptregCase


def open_case(request: pytest.FixtureRequest | None, overridden: Callable[[], Any]) -> PromptregCase:
    """The case of a test, with its output awaited: a predict or a metric that fails is an error of set-up.

    :param request: that of the fixture; None in a run without a suite.
    :param overridden: gives the value of the fixture ``promptreg_predict``; asked where it may be called.
    """
    role = request.config.stash.get(ROLE, None) if request is not None else None
    key = request.node.stash.get(CASE_KEY, None) if request is not None else None
    if request is None or key is None or not isinstance(role, Performing):
        _fail("the fixture promptreg belongs to tests marked @pytest.mark.promptreg(prompts=..., examples=...)")
    item: pytest.Item = request.node
    _forget(item)
    if role.performer.stopping is not None and (why := role.performer.stopping.why_not(key)):
        pytest.skip(why)
    on_wait = _leaves_when_told(item.session) if isinstance(role, Worker) else ProgressLine.of(request.config)
    stand_in = role.performer.stand_in(key.suite)
    predict: Any = stand_in or role.performer.predicts[key.suite]
    predict = overridden() if predict is None else predict
    if predict is not None and not callable(predict):
        _fail(
            f"the fixture promptreg_predict returned {type(predict).__name__}, which is not callable\n"
            "  return a function of the request: return lambda request: ..."
        )
    _take_metrics(request, role.performer.own_metrics[key.suite], role.performer.suites[key.suite].where)
    _listen(request.config, role)
    run = role.performer.run_of(key.suite)
    if role.settings.rescore:
        pytest.skip("--promptreg-rescore scores what is stored: no case is run and no call is made")
    if predict is not None and stand_in is None and not run.knows_executor:
        run.run_on(_executor(request))
    problem = ""
    try:
        case = role.performer.open_case(key, predict, lambda: _upcoming(item, role), fail=_fail, on_wait=on_wait)
    except (pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception, KeyboardInterrupt):
        raise  # what predict says to pytest, it may say
    except BaseException as exc:
        what = "no output" if isinstance(exc, ReplayError | BudgetError) else "predict failed"
        what += f" for {key.version} x {key.example}"
        item.stash[OUTCOME] = run.judge.failed_call(key, f"{what}: {said(exc)}")
        problem = call_failure.text(exc, run.hint(key, predict, exc), run.redactor)
        problem = f"{what}: {run.unless_told(key, problem)}"
    if problem:  # not where it was caught: pytest would show the exception behind it too, as it came
        _fail(problem)
    item.stash[CASE] = case
    if case.outcome is not None and case.outcome.verdict == Verdict.ERROR:
        item.stash[OUTCOME] = case.outcome
        _fail(visible(case.outcome.message))
    return case


def _executor(request: pytest.FixtureRequest) -> Executor | None:
    """What the fixture ``promptreg_executor`` gives, asked by the first test of a suite that may make a call."""
    executor = request.getfixturevalue("promptreg_executor")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        _fail(f"the fixture promptreg_executor returned {type(executor).__name__}, which has no method submit")
    return cast("Executor | None", executor)


def _take_metrics(request: pytest.FixtureRequest, metrics: SuiteMetrics, where: str) -> None:
    """Ask the fixtures that give metrics, once for a suite."""
    problem = ""
    for name in metrics.fixtures:
        if name in metrics.own:
            continue
        value = request.getfixturevalue(FIXTURE + name)
        try:
            metrics.own[name] = from_fixture(name, value, where)
        except PromptregError as exc:
            problem = str(exc)
    if problem:  # not where it was caught: pytest would show it twice
        _fail(problem)


def _forget(item: pytest.Item) -> None:
    """Drop what an earlier attempt at the same test left: plugins run a test again in the same item."""
    if CASE in item.stash:
        del item.stash[CASE]
    if OUTCOME in item.stash:
        del item.stash[OUTCOME]
    item.user_properties[:] = [entry for entry in item.user_properties if not entry[0].startswith("promptreg_")]


def _upcoming(item: pytest.Item, role: Performing) -> Queue | None:
    """The cases of the same suite that this process is going to run from here on, in order."""
    stash = item.session.config.stash
    if UPCOMING not in stash:
        stash[UPCOMING] = look_ahead(item.session, role.performer.runner)
    return stash[UPCOMING].after(item)


def _listen(config: pytest.Config, role: Performing) -> None:
    """From the first case on, hear what calls print and log; ``capsys`` and its like may have come since the last."""
    if HEARING not in config.stash:
        config.stash[HEARING] = Hearing(config)
        role.performer.tell = config.stash[HEARING].tell
    config.stash[HEARING].look()


def attach(item: pytest.Item, report: pytest.TestReport) -> None:
    """Put the outcome on the report of the call, or of a set-up that failed; what it is and its scores go to junit.

    Every report of a case has the attribute, so that it is known for one of ours.
    """
    setattr(report, REPORT_ATTRIBUTE, None)
    if report.sections or report.longrepr is not None:
        redact_report(report, item.config.stash[ROLE].settings.redactor)
    if RUNS in item.stash:  # pytest's subtests: the test goes on, and its outcome is not settled
        return
    case = item.stash.get(CASE, None)
    if report.when == "teardown" and case is not None:  # pytest keeps every item to the end
        del item.stash[CASE]
    if report.when == "teardown" or (report.when == "setup" and not report.failed):
        return
    outcome = case.outcome if case is not None else None
    outcome = outcome or item.stash.get(OUTCOME, None)
    if outcome is None or _is_withdrawn(outcome, report, item.config):
        return
    wire = {**outcome.to_wire(), "passed": not report.failed, "nodeid": item.nodeid}
    role = item.config.stash[ROLE]
    if isinstance(role, Performing) and role.performer.capture is not None:
        wire["trace"] = role.performer.capture.take(CaseOutcome.from_wire(wire))
    setattr(report, REPORT_ATTRIBUTE, wire)
    # On the item, not on this report: junit takes them from the report of the teardown.
    item.user_properties += [(f"promptreg_{term}", round(score, 6)) for term, score in outcome.scores.items()]
    item.user_properties += [
        ("promptreg_verdict", outcome.verdict),
        ("promptreg_suite", outcome.suite),
        ("promptreg_version", outcome.version),
        ("promptreg_example", outcome.example),
    ]
    if kinds := kinds_of(outcome):
        item.user_properties.append(("promptreg_kinds", ", ".join(kinds)))


def _is_withdrawn(outcome: CaseOutcome, report: pytest.TestReport, config: pytest.Config) -> bool:
    """A test that skipped itself takes its outcome back: it is not stored; a breach cannot be taken back, though."""
    skipped = report.skipped and not hasattr(report, "wasxfail")
    return skipped and (outcome.verdict != Verdict.BREACHED or config.stash[ROLE].settings.refreshing)


def _leaves_when_told(session: pytest.Session) -> Callable[[Progress], None] | None:
    """Ends the worker of a run that ends here, now and while a test waits: xdist lets a worker run all that it has.

    The controller takes that for an end in order, and the tests that did not run for what ``-x`` leaves out.
    """
    board = Board.of_worker(session.config)
    if board is None:
        return None

    def leave_when_told(_: Progress | None = None) -> None:
        if board.says_stop():
            session.shouldfail = "another worker's failure ends the run"
            pytest.exit(str(session.shouldfail), returncode=pytest.ExitCode.TESTS_FAILED)

    leave_when_told()
    return leave_when_told


def _fail(text: str) -> NoReturn:
    __tracebackhide__ = True
    pytest.fail(obeyed_by_none(text), pytrace=False)
