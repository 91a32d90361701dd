"""A channel as the sender holds it: its settings, its adapter, what it can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from publisher.channel import AnyChannel, Capabilities, Channel, SetChannel
from publisher.settings import ChannelSettings, SendingSettings


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """An enabled channel, ready to be called."""

    settings: ChannelSettings
    adapter: AnyChannel
    capabilities: Capabilities

    @property
    def name(self) -> str:
        """The channel's name in the settings."""
        return self.settings.name

    @property
    def title(self) -> str:
        """The channel's Chinese name."""
        return self.settings.title

    @property
    def set_adapter(self) -> SetChannel | None:
        """The adapter, if it shows a whole set."""
        return self.adapter if isinstance(self.adapter, SetChannel) else None

    @property
    def single_adapter(self) -> Channel | None:
        """The adapter, if it takes one notice at a time."""
        return self.adapter if isinstance(self.adapter, Channel) else None

    def call_limit(self, sending: SendingSettings) -> timedelta:
        """Total time of one call."""
        return self.settings.attempt or sending.attempt


def opened(settings: ChannelSettings, adapter: AnyChannel) -> OpenChannel:
    """`adapter` with its declared capabilities."""
    return OpenChannel(settings, adapter, adapter.capabilities)
