"""What a comparison of the log with the channels says of sites, of sets, of lists, and of what it cannot ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from channels.fake_set import FakeSetChannel
from publisher.channel import AnyChannel, CannotTell, Context, DeliveryKey, Finding, Item, Listed
from publisher.counts.reconciled import OfChannel, compared_since, last_kept
from publisher.delivery import Operation
from publisher.errors import Reason, TransientFailure
from publisher.ledger.chain import Entry
from publisher.ledger.claims import begin_show
from publisher.ledger.tables import blob, observation
from publisher.notice import LOCAL
from publisher.reconciling.asking import Asker
from publisher.reconciling.comparing import reconcile
from tests.support.builders import a_config, a_notice
from tests.support.by_hand import an_act
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world

DECEMBER = (date(2017, 12, 1), date(2017, 12, 31))
KNOWN = "http://example.invalid/1"


@dataclass
class Town(ScriptedSite):
    """A site with a list; `meanwhile` happens while the list is read."""

    on_list: list[Listed] = field(default_factory=lambda: [Listed(KNOWN, "招标公告")])
    trouble: Exception | None = None
    meanwhile: Callable[[], None] = lambda: None

    def listed(self, context: Context) -> Sequence[Listed] | None:
        self.meanwhile()
        if self.trouble is not None:
            raise self.trouble
        return self.on_list


class Blind:
    """A set channel that shows and cannot look."""

    def __init__(self) -> None:
        self._real = FakeSetChannel(a_config("board"))
        self.capabilities = self._real.capabilities

    def show(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Any]:
        return self._real.show(items, context)


class Unwell(FakeSetChannel):
    """A set channel whose next looks fail with these; `meanwhile` happens while it is looked at."""

    def __init__(self) -> None:
        super().__init__(a_config("board"))
        self.troubles: list[Exception] = []
        self.forgets = False
        self.looks = self.last = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def look(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Finding]:
        self.looks += 1
        self.last = len(items)
        self.meanwhile()
        found = super().look(items, context)
        if self.troubles:
            raise self.troubles.pop(0)
        return {} if self.forgets else found


def world_of(folder: Path, adapter: AnyChannel, notices: int = 2, **settings: Any) -> World:
    world = a_world(folder, {"board": adapter}, settings={"board": settings})
    for number in range(notices):
        world.accept(a_notice(project_no=f"QFZB-2017-{number:04d}", dates={}))
    world.run_for(minutes=10)
    return world


def compared(world: World, *, channels: Mapping[str, Any] | None = None) -> OfChannel:
    asker = Asker(world.ledger, world.machine, world.sending)
    (one,) = reconcile(asker, world.channels if channels is None else channels, *DECEMBER, by="王某")
    return one


def whats(one: OfChannel) -> list[tuple[str, str]]:
    return [(item.what, item.number) for item in one.items]


# ---- sets


def test_what_readers_see_of_a_set_is_found_and_nothing_is_shown_for_it(tmp_path: Path) -> None:
    board = FakeSetChannel(a_config("board"))
    world = world_of(tmp_path, board)
    shows = len(board.board.sets)
    one = compared(world)

    assert (one.logged, one.found, one.by_hand, one.agrees) == (2, 2, 0, True)
    assert len(board.board.sets) == shows
    with world.ledger.read() as conn:
        assert conn.execute(select(observation.c.finding)).scalars().all() == ["looked"]


def test_what_is_missing_from_a_set_or_shows_another_text_is_named(tmp_path: Path) -> None:
    board = FakeSetChannel(a_config("board"))
    world = world_of(tmp_path, board, 3)
    first, second, _ = list(board.board.shown)
    numbers = {row.notice_key: row.number for row in world.rows()}
    del board.board.shown[first]
    seen = board.board.shown[second]
    board.board.shown[second] = type(seen)(seen.title, "别的文字", "别的", seen.visible_since)
    one = compared(world)

    assert sorted(whats(one)) == sorted([("missing", numbers[first]), ("different", numbers[second])])
    assert one.found == 1
    assert {item.url for item in one.items} == {f"memory:/{first}", f"memory:/{second}"}


def test_after_an_update_of_a_set_the_new_text_is_what_is_looked_for(tmp_path: Path) -> None:
    board = FakeSetChannel(a_config("board"))
    world = world_of(tmp_path, board, 1)
    an_act(world, world.row("1", "board"), Operation.UPDATE, content="<p>更正后的文字。</p>")
    world.run_for(minutes=1)

    assert compared(world).found == 1


def test_of_a_set_only_what_is_asked_about_is_looked_at(tmp_path: Path) -> None:
    board = Unwell()
    world = world_of(tmp_path, board)
    world.clock.move_to(datetime(2018, 2, 1, tzinfo=LOCAL))
    world.accept(a_notice(project_no="QFZB-2018-0001", dates={}))
    world.run_for(minutes=1)
    assert len(board.board.shown) == 3

    assert (compared(world).found, board.last) == (2, 2)


def test_a_set_channel_that_cannot_look_leaves_its_publications_to_a_person_by_name(tmp_path: Path) -> None:
    one = compared(world_of(tmp_path, Blind()))

    assert (one.found, one.by_hand, one.agrees) == (0, 2, True)
    assert [(item.number, bool(item.title), item.url.split(":")[0]) for item in one.to_look] == [
        ("1", True, "memory"),
        ("2", True, "memory"),
    ]
    assert "不能查看" in one.to_look[0].detail


def test_a_set_that_cannot_be_read_is_told_as_unanswered_whatever_the_adapter_raises(tmp_path: Path) -> None:
    board = Unwell()
    world = world_of(tmp_path, board)
    board.troubles = [TransientFailure(Reason.FOLDER_UNWRITABLE, "共享文件夹连不上"), ZeroDivisionError()]

    first, second = compared(world), compared(world)
    assert [what for what, _ in whats(first) + whats(second)] == ["unanswered"] * 4
    assert "共享文件夹连不上" in first.items[0].detail
    board.forgets = True
    assert [item.what for item in compared(world).items] == ["unanswered"] * 2


def test_a_set_that_changes_while_it_is_looked_at_is_looked_at_again(tmp_path: Path) -> None:
    board = Unwell()
    world = world_of(tmp_path, board)

    def withdrawn() -> None:
        board.meanwhile = lambda: None
        an_act(world, world.row("1", "board"), Operation.WITHDRAW, content="")
        world.run_for(minutes=1)

    board.meanwhile = withdrawn
    one = compared(world)

    assert len(board.board.shown) == 1, "it came down while the set was looked at"
    assert (board.looks, one.items) == (2, ())


def test_a_set_whose_change_does_not_end_is_told_as_unanswered(tmp_path: Path) -> None:
    board = Unwell()
    world = world_of(tmp_path, board, 1)
    with world.ledger.write() as tx:
        begin_show(tx, "board", (), 99, world.daemon_id, world.sending.attempt, world.sending.give_up)
    one = compared(world)

    assert whats(one) == [("unanswered", "1")] and board.looks == 10


# ---- sites


def test_after_an_update_of_a_site_the_new_text_is_no_difference_and_the_old_one_is(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = world_of(tmp_path, site, 1)
    new = "<p>更正后的文字。</p>"
    an_act(world, world.row("1", "board"), Operation.UPDATE, content=new)
    world.run_for(minutes=1)
    update_row = next(row for row in world.rows() if row.operation == "update")
    site.shown_digest = update_row.rendition_digest
    assert compared(world).agrees

    site.shown_digest = next(row for row in world.rows() if row.operation == "publish").rendition_digest
    assert whats(compared(world)) == [("different", "1")]


def test_what_a_site_cannot_tell_waits_for_a_person_with_the_reason(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = world_of(tmp_path, site)
    site.finds = [CannotTell("列表只有最近十条"), None]
    one = compared(world)

    assert (one.found, one.by_hand) == (1, 1)
    (item,) = one.to_look
    assert (item.number, item.detail, item.url) == ("1", "列表只有最近十条", KNOWN)


def test_a_channel_that_is_no_longer_in_the_settings_is_a_persons_to_look_at(tmp_path: Path) -> None:
    world = world_of(tmp_path, ScriptedSite())
    one = compared(world, channels={})

    assert (one.logged, one.by_hand, one.tier) == (2, 2, "county")
    assert "停用" in one.to_look[0].detail


def test_a_damaged_text_ends_no_comparison_but_is_told(tmp_path: Path) -> None:
    world = world_of(tmp_path, ScriptedSite())
    with world.ledger.write() as tx:
        tx.conn.execute(update(blob).where(blob.c.sha256 == world.rows()[0].rendition_sha256).values(data=b"spoilt"))
    one = compared(world)

    assert {item.what for item in one.items} == {"unanswered"}
    assert "publisher verify" in one.items[0].detail


# ---- lists


def test_what_was_published_while_the_list_was_read_is_not_foreign(tmp_path: Path) -> None:
    town = Town()
    world = a_world(tmp_path, {"board": town})
    town.meanwhile = lambda: (world.accept(a_notice(dates={})), world.run_for(minutes=1))[1]
    one = compared(world)

    assert (one.logged, one.listed, one.items) == (0, True, ())


def test_a_foreign_item_is_named_once_with_its_address_however_long_its_title(tmp_path: Path) -> None:
    town = Town(on_list=[Listed(KNOWN, "甲"), *[Listed("http://example.invalid/2", "长" * 5000)] * 2])
    one = compared(world_of(tmp_path, town))

    (item,) = one.items
    assert (item.what, item.url, item.title) == ("foreign", "http://example.invalid/2", "长" * 200)


def test_a_list_that_cannot_be_read_is_not_said_to_be_read_whatever_the_adapter_raises(tmp_path: Path) -> None:
    for number, trouble in enumerate([TransientFailure(Reason.UNREACHABLE, "连接被拒绝"), ValueError("secret")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        one = compared(world_of(folder, Town(trouble=trouble)))

        assert (one.found, one.listed, [item.what for item in one.items]) == (2, False, ["unanswered"])
        assert "secret" not in one.items[0].detail


# ---- what is kept


def test_the_newest_result_of_each_channel_and_span_is_read_from_the_log_as_it_was(tmp_path: Path) -> None:
    town = Town(on_list=[Listed("http://example.invalid/2", "别处的公告")])
    world = world_of(tmp_path, town)
    compared(world)
    town.finds = [CannotTell("只有十条")]
    newest = compared(world)
    with world.ledger.read() as conn:
        (kept,) = last_kept(conn, *DECEMBER)
        spans, end = compared_since(conn, kept.seq - 1)
        nothing = compared_since(conn, kept.seq)

    assert kept.result == newest and (newest.items, newest.to_look) != ((), ())
    assert (kept.by, kept.at) == ("王某", world.clock())
    assert (spans, nothing) == ({DECEMBER}, (set(), end))
    assert world.verdict().ok


def test_other_spans_have_results_of_their_own(tmp_path: Path) -> None:
    world = world_of(tmp_path, Town())
    compared(world)
    year = (date(2017, 1, 1), date(2017, 12, 31))
    with world.ledger.read() as conn:
        assert last_kept(conn, *year) == ()
    reconcile(Asker(world.ledger, world.machine, world.sending), world.channels, *year, by="王某")
    with world.ledger.read() as conn:
        assert [one.result.logged for one in last_kept(conn, *year)] == [2]
        assert len(last_kept(conn, *DECEMBER)) == 1


def test_a_row_of_an_earlier_version_is_read_too(tmp_path: Path) -> None:
    world = world_of(tmp_path, Town())
    item = {"what": "missing", "number": "1", "title": "甲", "detail": "没有"}
    facts = {"from": "2017-12-01", "to": "2017-12-31", "logged": 2, "found": 0, "by_hand": 1, "items": [item]}
    with world.ledger.write() as tx:
        tx.log(Entry(event="reconciled", by="程序", channel="board", data=facts))
    with world.ledger.read() as conn:
        (kept,) = last_kept(conn, *DECEMBER)

    assert (kept.result.by_hand, kept.result.to_look, kept.result.listed) == (1, (), False)
    assert kept.result.items[0].title == "甲"
