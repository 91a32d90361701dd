"""The contract with a channel: what an adapter is given, what it must answer.

An adapter is a class whose constructor takes a `ChannelConfig` and which has either `submit` and
`find` (`Channel`) or `show` (`SetChannel`). It keeps no clock, no memory, no retry and no sleep of
its own. It sees only this module, `publisher.notice`, `publisher.errors` and `channels.kit`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NewType, Protocol, runtime_checkable

from publisher.delivery import Operation
from publisher.errors import ChannelError, PermanentFailure
from publisher.notice import AttachmentRef, Form, Notice, ProjectClass

DeliveryKey = NewType("DeliveryKey", str)
"""Minted once, before the first try; the same on every attempt of one delivery."""

NoticeKey = NewType("NoticeKey", str)
"""Stable per notice and channel, over all versions: for slugs and feed ids."""


class Tier(StrEnum):
    """The level of a medium, by which publications are counted."""

    COUNTY = "county"
    MUNICIPAL = "municipal"
    PROVINCIAL = "provincial"
    NATIONAL = "national"
    SELF_MEDIA = "self_media"
    ON_SITE = "on_site"
    PRESS = "press"

    @property
    def label(self) -> str:
        """The word that staff read."""
        return _TIER_LABELS[self]


_TIER_LABELS = {
    Tier.COUNTY: "县级",
    Tier.MUNICIPAL: "市级",
    Tier.PROVINCIAL: "省级",
    Tier.NATIONAL: "国家级",
    Tier.SELF_MEDIA: "自媒体",
    Tier.ON_SITE: "现场",
    Tier.PRESS: "报刊",
}


class Fidelity(StrEnum):
    """How much of the text a channel shows: the same text, re-set text, or title and link."""

    FULL = "full"
    REFLOWED = "reflowed"
    EXCERPT = "excerpt"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a channel takes at most; None means no limit known. Characters are Unicode characters."""

    title_chars: int | None = None
    body_chars: int | None = None
    body_bytes: int | None = None
    attachments: int | None = None
    attachment_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do, as its adapter declares it.

    charset         encoding in which every character must be expressible (None: any)
    fidelity        how its text compares with ours
    findable        whether `find` can answer at all
    settle_window   how long after a call is over `find` may still say Absent of what was taken
    operations      the operations it carries out
    asynchronous    whether taken is not yet public
    idempotent_for  how long it remembers a delivery key; zero: a repeat is a second item
    window          of a set: how many of its newest notices `show` is given each time. Of the older ones it is given
                    some in turn; the rest are `Context.kept` and stay as they were shown. None: all, each time
    watched_only    published by another channel; only `find` is asked, once `fed_by` has it
    """

    limits: Limits = Limits()
    charset: str | None = None
    fidelity: Fidelity = Fidelity.FULL
    findable: bool = True
    settle_window: timedelta = timedelta(seconds=120)
    operations: frozenset[Operation] = frozenset({Operation.PUBLISH})
    asynchronous: bool = False
    idempotent_for: timedelta = timedelta(0)
    bundle: int = 1
    window: int | None = None
    watched_only: bool = False
    fed_by: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One channel's section of `channels.toml`, as its adapter sees it.

    `options` are the adapter's own keys, unchecked: the adapter checks them and raises
    `SettingsError`. `secrets` are read from the environment; their values go nowhere but into the
    call. `folder` is where a channel that writes files puts them. `practice` says whether the
    target must name itself a practice server (True) or must not (False).
    """

    name: str
    title: str
    tier: Tier
    practice: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path = Path()


@dataclass(frozen=True, slots=True)
class Rendition:
    """The text bytes for one channel, made before accept and approved.

    `content` is what the adapter's template made (UTF-8; an HTML fragment unless `media_type` says
    otherwise); `sha256` is of exactly these bytes; `text_digest` of their visible text.
    """

    sha256: str
    media_type: str
    title: str
    content: bytes
    text_digest: str

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a notice: the intake number that staff know it by, and its content."""

    number: str
    notice: Notice

    @property
    def digest(self) -> str:
        """Digest of the normalised text."""
        return self.notice.digest


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment with a way to its bytes (read when needed, verified against `ref.sha256`)."""

    ref: AttachmentRef
    read: Callable[[], bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """A notice that the text quotes, as this very channel knows it.

    `number` and `url` are this channel's own; they are None where the channel never carried it,
    and then `first_published` is the date as printed.
    """

    project_no: str | None
    title: str | None
    first_published: date | None
    number: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class TaskNote:
    """Something a person must do outside and confirm: what, and the text to use."""

    what: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A channel's proof.

    `number` and `url` are the channel's own. `public` False means taken, not yet visible.
    `visible_since` is set where the channel tells it (aware). `digest` is the text digest of what
    the channel shows, where it was read back. `task`: a person must do something first.
    """

    number: str | None = None
    url: str | None = None
    public: bool = True
    visible_since: datetime | None = None
    digest: str | None = None
    task: TaskNote | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The channel holds the delivery; `digest` is the text digest of what it shows, if it could be read.

    `unknown_word`: the state in which the channel says it is, in a word the adapter does not know; then the
    receipt is not public.
    """

    receipt: Receipt
    digest: str | None = None
    unknown_word: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The channel says that it does not hold the delivery."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """It cannot be answered here; a person must."""

    why: str = ""


Finding = Found | Absent | CannotTell


class Store(Protocol):
    """Small durable state of one channel, kept by the ledger and shared by all daemons."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str) -> None: ...

    def compare_and_set(self, name: str, old: str | None, new: str) -> bool:
        """Set `name` to `new` if it still is `old` (None: absent); say whether it was."""
        ...

    def count_today(self, name: str, limit: int) -> bool:
        """Add one to the counter of this local day unless it has reached `limit`; say whether it was added."""
        ...

    def lease(self, name: str, holder: str, lasts: timedelta) -> bool:
        """Take or renew the named lease for `holder`; False while another holds it."""
        ...

    def step(self, name: str, ref: str | None = None) -> str | None:
        """Record that step `name` of this attempt's delivery is done with `ref`, durably, before the
        next remote step; with `ref` None, give what an earlier attempt recorded."""
        ...


class Context(Protocol):
    """What an adapter may use of the program during one call."""

    @property
    def kept(self) -> Sequence[Kept]:
        """What else stands in a set and is to stay as it was shown; empty but for `show` and without a `window`."""
        ...

    @property
    def store(self) -> Store: ...

    def now(self) -> datetime:
        """The present instant (aware)."""
        ...

    def remaining(self) -> float:
        """Seconds left of this call's total time."""
        ...

    def still_mine(self, request_digest: str | None = None) -> None:
        """Raise `TransientFailure(NO_LONGER_MINE)` once the deadline, the lease or the permission is gone.

        Called immediately before the first byte leaves. `request_digest` (sha256 hex of the whole
        request without credentials) is kept with the attempt.
        """
        ...


@dataclass(frozen=True, slots=True)
class Submission:
    """One delivery, as given to `submit` and `find`. `reason`: why, of an update or a withdrawal.

    On a `watched_only` channel `references` holds one entry: the publication on the channel that feeds it.
    """

    operation: Operation
    delivery_key: DeliveryKey
    notice_key: NoticeKey
    version: Version
    rendition: Rendition
    attachments: Sequence[Attachment]
    references: Sequence[Reference]
    last_receipt: Receipt | None
    context: Context
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One notice of a set, as given to `show`. `visible_since` None: not yet shown anywhere."""

    delivery_key: DeliveryKey
    notice_key: NoticeKey
    version: Version
    rendition: Rendition
    references: Sequence[Reference]
    visible_since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice of a set that stays as it was shown: what a list says of it, and a way to its item, for what is missing.

    `read` raises `NeedsPerson` where the stored text is damaged.
    """

    notice_key: NoticeKey
    title: str
    form: Form
    project_class: ProjectClass
    visible_since: datetime
    read: Callable[[], Item] = field(repr=False)


@runtime_checkable
class Channel(Protocol):
    """A channel that takes one notice at a time.

    Promises of an adapter:
    1. `submit` returns a receipt or raises a `ChannelError`; nothing else. Unknown answer words are
       never success; a "duplicate" answer is a receipt.
    2. `TransientFailure` promises that nothing was published or that a repeat is harmless;
       otherwise `OutcomeUnknown`.
    3. `find` says what the channel holds now. `TransientFailure`: could not ask.
       `PermanentFailure`: refused after acceptance.
    4. No secret in an error, a receipt or a log line.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    def submit(self, submission: Submission) -> Receipt: ...

    def find(self, submission: Submission) -> Finding: ...


@runtime_checkable
class SetChannel(Protocol):
    """A channel that shows a whole set: feed, LED screen, list pages.

    `show` writes the set atomically, reads it back, and answers for every item: a receipt, or an
    error that keeps that item out while the rest stand. If it raises, the old set stands. What is `kept` (see
    `Capabilities.window`) is part of the set: it stays, and needs no answer.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    def show(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Receipt | ChannelError]: ...


@runtime_checkable
class Previews(Protocol):
    """A channel that shows more than its rendition says: what an onlooker would see, made without sending.

    `preview` gives files by name. It raises `ChannelError` for what the channel would refuse.
    """

    def preview(self, version: Version, rendition: Rendition) -> Mapping[str, bytes]: ...


@runtime_checkable
class Foresees(Protocol):
    """A channel that can tell of a text that it would refuse it, where no figure of its capabilities says so.

    `refusals` gives every reason at once, none if it would show the text. It asks nobody outside and writes nothing:
    it is called for every notice before any channel hears of it. What it lets pass, `show` takes as a text.
    """

    def refusals(self, rendition: Rendition) -> Sequence[PermanentFailure]: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a channel's own list of what readers see."""

    url: str
    title: str


@runtime_checkable
class Lists(Protocol):
    """A channel whose list of public notices can be read: for reconciliation, which then names foreign items too.

    `listed` gives every entry with its whole address; None: the settings do not say where the list is. It raises
    `ChannelError` where the list cannot be read.
    """

    def listed(self, context: Context) -> Sequence[Listed] | None: ...


@runtime_checkable
class Looks(Protocol):
    """A set channel that can look at what readers see of its set and changes nothing by it: for reconciliation.

    `look` is given some or all of what should stand in the set, and answers for every item. `Found`: readers see it;
    its digest is the rendition's `text_digest` where they see what was approved, and another where they do not,
    whatever the channel's fidelity. `Absent`: they do not see it. `CannotTell`: a person must look. It writes no file,
    takes no set number and keeps nothing in the store. It raises `ChannelError` where the set cannot be read.
    """

    def look(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Finding]: ...


AnyChannel = Channel | SetChannel
