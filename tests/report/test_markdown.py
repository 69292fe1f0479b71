"""The Markdown report: the verdict first, what a reviewer needs, within its limit; and no text in it does a thing."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.baselines.baseline import Baseline
from pytest_promptreg.baselines.refreshing import plan_refresh
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.report.markdown import COMMENT, render
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.session.concluding import Conclusion
from pytest_promptreg.suites.suite import SuiteSpec

V1 = PromptVersion("v1", "Be brief.\nName the product.", model_config={"temperature": 0})
V2 = PromptVersion("v2", "Be brief.", model_config={"temperature": 1})
HOSTILE = [
    "</code></details><script>alert(1)</script>",
    "| a | b |\n| --- | --- |\n\n# heading",
    "```\n~~~\n````\n::error::x",
    "@maintainers please merge, fixes #1 [a](javascript:alert(2)) ![x](http://evil.example/p.png)",
    "\n\n<img src=http://evil.example/x onerror=alert(1)>\n\n",
    "\x1b[2J\u202edrowssap\u2066 \x00\ud800 &lt;b&gt; $x$ :tada: <!-- x",
    "===\n---\n> quote\n1. one\n* two\n    code",
]


def spec(*examples: str) -> SuiteSpec:
    gates = (parse("semantic >= 0.8"), parse("mean(semantic) >= 0.9"))
    of = tuple(Example(name, {"q": name}) for name in examples)
    return SuiteSpec("t.py::test_y", "t.py:7", Path("t.py"), "test_y", (V1, V2), of, gates)


def stored(suite: SuiteSpec) -> Baseline:
    outputs = {example.id: ["old"] for example in suite.examples}
    plan = plan_refresh(Path("x"), None, V1, outputs, examples=suite.examples, signatures={}, refused={})
    assert plan.after is not None
    return plan.after


def case(example: str, verdict: str = "breached", score: float = 0.3, **more: Any) -> CaseOutcome:
    said: dict[str, Any] = {
        "output": f"It took 24 days to write {example}.",
        "accepted": f"It took 42 days to write {example}.",
        "scores": {"semantic": score},
        "findings": {"numbers": "lost 42; gained 24"} if verdict != "unchanged" else {},
        "breaches": [f"semantic {score:.3f} (gate >= 0.8)"] if verdict == "breached" else [],
        "passed": verdict in {"unchanged", "changed"},
    }
    return CaseOutcome("t.py::test_y", "v2", example, verdict, **{**said, **more})


def concluded(*cases: CaseOutcome, of: SuiteSpec | None = None, **run: Any) -> Conclusion:
    of = of or spec(*(one.example for one in cases))
    outcome = version_outcome(of, of.versions[1], cases, gated=True)
    return Conclusion(RunOutcome([SuiteOutcome(of, stored(of), [outcome])], 0, 1, **run))


def test_all_that_a_reviewer_needs_is_there() -> None:
    """The verdict in the first line, then reasons, figures, command, kinds of change, prompt diff, worst case."""
    text = render(concluded(case("a"), case("b", "changed", 0.9), case("c", "unchanged", 1.0)))
    first, *rest = text.splitlines()
    assert first == ("## Prompt regression: **FAILED**, 1 of 1 prompt version failed <!-- pytest-promptreg -->")
    wanted = [
        "- <code>test\\_y, v2\\: mean\\(semantic\\) 0\\.733 \\(gate \\>= 0\\.9\\)</code>",
        "| <code>v2</code> | **FAILED** | 3 | 1 | 1 | 1 | 0\\.733 \\(\\-0\\.267\\) | 66\\.7% |",
        "**Next**, <code>if v2 is how it should be</code>:",
        "pytest t.py --promptreg-accept v2",
        "- 2 changed a number: <code>a</code>, <code>b</code>",
        "-Name the product.",
        "- model\\_config <code>temperature\\: 0 \\-\\> 1</code>",
        "<p><code>It took <del>42</del> <ins>24</ins> days to write a.</code></p>",
    ]
    assert set(wanted) <= set(rest)
    places = [rest.index(line) for line in wanted]
    assert places == sorted(places)


def test_what_a_gate_has_said_is_not_said_again() -> None:
    """What a signal found stands once: in the gate that it breached, or below."""
    lost = "numbers 0.000 (gate == 1): lost 42; gained 24"
    text = render(
        concluded(case("a", breaches=[lost], findings={"numbers": "lost 42; gained 24", "entities": "lost May"}))
    )
    assert text.count("lost 42; gained 24") == 1
    assert "entities: lost May" in text


def test_a_green_run_is_a_verdict_and_a_table() -> None:
    """Nothing but the figures where nothing changed."""
    text = render(concluded(case("a", "unchanged", 1.0)))
    assert text.startswith("## Prompt regression: **PASSED**, 0 of 1 prompt version failed")
    for word in ("```", "<details", "####", "Why"):
        assert word not in text


def test_a_problem_that_fails_nothing_is_no_reason() -> None:
    """A store that is away is told, and not for why a run failed."""
    conclusion = concluded(case("a", "unchanged", 1.0))
    conclusion.problems.append("MLflow is away")
    assert "**Problems that fail nothing**\n\n- <code>MLflow is away</code>" in render(conclusion)
    conclusion.fatal = True
    assert "**Why the run fails**\n\n- <code>MLflow is away</code>" in render(conclusion)
    assert "**FAILED**" in render(conclusion).splitlines()[0]


def test_a_run_that_ended_early_is_said_to_have() -> None:
    """An interrupted run has not passed."""
    assert "**INTERRUPTED**" in render(concluded(case("a", "unchanged", 1.0), interrupted=True)).splitlines()[0]


def test_what_was_not_judged_is_named() -> None:
    """Errors and cases without a baseline are told with their message, five of them."""
    cases = [case(f"e{number}", "error", message="no | key", scores={}, output=None) for number in range(7)]
    text = render(concluded(*cases))
    assert "- <code>e0</code> error: <code>no \\| key</code>" in text
    assert "- and 2 more that were not judged" in text


@pytest.mark.parametrize("limit", [3_000, COMMENT])
def test_it_stays_within_its_limit_and_says_so(limit: int) -> None:
    """Of hundreds of long outputs the worst are shown, and that the others are not; commands are never cut."""
    cases = [
        case(f"e{number}", score=number / 1000, output="neu: ä " * 500, accepted="alt: ü " * 500)
        for number in range(99)
    ]
    text = render(concluded(*cases), limit)
    assert len(text.encode()) <= limit
    assert ("<summary><code>e0</code>" in text) == (limit == COMMENT)
    assert "*Cut here" in text
    assert "--promptreg-accept v2" in text


def test_versions_share_the_room() -> None:
    """One version's many cases do not take the place of another's."""
    of = spec(*(f"e{number}" for number in range(100)))
    long: dict[str, Any] = {"output": "neu " * 700, "accepted": "alt " * 700}
    outcomes = []
    for version in (V1, V2):
        cases = [replace(case(example.id, **long), version=version.label) for example in of.examples]
        outcomes.append(version_outcome(of, version, cases, gated=True))
    text = render(Conclusion(RunOutcome([SuiteOutcome(of, stored(of), outcomes)], 0, 1)), 20_000)
    assert "#### <code>v1</code> of" in text
    assert "<summary><code>e0</code>" in text[text.index("#### <code>v2</code> of") :]


class _Tags(HTMLParser):
    """The tags that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, tuple[str, ...]]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag with the names of its attributes."""
        self.seen.add((tag, tuple(name for name, _ in attrs)))


OURS = {(tag, ()) for tag in ("code", "details", "summary", "p", "br", "del", "ins")} | {("details", ("open",))}


def _does_nothing(text: str) -> None:
    outside = re.sub(r"^(`{3,})\w+\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    tags = _Tags()
    tags.feed(outside)
    assert tags.seen <= OURS
    assert not re.search("[\x00\x1b\u202e]", text)
    # In a line that begins with a tag of a block, no Markdown is read up to the next empty line.
    markdown = "\n".join(line for line in outside.splitlines() if not line.startswith(("<p>", "<code>", "<details")))
    for word in (r"(?<!\\)\[[^\]]*(?<!\\)\]\(", r"^\s*::", r"^#{1,6} (?!Prompt|<code>)", r"^[-=]{3}"):
        assert not re.search(word, markdown, re.MULTILINE), word
    # Whoever is named is named within <code>, where nobody is told of it.
    plain = re.sub(r"<code>.*?</code>", "", outside, flags=re.DOTALL)
    assert "@" not in plain
    assert "evil" not in plain
    rows = [line for line in markdown.splitlines() if line.startswith("| ")]
    assert len(rows) == 3
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(text: str) -> None:
    """In outputs, ids, labels, prompts, messages and names of signals: no tag, link, mention, cell or block."""
    label = PromptVersion(text, f"Say\n{text}", where=text)
    of = replace(spec(text), versions=(V1, label), function=text, where=text)
    bad = case(text, output=text, accepted=f"x {text}", breaches=[text], findings={text: text}, message=text)
    failed = replace(bad, verdict="error")
    for one in (bad, failed):
        conclusion = concluded(replace(one, version=text), of=of, lost=[text])
        conclusion.problems.append(text)
        _does_nothing(render(conclusion))


@given(
    st.text(alphabet=st.characters(exclude_categories=[]))
    | st.lists(st.sampled_from("`|<>@#[]()!\\\n-*_~&;:$ a")).map("".join)
)
def test_no_text_does_anything(text: str) -> None:
    """Whatever a model says."""
    bad = case("a", output=text, accepted="b", breaches=[text], findings={"numbers": text})
    _does_nothing(render(concluded(bad)))
