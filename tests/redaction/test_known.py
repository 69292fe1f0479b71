"""Secrets of a known shape: what is found, and what only looks like one."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.redaction.known import KNOWN, without_known_secrets

TAIL = "a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ0123"
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA0vx7agoebGcQSuuPiLJXZptN9nnd\n" * 3
SECRETS = [
    ("openai-key", f"sk-{TAIL}"),
    ("openai-key", f"sk-proj-{TAIL}_-{TAIL}"),
    ("openai-key", "sk-0123456789abcdef0123456789abcdef"),
    ("anthropic-key", f"sk-ant-api03-{TAIL}"),
    ("aws-key-id", "AKIAIOSFODNN7EXAMPLE"),
    ("aws-key-id", "ASIAIOSFODNN7EXAMPLE"),
    ("github-token", f"ghp_{TAIL}"),
    ("github-token", f"github_pat_{TAIL}_{TAIL}"),
    ("gitlab-token", "glpat-a1B2c3D4e5F6g7H8i9J0"),
    ("slack-token", "xoxb-123456789012-a1B2c3D4e5F6"),
    ("slack-token", "hooks.slack.com/services/T00000000/B00000000/a1B2c3D4e5F6"),
    ("google-key", f"AIza{TAIL[:35]}"),
    ("stripe-key", "sk_live_a1B2c3D4e5F6g7H8i9J0kLmN"),
    ("huggingface-token", f"hf_{TAIL[:34]}"),
    ("groq-key", f"gsk_{TAIL}"),
    ("npm-token", f"npm_{TAIL[:36]}"),
    ("pypi-token", f"pypi-AgE{TAIL}"),
    ("databricks-token", "dapi0123456789abcdef0123456789abcdef"),
    ("sendgrid-key", f"SG.{TAIL[:22]}.{TAIL}"),
    ("jwt", f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{TAIL}"),
    ("private-key", f"{PEM}-----END RSA PRIVATE KEY-----"),
    ("private-key", PEM.strip()),
]
NAMED = [
    ("aws-secret", "aws_secret_access_key = ", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("aws-secret", '{"SecretAccessKey": "', "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("aws-secret", '"{\\"AWS_SECRET_ACCESS_KEY\\": \\"', "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("bearer-token", "Authorization: Bearer ", "a1B2c3D4e5F6g7H8i9J0.k-L_m"),
    ("credentials", "authorization: Basic ", "dXNlcjpwYXNzd29yZDEyMzQ1Ng=="),
    ("api-key", "x-api-key: ", "0123456789abcdef01234567"),
    ("api-key", "{'access_token': '", "0123456789abcdef01234567"),
    ("api-key", "client_secret=", "Zx8Q~0123456789abcdef01234567".replace("~", "_")),
]
HARMLESS = [
    "sk-fading-circle-spinner-dark-mode-wrapper",
    "a task-oriented-dialogue-2024-benchmark-results-v2",
    "the secret key: friendship_and_love_forever_and_ever",
    "the bearer certificates-of-deposit-and-others",
    "see http://localhost:8080/a@b and https://example.com/a/b/c/d/e/f/g/h",
    "write to bob@example.com, or see https://example.com",
    "eyJ begins every JSON web token, and AKIA every key id",
    "a file that begins with -----BEGIN PRIVATE KEY----- is one",
    "api_key: YOUR_API_KEY_GOES_HERE_PLEASE",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    "Donaudampfschifffahrtsgesellschaftskapitän",
    "ghp_ is how a token begins",
]


@pytest.mark.parametrize(("name", "secret"), SECRETS)
def test_a_secret_is_found_wherever_it_stands(name: str, secret: str) -> None:
    """In a sentence, alone, in quotes, behind a line end, and in JSON, where line ends are escaped."""
    expected = f"[redacted:{name}]"
    for before, after in (("use ", " now"), ("", ""), ('{"key": "', '"}'), ("key:\n", "\nend"), ("(", ").")):
        assert without_known_secrets(f"{before}{secret}{after}") == f"{before}{expected}{after}"
    assert json.loads(without_known_secrets(json.dumps(f"key:\n{secret}\nend"))) == f"key:\n{expected}\nend"


@pytest.mark.parametrize(("name", "before", "secret"), NAMED)
def test_a_value_is_known_by_the_name_before_it(name: str, before: str, secret: str) -> None:
    """The name stays, so that a reader knows what was there."""
    assert without_known_secrets(f"{before}{secret}") == f"{before}[redacted:{name}]"


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("postgres://ada:hunter2@db/x", "postgres://ada:[redacted:url-password]@db/x"),
        (f"https://{TAIL}@github.com/x", "https://[redacted:url-password]@github.com/x"),
        ("https://ada:sk-a1B2c3D4e5F6g7H8i9J0kL@host", "https://ada:[redacted:url-password]@host"),
        ("redis://:p@ss@host", "redis://:[redacted:url-password]@host"),
    ],
)
def test_a_password_in_an_address_is_hidden(address: str, left: str) -> None:
    """User and host stay."""
    assert without_known_secrets(f"at {address} or so") == f"at {left} or so"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    """A harmless word that is hidden hides a regression."""
    assert without_known_secrets(text) is text


@given(
    st.lists(
        st.one_of(
            st.sampled_from([secret for _, secret in SECRETS] + [b + s for _, b, s in NAMED] + HARMLESS),
            st.text(alphabet=string.ascii_letters + string.digits + " :/@.-_=\n\"'\\[]", max_size=30),
        ),
        max_size=6,
    )
)
def test_what_was_redacted_stays_as_it_is(parts: list[str]) -> None:
    """A text passes redaction more than once: as an output, and again when the baseline is read."""
    once = without_known_secrets(" ".join(parts))
    assert without_known_secrets(once) == once


def test_every_kind_is_tried_here() -> None:
    """A shape that no test knows may be one that finds nothing."""
    assert {kind.name for kind in KNOWN} == {name for name, *_ in (*SECRETS, *NAMED)} | {"url-password"}


@pytest.mark.parametrize(
    "text", ["sk-" * 30_000, "eyJ" * 30_000, "://a:" * 20_000 + "@", "secret_key=" * 10_000, PEM * 300]
)
def test_no_text_takes_long(text: str) -> None:
    """Time grows with the length: a text that is made to be slow hangs nothing."""
    assert len(without_known_secrets(text)) <= len(text)
