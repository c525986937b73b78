"""A browser for the tests of the page."""

import shutil
from collections.abc import Iterator

import pytest
from browser.chromium import PROGRAMS, Browser, start_browser
from conftest import without


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser without a window, with a profile of its own."""
    pytest.importorskip("fcntl", reason="pipes to a browser that is this process's child")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        without("Chromium (apt install chromium)")
    with start_browser(program, tmp_path_factory.mktemp("browser") / "profile") as started:
        yield started
