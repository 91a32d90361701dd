"""What is published: the notice, its fields, and the digest of its text.

A `Notice` is the content of one version: frozen, checked, and the same for every channel. Fields
that a text does not state are `None` or empty; nothing is guessed. Amounts are 元 as `Decimal`;
instants are aware; a date alone stays a date.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from html.parser import HTMLParser
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION = 1
NORMALISER_VERSION = 1
LOCAL = ZoneInfo("Asia/Shanghai")
"""The zone of every local day in this program."""


class Kind(StrEnum):
    """The office's four words for a notice."""

    BID_ANNOUNCEMENT = "bid_announcement"
    CHANGE_NOTICE = "change_notice"
    WINNING_BID_NOTICE = "winning_bid_notice"
    AWARD_RESULT = "award_result"

    @property
    def label(self) -> str:
        """The word that staff and the public read."""
        return _KIND_LABELS[self]


_KIND_LABELS = {
    Kind.BID_ANNOUNCEMENT: "招标公告",
    Kind.CHANGE_NOTICE: "变更公告",
    Kind.WINNING_BID_NOTICE: "中标公示",
    Kind.AWARD_RESULT: "成交信息",
}


class ProjectClass(StrEnum):
    """The class of the project a notice belongs to."""

    WORKS = "works"
    PROCUREMENT = "procurement"
    LAND = "land"
    PROPERTY = "property"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The word that staff and the public read."""
        return _CLASS_LABELS[self]


_CLASS_LABELS = {
    ProjectClass.WORKS: "工程",
    ProjectClass.PROCUREMENT: "政府采购",
    ProjectClass.LAND: "土地",
    ProjectClass.PROPERTY: "产权",
    ProjectClass.OTHER: "其他",
}


class Form(StrEnum):
    """The official sub-form of a notice; its value is the official name."""

    TENDER = "招标公告"
    OPEN_TENDER = "公开招标公告"
    INVITED_TENDER = "邀请招标公告"
    PREQUALIFICATION = "资格预审公告"
    NEGOTIATION = "竞争性谈判公告"
    CONSULTATION = "竞争性磋商公告"
    INQUIRY = "询价公告"
    SINGLE_SOURCE = "单一来源公示"
    LAND_OFFER = "出让公告"
    PROPERTY_OFFER = "产权转让公告"
    SALE = "变卖公告"
    OTHER_ANNOUNCEMENT = "采购公告"
    CORRECTION = "更正公告"
    CLARIFICATION = "澄清公告"
    SUSPENSION = "暂停公告"
    TERMINATION = "终止公告"
    RESULT_CORRECTION = "结果更正公告"
    CANDIDATES = "中标候选人公示"
    WINNING_RESULT = "中标结果公告"
    DEAL_RESULT = "成交结果公告"
    CONTRACT = "合同公告"
    LAND_RESULT = "成交公示"
    PROPERTY_RESULT = "交易结果公告"
    FAILED_TENDER = "流标公告"

    @property
    def kind(self) -> Kind:
        """The office's word under which this form falls."""
        return FORM_KIND[self]


_A, _C, _W, _R = Kind.BID_ANNOUNCEMENT, Kind.CHANGE_NOTICE, Kind.WINNING_BID_NOTICE, Kind.AWARD_RESULT
FORM_KIND: dict[Form, Kind] = {
    Form.TENDER: _A,
    Form.OPEN_TENDER: _A,
    Form.INVITED_TENDER: _A,
    Form.PREQUALIFICATION: _A,
    Form.NEGOTIATION: _A,
    Form.CONSULTATION: _A,
    Form.INQUIRY: _A,
    Form.SINGLE_SOURCE: _A,
    Form.LAND_OFFER: _A,
    Form.PROPERTY_OFFER: _A,
    Form.SALE: _A,
    Form.OTHER_ANNOUNCEMENT: _A,
    Form.CORRECTION: _C,
    Form.CLARIFICATION: _C,
    Form.SUSPENSION: _C,
    Form.TERMINATION: _C,
    Form.RESULT_CORRECTION: _C,
    Form.CANDIDATES: _W,
    Form.WINNING_RESULT: _R,
    Form.DEAL_RESULT: _R,
    Form.CONTRACT: _R,
    Form.LAND_RESULT: _R,
    Form.PROPERTY_RESULT: _R,
    Form.FAILED_TENDER: _R,
}


class PriceBasis(StrEnum):
    """What an amount is the price of."""

    TOTAL = "total"
    UNIT = "unit"
    RATE = "rate"
    PER_YEAR = "per_year"


def _local_or_aware(value: datetime) -> datetime:
    return value.astimezone(LOCAL)


Instant = Annotated[AwareDatetime, AfterValidator(_local_or_aware)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Money(_Frozen):
    """An amount as printed and as understood.

    `raw` is the printed text; `yuan` its value in 元 (None where the text gives no amount in money);
    `unit` the printed unit (元, 万元, %); `addable` whether it may enter a sum (a unit price, a rate
    or a yearly price may not); `rate_percent` the printed rate or discount.
    """

    raw: str
    yuan: Decimal | None = None
    unit: str | None = None
    basis: PriceBasis = PriceBasis.TOTAL
    rate_percent: Decimal | None = None
    addable: bool = True

    @model_validator(mode="after")
    def _only_totals_add_up(self) -> Self:
        if self.addable and (self.yuan is None or self.basis is not PriceBasis.TOTAL):
            object.__setattr__(self, "addable", False)
        return self


class Party(_Frozen):
    """A tenderee (采购人、招标人、出让人) or an agency (代理机构)."""

    name: str = Field(min_length=1)
    address: str | None = None
    contact: str | None = None
    phone: str | None = None
    credit_code: str | None = None


class Lot(_Frozen):
    """A lot (标段、包); `no` without 第…标段 and in Arabic figures."""

    no: str = Field(min_length=1)
    name: str | None = None
    budget: Money | None = None
    control_price: Money | None = None


class Candidate(_Frozen):
    """A candidate (中标候选人) or a winner (中标人、成交供应商). `rank` counts from 1; None without an order."""

    name: str = Field(min_length=1)
    rank: int | None = Field(default=None, ge=1)
    credit_code: str | None = None
    price: Money | None = None
    score: Decimal | None = None
    lot: str | None = None
    address: str | None = None
    duration: str | None = None
    quality: str | None = None


class RejectedBid(_Frozen):
    """A bid that was rejected (否决投标、废标), and why."""

    name: str
    reason: str | None = None


class TeamMember(_Frozen):
    """A member of the project team (项目班子成员). No personal identity numbers."""

    name: str
    role: str | None = None
    certificate: str | None = None
    bidder: str | None = None


class Performance(_Frozen):
    """A track record (业绩) or an award (获奖) that a bidder claims."""

    text: str
    bidder: str | None = None
    is_award: bool = False


class Change(_Frozen):
    """One changed item of a change notice."""

    item: str
    before: str | None = None
    after: str | None = None


class OriginalNotice(_Frozen):
    """The notice that a change notice changes, as printed there."""

    project_no: str | None = None
    project_name: str | None = None
    title: str | None = None
    first_published: date | None = None


class Dates(_Frozen):
    """The dates a notice prints; for a change notice `bid_deadline` is the new one.

    `corrected_on`: 更正日期 of a change notice; `offer_from`: when the listing or auction of land or property begins.
    """

    printed_on: date | None = None
    documents_from: Instant | date | None = None
    documents_until: Instant | date | None = None
    bid_deadline: Instant | date | None = None
    bid_opening: Instant | date | None = None
    publicity_start: date | None = None
    publicity_end: date | None = None
    award_decided_on: date | None = None
    contract_signed_on: date | None = None
    corrected_on: date | None = None
    offer_from: Instant | date | None = None


class AttachmentRef(_Frozen):
    """An attachment by name and content; the bytes are stored by `sha256` (lower-case hex). `size` in bytes."""

    name: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)
    media_type: str = "application/octet-stream"


class Notice(_Frozen):
    """The content of one version of a notice.

    `text` is the plain text of `body_html`, with line breaks; `digest` that of the normalised text
    (see `text_digest`). `kind` follows from `form` and is checked against it. `reserve_price` is what a
    seller asks at least (起始价, 底价), where `control_price` is what a buyer gives at most.
    """

    schema_version: Literal[1] = 1
    form: Form
    kind: Kind
    project_class: ProjectClass
    title: str = Field(min_length=1)
    project_no: str | None = None
    project_name: str | None = None
    lots: tuple[Lot, ...] = ()
    round: int = Field(default=1, ge=1)
    sequence: int = Field(default=0, ge=0)
    body_html: str = Field(min_length=1)
    text: str = ""
    digest: str = ""
    tenderee: Party | None = None
    agency: Party | None = None
    budget: Money | None = None
    control_price: Money | None = None
    reserve_price: Money | None = None
    dates: Dates = Dates()
    candidates: tuple[Candidate, ...] = ()
    winners: tuple[Candidate, ...] = ()
    rejected_bids: tuple[RejectedBid, ...] = ()
    team: tuple[TeamMember, ...] = ()
    performance: tuple[Performance, ...] = ()
    failed: bool = False
    changes: tuple[Change, ...] = ()
    original: OriginalNotice | None = None
    attachments: tuple[AttachmentRef, ...] = ()
    attachments_mentioned: int = Field(default=0, ge=0)
    publish_at: Instant | None = None

    @model_validator(mode="before")
    @classmethod
    def _derive(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if "kind" not in data and "form" in data:
            data["kind"] = FORM_KIND[Form(data["form"])]
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if FORM_KIND[self.form] is not self.kind:
            raise ValueError(f"form {self.form.value} is of kind {FORM_KIND[self.form].value}, not {self.kind.value}")
        text = self.text or html_to_text(self.body_html)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "digest", text_digest(text))
        return self

    @property
    def body_text(self) -> str:
        """The text without white space at its ends."""
        return self.text.strip()


_BLOCKS = frozenset(
    [
        "p",
        "div",
        "br",
        "li",
        "ul",
        "ol",
        "tr",
        "table",
        "thead",
        "tbody",
        "tfoot",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "section",
        "article",
        "header",
        "footer",
        "blockquote",
        "pre",
        "hr",
        "dl",
        "dt",
        "dd",
        "caption",
    ]
)
_CELLS = frozenset({"td", "th"})
_UNSEEN = frozenset({"script", "style", "head", "template", "noscript"})


class _TextOf(HTMLParser):
    """Collects the text a reader of the page would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in _CELLS:
            self.parts.append("\t")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(re.sub(r"[ \t\r\n\f]+", " ", data))


@lru_cache(maxsize=32)
def html_to_text(html: str) -> str:
    """The visible text of an HTML fragment: one line per block, cells apart by a tab, no blank lines."""
    reader = _TextOf()
    reader.feed(html)
    reader.close()
    lines = (re.sub(r" *\t[ \t]*", "\t", line).strip() for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)


_INVISIBLE = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\x00-\x1f\x7f]+")


def normalise(text: str) -> str:
    """The text as compared between media: NFC, without white space, control and zero-width characters.

    Line breaks and spaces differ on every medium; characters may not. Full-width and half-width
    forms stay different: a medium that changes them has changed the text.
    """
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", text))


def text_digest(text: str) -> str:
    """Digest of the normalised text, prefixed with the normaliser's version: `n1:` and 64 hex digits."""
    return f"n{NORMALISER_VERSION}:{hashlib.sha256(normalise(text).encode()).hexdigest()}"


_NUMERALS = "零一二三四五六七八九十"


def normalise_name(name: str) -> str:
    """A project's or office's name as compared for identity: NFKC, no white space or punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name)).casefold()


def identity(notice: Notice) -> str:
    """The notice's identity: project number (none printed: name and tenderee), lots, form, round, sequence.

    Two contents with one identity are versions of one notice, or a doubt for a person; the title
    and the file name are no part of it.
    """
    if notice.project_no:
        project = "no:" + re.sub(r"\s+", "", unicodedata.normalize("NFKC", notice.project_no)).upper()
    else:
        owner = notice.tenderee.name if notice.tenderee else ""
        project = f"name:{normalise_name(notice.project_name or notice.title)}|{normalise_name(owner)}"
    lots = ",".join(sorted(lot.no for lot in notice.lots))
    return f"{project}|lots:{lots}|{notice.form.value}|round:{notice.round}|seq:{notice.sequence}"
