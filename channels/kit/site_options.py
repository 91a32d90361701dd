"""Options that every adapter of a web site has: its address, how it is called, what it takes at most."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from channels.kit.answers import Options
from channels.kit.durations import Duration
from channels.kit.http import HttpSettings
from publisher.channel import Limits

_SHORT_KEEP_ALIVE = timedelta(seconds=2)
_LONG_KEEP_ALIVE = timedelta(seconds=30)


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no web address; it begins with http:// or https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("holds more than scheme, host and path; secrets belong under secrets")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_address)]


class LimitOptions(Options):
    """What the site takes at most; see `publisher.channel.Limits`."""

    title_chars: int | None = Field(default=None, ge=1)
    body_chars: int | None = Field(default=None, ge=1)
    body_bytes: int | None = Field(default=None, ge=1)
    attachments: int | None = Field(default=None, ge=0)
    attachment_bytes: int | None = Field(default=None, ge=1)

    def limits(self, *, takes_attachments: bool = True) -> Limits:
        """As a capability; without attachments the most of them is none."""
        return Limits(
            title_chars=self.title_chars,
            body_chars=self.body_chars,
            body_bytes=self.body_bytes,
            attachments=self.attachments if takes_attachments else 0,
            attachment_bytes=self.attachment_bytes,
        )


class CallOptions(Options):
    """How a site is called.

    charset       of answers that tell none (and, where a site has forms, of these)
    keep_alive    how long a connection is used again; None: 2 s where a repeat is a second item, else 30 s
    ca_file       certificates to trust instead of the usual ones
    legacy_tls    allow the old handshake and weak ciphers; verification stays
    tls_from      the oldest version of TLS that is spoken
    """

    charset: Literal["utf-8", "gbk"] = "utf-8"
    connect: Duration = timedelta(seconds=5)
    read: Duration = timedelta(seconds=30)
    total: Duration = timedelta(seconds=90)
    keep_alive: Duration | None = None
    max_answer: int = Field(default=4 * 1024**2, ge=1024)
    ca_file: Path | None = None
    legacy_tls: bool = False
    tls_from: Literal["1.0", "1.1", "1.2"] = "1.2"

    def http_settings(self, *, repeat_is_harmless: bool) -> HttpSettings:
        """As `channels.kit.http` wants them."""
        keep_alive = self.keep_alive
        if keep_alive is None:
            keep_alive = _LONG_KEEP_ALIVE if repeat_is_harmless else _SHORT_KEEP_ALIVE
        return HttpSettings(
            connect=self.connect.total_seconds(),
            read=self.read.total_seconds(),
            total=self.total.total_seconds(),
            keep_alive=keep_alive.total_seconds(),
            max_answer=self.max_answer,
            charset=self.charset,
            ca_file=self.ca_file,
            legacy_tls=self.legacy_tls,
            tls_from=self.tls_from,
        )
