"""One page for each notice, and its entry in the feeds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from markupsafe import Markup

from channels.kit import pages
from channels.kit.feeds import FeedEntry
from channels.kit.files import read_file
from channels.kit.text import one_line
from channels.wechat_feed.common import GENERATOR, PRACTICE_MARK, minute, path_of, sha256, shell, slug
from channels.wechat_feed.options import Options
from channels.wechat_feed.remembered import Stamp, stamp_of
from publisher.channel import ChannelConfig, DeliveryKey, Item, Receipt, Rendition
from publisher.errors import ChannelError, PermanentFailure, Reason
from publisher.notice import html_to_text, text_digest


@dataclass(frozen=True, slots=True)
class Card:
    """One notice as it is shown: its page, and its entry in the feeds."""

    item: Item
    path: str
    entry: FeedEntry
    stamp: Stamp
    page: bytes
    is_new: bool


class Articles:
    """Makes the pages; one that is there already and would be the same is left as it is."""

    def __init__(self, config: ChannelConfig, options: Options) -> None:
        self._config = config
        self.mark = PRACTICE_MARK if config.practice else ""
        self.author = one_line(options.author or config.title)
        self.tag = "tag:" + (options.tag_authority or f"{urlsplit(options.base_url).hostname},2017")
        self._base_url = options.base_url

    def cards(
        self,
        items: Sequence[Item],
        stamps: Mapping[str, Stamp],
        now: datetime,
        answers: dict[DeliveryKey, Receipt | ChannelError],
    ) -> list[Card]:
        """The showable items, newest first; the others get their error in `answers`."""
        cards = []
        for item in items:
            try:
                cards.append(self._card(item, stamps.get(item.notice_key), now))
            except PermanentFailure as error:
                answers[item.delivery_key] = error
        return sorted(cards, key=lambda card: (-card.stamp.shown.timestamp(), card.path))

    def _card(self, item: Item, old: Stamp | None, now: datetime) -> Card:
        title = one_line(item.rendition.title)
        if not title:
            raise _no_title()
        stamp = stamp_of(item, title, old, now)
        path = path_of(item.notice_key)
        made = self._made_from(item, stamp)
        page = self._page_as_it_is(path, stamp) if stamp.made == made else None
        is_new = page is None
        if page is None:
            page = self._make_page(item, self.mark + title, stamp)
            stamp = stamp.model_copy(
                update={"made": made, "page": sha256(page), "shows": text_digest(html_to_text(_body_of(page)))}
            )
        if stamp.shows != item.rendition.text_digest:
            raise _other_text()
        entry = FeedEntry(
            id=f"{self.tag}:notice/{slug(item.notice_key)}",
            url=self._base_url + path,
            title=self.mark + title,
            content_html=_body_of(page),
            published=stamp.shown,
            updated=stamp.updated,
            category=item.version.notice.kind.label,
        )
        return Card(item, path, entry, stamp, page, is_new)

    def _made_from(self, item: Item, stamp: Stamp) -> str:
        """Digest of everything that the page is made from: if it is the same, so is the page."""
        notice = item.version.notice
        return sha256(
            json.dumps(
                [
                    pages.edition(),
                    self._config.practice,
                    self.author,
                    item.rendition.sha256,
                    item.rendition.media_type,
                    item.rendition.title,
                    [notice.form, notice.project_class, notice.project_no],
                    [
                        _quoted(reference.title, reference.url, reference.first_published)
                        for reference in item.references
                    ],
                    [minute(stamp.shown), minute(stamp.updated)],
                ],
                ensure_ascii=False,
                default=str,
            ).encode()
        )

    def _page_as_it_is(self, path: str, stamp: Stamp) -> bytes | None:
        page = read_file(self._config.folder / path)
        return page if page is not None and sha256(page) == stamp.page else None

    def _make_page(self, item: Item, title: str, stamp: Stamp) -> bytes:
        notice = item.version.notice
        return shell(
            "article.html.j2",
            title=title,
            generator=GENERATOR,
            practice=self._config.practice,
            form=notice.form.value,
            project_class=notice.project_class.label,
            project_no=one_line(notice.project_no or ""),
            published=minute(stamp.shown),
            updated=minute(stamp.updated) if minute(stamp.updated) != minute(stamp.shown) else "",
            author=self.author,
            references=[_quoted(quoted.title, quoted.url, quoted.first_published) for quoted in item.references],
            body=Markup(_phone_body(item.rendition)),  # cleaned by pages.phone_html
        )


def refusals(rendition: Rendition) -> Sequence[PermanentFailure]:
    """A text that a phone page would not show as it was approved: what `show` would refuse it for."""
    refused = [] if one_line(rendition.title) else [_no_title()]
    try:
        body = _phone_body(rendition)
    except PermanentFailure as error:
        return [*refused, error]
    return refused if text_digest(html_to_text(body)) == rendition.text_digest else [*refused, _other_text()]


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


def _body_of(page: bytes) -> str:
    """The part of a page that is the notice's text: what stands in its marked element."""
    text = page.decode("utf-8")
    start = text.index("<article data-body>") + len("<article data-body>")
    return text[start : text.rindex("</article>")].strip()


def _quoted(title: str | None, url: str | None, first_published: object) -> dict[str, str]:
    return {
        "title": one_line(title or "") or "（见正文）",
        "url": url or "",
        "first_published": str(first_published or ""),
    }
