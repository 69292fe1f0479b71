"""Teasers of articles by an application that says something else each time: gates that know how much it varies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from app.sentences import count_words
from app.summarizer import summarize

from pytest_promptreg import PromptregCase, Request

ARTICLES = Path(__file__).parent / "examples/articles.jsonl"


@pytest.fixture(scope="session")
def promptreg_predict() -> Callable[[Request], str]:
    """The application under test, at the temperature that the prompt's front matter sets."""
    return lambda request: summarize(request.text, float(request.model_config["temperature"]))


def articles() -> list[dict[str, str]]:
    """The first 40 articles, without the gates that hold for a summary that does not vary."""
    rows = [json.loads(line) for line in ARTICLES.read_text(encoding="utf-8").splitlines()[:40]]
    return [{key: row[key] for key in ("id", "title", "text", "reference")} for row in rows]


# No number is asked for: the baseline holds three teasers of each article, and new ones may differ from these as much
# as these do from each other.
@pytest.mark.promptreg(prompts="prompts/teaser", examples=articles(), gates="calibrated")
def test_teaser(promptreg: PromptregCase) -> None:
    """Whatever it says this time, a teaser has room for 60 words."""
    promptreg.check()
    assert 0 < count_words(promptreg.output.text) <= 60
