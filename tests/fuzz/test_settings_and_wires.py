"""Values that a person sets and values that travel between processes: understood, refused by name, or as they were."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from mutations import TOKENS
from readers import _run

from pytest_promptreg.errors import PromptregError
from pytest_promptreg.options import INI_OPTIONS
from pytest_promptreg.results.outcome import CaseOutcome
from pytest_promptreg.settings import Settings, read_settings
from pytest_promptreg.suites.suite import SuiteSpec
from tests.soak import tries

WORDS = [token.decode("utf-8", "replace") for token in TOKENS]
GOOD = (
    *("semantic >= 0.8", "mean(drop(rouge_l)) <= 0.02", "calibrated", "floor", "fail", "0.02", "chrf"),
    *("v1*", "60/min", "5", "0", "1e3", "reuse", "a = 0.15 0.60", "* = 1 4", "openai:m", "false", "true", "auto"),
    *("rouge-score", "13a", "example", "all", "failed", "builtin", "/sk-\\w+/", "key=/k(\\d)/", "json:loads", "2/5"),
    *("3", "off", "refusal:breach"),
)
_SELDOM = (True, False, False, False)
FLAGS: dict[str, tuple[object, ...]] = {
    **dict.fromkeys(("update", "add", "rescore", "prune", "register", "stop_early", "plan"), _SELDOM),
    **dict.fromkeys(("accept", "promote", "shard", "results", "html", "markdown", "codequality", "samples"), ()),
    **dict.fromkeys(("max_calls", "max_cost", "executor", "init"), ()),
    "versions": (),
    "replay": ("off", "reuse", "only", None),
    "mlflow": (True, False, None),
}


def a_text(random: Random) -> str:
    """A word that may be right, one of trouble, or both."""
    text = "".join(random.choice(random.choice((GOOD, WORDS))) for _ in range(random.choice((1, 1, 1, 2))))
    return text if random.random() < 0.7 else text[: random.randrange(len(text) + 1)]


def an_option(kind: str, random: Random) -> object:
    """As pytest gives it: a text, or a list of texts."""
    if random.random() < 0.6:
        return "" if kind == "string" else []
    return a_text(random) if kind == "string" else [a_text(random) for _ in range(random.choice((1, 1, 3)))]


def a_flag(name: str, random: Random) -> object:
    if FLAGS[name]:
        return random.choice(FLAGS[name])
    if random.random() < 0.8:
        return None
    return [a_text(random)] if name == "versions" else a_text(random)


@pytest.mark.soak
def test_any_setting_is_understood_or_refused(tmp_path: Path) -> None:
    """Whatever flags and ini options say, it is settings or an error that names them, and quick."""
    random = Random("settings")  # noqa: S311
    understood = 0
    for _ in range(tries(300, 100_000)):
        flags = {f"promptreg_{name}": a_flag(name, random) for name in FLAGS}
        ini = {name: an_option(option.kind, random) for name, option in INI_OPTIONS.items()}
        if random.random() < 0.7:  # most of the time one of them is in question
            kept = random.choice(list(ini))
            ini = {name: value if name == kept else "" if isinstance(value, str) else [] for name, value in ini.items()}
            flags = dict.fromkeys(flags)
        try:
            read: Settings = read_settings(
                flags.__getitem__, ini.__getitem__, rootdir=tmp_path, invocation=a_text(random), environ={}
            )
        except PromptregError as exc:
            str(exc).encode()
            continue
        except Exception as exc:
            raise AssertionError((flags, ini)) from exc
        understood += 1
        json.dumps([read.flags, read.ini])
    assert understood


@pytest.mark.soak
def test_what_rides_on_a_report_comes_as_it_was() -> None:
    """Outcomes and suites with hostile texts travel as xdist sends them, and are equal on the other side."""
    execnet = pytest.importorskip("execnet")
    random = Random("wire")  # noqa: S311
    run = _run()
    (suite,) = run.suites
    case = suite.versions[0].cases[0]
    for _ in range(tries(50, 20_000)):
        outcome = CaseOutcome.from_wire({**case.to_wire(), **_told(random)})
        travelled = CaseOutcome.from_wire(execnet.loads(execnet.dumps(outcome.to_wire())))
        assert travelled == outcome
    spec = suite.spec
    assert SuiteSpec.from_wire(execnet.loads(execnet.dumps(spec.to_wire()))).to_wire() == spec.to_wire()


def _told(random: Random) -> dict[str, Any]:
    """Texts of an outcome that come from outside."""
    return {name: random.choice(WORDS) for name in ("example", "output", "accepted", "nodeid")} | {
        "breaches": [random.choice(WORDS)],
        "latency_s": random.choice((None, 0.5, 1e-9)),
    }
