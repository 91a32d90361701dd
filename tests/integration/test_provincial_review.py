"""A provincial site through the sender: taken is not published, words nobody knows, refusals after acceptance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from channels.practice.province import PracticeProvince
from channels.provincial_site import ProvincialSite
from publisher.channel import Tier
from publisher.counts import queries
from publisher.counts.queries import Span
from publisher.delivery import Operation, State
from publisher.errors import Reason
from publisher.ledger import acts, again
from publisher.ledger.acts import Person
from publisher.ledger.store import Ledger
from publisher.ledger.tables import observation, publication_log
from publisher.notice import LOCAL
from publisher.send import watch
from tests.support.builders import START, a_change_notice, a_config, a_notice
from tests.support.by_hand import an_act, by_key
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world

CLERK = Person("王某", "wang@desk")
PLAN = ("1m", "5m", "15m", "1h", "3h", "6h", "12h")


class Review:
    """A world in which the province keeps the world's time."""

    def __init__(self, folder: Path, *, start: datetime = START, **options: Any) -> None:
        self._start = start
        self.world: World | None = None
        self.province = PracticeProvince(folder / "province", switches={"idempotent": False}, clock=self._now).start()
        options = {"base_url": self.province.base_url, **options}
        adapter = ProvincialSite(a_config("prov", title="某省平台", tier=Tier.PROVINCIAL, options=options))
        settings = {"prov": {"tier": Tier.PROVINCIAL, "poll": PLAN, "read_back": ("24h",), "title": "某省平台"}}
        settings["city"] = {"tier": Tier.MUNICIPAL}
        self.world = a_world(folder, {"prov": adapter, "city": ScriptedSite()}, settings=settings, start=start)

    def _now(self) -> datetime:
        return self.world.clock() if self.world is not None else self._start

    @property
    def w(self) -> World:
        assert self.world is not None
        return self.world

    def accept(self, **changes: Any) -> str:
        return self.w.accept(a_notice(**changes), on=["prov"])

    def approve(self, number: int = 1) -> str:
        return self.province.approve(self.province.filed(number)).number


@pytest.fixture
def review(tmp_path: Path) -> Iterator[Review]:
    review = Review(tmp_path)
    yield review
    review.province.stop()


def questions(ledger: Ledger) -> list[datetime]:
    with ledger.read() as conn:
        return list(conn.execute(select(observation.c.started_at).order_by(observation.c.id)).scalars())


def words(ledger: Ledger) -> list[str]:
    query = select(publication_log.c.payload).where(publication_log.c.event == "unknown_word")
    with ledger.read() as conn:
        return [text.partition('"word":"')[2].partition('"')[0] for text in conn.execute(query).scalars()]


def published(world: World, day: datetime | None = None) -> int:
    span = Span(first=day.date(), last=day.date()) if day else None
    with world.ledger.read() as conn:
        return queries.count(conn, (), span).publications


def look(world: World) -> list[str]:
    watch.look(world.ledger, world.channels, world.sending, world.clock())
    return world.alarms()


def test_c029_accepted_is_not_published_until_the_site_shows_it(review: Review) -> None:
    world, number = review.w, review.accept()
    world.run_to(START + timedelta(hours=23))
    assert world.state(number, "prov") is State.SUBMITTED
    assert look(world) == []
    world.run_to(START + timedelta(hours=24, minutes=10))
    assert look(world) == ["awaiting:prov"]
    assert published(world) == 0

    world.run_to(datetime(2017, 12, 6, 10, 0, tzinfo=LOCAL))
    review.approve()
    world.run_to(datetime(2017, 12, 7, 0, 0, tzinfo=LOCAL))
    row = world.row(number, "prov")
    assert (row.state, row.channel_number) == ("published", "SD-9931")
    assert row.visible_since == datetime(2017, 12, 6, 10, 0, tzinfo=LOCAL)
    assert [published(world, datetime(2017, 12, day, tzinfo=LOCAL)) for day in (4, 5, 6, 7)] == [0, 0, 1, 0]
    assert look(world) == []
    assert world.verdict().ok


def test_c031_words_that_nobody_knows_are_logged_once_each_and_asking_goes_on(review: Review) -> None:
    world = review.w
    review.province.switch(script=["SUMITTED", "MANUAL_CHECK", None, "SUMITTED", None, "审核中", "已发布"])
    number = review.accept()
    world.run_for(hours=48)
    assert words(world.ledger) == ["SUMITTED", "MANUAL_CHECK", "null"]
    assert world.state(number, "prov") is State.PUBLISHED
    assert world.events().count("submitted") == 1


def test_c031_another_notice_in_the_same_unknown_state_is_logged_too(review: Review) -> None:
    review.province.switch(script=["SUMITTED", "SUMITTED", "已发布"])
    review.accept()
    review.accept(project_no="NO-2")
    review.w.run_for(hours=24)
    assert words(review.w.ledger) == ["SUMITTED", "SUMITTED"]


def test_questions_follow_the_sparse_plan_and_the_last_span_repeats(review: Review) -> None:
    world = review.w
    review.accept()
    world.run_for(hours=60)
    asked = questions(world.ledger)
    spans = [(late - early).total_seconds() / 60 for early, late in zip([START, *asked], asked, strict=False)]
    assert [round(span) for span in spans[:9]] == [1, 5, 15, 60, 180, 360, 720, 720, 720]
    assert len(world.attempts("prov")) == 1


def test_a_person_who_knows_that_it_is_public_has_it_asked_for_at_once(review: Review) -> None:
    world, number = review.w, review.accept()
    world.run_for(hours=12)
    review.approve()
    world.run_for(minutes=5)
    assert world.state(number, "prov") is State.SUBMITTED
    with world.ledger.write() as tx:
        (told,) = again.retry(tx, acts.of_number(tx.conn, number), CLERK, "网站已发布")
    world.step()
    assert (told.said, world.state(number, "prov")) == ("立即向渠道查询", State.PUBLISHED)


def test_a_refusal_after_acceptance_fails_with_the_reason_and_is_not_counted(review: Review) -> None:
    world, number = review.w, review.accept()
    world.run_for(minutes=30)
    review.province.refuse(review.province.filed(1), "缺少采购人联系方式")
    world.run_for(hours=5)
    row = world.row(number, "prov")
    assert (row.state, row.reason, row.detail) == ("failed", "refused", "缺少采购人联系方式")
    assert published(world) == 0
    assert [event for event in world.events(row.id) if event != "late"] == ["submitted", "refused"]


def test_what_was_refused_after_acceptance_goes_again_by_a_persons_order_and_is_published(review: Review) -> None:
    world, number = review.w, review.accept()
    world.run_for(minutes=30)
    review.province.refuse(review.province.filed(1), "系统误判")
    world.run_for(hours=5)
    with world.ledger.write() as tx:
        again.retry(tx, acts.of_number(tx.conn, number), CLERK, "已与网站沟通")
    world.run_for(minutes=30)
    review.approve(2)
    world.run_for(hours=5)
    row = world.row(number, "prov")
    assert (row.state, row.channel_number, len(review.province.items())) == ("published", "SD-9932", 2)


def test_a_change_waits_for_its_original_there_and_quotes_the_number_that_this_site_gave(tmp_path: Path) -> None:
    review = Review(tmp_path, needs_original_number=True)
    world = review.w
    review.province.switch(needs_original=True)
    original = world.accept(a_notice())
    change = world.accept(a_change_notice())
    world.run_for(hours=2)
    assert world.state(original, "city") is State.PUBLISHED
    assert (world.state(change, "city"), world.state(change, "prov")) == (State.PUBLISHED, State.PENDING)
    assert world.row(change, "prov").waits_for == "predecessor"

    assert review.approve() == "SD-9931"
    world.run_for(hours=5)
    first, second = review.province.items()
    assert (first["fields"]["relateNoticeId"], second["fields"]["relateNoticeId"]) == ("", "SD-9931")
    assert world.channels["city"].adapter.references == [None, "S-1"]  # type: ignore[union-attr]
    review.province.stop()


def test_a_change_of_an_original_that_was_refused_there_waits_for_a_person(review: Review) -> None:
    world = review.w
    original = world.accept(a_notice(), on=["prov"])
    change = world.accept(a_change_notice(), on=["prov"])
    world.run_for(minutes=2)
    review.province.refuse(review.province.filed(1), "不合规")
    world.run_for(hours=2)
    assert world.state(original, "prov") is State.FAILED
    assert world.row(change, "prov").reason == Reason.PREDECESSOR_FAILED.value
    assert len(review.province.items()) == 1


def test_a_lost_answer_is_asked_for_by_key_and_never_sent_again(review: Review) -> None:
    world = review.w
    review.province.switch(fail="reset_after_store", fail_times=1)
    number = review.accept()
    world.run_for(hours=1)
    assert world.state(number, "prov") is State.SUBMITTED
    review.approve()
    world.run_for(hours=24)
    assert (world.state(number, "prov"), len(review.province.items())) == (State.PUBLISHED, 1)


def test_a_lost_answer_that_the_site_does_not_know_after_the_window_goes_again(review: Review) -> None:
    world = review.w
    review.province.switch(fail="reset_before_store", fail_times=1)
    number = review.accept()
    world.run_for(hours=1)
    review.approve()
    world.run_for(hours=24)
    assert (world.state(number, "prov"), len(review.province.items())) == (State.PUBLISHED, 1)
    assert "not_there" in world.events()


def test_a_site_whose_state_comes_late_is_asked_on_and_not_sent_again(review: Review) -> None:
    world = review.w
    review.province.switch(query_after=-1)
    number = review.accept()
    world.run_for(hours=6)
    assert world.state(number, "prov") is State.SUBMITTED
    review.province.switch(query_after=0)
    review.approve()
    world.run_for(hours=12)
    assert (world.state(number, "prov"), len(review.province.items())) == (State.PUBLISHED, 1)


def test_a_question_behind_a_captcha_becomes_a_persons_task_who_confirms(review: Review) -> None:
    world = review.w
    review.province.switch(captcha=True)
    number = review.accept()
    world.run_for(minutes=5)
    row = world.row(number, "prov")
    assert (row.state, row.reason) == ("held", "cannot_be_asked") and "验证码" in row.detail
    with world.ledger.write() as tx:
        acts.confirm(tx, row, CLERK, channel_number="SD-1", url="http://127.0.0.1/1", proof="截图")
    assert (world.state(number, "prov"), published(world)) == (State.PUBLISHED, 1)


def test_c041_the_day_of_a_publication_is_the_local_day_of_the_instant_that_the_site_tells(tmp_path: Path) -> None:
    review = Review(tmp_path, start=datetime(2017, 12, 4, 0, 20, tzinfo=LOCAL))
    number = review.accept()
    review.w.run_for(minutes=10)
    review.approve()
    review.w.run_for(hours=3)
    row = review.w.row(number, "prov")
    review.province.stop()
    assert row.visible_since == datetime(2017, 12, 3, 16, 30, tzinfo=UTC)
    assert published(review.w, datetime(2017, 12, 4, tzinfo=LOCAL)) == 1


def test_c047_a_site_that_forbids_changes_says_to_publish_a_change_notice_with_its_number(tmp_path: Path) -> None:
    review = Review(tmp_path, operations=["publish", "update", "withdraw"])
    world, number = review.w, review.accept()
    world.run_for(minutes=2)
    review.approve()
    world.run_for(hours=2)
    key = an_act(world, world.row(number, "prov"), Operation.UPDATE, content="<p>开标时间更正</p>")
    world.run_for(minutes=2)
    row = by_key(world, key)
    assert (row.state, row.reason) == ("failed", "not_supported")
    assert "请另发更正公告并引用原公告编号 SD-9931" in row.detail
    assert (world.rows(number)[0].state, published(world)) == ("published", 1)
    review.province.stop()


@pytest.mark.parametrize("still_there", [True, False])
def test_c045_a_withdrawal_answered_not_found_is_done_only_if_it_cannot_be_found_either(
    tmp_path: Path, still_there: bool
) -> None:
    withdraw = {"path": "/api/nowhere/{{ number }}", "fields": {"reason": "{{ reason }}"}}
    review = Review(tmp_path, operations=["publish", "withdraw"], withdraw=withdraw)
    review.province.switch(mutable=True)
    world, number = review.w, review.accept()
    world.run_for(minutes=2)
    review.approve()
    world.run_for(hours=2)
    if not still_there:
        review.province.delete(1)
    key = an_act(world, world.row(number, "prov"), Operation.WITHDRAW)
    world.run_for(hours=3)
    review.province.stop()
    if still_there:
        assert by_key(world, key).state in {"pending", "held"} and "withdrawn" not in world.events()
        assert world.rows(number)[0].state == "published"
    else:
        assert by_key(world, key).state == "published" and "withdrawn" in world.events()


def test_killed_after_the_site_took_it_the_ticket_or_the_key_finds_it_again(review: Review) -> None:
    world, number = review.w, review.accept()
    world.step()
    world.restart()
    review.approve()
    world.run_for(hours=2)
    assert (world.state(number, "prov"), len(review.province.items())) == (State.PUBLISHED, 1)


def test_c071_a_province_that_is_down_keeps_no_other_channel_back(review: Review) -> None:
    world = review.w
    review.province.down()
    number = world.accept()
    world.run_for(minutes=5)
    assert world.state(number, "city") is State.PUBLISHED
    assert world.state(number, "prov") is State.PENDING
    review.province.up()
    world.run_for(hours=5)
    assert world.state(number, "prov") is State.SUBMITTED
