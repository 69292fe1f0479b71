"""docs/noise.md says what the statistics do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_promptreg.judging.gates import SuiteGateResult, parse
from pytest_promptreg.judging.modes import CALIBRATED, TOO_MANY_BELOW, USUAL_BELOW
from pytest_promptreg.judging.noise_result import PASSED, REGRESSED, UNDECIDED, NoiseResult
from pytest_promptreg.model import PromptVersion
from pytest_promptreg.noise.bounds import rate_bounds
from pytest_promptreg.noise.floors import judge_rate
from pytest_promptreg.noise.judging import FEWEST
from pytest_promptreg.noise.looks import FEWEST_EARLY, SHARES
from pytest_promptreg.noise.power import detectable
from pytest_promptreg.noise.words import ALPHA
from pytest_promptreg.report import shares
from pytest_promptreg.report.noise import sentence
from pytest_promptreg.results.outcome import EarlyStop, VersionOutcome
from tests.doc_blocks import blocks_of

PAGE = (Path(__file__).parents[2] / "docs" / "noise.md").read_text(encoding="utf-8")
WORDS = re.sub(r"\s+", " ", PAGE)


@pytest.mark.parametrize("source", ["cosine of vectors", "texts of a summariser", "drop against a reference"])
def test_every_size_and_number_of_generations_is_simulated(source: str) -> None:
    """The benchmark's tables stand in the page, whole."""
    (table,) = re.findall(rf"\*\*{source}\*\*: false alarms / caught.*\n\n((?:\|.*\n)+)", PAGE)
    rows = [tuple(line.split("|")[1:3]) for line in table.splitlines()[2:]]
    assert [(int(n), int(stored)) for n, stored in rows] == [(n, m) for n in (20, 50, 200) for m in (1, 2, 3, 5)]


def test_false_alarms_of_calibrated_gates_are_low_in_the_page() -> None:
    """No row of the tables shows more than the nominal 5 % and its Monte Carlo error for what is shipped."""
    tables = re.findall(r"false alarms / caught.*\n\n((?:\|.*\n)+)", PAGE)
    cells = [line.split("|")[6].split("/")[0].strip() for table in tables for line in table.splitlines()[2:]]
    alarms = [int(cell) for cell in cells if cell]
    assert len(alarms) > 20
    assert max(alarms) <= 8


def test_the_figures_of_the_text_are_computed() -> None:
    """What the page says of rates, detectable drops, floors and looks is what the code gives."""
    assert f"true rate of {rate_bounds(19, 20, one_sided=True)[0]:.2f}" in WORDS
    assert f"20 of 20 ({rate_bounds(20, 20, one_sided=True)[0]:.2f})" in WORDS
    assert (judge_rate(59, 59, 0.95)[0], judge_rate(58, 58, 0.95)[0]) == ("passed", "undecided")
    found = [f"{detectable(0.1, n) or 0:.3f}" for n in (20, 50, 200)]
    assert f"it is {found[0]} at 20 examples, {found[1]} at 50, {found[2]} at 200" in WORDS
    assert f"surely above {USUAL_BELOW:.0%}".replace("%", " %") in WORDS
    assert f"surely below {TOO_MANY_BELOW:.0%}".replace("%", " %") in WORDS
    assert f"with 95 % confidence, by {FEWEST} examples or more" in WORDS
    assert f"Fewer than {FEWEST} examples never pass" in WORDS
    assert f"at the second look, with {FEWEST_EARLY} examples seen" in WORDS
    assert "{:g}, {:g} and {:g} %".format(*(100 * ALPHA * share for share in SHARES)) in WORDS


def test_the_lines_of_the_page_are_what_reports_say() -> None:
    """Sentences, an early stop and a share of the page are those of outcomes with these numbers, to the letter."""
    lost = [NoiseResult(f"m{number}", CALIBRATED, REGRESSED, 40, chance=0.0005) for number in range(5)]
    kept = NoiseResult("rouge_l", CALIBRATED, PASSED, 40)
    unclear = NoiseResult("rouge_l", CALIBRATED, UNDECIDED, 40, needed=153)
    rate = SuiteGateResult(parse("pass_rate >= 0.95"), 1.0, 20)
    told = [sentence(VersionOutcome(PromptVersion("v3", "x"), [], noise=lost))]
    told += [sentence(VersionOutcome(PromptVersion("v1", "x"), [], noise=[result])) for result in (kept, unclear)]
    told.append(f"stopped early: v3 {EarlyStop(REGRESSED, 20, 60, 40)}")
    told += [
        line.strip() for line, _ in shares.lines(VersionOutcome(PromptVersion("v2", "x"), [], [rate]), verbose=False)
    ]
    held = [block.text for block in blocks_of("docs/noise.md") if "held-by" in block.attributes]
    assert "".join(held).splitlines() == told
