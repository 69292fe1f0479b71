"""What a run may call and cost at most, counted over all its processes."""

from __future__ import annotations

import json
import math
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..atomic import put_in_place
from ..errors import BudgetError
from ..files import OWN_FOLDER, display_path, own_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .planning import CallPlan

MAX_CALLS = "--promptreg-max-calls"
MAX_COST = "--promptreg-max-cost"
_FILE = "budget.json"
_OLD_S = 24 * 3600.0
_LOCK_S = 60.0
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person allowed; None for no limit.

    :param calls: calls, retries included.
    :param cost: USD.
    """

    calls: int | None = None
    cost: float | None = None

    def __bool__(self) -> bool:
        return self.calls is not None or self.cost is not None

    def check(self, plan: CallPlan) -> None:
        """Refuse a plan that exceeds a limit, or of which nobody can say whether it does.

        :raises BudgetError: with the numbers and the flag.
        """
        if self.calls is not None and plan.calls > self.calls:
            raise BudgetError(
                f"this run would make {plan.calls} calls, and {MAX_CALLS} allows {self.calls}: none was made",
                next_step=f"select fewer cases, raise {MAX_CALLS}, or run with --promptreg-replay=reuse",
            )
        if self.cost is None:
            return
        if plan.unpriced:
            models = ", ".join(sorted(model or "a model that the prompt does not name" for model in plan.unpriced))
            raise BudgetError(
                f"{MAX_COST} cannot be held: there is no price for {models}",
                next_step='add it to the ini option promptreg_prices, such as "gpt-4o-mini = 0.15 0.60", or "* = 1 4"',
            )
        if plan.cost_usd > self.cost + _ROUNDING:
            raise BudgetError(
                f"this run would cost about {usd(plan.cost_usd)}, and {MAX_COST} allows {usd(self.cost)}: no call was "
                "made",
                next_step=f"select fewer cases, raise {MAX_COST}, or run with --promptreg-replay=reuse",
            )


_Entry = tuple[int, float, float]


@dataclass(slots=True)
class _Spent:
    calls: int = 0
    cost: float = 0.0


class Budget:
    """What was called and spent so far, against the limits.

    :param run: by what the processes of one run know each other; empty where there is one process.
    :param rootdir: below which processes count together.
    """

    def __init__(self, limits: Limits, *, run: str = "", rootdir: Path = Path()) -> None:
        self.limits = limits
        self._run = run
        self._rootdir = rootdir
        self._lock = threading.Lock()
        self._spent = _Spent()

    def take(self, estimate: float) -> None:
        """One more call is about to be made.

        :param estimate: USD that it is going to cost.
        :raises BudgetError: when it would exceed a limit; it must not be made then.
        """
        with self._open() as spent:
            calls, cost = self.limits.calls, self.limits.cost
            if calls is not None and spent.calls >= calls:
                raise BudgetError(
                    f"not called: {spent.calls} calls were made, retries included, and {MAX_CALLS} allows {calls}",
                    next_step=f"raise {MAX_CALLS}; with --promptreg-replay=reuse what was called is not called again",
                )
            if cost is not None and spent.cost + estimate > cost + _ROUNDING:
                raise BudgetError(
                    f"not called: {usd(spent.cost)} are spent or in flight, this call would cost about "
                    f"{usd(estimate)}, and {MAX_COST} allows {usd(cost)}",
                    next_step=f"raise {MAX_COST}; with --promptreg-replay=reuse what was called is not called again",
                )
            spent.calls += 1
            spent.cost += estimate

    def settle(self, estimate: float, cost: float | None) -> None:
        """A call gave an output: what it did cost stands in place of the estimate, where that is known.

        What is no amount of money is not: once added to what is spent, NaN would exceed no limit any more.
        """
        if cost is not None and self.limits.cost is not None and 0 <= cost < math.inf:
            with self._open() as spent:
                spent.cost += cost - estimate

    @contextmanager
    def _open(self) -> Iterator[_Spent]:
        with self._lock:
            if not self._run:
                yield self._spent
                return
            from filelock import FileLock

            try:
                path = own_folder(self._rootdir) / _FILE
                with FileLock(path.with_suffix(".lock"), timeout=_LOCK_S):
                    yield from self._shared(path)
            except (OSError, ValueError) as exc:
                raise BudgetError(
                    f"not called: what this run has called cannot be counted: {getattr(exc, 'strerror', None) or exc}",
                    where=display_path(self._rootdir),
                    next_step=f"see that {OWN_FOLDER}/{_FILE} can be written there; delete it if it is damaged",
                ) from exc

    def _shared(self, path: Path) -> Iterator[_Spent]:
        """What all processes of this run have spent, in a file that forgets the runs of yesterday."""
        runs = _counted(path)
        now = time.time()
        calls, cost, began = runs.get(self._run, (0, 0.0, now))
        spent = _Spent(calls, cost)
        yield spent
        kept = {name: entry for name, entry in runs.items() if now - entry[2] < _OLD_S}
        kept[self._run] = (spent.calls, spent.cost, began)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(kept), encoding="utf-8")
        put_in_place(temporary, path)  # whole, whatever becomes of this process


def _counted(path: Path) -> dict[str, _Entry]:
    """What each run has called and spent, and when it began in seconds of the epoch, by what its processes share.

    :raises ValueError: when the file is not as it was written.
    """
    if not path.exists():
        return {}
    try:
        runs = json.loads(path.read_text(encoding="utf-8"))
        found = {name: _entry(*said) for name, said in runs.items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as exc:
        raise ValueError(f"{path.name} is damaged") from exc
    return found


def _entry(calls: object, cost: object, began: object) -> _Entry:
    """One run's numbers: what is none would exceed no limit any more.

    :raises ValueError: when one of them is none.
    """
    if type(calls) is not int or calls < 0:
        raise ValueError(calls)
    return calls, _finite(cost), _finite(began)


def _finite(said: object) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not math.isfinite(said):
        raise ValueError(said)
    return float(said)


def usd(amount: float) -> str:
    """An amount as a person reads it: two digits that say something."""
    if amount >= 1:
        return f"${amount:.2f}"
    if amount >= 0.001 or amount == 0:
        return f"${amount:.4f}"
    return f"${amount:.{1 - math.floor(math.log10(amount))}f}"
