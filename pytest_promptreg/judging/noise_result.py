"""What came of comparing one prompt version with its baseline under noise, one metric: plain values, and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from ..text import count
from .modes import CALIBRATED, FLOOR, USUAL_BELOW

RATE = "rate"  # in place of a mode: a gate on the share of cases without a breach
PASSED, REGRESSED, UNDECIDED = STATES = ("passed", "regressed", "undecided")
OUTSIDE = 0.05  # an example is named whose outputs lie where one of twenty unchanged ones does, or further out


@dataclass(frozen=True)
class NoiseResult:
    """One metric of one version, over all its examples.

    :param term: ``semantic``, ``drop(token_recall)``, or ``pass_rate``.
    :param mode: ``calibrated``, ``floor``, or ``rate`` for a gate on the share of cases without a breach.
    :param state: ``passed``, ``regressed`` or ``undecided``.
    :param examples: how many were judged.
    :param generations: the fewest that an example has stored; ``samples`` the outputs of each in this run.
    :param drop: what was lost: on average, in the metric's own unit; None where nothing could be judged.
    :param upper: what was lost at most, with 95 % confidence.
    :param margin: what may be lost.
    :param chance: how often as much would seem lost although nothing changed, all metrics and versions considered.
    :param noise: standard deviation of what an example seems to lose although nothing changed.
    :param detectable: the smallest loss that as many examples find in four of five runs.
    :param needed: examples that would settle it; None where it is settled, or no number would.
    :param below: under floors, examples that lie below ``floor``; under a rate, cases without a breach.
    :param floor: the score that unchanged outputs rarely lie below; under a rate, the gate's bound.
    :param share: of ``below`` in all, at least and at most, with 95 % confidence.
    :param undecided_fails: whether the user wants a run to fail that cannot tell.
    """

    term: str
    mode: str
    state: str
    examples: int
    generations: int = 1
    samples: int = 1
    drop: float | None = None
    upper: float | None = None
    margin: float | None = None
    chance: float | None = None
    noise: float | None = None
    detectable: float | None = None
    needed: int | None = None
    below: int = 0
    floor: float | None = None
    share: tuple[float, float] | None = None
    digits: int = 3
    undecided_fails: bool = False

    @property
    def met(self) -> bool:
        """Whether the run may pass."""
        if not self.examples:  # nothing to judge is not a pass
            return False
        return self.state == PASSED or (self.state == UNDECIDED and not self.undecided_fails)

    @property
    def value(self) -> float | None:
        """What it came to; None where there was nothing to judge."""
        return float(self.below) if self.mode != CALIBRATED and self.examples else self.drop

    def __str__(self) -> str:
        return f"{self.term} {self.state}: {self.finding}"

    @property
    def finding(self) -> str:
        """What was found, how sure that is, and what would make it surer."""
        if not self.examples:
            return "nothing to judge"
        return {CALIBRATED: self._loss, FLOOR: self._fallen, RATE: self._rate}[self.mode]()

    def _loss(self) -> str:
        if self.drop is None or self.upper is None or self.margin is None:
            return f"{count(self.examples, 'example')} cannot tell: two at least are needed"
        lost = f"lost {self._number(max(self.drop, 0.0))}"
        allowed = f"where {self._number(self.margin)} is allowed"
        if self.state == REGRESSED:
            return f"{lost}, {allowed}; {odds(self.chance)}"
        if self.state == PASSED:
            return f"{lost}, at most {self._number(self.upper)}, {allowed}"
        return f"{lost}, and up to {self._number(self.upper)} cannot be ruled out, {allowed}{self._what_would_tell()}"

    def _what_would_tell(self) -> str:
        told = f"; {self.examples} examples show losses from {self._number(self.detectable)}" if self.detectable else ""
        return f"{told}; {self.needed:,} would settle it" if self.needed else told

    def _fallen(self) -> str:
        """Under floors nobody knows the noise: only what is as far away as an unrelated answer counts."""
        found = (
            f"{self.below} of {count(self.examples, 'output')} below {self.floor:g}, "
            "as far away as answers to another question"
        )
        if self.state == REGRESSED:
            return f"{found}; of unchanged ones, {100 * USUAL_BELOW:.0f} % at most are"
        if self.state == PASSED:
            return f"{self.below} of {count(self.examples, 'output')} below {self.floor:g}"
        return f"{found}; {count(self.examples, 'example')} cannot tell more{self._what_would_tell()}"

    def _rate(self) -> str:
        low, high = self.share or (0.0, 1.0)
        found = (
            f"{self.below} of {count(self.examples, 'case')} without a breach ({self.below / self.examples:.1%}; "
            f"in the long run {low:.1%} to {high:.1%}, 95 % sure of each), where {self.floor:g} is asked for"
        )
        return found if self.state != UNDECIDED else f"{found}{self._what_would_tell()}"

    def _number(self, value: float) -> str:
        return f"{value:.{self.digits}f}"


def odds(chance: float | None) -> str:
    """A small probability as people say it."""
    if not chance or chance >= 0.5:
        return "by chance in most runs"
    return f"by chance in 1 of {round(1 / chance):,} runs"
