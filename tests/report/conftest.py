"""One browser for all tests of the report that need a real one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import Browser, find_browser


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium without a window; tests that need it are skipped where there is none."""
    program = find_browser()
    if program is None:
        pytest.skip("no Chromium here")
    with Browser(program, tmp_path_factory.mktemp("profile")) as found:
        yield found
