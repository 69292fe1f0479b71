"""The report as a web page, read without a browser: what it says, and that no text in it is more than a text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making_runs import HOSTILE, case_of, caught_run, hostile_run, page_of, run_of, spec_of

from pytest_promptreg.diffs import word_diff
from pytest_promptreg.judging.gates import SuiteGateResult, parse
from pytest_promptreg.judging.noise_result import NoiseResult
from pytest_promptreg.report.escape import visible
from pytest_promptreg.report.html import FILE, data, words
from pytest_promptreg.report.html.page import render
from pytest_promptreg.results.origin import Origin
from pytest_promptreg.session.concluding import Conclusion


class Reader(HTMLParser):
    """Collects what a browser would make of a page: tags, attributes, scripts, and the text that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.text = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]
        self._inside = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:  # noqa: D102
        self._inside = ""

    def handle_data(self, data: str) -> None:  # noqa: D102
        if self._inside == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif self._inside == "style":
            self.styles.append(data)
        else:
            self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader


def blocks(page: str, name: str) -> list[Any]:
    """What the page's data of one kind says."""
    return [json.loads(text) for attributes, text in read(page).scripts if attributes.get("class") == name]


def test_the_policy_allows_the_one_script_and_style_that_are_there_and_nothing_else() -> None:
    """By their digests; everything else is data, and no attribute runs anything."""
    page = page_of(caught_run())
    reader = read(page)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    run = [text for attributes, text in reader.scripts if not attributes]
    assert len(run) == len(reader.styles) == 1
    allowed = [
        f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for kind, text in (("script", run[0]), ("style", reader.styles[0]))
    ]
    assert policy.split("; ") == ["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'"]
    assert {attributes.get("type") for attributes, _ in reader.scripts if attributes} == {"application/json"}
    assert not {name for name in reader.attributes if name.startswith("on") or name in {"style", "src"}}
    assert all(link.startswith("#") for link in reader.links)


def test_the_page_is_drawn_anew_only_for_something_new() -> None:
    """MLflow and a file get one page; what came up in between is told by the later one."""
    conclusion = Conclusion(caught_run())
    first = render(conclusion)
    assert render(conclusion) is first
    conclusion.problems.append("the store is away")
    assert "the store is away" in render(conclusion)
    conclusion.pruned = True
    assert "--promptreg-prune" not in render(conclusion)


def test_equal_runs_give_equal_pages() -> None:
    """Nothing in a page is of the moment in which it is drawn."""
    assert page_of(caught_run()) == page_of(caught_run())


def test_the_overview_says_what_changed_how_bad_it_is_and_what_to_do() -> None:
    """Verdict, counts, scores with their differences, gates, settings, prompt diff, worst case, next step."""
    page = page_of(caught_run(), origin=Origin("pytest t.py", "1a2b3c4d5e6f", "main"))
    shown = " ".join(read(page).text.split())
    for said in (
        "Failed. Version v2 does not pass: 2 of 4 outputs breach a gate, 1 gate on the whole suite is not met.",
        "read what it did below, change the prompt",
        "If v2 is how it should be: pytest t.py --promptreg-accept v2",
        "0.700 −0.300 (worse)",
        "4 replayed",
        "not met v2: mean(semantic) 0.700 (gate >= 0.9)",
        "1 gate on the whole suite met",
        "Shorter answers",
        "Name the product.",
        "delta breached",
        "commit1a2b3c4d5e",
        "took1 min 30 s",
    ):
        assert said in shown, said
    assert re.search(r"temperature\s*</th><td class=\"removed\">0</td><td class=\"added\">1</td>", page)


def test_secrets_in_settings_are_hidden() -> None:
    """Values that their own names call a secret stand nowhere in the page."""
    page = page_of(caught_run())
    assert "sk-planted" not in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"interrupted": True, "suites": ()}, "Not finished. No example was run."),
        ({"lost": ["t.py::test_answer[v2-x]"]}, "1 case began and never reported."),
        ({"rescored": True, "suites": ()}, "How the accepted outputs are scored was renewed"),
    ],
)
def test_what_is_no_plain_run_is_called_what_it_is(change: dict[str, Any], said: str) -> None:
    """An interrupted run, a lost case, a refresh: none of them reads as a pass."""
    assert said in " ".join(read(page_of(replace(caught_run(), **change))).text.split())


def test_a_refresh_does_not_read_as_a_pass() -> None:
    """Its gates were not judged, and no version is held against the baseline that it replaces."""
    run = caught_run()
    versions = [replace(version, gates=()) for version in run.suites[0].versions]
    refreshed = replace(run, suites=[replace(run.suites[0], versions=versions)], refreshed=True)
    shown = " ".join(read(page_of(refreshed)).text.split())
    assert "Nothing judged. 8 outputs were made to become the baseline; no gate was judged." in shown
    assert "against the baseline" not in shown


def test_a_run_that_fails_for_something_else_than_its_cases_does_not_read_as_passed() -> None:
    """A baseline that could not be written, say: the verdict is a failure, and the reason stands below it."""
    spec = spec_of(["a"])
    run = run_of(spec, [case_of(spec, "a")])
    page = page_of(run, problems=["t.json: <cannot> be written"], fatal=True)
    shown = " ".join(read(page).text.split())
    assert "Failed. Every gate is met: the only output is unchanged. The run fails for what is told below." in shown
    assert "Why the run failst.json: <cannot> be written" in shown
    noted = " ".join(read(page_of(run, problems=["a copy of an hour ago"])).text.split())
    assert "Passed." in noted
    assert "To be knowna copy of an hour ago" in noted


def test_a_run_that_passes_says_so_and_draws_no_worst_case() -> None:
    """All unchanged: one sentence, and a prompt that changed is still shown."""
    spec = spec_of(["a", "b"])
    page = page_of(run_of(spec, [case_of(spec, name) for name in "ab"]))
    shown = " ".join(read(page).text.split())
    assert "Passed. Every gate is met: all 2 outputs are unchanged." in shown
    assert "What it did" not in shown
    assert "Answer in one word." in shown


def test_the_worst_cases_come_first_and_rows_say_what_the_case_says() -> None:
    """By verdict and then by what was lost; flags, kinds and tags by their numbers."""
    page = page_of(caught_run())
    (index,) = blocks(page, "index")
    suite = index["suites"][0]
    rows = [row for row in index["cases"] if suite["versions"][row[1]] == "v2"]
    assert [suite["examples"][row[2]] for row in rows] == ["delta", "gamma", "beta", "alpha"]
    delta = rows[0]
    assert index["verdicts"][delta[3]] == "breached"
    assert delta[4] & data.PASSED == 0
    assert delta[4] & data.REPLAYED
    assert delta[5] == [0.2, 0.05]
    assert [index["kinds"][kind] for kind in delta[6]] == ["negation gained"]
    assert [index["tags"][tag] for tag in suite["tags"][delta[2]]] == ["odd"]


def test_what_fails_is_shown_first_and_once() -> None:
    """The version that fails stands before one that changed within its gates; a gate's finding is not repeated."""
    spec = spec_of(["a"])
    lost: dict[str, Any] = {"breaches": ["numbers 0.000 (gate == 1): lost 7"], "findings": {"numbers": "lost 7"}}
    page = page_of(run_of(spec, [case_of(spec, "a", 0.9, version="v1"), case_of(spec, "a", 0.2, **lost)]))
    assert page.index("v2 against the baseline") < page.index("v1 against the baseline")
    (worst,) = re.findall(r'<article class="case">(?:(?!</article>).)*lost 7.*?</article>', page, re.DOTALL)
    assert worst.count("lost 7") == 1


def test_word_differences_are_those_of_the_terminal() -> None:
    """The pieces in threes say, side by side, what the word diff says."""
    old, new = "The parcel came late, in May.", "A parcel came very late, in June, by post."
    flat = data.pieces_of(old, new)
    told = word_diff(old, new, context=None)
    assert "".join(flat[place] + flat[place + 2] for place in range(0, len(flat), 3)) == new
    assert [text for text in flat if text] == [piece.text for piece in told]


def test_a_score_that_json_cannot_write_is_still_told() -> None:
    """An infinite ratio and no number at all."""
    spec = spec_of(["a"])
    page = page_of(
        run_of(spec, [case_of(spec, "a", 0.9, scores={"semantic": float("inf"), "drop(rouge_l)": float("nan")})])
    )
    assert blocks(page, "index")[0]["cases"][0][5] == ["Infinity", "NaN"]


def test_long_texts_are_cut_and_many_lie_in_pieces() -> None:
    """A text says how much of it is not there; each piece has its first number, and all cases have their texts."""
    ids = [f"e{number}" for number in range(60)]
    spec = spec_of(ids)
    page = page_of(run_of(spec, [case_of(spec, name, 0.9, output="word " * 10_000) for name in ids]))
    (index,) = blocks(page, "index")
    pieces = blocks(page, "texts")
    assert len(pieces) == len(index["texts"]) > 1
    assert index["texts"] == [sum(map(len, pieces[:place])) for place in range(len(pieces))]
    assert sum(map(len, pieces)) == 60
    assert "[... 30,000 more characters]" in "".join(pieces[0][0]["d"])


def test_a_page_is_drawn_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences are marked up to so much text; outputs beyond stand side by side as they are."""
    ids = ["a", "b", "c"]
    spec = spec_of(ids)
    run = run_of(spec, [case_of(spec, name, 0.9) for name in ids])
    monkeypatch.setattr(data, "MARKED", 60)
    texts = blocks(page_of(run), "texts")[0]
    assert ["d" in said for said in texts] == [True, True, False]
    assert (texts[2]["o"], texts[2]["a"]) == ("No answer on c.", "The answer on c.")
    assert data.least_size(run) == 3 * len("No answer on a.")


def test_what_was_found_under_noise_is_told() -> None:
    """The sentence for the version, the metric's own result, and the examples that lie outside of the noise."""
    run = caught_run()
    suite = run.suites[0]
    lost = NoiseResult("semantic", "calibrated", "regressed", 4, drop=0.3, upper=0.4, margin=0.02, chance=0.001)
    noisy = replace(suite.versions[1], gates=(), noise=(lost,), outside_noise=(("delta", 0.01), ("gamma", 0.02)))
    page = page_of(replace(run, suites=[replace(suite, versions=[suite.versions[0], noisy])]))
    shown = " ".join(read(page).text.split())
    for said in (
        "2 of 4 outputs breach a gate, the outputs lost more than the model varies by itself",
        f"not met v2: {lost}",
        "v2 regressed: its outputs are less like the accepted ones than those are like each other (by chance in 1",
        "Outside of what the model varies by itself: delta, gamma",
    ):
        assert said in shown, said


def test_a_pass_rate_is_told_with_its_bounds() -> None:
    """The page says beside the share how little so few cases say of it."""
    spec = spec_of(["a"])
    run = run_of(spec, [case_of(spec, "a")])
    (suite,) = run.suites
    (version,) = suite.versions
    rated = replace(version, gates=[SuiteGateResult(parse("pass_rate >= 0.9"), 1.0, 1)])
    page = page_of(replace(run, suites=[replace(suite, versions=[rated])]))
    assert "in the long run 5.0% to 100.0% (95 % sure of each): 1 case cannot tell if it is met there, 29 would" in page


def test_the_command_that_runs_a_case_is_safe_to_paste() -> None:
    """A node id that would end its quotes and begin a command of its own stays one argument."""
    spec = spec_of(["a"])
    nodeid = "t.py::test_answer[v2-'; touch struck; ']"
    page = page_of(run_of(spec, [case_of(spec, "a", 0.9, nodeid=nodeid)]))
    assert shlex.split(blocks(page, "texts")[0][0]["n"]) == ["pytest", nodeid]


def test_all_samples_of_a_case_are_there() -> None:
    """The outputs side by side are those of the worst sample, and the page says so."""
    spec = spec_of(["a"], samples=2)
    page = page_of(run_of(spec, [case_of(spec, "a", 0.9, samples=("No answer on a.", "An answer on a."))]))
    assert blocks(page, "texts")[0][0]["s"] == ["No answer on a.", "An answer on a."]
    shown = " ".join(read(page).text.split())
    assert "2 samples of each" in shown
    assert "The worst of 2 samples:" in shown


def test_an_example_with_gates_of_its_own_has_them_beside_its_scores() -> None:
    """By term, as the nearest level says."""
    spec = spec_of(["a"])
    own = replace(spec, examples=(replace(spec.examples[0], gates=("semantic >= 0.95",)),))
    page = page_of(run_of(own, [case_of(own, "a", 0.9)]))
    assert blocks(page, "example-texts")[0][0]["g"] == {
        "semantic": ["semantic >= 0.95"],
        "drop(rouge_l)": ["drop(rouge_l) <= 0.1"],
    }


def test_nothing_hostile_becomes_a_tag_an_attribute_or_a_script() -> None:
    """Whatever stands in ids, labels, prompts, outputs and messages, the page has the tags of a harmless one."""
    harmless, page = read(page_of(caught_run())), page_of(hostile_run())
    reader = read(page)
    assert len([1 for attributes, _ in reader.scripts if not attributes]) == 1
    assert set(reader.tags) <= set(harmless.tags) | {"ul", "li", "b", "code", "details", "summary", "ins", "del"}
    assert reader.attributes <= harmless.attributes | {"dir"}
    assert all(link.startswith("#") for link in reader.links)
    for text in HOSTILE:
        assert visible(text).split()[0] in reader.text


@pytest.mark.parametrize("text", HOSTILE)
def test_what_hides_or_reorders_is_written_out(text: str) -> None:
    """No control character, bidirectional mark or lone surrogate is in the page, and its data says what it said."""
    page = page_of(hostile_run([text]))
    page.encode("utf-8")
    allowed = {"\n", "\t"}
    assert visible(page) == page
    assert not {char for char in page if ord(char) < 32} - allowed
    (index,) = blocks(page, "index")
    assert index["suites"][0]["examples"] == [f"0{visible(text)}"]


@given(st.lists(st.text(), min_size=2, max_size=3))
@settings(max_examples=40)
def test_data_ends_no_script_and_comes_back_as_it_was(texts: list[str]) -> None:
    """Any text: the JSON has no bracket that HTML would read, and JSON reads back the visible text."""
    said = data.safe_json([visible(text) for text in texts])
    assert not set("<>&\u2028\u2029") & set(said)
    assert json.loads(said) == [visible(text) for text in texts]
    flat = data.pieces_of(texts[0], texts[1])
    assert len(flat) % 3 == 0
    assert "".join(flat[place] + flat[place + 2] for place in range(0, len(flat), 3)) == visible(texts[1])


def test_the_page_is_known_by_its_beginning() -> None:
    """So that a page is replaced by the next one, and a file of another kind is not."""
    assert FILE.kind.encode() in page_of(caught_run()).encode()[:200]


def test_numbers_are_written_for_people() -> None:
    """No minus nought, a true minus sign, and what is no number as a dash."""
    assert words.number(-0.0001, 3) == "0.000"
    assert words.number(-0.25, 2, "+") == "−0.25"
    assert words.number(float("nan"), 3) == words.number(None, 3) == "–"
    assert words.number(float("inf"), 3) == "∞"
    assert [words.seconds(value) for value in (0.042, 1.44, 200)] == ["42 ms", "1.4 s", "3 min 20 s"]


def test_a_version_that_is_better_is_not_called_worse() -> None:
    """The direction of a metric decides: a drop that fell is better, a similarity that fell is worse."""
    run = caught_run()
    suite = run.suites[0]
    assert words.direction(suite, suite.versions[1], "semantic") == "worse"
    assert words.direction(suite, suite.versions[0], "semantic") == ""
    spec = suite.spec
    better = run_of(
        spec,
        [
            case_of(spec, "alpha", 0.85, version="v1", scores={"semantic": 0.85, "drop(rouge_l)": 0.1}),
            case_of(spec, "alpha", 0.95, scores={"semantic": 0.95, "drop(rouge_l)": 0.02}),
        ],
    ).suites[0]
    assert {words.direction(better, better.versions[1], term) for term in better.terms} == {"better"}
