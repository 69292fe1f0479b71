"""The numbers of a text, each with the unit that goes with it."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from ..text import ascii_words, remembered
from .findings import KEPT, Finding, compared

_WORDS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL, _TENS = _WORDS.split(), _TEN_WORDS.split()
_NAMED = {name: value for value, name in enumerate(_SMALL)} | {name: 20 + 10 * at for at, name in enumerate(_TENS)}
_TIMES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "bn": 9, "mn": 6}
_UNITS = {
    spelling.lower(): unit
    for unit, spellings in {
        "%": "percent percentage pct",
        "$": "dollar dollars usd",
        "€": "euro euros eur",
        "£": "pound pounds gbp",
        "¥": "yen jpy yuan cny",
        "₹": "rupee rupees inr",
        "µg": "μg mcg microgram micrograms",
        "mg": "milligram milligrams",
        "g": "gram grams",
        "kg": "kilogram kilograms kilo kilos",
        "lb": "lbs",
        "oz": "ounce ounces",
        "mm": "millimeter millimeters millimetre millimetres",
        "cm": "centimeter centimeters centimetre centimetres",
        "m": "meter meters metre metres",
        "km": "kilometer kilometers kilometre kilometres",
        "mi": "mile miles",
        "ft": "foot feet",
        "inch": "inches",
        "yd": "yard yards",
        "ml": "milliliter milliliters millilitre millilitres",
        "l": "liter liters litre litres",
        "ms": "millisecond milliseconds",
        "s": "sec secs second seconds",
        "min": "mins minute minutes",
        "h": "hr hrs hour hours",
        "day": "days",
        "week": "weeks",
        "month": "months",
        "year": "years yr yrs",
        "Hz": "hertz",
        "kHz": "",
        "MHz": "",
        "GHz": "",
        "KB": "kilobyte kilobytes",
        "MB": "megabyte megabytes",
        "GB": "gigabyte gigabytes",
        "TB": "terabyte terabytes",
        "byte": "bytes",
        "bit": "bits",
        "kW": "",
        "kWh": "",
        "mph": "",
        "km/h": "kmh",
        "°C": "celsius",
        "°F": "fahrenheit",
        "°": "degree degrees",
        "am": "a.m.",
        "pm": "p.m.",
    }.items()
    for spelling in [unit, *spellings.split()]
}
_SIGNS = "%‰$€£¥₹°"
_THOUSANDS = r"[,\u00a0\u202f\u2009'’]"
_NO_SPACES = r"\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff"


def _one_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_NUMBER = re.compile(
    rf"""
    (?=[-−$€£¥₹\d{"".join(sorted({word[0] for word in [*_SMALL, *_TENS]}))}])(?<![^\W_{_NO_SPACES}])(?<!\d[.,])
    (?:
      (?P<whole> \d{{4}}-\d\d-\d\d(?!\d) | \d{{1,2}}:\d\d(?::\d\d)?(?!\d) | \d+(?:\.\d+){{2,12}}(?!\d) )
    | (?P<minus>(?<![\w)\]%°])[-−])? (?P<currency>[$€£¥₹])?\ ?
      (?:
        (?P<digits> \d{{1,3}}(?:{_THOUSANDS}\d{{3}})+(?!\d)(?:\.\d+)? | \d+(?:\.\d+|,\d{{1,2}}(?![\d,]))? )
      | (?P<name> (?a: (?:{_one_of(_TENS)})(?:[-\ ](?:{_one_of(_SMALL[1:10])}))? | {_one_of(_SMALL)} ) )\b
      )
      (?:(?:st|nd|rd|th)\b)?
      (?:[\ -]?(?P<times>(?a:{_one_of(_TIMES)}))\b)?
      (?:[\ \u00a0\u202f-]?(?P<unit>(?a:{_one_of(_UNITS)}))(?!\w|/\w))?
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_ascii_words = ascii_words(string.ascii_lowercase + string.digits)
_COUNTER = re.compile(r"^[ \t>]*[*_#]*(?:\(\d{1,3}\)|\d{1,3}[.)])[*_]*(?=\s)", re.MULTILINE)
_GROUPS = re.compile(rf"{_THOUSANDS}(?=\d{{3}})")
_LONGEST = 40  # digits; beyond, a number is compared as it is written


def numbers(output: str, baseline: str) -> Finding:
    """The F1 of the numbers of both texts, each with its unit; 1 where neither has any.

    A small number in words is its digits; "one", which is a pronoun more often, counts only against a 1.
    """
    (now, now_ones), (before, before_ones) = _numbers(output), _numbers(baseline)
    if now == before:
        return KEPT
    now, before = _with_ones(now, now_ones, before), _with_ones(before, before_ones, now)
    return compared(now, before)


def _with_ones(found: Counter[str], ones: Counter[str], other: Counter[str]) -> Counter[str]:
    return found + (ones & (other - found)) if ones else found


@remembered(256)
def _numbers(text: str) -> tuple[Counter[str], Counter[str]]:
    """The numbers, and apart from them those that are written "one"."""
    found: Counter[str] = Counter()
    ones: Counter[str] = Counter()
    if text.isascii() and not _DIGIT.search(text) and _NAMED.keys().isdisjoint(_ascii_words(text)):
        return found, ones  # most answers have none, and the pattern takes a while to say so
    for match in _NUMBER.finditer(_COUNTER.sub("", text)):
        if match["whole"]:
            found[match["whole"]] += 1
            continue
        name = match["name"]
        (ones if name and name.lower() == "one" else found)[_written(match)] += 1
    return found, ones


def _written(match: re.Match[str]) -> str:
    if match["name"]:
        value = Decimal(sum(_NAMED[word] for word in re.split(r"[- ]", match["name"].lower())))
    else:
        digits = _GROUPS.sub("", match["digits"]).replace(",", ".")
        if len(digits) > _LONGEST:
            return digits
        try:
            value = Decimal(digits)
        except InvalidOperation:
            return digits
    if match["times"]:
        value = value.scaleb(_TIMES[match["times"].lower()])
    number = f"{value.normalize():f}"
    if match["minus"]:
        number = f"-{number}"
    unit = match["currency"] or _UNITS.get((match["unit"] or "").lower(), "")
    if not unit:
        return number
    return f"{number}{unit}" if unit in _SIGNS else f"{number} {unit}"
