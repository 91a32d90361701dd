"""The adapter: a folder for each screen, in which `current` is the whole set, replaced as a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

from channels.kit.files import Fault, no_fault, read_file, replace_folder
from channels.kit.options import read_options
from channels.kit.sets import first_shown, refuse_two_texts, remember_shown, still_newest, take_number
from channels.led_board.options import Options
from channels.led_board.output import (
    MANIFEST,
    Entry,
    Screen,
    SetFiles,
    Told,
    page_files,
    set_files,
    sha256,
    text_as_read,
    told_by,
    wrong_files,
)
from channels.led_board.pages import Composer
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
    NoticeKey,
    Receipt,
    Rendition,
    Version,
)
from publisher.delivery import Operation
from publisher.errors import ChannelError, PermanentFailure, Reason, SettingsError, TransientFailure
from publisher.notice import LOCAL, Notice, text_digest

CURRENT = "current"
"""The folder, below the channel's own, that the screen's editor or player reads."""

_ALWAYS = timedelta(days=36500)


class LedBoard:
    """Shows the set on a screen that takes files. A repeat is harmless.

    Raises SettingsError for unknown or wrong options. `show` raises `TransientFailure` (`FOLDER_UNWRITABLE`, `BUSY`,
    `NO_LONGER_MINE`), and then the old set stands; and `NeedsPerson` for a broken player page or two texts of one
    notice. A notice with characters that the screen cannot show stays out alone (`CANNOT_BE_SHOWN`), and so does one
    whose title does not fit on the pages of a notice (`TOO_LARGE`); `refusals` tells both beforehand.
    """

    def __init__(self, config: ChannelConfig, *, fault: Fault = no_fault) -> None:
        options = read_options(Options, config.options)
        if config.folder == Path():
            raise SettingsError("folder: this adapter writes files and needs a folder to put them in")
        self._folder = config.folder / CURRENT
        self._options = options
        self._screen = Screen(config.name, config.title, config.practice, options)
        self._composer = Composer(options, practice=config.practice)
        self._fault = fault

    @property
    def capabilities(self) -> Capabilities:
        """No `charset`: what is not in it may have a declared substitute, which `refusals` knows."""
        return Capabilities(
            fidelity=Fidelity.EXCERPT,
            findable=False,
            idempotent_for=_ALWAYS,
            operations=frozenset({Operation.PUBLISH, Operation.UPDATE, Operation.WITHDRAW}),
        )

    def show(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Receipt | ChannelError]:
        """Show exactly `items`: write aside, put in place, read back. See the contract for sets."""
        number = take_number(context)
        refuse_two_texts(items)
        since = first_shown(items, context)
        answers: dict[DeliveryKey, Receipt | ChannelError] = {}
        entries = self._entries(items, since, context.now(), answers)
        made = set_files(self._screen, entries, self._composer)
        replace_folder(
            self._folder,
            made.files,
            ready=lambda: context.still_mine(sha256(made.files[MANIFEST])),
            last_check=partial(still_newest, context, number),
            fault=self._fault,
        )
        wrong = set(wrong_files(made, self._screen, self._read))
        if MANIFEST in wrong:
            raise _differs(MANIFEST)
        remember_shown(context, {entry.item.notice_key: since[entry.item.notice_key] for entry in entries})
        for entry in entries:
            answers[entry.item.delivery_key] = self._answer(entry, made, wrong)
        return answers

    def refusals(self, rendition: Rendition) -> Sequence[PermanentFailure]:
        """Characters without a glyph or substitute, and a title that does not fit: all that `show` would refuse."""
        return self._composer.refusals(rendition)

    def look(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Finding]:
        """What lies in the folder for each item, compared byte by byte with what its text makes."""
        manifest = self._read(MANIFEST)
        if manifest is None:
            return {item.delivery_key: Absent() for item in items}
        told = told_by(manifest)
        if told is None:
            return {item.delivery_key: _changed(MANIFEST, manifest) for item in items}
        spoilt = [name for name, digest in told.shared.items() if sha256(self._read(name) or b"") != digest]
        return {item.delivery_key: self._seen(item, told, spoilt) for item in items}

    def _seen(self, item: Item, told: Told, spoilt: Sequence[str]) -> Finding:
        orders = told.orders.get(item.notice_key)
        if not orders:
            return Absent()
        if spoilt:
            return _changed(spoilt[0], self._read(spoilt[0]) or b"")
        try:
            composed = self._composer.compose(item.rendition)
        except PermanentFailure as error:
            return CannotTell(error.detail)
        for name, content in page_files(composed, orders, self._composer).items():
            there = self._read(name) or b""
            if there != content or len(orders) != len(composed.pages):
                return _changed(name, there)
        return Found(Receipt(number=item.notice_key), digest=item.rendition.text_digest)

    def preview(self, version: Version, rendition: Rendition) -> Mapping[str, bytes]:
        """The files that a passer-by would see if this notice alone were shown. Raises PermanentFailure."""
        item = Item(DeliveryKey("preview"), NoticeKey("preview"), version, rendition, (), None, None)
        entry = Entry(item, None, None, deadline_of(version.notice), self._composer.compose(rendition))
        return set_files(self._screen, [entry], self._composer).files

    def _entries(
        self,
        items: Sequence[Item],
        since: Mapping[NoticeKey, datetime],
        now: datetime,
        answers: dict[DeliveryKey, Receipt | ChannelError],
    ) -> list[Entry]:
        """What can be shown, in the order of showing; the others get their error in `answers`."""
        entries = []
        for item in items:
            try:
                composed = self._composer.compose(item.rendition)
            except PermanentFailure as error:
                answers[item.delivery_key] = error
                continue
            deadline = deadline_of(item.version.notice)
            entries.append(Entry(item, since[item.notice_key], item.until, deadline, composed))
        return sorted(entries, key=lambda entry: (*_urgency(entry, now), entry.item.notice_key))

    def _answer(self, entry: Entry, made: SetFiles, wrong: set[str]) -> Receipt | ChannelError:
        names = made.of_notice[entry.item.notice_key]
        damaged = sorted(wrong.intersection(names))
        if damaged:
            return _differs(damaged[0])
        shown = text_digest(text_as_read(names, self._read))
        if shown != entry.composed.digest:
            return _differs(next(name for name in names if name.endswith(".utf8.txt")))
        return Receipt(
            number=entry.item.notice_key,
            public=True,
            visible_since=entry.since,
            digest=shown,
            note=entry.composed.note(self._options.full_text_at),
        )

    def _read(self, name: str) -> bytes | None:
        return read_file(self._folder / name)


def deadline_of(notice: Notice) -> datetime | None:
    """The instant until which readers must have seen the notice: end of bidding, else end of the publicity span."""
    dates = notice.dates
    return _end(dates.bid_deadline) or _end(dates.publicity_end)


def _end(value: datetime | date | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.combine(value, time(23, 59, 59), LOCAL)


def _urgency(entry: Entry, now: datetime) -> tuple[int, float]:
    """Nearest deadline first, then what has none, then what is over; of these the newest first."""
    if entry.deadline and entry.deadline >= now:
        return 0, entry.deadline.timestamp()
    newest_first = -(entry.since or datetime.fromtimestamp(0, UTC)).timestamp()
    return (2 if entry.deadline else 1), newest_first


def _changed(name: str, there: bytes) -> Found:
    """Readers see something else: the digest is that of the file, which no text has."""
    return Found(Receipt(note=f"屏幕文件 {name} 缺失或被改动"), digest=sha256(there))


def _differs(name: str) -> TransientFailure:
    return TransientFailure(
        Reason.FOLDER_UNWRITABLE, f"写入后读回的内容不一致：{name}", evidence="read back", channel_wide=False
    )
