"""A channel as the sender holds it: its settings, its adapter, what it can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from publisher.channel import AnyChannel, Capabilities, Channel, Foresees, SetChannel
from publisher.settings import ChannelSettings, SendingSettings


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """An enabled channel, ready to be called.

    `single_adapter`: the adapter, if it takes one notice at a time; `set_adapter`: if it shows a whole set;
    `foresees`: if it can tell beforehand of a text that it would refuse it.
    """

    settings: ChannelSettings
    adapter: AnyChannel
    capabilities: Capabilities
    single_adapter: Channel | None = field(init=False)
    set_adapter: SetChannel | None = field(init=False)
    foresees: Foresees | None = field(init=False)

    def __post_init__(self) -> None:
        """Looked at once: which protocol an adapter follows is a slow question, and it is asked for every call."""
        adapter = self.adapter
        object.__setattr__(self, "single_adapter", adapter if isinstance(adapter, Channel) else None)
        object.__setattr__(self, "set_adapter", adapter if isinstance(adapter, SetChannel) else None)
        object.__setattr__(self, "foresees", adapter if isinstance(adapter, Foresees) else None)

    @property
    def name(self) -> str:
        """The channel's name in the settings."""
        return self.settings.name

    @property
    def title(self) -> str:
        """The channel's Chinese name."""
        return self.settings.title

    def call_limit(self, sending: SendingSettings) -> timedelta:
        """Total time of one call."""
        return self.settings.attempt or sending.attempt


def opened(settings: ChannelSettings, adapter: AnyChannel) -> OpenChannel:
    """`adapter` with its declared capabilities."""
    return OpenChannel(settings, adapter, adapter.capabilities)
