"""Acts beside a running daemon: what a person types in another process, it does at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.desk import TestDesk
from tests.support.repository import ROOT

MORE = """
[wechat_feed]
title = "微信资讯"
adapter = "channels.wechat_feed:WechatFeed"
tier = "self_media"
carries = [{ carry = "optional" }]
operations = ["publish", "update", "withdraw"]
[wechat_feed.options]
base_url = "http://127.0.0.1:9/"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    """An installation with a site and the feed, and its daemon running."""
    built = TestDesk(tmp_path)
    built.build("county", more=MORE)
    words = ["run", "--home", str(built.home), "--data", str(built.data)]
    environ = dict(os.environ) | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "publisher", *words], stdout=log, stderr=log, env=environ)
    yield built
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    built.close()


def wait_for(what: str, true: Callable[[], object], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def test_what_is_withdrawn_while_the_daemon_runs_leaves_the_feed_and_asks_a_person_for_the_site(desk: TestDesk) -> None:
    feed = desk.data / "out" / "wechat_feed" / "feed.json"
    receipts = desk.data / "folders" / "回执"
    wait_for("the daemon did not start", lambda: desk.run("status").exit_code == 0)
    desk.drop("招标公告甲")
    wait_for("nothing was published", lambda: feed.exists() and "招标公告甲" in feed.read_text("utf-8"))
    wait_for("the site has nothing", lambda: desk.sites["county"].items())
    wait_for("no receipt", lambda: any("已发布" in p.read_text("utf-8-sig") for p in receipts.glob("1_*")))
    told = desk.run("withdraw", "1", "--by", "王某", "--reason", "项目终止")
    assert told.exit_code == 0
    wait_for("it stayed in the feed", lambda: "招标公告甲" not in feed.read_text("utf-8"))
    wait_for("the receipt does not say so", lambda: "已撤回" in desk.receipt("1"))

    assert [item["state"] for item in desk.sites["county"].items()] == ["public"]
    assert [task["channel"] for task in desk.json("tasks")] == ["county"]
    assert desk.json("count")[0]["publications"] == 2
    assert desk.run("verify").exit_code == 0
