"""A user's own metrics: what is adopted, what is refused, what a score may be, and what a signature says."""

from __future__ import annotations

import asyncio
import functools
import importlib
import math
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.errors import ConfigError, MetricError
from pytest_promptreg.judging import gates
from pytest_promptreg.metrics import METRICS, Metric, Pair
from pytest_promptreg.metrics.entry_points import entry_point_names, from_entry_point
from pytest_promptreg.metrics.own import OwnMetric, adopt, metric
from pytest_promptreg.model import Example, ScoredCase

CASE = ScoredCase(Example("t-1", {"tone": "warm"}, "the reference"))
PAIR = Pair("an output", "a baseline", CASE)


def polite(output: str, baseline: str, case: ScoredCase | None) -> float:
    return float("please" in output)


def same_length(output: str, baseline: str) -> float:
    return float(len(output) == len(baseline))


class Words:
    """A batch object with everything that one can have."""

    name = "words"
    low = 0
    high = 50
    equal = 10

    def signature(self) -> str:
        """One line."""
        return "words of three"

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """Words of each output."""
        return [len(pair.output.split()) for pair in pairs]


class Scored:
    """A batch object whose scores are those given, whatever the pairs."""

    name = "scored"

    def __init__(self, scores: object) -> None:
        self._scores = scores

    def score(self, pairs: Sequence[Pair]) -> Any:
        """What was given."""
        return self._scores


def one(source: object, pair: Pair = PAIR, **options: Any) -> float:
    (value,) = adopt(source, **options).metric.score([pair])
    return value


def refused(source: object, **options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        adopt(source, **options)
    return error.value


def failed(source: object, pair: Pair = PAIR) -> MetricError:
    own = adopt(source)
    with pytest.raises(MetricError) as error:
        own.metric.score([pair])
    return error.value


def test_a_plain_function_is_a_metric_from_0_to_1() -> None:
    """Nothing but a function is needed: its own name, bounds 0 and 1, and 1 for what equals itself."""
    own = adopt(polite)
    assert (own.info.name, own.metric.name) == ("polite", "polite")
    assert (own.info.low, own.info.high, own.info.best) == (0.0, 1.0, 1.0)
    assert own.metric.score([Pair("please", ""), Pair("now", "")]) == [1.0, 0.0]
    assert own.metric.score([]) == []


def test_a_metric_can_be_described_and_stays_the_function_it_was() -> None:
    """With or without arguments, the decorator gives the function back as it was; what it says is in the info."""
    assert metric(polite)("please", "", None) == 1
    assert (metric(polite).__name__, metric(polite).__doc__) == ("polite", polite.__doc__)

    @metric(name="stars", low=1, high=5, equal=4)
    def rated(output: str, baseline: str) -> float:
        return 3

    assert rated("a", "b") == 3
    info = adopt(rated).info
    assert (info.name, info.low, info.high, info.best) == ("stars", 1.0, 5.0, 4.0)
    assert adopt(metric(Words())).info.high == 1.0, "what the decorator says replaces what the object says"


def test_what_one_suite_says_of_a_metric_is_not_said_for_another() -> None:
    """Describing a function or an object anew leaves it as it was: each suite has its own range of it."""
    words = Words()
    before = adopt(polite).info, adopt(words).info
    for source in (polite, words):
        assert adopt(metric(low=0, high=7)(source), name="one").info.high == 7
    assert (adopt(polite).info, adopt(words).info) == before
    assert before[0].high == 1


def test_instances_of_a_described_class_are_described() -> None:
    """The decorator may stand above a class of batch objects."""

    @metric(low=-1, high=1)
    class Cosine:
        name = "own_cosine"

        def score(self, pairs: Sequence[Pair]) -> list[float]:
            return [-1.0 for _ in pairs]

    own = adopt(Cosine())
    assert (own.info.low, own.metric.score([PAIR])) == (-1.0, [-1.0])


def test_what_takes_no_description_is_refused() -> None:
    """A function written in C cannot carry one, and the remedy is named."""
    with pytest.raises(ConfigError, match="cannot be described") as error:
        metric(max)
    assert "function around it" in str(error.value.next_step)


@pytest.mark.parametrize(
    "function",
    [
        lambda output, baseline, case: case.inputs["tone"] == "warm",
        lambda output, baseline, example: example.inputs["tone"] == "warm",
        lambda output, baseline, case=None: case.inputs["tone"] == "warm",
        lambda output, baseline, *, case: case.inputs["tone"] == "warm",
        lambda *texts: texts[2].inputs["tone"] == "warm",
        lambda output, baseline: (output, baseline) == ("an output", "a baseline"),
        lambda a, b, threshold=1.0: threshold,
        functools.partial(lambda wanted, output, baseline: output == wanted, "an output"),
        functools.partial(lambda output, baseline, *, wanted: output == wanted, wanted="an output"),
    ],
)
def test_a_function_is_called_by_its_parameters(function: object) -> None:
    """Three parameters or a ``case`` get the case; two get the texts; a third with a default is a setting."""
    assert one(function, name="asked") == 1.0


def test_methods_and_callable_objects_are_metrics() -> None:
    """What can be called like a function is one."""

    class Near:
        name = "near"

        def __call__(self, output: str, baseline: str) -> float:
            return 0.5

        def measured(self, output: str, baseline: str, case: object) -> float:
            return 0.25

    assert one(Near()) == 0.5
    assert one(Near().measured) == 0.25
    assert adopt(Near().measured).info.name == "measured"


def test_a_function_in_c_is_called_with_the_texts() -> None:
    """What says nothing of its parameters is given the two texts."""
    with pytest.raises(MetricError, match="the metric later gave 'an output'"):
        one(max, name="later")


@pytest.mark.parametrize(
    ("function", "taken"),
    [
        (lambda: 1, "()"),
        (lambda output: 1, "(output)"),
        (lambda output, baseline, case, model: 1, "(output, baseline, case, model)"),
        (lambda output, baseline, *, model: 1, "(output, baseline, *, model)"),
        (lambda baseline, output: 1, "(baseline, output)"),
        (lambda case, output, baseline: 1, "(case, output, baseline)"),
    ],
)
def test_other_parameters_are_refused(function: object, taken: str) -> None:
    """A function that wants something else, or the texts the wrong way round, is refused with what is expected."""
    error = refused(function, name="asked")
    assert (
        error.what
        == f"asked takes {taken[:-1]}); a metric is called with (output, baseline, case) or (output, baseline)"
    )
    assert "functools.partial" in str(error.next_step)


def test_async_metrics_are_refused() -> None:
    """A metric is called, not awaited: functions, methods, partials and score() alike, saying what to do."""

    async def later(output: str, baseline: str) -> float:
        return 1.0

    class Later:
        name = "later"

        async def score(self, pairs: Sequence[Pair]) -> list[float]:
            return []

    class Called:
        async def __call__(self, output: str, baseline: str) -> float:
            return 1.0

    for source in (later, Later(), Called(), functools.partial(later, "a")):
        error = refused(source, name="later")
        assert "is async" in error.what
        assert "asyncio.run(...)" in str(error.next_step)
    assert one(lambda output, baseline: asyncio.run(later(output, baseline)), name="run") == 1.0
    with pytest.raises(MetricError, match="gave <coroutine"):
        one(lambda *texts: later(*texts[:2]), name="hidden")


def test_the_given_name_wins() -> None:
    """A key, an entry point or a fixture names the metric, whatever it calls itself; its signature follows."""
    for source in (polite, Words(), metric(name="described")(lambda output, baseline: 1.0)):
        own = adopt(source, name="asked")
        assert (own.info.name, own.metric.name) == ("asked", "asked")
        assert own.metric.signature().startswith("asked|")


def test_a_nameless_metric_is_refused() -> None:
    """A lambda, a partial and an object without a name must be given one."""
    assert "a lambda has no name" in refused(lambda output, baseline: 1.0).what
    assert "this partial has no name" in refused(functools.partial(polite)).what
    nameless = type("Nameless", (), {"score": lambda self, pairs: []})()
    error = refused(nameless, where="test_a.py:3")
    assert (error.what, error.where) == ("this Nameless has no name that a gate could use", "test_a.py:3")


@pytest.mark.parametrize("name", ["two words", "2nd", "", "drop(x)", "höflich", "a-b", "a\n", 3])
def test_a_name_that_gates_cannot_write_is_refused(name: Any) -> None:
    """A name is what the gate grammar takes for one."""
    assert "cannot be a metric's name" in refused(type("Named", (Words,), {"name": name or "-"})()).what


@pytest.mark.parametrize("name", [*METRICS, *gates._AGGREGATES, gates.PASS_RATE, "drop", "p05", "p5", "p99"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    """Built-in metrics and the words of the gate grammar keep their meaning."""
    error = refused(polite, name=name, where="conftest.py:7")
    assert error.what.startswith(f"{name!r} is a")
    assert error.where == "conftest.py:7"


@given(st.from_regex(r"[A-Za-z_][A-Za-z_0-9]*", fullmatch=True) | st.text(max_size=12))
@settings(max_examples=150)
def test_any_name_is_adopted_or_refused(name: str) -> None:
    """Whatever name is given, the metric has it or is refused."""
    try:
        own = adopt(polite, name=name)
    except ConfigError:
        return
    assert own.info.name == (name or "polite")


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({"low": 1}, "low 1 is not below high 1"),
        ({"low": 2, "high": -2}, "low 2 is not below high -2"),
        ({"low": math.nan}, "low must be a number, not nan"),
        ({"high": math.nan}, "high must be a number, not nan"),
        ({"equal": math.nan}, "equal must be a number, not nan"),
        ({"high": "5"}, "high must be a number, not '5'"),
        ({"low": None}, "low must be a number, not None"),
        ({"equal": 1.5}, "equal 1.5 does not lie between low 0 and high 1"),
        ({"equal": -1}, "equal -1 does not lie between low 0 and high 1"),
        ({"high": math.inf}, "has no highest score"),
        ({"high": math.inf, "equal": math.inf}, "equal inf does not lie"),
        ({"version": ""}, "version '' is not one line of text"),
        ({"version": "a\nb"}, "is not one line of text"),
    ],
)
def test_impossible_descriptions_are_refused(bounds: dict[str, Any], said: str) -> None:
    """Bounds between which no gate could be judged are refused, with the place of the function."""
    described = metric(**bounds)(lambda output, baseline: 1.0)
    error = refused(described, name="bounded")
    assert said in error.what
    assert str(error.where).startswith(str(Path("tests", "metrics", "test_own.py:")))


def test_an_open_end_needs_what_equal_texts_score() -> None:
    """A metric without a highest score is fine once it says what equal texts score."""
    own = adopt(metric(high=math.inf, equal=1)(lambda output, baseline: 7), name="ratio")
    assert (own.info.best, own.metric.score([PAIR])) == (1.0, [7.0])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (Words, "Words is a class, not a metric"),
        (float, "float is a class, not a metric"),
        ("polite", "'polite' is no metric"),
        (3, "3 is no metric"),
        (None, "None is no metric"),
        ({"polite": polite}, "is no metric"),
        (type("NoPairs", (), {"name": "no_pairs", "score": lambda self: []})(), "score() must take the pairs"),
    ],
)
def test_what_is_no_metric_is_refused(source: object, said: str) -> None:
    """A class where an instance belongs, a name, and whatever cannot be called."""
    error = refused(source, where="here:1")
    assert said in error.what
    assert error.where == "here:1"
    assert error.next_step


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (True, 1.0),
        (0, 0.0),
        (0.25, 0.25),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 4), 0.25),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.int64(1), 1.0),
        (np.bool_(True), 1.0),
        (np.array(0.5), 0.5),
        (1 + 1e-12, 1.0),
        (-1e-12, 0.0),
    ],
)
def test_any_kind_of_number_is_a_score(value: Any, number: float) -> None:
    """Whatever says a number becomes that float; rounding at a bound is put back on it."""
    for source in (lambda output, baseline: value, Scored([value])):
        score = one(source, name="numeric")
        assert (score, type(score)) == (number, float)


NO_SCORES = [
    None,
    math.nan,
    math.inf,
    -math.inf,
    np.float32("nan"),
    Decimal("NaN"),
    "0.5",
    b"0.5",
    "yes",
    [0.5],
    {"score": 0.5},
    0.5 + 0j,
    object(),
    np.array([0.5, 0.5]),
    1.001,
    -0.5,
    10**400,
]


@pytest.mark.parametrize("value", NO_SCORES, ids=lambda value: type(value).__name__)
def test_what_is_no_score_is_an_error(value: Any) -> None:
    """None, NaN, a text, a list or a number outside the bounds names metric, example and what came back."""
    for source in (
        metric(name="odd")(lambda output, baseline: value),
        type("Odd", (Scored,), {"name": "odd"})([value]),
    ):
        error = failed(source)
        assert error.what.startswith("the metric odd gave ")
        assert error.what.endswith(" for example 't-1', no finite number from 0 to 1")


@given(st.floats(-2, 2), st.floats(-1, 0), st.floats(0.5, 1))
@settings(max_examples=100)
def test_a_score_lies_within_its_bounds_or_is_an_error(value: float, low: float, high: float) -> None:
    """No score outside of what gates were told can come out of a metric."""
    own = adopt(metric(low=low, high=high)(lambda output, baseline: value), name="bounded")
    try:
        (score,) = own.metric.score([PAIR])
    except MetricError:
        assert not low <= value <= high
        return
    assert low <= score <= high
    assert score == pytest.approx(value, abs=2e-9)


def test_without_a_case_the_output_is_named() -> None:
    """Where no example is known, an error says which output it was, cut short and on one line."""
    error = failed(metric(name="odd")(lambda output, baseline: None), Pair("line\n" * 100, ""))
    assert error.what.startswith("the metric odd gave None for the output 'line\\nline")
    assert len(error.what) < 200
    assert "\n" not in error.what


def raises(output: str, baseline: str, case: ScoredCase) -> float:
    int("no\nnumber")
    return 1.0


def test_what_a_metric_raises_is_its_error_with_the_users_line() -> None:
    """An exception names metric and example, on one line, and the line of the user's code, not the library's."""
    error = failed(raises)
    said = "ValueError: invalid literal for int() with base 10: 'no\\nnumber'"
    assert error.what == f"the metric raises failed for example 't-1': {said}"
    line = raises.__code__.co_firstlineno + 1
    assert error.where == f"{Path('tests', 'metrics', 'test_own.py')}:{line}"
    assert isinstance(error.__cause__, ValueError)


def test_a_failure_inside_a_library_is_placed_in_the_users_code() -> None:
    """Where a library raises, the place is the user's line that called it."""

    def parsed(output: str, baseline: str) -> float:
        import json

        return float(json.loads(output))

    def imported(output: str, baseline: str) -> float:
        importlib.import_module("no_such_module_at_all")
        return 1.0

    for function, kind, line in ((parsed, "JSONDecodeError", 3), (imported, "ModuleNotFoundError", 1)):
        error = failed(function)
        assert kind in error.what
        assert str(error.where).endswith(f"test_own.py:{function.__code__.co_firstlineno + line}")


@pytest.mark.parametrize("leave", [lambda: pytest.skip("no"), lambda: sys.exit(0), lambda: pytest.fail("no")])
def test_a_metric_cannot_skip_or_end_a_case(leave: Callable[[], object]) -> None:
    """A skip or an exit inside a metric is a failed metric, not a case that was never judged."""
    assert failed(metric(name="leaving")(lambda output, baseline: leave())).what.startswith("the metric leaving failed")


def test_an_interrupt_stays_one() -> None:
    """Ctrl-C inside a metric ends the run."""

    def interrupted(output: str, baseline: str) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one(interrupted)


def test_a_metrics_own_metric_error_stays_as_it_is() -> None:
    """A metric that knows better than we what is wrong says it."""

    def unavailable(output: str, baseline: str) -> float:
        raise MetricError("no model", next_step="download it")

    assert (failed(unavailable).what, failed(unavailable).next_step) == ("no model", "download it")


def test_a_batch_object_is_adopted_with_what_it_says_of_itself() -> None:
    """Name, bounds and equal are read from the object, and its ints become floats."""
    own = adopt(Words())
    assert (own.info.name, own.info.low, own.info.high, own.info.best) == ("words", 0.0, 50.0, 10.0)
    scores = own.metric.score([Pair("a b", ""), Pair("a", "")])
    assert scores == [2.0, 1.0]
    assert {type(score) for score in scores} == {float}


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([1.0], "gave 1 scores for 2 pairs"),
        ([1.0, 1.0, 1.0], "gave 3 scores for 2 pairs"),
        ([], "gave 0 scores for 2 pairs"),
        (None, "gave None: a list of scores is expected"),
        (1.0, "gave 1.0: a list of scores is expected"),
        ("01", "gave '01': a list of scores is expected"),
        ({0.5: 1, 0.6: 2}, "a list of scores is expected"),
        ({0.5, 0.6}, "a list of scores is expected"),
    ],
)
def test_a_batch_without_a_score_for_each_pair_is_an_error(scores: object, said: str) -> None:
    """Too few, too many, or no list: nothing is lined up with the wrong pair."""
    with pytest.raises(MetricError) as error:
        adopt(Scored(scores)).metric.score([PAIR, PAIR])
    assert said in error.value.what


def test_a_batch_may_be_any_sequence_or_generator() -> None:
    """A tuple, a NumPy array or a generator gives scores in order."""
    for scores in ((0.1, 0.2), np.array([0.1, 0.2]), iter([0.1, 0.2])):
        assert adopt(Scored(scores)).metric.score([PAIR, PAIR]) == [0.1, 0.2]


def test_a_batch_object_cannot_disturb_the_pairs() -> None:
    """An object that sorts or empties its list does so to a list of its own, and is not asked about nothing."""

    class Emptying(Scored):
        def score(self, pairs: Any) -> Any:
            assert pairs
            pairs.clear()
            return self._scores

    pairs = [PAIR, PAIR]
    own = adopt(Emptying([0.1, 0.2])).metric
    assert own.score(pairs) == [0.1, 0.2]
    assert pairs == [PAIR, PAIR]
    assert own.score([]) == []


def test_a_failing_batch_names_its_metric() -> None:
    """An exception for several pairs names the metric; for one pair, its example too."""

    class Failing(Scored):
        def score(self, pairs: Any) -> Any:
            raise RuntimeError("out of memory")

    with pytest.raises(MetricError, match=r"the metric scored failed: RuntimeError: out of memory$"):
        adopt(Failing([])).metric.score([PAIR, PAIR])
    assert failed(Failing([])).what == "the metric scored failed for example 't-1': RuntimeError: out of memory"


def test_a_functions_signature_is_its_name_and_source() -> None:
    """Twelve digits stand for the source, a version stands instead of it; bounds are told if they are not 0 and 1."""
    signature = adopt(polite).metric.signature()
    assert signature.startswith("polite|function|source:")
    assert len(signature.rpartition(":")[2]) == 12
    versioned = metric(version="2")(lambda output, baseline: 1.0)
    assert adopt(versioned, name="v").metric.signature() == "v|function|version:2"
    bounded = metric(version="3", low=1, high=5, equal=4)(lambda output, baseline: 1.0)
    assert adopt(bounded, name="b").metric.signature() == "b|function|version:3|range:1..5|equal:4"
    assert adopt(max, name="biggest").metric.signature() == "biggest|function|source:unknown"


def test_an_objects_signature_is_its_own_behind_the_name() -> None:
    """The name is put before it unless it is there; without an own signature, class and source stand for it."""
    assert adopt(Words()).metric.signature() == "words|words of three|range:0..50|equal:10"
    named = type("Named", (Scored,), {"signature": lambda self: "scored|model:7\n"})
    assert adopt(named([])).metric.signature() == "scored|model:7"
    signature = adopt(Scored([])).metric.signature()
    assert signature.startswith(f"scored|{__name__}.Scored|source:")
    versioned = metric(name="scored", version="7")(Scored([]))
    assert adopt(versioned).metric.signature() == f"scored|{__name__}.Scored|version:7"


@pytest.mark.parametrize("said", ["", "  ", "a\nb", None, 3])
def test_a_signature_that_is_not_one_line_is_an_error(said: object) -> None:
    """A stored signature is one line of text."""
    own = adopt(type("Odd", (Scored,), {"signature": lambda self: said})([]))
    with pytest.raises(MetricError, match="one line of text is expected"):
        own.metric.signature()


def test_a_failing_signature_is_an_error_of_the_metric() -> None:
    """What signature() raises is told like what score() raises."""
    own = adopt(type("Odd", (Scored,), {"signature": lambda self: 1 / 0})([]))
    with pytest.raises(MetricError, match="the metric scored failed: ZeroDivisionError"):
        own.metric.signature()


def test_an_own_metric_is_a_metric() -> None:
    """What is adopted keeps the protocol of every metric."""
    metrics: list[Metric] = [adopt(polite).metric, adopt(Words()).metric]
    assert [metric.name for metric in metrics] == ["polite", "words"]
    assert isinstance(adopt(polite), OwnMetric)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Installs a package with one module and its entry points, as far as importlib.metadata can tell."""

    def installed(package: str, module: str, points: str) -> None:
        folder = tmp_path / package
        information = folder / f"{package}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(f"[pytest_promptreg.metrics]\n{points}\n")
        (folder / f"{package}_metrics.py").write_text(module)
        monkeypatch.syspath_prepend(folder)

    return installed


def test_an_entry_point_is_loaded_by_its_name(install: Callable[[str, str, str], None]) -> None:
    """What an installed package offers is found, listed and adopted under the entry point's name."""
    install("kindness", "def polite(output, baseline):\n    return 0.5\n", "kind = kindness_metrics:polite")
    assert "kind" in entry_point_names()
    source = from_entry_point("kind")
    assert one(source, name="kind") == 0.5
    assert from_entry_point("no_such_metric") is None


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("polite = ", "SyntaxError"),
        ("", "AttributeError"),
    ],
)
def test_an_entry_point_that_cannot_be_loaded_names_its_package(
    install: Callable[[str, str, str], None], module: str, said: str
) -> None:
    """Which package, which object and why; not a traceback."""
    package = f"broken{abs(hash(said))}"
    install(package, module, f"kind = {package}_metrics:polite")
    with pytest.raises(ConfigError) as error:
        from_entry_point("kind")
    assert f"the metric kind of {package} ({package}_metrics:polite) cannot be loaded: {said}" in error.value.what


def test_two_packages_with_one_name_are_refused(install: Callable[[str, str, str], None]) -> None:
    """Which of two would be taken is not left to the order of folders."""
    for package in ("first", "second"):
        install(package, "def polite(output, baseline):\n    return 0.5\n", f"kind = {package}_metrics:polite")
    with pytest.raises(ConfigError, match="offered twice, by first and second"):
        from_entry_point("kind")
