"""What a practice province keeps: every notice it was given and where its review stands, on disk before it answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.practice.site_store import FileStore

WAITING, PUBLISHED, REFUSED, WITHDRAWN = "waiting", "published", "refused", "withdrawn"

_TABLES = """
create table if not exists notice (
    id integer primary key autoincrement,
    key text not null, fields text not null, stored_at real not null, received_at text not null,
    state text not null, reason text not null, number text not null, published_at text not null,
    public_at real not null, asked integer not null, forwarded integer not null
);
create index if not exists notice_key on notice (key);
"""
_COLUMNS = "id, fields, stored_at, received_at, state, reason, number, published_at, public_at, asked, forwarded"


@dataclass(frozen=True, slots=True)
class Filed:
    """One notice. `stored_at` by the machine's clock, the other instants by the site's (`public_at`: as a number).

    `state`: waiting, published, refused or withdrawn; `asked`: how often it was asked for while it waited.
    """

    id: int
    fields: Mapping[str, str]
    stored_at: float
    received_at: str
    state: str
    reason: str
    number: str
    published_at: str
    public_at: float
    asked: int
    forwarded: bool

    @property
    def ticket(self) -> str:
        """Under which it was taken."""
        return f"SL-{self.received_at[:4]}-{self.id:05d}"

    @property
    def path(self) -> str:
        """Where readers find it, once it is public."""
        return f"/notices/{self.id}.html"


class ProvinceStore(FileStore):
    """The store of one practice province. `prefix` begins its numbers."""

    def __init__(self, folder: Path, prefix: str) -> None:
        super().__init__(folder, _TABLES)
        self._prefix = prefix

    def add(
        self, fields: Mapping[str, str], *, files: Iterable[int], stored_at: float, received_at: str, once: bool
    ) -> tuple[Filed, bool]:
        """Store a notice with its uploaded files; with `once`, give the one its key has already, unless refused.

        Returns the notice, and whether it is new.
        """
        with self._lock:
            if once and (old := self._one("key = ? and state <> 'refused'", fields["sourceDataKey"])):
                return old, False
            with self._db:
                self._db.execute("begin immediate")
                number = self._db.execute(
                    "insert into notice (key, fields, stored_at, received_at, state, reason, number, published_at, "
                    "public_at, asked, forwarded) values (?, ?, ?, ?, 'waiting', '', '', '', 0, 0, 0)",
                    [fields["sourceDataKey"], json.dumps(dict(fields), ensure_ascii=False), stored_at, received_at],
                ).lastrowid
                self._db.executemany("update file set item = ? where id = ?", [(number, file) for file in files])
            return self._certainly(number), True

    def publish(self, item: Filed, published_at: str, public_at: float) -> Filed:
        """Make a waiting notice public and give it its number."""
        number = f"{self._prefix}-{9930 + item.id}"
        return self._decide(
            item,
            "state = 'published', number = ?, published_at = ?, public_at = ?",
            [number, published_at, public_at],
        )

    def refuse(self, item: Filed, reason: str) -> Filed:
        """Refuse a waiting notice."""
        return self._decide(item, "state = 'refused', reason = ?", [reason])

    def change(self, item: Filed, fields: Mapping[str, str], files: Iterable[int]) -> Filed:
        """Replace title, text and files of what is public."""
        changed = json.dumps({**item.fields, **fields}, ensure_ascii=False)
        with self._lock:
            with self._db:
                self._db.execute("begin immediate")
                self._db.execute("update notice set fields = ? where id = ?", [changed, item.id])
                self._db.execute("update file set item = null where item = ?", [item.id])
                self._db.executemany("update file set item = ? where id = ?", [(item.id, file) for file in files])
            return self._certainly(item.id)

    def withdraw(self, item: Filed, reason: str) -> None:
        """Take what is public back; it stays stored."""
        with self._lock, self._db:
            self._db.execute("update notice set state = 'withdrawn', reason = ? where id = ?", [reason, item.id])

    def _decide(self, item: Filed, change: str, values: list[Any]) -> Filed:
        with self._lock:
            with self._db:
                self._db.execute(f"update notice set {change} where id = ? and state = 'waiting'", [*values, item.id])
            return self._certainly(item.id)

    def count_question(self, item: Filed) -> int:
        """How often it was asked for before; this time counts from now on."""
        with self._lock, self._db:
            self._db.execute("update notice set asked = asked + 1 where id = ?", [item.id])
            row = self._db.execute("select asked from notice where id = ?", [item.id]).fetchone()
            return int(row[0]) - 1

    def forwarded(self, item: Filed) -> None:
        """It has gone to the higher site."""
        with self._lock, self._db:
            self._db.execute("update notice set forwarded = 1 where id = ?", [item.id])

    def by_key(self, key: str) -> Filed | None:
        """The newest notice that was brought under this key."""
        with self._lock:
            return self._one("key = ?", key)

    def by_ticket(self, ticket: str) -> Filed | None:
        """The notice that was taken under this ticket."""
        number = ticket.rpartition("-")[2]
        found = self.by_id(int(number)) if number.isascii() and number.isdigit() else None
        return found if found is not None and found.ticket == ticket else None

    def by_number(self, number: str) -> Filed | None:
        """The public notice with this number."""
        with self._lock:
            return self._one("number = ? and number <> ''", number)

    def by_id(self, number: int) -> Filed | None:
        """The notice with this id."""
        with self._lock:
            return self._one("id = ?", number)

    def items(self) -> list[Filed]:
        """Everything stored, oldest first."""
        with self._lock:
            return [_filed(row) for row in self._db.execute(f"select {_COLUMNS} from notice order by id")]

    def delete(self, number: int) -> None:
        """Remove a notice without a trace, as an operator of the site would."""
        with self._lock, self._db:
            self._db.execute("delete from notice where id = ?", [number])

    def _one(self, condition: str, value: Any) -> Filed | None:
        row = self._db.execute(
            f"select {_COLUMNS} from notice where {condition} order by id desc limit 1", [value]
        ).fetchone()
        return _filed(row) if row else None

    def _certainly(self, number: int | None) -> Filed:
        item = self._one("id = ?", number)
        assert item is not None  # it was just written
        return item


def _filed(row: tuple[Any, ...]) -> Filed:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Filed(**values | {"fields": json.loads(values["fields"]), "forwarded": bool(values["forwarded"])})
