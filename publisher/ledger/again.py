"""Acts of persons that try again: ask, repeat, make the text anew, read a held file once more.

All raise `NotAllowed` (in Chinese, saying what to do instead) where the present state forbids the act.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select, update

from publisher.channel import Rendition
from publisher.delivery import IntakeState, Operation, State
from publisher.errors import NotAllowed, Reason
from publisher.ledger import acts, attempts, deliveries, intake_rows
from publisher.ledger.acts import CapabilitiesOf, Person, Told, send_again
from publisher.ledger.chain import Entry
from publisher.ledger.deliveries import Delivery
from publisher.ledger.intake_rows import IntakeRow
from publisher.ledger.store import PROGRAM, Tx
from publisher.ledger.tables import delivery, intake


def meant(conn: Connection, number: str | None, channel: str | None) -> list[Delivery]:
    """The deliveries of a number (on one channel), or without a number everything that the channel refused."""
    if number is not None:
        return acts.of_number(conn, number, channel)
    return failed_on(conn, channel or "")


def failed_on(conn: Connection, channel: str) -> list[Delivery]:
    """Everything that the channel refused and nobody has settled since, oldest first."""
    query = select(delivery).where(delivery.c.channel == channel, delivery.c.state == State.FAILED.value)
    rows = list(conn.execute(query.order_by(delivery.c.id).with_for_update()))
    if not rows:
        raise NotAllowed(f"渠道 {channel} 上没有失败项")
    return rows


def held_for(conn: Connection, channel: str, reason: Reason) -> list[Delivery]:
    """Everything that is held on the channel for this reason, oldest first."""
    mine = (delivery.c.channel == channel, delivery.c.state == State.HELD.value, delivery.c.reason == reason.value)
    rows = list(conn.execute(select(delivery).where(*mine).order_by(delivery.c.id).with_for_update()))
    if not rows:
        raise NotAllowed(f"渠道 {channel} 上没有因“{reason.value}”暂停的公告")
    return rows


def release_all(
    tx: Tx, rows: Sequence[Delivery], person: Person, reason: str, capabilities: CapabilitiesOf
) -> tuple[list[Told], int]:
    """Release each as `acts.release` does; gives what became of each, and how many a person must look at first."""
    told: list[Told] = []
    left = 0
    for row in rows:
        try:
            told += acts.release(tx, [row], person, reason, capabilities, not_there=False)
        except NotAllowed as error:
            told.append(Told(row.number, row.channel, str(error)))
            left += 1
    return told, left


def retry(tx: Tx, rows: Sequence[Delivery], person: Person, reason: str) -> list[Told]:
    """Try again now: ask for what is unknown or taken, repeat what failed, hurry what is pending.

    Refuses what is published, and what a person or another channel has to bring forward first.
    """
    told = []
    for row in rows:
        state = State(row.state)
        if state is State.UNKNOWN:
            _at_once(tx, row, person, reason)
            told.append(Told(row.number, row.channel, "结果未知，先向渠道查询"))
        elif state is State.SUBMITTED and row.next_at is not None:
            _at_once(tx, row, person, reason)
            told.append(Told(row.number, row.channel, "立即向渠道查询"))
        elif state is State.FAILED:
            data = {"account": person.account, "why": reason}
            send_again(tx, row, person, "retried", data)
            told.append(Told(row.number, row.channel, "重新发送"))
        elif state is State.PENDING and row.waits_for is None:
            _at_once(tx, row, person, reason)
            told.append(Told(row.number, row.channel, "立即重试"))
    if not told:
        raise NotAllowed(
            f"没有可以重试的渠道：{_states(rows)}（暂停的用 release，已发布的不能重发，等待中的先处理所等的事）"
        )
    return told


def _at_once(tx: Tx, row: Delivery, person: Person, reason: str) -> None:
    deliveries.reschedule(tx, row, tx.now)
    tx.log(deliveries.entry(row, "retry_asked", person.by, account=person.account, reason=reason))


def _states(rows: Sequence[Delivery]) -> str:
    return "、".join(f"{row.channel} {State(row.state).label}" for row in rows)


# ---- a new text for the same version


def renderable(conn: Connection, rows: Sequence[Delivery]) -> list[Delivery]:
    """Those of `rows` whose text may be made anew: refused, held or waiting, and certainly never published."""
    fitting = [row for row in rows if _may_render(conn, row)]
    if not fitting:
        raise NotAllowed(f"没有可以重新排版的渠道：{_states(rows)}（已发布或可能已发布的不能改动）")
    return fitting


def _may_render(conn: Connection, row: Delivery) -> bool:
    if row.operation == Operation.WITHDRAW.value:
        return False
    return State(row.state) in (State.FAILED, State.HELD, State.PENDING) and not attempts.may_be_public(conn, row)


def replace_texts(
    tx: Tx, rows: Sequence[Delivery], renditions: Mapping[int, Rendition], person: Person, reason: str
) -> list[Told]:
    """Give deliveries new renditions (by delivery id), new keys and the need for a new approval; they go again."""
    told = []
    for row in renderable(tx.conn, [row for row in rows if row.id in renditions]):
        text = renditions[row.id]
        tx.store_blob(text.content, text.sha256)
        data = {"account": person.account, "why": reason, "rendition": text.sha256, "before": row.rendition_sha256}
        if row.state == State.PENDING.value:
            # A change from pending to pending is none; within this transaction nobody sees it held.
            deliveries.change(tx, row, State.HELD, next_at=None)
            row = deliveries.read(tx.conn, row.id)
        send_again(
            tx,
            row,
            person,
            "rendered",
            data,
            delivery_key=secrets.token_hex(16),
            rendition_sha256=text.sha256,
            rendition_media_type=text.media_type,
            rendition_title=text.title,
            rendition_digest=text.text_digest,
        )
        waits = deliveries.read(tx.conn, row.id).waits_for
        told.append(
            Told(row.number, row.channel, "已重新排版" + ("，等待批准" if waits == "approval" else "，重新发送"))
        )
    return told


# ---- a held file


def is_held_file(conn: Connection, number: str) -> bool:
    """Whether this number is a file (or a row of a workbook) that is held at intake."""
    row = intake_rows.by_number(conn, number)
    return row is not None and row.state == IntakeState.HELD.value


def retry_file(tx: Tx, number: str, person: Person, reason: str) -> Told:
    """Have a file that is held at intake read and checked once more, with today's rules, settings and templates."""
    row = intake_rows.by_number(tx.conn, number)
    if row is None or row.state != IntakeState.HELD.value:
        raise NotAllowed(f"{number} 不在待处理中，无需重新读取")
    _decide_again(tx, row)
    tx.log(Entry(event="intake_retried", by=person.by, number=number, data={"account": person.account, "why": reason}))
    return Told(number, None, "重新读取并检查")


def _decide_again(tx: Tx, row: IntakeRow, **values: object) -> None:
    """A held row is claimed once more. With a workbook's row goes the workbook, with a workbook its held rows.

    `values` are set on the row itself, or on all held rows of a workbook.
    """
    held = (intake.c.n == row.n, intake.c.state == IntakeState.HELD.value)
    meant = (intake.c.id == row.id) if row.sub else (intake.c.n == row.n)
    if values:
        tx.conn.execute(update(intake).where(*held, meant).values(**values))
    claimed = {"state": IntakeState.CLAIMED.value, "reason": None, "problems": None, "warnings": None}
    tx.conn.execute(update(intake).where(*held, meant | (intake.c.sub == 0)).values(decided_at=None, **claimed))


def answer_file(tx: Tx, row: IntakeRow, answer: str, by: str, text: str) -> None:
    """Staff answered the question about a held file in its folder: it is decided once more, with the answer."""
    _decide_again(tx, row, answer=answer, answered_by=by)
    note_answer(tx, row, answer, by, text)


def note_answer(tx: Tx, row: IntakeRow, answer: str, by: str, text: str) -> None:
    """The log row of an answer; nothing else."""
    number = intake_rows.number_of(row)
    tx.log(Entry(event="answered", by=by, number=number, data={"answer": answer, "text": text}))


_SAID = {
    "version": "作为新版本重新处理",
    "change": "退回，请按更正公告的格式另行放入",
    "duplicate": "作为重复件退回",
    "publish": "确认仍需发布，重新处理",
    "settled": "撤回请求已办结",
}
ANSWERS = frozenset(_SAID)
"""What may be answered to a question about a held file."""


def answer_number(tx: Tx, number: str, answer: str, person: Person, reason: str) -> Told:
    """The same answer from a command: for a file, or one row of a workbook, that is held at intake."""
    row = intake_rows.by_number(tx.conn, number)
    if row is None or row.state != IntakeState.HELD.value:
        raise NotAllowed(f"{number} 不在待处理中，没有要答复的问题")
    asked = {problem.reason for problem in intake_rows.problems_of(row.problems)}
    if not asked & _QUESTIONS[answer]:
        raise NotAllowed(
            f"{number} 所问的不是这个问题：{'；'.join(str(p) for p in intake_rows.problems_of(row.problems))}"
        )
    _decide_again(tx, row, answer=answer, answered_by=person.by)
    data = {"answer": answer, "account": person.account, "why": reason}
    tx.log(Entry(event="answered", by=person.by, number=number, data=data))
    return Told(number, None, _SAID[answer])


_QUESTIONS = {
    "version": {Reason.SAME_IDENTITY_OTHER_TEXT},
    "change": {Reason.SAME_IDENTITY_OTHER_TEXT},
    "duplicate": {Reason.SAME_IDENTITY_OTHER_TEXT},
    "publish": {Reason.OLD_FILE},
    "settled": {Reason.WITHDRAWAL_REQUESTED},
}


def state_file(tx: Tx, row: IntakeRow, sha256: str, data: bytes) -> None:
    """Staff put (or changed) a `.yaml` beside a held file: it is decided once more, with what is stated there."""
    tx.store_blob(data, sha256)
    tx.conn.execute(update(intake).where(intake.c.n == row.n).values(sidecar_sha256=sha256))
    _decide_again(tx, row)
    number = intake_rows.number_of(row)
    tx.log(Entry(event="stated", by=PROGRAM, number=number, data={"sidecar": sha256}))
