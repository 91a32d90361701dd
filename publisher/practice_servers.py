"""Starts the practice servers that a configuration's practice channels point at, as child processes.

The servers are programs of their own (`python -m channels.practice`); the core knows only how to
start them, where they listen, and that they name themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from publisher.errors import PublisherError


class PracticeServerFailed(PublisherError):
    """A practice server did not start; the message holds what it said."""


@dataclass(slots=True)
class PracticeServer:
    """A running practice server."""

    name: str
    title: str
    url: str
    admin_port: int
    process: subprocess.Popen[bytes]
    mode: str = ""

    @property
    def pages(self) -> dict[str, str]:
        """What people can open while it runs: title → address. A province has a page to review, or to type in."""
        ways = {"api": ("审核工作台", "review"), "assisted": ("人工录入", "desk")}
        pages = {self.title: self.url}
        if self.mode in ways:
            word, path = ways[self.mode]
            pages[f"{self.title}（{word}）"] = f"{self.url}/{path}"
        return pages

    def switch(self, **values: object) -> None:
        """Change its switches."""
        self._post("/practice/switches", values)

    def type_in(self, **fields: str) -> tuple[str, str]:
        """Have a province hold what a person types in at its `/desk`; gives its number and its address."""
        told = self._post("/practice/typed", fields)
        return str(told["number"]), str(told["url"])

    def _post(self, path: str, values: Mapping[str, object]) -> Any:
        address = f"http://127.0.0.1:{self.admin_port}{path}"
        body = json.dumps(values, ensure_ascii=False).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5) as answer:
            return json.load(answer)

    def stop(self) -> None:
        """End it by its process id."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        _close_pipes(self.process)


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def start_site(
    name: str, title: str, store: Path, port: int = 0, mode: str = "", more: Sequence[str] = ()
) -> PracticeServer:
    """Start a practice server; with a `port` that is taken, on a free one. Raises `PracticeServerFailed`.

    `mode`: of a province, how its channel reaches it; empty: a municipal site. `more`: further words of its command.
    """
    store.mkdir(parents=True, exist_ok=True)
    for wanted in (port, 0) if port else (0,):
        command = [sys.executable, "-m", "channels.practice", "province" if mode else "site", "--port", str(wanted)]
        command += ["--store", str(store), "--name", title, "--pages", "--until-stdin-ends", *more]
        with (store / "server.log").open("ab") as log:
            # A session of its own: Ctrl-C is for the program, which ends its servers when its calls are over.
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,  # never written to: it closes when this program is gone, however it ended
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(os.environ),
                start_new_session=True,
            )
        assert process.stdout is not None  # it was asked for
        line = process.stdout.readline()
        with contextlib.suppress(ValueError):
            told: dict[str, Any] = json.loads(line)
            return PracticeServer(name, title, told["url"], told["admin_port"], process, mode)
        process.wait()
        _close_pipes(process)
    said = (store / "server.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise PracticeServerFailed(
        f"the practice server of {name} did not start: {said[-1] if said else 'it said nothing'}"
    )


@dataclass(frozen=True, slots=True)
class WantedSite:
    """A practice server that a channel points at; `mode` as in `start_site`; `fed_by`: whose forwarding it takes."""

    name: str
    title: str
    address: str
    mode: str
    fed_by: str | None = None


def wanted_sites(channels: Sequence[Any]) -> list[WantedSite]:
    """What the channels with a loopback address want."""
    wanted = []
    for channel in channels:
        address, fed_by = str(channel.options.get("base_url", "")), channel.options.get("fed_by")
        is_province = "provincial_site" in channel.adapter
        mode = str(channel.options.get("mode", "api")) if is_province else ""
        has_server = is_province or "municipal_site" in channel.adapter
        if has_server and urlsplit(address).hostname in ("127.0.0.1", "localhost"):
            wanted.append(WantedSite(channel.name, channel.title, address, mode, fed_by))
    return wanted


def start_sites(channels: Sequence[Any], folder: Path, review_after: float) -> dict[str, PracticeServer]:
    """A practice server for each practice channel with a loopback address, at that address if it is free.

    A province lets notices through after `review_after` seconds, one that is fed by another at once; the feeding
    one forwards to it.
    """
    servers: dict[str, PracticeServer] = {}
    wanted = wanted_sites([c for c in channels if c.enabled and c.practice])
    try:
        for site in wanted:
            more = _province_words(site, review_after) if site.mode else []
            port = urlsplit(site.address).port or 0
            servers[site.name] = start_site(site.name, site.title, folder / site.name, port, site.mode, more)
    except PracticeServerFailed:
        stop_all(servers)
        raise
    for site in wanted:
        if site.fed_by in servers:
            servers[site.fed_by].switch(forward_to=servers[site.name].url)
    return servers


def _province_words(site: WantedSite, review_after: float) -> list[str]:
    after = 0.0 if site.fed_by else review_after
    return ["--prefix", site.name.partition("_")[0][:2].upper(), "--switch", f"auto_publish_after={after}"]


def moved(options: Mapping[str, Any], url: str) -> dict[str, Any]:
    """The options of a channel whose practice server listens at `url`, whatever its settings say."""
    old = str(options["base_url"])

    def here(value: Any) -> Any:
        is_there = isinstance(value, str) and (value == old or value.startswith(f"{old}/"))
        return f"{url}{value[len(old) :]}" if is_there else value

    return {name: here(value) for name, value in options.items()}


def stop_all(servers: Mapping[str, PracticeServer]) -> None:
    """End them all."""
    for server in servers.values():
        server.stop()
