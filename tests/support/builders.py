"""Builders for tests: a notice, its rendition, a submission, and a context with a store in memory."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from publisher.channel import (
    Attachment,
    ChannelConfig,
    Context,
    DeliveryKey,
    Item,
    Kept,
    NoticeKey,
    Receipt,
    Reference,
    Rendition,
    Store,
    Submission,
    Tier,
    Version,
)
from publisher.delivery import Operation
from publisher.errors import Reason, TransientFailure
from publisher.notice import (
    LOCAL,
    AttachmentRef,
    Dates,
    Form,
    Money,
    Notice,
    Party,
    ProjectClass,
    html_to_text,
    text_digest,
)

START = datetime(2017, 12, 4, 9, 0, tzinfo=LOCAL)
"""Monday morning: the instant at which most tests begin."""

BODY = (
    "<p>曲阜市陵城镇崇文社区建设工程施工已具备招标条件，现对该项目进行公开招标。</p>"
    "<table><tr><th>标段</th><th>招标控制价</th></tr><tr><td>一标段</td><td>12,345,678.90元</td></tr></table>"
    "<p>投标截止时间：2017年12月28日9时00分。</p>"
)


def a_notice(**changes: Any) -> Notice:
    """A complete and valid tender notice of the works project QFZB-2017-0412, with `changes` to its fields."""
    fields: dict[str, Any] = {
        "form": Form.TENDER,
        "project_class": ProjectClass.WORKS,
        "title": "曲阜市陵城镇崇文社区建设工程施工招标公告",
        "project_no": "QFZB-2017-0412",
        "project_name": "曲阜市陵城镇崇文社区建设工程施工",
        "body_html": BODY,
        "tenderee": Party(name="曲阜市陵城镇人民政府"),
        "agency": Party(name="山东某某招标代理有限公司", phone="13900000001"),
        "control_price": Money(raw="12,345,678.90元", yuan="12345678.90", unit="元"),
        "dates": Dates(
            printed_on=date(2017, 12, 4),
            bid_deadline=datetime(2017, 12, 28, 9, 0, tzinfo=LOCAL),
            bid_opening=datetime(2017, 12, 28, 9, 0, tzinfo=LOCAL),
        ),
    }
    return Notice(**(fields | changes))


def a_change_notice(**changes: Any) -> Notice:
    """A correction of the notice that `a_notice` gives, with `changes` to its fields."""
    fields: dict[str, Any] = {
        "form": Form.CORRECTION,
        "title": "曲阜市陵城镇崇文社区建设工程施工更正公告",
        "sequence": 1,
        "body_html": "<p>原投标截止时间2017年12月28日9时00分，现更正为2018年1月5日9时00分，其他内容不变。</p>",
        "original": {"project_no": "QFZB-2017-0412", "first_published": date(2017, 12, 4)},
        "dates": Dates(printed_on=date(2017, 12, 8), bid_deadline=datetime(2018, 1, 5, 9, 0, tzinfo=LOCAL)),
    }
    return a_notice(**(fields | changes))


def an_attachment(name: str = "工程量清单.pdf", data: bytes = b"%PDF-1.4 bill of quantities") -> Attachment:
    """An attachment whose bytes are `data`."""
    ref = AttachmentRef(
        name=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data), media_type="application/pdf"
    )
    return Attachment(ref=ref, read=lambda: data)


def a_rendition(notice: Notice | None = None, *, content: str | None = None) -> Rendition:
    """The rendition of `notice`: its body HTML, or `content` (HTML)."""
    notice = notice or a_notice()
    text = notice.body_html if content is None else content
    data = text.encode()
    return Rendition(
        sha256=hashlib.sha256(data).hexdigest(),
        media_type="text/html",
        title=notice.title,
        content=data,
        text_digest=text_digest(html_to_text(text)),
    )


class MemoryStore:
    """A `Store` in memory; every call is atomic.

    Steps belong to one delivery: give each delivery a store of its own. `log` lists the steps recorded.
    """

    def __init__(self, today: Callable[[], date] = lambda: START.date()) -> None:
        self.values: dict[str, str] = {}
        self.log: list[tuple[str, str]] = []
        self._counts: dict[tuple[str, date], int] = {}
        self._leases: dict[str, str] = {}
        self._steps: dict[str, str] = {}
        self._today = today
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        with self._lock:
            return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        with self._lock:
            self.values[name] = value

    def compare_and_set(self, name: str, old: str | None, new: str) -> bool:
        with self._lock:
            if self.values.get(name) != old:
                return False
            self.values[name] = new
            return True

    def count_today(self, name: str, limit: int) -> bool:
        with self._lock:
            day = (name, self._today())
            if self._counts.get(day, 0) >= limit:
                return False
            self._counts[day] = self._counts.get(day, 0) + 1
            return True

    def lease(self, name: str, holder: str, lasts: timedelta) -> bool:
        """Leases do not run out here: a test that needs that uses the ledger's store."""
        with self._lock:
            return self._leases.setdefault(name, holder) == holder

    def step(self, name: str, ref: str | None = None) -> str | None:
        with self._lock:
            if ref is None:
                return self._steps.get(name)
            self._steps[name] = ref
            self.log.append((name, ref))
            return ref


@dataclass
class CallContext:
    """A `Context`: a clock that stands at `at`, `limit` seconds from its making, and a record of `still_mine`.

    `mine` False makes `still_mine` raise; `before` is called at the beginning of each `still_mine`.
    """

    at: datetime = START
    limit: float = 10.0
    store: Store = field(default_factory=MemoryStore)
    mine: bool = True
    before: Callable[[], None] = lambda: None
    asked: list[str | None] = field(default_factory=list)
    kept: Sequence[Kept] = ()
    _began: float = field(default_factory=time.monotonic)

    def now(self) -> datetime:
        return self.at

    def remaining(self) -> float:
        return self.limit - (time.monotonic() - self._began)

    def still_mine(self, request_digest: str | None = None) -> None:
        self.asked.append(request_digest)
        self.before()
        if not self.mine or self.remaining() <= 0:
            raise TransientFailure(Reason.NO_LONGER_MINE)


def a_submission(
    notice: Notice | None = None,
    *,
    key: str = "d-1",
    notice_key: str = "k-1",
    number: str = "N1",
    operation: Operation = Operation.PUBLISH,
    rendition: Rendition | None = None,
    attachments: Sequence[Attachment] = (),
    references: Sequence[Reference] = (),
    last_receipt: Receipt | None = None,
    context: Context | None = None,
) -> Submission:
    """One delivery of `notice`; its attachments are also entered in the notice."""
    notice = notice or a_notice()
    if attachments:
        notice = notice.model_copy(update={"attachments": tuple(a.ref for a in attachments)})
    return Submission(
        operation=operation,
        delivery_key=DeliveryKey(key),
        notice_key=NoticeKey(notice_key),
        version=Version(number=number, notice=notice),
        rendition=rendition or a_rendition(notice),
        attachments=tuple(attachments),
        references=tuple(references),
        last_receipt=last_receipt,
        context=context or CallContext(),
    )


def an_item(
    notice: Notice | None = None,
    *,
    key: str = "d-1",
    notice_key: str = "k-1",
    number: str = "N1",
    references: Sequence[Reference] = (),
    visible_since: datetime | None = None,
    until: datetime | None = None,
) -> Item:
    """One notice of a set."""
    notice = notice or a_notice()
    return Item(
        delivery_key=DeliveryKey(key),
        notice_key=NoticeKey(notice_key),
        version=Version(number=number, notice=notice),
        rendition=a_rendition(notice),
        references=tuple(references),
        visible_since=visible_since,
        until=until,
    )


def a_config(
    name: str = "county_site",
    *,
    title: str = "曲阜市公共资源交易网",
    tier: Tier = Tier.COUNTY,
    practice: bool = True,
    options: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    folder: Path = Path(),
) -> ChannelConfig:
    """A channel's configuration."""
    return ChannelConfig(
        name=name,
        title=title,
        tier=tier,
        practice=practice,
        options=dict(options or {}),
        secrets=dict(secrets or {}),
        folder=folder,
    )


def aware(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant in UTC, given in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
