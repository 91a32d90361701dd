"""What the municipal site does beyond the contract of every channel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.municipal_site import MunicipalSite
from channels.municipal_site.options import SiteOptions
from channels.municipal_site.site import http_settings
from publisher.channel import Absent, CannotTell, Found, Receipt
from publisher.delivery import Operation
from publisher.errors import (
    NeedsPerson,
    OutcomeUnknown,
    PermanentFailure,
    Reason,
    SettingsError,
    TransientFailure,
)
from publisher.notice import LOCAL
from tests.support.builders import START, CallContext, a_config, a_notice, a_submission, an_attachment
from tests.support.channel_contract import SECRET, Trouble
from tests.support.municipal_worlds import FORM_OPTIONS, JSON_OPTIONS, PAGES_OPTIONS, SiteWorld
from tests.support.raw_server import Conversation, RawServer


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SiteWorld]:
    world = SiteWorld(MunicipalSite, tmp_path / "json", JSON_OPTIONS, idempotent=True)
    yield world
    world.close()


@pytest.fixture
def form(tmp_path: Path) -> Iterator[SiteWorld]:
    world = SiteWorld(MunicipalSite, tmp_path / "form", FORM_OPTIONS, idempotent=False, form=True)
    yield world
    world.close()


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[SiteWorld]:
    world = SiteWorld(MunicipalSite, tmp_path / "pages", PAGES_OPTIONS, idempotent=False)
    yield world
    world.close()


class TestPractice:
    def test_a_real_site_in_a_practice_channel_is_refused_before_anything_is_submitted(self, world: SiteWorld) -> None:
        world.site.switch(practice_name=False)
        channel = world.adapter()
        for _ in range(2):
            with pytest.raises(NeedsPerson) as caught:
                channel.submit(a_submission(attachments=[an_attachment()]))
            assert (caught.value.reason, caught.value.stops_channel) == (Reason.PRACTICE_MISMATCH, True)
        assert set(world.site.seen) == {("GET", "/")}

    def test_a_practice_site_in_a_real_channel_is_refused_before_anything_is_submitted(self, world: SiteWorld) -> None:
        config = a_config(practice=False, options={"base_url": world.site.base_url}, secrets={"key": SECRET})
        with pytest.raises(NeedsPerson) as caught:
            MunicipalSite(config).submit(a_submission())
        assert (caught.value.reason, caught.value.stops_channel) == (Reason.PRACTICE_MISMATCH, True)
        assert set(world.site.seen) == {("GET", "/")}

    def test_a_real_site_in_a_real_channel_is_served(self, world: SiteWorld) -> None:
        world.site.switch(practice_name=False)
        config = a_config(practice=False, options={"base_url": world.site.base_url}, secrets={"key": SECRET})
        assert MunicipalSite(config).submit(a_submission()).number

    def test_a_home_page_that_is_long_or_somewhere_else_is_no_obstacle(self) -> None:
        heads = iter(["200 OK", "302 Found"])

        def script(conversation: Conversation) -> None:
            while request := conversation.request():
                practice = "X-Practice: notice-publisher\r\nLocation: /portal\r\n"
                if request.startswith(b"GET"):
                    conversation.answer(bytes(100_000), status=next(heads), headers=practice)
                else:
                    conversation.answer(b'{"result": "ok", "number": "7"}', headers=practice)

        with RawServer(script) as server:
            for _ in range(2):
                channel = MunicipalSite(a_config(options={"base_url": server.url, "max_answer": 1024}))
                assert channel.submit(a_submission()).number == "7"

    def test_an_error_on_the_way_to_the_site_is_no_mismatch(self) -> None:
        def script(conversation: Conversation) -> None:
            conversation.request()
            conversation.answer(b"proxy", status="502 Bad Gateway")

        with RawServer(script) as server:
            channel = MunicipalSite(a_config(options={"base_url": server.url}))
            with pytest.raises(TransientFailure):
                channel.submit(a_submission())
        assert len([request for request in server.requests if request]) == 1

    def test_it_looks_once_and_again_only_when_an_answer_contradicts(self, world: SiteWorld) -> None:
        channel = world.adapter()
        for number in range(3):
            channel.submit(a_submission(key=f"d-{number}"))
        assert world.site.seen.count(("GET", "/")) == 1
        world.site.switch(practice_name=False)
        channel.find(a_submission(key="d-0"))
        with pytest.raises(NeedsPerson):
            channel.submit(a_submission(key="d-9"))
        assert len(world.held()) == 3


class TestRequestsOfACall:
    """The figures of docs/municipal-site.md: by them `rate` is set where a site counts requests."""

    def test_a_submission_is_one_request_and_one_for_each_attachment_and_the_first_looks_once(
        self, world: SiteWorld
    ) -> None:
        channel, two = world.adapter(), [an_attachment("甲.pdf"), an_attachment("乙.pdf", b"other bytes")]
        channel.submit(a_submission(attachments=two))
        assert len(world.site.seen) == 1 + 2 + 1
        channel.submit(a_submission(key="d-2"))
        assert len(world.site.seen) == 4 + 1

    def test_asking_is_one_request_one_for_the_page_and_one_for_each_attachment(
        self, world: SiteWorld, pages: SiteWorld
    ) -> None:
        two = [an_attachment("甲.pdf"), an_attachment("乙.pdf", b"other bytes")]
        for site, figure in ((world, 1 + 2), (pages, 1 + 1 + 2)):
            channel, submission = site.adapter(), a_submission(attachments=two)
            channel.submit(submission)
            site.site.seen.clear()
            channel.find(submission)
            assert len(site.site.seen) == figure, list(site.site.seen)


class TestAnswers:
    def test_real_characters_travel_and_never_escapes(self, world: SiteWorld) -> None:
        world.adapter().submit(a_submission())
        raw = world.site.raw(1)
        assert "招标".encode() in raw
        assert b"\\u" not in raw

    def test_a_form_in_gbk_travels_in_gbk(self, form: SiteWorld) -> None:
        form.adapter().submit(a_submission())
        assert b"%C7%FA%B8%B7" in form.site.raw(1)  # 曲阜

    def test_a_character_that_gbk_lacks_is_named_before_anything_is_sent(self, form: SiteWorld) -> None:
        channel = form.adapter()
        with pytest.raises(PermanentFailure) as caught:
            channel.submit(a_submission(a_notice(title="𠮷祥路招标公告")))
        assert caught.value.reason is Reason.CANNOT_BE_SHOWN
        assert "𠮷" in caught.value.detail
        assert all(method == "GET" for method, _ in form.site.seen)
        assert channel.capabilities.charset == "gbk"

    def test_a_refusal_carries_the_messages_of_the_fields(self, world: SiteWorld) -> None:
        world.trouble(Trouble.REFUSING)
        with pytest.raises(PermanentFailure) as caught:
            world.adapter().submit(a_submission())
        assert caught.value.reason is Reason.REFUSED
        assert "标题含有不允许的词" in caught.value.detail

    def test_a_text_that_is_too_large_is_refused_as_too_large(self, world: SiteWorld) -> None:
        world.site.switch(max_bytes=100)
        with pytest.raises(PermanentFailure) as caught:
            world.adapter().submit(a_submission())
        assert caught.value.reason is Reason.TOO_LARGE

    @pytest.mark.parametrize("failure", ["429", "429_date", "503"])
    def test_the_wait_that_the_site_asks_for_is_kept(self, world: SiteWorld, failure: str) -> None:
        world.site.switch(fail=failure, retry_after=120, clock=START.isoformat())
        with pytest.raises(TransientFailure) as caught:
            world.adapter().submit(a_submission())
        assert caught.value.not_before == START + timedelta(minutes=2)

    def test_a_redirect_to_the_log_in_page_stops_the_channel(self, world: SiteWorld) -> None:
        world.site.switch(fail="moved")
        with pytest.raises(NeedsPerson) as caught:
            world.adapter().submit(a_submission())
        assert (caught.value.reason, caught.value.stops_channel) == (Reason.MOVED, True)
        assert "/login" in caught.value.detail

    @pytest.mark.parametrize("failure", ["truncated", "unknown_word", "empty"])
    def test_half_an_answer_or_none_is_never_success(self, world: SiteWorld, failure: str) -> None:
        world.site.switch(fail=failure)
        with pytest.raises(OutcomeUnknown) as caught:
            world.adapter().submit(a_submission())
        assert caught.value.reason is Reason.UNKNOWN_ANSWER

    def test_a_duplicate_answer_is_a_receipt_with_the_earlier_number(self, world: SiteWorld) -> None:
        channel = world.adapter()
        first = channel.submit(a_submission())
        again = channel.submit(a_submission())
        assert (again.number, again.url, again.public) == (first.number, first.url, True)
        assert again.note

    def test_an_answer_that_trickles_is_cut_at_the_limit_of_the_channel(self, world: SiteWorld) -> None:
        channel = world.adapter(total="400ms")
        channel.submit(a_submission(key="d-0"))
        world.site.switch(trickle=0.05)
        with pytest.raises(OutcomeUnknown) as caught:
            channel.submit(a_submission())
        assert caught.value.reason is Reason.TIME_LIMIT

    @pytest.mark.parametrize(
        "printed", ["2017-12-04T10:30:00+08:00", "2017-12-04T02:30:00+00:00", "2017-12-04 10:30:00"]
    )
    def test_the_site_tells_since_when_it_is_public_in_local_time_where_it_names_no_zone(
        self, world: SiteWorld, printed: str
    ) -> None:
        world.site.switch(tells_time=True, clock=printed)
        channel = world.adapter()
        since = datetime(2017, 12, 4, 10, 30, tzinfo=LOCAL)
        assert channel.submit(a_submission()).visible_since == since
        finding = channel.find(a_submission())
        assert isinstance(finding, Found)
        assert finding.receipt.visible_since == since

    def test_a_refusal_is_a_refusal_even_where_the_rule_of_success_is_careless(self, form: SiteWorld) -> None:
        answers = {**FORM_OPTIONS["answers"], "success": [{"matches": "."}]}
        form.trouble(Trouble.REFUSING)
        with pytest.raises(PermanentFailure):
            form.adapter(answers=answers).submit(a_submission())

    def test_busy_words_are_transient(self, form: SiteWorld) -> None:
        answers = {**FORM_OPTIONS["answers"], "busy": [{"matches": "提交失败"}]}
        form.trouble(Trouble.REFUSING)
        with pytest.raises(TransientFailure):
            form.adapter(answers=answers).submit(a_submission())

    def test_keys_and_headers_go_where_the_options_say(self) -> None:
        def script(conversation: Conversation) -> None:
            while conversation.request():
                practice = "X-Practice: notice-publisher\r\nContent-Type: application/json\r\n"
                conversation.answer(b'{"result": "ok", "number": "7"}', status="201 Created", headers=practice)

        with RawServer(script) as server:
            options = {"base_url": server.url, "headers": {"X-Office": "{{ project_class }}"}}
            channel = MunicipalSite(a_config(options=options, secrets={"key": SECRET}))
            assert channel.submit(a_submission(key="d-77", notice_key="k-77")).number == "7"
        (posted,) = [request for request in server.requests if request.startswith(b"POST")]
        head, _, body = posted.partition(b"\r\n\r\n")
        assert json.loads(body)["notice_key"] == "k-77"
        assert {b"X-Office: works", b"Idempotency-Key: d-77", f"X-Api-Key: {SECRET}".encode()} <= set(
            head.split(b"\r\n")
        )


class TestFinding:
    def test_taken_is_not_public_until_the_review_is_over(self, world: SiteWorld) -> None:
        world.site.switch(public_after=3600)
        channel = world.adapter()
        assert channel.submit(a_submission()).public is False
        finding = channel.find(a_submission())
        assert isinstance(finding, Found)
        assert finding.receipt.public is False
        world.site.switch(public_after=0)
        finding = channel.find(a_submission())
        assert isinstance(finding, Found)
        assert finding.receipt.public is True

    def test_a_rejection_by_the_review_is_permanent_and_says_why(self, world: SiteWorld) -> None:
        channel = world.adapter()
        channel.submit(a_submission())
        world.site.switch(reject=True)
        with pytest.raises(PermanentFailure) as caught:
            channel.find(a_submission())
        assert "审核不通过" in caught.value.detail

    def test_a_status_word_that_nobody_knows_leaves_the_state_alone(self, world: SiteWorld) -> None:
        channel = world.adapter()
        channel.submit(a_submission())
        world.site.switch(fail_query="unknown_word")
        with pytest.raises(TransientFailure) as caught:
            channel.find(a_submission())
        assert (caught.value.reason, caught.value.channel_wide) == (Reason.UNKNOWN_ANSWER, False)
        assert "SUMITTED" in caught.value.evidence

    def test_a_page_that_is_not_there_yet_is_not_public(self, pages: SiteWorld) -> None:
        url = {"url": {"pattern": "(no such address)"}}
        channel = pages.adapter(query={**PAGES_OPTIONS["query"], **url})
        channel.submit(a_submission())
        finding = channel.find(a_submission())
        assert isinstance(finding, Found)
        assert finding.receipt.public is False

    def test_the_credential_does_not_go_to_another_host(self) -> None:
        def elsewhere(conversation: Conversation) -> None:
            conversation.request()
            conversation.answer(f"<div id='notice-text'>{a_submission().rendition.text}</div>".encode())

        with RawServer(elsewhere) as other:
            answer = json.dumps({"status": "published", "number": "7", "url": f"{other.url}/7.html"}).encode()

            def script(conversation: Conversation) -> None:
                conversation.request()
                conversation.answer(answer, headers="Content-Type: application/json\r\n")

            with RawServer(script) as site:
                options = {"base_url": site.url, **PAGES_OPTIONS}
                channel = MunicipalSite(a_config(options=options, secrets={"key": SECRET}))
                finding = channel.find(a_submission())
        assert isinstance(finding, Found)
        assert finding.digest == a_submission().rendition.text_digest
        assert SECRET.encode() in site.requests[0]
        assert SECRET.encode() not in other.requests[0]

    def test_an_answer_to_a_question_that_is_too_long_leaves_the_state_alone(self, world: SiteWorld) -> None:
        channel = world.adapter(max_answer=1024)
        submission = a_submission(a_notice(body_html=f"<p>{'长' * 1000}</p>"))
        channel.submit(submission)
        with pytest.raises(TransientFailure) as caught:
            channel.find(submission)
        assert caught.value.channel_wide is False

    def test_a_page_that_cannot_be_read_now_leaves_the_state_alone(self) -> None:
        def script(conversation: Conversation) -> None:
            if b" /api/" in conversation.request():
                answer = b'{"status": "published", "number": "7", "url": "/7.html"}'
                conversation.answer(answer, headers="Connection: close\r\n")
            else:
                conversation.answer(status="503 Service Unavailable", headers="Retry-After: 60\r\n")

        with RawServer(script) as server:
            channel = MunicipalSite(a_config(options={"base_url": server.url, **PAGES_OPTIONS}))
            with pytest.raises(TransientFailure) as caught:
                channel.find(a_submission())
        assert caught.value.not_before == START + timedelta(minutes=1)

    def test_a_site_without_a_query_says_that_it_cannot_be_asked(self, world: SiteWorld) -> None:
        channel = world.adapter(findable=False)
        channel.submit(a_submission())
        assert isinstance(channel.find(a_submission()), CannotTell)
        assert channel.capabilities.findable is False

    def test_an_attachment_with_other_bytes_is_another_text(self, world: SiteWorld, tmp_path: Path) -> None:
        channel = world.adapter()
        channel.submit(a_submission(attachments=[an_attachment("清单.pdf")]))
        other = a_submission(attachments=[an_attachment("清单.pdf", b"%PDF-1.4 another bill")])
        finding = channel.find(other)
        assert isinstance(finding, Found)
        assert finding.digest != other.rendition.text_digest
        assert "清单.pdf" in finding.receipt.note


class TestAttachments:
    def test_an_attachment_longer_than_other_answers_is_compared_all_the_same(self, world: SiteWorld) -> None:
        channel = world.adapter(max_answer=5000)
        submission = a_submission(attachments=[an_attachment("图纸.pdf", bytes(20_000))])
        channel.submit(submission)
        finding = channel.find(submission)
        assert isinstance(finding, Found)
        assert finding.digest == submission.rendition.text_digest
        shorter = a_submission(attachments=[an_attachment("图纸.pdf", bytes(10_000))])
        finding = channel.find(shorter)
        assert isinstance(finding, Found)
        assert finding.digest != submission.rendition.text_digest

    def test_names_stay_chinese_for_readers_whatever_travels(self, world: SiteWorld, pages: SiteWorld) -> None:
        for one in (world, pages):
            one.adapter().submit(a_submission(attachments=[an_attachment("工程量清单（一）.pdf")]))
            assert one.held()[0].files == ("工程量清单（一）.pdf",)

    def test_an_upload_whose_answer_is_lost_is_transient_because_nothing_is_public(self, world: SiteWorld) -> None:
        upload = {"success": [{"path": "result", "equals": ["a word it never says"]}]}
        with pytest.raises(TransientFailure) as caught:
            world.adapter(upload=upload).submit(a_submission(attachments=[an_attachment()]))
        assert caught.value.channel_wide is False
        assert not world.held()

    def test_attachments_that_are_elsewhere_by_declaration_do_not_stop_the_text(self, form: SiteWorld) -> None:
        channel = form.adapter(attachments_at="县网")
        channel.submit(a_submission(attachments=[an_attachment()]))
        assert len(form.held()) == 1
        assert channel.capabilities.limits.attachments is None
        assert form.adapter().capabilities.limits.attachments == 0


class TestChanges:
    def test_not_found_is_not_withdrawn_while_it_can_be_found(self, world: SiteWorld) -> None:
        channel = world.adapter()
        receipt = channel.submit(a_submission())
        withdraw = a_submission(key="d-2", operation=Operation.WITHDRAW, last_receipt=receipt)
        world.site.switch(withdraw_404=True)
        with pytest.raises(TransientFailure):
            channel.submit(withdraw)
        assert len(world.held()) == 1
        world.site.delete(1)
        assert isinstance(channel.submit(withdraw), Receipt)
        assert channel.find(withdraw) == Absent()

    def test_without_a_number_of_the_site_nothing_can_be_changed(self, world: SiteWorld) -> None:
        channel = world.adapter()
        for operation in (Operation.UPDATE, Operation.WITHDRAW):
            with pytest.raises(PermanentFailure) as caught:
                channel.submit(a_submission(operation=operation))
            assert caught.value.reason is Reason.NOT_SUPPORTED
            assert isinstance(channel.find(a_submission(operation=operation)), CannotTell)

    def test_updating_what_is_gone_is_refused(self, world: SiteWorld) -> None:
        channel = world.adapter()
        receipt = channel.submit(a_submission())
        world.site.delete(1)
        with pytest.raises(PermanentFailure) as caught:
            channel.submit(a_submission(key="d-2", operation=Operation.UPDATE, last_receipt=receipt))
        assert "没有这条公告" in caught.value.detail

    def test_an_update_replaces_the_attachments_too(self, world: SiteWorld) -> None:
        channel = world.adapter()
        receipt = channel.submit(a_submission(attachments=[an_attachment("旧.pdf")]))
        update = a_submission(
            key="d-2",
            operation=Operation.UPDATE,
            last_receipt=receipt,
            attachments=[an_attachment("新.pdf", b"new")],
            context=CallContext(),
        )
        channel.submit(update)
        assert world.held()[0].files == ("新.pdf",)


class TestOptions:
    def options(self, **changes: Any) -> dict[str, Any]:
        return {"base_url": "http://127.0.0.1:8701", **changes}

    def test_the_address_alone_describes_the_practice_site(self) -> None:
        capabilities = MunicipalSite(a_config(options=self.options())).capabilities
        assert capabilities.operations == {Operation.PUBLISH}
        assert capabilities.idempotent_for == timedelta(0)
        assert capabilities.charset is None

    @pytest.mark.parametrize(
        ("changes", "named"),
        [
            ({"retires": 5}, "retires"),
            ({"submit": {"pfad": "/x"}}, "submit.pfad"),
            ({"base_url": "127.0.0.1:8701"}, "base_url"),
            ({"base_url": "http://user:pw@site"}, "base_url"),
            ({"base_url": "http://site?token=1"}, "base_url"),
            ({"idempotent_for": 5}, "idempotent_for"),
            ({"charset": "big5"}, "charset"),
            ({"answers": {"success": [{"matches": "("}]}}, "matches"),
            ({"query": {"page_xpath": "//*["}}, "page_xpath"),
            ({"submit": {"path": "/{{ key"}}, "path"),
            ({"headers": {"X": "{% if %}"}}, "headers.X"),
        ],
    )
    def test_what_is_wrong_is_named(self, changes: dict[str, Any], named: str) -> None:
        with pytest.raises(SettingsError) as caught:
            MunicipalSite(a_config(options=self.options(**changes)))
        assert named in str(caught.value)
        assert "user:pw" not in str(caught.value)

    def test_a_connection_is_kept_short_where_nothing_may_be_sent_twice(self) -> None:
        def keep_alive(**changes: Any) -> float:
            return http_settings(SiteOptions.model_validate(self.options(**changes))).keep_alive

        assert keep_alive() == 2
        assert keep_alive(idempotent_for="30d") > 2
        assert keep_alive(idempotent_for="30d", keep_alive="1s") == 1

    def test_without_an_address_there_is_no_channel(self) -> None:
        with pytest.raises(SettingsError, match="base_url"):
            MunicipalSite(a_config())

    def test_a_table_in_a_form_is_a_fault_of_the_settings(self, form: SiteWorld) -> None:
        submit = {"path": "/form/notices", "fields": {"a": {"b": "c"}}}
        with pytest.raises(NeedsPerson) as caught:
            form.adapter(submit=submit).submit(a_submission())
        assert caught.value.reason is Reason.TEMPLATE_FAULT
