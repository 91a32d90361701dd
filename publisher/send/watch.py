"""What should not last: deliveries that are due and do not move, and notices that a channel took and does not show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from publisher.ledger import backlog, deliveries
from publisher.ledger.alarms import clear_alarm, raise_alarm, standing
from publisher.ledger.channel_state import ALL, calmed_down, read_states
from publisher.ledger.store import Connection, Ledger, Tx
from publisher.send.open_channel import OpenChannel
from publisher.settings import SendingSettings

STUCK_AFTER = timedelta(minutes=15)
"""A delivery that is due this long and is left behind, on a channel that may be called, is stuck."""


def look(ledger: Ledger, channels: Mapping[str, OpenChannel], sending: SendingSettings, now: datetime) -> None:
    """Raise and clear the alarms `stuck:<channel>`, `awaiting:<channel>`, `off:<channel>` and `unapproved`.

    What another channel forwards is awaited from hand-in on, until the limit (`due_within`) of its own channel.
    """
    with ledger.read() as conn:
        stuck = _stuck(conn, channels, now)
        off = _switched_off(conn, channels)
        flapping = _maybe_calm(conn, channels)
        unapproved = backlog.unapproved_since(conn, now)
        awaiting = backlog.submitted_since(conn, now - sending.submitted_alarm)
        forwarded = backlog.awaited_past_deadline(conn, now)
    with ledger.write() as tx:
        _tell_unapproved(tx, unapproved)
        for name, count in sorted(off.items()):
            _set(
                tx,
                f"off:{name}",
                name,
                count,
                f"渠道 {name} 已停用或不在设置中，仍有 {{n}} 件未办完：启用它，或取消（cancel）",
            )
        for name in sorted(flapping):
            calmed_down(tx, name)
        for name, channel in sorted(channels.items()):
            hours = int(sending.submitted_alarm.total_seconds() // 3600)
            _set(tx, f"stuck:{name}", name, stuck.get(name, 0), f"{channel.title}有 {{n}} 件到期 15 分钟仍未发送")
            count, what = awaiting.get(name, 0), f"{channel.title}受理 {hours} 小时仍未公开 {{n}} 件"
            if channel.capabilities.watched_only:
                count = forwarded.get(name, 0)
                what = f"{channel.title}超过期限仍未见转发 {{n}} 件，请查看转发渠道或与该网站联系"
            elif not channel.capabilities.findable:
                what = f"{channel.title}有 {{n}} 件超过 {hours} 小时仍未由人工录入并确认，见待办（tasks）"
            _set(tx, f"awaiting:{name}", name, count, what)


def _switched_off(conn: Connection, channels: Mapping[str, OpenChannel]) -> dict[str, int]:
    """By channel that is not enabled, how much the program would have to do there; 0 where an alarm says otherwise."""
    waiting = deliveries.open_by_channel(conn)
    told = {str(row.cause).removeprefix("off:"): 0 for row in standing(conn) if str(row.cause).startswith("off:")}
    return told | {name: count for name, count in waiting.items() if name not in channels}


def _maybe_calm(conn: Connection, channels: Mapping[str, OpenChannel]) -> set[str]:
    """Channels whose alarm `down` outlasts their trouble, because they were down and up by turns."""
    causes = {str(row.cause) for row in standing(conn)}
    up = {name for name, state in read_states(conn).items() if state.open_since is None}
    return {name for name in channels if f"down:{name}" in causes and name in up}


def _tell_unapproved(tx: Tx, numbers: list[str]) -> None:
    if numbers:
        raise_alarm(tx, "unapproved", f"有公告已到发布时间或期限，仍在等待批准：编号 {'、'.join(numbers)}")
    else:
        clear_alarm(tx, "unapproved")


def _set(tx: Tx, cause: str, channel: str, count: int, detail: str) -> None:
    if count:
        raise_alarm(tx, cause, detail.format(n=count), channel)
    else:
        clear_alarm(tx, cause)


def _stuck(conn: Connection, channels: Mapping[str, OpenChannel], now: datetime) -> dict[str, int]:
    states = read_states(conn)
    if ALL in states and states[ALL].stopped_at is not None:
        return {}
    waiting = {
        name
        for name, state in states.items()
        if state.stopped_at is not None
        or state.open_since is not None
        or (state.not_before is not None and state.not_before > now)
        or state.is_silent(now - STUCK_AFTER)
    }
    # What may go only since a moment ago is not stuck yet.
    waiting |= {name for name, c in channels.items() if not all(_is_open(c, at) for at in (now - STUCK_AFTER, now))}
    found = backlog.stuck_since(conn, now - STUCK_AFTER)
    return {name: count for name, count in found.items() if name not in waiting}


def _is_open(channel: OpenChannel, moment: datetime) -> bool:
    return channel.settings.opens_at(moment) <= moment
