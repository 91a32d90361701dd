"""Notices as releases of the Open Contracting Data Standard 1.1 (standard.open-contracting.org/1.1).

One release for each notice that stands published, dated by its first publication; a release is never changed,
a change notice is a new release with the same ocid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from publisher.counts import queries
from publisher.counts.queries import Listed, Span
from publisher.ledger.contents import read_notice
from publisher.ledger.deliveries import read
from publisher.notice import LOCAL, Candidate, Form, Kind, Money, Notice, Party, ProjectClass

SCHEME = "CN-USCC"
"""Scheme of the unified social credit code in party identifiers."""

_METHODS = {
    Form.TENDER: "open",
    Form.OPEN_TENDER: "open",
    Form.INVITED_TENDER: "selective",
    Form.PREQUALIFICATION: "selective",
    Form.SINGLE_SOURCE: "direct",
}
# Government procurement may be goods, services or works: the class alone does not tell which.
_CATEGORY = {ProjectClass.WORKS: "works"}
_ENDED = (Form.TERMINATION,)


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
    """A release for each notice that counts in the span: one whose smallest day that stands lies in it."""
    of_notice: dict[int, list[Listed]] = {}
    for row in queries.publications(conn, Span(last=span.last, as_of=span.as_of)):
        of_notice.setdefault(row.notice_id, []).append(row)
    for notice_id, rows in of_notice.items():
        if span.first is not None and rows[0].visible_day < span.first.isoformat():
            continue
        content = read_notice(conn, read(conn, rows[0].delivery_id).version_id)
        yield release(content, rows, f"{prefix}-{_slug(rows[0].project)}", f"{ledger_id[:8]}-{notice_id}")


def _slug(project: str) -> str:
    """The project part of an identity in an ocid."""
    return project.partition(":")[2] or project


def release(notice: Notice, rows: Sequence[Listed], ocid: str, release_id: str) -> dict[str, Any]:
    """The release of one notice that stands published as `rows` say, the earliest of which dates it."""
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
    if awards := _awards(notice):
        body["awards"] = awards
        if notice.form is Form.CONTRACT:
            body["contracts"] = [_contract(award, notice) for award in awards]
    return body


def _tags(notice: Notice) -> list[str]:
    if notice.failed or notice.form in (*_ENDED, Form.FAILED_TENDER):
        return ["tenderCancellation"]
    if notice.form is Form.CONTRACT:
        return ["contract"]
    if notice.form is Form.RESULT_CORRECTION:
        return ["awardUpdate"]
    if notice.kind is Kind.WINNING_BID_NOTICE:
        return ["award"] if _proposed(notice) else ["tenderUpdate"]
    if notice.kind is Kind.AWARD_RESULT:
        return ["award"] if notice.winners else ["tenderUpdate"]
    return ["tender" if notice.kind is Kind.BID_ANNOUNCEMENT else "tenderAmendment"]


def _proposed(notice: Notice) -> list[Candidate]:
    """Whom a publicity of candidates proposes: the first of each lot, or whoever it names as the winner to be."""
    if notice.winners:
        return list(notice.winners)
    return [one for one in notice.candidates if one.rank == 1]


def _awarded(notice: Notice) -> tuple[str, list[Candidate]]:
    """The status of this notice's awards, and to whom they go; a publicity's award waits for objections (pending)."""
    if notice.failed:
        return "", []
    if notice.kind is Kind.WINNING_BID_NOTICE:
        return "pending", _proposed(notice)
    results = notice.kind is Kind.AWARD_RESULT or notice.form is Form.RESULT_CORRECTION
    return "active", list(notice.winners) if results else []


def _tender(notice: Notice, rows: Sequence[Listed], ocid: str, release_id: str, since: datetime) -> dict[str, Any]:
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
    if notice.candidates:
        body["tenderers"] = [{"id": _party_id(c.name, c.credit_code), "name": c.name} for c in _once(notice.candidates)]
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


def _once(candidates: Sequence[Candidate]) -> list[Candidate]:
    """A bidder that is a candidate of several lots is named once."""
    return list({_party_id(one.name, one.credit_code): one for one in candidates}.values())


def _status(notice: Notice) -> str:
    if notice.failed or notice.form is Form.FAILED_TENDER:
        return "unsuccessful"
    if notice.form in _ENDED:
        return "cancelled"
    decided = notice.kind is Kind.AWARD_RESULT or notice.form is Form.RESULT_CORRECTION
    return "complete" if decided else "active"


def _document_type(notice: Notice) -> str:
    return "awardNotice" if notice.kind is Kind.AWARD_RESULT else "tenderNotice"


def _awards(notice: Notice) -> list[dict[str, Any]]:
    status, suppliers = _awarded(notice)
    in_lot: Counter[str] = Counter()
    awards = []
    for one in suppliers:
        lot = one.lot or ""
        in_lot[lot] += 1
        awards.append(_award(one, notice, status, f"{notice.round}-{lot or '0'}-{in_lot[lot]}"))
    return awards


def _award(winner: Candidate, notice: Notice, status: str, award_id: str) -> dict[str, Any]:
    """One award. Its id is made of round, lot and place: from candidate to contract, all notices name it alike."""
    body: dict[str, Any] = {
        "id": award_id,
        "status": status,
        "suppliers": [{"id": _party_id(winner.name, winner.credit_code), "name": winner.name}],
    }
    if winner.lot is not None:
        body["title"] = f"{notice.project_name or notice.title} {winner.lot}"
    if notice.dates.award_decided_on is not None:
        body["date"] = _instant(notice.dates.award_decided_on)
    if value := _value(winner.price):
        body["value"] = value
    return body


def _contract(award: Mapping[str, Any], notice: Notice) -> dict[str, Any]:
    signed = notice.dates.contract_signed_on
    dated = {"dateSigned": _instant(signed)} if signed is not None else {}
    same = {name: award[name] for name in ("title", "value") if name in award}
    return {"id": award["id"], "awardID": award["id"], "status": "active"} | same | dated


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
    for winner in _awarded(notice)[1]:
        add(winner.name, winner.credit_code, ["supplier"])
    for candidate in notice.candidates:
        add(candidate.name, candidate.credit_code, ["tenderer"])
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
