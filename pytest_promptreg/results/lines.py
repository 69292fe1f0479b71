"""A result file as JSON Lines: the run without its cases in the first line, then a line for each case.

Large runs are read so by tools that take a line at a time; what is said is the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SUFFIX = ".jsonl"
_COUNT = "cases"  # in the first line: how many lines follow, so that a torn file is known for one


def write_lines(data: Mapping[str, Any]) -> str:
    """The text of a result file's data.

    :param data: as one document has it; it is left as it is.
    """
    run = data["run"]
    bare = [
        {**suite, "versions": [{**version, "cases": []} for version in suite["versions"]]} for suite in run["suites"]
    ]
    cases = [case for suite in run["suites"] for version in suite["versions"] for case in version["cases"]]
    head = {**data, "run": {**run, "suites": bare}, _COUNT: len(cases)}
    return "".join(_line(value) for value in (head, *cases))


def read_lines(text: str) -> Any:
    """The data of a text that :func:`write_lines` made, or of one document.

    :raises json.JSONDecodeError: when it is no whole document.
    :raises ValueError: when a line is torn, missing, or of no version that the first line has.
    """
    first, _, rest = text.partition("\n")
    try:
        head = json.loads(first)
    except json.JSONDecodeError:
        return json.loads(text)  # one document that a person has indented
    if not isinstance(head, dict) or type(head.get(_COUNT)) is not int:
        return json.loads(text) if rest.strip() else head
    places = _places(head)
    count = 0
    for count, line in enumerate(filter(None, rest.split("\n")), start=1):
        try:
            case = json.loads(line)
            places[case["suite"], case["version"]].append(case)
        except json.JSONDecodeError as exc:
            raise ValueError(f"it is no whole JSON ({exc.msg}, line {count + 1}, column {exc.colno})") from exc
        except (KeyError, TypeError) as exc:
            raise ValueError(f"line {count + 1} is no case of the run") from exc
    if count != head[_COUNT]:
        raise ValueError(f"it has {count} of {head[_COUNT]} cases")
    return head


def _places(head: Any) -> dict[tuple[str, str], list[Any]]:
    """By suite and version, the list that its cases belong into."""
    places: dict[tuple[str, str], list[Any]] = {}
    try:
        for suite in head["run"]["suites"]:
            for version in suite["versions"]:
                version["cases"] = places[suite["spec"]["id"], version["version"]["label"]] = []
    except (KeyError, TypeError) as exc:
        raise ValueError("its first line is not whole") from exc
    return places


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
