"""Summaries of articles: a prompt of one text, gates on single cases and on the suite, a synchronous predict."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from app.sentences import count_words
from app.summarizer import summarize

from pytest_promptreg import Output, PromptregCase, Request


@pytest.fixture(scope="session")
def promptreg_predict() -> Callable[[Request], Output]:
    """The application under test, given nothing but the rendered prompt.

    A real client would report the tokens that it was billed for; here they are words, for the sake of the picture.
    """

    def predict(request: Request) -> Output:
        summary = summarize(request.text)
        return Output(summary, input_tokens=count_words(request.text), output_tokens=count_words(summary))

    return predict


# Numbers found by measuring: an edit of the wording leaves most summaries alone, and moves some. So a single
# summary may move a good deal, and one in ten may even move too far, but their means may hardly move at all.
@pytest.mark.promptreg(
    prompts="prompts/summarize",
    examples="examples/articles.jsonl",
    gates=[
        "semantic >= 0.80",
        "drop(rouge_l) <= 0.15",
        "pass_rate >= 0.90",
        "mean(semantic) >= 0.95",
        "mean(drop(rouge_l)) <= 0.02",
    ],
)
def test_summarize(promptreg: PromptregCase) -> None:
    """No summary is lost, and none is longer than the mail has room for."""
    promptreg.check()
    summary = promptreg.output.text
    assert summary
    assert count_words(summary) <= 80
