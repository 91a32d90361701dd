"""Deliveries that update or withdraw a publication, put into the ledger as an administrator's command makes them."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import insert

from publisher.delivery import Operation
from publisher.ledger.deliveries import Delivery
from publisher.ledger.tables import delivery
from tests.support.builders import a_rendition
from tests.support.sending import World

_FRESH: dict[str, Any] = {
    "state": "pending",
    "waits_for": None,
    "receipt": None,
    "receipt_sha256": None,
    "channel_number": None,
    "url": None,
    "shown_digest": None,
    "visible_since": None,
    "first_attempt_at": None,
    "give_up_at": None,
    "until": None,
}


def an_act(world: World, original: Delivery, operation: Operation, *, content: str = "") -> str:
    """A due delivery of `operation` on the publication `original`, with the text `content`; gives its key."""
    values = {name: value for name, value in original._mapping.items() if name != "id"} | _FRESH
    key = secrets.token_hex(16)
    act = {"operation": operation.value, "delivery_key": key, "predecessor_id": original.id, "next_at": world.clock()}
    with world.ledger.write() as tx:
        if content:
            text = a_rendition(content=content)
            tx.store_blob(text.content, text.sha256)
            act |= {"rendition_sha256": text.sha256, "rendition_digest": text.text_digest}
        tx.conn.execute(insert(delivery).values(**values | act))
    return key


def by_key(world: World, key: str) -> Delivery:
    """The delivery with this key."""
    (found,) = [row for row in world.rows() if row.delivery_key == key]
    return found
