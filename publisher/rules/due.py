"""By when a delivery must be public."""

from __future__ import annotations

from datetime import datetime

from publisher.settings import ChannelSettings


def deadline(base: datetime, channel: ChannelSettings) -> datetime:
    """The instant by which the notice must be public on the channel: the base instant plus its `due_within`.

    The base is when the text was handed in, or the wished instant of publication if that is later
    (发改委令第10号 第十一条: twelve hours from receipt for a medium that takes exchanged data).
    Raises ValueError for an instant without a zone.
    """
    if base.tzinfo is None:
        raise ValueError("a deadline needs an instant with a zone")
    return base + channel.due_within
