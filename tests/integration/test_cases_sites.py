"""Failures of comparable systems at the sites' doors: log-in, address lists, old TLS, attachments, characters."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.kit.http import Http, HttpSettings, Request
from channels.municipal_site import MunicipalSite
from channels.provincial_site import ProvincialSite
from publisher.channel import AnyChannel, ChannelConfig
from publisher.delivery import State
from publisher.errors import ChannelError, Reason, SettingsError, TransientFailure
from publisher.ledger import acts, again, channel_state
from publisher.ledger.acts import Person
from tests.support.builders import CallContext, a_config, a_notice, a_submission, an_attachment
from tests.support.certificates import self_signed
from tests.support.old_tls import WithoutRenegotiationInfo, tls_1_0
from tests.support.raw_server import Conversation, RawServer
from tests.support.sending import World, a_world

PRACTICE = "X-Practice: notice-publisher\r\nContent-Type: application/json\r\n"
TAKEN = b'{"result": "ok", "number": "7", "status": "\xe5\xb7\xb2\xe5\x8f\x91\xe5\xb8\x83"}'
IDEMPOTENT = {"idempotent_for": "30d"}


def many(world: World, count: int) -> list[str]:
    return [world.accept(a_notice(project_no=f"NO-{n}", dates={})) for n in range(count)]


def alarms(world: World) -> list[str]:
    return [event for event in world.events() if event.startswith("alarm")]


def resume(world: World) -> None:
    with world.ledger.write() as tx:
        channel_state.resume(tx, "city", "王某", "已处理")


class Site:
    """A site that answers the next of `says` (status line, body, more header lines), then takes everything."""

    def __init__(self) -> None:
        self.says: list[tuple[str, bytes, str]] = []
        self.always: tuple[str, bytes, str] | None = None
        self.posts = 0

    def __call__(self, conversation: Conversation) -> None:
        while request := conversation.request():
            self.posts += request.startswith(b"POST")
            status, body, more = self.says.pop(0) if self.says else self.always or ("200 OK", TAKEN, "")
            conversation.answer(body, status=status, headers=more + ("" if "502" in status else PRACTICE))


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def server(site: Site) -> Iterator[RawServer]:
    with RawServer(site) as server:
        yield server


def city(folder: Path, url: str, **options: Any) -> World:
    adapter = MunicipalSite(a_config("city", options={"base_url": url, **IDEMPOTENT, **options}))
    return a_world(folder, {"city": adapter})


# ---- the credential and the address


def test_c026_an_address_that_is_not_on_the_list_stops_the_channel_once_and_is_named(
    tmp_path: Path, site: Site, server: RawServer
) -> None:
    site.always = ("200 OK", b'{"errcode": 40164, "message": "invalid ip 203.0.113.9 ipv6 ::ffff"}', "")
    answers = {"not_allowed": [{"path": "errcode", "equals": [40164]}]}
    world = city(tmp_path, server.url, answers=answers)
    many(world, 5)
    world.step()
    posts = site.posts
    assert posts <= world.channels["city"].settings.concurrency
    world.run_for(hours=5)

    assert site.posts == posts
    assert {row.state for row in world.rows()} == {"pending"}
    assert (world.alarms(), alarms(world)) == (["stopped:city"], ["alarm_raised"])
    with world.ledger.read() as conn:
        told = conn.exec_driver_sql("select detail from alarm").scalar_one()
    assert "请将 203.0.113.9 加入该渠道的 IP 白名单" in told
    site.always = None
    resume(world)
    world.step()
    assert {row.state for row in world.rows()} == {"published"}


def test_c027_a_hiccup_before_and_at_the_hand_in_is_no_dead_credential_and_a_true_401_stops_once(
    tmp_path: Path, site: Site, server: RawServer
) -> None:
    world = city(tmp_path, server.url)
    site.says = [("502 Bad Gateway", b"proxy", "")] * 2
    site.says += [("200 OK", b"", ""), ("429 Too Many Requests", b"", "Retry-After: 60\r\n")]
    (first,) = many(world, 1)
    world.run_for(minutes=5)
    assert world.state(first, "city") is State.PUBLISHED
    assert (site.says, alarms(world)) == ([], [])

    site.always = ("401 Unauthorized", b'{"error": "invalid_grant"}', "")
    later = [world.accept(a_notice(project_no=f"L-{n}", dates={})) for n in range(4)]
    world.run_for(hours=5)
    assert (world.alarms(), alarms(world)) == (["stopped:city"], ["alarm_raised"])
    assert {world.state(number, "city") for number in later} == {State.PENDING}
    site.always = None
    resume(world)
    world.step()
    assert {row.state for row in world.rows()} == {"published"}


# ---- old TLS


def at(port: int, **settings: Any) -> Http:
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
    return Http(HttpSettings(**settings), name="city", look_up=lambda *_, **__: [address])


def post(http: Http) -> int:
    body = "招标公告".encode()
    return http.call(Request("POST", "https://old.invalid/notices", body), CallContext()).status


def failure(call: Callable[[], object]) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        call()
    return caught.value


def test_c051_a_server_without_secure_renegotiation_needs_its_own_option_and_nothing_else_is_let_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = WithoutRenegotiationInfo(tmp_path, "old.invalid", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    with RawServer(old) as server:
        error = failure(lambda: post(at(server.port, ca_file=old.pinned)))
        assert (type(error), error.reason) == (TransientFailure, Reason.TLS)
        assert "UNSAFE_LEGACY_RENEGOTIATION_DISABLED" in error.evidence and "legacy_tls" in error.detail
        assert old.requests == []

        assert post(at(server.port, ca_file=old.pinned, legacy_tls=True)) == 200
        assert old.requests[0].endswith("招标公告".encode())
        assert "channel city: TLS relaxed: legacy handshake, own certificates" in caplog.text

        unverified = failure(lambda: post(at(server.port, legacy_tls=True)))
        assert "CERTIFICATE_VERIFY_FAILED" in unverified.evidence
    assert len(old.requests) == 1


def test_c051_a_server_that_hangs_up_in_the_handshake_is_said_to_be_old_perhaps(tmp_path: Path) -> None:
    with RawServer(lambda conversation: conversation.sock.recv(4096) and None) as server:
        error = failure(lambda: post(at(server.port)))

    assert error.reason is Reason.TLS
    assert "tls_from" in error.detail and "legacy_tls" in error.detail


def test_c051_a_server_of_tls_1_0_is_called_only_where_the_channel_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pinned, tls = tls_1_0(tmp_path, "old.invalid")
    seen: list[bytes] = []

    def script(conversation: Conversation) -> None:
        seen.append(conversation.request())
        conversation.answer(b"ok")

    with RawServer(script, tls=tls) as server:
        for settings in ({}, {"legacy_tls": True}):
            error = failure(lambda told=settings: post(at(server.port, ca_file=pinned, **told)))  # type: ignore[misc]
            assert error.reason is Reason.TLS and "tls_from" in error.detail, error.evidence
        assert not any(seen)
        assert post(at(server.port, ca_file=pinned, tls_from="1.0")) == 200
    assert "TLS from 1.0" in caplog.text


def test_c051_a_certificate_nobody_vouches_for_is_tried_ever_more_rarely_until_it_is_pinned(tmp_path: Path) -> None:
    pinned, tls = self_signed(tmp_path, "localhost")
    calls: list[bytes] = []

    def script(conversation: Conversation) -> None:
        while request := conversation.request():
            calls.append(request)
            conversation.answer(TAKEN, headers=PRACTICE)

    with RawServer(script, tls=tls) as server:
        url = f"https://localhost:{server.port}"
        world = city(tmp_path, url)
        (number,) = many(world, 1)
        world.run_for(hours=1)
        row = world.row(number, "city")
        assert (row.state, row.reason, calls) == ("pending", "tls", [])
        assert "ca_file" in row.detail
        instants = [attempt.started_at for attempt in world.attempts("city")]
        assert len(instants) <= 12 and instants[1] - instants[0] >= world.sending.retry_first

        adapter = MunicipalSite(a_config("city", options={"base_url": url, **IDEMPOTENT, "ca_file": str(pinned)}))
        assert adapter.submit(a_submission()).number == "7"


@pytest.mark.parametrize("key", ["verify", "insecure", "ssl_verify"])
def test_c051_no_option_switches_verification_off(key: str) -> None:
    with pytest.raises(SettingsError, match=f"options.{key}: unknown key"):
        MunicipalSite(a_config(options={"base_url": "https://city.invalid", key: False}))


# ---- characters


@pytest.mark.parametrize("upload", ["multipart", "raw"])
def test_c059_readers_see_characters_on_every_way_out_and_never_escapes(
    tmp_path: Path, site: Site, upload: str
) -> None:
    attachment = an_attachment("工程量清单（一）.pdf")
    site.always = ("200 OK", b'{"result": "ok", "id": "f-1", "number": "7", "ticket": "T-1"}', "")
    with RawServer(site) as server:
        options: dict[str, Any] = {"base_url": server.url, "upload": {"encoding": upload}}
        if upload == "raw":
            options["upload"]["headers"] = {"X-File-Name": "{{ item.name | urlencode }}"}
        adapters: list[AnyChannel] = [
            MunicipalSite(a_config(options=options)),
            ProvincialSite(a_config(options=options)),
        ]
        for number, adapter in enumerate(adapters):
            adapter.submit(a_submission(key=f"d-{number}", attachments=[attachment]))  # type: ignore[union-attr]
    posts = [request for request in server.requests if request.startswith(b"POST")]
    texts, files = posts[1::2], posts[0::2]
    assert len(texts) == len(files) == 2
    for request in texts:
        assert "招标公告".encode() in request and b"charset=utf-8" in request
    if upload == "multipart":
        assert all("工程量清单（一）.pdf".encode() in request for request in files)
    else:
        assert all(b"%E5%B7%A5%E7%A8%8B" in request for request in files)
    assert not [request for request in posts if b"\\u" in request or b"&#" in request]


@pytest.mark.parametrize("adapter", [MunicipalSite, ProvincialSite])
def test_a_file_that_the_site_has_thrown_away_is_brought_anew_at_the_next_try(
    tmp_path: Path, adapter: Callable[[ChannelConfig], MunicipalSite]
) -> None:
    brought: list[str] = []

    def script(conversation: Conversation) -> None:
        while request := conversation.request():
            if request.startswith(b"POST /api/files"):
                brought.append(f"f-{len(brought) + 1}")
                conversation.answer(f'{{"result": "ok", "id": "{brought[-1]}"}}'.encode(), headers=PRACTICE)
            elif request.startswith(b"POST") and b"f-2" not in request:
                conversation.answer('{"result": "refused", "message": "附件不存在"}'.encode(), headers=PRACTICE)
            else:
                conversation.answer(b'{"result": "ok", "number": "7", "ticket": "T-7"}', headers=PRACTICE)

    attachment = an_attachment()
    with RawServer(script) as server:
        world = a_world(tmp_path, {"city": adapter(a_config("city", options={"base_url": server.url}))})
        with world.ledger.write() as tx:
            tx.store_blob(attachment.read(), attachment.ref.sha256)
        number = world.accept(a_notice(attachments=(attachment.ref,)))
        world.step()
        assert world.state(number, "city") is State.FAILED
        with world.ledger.write() as tx:
            again.retry(tx, acts.of_number(tx.conn, number), Person("王某", "wang@desk"), "")
        world.step()
    assert world.state(number, "city") in (State.PUBLISHED, State.SUBMITTED)
    assert brought == ["f-1", "f-2"]


# ---- the log-in that fails for long


def test_c027_a_log_in_that_fails_for_an_hour_costs_no_delivery_its_patience(
    tmp_path: Path, site: Site, server: RawServer
) -> None:
    site.always = ("502 Bad Gateway", b"proxy", "")
    world = city(tmp_path, server.url)
    (number,) = many(world, 1)
    world.run_for(hours=1)
    assert (world.state(number, "city"), site.posts) == (State.PENDING, 0)
    site.always = None
    world.run_to(world.clock() + timedelta(minutes=40))
    assert world.state(number, "city") is State.PUBLISHED
