"""What the door to requests understands without a connection: encodings, statuses, waits, secrets."""

from __future__ import annotations

import codecs
from datetime import UTC, datetime, timedelta

import pytest

from channels.kit.decoding import Undecodable, decode
from channels.kit.http import Answer, form_body, json_body, retry_after, status_error
from channels.kit.redact import Redactor
from publisher.errors import NeedsPerson, OutcomeUnknown, PermanentFailure, Reason, TransientFailure
from tests.support.builders import START, CallContext

TEXT = "招标公告：编号〔2017〕12号"


class TestDecoding:
    @pytest.mark.parametrize(
        ("body", "content_type", "configured"),
        [
            (codecs.BOM_UTF8 + TEXT.encode(), "text/html; charset=gbk", "gbk"),
            (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), "", "utf-8"),
            (TEXT.encode("gbk"), "text/html; charset=GBK", "utf-8"),
            (TEXT.encode("gbk"), 'text/html; charset="gb2312"', "utf-8"),
            (f"<html><meta charset=gbk>{TEXT}".encode("gbk"), "text/html", "utf-8"),
            (f'<meta http-equiv="x" content="text/html; charset=gb2312">{TEXT}'.encode("gbk"), "text/html", "utf-8"),
            (f'<?xml version="1.0" encoding="gb18030"?><a>{TEXT}</a>'.encode("gb18030"), "text/xml", "utf-8"),
            (TEXT.encode("gbk"), "text/html", "gbk"),
            (TEXT.encode("gbk"), "text/html", "utf-8"),
            (TEXT.encode(), "text/html", "utf-8"),
            (TEXT.encode("gb18030"), "text/html; charset=utf-8", "utf-8"),
            (TEXT.encode(), "text/html; charset=nonsense", "utf-8"),
        ],
    )
    def test_text_is_read_by_what_it_says_of_itself_and_failing_that_by_what_fits(
        self, body: bytes, content_type: str, configured: str
    ) -> None:
        assert TEXT in decode(body, content_type, configured)

    def test_the_narrow_name_is_read_as_the_wide_encoding(self) -> None:
        assert decode("镕堃㎡〇".encode("gbk"), "text/html; charset=gb2312") == "镕堃㎡〇"

    def test_the_header_goes_before_the_page(self) -> None:
        page = f"<meta charset=utf-16>{TEXT}".encode()
        assert TEXT in decode(page, "text/html; charset=utf-8")

    def test_bytes_that_are_no_text_are_not_guessed(self) -> None:
        with pytest.raises(Undecodable):
            decode(b"\xff\xff\xff", "text/html")


class TestBodies:
    def test_json_holds_real_characters_and_no_escapes(self) -> None:
        body, content_type = json_body({"title": "招标公告"})
        assert bytes.fromhex("E68B9BE6A087") in body
        assert b"\\u" not in body
        assert content_type == "application/json; charset=utf-8"

    def test_a_form_is_written_in_the_charset_of_the_site(self) -> None:
        body, content_type = form_body({"title": "招标 公告", "file": ["1", "2"]}, "gbk")
        assert body == b"title=%D5%D0%B1%EA+%B9%AB%B8%E6&file=1&file=2"
        assert content_type == "application/x-www-form-urlencoded; charset=gbk"

    def test_characters_that_the_charset_lacks_are_named(self) -> None:
        with pytest.raises(PermanentFailure) as caught:
            form_body({"title": "𠮷祥路😀𠮷"}, "gbk")
        assert caught.value.reason is Reason.CANNOT_BE_SHOWN
        assert "“𠮷”(U+20BB7)、“😀”(U+1F600)" in caught.value.detail
        assert "祥" not in caught.value.detail

    def test_half_a_character_is_no_character_for_json_either(self) -> None:
        with pytest.raises(PermanentFailure) as caught:
            json_body({"title": "\ud800"})
        assert caught.value.reason is Reason.CANNOT_BE_SHOWN


class TestRetryAfter:
    def test_seconds_and_dates_name_the_same_instant(self) -> None:
        in_two_minutes = START + timedelta(minutes=2)
        assert retry_after("120", START) == in_two_minutes
        assert retry_after("Mon, 04 Dec 2017 01:02:00 GMT", START) == in_two_minutes

    @pytest.mark.parametrize("value", ["99999999999999999999", "Mon, 04 Dec 2027 01:02:00 GMT"])
    def test_nobody_is_believed_for_more_than_a_day(self, value: str) -> None:
        assert retry_after(value, START) == START + timedelta(hours=24)

    def test_a_date_that_is_past_means_now(self) -> None:
        assert retry_after("Sun, 03 Dec 2017 01:02:00 GMT", START) == START

    @pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "٣", "Mon, 99 Foo 2017 01:02:00 GMT"])
    def test_what_cannot_be_read_is_no_wait(self, value: str | None) -> None:
        assert retry_after(value, START) is None

    def test_a_date_without_a_zone_is_utc(self) -> None:
        assert retry_after("Mon, 04 Dec 2017 01:02:00 -0000", START) == datetime(2017, 12, 4, 1, 2, tzinfo=UTC)


def answer(status: int, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"", "POST site/a")


class TestStatus:
    @pytest.mark.parametrize(
        ("status", "kind", "reason"),
        [
            (400, PermanentFailure, Reason.REFUSED),
            (401, NeedsPerson, Reason.BAD_CREDENTIAL),
            (403, NeedsPerson, Reason.BAD_CREDENTIAL),
            (404, PermanentFailure, Reason.REFUSED),
            (408, TransientFailure, Reason.BUSY),
            (409, PermanentFailure, Reason.REFUSED),
            (413, PermanentFailure, Reason.TOO_LARGE),
            (422, PermanentFailure, Reason.REFUSED),
            (429, TransientFailure, Reason.RATE_LIMITED),
            (500, OutcomeUnknown, Reason.SERVER_ERROR),
            (502, OutcomeUnknown, Reason.SERVER_ERROR),
            (503, TransientFailure, Reason.BUSY),
            (504, OutcomeUnknown, Reason.SERVER_ERROR),
        ],
    )
    def test_each_status_says_who_acts_next(self, status: int, kind: type[Exception], reason: Reason) -> None:
        error = status_error(answer(status), CallContext())
        assert isinstance(error, kind)
        assert error is not None and error.reason is reason

    def test_a_bad_credential_stops_the_channel(self) -> None:
        error = status_error(answer(401), CallContext())
        assert isinstance(error, NeedsPerson) and error.stops_channel

    def test_an_inner_error_while_reading_is_transient(self) -> None:
        assert isinstance(status_error(answer(500), CallContext(), reading=True), TransientFailure)

    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_a_status_of_success_says_nothing(self, status: int) -> None:
        assert status_error(answer(status), CallContext()) is None

    def test_a_wait_that_is_named_is_kept(self) -> None:
        error = status_error(answer(503, Retry_After="60"), CallContext())
        assert isinstance(error, TransientFailure)
        assert error.not_before == START + timedelta(seconds=60)


class TestRedactor:
    def test_a_secret_is_masked_in_every_spelling_it_travels_in(self) -> None:
        redact = Redactor(['P@ss"w/公'])
        spellings = [
            'P@ss"w/公',
            "P%40ss%22w%2F%E5%85%AC",
            'P@ss\\"w/公',
            'P@ss\\"w/\\u516c',
            "UEBzcyJ3L+WFrA==",
        ]
        for spelling in spellings:
            assert redact(f"a {spelling} b") == "a *** b"
            assert redact.in_bytes(f"a {spelling} b".encode()) == b"a *** b"

    @pytest.mark.parametrize(
        "text",
        [
            "https://site/cgi?access_token=unlisted99&x=1",
            "http://user:unlisted99@site/a",
            "Authorization: Bearer unlisted99",
            "{'Authorization': 'Bearer unlisted99'}",
            "Set-Cookie: sid=unlisted99; Path=/",
            "retry of access_token=unlisted99 failed",
            "password=unlisted99&x",
        ],
    )
    def test_what_looks_like_a_secret_is_masked_too(self, text: str) -> None:
        assert "unlisted99" not in Redactor()(text)

    def test_ordinary_text_stays_as_it_is(self) -> None:
        text = "编号：YL-2017-00001，地址 http://site/notices/1.html，密码须知见附件"
        assert Redactor(["", "TESTSECRET123"])(text) == text
