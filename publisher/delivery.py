"""The states of a delivery, and which change into which.

A delivery is one operation of one version on one channel. The table `TRANSITIONS` is the whole of
what may happen to it; the ledger's writer refuses everything else.
"""

from __future__ import annotations

from enum import StrEnum


class Operation(StrEnum):
    """What a delivery asks of its channel."""

    PUBLISH = "publish"
    UPDATE = "update"
    WITHDRAW = "withdraw"


class State(StrEnum):
    """Where a delivery is. For `update` and `withdraw`, *published* means carried out."""

    PENDING = "pending"
    SENDING = "sending"
    SUBMITTED = "submitted"
    UNKNOWN = "unknown"
    PUBLISHED = "published"
    FAILED = "failed"
    HELD = "held"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    ENDED = "ended"

    @property
    def label(self) -> str:
        """The word that staff read."""
        return _STATE_LABELS[self]


_STATE_LABELS = {
    State.PENDING: "待发布",
    State.SENDING: "发送中",
    State.SUBMITTED: "已受理，待渠道公开",
    State.UNKNOWN: "结果未知，待查询",
    State.PUBLISHED: "已发布",
    State.FAILED: "被拒绝",
    State.HELD: "暂停，待人工处理",
    State.CANCELLED: "已取消",
    State.SUPERSEDED: "已被新版本取代",
    State.ENDED: "已到期",
}


_OPERATION_LABELS = {
    (Operation.UPDATE, State.PENDING): "待更新",
    (Operation.UPDATE, State.PUBLISHED): "已更新",
    (Operation.WITHDRAW, State.PENDING): "待撤回",
    (Operation.WITHDRAW, State.PUBLISHED): "已撤回",
}


def label_of(state: State, operation: Operation, *, withdrawn: bool = False) -> str:
    """The word that staff read; `withdrawn`: it ended because it was taken back, not because its time was over."""
    if state is State.ENDED and withdrawn:
        return "已撤回"
    return _OPERATION_LABELS.get((operation, state), state.label)


class WaitsFor(StrEnum):
    """Why a pending delivery does not go yet; the first that applies, in this order."""

    PERSON = "person"
    APPROVAL = "approval"
    PREDECESSOR = "predecessor"
    TIME = "time"
    CHANNEL = "channel"


class IntakeState(StrEnum):
    """Where an intake row is."""

    CLAIMED = "claimed"
    HELD = "held"
    RETURNED = "returned"
    DUPLICATE = "duplicate"
    ACCEPTED = "accepted"


S = State
TRANSITIONS: dict[State, frozenset[State]] = {
    S.PENDING: frozenset({S.SENDING, S.HELD, S.CANCELLED, S.SUPERSEDED, S.SUBMITTED}),
    S.SENDING: frozenset({S.PUBLISHED, S.SUBMITTED, S.UNKNOWN, S.FAILED, S.HELD, S.PENDING}),
    S.SUBMITTED: frozenset({S.PUBLISHED, S.FAILED, S.HELD, S.UNKNOWN, S.CANCELLED, S.SUPERSEDED}),
    S.UNKNOWN: frozenset({S.PUBLISHED, S.SUBMITTED, S.FAILED, S.HELD, S.PENDING}),
    S.HELD: frozenset({S.PENDING, S.PUBLISHED, S.CANCELLED, S.SUPERSEDED}),
    S.FAILED: frozenset({S.PENDING, S.PUBLISHED, S.CANCELLED, S.SUPERSEDED}),
    S.PUBLISHED: frozenset({S.ENDED, S.HELD}),
    S.ENDED: frozenset(),
    S.CANCELLED: frozenset(),
    S.SUPERSEDED: frozenset(),
}
"""From each state, the states that may follow (DESIGN: states and failures).

From *failed* to *published* goes what a person put there by hand and confirmed (docs/adr/0018).

From *pending* straight to *submitted*, and from *submitted* to *cancelled* or *superseded*, goes only what another
channel forwards (docs/adr/0007): nothing is sent there, and while the feeding channel has not published, nothing
is public.
"""

OPEN = frozenset({S.PENDING, S.SENDING, S.SUBMITTED, S.UNKNOWN})
"""States in which the program still has something to do by itself."""

STANDS = frozenset({S.PUBLISHED, S.ENDED})
"""States of a delivery that became public and was not taken back."""


def may_follow(old: State, new: State) -> bool:
    """Whether a delivery in `old` may become `new`."""
    return new in TRANSITIONS[old]
