"""Once a month the daemon compares the past month with the channels."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from publisher.counts.reconciled import WORDS, OfChannel
from publisher.ledger import alarms, channel_state
from publisher.ledger.channel_state import LedgerStore
from publisher.ledger.store import PROGRAM, opened_at
from publisher.notice import LOCAL
from publisher.reconciled_pages import page_name
from publisher.reconciling.asking import Asker
from publisher.reconciling.comparing import cause_of, reconcile
from publisher.send.open_channel import OpenChannel

DAY = 3
"""The day of the month on which the month before is reconciled: what was late has come by then."""
_LASTS = timedelta(hours=6)
_DONE = "reconciled_month"


def due_month(now: datetime, days_in: int = DAY - 1) -> tuple[date, date]:
    """The month before the one in which `now` lies at least `days_in` whole days deep, as first and last day."""
    end = (now.astimezone(LOCAL) - timedelta(days=days_in)).date().replace(day=1) - timedelta(days=1)
    return end.replace(day=1), end


def reconcile_monthly(asker: Asker, channels: Mapping[str, OpenChannel], holder: str, folder: str) -> bool:
    """Reconcile the past month if that is due and not done yet; say whether it was done now.

    On the third day of a month or as soon after it as the program runs; of several daemons by one (`holder` names
    it). What is not right raises the alarm `reconcile:<channel>:<month>`, which a later comparison of that month
    clears; it names the month's page in the staff folder `folder`. A month before the ledger was opened is not looked
    at, and no channel is asked in its silence. Raises `Interrupted`.
    """
    store = LedgerStore(asker.ledger, channel_state.ALL)
    now = asker.machine.clock()
    first, last = due_month(now)
    month = f"{first:%Y-%m}"
    with asker.ledger.read() as conn:
        states = channel_state.read_states(conn)
        opened = opened_at(conn)
    silent = any(states[name].is_silent(now) for name in channels if name in states)
    if silent or opened.astimezone(LOCAL).date() > last or (store.get(_DONE) or "") >= month:
        return False
    if not store.lease(_DONE, holder, _LASTS):
        return False
    results = reconcile(asker, channels, first, last, by=PROGRAM)
    with asker.ledger.write() as tx:
        for one in results:
            if not one.agrees:
                alarms.raise_alarm(tx, cause_of(one.channel, first), _told(one, first, folder), one.channel)
    store.put(_DONE, month)
    return True


def _told(one: OfChannel, first: date, folder: str) -> str:
    said = "、".join(f"{word} {one.count(what)} 件" for what, word in WORDS.items() if one.count(what))
    month = f"{first:%Y-%m}"
    return (
        f"{month} 对账不符：{said}；逐条见“{folder}”文件夹中的 {page_name(first)}，"
        f"办妥后用 publisher reconcile --month {month} --channel {one.channel} 再次对账"
    )
