"""One call of an adapter: what it is given, and what it came to. The only place that catches everything."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from publisher.channel import (
    Channel,
    DeliveryKey,
    Finding,
    Item,
    Kept,
    Listed,
    Lists,
    Looks,
    NoticeKey,
    Receipt,
    SetChannel,
    Store,
    Submission,
)
from publisher.delivery import Operation
from publisher.errors import ChannelError, NeedsPerson, OutcomeUnknown, Reason, TransientFailure
from publisher.ledger.claims import Claimed
from publisher.ledger.contents import Contents
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import is_unreachable
from publisher.send.open_channel import OpenChannel

logger = logging.getLogger(__name__)

BEGIN_WITHIN = 1.0
"""Seconds within which a claimed call must begin; otherwise it gives its rate slot back."""


@dataclass(slots=True)
class Running:
    """A call in flight: whose, since when, until when, and whether it was given up as overdue."""

    channel: OpenChannel
    claimed: Claimed | None  # None: a show
    started: float  # monotonic seconds
    limit: float  # seconds
    probing: bool = False  # the one call that finds out whether a channel is up again
    again: bool = False  # a quick retry is next
    failure: TransientFailure | None = None  # the last one, when quick retries are used up
    overdue: bool = False
    ahead: bool = False  # claimed before a thread was free for it
    called_off: bool = False  # not to be begun after all
    handed_in: bool = False  # its outcome is on its way, and its thread does something else
    following: Running | None = None  # what its thread does next
    asked: bool = False  # whether the adapter was about to send
    request_digest: str | None = None
    show: ShowClaim | None = None
    contents: Contents | Exception | None = None  # what is sent, as read with the claim
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def sends(self) -> bool:
        """Whether it is a submit, not a question or a show."""
        return self.claimed is not None and self.claimed.attempt_id is not None


@dataclass(frozen=True, slots=True)
class ShowClaim:
    """A claimed change of a set: the deliveries that change, those that end with it, and what stands.

    `updates`: by publication, the update that carries its present text. `attempt_id` None: nothing
    changes, the set is only shown once more. `kept`: ids of what stands and is not handed over this time.
    """

    attempt_id: int | None
    set_number: int
    changing: tuple[Delivery, ...]
    ending: tuple[Delivery, ...]
    standing: tuple[Delivery, ...]
    updates: Mapping[int, Delivery]
    kept: frozenset[int] = frozenset()

    @property
    def staying(self) -> list[Delivery]:
        """What stands and neither ends nor is withdrawn by this change."""
        gone = {row.id for row in self.ending}
        gone |= {row.predecessor_id for row in self.changing if row.operation == Operation.WITHDRAW.value}
        return [row for row in self.standing if row.id not in gone]


class CallContext:
    """What an adapter may use of the program during one call (`publisher.channel.Context`)."""

    def __init__(
        self,
        running: Running,
        store: Store,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        permitted: Callable[[], bool],
        kept: Sequence[Kept] = (),
    ) -> None:
        self._running = running
        self._now = now
        self._monotonic = monotonic
        self._permitted = permitted
        self.store = store
        self.kept = kept

    def now(self) -> datetime:
        """The present instant."""
        return self._now()

    def remaining(self) -> float:
        """Seconds left of this call's total time."""
        return max(0.0, self._running.started + self._running.limit - self._monotonic())

    def still_mine(self, request_digest: str | None = None) -> None:
        """Raise once the deadline, the lease or the permission is gone; remember that bytes may leave now."""
        with self._running.lock:
            if self._running.overdue or self.remaining() <= 0:
                raise TransientFailure(Reason.NO_LONGER_MINE, "本次发送已超过时限", channel_wide=False)
            if not self._permitted():
                raise TransientFailure(Reason.NO_LONGER_MINE, "本次发送已由他处接手", channel_wide=False)
            self._running.asked = True
            self._running.request_digest = request_digest or self._running.request_digest


def submission_of(row: Delivery, contents: Contents, context: CallContext) -> Submission:
    """What `submit` and `find` are given."""
    return Submission(
        operation=Operation(row.operation),
        delivery_key=DeliveryKey(row.delivery_key),
        notice_key=NoticeKey(row.notice_key),
        version=contents.version,
        rendition=contents.rendition,
        attachments=contents.attachments,
        references=contents.references,
        last_receipt=contents.last_receipt,
        context=context,
        reason=row.reason_given or "",
    )


T = TypeVar("T")

Outcome = Receipt | ChannelError


def submit(adapter: Channel, submission: Submission, running: Running) -> Outcome:
    """What a submission came to; anything an adapter should not raise is classified by what it may have done."""
    try:
        return adapter.submit(submission)
    except ChannelError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an adapter's fault must not end the daemon, nor pass as a success
        return _fault(error, running)


def _asked(question: Callable[[], T], running: Running) -> T | ChannelError:
    """What a question came to. It changes nothing, so after an adapter's fault it may be asked again."""
    try:
        return question()
    except ChannelError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an adapter's fault must not end the daemon, nor pass as an answer
        logger.error("the adapter of %s failed while asking: %s", running.channel.name, where(error))
        return TransientFailure(Reason.ADAPTER_FAULT, type(error).__name__, channel_wide=False)


def find(adapter: Channel, submission: Submission, running: Running) -> Finding | ChannelError:
    """What the channel holds, or why it could not be asked."""
    return _asked(lambda: adapter.find(submission), running)


Shown = Mapping[DeliveryKey, Receipt | ChannelError] | ChannelError


def show(adapter: SetChannel, items: Sequence[Item], context: CallContext, running: Running) -> Shown:
    """What showing a set came to."""
    try:
        return adapter.show(items, context)
    except ChannelError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an adapter's fault must not end the daemon; the old set stands
        logger.error("the adapter of %s failed while showing: %s", running.channel.name, where(error))
        if is_unreachable(error):
            return _LEDGER_AWAY
        return NeedsPerson(Reason.ADAPTER_FAULT, type(error).__name__)


def look(
    adapter: Looks, items: Sequence[Item], context: CallContext, running: Running
) -> Mapping[DeliveryKey, Finding] | ChannelError:
    """What readers see of a set, or why it could not be seen."""
    return _asked(lambda: adapter.look(items, context), running)


def listed(adapter: Lists, context: CallContext, running: Running) -> Sequence[Listed] | ChannelError | None:
    """The channel's own list, None where it has none to read, or why it could not be read."""
    return _asked(lambda: adapter.listed(context), running)


def where(error: BaseException) -> str:
    """The type of an exception and the lines it came through, without its text, which may hold a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(
        [type(error).__name__, *(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))]
    )


_LEDGER_AWAY = TransientFailure(Reason.INTERRUPTED, "账本暂时无法访问", channel_wide=False)
"""The adapter's store failed, not the adapter: nothing was sent."""


def _fault(error: Exception, running: Running) -> ChannelError:
    logger.error("the adapter of %s failed: %s", running.channel.name, where(error))
    if running.asked:
        return OutcomeUnknown(Reason.ADAPTER_FAULT, type(error).__name__)
    if is_unreachable(error):
        return _LEDGER_AWAY
    return NeedsPerson(Reason.ADAPTER_FAULT, type(error).__name__)
