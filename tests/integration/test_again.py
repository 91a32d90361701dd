"""Trying again by a person's hand: with fresh patience, once, and never what may be public."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from publisher.channel import Capabilities, Limits
from publisher.delivery import State
from publisher.errors import NotAllowed, OutcomeUnknown, PermanentFailure, Reason, TransientFailure
from publisher.ledger import acts, again
from publisher.ledger.acts import Person
from publisher.planning import render_again
from publisher.render import Renderer
from tests.support.builders import a_notice, a_rendition
from tests.support.scripted import Scripted
from tests.support.sending import World, a_world

CLERK = Person("王某", "wang@desk")
TITLE = a_notice().title


def world_of(tmp_path: Path, site: Scripted) -> World:
    return a_world(tmp_path, {"site": site}, sending={"quick_wait": timedelta(0)})


def test_what_is_sent_again_has_its_whole_patience_and_its_short_first_wait_again(tmp_path: Path) -> None:
    site = Scripted()
    busy, refused = TransientFailure(Reason.BUSY), PermanentFailure(Reason.REFUSED, "no")
    site.will(TITLE, busy, busy, busy, busy, refused, busy)
    world = world_of(tmp_path, site)
    number = world.accept()
    world.run_for(hours=1)
    assert world.state(number, "site") is State.FAILED
    world.run_for(hours=100)  # longer than the patience that the first attempt began
    with world.ledger.write() as tx:
        told = again.retry(tx, acts.of_number(tx.conn, number), CLERK, "")
    world.step()

    assert [one.said for one in told] == ["重新发送"]
    row = world.row(number, "site")
    assert (row.state, row.tries, row.next_at) == ("pending", 1, world.clock() + world.sending.retry_first)
    world.run_for(minutes=1)
    assert world.state(number, "site") is State.PUBLISHED
    assert len(site.titles) == 7


def test_what_may_be_public_is_asked_for_and_gets_no_new_text(tmp_path: Path) -> None:
    site = Scripted(capabilities=Capabilities(settle_window=timedelta(hours=1)))
    site.will(TITLE, OutcomeUnknown(Reason.ANSWER_LOST))
    world = world_of(tmp_path, site)
    number = world.accept()
    world.step()
    assert world.state(number, "site") is State.UNKNOWN
    row = world.row(number, "site")
    with world.ledger.write() as tx, pytest.raises(NotAllowed, match="没有可以重新排版的渠道"):
        again.replace_texts(tx, [row], {row.id: a_rendition(content="<p>另一文本</p>")}, CLERK, "")
    with world.ledger.write() as tx:
        told = again.retry(tx, acts.of_number(tx.conn, number), CLERK, "")

    assert [one.said for one in told] == ["结果未知，先向渠道查询"]
    assert len(site.titles) == 1
    assert world.row(number, "site").rendition_sha256 == row.rendition_sha256


def test_a_waiting_delivery_gets_its_new_text_before_it_goes(tmp_path: Path) -> None:
    world = world_of(tmp_path, Scripted())
    number = world.accept()
    row = world.row(number, "site")
    text = a_rendition(content="<p>新排版</p>")
    with world.ledger.write() as tx:
        again.replace_texts(tx, [row], {row.id: text}, CLERK, "模板已改")
    after = world.row(number, "site")
    world.run_for(minutes=1)

    assert (after.state, after.rendition_sha256, after.delivery_key == row.delivery_key) == (
        "pending",
        text.sha256,
        False,
    )
    assert world.state(number, "site") is State.PUBLISHED
    assert "rendered" in world.events(row.id) and world.verdict().ok


def test_only_the_channels_for_which_there_is_a_new_text_get_one(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"site": Scripted(), "other": Scripted()})
    number = world.accept()
    site, other = world.row(number, "site"), world.row(number, "other")
    with world.ledger.write() as tx:
        told = again.replace_texts(tx, [site, other], {site.id: a_rendition(content="<p>新</p>")}, CLERK, "")

    assert [one.channel for one in told] == ["site"]
    assert world.row(number, "other").delivery_key == other.delivery_key


def test_a_text_that_exceeds_a_limit_or_is_for_no_channel_is_not_made_anew(tmp_path: Path) -> None:
    narrow = Scripted(capabilities=Capabilities(limits=Limits(title_chars=3)))
    settings = {"site": {"adapter": "channels.municipal_site:MunicipalSite"}}
    world = a_world(tmp_path, {"site": narrow}, settings=settings)
    with pytest.raises(NotAllowed, match="上限为 3 个字"):
        render_again(a_notice(), world.channels["site"], Renderer())
    with pytest.raises(NotAllowed, match="未启用"):
        render_again(a_notice(), None, Renderer())


def test_what_waits_for_something_else_cannot_be_hurried(tmp_path: Path) -> None:
    world = world_of(tmp_path, Scripted())
    number = world.accept(a_notice(publish_at=world.clock() + timedelta(days=1)))
    with world.ledger.write() as tx, pytest.raises(NotAllowed, match="没有可以重试的渠道"):
        again.retry(tx, acts.of_number(tx.conn, number), CLERK, "")
    assert world.state(number, "site") is State.PENDING
