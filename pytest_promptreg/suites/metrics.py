"""The metrics that a suite may name: built-in ones, and a user's own from the marker, a fixture or an entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..errors import ConfigError, did_you_mean
from ..judging.gates import metric_named
from ..metrics import METRICS, Metric, MetricInfo
from ..named import find, is_name

LASTING_SCOPES = ("module", "package", "session")  # of fixtures that live as long as a suite
FIXTURE = "promptreg_metric_"  # a fixture promptreg_metric_polite is the metric `polite`


class SuiteMetrics:
    """What the gates and the marker of one suite name, found where it is.

    :param declared: the marker's ``metrics``: names, functions and objects, or a dict of them by name.
    :param fixture_scope: the scope of a fixture of that name, as the suite's test sees it; None where there is none.
    :param where: ``file:line`` of the suite.

    :ivar known: every metric that a gate may name.
    :ivar own: the user's own that are there already, by name.
    :ivar fixtures: names of those that a fixture will give when the first case runs; they lie between 0 and 1.
    :ivar reported: names on the marker, in order.
    :raises ConfigError: when ``declared`` holds what is no metric.
    """

    def __init__(self, declared: object, fixture_scope: Callable[[str], str | None], where: str) -> None:
        self.known: dict[str, MetricInfo] = dict(METRICS)
        self.own: dict[str, Metric] = {}
        self.fixtures: list[str] = []
        self.reported: tuple[str, ...] = ()
        self._fixture_scope = fixture_scope
        self._where = where
        for name in METRICS:
            if fixture_scope(FIXTURE + name) is not None:
                raise ConfigError(
                    f"the fixture {FIXTURE}{name} has the name of a built-in metric",
                    where=where,
                    next_step="give the fixture another name, and the gates that one",
                )
        self.reported = tuple(dict.fromkeys(self._declare(entry, name) for entry, name in _entries(declared, where)))

    def look_up(self, lines: Iterable[object]) -> None:
        """Find the metrics that gate lines name; those that are nowhere are left for the gates' own refusal."""
        for line in lines:
            if (name := metric_named(line)) is not None:
                self._find(name)

    def require(self, names: Iterable[str], where: str) -> tuple[str, ...]:
        """The names, each that of a metric.

        :raises ConfigError: saying which was probably meant.
        """
        for name in names:
            if not self._find(name):
                from ..metrics.entry_points import entry_point_names

                near = did_you_mean(name, [*self.known, *entry_point_names()])
                own = f"one of your own stands in metrics=[...], or in a fixture {FIXTURE}{name}"
                raise ConfigError(f"unknown metric {name!r}", where=where, next_step=f"{near}; {own}")
        return tuple(names)

    @property
    def own_infos(self) -> Mapping[str, MetricInfo]:
        """What is known of the user's own, fixtures included."""
        return {name: info for name, info in self.known.items() if name not in METRICS}

    def _declare(self, entry: object, name: str | None) -> str:
        if isinstance(entry, str) and is_name(entry):
            return self._adopt(find(entry, f"metrics: {entry!r}", self._where), name, self._where)
        if isinstance(entry, str) and name is not None:
            raise ConfigError(
                f"metrics={{{name!r}: {entry!r}}} gives a metric another name, and names a name",
                where=self._where,
                next_step=f"write metrics=[{entry!r}], or give {name!r} the function itself",
            )
        if isinstance(entry, str):
            return self.require([entry], self._where)[0]
        return self._adopt(entry, name, self._where)

    def _find(self, name: str) -> bool:
        if name in self.known:
            return True
        if (scope := self._fixture_scope(FIXTURE + name)) is not None:
            if scope not in LASTING_SCOPES:
                raise ConfigError(
                    f"the fixture {FIXTURE}{name} lives for a {scope}, and its metric scores cases of a whole suite",
                    where=self._where,
                    next_step='give it scope="module" or scope="session"',
                )
            self.known[name] = MetricInfo(name, 0.0, 1.0)
            self.fixtures.append(name)
            return True
        from ..metrics.entry_points import from_entry_point

        if (found := from_entry_point(name)) is not None:
            self._adopt(found, name, f"the entry point {name!r} of pytest_promptreg.metrics")
            return True
        return False

    def _adopt(self, source: object, name: str | None, where: str) -> str:
        from ..metrics.own import adopt

        adopted = adopt(source, name=name, where=where)
        if adopted.info.name in self.own:
            raise ConfigError(
                f"two metrics are called {adopted.info.name!r}",
                where=where,
                next_step="leave one out, or give it another name: metrics={'other_name': my_function}",
            )
        self.known[adopted.info.name] = adopted.info
        self.own[adopted.info.name] = adopted.metric
        return adopted.info.name


def _entries(declared: object, where: str) -> list[tuple[object, str | None]]:
    if declared is None:
        return []
    if isinstance(declared, Mapping):
        return [(source, str(name)) for name, source in declared.items()]
    if isinstance(declared, list | tuple):
        return [(entry, None) for entry in declared]
    if isinstance(declared, str) or callable(declared) or hasattr(declared, "score"):
        return [(declared, None)]
    raise ConfigError(
        f"metrics is a list of names, functions and objects, or a dict of them by name, not {type(declared).__name__}",
        where=where,
        next_step='write metrics=["semantic", my_function]',
    )


def from_fixture(name: str, value: object, where: str) -> Metric:
    """The metric that a fixture gave.

    :raises ConfigError: when it is none, or runs on another scale than was known when its gates were read.
    """
    from ..metrics.own import adopt

    adopted = adopt(value, name=name, where=where)
    if (adopted.info.low, adopted.info.high, adopted.info.best) != (0.0, 1.0, 1.0):
        raise ConfigError(
            f"the fixture {FIXTURE}{name} gives a metric from {adopted.info.low:g} to {adopted.info.high:g} with "
            f"{adopted.info.best:g} for equal texts; a fixture's runs from 0 to 1, and equal texts score 1",
            where=where,
            next_step="put the metric on the marker: metrics=[...]",
        )
    return adopted.metric
