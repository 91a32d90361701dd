"""Tiny adapters that the tests of the settings open by their dotted path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from publisher.channel import (
    Absent,
    Capabilities,
    ChannelConfig,
    Context,
    DeliveryKey,
    Finding,
    Item,
    Receipt,
    Submission,
)
from publisher.errors import ChannelError, SettingsError


class OneByOne:
    """A channel that takes one notice at a time."""

    def __init__(self, config: ChannelConfig) -> None:
        self.config = config
        self.capabilities = Capabilities()

    def submit(self, submission: Submission) -> Receipt:
        return Receipt(number="1")

    def find(self, submission: Submission) -> Finding:
        return Absent()


class WholeSet:
    """A channel that shows a set."""

    def __init__(self, config: ChannelConfig) -> None:
        self.capabilities = Capabilities()

    def show(self, items: Sequence[Item], context: Context) -> Mapping[DeliveryKey, Receipt | ChannelError]:
        return {item.delivery_key: Receipt() for item in items}


class NoChannel:
    """Has neither submit and find nor show."""

    def __init__(self, config: ChannelConfig) -> None:
        self.capabilities = Capabilities()


class Particular(OneByOne):
    """Refuses its options."""

    def __init__(self, config: ChannelConfig) -> None:
        raise SettingsError("options.colour is missing; add it")


class Broken(OneByOne):
    """Fails in a way nobody foresaw."""

    def __init__(self, config: ChannelConfig) -> None:
        raise ZeroDivisionError("out of luck")


class FedByNobody(OneByOne):
    """Says that a channel feeds it that does not exist."""

    def __init__(self, config: ChannelConfig) -> None:
        self.config = config
        self.capabilities = Capabilities(fed_by="nobody")
