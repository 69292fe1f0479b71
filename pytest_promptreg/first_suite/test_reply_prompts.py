"""A first suite: each prompt version in prompts/reply is run on each row of messages.jsonl.

pytest --promptreg-update   stores what v1 answers as the baseline, in __baselines__ beside this file: commit it
pytest                      compares what every version answers with it, and fails where that got worse

To see that happen, rename prompts/reply/_v2.md to v2.md (a leading underscore sets a prompt aside) and run pytest.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from pytest_promptreg import PromptregCase, Request


def pretended_model(request: Request) -> str:
    """A stand-in that needs no key: it sends the message back, in as many words as the prompt allows."""
    allowed = int(re.findall(r"\d+", request.text)[0])
    return " ".join(f"Thank you for writing to us: {request.inputs['message']}".split()[:allowed])


@pytest.fixture(scope="session")
def promptreg_predict() -> Callable[[Request], str]:
    """What is under test. Return your own here, sync or async; the request has the rendered prompt:

    return lambda request: my_client.complete(request.messages, **request.model_config)

    Or drop this fixture and write predict="openai:/gpt-4o-mini" below, with OPENAI_API_KEY in the environment.
    """
    return pretended_model


@pytest.mark.promptreg(
    prompts="prompts/reply",  # a folder: each file is a version, named after it
    examples="messages.jsonl",  # one JSON object in a line: the prompt's variables, an id, a reference if there is one
    gates=[
        "rouge_l >= 0.8",  # each answer: how much of its wording it has in common with the baseline's, from 0 to 1
        "drop(rouge_l) <= 0.1",  # each answer with a reference: how much further from it than the baseline's
    ],
)
def test_reply(promptreg: PromptregCase) -> None:
    """The gates, and whatever else an answer must be."""
    promptreg.check()
    assert len(promptreg.output.text) < 500
