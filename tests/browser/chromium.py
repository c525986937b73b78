"""Chromium without a window, spoken to by its DevTools protocol over two pipes.

Messages are JSON, each ended by a zero byte, so that nothing but Python is needed:
https://chromedevtools.github.io/devtools-protocol/.
"""

import base64
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]


class BrowserError(Exception):
    """What the browser, or a script in it, says went wrong."""


class Browser:
    """One page in a browser.

    Attributes:
        requests: the addresses that the page asked for.
        complaints: what it wrote to its console as errors or warnings, and what its scripts threw.
    """

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number, self._rest, self._session = 0, b"", ""
        self._events: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """What a method of the protocol answers."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": arguments}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                found: dict[str, Any] = answer["result"]
                return found

    def open(self, url: str) -> None:
        """Go to an address, and wait until it is loaded; forget what was before."""
        self.requests.clear()
        self.complaints.clear()
        self._events.clear()
        self.call("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._read()

    def ask(self, script: str) -> Any:
        """The value of a script, or of its promise."""
        answer = self.call(
            "Runtime.evaluate",
            expression=script,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            raise BrowserError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_for(self, script: str, seconds: float = 10) -> None:
        """Wait until the value of a script is true."""
        end = time.monotonic() + seconds
        while not self.ask(script):
            if time.monotonic() > end:
                raise BrowserError(f"not within {seconds} s: {script}")
            time.sleep(0.02)

    def press(self, key: str, code: str = "") -> None:
        """Press a key and let go of it."""
        virtual = {"ArrowLeft": 37, "ArrowRight": 39, "Home": 36, "End": 35, " ": 32}.get(key, 0)
        shared = {"key": key, "code": code or key, "windowsVirtualKeyCode": virtual}
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **shared, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **shared)

    def move(self, x: float, y: float) -> None:
        """Point at a place, in CSS pixels."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x: float, y: float) -> None:
        """Click at a place, in CSS pixels."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1,
                clickCount=1,
            )  # fmt: skip

    def look(self, width: int, height: int, *, theme: str, moves: bool, dots: float = 1) -> None:
        """Set the window's size in CSS pixels, and what the reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=dots,
            mobile=width < 600,
        )
        wishes = {
            "prefers-color-scheme": theme,
            "prefers-reduced-motion": "no-preference" if moves else "reduce",
        }
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.call("Emulation.setEmulatedMedia", features=features)

    def shoot(self, path: Path, *, whole: bool = False) -> None:
        """Write what is on the screen, or the whole page, as a PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _read(self, seconds: float = 30) -> dict[str, Any]:
        """The next message, whose event, if it is one, is noted."""
        while b"\0" not in self._rest:
            if not select.select([self._answers], [], [], seconds)[0]:
                raise BrowserError(f"no word from the browser for {seconds} s")
            if not (found := os.read(self._answers, 2**16)):
                raise BrowserError("the browser has ended")
            self._rest += found
        text, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self._note(message)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        told = event.get("params", {})
        match event["method"]:
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning"):
                self.complaints.append(json.dumps(told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                self.complaints.append(told["entry"]["text"])


@contextmanager
def start_browser(program: str, profile: Path) -> Iterator[Browser]:
    """A browser that ends with the block.

    Args:
        program: the path of Chromium.
        profile: a directory for what it keeps, which is not there yet.
    """
    from_us, commands = _open_pipe()
    answers, to_us = _open_pipe()
    # It reads at the file descriptor 3 and writes to 4; a shell puts both there.
    line = f'exec "$@" 3<&{from_us} 4>&{to_us}'
    process = subprocess.Popen(
        ["/bin/bash", "-c", line, "chromium", program, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(from_us, to_us),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(from_us)
    os.close(to_us)
    try:
        yield Browser(commands, answers)
    finally:
        os.close(commands)
        os.close(answers)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _open_pipe(lowest: int = 10) -> list[int]:
    """The ends to read and to write, whose numbers are none that the browser has a use for."""
    import fcntl  # which Windows lacks, where the tests are collected all the same

    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, lowest) for end in ends]
    for end in ends:
        os.close(end)
    return moved
