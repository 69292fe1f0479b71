"""Writes docs/site/pypi.markdown: the README for a page that has no files beside it, as a package index shows it.

python docs/pypi.py
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "site" / "pypi.markdown"

_PICTURE = re.compile(r"!\[(?P<says>[^\]]*)\]\((?!\w+:)[^)]*\)")
_LINK = re.compile(r"\[(?P<says>[^\]]*)\]\((?!\w+:)[^)]*\)")
_MORE = re.compile(r"^## More\n.*\Z", re.DOTALL | re.MULTILINE)
_WHERE = """## More

Tutorial, recipes, reference and the other pages lie with the source, in its folder `docs`. Licence: Apache-2.0.
"""


def page(readme: str) -> str:
    """The README without what leads nowhere: of a picture what it shows in words, of a link to a file its text."""
    told = _MORE.sub(_WHERE, _PICTURE.sub(r"*\g<says>*", readme))
    return _LINK.sub(r"\g<says>", told)


if __name__ == "__main__":
    PAGE.write_text(page((ROOT / "README.md").read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
