"""How small a drop a suite would find with more examples, or more samples of each: `--promptreg-plan`."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import MetricError
from ..model import CaseKey, ScoredCase
from . import modes
from .evidence import Evidence

if TYPE_CHECKING:
    from ..noise.planned import StoredNoise
    from ..session.suite_run import SuiteRun
    from ..suites.suite import SuiteSpec

EXAMPLES = (20, 50, 100, 200)
SAMPLES = (1, 2, 3, 5)
_NEAR = 1.1  # times the smallest drop: more samples that gain less than this are not worth their calls


@dataclass(frozen=True)
class Cell:
    """One size of a suite.

    :param drop: the smallest that is found in four runs of five, in the metric's unit.
    """

    examples: int
    samples: int
    drop: float

    @property
    def calls(self) -> int:
        """Of one prompt version."""
        return self.examples * self.samples


@dataclass(frozen=True)
class Sizing:
    """What is known of one suite's size.

    :param examples: how many are selected; :param versions: of the prompt that are.
    :param generations: that are stored of an example, the fewest; less than two where the noise is not known.
    :param varied: examples that have two or more.
    :param noise: by term, in the order of judging.
    :param problems: of metrics that could not be had.
    :param cost_usd: of one call; None where it is not known of every one.
    :param margin: share of a metric's scale that may be lost; None for what the noise speaks for.
    """

    spec: SuiteSpec
    examples: int
    versions: int
    generations: int
    varied: int = 0
    noise: Mapping[str, StoredNoise] = field(default_factory=dict)
    problems: Sequence[str] = ()
    cost_usd: float | None = None
    margin: float | None = None

    @property
    def term(self) -> str:
        """The metric that the table is of: the first one that is judged."""
        return next(iter(self.noise))

    def drop(self, examples: int, samples: int, term: str = "") -> float:
        """The smallest drop of a term that such a suite finds; left out, of the table's."""
        questions = len(self.noise) * self.versions
        noise = self.noise[term or self.term]
        return noise.smallest_drop(examples, samples, questions=questions, margin=self.margin)

    def rows(self) -> list[list[Cell]]:
        """The table: a row for each number of examples, the suite's own among them."""
        counts = sorted({self.examples, *EXAMPLES})
        return [[Cell(count, samples, self.drop(count, samples)) for samples in SAMPLES] for count in counts]

    def advice(self) -> tuple[Cell, Cell | None]:
        """The samples of these examples after which more hardly gain anything; and what finds more for as many calls.

        :returns: the second is None where nothing does.
        """
        rows = self.rows()
        own = next(row for row in rows if row[0].examples == self.examples)
        best = next(cell for cell in own if cell.drop <= _NEAR * own[-1].drop)
        within = [cell for row in rows for cell in row if cell.calls <= best.calls and cell.drop * _NEAR < best.drop]
        return best, min(within, key=lambda cell: cell.drop, default=None)


def size_up(run: SuiteRun, keys: Sequence[CaseKey], margin: float | None) -> Sizing:
    """What the stored generations of a suite say of its size. Nothing is called.

    :param keys: its selected cases.
    """
    by_example = {key.example: key for key in keys}
    versions = len({key.version for key in keys})
    counts: list[int] = []
    texts: dict[CaseKey, Sequence[str]] = {}
    for key in by_example.values():
        record = run.against.record(key)
        if record is None or not run.against.is_made_from(record, key):
            continue
        counts.append(len(record.generated))
        if counts[-1] >= modes.GENERATIONS:
            texts[key] = record.generated
    if len(texts) < modes.GENERATIONS:  # one example differs from no other
        return Sizing(run.spec, len(by_example), versions, min(max(counts, default=0), 1), len(texts))
    referred = sum(run.against.example(key).reference is not None for key in by_example.values())
    noise, problems = _noise(run, texts, referred / len(by_example))
    return Sizing(
        run.spec,
        len(by_example),
        versions,
        min(map(len, texts.values())),
        len(texts),
        noise,
        problems,
        _cost(run, keys),
        margin,
    )


def _noise(
    run: SuiteRun, texts: Mapping[CaseKey, Sequence[str]], referred: float
) -> tuple[dict[str, StoredNoise], list[str]]:
    """The noise of each term, and what could not be had.

    :param referred: share of the selected examples that have a reference: no others lose anything of one.
    """
    from ..noise.planned import StoredNoise
    from .under_noise import unit_of

    spec = run.spec
    found, problems = {}, []
    for term in modes.terms(modes.CALIBRATED, spec.metrics, references=referred > 0):
        evidence = Evidence((term,), run.scorer, spec.known)
        cases = [
            (generated, ScoredCase(run.against.example(key), run.against.version(key)))
            for key, generated in texts.items()
        ]
        try:
            tables = [table for of_case in evidence.of_all(cases) for table in of_case.values()]
        except MetricError as exc:
            problems.append(f"{term} is left out: {exc}")
            continue
        if tables:
            found[term] = StoredNoise.of(tables, unit_of(spec, term), referred if term.startswith("drop(") else 1.0)
    return found, problems


def _cost(run: SuiteRun, keys: Sequence[CaseKey]) -> float | None:
    if run.outlay is None:
        return None
    costs = [run.outlay.estimate(run.spec, run.baseline, key) for key in keys]
    known = [cost for cost in costs if cost is not None]
    return statistics.fmean(known) if known and len(known) == len(costs) else None
