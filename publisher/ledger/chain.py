"""The hash chain of the publication log: how a row is written down and what its hash is.

A row's payload is canonical JSON (keys sorted, no spaces, UTF-8); its hash is
sha256(previous hash ‖ "\\n" ‖ payload), in lower-case hex. The first row's previous hash is 64 zeros.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from publisher.notice import LOCAL

FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One row to be: what happened, to what, by whom, with which proof.

    `weight` is +1 for a publication that became public, -1 for one taken back, else 0; a row with a
    weight carries the `visible_day` (local) in which it counts. `data` is JSON-ready.
    `operator`, of a row with a weight: who approved or confirmed that publication.
    """

    event: str
    by: str
    number: str | None = None
    notice_id: int | None = None
    delivery_id: int | None = None
    channel: str | None = None
    tier: str | None = None
    kind: str | None = None
    form: str | None = None
    project_class: str | None = None
    project: str | None = None
    operator: str | None = None
    visible_day: str | None = None
    weight: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)


COLUMNS = (
    "event",
    "by",
    "number",
    "notice_id",
    "delivery_id",
    "channel",
    "tier",
    "kind",
    "form",
    "project_class",
    "project",
    "operator",
    "visible_day",
    "weight",
)
"""Fields that stand both in the payload and in columns; `verify` compares the two."""


def canonical(value: Mapping[str, Any]) -> str:
    """Canonical JSON text of a mapping."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def payload_of(seq: int, recorded_at: datetime, entry: Entry) -> str:
    """The exact text of a row that is hashed."""
    body: dict[str, Any] = {name: getattr(entry, name) for name in COLUMNS if getattr(entry, name) is not None}
    body["seq"] = seq
    body["recorded_at"] = iso(recorded_at)
    if entry.data:
        body["data"] = entry.data
    return canonical(body)


def hash_of(previous: str, payload: str) -> str:
    """The hash of a row after `previous`."""
    return hashlib.sha256(f"{previous}\n{payload}".encode()).hexdigest()


def iso(moment: datetime) -> str:
    """An instant as local ISO 8601 text with offset and microseconds."""
    return moment.astimezone(LOCAL).isoformat(timespec="microseconds")


def local_day(moment: datetime) -> str:
    """The local day (Asia/Shanghai) of an instant, as `YYYY-MM-DD`."""
    return moment.astimezone(LOCAL).date().isoformat()


def sha256_text(text: str) -> str:
    """sha256 of UTF-8 text, lower-case hex."""
    return hashlib.sha256(text.encode()).hexdigest()
