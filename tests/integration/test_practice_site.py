"""The practice site as a server and as a program: it keeps what it is given, refuses, and fails when told to."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from channels.practice.site import PracticeSite

NOTICE = {"key": "d-1", "title": "招标公告", "body": "<p>正文</p>"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PracticeSite]:
    site = PracticeSite(tmp_path / "store", pages=True).start()
    yield site
    site.stop()


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


@contextmanager
def program(store: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "channels.practice", "site", "--store", str(store), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(10) == 0


def test_what_is_stored_outlives_the_site(tmp_path: Path) -> None:
    first = PracticeSite(tmp_path).start()
    _, answer, _ = call(first.port, "POST", "/api/notices", NOTICE)
    first.stop()
    second = PracticeSite(tmp_path).start()
    status, found, _ = call(second.port, "GET", "/api/notices/d-1")
    second.stop()
    assert (status, found["number"]) == (200, answer["number"])


def test_it_is_stored_before_it_is_answered(tmp_path: Path) -> None:
    seen: list[int] = []
    other = PracticeSite(tmp_path, on_stored=lambda item: seen.append(len(other.items())))
    other.start()
    call(other.port, "POST", "/api/notices", NOTICE)
    other.stop()
    assert seen == [1]


def test_every_answer_names_the_practice_server(site: PracticeSite) -> None:
    for method, path in (("GET", "/"), ("GET", "/nowhere"), ("POST", "/api/notices"), ("GET", "/practice/state")):
        assert call(site.port, method, path, b"{}")[2]["x-practice"] == "notice-publisher"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"title": ""}, 422, "title"),
        ({"body": " "}, 422, "body"),
        ({"key": ""}, 422, "key"),
        ({"title": 7}, 422, "title"),
        ({"column": "01"}, 422, "column"),
        ({"body": "<p>a</p><SCRIPT>x</SCRIPT>"}, 422, "body"),
        ({"files": ["99"]}, 422, "files"),
        ({"body": "长" * 800_000}, 413, None),
    ],
)
def test_what_the_real_thing_refuses_is_refused(
    site: PracticeSite, change: dict[str, Any], status: int, field: str | None
) -> None:
    got, answer, _ = call(site.port, "POST", "/api/notices", NOTICE | change)
    assert (got, answer["result"]) == (status, "refused")
    assert field is None or answer["errors"][field]
    assert site.items() == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_what_is_no_object_is_refused(site: PracticeSite, body: bytes) -> None:
    assert call(site.port, "POST", "/api/notices", body)[0] == 400


def test_readers_see_a_list_and_a_page_marked_as_practice(site: PracticeSite, tmp_path: Path) -> None:
    _, answer, _ = call(site.port, "POST", "/api/notices", NOTICE | {"title": "招标<公告>"})
    _, listed, _ = call(site.port, "GET", "/")
    _, page, _ = call(site.port, "GET", answer["url"])
    for text in (listed, page):
        assert "演练" in text
        assert "招标&lt;公告&gt;" in text
    assert '<div id="notice-text"><p>正文</p></div>' in page
    assert answer["number"] in page
    assert (tmp_path / "store" / "pages" / answer["url"].lstrip("/")).read_text() == page


def _refuses(port: int, until: float) -> bool:
    while time.monotonic() < until:
        try:
            call(port, "GET", "/")
        except ConnectionRefusedError:
            return True
        except (ConnectionError, http.client.HTTPException):
            continue  # it is just closing
    return False


def test_down_it_refuses_and_the_other_port_brings_it_back(site: PracticeSite) -> None:
    port = site.port
    assert call(site.admin_port, "POST", "/practice/down")[0] == 200
    assert _refuses(port, time.monotonic() + 30)  # it closes after it has answered
    with pytest.raises(ConnectionRefusedError):
        call(port, "GET", "/")
    assert call(site.admin_port, "GET", "/practice/state")[0] == 200
    call(site.admin_port, "POST", "/practice/up")
    assert site.port == port
    assert call(port, "GET", "/")[0] == 200


def test_switches_change_while_it_runs_and_wrong_ones_are_named(site: PracticeSite) -> None:
    status, switches, _ = call(site.port, "POST", "/practice/switches", {"idempotent": "false", "slow": "0.01"})
    assert (status, switches["idempotent"], switches["slow"]) == (200, False, 0.01)
    call(site.port, "POST", "/api/notices", NOTICE)
    call(site.port, "POST", "/api/notices", NOTICE)
    assert len(site.items()) == 2
    wrongs: list[object] = [{"idempotnt": True}, {"fail": "sometimes"}, {"slow": "long"}, {"idempotent": "perhaps"}, []]
    for wrong in wrongs:
        assert call(site.port, "POST", "/practice/switches", wrong)[0] == 400


def test_a_failure_can_be_for_the_next_few_or_for_every_third(site: PracticeSite) -> None:
    site.switch(fail="500_before_store", fail_times=2)
    statuses = [call(site.port, "POST", "/api/notices", NOTICE | {"key": f"a{n}"})[0] for n in range(4)]
    assert statuses == [500, 500, 201, 201]
    site.switch(fail="500_after_store", fail_times=-1, fail_every=3)
    statuses = [call(site.port, "POST", "/api/notices", NOTICE | {"key": f"b{n}"})[0] for n in range(6)]
    assert statuses == [201, 201, 500, 201, 201, 500]
    assert len(site.items()) == 2 + 6


def test_the_key_shows_nowhere(site: PracticeSite) -> None:
    site.switch(key="TESTSECRET123")
    assert "TESTSECRET123" not in json.dumps(site.state())
    assert call(site.port, "POST", "/api/notices", NOTICE)[0] == 401


def test_half_a_request_stores_nothing(site: PracticeSite) -> None:
    whole = json.dumps(NOTICE).encode()
    head = f"POST /api/notices HTTP/1.1\r\nContent-Length: {len(whole) + 1}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
        connection.sendall(head + whole)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000) == b""
    assert site.items() == []


def test_stopping_does_not_wait_for_slow_answers(tmp_path: Path) -> None:
    stored = threading.Event()
    site = PracticeSite(tmp_path, switches={"slow": 600}, on_stored=lambda _: stored.set()).start()

    def caller() -> None:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            call(site.port, "POST", "/api/notices", NOTICE)

    thread = threading.Thread(target=caller)
    thread.start()
    assert stored.wait(10)
    site.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_as_a_program_it_tells_its_address_and_ends_on_request(tmp_path: Path) -> None:
    with program(tmp_path, "--switch", "idempotent=false", "--pages") as ready:
        assert call(ready["port"], "POST", "/api/notices", NOTICE)[0] == 201
        _, state, _ = call(ready["admin_port"], "GET", "/practice/state")
        assert state["switches"]["idempotent"] is False
        assert [item["key"] for item in state["items"]] == ["d-1"]
    assert "招标公告" in (tmp_path / "pages" / "index.html").read_text()


def test_as_a_program_it_refuses_a_switch_that_does_not_exist(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "channels.practice", "site", "--store", str(tmp_path), "--switch", "x=1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "idempotent" in done.stderr


def test_as_a_program_it_kills_who_it_is_told_to_between_storing_and_answering(tmp_path: Path) -> None:
    victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pidfile = tmp_path / "pid"
    pidfile.write_text(str(victim.pid))
    try:
        hook = ("--hook-kill-pidfile", str(pidfile), "--hook-kill-every", "2")
        with program(tmp_path / "store", *hook) as ready:
            call(ready["port"], "POST", "/api/notices", NOTICE)
            assert victim.poll() is None
            call(ready["port"], "POST", "/api/notices", NOTICE | {"key": "d-2"})
            assert victim.wait(10) == -signal.SIGKILL
            assert len(call(ready["port"], "GET", "/practice/state")[1]["items"]) == 2
    finally:
        if victim.poll() is None:
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait()
        assert victim.stdin is not None
        victim.stdin.close()


def test_as_a_program_it_tells_of_each_stored_item_before_it_answers(tmp_path: Path, site: PracticeSite) -> None:
    with program(tmp_path / "other", "--hook-url", f"{site.base_url}/hook") as ready:
        call(ready["port"], "POST", "/api/notices", NOTICE)
    assert ("POST", "/hook") in site.seen


def test_a_form_names_the_files_that_belong_to_its_notice(site: PracticeSite) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
    connection.request("POST", "/api/files", b"%PDF", {"X-File-Name": "a.pdf", "X-Key": "d-1"})
    told = json.loads(connection.getresponse().read())
    connection.close()
    form = f"key=d-1&title=T&body=B&files={told['id']}"
    _, page, _ = call(site.port, "POST", "/form/notices", form.encode())
    assert "发布成功" in page
    assert [file["name"] for file in site.items()[0]["files"]] == ["a.pdf"]
    _, page, _ = call(site.port, "POST", "/form/notices", b"key=d-2&title=T&body=B&files=99")
    assert "附件不存在" in page
