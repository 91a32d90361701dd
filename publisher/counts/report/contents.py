"""What the notices of some projects say of prices: read from the newest version of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from publisher.counts.report.numbers import fen_of
from publisher.ledger.tables import notice, version


@dataclass(frozen=True, slots=True)
class Price:
    """An amount of one lot in 分; None where the text gives none that may be added up. `lot` "" is the whole."""

    lot: str
    fen: int | None


@dataclass(frozen=True, slots=True)
class Content:
    """What one notice says. `ceiling`, `budget` and `reserve` by lot; "" is what is printed for the whole."""

    notice_id: int
    form: str
    round: int
    lots: tuple[str, ...]
    failed: bool
    winners: tuple[Price, ...]
    budget: Mapping[str, int]
    ceiling: Mapping[str, int]
    reserve: Mapping[str, int]


_AT_ONCE = 500


def contents_of(conn: Connection, projects: Iterable[str], as_of: datetime | None) -> dict[str, list[Content]]:
    """Project → the contents of all its notices, in the order in which they were accepted."""
    found: dict[str, list[Content]] = {}
    ordered = sorted(set(projects))
    for start in range(0, len(ordered), _AT_ONCE):
        for project, content in _read(conn, ordered[start : start + _AT_ONCE], as_of):
            found.setdefault(project, []).append(content)
    return found


def _read(conn: Connection, projects: Sequence[str], as_of: datetime | None) -> list[tuple[str, Content]]:
    columns = (notice.c.project, notice.c.id, version.c.content)
    query = select(*columns).join(version, version.c.notice_id == notice.c.id).where(notice.c.project.in_(projects))
    if as_of is not None:
        query = query.where(version.c.created_at <= as_of)
    newest: dict[int, tuple[str, str]] = {}
    for project, notice_id, content in conn.execute(query.order_by(notice.c.id, version.c.ordinal)):
        newest[notice_id] = project, content
    return [(project, _content(notice_id, json.loads(text))) for notice_id, (project, text) in newest.items()]


def _content(notice_id: int, fields: Mapping[str, Any]) -> Content:
    lots = fields.get("lots") or []
    return Content(
        notice_id=notice_id,
        form=fields["form"],
        round=int(fields.get("round", 1)),
        lots=tuple(lot["no"] for lot in lots),
        failed=bool(fields.get("failed")),
        winners=tuple(Price(w.get("lot") or "", _fen(w.get("price"))) for w in fields.get("winners") or []),
        budget=_by_lot(fields, lots, "budget"),
        ceiling=_by_lot(fields, lots, "control_price"),
        reserve=_by_lot(fields, (), "reserve_price"),
    )


def _by_lot(fields: Mapping[str, Any], lots: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    found = {lot["no"]: _fen(lot.get(name)) for lot in lots} | {"": _fen(fields.get(name))}
    return {lot: fen for lot, fen in found.items() if fen is not None}


def _fen(money: Mapping[str, Any] | None) -> int | None:
    """分 of a stored amount that may be added up; a unit price, a rate or a yearly price may not."""
    if not money or not money.get("addable") or money.get("yuan") is None:
        return None
    return fen_of(Decimal(str(money["yuan"])))
