"""Prices by model, and what a call is going to cost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.errors import ConfigError
from pytest_promptreg.model import Output
from pytest_promptreg.spending.prices import Price, estimate_usd, model_of, price_of, priced, read_prices

AMOUNTS = st.floats(0, 1e6)


def test_prices_are_read_by_model_and_the_first_that_matches_counts() -> None:
    """A line has a name or a glob, and USD for a million input and output tokens; a name may hold what it likes."""
    prices = read_prices(["gpt-4o-mini = 0.15 0.60", "hf:org/m=7b = 1, 2", "gpt-* = 5 15", "* = 9 9"])
    asked = {model: price_of({}, model, prices) for model in ("gpt-4o-mini", "hf:org/m=7b", "gpt-5", "")}
    assert asked == {
        "gpt-4o-mini": Price(0.15, 0.60),
        "hf:org/m=7b": Price(1, 2),
        "gpt-5": Price(5, 15),
        "": Price(9, 9),
    }
    assert price_of({}, "gpt-5", read_prices(["gpt-4 = 1 1"])) is None


@pytest.mark.parametrize(
    "line", ["gpt-4", "gpt-4 = 1", "= 1 2", "gpt-4 = a b", "gpt-4 = 1 2 3", "m = -1 2", "m = nan 1"]
)
def test_a_line_that_is_no_price_is_refused(line: str) -> None:
    """A mistyped price is named with the form that it should have."""
    with pytest.raises(ConfigError, match="is no price") as caught:
        read_prices([line])
    assert "promptreg_prices" in str(caught.value)


@pytest.mark.parametrize(
    ("config", "predict", "model"),
    [
        ({}, "openai:/small", "small"),
        ({"model": "large"}, "openai:/small", "large"),
        ({"model_name": "huge", "model": "large"}, "", "huge"),
        ({}, "app:answer", ""),
    ],
)
def test_the_model_is_that_of_the_prompt_else_of_the_address(config: dict[str, Any], predict: str, model: str) -> None:
    """The model config's name is nearer than the address's; a function names none."""
    assert model_of(config, predict) == model


def test_prices_in_the_model_config_are_nearest() -> None:
    """LiteLLM's names, USD for one token, go before the ini file's."""
    config = {"input_cost_per_token": 0.000001, "output_cost_per_token": 0.000002}
    assert price_of(config, "small", read_prices(["small = 5 5"])) == pytest.approx(Price(1.0, 2.0))


@given(AMOUNTS, AMOUNTS, st.integers(0, 10**7), st.integers(0, 10**7))
def test_the_cost_is_that_of_both_sides(per_input: float, per_output: float, taken: int, given_: int) -> None:
    """Tokens times price, for a million tokens each."""
    cost = Price(per_input, per_output).cost(taken, given_)
    assert cost * 1e6 == pytest.approx(taken * per_input + given_ * per_output)
    assert cost >= 0


@pytest.mark.parametrize(
    ("expected", "config", "tokens"),
    [
        ("x" * 400, {"max_tokens": 7}, 100),
        (None, {"max_tokens": 7}, 7),
        (None, {}, 250),
        (None, {"max_tokens": "7"}, 250),
    ],
)
def test_an_estimate_takes_the_output_as_long_as_what_is_known(
    expected: str | None, config: dict[str, Any], tokens: int
) -> None:
    """Four characters are a token; the expected text, else the model config's limit, else 250 tokens."""
    assert estimate_usd(Price(4.0, 1.0), "y" * 40, expected, config) == pytest.approx((10 * 4.0 + tokens) / 1e6)


def test_a_cost_is_filled_in_where_there_are_tokens_and_none() -> None:
    """What predict says stands; without tokens or a price there is no cost."""
    price = Price(1.0, 2.0)
    assert priced(Output("a", 1_000_000, 500_000), price).cost_usd == pytest.approx(2.0)
    assert priced(Output("a", 1_000_000, 500_000, cost_usd=7.0), price).cost_usd == 7.0
    assert priced(Output("a", 1_000_000), price).cost_usd is None
    assert priced(Output("a", 1_000_000, 500_000), None).cost_usd is None
