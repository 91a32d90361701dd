"""The practice site as a program: prints its address as one JSON line when it is ready, ends on SIGTERM."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import threading
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from channels.practice.server import PracticeServer
from channels.practice.site import PracticeSite

Hook = Callable[[dict[str, Any]], None]


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m channels.practice site", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the site; 0: a free one")
    parser.add_argument("--admin-port", type=int, default=0, help="port that answers /practice/ even when down")
    parser.add_argument("--store", type=Path, required=True, help="folder that keeps what the site is given")
    parser.add_argument("--name", default="某市公共资源交易网", help="name that the pages show")
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--pages", action="store_true", help="write the readers' pages below the store as well")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end with whoever holds the other end of stdin")
    parser.add_argument("--hook-url", help="POST each stored item there before answering")
    parser.add_argument("--hook-kill-pidfile", type=Path, help="kill the process whose id is in this file …")
    parser.add_argument("--hook-kill-every", type=int, default=1, help="… at every so many-th stored item")
    parser.add_argument("--hook-kill-chance", type=float, default=1.0, help="… with this probability")
    return parser.parse_args(arguments)


def _post_hook(url: str) -> Hook:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def hook(item: dict[str, Any]) -> None:
        body = json.dumps(item, ensure_ascii=False).encode()
        with contextlib.suppress(OSError):  # whoever listens may be gone: the site goes on
            opener.open(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=10).close()

    return hook


def _kill_hook(pidfile: Path, every: int, chance: float) -> Hook:
    stored = 0
    lock = threading.Lock()

    def hook(item: dict[str, Any]) -> None:
        nonlocal stored
        with lock:
            stored += 1
            due = stored % every == 0
        if due and random.random() < chance:
            with contextlib.suppress(OSError, ValueError):  # already gone, or not yet started
                os.kill(int(pidfile.read_text()), signal.SIGKILL)

    return hook


def _hook(options: argparse.Namespace) -> Hook | None:
    hooks: list[Hook] = []
    if options.hook_url:
        hooks.append(_post_hook(options.hook_url))
    if options.hook_kill_pidfile:
        hooks.append(_kill_hook(options.hook_kill_pidfile, options.hook_kill_every, options.hook_kill_chance))
    if not hooks:
        return None

    def all_hooks(item: dict[str, Any]) -> None:
        for hook in hooks:
            hook(item)

    return all_hooks


def switches_of(texts: Sequence[str]) -> dict[str, str]:
    """The switches of a command line: `NAME=VALUE`, or `NAME` for true."""
    pairs = (text.partition("=") for text in texts)
    return {name: value if equals else "true" for name, equals, value in pairs}


def _wait_for_the_end_of_stdin(ended: threading.Event) -> None:
    """A program that is killed cannot end its servers; its end of the pipe closes all the same."""
    while os.read(0, 1024):
        pass
    ended.set()


def main(arguments: list[str]) -> int:
    """Run the site until SIGTERM or SIGINT."""
    options = _arguments(arguments)
    switches = switches_of(options.switch)
    try:
        site = PracticeSite(
            options.store,
            name=options.name,
            port=options.port,
            admin_port=options.admin_port,
            switches=switches,
            on_stored=_hook(options),
            pages=options.pages,
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    serve(site, until_stdin_ends=options.until_stdin_ends)
    return 0


def serve(site: PracticeServer, *, until_stdin_ends: bool) -> None:
    """Run a practice server until SIGTERM or SIGINT, or until stdin ends; says in one JSON line that it is ready."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    if until_stdin_ends:
        threading.Thread(target=_wait_for_the_end_of_stdin, args=[ended], daemon=True).start()
    site.start()
    ready = {"url": site.base_url, "port": site.port, "admin_port": site.admin_port, "pid": os.getpid()}
    print(json.dumps(ready), flush=True)
    ended.wait()
    site.stop()
