"""The shipped settings as a newcomer runs them: one notice to every medium, a reviewer and a typist at work."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.test_run import running, wait_for
from tests.support.desk import TestDesk


@pytest.fixture
def desk(tmp_path: Path) -> TestDesk:
    """The shipped channels at free ports, and asked so often that nobody waits."""
    desk = TestDesk(tmp_path)
    desk.home.mkdir()
    desk.build()
    text = (Path(__file__).parents[2] / "config/channels.toml").read_text("utf-8")
    ports = dict(zip(sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", text))), free_ports(), strict=False))
    text = re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"127.0.0.1:{ports[found[1]]}", text)
    text = re.sub(r"^poll = .*$", 'poll = ["200ms"]', text, flags=re.MULTILINE)
    (desk.home / "channels.toml").write_text(text, "utf-8")
    return desk


def free_ports() -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(10)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def read(url: str, **fields: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    body = urlencode(fields).encode() if fields else None
    with opener.open(url, body, timeout=10) as answer:
        return str(answer.read().decode("utf-8"))


def states(desk: TestDesk, number: str) -> dict[str, str]:
    """By channel; empty until it is taken in."""
    shown = desk.run("show", number, "--json")
    deliveries = json.loads(shown.stdout)["deliveries"] if shown.exit_code == 0 else []
    return {one["channel"]: one["state"] for one in deliveries}


def becomes(desk: TestDesk, number: str, wanted: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    wait_for(lambda: wanted(states(desk, number)))
    return states(desk, number)


def test_a_reviewer_lets_it_through_and_it_comes_up_nationally_and_a_typist_confirms(desk: TestDesk) -> None:
    with running(desk, "run", "--practice", "--json") as process:
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        sites = ready["sites"]
        assert set(sites) == {
            *("county_site", "county_portal", "city_site"),
            *("sd_procurement", "sd_works", "national_site"),
        }
        desk.drop("采购公告甲", form="公开招标公告", project_class="procurement")
        seen = becomes(
            desk, "1", lambda now: now.get("sd_procurement") == "submitted" and now.get("county_portal") == "published"
        )
        assert (seen["sd_procurement"], seen["national_site"], seen["county_site"]) == (
            *("submitted", "submitted"),
            "published",
        )

        assert "采购公告甲" in read(f"{sites['sd_procurement']}/review")
        read(f"{sites['sd_procurement']}/review/1", act="approve")
        seen = becomes(desk, "1", lambda now: now.get("national_site") == "published")
        assert set(seen.values()) == {"published"}
        assert "采购公告甲" in read(f"{sites['national_site']}/notices/1.html")

        desk.drop("工程公告乙")
        becomes(desk, "2", lambda now: now.get("sd_works") == "submitted")
        sheet = desk.run("tasks", "2").stdout
        assert f"网址：{sites['sd_works']}/desk" in sheet
        typed = typed_in(sites["sd_works"], sheet)
        number, url = (re.findall(pattern, typed)[0] for pattern in (r'notice-number">([^<]+)', r'href="([^"]+)"'))
        told = ["--channel", "sd_works", "--number", number, "--url", url, "--proof", "截图", "--by", "王某"]
        assert desk.run("confirm", "2", *told).exit_code == 0
        assert set(becomes(desk, "2", lambda now: set(now.values()) == {"published"}).values()) == {"published"}
        assert "工程公告乙" in read(url)
    assert desk.run("verify").exit_code == 0


def typed_in(site: str, sheet: str) -> str:
    """Open the form, solve the captcha, copy the sheet."""
    page = read(f"{site}/desk")
    first, second = map(int, re.findall(r"验证码：(\d+) \+ (\d+)", page)[0])
    (token,) = re.findall(r'name="token" value="(\w+)"', page)

    def line(label: str) -> str:
        return re.findall(rf"^\d+\. {label}：(.*)$", sheet, re.MULTILINE)[0]

    text = sheet.partition("公告正文：")[2]
    fields = {"noticeForm": line("公告类型"), "noticeName": line("公告标题"), "projectName": line("项目名称")}
    return read(f"{site}/desk", **fields, noticeContent=text, token=token, captcha=str(first + second))
