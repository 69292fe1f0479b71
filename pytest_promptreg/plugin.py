"""pytest's side of the house: fixtures and hooks, and no logic.

Every pytest run of the environment loads this module, so it imports the standard library and pytest alone; a run
without a marked test gets no further than this file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Generator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from .options import CHECKED_AT_ONCE, INI_OPTIONS, LEAVE_FILES, MARKER, add_options, ini_value
from .stash import CASE, CASE_KEY, ENVIRONMENT, HEARING, REPORT_ATTRIBUTE, ROLE, WORKER_OUTPUT, is_marked

if TYPE_CHECKING:
    from pathlib import Path

    from .board import Board
    from .case import PromptregCase
    from .roles import Role
    from .settings import Settings

_REPORTS = "promptreg-reports"
_SET_UP_FOR: ContextVar[pytest.FixtureRequest | None] = ContextVar("promptreg_set_up_for", default=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Flags and ini options, all under the one prefix."""
    add_options(parser)


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """What is registered first is cleaned up last: behind pytest's own last look for garbage."""
    early_config.add_cleanup(lambda: _let_go(early_config))


def _let_go(config: pytest.Config) -> None:
    role = config.stash.get(ROLE, None)
    if role is not None:
        role.let_go()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; a flag of ours is checked now, everything else when a marked test is found."""
    config.addinivalue_line("markers", MARKER)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Reports(config), _REPORTS)
    option = config.option
    # An empty value, that of a variable which a CI job has not set, is a mistake to be told as well.
    if any(getattr(option, f"promptreg_{flag}") not in (None, False) for flag in CHECKED_AT_ONCE):
        from .errors import PromptregError

        try:
            _settings(config)
        except PromptregError as exc:
            raise pytest.UsageError(str(exc)) from exc


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Note what the environment says now, and remove the results and reports of an earlier run.

    Where a run is recorded is nothing for a test module to change: the controller of xdist imports none, and would see
    nothing of what ``mlflow.set_tracking_uri`` writes to the environment.
    """
    config, option = session.config, session.config.option
    config.stash[ENVIRONMENT] = dict(os.environ)
    leaves_files = any(getattr(option, f"promptreg_{flag}") for flag in LEAVE_FILES)
    if leaves_files and not (_runs_nothing(config) or hasattr(config, "workerinput")):
        from .errors import PromptregError
        from .leaving import forget_earlier

        try:
            forget_earlier(_settings(config))
        except PromptregError as exc:
            raise pytest.UsageError(str(exc)) from exc


def _runs_nothing(config: pytest.Config) -> bool:
    """Whether tests are collected and none is run."""
    return bool(config.option.collectonly or config.option.promptreg_plan)


def _settings(config: pytest.Config) -> Settings:
    from .roles import invocation
    from .settings import check_ini_names, read_settings

    # pytest only warns of an option that nobody declared, and a mistyped gate would be gone without another word.
    # The public name of the same mapping is deprecated, and warns.
    check_ini_names(config._inicfg if hasattr(config, "_inicfg") else config.inicfg, INI_OPTIONS)
    worker = getattr(config, "workerinput", None)
    return read_settings(
        config.getoption,
        lambda name: ini_value(config, name),
        rootdir=config.rootpath,
        invocation=invocation(config.invocation_params.args),
        workers=int(worker["workercount"]) if worker else 1,
        distributed=getattr(config.option, "dist", "no") != "no",
        cache=_cache(config),
        verbose=getattr(config.option, "verbose", 0) > 0,
        environ=config.stash.get(ENVIRONMENT, os.environ),
    )


def _cache(config: pytest.Config) -> Path | None:
    """Our folder in pytest's cache; None under `-p no:cacheprovider`, or where it cannot be made."""
    try:
        return config.cache.mkdir("promptreg") if config.cache is not None else None
    except (AttributeError, OSError):
        return None


def _role(config: pytest.Config) -> Role:
    """This process's role, made when it is first needed.

    :raises PromptregError: when a setting is wrong.
    """
    if ROLE not in config.stash:
        from .roles import choose

        role = choose(
            _settings(config),
            is_worker=hasattr(config, "workerinput"),
            is_controller=config.pluginmanager.hasplugin("dsession"),
        )
        config.stash[ROLE] = role
        config.pluginmanager.register(_SetUps())
    return config.stash[ROLE]


# -- collection


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a marked test over versions x examples; first of all plugins, so that ids begin with the case's."""
    if "promptreg" in metafunc.fixturenames or is_marked(metafunc.definition):
        from . import collecting
        from .errors import PromptregError

        try:
            collecting.parametrize(metafunc, _role(metafunc.config))
        except PromptregError as exc:
            raise pytest.Collector.CollectError(str(exc)) from exc


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Take down what is declared, before --lf or a node id on the command line narrow it."""
    report = yield
    # A module that has no suite any more may have left baselines: looked for when pruning is asked for.
    ours = ROLE in collector.config.stash or collector.config.option.promptreg_prune
    if ours or is_marked(collector) or any(map(is_marked, report.result)):
        from . import collecting
        from .errors import PromptregError

        try:
            collecting.take_down(collector, report, _role(collector.config))
        except PromptregError as exc:
            report.outcome, report.longrepr, report.result = "failed", str(exc), []
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
    """Deselect the versions that were not asked for; in the end, once -k and -m are done, what other shards run."""
    if ROLE not in config.stash:
        return (yield)
    from . import collecting
    from .errors import PromptregError

    try:
        collecting.deselect(config, items, config.stash[ROLE])
    except PromptregError as exc:
        raise pytest.UsageError(str(exc)) from exc
    result = yield
    collecting.deselect_other_shards(config, items, config.stash[ROLE])
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Note what is left to run, before the header line tells of it."""
    if ROLE in session.config.stash:
        from . import collecting
        from .errors import PromptregError

        role = session.config.stash[ROLE]
        try:
            collecting.finish(session, role)
        except PromptregError as exc:
            raise pytest.UsageError(str(exc)) from exc
        if reports := session.config.pluginmanager.getplugin(_REPORTS):
            reports.expect(role.expected())


def pytest_report_collectionfinish(config: pytest.Config) -> str | None:
    """The one header line, where the project uses the plugin; none among ids that `--collect-only -q` lists."""
    role = config.stash.get(ROLE, None)
    return role.header() if role is not None and config.get_verbosity() >= 0 else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> object | None:
    """Size the suites up in place of running them, where that was asked for and all could be collected."""
    config = session.config
    if not config.option.promptreg_plan or config.option.collectonly or session.testsfailed:
        return None
    if ROLE in config.stash:
        from .errors import PromptregError
        from .roles import Performing

        role = config.stash[ROLE]
        try:
            if isinstance(role, Performing):
                role.size_up()
        except PromptregError as exc:
            raise pytest.UsageError(str(exc)) from exc
    return True


# -- one case


@pytest.fixture(scope="session")
def promptreg_predict() -> Any:
    """Override this fixture to return the function under test: ``predict(request) -> str | dict | list | Output``.

    ``request`` has ``text``, ``messages``, ``inputs``, ``model_config`` and ``version``; the function may be async. It
    is called ahead of the tests, from other threads: give the fixture session or module scope.
    """
    return None


@pytest.fixture(scope="session")
def promptreg_executor(request: pytest.FixtureRequest) -> Generator[Any, None, None]:
    """Override this fixture to return an executor of ``concurrent.futures``: predict and embeddings run on it.

    By default the cluster that ``--promptreg-executor`` names, else None: threads and an event loop of this process.
    """
    address = request.config.option.promptreg_executor
    if address is None:
        yield None
        return
    from .errors import PromptregError
    from .executors import connected

    problem = ""
    try:
        with connected(address) as executor:
            yield executor
    except PromptregError as exc:
        problem = str(exc)
    if problem:  # not where it was caught: pytest would show it twice
        pytest.fail(problem, pytrace=False)


class _SetUps:
    """Tells the fixture ``promptreg`` for which test it is set up; registered where there is a suite.

    Were ``request`` among its arguments, pytest would make that three times for each case, which is a twentieth of the
    whole run where calls take no time.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
        """Note the request, and leave the set-up to pytest."""
        if fixturedef.argname == "promptreg":
            _SET_UP_FOR.set(request)


@pytest.fixture
def promptreg(promptreg_predict: Any) -> PromptregCase:
    """One prompt version on one example: ``promptreg.check()`` gates its output against the stored baseline.

    Also: ``.output`` (text, tokens, cost, latency), ``.request``, ``.version``, ``.example``, ``.baseline``,
    ``.outcome``. Without a predict, ``promptreg.check(output)`` scores what the test made itself.
    """
    from . import running

    request = _SET_UP_FOR.get()
    _SET_UP_FOR.set(None)
    return running.open_case(request, lambda: promptreg_predict)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that never asked for the verdict, or swallowed it, fails all the same."""
    if HEARING in item.config.stash:
        item.config.stash[HEARING].look()
    yield
    case = item.stash.get(CASE, None)
    if case is not None:
        case.insist()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The outcome rides on the report as plain values: that is how it crosses from worker to controller."""
    report = yield
    if CASE_KEY in item.stash:
        from . import running

        running.attach(item, report)
    return report


class _Reports:
    """Reports, seen where they all arrive: in the only process, or in xdist's controller."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._board: Board | None = None
        self._plan: str | None = None  # of the workers, where they have cases of ours
        self._expected: set[str] = set()
        self._reported: set[str] = set()

    def expect(self, nodeids: Collection[str]) -> None:
        """These tests are going to run; pytest, or xdist, can lose one and still end with exit status 0."""
        self._expected.update(nodeids)

    @property
    def unreported(self) -> Collection[str]:
        """Those of which no result arrived."""
        return self._expected - self._reported

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hand on what rides on the report; under xdist, a failure that ends the run ends it in every worker."""
        if report.failed and self._board is not None and self._plan is not None:
            session = self._config.pluginmanager.getplugin("session")
            if session is not None and session.shouldfail:
                self._board.call_stop()
        # A set-up or teardown that passed is no result: the report of the call may have been the one that was lost.
        is_result = report.when == "call" or not report.passed or getattr(self._config.option, "setuponly", False)
        if is_result:
            self._reported.add(report.nodeid)
        if not hasattr(report, REPORT_ATTRIBUTE):
            return
        wire = getattr(report, REPORT_ATTRIBUTE)
        if wire is not None or report.when == "setup":
            _role(self._config).reported(report.nodeid, wire)
            setattr(report, REPORT_ATTRIBUTE, None)  # pytest keeps every report to the end
        if report.when != "call":
            self._let_go(report)

    def _let_go(self, report: pytest.TestReport) -> None:
        """Take a silent set-up or teardown that passed out of the terminal's list.

        pytest looks through that list once for each failure, for what its teardown printed: that is
        nine tenths of the time of 10,000 failing cases. ``--durations`` is the one other reader.
        """
        if report.sections or getattr(self._config.option, "durations", None) is not None:
            return
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        kept = reporter.stats.get("") if reporter is not None else None
        if kept and kept[-1] is report:
            kept.pop()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker is about to start: it is told where word can be left."""
        from .board import Board

        self._board = Board.for_node(node, self._config) or self._board

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """What the workers are about to run, ours and others': which are ours is known when a worker ends."""
        self.expect(ids)
        if self._plan is None and self._board is not None:
            self._plan = self._board.plan()
            if self._plan and self._config.get_verbosity() >= 0:
                self._config.pluginmanager.register(_Header(self._config, self._plan))

    def pytest_unconfigure(self) -> None:
        """The workers have ended: nobody reads what was left for them any more."""
        if self._board is not None and self._plan is not None:
            self._board.clear()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker ended: in order, then it says what was declared."""
        wire = getattr(node, "workeroutput", {}).get(WORKER_OUTPUT)
        if wire is not None:
            _role(self._config).worker_done(wire)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Conclude after the last test, while the exit status can still be told consistently.

        Setting ``session.exitstatus`` in sessionfinish comes too late for the summary; a failure counted here does not.
        """
        result = yield
        unreported = self.unreported
        if _runs_nothing(self._config) or not (ROLE in self._config.stash or unreported):
            return result
        role = _role(self._config)
        if role.refusal:
            raise pytest.UsageError(role.refusal)
        conclusion = role.conclude(interrupted=False, exit_passed=session.testsfailed == 0, unreported=unreported)
        if conclusion is not None and conclusion.fails_run:
            session.testsfailed += 1
        return result


class _Header:
    """The header line of a run under xdist, whose controller collects nothing.

    It is written when the first test starts: until then xdist rewrites a line of its own.
    """

    def __init__(self, config: pytest.Config, line: str) -> None:
        self._config = config
        self._line = line

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Write it, once."""
        self._config.pluginmanager.unregister(self)
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(self._line)
            reporter.write_line("")


# -- the end


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Conclude a run that ended early, and stop what still runs."""
    role = session.config.stash.get(ROLE, None)
    if role is None:
        return
    role.stop()
    if _runs_nothing(session.config):
        return
    if hasattr(session.config, "workerinput"):
        from . import collecting

        collecting.last_words(session, role)
    reports = session.config.pluginmanager.getplugin(_REPORTS)
    unreported = reports.unreported if reports is not None else ()
    conclusion = role.conclude(interrupted=True, exit_passed=False, unreported=unreported)
    if role.settings.shard and role.runs_elsewhere and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK  # more shards than examples: this one has nothing to run, and says so
    left_early = conclusion.run.interrupted if conclusion is not None else bool(role.expected())
    if left_early and session.exitstatus == 0 and not hasattr(session.config, "workerinput"):
        # `pytest.exit(returncode=0)` in the middle: what did not run has not passed.
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if conclusion is not None:
            conclusion.problems.append(
                "pytest was left early with exit status 0: cases that did not run have not passed"
            )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The closing section, where anything of ours ran."""
    role = config.stash.get(ROLE, None)
    if role is not None and role.sizings:
        from .report import sizing

        sizing.write(terminalreporter, role.sizings)
    elif role is None and config.option.promptreg_plan:
        terminalreporter.write_line("promptreg: no suite was collected, so there is nothing to plan", yellow=True)
    elif role is not None and role.conclusion is not None:
        from .report import terminal

        terminal.write(terminalreporter, role.conclusion)
    elif role is None and any(getattr(config.option, f"promptreg_{flag}") for flag in ("update", "accept", "rescore")):
        terminalreporter.write_line("promptreg: no suite was collected, so no baseline was written", yellow=True)
    elif role is None and (config.option.promptreg_register or config.option.promptreg_promote):
        terminalreporter.write_line(
            "promptreg: no suite was collected, so nothing was registered or promoted", yellow=True
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Whatever way the session ended, leave nothing running; behind pytest's last line, what a CI service reads."""
    role = config.stash.get(ROLE, None)
    if role is None:
        return
    role.stop()
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None and role.conclusion is not None and role.settings.annotated is not None:
        from .report.annotations import commands

        for line in commands(role.conclusion, role.settings.annotated):
            reporter.write_line(line)
