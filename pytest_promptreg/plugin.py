"""pytest's side of the house: fixtures and hooks, and no logic.

Every pytest run of the environment loads this module, so it imports the standard library and pytest alone; a run
without a marked test gets no further than this file.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .options import CHECKED_AT_ONCE, LEAVE_FILES, MARKER, add_options, is_suite_file, runs_nothing
from .session import arrivals
from .session.stash import CASE, CASE_KEY, ENVIRONMENT, HEARING, ROLE, RUNS, is_marked

if TYPE_CHECKING:
    from .session.case import PromptregCase


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
        config.pluginmanager.register(arrivals.Arrivals(config), arrivals.NAME)
    option = config.option
    # An empty value, that of a variable which a CI job has not set, is a mistake to be told as well.
    if any(getattr(option, f"promptreg_{flag}") not in (None, False) for flag in CHECKED_AT_ONCE):
        from .errors import PromptregError
        from .session.process import settings_of

        try:
            settings_of(config)
        except PromptregError as exc:
            raise pytest.UsageError(str(exc)) from exc


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Write a first suite in place of running anything, where that was asked for."""
    if config.option.promptreg_init is None:
        return None
    from .errors import PromptregError
    from .starting import start

    try:
        start(config, print)  # pytest has not made its reporter yet
    except PromptregError as exc:
        raise pytest.UsageError(str(exc)) from exc
    return pytest.ExitCode.OK


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Note what the environment says now, and remove the results and reports of an earlier run.

    Where a run is recorded is nothing for a test module to change: the controller of xdist imports none, and would see
    nothing of what ``mlflow.set_tracking_uri`` writes to the environment.
    """
    config, option = session.config, session.config.option
    config.stash[ENVIRONMENT] = dict(os.environ)
    leaves_files = any(getattr(option, f"promptreg_{flag}") for flag in LEAVE_FILES)
    if leaves_files and not (runs_nothing(config) or hasattr(config, "workerinput")):
        from .errors import PromptregError
        from .results.leaving import forget_earlier
        from .session.process import settings_of

        try:
            forget_earlier(settings_of(config))
        except PromptregError as exc:
            raise pytest.UsageError(str(exc)) from exc


# -- collection


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the suites of a suite file."""
    if not is_suite_file(file_path):
        return None
    from .suites.files.collector import SuiteFile

    return SuiteFile.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a marked test over versions x examples; first of all plugins, so that ids begin with the case's."""
    if "promptreg" in metafunc.fixturenames or is_marked(metafunc.definition):
        from .errors import PromptregError
        from .session import collecting
        from .session.process import role_of

        try:
            collecting.parametrize(metafunc, role_of(metafunc.config))
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
        from .errors import PromptregError
        from .session import collecting
        from .session.process import role_of

        try:
            collecting.take_down(collector, report, role_of(collector.config))
        except PromptregError as exc:
            report.outcome, report.longrepr, report.result = "failed", str(exc), []
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None, object, object]:
    """Deselect the versions that were not asked for; in the end, once -k and -m are done, what other shards run."""
    if ROLE not in config.stash:
        return (yield)
    from .errors import PromptregError
    from .session import collecting

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
        from .errors import PromptregError
        from .session import collecting

        role = session.config.stash[ROLE]
        try:
            collecting.finish(session, role)
        except PromptregError as exc:
            raise pytest.UsageError(str(exc)) from exc
        if reports := session.config.pluginmanager.getplugin(arrivals.NAME):
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
        from .session.roles import Performing

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
    from .session.executors import connected

    problem = ""
    try:
        with connected(address) as executor:
            yield executor
    except PromptregError as exc:
        problem = str(exc)
    if problem:  # not where it was caught: pytest would show it twice
        pytest.fail(problem, pytrace=False)


@pytest.fixture
def promptreg(promptreg_predict: Any) -> PromptregCase:
    """One prompt version on one example: ``promptreg.check()`` gates its output against the stored baseline.

    Also: ``.output`` (text, tokens, cost, latency), ``.request``, ``.version``, ``.example``, ``.baseline``,
    ``.outcome``. Without a predict, ``promptreg.check(output)`` scores what the test made itself.
    """
    from .session import running
    from .session.set_ups import take_request

    return running.open_case(take_request(), lambda: promptreg_predict)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """A test that never asked for the verdict, or swallowed it, fails all the same."""
    if HEARING in item.config.stash:
        item.config.stash[HEARING].look()
    case = item.stash.get(CASE, None)
    if case is None:
        return (yield)
    item.stash[RUNS] = True
    try:
        yield
        case.insist()
    finally:
        del item.stash[RUNS]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The outcome rides on the report as plain values: that is how it crosses from worker to controller."""
    report = yield
    if CASE_KEY in item.stash:
        from .session import running

        running.attach(item, report)
    return report


# -- the end


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Conclude a run that ended early, and stop what still runs."""
    if ROLE in session.config.stash:
        from .session.ending import finish

        reports = session.config.pluginmanager.getplugin(arrivals.NAME)
        finish(session, session.config.stash[ROLE], reports.unreported if reports is not None else ())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The closing section, where anything of ours ran or was asked for."""
    if ROLE in config.stash:
        from .session.ending import summarize

        summarize(terminalreporter, config.stash[ROLE])
    elif any(getattr(config.option, f"promptreg_{flag}") for flag in CHECKED_AT_ONCE):
        from .session.ending import summarize_nothing

        summarize_nothing(terminalreporter, config.option)


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
