"""The code blocks of a Markdown page: what each is, which file it is, and what its author says of it.

On the line of a fence, behind the language, may stand (GitHub and the site show neither):

- ``not-run="reason"``: it cannot run here; such blocks are counted by a test;
- ``held-by="tests/test_x.py"``: another test holds what it shows;
- ``needs="openai litellm"``: the page is run where these packages are;
- ``exit="1"``: the last command's exit status, where it is not 0.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ATTRIBUTES = frozenset({"not-run", "held-by", "needs", "exit"})
_FENCE = re.compile(r"^(?P<indent> *)(?P<marks>`{3,}|~{3,})(?P<info>.*)$")
_NAMED_INSIDE = re.compile(r"^(?:#|;|//|--) (?P<name>[\w./-]*\w\.\w+)$")
_NAMED_ABOVE = re.compile(r"`(?P<name>[\w./-]*\w\.\w+)`:$")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page.

    :param page: the page, from the root of the repository on.
    :param line: of the opening fence, from 1.
    :param name: the file that it is the text of; None where it is none.
    :param attributes: what stands behind the language.
    """

    page: str
    line: int
    language: str
    text: str
    name: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The place, as an editor opens it."""
        return f"{self.page}:{self.line}"

    @property
    def not_run(self) -> str | None:
        """Why it is not run; None for one that is."""
        return self.attributes.get("not-run")


@dataclass(frozen=True)
class Step:
    """One command of a console block.

    :param command: without the prompt; lines that ended with a backslash are one.
    :param shown: what the page says it prints; empty where the page shows nothing.
    :param status: the exit status that the page says.
    """

    command: str
    shown: tuple[str, ...]
    status: int = 0


def pages() -> list[str]:
    """All pages whose blocks are held: those under docs/ and beside the README, from the root of the repository on."""
    found = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT).as_posix() for path in found]


def blocks_of(page: str, text: str | None = None) -> list[Block]:
    """The blocks of a page, in order.

    :param text: the page's; read from the repository when not given.
    :raises ValueError: for a fence that is not closed, or says something unknown.
    """
    return list(_blocks(page, text if text is not None else (ROOT / page).read_text(encoding="utf-8")))


def _blocks(page: str, text: str) -> Iterator[Block]:
    above = ""
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        opening = _FENCE.match(line)
        if opening is None:
            above = line.strip() or above
            continue
        inside: list[str] = []
        for _, following in lines:
            if following.strip() == opening["marks"]:
                break
            inside.append(following.removeprefix(opening["indent"]))
        else:
            raise ValueError(f"{page}:{number}: the fence is not closed")
        language, attributes = _info(opening["info"], f"{page}:{number}")
        named = _NAMED_ABOVE.search(above) or (_NAMED_INSIDE.match(inside[0]) if inside else None)
        body = "".join(f"{part}\n" for part in inside)
        yield Block(page, number, language, body, named["name"] if named else None, attributes)
        above = ""


def _info(info: str, where: str) -> tuple[str, dict[str, str]]:
    """The language, and what stands behind it."""
    language, *rest = shlex.split(info) or [""]
    attributes = dict(word.partition("=")[::2] for word in rest)
    unknown = set(attributes) - ATTRIBUTES
    if unknown or not all(attributes.values()):
        raise ValueError(f"{where}: {', '.join(sorted(unknown)) or 'an attribute without a value'} behind {language}")
    return language, attributes


def steps_of(block: Block) -> list[Step]:
    """The commands of a console block, with what they print.

    A command's exit status is 0, or what an ``echo $?`` behind it shows, or for the last one what the fence says.

    :raises ValueError: where something stands before the first prompt.
    """
    found: list[tuple[str, list[str]]] = []
    continued = False
    for line in block.text.splitlines():
        if continued:
            command, shown = found[-1]
            found[-1] = (f"{command.removesuffix(chr(92))}{line.removeprefix('> ').strip()}", shown)
        elif line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line.rstrip())
        else:
            raise ValueError(f"{block.where}: a console block begins with a command, behind a `$ `")
        continued = found[-1][0].endswith(chr(92))
    last_status = int(block.attributes.get("exit", "0"))
    steps = []
    for position, (command, shown) in enumerate(found):
        following = found[position + 1] if position + 1 < len(found) else None
        asked = following is not None and following[0] == "echo $?"
        status = int(following[1][0]) if following and asked else 0 if following else last_status
        steps.append(Step(command, tuple(_stripped(shown)), status))
    return steps


def _stripped(lines: list[str]) -> list[str]:
    """Without empty lines before and behind."""
    while lines and not lines[0]:
        lines = lines[1:]
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


_TIME = re.compile(r"\b\d[\d.,]*( ?)(?:ms|s|seconds)\b(?: \(\d+:\d\d:\d\d\))?")
_RULE = re.compile(r"([=_-])\1{2,}")


def differs(shown: tuple[str, ...], printed: str) -> str | None:
    """Say in what the page and the program differ; None where they agree.

    A line ``...`` stands for any lines, ``...`` inside a line for any text; how long something took is no difference,
    nor how many spaces align it, and rules are as long as the terminal is wide.
    """
    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += r".*?".join(re.escape(part) for part in _alike(line).split("...")) + r"\n"
    told = "".join(f"{_alike(line)}\n" for line in _stripped([line.rstrip() for line in printed.splitlines()]))
    if re.fullmatch(pattern, told):
        return None
    return f"the page shows\n{chr(10).join(shown)}\n\nand what is printed is\n{printed}"


def _alike(line: str) -> str:
    """A line without what differs from machine to machine."""
    timed = _TIME.sub("TIME", _RULE.sub(r"\1\1\1", line))
    return re.sub(r"(?<=\S) +(?=TIME|\[ *\d+%\]$)| +(?==)|(?<==) +", " ", timed).rstrip()
