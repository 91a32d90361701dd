"""Verify meets anything that can stand in a database and names it; it never breaks, and an honest ledger is honest."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from publisher.channel import Receipt
from publisher.ledger import acts
from publisher.ledger.acts import Person
from publisher.ledger.again import replace_texts
from publisher.ledger.heads import Head, read_heads, write_head
from publisher.ledger.tables import metadata
from publisher.ledger.verify import verify
from tests.support.builders import a_notice, a_rendition, an_attachment
from tests.support.scripted_site import ScriptedSite, lost, refused
from tests.support.sending import World, a_world
from tests.support.tampering import tamper

LIU = Person("刘某", "liu@office")


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = a_world(tmp_path, {"county": ScriptedSite(), "city": ScriptedSite(script=[refused()])})
    for number in range(3):
        made.accept(a_notice(project_no=f"QFZB-2017-{number:04d}", dates={}))
    made.step()
    return made


def tampered(world: World, statement: str, *values: object) -> set[tuple[str, str]]:
    tamper(world.ledger.engine, statement, values=values)
    return {(fault.kind, fault.place) for fault in world.verdict().faults}


@pytest.mark.parametrize(
    "payload", ["", "{}", "[]", "null", "7", '"text"', '{"data":[]}', '{"data":{"deliveries":7,"version_id":1}}', "{"]
)
def test_whatever_text_stands_in_a_row_is_named_as_changed(world: World, payload: str) -> None:
    with world.ledger.read() as conn:
        rows = "select seq from publication_log where event in ('accepted', 'published')"
        seqs = list(conn.exec_driver_sql(rows).scalars())
    for seq in seqs:
        found = tampered(world, "update publication_log set payload = ? where seq = ?", payload, seq)
        assert ("changed", f"row {seq}") in found


def test_an_added_row_is_named(world: World) -> None:
    found = tampered(
        world,
        "insert into publication_log (seq, hash, payload, event, recorded_at, weight, by) "
        "values (999, ?, '{}', 'published', 0, 1, '程序')",
        "0" * 64,
    )

    assert any(kind in ("changed", "removed") for kind, _ in found)


def test_a_delivery_that_nobody_accepted_is_named(world: World) -> None:
    columns = [column.name for column in metadata.tables["delivery"].columns if column.name != "id"]
    chosen = ", ".join("'made-up'" if name == "delivery_key" else name for name in columns)
    found = tampered(world, f"insert into delivery ({', '.join(columns)}) select {chosen} from delivery where id = 1")

    assert ("delivery_added", "intake 1 on city") in found


@pytest.mark.parametrize(("channel", "state"), [("city", "published"), ("county", "pending"), ("county", "held")])
def test_a_state_that_the_log_does_not_bear_out_is_named(world: World, channel: str, state: str) -> None:
    assert world.row("1", "city").state == "failed"
    found = tampered(world, "update delivery set state = ? where channel = ? and number = '1'", state, channel)

    assert ("state_changed", f"intake 1 on {channel}") in found


def test_a_removed_and_a_changed_attachment_are_named(tmp_path: Path) -> None:
    attachment = an_attachment()
    world = a_world(tmp_path, {"county": ScriptedSite()})
    number = world.accept(a_notice(attachments=(attachment.ref,)))
    with world.ledger.write() as tx:
        tx.store_blob(attachment.read(), attachment.ref.sha256)
    assert world.verdict().ok
    where = "where sha256 = ?"
    assert ("attachment_changed", f"intake {number}") in tampered(
        world, f"update blob set data = x'00' {where}", attachment.ref.sha256
    )
    assert ("attachment_changed", f"intake {number}") in tampered(
        world, f"delete from blob {where}", attachment.ref.sha256
    )


def test_a_missing_head_row_of_the_ledger_is_no_honest_ledger(world: World) -> None:
    found = tampered(world, "update head set seq = 0, hash = ?", "0" * 64)

    assert any(kind == "changed" for kind, _ in found)


def test_everything_that_people_and_channels_do_leaves_an_honest_ledger(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost(), Receipt(number="S-2", public=False), refused()])
    world = a_world(tmp_path, {"city": site}, settings={"city": {"read_back": ["1m"]}})
    numbers = [world.accept(a_notice(project_no=f"NO-{n}", dates={})) for n in range(4)]
    world.run_for(days=1)
    failed = next(row for row in world.rows() if row.state == "failed")
    with world.ledger.write() as tx:
        text = a_rendition(content="<p>重新排版的正文。</p>")
        replace_texts(tx, [failed], {failed.id: text}, LIU, "")
        acts.undo_confirm(tx, world.row(numbers[3], "city"), LIU, "看错了")
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(numbers[3], "city"), LIU, channel_number="S-77")
    world.run_for(days=1)

    assert world.verdict().faults == ()


# ---- heads


def test_a_head_file_says_how_long_the_log_was_and_when(tmp_path: Path, world: World) -> None:
    path = write_head(world.ledger, tmp_path / "heads", "midnight")
    head = Head(**json.loads(path.read_text("utf-8")))

    assert (head.seq, head.why, head.ledger_id) == (len(world.events()), "midnight", world.ledger.ledger_id)
    assert head.at.startswith("2017-12-04T09:00:00")
    assert [p.name for p in (tmp_path / "heads").iterdir()] == [path.name]  # nothing half-written is left


def test_completeness_is_proved_up_to_the_last_head_only(tmp_path: Path, world: World) -> None:
    write_head(world.ledger, tmp_path / "heads", "start")
    proved = len(world.events())
    world.accept(a_notice(project_no="NO-9", dates={}))
    verdict = verify(world.ledger, tmp_path / "heads")

    assert verdict.ok
    assert (verdict.proved_to, verdict.rows > proved) == (proved, True)


def test_heads_of_another_ledger_and_garbage_are_named_and_prove_nothing(tmp_path: Path, world: World) -> None:
    (tmp_path / "other").mkdir()
    other = a_world(tmp_path / "other", {"county": ScriptedSite()})
    write_head(other.ledger, tmp_path / "heads", "stop")
    (tmp_path / "heads" / "head-garbage.json").write_text("{", "utf-8")
    (tmp_path / "heads" / "head-list.json").write_text("[]", "utf-8")
    verdict = verify(world.ledger, tmp_path / "heads")

    assert verdict.proved_to == 0
    assert [fault.kind for fault in verdict.faults] == ["head_unreadable"] * 3
    assert read_heads(tmp_path / "nowhere", "x") == ([], [])


def test_a_head_whose_values_have_other_types_is_named(tmp_path: Path, world: World) -> None:
    path = write_head(world.ledger, tmp_path / "heads", "stop")
    body = json.loads(path.read_text("utf-8")) | {"seq": "seven"}
    path.write_text(json.dumps(body), "utf-8")

    assert [fault.kind for fault in verify(world.ledger, tmp_path / "heads").faults] == ["head_unreadable"]


def test_heads_are_compared_in_the_order_of_rows(tmp_path: Path, world: World) -> None:
    for why in ("start", "midnight", "stop"):
        world.clock.move_to(world.clock() + timedelta(hours=8))
        world.accept(a_notice(project_no=f"NO-{why}", dates={}))
        write_head(world.ledger, tmp_path / "heads", why)
    verdict = verify(world.ledger, tmp_path / "heads")

    assert verdict.ok
    assert "stop" in verdict.proved_by


# ---- schema


def test_the_migrations_make_exactly_the_tables_of_the_program(world: World) -> None:
    with world.ledger.engine.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []
