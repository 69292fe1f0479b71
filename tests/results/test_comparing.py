"""Two runs beside each other: what is worse, what is better, and what only one of them has."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.__main__ import main
from pytest_promptreg.judging.gates import Verdict, parse
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.report.comparison import lines, markdown
from pytest_promptreg.results.comparing import compare
from pytest_promptreg.results.file import render
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.suites.suite import SuiteSpec

V1, V2, V3 = (PromptVersion(label, label) for label in ("v1", "v2", "v3"))
NAMES = ("a.json", "b.json")


def case(example: str, verdict: str = "unchanged", score: float = 1.0, **more: Any) -> CaseOutcome:
    said: dict[str, Any] = {"output": "o", "scores": {"semantic": score}, "passed": verdict in {"unchanged", "changed"}}
    return CaseOutcome("t.py::test_y", "v2", example, verdict, **{**said, **more})


GATES = ("semantic >= 0.5", "mean(semantic) >= 0.7")


def run(
    *cases: CaseOutcome,
    version: PromptVersion = V2,
    name: str = "test_y",
    gated: bool = True,
    gates: tuple[str, ...] = GATES,
) -> RunOutcome:
    examples = tuple(Example(example, {"q": example}) for example in "abcdef")
    spec = SuiteSpec(f"t.py::{name}", "t.py:7", Path("t.py"), name, (V1, version), examples, tuple(map(parse, gates)))
    of_it = [replace(one, suite=spec.id, version=version.label) for one in cases]
    outcome = version_outcome(spec, version, of_it, gated=gated)
    return RunOutcome([SuiteOutcome(spec, None, [outcome], selected=len(cases))], 0, 1)


BEFORE = run(
    case("a"),
    case("b", "breached", 0.2, output="bad"),
    case("c", latency_s=1.0, cost_usd=0.01, input_tokens=10),
    case("d", "changed", 0.9),
    case("e"),
)
AFTER = run(
    case("a", "breached", 0.1, output="worse"),
    case("b", "changed", 0.8, output="good"),
    case("c", latency_s=2.0, cost_usd=0.03, input_tokens=30),
    case("d", "unchanged"),
    case("f", "error", scores={}, output=None),
)


def test_flips_means_outputs_and_outlay_are_compared() -> None:
    """Over the cases that both have: what is worse, better, other, and what it took."""
    ((found,),) = (suite.versions for suite in compare(BEFORE, AFTER))
    assert [pair.after.example for pair in found.worse] == ["a"]
    assert [pair.after.example for pair in found.better] == ["b"]
    assert [pair.after.example for pair in found.differing] == ["a", "b"]
    assert found.alone == (1, 1)
    (semantic,) = found.scores
    assert (round(semantic.before, 4), round(semantic.after, 4), semantic.better) == (0.775, 0.725, False)
    assert [(means.name, means.before, means.after, means.better) for means in found.outlay] == [
        ("latency (s)", 1.0, 2.0, False),
        ("tokens", 10.0, 30.0, False),
        ("cost (USD)", 0.01, 0.03, False),
    ]
    assert found.regressed
    assert lines(compare(BEFORE, AFTER), NAMES) == [
        "b.json against a.json: of 4 cases 1 worse, 1 better; 2 outputs differ",
        "",
        "test_y",
        "  v2: 4 cases in both, 1 only in a.json, 1 only in b.json",
        "    1 worse: a (unchanged -> breached)",
        "    1 better: b (breached -> changed)",
        "    semantic 0.7750 -> 0.7250 (-0.0500, worse)",
        "    2 of 4 outputs differ: a, b",
        "    latency (s) 1.0000 -> 2.0000 (+1.0000, worse)",
        "    tokens 10.0 -> 30.0 (+20.0, worse)",
        "    cost (USD) 0.0100 -> 0.0300 (+0.0200, worse)",
    ]


def test_gates_of_the_suite_flip_too() -> None:
    """A gate that is not met now is a regression, though every case passed."""
    (suite,) = compare(run(case("a", "changed", 0.8)), run(case("a", "changed", 0.6)))
    (version,) = suite.versions
    assert version.missed == ["mean(semantic) 0.600 (gate >= 0.7)"]
    assert version.regressed
    (back,) = compare(run(case("a", "changed", 0.6)), run(case("a", "changed", 0.8)))[0].versions
    assert back.met == ["mean(semantic) 0.800 (gate >= 0.7)"]
    assert not back.regressed


def test_the_ends_of_a_band_are_two_gates() -> None:
    """What leaves it at one end and what enters at the other is neither the same nor lost."""
    band = ("mean(drop(rouge_l)) >= -0.2", "mean(drop(rouge_l)) <= 0.2")
    low, inside, high = (
        run(case("a", "changed", scores={"drop(rouge_l)": score}), gates=band) for score in (-0.5, 0.0, 0.5)
    )
    (version,) = compare(low, high)[0].versions
    assert version.met == ["mean(drop(rouge_l)) 0.500 (gate >= -0.2)"]
    assert version.missed == ["mean(drop(rouge_l)) 0.500 (gate <= 0.2)"]
    for out, gate in ((low, ">= -0.2"), (high, "<= 0.2")):
        (left,) = compare(inside, out)[0].versions
        assert [said.endswith(f"(gate {gate})") for said in left.missed] == [True]
        assert left.regressed


def test_a_score_without_a_number_has_no_difference() -> None:
    """One NaN would make the mean of all of them none, and nothing is worse than that."""
    before = run(case("a", "changed", 0.9), case("b", "changed", float("nan")))
    after = run(case("a", "changed", 0.8), case("b", "changed", 0.7))
    (means,) = compare(before, after)[0].versions[0].scores
    assert (means.before, means.after, means.better) == (0.9, 0.8, False)
    alone = compare(run(case("b", "changed", float("inf"))), after)
    assert alone[0].versions[0].scores == []


def test_what_only_one_run_has_is_said() -> None:
    """Suites and versions without a counterpart are named, and judged by nobody."""
    others = RunOutcome([*run(case("a"), version=V3).suites, *run(case("a"), name="test_z").suites], 0, 1)
    told = lines(compare(BEFORE, others), NAMES)
    assert "  version v2 is only in a.json" in told
    assert "  version v3 is only in b.json" in told
    assert told[-2:] == ["test_z", "  only in b.json"]
    edited = run(case("a"), version=replace(V2, template="other"))
    assert any(line.endswith("its prompt is another one") for line in lines(compare(BEFORE, edited), NAMES))


@given(st.lists(st.tuples(*[st.sampled_from(list(Verdict))] * 2, *[st.booleans()] * 2), max_size=6))
def test_the_other_way_round_worse_is_better(verdicts: list[tuple[Verdict, Verdict, bool, bool]]) -> None:
    """Comparing a run with itself finds nothing, and turning the two turns what was found."""
    one = run(*(case(name, v[0], passed=v[2]) for name, v in zip("abcdef", verdicts, strict=False)), gated=False)
    two = run(*(case(name, v[1], passed=v[3]) for name, v in zip("abcdef", verdicts, strict=False)), gated=False)
    (there,), (back,) = compare(one, two)[0].versions, compare(two, one)[0].versions
    assert [pair.after.example for pair in there.worse] == [pair.after.example for pair in back.better]
    (same,) = compare(one, one)[0].versions
    assert (same.worse, same.better, same.differing, same.regressed) == ([], [], [], False)


def test_the_command_compares_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It tells, writes Markdown, and exits with 1 only where that is asked for and something is worse."""
    a, b, page = (str(tmp_path / name) for name in ("a.json", "b.json", "c.md"))
    Path(a).write_text(render(BEFORE), encoding="utf-8")
    Path(b).write_text(render(AFTER), encoding="utf-8")
    assert main(["compare", a, b, "--markdown", page]) == 0
    assert "1 worse: a (unchanged -> breached)" in capsys.readouterr().out
    text = Path(page).read_text(encoding="utf-8")
    assert "<!-- pytest-promptreg -->" in text.splitlines()[0]
    assert "<p><code><del>o</del><ins>worse</ins></code></p>" in text
    assert main(["compare", a, b, "--fail-on-regression"]) == 1
    assert main(["compare", a, a, "--fail-on-regression"]) == 0
    assert main(["compare", b, str(tmp_path / "none.json")]) == 2
    other = tmp_path / "other.json"
    other.write_text(render(run(case("a"), name="test_z")), encoding="utf-8")
    assert main(["compare", a, str(other)]) == 0
    capsys.readouterr()
    assert main(["compare", a, str(other), "--fail-on-regression"]) == 2
    assert "no case in common" in capsys.readouterr().err
    Path(page).write_text("a prompt", encoding="utf-8")
    assert main(["compare", a, b, "--markdown", page]) == 2
    assert json.loads(Path(a).read_text(encoding="utf-8"))["kind"]


@pytest.mark.parametrize("text", ["::error::x\n\x1b[2J", "</code><script>", "| a |\n# b", "@all [a](javascript:b)"])
def test_hostile_names_and_outputs_do_nothing(text: str) -> None:
    """Neither on a terminal nor in Markdown."""
    version = PromptVersion(text, "x")
    one = run(case("a"), version=version, name=text)
    two = run(case("a", "breached", 0.1, output=text), version=version, name=text)
    for line in lines(compare(one, two), (text, text)):
        assert not line.lstrip().startswith("::")
        assert "\x1b" not in line
        assert len(line.splitlines()) <= 1
    told = markdown(compare(one, two), (text, text))
    outside_html = "\n".join(line for line in told.splitlines() if not line.startswith(("<p>", "<details>")))
    for word in ("<script", "\x1b", "\n# b", "\n::", "](javascript"):
        assert word not in outside_html
    assert "<script" not in told


def test_a_comparison_of_files_far_away_is_written_again(tmp_path: Path) -> None:
    """It is known for one of ours however long the paths in its first lines are."""
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6)
    deep.mkdir(parents=True)
    a, b, page = deep / "a.json", deep / "b.json", str(tmp_path / "c.md")
    a.write_text(render(BEFORE), encoding="utf-8")
    b.write_text(render(AFTER), encoding="utf-8")
    for _ in range(2):
        assert main(["compare", str(a), str(b), "--markdown", page]) == 0
