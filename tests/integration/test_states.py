"""Every change of state that the program makes is allowed by the table, logged, and no other can be made."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.channel import Absent, CannotTell, Found, Receipt, TaskNote
from publisher.delivery import TRANSITIONS, State
from publisher.errors import NeedsPerson, NotAllowed, OutcomeUnknown, PermanentFailure, Reason, TransientFailure
from publisher.ledger import acts, again, amend, deliveries
from publisher.ledger.acts import Person
from tests.support.builders import a_change_notice, a_notice
from tests.support.by_hand import ways
from tests.support.scripted_site import ScriptedSite, busy, lost, refused, unreachable
from tests.support.sending import World, a_world

LIU = Person("刘某", "liu@office")
FOREIGN = "n1:" + "e" * 64


def watched(world: World) -> None:
    """Have the database itself note every change of a delivery's state."""
    note = "insert into changes values (new.id, old.state, new.state)"
    when = "create trigger watch after update of state on delivery"
    with world.ledger.engine.connect() as conn:
        conn.exec_driver_sql("create table changes (delivery_id integer, before text, after text)")
        if world.ledger.shared:
            body = f"begin if old.state <> new.state then {note}; end if; return new; end"
            conn.exec_driver_sql(f"create function note() returns trigger as $$ {body} $$ language plpgsql")
            conn.exec_driver_sql(f"{when} for each row execute function note()")
        else:
            conn.exec_driver_sql(f"{when} when old.state <> new.state begin {note}; end")
        conn.commit()


def changes(world: World) -> list[tuple[int, str, str]]:
    with world.ledger.read() as conn:
        return [tuple(row) for row in conn.exec_driver_sql("select delivery_id, before, after from changes")]


def path_of(tmp_path: Path, site: ScriptedSite, **span: float) -> list[str]:
    """The states that one delivery to `site` goes through."""
    world = a_world(tmp_path, {"city": site}, sending={"quick_wait": "0s"})
    watched(world)
    world.accept()
    world.run_for(**(span or {"minutes": 4}))
    assert world.verdict().ok
    made = changes(world)
    return [made[0][1], *(new for _, _, new in made)] if made else []


TASK = TaskNote("请将公告张贴在公告栏")

PATHS: dict[str, tuple[ScriptedSite, list[str]]] = {
    "taken and public": (ScriptedSite(), ["published"]),
    "taken, public later": (ScriptedSite(script=[Receipt(number="S-1", public=False)]), ["submitted", "published"]),
    "taken, then refused": (
        ScriptedSite(
            script=[Receipt(number="S-1", public=False)], finds=[PermanentFailure(Reason.REFUSED, "审核不通过")]
        ),
        ["submitted", "failed"],
    ),
    "taken, shown with another text": (
        ScriptedSite(script=[Receipt(number="S-1", public=False)], finds=[Found(Receipt(number="S-1"), FOREIGN)]),
        ["submitted", "held"],
    ),
    "taken, cannot be asked for": (
        ScriptedSite(script=[Receipt(number="S-1", public=False)], finds=[CannotTell("无此查询")]),
        ["submitted", "held"],
    ),
    "a person must hang it up": (ScriptedSite(script=[Receipt(task=TASK)]), ["submitted"]),
    "lost and found": (ScriptedSite(script=[lost()]), ["unknown", "published"]),
    "lost and found, not yet public": (
        ScriptedSite(script=[lost()], finds=[Found(Receipt(number="S-1", public=False))]),
        ["unknown", "submitted", "published"],
    ),
    "lost, then refused": (
        ScriptedSite(script=[lost()], finds=[PermanentFailure(Reason.REFUSED, "不予发布")]),
        ["unknown", "failed"],
    ),
    "lost, cannot be told": (ScriptedSite(script=[lost()], finds=[CannotTell("")]), ["unknown", "held"]),
    "lost and not there": (
        ScriptedSite(script=[lost()], late=timedelta(days=1)),
        ["unknown", "pending", "sending", "published"],
    ),
    "lost, cannot be asked at all": (ScriptedSite(script=[lost()], findable=False), ["held"]),
    "lost, harmless to repeat": (ScriptedSite(script=[lost()], idempotent=True), ["pending", "sending", "published"]),
    "refused": (ScriptedSite(script=[refused()]), ["failed"]),
    "busy once": (ScriptedSite(script=[busy()]), ["pending", "sending", "published"]),
    "a word never seen": (ScriptedSite(script=[NeedsPerson(Reason.UNKNOWN_ANSWER, "errcode 200040")]), ["held"]),
    "bad credential": (
        ScriptedSite(script=[NeedsPerson(Reason.BAD_CREDENTIAL, "", stops_channel=True)]),
        ["pending"],
    ),
    "the adapter breaks after sending": (ScriptedSite(script=[ZeroDivisionError()]), ["unknown", "published"]),
    "taken with another text": (ScriptedSite(script=[Receipt(number="S-1", digest=FOREIGN)]), ["held"]),
}


@pytest.mark.parametrize("what", PATHS)
def test_a_delivery_that_is(tmp_path: Path, what: str) -> None:
    site, states = PATHS[what]
    if what == "the adapter breaks after sending":
        site.late = timedelta(0)
        site.finds = [Found(Receipt(number="S-1"))]

    assert path_of(tmp_path, site) == ["pending", "sending", *states]


def test_a_submitted_delivery_is_not_asked_for_while_a_person_has_its_task(tmp_path: Path) -> None:
    site = ScriptedSite(script=[Receipt(task=TASK)])
    world = a_world(tmp_path, {"board": site})
    number = world.accept()
    world.run_for(days=3)
    assert (world.state(number, "board"), site.asked) == (State.SUBMITTED, 0)
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(number, "board"), LIU, proof="照片")

    assert world.state(number, "board") is State.PUBLISHED
    assert site.asked == 0


def test_a_publication_that_is_gone_is_held_and_subtracted(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, settings={"city": {"read_back": ["10m"]}})
    watched(world)
    number = world.accept()
    world.step()
    site.items.clear()
    world.run_for(minutes=11)

    row = world.row(number, "city")
    assert (row.state, row.reason, world.alarms()) == ("held", "gone_from_channel", [f"gone:{row.id}"])
    with world.ledger.read() as conn:
        assert conn.exec_driver_sql("select sum(weight) from publication_log").scalar_one() == 0
        assert conn.exec_driver_sql("select publications from rollup").scalar_one() == 0
    assert world.verdict().ok


def test_absent_right_after_publishing_says_nothing_against_it(tmp_path: Path) -> None:
    site = ScriptedSite(late=timedelta(seconds=100))
    world = a_world(tmp_path, {"city": site}, settings={"city": {"read_back": ["10s"]}})
    number = world.accept()
    world.run_for(minutes=10)

    assert world.state(number, "city") is State.PUBLISHED
    assert site.asked == 2


FORBIDDEN = [(old, new) for old in State for new in State if new not in TRANSITIONS[old]]


@pytest.mark.parametrize(("old", "new"), FORBIDDEN, ids=lambda state: state.value)
def test_no_other_change_can_be_made(forbidden_world: World, old: State, new: State) -> None:
    world = forbidden_world
    row_id = world.rows()[0].id
    with world.ledger.write() as tx:
        tx.conn.exec_driver_sql(f"update delivery set state = '{old.value}'")
    with pytest.raises(ValueError, match="cannot go from"), world.ledger.write() as tx:
        deliveries.change(tx, deliveries.read(tx.conn, row_id), new)

    assert world.rows()[0].state == old.value


@pytest.fixture(scope="module")
def forbidden_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = a_world(tmp_path_factory.mktemp("forbidden"), {"city": ScriptedSite()})
    world.accept()
    return world


def test_a_change_read_from_an_older_state_is_refused(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    world.accept()
    old = world.rows()[0]
    with world.ledger.write() as tx:
        deliveries.hold(tx, deliveries.read(tx.conn, old.id), Reason.HELD_BY_PERSON, "")
    with pytest.raises(deliveries.Overtaken), world.ledger.write() as tx:
        deliveries.change(tx, old, State.SENDING)

    assert world.rows()[0].state == "held"


# ---- everything at once


def outcomes(chance: random.Random) -> Receipt | Exception | None:
    return chance.choice(
        [
            None,
            None,
            None,
            Receipt(number="S-0", public=False),
            Receipt(task=TASK),
            Receipt(digest=FOREIGN),
            busy(),
            unreachable(),
            TransientFailure(Reason.QUOTA),
            lost(),
            lost(),
            OutcomeUnknown(Reason.SERVER_ERROR),
            refused(),
            NeedsPerson(Reason.UNKNOWN_ANSWER, "errcode 200040"),
            RuntimeError("a fault"),
        ]
    )


def findings(chance: random.Random) -> object:
    return chance.choice(
        [None, None, None, Absent(), CannotTell(""), busy(), refused(), Found(Receipt(), FOREIGN), Found(Receipt())]
    )


def act(world: World, chance: random.Random, number: str) -> None:
    """A person does something; what the state forbids is refused."""

    def release(tx: acts.Tx, rows: list[acts.Delivery]) -> object:
        there = chance.random() < 0.5
        return acts.release(tx, rows, LIU, "", lambda n: world.channels[n].capabilities, not_there=there)

    doings: list[Callable[[acts.Tx, list[acts.Delivery]], object]] = [
        release,
        release,
        lambda tx, rows: acts.hold(tx, rows, LIU, ""),
        lambda tx, rows: again.retry(tx, rows, LIU, ""),
        lambda tx, rows: acts.confirm(tx, chance.choice(rows), LIU),
        lambda tx, rows: acts.undo_confirm(tx, chance.choice(rows), LIU, ""),
        lambda tx, rows: acts.cancel(tx, [chance.choice(rows)], LIU, ""),
        lambda tx, rows: amend.withdraw(tx, [chance.choice(rows)], LIU, "有误", ways(world)),
    ]
    doing = chance.choice(doings)
    try:
        with world.ledger.write() as tx:
            doing(tx, acts.of_number(tx.conn, number))
    except NotAllowed:
        pass


_SAID_BY = {
    "published": {"published", "withdrawn"},
    "submitted": {"submitted"},
    "unknown": {"outcome_unknown"},
    "failed": {"refused"},
    "held": {"held"},
    "pending": {"try_failed", "outcome_unknown", "not_there", "released", "retried", "interrupted"},
    "cancelled": {"cancelled"},
    "superseded": {"superseded"},
    "ended": {"ended"},
}


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_every_change_is_allowed_logged_counted_and_verified(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    sites = {
        "a": ScriptedSite(),
        "b": ScriptedSite(findable=False),
        "c": ScriptedSite(idempotent=True, remembers=timedelta(hours=2)),
    }
    settings = {name: {"read_back": ["1h"]} for name in sites}
    world = a_world(tmp_path, sites, settings=settings, sending={"quick_wait": "0s", "give_up": "20h"})
    watched(world)
    numbers = []
    for turn in range(40):
        for site in sites.values():
            site.script = [outcomes(chance) for _ in range(6)]
            site.finds = [findings(chance) for _ in range(6)]  # type: ignore[misc]  # all kinds
        if turn < 12:
            notice = a_change_notice if turn % 3 == 2 else a_notice
            numbers.append(world.accept(notice(project_no=f"NO-{turn // 3}", sequence=turn % 3)))
        for _ in range(chance.randrange(4)):
            act(world, chance, chance.choice(numbers))
        world.run_for(minutes=chance.choice([1, 10, 200]))
        if chance.random() < 0.15:
            world.restart()

    made = changes(world)
    assert {(old, new) for _, old, new in made} <= {(o.value, n.value) for o in State for n in TRANSITIONS[o]}
    for row in world.rows():
        mine = [new for delivery_id, _, new in made if delivery_id == row.id and new != "sending"]
        said = [event for event in world.events(row.id) if any(event in said for said in _SAID_BY.values())]
        assert all(event in _SAID_BY[new] for new, event in zip(mine, said, strict=True)), (mine, said)
    assert_never_twice(world, sites)
    assert world.verdict().ok, world.verdict().faults
    assert len({new for _, _, new in made}) >= 7, Counter(made)


def assert_never_twice(world: World, sites: dict[str, ScriptedSite]) -> None:
    """Nothing is twice unless a person, or the channel itself, had said that it is not there."""
    for name, site in sites.items():
        for key, times in Counter(site.keys).items():
            if times > 1:
                (row,) = [row for row in world.rows() if row.delivery_key == key and row.channel == name]
                assert {"released", "not_there", "retried"} & set(world.events(row.id)), (name, world.events(row.id))


def test_no_delivery_is_stuck_without_a_due_time_a_person_or_an_end(tmp_path: Path) -> None:
    """Whatever is open has an instant at which the program acts, or something named that it waits for."""
    chance = random.Random(99)
    site = ScriptedSite()
    world = a_world(tmp_path, {"a": site}, sending={"quick_wait": "0s"})
    for turn in range(60):
        site.script = [outcomes(chance) for _ in range(3)]
        site.finds = [findings(chance) for _ in range(3)]  # type: ignore[misc]  # all kinds
        world.accept(a_notice(project_no=f"NO-{turn}", dates={}))
        world.run_for(minutes=chance.choice([1, 30]))
    with world.ledger.read() as conn:
        waiting_tasks = set(conn.exec_driver_sql("select delivery_id from task where done_at is null").scalars())

    for row in world.rows():
        if row.state in ("pending", "unknown", "submitted"):
            assert row.next_at is not None or row.waits_for is not None or row.id in waiting_tasks, row
        if row.state == "held":
            assert row.id in waiting_tasks and row.detail, row
        else:
            assert row.state == "submitted" or row.id not in waiting_tasks, row
        if row.state == "failed":
            assert row.detail, row
