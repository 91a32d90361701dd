"""The practice province as a server and as a program: it reviews, forwards, and lets persons work."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from channels.practice.province import PracticeProvince
from publisher.simulation import SimulatedClock
from tests.support.builders import START

NOTICE = {
    "sourceDataKey": "d-1",
    "noticeForm": "招标公告",
    "noticeName": "崇文社区招标公告",
    "noticeContent": "<p>正文</p>",
    "projectName": "崇文社区",
    "projectCode": "P-1",
}


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(START)


@pytest.fixture
def province(tmp_path: Path, clock: SimulatedClock) -> Iterator[PracticeProvince]:
    province = PracticeProvince(tmp_path / "store", clock=clock, pages=True).start()
    yield province
    province.stop()


def call(port: int, method: str, path: str, value: object = None) -> tuple[int, Any, dict[str, str]]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode() if value is not None else None
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        data = response.read()
        headers = {name.lower(): text for name, text in response.getheaders()}
        is_json = headers["content-type"].startswith("application/json")
        return response.status, json.loads(data) if is_json else data.decode(), headers
    finally:
        connection.close()


def form(port: int, path: str, **fields: str) -> tuple[int, str, dict[str, str]]:
    return call(port, "POST", path, urlencode(fields).encode())


def hand_in(province: PracticeProvince, **changes: str) -> str:
    status, told, _ = call(province.port, "POST", "/api/notices", NOTICE | changes)
    assert (status, told["result"]) == (202, "accepted"), told
    return str(told["ticket"])


def told(province: PracticeProvince, ticket: str) -> dict[str, Any]:
    answer: dict[str, Any] = call(province.port, "GET", f"/api/tickets/{ticket}")[1]
    return answer


def test_every_answer_names_the_practice_server(province: PracticeProvince) -> None:
    paths = ["/", "/review", "/desk", "/nowhere", "/api/tickets/x", "/api/nowhere", "/practice/state"]
    for path in paths:
        assert call(province.port, "GET", path)[2]["x-practice"] == "notice-publisher"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"noticeName": ""}, 422, "noticeName"),
        ({"noticeContent": " "}, 422, "noticeContent"),
        ({"noticeForm": ""}, 422, "noticeForm"),
        ({"noticeForm": "公开招标公告"}, 422, "tendererName"),
        ({"noticeForm": "中标结果公告"}, 422, "winnerName"),
        ({"column": "01"}, 422, "column"),
        ({"noticeContent": "<SCRIPT>x</SCRIPT>"}, 422, "noticeContent"),
        ({"attachments": ["99"]}, 422, "files"),
        ({"relateNoticeId": "SD-1"}, 422, "relateNoticeId"),
        ({"noticeContent": "长" * 800_000}, 413, None),
    ],
)
def test_what_the_real_thing_refuses_is_refused(
    province: PracticeProvince, change: dict[str, Any], status: int, field: str | None
) -> None:
    got, answer, _ = call(province.port, "POST", "/api/notices", NOTICE | change)
    assert (got, answer["result"]) == (status, "refused")
    assert field is None or answer["errors"][field]
    assert province.items() == []


def test_what_is_stored_outlives_the_province(tmp_path: Path) -> None:
    first = PracticeProvince(tmp_path).start()
    ticket = hand_in(first)
    first.stop()
    second = PracticeProvince(tmp_path).start()
    answer = told(second, ticket)
    second.stop()
    assert (answer["result"], answer["status"]) == ("found", "审核中")


def test_the_review_lets_through_by_itself_after_its_time(province: PracticeProvince, clock: SimulatedClock) -> None:
    province.switch(auto_publish_after=600)
    ticket = hand_in(province)
    clock.move_to(START + timedelta(seconds=599))
    assert told(province, ticket)["status"] == "审核中"
    clock.move_to(START + timedelta(hours=1))
    answer = told(province, ticket)
    assert (answer["status"], answer["number"]) == ("已发布", "SD-9931")
    assert datetime.fromisoformat(answer["publishedAt"]) == START + timedelta(seconds=600)


def test_the_review_goes_on_without_being_asked(province: PracticeProvince) -> None:
    hand_in(province)
    province.switch(auto_publish_after=0)
    end = time.monotonic() + 10
    while province.items()[0]["state"] != "published" and time.monotonic() < end:
        time.sleep(0.02)
    assert province.items()[0]["state"] == "published"


def test_a_reviewer_reads_approves_and_refuses_with_a_reason(province: PracticeProvince) -> None:
    first, second = hand_in(province), hand_in(province, sourceDataKey="d-2", noticeName="第二份公告")
    listed = call(province.port, "GET", "/review")[1]
    assert "待审核 2 件" in listed and "崇文社区招标公告" in listed and "演练" in listed
    page = call(province.port, "GET", "/review/1")[1]
    assert "<p>正文</p>" in page and "P-1" in page and "审核通过并发布" in page

    status, _, headers = form(province.port, "/review/1", act="approve")
    assert (status, headers["location"]) == (303, "/review/1")
    assert told(province, first)["number"] == "SD-9931"

    status, page, _ = form(province.port, "/review/2", act="refuse", reason=" ")
    assert status == 422 and "请填写理由" in page
    assert told(province, second)["status"] == "审核中"
    form(province.port, "/review/2", act="refuse", reason="附件缺失")
    assert (told(province, second)["status"], told(province, second)["reason"]) == ("审核不通过", "附件缺失")
    assert "待审核 0 件" in call(province.port, "GET", "/review")[1]


def test_what_was_decided_is_not_decided_again(province: PracticeProvince) -> None:
    ticket = hand_in(province)
    form(province.port, "/review/1", act="approve")
    form(province.port, "/review/1", act="refuse", reason="太晚")
    assert told(province, ticket)["status"] == "已发布"


def test_readers_see_what_is_public_and_nothing_else(province: PracticeProvince, tmp_path: Path) -> None:
    hand_in(province)
    assert "崇文社区" not in call(province.port, "GET", "/")[1]
    assert call(province.port, "GET", "/notices/1.html")[0] == 404
    province.approve(province.filed(1))
    assert "崇文社区招标公告" in call(province.port, "GET", "/")[1]
    page = call(province.port, "GET", "/notices/1.html")[1]
    assert '<div id="notice-text"><p>正文</p></div>' in page and "SD-9931" in page and "演练网站" in page
    assert (tmp_path / "store/pages/notices/1.html").read_text("utf-8") == page


def test_what_is_public_cannot_be_changed_or_withdrawn(province: PracticeProvince) -> None:
    hand_in(province)
    number = province.approve(province.filed(1)).number
    for method, path in (("PUT", f"/api/notices/{number}"), ("POST", f"/api/notices/{number}/withdraw")):
        status, answer, _ = call(province.port, method, path, {"noticeName": "新", "noticeContent": "<p>新</p>"})
        assert (status, answer["result"]) == (409, "immutable")
    assert call(province.port, "PUT", "/api/notices/SD-1", {})[0] == 404


def test_the_script_gives_the_words_in_turn_and_the_last_takes_effect(province: PracticeProvince) -> None:
    ticket = hand_in(province)
    province.switch(script="SUMITTED,null,审核中,已发布")
    said = [told(province, ticket)["status"] for _ in range(5)]
    assert said == ["SUMITTED", None, "审核中", "已发布", "已发布"]


def test_a_person_types_a_notice_in_behind_a_captcha(province: PracticeProvince) -> None:
    page = call(province.port, "GET", "/desk")[1]
    first, second = map(int, re.findall(r"验证码：(\d+) \+ (\d+)", page)[0])
    (token,) = re.findall(r'name="token" value="(\w+)"', page)
    typed = {name: NOTICE[name] for name in ("noticeForm", "noticeName", "projectName")}
    typed |= {"noticeContent": "第一行\n<第二行>", "token": token}
    wrong = form(province.port, "/desk", **typed, captcha="0")[1]
    assert "验证码不正确" in wrong and province.items() == []

    # A captcha is good for one try, right or wrong; what was typed is kept.
    assert "验证码不正确" in form(province.port, "/desk", **typed, captcha=str(first + second))[1]
    (token,) = re.findall(r'name="token" value="(\w+)"', wrong)
    first, second = map(int, re.findall(r"验证码：(\d+) \+ (\d+)", wrong)[0])
    assert 'value="崇文社区招标公告"' in wrong
    done = form(province.port, "/desk", **(typed | {"token": token}), captcha=str(first + second))[1]
    assert "SD-9931" in done and f"{province.base_url}/notices/1.html" in done
    assert "<p>第一行</p><p>&lt;第二行&gt;</p>" in call(province.port, "GET", "/notices/1.html")[1]


def test_what_is_wrong_with_what_was_typed_is_said_on_the_form(province: PracticeProvince) -> None:
    page = call(province.port, "GET", "/desk")[1]
    first, second = map(int, re.findall(r"验证码：(\d+) \+ (\d+)", page)[0])
    (token,) = re.findall(r'name="token" value="(\w+)"', page)
    answer = form(province.port, "/desk", noticeForm="招标公告", token=token, captcha=str(first + second))[1]
    assert "公告标题不能为空" in answer and province.items() == []


def test_forwarding_waits_its_time_and_outlasts_a_higher_site_that_is_down(
    province: PracticeProvince, clock: SimulatedClock, tmp_path: Path
) -> None:
    higher = PracticeProvince(tmp_path / "higher", prefix="QG", switches={"auto_publish_after": 0}, clock=clock).start()
    province.switch(forward_to=higher.base_url, forward_after=3600)
    hand_in(province)
    province.approve(province.filed(1))
    province.review()
    assert higher.items() == []
    higher.down()
    clock.move_to(START + timedelta(hours=2))
    province.review()
    assert higher.items() == []
    higher.up()
    province.review()
    answer = call(higher.port, "GET", "/api/notices?source_number=SD-9931")[1]
    higher.stop()
    (item,) = answer["items"]
    assert (item["source_number"], item["title"], item["number"]) == ("SD-9931", "崇文社区招标公告", "QG-9931")


@contextmanager
def program(store: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "channels.practice", "province", "--store", str(store), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(10) == 0


def test_it_runs_as_a_program_and_leaves_its_pages_behind(tmp_path: Path) -> None:
    with program(
        tmp_path, "--name", "演练省", "--prefix", "YL", "--pages", "--switch", "auto_publish_after=0"
    ) as ready:
        number = call(ready["port"], "POST", "/api/notices", NOTICE)[1]["number"]
        call(ready["admin_port"], "POST", "/practice/down")
    assert number == "YL-9931"
    assert "崇文社区招标公告" in (tmp_path / "pages/index.html").read_text("utf-8")
    assert "审核工作台" in (tmp_path / "pages/review.html").read_text("utf-8")


def test_a_switch_that_does_not_exist_ends_the_program_with_its_name(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "channels.practice",
        "province",
        "--store",
        str(tmp_path),
        "--switch",
        "autopublish",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2 and "autopublish" in done.stderr
