"""What a user's own metric gave, checked: a number within its bounds, or an error that names metric and example."""

from __future__ import annotations

import contextlib
import inspect
import math
import reprlib
import sysconfig
import traceback
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ..errors import MetricError
from ..files import display_path
from . import MetricInfo, Pair

_ROUNDING = 1e-9  # a score this far outside its bounds is rounding, and is put back on the bound
_MOST_SAID = 300
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def as_score(value: object, info: MetricInfo, pair: Pair) -> float:
    """``value`` as a float within the metric's bounds: a bool, an int, a Decimal or NumPy's number is what it says.

    :raises MetricError: for None, a text, NaN, an infinity, anything else that is no number, and what lies outside.
    """
    if inspect.iscoroutine(value):
        value.close()  # or Python warns on its own account that it was never awaited
    try:
        number = math.nan if isinstance(value, str | bytes | bytearray) else float(value)  # type: ignore[arg-type]
    except Exception:  # whatever an object's own __float__ raises
        number = math.nan
    if not math.isfinite(number):
        raise MetricError(f"the metric {info.name} gave {shown(value)}{of_example(pair)}, no {_range(info)}")
    if not info.low - _ROUNDING <= number <= info.high + _ROUNDING:
        raise MetricError(
            f"the metric {info.name} gave {shown(value)}{of_example(pair)}, no {_range(info)}",
            next_step="say what its scores run between: @pytest_promptreg.metric(low=..., high=...)",
        )
    return min(max(number, info.low), info.high)


@contextlib.contextmanager
def guarded(name: str, pair: Pair | None = None) -> Iterator[None]:
    """Whatever the user's code raises as a :func:`failure`; a Ctrl-C and a MetricError stay what they are."""
    try:
        yield
    except (MetricError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as exc:  # a pytest.skip() or sys.exit() in a metric must not end the case as passed
        raise failure(name, exc, pair) from exc


def failure(name: str, exc: BaseException, pair: Pair | None) -> MetricError:
    """The exception of a user's metric as an error of this project's, with the place in the user's code.

    :param pair: what was scored, where that is known.
    """
    place = of_example(pair) if pair else ""
    return MetricError(f"the metric {name} failed{place}: {told(exc)}", where=users_line(exc) or None)


def told(exc: BaseException) -> str:
    """An exception's kind and message on one line, cut short."""
    try:
        said = " ".join(str(exc).split())
    except Exception:  # whatever an exception's own __str__ raises
        said = ""
    return f"{type(exc).__name__}: {said[:_MOST_SAID]}" if said else type(exc).__name__


def of_example(pair: Pair) -> str:
    """`` for example 't-1'``; by the output's beginning where no example is known."""
    return f" for example {pair.case.example.id!r}" if pair.case else f" for the output {shown(pair.output)}"


def shown(value: object) -> str:
    """A value's repr on one line, cut short."""
    return " ".join(_SHORT.repr(value).split())


def exactly(number: float) -> str:
    """A number as a person would write it, to the last digit."""
    return short if float(short := f"{number:g}") == number else repr(number)


def users_line(exc: BaseException) -> str:
    """``file:line`` of the innermost frame that is neither this package's nor a library's; empty without one."""
    place = ""
    for frame, line in traceback.walk_tb(exc.__traceback__):
        file = frame.f_code.co_filename
        if not file.startswith("<frozen") and not any(Path(file).is_relative_to(root) for root in _library_folders()):
            place = f"{display_path(Path(file))}:{line}"
    return place


@cache
def _library_folders() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return (Path(__file__).parent.parent, *{Path(sysconfig.get_path(name)) for name in names})


def _range(info: MetricInfo) -> str:
    return f"finite number from {exactly(info.low)} to {exactly(info.high)}"
