"""Questions to git, which may be missing, slow or not in use: then there is no answer, and no failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

TIMEOUT_S = 3.0


def ask(folder: Path, *questions: tuple[str, ...]) -> list[str | None]:
    """What git says to each question asked in ``folder``, all at the same time; None where it fails."""
    program = shutil.which("git")
    if program is None:
        return [None] * len(questions)
    end = time.monotonic() + TIMEOUT_S
    return [_answer(process, end) for process in [_begun(program, folder, question) for question in questions]]


def last_change(path: Path) -> str:
    """The subject of the last commit that touched a file, and whether it was changed since; empty outside git.

    What was never committed is said to be ``uncommitted``.
    """
    folder = path.parent
    status, subject = ask(
        folder,
        ("status", "--porcelain", "--ignored", "--", path.name),
        ("log", "-1", "--format=%s", "--", path.name),
    )
    if status is None:
        return ""
    said = (subject or "").strip()
    if not status.strip():
        return said
    return f"{said} (with uncommitted changes)" if said else "uncommitted"


def _begun(program: str, folder: Path, question: tuple[str, ...]) -> subprocess.Popen[bytes] | None:
    try:
        return subprocess.Popen(  # noqa: S603  a fixed command, found on the path
            [program, *question],
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def _answer(process: subprocess.Popen[bytes] | None, end: float) -> str | None:
    if process is None:
        return None
    with process:
        try:
            said, _ = process.communicate(timeout=max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    return said.decode("utf-8", "replace") if process.returncode == 0 else None
