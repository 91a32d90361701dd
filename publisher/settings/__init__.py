"""What this installation is: `publisher.toml`, `channels.toml` and the environment, read once, checked, frozen.

Every problem of both files is reported at once, each with file, line, key, what is wrong and what to
do. Secrets are read from environment variables only; the files hold the variables' names.
"""

from publisher.settings.channels import (
    ApprovalRule,
    ApprovalSettings,
    CarriesRule,
    ChannelSettings,
    Condition,
    RateSettings,
)
from publisher.settings.opening import channel_config, channel_folder, open_channel, open_source
from publisher.settings.parts import FeedSettings, FolderSettings, IntakeSettings, LedgerSettings, SendingSettings
from publisher.settings.reading import DATA_VARIABLE, LEDGER_URL_VARIABLE, load_settings
from publisher.settings.values import Duration, parse_duration
from publisher.settings.whole import Settings, enabled

__all__ = [
    "DATA_VARIABLE",
    "LEDGER_URL_VARIABLE",
    "ApprovalRule",
    "ApprovalSettings",
    "CarriesRule",
    "ChannelSettings",
    "Condition",
    "Duration",
    "FeedSettings",
    "FolderSettings",
    "IntakeSettings",
    "LedgerSettings",
    "RateSettings",
    "SendingSettings",
    "Settings",
    "channel_config",
    "channel_folder",
    "enabled",
    "load_settings",
    "open_channel",
    "open_source",
    "parse_duration",
]
