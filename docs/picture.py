"""Draws docs/caught.svg, the regression that the tutorial catches, as a terminal shows it: from a real run.

python docs/picture.py            # --check only compares, and exits with 1 where the picture is not up to date
"""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.doc_blocks import ROOT, blocks_of

PICTURE = ROOT / "docs" / "caught.svg"
FILES = ("prompts/summarize/v1.md", "tickets.jsonl", "model.py", "test_summarize.py")
EDIT = "prompts/summarize/v2.md"
STORE = ("-q", "--promptreg-update")
COLOUR = "--color=yes"
COMPARE = ("--tb=no", "-rN", COLOUR)
COLUMNS = 100
SHOWN_FROM = "promptreg: "  # above it, a terminal tells of the machine

_LETTER, _LINE, _EDGE = 7.8, 18, 16  # pixels
_CLASSES = {"1": "b", "2": "d", "31": "r", "32": "g", "33": "y"}
_CODE = re.compile(r"\x1b\[(\d*(?:;\d+)*)m")
_TIME = re.compile(r" in \d[\d.]*s(?: \(\d+:\d\d:\d\d\))?")
_STYLE = """
  .w { fill: #161b22; stroke: #30363d }
  text { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d1d7e0; white-space: pre }
  .b { font-weight: bold; fill: #f0f6fc } .d { fill: #8b949e }
  .r { fill: #ff8f87 } .g { fill: #6fdd8b } .y { fill: #e3b341 }
"""


def texts() -> Mapping[str, str]:
    """The first files of the tutorial, and its edit, by name."""
    found: dict[str, str] = {}
    for block in blocks_of("docs/tutorial.md"):
        if block.name:
            found.setdefault(block.name, block.text)
    return {name: found[name] for name in (*FILES, EDIT)}


def caught(folder: Path, pytest: Callable[[Sequence[str]], Sequence[str]]) -> list[str]:
    """What the second run prints, in a terminal's colours.

    :param folder: an empty one.
    :param pytest: runs pytest there with arguments and gives the lines that it printed.
    """
    for name, text in texts().items():
        if name == EDIT:
            pytest(STORE)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    lines = list(pytest(COMPARE))
    first = next(number for number, line in enumerate(lines) if line.startswith(SHOWN_FROM))
    return [f"$ pytest {' '.join(word for word in COMPARE if word != COLOUR)}", "...", *lines[first:]]


def svg(lines: Sequence[str]) -> str:
    """The lines of a terminal as a drawing; what a line says is its text, to be searched and read aloud."""
    longest = max(len(_CODE.sub("", line)) for line in lines)
    width, height = longest * _LETTER + 2 * _EDGE, len(lines) * _LINE + 2 * _EDGE
    drawn = "".join(_drawn(line, number) for number, line in enumerate(lines))
    size = f'viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n'
        f"<title>pytest fails on a prompt edit that lost the order numbers</title>\n<style>{_STYLE}</style>\n"
        f'<rect class="w" x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1}" rx="8"/>\n{drawn}</svg>\n'
    )


def _drawn(line: str, number: int) -> str:
    parts = list(_parts(line))
    length = sum(len(text) for text, _ in parts)
    if not length:
        return ""
    spans = "".join(
        f'<tspan class="{style}">{html.escape(text)}</tspan>' if style else html.escape(text) for text, style in parts
    )
    place = f'x="{_EDGE}" y="{_EDGE + number * _LINE + 13}" textLength="{length * _LETTER:g}"'
    return f'<text {place} xml:space="preserve">{spans}</text>\n'


def _parts(line: str) -> Iterator[tuple[str, str]]:
    """Stretches of one look: the text, and the classes of how it looks."""
    style: list[str] = []
    pieces = _CODE.split(line)
    for position, piece in enumerate(pieces):
        if position % 2:
            style = [] if piece in {"", "0"} else [*style, *filter(None, map(_CLASSES.get, piece.split(";")))]
        elif piece:
            yield piece, " ".join(dict.fromkeys(style))


def same(one: str, other: str) -> bool:
    """Whether two pictures show the same, but for how long it took."""
    lengths = re.compile(r' textLength="[\d.]+"|={2,}')  # of lines, and of rules beside the time
    return lengths.sub("", _TIME.sub("", one)) == lengths.sub("", _TIME.sub("", other))


def main() -> int:
    """Draw it, or say whether it is up to date."""
    with tempfile.TemporaryDirectory() as place:
        environment = {**os.environ, "COLUMNS": str(COLUMNS), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}

        def pytest(arguments: Sequence[str]) -> Sequence[str]:
            command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", *arguments]
            done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
            return done.stdout.splitlines()

        drawn = svg(caught(Path(place), pytest))
    if "--check" in sys.argv[1:]:
        return int(not same(PICTURE.read_text(encoding="utf-8"), drawn))
    PICTURE.write_text(drawn, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
