"""What is done to files, each with a project to do it in, and what must be true of the files whenever it is stopped."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pytest_promptreg.errors import PromptregError
from pytest_promptreg.replay import line as replay_line
from pytest_promptreg.report.files import SIGN
from pytest_promptreg.results.file import load as load_results
from pytest_promptreg.tracking import spool

STRUCK = Path(__file__).with_name("struck.py")
_LIMIT_S = 120
PYTEST = ("pytest", "-p", "pytest_promptreg.plugin", "-p", "no:cacheprovider")
SUITES = ("test_a.py", "test_b.py", "test_c.py")
_CONFTEST = """
import re, pytest

@pytest.fixture(scope="session")
def promptreg_predict():
    def follow(request):
        keep = int(re.search(r"Keep (\\d+) words", request.text)[1])
        return " ".join(request.inputs["text"].split()[:keep])
    return follow
"""
_SUITE = """
import pytest

@pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["rouge_l >= 0.1"])
def test_{name}(promptreg):
    promptreg.check()
"""
_TEMPORARY = re.compile(r"(^|/)\.[^/]+\.tmp$|(^|/)\.unfinished-")
_NOTE = re.compile(r"^\.promptreg/refresh-\w+\.json$")
_STORE = "store.db"
_RECORD = re.compile(r"^\.promptreg/spool/")
_REMOVED_FIRST = re.compile(r"^(\.promptreg/shards/|r\.|run\.json|quality\.json)")  # those of an earlier run
_IGNORED = re.compile(r"(^|/)__pycache__/|\.lock$|^\.promptreg/\.gitignore$|^mlruns/|^store\.db-")

Tree = Mapping[str, bytes]


@dataclass(frozen=True)
class Deed:
    """A command that writes.

    :param make: brings a project in which all baselines are stored to where the command is to be run.
    :param module: that is run: pytest or this package.
    :param environ: variables that it needs.
    """

    name: str
    arguments: tuple[str, ...]
    make: Callable[[Path, Arena], None]
    module: str = "pytest"
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def looking(self) -> list[str]:
        """A run that only looks at the same suites."""
        return [*PYTEST, *(name for name in self.arguments if name in SUITES)]

    @property
    def command(self) -> list[str]:
        """The module and its arguments."""
        return [*(PYTEST if self.module == "pytest" else [self.module]), *self.arguments]


def _prompt(folder: Path, label: str, keep: int) -> None:
    (folder / "prompts").mkdir(exist_ok=True)
    (folder / "prompts" / f"{label}.md").write_text(f"Keep {keep} words.\n\n{{{{ text }}}}\n", encoding="utf-8")


def _examples(folder: Path, *names: str) -> None:
    rows = [{"id": name, "text": f"{name} one two three four five six seven"} for name in names]
    (folder / "examples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def make_project(folder: Path, arena: Arena) -> None:
    """Four suites whose baselines are stored, and something of somebody else's beside them."""
    _prompt(folder, "v1", 4)
    _examples(folder, "x", "y")
    (folder / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for name in "abcd":
        (folder / f"test_{name}.py").write_text(_SUITE.format(name=name), encoding="utf-8")
    arena.run(folder, [*PYTEST, "--promptreg-update"])
    (folder / "__baselines__" / "test_a" / "notes.txt").write_text("by hand", encoding="utf-8")
    (folder / "prompts" / "README").write_text("by hand", encoding="utf-8")


def _edit(folder: Path, arena: Arena) -> None:
    _prompt(folder, "v1", 6)


def _new_version(folder: Path, arena: Arena) -> None:
    _prompt(folder, "v2", 3)


def _leave_stale(folder: Path, arena: Arena) -> None:
    _examples(folder, "x")
    (folder / "test_c.py").unlink()


def _other_tokens(folder: Path, arena: Arena) -> None:
    (folder / "pytest.ini").write_text("[pytest]\npromptreg_rouge_tokens = rouge-score\n", encoding="utf-8")


def _record(folder: Path, arena: Arena) -> None:
    arena.run(folder, [*PYTEST, "--promptreg-replay=reuse", *SUITES])
    _edit(folder, arena)


def _record_twice(folder: Path, arena: Arena) -> None:
    _record(folder, arena)
    arena.run(folder, [*PYTEST, "--promptreg-replay=reuse", *SUITES])
    store = folder / ".promptreg" / "replay.jsonl"
    whole = store.read_bytes()
    store.write_bytes(whole + whole[:500] + b"\n" + whole[: whole.index(b"\n") + 1])


def _run_shards(folder: Path, arena: Arena) -> None:
    _edit(folder, arena)
    for shard in ("1/2", "2/2"):
        arena.run(folder, [*PYTEST, *SUITES, "--promptreg-update", f"--promptreg-shard={shard}"])


def _report(folder: Path, arena: Arena) -> None:
    arena.run(folder, [*PYTEST, *_REPORTS, *SUITES])
    _edit(folder, arena)


def _keep_a_record(folder: Path, arena: Arena) -> None:
    arena.run(folder, [*PYTEST, *SUITES, "--promptreg-mlflow"], _AWAY)
    _edit(folder, arena)


def _keep_two_records(folder: Path, arena: Arena) -> None:
    for _ in range(3):
        arena.run(folder, [*PYTEST, *SUITES, "--promptreg-mlflow"], _AWAY)
    first = min((folder / ".promptreg" / "spool").glob("2*"))
    arena.run(folder, ["pytest_promptreg", "sync", *_TO_STORE, str(first)])  # so that there is a store to send to


_REPORTS = (
    "--promptreg-html=r.html",
    "--promptreg-markdown=r.md",
    "--promptreg-codequality=quality.json",
    "--promptreg-results=run.json",
)
_TO_STORE = ("--tracking-uri", f"sqlite:///{_STORE}")
_AWAY = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:1"}
DEEDS = (
    Deed("update", (*SUITES, "--promptreg-update"), _edit),
    Deed("accept", (*SUITES, "--promptreg-accept=v2"), _new_version),
    Deed("prune", ("--promptreg-prune",), _leave_stale),
    Deed("rescore", (*SUITES, "--promptreg-rescore"), _other_tokens),
    Deed("record", (*SUITES, "--promptreg-replay=reuse"), _record),
    Deed("replay-prune", ("replay", "--prune"), _record_twice, "pytest_promptreg"),
    Deed("shard", (*SUITES, "--promptreg-update", "--promptreg-shard=1/2"), _edit),
    Deed(
        "merge",
        ("merge", ".promptreg/shards/1-of-2.json", ".promptreg/shards/2-of-2.json", "--results=run.json"),
        _run_shards,
        "pytest_promptreg",
    ),
    Deed("report", (*SUITES, *_REPORTS), _report),
    Deed("sync", ("sync", *_TO_STORE), _keep_two_records, "pytest_promptreg"),  # last but one: it needs MLflow
    Deed("spool", (*SUITES, "--promptreg-mlflow"), _keep_a_record, environ=_AWAY),
)
_TWO_WORKERS = ("-p", "xdist", "-n", "2")
DEEDS_OF_WORKERS = (
    Deed("update by workers", (*_TWO_WORKERS, *SUITES, "--promptreg-update"), _edit),
    Deed("record by workers", (*_TWO_WORKERS, *SUITES, "--promptreg-replay=reuse", "--promptreg-update"), _record),
)


# -- running


@dataclass(frozen=True)
class Ran:
    """What became of a command.

    :param dealings: how often it dealt with files, where that was counted.
    """

    status: int
    said: str
    seconds: float
    dealings: int = 0


class Arena:
    """Runs commands, and strikes them."""

    def __init__(self, folder: Path) -> None:
        self._output, self._counted = folder / "output", folder / "counted"
        self._process = subprocess.Popen(
            [sys.executable, str(STRUCK)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environ({}),
        )

    def run(self, folder: Path, command: Sequence[str], environ: Mapping[str, str] | None = None) -> Ran:
        """Run a module undisturbed."""
        return self._order(folder, command, environ or {})

    def do(self, folder: Path, deed: Deed) -> Ran:
        """Run a deed undisturbed, and count."""
        return self.strike(folder, deed, "SIGKILL", 10**9)

    def strike(self, folder: Path, deed: Deed, how: str, number: int) -> Ran:
        """Run a deed and strike before its dealing with files of that number."""
        return self._order(folder, deed.command, deed.environ, how=how, number=number)

    def strike_in_time(self, folder: Path, deed: Deed, how: str, seconds: float, whom: str = "command") -> Ran:
        """Run a deed and send a signal after so many seconds to it, to a ``worker`` of it, or to ``all``."""
        return self._order(folder, deed.command, deed.environ, how=how, after=seconds, whom=whom)

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate(timeout=_LIMIT_S)

    def _order(
        self,
        folder: Path,
        command: Sequence[str],
        environ: Mapping[str, str],
        how: str = "SIGKILL",
        number: int = 0,
        after: float | None = None,
        whom: str = "command",
    ) -> Ran:
        order = {
            "folder": str(folder),
            "command": list(command),
            "environ": _environ(environ),
            "how": how,
            "number": number,
            "after": after,
            "whom": whom,
            "output": str(self._output),
            "counted": str(self._counted),
            "limit": _LIMIT_S,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._counted.unlink(missing_ok=True)
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        said = self._output.read_text(encoding="utf-8", errors="replace")
        dealings = int(self._counted.read_text(encoding="ascii")) if self._counted.exists() else 0
        return Ran(answer["status"], said, answer["seconds"], dealings)


def _environ(more: Mapping[str, str]) -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW", "PYTEST", "GITHUB"))}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": path, **more}


# -- looking


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder that anybody would miss or notice."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: _runs(path) if name == _STORE else path.read_bytes()
        for name, path in sorted(found.items())
        if not _IGNORED.search(name)
    }


def _runs(store: Path) -> bytes:
    return "\n".join(map(str, runs_in(store))).encode()


def runs_in(store: Path) -> list[tuple[object, ...]]:
    """What a store says of its runs: of each session what there is, however often, and whether it is complete.

    Each is the session's id, the run's name and status, the tag that says whether it is complete, and counts.
    """
    asked = """
        select s.value, r.name, r.status, c.value,
               (select count(*) from metrics m where m.run_uuid = r.run_uuid),
               (select count(*) from params p where p.run_uuid = r.run_uuid)
        from runs r
        join tags s on s.run_uuid = r.run_uuid and s.key = 'promptreg.session'
        join tags c on c.run_uuid = r.run_uuid and c.key = 'promptreg.complete'
        where r.lifecycle_stage = 'active'
        order by 1, 2, 3, 4, 5, 6
    """
    with closing(sqlite3.connect(store)) as connection:
        return list(connection.execute(asked))


def temporaries(found: Tree) -> list[str]:
    """What nobody asked for."""
    return [name for name in found if _TEMPORARY.search(name)]


def baselines(found: Tree) -> dict[str, bytes]:
    """The baseline files."""
    return {name: text for name, text in found.items() if "__baselines__/" in name and not _TEMPORARY.search(name)}


def faults(folder: Path, before: Tree, after: Tree, *, done: bool) -> list[str]:
    """What is wrong with the files of a folder.

    :param before: them as they were.
    :param after: them as the command leaves them when nothing disturbs it.
    :param done: whether the command has been run again, undisturbed.
    """
    found = tree(folder)
    wrong = []
    for name in sorted({*before, *after, *found}):
        old, new, now = before.get(name), after.get(name), found.get(name)
        if now == new or (not done and (now == old or _may_be_there(name))):
            continue
        if now is None:
            may_be_gone = _REMOVED_FIRST.search(name) and not done
            trouble = "" if may_be_gone or (_RECORD.search(name) and old is None) else "gone"
        elif _RECORD.search(name) and old is not None:
            trouble = "the record of an earlier run is another"
        else:
            trouble = _unlike(folder / name, now, old or b"")
        if trouble:
            wrong.append(f"{name}: {trouble}")
    if not done and len(_records(found)) > len(_records(before)) + 1:
        wrong.append("the run is recorded more than once")
    if done and (fewer := len(_records(after)) - len(_records(found))) > 0:
        wrong.append(f"{fewer} records of runs are lost")
    return wrong


def _may_be_there(name: str) -> bool:
    """Whether the file may say anything while the command has not been run again."""
    return name == _STORE or bool(_TEMPORARY.search(name) or _NOTE.search(name))


def _records(found: Tree) -> list[str]:
    return [name for name in found if _RECORD.search(name)]


def _unlike(path: Path, text: bytes, old: bytes) -> str:
    """Why a file that says when it was written is not whole; empty when it is."""
    try:
        match path.name:
            case "session.json":
                spool.load(path.parent)
            case "replay.jsonl":
                return f"{len(lost)} recorded outputs lost" if (lost := _keys(old) - _keys(text)) else ""
            case "r.html":
                return "" if text.rstrip().endswith(b"</html>") else "no whole page"
            case "r.md":
                return "" if text.startswith(SIGN.encode()) and text.endswith(b"\n") else "no whole report"
            case "quality.json":
                json.loads(text)
            case "run.json" | "1-of-2.json":
                load_results(path)
            case _:
                return "neither old nor new"
    except (PromptregError, ValueError) as exc:
        return f"not whole: {exc}"
    return ""


def _keys(text: bytes) -> set[bytes]:
    """Of the records in a replay store, the whole ones."""
    return {key for line in text.split(b"\n")[:-1] if (key := replay_line.key_in(line))}


def is_half_done(found: Tree, before: Tree, after: Tree) -> bool:
    """Whether some of the baselines that the command writes are written, and some are not."""
    old, new, now = baselines(before), baselines(after), baselines(found)
    written = {now.get(name) == new.get(name) for name in {*old, *new} if old.get(name) != new.get(name)}
    return len(written) == 2
