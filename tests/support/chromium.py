"""A real Chromium without a window, driven over a pipe: it opens a file, clicks, and tells every request it makes.

The commands are those of the DevTools protocol (chromedevtools.github.io/devtools-protocol), one JSON object and a NUL
each. The browser gets an empty profile, resolves no name, and its proxy is a port on which nobody listens.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--proxy-server=127.0.0.1:9",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
    "--window-size=1100,900",
    "--lang=zh-CN",
)
_PATIENCE = 60.0
"""Seconds for one answer, on a machine that has other work too."""


class Chromium:
    """The browser. Used as a context manager; `open` gives a page."""

    def __init__(self, profile: Path) -> None:
        program = shutil.which("chromium")
        assert program is not None, "chromium is missing: `make test-real` installs it"
        to_browser, self._commands = os.pipe()
        self._answers, from_browser = os.pipe()
        start = (program, *_FLAGS, f"--user-data-dir={profile}", "about:blank")
        # The browser listens on descriptor 3 and answers on 4; bash moves them there.
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *start],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._unread = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Chromium:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._commands)
        # A browser whose pipe is closed ends by itself, with all its processes.
        try:
            self._process.wait(timeout=_PATIENCE)
        finally:
            self._process.kill()
            os.close(self._answers)

    def open(self, address: str) -> Page:
        """A new page that has loaded `address`."""
        target = self.command("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self.command("Target.attachToTarget", {"targetId": target, "flatten": True})
        page = Page(self, attached["sessionId"])
        page.load(address)
        return page

    def command(self, method: str, values: Mapping[str, Any], session: str | None = None) -> dict[str, Any]:
        """Give a command and wait for its answer; events that come before it are kept."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": values}
        if session is not None:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            told = self._read()
            if told.get("id") == self._last:
                assert "error" not in told, f"{method}: {told['error']}"
                return dict(told["result"])
            self.events.append(told)

    def wait_for(self, method: str, session: str) -> None:
        """Wait until an event of this name has come."""
        while not any(one.get("method") == method and one.get("sessionId") == session for one in self.events):
            self.events.append(self._read())

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + _PATIENCE
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            found = os.read(self._answers, 1 << 20)
            assert found, "the browser has ended"
            self._unread += found
        message, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(message))


class Page:
    """One page of the browser."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser = browser
        self._session = session

    def _command(self, method: str, **values: Any) -> dict[str, Any]:
        return self._browser.command(method, values, self._session)

    def load(self, address: str) -> None:
        """Load an address, and wait until all that it asks for has come or failed."""
        for domain in ("Page", "Network", "Runtime"):
            self._command(f"{domain}.enable")
        self._command("Page.navigate", url=address)
        self._browser.wait_for("Page.loadEventFired", self._session)

    @property
    def requests(self) -> list[str]:
        """Every address that the page asked for, its own first."""
        sent = [one for one in self._browser.events if one.get("sessionId") == self._session]
        return [one["params"]["request"]["url"] for one in sent if one["method"] == "Network.requestWillBeSent"]

    @property
    def complaints(self) -> list[str]:
        """What went wrong in scripts, and the windows that scripts opened."""
        told = ("Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Page.windowOpen")
        mine = [one for one in self._browser.events if one.get("sessionId") == self._session]
        return [one["method"] for one in mine if one["method"] in told]

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self._command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, element: str) -> None:
        """Click with the mouse in the middle of what the expression `element` gives, after scrolling there."""
        place = self.evaluate(
            f"(e => {{ e.scrollIntoView({{block: 'center', behavior: 'instant'}});"
            " const r = e.getClientRects()[0]; return [r.x + r.width / 2, r.y + r.height / 2] })"
            f"({element})"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self._command("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def screenshot(self, path: Path) -> None:
        """Write a picture of the whole page."""
        answer = self._command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))
