"""Intake rows: what was claimed from the drop folder, what became of it, where its file belongs."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, false, func, insert, literal_column, select, update
from sqlalchemy.engine import Row

from publisher.delivery import IntakeState
from publisher.errors import NotAllowed, Problem, Reason
from publisher.ledger.chain import Entry
from publisher.ledger.store import PROGRAM, Tx
from publisher.ledger.tables import blob, intake, notice, version
from publisher.notice import Notice, identity, normalise

IntakeRow = Row[Any]


def number_of(row: IntakeRow) -> str:
    """The intake number that staff know: N, or N-1, N-2 … for the rows of a workbook."""
    return str(row.n) if row.sub == 0 else f"{row.n}-{row.sub}"


_NEW_ROW = insert(intake).returning(intake.c.id)


def claim(
    tx: Tx,
    *,
    file_name: str,
    source: str,
    declared: str | None,
    is_folder: bool,
    sha256: str,
    blobs: Sequence[tuple[str, bytes]],
    place_name: str,
    sidecar_sha256: str | None = None,
    sidecar_source: str | None = None,
    modified_at: datetime | None = None,
) -> int:
    """Store the exact bytes and the intake row, before the file is moved. Gives the row's id."""
    for digest, data in blobs:
        tx.store_blob(data, digest)
    number = int(tx.conn.execute(select(func.coalesce(func.max(intake.c.n), 0))).scalar_one()) + 1
    values = {
        "n": number,
        "sub": 0,
        "file_name": file_name,
        "source": source,
        "declared": declared,
        "is_folder": is_folder,
        "sha256": sha256,
        "state": IntakeState.CLAIMED.value,
        "place": "working",
        "place_name": place_name.replace("{n}", str(number)),
        "moved": False,
        "sidecar_sha256": sidecar_sha256,
        "sidecar_source": sidecar_source,
        "modified_at": modified_at,
        "claimed_at": tx.now,
    }
    row_id: int = tx.conn.execute(_NEW_ROW, values).scalar_one()
    facts = {"file": file_name, "sha256": sha256, "declared": declared, "folder": is_folder, "sidecar": sidecar_sha256}
    tx.log(Entry(event="claimed", by=PROGRAM, number=str(number), data={k: v for k, v in facts.items() if v}))
    return row_id


def add_row(tx: Tx, parent: IntakeRow, sub: int) -> int:
    """A row N-sub of the workbook `parent`; an existing one is left alone."""
    found = tx.conn.execute(select(intake.c.id).where(intake.c.n == parent.n, intake.c.sub == sub)).scalar_one_or_none()
    if found is not None:
        return int(found)
    names = ("file_name", "source", "declared", "is_folder", "sha256", "claimed_at", "sidecar_sha256", "modified_at")
    values = {name: getattr(parent, name) for name in names}
    values |= {"n": parent.n, "sub": sub, "state": IntakeState.CLAIMED.value, "place": "none", "moved": True}
    return int(tx.conn.execute(_NEW_ROW, values).scalar_one())


def read(conn: Connection, row_id: int) -> IntakeRow:
    """The row with this id."""
    return conn.execute(select(intake).where(intake.c.id == row_id)).one()


def by_number(conn: Connection, number: str) -> IntakeRow | None:
    """The row of intake number `N` or `N-sub`."""
    n, _, sub = number.partition("-")
    if not n.isdigit() or (sub and not sub.isdigit()):
        return None
    return conn.execute(select(intake).where(intake.c.n == int(n), intake.c.sub == int(sub or 0))).one_or_none()


def of_number(conn: Connection, number: str) -> IntakeRow:
    """The row of intake number `N` or `N-sub`; raises `NotAllowed` if there is none."""
    row = by_number(conn, number)
    if row is None:
        raise NotAllowed(f"没有编号 {number} 的收件")
    return row


def claimed(conn: Connection) -> list[IntakeRow]:
    """Rows that are claimed and not yet decided, oldest first (rows of workbooks apart)."""
    query = select(intake).where(intake.c.state == IntakeState.CLAIMED.value, intake.c.sub == 0).order_by(intake.c.id)
    return list(conn.execute(query))


def held_at(conn: Connection) -> list[IntakeRow]:
    """Held rows whose file lies in 待处理, oldest first."""
    held = (intake.c.state == IntakeState.HELD.value, intake.c.sub == 0, intake.c.moved)
    return list(conn.execute(select(intake).where(*held).order_by(intake.c.id)))


def to_move(conn: Connection) -> list[IntakeRow]:
    """Rows whose file is not yet seen where it belongs."""
    return list(conn.execute(select(intake).where(intake.c.moved == false()).order_by(intake.c.id)))


def with_receipt_due(conn: Connection, limit: int = 200) -> list[IntakeRow]:
    """Rows whose receipt must be written anew, or was being written when the program ended."""
    due = intake.c.receipt_due != literal_column("0")  # no parameter, so that the index of these rows is used
    return list(conn.execute(select(intake).where(due).order_by(intake.c.id).limit(limit)))


def set_moved(tx: Tx, row_id: int, place: str, place_name: str) -> None:
    """The file was seen in `place` under `place_name`."""
    mine = (intake.c.id == row_id, intake.c.place == place)
    tx.conn.execute(update(intake).where(*mine).values(moved=True, place_name=place_name))


def writing_receipts(tx: Tx, row_ids: Collection[int]) -> set[int]:
    """Their receipts are about to be written, from what is read after this; gives those that nobody changes now."""
    idle = select(intake.c.id).where(intake.c.id.in_(row_ids)).with_for_update(skip_locked=True)
    mine = set(tx.conn.execute(idle).scalars())
    tx.conn.execute(update(intake).where(intake.c.id.in_(mine)).values(receipt_due=2))
    return mine


def receipts_written(tx: Tx, row_ids: Collection[int]) -> None:
    """Their receipts say what the ledger said; those that something happened to meanwhile are due again."""
    written = update(intake).where(intake.c.id.in_(row_ids), intake.c.receipt_due == 2)
    tx.conn.execute(written.values(receipt_due=0))


class AlreadyDecided(Exception):
    """The row is no longer as it was read: another daemon has decided it meanwhile."""


_AS_READ = select(intake.c.id).where(intake.c.id == bindparam("its_id"), intake.c.state == bindparam("its_state"))
_AS_READ_LOCKED = _AS_READ.with_for_update()


def lock(tx: Tx, row: IntakeRow) -> None:
    """Keep others from deciding `row` until the commit. Raises `AlreadyDecided`."""
    if ("intake", row.id, row.state) in tx.memo:
        return  # done in this transaction
    query = _AS_READ_LOCKED if tx.on_postgresql else _AS_READ
    if tx.conn.execute(query, {"its_id": row.id, "its_state": row.state}).first() is None:
        raise AlreadyDecided(f"intake {number_of(row)} is no longer {row.state}")
    tx.memo.add(("intake", row.id, row.state))


def decide(
    tx: Tx,
    row: IntakeRow,
    state: IntakeState,
    place: str,
    *,
    reason: Reason | None = None,
    problems: Sequence[Problem] = (),
    warnings: Sequence[Problem] = (),
    notice_id: int | None = None,
    version_id: int | None = None,
    duplicate_of: int | None = None,
    by: str = PROGRAM,
    data: dict[str, Any] | None = None,
) -> None:
    """Write what became of an intake row, and where its file belongs now. Raises `AlreadyDecided`."""
    lock(tx, row)
    move = row.sub == 0 and place != row.place
    tx.conn.execute(
        update(intake)
        .where(intake.c.id == row.id)
        .values(
            state=state.value,
            reason=reason.value if reason else None,
            problems=problems_json(problems),
            warnings=problems_json(warnings),
            place=place if row.sub == 0 else "none",
            moved=False if move else row.moved,
            notice_id=notice_id,
            version_id=version_id,
            duplicate_of=duplicate_of,
            decided_at=tx.now,
            receipt_due=1,
        )
    )
    told: dict[str, Any] = {"reason": reason.value if reason else None, "problems": [str(p) for p in problems] or None}
    told |= {"warnings": [f"{w.reason.value}: {w}" for w in warnings] or None, "duplicate_of": duplicate_of}
    facts = {k: v for k, v in (told | (data or {})).items() if v is not None}
    tx.log(Entry(event=_EVENTS[state], by=by, number=number_of(row), notice_id=notice_id, data=facts))


_EVENTS = {
    IntakeState.ACCEPTED: "accepted",
    IntakeState.HELD: "intake_held",
    IntakeState.RETURNED: "returned",
    IntakeState.DUPLICATE: "duplicate",
    IntakeState.CLAIMED: "claimed",
}


def problems_json(problems: Sequence[Problem]) -> str | None:
    """Stored form of a list of problems."""
    return json.dumps([asdict(p) for p in problems], ensure_ascii=False) if problems else None


def problems_of(text: str | None) -> list[Problem]:
    """The problems as stored."""
    return [Problem(**(item | {"reason": Reason(item["reason"])})) for item in json.loads(text or "[]")]


def same_bytes(conn: Connection, row: IntakeRow) -> IntakeRow | None:
    """An earlier accepted (or still claimed) intake of identical bytes: `row` is its duplicate.

    Of a held or returned intake, identical bytes are the next try, not a duplicate.
    """
    taken = [IntakeState.ACCEPTED.value, IntakeState.CLAIMED.value]
    query = select(intake).where(
        intake.c.sha256 == row.sha256, intake.c.id < row.id, intake.c.state.in_(taken), intake.c.n != row.n
    )
    return conn.execute(query.order_by(intake.c.id).limit(1)).one_or_none()


def same_text(conn: Connection, content: Notice) -> str | None:
    """The number of a version of this notice that says the same: text and title, and every attachment is there.

    Another title or another attachment is no duplicate, although the text of the body is the same: it may be the very
    thing that was put right.
    """
    joined = version.join(notice, notice.c.id == version.c.notice_id)
    mine = (version.c.text_digest == content.digest, notice.c.identity == identity(content))
    query = select(version.c.number, version.c.content).select_from(joined).where(*mine).order_by(version.c.id)
    return next((row.number for row in conn.execute(query) if _says_all_of(json.loads(row.content), content)), None)


def _says_all_of(standing: dict[str, Any], content: Notice) -> bool:
    attached = {one["sha256"] for one in standing.get("attachments") or ()}
    new = {one.sha256 for one in content.attachments}
    return normalise(standing["title"]) == normalise(content.title) and new <= attached


def has_blob(conn: Connection, sha256: str) -> bool:
    """Whether bytes with this hash are stored."""
    return conn.execute(select(blob.c.size).where(blob.c.sha256 == sha256)).first() is not None


def decide_workbook(tx: Tx, parent: IntakeRow) -> None:
    """A workbook's own state follows its rows: held while one is, returned if all are, else accepted."""
    query = select(intake).where(intake.c.n == parent.n, intake.c.sub > 0)
    rows = tx.conn.execute(query).all()
    states = {IntakeState(row.state) for row in rows}
    if IntakeState.HELD in states:
        problems = [p for row in rows for p in problems_of(row.problems)]
        decide(tx, parent, IntakeState.HELD, "held", reason=problems[0].reason, problems=problems)
    elif states <= {IntakeState.DUPLICATE, IntakeState.RETURNED}:
        problems = [p for row in rows for p in problems_of(row.problems)]
        decide(tx, parent, IntakeState.DUPLICATE, "returned", reason=Reason.DUPLICATE, problems=problems)
    else:
        decide(tx, parent, IntakeState.ACCEPTED, "working", data={"rows": len(rows), "workbook": True})
