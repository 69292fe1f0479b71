"""What a run becomes in MLflow, read without a store."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_promptreg.baselines.refreshing import plan_refresh
from pytest_promptreg.results import file as results
from pytest_promptreg.results.outcome import RunOutcome
from pytest_promptreg.tracking import RunFacts, clean, schema
from pytest_promptreg.tracking.facts import Surroundings
from pytest_promptreg.tracking.records import Record, RunRecord
from pytest_promptreg.tracking.schema import describe

NOWHERE = Surroundings()
COMMIT = Surroundings(commit="1a2b3c4d" * 5, branch="main", dirty=True, ci_number="482", user="ada")


@pytest.fixture(scope="module")
def record(make_run: Any, facts: RunFacts) -> Record:
    """Of a run of three versions, of which v3 failed."""
    return describe(make_run(), facts, COMMIT)


def child(record: Record, label: str) -> RunRecord:
    return next(child for child in record.children if child.version == label)


def table_of(run: RunRecord) -> list[dict[str, Any]]:
    """The rows of its table, by column."""
    data = json.loads(run.artifacts["examples.json"])
    return [dict(zip(data["columns"], row, strict=True)) for row in data["data"]]


def test_there_is_one_child_for_each_version_in_their_order(record: Record) -> None:
    """Versions are named by label, and start one after the other so that MLflow lists v1 first."""
    assert [run.name for run in record.children] == ["v1", "v2", "v3"]
    starts = [run.start_ms for run in record.children]
    assert starts == sorted(starts, reverse=True)
    assert record.parent.name == "1a2b3c4+ main #482"


def test_versions_of_suites_with_the_same_examples_are_named_with_their_suite(make_run: Any, facts: RunFacts) -> None:
    """Two runs called v1 can be told apart: by MLflow's column of datasets, else by their names."""
    run = make_run(["v1"])
    suite = run.suites[0]
    other = replace(suite, spec=replace(suite.spec, id="tests/a.py::test_b", function="test_b"))
    found = describe(replace(run, suites=[suite, other]), facts, NOWHERE)
    assert [run.name for run in found.children] == ["v1", "v1"]
    assert [run.tags["promptreg.dataset"] for run in found.children] == ["test_summarize", "test_b"]
    assert found.baseline is None, "an experiment has one baseline mark, and two runs claim it"
    examples = tuple(replace(example, where="tickets.jsonl:1") for example in suite.spec.examples)
    alike = [replace(each, spec=replace(each.spec, examples=examples)) for each in (suite, other)]
    found = describe(replace(run, suites=alike), facts, NOWHERE)
    assert [run.name for run in found.children] == ["v1 · test_summarize", "v1 · test_b"]


def test_a_version_without_selected_cases_has_no_run(make_run: Any, facts: RunFacts) -> None:
    """What was deselected leaves nothing that looks like a result."""
    run = make_run(["v1", "v2"])
    suite = run.suites[0]
    empty = replace(suite.versions[1], cases=[], gates=())
    found = describe(replace(run, suites=[replace(suite, versions=[suite.versions[0], empty])]), facts, NOWHERE)
    assert [run.version for run in found.children] == ["v1"]


@pytest.mark.parametrize(
    ("labels", "interrupted", "statuses", "parent"),
    [
        (["v1", "v2"], False, ["FINISHED", "FINISHED"], "FINISHED"),
        (["v1", "v3"], False, ["FINISHED", "FAILED"], "FAILED"),
        (["v1", "v2"], True, ["KILLED", "KILLED"], "KILLED"),
        (["v1", "v3"], True, ["KILLED", "FAILED"], "FAILED"),
    ],
)
def test_the_status_is_the_verdict(
    make_run: Any, facts: RunFacts, labels: list[str], interrupted: bool, statuses: list[str], parent: str
) -> None:
    """FINISHED when the gates passed, FAILED when not, KILLED when the run was interrupted before it failed."""
    found = describe(make_run(labels, interrupted=interrupted), facts, NOWHERE)
    assert [run.status for run in found.children] == statuses
    assert found.parent.status == parent


def test_the_baseline_version_is_marked(record: Record) -> None:
    """The child of the accepted prompt carries the mark, and no other."""
    assert {run.version: run.tags["promptreg.is_baseline"] for run in record.children} == {
        "v1": "true",
        "v2": "false",
        "v3": "false",
    }
    assert record.baseline is child(record, "v1")


def test_a_prompt_edited_in_place_is_not_the_baseline(make_run: Any, facts: RunFacts) -> None:
    """A version with the baseline's label and another text is a candidate, and its diff says so."""
    run: RunOutcome = make_run(["v1"])
    suite = run.suites[0]
    edited = replace(suite.versions[0], version=replace(suite.versions[0].version, template="Be brief."))
    found = describe(replace(run, suites=[replace(suite, versions=[edited])]), facts, NOWHERE)
    assert found.baseline is None
    assert "+++ v1 (edited in place)" in found.children[0].artifacts["prompt/diff.md"]


def test_a_refresh_marks_what_it_accepts(make_run: Any, facts: RunFacts) -> None:
    """After v2 was accepted, the run of v2 is the baseline."""
    run: RunOutcome = make_run(["v1", "v2"])
    suite = run.suites[0]
    version = suite.spec.version_by_label["v2"]
    plan = plan_refresh(
        Path("b.json"),
        suite.baseline,
        version,
        {example.id: ["new"] for example in suite.spec.examples},
        examples=suite.spec.examples,
        signatures={},
        refused={},
    )
    found = describe(replace(run, suites=[replace(suite, plan=plan)], refreshed=True), facts, NOWHERE)
    assert found.baseline is not None
    assert found.baseline.version == "v2"
    assert found.parent.tags["promptreg.verdict"] == "REFRESHED"


def test_scores_are_told_by_their_shape_in_0_to_1(record: Record) -> None:
    """Mean, bad end, median and delta of every term; BLEU is divided by 100 and says so in its name."""
    metrics = child(record, "v3").metrics
    assert metrics["bleu_0to1/min"] == pytest.approx(0.1225)
    assert metrics["drop_rouge_l/max"] == pytest.approx(0.31)
    assert {key for key in metrics if key.startswith("semantic/")} == {
        "semantic/mean",
        "semantic/delta_to_baseline",
        "semantic/p05",
        "semantic/min",
        "semantic/median",
    }
    assert {key for key in metrics if key.startswith("drop_rouge_l/")} == {
        "drop_rouge_l/mean",
        "drop_rouge_l/delta_to_baseline",
        "drop_rouge_l/p95",
        "drop_rouge_l/max",
        "drop_rouge_l/median",
        "drop_rouge_l/p05",
    }
    assert metrics["semantic/delta_to_baseline"] == pytest.approx(metrics["semantic/mean"] - 1)
    assert child(record, "v1").metrics["semantic/delta_to_baseline"] == 0
    scores = {key: value for key, value in metrics.items() if "/" in key and key.split("/")[0] in
              {"semantic", "bleu_0to1", "drop_rouge_l"}}  # fmt: skip
    assert all(-1 <= value <= 1 for value in scores.values())


def test_cases_tokens_cost_and_latency_are_counted(record: Record) -> None:
    """Every verdict has its count, zeros included, and the parent sums them up."""
    metrics = child(record, "v3").metrics
    counts = {key.removeprefix("cases/"): value for key, value in metrics.items() if key.startswith("cases/")}
    assert counts == {
        "breached": 5,
        "changed": 0,
        "unchanged": 6,
        "error": 1,
        "missing": 0,
        "incomparable": 0,
        "failed": 6,
        "total": 12,
    }
    assert metrics["pass_rate"] == pytest.approx(6 / 11)
    assert metrics["tokens/input"] == 480
    assert metrics["cost_usd"] == pytest.approx(0.012)
    assert metrics["latency_s/p50"] == pytest.approx(0.255)
    assert record.parent.metrics["cases/total"] == 36
    assert record.parent.metrics["versions/failed"] == 1
    assert record.parent.metrics["wall_s"] == pytest.approx(4.5)


def test_replayed_outputs_are_told_from_live_ones(record: Record, make_run: Any, facts: RunFacts) -> None:
    """They are counted apart and cost this run nothing; the table says of each which it is, where any is replayed."""
    assert (child(record, "v1").metrics["calls/live"], child(record, "v1").metrics["calls/replayed"]) == (12, 0)
    assert "calls/cost_usd" not in child(record, "v1").metrics
    assert not any("call" in row for row in table_of(child(record, "v1")))
    run: RunOutcome = make_run(["v1"])
    suite, version = run.suites[0], run.suites[0].versions[0]
    cases = [replace(case, replayed=number > 2) for number, case in enumerate(version.cases)]
    versions = [replace(version, cases=cases)]
    found = describe(replace(run, suites=[replace(suite, versions=versions)]), facts, NOWHERE)
    for metrics in (found.parent.metrics, found.children[0].metrics):
        assert (metrics["calls/live"], metrics["calls/replayed"]) == (3, 9)
        assert (metrics["calls/cost_usd"], metrics["cost_usd"]) == pytest.approx((0.003, 0.012))
    assert sorted(row["call"] for row in table_of(found.children[0])) == ["live"] * 3 + ["replayed"] * 9


def test_a_score_that_is_no_number_is_counted_and_not_sent(make_run: Any, facts: RunFacts) -> None:
    """One NaN among the scores neither reaches a chart nor hides the others."""
    run: RunOutcome = make_run(["v1"])
    suite, version = run.suites[0], run.suites[0].versions[0]
    spoilt = replace(version.cases[0], scores={"semantic": math.nan})
    versions = [replace(version, cases=[spoilt, *version.cases[1:]])]
    found = describe(replace(run, suites=[replace(suite, versions=versions)]), facts, NOWHERE).children[0]
    assert found.metrics["scores/not_a_number"] == 1
    assert found.metrics["semantic/mean"] == 1.0
    assert all(math.isfinite(value) for value in found.metrics.values())
    assert any(row["semantic"] is None for row in table_of(found))


def test_params_say_what_shaped_the_scores(record: Record) -> None:
    """Gates, baseline, prompt, examples, model settings and metric signatures, without secrets."""
    params = child(record, "v3").params
    assert params["gate/mean_drop_rouge_l"] == "mean(drop(rouge_l)) <= 0.05"
    assert params["baseline"] == "v1"
    assert params["signature/semantic"] == "all-MiniLM-L6-v2|mean|1"
    assert params["embedding_model"] == "all-MiniLM-L6-v2"
    assert params["model_config/max_tokens"] == "40"
    assert params["model_config/stop"] == '["\\n","END"]'
    assert params["model_config/api_key"] == "***"
    assert params["examples"] == params["examples_declared"] == "12"


def test_no_secret_reaches_the_record(record: Record) -> None:
    """Neither the command line's nor the model settings' key is anywhere in what would be sent."""
    assert "sk-hidden" not in repr(record)
    assert record.parent.tags["mlflow.source.name"] == "pytest tests --api-key ***"


def test_the_table_holds_every_case_failures_first(record: Record) -> None:
    """Breached cases with the worst on top, then errors, then the rest, with outputs, inputs, scores and deltas."""
    rows = table_of(child(record, "v3"))
    assert [row["verdict"] for row in rows] == ["breached"] * 5 + ["error"] + ["unchanged"] * 6
    assert rows[0]["example"] == "ticket-010"
    assert rows[0]["output"].startswith("Refund.")
    assert rows[0]["baseline output"].startswith("The customer was charged")
    assert rows[0]["semantic"] == pytest.approx(0.6)
    assert rows[0]["semantic delta"] == pytest.approx(-0.4)
    assert rows[0]["drop(rouge_l) delta"] == pytest.approx(0.31)
    assert json.loads(rows[0]["inputs"]) == {"ticket": "Ticket 10: charged twice, please refund."}
    assert rows[0]["reference"] == "Refund 10"
    assert rows[5]["message"].startswith("TimeoutError")
    assert child(record, "v3").tags["mlflow.loggedArtifacts"] == '[{"path": "examples.json", "type": "table"}]'


def test_a_case_that_failed_in_the_test_itself_stands_above_what_passed(make_run: Any, facts: RunFacts) -> None:
    """A failed assertion of the test counts as a failure though the gates were met."""
    run: RunOutcome = make_run(["v2"])
    suite, version = run.suites[0], run.suites[0].versions[0]
    cases = [replace(case, passed=case.example != "ticket-004") for case in version.cases]
    found = describe(replace(run, suites=[replace(suite, versions=[replace(version, cases=cases)])]), facts, NOWHERE)
    first = table_of(found.children[0])[0]
    assert (first["example"], first["verdict"]) == ("ticket-004", "unchanged, test failed")
    assert found.children[0].status == "FAILED"


def test_the_prompt_diff_is_there_for_every_reader(record: Record) -> None:
    """Both texts, a unified diff and a page side by side; the accepted version itself is said to be unchanged."""
    files = child(record, "v2").artifacts
    assert "-Summarize the ticket.\n+Summarize the ticket in one sentence.\n" in files["prompt/diff.md"]
    assert re.search(r"<ins>\s*in one sentence\s*</ins>", files["prompt/diff.html"])
    assert files["prompt/baseline.txt"].startswith("Summarize the ticket.\n")
    assert files["prompt/prompt.txt"].startswith("Summarize the ticket in one sentence.\n")
    assert re.search(r"<del>\s*charged\s*</del>", files["outputs.html"])
    assert child(record, "v1").artifacts["prompt/diff.md"].startswith("v1 says what the accepted prompt")


def test_a_first_run_without_a_baseline_is_described(make_run: Any, facts: RunFacts) -> None:
    """With nothing to compare with there is no diff page, and the note says that there is no baseline."""
    found = describe(make_run(["v1"], with_baseline=False), facts, NOWHERE).children[0]
    assert "prompt/diff.html" not in found.artifacts
    assert "no baseline" in found.artifacts["prompt/diff.md"]
    assert "against no baseline" in found.tags["mlflow.note.content"]
    assert found.params["baseline"] == "none"


def test_notes_begin_with_the_verdict(record: Record) -> None:
    """The first line says what happened; what failed, what changed and the worst cases follow."""
    note = record.parent.tags["mlflow.note.content"]
    assert note.startswith(
        "**FAILED**: 1 of 3 prompt versions failed\n\n"
        "- **FAILED** v3 of test\\_summarize: 6 unchanged, 5 breached, 1 error\n"
        "- v2 of test\\_summarize: 8 unchanged, 4 changed\n\n"
    )
    own = child(record, "v3").tags["mlflow.note.content"]
    assert re.search(r"\*\*Kinds of change among the outputs\*\*\n\n- \d+ (is|are) reworded: ", own)
    assert own.startswith("**FAILED** against the baseline of v1: 6 unchanged, 5 breached, 1 error.")
    assert "mean\\(drop\\(rouge\\_l\\)\\)" in own
    assert own.index("ticket\\-010") < own.index("TimeoutError")


def test_hostile_text_does_nothing_in_notes_and_pages(record: Record, hostile: str) -> None:
    """What a prompt or a model wrote stays text: no markup, no HTML, no end of the code block, no hidden sign."""
    run = child(record, "v3")
    for name in ("summary.md", "prompt/diff.md", "prompt/diff.html", "outputs.html"):
        assert not re.search("[\x00\x1b\u202e]", run.artifacts[name]), name
    note = run.artifacts["summary.md"]
    assert "<script" not in note
    assert "<img" not in note
    assert not re.search(r"(?<!\\)\[a(?<!\\)\]\(", note)
    fence, *body, end = run.artifacts["prompt/diff.md"].rstrip("\n").split("\n")
    assert fence == "````diff"
    assert end == "````"
    assert not any(line.startswith("````") for line in body)


def test_a_note_is_cut_to_what_a_tag_holds(make_run: Any, facts: RunFacts) -> None:
    """Ids of any length and number do not make a tag that a store refuses."""
    run: RunOutcome = make_run(["v3"])
    suite, version = run.suites[0], run.suites[0].versions[0]
    cases = [replace(case, breaches=[*case.breaches, *("x" * 290 for _ in range(9))]) for case in version.cases]
    found = describe(replace(run, suites=[replace(suite, versions=[replace(version, cases=cases)])]), facts, NOWHERE)
    assert len(found.children[0].tags["mlflow.note.content"]) <= clean.TAG_LIMIT
    assert len(found.children[0].artifacts["summary.md"]) > clean.TAG_LIMIT


def test_the_table_has_every_case_and_the_page_the_first_ones(make_run: Any, facts: RunFacts) -> None:
    """However many outputs differ, the page of outputs stays readable, and says how many it is of."""
    run = describe(make_run(["v3"], count=1_000), facts, NOWHERE).children[0]
    assert len(json.loads(run.artifacts["examples.json"])["data"]) == 1_000
    assert "499 of 1000 outputs differ from the baseline" in run.artifacts["outputs.html"]
    assert run.artifacts["outputs.html"].count("<h2>") == 50


def test_the_parent_holds_the_whole_outcome(make_run: Any, facts: RunFacts) -> None:
    """Every case of every version can be read again from one file of it, which holds no secret."""
    run: RunOutcome = make_run()
    text = describe(run, facts, NOWHERE).parent.artifacts["outcome.json"]
    found = results.parse(text, root=facts.rootdir).run
    assert [version.counts for version in found.suites[0].versions] == [
        version.counts for version in run.suites[0].versions
    ]
    assert "sk-hidden" not in text


def test_a_version_is_found_by_model_dataset_and_what_it_was_compared_with(make_run: Any, facts: RunFacts) -> None:
    """The dataset is the file that all examples stand in; the model is that of the address, else of the config."""
    run: RunOutcome = make_run(["v2"])
    suite, version = run.suites[0], run.suites[0].versions[0]
    examples = tuple(
        replace(example, where=f"evals/examples/tickets.jsonl:{line}")
        for line, example in enumerate(suite.spec.examples, 1)
    )
    prompt = replace(version.version, model_config={"model": "gpt-4o-mini"})
    changed = replace(suite, spec=replace(suite.spec, examples=examples), versions=[replace(version, version=prompt)])
    around = replace(COMMIT, ci_url="https://ci.example.org/482")
    (found,) = describe(replace(run, suites=[changed]), facts, around).children
    assert found.tags["promptreg.dataset"] == "tickets.jsonl"
    assert found.dataset is not None
    assert (found.dataset.name, found.dataset.source) == ("tickets.jsonl", "evals/examples/tickets.jsonl")
    assert found.tags["promptreg.dataset_sha256"] == found.dataset.sha256
    assert found.tags["promptreg.model"] == found.params["model"] == "gpt-4o-mini"
    assert found.tags["promptreg.ci_url"] == "https://ci.example.org/482"
    assert found.tags["promptreg.baseline_prompt_sha256"] == run.suites[0].spec.version_by_label["v1"].digest
    named = replace(facts, under_test={suite.spec.id: {"model": "Support"}})
    assert describe(replace(run, suites=[changed]), named, around).children[0].tags["promptreg.model"] == "Support"


def test_the_page_is_an_artifact_of_the_run_unless_it_is_large(
    make_run: Any, facts: RunFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent has the report as a web page; one that would take all the time is left out, with a word."""
    drawn = replace(facts, draw_page=lambda: "<p>1 suite: é</p>")
    assert describe(make_run(), drawn, NOWHERE).parent.artifacts[schema.PAGE] == "<p>1 suite: é</p>"
    found = describe(make_run(), replace(facts, draw_page=lambda: "é" * (schema.MAX_PAGE // 2 + 1)), NOWHERE)
    assert schema.PAGE not in found.parent.artifacts
    monkeypatch.setattr(schema, "MAX_PAGE", 10)
    found = describe(make_run(), replace(facts, draw_page=lambda: pytest.fail("drawn in vain")), NOWHERE)
    assert schema.PAGE not in found.parent.artifacts
    assert found.notices == ["report.html is not recorded: it has more than 0 MB (--promptreg-html writes it)"]
    assert schema.PAGE not in describe(make_run(), facts, NOWHERE).parent.artifacts
