"""From a section to the adapter that it names: imported, made, and asked whether it does what is wanted."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from publisher.channel import AnyChannel, Channel, ChannelConfig, Fidelity, SetChannel
from publisher.errors import SettingsError
from publisher.settings.channels import ChannelSettings
from publisher.settings.parts import FeedSettings
from publisher.settings.whole import Settings
from publisher.settings_file import BLANKS, did_you_mean
from publisher.source import Source, SourceConfig


def channel_config(settings: Settings, channel: ChannelSettings, environ: Mapping[str, str]) -> ChannelConfig:
    """The section as its adapter sees it, secrets and folder resolved. Raises SettingsError for a missing secret."""
    missing = [variable for variable in channel.secrets.values() if not environ.get(variable, "").strip()]
    if missing:
        raise SettingsError(
            f"channels.toml: {channel.name}.secrets: environment variable {', '.join(missing)} is not set; "
            "set it, for example in the .env file that starts the program (see example.env)"
        )
    secrets = {name: environ[variable] for name, variable in channel.secrets.items()}
    for name, value in secrets.items():
        if value != value.strip(BLANKS):
            raise SettingsError(
                f"environment variable {channel.secrets[name]} begins or ends with a blank; take the blank out"
            )
    return ChannelConfig(
        name=channel.name,
        title=channel.title,
        tier=channel.tier,
        practice=channel.practice,
        options=channel.options,
        secrets=secrets,
        folder=channel_folder(settings, channel),
    )


def channel_folder(settings: Settings, channel: ChannelSettings) -> Path:
    """Where the channel writes its files, if it writes any."""
    return settings.data / (channel.folder or Path("out") / channel.name)


def open_channel(settings: Settings, channel: ChannelSettings, environ: Mapping[str, str]) -> AnyChannel:
    """The channel's adapter, made from its section.

    Raises SettingsError if it cannot be imported, is no channel, refuses its options, or does not do
    what the section asks of it.
    """
    where = settings.where(channel.name)
    config = channel_config(settings, channel, environ)
    adapter = _adapter_class(channel, where)
    try:
        opened = adapter(config)
    except SettingsError as error:
        raise SettingsError("\n".join(_placed(settings, channel, line) for line in str(error).splitlines())) from error
    except Exception as error:  # an adapter is foreign code: whatever it raises, this section is at fault
        raise SettingsError(f"{where}.adapter: {channel.adapter} could not be made: {error}") from error
    if not isinstance(opened, Channel | SetChannel):
        raise SettingsError(
            f"{where}.adapter: {channel.adapter} is no channel: it has neither submit and find nor show"
        )
    _does_what_is_asked(settings, channel, opened, where)
    return opened


def _placed(settings: Settings, channel: ChannelSettings, problem: str) -> str:
    """An adapter's complaint about one of its options, with file and line before it."""
    named, _, what = problem.partition(": ")
    return f"{settings.where(channel.name, problem)}: {what if named.startswith('options.') and what else problem}"


def open_source(feed: FeedSettings) -> Source:
    """The adapter of a feed, made. Raises SettingsError."""
    where = f"publisher.toml: intake.feed {feed.name}"
    try:
        source: Source = _adapter_class(feed, where)(SourceConfig(feed.name, feed.url, feed.max_answer))
    except SettingsError:
        raise
    except Exception as error:  # an adapter is foreign code: whatever it raises, this section is at fault
        raise SettingsError(f"{where}.adapter: {feed.adapter} could not be made: {error}") from error
    return source


def _adapter_class(channel: ChannelSettings | FeedSettings, where: str) -> Any:
    module_name, _, class_name = channel.adapter.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # importing runs foreign code: whatever it raises, it cannot be used
        raise SettingsError(f"{where}.adapter: {module_name} cannot be imported ({error}); check the name") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        names = [name for name, value in vars(module).items() if isinstance(value, type)]
        raise SettingsError(
            f"{where}.adapter: module {module_name} has no class {class_name}{did_you_mean(class_name, names)}"
        )
    return found


def _does_what_is_asked(settings: Settings, channel: ChannelSettings, opened: AnyChannel, where: str) -> None:
    cannot = [op.value for op in channel.operations if op not in opened.capabilities.operations]
    if cannot:
        raise SettingsError(f"{where}.operations: the adapter cannot {', '.join(cannot)}; take it out")
    if not isinstance(opened, SetChannel) and (channel.shown_for or channel.refresh):
        raise SettingsError(f"{where}: shown_for and refresh are for channels that show a set; take them out")
    if channel.designated_for and opened.capabilities.fidelity is Fidelity.EXCERPT:
        raise SettingsError(
            f"{settings.where(channel.name, 'designated_for: ')}: this channel shows an excerpt only, and a designated "
            "medium carries the full text (its first day starts legal terms); take designated_for out"
        )
    fed_by = opened.capabilities.fed_by
    if fed_by is not None:
        settings.channel(fed_by)
