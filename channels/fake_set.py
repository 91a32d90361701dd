"""A set channel in memory, for tests: shows what it is given, and fails when it is told to.

It keeps every promise of the contract for sets and passes the same suite as the real ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from channels.kit.sets import first_shown, refuse_two_texts, remember_shown, still_newest, take_number
from publisher.channel import (
    Absent,
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
)
from publisher.delivery import Operation
from publisher.errors import ChannelError


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader sees of one notice."""

    title: str
    text: str
    digest: str
    visible_since: datetime


@dataclass
class FakeBoard:
    """The far side: what is visible now, every set that was ever shown, and the failures to come.

    `failures` are raised by the next calls of `show`, first in first out; `refusals` keep single
    notices out for as long as they stand there.
    """

    shown: dict[NoticeKey, Shown] = field(default_factory=dict)
    sets: list[tuple[NoticeKey, ...]] = field(default_factory=list)
    failures: list[ChannelError] = field(default_factory=list)
    refusals: dict[NoticeKey, ChannelError] = field(default_factory=dict)


class FakeSetChannel:
    """Shows sets on a `FakeBoard`; several channels may share one board."""

    def __init__(self, config: ChannelConfig, *, board: FakeBoard | None = None) -> None:
        self._mark = "【演练】" if config.practice else ""
        self.board = board if board is not None else FakeBoard()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            fidelity=Fidelity.FULL,
            findable=False,
            idempotent_for=timedelta(days=36500),
            operations=frozenset({Operation.PUBLISH, Operation.UPDATE, Operation.WITHDRAW}),
        )

    def show(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Receipt | ChannelError]:
        """Show exactly `items`, less those refused. Raises the next of the board's failures."""
        number = take_number(context)
        if self.board.failures:
            raise self.board.failures.pop(0)
        refuse_two_texts(items)
        since = first_shown(items, context)
        refused = self.board.refusals
        shown = {item.notice_key: self._view(item, since) for item in items if item.notice_key not in refused}
        context.still_mine()
        still_newest(context, number)
        self.board.shown = dict(sorted(shown.items()))
        self.board.sets.append(tuple(self.board.shown))
        remember_shown(context, {key: view.visible_since for key, view in shown.items()})
        return {item.delivery_key: self._answer(item) for item in items}

    def look(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Finding]:
        """What the board shows of each item."""
        return {item.delivery_key: self._seen(item) for item in items}

    def _seen(self, item: Item) -> Finding:
        seen = self.board.shown.get(item.notice_key)
        return Absent() if seen is None else Found(Receipt(number=f"fake:{item.notice_key}"), seen.digest)

    def _view(self, item: Item, since: Mapping[NoticeKey, datetime]) -> Shown:
        rendition = item.rendition
        return Shown(self._mark + rendition.title, rendition.text, rendition.text_digest, since[item.notice_key])

    def _answer(self, item: Item) -> Receipt | ChannelError:
        seen = self.board.shown.get(item.notice_key)
        if seen is None:
            return self.board.refusals[item.notice_key]
        return Receipt(
            number=f"fake:{item.notice_key}",
            url=f"memory:/{item.notice_key}",
            visible_since=seen.visible_since,
            digest=seen.digest,
        )
