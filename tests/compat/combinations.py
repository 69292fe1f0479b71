"""Runs a small project under other pytest plugins, one by one and all together, and compares with plain pytest.

    make compat        # or, with the plugins installed: python tests/compat/combinations.py [NAME ...]

Each combination is run without pytest-xdist, with ``-n 0`` and with ``-n 2``: it stores a baseline, passes, meets a
regression beside a failed call, and refreshes the baseline while a call fails. Verdicts, counts, exit status and the
bytes of the baseline must be those of plain pytest, or the combination is refused. A table is written to
standard output, as Markdown; the exit status is 1 when anything differs.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points, version
from pathlib import Path
from textwrap import dedent

_WAYS = {"alone": (), "-n 0": ("-n0",), "-n 2": ("-n2",)}
_LIMIT_S = 600

_CONFTEST = """
    import json, os, pathlib, time
    import pytest

    MODE = os.environ["TRIED"]
    SEEN = pathlib.Path(os.environ["SEEN"])

    def say(request):
        return f"The answer to question {request.inputs['text']} is known, and it has not changed for years."

    def predict(request):
        text = request.inputs["text"]
        if text == "down" and MODE in ("trouble", "half"):
            raise ConnectionRefusedError("nobody there")
        if text == "hangs" and MODE == "hung":
            time.sleep(300)
        if text == "worse" and MODE == "trouble":
            return "I would rather talk of the weather."
        if text == "shaky" and MODE == "trouble":
            mark = SEEN / f"shaky-{request.version}"
            if not mark.exists():
                mark.touch()
                return "I would rather talk of the weather."
        return say(request) + (" So it is." if text == "steady" and MODE == "half" else "")

    @pytest.fixture(scope="session")
    def promptreg_predict():
        return predict

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(terminalreporter):
        stats = terminalreporter.stats
        told = {name: len(stats.get(name, ())) for name in ("passed", "failed", "error", "rerun", "skipped")}
        pathlib.Path(os.environ["TOLD"]).write_text(json.dumps(told), encoding="utf-8")
"""
_SUITE = """
    import pytest

    @pytest.mark.promptreg(
        prompts="prompts",
        examples=[{"id": text, "text": text} for text in ("steady", "worse", "down", "shaky", "hangs")],
        gates=["rouge_l >= 0.8"],
    )
    def test_answer(promptreg):
        promptreg.check()

    def test_other():
        pass
"""
_EXTRA = """
    import pytest

    suite = pytest.mark.promptreg(prompts="prompts", examples=[{{"id": "e", "text": "e"}}], gates=["rouge_l >= 0.8"])

"""


@dataclass(frozen=True)
class Combination:
    """Plugins of others, and how they are used.

    :param packages: their distributions, of which every plugin is loaded.
    :param flags: of each run.
    :param updating: flags of runs that store.
    :param extra: source of a second test module, in which ``suite`` is a marker; its outcomes are left out of account
        but for what they do to the exit status.
    :param reruns: whether a case that fails once passes.
    :param part: whether only a part of the cases runs, by design: then verdicts and counts are not compared.
    :param refused: what a refusal says.
    :param stops_hung: whether a call that hangs is ended: ``case`` for its case alone, ``run`` for the whole run.
    :param note: what a reader of the table should know.
    """

    name: str
    packages: tuple[str, ...]
    flags: tuple[str, ...] = ()
    updating: tuple[str, ...] = ()
    ini: str = ""
    extra: str = ""
    reruns: bool = False
    part: bool = False
    refused: str = ""
    stops_hung: str = ""
    note: str = ""


_ASYNC = """
    {mark}
    @suite
    async def test_in_a_loop(promptreg):
        await {sleep}
        promptreg.check()
"""
COMBINATIONS = (
    Combination("none", ()),
    Combination(
        "pytest-rerunfailures", ("pytest-rerunfailures",), ("--reruns=2",), reruns=True, note="the last attempt counts"
    ),
    Combination("flaky", ("flaky",), ("--force-flaky", "--max-runs=2"), reruns=True, note="the last attempt counts"),
    Combination(
        "pytest-repeat",
        ("pytest-repeat",),
        ("--count=2",),
        refused="pytest-repeat repeats",
        note="refused where a suite is selected; `-m 'not promptreg'` repeats the other tests",
    ),
    Combination(
        "pytest-flakefinder",
        ("pytest-flakefinder",),
        ("--flake-finder", "--flake-runs=2"),
        refused="pytest-flakefinder repeats",
        note="refused, as above",
    ),
    Combination("pytest-randomly", ("pytest-randomly",)),
    Combination("pytest-order", ("pytest-order",)),
    Combination(
        "pytest-split",
        ("pytest-split",),
        ("--splits=2", "--group=1"),
        part=True,
        note="each group judges its own part; `--promptreg-shard` and `merge` judge the whole",
    ),
    Combination(
        "pytest-timeout, signal",
        ("pytest-timeout",),
        ("--timeout=60", "--timeout-method=signal"),
        stops_hung="case",
        note="a call that hangs is an error of its case",
    ),
    Combination(
        "pytest-timeout, thread",
        ("pytest-timeout",),
        ("--timeout=60", "--timeout-method=thread"),
        stops_hung="run",
        note="a call that hangs ends the process: no baseline is written",
    ),
    Combination(
        "pytest-asyncio, strict",
        ("pytest-asyncio",),
        ini="asyncio_mode = strict",
        extra=_ASYNC.format(mark="@pytest.mark.asyncio", sleep='__import__("asyncio").sleep(0)'),
    ),
    Combination(
        "pytest-asyncio, auto",
        ("pytest-asyncio",),
        ini="asyncio_mode = auto",
        extra=_ASYNC.format(mark="", sleep='__import__("asyncio").sleep(0)'),
    ),
    Combination(
        "anyio", ("anyio",), extra=_ASYNC.format(mark="@pytest.mark.anyio", sleep='__import__("anyio").sleep(0)')
    ),
    Combination(
        "syrupy",
        ("syrupy",),
        updating=("--snapshot-update",),
        extra="""
    @suite
    def test_snapshot(promptreg, snapshot):
        promptreg.check()
        if promptreg.version.label == "v1":  # the one that an update runs
            assert promptreg.output.text == snapshot
    """,
    ),
    Combination("pytest-cov", ("pytest-cov",), ("--cov=.",)),
    Combination("pytest-html", ("pytest-html", "pytest-metadata"), ("--html=others.html", "--self-contained-html")),
    Combination(
        "pytest's own subtests",
        (),
        extra="""
    @suite
    def test_parts(promptreg, subtests):
        with subtests.test("check"):
            promptreg.check()
    """,
    ),
    Combination("pytest-sugar", ("pytest-sugar",)),
    Combination(
        "pytest-mock",
        ("pytest-mock",),
        extra="""
    @suite
    def test_mocked(promptreg, mocker):
        mocker.patch("os.getcwd", return_value="/")
        promptreg.check()
    """,
    ),
    Combination(
        "pytest-benchmark",
        ("pytest-benchmark",),
        ini="addopts = --benchmark-disable-gc",
        extra="""
    @suite
    def test_fast(promptreg, benchmark):
        benchmark(lambda: None)
        promptreg.check()
    """,
    ),
    Combination(
        "hypothesis",
        ("hypothesis",),
        extra="""
    from hypothesis import given, strategies

    @given(strategies.integers())
    def test_given(number):
        assert number == number

    @suite
    def test_suite(promptreg):
        promptreg.check()
    """,
    ),
    Combination("deepeval", ("deepeval",)),
    Combination("langsmith", ("langsmith",)),
    Combination("opik", ("opik",)),
    Combination("arize-phoenix-client", ("arize-phoenix-client",)),
    Combination("braintrust", ("braintrust",)),
    Combination("logfire", ("logfire",)),
    Combination("pytest-evals", ("pytest-evals",)),
)
TOGETHER = (
    "pytest-rerunfailures", "pytest-randomly", "pytest-order", "pytest-timeout", "pytest-asyncio", "anyio", "syrupy",
    "pytest-cov", "pytest-html", "pytest-metadata", "pytest-sugar", "pytest-mock", "pytest-benchmark", "hypothesis",
)  # fmt: skip


@dataclass
class Seen:
    """What one run came to."""

    exit_status: int
    text: str
    verdicts: dict[str, str] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)


class Project:
    """The project that is tried, in a folder of its own."""

    def __init__(self, folder: Path, tried: Combination, way: Sequence[str]) -> None:
        self._folder = folder
        self._tried = tried
        self._loaded = [*_plugins(["pytest-promptreg", *tried.packages]), *(_plugins(["pytest-xdist"]) if way else ())]
        self._way = way
        self._runs = 0
        (folder / "prompts").mkdir()
        for label in ("v1", "v2"):
            self._write(f"prompts/{label}.md", f"As {label} does it: {{{{ text }}}}\n")
        self._write("pytest.ini", f"[pytest]\npromptreg_retries = 0\n{tried.ini}\n")
        self._write("conftest.py", _CONFTEST)
        self._write("test_answer.py", _SUITE)
        if tried.extra:
            self._write("test_extra.py", dedent(_EXTRA.format()) + dedent(tried.extra))

    @property
    def baseline(self) -> bytes:
        """The stored baseline of the suite that all projects have; empty where there is none."""
        file = self._folder / "__baselines__" / "test_answer" / "test_answer.json"
        return file.read_bytes() if file.exists() else b""

    def run(self, mode: str, *flags: str) -> Seen:
        """Run pytest in it."""
        self._runs += 1
        seen = self._folder / f"seen{self._runs}"
        seen.mkdir()
        results, told = seen / "results.json", seen / "told.json"
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MLFLOW_"))},
            "TRIED": mode,
            "SEEN": str(seen),
            "TOLD": str(told),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "OPIK_TRACK_DISABLE": "true",
            "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
            "LANGSMITH_TRACING": "false",
        }
        loaded = [part for name in self._loaded for part in ("-p", name)]
        # What runs a part of the tests stores a part of the baseline.
        usual = () if self._tried.part and "--promptreg-update" in flags else self._tried.flags
        command = [sys.executable, "-m", "pytest", *loaded, *self._way, *usual, *flags]
        done = subprocess.run(
            [*command, f"--promptreg-results={results}"],
            cwd=self._folder,
            env=environ,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_LIMIT_S,
            check=False,
        )
        return Seen(
            done.returncode,
            done.stdout + done.stderr,
            _verdicts(json.loads(results.read_text(encoding="utf-8"))) if results.exists() else {},
            json.loads(told.read_text(encoding="utf-8")) if told.exists() else {},
        )

    def _write(self, name: str, text: str) -> None:
        (self._folder / name).write_text(dedent(text).lstrip("\n"), encoding="utf-8")


def _plugins(packages: Iterable[str]) -> list[str]:
    """The names under which the plugins of these distributions are loaded."""
    found = {entry.name: entry.dist.name for entry in entry_points(group="pytest11") if entry.dist is not None}
    return [name for wanted in packages for name, dist in found.items() if dist.lower() == wanted.lower()]


def _verdicts(results: Mapping[str, object]) -> dict[str, str]:
    run = results["run"]
    assert isinstance(run, dict)
    return {
        f"{case['version']} {case['example']}": case["verdict"]
        for suite in run["suites"]
        for found in suite["versions"]
        for case in found["cases"]
        if suite["spec"]["function"] == "test_answer"
    }


def tried(combination: Combination, way: Sequence[str]) -> list[str]:
    """What differs from plain pytest, a line each; none is as it should be."""
    with tempfile.TemporaryDirectory(prefix="promptreg-compat-") as folder:
        project = Project(Path(folder), combination, way)
        if combination.refused:
            return _refusal(project, combination)
        wrong = _whole_life(project, combination)
        if combination.stops_hung:
            wrong += _hung(project, combination, way)
        return wrong


def _refusal(project: Project, combination: Combination) -> list[str]:
    refused = project.run("well", "--promptreg-update")
    right = refused.exit_status == 4 and combination.refused in refused.text and not project.baseline
    return [] if right else [f"not refused: exit status {refused.exit_status}\n{refused.text}"]


def _whole_life(project: Project, combination: Combination) -> list[str]:
    examples = ("steady", "worse", "down", "shaky", "hangs")
    unchanged = {f"{label} {name}": "unchanged" for label in ("v1", "v2") for name in examples}
    trouble = dict(unchanged)
    for label in ("v1", "v2"):
        trouble |= {f"{label} worse": "breached", f"{label} down": "error"}
        trouble |= {} if combination.reruns else {f"{label} shaky": "breached"}
    wrong = []

    def expect(what: str, seen: Seen, status: int, verdicts: Mapping[str, str]) -> None:
        if seen.exit_status != status:
            wrong.append(f"{what}: exit status {seen.exit_status} and not {status}\n{seen.text}")
        elif combination.part:
            if any(verdict != verdicts[name] for name, verdict in seen.verdicts.items()) or not seen.verdicts:
                wrong.append(f"{what}: {seen.verdicts}")
        elif seen.verdicts != verdicts:
            wrong.append(f"{what}: {seen.verdicts}\n{seen.text}")
        elif not combination.extra:
            by_kind = Counter(verdicts.values())
            told = {"failed": by_kind["breached"], "error": by_kind["error"], "passed": by_kind["unchanged"] + 1}
            if differing := {name: seen.told.get(name) for name in told if seen.told.get(name) != told[name]}:
                wrong.append(f"{what}: pytest told {differing} and not {told}\n{seen.text}")

    stored = project.run("well", "--promptreg-update", *combination.updating)
    if stored.exit_status != 0 or not project.baseline:
        return [f"update: exit status {stored.exit_status}\n{stored.text}"]
    first = project.baseline
    if not combination.part and list(json.loads(first)["examples"]) != sorted(examples):
        wrong.append(f"update: {first.decode()}")
    expect("passing", project.run("well"), 0, unchanged)
    expect("trouble", project.run("trouble"), 1, trouble)
    if project.baseline != first:
        wrong.append("a plain run wrote to the baseline")
    half = project.run("half", "--promptreg-update", *combination.updating)
    kept = json.loads(project.baseline)["examples"]
    if half.exit_status != 1 or "So it is." not in str(kept["steady"]) or kept.get("down") != _record(first, "down"):
        wrong.append(f"update with a failed call: exit status {half.exit_status}\n{half.text}")
    return wrong


def _record(baseline: bytes, example: str) -> object:
    return json.loads(baseline)["examples"].get(example)


def _hung(project: Project, combination: Combination, way: Sequence[str]) -> list[str]:
    before = project.baseline
    flags = [flag for flag in combination.flags if not flag.startswith("--timeout=")]
    hung = project.run("hung", "--timeout=3", *flags)
    if hung.exit_status == 0 or project.baseline != before:
        return [f"a call that hangs: exit status {hung.exit_status}\n{hung.text}"]
    if combination.stops_hung == "case" and Counter(hung.verdicts.values())["error"] != 2:
        return [f"a call that hangs: {hung.verdicts}\n{hung.text}"]
    return []


def _versions(packages: Iterable[str]) -> str:
    return ", ".join(f"{name} {version(name)}" for name in packages)


def _is_installed(combination: Combination) -> bool:
    try:
        return bool(_versions(combination.packages)) or not combination.packages
    except ModuleNotFoundError:
        return False


def main(names: Sequence[str]) -> int:
    """Try what is named, or all, and write the table."""
    wanted = [
        *COMBINATIONS,
        Combination("all of these together", TOGETHER, ("--reruns=2", "--timeout=60", "--cov=."), reruns=True,
                    ini="asyncio_mode = auto", note=", ".join(TOGETHER)),
    ]  # fmt: skip
    if names:
        wanted = [combination for combination in wanted if re.sub(r"\W+", "-", combination.name) in names]
    main_ones = _versions(("pytest", "pytest-xdist", "pytest-promptreg"))
    print(f"Python {platform.python_version()}, {main_ones}\n")
    print("| plugin | versions | alone | -n 0 | -n 2 | note |\n| --- | --- | --- | --- | --- | --- |")
    faults = 0
    for combination in wanted:
        if not _is_installed(combination):
            print(f"| {combination.name} | not installed | | | | |", flush=True)
            continue
        cells = []
        for name, way in _WAYS.items():
            wrong = tried(combination, way)
            for text in wrong:
                print(f"\n{combination.name}, {name}: {text}", file=sys.stderr, flush=True)
            faults += len(wrong)
            cells.append("differs" if wrong else "refused" if combination.refused else "right")
        print(
            f"| {combination.name} | {_versions(combination.packages)} | {' | '.join(cells)} | {combination.note} |",
            flush=True,
        )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
