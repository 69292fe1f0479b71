"""The examples of a suite as a dataset of MLflow's, so that its pages group and find runs by it."""

from __future__ import annotations

import re

from ..suites.suite import SuiteSpec
from ..text import canonical_json, digest
from . import clean
from .records import DatasetRecord

_PLACE = re.compile(r"(?P<file>.*?)(?::\d+)?(?: \(row \d+\))?")


def dataset_of(spec: SuiteSpec) -> DatasetRecord:
    """The examples by the name of the one file that holds them all; those that the test makes bear the suite's name."""
    files = {_file(example.where) for example in spec.examples}
    source = files.pop() if len(files) == 1 else ""
    in_file = source not in {"", _file(spec.where)}
    name = re.split(r"[/\\]", source)[-1] if in_file else spec.name
    return DatasetRecord(
        name=clean.text(name, clean.DATASET_NAME_LIMIT),
        sha256=digest(canonical_json([[one.id, one.inputs_digest, one.reference] for one in spec.examples])),
        source=source if in_file else spec.id,
        rows=len(spec.examples),
    )


def _file(place: str) -> str:
    match = _PLACE.fullmatch(place)
    return match["file"] if match else place
