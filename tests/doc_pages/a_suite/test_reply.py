import pytest


@pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["rouge_l >= 0.8"])
def test_reply(promptreg):
    promptreg.check()
