"""Notices as releases of the Open Contracting Data Standard 1.1 (standard.open-contracting.org/1.1).

One release for each notice that stands published, dated by its first publication; a release is never changed,
a change notice is a new release with the same ocid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from publisher.counts import queries
from publisher.counts.queries import Span
from publisher.ledger.contents import read_notice
from publisher.ledger.deliveries import read
from publisher.notice import LOCAL, Candidate, Form, Kind, Money, Notice, Party, ProjectClass

SCHEME = "CN-USCC"
"""Scheme of the unified social credit code in party identifiers."""

_METHODS = {
    Form.TENDER: "open",
}
_CATEGORY = {ProjectClass.WORKS: "works", ProjectClass.PROCUREMENT: "goods"}


def package(
    conn: Connection, span: Span, *, prefix: str, office: str, uri: str, at: datetime, ledger_id: str
) -> dict[str, Any]:
    """A release package. `prefix`: the registered ocid prefix; `at`: when it is published; `uri`: where."""
    return {
        "uri": uri,
        "version": "1.1",
        "publishedDate": _instant(at),
        "publisher": {"name": office},
        "releases": list(_releases(conn, span, prefix, ledger_id)),
    }


def _releases(conn: Connection, span: Span, prefix: str, ledger_id: str) -> Iterator[dict[str, Any]]:
    first: dict[int, list[Any]] = {}
    for row in queries.publications(conn, span):
        delivered = read(conn, row.delivery_id)
        first.setdefault(delivered.notice_id, []).append(delivered)
    for notice_id, rows in first.items():
        content = read_notice(conn, rows[0].version_id)
        yield release(content, rows, f"{prefix}-{_slug(rows[0].project)}", f"{ledger_id[:8]}-{notice_id}")


def _slug(project: str) -> str:
    """The project part of an identity in an ocid."""
    return project.partition(":")[2] or project


def release(notice: Notice, rows: Sequence[Any], ocid: str, release_id: str) -> dict[str, Any]:
    """The release of one notice that stands on the channels of `rows` (deliveries), the earliest of which dates it."""
    since = min(row.visible_since for row in rows)
    body: dict[str, Any] = {
        "ocid": ocid,
        "id": release_id,
        "date": _instant(since),
        "tag": _tags(notice),
        "initiationType": "tender",
        "language": "zh",
    }
    parties = _parties(notice)
    if parties:
        body["parties"] = parties
    if notice.tenderee is not None:
        name = notice.tenderee.name
        body["buyer"] = {"id": _party_id(name, notice.tenderee.credit_code), "name": name}
    body["tender"] = _tender(notice, rows, ocid, release_id, since)
    if notice.kind is Kind.AWARD_RESULT and notice.winners and not notice.failed:
        body["awards"] = _awards(notice, release_id)
    return body


def _tags(notice: Notice) -> list[str]:
    if notice.failed or "终止" in notice.form.value:
        return ["tenderCancellation"]
    tags = {
        Kind.BID_ANNOUNCEMENT: "tender",
        Kind.CHANGE_NOTICE: "tenderAmendment",
        Kind.WINNING_BID_NOTICE: "tenderUpdate",
        Kind.AWARD_RESULT: "award" if notice.winners else "tenderUpdate",
    }
    return [tags[notice.kind]]


def _tender(notice: Notice, rows: Sequence[Any], ocid: str, release_id: str, since: datetime) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": notice.project_no or ocid,
        "title": notice.project_name or notice.title,
        "status": _status(notice),
        "procurementMethodDetails": notice.form.value,
    }
    if notice.form in _METHODS:
        body["procurementMethod"] = _METHODS[notice.form]
    if notice.project_class in _CATEGORY:
        body["mainProcurementCategory"] = _CATEGORY[notice.project_class]
    if value := _value(notice.budget) or _value(notice.control_price):
        body["value"] = value
    if notice.tenderee is not None:
        name = notice.tenderee.name
        body["procuringEntity"] = {"id": _party_id(name, notice.tenderee.credit_code), "name": name}
    if notice.dates.bid_deadline is not None:
        body["tenderPeriod"] = {"endDate": _instant(notice.dates.bid_deadline)}
    body["documents"] = [
        {
            "id": f"{release_id}-{number}",
            "documentType": _document_type(notice),
            "title": notice.title,
            "datePublished": _instant(row.visible_since),
            "format": "text/html",
            "language": "zh",
        }
        | ({"url": row.url} if row.url else {})
        for number, row in enumerate(rows, 1)
    ]
    if notice.kind is Kind.CHANGE_NOTICE:
        body["amendments"] = [
            {"id": release_id, "date": _instant(since), "description": notice.title, "releaseID": release_id}
        ]
    return body


def _status(notice: Notice) -> str:
    if notice.failed:
        return "unsuccessful"
    if "终止" in notice.form.value:
        return "cancelled"
    return "complete" if notice.kind is Kind.AWARD_RESULT else "active"


def _document_type(notice: Notice) -> str:
    return "awardNotice" if notice.kind is Kind.AWARD_RESULT else "tenderNotice"


def _awards(notice: Notice, release_id: str) -> list[dict[str, Any]]:
    return [_award(winner, notice, f"{release_id}-award-{number}") for number, winner in enumerate(notice.winners, 1)]


def _award(winner: Candidate, notice: Notice, award_id: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": award_id,
        "status": "active",
        "suppliers": [{"id": _party_id(winner.name, winner.credit_code), "name": winner.name}],
    }
    if winner.lot is not None:
        body["title"] = f"{notice.project_name or notice.title} {winner.lot}"
    if notice.dates.award_decided_on is not None:
        body["date"] = _instant(notice.dates.award_decided_on)
    if value := _value(winner.price):
        body["value"] = value
    return body


def _parties(notice: Notice) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}

    def add(name: str, code: str | None, roles: Sequence[str]) -> None:
        key = _party_id(name, code)
        party = found.setdefault(key, {"id": key, "name": name, "roles": []})
        party["roles"] += [role for role in roles if role not in party["roles"]]
        if code:
            party["identifier"] = {"scheme": SCHEME, "id": code, "legalName": name}

    def known(party: Party | None, *roles: str) -> None:
        if party is not None:
            add(party.name, party.credit_code, roles)

    known(notice.tenderee, "buyer", "procuringEntity")
    known(notice.agency, "administrativeEntity")
    if notice.kind is Kind.AWARD_RESULT and not notice.failed:
        for winner in notice.winners:
            add(winner.name, winner.credit_code, ["supplier"])
    return list(found.values())


def _party_id(name: str, code: str | None) -> str:
    return f"{SCHEME}-{code}" if code else name


def _value(money: Money | None) -> dict[str, Any] | None:
    """An amount in 元; a unit price, a rate or a yearly price is none."""
    if money is None or money.yuan is None or not money.addable:
        return None
    return {"amount": float(money.yuan), "currency": "CNY"}


def _instant(value: date | datetime) -> str:
    """RFC 3339 with the local offset; a day is its beginning."""
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=LOCAL)
    return moment.astimezone(LOCAL).isoformat(timespec="seconds")
