"""One comparison: every publication of a span is looked for on its channel, and what came of it is kept in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from publisher.channel import Looks
from publisher.counts import queries
from publisher.counts.queries import Span
from publisher.counts.reconciled import Item, OfChannel, as_entry, is_month
from publisher.delivery import State
from publisher.ledger import alarms, set_members
from publisher.ledger.deliveries import Delivery, read
from publisher.reconciling.asking import (
    BY_HAND,
    FOUND,
    UNANSWERED,
    Answer,
    Asker,
    ForeignItems,
    ask_one,
    look_at_set,
    read_list,
)
from publisher.send.open_channel import OpenChannel


def reconcile(
    asker: Asker,
    channels: Mapping[str, OpenChannel],
    first: date,
    last: date,
    *,
    by: str,
    account: str | None = None,
    only: str | None = None,
) -> list[OfChannel]:
    """Compare the log with the channels for publications of the days `first` to `last` that still stand.

    `account`: of the person who asks; none where the program does. Of a month where all agrees the alarm is cleared.
    Raises `Interrupted` if the asker may not go on.
    """
    with asker.ledger.read() as conn:
        found = queries.publications(conn, Span(first, last))
        rows = [read(conn, row.delivery_id) for row in found]
        titles = {row.delivery_id: row.title for row in found}
    standing = [row for row in rows if row.state == State.PUBLISHED.value]
    names = [name for name in sorted({row.channel for row in standing} | set(channels)) if only in (None, name)]
    results = []
    for name in names:
        mine = [row for row in standing if row.channel == name]
        channel = channels.get(name)
        if channel is None:
            answers = [Answer(BY_HAND, "该渠道已停用，程序不再查询") for _ in mine]
            one = _result(name, mine[0].tier, mine, answers, titles, None)
        else:
            answers = _answers(asker, channel, mine)
            one = _result(name, channel.settings.tier.value, mine, answers, titles, read_list(asker, channel))
        with asker.ledger.write() as tx:
            tx.log(as_entry(one, first, last, by, account))
            if one.agrees and is_month(first, last):
                alarms.clear_alarm(tx, cause_of(name, first), "再次对账相符")
        results.append(one)
    return results


def cause_of(channel: str, first: date) -> str:
    """The alarm about a channel's month."""
    return f"reconcile:{channel}:{first:%Y-%m}"


def _answers(asker: Asker, channel: OpenChannel, rows: Sequence[Delivery]) -> list[Answer]:
    if channel.single_adapter is None:
        return _of_set(asker, channel, rows)
    if not channel.capabilities.findable:
        return [Answer(BY_HAND, "该渠道不能由程序查询") for _ in rows]
    with asker.ledger.read() as conn:
        updates = set_members.standing_updates(conn, channel.name)
    return [ask_one(asker, channel, row, updates.get(row.id, row)) for row in rows]


def _of_set(asker: Asker, channel: OpenChannel, rows: Sequence[Delivery]) -> list[Answer]:
    if not isinstance(channel.adapter, Looks):
        return [Answer(BY_HAND, "该渠道整体展示，程序不能查看读者所见") for _ in rows]
    if not rows:
        return []
    seen = look_at_set(asker, channel, channel.adapter, {row.id for row in rows})
    if isinstance(seen, str):
        return [Answer(UNANSWERED, seen) for _ in rows]
    # What is not among them has come down since the comparison began, as it was to.
    return [seen.get(row.id, Answer(FOUND)) for row in rows]


def _result(
    name: str,
    tier: str,
    rows: Sequence[Delivery],
    answers: Sequence[Answer],
    titles: Mapping[int, str],
    foreign: ForeignItems | None,
) -> OfChannel:
    """The answers put together; `foreign` None: the channel has no list that a program can read."""
    told = [
        Item(answer.what, name, row.number, titles.get(row.id, ""), answer.detail, row.url or "")
        for row, answer in zip(rows, answers, strict=True)
        if answer.what != FOUND
    ]
    to_look = tuple(item for item in told if item.what == BY_HAND)
    wrong = tuple(item for item in told if item.what != BY_HAND)
    return OfChannel(
        channel=name,
        logged=len(rows),
        found=len(rows) - len(told),
        by_hand=len(to_look),
        listed=foreign is not None and foreign.read,
        items=wrong + (foreign.items if foreign is not None else ()),
        to_look=to_look,
        tier=tier,
    )
