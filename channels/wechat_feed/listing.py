"""What stands beside the pages: the list of all of them, and the feeds of the newest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from channels.kit.feeds import FeedEntry, FeedHead, UnreadableFeed, read_feed, write_atom, write_json_feed, write_rss
from channels.kit.files import read_file
from channels.kit.text import one_line
from channels.wechat_feed.articles import Articles, Card
from channels.wechat_feed.common import GENERATOR, INDEX, minute, path_of, sha256, shell
from channels.wechat_feed.options import Options
from channels.wechat_feed.remembered import Stamp
from publisher.channel import ChannelConfig, Kept
from publisher.errors import ChannelError, Reason, TransientFailure
from publisher.notice import LOCAL, Form, ProjectClass

_FEEDS = {"feed.atom": write_atom, "feed.rss": write_rss, "feed.json": write_json_feed}
_NOTHING_YET = datetime(2017, 1, 1, tzinfo=LOCAL)
"""`updated` of a feed without entries: any fixed instant, so that the bytes stay the same."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    path: str
    title: str
    form: Form
    project_class: ProjectClass
    shown: datetime


class Listing:
    """Makes list and feeds, and reads them again as a reader would."""

    def __init__(self, config: ChannelConfig, options: Options, articles: Articles) -> None:
        self._config = config
        self._options = options
        self._articles = articles
        self._title = articles.mark + one_line(options.feed_title or config.title)

    def rows(self, cards: Sequence[Card], kept: Sequence[Kept], stamps: Mapping[str, Stamp]) -> list[Row]:
        """The list: everything that stands, newest first."""
        rows = []
        for card in cards:
            notice = card.item.version.notice
            rows.append(Row(card.path, card.entry.title, notice.form, notice.project_class, card.stamp.shown))
        for one in kept:
            stamp = stamps.get(one.notice_key)
            shown = stamp.shown if stamp else one.visible_since
            title = self._articles.mark + one_line(one.title)
            rows.append(Row(path_of(one.notice_key), title, one.form, one.project_class, shown))
        return sorted(rows, key=lambda row: (-row.shown.timestamp(), row.path))

    def files(self, cards: Sequence[Card], rows: Sequence[Row]) -> dict[str, bytes]:
        """List and feeds, by their paths below the output folder."""
        newest = [card.entry for card in cards[: self._options.max_entries]]
        files = {name: write(self._head(name, newest), newest) for name, write in _FEEDS.items()}
        files[INDEX] = shell(
            "index.html.j2",
            title=self._title,
            generator=GENERATOR,
            practice=self._config.practice,
            author=self._articles.author,
            rows=[
                {
                    "path": row.path,
                    "title": row.title,
                    "form": row.form.value,
                    "project_class": row.project_class.label,
                    "published": minute(row.shown),
                }
                for row in rows
            ],
        )
        return files

    def _head(self, name: str, entries: Sequence[FeedEntry]) -> FeedHead:
        return FeedHead(
            id=f"{self._articles.tag}:feed/{self._config.name}",
            title=self._title,
            home_url=self._options.base_url + INDEX,
            self_url=self._options.base_url + name,
            author=self._articles.author,
            updated=max((entry.updated for entry in entries), default=_NOTHING_YET),
        )

    def orphans(self, pages_there: set[str], rows: Sequence[Row]) -> list[str]:
        """Pages of ours that are no longer in the set. What others put into the folder is left alone."""
        return [name for name in sorted(pages_there - {row.path for row in rows}) if self._is_ours(name)]

    def _is_ours(self, name: str) -> bool:
        mark = f'<meta name="generator" content="{GENERATOR}">'.encode()
        return mark in (read_file(self._config.folder / name) or b"")

    def read_back(self, cards: Sequence[Card], rows: Sequence[Row]) -> dict[str, ChannelError]:
        """Read every file that was made as a reader would; by entry id, what is not as it was written."""
        wrong: dict[str, ChannelError] = {}
        for name in _FEEDS:
            for entry_id in self._wrong_in_feed(name, cards[: self._options.max_entries]):
                wrong[entry_id] = _differs(name)
        listed = re.findall(
            r'<a href="(articles/[^"]+)"', (read_file(self._config.folder / INDEX) or b"").decode("utf-8")
        )
        if listed != [row.path for row in rows]:
            raise _differs(INDEX)
        for card in cards:
            if read_file(self._config.folder / card.path) != card.page:
                wrong[card.entry.id] = _differs(card.path)
        return wrong

    def _wrong_in_feed(self, name: str, cards: Sequence[Card]) -> Iterable[str]:
        try:
            feed = read_feed(read_file(self._config.folder / name) or b"")
        except UnreadableFeed as error:
            raise _differs(name) from error
        expected = {card.entry.id: _as_read(card.entry) for card in cards}
        found = {
            entry.id: (entry.url, entry.title, entry.published, entry.updated, entry.content_html.strip())
            for entry in feed.entries
        }
        if feed.title != self._title or not found.keys() <= expected.keys():
            raise _differs(name)
        return [entry_id for entry_id, entry in expected.items() if found.get(entry_id) != entry]


def set_digest(cards: Sequence[Card], shared: Mapping[str, bytes]) -> str:
    """Digest of all files of a set."""
    files = {card.path: card.stamp.page for card in cards} | {name: sha256(data) for name, data in shared.items()}
    return sha256(json.dumps(sorted(files.items())).encode())


def _as_read(entry: FeedEntry) -> tuple[object, ...]:
    published, updated = (
        moment.astimezone(LOCAL).replace(microsecond=0) for moment in (entry.published, entry.updated)
    )
    return (entry.url, entry.title, published, updated, entry.content_html)


def _differs(name: str) -> TransientFailure:
    return TransientFailure(
        Reason.FOLDER_UNWRITABLE, f"写入后读回的内容不一致：{name}", evidence="read back", channel_wide=False
    )
