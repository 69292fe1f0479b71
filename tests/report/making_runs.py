"""Runs for the report's tests: small ones that are told by their cases, and hostile ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_promptreg.baselines.refreshing import plan_refresh
from pytest_promptreg.judging.gates import parse
from pytest_promptreg.model import Example, PromptVersion
from pytest_promptreg.report.html.page import render
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.session.concluding import Conclusion
from pytest_promptreg.suites.suite import SuiteSpec

# What a model, a file or a person may have written, and what a page must do nothing for.
HOSTILE = (
    "</script><script>window.struck = 1</script>",
    "<!--<script>",
    "]]><img src=x onerror='window.struck = 1'>",
    '"><svg onload="window.struck = 1">',
    "javascript:window.struck=1//",
    "&lt;b&gt;&#x3c;script&#x3e;",
    "a\u2028b\u2029c",
    "\u202egnp.exe\u2066 hidden \u2069",
    "\x1b[2J\x1b]0;title\x07\x00",
    "\ud800 lone",
    "${window.struck = 1} {{ 7 * 7 }} `window.struck = 1`",
    "__proto__",
    "=cmd|' /C calc'!A0 ::error::x",
    "\ufeff\u200b\u00ad\U000e0041",
)
V1 = PromptVersion("v1", "Answer briefly.\nName the product.", model_config={"temperature": 0, "api_key": "sk-planted"})
V2 = PromptVersion(
    "v2",
    "Answer in one word.",
    model_config={"temperature": 1, "api_key": "sk-planted-too"},
    commit_message="Shorter answers",
)


def spec_of(ids: Sequence[str], **more: Any) -> SuiteSpec:
    """A suite of two versions with an example of each id."""
    examples = tuple(
        Example(
            name,
            {"question": f"What about {name}?"},
            reference=f"All of {name}.",
            tags=("even", "odd")[i % 2 : i % 2 + 1],
        )
        for i, name in enumerate(ids)
    )
    gates = tuple(map(parse, ("semantic >= 0.8", "drop(rouge_l) <= 0.1", "mean(semantic) >= 0.9")))
    said = {"versions": (V1, V2), "examples": examples, "gates": gates, **more}
    return SuiteSpec("t.py::test_answer", "t.py:7", Path("t.py"), "test_answer", **said)


def case_of(spec: SuiteSpec, example: str, score: float = 1.0, version: str = "v2", **more: Any) -> CaseOutcome:
    """A case with that similarity: unchanged at 1, breached below 0.8."""
    verdict = "unchanged" if score == 1 else "changed" if score >= 0.8 else "breached"
    said: dict[str, Any] = {
        "output": f"The answer on {example}." if score == 1 else f"No answer on {example}.",
        "accepted": f"The answer on {example}.",
        "scores": {"semantic": score, "drop(rouge_l)": 0.0 if score == 1 else 0.05},
        "breaches": [f"semantic {score:.3f} (gate >= 0.8)"] if verdict == "breached" else [],
        "findings": {"negation": "one more negation (no)"} if score < 1 else {},
        "passed": verdict != "breached",
        "nodeid": f"t.py::test_answer[{version}-{example}]",
    }
    return CaseOutcome(spec.id, version, example, verdict, **{**said, **more})


def run_of(spec: SuiteSpec, cases: Sequence[CaseOutcome], **more: Any) -> RunOutcome:
    """A run of one suite whose baseline is of v1."""
    plan = plan_refresh(
        Path("x.json"),
        None,
        spec.versions[0],
        {example.id: ["old"] for example in spec.examples},
        examples=spec.examples,
        signatures={},
        refused={},
    )
    versions = [
        version_outcome(spec, version, [case for case in cases if case.version == version.label], gated=True)
        for version in spec.versions
        if any(case.version == version.label for case in cases)
    ]
    return RunOutcome(
        [SuiteOutcome(spec, plan.after, versions, selected=len(cases))], 1_700_000_000, 1_700_000_090, **more
    )


def caught_run() -> RunOutcome:
    """Four examples: v1 as it was, of v2 one unchanged, one changed, two breached, the last one worst."""
    ids = ["alpha", "beta", "gamma", "delta"]
    spec = spec_of(ids)
    scores = dict(zip(ids, (1.0, 0.9, 0.7, 0.2), strict=True))
    return run_of(
        spec,
        [
            *(case_of(spec, name, version="v1", latency_s=1.5, input_tokens=10, output_tokens=5) for name in ids),
            *(case_of(spec, name, score, latency_s=0.5, replayed=True) for name, score in scores.items()),
        ],
    )


def hostile_run(texts: Sequence[str] = HOSTILE) -> RunOutcome:
    """A run in which every text that the plugin did not write is hostile."""
    versions = (
        PromptVersion("v1", "Be brief.\n" + "\n".join(texts), model_config={text: text for text in texts}),
        PromptVersion(texts[0] + "v2", "\n".join(texts), commit_message=" ".join(texts), where=texts[0]),
    )
    examples = tuple(
        Example(f"{number}{text}", {text: text, "list": [text]}, text, tags=(text,), where=text)
        for number, text in enumerate(texts)
    )
    spec = spec_of([], versions=versions, examples=examples)
    joined = "\n".join(texts)
    cases = [
        CaseOutcome(
            spec.id,
            version.label,
            example.id,
            "breached" if number % 3 else "error",
            output=f"{joined} {number}",
            accepted=joined if number % 2 else None,
            scores={"semantic": 0.5},
            breaches=[joined],
            findings={texts[0]: joined},
            warnings=[texts[0]],
            message=joined,
            retries=[texts[0]],
            samples=(joined, texts[0]),
            passed=False,
            nodeid=joined,
        )
        for version in versions
        for number, example in enumerate(examples)
    ]
    return run_of(spec, cases, lost=[joined])


def page_of(run: RunOutcome, **more: Any) -> str:
    """The web page of a run, with what else was concluded."""
    return render(Conclusion(run, **more))
