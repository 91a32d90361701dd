"""Failures of comparable systems as scenarios, through the real ledger and sender on a simulated clock."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from publisher.delivery import State
from publisher.errors import NeedsPerson, Reason
from publisher.ledger import acts, channel_state
from publisher.ledger.acts import Person
from publisher.ledger.again import retry
from publisher.ledger.store import Tx
from publisher.notice import LOCAL
from tests.support.builders import a_change_notice, a_notice
from tests.support.scripted_site import ScriptedSite, busy, lost, refused, unreachable
from tests.support.sending import World, a_world

LIU = Person("刘某", "liu@office")


def open_dates(number: int) -> dict[str, object]:
    return {"project_no": f"QFZB-2017-{number:04d}", "dates": {}}


def until_done(world: World, seconds: float = 20) -> None:
    """With real threads: tick until nothing is pending or in flight."""
    end = time.monotonic() + seconds
    busy_states = {State.PENDING.value, State.SENDING.value, State.UNKNOWN.value}
    while time.monotonic() < end:
        world.sender.tick(world.clock(), 0.02)
        if not any(row.state in busy_states for row in world.rows()):
            return
    raise AssertionError([(row.channel, row.state, row.reason) for row in world.rows()])


# ---- once


def test_c002_four_calls_at_a_time_create_each_notice_once(tmp_path: Path) -> None:
    for run in range(5):
        site = ScriptedSite()
        folder = tmp_path / str(run)
        folder.mkdir()
        world = a_world(folder, {"county": site}, threads=4, settings={"county": {"concurrency": 4}})
        for number in range(20):
            world.accept(a_notice(**open_dates(number)))
        until_done(world)

        assert Counter(Counter(site.keys).values()) == {1: 20}


def test_c005_a_restart_sends_nothing_again(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"county": site})
    for number in range(30):
        world.accept(a_notice(**open_dates(number)))
    world.step()
    before = len(world.attempts())
    for _ in range(2):
        world.restart()
        world.run_for(hours=1)

    assert len(site.items) == 30
    assert len(world.attempts()) == before


def test_c012_a_lost_answer_of_an_idempotent_site_is_repeated_with_the_same_key(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], idempotent=True)
    world = a_world(tmp_path, {"county": site})
    number = world.accept()
    world.run_for(minutes=5)

    assert world.state(number, "county") is State.PUBLISHED
    assert [a.outcome for a in world.attempts()] == ["unknown", "published"]
    assert len(site.items) == 1
    assert len({key for key, _ in site.calls}) == 1


def test_c013_every_attempt_carries_one_key_over_restart_and_a_persons_retry(tmp_path: Path) -> None:
    site = ScriptedSite(script=[busy(), busy(), busy(), busy(), busy()])
    world = a_world(tmp_path, {"county": site})
    number = world.accept()
    world.step()
    world.restart()
    with world.ledger.write() as tx:
        acts_retry(tx, number)
    world.run_for(minutes=10)

    assert world.state(number, "county") is State.PUBLISHED
    assert len(site.calls) >= 6
    assert len({key for key, _ in site.calls}) == 1


def acts_retry(tx: Tx, number: str) -> None:
    retry(tx, acts.of_number(tx.conn, number), LIU, "再试")


def test_c015_published_but_answer_lost_is_unknown_and_asked_not_repeated(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()])
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.run_for(seconds=5)

    assert world.state(number, "city") is State.PUBLISHED
    assert "outcome_unknown" in world.events(world.row(number, "city").id)
    assert (len(site.items), len(site.calls)) == (1, 1)


def test_absent_counts_only_after_the_settle_window(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], late=timedelta(seconds=100))
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.run_for(seconds=60)
    assert world.state(number, "city") is State.UNKNOWN

    world.run_for(seconds=70)

    assert world.state(number, "city") is State.PUBLISHED
    assert len(site.items) == 1


def test_what_is_not_there_after_the_window_is_sent_again(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], late=timedelta(days=1))
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.run_for(seconds=119)
    assert len(site.calls) == 1
    world.run_for(seconds=10)

    assert world.state(number, "city") is State.PUBLISHED
    assert len(site.calls) == 2


def test_an_unknown_outcome_of_a_site_that_cannot_be_asked_is_held_with_its_reason(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], findable=False)
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.run_for(hours=80)

    row = world.row(number, "city")
    assert (row.state, row.reason) == ("held", "cannot_be_asked")
    assert len(site.calls) == 1


# ---- failures, retries, limits


def test_c017_a_weekend_outage_ends_by_itself_with_two_alarms(tmp_path: Path) -> None:
    friday = datetime(2017, 12, 8, 16, 45, tzinfo=LOCAL)
    down_from, up_at = friday + timedelta(minutes=5), datetime(2017, 12, 11, 8, 10, tzinfo=LOCAL)
    city, county = ScriptedSite(), ScriptedSite()
    world = a_world(tmp_path, {"city": city, "county": county}, start=friday, sending={"jitter": 0.2})
    city.down = lambda: down_from <= world.clock() < up_at
    world.run_to(down_from)
    for number in range(9):
        world.accept(a_notice(**open_dates(number)))
    world.run_to(datetime(2017, 12, 11, 9, 0, tzinfo=LOCAL))

    assert all(row.state == "published" for row in world.rows())
    assert max(Counter(key for key, _ in city.calls).values()) <= 140
    raised = [e for e in world.events() if e.startswith("alarm")]
    assert raised == ["alarm_raised", "alarm_cleared"]
    assert all(when <= down_from + timedelta(minutes=1) for _, when in county.items)


def test_c018_only_the_failed_channel_is_tried_again(tmp_path: Path) -> None:
    sites = {"county": ScriptedSite(), "city": ScriptedSite(), "wx": ScriptedSite(script=[refused()])}
    world = a_world(tmp_path, sites)
    number = world.accept()
    world.run_for(hours=1)
    assert world.state(number, "wx") is State.FAILED
    with world.ledger.write() as tx:
        acts_retry(tx, number)
    world.step()

    assert world.state(number, "wx") is State.PUBLISHED
    assert [len(site.calls) for site in sites.values()] == [1, 1, 2]


def test_c019_accept_is_whole_or_nothing(tmp_path: Path) -> None:
    sites = {name: ScriptedSite() for name in "abcdef"}
    world = a_world(tmp_path, sites)
    refuse = "begin select raise(abort, 'no_more'); end"
    on_sqlite = f"create trigger no_more before insert on delivery when new.channel = 'd' {refuse}"
    elsewhere = "alter table delivery add constraint no_more check (channel <> 'd')"
    with world.ledger.engine.connect() as conn:
        conn.exec_driver_sql(elsewhere if world.ledger.shared else on_sqlite)
        conn.commit()
    with pytest.raises(Exception, match="no_more"):
        world.accept()

    assert world.rows() == []


def test_c019_a_hanging_channel_starves_nobody(tmp_path: Path) -> None:
    gate = threading.Event()
    hanging, county = ScriptedSite(gate=gate), ScriptedSite()
    world = a_world(tmp_path, {"prov": hanging, "county": county}, threads=8)
    for number in range(50):
        world.accept(a_notice(**open_dates(number)))
    end = time.monotonic() + 20
    while len(county.items) < 50 and time.monotonic() < end:
        world.sender.tick(world.clock(), 0.02)
    gate.set()

    assert len(county.items) == 50
    assert len(hanging.calls) <= 4


def test_c020_a_rate_limit_holds_in_every_window_and_the_nearest_deadline_goes_first(tmp_path: Path) -> None:
    site = ScriptedSite()
    rate = {"rate": {"calls": 10, "per": "1m"}}
    world = a_world(tmp_path, {"city": site}, settings={"city": rate})
    for number in range(40):
        world.accept(a_notice(**open_dates(number)))
    urgent = world.accept(a_notice(**open_dates(999)))
    with world.ledger.write() as tx:
        tx.conn.exec_driver_sql(f"update delivery set deadline = deadline - 3600000000 where number = '{urgent}'")
    world.run_for(minutes=10)

    instants = [when for _, when in site.calls]
    assert len(instants) == 41
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in zip(instants, instants[10:], strict=False))
    assert site.calls[0][0] == world.row(urgent, "city").delivery_key


def test_retry_after_is_a_floor_for_the_whole_channel(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": (site := ScriptedSite())})
    until = world.clock() + timedelta(minutes=7)
    site.script = [busy(not_before=until)]
    world.accept(a_notice(**open_dates(1)))
    world.step()
    world.accept(a_notice(**open_dates(2)))
    world.run_for(minutes=8)

    assert len(site.items) == 2
    assert all(when >= until for _, when in site.items)


def test_c023_one_failure_in_forty_never_stops_a_channel_and_thirty_in_a_row_do(tmp_path: Path) -> None:
    script = [None if n % 40 else busy(not_before=None) for n in range(1, 401)]
    site = ScriptedSite(script=list(script))
    world = a_world(tmp_path, {"city": site})
    for number in range(400):
        world.accept(a_notice(**open_dates(number)))
    world.run_for(minutes=10)
    assert all(row.state == "published" for row in world.rows())
    assert "alarm_raised" not in world.events()

    site.script = [unreachable() for _ in range(30)]
    number = world.accept(a_notice(**open_dates(5000)))
    world.run_for(hours=12)

    assert world.state(number, "city") is State.PUBLISHED
    assert [e for e in world.events() if e.startswith("alarm")] == ["alarm_raised", "alarm_cleared"]


def test_c024_a_refusal_stops_after_one_attempt_and_restarts_add_none(tmp_path: Path) -> None:
    site = ScriptedSite(script=[refused()])
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    for _ in range(5):
        world.restart()
        world.run_for(hours=1)

    row = world.row(number, "city")
    assert (row.state, row.detail, len(site.calls)) == ("failed", "标题不合规", 1)


def test_patience_ends_after_72_hours_and_is_moved_on_by_a_stop(tmp_path: Path) -> None:
    site = ScriptedSite(down=lambda: True)
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.run_for(hours=1)
    with world.ledger.write() as tx:
        channel_state.stop(tx, "city", "刘某", "检修")
    world.run_for(hours=24)
    with world.ledger.write() as tx:
        channel_state.resume(tx, "city", "刘某")
    world.run_for(hours=60)
    assert world.state(number, "city") is State.PENDING

    world.run_for(hours=14)

    row = world.row(number, "city")
    assert (row.state, row.reason) == ("held", "gave_up")
    assert "gave_up:city" in world.alarms()


def test_a_dead_credential_stops_the_channel_once_and_resume_sends_what_waited(tmp_path: Path) -> None:
    site = ScriptedSite(script=[NeedsPerson(Reason.BAD_CREDENTIAL, "密钥无效", stops_channel=True)])
    world = a_world(tmp_path, {"city": site})
    for number in range(5):
        world.accept(a_notice(**open_dates(number)))
    world.run_for(hours=5)
    assert "stopped:city" in world.alarms()
    calls = len(site.calls)
    world.restart()
    world.run_for(hours=5)
    assert len(site.calls) == calls
    with world.ledger.write() as tx:
        channel_state.resume(tx, "city", "刘某", "已换密钥")
    world.step()

    assert all(row.state == "published" for row in world.rows())
    assert world.alarms() == []


# ---- time


def test_c034_what_fell_due_while_the_program_was_down_goes_out_once_and_says_why_it_is_late(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"county": site})
    due = datetime(2017, 12, 5, 9, 0, tzinfo=LOCAL)
    number = world.accept(a_notice(publish_at=due))
    world.run_to(due - timedelta(minutes=30))
    world.clock.move_to(datetime(2017, 12, 5, 14, 20, tzinfo=LOCAL))
    world.restart()
    world.step()
    world.restart()
    world.step()

    assert len(site.items) == 1
    with world.ledger.read() as conn:
        rows = conn.exec_driver_sql("select payload from publication_log where event = 'late'").all()
    assert len(rows) == 1
    assert '"seconds":19200' in rows[0].payload
    assert "程序未运行" in rows[0].payload
    assert world.row(number, "county").state == "published"


def test_c035_a_second_late_is_not_missed(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"county": site})
    due = world.clock() + timedelta(hours=1)
    for number in range(40):
        world.accept(a_notice(**open_dates(number), publish_at=due))
    world.run_to(due - timedelta(seconds=1))
    assert site.items == []
    world.clock.move_to(due + timedelta(seconds=1.8))
    world.step()

    assert len(site.items) == 40


def test_c037_a_delivery_without_its_wake_up_is_found_by_the_next_look(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"county": site})
    for number in range(3):
        world.accept(a_notice(**open_dates(number)))
    # Nobody woke the sender: a tick that knows nothing finds the rows.
    world.sender.tick(world.clock())

    assert len(site.items) == 3


# ---- calls that do not come back


def test_c073_a_call_that_never_answers_is_unknown_and_others_go_on(tmp_path: Path) -> None:
    gate = threading.Event()
    hanging, county = ScriptedSite(gate=gate, findable=False), ScriptedSite()
    settings = {"city": {"attempt": "100ms"}}
    world = a_world(tmp_path, {"city": hanging, "county": county}, threads=4, settings=settings)
    number = world.accept()
    end = time.monotonic() + 20
    while world.state(number, "city") is not State.UNKNOWN and time.monotonic() < end:
        world.sender.tick(world.clock(), 0.05)
        if hanging.calls and world.state(number, "county") is State.PUBLISHED:
            world.outwait()
    assert world.state(number, "city") is State.UNKNOWN
    assert world.state(number, "county") is State.PUBLISHED
    other = world.accept(a_notice(**open_dates(7)), on=["county"])
    world.sender.tick(world.clock(), 0.2)
    assert world.state(other, "county") is State.PUBLISHED
    assert len(hanging.calls) == 1

    gate.set()
    end = time.monotonic() + 20
    while world.state(number, "city") is not State.PUBLISHED and time.monotonic() < end:
        world.sender.tick(world.clock(), 0.05)
    assert world.state(number, "city") is State.PUBLISHED
    assert len(hanging.items) == 1


# ---- order, stop, approval


def test_a_change_waits_for_its_original_on_each_channel_and_quotes_that_channels_number(tmp_path: Path) -> None:
    city, county = ScriptedSite(script=[refused()]), ScriptedSite()
    world = a_world(tmp_path, {"city": city, "county": county})
    original = world.accept()
    change = world.accept(a_change_notice())
    world.run_for(hours=1)
    assert world.state(change, "county") is State.PUBLISHED
    assert county.references[-1] == world.row(original, "county").channel_number
    held = world.row(change, "city")
    assert (held.state, held.reason) == ("held", "predecessor_failed")

    with world.ledger.write() as tx:
        acts_retry(tx, original)
    world.run_for(minutes=1)

    assert world.state(change, "city") is State.PUBLISHED
    assert city.references[-1] == world.row(original, "city").channel_number


def test_a_stop_holds_over_a_restart_until_it_is_resumed(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"county": site})
    with world.ledger.write() as tx:
        channel_state.stop(tx, channel_state.ALL, "刘某", "检修")
    world.accept()
    world.run_for(hours=1)
    world.restart()
    world.run_for(hours=1)
    assert site.calls == []
    with world.ledger.write() as tx:
        channel_state.resume(tx, channel_state.ALL, "刘某")
    world.step()

    assert len(site.items) == 1


def test_due_time_does_not_bypass_approval(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"county": site}, approvals=1)
    number = world.accept(a_notice(publish_at=world.clock() + timedelta(minutes=30)))
    world.run_for(hours=1)
    assert site.calls == []
    with world.ledger.write() as tx:
        acts.approve(tx, number, LIU)
    world.step()

    assert len(site.items) == 1
    assert "approved_late" in world.events()


def test_a_notice_due_after_its_bid_deadline_is_held(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"county": site})
    number = world.accept(a_notice(publish_at=datetime(2017, 12, 29, 9, 0, tzinfo=LOCAL)))
    world.run_to(datetime(2017, 12, 30, 9, 0, tzinfo=LOCAL))

    assert world.row(number, "county").reason == "bid_deadline_over"
    assert site.calls == []


def test_a_text_that_the_channel_changed_is_held_and_alarmed(tmp_path: Path) -> None:
    site = ScriptedSite(shown_digest="n1:" + "f" * 64)
    world = a_world(tmp_path, {"county": site}, settings={"county": {"read_back": ["1m"]}})
    number = world.accept()
    world.run_for(minutes=2)

    row = world.row(number, "county")
    assert (row.state, row.reason) == ("held", "foreign_text")
    assert f"drift:{row.id}" in world.alarms()


def test_release_asks_first_and_confirm_undone_subtracts_again(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], findable=False)
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.step()
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(number, "city"), LIU, channel_number="S-1", proof="截图")
    assert world.state(number, "city") is State.PUBLISHED
    with world.ledger.write() as tx:
        acts.undo_confirm(tx, world.row(number, "city"), LIU, "看错了")

    with world.ledger.read() as conn:
        total = conn.exec_driver_sql(
            "select sum(weight), count(case when weight > 0 then 1 end) from publication_log"
        ).one()
    assert tuple(total) == (0, 1)
    assert world.verdict().ok
