"""Everything that is set, in one frozen object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

from publisher.errors import SettingsError
from publisher.notice import Form, ProjectClass
from publisher.settings.channels import ApprovalSettings, ChannelSettings
from publisher.settings.parts import FolderSettings, IntakeSettings, LedgerSettings, SendingSettings
from publisher.settings.values import Section
from publisher.settings_file import SettingsFile, did_you_mean


class Settings(Section):
    """Everything that is set. `folder` is the home of the settings, `data` of everything the program writes;
    `office` names the centre; `notes` are the small things that were put right on reading."""

    folder: Path
    data: Path
    office: str
    ledger: LedgerSettings
    folders: FolderSettings
    intake: IntakeSettings
    sending: SendingSettings
    approvals: Literal[0, 1, 2] | None = None
    approval: ApprovalSettings = ApprovalSettings()
    channels: tuple[ChannelSettings, ...]
    notes: tuple[str, ...] = ()
    channels_file: SettingsFile = Field(repr=False)

    def where(self, channel: str, problem: str = "") -> str:
        """File, line and dotted name of a channel's section; of the key that `problem` begins with, if it names one."""
        named = re.match(r"[\w.]+(?=: )", problem)
        key = named.group().split(".") if named else []
        return self.channels_file.where((channel, *[int(part) if part.isdigit() else part for part in key]))

    @property
    def approvals_needed(self) -> int:
        """How many approvals are needed where no rule says otherwise: as set, else 0 in practice and 1 for real."""
        if self.approvals is not None:
            return self.approvals
        return 1 if self.ledger.real else 0

    def approvals_by_channel(self, form: Form, project_class: ProjectClass) -> dict[str, int]:
        """By channel, how many persons must approve such a notice before it goes there."""
        return {c.name: self._approvals(form, project_class, c.name) for c in self.channels}

    def _approvals(self, form: Form, project_class: ProjectClass, channel: str) -> int:
        for rule in self.approval.rules:
            if rule.matches(form, project_class, channel):
                return rule.persons
        return self.approvals_needed

    @property
    def ledger_url(self) -> str:
        """The ledger's URL; it may hold a password: not for logs."""
        return self.ledger.url or f"sqlite:///{self.data / 'ledger.sqlite3'}"

    @property
    def heads_folder(self) -> Path:
        """Where the chain's heads are kept, outside the database."""
        return self.data / (self.ledger.heads or "heads")

    @property
    def signing_key(self) -> Path | None:
        """The private key that signs the heads; None: they are not signed."""
        return self.folder / self.ledger.signing_key if self.ledger.signing_key is not None else None

    def channel(self, name: str) -> ChannelSettings:
        """The channel of that name. Raises SettingsError."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise SettingsError(f"there is no channel {name!r}{did_you_mean(name, [c.name for c in self.channels])}")


def enabled(settings: Settings) -> Iterator[ChannelSettings]:
    """The channels that are switched on, in the order of the file."""
    return (channel for channel in settings.channels if channel.enabled)
