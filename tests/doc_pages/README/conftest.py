"""A client that says what it is told, and nothing when it gets worse."""

import os

import pytest


class Client:
    def complete(self, messages, **config):
        return "nothing" if os.environ.get("WORSE") else messages[0]["content"].upper()


@pytest.fixture(scope="session")
def llm_client():
    return Client()
