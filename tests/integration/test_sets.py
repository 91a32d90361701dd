"""Channels that show a whole set: what is shown, what ends, what a failure or a crash leaves behind."""

from __future__ import annotations

import re
import threading
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import update

from channels.fake_set import FakeBoard, FakeSetChannel
from channels.wechat_feed import WechatFeed
from publisher.channel import Capabilities, Context, DeliveryKey, Item, Receipt
from publisher.delivery import Operation, State
from publisher.errors import ChannelError, NeedsPerson, PermanentFailure, Reason, TransientFailure
from publisher.ledger import acts, amend, channel_state, contents
from publisher.ledger.acts import Person
from publisher.ledger.tables import blob
from publisher.notice import Notice
from publisher.send import sets
from tests.support.builders import a_config, a_notice, a_rendition
from tests.support.by_hand import an_act, by_key, ways
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world

LIU = Person("刘某", "liu@office")


class Killed(BaseException):
    """As if the process were killed here."""


def numbered(n: int, **changes: Any) -> Notice:
    return a_notice(**({"project_no": f"NO-{n}", "title": f"第{n}号公告", "dates": {}} | changes))


def a_board(tmp_path: Path, **settings: Any) -> tuple[World, FakeBoard]:
    adapter = FakeSetChannel(a_config("led"))
    world = a_world(tmp_path, {"led": adapter}, settings={"led": settings})
    return world, adapter.board


def key_of(world: World, number: str) -> str:
    return str(world.row(number, "led").notice_key)


def shown(world: World, board: FakeBoard) -> set[str]:
    """The intake numbers whose notices are visible."""
    by_key = {row.notice_key: row.number for row in world.rows()}
    return {by_key[key] for key in board.shown}


def test_everything_that_is_due_is_shown_by_one_attempt(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    numbers = {world.accept(numbered(n)) for n in range(5)}
    world.step()

    assert shown(world, board) == numbers
    assert {row.state for row in world.rows()} == {"published"}
    (attempt,) = world.attempts()
    assert (attempt.call, attempt.set_number, attempt.outcome) == ("show", 1, "published")
    assert world.events().count("published") == 5
    assert world.verdict().ok


def test_what_stands_stays_when_something_is_added(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    first = world.accept(numbered(1))
    world.step()
    second = world.accept(numbered(2))
    world.step()

    assert shown(world, board) == {first, second}
    assert [a.set_number for a in world.attempts()] == [1, 2]
    assert len(board.sets) == 2
    assert world.events(world.row(first, "led").id).count("published") == 1


def test_the_error_of_one_item_keeps_it_out_and_the_others_stand(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    good, bad, odd = (world.accept(numbered(n)) for n in range(3))
    board.refusals = {
        world.row(bad, "led").notice_key: PermanentFailure(Reason.CANNOT_BE_SHOWN, "“𠮷”无法显示"),
        world.row(odd, "led").notice_key: NeedsPerson(Reason.ADAPTER_FAULT, "字库缺失"),
    }
    world.step()

    assert [world.state(n, "led").value for n in (good, bad, odd)] == ["published", "failed", "held"]
    assert world.row(bad, "led").detail == "“𠮷”无法显示"
    assert shown(world, board) == {good}


def test_a_passing_error_of_one_item_is_tried_again(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    number = world.accept(numbered(1))
    key = world.row(number, "led").notice_key
    board.refusals = {key: TransientFailure(Reason.BUSY)}
    world.step()
    assert world.state(number, "led") is State.PENDING
    board.refusals = {}
    world.run_for(minutes=1)

    assert world.state(number, "led") is State.PUBLISHED


def test_when_the_show_fails_the_old_set_stands_and_all_wait(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    first = world.accept(numbered(1))
    world.step()
    others = [world.accept(numbered(n)) for n in (2, 3)]
    board.failures = [TransientFailure(Reason.BUSY, "占用")]
    world.step()
    assert shown(world, board) == {first}
    assert {world.state(n, "led") for n in others} == {State.PENDING}
    world.run_for(minutes=1)

    assert shown(world, board) == {first, *others}


def test_an_unwritable_folder_is_one_alarm_until_it_is_written_again(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    board.failures = [TransientFailure(Reason.FOLDER_UNWRITABLE, "共享文件夹只读") for _ in range(20)]
    number = world.accept(numbered(1))
    world.run_for(hours=4)
    assert world.alarms() == ["unwritable:led"]
    board.failures = []
    world.run_for(hours=1)

    assert world.state(number, "led") is State.PUBLISHED
    assert world.alarms() == []
    assert [e for e in world.events() if e.startswith("alarm")] == ["alarm_raised", "alarm_cleared"]


def test_a_show_that_needs_a_person_stops_the_channel(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    board.failures = [NeedsPerson(Reason.ADAPTER_FAULT, "字库缺失")]
    number = world.accept(numbered(1))
    world.run_for(hours=1)
    assert (world.state(number, "led"), world.alarms()) == (State.PENDING, ["stopped:led"])
    with world.ledger.write() as tx:
        channel_state.resume(tx, "led", "刘某")
    world.run_for(minutes=1)

    assert world.state(number, "led") is State.PUBLISHED


# ---- ending


def test_an_item_ends_when_its_time_is_over_and_stays_counted(tmp_path: Path) -> None:
    world, board = a_board(tmp_path, shown_for="2d")
    first = world.accept(numbered(1))
    world.step()
    world.run_for(days=1)
    second = world.accept(numbered(2))
    world.run_for(hours=23, minutes=59)
    assert shown(world, board) == {first, second}
    world.run_for(minutes=1)

    assert world.state(first, "led") is State.ENDED
    assert shown(world, board) == {second}
    with world.ledger.read() as conn:
        assert conn.exec_driver_sql("select sum(weight) from publication_log").scalar_one() == 2
    assert world.verdict().ok


def test_an_item_does_not_end_before_a_show_without_it_has_returned(tmp_path: Path) -> None:
    world, board = a_board(tmp_path, shown_for="1d")
    number = world.accept(numbered(1))
    world.step()
    board.failures = [TransientFailure(Reason.BUSY) for _ in range(3)]
    world.run_for(days=1)
    assert world.state(number, "led") is State.PUBLISHED
    world.run_for(minutes=5)

    assert world.state(number, "led") is State.ENDED
    assert board.shown == {}


# ---- crashes and late returns


@pytest.mark.parametrize("point", ["show.before", "show.after"])
def test_after_a_crash_the_set_is_shown_again(tmp_path: Path, point: str) -> None:
    armed = [point]

    def fault(here: str) -> object:
        if here in armed:
            armed.clear()
            raise Killed
        return None

    adapter = FakeSetChannel(a_config("led"))
    world = a_world(tmp_path, {"led": adapter}, fault=fault)
    numbers = {world.accept(numbered(n)) for n in range(3)}
    with pytest.raises(Killed):
        world.step()
    assert {row.state for row in world.rows()} == {"sending"}
    world.restart()
    assert {row.state for row in world.rows()} == {"pending"}
    world.step()

    assert shown(world, adapter.board) == numbers
    assert world.events().count("published") == 3
    assert world.verdict().ok


def test_what_a_crash_left_pending_can_be_held_released_and_cancelled(tmp_path: Path) -> None:
    """A show is harmless to repeat: it leaves no doubt behind."""
    armed = ["show.after"]

    def fault(here: str) -> object:
        if here in armed:
            armed.clear()
            raise Killed
        return None

    world = a_world(tmp_path, {"led": FakeSetChannel(a_config("led"))}, fault=fault)
    first, second = world.accept(numbered(1)), world.accept(numbered(2))
    with pytest.raises(Killed):
        world.step()
    world.restart()
    with world.ledger.write() as tx:
        for number in (first, second):
            acts.hold(tx, acts.of_number(tx.conn, number), LIU, "再核对")
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, second), LIU, "不发布")
        rows = acts.of_number(tx.conn, first)
        acts.release(tx, rows, LIU, "", lambda _: Capabilities(findable=False), not_there=False)
    world.step()

    assert world.state(first, "led") is State.PUBLISHED


class SlowBoard:
    """Shows after `gate` is opened."""

    capabilities = Capabilities(findable=False)

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.sets: list[int] = []

    def show(self, items: list[Item], context: Context) -> dict[DeliveryKey, Receipt | ChannelError]:
        self.gate.wait(20)
        self.sets.append(len(items))
        return {item.delivery_key: Receipt() for item in items}


def test_a_show_that_hangs_is_alarmed_not_repeated_and_settled_when_it_returns(tmp_path: Path) -> None:
    board, site = SlowBoard(), ScriptedSite()
    world = a_world(tmp_path, {"led": board, "city": site}, threads=2, settings={"led": {"attempt": "50ms"}})
    first = world.accept(numbered(1))
    end = time.monotonic() + 15
    while "overdue_show:led" not in world.alarms():
        assert time.monotonic() < end
        world.outwait()
        world.sender.tick(world.clock(), 0.02)
    second = world.accept(numbered(2))
    world.sender.tick(world.clock(), 0.1)
    assert world.state(second, "city") is State.PUBLISHED
    board.gate.set()
    while not all(row.state == "published" for row in world.rows()):
        assert time.monotonic() < end, world.rows()
        world.sender.tick(world.clock(), 0.02)

    assert board.sets == [1, 2]
    assert world.state(first, "led") is State.PUBLISHED
    assert world.alarms() == []


# ---- damaged content


def damage(world: World, number: str) -> None:
    with world.ledger.write() as tx:
        sha256 = world.row(number, "led").rendition_sha256
        tx.conn.execute(update(blob).where(blob.c.sha256 == sha256).values(data=b"damaged"))


def text_of(n: int) -> str:
    return f"<p>第{n}号公告的正文，与其他公告不同。</p>"


def test_an_item_whose_stored_text_is_damaged_is_held_and_the_others_are_shown(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    bad, good = (world.accept(numbered(n, body_html=text_of(n))) for n in (1, 2))
    damage(world, bad)
    world.run_for(hours=1)

    assert shown(world, board) == {good}
    row = world.row(bad, "led")
    assert row.state == "held"
    assert "verify" in row.detail


def test_a_standing_item_whose_stored_text_is_damaged_stops_the_channel_and_stays_up(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    bad = world.accept(numbered(1, body_html=text_of(1)))
    world.step()
    damage(world, bad)
    other = world.accept(numbered(2, body_html=text_of(2)))
    world.run_for(hours=1)

    assert shown(world, board) == {bad}
    assert world.state(other, "led") is State.PENDING
    assert world.alarms() == ["stopped:led"]


# ---- what is found when the set is read back


def test_a_standing_item_that_can_be_shown_no_more_is_held_and_alarmed(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    first = world.accept(numbered(1))
    world.step()
    board.refusals = {world.row(first, "led").notice_key: PermanentFailure(Reason.CANNOT_BE_SHOWN, "屏幕已改小")}
    second = world.accept(numbered(2))
    world.step()

    row = world.row(first, "led")
    assert (row.state, row.reason) == ("held", "gone_from_channel")
    assert "屏幕已改小" in row.detail
    assert f"gone:{row.id}" in world.alarms()
    assert shown(world, board) == {second}
    with world.ledger.read() as conn:
        assert conn.exec_driver_sql("select sum(weight) from publication_log").scalar_one() == 1


# ---- update and withdraw


def test_a_withdrawn_item_is_shown_no_more_and_stays_counted(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    first, second = world.accept(numbered(1)), world.accept(numbered(2))
    world.step()
    key = an_act(world, world.row(first, "led"), Operation.WITHDRAW)
    world.step()

    assert shown(world, board) == {second}
    assert by_key(world, key).state == "published"
    original = next(row for row in world.rows() if row.number == first and row.operation == "publish")
    assert original.state == "ended"
    with world.ledger.read() as conn:
        assert conn.exec_driver_sql("select sum(weight) from publication_log").scalar_one() == 2


def test_an_updated_item_keeps_its_new_text_in_every_later_set(tmp_path: Path) -> None:
    world, board = a_board(tmp_path)
    first = world.accept(numbered(1))
    world.step()
    notice_key = world.rows(first)[0].notice_key
    key = an_act(world, world.row(first, "led"), Operation.UPDATE, content="<p>更正后的文字。</p>")
    world.step()
    assert board.shown[notice_key].text == "<p>更正后的文字。</p>"
    assert by_key(world, key).state == "published"
    world.accept(numbered(2))
    world.step()

    assert board.shown[notice_key].text == "<p>更正后的文字。</p>"
    assert len(board.shown) == 2


# ---- refresh


def test_a_refresh_shows_the_set_again_and_writes_no_row(tmp_path: Path) -> None:
    world, board = a_board(tmp_path, refresh="10m")
    world.accept(numbered(1))
    world.step()
    before = (len(world.events()), len(world.attempts()))
    board.shown = {}  # the screen lost its power
    world.run_for(minutes=9)
    assert board.shown == {}
    world.run_for(minutes=1)

    assert len(board.shown) == 1
    assert (len(world.events()), len(world.attempts())) == before


def test_nothing_is_refreshed_before_anything_was_shown(tmp_path: Path) -> None:
    world, board = a_board(tmp_path, refresh="10m")
    world.run_for(hours=1)

    assert board.sets == []


def test_a_refresh_that_fails_is_an_attempt_and_an_alarm(tmp_path: Path) -> None:
    world, board = a_board(tmp_path, refresh="10m")
    number = world.accept(numbered(1))
    world.step()
    board.failures = [TransientFailure(Reason.FOLDER_UNWRITABLE, "共享文件夹只读")]
    world.run_for(minutes=10)
    assert [a.outcome for a in world.attempts()] == ["published", "transient"]
    assert world.alarms() == ["unwritable:led"]
    world.run_for(minutes=10)

    assert world.alarms() == []
    assert world.state(number, "led") is State.PUBLISHED


def test_a_refresh_that_finds_an_item_missing_holds_it(tmp_path: Path) -> None:
    world, board = a_board(tmp_path, refresh="10m")
    number = world.accept(numbered(1))
    world.step()
    board.refusals = {world.row(number, "led").notice_key: PermanentFailure(Reason.CANNOT_BE_SHOWN, "字库缺失")}
    world.run_for(minutes=10)

    assert world.row(number, "led").reason == "gone_from_channel"


def test_a_stopped_channel_is_not_refreshed(tmp_path: Path) -> None:
    world, board = a_board(tmp_path, refresh="10m")
    world.accept(numbered(1))
    world.step()
    with world.ledger.write() as tx:
        channel_state.stop(tx, "led", "刘某", "检修")
    sets = len(board.sets)
    world.run_for(hours=1)

    assert len(board.sets) == sets


# ---- a set that has grown


def a_feed(tmp_path: Path, **settings: Any) -> World:
    options = {"base_url": "http://127.0.0.1:9/", "window": 2, "max_entries": 2}
    feed = WechatFeed(a_config("feed", folder=tmp_path / "out", options=options))
    return a_world(tmp_path, {"feed": feed}, settings={"feed": {"refresh": timedelta(hours=1)} | settings})


def pages(tmp_path: Path) -> dict[str, Path]:
    """The pages by the number in the title of their notice."""
    found = {}
    for path in (tmp_path / "out" / "articles").iterdir():
        title = re.search("第(.)号公告", path.read_text("utf-8"))
        assert title is not None
        found[title[1]] = path
    return found


def listed(tmp_path: Path) -> str:
    lines = re.findall("第(.)号公告</a>", (tmp_path / "out" / "index.html").read_text("utf-8"))
    return "".join(lines)


def test_a_grown_set_keeps_every_page_and_finds_what_is_wrong_with_an_old_one_in_its_turn(tmp_path: Path) -> None:
    world = a_feed(tmp_path)
    for n in range(9):
        world.accept(numbered(n))
        world.step()
        world.clock.move_to(world.clock() + timedelta(minutes=1))
    assert listed(tmp_path) == "876543210" and len(pages(tmp_path)) == 9
    before = {number: path.read_bytes() for number, path in pages(tmp_path).items()}
    for path in pages(tmp_path).values():
        path.write_bytes(path.read_bytes().replace("公告".encode(), "广告".encode(), 1))
    spoilt = [tmp_path / "out" / "articles" / path.name for path in (tmp_path / "out" / "articles").iterdir()]
    healed = []
    for _ in range(5):
        world.run_for(hours=1)
        right = {path for path in spoilt if path.read_bytes() in before.values()}
        healed.append(len(right))
    assert healed[0] < 9 and healed == sorted(healed) and healed[-1] == 9
    assert {row.state for row in world.rows()} == {"published"} and world.alarms() == []


def test_an_old_publication_can_be_updated_and_withdrawn_and_the_other_old_ones_stay(tmp_path: Path) -> None:
    world = a_feed(tmp_path)
    numbers = []
    for n in range(6):
        numbers.append(world.accept(numbered(n)))
        world.step()
        world.clock.move_to(world.clock() + timedelta(minutes=1))
    an_act(world, world.row(numbers[1], "feed"), Operation.WITHDRAW)
    with world.ledger.write() as tx:
        text = a_rendition(numbered(0), content="<p>改过的正文</p>")
        amend.update(tx, world.row(numbers[0], "feed"), text, LIU, "有误", ways(world))
    world.step()
    assert listed(tmp_path) == "54320" and sorted(pages(tmp_path)) == list("02345")
    assert "改过的正文" in pages(tmp_path)["0"].read_text("utf-8")
    world.run_for(hours=4)
    assert listed(tmp_path) == "54320" and "改过的正文" in pages(tmp_path)["0"].read_text("utf-8")
    assert world.alarms() == [] and world.verdict().ok


def test_of_a_grown_set_the_newest_are_always_shown_and_all_others_in_turn(tmp_path: Path) -> None:
    world = a_feed(tmp_path)
    for n in range(7):
        world.accept(numbered(n))
        world.step()
        if n != 4:  # 4 and 5 became visible in one instant
            world.clock.move_to(world.clock() + timedelta(minutes=1))
    rows = [row for row in world.rows() if row.visible_since is not None]
    hour, at = timedelta(hours=1), world.clock()
    turns = [sets.kept_back(rows, 2, hour, at + n * hour) for n in range(3)]
    ids = [row.id for row in rows]
    assert all(not kept & set(ids[4:]) for kept in turns), "the newest two, and what came with the second"
    assert [len(kept) for kept in turns].count(2) >= 1 and frozenset.intersection(*turns) == frozenset()
    assert sets.kept_back(rows, None, hour, at) == sets.kept_back(rows, 7, hour, at) == frozenset()


def test_a_set_of_more_items_than_a_query_takes_values_is_read_in_parts(tmp_path: Path) -> None:
    world, _ = a_board(tmp_path)
    world.accept(numbered(1))
    (row,) = world.rows()
    fields = dict(row._mapping)
    many = [SimpleNamespace(**fields | {"id": n, "version_id": row.version_id + n}) for n in range(260_000)]
    with world.ledger.read() as conn:
        found = contents.read_many(conn, world.ledger, cast("list[Any]", many))
    assert isinstance(found[0], contents.Contents) and isinstance(found[1], LookupError) and len(found) == 260_000
