"""What this installation is: `publisher.toml`, `channels.toml` and the environment, read once, checked, frozen.

Every problem of both files is reported at once, each with file, line, key, what is wrong and what to
do. Secrets are read from environment variables only; the files hold the variables' names.
"""

from __future__ import annotations

import fnmatch
import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
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
from publisher.hours import Quiet, Window, opens_at, parse_quiet, parse_window, patience
from publisher.notice import FORM_KIND, Form, Kind, ProjectClass
from publisher.settings_file import BLANKS, SettingsFile, did_you_mean, read_settings_file
from publisher.source import Source, SourceConfig

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
WindowText = Annotated[Window, BeforeValidator(parse_window)]
QuietText = Annotated[Quiet, BeforeValidator(parse_quiet)]
FolderName = Annotated[str, Field(strict=True, pattern=r"^[^/\\\x00-\x1f]+$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LedgerSettings(_Section):
    """The ledger: where it is, and whether it is real. `url` None: the SQLite file `ledger.sqlite3` under data.

    `signing_key`: the private key that signs the heads, relative to the settings' folder and not under data.
    `reconcile_monthly`: whether the daemon compares each past month with what the channels hold.
    `keep_details`: how long the details of calls and questions are kept; identity, log and counts are kept for good.
    """

    url: StrictStr | None = Field(default=None, repr=False)
    real: StrictBool = False
    heads: PathText | None = None
    signing_key: PathText | None = None
    keep_details: Duration = timedelta(days=365)
    reconcile_monthly: StrictBool = True

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


OUR_TEXTS = ("*.答复.txt", "*.待处理说明.txt", "*.退回原因.txt", "*.回执.txt")
"""Names of answers of staff and of our own texts to them: no setting makes notices of these."""

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
    *OUR_TEXTS,
)
"""File names that programs leave behind, the staff's answers and our own texts to staff: never taken in as notices."""

_ORDINARY_NAMES = tuple(
    f"招标公告.{ending}"
    for ending in ("docx", "doc", "wps", "pdf", "html", "htm", "txt", "xlsx", "xls", "csv", "json", "zip", "rtf")
)


class FeedSettings(_Section):
    """`[[intake.feed]]`: a feed whose entries are taken in like files.

    `name` stands in alarms and the log; `every`: time between two questions; `declared`: the kind or form of all its
    entries, as a folder's name would say it; `max_answer` in bytes; `adapter` serves it.
    """

    name: StrictStr = Field(min_length=1, max_length=60)
    url: StrictStr = Field(pattern=r"^https?://[^\s/]+")
    every: Duration = timedelta(minutes=10)
    declared: StrictStr | None = None
    max_answer: Size = 4 * 1024**2
    adapter: StrictStr = Field(default="channels.kit.source:FeedSource", pattern=r"^[\w.]+:\w+$")


class IntakeSettings(_Section):
    """How the drop folder is watched.

    `poll` between two looks; `quiet`: how long a file must have rested; `old_after`: a file last written longer ago
    is asked about, not published; `note_after`: how long a file may
    stay unready before a note says so; `max_bytes` of one file; `ignore`: glob patterns (not regular
    expressions) of file names that are never taken; `feed`: sources beside the folder.
    """

    poll: Duration = timedelta(seconds=2)
    quiet: AnyDuration = timedelta(seconds=5)
    old_after: Duration = timedelta(days=30)
    note_after: Duration = timedelta(minutes=10)
    max_bytes: Size = 100 * 1024**2
    ignore: tuple[StrictStr, ...] = LITTER
    feed: tuple[FeedSettings, ...] = ()

    @field_validator("feed")
    @classmethod
    def _different_names(cls, feeds: tuple[FeedSettings, ...]) -> tuple[FeedSettings, ...]:
        names = [feed.name for feed in feeds]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two feeds are named {twice!r}; give each a name of its own")
        return feeds

    @field_validator("ignore")
    @classmethod
    def _not_everything(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if re.search(r"\\|^\^|\.\*.*\$$|\(.*\)|\.\+", pattern):
                raise ValueError(
                    f"pattern {pattern!r} looks like a regular expression; patterns are globs (* any characters, "
                    '? one), such as "*.tmp" or "~$*"'
                )
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
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in (*self.ignore, *OUR_TEXTS))


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


class Condition(_Section):
    """What a notice must be for a routing rule beside form and class; several conditions must all be met.

    `amount_over`, `amount_up_to`: of the budget, ceiling or award in 元, as printed; `lots_over`: more lots than.
    """

    amount_over: StrictInt | None = Field(default=None, ge=0)
    amount_up_to: StrictInt | None = Field(default=None, ge=0)
    lots_over: StrictInt | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.amount_over is None and self.amount_up_to is None and self.lots_over is None:
            raise ValueError("is empty; write amount_over, amount_up_to or lots_over")
        return self

    @property
    def label(self) -> str:
        """The condition in words (Chinese)."""
        words = [f"金额超过 {self.amount_over:,} 元"] if self.amount_over is not None else []
        words += [f"金额不超过 {self.amount_up_to:,} 元"] if self.amount_up_to is not None else []
        words += [f"多于 {self.lots_over} 个标段"] if self.lots_over is not None else []
        return "，".join(words)


class CarriesRule(_Section):
    """One row of a channel's routing matrix: empty kinds, forms or classes mean all.

    `valid_from`, `valid_to`: first and last local day of publication on which the rule holds. `when`: a condition;
    a notice that prints no amount meets one about amounts, unless the rule says none: rather one too many.
    `default` counts for optional only: whether the channel gets the notice unless a person says otherwise.
    """

    valid_from: date | None = None
    valid_to: date | None = None
    when: Condition | None = None

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
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from; exchange them")
        return self

    @property
    def matches_all(self) -> bool:
        """Whether no notice passes this rule by."""
        return not (self.kinds or self.forms or self.classes or self.when or self.valid_from or self.valid_to)

    def holds_on(self, day: date) -> bool:
        """Whether the rule holds for what is published on a local day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def matches(self, kind: Kind, form: Form, project_class: ProjectClass) -> bool:
        """Whether the rule speaks of such a notice."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.forms or form in self.forms)
            and (not self.classes or project_class in self.classes)
        )


class ApprovalRule(_Section):
    """One row of the approval rules: empty kinds, forms, classes or channels mean all.

    `persons`: how many different persons must approve such a notice before it goes to such a channel.
    """

    kinds: tuple[Kind, ...] = ()
    forms: tuple[Form, ...] = ()
    classes: tuple[ProjectClass, ...] = ()
    channels: tuple[StrictStr, ...] = ()
    persons: Literal[0, 1, 2]

    def matches(self, form: Form, project_class: ProjectClass, channel: str) -> bool:
        """Whether the rule speaks of such a notice on such a channel."""
        return (
            (not self.kinds or FORM_KIND[form] in self.kinds)
            and (not self.forms or form in self.forms)
            and (not self.classes or project_class in self.classes)
            and (not self.channels or channel in self.channels)
        )


class ApprovalSettings(_Section):
    """Who must approve what: the first rule that matches decides; none matches: `approvals`."""

    rules: tuple[ApprovalRule, ...] = ()


POLL_PLAN = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720))
"""When a taken delivery is asked for, counted from the last asking; the last span repeats."""


class ChannelSettings(_Section):
    """One section of `channels.toml`; its heading is the channel's `name`.

    `title`: the Chinese name that staff read; `adapter`: "module:Class"; `due_within`: legal or agreed time from the
    base instant to being public; `due_working_days` wins over it and counts working days to the end of the last;
    `attempt` None: as `[sending] attempt`; `poll`: the sparse plan for deliveries that are taken but not public;
    `read_back`: when a published delivery is read back and its text compared, counted from the last look (empty:
    never); `windows`, `quiet`: when something may be published (empty: always), and days on which nothing is;
    `shown_for`, `refresh`: sets only, how long an item stays and how often the set is shown again;
    `options`: the adapter's own keys; `secrets`: secret name → environment variable; `folder` None: `out/<name>`
    under data.
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
    due_working_days: StrictInt | None = Field(default=None, ge=1, le=30)
    rate: RateSettings | None = None
    concurrency: StrictInt = Field(default=4, ge=1, le=256)
    attempt: Duration | None = None
    poll: tuple[Duration, ...] = Field(default=POLL_PLAN, min_length=1)
    operations: tuple[Operation, ...] = (Operation.PUBLISH,)
    windows: tuple[WindowText, ...] = ()
    quiet: tuple[QuietText, ...] = ()
    shown_for: Duration | None = None
    read_back: tuple[Duration, ...] = (timedelta(minutes=1),)
    refresh: Duration | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, StrictStr] = Field(default_factory=dict)
    folder: PathText | None = None

    def opens_at(self, moment: datetime) -> datetime:
        """The first instant from `moment` on at which something may be published here; `moment` itself if open."""
        return opens_at(self.windows, self.quiet, moment)

    def patience(self, moment: datetime, lasting: timedelta) -> timedelta:
        """How long from `moment` on it takes until `lasting` of open time has passed."""
        return patience(self.windows, self.quiet, moment, lasting) - moment

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


class _PublisherFile(_Section):
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


def enabled(settings: Settings) -> Iterator[ChannelSettings]:
    """The channels that are switched on, in the order of the file."""
    return (channel for channel in settings.channels if channel.enabled)
