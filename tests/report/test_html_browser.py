"""The report in a real browser: sorted, filtered, searched, opened, coloured and printed, without a word to anybody."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from browser import Browser
from making_runs import case_of, caught_run, hostile_run, page_of, run_of, spec_of

from pytest_promptreg.report.html import data
from pytest_promptreg.results.outcome import RunOutcome

IDS = "[...document.querySelectorAll('#cases button.open')].map((button) => button.textContent).join(' ')"
FOCUSED = "document.activeElement.textContent"
DIALOG = "document.querySelector('dialog').open"
CLOSED = f"!{DIALOG} && !location.hash.includes('case=')"  # and the focus is back


def show(browser: Browser, folder: Path, run: RunOutcome, asked: str = "") -> None:
    """Open the page of a run from disk."""
    path = folder / "report.html"
    path.write_text(page_of(run), encoding="utf-8")
    browser.look(1280)
    browser.open(path.as_uri() + asked)


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Browser]:
    """The page of a caught regression; afterwards it has complained of nothing, and asked nobody for anything."""
    show(browser, tmp_path, caught_run())
    yield browser
    assert browser.complaints == []
    assert browser.requests == [(tmp_path / "report.html").as_uri()]


def click(page: Browser, selector: str) -> None:
    """Click on what a selector names."""
    page.value(f"document.querySelector({selector!r}).click()")


def choose(page: Browser, name: str, value: str) -> None:
    """Choose in one of the lists above the table."""
    page.value(
        f"{{const field = document.querySelector('#filters [name={name}]'); field.value = {value!r};"
        "field.dispatchEvent(new Event('change')); field.dispatchEvent(new Event('input'))}"
    )


def test_the_worst_cases_stand_first_and_a_heading_sorts(page: Browser) -> None:
    """By harm at first; by a score up, down, and back; headings say the order to those who do not see the arrow."""
    by_harm = page.value(IDS)
    assert by_harm.split()[:3] == ["delta", "gamma", "beta"]
    click(page, "[data-key='score:semantic']")
    assert page.value(IDS).startswith("delta gamma beta")
    click(page, "[data-key='score:semantic']")
    assert page.value(IDS).endswith("beta gamma delta")
    assert page.value("document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "descending"
    assert page.value("document.activeElement.dataset.key") == "score:semantic"
    click(page, "[data-key='score:semantic']")
    assert page.value(IDS) == by_harm
    click(page, "[data-key='example']")
    assert page.value(IDS).startswith("alpha alpha beta beta")


def test_filters_narrow_the_table_and_the_address_keeps_them(page: Browser) -> None:
    """Verdict, version, tag, kind of change and score; the address opens the same view again, and all can be undone."""
    choose(page, "verdict", "breached")
    assert page.value(IDS) == "delta gamma"
    choose(page, "tag", "odd")
    assert page.value(IDS) == "delta"
    assert "verdict=breached" in page.value("location.hash")
    page.open(page.value("location.href"))
    assert page.value(IDS) == "delta"
    assert page.value("document.querySelector('[name=verdict]').value") == "breached"
    click(page, "#reset")
    assert len(page.value(IDS).split()) == 8
    choose(page, "kind", "negation gained")
    choose(page, "score", "semantic")
    choose(page, "op", ">=")
    choose(page, "value", "0.7")
    page.wait(f"{IDS} === 'gamma beta'")
    page.value("location.hash = '#version=v1&verdict=unchanged'")
    page.wait(f"{IDS} === 'alpha beta gamma delta'")


def test_the_search_reads_outputs_inputs_and_references(page: Browser) -> None:
    """All words must be there, in whatever case; Escape empties it; nothing found is said."""
    for words, found in (
        ("no ANSWER gamma", "gamma"),
        ("what about delta?", "delta delta"),
        ("all of beta.", "beta beta"),
    ):
        page.press("/")
        assert page.value("document.activeElement.name") == "q"
        page.value("document.activeElement.select()")
        page.type(words)
        page.wait(f"{IDS} === '{found}'")
        page.press("Escape")
        assert len(page.value(IDS).split()) == 8
    page.type("nowhere")
    page.wait("document.querySelector('#cases tbody').textContent === 'No example matches.'")
    assert page.value("document.querySelector('#found').textContent").startswith("0 of 8 cases")


def test_a_case_is_opened_walked_through_and_closed_with_the_keyboard(page: Browser) -> None:
    """/, down, Enter, right, Escape; the focus comes back to where it was, and the last one has no next."""
    page.press("/")
    page.press("ArrowDown")
    page.press("ArrowDown")
    assert page.value(FOCUSED) == "gamma"
    page.press("Enter")
    page.wait(DIALOG)
    said = page.value("document.querySelector('dialog').innerText")
    for part in (
        "gamma",
        "semantic 0.700 (gate >= 0.8)",
        "negation: one more negation (no)",
        "0.700 (breach)",
        "All of gamma.",
        "What about gamma?",
        "a recorded call",
        "pytest 't.py::test_answer[v2-gamma]'",
    ):
        assert part in said, part
    marks = "[...document.querySelectorAll('dialog .words td:{} {}')].map((one) => one.textContent).join()"
    assert page.value(marks.format("first-child", "del")) == "The"
    assert page.value(marks.format("last-child", "ins")) == "No"
    assert page.value(marks.format("first-child", "ins") + "+" + marks.format("last-child", "del")) == ""
    page.press("ArrowRight")
    page.wait("document.querySelector('#case-heading').textContent.startsWith('beta')")
    page.press("ArrowLeft")
    page.wait("document.querySelector('#case-heading').textContent.startsWith('gamma')")
    page.press("Escape")
    page.wait(CLOSED)
    assert page.value(FOCUSED) == "gamma"
    page.press("ArrowUp")
    assert page.value(FOCUSED) == "delta"


def test_links_of_the_overview_lead_into_the_table(page: Browser) -> None:
    """A count shows its cases, a kind of change those that have it, a worst case itself."""
    click(page, ".kinds a")
    page.wait(f"{IDS} === 'delta gamma beta'")
    click(page, ".suite table a[href*='breached']")
    page.wait(f"{IDS} === 'delta gamma'")
    page.value("document.querySelector('article.case a').focus()")
    page.press("Enter")
    page.wait(DIALOG)
    assert page.value("document.querySelector('#case-heading').textContent").startswith("delta")
    page.press("Escape")
    page.wait(CLOSED)
    assert page.value(IDS) == "delta gamma"
    assert page.value("document.activeElement.closest('article.case') !== null")


def test_colours_follow_the_system_until_somebody_chooses(page: Browser) -> None:
    """Dark where the system is dark; the button turns it round, and a new visit remembers."""
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.value(background) == "rgb(255, 255, 255)"
    page.look(1280, dark=True)
    page.wait(f"{background} === 'rgb(13, 17, 23)'")
    click(page, "#theme")
    assert page.value(background) == "rgb(255, 255, 255)"
    page.open(page.value("location.href"))
    assert page.value(background) == "rgb(255, 255, 255)"
    assert page.value("document.querySelector('#theme').textContent") == "Dark colours"
    page.value("localStorage.clear()")


def test_scores_are_drawn_for_baseline_and_candidate(page: Browser) -> None:
    """One drawing for each metric, with a description in words, and the numbers as a table."""
    assert page.value("document.querySelectorAll('svg.plot').length") == 2
    described = page.value("document.querySelector('svg.plot desc').textContent")
    assert described == (
        "baseline v1: 4 cases, mean 1.000, median 1.000, from 1.000 to 1.000; "
        "v2: 4 cases, mean 0.700, median 0.800, from 0.200 to 1.000."
    )
    assert page.value("document.querySelectorAll('svg.plot rect.base, svg.plot rect.now').length") >= 4
    assert page.value("document.querySelectorAll('figure table tbody tr').length") == 4


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_nothing_is_wider_than_the_window(page: Browser, width: int) -> None:
    """Neither the page nor an opened case has to be moved sideways."""
    page.look(width)
    assert page.value("document.documentElement.scrollWidth") <= width
    click(page, "#cases button.open")
    assert page.value("document.querySelector('dialog .content').scrollWidth") <= width
    page.value("document.querySelector('dialog').close()")


def test_paper_has_the_cases_that_ask_for_a_look_and_no_table_to_click_on(browser: Browser, tmp_path: Path) -> None:
    """What breached, also where a share may, and what failed by a check of the test's own; put together to print."""
    spec = spec_of(["alpha", "beta", "gamma", "delta"])
    failed, spared = case_of(spec, "alpha", 0.9, passed=False), case_of(spec, "beta", 0.5, passed=True)
    show(browser, tmp_path, run_of(spec, [failed, spared, case_of(spec, "gamma", 0.9), case_of(spec, "delta")]))
    browser.value("dispatchEvent(new Event('beforeprint'))")
    printed = "[...document.querySelectorAll('#printed h3 span[dir]')].map((one) => one.textContent).join()"
    assert browser.value(printed) == "beta,alpha"
    browser.value("dispatchEvent(new Event('afterprint'))")
    assert browser.value("document.querySelector('#printed').childElementCount") == 0
    assert browser.paper().startswith(b"%PDF")
    assert browser.complaints == []


def test_hostile_texts_do_nothing_in_a_browser(browser: Browser, tmp_path: Path) -> None:
    """Every case opened, searched for and printed: nothing has run, and the browser has refused nothing."""
    show(browser, tmp_path, hostile_run())
    count = browser.value("CASES.length")
    for number in range(count):
        browser.value(f"ask({{ case: '{number}' }})")
        assert browser.value(DIALOG)
    browser.value("ask({ case: '', q: 'script' })")
    browser.value("dispatchEvent(new Event('beforeprint'))")
    assert browser.value("window.struck") is None
    assert browser.value("document.querySelectorAll('img, iframe, svg [onload], body script[src]').length") == 0
    assert browser.complaints == []
    assert len(browser.requests) == 1


def test_many_cases_come_in_pages(browser: Browser, tmp_path: Path) -> None:
    """A hundred at a time, and no text is read before somebody wants to; keys walk on, and an address opens a case."""
    ids = [f"e{number:03}" for number in range(250)]
    spec = spec_of(ids)
    show(browser, tmp_path, run_of(spec, [case_of(spec, name, 0.9) for name in ids]))
    assert browser.value("document.querySelectorAll('#cases tbody tr').length") == 100
    assert browser.value("TEXTS.read.length + EXAMPLE_TEXTS.read.length") == 0
    browser.open(browser.value("location.href") + "#sort=example&case=249")
    assert browser.value(DIALOG)
    browser.press("Escape")
    browser.wait(CLOSED)
    assert len(browser.value(IDS).split()) == 100
    assert "page 1 of 3" in browser.value("document.querySelector('#pages').textContent")
    browser.value("[...document.querySelectorAll('#cases button.open')].at(-1).focus()")
    browser.press("ArrowDown")
    assert browser.value(FOCUSED) == "e100"
    browser.press("ArrowUp")
    assert browser.value(FOCUSED) == "e099"
    browser.press("ArrowDown")
    assert "page 2 of 3" in browser.value("document.querySelector('#pages').textContent")
    choose(browser, "tag", "odd")
    assert "page 1 of 2" in browser.value("document.querySelector('#pages').textContent")
    assert browser.complaints == []


def test_every_case_finds_its_texts_in_whichever_piece(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts lie in pieces; each case and each example reads its own."""
    monkeypatch.setattr(data, "_PIECE", 700)
    ids = [f"e{number:03}" for number in range(40)]
    spec = spec_of(ids)
    show(browser, tmp_path, run_of(spec, [case_of(spec, name, 0.9) for name in ids]))
    assert browser.value("TEXTS.bounds.length") > 5
    assert browser.value("EXAMPLE_TEXTS.bounds.length") > 3
    assert browser.value("CASES.every((item) => TEXTS.of(item.number).n.includes(item.id))")
    assert browser.value("CASES.every((item) => EXAMPLE_TEXTS.of(item.exampleNumber).r === `All of ${item.id}.`)")


def test_a_run_without_cases_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    """An empty table, no drawings, no complaint."""
    show(browser, tmp_path, RunOutcome((), 0, 1, interrupted=True))
    assert browser.value("document.querySelector('#found').textContent").startswith("0 cases")
    assert browser.value("document.querySelector('#plots').hidden")
    assert browser.complaints == []


class _WithoutOrigin(BaseHTTPRequestHandler):
    """Serves a page as a frame without an origin would have it, which is how MLflow shows an artifact."""

    page = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", "sandbox allow-scripts")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's own name
        pass


def test_everything_works_without_an_origin(browser: Browser) -> None:
    """No storage: links, colours and cases work all the same, and nothing is complained of."""
    handler = type("Handler", (_WithoutOrigin,), {"page": page_of(caught_run()).encode()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        browser.look(1280)
        browser.open(f"http://127.0.0.1:{server.server_port}/report.html")
        assert browser.value("origin") == "null"
        click(browser, ".kinds a")
        browser.wait(f"{IDS} === 'delta gamma beta'")
        click(browser, "article.case a")
        browser.wait(DIALOG)
        browser.press("Escape")
        browser.wait(f"!{DIALOG}")
        click(browser, "#theme")
        assert browser.value("document.documentElement.dataset.theme") == "dark"
        assert browser.complaints == []
        browser.open("about:blank")
        server.shutdown()
