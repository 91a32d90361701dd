"""What a practice site keeps: every item it was given, on disk before it answers."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLES = """
create table if not exists item (
    id integer primary key autoincrement,
    key text not null, notice_key text not null, title text not null, body text not null,
    kind text not null, form text not null, project_class text not null, project_no text not null,
    original_number text not null, stored_at real not null, published_at text not null,
    state text not null, reason text not null, raw blob not null
);
create index if not exists item_key on item (key);
"""

_FILE_TABLE = """
create table if not exists file (
    id integer primary key autoincrement,
    item integer, key text not null, name text not null, sha256 text not null, data blob not null
);
create index if not exists file_item on file (item);
create index if not exists file_key on file (key, sha256);
"""

COLUMNS = ("key", "notice_key", "title", "body", "kind", "form", "project_class", "project_no", "original_number")
"""What a notice consists of here; all text, only key, title and body must be there."""

_WITHOUT_RAW = "id, " + ", ".join(COLUMNS) + ", stored_at, published_at, state, reason"


@dataclass(frozen=True, slots=True)
class Item:
    """One notice as the site holds it. `stored_at` by the machine's clock, `published_at` by the site's."""

    id: int
    key: str
    notice_key: str
    title: str
    body: str
    kind: str
    form: str
    project_class: str
    project_no: str
    original_number: str
    stored_at: float
    published_at: str
    state: str
    reason: str

    @property
    def number(self) -> str:
        """The site's own number."""
        return f"YL-{self.published_at[:4]}-{self.id:05d}"

    @property
    def path(self) -> str:
        """Where readers find it."""
        return f"/notices/{self.id}.html"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One attachment. `item` None: uploaded, not yet part of a notice."""

    id: int
    item: int | None
    key: str
    name: str
    sha256: str
    size: int

    @property
    def path(self) -> str:
        """Where readers find it."""
        return f"/files/{self.id}"


class FileStore:
    """One SQLite file with the attachments a site was given; a kind of site adds its own `tables`.

    Every change is on disk when its method returns.
    """

    def __init__(self, folder: Path, tables: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(folder / "site.sqlite3", check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(tables + _FILE_TABLE)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add_file(self, key: str, name: str, data: bytes) -> StoredFile:
        """Store an attachment; the same bytes for the same key are one attachment."""
        digest = hashlib.sha256(data).hexdigest()
        with self._lock:
            row = self._db.execute("select id from file where key = ? and sha256 = ? and name = ?", [key, digest, name])
            found = row.fetchone()
            if found is None:
                with self._db:
                    number = self._db.execute(
                        "insert into file (item, key, name, sha256, data) values (null, ?, ?, ?, ?)",
                        [key, name, digest, data],
                    ).lastrowid
            else:
                number = found[0]
            return self._files("id = ?", number)[0]

    def files(self, item: int | None = None) -> list[StoredFile]:
        """The attachments of an item, or all."""
        with self._lock:
            return self._files("item = ?", item) if item is not None else self._files("1 = 1")

    def file_data(self, number: int) -> tuple[StoredFile, bytes] | None:
        """An attachment and its bytes."""
        with self._lock:
            row = self._db.execute("select data from file where id = ?", [number]).fetchone()
            return (self._files("id = ?", number)[0], row[0]) if row else None

    def _files(self, condition: str, *values: Any) -> list[StoredFile]:
        rows = self._db.execute(
            f"select id, item, key, name, sha256, length(data) from file where {condition} order by id", values
        )
        return [StoredFile(*row) for row in rows]


class SiteStore(FileStore):
    """The store of one practice site."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _TABLES)

    def add(
        self,
        fields: Mapping[str, str],
        *,
        files: Iterable[int],
        stored_at: float,
        published_at: str,
        raw: bytes,
        once: bool,
    ) -> tuple[Item, bool]:
        """Store a notice with its uploaded files; with `once`, give the item that its key already has instead.

        Returns the item, and whether it is new.
        """
        values = [fields.get(column, "") for column in COLUMNS]
        with self._lock:
            if once and (old := self._one("key = ?", fields["key"])):
                return old, False
            with self._db:
                self._db.execute("begin immediate")
                cursor = self._db.execute(
                    f"insert into item ({', '.join(COLUMNS)}, stored_at, published_at, state, reason, raw) "
                    f"values ({', '.join('?' * len(COLUMNS))}, ?, ?, 'public', '', ?)",
                    [*values, stored_at, published_at, raw],
                )
                number = cursor.lastrowid
                self._db.executemany("update file set item = ? where id = ?", [(number, file) for file in files])
            item = self._one("id = ?", number)
            assert item is not None
            return item, True

    def change(self, item: Item, fields: Mapping[str, str], files: Iterable[int] | None) -> Item:
        """Replace title and body, and the files where given."""
        with self._lock:
            with self._db:
                self._db.execute("begin immediate")
                self._db.execute(
                    "update item set title = ?, body = ? where id = ?", [fields["title"], fields["body"], item.id]
                )
                if files is not None:
                    self._db.execute("update file set item = null where item = ?", [item.id])
                    self._db.executemany("update file set item = ? where id = ?", [(item.id, file) for file in files])
            new = self._one("id = ?", item.id)
            assert new is not None
            return new

    def withdraw(self, item: Item, reason: str) -> None:
        """Take a notice back; it stays stored."""
        with self._lock, self._db:
            self._db.execute("update item set state = 'withdrawn', reason = ? where id = ?", [reason, item.id])

    def by_key(self, key: str) -> Item | None:
        """The oldest item of a key."""
        with self._lock:
            return self._one("key = ?", key)

    def by_id(self, number: int) -> Item | None:
        """The item with this id."""
        with self._lock:
            return self._one("id = ?", number)

    def by_number(self, number: str) -> Item | None:
        """The item with the site's own number."""
        tail = number.rpartition("-")[2]
        item = self.by_id(int(tail)) if tail.isdigit() else None
        return item if item is not None and item.number == number else None

    def items(self) -> list[Item]:
        """Everything stored, oldest first."""
        with self._lock:
            return [Item(*row) for row in self._db.execute(f"select {_WITHOUT_RAW} from item order by id")]

    def raw(self, number: int) -> bytes:
        """The bytes of the request that brought an item."""
        with self._lock:
            row = self._db.execute("select raw from item where id = ?", [number]).fetchone()
            return bytes(row[0])

    def delete(self, number: int) -> None:
        """Remove an item without a trace, as an operator of the site would."""
        with self._lock, self._db:
            self._db.execute("delete from item where id = ?", [number])

    def _one(self, condition: str, value: Any) -> Item | None:
        row = self._db.execute(
            f"select {_WITHOUT_RAW} from item where {condition} order by id limit 1", [value]
        ).fetchone()
        return Item(*row) if row else None
