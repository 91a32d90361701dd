"""Figures that come from elsewhere, typed in once, and the reports that were issued. Both are only added to.

Applications, fees and lawsuits live in other systems, and so does what happened before this ledger was opened.
Of one name and year the newest row stands; the older ones stay, and each is a row of the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from publisher.ledger.acts import Person
from publisher.ledger.chain import FIRST, Entry
from publisher.ledger.store import Tx
from publisher.ledger.tables import figure, head, issued_report, publication_log


@dataclass(frozen=True, slots=True)
class Entered:
    """A figure as typed in. `value` is a number or a text; `source` says where it was taken from."""

    id: int
    name: str
    year: int
    value: str
    by: str
    source: str | None
    set_at: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the log at an instant: its last row and that row's hash."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A report as it was issued: the head it was drawn from and its figures, name → value as text."""

    period: str
    head: Head
    figures: Mapping[str, str]
    by: str
    issued_at: datetime


def set_figure(tx: Tx, name: str, year: int, value: str, person: Person, source: str | None = None) -> None:
    """Enter a figure; an earlier one of the same name and year no longer stands. The value "" takes it back."""
    row = {"name": name, "year": year, "value": value, "source": source}
    tx.conn.execute(insert(figure).values(by=person.by, account=person.account, set_at=tx.now, **row))
    tx.log(Entry(event="figure_set", by=person.by, data={"account": person.account, **row}))


def standing_figures(conn: Connection, as_of: datetime | None = None) -> dict[tuple[str, int], Entered]:
    """(name, year) → the figure that stands (at `as_of`); one that was taken back does not."""
    columns = (figure.c.id, figure.c.name, figure.c.year, figure.c.value, figure.c.by, figure.c.source, figure.c.set_at)
    query = select(*columns).order_by(figure.c.id)
    if as_of is not None:
        query = query.where(figure.c.set_at <= as_of)
    newest = {(row.name, row.year): Entered(*row) for row in conn.execute(query)}
    return {key: one for key, one in newest.items() if one.value}


def head_at(conn: Connection, as_of: datetime | None = None) -> Head:
    """The head of the log now, or the last row recorded by `as_of` (row 0 where there was none)."""
    if as_of is None:
        return Head(*conn.execute(select(head.c.seq, head.c.hash)).one())
    row = publication_log.c
    query = select(row.seq, row.hash).where(row.recorded_at <= as_of).order_by(row.seq.desc()).limit(1)
    found = conn.execute(query).one_or_none()
    return Head(*found) if found is not None else Head(0, FIRST)


def issue_report(tx: Tx, period: str, drawn_from: Head, figures: Mapping[str, str], person: Person) -> None:
    """Keep a report's figures and the head they were drawn from; the log row repeats both."""
    text = json.dumps(dict(figures), ensure_ascii=False, sort_keys=True)
    who = {"by": person.by, "account": person.account}
    values = {"period": period, "seq": drawn_from.seq, "hash": drawn_from.hash, "figures": text, "issued_at": tx.now}
    tx.conn.execute(insert(issued_report).values(**who, **values))
    data = {"account": person.account, "period": period, "head_seq": drawn_from.seq, "head_hash": drawn_from.hash}
    tx.log(Entry(event="report_issued", by=person.by, data=data | {"figures": dict(figures)}))


def last_issued(conn: Connection, period: str) -> Issued | None:
    """The report of a period that was issued last, if any was."""
    query = select(issued_report).where(issued_report.c.period == period).order_by(issued_report.c.id.desc()).limit(1)
    row = conn.execute(query).one_or_none()
    if row is None:
        return None
    return Issued(row.period, Head(row.seq, row.hash), json.loads(row.figures), row.by, row.issued_at)
