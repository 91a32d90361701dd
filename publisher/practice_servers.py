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
    url: str
    admin_port: int
    process: subprocess.Popen[bytes]

    def switch(self, **values: object) -> None:
        """Change its switches."""
        address = f"http://127.0.0.1:{self.admin_port}/practice/switches"
        request = urllib.request.Request(address, json.dumps(values).encode(), {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=5):
            pass

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


def start_site(name: str, title: str, store: Path, port: int = 0) -> PracticeServer:
    """Start a practice site; with a `port` that is taken, on a free one. Raises `PracticeServerFailed`."""
    store.mkdir(parents=True, exist_ok=True)
    for wanted in (port, 0) if port else (0,):
        command = [sys.executable, "-m", "channels.practice", "site", "--port", str(wanted)]
        command += ["--store", str(store), "--name", title, "--pages", "--until-stdin-ends"]
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
            return PracticeServer(name, told["url"], told["admin_port"], process)
        process.wait()
        _close_pipes(process)
    said = (store / "server.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise PracticeServerFailed(
        f"the practice server of {name} did not start: {said[-1] if said else 'it said nothing'}"
    )


def wanted_sites(channels: Sequence[Any]) -> dict[str, tuple[str, str]]:
    """Of channels whose address is a loopback one: name → (title, address)."""
    wanted = {}
    for channel in channels:
        address = str(channel.options.get("base_url", ""))
        if "municipal_site" in channel.adapter and urlsplit(address).hostname in ("127.0.0.1", "localhost"):
            wanted[channel.name] = (channel.title, address)
    return wanted


def start_sites(channels: Sequence[Any], folder: Path) -> dict[str, PracticeServer]:
    """A practice site for each practice channel with a loopback address, at that address if it is free."""
    servers: dict[str, PracticeServer] = {}
    try:
        for name, (title, address) in wanted_sites([c for c in channels if c.enabled and c.practice]).items():
            servers[name] = start_site(name, title, folder / name, urlsplit(address).port or 0)
    except PracticeServerFailed:
        stop_all(servers)
        raise
    return servers


def stop_all(servers: Mapping[str, PracticeServer]) -> None:
    """End them all."""
    for server in servers.values():
        server.stop()
