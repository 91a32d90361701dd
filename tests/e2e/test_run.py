"""The program as a process: it says that it is ready, works, and ends with its practice servers when told to."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from publisher.practice_servers import start_site
from tests.support.desk import TestDesk
from tests.support.repository import ROOT


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    built = TestDesk(tmp_path)
    built.build()
    section = TestDesk(tmp_path / "other")
    section.folder.mkdir()
    section.build("county")
    # The address is that of a site that is gone: `--practice` has to start one there.
    text = (section.home / "channels.toml").read_text("utf-8")
    section.close()
    (built.home / "channels.toml").write_text(text, "utf-8")
    yield built
    built.close()


@contextmanager
def running(desk: TestDesk, *words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "publisher", *words, "--home", str(desk.home), "--data", str(desk.data)]
    environ = dict(os.environ) | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    with (desk.folder / "errors.txt").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environ)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def listens(url: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=1):
            return True
    except OSError:
        return False


def wait_for(what: Callable[[], Any], seconds: float = 15) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_run_with_practice_servers_publishes_what_is_dropped_and_ends_with_them(
    desk: TestDesk, end: signal.Signals
) -> None:
    with running(desk, "run", "--practice", "--json") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["ready"] is True and ready["practice"] is True and Path(ready["drop"]).is_dir()
        assert listens(ready["sites"]["county"])
        desk.drop("招标公告甲")
        published = wait_for(lambda: desk.json("status")[0]["today"]["publications"])
        status = desk.run("status").stdout
        refused = desk.run("once")
        process.send_signal(end)
        code = process.wait(15)

    assert published == 1
    assert "今日 1 件（按渠道计，公告 1 份），程序运行正常" in status
    assert refused.exit_code == 2 and "another daemon is running" in refused.stderr
    assert code == 0, (desk.folder / "errors.txt").read_text()
    assert not listens(ready["sites"]["county"])
    assert "程序未运行" in desk.run("status").stdout
    assert desk.run("verify").exit_code == 0


def test_where_the_port_of_a_practice_site_is_taken_its_channel_follows_it(desk: TestDesk) -> None:
    channels = desk.home / "channels.toml"
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"http://127.0.0.1:{other.getsockname()[1]}"
        channels.write_text(re.sub(r"http://127[.\d:]+", taken, channels.read_text("utf-8")), "utf-8")
        with running(desk, "run", "--practice", "--json") as process:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            desk.drop("招标公告甲")
            published = wait_for(lambda: desk.json("status")[0]["today"]["publications"])

    assert ready["sites"]["county"] != taken
    assert published == 1


def test_practice_servers_end_with_a_program_that_is_killed(desk: TestDesk) -> None:
    with running(desk, "run", "--practice", "--json") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert listens(ready["sites"]["county"])
        process.kill()
        process.wait(15)
        assert wait_for(lambda: not listens(ready["sites"]["county"]))


def test_ctrl_c_does_not_reach_the_practice_servers_before_the_program_ends_them(tmp_path: Path) -> None:
    server = start_site("county", "县网", tmp_path / "store")
    try:
        assert os.getpgid(server.process.pid) != os.getpgid(0)
        assert listens(server.url)
    finally:
        server.stop()
    assert not listens(server.url)


def test_a_program_of_its_own_name_answers_as_the_module_does() -> None:
    asked = [[str(Path(sys.executable).with_name("publisher"))], [sys.executable, "-m", "publisher"]]
    environ = dict(os.environ) | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    answers = [
        subprocess.run([*command, "schema"], capture_output=True, env=environ, check=True).stdout for command in asked
    ]
    assert answers[0] == answers[1]
    assert "招标公告" in answers[0].decode("utf-8")
