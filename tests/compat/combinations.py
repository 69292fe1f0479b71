"""Runs a small project under other pytest plugins, one by one and all together, and compares with plain pytest.

    make compat        # or, with the plugins installed: python tests/compat/combinations.py [NAME ...]

Each combination is run without pytest-xdist, with ``-n 0`` and with ``-n 2``: it stores a baseline, passes, meets a
regression beside a failed call, misses gates on a suite as a whole, and refreshes the baseline while a call fails.
Verdicts, exit status, what pytest's last line counts and the bytes of the baseline must be those of plain pytest, and
no run may end in a traceback, or the combination is refused. A table is written to standard output, as Markdown; the
exit status is 1 when anything differs.
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
    import os, pathlib, time
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

    @pytest.mark.promptreg(
        prompts="prompts",
        examples=[{"id": text, "text": text} for text in ("steady", "worse")],
        gates=["rouge_l >= 0.8", "pass_rate >= 0.9", "mean(rouge_l) >= 0.9"],
    )
    def test_as_a_whole(promptreg):
        promptreg.check()

    def test_other():
        pass
"""
_EXAMPLES = {"test_answer": ("steady", "worse", "down", "shaky", "hangs"), "test_as_a_whole": ("steady", "worse")}
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
    :param needs_xdist: whether it fails by itself where pytest-xdist is installed and not loaded.
    :param untold: what its last lines do not count: :attr:`Seen.counts`.
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
    needs_xdist: bool = False
    untold: tuple[str, ...] = ()
    note: str = ""


_SUBTESTS = """
    @suite
    def test_parts(promptreg, subtests):
        with subtests.test("check"):
            promptreg.check()
    """
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
        extra=_SUBTESTS,
    ),
    Combination(
        "pytest-subtests",
        ("pytest-subtests",),
        extra=_SUBTESTS,
    ),
    Combination(
        "pytest-sugar",
        ("pytest-sugar",),
        ("--force-sugar",),
        untold=("suite gate missed",),
        note="its last lines do not count missed gates of a suite; the section before them names each",
    ),
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
    Combination(
        "pytest-evals",
        ("pytest-evals", "pytest-harvest"),
        needs_xdist=True,
        note="where pytest-xdist is installed and switched off, its pytest-harvest ends any run by itself",
    ),
)
TOGETHER = (
    "pytest-rerunfailures", "pytest-randomly", "pytest-order", "pytest-timeout", "pytest-asyncio", "anyio", "syrupy",
    "pytest-cov", "pytest-html", "pytest-metadata", "pytest-sugar", "pytest-mock", "pytest-benchmark", "hypothesis",
)  # fmt: skip


@dataclass
class Seen:
    """What one run came to."""

    exit_status: int
    stdout: str
    stderr: str
    verdicts: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All that it wrote."""
        return self.stdout + self.stderr

    @property
    def ended_in_a_traceback(self) -> bool:
        """Whether pytest, a plugin or what is called at exit failed: the one of a failed call stands behind a bar."""
        return re.search(r"(?m)^(INTERNALERROR|\s*Traceback \(most recent call last\))", self.text) is not None

    @property
    def counts(self) -> dict[str, int]:
        """What pytest's last line counts, in the singular; empty where that line is not the last one."""
        lines = self.stdout.rstrip().splitlines() or [""]
        if line := re.fullmatch(r"=* ?(.*) in [0-9.]+s(?: \([0-9:]+\))? ?=*", lines[-1]):
            found = re.findall(r"([0-9]+) ([^,]+)", line[1])
        else:  # pytest-sugar's last block, which holds the names of failed tests as well
            block = re.split(r"(?m)^Results \([0-9.]+s\):$", self.stdout)[1:]
            found = re.findall(r"(?m)^ +([0-9]+) (.+)$", "".join(block))
        singular = {"errors": "error", "suite gates missed": "suite gate missed", "warnings": "warning"}
        return {singular.get(what, what): int(number) for number, what in found}


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
        results = seen / "results.json"
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MLFLOW_"))},
            "TRIED": mode,
            "SEEN": str(seen),
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
            done.stdout,
            done.stderr,
            _verdicts(json.loads(results.read_text(encoding="utf-8"))) if results.exists() else {},
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
        f"{suite['spec']['function']} {case['version']} {case['example']}": case["verdict"]
        for suite in run["suites"]
        for found in suite["versions"]
        for case in found["cases"]
        if suite["spec"]["function"] in _EXAMPLES
    }


def tried(combination: Combination, way: Sequence[str]) -> list[str]:
    """What differs from plain pytest, a line each; none is as it should be."""
    with tempfile.TemporaryDirectory(prefix="promptreg-compat-") as folder:
        project = Project(Path(folder), combination, way)
        if combination.refused:
            return _refusal(project, combination)
        wrong = _whole_life(project, combination)
        if combination.stops_hung:
            wrong += _hung(project, combination)
        return wrong


def _refusal(project: Project, combination: Combination) -> list[str]:
    refused = project.run("well", "--promptreg-update")
    right = refused.exit_status == 4 and combination.refused in refused.text and not project.baseline
    right = right and not refused.ended_in_a_traceback
    return [] if right else [f"not refused: exit status {refused.exit_status}\n{refused.text}"]


def _whole_life(project: Project, combination: Combination) -> list[str]:
    wrong = []

    def expect(what: str, seen: Seen, status: int, *, missed: int = 0, **counts: int) -> None:
        if fault := _fault(combination, seen, status, {**counts, "suite gate missed": missed}):
            wrong.append(f"{what}: {fault}\n{seen.text}")

    stored = project.run("well", "--promptreg-update", *combination.updating)
    expect("update", stored, 0, passed=8)
    first = project.baseline
    if not first or (not combination.part and list(json.loads(first)["examples"]) != sorted(_EXAMPLES["test_answer"])):
        return [*wrong, f"update: {first.decode()}"]
    well, trouble = project.run("well"), project.run("trouble")
    expect("passing", well, 0, passed=15)
    # A case of the suite that is judged as a whole passes, and four gates of that suite are missed.
    shaky = 0 if combination.reruns else 2
    expect("trouble", trouble, 1, failed=2 + shaky, error=2, passed=11 - shaky, missed=4)
    for seen, troubled in ((well, False), (trouble, True)):
        expected = _expected(combination, troubled=troubled)
        shown = {name: expected[name] for name in (seen.verdicts if combination.part else expected)}
        if seen.verdicts != shown or not shown:
            wrong.append(f"{'trouble' if troubled else 'passing'}: {seen.verdicts}\n{seen.text}")
    if project.baseline != first:
        wrong.append("a plain run wrote to the baseline")
    half = project.run("half", "--promptreg-update", *combination.updating)
    expect("update with a failed call", half, 1, passed=7, error=1)
    kept = json.loads(project.baseline)["examples"]
    if "So it is." not in str(kept["steady"]) or kept.get("down") != _record(first, "down"):
        wrong.append(f"update with a failed call: {kept}\n{half.text}")
    return wrong


def _expected(combination: Combination, *, troubled: bool) -> dict[str, str]:
    """The verdicts of a plain run."""
    verdicts = {
        f"{suite} {label} {name}": "unchanged"
        for suite, names in _EXAMPLES.items()
        for label in ("v1", "v2")
        for name in names
    }
    for label in ("v1", "v2") if troubled else ():
        verdicts |= {f"test_answer {label} worse": "breached", f"test_answer {label} down": "error"}
        verdicts[f"test_as_a_whole {label} worse"] = "breached"
        verdicts |= {} if combination.reruns else {f"test_answer {label} shaky": "breached"}
    return verdicts


def _fault(combination: Combination, seen: Seen, status: int, counts: Mapping[str, int]) -> str:
    """How a run differs in what every run tells; empty if in nothing."""
    if seen.ended_in_a_traceback:
        return "a traceback"
    if seen.exit_status != status:
        return f"exit status {seen.exit_status} and not {status}"
    if not seen.counts:
        return "pytest's last line is not the last one"
    if combination.part:
        return ""
    kinds = ("failed", "error", "passed", "suite gate missed")
    told = {kind: seen.counts.get(kind, 0) for kind in kinds if kind not in combination.untold}
    if combination.extra:  # whose tests pass
        told["passed"] = min(told["passed"], counts["passed"])
    differing = {kind: number for kind, number in told.items() if number != counts.get(kind, 0)}
    return f"the last line counts {differing}, and not {dict(counts)}" if differing else ""


def _record(baseline: bytes, example: str) -> object:
    return json.loads(baseline)["examples"].get(example)


def _hung(project: Project, combination: Combination) -> list[str]:
    before = project.baseline
    flags = [flag for flag in combination.flags if not flag.startswith("--timeout=")]
    hung = project.run("hung", "--timeout=3", *flags)
    if hung.exit_status == 0 or hung.ended_in_a_traceback or project.baseline != before:
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
            if combination.needs_xdist and not way:
                cells.append("not tried")
                continue
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
