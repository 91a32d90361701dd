"""What every command shares: its common options, how errors end it, the program log with secrets masked."""

from __future__ import annotations

import inspect
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, quote_plus, urlsplit

import typer

from publisher.app import Office, open_office, person, read_settings
from publisher.errors import NotAllowed, NoticeReturned, PublisherError, SettingsError
from publisher.ledger.acts import Person
from publisher.ledger.contents import ContentDamaged
from publisher.ledger.existing import is_missing
from publisher.ledger.store import is_unreachable
from publisher.lock import AlreadyRunning
from publisher.practice_servers import PracticeServerFailed
from publisher.settings import Settings

logger = logging.getLogger("publisher.cli")

OK, NOT_DONE, USAGE, STILL_OPEN, FAULT = 0, 1, 2, 3, 70
"""Exit codes: all well; not allowed, or something failed; settings or usage; something is open; an unforeseen fault."""

app = typer.Typer(
    name="publisher",
    help="Publishes notices on every channel that must carry them, once, and keeps the log that proves it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its frames would print local variables, secrets among them
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON (UTF-8) instead of text.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who acts (default: the account's name).")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log.")]
Number = Annotated[str, typer.Argument(metavar="N", help="Intake number (编号), such as 17 or 17-2.")]
OneChannel = Annotated[str | None, typer.Option("--channel", metavar="C", help="This channel only.")]


class LogLevel(StrEnum):
    """How much of the program log is shown."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_COMMON: dict[str, Any] = {
    "home": Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Settings folder (default: config; what it lacks is as shipped)."),
    ],
    "data": Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Data folder (default: as the settings say).")
    ],
    "log_level": Annotated[LogLevel, typer.Option("--log-level", help="Program log on stderr.")],
}
_DEFAULTS = {"home": None, "data": None, "log_level": LogLevel.WARNING}


# ---- the program log


@dataclass(slots=True)
class Mask:
    """Takes known secrets out of texts, in every form in which an address or a header may hold them."""

    secrets: set[str] = field(default_factory=set)

    def learn(self, settings: Settings, environ: Mapping[str, str]) -> None:
        """Know the secrets that these settings name."""
        values = [environ.get(variable, "") for channel in settings.channels for variable in channel.secrets.values()]
        values.append(urlsplit(settings.ledger_url).password or "")
        for value in values:
            # Shorter ones would only make the log unreadable.
            if len(value) >= 3:
                self.secrets |= {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}

    def hide(self, text: str) -> str:
        """`text` with every secret replaced."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


class _MaskedFormatter(logging.Formatter):
    def __init__(self, mask: Mask) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return self._mask.hide(super().format(record))


@contextmanager
def program_log(level: LogLevel, mask: Mask) -> Iterator[None]:
    """Send the program log to stderr, masked, while a command runs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_MaskedFormatter(mask))
    root, scheduler = logging.getLogger(), logging.getLogger("apscheduler")
    before = root.level, scheduler.level
    root.addHandler(handler)
    root.setLevel(level.upper())
    # Its own chatter (a job was added, a job ran) says nothing that the ticks do not say themselves.
    scheduler.setLevel(max(logging.WARNING, root.level))
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before[0])
        scheduler.setLevel(before[1])


# ---- what a command is given


@dataclass
class Desk:
    """What a command works with. Nothing is opened before it is used."""

    home: Path | None
    data: Path | None
    environ: Mapping[str, str]
    mask: Mask

    @cached_property
    def settings(self) -> Settings:
        """The settings, read and checked."""
        settings = read_settings(self.home, self.data, self.environ)
        self.mask.learn(settings, self.environ)
        for note in settings.notes:
            logger.warning("%s", note)
        return settings

    @contextmanager
    def office(self) -> Iterator[Office]:
        """Settings and ledger, for a command beside the daemon. Raises `SettingsError` where there is no ledger yet."""
        if is_missing(self.settings.ledger_url):
            raise SettingsError(
                f"there is no ledger in {self._ledger_place()} yet: start `publisher run` or `publisher once` first, "
                "or name another folder with --data"
            )
        office = open_office(self.settings, self.environ)
        try:
            yield office
            office.ledger.must_have_stood_still()
        finally:
            office.close()

    def _ledger_place(self) -> str:
        url = self.settings.ledger_url
        return str(self.settings.data) if url.startswith("sqlite") else "the database that the settings name"

    def person(self, by: str | None) -> Person:
        """Who acts."""
        return person(by)


Command = Callable[..., int | None]


def command(target: typer.Typer, name: str, function: Command) -> None:
    """Make `function` a command: it gets a `Desk` and its own options; it returns an exit code (None: 0).

    Every command has `--home`, `--data` and `--log-level` beside its own options.
    """
    own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "desk"]
    shared = [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=_DEFAULTS[key], annotation=annotation)
        for key, annotation in _COMMON.items()
    ]

    def run(**values: Any) -> None:
        mask = Mask()
        desk = Desk(values.pop("home"), values.pop("data"), os.environ, mask)
        with program_log(values.pop("log_level"), mask):
            code = _guarded(lambda: function(desk, **values), mask)
        raise typer.Exit(code)

    run.__doc__ = function.__doc__
    run.__annotations__ = {}
    setattr(run, "__signature__", inspect.Signature([*own, *shared]))  # noqa: B010 - a function's type has no such field
    target.command(name)(run)


def _guarded(work: Callable[[], int | None], mask: Mask) -> int:
    """Run a command's work; errors that it may raise on purpose become one clear message."""
    try:
        return work() or OK
    except (SettingsError, AlreadyRunning, PracticeServerFailed) as error:
        return _complain(str(error), USAGE, mask)
    except NoticeReturned as error:
        return _complain("；".join(str(problem) for problem in error.problems), NOT_DONE, mask)
    except (NotAllowed, PublisherError, ContentDamaged) as error:
        return _complain(str(error), NOT_DONE, mask)
    except (typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except Exception as error:
        # The last one to see it: whatever it is, its text may hold a secret and must not go out unmasked.
        if is_unreachable(error):
            return _complain(f"the ledger cannot be reached or used now: {getattr(error, 'orig', error)}", USAGE, mask)
        logger.exception("the command failed in an unforeseen way; please report it")
        return FAULT


def _complain(text: str, code: int, mask: Mask) -> int:
    typer.echo(mask.hide(text), err=True)
    return code
