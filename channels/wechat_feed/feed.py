"""The office's own feed for WeChat readers: phone pages with a list, and feeds that aggregators read.

Into the output folder, which a web server shows under `base_url`, go `index.html`,
`articles/<notice>.html`, `feed.atom`, `feed.rss` and `feed.json`. The same set gives the same bytes,
whatever the order of its items and the hour: what must not move (when an entry was first shown,
when its text last changed) is kept in the channel's store, all else follows from the items.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin

import lxml.html

from channels.kit.files import Fault, clear_leftovers, no_fault, read_file, replace_files
from channels.kit.options import read_options
from channels.kit.sets import refuse_two_texts, still_newest, take_number
from channels.kit.text import one_line
from channels.wechat_feed.articles import Articles, Card, refusals
from channels.wechat_feed.common import INDEX, PAGES, path_of, sha256
from channels.wechat_feed.listing import Listing, set_digest
from channels.wechat_feed.options import Options
from channels.wechat_feed.remembered import Stamp, read_stamps, remember
from publisher.channel import (
    Absent,
    CannotTell,
    Capabilities,
    ChannelConfig,
    Context,
    DeliveryKey,
    Fidelity,
    Finding,
    Found,
    Item,
    Kept,
    Listed,
    Receipt,
    Rendition,
)
from publisher.delivery import Operation
from publisher.errors import ChannelError, PermanentFailure, SettingsError

_log = logging.getLogger(__name__)

_ALWAYS = timedelta(days=36500)
"""A set that is shown again is the same set: a repeat never makes a second item."""


class WechatFeed:
    """Shows the set as feeds and phone pages. A repeat is harmless; nothing is cut.

    Raises SettingsError for unknown or wrong options. `show` raises `TransientFailure`
    (`FOLDER_UNWRITABLE`, `BUSY`, `NO_LONGER_MINE`) and then changed nothing, save where a newer set
    overtook it; and `NeedsPerson` for a broken shell or two texts of one notice.
    """

    def __init__(self, config: ChannelConfig, *, fault: Fault = no_fault) -> None:
        self._config = config
        self._options = read_options(Options, config.options)
        if config.folder == Path():
            raise SettingsError("folder: this adapter writes files and needs a folder to put them in")
        self._folder = config.folder
        self._fault = fault
        self._articles = Articles(config, self._options)
        self._listing = Listing(config, self._options, self._articles)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            fidelity=Fidelity.FULL,
            findable=False,
            idempotent_for=_ALWAYS,
            window=self._options.window,
            operations=frozenset({Operation.PUBLISH, Operation.UPDATE, Operation.WITHDRAW}),
        )

    def show(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Receipt | ChannelError]:
        """Show exactly `items`: write aside, put in place, read back. See the contract for sets."""
        number = take_number(context)
        kept = context.store.get("entries")
        stamps = read_stamps(kept)
        pages_there = self._pages_there()
        there = [one for one in context.kept if path_of(one.notice_key) in pages_there]
        items = [*items, *self._gone(context.kept, pages_there)]
        refuse_two_texts(items)
        answers: dict[DeliveryKey, Receipt | ChannelError] = {}
        clear_leftovers(self._folder)
        cards = self._articles.cards(items, stamps, context.now(), answers)
        rows = self._listing.rows(cards, there, stamps)
        shared = self._listing.files(cards, rows)
        replace_files(
            self._folder,
            {card.path: card.page for card in cards if card.is_new} | shared,
            remove=self._listing.orphans(pages_there, rows),
            ready=lambda: context.still_mine(set_digest(cards, shared)),
            last_check=lambda: still_newest(context, number),
            fault=self._fault,
        )
        wrong = self._listing.read_back(cards, rows)
        staying = {str(one.notice_key) for one in context.kept}
        now_shown = {str(card.item.notice_key): card.stamp for card in cards}
        remember(context, kept, {key: stamp for key, stamp in stamps.items() if key in staying} | now_shown)
        for place, card in enumerate(cards):
            receipt = self._receipt(card, in_feed=place < self._options.max_entries)
            answers[card.item.delivery_key] = wrong.get(card.entry.id) or receipt
        return answers

    def refusals(self, rendition: Rendition) -> Sequence[PermanentFailure]:
        """A text that a phone page would not show as it was approved: what `show` would refuse it for."""
        return refusals(rendition)

    def look(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Finding]:
        """What readers of list and pages see of each item; pages are compared byte by byte with what was shown."""
        stamps = read_stamps(context.store.get("entries"))
        listed = {one.url: one.title for one in self.listed(context)}
        return {item.delivery_key: self._seen(item, stamps.get(item.notice_key), listed) for item in items}

    def listed(self, context: Context) -> Sequence[Listed]:
        """Every page that the list names; nothing where there is no list yet."""
        content = (read_file(self._folder / INDEX) or b"").strip()
        links = lxml.html.document_fromstring(content).iterfind(".//a[@href]") if content else ()
        found = [(urljoin(self._options.base_url, link.get("href")), link.text_content().strip()) for link in links]
        return [Listed(url, title) for url, title in found if url.startswith(f"{self._options.base_url}{PAGES}/")]

    def _seen(self, item: Item, stamp: Stamp | None, listed: Mapping[str, str]) -> Finding:
        path = path_of(item.notice_key)
        url = self._options.base_url + path
        page = read_file(self._folder / path)
        if page is None:
            return Absent()
        if url not in listed:
            return Found(Receipt(url=url, public=False, note="网页文件还在，但列表中没有，读者找不到"))
        if stamp is None or not stamp.page:
            return CannotTell("程序没有展示这份公告时的记录，下次更新后可以查询")
        if sha256(page) != stamp.page:
            return Found(Receipt(url=url, note=f"网页文件 {path} 被改动"), digest=sha256(page))
        if listed[url] != self._articles.mark + one_line(item.rendition.title):
            return Found(Receipt(url=url, note="列表中的标题不同"), digest=sha256(listed[url].encode()))
        return Found(Receipt(url=url), digest=stamp.shows)

    # --- what stands

    def _pages_there(self) -> set[str]:
        return {f"{PAGES}/{path.name}" for path in (self._folder / PAGES).glob("[!.]*.html")}

    def _gone(self, kept: Sequence[Kept], pages_there: set[str]) -> list[Item]:
        """What was to stay and has no page any more: made again, so many at a time that the call comes to its end."""
        gone = [one for one in kept if path_of(one.notice_key) not in pages_there]
        if gone:
            _log.warning("channel %s: %d pages are gone and are made again", self._config.name, len(gone))
        return [one.read() for one in sorted(gone, key=_newest_first)[: self._options.window]]

    def _receipt(self, card: Card, in_feed: bool) -> Receipt:
        return Receipt(
            number=card.entry.id,
            url=card.entry.url,
            public=True,
            visible_since=card.stamp.shown,
            digest=card.stamp.shows,
            note="" if in_feed else f"不在订阅源最新 {self._options.max_entries} 条之内，页面和列表中仍可见",
        )


def _newest_first(kept: Kept) -> tuple[float, str]:
    return -kept.visible_since.timestamp(), kept.notice_key
