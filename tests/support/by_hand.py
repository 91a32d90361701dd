"""Deliveries that update or withdraw a publication, asked for as an administrator's command asks for them."""

from __future__ import annotations

from publisher.delivery import Operation
from publisher.ledger import amend
from publisher.ledger.acts import Person
from publisher.ledger.amend import Outcome, Ways
from publisher.ledger.deliveries import Delivery
from tests.support.builders import a_rendition
from tests.support.sending import World

LIU = Person("刘某", "liu@office")


def ways(world: World) -> Ways:
    """What the world's channels do, as their settings say."""
    channels = world.channels
    titles = {name: channel.title for name, channel in channels.items()}
    return Ways(lambda name, operation: operation in channels[name].settings.operations, titles)


def an_act(world: World, original: Delivery, operation: Operation, *, content: str = "", why: str = "有误") -> str:
    """A delivery of `operation` on the publication `original`, with the text `content`; gives its key."""
    if operation is Operation.WITHDRAW:
        withdraw(world, [original], why)
    else:
        with world.ledger.write() as tx:
            amend.update(tx, original, a_rendition(content=content), LIU, why, ways(world))
    return str(world.rows()[-1].delivery_key)


def withdraw(world: World, rows: list[Delivery], why: str = "有误") -> Outcome:
    """What `publisher withdraw` does with these deliveries."""
    with world.ledger.write() as tx:
        return amend.withdraw(tx, rows, LIU, why, ways(world))


def by_key(world: World, key: str) -> Delivery:
    """The delivery with this key."""
    (found,) = [row for row in world.rows() if row.delivery_key == key]
    return found
