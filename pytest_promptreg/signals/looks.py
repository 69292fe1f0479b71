"""The function behind each signal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .content import entities, negation, order, symbols, urls
from .findings import Finding
from .jsons import json_shape, json_valid
from .kind import output_kind
from .language import script
from .length import length_ratio, nonempty
from .loops import repetition
from .numbers import numbers
from .refusals import refusal

LOOKS: Mapping[str, Callable[[str, str], Finding]] = {
    "nonempty": nonempty,
    "json_valid": json_valid,
    "json_shape": json_shape,
    "output_kind": output_kind,
    "script": script,
    "repetition": repetition,
    "refusal": refusal,
    "length_ratio": length_ratio,
    "numbers": numbers,
    "negation": negation,
    "entities": entities,
    "urls": urls,
    "symbols": symbols,
    "order": order,
}
