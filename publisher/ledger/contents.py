"""What the ledger holds of a delivery's content: version, rendition, attachments, what it quotes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from publisher.channel import Attachment, Receipt, Reference, Rendition, Version
from publisher.delivery import Operation
from publisher.ledger import deliveries
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Ledger
from publisher.ledger.tables import blob, delivery, version
from publisher.notice import AttachmentRef, Notice


class ContentDamaged(Exception):
    """Stored bytes do not have the hash under which they are stored."""


@dataclass(frozen=True, slots=True)
class Contents:
    """All that an adapter is given of one delivery, apart from its keys and its context."""

    version: Version
    rendition: Rendition
    attachments: tuple[Attachment, ...]
    references: tuple[Reference, ...]
    last_receipt: Receipt | None


@lru_cache(maxsize=256)
def _notice(content: str) -> Notice:
    return Notice.model_validate_json(content)


def read_notice(conn: Connection, version_id: int) -> Notice:
    """The content of a version."""
    return _notice(conn.execute(select(version.c.content).where(version.c.id == version_id)).scalar_one())


def read_blob(conn: Connection, sha256: str) -> bytes:
    """Stored bytes, checked against their hash; raises `ContentDamaged` or `LookupError`."""
    data = conn.execute(select(blob.c.data).where(blob.c.sha256 == sha256)).scalar_one_or_none()
    if data is None:
        raise LookupError(f"no stored bytes with hash {sha256}")
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ContentDamaged(f"stored bytes no longer have the hash {sha256}; run `publisher verify`")
    return bytes(data)


_VERSIONS = select(version.c.id, version.c.number, version.c.content).where(
    version.c.id.in_(bindparam("wanted", expanding=True))
)
_BLOBS = select(blob.c.sha256, blob.c.data).where(blob.c.sha256.in_(bindparam("wanted", expanding=True)))
_DELIVERIES = select(delivery).where(delivery.c.id.in_(bindparam("wanted", expanding=True)))
_AT_ONCE = 10_000
"""Values asked for in one query: databases take some tens of thousands, and a set may be larger."""


def _in_parts(conn: Connection, query: Select[Any], wanted: Collection[Any]) -> Iterator[Any]:
    values = list(wanted)
    for at in range(0, len(values), _AT_ONCE):
        yield from conn.execute(query, {"wanted": values[at : at + _AT_ONCE]})


def read_many(conn: Connection, ledger: Ledger, rows: Sequence[Delivery]) -> dict[int, Contents | Exception]:
    """Everything that `rows` send, by delivery id; what cannot be read is an exception in its place.

    Attachment bytes are read when the adapter asks for them.
    """
    kept = _in_parts(conn, _VERSIONS, {row.version_id for row in rows})
    notices = {one.id: (one.number, one.content) for one in kept}
    blobs = _in_parts(conn, _BLOBS, {row.rendition_sha256 for row in rows})
    stored = {one.sha256: one.data for one in blobs}
    before = {row.id: row for row in _in_parts(conn, _DELIVERIES, {row.predecessor_id for row in rows} - {None})}
    quoted = _quoted(conn, [row for row in rows if row.operation == Operation.UPDATE.value], before)
    contents: dict[int, Contents | Exception] = {}
    for row in rows:
        try:
            its = before.get(row.predecessor_id)
            quotes = quoted.get(row.id) if row.operation == Operation.UPDATE.value else its
            contents[row.id] = _contents(ledger, row, notices[row.version_id], stored, its, quotes)
        except (ContentDamaged, LookupError, ValueError) as error:
            contents[row.id] = error
    return contents


def _quoted(conn: Connection, updates: Sequence[Delivery], before: Mapping[int, Delivery]) -> dict[int, Delivery]:
    """By update, the notice that its publication quotes: an update replaces that publication and quotes the same."""
    wanted = {row.id: before[row.predecessor_id].predecessor_id for row in updates if row.predecessor_id in before}
    ids = {one for one in wanted.values() if one is not None}
    found = {row.id: row for row in _in_parts(conn, _DELIVERIES, ids)}
    return {update: found[one] for update, one in wanted.items() if one is not None}


def read_contents(ledger: Ledger, row: Delivery) -> Contents:
    """Everything that one delivery sends; raises `ContentDamaged` or `LookupError`."""
    with ledger.read() as conn:
        found = read_many(conn, ledger, [row])[row.id]
    if isinstance(found, Exception):
        raise found
    return found


def _contents(
    ledger: Ledger,
    row: Delivery,
    kept: tuple[str, str],
    stored: Mapping[str, bytes],
    before: Delivery | None,
    quotes: Delivery | None,
) -> Contents:
    content = bytes(stored[row.rendition_sha256])
    if hashlib.sha256(content).hexdigest() != row.rendition_sha256:
        raise ContentDamaged(f"the rendition of delivery {row.id} was changed; run `publisher verify`")
    number, text = kept
    notice = _notice(text)
    return Contents(
        version=Version(number, notice),
        rendition=rendition_of(row, content),
        attachments=tuple(Attachment(ref, _reader(ledger, ref)) for ref in notice.attachments),
        references=_references(notice, row, quotes),
        last_receipt=_last_receipt(row, before),
    )


def rendition_of(row: Delivery, content: bytes) -> Rendition:
    """The approved rendition of a delivery."""
    return Rendition(
        sha256=row.rendition_sha256,
        media_type=row.rendition_media_type,
        title=row.rendition_title,
        content=content,
        text_digest=row.rendition_digest,
    )


def _reader(ledger: Ledger, ref: AttachmentRef) -> Callable[[], bytes]:
    def read() -> bytes:
        with ledger.read() as conn:
            return read_blob(conn, ref.sha256)

    return read


def _last_receipt(row: Delivery, before: Delivery | None) -> Receipt | None:
    if row.operation == Operation.PUBLISH.value or before is None:
        return deliveries.receipt_of(row)
    return deliveries.receipt_of(before)


def _references(notice: Notice, row: Delivery, before: Delivery | None) -> tuple[Reference, ...]:
    if before is not None and before.channel != row.channel:  # the publication that is forwarded here
        return (Reference(notice.project_no, notice.title, None, before.channel_number, before.url),)
    original = notice.original
    if original is None or row.operation == Operation.WITHDRAW.value:
        return ()
    number = before.channel_number if before is not None else None
    url = before.url if before is not None else None
    return (
        Reference(
            project_no=original.project_no,
            title=original.title or original.project_name,
            first_published=original.first_published,
            number=number,
            url=url,
        ),
    )
