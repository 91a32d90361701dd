"""Acts on what is public already: update its text, take it back. Each is a delivery of its own, with its reason.

The law lets a published notice stand: what is wrong in its content is put right by a change notice. An update
therefore brings a new rendition of the same version, never other content. Where a channel does not carry an act
out itself, the delivery is born held, and its task tells a person what to do there.

All raise `NotAllowed` (in Chinese, saying what to do instead) where the present state forbids the act.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from publisher.channel import Rendition, TaskNote
from publisher.delivery import Operation, State, WaitsFor
from publisher.errors import NotAllowed, Reason
from publisher.ledger import acts, attempts, deliveries
from publisher.ledger.acts import Person, Told
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Connection, Tx
from publisher.ledger.tables import delivery
from publisher.notice import html_to_text


@dataclass(frozen=True, slots=True)
class Ways:
    """What the channels do: `carries_out` says whether one does an act itself; `titles` are their Chinese names."""

    carries_out: Callable[[str, Operation], bool]
    titles: Mapping[str, str]

    def title(self, channel: str) -> str:
        """The name that staff read."""
        return self.titles.get(channel, channel)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act did on each channel; `left`: where it could not be done now and must be asked for again."""

    told: tuple[Told, ...]
    left: int


_BEFORE_SENT = frozenset({State.PENDING, State.HELD, State.FAILED})
_OVER = frozenset({State.PUBLISHED, State.CANCELLED, State.SUPERSEDED})


# ---- withdraw


def withdraw(tx: Tx, rows: Sequence[Delivery], person: Person, reason: str, ways: Ways) -> Outcome:
    """Take the notice back on the channels of `rows`: what is public is withdrawn, what is not sent yet is cancelled.

    What is in flight, or of unknown outcome, cannot be taken back now: it is told, and the rest is done.
    """
    _give_reason(reason)
    now = acts.locked(tx, rows)
    told, left = [], 0
    for row in now:
        if row.operation != Operation.PUBLISH.value or State(row.state) in (State.CANCELLED, State.SUPERSEDED):
            continue
        said = _withdraw_one(tx, row, person, reason, ways)
        left += said is None
        told.append(Told(row.number, row.channel, said or _not_now(row)))
    if not told:
        raise NotAllowed("没有可以撤回的渠道：均已取消")
    if left == len(told):
        raise NotAllowed("；".join(f"{ways.title(one.channel or '')}{one.said}" for one in told))
    return Outcome(tuple(told), left)


def _not_now(row: Delivery) -> str:
    if row.state == State.PUBLISHED.value:
        return "正在更新，现在不能撤回，请待更新有结果后再执行一次 withdraw"
    return f"为“{State(row.state).label}”，现在不能撤回，请待其有结果（或人工核对）后再执行一次 withdraw"


def _withdraw_one(tx: Tx, row: Delivery, person: Person, reason: str, ways: Ways) -> str | None:
    """What was done, in a sentence; None: nothing can be done now."""
    state = State(row.state)
    changes = _changes_of(tx, row)
    if state is State.ENDED:
        return _give_other_reason(tx, row, changes, person, reason, ways)
    if state in _BEFORE_SENT and not attempts.may_be_public(tx.conn, row):
        deliveries.cancel(tx, row, person.by, reason, account=person.account)
        return "尚未发布，已取消"
    if state is not State.PUBLISHED:
        return None
    open_ones = [c for c in changes if State(c.state) not in _OVER]
    asked = [c for c in open_ones if c.operation == Operation.WITHDRAW.value and c.state != State.FAILED.value]
    if asked and (asked[0].reason_given == reason or State(asked[0].state) not in _BEFORE_SENT):
        return "已在撤回中" + ("，等人工办理（见 tasks）" if asked[0].state == State.HELD.value else "")
    if any(State(c.state) not in _BEFORE_SENT or attempts.may_be_public(tx.conn, c) for c in open_ones):
        return None
    for before in open_ones:
        deliveries.cancel(tx, before, person.by, "改为撤回", account=person.account)
    text = _text_shown(row, changes)
    if ways.carries_out(row.channel, Operation.WITHDRAW):
        _make(tx, row, Operation.WITHDRAW, person, reason, text)
        return "开始撤回"
    _make(tx, row, Operation.WITHDRAW, person, reason, text, by_hand=_withdraw_by_hand(row, reason, ways))
    return "渠道未开通撤回，已转人工办理：见 tasks，办妥后用 confirm 确认"


def _give_other_reason(
    tx: Tx, row: Delivery, changes: Sequence[Delivery], person: Person, reason: str, ways: Ways
) -> str:
    """What was withdrawn for another reason gets this one; where the reason is shown, once a person has seen to it."""
    if not row.reason_given or row.reason_given == reason:
        return "已不再展示，无需撤回"
    for before in (
        one for one in changes if one.operation == Operation.WITHDRAW.value and one.state == State.HELD.value
    ):
        if before.reason_given == reason:
            return "更改撤回理由已转人工办理（见 tasks）"
        deliveries.cancel(tx, before, person.by, "撤回理由另有更改", account=person.account)
    if attempts.was_shown_in_a_set(tx.conn, [one.id for one in changes]):
        told = {"account": person.account, "before": row.reason_given, "reason": reason}
        tx.log(deliveries.entry(row, "reason_changed", person.by, **told))
        deliveries.set_reason_given(tx, row, reason)
        return "已撤回，该渠道不显示理由，所记理由已更改"
    text = _text_shown(row, changes)
    _make(tx, row, Operation.WITHDRAW, person, reason, text, by_hand=_reason_by_hand(row, reason, ways))
    return "更改撤回理由已转人工办理：见 tasks，办妥后用 confirm 确认"


def _reason_by_hand(row: Delivery, reason: str, ways: Ways) -> TaskNote:
    what = (
        f"请与{ways.title(row.channel)}联系更改该公告的撤回理由，办妥后执行 "
        f"confirm {row.number} --channel {row.channel} --by 姓名 --proof 凭据"
    )
    lines = [f"关于更改《{row.rendition_title}》撤回理由的说明", *_where(row)]
    lines += [f"原撤回理由：{row.reason_given}", f"撤回理由更改为：{reason}"]
    return TaskNote(what=what, text="\n".join(lines))


def _withdraw_by_hand(row: Delivery, reason: str, ways: Ways) -> TaskNote:
    title = ways.title(row.channel)
    what = (
        f"请与{title}联系撤下该公告（程序不能在该渠道撤回），办妥后执行 confirm {row.number} --channel {row.channel} "
        "--by 姓名 --proof 凭据；网站依法不能撤下的，另发终止或更正公告，"
        f"再执行 cancel {row.number} --channel {row.channel}"
    )
    lines = [f"关于撤下《{row.rendition_title}》的说明", *_where(row), f"撤回理由：{reason}"]
    return TaskNote(what=what, text="\n".join(lines))


def _where(row: Delivery) -> list[str]:
    known = (("该渠道编号", row.channel_number), ("网址", row.url), ("本中心收件编号", row.number))
    return [f"{label}：{value}" for label, value in known if value]


# ---- update


def to_update(conn: Connection, number: str, channel: str) -> Delivery:
    """The publication of this number on this channel, if it stands. Raises `NotAllowed`."""
    rows = acts.of_number(conn, number, channel)
    for row in rows:
        if row.operation == Operation.PUBLISH.value and row.state == State.PUBLISHED.value:
            return row
    states = "、".join(State(row.state).label for row in rows)
    raise NotAllowed(f"{channel} 上没有已公开的 {number} 可以更新（{states}）：未发布的用 retry --render 重新排版")


def update(tx: Tx, row: Delivery, text: Rendition, person: Person, reason: str, ways: Ways) -> Told:
    """Replace the text that stands by `text`, a new rendition of the same version; it needs its own approval."""
    _give_reason(reason)
    (now,) = acts.locked(tx, [row])
    changes = _changes_of(tx, now)
    if now.state != State.PUBLISHED.value:
        raise NotAllowed(f"{row.channel} 为“{State(now.state).label}”，不能更新")
    if any(State(one.state) not in _OVER for one in changes):
        raise NotAllowed(f"{row.channel} 上还有未完成的更新或撤回，请先待其完成，或用 cancel 取消")
    shown = _text_shown(now, changes)
    if (text.sha256, text.title) == (shown["rendition_sha256"], shown["rendition_title"]):
        raise NotAllowed(f"{row.channel} 上的文本与现在排出的相同，无需更新；内容有误的请另发更正公告")
    tx.store_blob(text.content, text.sha256)
    columns = {
        "rendition_sha256": text.sha256,
        "rendition_media_type": text.media_type,
        "rendition_title": text.title,
        "rendition_digest": text.text_digest,
    }
    if not ways.carries_out(row.channel, Operation.UPDATE):
        _make(tx, now, Operation.UPDATE, person, reason, columns, by_hand=_update_by_hand(now, text, reason, ways))
        return Told(row.number, row.channel, "渠道未开通更新，已转人工办理：见 tasks，办妥后用 confirm 确认")
    made = _make(tx, now, Operation.UPDATE, person, reason, columns)
    return Told(row.number, row.channel, "新文本等待批准" if made.waits_for else "开始更新")


def _update_by_hand(row: Delivery, text: Rendition, reason: str, ways: Ways) -> TaskNote:
    what = (
        f"请与{ways.title(row.channel)}联系，把该公告的文本换成所附文本（程序不能在该渠道更新），办妥后执行 "
        f"confirm {row.number} --channel {row.channel} --by 姓名 --proof 凭据"
    )
    lines = [*_where(row), f"更新理由：{reason}", "", text.title, html_to_text(text.text)]
    return TaskNote(what=what, text="\n".join(lines))


# ---- both


def _give_reason(reason: str) -> None:
    if not reason.strip():
        raise NotAllowed("须写明理由（--reason），理由记入发布日志")


def _changes_of(tx: Tx, row: Delivery) -> list[Delivery]:
    """Every update and withdrawal of the publication `row`, oldest first, kept from everybody else until commit."""
    mine = (delivery.c.predecessor_id == row.id, delivery.c.operation != Operation.PUBLISH.value)
    return acts.locked(tx, tx.conn.execute(select(delivery).where(*mine)).all())


def _text_shown(row: Delivery, changes: Sequence[Delivery]) -> dict[str, Any]:
    """The text that stands: that of the last update carried out, else of the publication."""
    done = [c for c in changes if c.operation == Operation.UPDATE.value and c.state == State.PUBLISHED.value]
    text = done[-1] if done else row
    names = ("rendition_sha256", "rendition_media_type", "rendition_title", "rendition_digest")
    return {name: getattr(text, name) for name in names}


_OF_PUBLICATION = (
    "notice_id",
    "version_id",
    "number",
    "channel",
    "tier",
    "kind",
    "form",
    "project_class",
    "project",
    "mandatory",
    "notice_key",
    "approvals_needed",
)


def _make(
    tx: Tx,
    row: Delivery,
    operation: Operation,
    person: Person,
    reason: str,
    text: Mapping[str, Any],
    *,
    by_hand: TaskNote | None = None,
) -> Delivery:
    """The new delivery on the publication `row`, and its row of the log; gives it."""
    values = {name: getattr(row, name) for name in _OF_PUBLICATION} | dict(text)
    values |= {"operation": operation.value, "delivery_key": secrets.token_hex(16), "predecessor_id": row.id}
    # Nothing waits longer for what must be put right: in a drain it goes first.
    values |= {"deadline": tx.now, "reason_given": reason, "tries": 0, "asks": 0}
    values |= {"created_at": tx.now, "changed_at": tx.now} | _first_state(tx, values, operation, by_hand)
    made_id = int(tx.conn.execute(insert(delivery).values(**values).returning(delivery.c.id)).scalar_one())
    made = deliveries.read(tx.conn, made_id)
    told = {"account": person.account, "reason": reason, "rendition": made.rendition_sha256, "state": made.state}
    tx.log(deliveries.entry(made, f"{operation.value}_asked", person.by, key=made.delivery_key, **told))
    deliveries.tell_staff(tx, made.notice_id)
    if by_hand is not None:
        deliveries.open_task(tx, made, by_hand)
    return made


def _first_state(tx: Tx, values: Mapping[str, Any], operation: Operation, by_hand: TaskNote | None) -> dict[str, Any]:
    if by_hand is not None:
        why = {"reason": Reason.NOT_SUPPORTED.value, "detail": by_hand.what, "next_at": None}
        return {"state": State.HELD.value, "waits_for": WaitsFor.PERSON.value} | why
    waits = operation is Operation.UPDATE and values["approvals_needed"] > 0
    return {
        "state": State.PENDING.value,
        "waits_for": WaitsFor.APPROVAL.value if waits else None,
        "next_at": None if waits else tx.now,
    }


def open_changes(conn: Connection, row: Delivery) -> bool:
    """Whether an update or a withdrawal of this publication is on its way: it may show either text, or none."""
    on_its_way = (State.SENDING.value, State.SUBMITTED.value, State.UNKNOWN.value)
    mine = (delivery.c.predecessor_id == row.id, delivery.c.operation != Operation.PUBLISH.value)
    query = select(delivery.c.id).where(*mine, delivery.c.state.in_(on_its_way)).limit(1)
    return conn.execute(query).first() is not None
