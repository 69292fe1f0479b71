"""The three ways to judge a suite: by thresholds, by floors, or by how much the model varies by itself.

``strict``      explicit thresholds, for outputs that do not vary: deterministic or replayed predicts; where several
                stored generations are all the same and there is no threshold, nothing may change
``floor``       one stored generation of a model that varies: only a suite of which too many outputs lie as far from the
                baseline as an answer to another question does is caught
``calibrated``  two or more stored generations: what is lost is told from what the model varies by itself

A mode is named where gates are (``gates="calibrated"``). A suite that names neither a mode nor a gate is judged by what
its baseline holds.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from ..baselines.baseline import Baseline
from ..errors import GateError, did_you_mean
from ..metrics import METRICS
from .gates import FORM, metric_of

STRICT, FLOOR, CALIBRATED = MODES = ("strict", "floor", "calibrated")

# Between what unrelated answers score (at most, but for one in twenty) and what answers to the same prompt do (at
# least, but for one in twenty): measured on a sampled chat model.
FLOORS = {"semantic": 0.5, "rouge_l": 0.18, "bleu": 5.0, "chrf": 35.0}
USUAL_BELOW = 0.15  # measured: up to so many unchanged outputs of real models fall below such a floor
TOO_MANY_BELOW = 0.30

# What is compared with the stored generations, and with references, where the suite names no metrics. Not chrF: a
# longer answer hardly loses any of it.
SIMILARITIES = ("semantic", "rouge_l", "bleu", "novel_recall")
FIELDS = "json_fields"  # besides, where outputs are JSON: one value that flips hardly changes what a text is like
AGAINST_REFERENCE = "drop(token_recall)"
_LOOKED_AT = 50  # examples by which outputs are taken for JSON

NOTHING_CHANGES = "exact == 1"  # the gate of a strict suite without thresholds
GENERATIONS = 2  # that a record needs, for what the model varies by itself to be seen
RECOMMENDED = 3


def split(lines: Iterable[object], where: str) -> tuple[str, list[object]]:
    """The mode that gate lines name, and the other lines.

    :returns: an empty text where none is named.
    :raises GateError: for two modes, and for a word that is neither a mode nor a gate.
    """
    mode, gates = "", []
    for line in lines:
        word = line.strip() if isinstance(line, str) else ""
        if not word.isidentifier():
            gates.append(line)
        elif word not in MODES:
            guess = did_you_mean(word, MODES)
            known = f"{FORM}; a mode is {', '.join(MODES)}"
            raise GateError(
                f"{word!r} is no gate and no mode",
                where=where,
                next_step=guess if guess.startswith("did you mean") else known,
            )
        elif mode and word != mode:
            raise GateError(
                f"gates are judged in one mode, and {mode!r} and {word!r} are named",
                where=where,
                next_step="keep one of the two",
            )
        else:
            mode = word
    return mode, gates


def by_baseline(stored: Baseline | None, examples: Iterable[str], generations: int) -> str:
    """The mode of a suite that names neither a mode nor a gate.

    :param examples: ids of the suite's examples.
    :param generations: how many an update stores: what there will be, where there is no baseline yet.
    """
    if stored is None:
        return CALIBRATED if generations >= GENERATIONS else FLOOR
    told = [stored.records[example].generated for example in examples if example in stored.records]
    several = [texts for texts in told if len(texts) >= GENERATIONS]
    if not told or len(several) < len(told) / 2:
        return FLOOR
    varies = any(len(set(texts)) > 1 for texts in several)
    return CALIBRATED if varies else STRICT


def are_json(told: Iterable[Sequence[str]]) -> bool:
    """Whether outputs are JSON documents: all generations of more than half of the first fifty examples.

    :param told: of each example, its generations.
    """
    from ..metrics.fields import is_document

    found = [all(map(is_document, texts)) for texts in itertools.islice(told, _LOOKED_AT)]
    return sum(found) * 2 > len(found)


def every_metric() -> tuple[str, ...]:
    """What a suite may be judged by whose mode its baseline speaks for: a baseline signs all of it."""
    return tuple(dict.fromkeys(["exact", *FLOORS, *SIMILARITIES, metric_of(AGAINST_REFERENCE)]))


def similarities(named: Iterable[str]) -> tuple[str, ...]:
    """Those of the metrics that are built in and compare texts."""
    return tuple(name for name in named if name in METRICS and not METRICS[name].signal)


def terms(mode: str, named: Sequence[str], *, references: bool) -> tuple[str, ...]:
    """What is judged under noise: ``semantic``, ``drop(token_recall)``; nothing where gates are strict.

    :param named: metrics that the suite names besides gates: the built-in ones of them that compare texts are judged
        in place of the usual similarities. The user's own are not, for a judge would be asked twelve times a case; a
        gate such as ``mean(my_judge) >= 0.8`` holds those.
    :param references: whether any example has one.
    """
    if mode == FLOOR:
        return tuple(name for name in named if name in FLOORS) or tuple(FLOORS)
    if mode == CALIBRATED:
        return (*(similarities(named) or SIMILARITIES), *([AGAINST_REFERENCE] if references else []))
    return ()
