"""What is hidden before it is stored or sent."""

from __future__ import annotations

import pytest

from pytest_promptreg.redaction import without_address_secrets


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("cannot reach https://bob:pw@host/x", "cannot reach https://host/x"),
        ("Max retries exceeded with url: /invocations?key=sesame (Caused by", "url: /invocations?*** (Caused by"),
        ("404 for 'https://host/v1?api-version=2&sig=abc%20d'", "404 for 'https://host/v1?***'"),
        ("what is this? a=b", "what is this? a=b"),
        ("is it so?", "is it so?"),
        ("to store it: pytest 'tests/test_x.py::test_a[x=1]' --promptreg-update", "test_x.py::test_a[x=1]'"),
    ],
)
def test_addresses_lose_what_may_be_secret(said: str, kept: str) -> None:
    """User, password and query of what an exception quotes; anything else stays as it is."""
    assert kept in without_address_secrets(said)
    assert not any(word in without_address_secrets(said) for word in ("pw", "sesame", "abc"))
