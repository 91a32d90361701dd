"""What the provincial site does beyond the contract of every channel: tickets, review, sheets, and being fed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.practice.province import PracticeProvince
from channels.provincial_site import ProvincialSite
from publisher.channel import Absent, CannotTell, Found, Receipt, Reference, Submission, Tier
from publisher.delivery import Operation
from publisher.errors import NeedsPerson, OutcomeUnknown, PermanentFailure, Reason, SettingsError, TransientFailure
from tests.support.builders import (
    START,
    CallContext,
    MemoryStore,
    a_change_notice,
    a_config,
    a_notice,
    a_submission,
    an_attachment,
)
from tests.support.channel_contract import SECRET
from tests.support.provincial_worlds import FORGETS, REMEMBERS, ProvinceWorld
from tests.support.raw_server import Conversation, RawServer


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ProvinceWorld]:
    """A platform at which a person reviews."""
    world = ProvinceWorld(ProvincialSite, tmp_path, FORGETS, auto_publish_after=-1.0, idempotent=False)
    yield world
    world.close()


@pytest.fixture
def mutable(tmp_path: Path) -> Iterator[ProvinceWorld]:
    world = ProvinceWorld(ProvincialSite, tmp_path, REMEMBERS, mutable=True)
    yield world
    world.close()


def found(channel: ProvincialSite, submission: Submission) -> Found:
    finding = channel.find(submission)
    assert isinstance(finding, Found), finding
    return finding


class TestReview:
    def test_it_is_taken_under_a_ticket_and_is_not_public(self, world: ProvinceWorld) -> None:
        receipt = world.adapter().submit(a_submission())
        (item,) = world.province.items()
        assert (receipt.public, receipt.number, receipt.url) == (False, None, None)
        assert item["ticket"] in receipt.note and "已接收" in receipt.note

    def test_while_it_is_reviewed_it_is_found_and_not_public(self, world: ProvinceWorld) -> None:
        channel, submission = world.adapter(), a_submission()
        channel.submit(submission)
        finding = found(channel, submission)
        assert (finding.receipt.public, finding.receipt.note, finding.unknown_word) == (False, "审核中", None)

    def test_approved_it_is_public_with_number_address_and_time(self, world: ProvinceWorld) -> None:
        channel, submission = world.adapter(), a_submission()
        channel.submit(submission)
        item = world.province.approve(world.province.filed(1))
        finding = found(channel, submission)
        assert finding.receipt == Receipt(
            number=item.number,
            url=f"{world.province.base_url}{item.path}",
            public=True,
            visible_since=START,
            digest=submission.rendition.text_digest,
        )
        assert item.number == "SD-9931"

    def test_refused_after_acceptance_it_says_why(self, world: ProvinceWorld) -> None:
        channel, submission = world.adapter(), a_submission()
        channel.submit(submission)
        world.province.refuse(world.province.filed(1), "缺少采购人联系方式")
        with pytest.raises(PermanentFailure) as caught:
            channel.find(submission)
        assert (caught.value.reason, caught.value.detail) == (Reason.REFUSED, "缺少采购人联系方式")

    @pytest.mark.parametrize(("said", "known"), [("SUMITTED", "SUMITTED"), ("MANUAL_CHECK", "MANUAL_CHECK")])
    def test_a_word_that_nobody_knows_is_told_and_is_never_success(
        self, world: ProvinceWorld, said: str, known: str
    ) -> None:
        channel, submission = world.adapter(), a_submission()
        channel.submit(submission)
        world.province.switch(script=[said])
        finding = found(channel, submission)
        assert (finding.receipt.public, finding.unknown_word) == (False, known)

    def test_no_word_at_all_is_an_unknown_word_too(self, world: ProvinceWorld) -> None:
        channel, submission = world.adapter(), a_submission()
        channel.submit(submission)
        world.province.switch(script=[None])
        finding = found(channel, submission)
        assert (finding.receipt.public, finding.unknown_word) == (False, "null")

    def test_a_state_that_comes_late_is_absent_until_it_is_told(self, world: ProvinceWorld) -> None:
        channel, submission = world.adapter(), a_submission()
        world.province.switch(query_after=-1)
        channel.submit(submission)
        assert channel.find(submission) == Absent()
        world.province.switch(query_after=0)
        assert found(channel, submission).receipt.note == "审核中"

    def test_a_question_that_wants_a_captcha_cannot_be_answered_by_program(self, world: ProvinceWorld) -> None:
        channel, submission = world.adapter(), a_submission()
        channel.submit(submission)
        world.province.switch(captcha=True)
        finding = channel.find(submission)
        assert isinstance(finding, CannotTell) and "验证码" in finding.why

    def test_a_refused_notice_may_be_handed_in_again_under_a_new_ticket(self, tmp_path: Path) -> None:
        world = ProvinceWorld(ProvincialSite, tmp_path, REMEMBERS, auto_publish_after=-1.0)
        channel, store = world.adapter(), MemoryStore()
        submission = a_submission(context=CallContext(store=store))
        channel.submit(submission)
        world.province.refuse(world.province.filed(1), "标题不完整")
        channel.submit(submission)
        assert found(channel, submission).receipt.note == "审核中"
        assert len({item["ticket"] for item in world.province.items()}) == 2
        world.close()


class TestRequestsOfACall:
    """The figures of docs/provincial-site.md: by them `rate` is set where a site counts requests."""

    def test_a_submission_is_one_request_and_one_for_each_attachment_and_asking_one(self, world: ProvinceWorld) -> None:
        channel = world.adapter()
        submission = a_submission(attachments=[an_attachment("甲.pdf"), an_attachment("乙.pdf", b"other bytes")])
        channel.submit(submission)
        assert len(world.province.seen) == 1 + 2 + 1  # the first of all looks whether it is a practice site
        world.province.seen.clear()
        found(channel, submission)
        assert len(world.province.seen) == 1


class TestTickets:
    def test_it_is_asked_for_by_its_ticket(self, world: ProvinceWorld) -> None:
        channel, submission = world.adapter(), a_submission()
        channel.submit(submission)
        found(channel, submission)
        assert world.province.seen[-1] == ("GET", f"/api/tickets/{world.province.items()[0]['ticket']}")

    def test_without_a_ticket_it_is_asked_for_by_key(self, world: ProvinceWorld) -> None:
        channel, submission = world.adapter(), a_submission()
        world.province.switch(fail="reset_after_store")
        with pytest.raises(OutcomeUnknown):
            channel.submit(submission)
        world.province.switch(fail="")
        assert found(channel, submission).receipt.public is False
        assert world.province.seen[-1] == ("GET", "/api/notices")

    def test_a_ticket_that_the_site_has_forgotten_is_asked_for_by_key(self, world: ProvinceWorld) -> None:
        channel, store = world.adapter(), MemoryStore()
        submission = a_submission(context=CallContext(store=store))
        channel.submit(submission)
        store.step("ticket", "SL-2017-99999")
        assert found(channel, submission).receipt.note == "审核中"

    def test_the_ticket_of_an_earlier_submission_is_forgotten_before_a_new_one(self, world: ProvinceWorld) -> None:
        channel, store = world.adapter(), MemoryStore()
        channel.submit(a_submission(context=CallContext(store=store)))
        world.province.switch(fail="reset_after_store")
        with pytest.raises(OutcomeUnknown):
            channel.submit(a_submission(context=CallContext(store=store)))
        assert store.step("ticket") == ""

    def test_a_site_that_cannot_be_asked_says_so(self, world: ProvinceWorld) -> None:
        channel = world.adapter(query={"path": "", "path_by_key": "", "path_by_number": ""})
        channel.submit(a_submission())
        assert isinstance(channel.find(a_submission()), CannotTell)


class TestOriginals:
    def quoting(self, number: str | None) -> Submission:
        reference = Reference(project_no="QFZB-2017-0412", title=None, first_published=None, number=number)
        return a_submission(a_change_notice(), key="d-2", references=[reference])

    def test_a_change_notice_quotes_the_number_that_this_site_gave(self, world: ProvinceWorld) -> None:
        channel = world.adapter()
        channel.submit(a_submission())
        number = world.province.approve(world.province.filed(1)).number
        channel.submit(self.quoting(number))
        assert world.held()[1].quotes == number

    def test_where_the_number_is_needed_a_change_without_one_is_not_even_sent(self, world: ProvinceWorld) -> None:
        channel = world.adapter(needs_original_number=True)
        with pytest.raises(PermanentFailure) as caught:
            channel.submit(self.quoting(None))
        assert caught.value.reason is Reason.REFUSED and "confirm" in caught.value.detail
        assert world.reached() == 0

    def test_a_site_that_wants_the_number_refuses_a_change_without_one(self, world: ProvinceWorld) -> None:
        world.province.switch(needs_original=True)
        with pytest.raises(PermanentFailure) as caught:
            world.adapter().submit(self.quoting(None))
        assert "须填写原公告编号" in caught.value.detail

    def test_a_number_that_this_site_never_gave_is_refused(self, world: ProvinceWorld) -> None:
        with pytest.raises(PermanentFailure) as caught:
            world.adapter().submit(self.quoting("SD-1"))
        assert "原公告编号不存在：SD-1" in caught.value.detail


class TestChanges:
    def test_what_is_public_stays_as_it_is(self, tmp_path: Path) -> None:
        world = ProvinceWorld(ProvincialSite, tmp_path, REMEMBERS)
        channel = world.adapter()
        receipt = channel.submit(a_submission())
        changed = a_submission(a_notice(body_html="<p>另一文本</p>"), key="d-2", operation=Operation.UPDATE)
        for operation in (Operation.UPDATE, Operation.WITHDRAW):
            with pytest.raises(PermanentFailure) as caught:
                channel.submit(replace(changed, operation=operation, last_receipt=receipt))
            assert caught.value.reason is Reason.NOT_SUPPORTED
            assert "更正公告" in caught.value.detail and "SD-9931" in caught.value.detail
        assert world.held()[0].text == a_submission().rendition.text
        world.close()

    def test_not_found_is_not_withdrawn_while_it_can_be_found(self, mutable: ProvinceWorld) -> None:
        channel = mutable.adapter(withdraw={"path": "/api/nowhere/{{ number }}", "fields": {"reason": "{{ reason }}"}})
        receipt = channel.submit(a_submission())
        withdraw = a_submission(key="d-2", operation=Operation.WITHDRAW, last_receipt=receipt)
        with pytest.raises(TransientFailure):
            channel.submit(withdraw)
        assert len(mutable.held()) == 1
        mutable.province.delete(1)
        assert channel.submit(withdraw).note == "渠道上已无此公告"

    def test_a_withdrawal_brings_its_reason(self, mutable: ProvinceWorld) -> None:
        channel = mutable.adapter()
        receipt = channel.submit(a_submission())
        withdraw = a_submission(key="d-2", operation=Operation.WITHDRAW, last_receipt=receipt)
        channel.submit(replace(withdraw, reason="项目终止"))
        (item,) = mutable.province.items()
        assert (item["state"], item["reason"]) == ("withdrawn", "项目终止")

    def test_without_a_number_of_the_site_nothing_can_be_changed(self, mutable: ProvinceWorld) -> None:
        for operation in (Operation.UPDATE, Operation.WITHDRAW):
            submission = a_submission(operation=operation)
            with pytest.raises(PermanentFailure) as caught:
                mutable.adapter().submit(submission)
            assert caught.value.reason is Reason.NOT_SUPPORTED
            assert isinstance(mutable.adapter().find(submission), CannotTell)


class TestPractice:
    @pytest.mark.parametrize("practice", [True, False])
    def test_practice_and_real_do_not_meet(self, world: ProvinceWorld, practice: bool) -> None:
        world.province.switch(practice_name=not practice)
        config = a_config(practice=practice, options={"base_url": world.province.base_url}, secrets={"key": SECRET})
        with pytest.raises(NeedsPerson) as caught:
            ProvincialSite(config).submit(a_submission())
        assert (caught.value.reason, caught.value.stops_channel) == (Reason.PRACTICE_MISMATCH, True)
        assert not world.held()

    def test_real_characters_travel_and_never_escapes(self) -> None:
        def script(conversation: Conversation) -> None:
            while conversation.request():
                head = "X-Practice: notice-publisher\r\nContent-Type: application/json\r\n"
                conversation.answer(b'{"result": "accepted", "ticket": "T1"}', status="202 Accepted", headers=head)

        with RawServer(script) as server:
            ProvincialSite(a_config(options={"base_url": server.url})).submit(a_submission())
        (posted,) = [request for request in server.requests if request.startswith(b"POST")]
        body = posted.partition(b"\r\n\r\n")[2]
        assert "招标".encode() in body and b"\\u" not in body
        assert json.loads(body)["businessKind"] == "工程"


class TestByPerson:
    def adapter(self, **options: Any) -> ProvincialSite:
        options = {"mode": "assisted", "page": "http://127.0.0.1:8706/desk", **options}
        return ProvincialSite(a_config("works_site", title="某省工程网", tier=Tier.PROVINCIAL, options=options))

    def test_it_makes_a_task_with_every_field_of_the_form_and_calls_nobody(self) -> None:
        receipt = self.adapter().submit(a_submission(attachments=[an_attachment("清单.pdf")]))
        assert receipt.public is False and receipt.task is not None
        lines = receipt.task.text.splitlines()
        assert lines[0] == "【演练】某省工程网录入单（收件编号 N1）"
        assert "网址：http://127.0.0.1:8706/desk" in lines
        assert "1. 公告类型：招标公告" in lines
        assert "2. 公告标题：曲阜市陵城镇崇文社区建设工程施工招标公告" in lines
        assert "9. 投标截止时间：2017-12-28 09:00" in lines
        assert "11. 原公告编号：（无）" in lines
        assert "13. 附件：清单.pdf" in lines
        assert "某省工程网" in receipt.task.what and "confirm" in receipt.task.what

    def test_the_text_on_the_sheet_is_the_approved_one(self) -> None:
        submission = a_submission()
        receipt = self.adapter().submit(submission)
        assert receipt.task is not None
        shown = receipt.task.text.partition("14. 公告正文：\n")[2]
        assert "投标截止时间：2017年12月28日9时00分。" in shown and "<p>" not in shown

    def test_a_change_quotes_the_number_that_a_person_confirmed(self) -> None:
        reference = Reference(project_no="QFZB-2017-0412", title=None, first_published=None, number="GC-77")
        receipt = self.adapter().submit(a_submission(a_change_notice(), references=[reference]))
        assert receipt.task is not None and "11. 原公告编号：GC-77" in receipt.task.text

    def test_the_sheet_follows_the_form_of_the_site(self) -> None:
        sheet = [{"label": "标题", "value": "{{ title }}"}, {"label": "类别", "value": "{{ kind_label }}"}]
        receipt = self.adapter(sheet=sheet).submit(a_submission())
        assert receipt.task is not None
        assert receipt.task.text.splitlines()[-1] == "2. 类别：招标公告"

    def test_withdrawing_names_the_number_and_the_reason_and_asks_for_no_text(self) -> None:
        channel = self.adapter(operations=["publish", "withdraw"])
        last = Receipt(number="GC-77")
        withdraw = replace(a_submission(operation=Operation.WITHDRAW, last_receipt=last), reason="项目终止")
        receipt = channel.submit(withdraw)
        assert receipt.task is not None
        assert "撤下编号 GC-77 的公告" in receipt.task.what
        assert "理由：项目终止" in receipt.task.text and "公告正文" not in receipt.task.text

    def test_it_cannot_be_asked_and_a_repeat_is_harmless(self) -> None:
        channel = self.adapter()
        assert isinstance(channel.find(a_submission()), CannotTell)
        assert channel.capabilities.findable is False and channel.capabilities.idempotent_for > timedelta(days=365)

    def test_without_leave_there_is_no_task(self) -> None:
        with pytest.raises(TransientFailure):
            self.adapter().submit(a_submission(context=CallContext(mine=False)))


class TestWatched:
    @pytest.fixture
    def higher(self, tmp_path: Path) -> Iterator[PracticeProvince]:
        higher = PracticeProvince(
            tmp_path / "higher",
            name="全国平台",
            prefix="QG",
            switches={"auto_publish_after": 0, "key": SECRET},
            clock=lambda: START,
        ).start()
        yield higher
        higher.stop()

    def adapter(self, higher: PracticeProvince, **options: Any) -> ProvincialSite:
        options = {"base_url": higher.base_url, "mode": "watched", "fed_by": "prov_site", **options}
        config = a_config("national", title="全国平台", tier=Tier.NATIONAL, options=options, secrets={"key": SECRET})
        return ProvincialSite(config)

    def fed(self, number: str | None = "SD-9931", **changes: Any) -> Submission:
        notice = a_notice(**changes)
        reference = Reference(notice.project_no, notice.title, None, number=number)
        return a_submission(notice, references=[reference])

    def test_what_the_lower_site_forwards_is_found_by_its_number_there(
        self, world: ProvinceWorld, higher: PracticeProvince
    ) -> None:
        world.province.switch(forward_to=higher.base_url)
        world.adapter().submit(a_submission())
        watched = self.adapter(higher)
        assert watched.find(self.fed()) == Absent()
        number = world.province.approve(world.province.filed(1)).number
        world.province.review()
        finding = found(watched, self.fed(number))
        assert finding.receipt == Receipt(
            number="QG-9931", url=f"{higher.base_url}/notices/1.html", public=True, visible_since=START
        )
        world.province.review()
        assert len(higher.items()) == 1

    def test_another_notice_of_the_same_project_is_not_taken_for_it(
        self, world: ProvinceWorld, higher: PracticeProvince
    ) -> None:
        world.province.switch(forward_to=higher.base_url)
        world.adapter().submit(a_submission())
        world.province.approve(world.province.filed(1))
        world.province.review()
        watched = self.adapter(higher)
        assert watched.find(self.fed("SD-8888")) == Absent()
        assert watched.find(self.fed(None, title="另一份公告")) == Absent()
        assert isinstance(watched.find(self.fed(None)), Found)  # the same title of the same project

    def test_nothing_is_ever_sent_there(self, higher: PracticeProvince) -> None:
        watched = self.adapter(higher)
        with pytest.raises(PermanentFailure):
            watched.submit(self.fed())
        assert list(higher.seen) == []
        assert (watched.capabilities.watched_only, watched.capabilities.fed_by) == (True, "prov_site")

    def test_a_site_that_does_not_answer_leaves_the_state_alone(self, higher: PracticeProvince) -> None:
        watched = self.adapter(higher)
        watched.find(self.fed())
        for switches in ({"fail_query": "503"}, {"fail_query": "unknown_word"}, {"captcha": True, "fail_query": ""}):
            higher.switch(**switches)
            with pytest.raises(TransientFailure):
                watched.find(self.fed())

    def test_a_real_site_is_not_watched_on_a_practice_ledger(self, higher: PracticeProvince) -> None:
        higher.switch(practice_name=False)
        with pytest.raises(NeedsPerson):
            self.adapter(higher).find(self.fed())


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "named"),
        [
            ({"mode": "api"}, "base_url"),
            ({"mode": "watched", "base_url": "http://127.0.0.1:1"}, "fed_by"),
            ({"base_url": "http://127.0.0.1:1", "fed_by": "county_site"}, "fed_by"),
            (
                {"mode": "watched", "base_url": "http://h", "fed_by": "a", "operations": ["publish", "withdraw"]},
                "operations",
            ),
            ({"base_url": "http://h", "words": {"published": ["已接收"]}}, "已接收"),
            ({"base_url": "http://h", "pol": "1m"}, "pol"),
            ({"mode": "assisted", "sheet": []}, "sheet"),
            ({"base_url": "http://h", "submit": {"path": "/{{ key"}}, "submit.path"),
            ({"mode": "assisted", "sheet": [{"label": "a", "value": "{% if %}"}]}, "sheet.0.value"),
        ],
    )
    def test_what_is_wrong_is_named(self, options: dict[str, Any], named: str) -> None:
        with pytest.raises(SettingsError) as caught:
            ProvincialSite(a_config(options=options))
        assert named in str(caught.value)

    def test_the_address_alone_describes_the_practice_province(self) -> None:
        capabilities = ProvincialSite(a_config(options={"base_url": "http://127.0.0.1:8704"})).capabilities
        assert capabilities.asynchronous and capabilities.findable
        assert (capabilities.operations, capabilities.idempotent_for) == ({Operation.PUBLISH}, timedelta(0))
