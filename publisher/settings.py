"""What this installation is: `publisher.toml`, `channels.toml` and the environment, read once, checked, frozen.

Every problem of both files is reported at once, each with file, line, key, what is wrong and what to
do. Secrets are read from environment variables only; the files hold the variables' names.
"""

from __future__ import annotations

import fnmatch
import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from publisher.channel import AnyChannel, Channel, ChannelConfig, SetChannel, Tier
from publisher.delivery import Operation
from publisher.errors import SettingsError
from publisher.notice import FORM_KIND, Form, Kind, ProjectClass
from publisher.settings_file import BLANKS, SettingsFile, did_you_mean, read_settings_file

LEDGER_URL_VARIABLE = "PUBLISHER_LEDGER_URL"
"""Environment variable that holds the ledger's URL; it wins over `[ledger] url`."""

DATA_VARIABLE = "PUBLISHER_DATA"
"""Environment variable that holds the data folder; it wins over `data` in publisher.toml."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SIZES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}
_SIZE = re.compile(r"([0-9]+)\s*(KB|MB|GB)")


def parse_duration(value: object) -> timedelta:
    """A duration as written in the settings: a number and ms, s, m, h or d, such as "90s" or "12h".

    Raises ValueError for anything else; a bare number too, because its unit would be a guess.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return timedelta(seconds=float(match.group(1)) * _UNITS[match.group(2)])
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value)):
        raise ValueError(f'{value} has no unit; write "{value}s", "{value}m", "{value}h" or "{value}d" in quotes')
    raise ValueError('is no duration; write a number and ms, s, m, h or d in quotes, such as "90s" or "12h"')


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError('must be longer than zero; write for example "1s"')
    return value


def _size(value: object) -> object:
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        return int(match.group(1)) * _SIZES[match.group(2)]
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError('is no size; write bytes as a number, or a number and KB, MB or GB in quotes, such as "100MB"')
    return value


def _path_in_words(value: object) -> object:
    if isinstance(value, Path | str):
        return Path(value)
    raise ValueError("is no path; write it in quotes")


Duration = Annotated[timedelta, BeforeValidator(parse_duration), AfterValidator(_positive)]
AnyDuration = Annotated[timedelta, BeforeValidator(parse_duration)]
Size = Annotated[int, BeforeValidator(_size), Field(ge=1)]
PathText = Annotated[Path, BeforeValidator(_path_in_words)]
FolderName = Annotated[str, Field(strict=True, pattern=r"^[^/\\\x00-\x1f]+$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LedgerSettings(_Section):
    """The ledger: where it is, and whether it is real. `url` None: the SQLite file `ledger.sqlite3` under data.

    `signing_key`: the private key that signs the heads, relative to the settings' folder and not under data.
    `keep_details`: how long the details of calls and questions are kept; identity, log and counts are kept for good.
    """

    url: StrictStr | None = Field(default=None, repr=False)
    real: StrictBool = False
    heads: PathText | None = None
    signing_key: PathText | None = None
    keep_details: Duration = timedelta(days=365)

    @field_validator("url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is not None and not re.match(r"(sqlite:///|postgresql(\+\w+)?://)", url):
            raise ValueError("is no ledger address; it begins with sqlite:/// or postgresql://")
        return url


class FolderSettings(_Section):
    """The staff folders: a root (relative: under data) and the names of the six folders in it."""

    root: PathText = Path("folders")
    drop: FolderName = "待发布"
    working: FolderName = "处理中"
    held: FolderName = "待处理"
    published: FolderName = "已发布"
    returned: FolderName = "退回"
    receipts: FolderName = "回执"

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        names = [self.drop, self.working, self.held, self.published, self.returned, self.receipts]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two folders have the name {', '.join(twice)}; give each folder a name of its own")
        if dots := [name for name in names if name in {".", ".."}]:
            raise ValueError(f"{dots[0]} is no folder name; give the folder a name of its own")
        return self


LITTER = (
    "~$*",
    ".~lock*",
    "~WRL*",
    "*.tmp",
    "*.TMP",
    "*.part",
    "*.crdownload",
    "*.download",
    "*.swp",
    "Thumbs.db",
    "thumbs.db",
    "desktop.ini",
    "Desktop.ini",
    ".DS_Store",
    "._*",
    "__MACOSX",
    ".syncthing.*",
    "~syncthing~*",
    ".~*",
    ".nfs*",
    "*.答复.txt",
    "*.待处理说明.txt",
    "*.退回原因.txt",
    "*.回执.txt",
)
"""File names that programs leave behind, the staff's answers and our own texts to staff: never taken in as notices."""

_ORDINARY_NAMES = tuple(
    f"招标公告.{ending}"
    for ending in ("docx", "doc", "wps", "pdf", "html", "htm", "txt", "xlsx", "xls", "csv", "json", "zip", "rtf")
)


class IntakeSettings(_Section):
    """How the drop folder is watched.

    `poll` between two looks; `quiet`: how long a file must have rested; `note_after`: how long a file may
    stay unready before a note says so; `max_bytes` of one file; `ignore`: glob patterns (not regular
    expressions) of file names that are never taken.
    """

    poll: Duration = timedelta(seconds=2)
    quiet: AnyDuration = timedelta(seconds=5)
    note_after: Duration = timedelta(minutes=10)
    max_bytes: Size = 100 * 1024**2
    ignore: tuple[StrictStr, ...] = LITTER

    @field_validator("ignore")
    @classmethod
    def _not_everything(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            hit = [name for name in _ORDINARY_NAMES if fnmatch.fnmatchcase(name, pattern)]
            if hit or not pattern:
                example = hit[0] if hit else "nothing"
                raise ValueError(
                    f"pattern {pattern!r} would ignore ordinary files such as {example}; patterns are globs "
                    "(* any characters, ? one), not regular expressions: make it narrower"
                )
        return patterns

    def is_litter(self, name: str) -> bool:
        """Whether a file of this name is never taken in."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.ignore)


class SendingSettings(_Section):
    """How deliveries are sent and retried.

    `threads` send at once; `tick` between two looks for due work; `attempt`: total time of one call;
    `quick_wait`: sum of the waits between quick retries; `retry_first`, `retry_cap`, `jitter` (share of the
    wait): the slow retries; `give_up` after the first attempt; `breaker_*`: failures in a row that open a
    channel's breaker, and how long; `lease` of a delivery; `answers_waiting`: answers not yet recorded;
    `submitted_alarm`: how long taken-but-not-public may last.
    """

    threads: StrictInt = Field(default=16, ge=1, le=256)
    tick: Duration = timedelta(seconds=1)
    attempt: Duration = timedelta(seconds=90)
    quick_wait: AnyDuration = timedelta(seconds=2)
    retry_first: Duration = timedelta(seconds=2)
    retry_cap: Duration = timedelta(minutes=30)
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.2
    give_up: Duration = timedelta(hours=72)
    breaker_failures: StrictInt = Field(default=10, ge=1)
    breaker_first: Duration = timedelta(seconds=30)
    breaker_cap: Duration = timedelta(minutes=10)
    lease: Duration = timedelta(seconds=60)
    answers_waiting: StrictInt = Field(default=32, ge=1)
    submitted_alarm: Duration = timedelta(hours=24)

    @field_validator("jitter", mode="before")
    @classmethod
    def _a_number(cls, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("is no number; write a share between 0 and 1 without quotes, such as 0.2")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.retry_first > self.retry_cap:
            raise ValueError("retry_first is longer than retry_cap; make it shorter")
        if self.breaker_first > self.breaker_cap:
            raise ValueError("breaker_first is longer than breaker_cap; make it shorter")
        return self


class RateSettings(_Section):
    """At most `calls` (submit, show and find together) in any stretch of `per`."""

    calls: StrictInt = Field(ge=1)
    per: Duration


class CarriesRule(_Section):
    """One row of a channel's routing matrix: empty kinds, forms or classes mean all.

    `default` counts for optional only: whether the channel gets the notice unless a person says otherwise.
    """

    kinds: tuple[Kind, ...] = ()
    forms: tuple[Form, ...] = ()
    classes: tuple[ProjectClass, ...] = ()
    carry: Literal["mandatory", "optional", "none"]
    default: StrictBool = True

    @model_validator(mode="after")
    def _can_match(self) -> Self:
        alien = [form.value for form in self.forms if self.kinds and FORM_KIND[form] not in self.kinds]
        if alien:
            raise ValueError(f"form {alien[0]} is of none of these kinds; take the form or the kinds out")
        return self

    @property
    def matches_all(self) -> bool:
        """Whether no notice passes this rule by."""
        return not (self.kinds or self.forms or self.classes)

    def matches(self, kind: Kind, form: Form, project_class: ProjectClass) -> bool:
        """Whether the rule speaks of such a notice."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.forms or form in self.forms)
            and (not self.classes or project_class in self.classes)
        )


POLL_PLAN = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720))
"""When a taken delivery is asked for, counted from the last asking; the last span repeats."""


class ChannelSettings(_Section):
    """One section of `channels.toml`; its heading is the channel's `name`.

    `title`: the Chinese name that staff read; `adapter`: "module:Class"; `due_within`: legal or agreed time from the
    base instant to being public; `attempt` None: as `[sending] attempt`; `poll`: the sparse plan for
    deliveries that are taken but not public; `read_back`: when a published delivery is read back and its
    text compared, counted from the last look (empty: never); `shown_for`, `refresh`: sets only, how long an
    item stays and how often the set is shown again; `options`: the adapter's own keys; `secrets`: secret name →
    environment variable; `folder` None: `out/<name>` under data.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", strict=True)
    title: StrictStr = Field(min_length=1)
    adapter: StrictStr = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    tier: Tier
    enabled: StrictBool = True
    practice: StrictBool = True
    designated_for: tuple[ProjectClass, ...] = ()
    carries: tuple[CarriesRule, ...] = ()
    due_within: Duration = timedelta(hours=12)
    rate: RateSettings | None = None
    concurrency: StrictInt = Field(default=4, ge=1, le=256)
    attempt: Duration | None = None
    poll: tuple[Duration, ...] = Field(default=POLL_PLAN, min_length=1)
    operations: tuple[Operation, ...] = (Operation.PUBLISH,)
    shown_for: Duration | None = None
    read_back: tuple[Duration, ...] = (timedelta(minutes=1),)
    refresh: Duration | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, StrictStr] = Field(default_factory=dict)
    folder: PathText | None = None

    @field_validator("operations")
    @classmethod
    def _publishes(cls, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
        if Operation.PUBLISH not in operations:
            raise ValueError('must hold "publish"; to switch the channel off write enabled = false')
        return operations

    @field_validator("carries")
    @classmethod
    def _reachable(cls, rules: tuple[CarriesRule, ...]) -> tuple[CarriesRule, ...]:
        for number, rule in enumerate(rules[:-1], start=1):
            if rule.matches_all:
                raise ValueError(
                    f"rule {number} matches every notice, so the rules after it are never used; put it last"
                )
        return rules

    @field_validator("secrets")
    @classmethod
    def _variable_names(cls, secrets: dict[str, str]) -> dict[str, str]:
        for name, variable in secrets.items():
            if not re.fullmatch(r"[A-Z][A-Z0-9_]*", variable):
                raise ValueError(
                    f"{name} must be the name of an environment variable in capitals, such as CITY_SITE_PASSWORD, "
                    "never the secret itself"
                )
        return secrets

    @field_validator("options")
    @classmethod
    def _no_secret_here(cls, options: dict[str, Any]) -> dict[str, Any]:
        for key, value in options.items():
            if isinstance(value, str) and re.search(r"(password|passwd|secret|token|api_?key)$", key):
                raise ValueError(f"{key} looks like a secret; name its environment variable under secrets instead")
        return options


class Settings(_Section):
    """Everything that is set. `folder` is the home of the settings, `data` of everything the program writes;
    `office` names the centre; `notes` are the small things that were put right on reading."""

    folder: Path
    data: Path
    office: str
    ledger: LedgerSettings
    folders: FolderSettings
    intake: IntakeSettings
    sending: SendingSettings
    approvals: Literal[0, 1] | None = None
    channels: tuple[ChannelSettings, ...]
    notes: tuple[str, ...] = ()

    @property
    def approvals_needed(self) -> int:
        """How many approvals a version needs: as set, else none on a practice ledger and one on a real one."""
        if self.approvals is not None:
            return self.approvals
        return 1 if self.ledger.real else 0

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


class _PublisherFile(_Section):
    """`publisher.toml` as written."""

    office: StrictStr = Field(min_length=1)
    data: PathText = Path("../data")
    approvals: Literal[0, 1] | None = None
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
        channels=tuple(channels),
        notes=(*publisher_file.notes, *channels_file.notes),
    )


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
    where = f"channels.toml: {channel.name}"
    config = channel_config(settings, channel, environ)
    adapter = _adapter_class(channel, where)
    try:
        opened = adapter(config)
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from error
    except Exception as error:  # an adapter is foreign code: whatever it raises, this section is at fault
        raise SettingsError(f"{where}.adapter: {channel.adapter} could not be made: {error}") from error
    if not isinstance(opened, Channel | SetChannel):
        raise SettingsError(
            f"{where}.adapter: {channel.adapter} is no channel: it has neither submit and find nor show"
        )
    _does_what_is_asked(settings, channel, opened, where)
    return opened


def _adapter_class(channel: ChannelSettings, where: str) -> Any:
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
    fed_by = opened.capabilities.fed_by
    if fed_by is not None:
        settings.channel(fed_by)


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
    for channel in channels:
        if (other := titles.setdefault(channel.title, channel.name)) != channel.name:
            file.wrong((channel.name, "title"), f"is also the title of {other}; staff could not tell them apart")
        if channel.folder and (other := folders.setdefault(channel.folder, channel.name)) != channel.name:
            file.wrong((channel.name, "folder"), f"is also the folder of {other}; give each channel its own")


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


def _data_home(home: Path, base: _PublisherFile, environ: Mapping[str, str], data: Path | None) -> Path:
    if data is None and (named := environ.get(DATA_VARIABLE, "").strip(BLANKS)):
        data = Path(named)
    chosen = data.absolute() if data is not None else home / base.data
    return chosen.resolve()


def enabled(settings: Settings) -> Iterator[ChannelSettings]:
    """The channels that are switched on, in the order of the file."""
    return (channel for channel in settings.channels if channel.enabled)
