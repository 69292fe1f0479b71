"""How the site is built: the Markdown pages of this repository, by Sphinx and MyST, in the theme Furo.

Sphinx is maintained and has been for years; MkDocs 1 is not, and its theme Material is at the end of its life.

The pages are written for GitHub too, and so hold no directives. The root of the repository is the source folder: the
README, the change log and the notes beside the code are pages, and links between them are the same in both places.
Navigation is what people read: the links in the lists of a page named ``index.md`` are the pages below it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pygments.lexers.data import JsonLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parents[1]))

from pytest_promptreg import __version__

project = "pytest-promptreg"
author = "The pytest-promptreg founders"
version = release = __version__
project_copyright = author

extensions = ["myst_parser"]
myst_heading_anchors = 4
smartquotes = False  # flags begin with two hyphens
myst_enable_extensions = ["linkify"]
suppress_warnings = ["misc.highlighting_failure"]  # what a terminal prints, and JSON with "...", are no language

root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "example_suite/README.md", "benchmarks/README.md"]
exclude_patterns = ["**/.*", "build", "dist", "**/__pycache__", "**/node_modules"]

html_theme = "furo"
html_title = "pytest-promptreg"
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_extra_path = ["site/root"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"sidebar_hide_name": False}
pygments_style = "friendly"
pygments_dark_style = "github-dark"

_LISTED = re.compile(r"^[-*] +(?:\*\*)?\[(?P<title>[^\]]*)\]\((?P<page>[^)#:]+\.md)\)", re.MULTILINE)


def below(text: str) -> dict[str, str]:
    """The pages that a page's lists begin with links to, in their order, and what they are called there.

    :param text: the Markdown of an ``index.md``
    """
    return {match["page"]: match["title"] for match in _LISTED.finditer(text)}


def add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:  # noqa: ARG001 - as Sphinx calls it
    """Give an index page the hidden table of contents that its lists say."""
    pages = below(source[0]) if docname.endswith("/index") else {}
    if pages:
        source[0] += "\n".join(
            ["", "```{toctree}", ":hidden:", "", *(f"{title} <{page}>" for page, title in pages.items()), "```", ""]
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Hook this file into the build."""
    app.connect("source-read", add_navigation)
    app.add_lexer("jsonl", JsonLexer)
    return {"parallel_read_safe": True}
