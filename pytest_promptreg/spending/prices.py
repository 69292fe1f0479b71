"""What calls cost: prices by model, and estimates of what a call is going to cost."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from ..errors import ConfigError
from ..model import Output

INI_KEY = "promptreg_prices"
_PER = 1_000_000  # tokens that a price is for
_CHARACTERS_PER_TOKEN = 4  # of English text; an estimate for any other
_TOKENS_OF_AN_UNKNOWN_OUTPUT = 250
_CONFIG_PRICES = ("input_cost_per_token", "output_cost_per_token")
_CONFIG_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million tokens."""

    input_usd: float
    output_usd: float

    def cost(self, input_tokens: float, output_tokens: float) -> float:
        """USD of one call."""
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / _PER


Prices = tuple[tuple[str, Price], ...]  # by a model's name or a glob, the first that matches counts


def read_prices(lines: Iterable[str]) -> Prices:
    """The prices of the ini option: ``gpt-4o-mini = 0.15 0.60`` on a line, input and output.

    :raises ConfigError: for a line that says no price.
    """
    found = []
    for line in lines:
        model, separator, amounts = line.rpartition("=")
        try:
            input_usd, output_usd = map(float, amounts.replace(",", " ").split())
        except ValueError:
            input_usd = output_usd = math.nan
        if not separator or not model.strip() or not (0 <= input_usd < math.inf and 0 <= output_usd < math.inf):
            raise ConfigError(
                f"{line!r} is no price",
                where=f"the ini option {INI_KEY}",
                next_step="write gpt-4o-mini = 0.15 0.60: USD for a million input and a million output tokens",
            )
        found.append((model.strip(), Price(input_usd, output_usd)))
    return tuple(found)


def model_of(model_config: Mapping[str, Any], predict: str) -> str:
    """The name of the model that a prompt version asks: that of its model config, else of an ``openai:/`` address."""
    named = model_config.get("model_name") or model_config.get("model")
    if named:
        return str(named)
    return predict.removeprefix("openai:/") if predict.startswith("openai:/") else ""


def price_of(model_config: Mapping[str, Any], model: str, prices: Prices) -> Price | None:
    """What a call costs; None where nobody says. Prices in the model config are nearer than those of the ini file."""
    given = [model_config.get(name) for name in _CONFIG_PRICES]
    if all(isinstance(amount, int | float) and not isinstance(amount, bool) for amount in given):
        return Price(*(float(amount or 0) * _PER for amount in given))
    return next((price for name, price in prices if fnmatchcase(model, name)), None)


def estimate_usd(price: Price, request: str, expected: str | None, model_config: Mapping[str, Any]) -> float:
    """What a call is going to cost, with a token for every four characters.

    :param request: the rendered prompt.
    :param expected: a text of about the output's length; without one the output is as long as the model config allows,
        or of 250 tokens.
    """
    if expected is not None:
        tokens: float = len(expected) / _CHARACTERS_PER_TOKEN
    else:
        limits = (model_config.get(name) for name in _CONFIG_LIMITS)
        tokens = next((n for n in limits if isinstance(n, int) and n > 0), _TOKENS_OF_AN_UNKNOWN_OUTPUT)
    return price.cost(len(request) / _CHARACTERS_PER_TOKEN, tokens)


def priced(output: Output, price: Price | None) -> Output:
    """The output with its cost, where it says its tokens and not what they cost."""
    if price is None or output.cost_usd is not None or output.input_tokens is None or output.output_tokens is None:
        return output
    return replace(output, cost_usd=price.cost(output.input_tokens, output.output_tokens))
