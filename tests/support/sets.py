"""For tests of set channels, beside the general builders: sets of items, a store on disk, a full disk."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from publisher.channel import Item, Store
from tests.support.builders import START, CallContext, MemoryStore, a_notice, an_item


def a_set(*names: str, visible_since: datetime | None = None, **changes: Any) -> list[Item]:
    """One item per name: its title holds the name, and all its keys follow from it."""
    return [
        an_item(
            a_notice(
                title=f"{name}工程招标公告", body_html=f"<p>{name}工程已具备招标条件，现公开招标。</p>", **changes
            ),
            key=f"d-{name}",
            notice_key=f"k-{name}",
            number=f"N-{name}",
            visible_since=visible_since,
        )
        for name in names
    ]


def titles(items: Sequence[Item]) -> list[str]:
    """The titles of the items, sorted."""
    return sorted(item.rendition.title for item in items)


def context(store: Store | None = None, *, after: timedelta = timedelta(0), **more: Any) -> CallContext:
    """A context whose clock stands `after` START; a new store where none is given."""
    return CallContext(at=START + after, store=store if store is not None else MemoryStore(), limit=60, **more)


class FileStore(MemoryStore):
    """A store in a file, so that what a killed process had stored is still there."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        if path.exists():
            self.values = json.loads(path.read_text(encoding="utf-8"))

    def put(self, name: str, value: str) -> None:
        super().put(name, value)
        self._save()

    def compare_and_set(self, name: str, old: str | None, new: str) -> bool:
        done = super().compare_and_set(name, old, new)
        self._save()
        return done

    def _save(self) -> None:
        aside = self._path.with_suffix(".aside")
        aside.write_text(json.dumps(self.values), encoding="utf-8")
        aside.replace(self._path)


@contextmanager
def full_disk(bytes_left: int = 64) -> Iterator[None]:
    """While open, this process cannot write a file longer than `bytes_left`: refused, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
