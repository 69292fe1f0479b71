"""The report as a web page: one file that opens from disk.

data       what the page's script shows, as JSON
words      the sentences for people who know no Python
overview   what needs no script: the verdict, the tables, the prompt diffs, the worst cases
page       the file, put together with its style and script (assets/)
"""

from __future__ import annotations

from ...errors import ReportError
from ...results.own_files import OwnFile

FILE = OwnFile("pytest-promptreg report", "report", "the web page", "--promptreg-html", "report.html", ReportError)
