"""Keys, tokens and passwords that are known by their own shape: what is redacted without another word.

Shapes are narrow on purpose: an output in which a harmless word is hidden hides a regression. A password that stands
in a sentence has no shape, and is not found here. What may be tried and fail is bounded, or cannot begin twice in a run
of characters: no text takes more than a time that grows with its length.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LONG = 20  # characters without a break, which every key and token here has
# What follows a letter or digit begins no key; behind the escape of a line end in JSON (`\nsk-...`) one may.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_SAID = r"""[\\"'\]]*\s*(?:[:=]|=>)\s*[\\"']*"""  # between a name and its value, in code, JSON, YAML and headers


class Known(NamedTuple):
    """A kind of secret.

    :param name: how it is called in place of the secret.
    :param markers: texts, in lower case, one of which every secret of the kind stands with.
    :param shape: what is replaced; of a shape with a group ``kept`` that part stays.
    """

    name: str
    markers: tuple[str, ...]
    shape: re.Pattern[str]


def _known(name: str, markers: str, shape: str) -> Known:
    return Known(name, tuple(markers.split("|")), re.compile(shape))


KNOWN = (
    # First, for a password may look like a key.
    _known(
        "url-password",
        "@",
        r"(?P<kept>://[^/\s:@\"'<>\[]*:)[^/\s\"'<>]+(?=@)|(?<=://)[A-Za-z0-9_-]{20,}(?=(?::x-oauth-basic)?@)",
    ),
    _known(
        "private-key",
        "private key",
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?:[^-]|-(?!----BEGIN)){0,8000}?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
        r"|(?:(?:\s|\\[nr])*[A-Za-z0-9+/=]{16,})+)",
    ),
    _known("anthropic-key", "sk-ant-", _START + r"sk-ant-[A-Za-z0-9_-]{16,}"),
    # Of words with hyphens (`sk-fading-circle-wrapper`) none is long, and none has a digit.
    _known(
        "openai-key",
        "sk-",
        _START + r"sk-(?:[a-z]{1,16}[0-9]{0,4}-){0,3}"
        r"(?:[A-Za-z0-9_]{20,}[A-Za-z0-9_-]*|(?=[A-Za-z_-]{0,80}[0-9])[A-Za-z0-9_-]{20,})",
    ),
    _known("aws-key-id", "akia|asia", _START + r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _known(
        "aws-secret",
        "secret_|secretaccess|secretkey|secret-|secret access|secret key|session_token|sessiontoken",
        r"(?P<kept>(?i:secret[_ -]?(?:access[_ -]?)?key|aws[_-]?secret|session[_-]?token)"
        + _SAID
        + r")[A-Za-z0-9/+]{40,}={0,2}(?![A-Za-z0-9/+=])",
    ),
    _known(
        "github-token",
        "gho_|ghp_|ghr_|ghs_|ghu_|github_pat_",
        _START + r"(?:gh[oprsu]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,})",
    ),
    _known("gitlab-token", "glpat-", _START + r"glpat-[A-Za-z0-9_.-]{20,}"),
    _known(
        "slack-token",
        "xox|xapp-|hooks.slack.com",
        _START
        + r"(?:xox[a-z]-[A-Za-z0-9-]{15,}|xapp-[0-9]-[A-Za-z0-9-]{15,}"
        + r"|hooks\.slack\.com/services/[A-Za-z0-9/_-]{20,})",
    ),
    _known("google-key", "aiza", _START + r"AIza[A-Za-z0-9_-]{30,}"),
    _known("stripe-key", "_live_|_test_|whsec_", _START + r"(?:[rs]k_(?:live|test)_|whsec_)[A-Za-z0-9]{16,}"),
    _known("huggingface-token", "hf_", _START + r"hf_[A-Za-z0-9]{30,}"),
    _known("groq-key", "gsk_", _START + r"gsk_[A-Za-z0-9]{30,}"),
    _known("npm-token", "npm_", _START + r"npm_[A-Za-z0-9]{30,}"),
    _known("pypi-token", "pypi-", _START + r"pypi-AgE[A-Za-z0-9_-]{30,}"),
    _known("databricks-token", "dapi", _START + r"dapi[0-9a-f]{32}(?:-[0-9])?"),
    _known("sendgrid-key", "sg.", _START + r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{20,}"),
    _known(
        "jwt",
        "eyj",
        r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*)+",
    ),
    _known(
        "bearer-token",
        "bearer",
        r"(?P<kept>\b(?i:bearer)\s+)(?=[A-Za-z._~+/-]*[0-9])[A-Za-z0-9._~+/-]{20,}=*",
    ),
    _known(
        "credentials",
        "authorization",
        r"(?P<kept>(?i:authorization)" + _SAID + r"(?i:basic|token|apikey)\s+)[A-Za-z0-9._~+/-]{20,}=*",
    ),
    _known(
        "api-key",
        "api_key|api-key|api key|apikey|_token|-token|accesstoken|authtoken|client_secret|client-secret|clientsecret",
        r"(?P<kept>(?i:api[_ -]?key|(?:access|auth|api|refresh)[_-]?token|client[_-]?secret)"
        + _SAID
        + r")(?=[A-Za-z_.+/-]*[0-9])[A-Za-z0-9_.+/-]{20,}=*",
    ),
)
_TOKEN_CHARACTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+/-."
_SHAPES = bytes(ord("a") if number in _TOKEN_CHARACTERS else ord(" ") for number in range(256))
_RUN = b"a" * _LONG


def placeholder(name: str) -> str:
    """What stands in place of a secret of that name: the same for every secret of the kind, and nothing of it."""
    return f"[redacted:{name}]"


def without_known_secrets(text: str) -> str:
    """``text`` with every secret of a known shape replaced; the same object where there is none.

    A text of a thousand characters without a long word costs a microsecond.
    """
    if not _may_hold_one(text):
        return text
    lowered = text.lower()
    for name, markers, shape in KNOWN:
        if any(marker in lowered for marker in markers):
            kept = r"\g<kept>" if "kept" in shape.groupindex else ""
            text = shape.sub(f"{kept}{placeholder(name)}", text)
    return text


def _may_hold_one(text: str) -> bool:
    """Whether there is a long word, or a name before the host of an address."""
    if len(text) >= _LONG and _RUN in text.encode("utf-8", "replace").translate(_SHAPES):
        return True
    return "@" in text
