"""Makes the pictures of the gallery by the commands that stand there.

    python docs/gallery/draw.py

Runs the blocks of `docs/gallery.md` in a scratch directory with a copy of `sample_data`, and copies
the pictures that the page shows. Pictures of the page and of the terminal are taken by chromium.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from browser.chromium import Browser, start_browser  # noqa: E402 (of the tests)

BLOCK = re.compile(r"^```sh\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)


def main() -> None:
    """Run the commands, and copy what the page shows."""
    text = (HERE.parent / "gallery.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        shutil.copytree(ROOT / "sample_data", place / "sample_data")
        for command in "".join(BLOCK.findall(text)).splitlines():
            print(command, flush=True)
            run(command, place)
        with start_browser(str(shutil.which("chromium")), place / "profile") as browser:
            take_page(browser, place / "geyser" / "convergence.html")
            take_terminal(browser, place)
        for name in re.findall(r"\(gallery/(.*?)\)", text):
            if name not in ("geyser_page.png", "geyser_show.png"):
                shutil.copy(find_picture(place, name), HERE / name)


def run(command: str, place: Path, **environment: str) -> str:
    """What a command of gmm prints, in a directory."""
    arguments = [sys.executable, "-m", "gmmcli", *shlex.split(command)[1:]]
    env = {**os.environ, **environment}
    done = subprocess.run(
        arguments, cwd=place, env=env, check=True, text=True, stdout=subprocess.PIPE
    )
    return done.stdout


def find_picture(place: Path, name: str) -> Path:
    """What a picture of the gallery is a copy of: `run_file`, `run_frames_file` or `run_last`."""
    directory, _, rest = name.partition("_")
    if rest.startswith("last"):
        return max((place / directory / "frames").iterdir())
    return place / directory / rest.replace("frames_", "frames/")


def take_page(browser: Browser, page: Path) -> None:
    """A picture of a page in a window, at the last step."""
    browser.look(1120, 900, theme="light", moves=False)
    browser.open(page.as_uri())
    browser.press("End")
    browser.shoot(HERE / "geyser_page.png")


def take_terminal(browser: Browser, place: Path) -> None:
    """A picture of what a terminal of 100 columns shows."""
    colours = {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm", "COLUMNS": "100"}
    shown = run("gmm plot geyser --show", place, **colours)
    console = Console(record=True, width=100, file=StringIO())
    console.print(Text.from_ansi(shown))
    page = place / "terminal.svg"
    page.write_text(console.export_svg(title="gmm plot geyser --show"), encoding="utf-8")
    browser.look(1240, 590, theme="dark", moves=False)
    browser.open(page.as_uri())
    browser.shoot(HERE / "geyser_show.png")


if __name__ == "__main__":
    main()
