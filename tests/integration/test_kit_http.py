"""The door to requests keeps its promises on real sockets."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from channels.kit.http import Answer, Http, HttpSettings, Request
from publisher.errors import (
    ChannelError,
    NeedsPerson,
    OutcomeUnknown,
    Reason,
    SettingsError,
    TransientFailure,
)
from tests.support.builders import CallContext
from tests.support.certificates import self_signed
from tests.support.raw_server import Conversation, RawServer

SECRET = "TESTSECRET123"
LIMIT = 0.4
AMPLE = 3.0  # what a loaded machine may need beyond the limit


def post(url: str, *, context: CallContext | None = None, http: Http | None = None, **settings: Any) -> Answer:
    http = http or Http(HttpSettings(**settings))
    return http.call(Request("POST", f"{url}/notices", "公告".encode()), context or CallContext())


def get(url: str, **settings: Any) -> Answer:
    return Http(HttpSettings(**settings)).call(Request("GET", f"{url}/notices", reading=True), CallContext())


def failure(call: Callable[[], object]) -> tuple[ChannelError, float]:
    began = time.monotonic()
    with pytest.raises(ChannelError) as caught:
        call()
    return caught.value, time.monotonic() - began


def ok(conversation: Conversation) -> None:
    while conversation.request():
        conversation.answer(b"ok")


def silent(conversation: Conversation) -> None:
    conversation.wait_for_end()


def trickle(head: bytes) -> Callable[[Conversation], None]:
    stop = threading.Event()

    def script(conversation: Conversation) -> None:
        conversation.request()
        conversation.sock.sendall(head)
        while not stop.wait(0.02):
            conversation.sock.sendall(b"x")

    return script


class TestTheWholeCallHasAnEnd:
    @pytest.mark.parametrize(
        "head",
        [
            b"",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        ],
        ids=["status line", "headers", "body with a length", "body to the end of the connection"],
    )
    def test_trickling_bytes_do_not_prolong_a_call(self, head: bytes) -> None:
        with RawServer(trickle(head)) as server:
            error, took = failure(lambda: post(server.url, total=LIMIT))
        assert isinstance(error, OutcomeUnknown)
        assert error.reason is Reason.TIME_LIMIT
        assert LIMIT * 0.9 < took < LIMIT + AMPLE

    def test_silence_after_accepting_ends_by_the_read_limit(self) -> None:
        with RawServer(silent) as server:
            error, took = failure(lambda: post(server.url, read=LIMIT))
        assert (type(error), error.reason) == (OutcomeUnknown, Reason.TIME_LIMIT)
        assert took < LIMIT + AMPLE

    def test_the_time_that_the_context_has_left_counts(self) -> None:
        with RawServer(silent) as server:
            error, took = failure(lambda: post(server.url, context=CallContext(limit=LIMIT)))
        assert (type(error), error.reason) == (OutcomeUnknown, Reason.TIME_LIMIT)
        assert took < LIMIT + AMPLE

    def test_with_no_time_left_nothing_is_sent(self) -> None:
        with RawServer(ok) as server:
            error, _ = failure(lambda: post(server.url, context=CallContext(limit=-1)))
        assert isinstance(error, TransientFailure)
        assert not any(server.requests)

    def test_a_connection_that_is_never_accepted_ends_by_the_connect_limit(self) -> None:
        with ExitStack() as stack:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
            for _ in range(4):  # fill the queue of the listener: further callers get no answer at all
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
            error, took = failure(lambda: post(f"http://127.0.0.1:{listener.getsockname()[1]}", connect=LIMIT))
        assert (type(error), error.reason) == (TransientFailure, Reason.UNREACHABLE)
        assert took < LIMIT + AMPLE

    def test_a_call_on_a_kept_connection_ends_in_time_too(self) -> None:
        more = trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")

        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.answer(b"ok")
            more(conversation)

        with RawServer(script) as server:
            http = Http(HttpSettings(keep_alive=60))
            post(server.url, http=http)
            error, took = failure(lambda: post(server.url, http=http, context=CallContext(limit=LIMIT)))
            assert server.connections == 1
        assert (type(error), error.reason) == (OutcomeUnknown, Reason.TIME_LIMIT)
        assert took < LIMIT + AMPLE

    def test_calls_at_the_same_time_end_each_by_its_own_limit(self) -> None:
        with RawServer(trickle(b"HTTP/1.1 200 OK\r\n")) as server, ThreadPoolExecutor(3) as pool:
            http = Http(HttpSettings())
            limits = [1.2, 0.3, 0.7]
            calls = [
                pool.submit(failure, partial(post, server.url, http=http, context=CallContext(limit=limit)))
                for limit in limits
            ]
            took = [call.result()[1] for call in calls]
        assert all(limit * 0.9 < seconds for limit, seconds in zip(limits, took, strict=True))
        assert took[1] < took[2] < took[0]


class TestNames:
    def test_a_look_up_that_hangs_ends_by_the_connect_limit_and_is_not_started_twice(self) -> None:
        asked, go_on = [], threading.Event()

        def hanging(host: str, *_: object, **__: object) -> list[Any]:
            asked.append(host)
            go_on.wait()
            return []

        http = Http(HttpSettings(connect=LIMIT), look_up=hanging)
        for _ in range(2):
            error, took = failure(lambda: post("http://site.invalid:80", http=http))
            assert (type(error), error.reason) == (TransientFailure, Reason.NAME_LOOKUP)
            assert took < LIMIT + AMPLE
        go_on.set()
        assert asked == ["site.invalid"]

    def test_an_unknown_name_is_a_transient_failure(self) -> None:
        def unknown(*_: object, **__: object) -> list[Any]:
            raise socket.gaierror(-2, "Name or service not known")

        error, _ = failure(lambda: post("http://site.invalid", http=Http(HttpSettings(), look_up=unknown)))
        assert (type(error), error.reason) == (TransientFailure, Reason.NAME_LOOKUP)
        assert "site.invalid" in error.detail

    def test_an_answer_to_a_later_look_up_is_used_after_a_failed_one(self) -> None:
        with RawServer(ok) as server:
            results: list[list[Any]] = [[], [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]]
            http = Http(HttpSettings(), look_up=lambda *_, **__: results.pop(0))
            failure(lambda: post("http://site.invalid", http=http))
            assert post("http://site.invalid", http=http).status == 200

    def test_the_next_address_is_tried_and_the_host_header_stays_the_name(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nobody = closed.getsockname()
        with RawServer(ok) as server:
            addresses = [nobody, ("127.0.0.1", server.port)]
            http = Http(
                HttpSettings(),
                look_up=lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", a) for a in addresses],
            )
            assert post("http://site.invalid:8080", http=http).status == 200
        assert b"\r\nHost: site.invalid:8080\r\n" in server.requests[0]


class TestWhatAFailureMeans:
    def test_a_refused_connection_is_transient(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        error, _ = failure(lambda: post(f"http://127.0.0.1:{port}"))
        assert (type(error), error.reason) == (TransientFailure, Reason.UNREACHABLE)

    @pytest.mark.parametrize("answered", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
    def test_a_reset_after_sending_leaves_the_outcome_unknown(self, answered: bytes) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.sock.sendall(answered)
            conversation.reset()

        with RawServer(script) as server:
            error, _ = failure(lambda: post(server.url))
        assert (type(error), error.reason) == (OutcomeUnknown, Reason.ANSWER_LOST)

    @pytest.mark.parametrize(
        "answered", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"nonsense\r\n\r\n"]
    )
    def test_an_answer_that_is_not_whole_leaves_the_outcome_unknown(self, answered: bytes) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.sock.sendall(answered)

        with RawServer(script) as server:
            error, _ = failure(lambda: post(server.url))
        assert (type(error), error.reason) == (OutcomeUnknown, Reason.ANSWER_LOST)

    def test_for_a_question_the_same_failures_are_transient(self) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.reset()

        with RawServer(script) as server:
            lost, _ = failure(lambda: get(server.url))
        with RawServer(silent) as server:
            late, _ = failure(lambda: get(server.url, read=LIMIT))
        assert isinstance(lost, TransientFailure)
        assert isinstance(late, TransientFailure)

    @pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
    def test_a_redirect_is_not_followed_and_needs_a_person(self, status: str) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.answer(status=status, headers=f"Location: {conversation.server.url}/x?token={SECRET}\r\n")

        with RawServer(script) as server:
            error, _ = failure(lambda: post(server.url))
        assert isinstance(error, NeedsPerson)
        assert error.reason is Reason.MOVED
        assert f"{server.url}/x" in error.detail
        assert len(server.requests) == server.connections == 1

    def test_an_answer_without_end_is_cut_and_is_no_success(self) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.answer(b"x" * 5000)

        with RawServer(script) as server:
            error, _ = failure(lambda: post(server.url, max_answer=4999))
            assert len(post(server.url, max_answer=5000).body) == 5000
        assert (type(error), error.reason) == (OutcomeUnknown, Reason.UNKNOWN_ANSWER)

    def test_a_bomb_of_zeros_is_cut_as_well(self) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.answer(gzip.compress(bytes(10_000_000)), headers="Content-Encoding: gzip\r\n")

        with RawServer(script) as server:
            error, _ = failure(lambda: post(server.url))
        assert error.reason is Reason.UNKNOWN_ANSWER

    def test_a_header_that_cannot_be_sent_needs_a_person_and_nothing_is_sent(self) -> None:
        with RawServer(ok) as server:
            for value in ("公告", "a\r\nX-Evil: b"):
                request = Request("POST", server.url, b"x", {"X-Title": value})
                error, _ = failure(partial(Http(HttpSettings()).call, request, CallContext()))
                assert (type(error), error.reason) == (NeedsPerson, Reason.TEMPLATE_FAULT)
        assert not any(server.requests)

    def test_no_failure_shows_what_must_not_be_shown(self) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.reset()

        http = Http(HttpSettings(), secrets={"key": SECRET})
        with RawServer(script) as server:
            up = server.url
        urls = [f"{up}/{SECRET}/a?access_token=unlisted99&b={SECRET}", f"http://user:unlisted99@127.0.0.1:1/{SECRET}"]
        with RawServer(script) as server:
            urls.append(f"{server.url}/{SECRET}?access_token=unlisted99")
            for url in urls:
                request = Request("POST", url, SECRET.encode(), {"Authorization": f"Bearer {SECRET}"})
                error, _ = failure(partial(http.call, request, CallContext()))
                said = "".join(traceback.format_exception(error)) + error.detail + error.evidence + repr(request)
                assert SECRET not in said
                assert "unlisted99" not in said
            broken = Request("POST", server.url, b"x", {"Authorization": f"Bearer {SECRET}\r\nX: y"})
            error, _ = failure(partial(http.call, broken, CallContext()))
            assert SECRET not in "".join(traceback.format_exception(error))


class TestTheFirstByte:
    def test_leave_is_asked_when_the_connection_stands_and_nothing_has_been_sent(self) -> None:
        began_to_send = threading.Event()
        arrived: list[bool] = []

        def script(conversation: Conversation) -> None:
            conversation.sock.recv(1, socket.MSG_PEEK)
            began_to_send.set()
            ok(conversation)

        with RawServer(script) as server:

            def before() -> None:
                assert server.accepted.wait(AMPLE)
                arrived.append(began_to_send.wait(0.1))

            post(server.url, context=CallContext(before=before))
        assert arrived == [False]
        assert began_to_send.is_set()

    def test_without_leave_the_other_side_sees_no_byte(self) -> None:
        with RawServer(ok) as server:
            error, _ = failure(lambda: post(server.url, context=CallContext(mine=False)))
            assert server.hung_up.wait(AMPLE)
        assert error.reason is Reason.NO_LONGER_MINE
        assert server.requests == [b""]

    def test_leave_is_asked_for_every_request_of_a_kept_connection(self) -> None:
        http, context = Http(HttpSettings(keep_alive=60)), CallContext()
        with RawServer(ok) as server:
            for _ in range(3):
                post(server.url, http=http, context=context)
        assert server.connections == 1
        assert len(context.asked) == 3

    def test_the_digest_names_the_request_but_not_the_credential(self) -> None:
        one, other = (Http(HttpSettings(), secrets={"key": key}) for key in ("first-secret", "second-secret"))

        def request(key: str, text: str = "公告") -> Request:
            return Request("POST", f"http://a/b?k={key}", f"{text} {key}".encode(), {"Authorization": key})

        assert one.digest(request("first-secret")) == other.digest(request("second-secret"))
        assert one.digest(request("first-secret")) != one.digest(request("first-secret", "另文"))
        assert len(one.digest(request("first-secret"))) == 64


class TestConnections:
    def test_a_connection_is_used_again_only_within_its_time(self) -> None:
        for keep_alive, connections in ((60, 1), (0, 2)):
            http = Http(HttpSettings(keep_alive=keep_alive))
            with RawServer(ok) as server:
                post(server.url, http=http)
                post(server.url, http=http)
            assert server.connections == connections

    def test_a_connection_that_the_other_side_has_closed_is_not_used_again(self) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.answer(b"ok")

        http = Http(HttpSettings(keep_alive=60))
        with RawServer(script) as server:
            post(server.url, http=http)
            assert server.hung_up.wait(AMPLE)
            assert post(server.url, http=http).status == 200

    def test_threads_share_no_connection(self) -> None:
        http, both = Http(HttpSettings(keep_alive=60)), threading.Barrier(2)

        def one() -> int:
            both.wait()
            return post(server.url, http=http).status

        with RawServer(ok) as server, ThreadPoolExecutor(2) as pool:
            calls = [pool.submit(one) for _ in range(2)]
            assert [call.result() for call in calls] == [200, 200]
            assert server.connections == 2

    def test_proxies_and_netrc_of_the_machine_are_not_looked_at(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login other password other\n")
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with RawServer(ok) as server:
            request = Request("POST", server.url, b"x", {"Authorization": "Bearer mine"})
            assert Http(HttpSettings()).call(request, CallContext()).status == 200
        assert b"\r\nAuthorization: Bearer mine\r\n" in server.requests[0]

    def test_a_compressed_answer_is_opened(self) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.answer(gzip.compress("发布成功".encode()), headers="Content-Encoding: gzip\r\n")

        with RawServer(script) as server:
            assert post(server.url).text == "发布成功"

    def test_a_page_in_gbk_that_declares_nothing_is_read_right(self) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.answer("发布成功，编号：YL-1".encode("gbk"), headers="Content-Type: text/html\r\n")

        with RawServer(script) as server:
            assert post(server.url).text == "发布成功，编号：YL-1"


class TestTls:
    def http(self, port: int, host: str = "site.invalid", **settings: Any) -> Http:
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        return Http(HttpSettings(**settings), look_up=lambda *_, **__: [address])

    def test_an_unknown_certificate_is_refused_before_anything_is_sent(self, tmp_path: Path) -> None:
        _, tls = self_signed(tmp_path, "site.invalid")
        with RawServer(ok, tls=tls) as server:
            error, _ = failure(lambda: post("https://site.invalid", http=self.http(server.port)))
        assert (type(error), error.reason) == (TransientFailure, Reason.TLS)
        assert not any(server.requests)

    def test_a_pinned_certificate_is_trusted_for_its_own_name_only(self, tmp_path: Path) -> None:
        pinned, tls = self_signed(tmp_path, "site.invalid")
        with RawServer(ok, tls=tls) as server:
            http = self.http(server.port, ca_file=pinned)
            assert post("https://site.invalid", http=http).status == 200
            error, _ = failure(lambda: post("https://other.invalid", http=http))
        assert error.reason is Reason.TLS
        assert len([request for request in server.requests if request]) == 1

    def test_the_relaxations_of_a_channel_are_logged(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        pinned, _ = self_signed(tmp_path, "site.invalid")
        Http(HttpSettings(ca_file=pinned, legacy_tls=True), name="old_site")
        assert "old_site" in caplog.text
        assert "legacy handshake, own certificates" in caplog.text

    def test_certificates_that_cannot_be_read_are_a_wrong_setting(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="nowhere"):
            Http(HttpSettings(ca_file=tmp_path / "nowhere.pem"))

    def test_a_server_that_speaks_no_tls_is_a_tls_failure(self) -> None:
        def script(conversation: Conversation) -> None:
            conversation.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with RawServer(script) as server:
            error, _ = failure(lambda: post("https://site.invalid", http=self.http(server.port)))
        assert isinstance(error, TransientFailure)
        assert error.reason is Reason.TLS

    def test_a_handshake_that_trickles_ends_in_time_and_nothing_was_sent(self) -> None:
        stop = threading.Event()

        def script(conversation: Conversation) -> None:
            conversation.sock.sendall(b"\x16\x03\x03\x3f\xff")  # the head of a long handshake record
            while not stop.wait(0.02):
                conversation.sock.sendall(b"\x02")

        with RawServer(script) as server:
            http = self.http(server.port, connect=60.0, total=LIMIT)
            error, took = failure(lambda: post("https://site.invalid", http=http))
        assert isinstance(error, TransientFailure)
        assert took < LIMIT + AMPLE

    def test_an_answer_that_trickles_through_tls_is_cut(self, tmp_path: Path) -> None:
        pinned, tls = self_signed(tmp_path, "site.invalid")
        with RawServer(trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"), tls=tls) as server:
            http = self.http(server.port, ca_file=pinned, total=LIMIT)
            error, took = failure(lambda: post("https://site.invalid", http=http))
        assert (type(error), error.reason) == (OutcomeUnknown, Reason.TIME_LIMIT)
        assert took < LIMIT + AMPLE
