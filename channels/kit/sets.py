"""What every channel that shows a whole set must keep count of: the set's number, and when each notice was first shown.

The ledger's lease lets one process show at a time; the set number is for one that lost its lease
without knowing: it must not put an older set over a newer one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from publisher.channel import Context, Item, NoticeKey
from publisher.errors import NeedsPerson, Reason, TransientFailure
from publisher.notice import LOCAL

_NUMBER = "set"
_SHOWN = "shown"


def take_number(context: Context) -> int:
    """This set's number: one more than the last that anybody took. Raises `TransientFailure(BUSY)`."""
    last = context.store.get(_NUMBER)
    number = int(last or 0) + 1
    if not context.store.compare_and_set(_NUMBER, last, str(number)):
        raise TransientFailure(Reason.BUSY, "另一个进程正在展示同一渠道")
    return number


def still_newest(context: Context, number: int) -> None:
    """Raise `TransientFailure(NO_LONGER_MINE)` if a newer set was begun. To be called last before a change is seen."""
    if context.store.get(_NUMBER) != str(number):
        raise TransientFailure(Reason.NO_LONGER_MINE, "已有更新的集合，本次不再写入")


def refuse_two_texts(items: Sequence[Item]) -> None:
    """Raise `NeedsPerson(ADAPTER_FAULT)` if a notice stands in the set twice.

    It would be one page with two texts: a fault of the caller, and the old set stands.
    """
    twice = sorted(key for key, times in Counter(item.notice_key for item in items).items() if times > 1)
    if twice:
        raise NeedsPerson(Reason.ADAPTER_FAULT, f"同一公告在一个集合中出现两次：{'、'.join(twice)}")


def first_shown(items: Sequence[Item], context: Context) -> dict[NoticeKey, datetime]:
    """Since when each notice is visible (local time): as the program knows it, else as remembered, else now."""
    kept = json.loads(context.store.get(_SHOWN) or "{}")
    since = {}
    for item in items:
        before = datetime.fromisoformat(kept[item.notice_key]) if item.notice_key in kept else context.now()
        since[item.notice_key] = (item.visible_since or before).astimezone(LOCAL)
    return since


def remember_shown(context: Context, since: Mapping[NoticeKey, datetime]) -> None:
    """Keep what `first_shown` gave, for the notices now visible. To be called when the set has been read back."""
    context.store.put(_SHOWN, json.dumps({key: at.isoformat() for key, at in sorted(since.items())}))
