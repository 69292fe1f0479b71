"""What failed in the format of GitLab's code quality reports, which merge requests show at its lines.

GitLab compares the report of a branch with that of its target by fingerprints: they are made of what a finding is of,
and of nothing that changes from run to run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text import digest
from .escape import one_line
from .places import Finding, findings

if TYPE_CHECKING:
    from ..session.concluding import Conclusion

SIGN = "pytest-promptreg"
MOST = 5_000  # findings: nobody looks through more, and GitLab takes a while to
_DESCRIPTION = 1_000  # characters
_SEVERITIES = {
    "regression": "critical",
    "not judged": "major",
    "undecided": "major",
    "case": "major",
    "warning": "minor",
}


def render(conclusion: Conclusion, root: Path | None = None) -> str:
    """The report: a list of findings, empty where nothing failed and nothing is warned of.

    :param root: of the repository; left out, what GitLab says, and elsewhere the working directory.
    """
    folder = (root or Path(os.environ.get("CI_PROJECT_DIR") or Path.cwd())).absolute()
    found = [_entry(finding) for finding in islice(findings(conclusion.run, folder, cases=True), MOST)]
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _entry(finding: Finding) -> dict[str, Any]:
    rule = finding.rule.replace(" ", "-")
    return {
        "check_name": f"{SIGN}.{rule}",
        "description": one_line(f"{finding.title}: {finding.text}", _DESCRIPTION),
        "severity": _SEVERITIES[finding.rule],
        "fingerprint": digest("\0".join(_what_it_is_of(finding))),
        "location": {"path": one_line(finding.place.path), "lines": {"begin": finding.place.line}},
    }


def _what_it_is_of(finding: Finding) -> Iterator[str]:
    yield from (SIGN, finding.rule, finding.place.path, finding.suite, finding.version, finding.example)
