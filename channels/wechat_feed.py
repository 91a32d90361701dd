"""The office's own feed for WeChat readers: phone pages with a list, and feeds that aggregators read.

Into the output folder, which a web server shows under `base_url`, go `index.html`,
`articles/<notice>.html`, `feed.atom`, `feed.rss` and `feed.json`. The same set gives the same bytes,
whatever the order of its items and the hour: what must not move (when an entry was first shown,
when its text last changed) is kept in the channel's store, all else follows from the items.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urljoin, urlsplit

import jinja2
import lxml.html
from markupsafe import Markup
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from channels.kit import pages
from channels.kit.feeds import FeedEntry, FeedHead, UnreadableFeed, read_feed, write_atom, write_json_feed, write_rss
from channels.kit.files import Fault, clear_leftovers, no_fault, read_file, replace_files
from channels.kit.options import read_options
from channels.kit.sets import refuse_two_texts, still_newest, take_number
from channels.kit.text import one_line
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
from publisher.errors import ChannelError, NeedsPerson, PermanentFailure, Reason, SettingsError, TransientFailure
from publisher.notice import LOCAL, Form, ProjectClass, html_to_text, text_digest

_log = logging.getLogger(__name__)
_PRACTICE_MARK = "【演练】"
_GENERATOR = "notice-publisher"
_FEEDS = {"feed.atom": write_atom, "feed.rss": write_rss, "feed.json": write_json_feed}
_INDEX = "index.html"
_PAGES = "articles"
_NOTHING_YET = datetime(2017, 1, 1, tzinfo=LOCAL)
"""`updated` of a feed without entries: any fixed instant, so that the bytes stay the same."""


_ALWAYS = timedelta(days=36500)
"""A set that is shown again is the same set: a repeat never makes a second item."""


class Options(BaseModel):
    """The adapter's keys in `channels.toml`.

    base_url       where the output folder is served
    feed_title     title of the feed and the list page (default: the channel's title)
    author         whom readers see as the source (default: the channel's title)
    max_entries    how many of the newest notices the feeds hold; pages and list hold all
    window         how many of the newest pages are made and read back at each showing; of the older ones as many in
                   turn, and what is gone of them is made again
    tag_authority  first part of every entry id, `host,year` (default: host of `base_url`, 2017);
                   to be set before the pages move to another host, or every reader sees all as new
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    base_url: str
    feed_title: str = ""
    author: str = ""
    max_entries: Annotated[int, Field(ge=1, strict=True)] = 50
    window: Annotated[int, Field(ge=1, strict=True)] = 1000
    tag_authority: Annotated[str, Field(pattern=r"^([a-z0-9.-]+,\d{4}(-\d\d){0,2})?$")] = ""

    @model_validator(mode="after")
    def _feeds_are_made_of_what_is_given(self) -> Self:
        if self.window < self.max_entries:
            raise ValueError("window must not be less than max_entries: the feeds hold what is made at each showing")
        return self

    @field_validator("base_url")
    @classmethod
    def _complete(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be the http(s) address of the folder, such as https://ggzy.example.gov.cn/wx/")
        return url.rstrip("/") + "/"


class _Stamp(BaseModel):
    """What is remembered of a notice that is shown.

    `text`: digest of title and text; `made`: digest of all that its page was made from; `page`:
    digest of the page's bytes; `shows`: text digest of the body on the page.
    """

    model_config = ConfigDict(frozen=True)

    shown: AwareDatetime
    updated: AwareDatetime
    text: str
    made: str = ""
    page: str = ""
    shows: str = ""


_STAMPS = TypeAdapter(dict[str, _Stamp])


@dataclass(frozen=True, slots=True)
class _Card:
    """One notice as it is shown: its page, and its entry in the feeds."""

    item: Item
    path: str
    entry: FeedEntry
    stamp: _Stamp
    page: bytes
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the list."""

    path: str
    title: str
    form: Form
    project_class: ProjectClass
    shown: datetime


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
        mark = _PRACTICE_MARK if config.practice else ""
        self._mark = mark
        self._title = mark + one_line(self._options.feed_title or config.title)
        self._author = one_line(self._options.author or config.title)
        self._tag = "tag:" + (self._options.tag_authority or f"{urlsplit(self._options.base_url).hostname},2017")

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
        stamps = _stamps(kept)
        pages_there = self._pages_there()
        there = [one for one in context.kept if _path(one.notice_key) in pages_there]
        items = [*items, *self._gone(context.kept, pages_there)]
        refuse_two_texts(items)
        answers: dict[DeliveryKey, Receipt | ChannelError] = {}
        clear_leftovers(self._folder)
        cards = self._cards(items, stamps, context.now(), answers)
        rows = self._rows(cards, there, stamps)
        shared = self._shared_files(cards, rows)
        replace_files(
            self._folder,
            {card.path: card.page for card in cards if card.is_new} | shared,
            remove=self._orphans(pages_there, rows),
            ready=lambda: context.still_mine(_set_digest(cards, shared)),
            last_check=lambda: still_newest(context, number),
            fault=self._fault,
        )
        wrong = self._read_back(cards, rows)
        staying = {str(one.notice_key) for one in context.kept}
        now_shown = {str(card.item.notice_key): card.stamp for card in cards}
        _remember(context, kept, {key: stamp for key, stamp in stamps.items() if key in staying} | now_shown)
        for place, card in enumerate(cards):
            receipt = self._receipt(card, in_feed=place < self._options.max_entries)
            answers[card.item.delivery_key] = wrong.get(card.entry.id) or receipt
        return answers

    def refusals(self, rendition: Rendition) -> Sequence[PermanentFailure]:
        """A text that a phone page would not show as it was approved: what `show` would refuse it for."""
        refused = [] if one_line(rendition.title) else [_no_title()]
        try:
            body = _phone_body(rendition)
        except PermanentFailure as error:
            return [*refused, error]
        return refused if text_digest(html_to_text(body)) == rendition.text_digest else [*refused, _other_text()]

    def look(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Finding]:
        """What readers of list and pages see of each item; pages are compared byte by byte with what was shown."""
        stamps = _stamps(context.store.get("entries"))
        listed = {one.url: one.title for one in self.listed(context)}
        return {item.delivery_key: self._seen(item, stamps.get(item.notice_key), listed) for item in items}

    def listed(self, context: Context) -> Sequence[Listed]:
        """Every page that the list names; nothing where there is no list yet."""
        content = (read_file(self._folder / _INDEX) or b"").strip()
        links = lxml.html.document_fromstring(content).iterfind(".//a[@href]") if content else ()
        found = [(urljoin(self._options.base_url, link.get("href")), link.text_content().strip()) for link in links]
        return [Listed(url, title) for url, title in found if url.startswith(f"{self._options.base_url}{_PAGES}/")]

    def _seen(self, item: Item, stamp: _Stamp | None, listed: Mapping[str, str]) -> Finding:
        path = _path(item.notice_key)
        url = self._options.base_url + path
        page = read_file(self._folder / path)
        if page is None:
            return Absent()
        if url not in listed:
            return Found(Receipt(url=url, public=False, note="网页文件还在，但列表中没有，读者找不到"))
        if stamp is None or not stamp.page:
            return CannotTell("程序没有展示这份公告时的记录，下次更新后可以查询")
        if _sha256(page) != stamp.page:
            return Found(Receipt(url=url, note=f"网页文件 {path} 被改动"), digest=_sha256(page))
        if listed[url] != self._mark + one_line(item.rendition.title):
            return Found(Receipt(url=url, note="列表中的标题不同"), digest=_sha256(listed[url].encode()))
        return Found(Receipt(url=url), digest=stamp.shows)

    # --- what stands

    def _pages_there(self) -> set[str]:
        return {f"{_PAGES}/{path.name}" for path in (self._folder / _PAGES).glob("[!.]*.html")}

    def _gone(self, kept: Sequence[Kept], pages_there: set[str]) -> list[Item]:
        """What was to stay and has no page any more: made again, so many at a time that the call comes to its end."""
        gone = [one for one in kept if _path(one.notice_key) not in pages_there]
        if gone:
            _log.warning("channel %s: %d pages are gone and are made again", self._config.name, len(gone))
        return [one.read() for one in sorted(gone, key=_newest_first)[: self._options.window]]

    # --- making

    def _cards(
        self,
        items: Sequence[Item],
        stamps: Mapping[str, _Stamp],
        now: datetime,
        answers: dict[DeliveryKey, Receipt | ChannelError],
    ) -> list[_Card]:
        """The showable items, newest first; the others get their error in `answers`."""
        cards = []
        for item in items:
            try:
                cards.append(self._card(item, stamps.get(item.notice_key), now))
            except PermanentFailure as error:
                answers[item.delivery_key] = error
        return sorted(cards, key=lambda card: (-card.stamp.shown.timestamp(), card.path))

    def _card(self, item: Item, old: _Stamp | None, now: datetime) -> _Card:
        title = one_line(item.rendition.title)
        if not title:
            raise _no_title()
        stamp = _stamp(item, title, old, now)
        path = _path(item.notice_key)
        made = self._made_from(item, stamp)
        page = self._page_as_it_is(path, stamp) if stamp.made == made else None
        is_new = page is None
        if page is None:
            page = self._make_page(item, self._mark + title, stamp)
            stamp = stamp.model_copy(
                update={"made": made, "page": _sha256(page), "shows": text_digest(html_to_text(_body_of(page)))}
            )
        if stamp.shows != item.rendition.text_digest:
            raise _other_text()
        entry = FeedEntry(
            id=f"{self._tag}:notice/{_slug(item.notice_key)}",
            url=self._options.base_url + path,
            title=self._mark + title,
            content_html=_body_of(page),
            published=stamp.shown,
            updated=stamp.updated,
            category=item.version.notice.kind.label,
        )
        return _Card(item, path, entry, stamp, page, is_new)

    def _made_from(self, item: Item, stamp: _Stamp) -> str:
        """Digest of everything that the page is made from: if it is the same, so is the page."""
        notice = item.version.notice
        return _sha256(
            json.dumps(
                [
                    pages.edition(),
                    self._config.practice,
                    self._author,
                    item.rendition.sha256,
                    item.rendition.media_type,
                    item.rendition.title,
                    [notice.form, notice.project_class, notice.project_no],
                    [
                        _quoted(reference.title, reference.url, reference.first_published)
                        for reference in item.references
                    ],
                    [_minute(stamp.shown), _minute(stamp.updated)],
                ],
                ensure_ascii=False,
                default=str,
            ).encode()
        )

    def _page_as_it_is(self, path: str, stamp: _Stamp) -> bytes | None:
        page = read_file(self._folder / path)
        return page if page is not None and _sha256(page) == stamp.page else None

    def _make_page(self, item: Item, title: str, stamp: _Stamp) -> bytes:
        notice = item.version.notice
        return _shell(
            "article.html.j2",
            title=title,
            generator=_GENERATOR,
            practice=self._config.practice,
            form=notice.form.value,
            project_class=notice.project_class.label,
            project_no=one_line(notice.project_no or ""),
            published=_minute(stamp.shown),
            updated=_minute(stamp.updated) if _minute(stamp.updated) != _minute(stamp.shown) else "",
            author=self._author,
            references=[_quoted(quoted.title, quoted.url, quoted.first_published) for quoted in item.references],
            body=Markup(_phone_body(item.rendition)),  # cleaned by pages.phone_html
        )

    def _rows(self, cards: Sequence[_Card], kept: Sequence[Kept], stamps: Mapping[str, _Stamp]) -> list[_Row]:
        """The list: everything that stands, newest first."""
        rows = []
        for card in cards:
            notice = card.item.version.notice
            rows.append(_Row(card.path, card.entry.title, notice.form, notice.project_class, card.stamp.shown))
        for one in kept:
            stamp = stamps.get(one.notice_key)
            shown = stamp.shown if stamp else one.visible_since
            title = self._mark + one_line(one.title)
            rows.append(_Row(_path(one.notice_key), title, one.form, one.project_class, shown))
        return sorted(rows, key=lambda row: (-row.shown.timestamp(), row.path))

    def _shared_files(self, cards: Sequence[_Card], rows: Sequence[_Row]) -> dict[str, bytes]:
        newest = [card.entry for card in cards[: self._options.max_entries]]
        files = {name: write(self._head(name, newest), newest) for name, write in _FEEDS.items()}
        files[_INDEX] = _shell(
            "index.html.j2",
            title=self._title,
            generator=_GENERATOR,
            practice=self._config.practice,
            author=self._author,
            rows=[
                {
                    "path": row.path,
                    "title": row.title,
                    "form": row.form.value,
                    "project_class": row.project_class.label,
                    "published": _minute(row.shown),
                }
                for row in rows
            ],
        )
        return files

    def _head(self, name: str, entries: Sequence[FeedEntry]) -> FeedHead:
        return FeedHead(
            id=f"{self._tag}:feed/{self._config.name}",
            title=self._title,
            home_url=self._options.base_url + _INDEX,
            self_url=self._options.base_url + name,
            author=self._author,
            updated=max((entry.updated for entry in entries), default=_NOTHING_YET),
        )

    def _orphans(self, pages_there: set[str], rows: Sequence[_Row]) -> list[str]:
        """Pages of ours that are no longer in the set. What others put into the folder is left alone."""
        return [name for name in sorted(pages_there - {row.path for row in rows}) if self._is_ours(name)]

    def _is_ours(self, name: str) -> bool:
        mark = f'<meta name="generator" content="{_GENERATOR}">'.encode()
        return mark in (read_file(self._folder / name) or b"")

    # --- reading back

    def _read_back(self, cards: Sequence[_Card], rows: Sequence[_Row]) -> dict[str, ChannelError]:
        """Read every file that was made as a reader would; by entry id, what is not as it was written."""
        wrong: dict[str, ChannelError] = {}
        for name in _FEEDS:
            for entry_id in self._wrong_in_feed(name, cards[: self._options.max_entries]):
                wrong[entry_id] = _differs(name)
        listed = re.findall(r'<a href="(articles/[^"]+)"', (read_file(self._folder / _INDEX) or b"").decode("utf-8"))
        if listed != [row.path for row in rows]:
            raise _differs(_INDEX)
        for card in cards:
            if read_file(self._folder / card.path) != card.page:
                wrong[card.entry.id] = _differs(card.path)
        return wrong

    def _wrong_in_feed(self, name: str, cards: Sequence[_Card]) -> Iterable[str]:
        try:
            feed = read_feed(read_file(self._folder / name) or b"")
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

    def _receipt(self, card: _Card, in_feed: bool) -> Receipt:
        return Receipt(
            number=card.entry.id,
            url=card.entry.url,
            public=True,
            visible_since=card.stamp.shown,
            digest=card.stamp.shows,
            note="" if in_feed else f"不在订阅源最新 {self._options.max_entries} 条之内，页面和列表中仍可见",
        )


# --- what is remembered


def _stamps(kept: str | None) -> dict[str, _Stamp]:
    try:
        return _STAMPS.validate_json(kept or "{}")
    except ValidationError:
        return {}  # an older program's form: all is made anew, ids and links stay


def _remember(context: Context, kept: str | None, stamps: Mapping[str, _Stamp]) -> None:
    new = _STAMPS.dump_json(dict(sorted(stamps.items()))).decode()
    if new != kept and not context.store.compare_and_set("entries", kept, new):
        raise TransientFailure(Reason.NO_LONGER_MINE, "展示期间另一个进程写入了更新的集合")


def _stamp(item: Item, title: str, old: _Stamp | None, now: datetime) -> _Stamp:
    """When the notice was first shown, and when its title or text last changed."""
    shown = item.visible_since or (old.shown if old else now)
    text = _sha256(f"{text_digest(title)} {item.rendition.text_digest}".encode())
    if old is None or (old.text == text and old.updated == old.shown):
        updated = shown
    else:
        updated = old.updated if old.text == text else now
    made = old.model_dump(include={"made", "page", "shows"}) if old else {}
    return _Stamp(shown=shown, updated=max(shown, updated), text=text, **made)


# --- small things


def _no_title() -> PermanentFailure:
    return PermanentFailure(Reason.CANNOT_BE_SHOWN, "标题为空")


def _other_text() -> PermanentFailure:
    return PermanentFailure(Reason.CANNOT_BE_SHOWN, "正文中有无法显示的字符，页面上的文字会与批准的文本不同")


def _phone_body(rendition: Rendition) -> str:
    media_type = rendition.media_type.partition(";")[0].strip().lower()
    try:
        if media_type == "text/html":
            return pages.phone_html(rendition.text)
        if media_type == "text/plain":
            return pages.text_as_html(rendition.text)
    except UnicodeDecodeError as error:
        raise PermanentFailure(Reason.CANNOT_BE_SHOWN, "正文不是 UTF-8 编码") from error
    except pages.NotShowable as error:
        raise PermanentFailure(Reason.CANNOT_BE_SHOWN, str(error)) from error
    raise PermanentFailure(Reason.NOT_SUPPORTED, f"不能展示类型为 {rendition.media_type} 的正文")


def _shell(name: str, **values: object) -> bytes:
    try:
        return pages.render_shell(f"wechat_feed/{name}", **values).encode("utf-8")
    except jinja2.TemplateError as error:
        raise NeedsPerson(
            Reason.TEMPLATE_FAULT, f"页面模板 {name} 有误：{error}", evidence=type(error).__name__, stops_channel=True
        ) from error


def _body_of(page: bytes) -> str:
    """The part of a page that is the notice's text: what stands in its marked element."""
    text = page.decode("utf-8")
    start = text.index("<article data-body>") + len("<article data-body>")
    return text[start : text.rindex("</article>")].strip()


def _path(notice_key: str) -> str:
    """The page of a notice, below the output folder."""
    return f"{_PAGES}/{_slug(notice_key)}.html"


def _newest_first(kept: Kept) -> tuple[float, str]:
    return -kept.visible_since.timestamp(), kept.notice_key


def _slug(notice_key: str) -> str:
    """A file name for the key: unlike keys give unlike names, also where capitals do not count."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", notice_key):
        return notice_key
    plain = re.sub(r"[^a-z0-9]+", "-", notice_key.lower()).strip("-")[:40]
    return f"{plain}.{_sha256(notice_key.encode())[:16]}".lstrip(".")


def _quoted(title: str | None, url: str | None, first_published: object) -> dict[str, str]:
    return {
        "title": one_line(title or "") or "（见正文）",
        "url": url or "",
        "first_published": str(first_published or ""),
    }


def _minute(instant: datetime) -> str:
    return instant.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")


def _as_read(entry: FeedEntry) -> tuple[object, ...]:
    published, updated = (
        moment.astimezone(LOCAL).replace(microsecond=0) for moment in (entry.published, entry.updated)
    )
    return (entry.url, entry.title, published, updated, entry.content_html)


def _differs(name: str) -> TransientFailure:
    return TransientFailure(
        Reason.FOLDER_UNWRITABLE, f"写入后读回的内容不一致：{name}", evidence="read back", channel_wide=False
    )


def _set_digest(cards: Sequence[_Card], shared: Mapping[str, bytes]) -> str:
    files = {card.path: card.stamp.page for card in cards} | {name: _sha256(data) for name, data in shared.items()}
    return _sha256(json.dumps(sorted(files.items())).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
