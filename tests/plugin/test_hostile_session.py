"""Ids, labels, prompts and outputs of strangers in whole runs: they choose no path, run nothing, reach no shell."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promptreg.__main__ import main
from pytest_promptreg.errors import PromptregError
from pytest_promptreg.inputs.examples import load_examples
from pytest_promptreg.inputs.prompts import load_prompts

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

SHELL = "$(touch pwned)`touch pwned`;touch pwned|touch pwned&'\"\n> pwned"
IDS = (
    *("../../escaped", "/etc/escaped", "..", "CON", "NUL.txt", "COM1", "~root", "-rf", "--promptreg-prune", "%00", "*"),
    *(
        "a" * 300,
        "C:\\escaped",
        "\\\\host\\share",
        "\x1b]0;title\x07",
        "safe\u202egnp.exe",
        "b\0c",
        "<script>1</script>",
    ),
    *("::error file=x::y", "##vso[task.complete]x", "=cmd|' /C calc'!A0", "{{ 7*7 }}", "${HOME}", "two\nlines", SHELL),
)
OUTPUT = (
    "\x1b[2J\u202e::error::x\n##vso[task.complete]\n</script><img src=x onerror=a> ]]> | `x` =1+1 \0\ud800 " + SHELL
)
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]")


@pytest.fixture
def hostile(project: Project) -> Project:
    """Hostile examples with a baseline of v1, and a version with a hostile label that says something else."""
    project.rows(*({"id": name, "text": f"{name} {OUTPUT}"} for name in IDS))
    predict = f"""
        def follow(request):
            return {OUTPUT!r} + request.example + " " + str(len(request.version))
    """
    project.suite(predict=predict, gates=("rouge_l >= 0.999",))
    project.store()
    project.prompt("v1'" + SHELL.replace("/", ""), keep=3)
    return project


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}


def commands(text: str) -> list[str]:
    """The command lines that a text offers for copying."""
    return [match[1] for match in re.finditer(r"(?:next|accept it alone|alone): (pytest .*)", text)]


def obeyed(command: str, folder: Path) -> list[str]:
    """The arguments that a shell gives to pytest when the command is copied into it."""
    folder.mkdir(exist_ok=True)
    said = subprocess.run(
        ["sh", "-c", 'pytest() { for word in "$@"; do printf "%s\\0" "$word"; done; }\n' + command],
        cwd=folder,
        capture_output=True,
        check=True,
        text=True,
    )
    assert not list(folder.iterdir()), command
    return said.stdout.split("\0")[:-1]


def test_nothing_hostile_gets_out_of_its_place(hostile: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every file of a run has a name of ours, every report is well formed, and every line and command is harmless."""
    outside = tree(hostile.path.parent) - {str(hostile.path.relative_to(hostile.path.parent))}
    before = tree(hostile.path)
    result = hostile.pytester.runpytest_inprocess(
        *("-p", "no:xdist", "-p", "no:cacheprovider", "--promptreg-replay=reuse", "--junitxml=junit.xml"),
        *("--promptreg-html=left.html", "--promptreg-markdown=left.md", "--promptreg-codequality=left.json"),
        "--promptreg-results=left.run.json",
    )
    assert result.ret == 1
    result.assert_outcomes(passed=len(IDS), failed=len(IDS))
    made = {"junit.xml", "left.html", "left.md", "left.json", "left.run.json", ".promptreg", ".promptreg/.gitignore"}
    made |= {".promptreg/replay.jsonl", ".promptreg/replay.jsonl.lock"}
    assert tree(hostile.path) - before <= made
    inside = {path for path in tree(hostile.path.parent) if path.startswith(hostile.path.name)}
    assert tree(hostile.path.parent) - inside <= outside
    said = result.stdout.str() + result.stderr.str()
    assert not RAW.search(said)
    assert not any(line.lstrip().startswith(("::", "##[", "##vso[")) for line in said.splitlines())
    cases = ET.parse(hostile.path / "junit.xml").getroot().iter("testcase")  # noqa: S314  what pytest wrote
    assert sum(1 for _ in cases) == 2 * len(IDS)
    markdown = (hostile.path / "left.md").read_text(encoding="utf-8")
    assert not RAW.search(markdown)
    found = [*commands(said), *commands(markdown)]
    assert any("--promptreg-accept" in command for command in found), said
    for command in found:
        arguments = obeyed(command, tmp_path_factory.mktemp("shell"))
        assert arguments[0].startswith("test_answer.py")
        assert arguments[1:2] == ["--promptreg-accept"]
        assert len(arguments) == 3


def test_accepting_and_pruning_touch_the_baseline_alone(hostile: Project) -> None:
    """The label and the ids that are accepted and pruned change one file, whatever they look like."""
    before = tree(hostile.path)
    label = "v1'" + SHELL.replace("/", "")
    accepted = hostile.pytester.runpytest_inprocess(
        "-p", "no:xdist", "-p", "no:cacheprovider", "--promptreg-accept", label
    )
    assert accepted.ret == 0, accepted.stdout.str()
    hostile.rows({"id": IDS[0], "text": "x"})
    pruned = hostile.pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:cacheprovider", "--promptreg-prune")
    assert "stale removed" in pruned.stdout.str()
    assert set(hostile.outputs()) == {IDS[0]}
    assert tree(hostile.path) == before
    assert not RAW.search(accepted.stdout.str() + pruned.stdout.str())


def test_commands_of_a_hostile_folder_are_quoted(
    hostile: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder named as a flag and full of a shell's signs stands in a command as one word, which is no flag."""
    folder = hostile.path / f"-p {SHELL.replace('/', '')}"
    folder.mkdir()
    for name in ("test_answer.py", "examples.jsonl", "prompts", "__baselines__"):
        (hostile.path / name).rename(folder / name)
    result = hostile.pytester.runpytest_inprocess("-p", "no:xdist", "-p", "no:cacheprovider", hostile.path)
    assert result.ret == 1
    found = commands(result.stdout.str())
    assert found
    for command in found:
        arguments = obeyed(command, tmp_path_factory.mktemp("shell"))
        assert arguments[0].startswith("./-p ")
        assert shlex.split(command)[1:] == arguments


def test_ids_that_one_file_system_takes_for_one_are_no_files(project: Project) -> None:
    """Ids that differ by case, or by how a letter is composed, are two cases of one file, or are refused by name."""
    project.rows({"id": "Case", "text": "one two"}, {"id": "case", "text": "three four"})
    project.store()
    assert set(project.outputs()) == {"Case", "case"}
    project.rows({"id": "caf\u00e9", "text": "one"}, {"id": "cafe\u0301", "text": "two"})
    result = project.pytester.runpytest_inprocess("-p", "no:xdist")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*both become 'cafe'*"])


def test_suites_that_one_file_system_takes_for_one_are_refused(project: Project) -> None:
    """Two tests whose baselines would be one file on macOS and Windows are refused, before anything is stored."""
    project.module(
        """
        @pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates=["rouge_l >= 0.8"])
        @pytest.mark.parametrize("mode", ["Fast", "fast"])
        def test_answer(promptreg, mode):
            promptreg.check()
        """
    )
    result = project.pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-update")
    assert result.ret != 0
    assert "differ in small and capital letters alone" in result.stdout.str() + result.stderr.str()
    assert not (project.path / "__baselines__").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("v1.md", lambda path: load_prompts(path.name, base=path.parent, where="t.py:1")),
        ("e.jsonl", lambda path: load_examples(path.name, base=path.parent, where="t.py:1")),
    ],
)
def test_what_never_ends_is_no_file(tmp_path: Path, name: str, load: Any) -> None:
    """A pipe, a device behind a link, and a folder in the place of a file are refused, and not waited for."""
    path = tmp_path / name
    os.mkfifo(path)
    with pytest.raises(PromptregError):
        load(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(PromptregError):
        load(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
@pytest.mark.parametrize("command", [["report"], ["compare", "whole.json"], ["merge"], ["replay"], ["sync"]])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_command_waits_for_no_pipe(
    command: list[str], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command that reads a file refuses a pipe, a device and a folder with a clear error."""
    monkeypatch.chdir(tmp_path)
    Path("whole.json").write_text("{}", encoding="utf-8")
    path = Path("spool/x/session.json" if command == ["sync"] else "given")
    path.parent.mkdir(parents=True, exist_ok=True)
    {"pipe": os.mkfifo, "device": lambda at: at.symlink_to("/dev/zero"), "folder": Path.mkdir}[kind](path)
    status = main([*command, "spool" if command == ["sync"] else str(path)])
    said = capsys.readouterr()
    assert status != 0 or "nothing waits" in said.out
    assert "Traceback" not in said.err + said.out
