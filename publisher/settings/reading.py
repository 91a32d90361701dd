"""Both files and the environment, read once and checked; every problem of both is reported at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, StrictStr

from publisher.errors import SettingsError
from publisher.settings.channels import ApprovalSettings, ChannelSettings
from publisher.settings.parts import FolderSettings, IntakeSettings, LedgerSettings, SendingSettings
from publisher.settings.values import PathText, Section
from publisher.settings.whole import Settings
from publisher.settings_file import BLANKS, SettingsFile, did_you_mean, read_settings_file

LEDGER_URL_VARIABLE = "PUBLISHER_LEDGER_URL"
"""Environment variable that holds the ledger's URL; it wins over `[ledger] url`."""

DATA_VARIABLE = "PUBLISHER_DATA"
"""Environment variable that holds the data folder; it wins over `data` in publisher.toml."""


class _PublisherFile(Section):
    """`publisher.toml` as written."""

    office: StrictStr = Field(min_length=1)
    data: PathText = Path("../data")
    approvals: Literal[0, 1, 2] | None = None
    approval: ApprovalSettings = ApprovalSettings()
    ledger: LedgerSettings = LedgerSettings()
    folders: FolderSettings = FolderSettings()
    intake: IntakeSettings = IntakeSettings()
    sending: SendingSettings = SendingSettings()


def load_settings(folder: Path, environ: Mapping[str, str], *, data: Path | None = None) -> Settings:
    """Read and check the settings in `folder`; a file that is absent there is taken from the shipped defaults.

    `data` wins over the environment, and that over the file. Raises SettingsError with every problem at once.
    """
    publisher_file = read_settings_file(folder, "publisher.toml")
    channels_file = read_settings_file(folder, "channels.toml")
    base = _publisher_part(publisher_file, environ)
    channels = _channels_part(channels_file)
    if base is not None:
        _agree(base, channels, channels_file)
        _know_channels(base.approval, publisher_file, list(channels_file.tables))
    problems = [*publisher_file.problems, *channels_file.problems]
    if base is None or problems:
        raise SettingsError("\n".join(problems))
    home = folder.absolute()
    data_home = _data_home(home, base, environ, data)
    key = base.ledger.signing_key
    if key is not None and (home / key).resolve().is_relative_to(data_home.resolve()):
        raise SettingsError(
            f"publisher.toml: ledger.signing_key {key} lies in the data folder {data_home}, where whoever can change "
            "the log could sign as well; keep the key elsewhere"
        )
    return Settings(
        folder=home,
        data=data_home,
        office=base.office,
        ledger=base.ledger,
        folders=base.folders.model_copy(update={"root": data_home / base.folders.root}),
        intake=base.intake,
        sending=base.sending,
        approvals=base.approvals,
        approval=base.approval,
        channels=tuple(channels),
        notes=(*publisher_file.notes, *channels_file.notes),
        channels_file=channels_file,
    )


def _publisher_part(file: SettingsFile, environ: Mapping[str, str]) -> _PublisherFile | None:
    written = file.tables.get("ledger", {})
    if isinstance(written, dict) and re.search(r"://[^/@]*:[^/@]+@", str(written.get("url", ""))):
        file.wrong(
            ("ledger", "url"), f"holds a password; put the whole address into the environment as {LEDGER_URL_VARIABLE}"
        )
    tables = file.tables
    if (url := environ.get(LEDGER_URL_VARIABLE, "").strip(BLANKS)) and isinstance(written, dict):
        tables = {**tables, "ledger": {**written, "url": url}}
    return file.check(_PublisherFile, tables)


def _channels_part(file: SettingsFile) -> list[ChannelSettings]:
    channels = []
    for name, section in file.tables.items():
        if not isinstance(section, dict):
            file.wrong((name,), "stands outside a channel's section; put it under a heading such as [county_site]")
            continue
        if "name" in section:
            file.wrong((name, "name"), "the section's heading is the channel's name; take this line out")
            continue
        if channel := file.check(ChannelSettings, {**section, "name": name}, (name,)):
            channels.append(channel)
    _differ(file, channels)
    return channels


def _differ(file: SettingsFile, channels: Sequence[ChannelSettings]) -> None:
    titles: dict[str, str] = {}
    folders: dict[Path, str] = {}
    _one_target_twice(file, [channel for channel in channels if channel.enabled])
    for channel in channels:
        if (other := titles.setdefault(channel.title, channel.name)) != channel.name:
            file.wrong((channel.name, "title"), f"is also the title of {other}; staff could not tell them apart")
        if channel.folder and (other := folders.setdefault(channel.folder, channel.name)) != channel.name:
            file.wrong((channel.name, "folder"), f"is also the folder of {other}; give each channel its own")


def _one_target_twice(file: SettingsFile, channels: Sequence[ChannelSettings]) -> None:
    """A copied section whose address was forgotten would make every notice public twice on one site."""
    for number, channel in enumerate(channels):
        address = channel.options.get("base_url")
        for other in channels[:number] if address is not None else ():
            if other.options.get("base_url") != address or other.adapter != channel.adapter:
                continue
            place = (channel.name, "options", "base_url")
            if other.options == channel.options:
                file.wrong(place, f"is the target of {other.name} too: every notice would be there twice; correct it")
            else:
                file.notes.append(f"{file.where(place)}: {other.name} has the same address; see that this is meant")


def _agree(base: _PublisherFile, channels: Sequence[ChannelSettings], file: SettingsFile) -> None:
    """What holds between sections: practice or real, and who feeds whom."""
    names = list(file.tables)
    for channel in channels:
        fed_by = channel.options.get("fed_by")
        if fed_by is not None and (fed_by not in names or fed_by == channel.name):
            others = [name for name in names if name != channel.name]
            file.wrong(
                (channel.name, "options", "fed_by"),
                f"names no other channel: {fed_by}{did_you_mean(str(fed_by), others)}",
            )
        if not channel.enabled or channel.practice is not base.ledger.real:
            continue
        if base.ledger.real:
            file.wrong(
                (channel.name, "practice"),
                "a practice channel on a real ledger; enter the real target and practice = false, or enabled = false",
            )
        else:
            file.wrong(
                (channel.name, "practice"),
                "a real channel on a practice ledger; write practice = true and a practice target, or enabled = false",
            )


def _know_channels(approval: ApprovalSettings, file: SettingsFile, names: Sequence[str]) -> None:
    """A rule for a channel that does not exist would silently let another number decide."""
    for number, rule in enumerate(approval.rules):
        for channel in rule.channels:
            if channel not in names:
                file.wrong(
                    ("approval", "rules", number, "channels"),
                    f"names no channel: {channel}{did_you_mean(channel, names)}",
                )


def _data_home(home: Path, base: _PublisherFile, environ: Mapping[str, str], data: Path | None) -> Path:
    if data is None and (named := environ.get(DATA_VARIABLE, "").strip(BLANKS)):
        data = Path(named)
    chosen = data.absolute() if data is not None else home / base.data
    return chosen.resolve()
