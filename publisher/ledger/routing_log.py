"""Which channels carried what since when: a row of the log for every change of the routing between two starts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from publisher.ledger.chain import Entry
from publisher.ledger.store import PROGRAM, Tx
from publisher.ledger.tables import publication_log

EVENT = "routing_changed"


def digest_of(routing: Mapping[str, Any]) -> str:
    """sha256 of the routing as canonical JSON, lower-case hex."""
    text = json.dumps(routing, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _rows(conn: Connection, newest_first: bool = False) -> Any:
    query = select(publication_log.c.payload, publication_log.c.recorded_at).where(publication_log.c.event == EVENT)
    order = publication_log.c.seq.desc() if newest_first else publication_log.c.seq
    return query.order_by(order)


def last_routing(conn: Connection) -> Mapping[str, Any] | None:
    """The routing as it was at the last start; None: never written down."""
    payload = conn.execute(_rows(conn, newest_first=True).limit(1)).scalars().first()
    if payload is None:
        return None
    routing: Mapping[str, Any] = json.loads(payload)["data"]["routing"]
    return routing


def record_routing(tx: Tx, routing: Mapping[str, Any], before: Mapping[str, Any] | None, diff: Sequence[str]) -> bool:
    """Write down a routing that differs from `before`; says whether it does."""
    if before == routing:
        return False
    digests = {"before": digest_of(before) if before is not None else None, "after": digest_of(routing)}
    data = {"digests": digests, "detail": "；".join(diff), "routing": routing}
    tx.log(Entry(event=EVENT, by=PROGRAM, data=data))
    return True


def carries_since(conn: Connection) -> dict[str, datetime]:
    """Since when each channel that is on now has carried notices, by name."""
    since: dict[str, datetime] = {}
    for payload, recorded_at in conn.execute(_rows(conn)):
        routing = json.loads(payload)["data"]["routing"]
        since = {name: since.get(name, recorded_at) for name in routing}
    return since
