"""The price of each case's call, and the budget that it is taken from."""

from __future__ import annotations

from contextlib import suppress

from ..baselines.baseline import Baseline
from ..errors import PromptregError
from ..inputs.templates import render
from ..model import Key, Output
from ..suites.suite import SuiteSpec
from . import prices
from .budget import Budget
from .prices import Price, Prices


class Outlay:
    """What the calls of this process cost.

    :param budget: what they are taken from; None where there is no limit.
    """

    def __init__(self, known: Prices, budget: Budget | None) -> None:
        self._known = known
        self._budget = budget
        self._prices: dict[tuple[str, str], Price | None] = {}
        self._taken: dict[Key, float] = {}

    @property
    def is_limited(self) -> bool:
        """Whether a call may be one too many."""
        return self._budget is not None

    @property
    def has_prices(self) -> bool:
        """Whether the ini file says any."""
        return bool(self._known)

    def model(self, spec: SuiteSpec, key: Key) -> str:
        """The name of the model that a case asks, where it says one."""
        return prices.model_of(spec.version_by_label[key.version].model_config, spec.predict)

    def estimate(self, spec: SuiteSpec, baseline: Baseline | None, key: Key) -> float | None:
        """USD that a case's call is going to cost; None where its price is not known.

        The output is taken to be as long as the accepted one, or as the reference.
        """
        price = self._price(spec, key)
        if price is None:
            return None
        version, example = spec.version_by_label[key.version], spec.example_by_id[key.example]
        text = version.text
        with suppress(PromptregError):  # what cannot be rendered is the call's failure
            text = render(version, example.id, example.inputs).text
        stored = baseline.records.get(key.example) if baseline else None
        expected = stored.outputs[0] if stored else example.reference
        return prices.estimate_usd(price, text, expected, version.model_config)

    def before(self, spec: SuiteSpec, baseline: Baseline | None, key: Key) -> None:
        """A call of a case is about to be made.

        :raises BudgetError: when it must not be.
        """
        if self._budget is None:
            return
        by_cost = self._budget.limits.cost is not None
        estimate = (self.estimate(spec, baseline, key) or 0.0) if by_cost else 0.0
        self._budget.take(estimate)
        self._taken[key] = estimate

    def after(self, key: Key, output: Output) -> None:
        """A call gave an output that says what it cost, where that is known: it is paid for."""
        if self._budget is not None:
            self._budget.settle(self._taken.pop(key, 0.0), output.cost_usd)

    def priced(self, spec: SuiteSpec, key: Key, output: Output) -> Output:
        """The output with its cost, where it says its tokens and not what they cost."""
        return prices.priced(output, self._price(spec, key))

    def _price(self, spec: SuiteSpec, key: Key) -> Price | None:
        of = key.suite, key.version
        if of not in self._prices:
            config = spec.version_by_label[key.version].model_config
            self._prices[of] = prices.price_of(config, self.model(spec, key), self._known)
        return self._prices[of]
