"""The only door to requests: one call to a site, bounded, asked for, and its failures told apart.

What a call may rely on:
* environment, `.netrc` and proxies of the machine are not looked at; no redirect is followed;
* the whole call ends by its limit, whatever the other side does (`channels.kit.net`);
* `context.still_mine` is called immediately before the first byte leaves;
* a failure before that is a `TransientFailure`, a failure after it is an `OutcomeUnknown` (for a call
  that only reads: a `TransientFailure`);
* no error holds a secret, a query string or the text of a library's exception.
"""

from __future__ import annotations

import hashlib
import json
import logging
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError, ReadTimeoutError, SSLError
from urllib3.filepost import encode_multipart_formdata

from channels.kit.decoding import decode
from channels.kit.net import CURRENT, Call, GuardedHTTPPool, GuardedHTTPSPool, LookUp, Resolver, Watchdog, read_body
from channels.kit.redact import Redactor
from publisher.channel import Context
from publisher.errors import (
    ChannelError,
    NeedsPerson,
    OutcomeUnknown,
    PermanentFailure,
    Reason,
    SettingsError,
    TransientFailure,
)

PRACTICE_HEADER = "X-Practice"
PRACTICE_NAME = "notice-publisher"
"""Header and value by which a practice server names itself in every answer."""

LONGEST_WAIT = timedelta(hours=24)
"""The longest Retry-After that is believed."""

NEWEST_NEEDED = "1.2"
"""The version of TLS that a site must speak unless its settings say less."""

_TLS_VERSIONS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    NEWEST_NEEDED: ssl.TLSVersion.TLSv1_2,
}
_USER_AGENT = "notice-publisher"
_LEGACY_SERVER_CONNECT = 0x4  # SSL_OP_LEGACY_SERVER_CONNECT, which the ssl module names only from 3.12 on
_log = logging.getLogger(__name__)
_watchdog = Watchdog()


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """How a site is called. Times in seconds, sizes in bytes.

    connect     until a connection stands
    read        between two bytes of an answer
    total       of a whole call; the context's remaining time counts where it is shorter
    keep_alive  how long after its last answer a connection may be used again; short for sites that
                cannot be sent the same thing twice, because a connection that the other side has just
                closed makes the outcome unknown
    max_answer  the longest answer that is read
    charset     of answers that do not tell theirs
    ca_file     certificates to trust instead of the usual ones (a pinned certificate)
    legacy_tls  allow the old handshake (no secure renegotiation) and weak ciphers; logged
    tls_from    the oldest version of TLS that is spoken, "1.0" to "1.2"; below 1.2 it is logged
    """

    connect: float = 5.0
    read: float = 30.0
    total: float = 90.0
    keep_alive: float = 2.0
    max_answer: int = 4 * 1024**2
    charset: str = "utf-8"
    ca_file: Path | None = None
    legacy_tls: bool = False
    tls_from: str = "1.2"

    @property
    def relaxed(self) -> tuple[str, ...]:
        """What of TLS is relaxed, in words for the program log; empty: nothing."""
        told = {
            "legacy handshake": self.legacy_tls,
            f"TLS from {self.tls_from}": self.tls_from != NEWEST_NEEDED,
            "own certificates": self.ca_file is not None,
        }
        return tuple(what for what, is_on in told.items() if is_on)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `reading`: it changes nothing on the other side. `url` may hold secrets in its query.

    `max_answer` in bytes, where this answer may be longer than others. `head_only`: status and headers of
    the answer are all that is wanted, wherever it redirects to.
    """

    method: str
    url: str = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    reading: bool = False
    max_answer: int = 0
    head_only: bool = False

    @property
    def where(self) -> str:
        """Method, host and path: what may be shown."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        return f"{self.method} {host}{f':{parts.port}' if parts.port else ''}{parts.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a site answered. Header names are matched without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    where: str
    charset: str = "utf-8"

    @property
    def text(self) -> str:
        """The body as text. Raises `channels.kit.decoding.Undecodable` (a ValueError)."""
        return decode(self.body, self.headers.get("Content-Type", ""), self.charset)

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.text)

    @property
    def is_practice(self) -> bool:
        """Whether it comes from a practice server."""
        return self.headers.get(PRACTICE_HEADER) == PRACTICE_NAME


def json_body(value: object) -> tuple[bytes, str]:
    """Body and content type of a JSON request: UTF-8 with real characters, never escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _encoded(text, "utf-8"), "application/json; charset=utf-8"


def form_body(fields: Mapping[str, str | list[str]], charset: str = "utf-8") -> tuple[bytes, str]:
    """Body and content type of a form in `charset`. Raises PermanentFailure naming the characters it lacks."""
    texts = list(fields)
    for value in fields.values():
        texts.extend([value] if isinstance(value, str) else value)
    for text in texts:
        _encoded(text, charset)
    body = urlencode(fields, doseq=True, encoding=charset, errors="strict").encode("ascii")
    return body, f"application/x-www-form-urlencoded; charset={charset}"


def multipart_body(fields: Mapping[str, str | tuple[str, bytes, str]]) -> tuple[bytes, str]:
    """Body and content type of a multipart form; a file is (name in ASCII, bytes, media type)."""
    body, content_type = encode_multipart_formdata(dict(fields))
    return body, content_type


def _encoded(text: str, charset: str) -> bytes:
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        raise cannot_be_shown(text, charset) from None


def cannot_be_shown(text: str, charset: str) -> PermanentFailure:
    """The refusal of a text, naming the characters that `charset` lacks."""
    lacking = [c for c in dict.fromkeys(text) if not _can(c, charset)]
    names = "、".join(f"“{c}”(U+{ord(c):04X})" for c in lacking[:10])
    more = f"等 {len(lacking)} 个字符" if len(lacking) > 10 else ""
    return PermanentFailure(Reason.CANNOT_BE_SHOWN, f"该渠道的字符集（{charset}）不能表示：{names}{more}")


def _can(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


class _Adapter(HTTPAdapter):
    """requests' own adapter over guarded connections, without what a publishing call does not use."""

    def __init__(self, ssl_context: Callable[[], ssl.SSLContext]) -> None:
        self._ssl_context = ssl_context
        self._found: dict[str, Any] = {}
        super().__init__(pool_connections=4, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": GuardedHTTPPool, "https": GuardedHTTPSPool}

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        parts = urlsplit(request.url)
        pool = self._found.get(parts.scheme + parts.netloc)
        if pool is None:
            tls = {"ssl_context": self._ssl_context()} if parts.scheme == "https" else {}
            pool = self.poolmanager.connection_from_host(parts.hostname, parts.port, parts.scheme, tls)
            self._found[parts.scheme + parts.netloc] = pool
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to do: the context that verifies was given to the pools once."""

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return request.path_url

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        response = requests.Response()
        response.status_code = resp.status
        response.raw = resp
        return response


def _ssl_context(settings: HttpSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(settings.ca_file or DEFAULT_CA_BUNDLE_PATH))
    except OSError as error:
        raise SettingsError(f"ca_file {settings.ca_file}: no certificates can be read there ({error})") from None
    if settings.legacy_tls:
        context.options |= _LEGACY_SERVER_CONNECT
        context.set_ciphers("DEFAULT@SECLEVEL=1")
    if settings.tls_from != NEWEST_NEEDED:
        with warnings.catch_warnings():  # that these versions are old is known: the settings ask for them
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = _TLS_VERSIONS[settings.tls_from]
        context.set_ciphers("DEFAULT@SECLEVEL=0")  # OpenSSL speaks them at no other level
    return context


class Http:
    """Calls to one site. Threads do not share connections; nothing is remembered but them.

    `secrets` are the values that may never show. `practice`: whether the site must name itself as a
    practice server (True) or must not (False); None: not checked. `look_up` is `socket.getaddrinfo`
    outside tests.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        name: str = "",
        secrets: Mapping[str, str] | None = None,
        practice: bool | None = None,
        look_up: LookUp = socket.getaddrinfo,
    ) -> None:
        self.settings = settings
        self.redact = Redactor((secrets or {}).values())
        self._practice = practice
        self._practice_seen = False
        self._resolver = Resolver(look_up)
        self._ssl_context: ssl.SSLContext | None = None
        self._own = threading.local()
        if settings.relaxed:
            self._tls()  # what is wrong with it is said now
            _log.warning("channel %s: TLS relaxed: %s", name, ", ".join(settings.relaxed))

    def call(self, request: Request, context: Context) -> Answer:
        """Make one call. Raises ChannelError; answers other than redirects are for the caller to judge."""
        digest = None if request.reading else self.digest(request)
        call = Call(
            until=time.monotonic() + min(self.settings.total, context.remaining()),
            connect_limit=self.settings.connect,
            idle_limit=self.settings.keep_alive,
            resolver=self._resolver,
            before_first_byte=lambda: context.still_mine(digest),
        )
        CURRENT.call = call
        _watchdog.add(call)
        try:
            answer = self._exchange(request, call)
        finally:
            _watchdog.remove(call)
            call.end()
            CURRENT.call = None
        if answer is None:
            raise OutcomeUnknown(Reason.UNKNOWN_ANSWER, "渠道的答复过大，未能读完", evidence=self._where(request))
        self._practice_seen = self._practice_seen and answer.is_practice is self._practice
        if 300 <= answer.status < 400 and answer.status != HTTPStatus.NOT_MODIFIED and not request.head_only:
            raise self._moved(answer)
        return answer

    def digest(self, request: Request) -> str:
        """Digest of the whole request without credentials: sha256 in hex."""
        head = f"{request.method} {request.url.partition('?')[0]}\n".encode()
        return hashlib.sha256(self.redact.in_bytes(head + request.body)).hexdigest()

    def check_practice(self, base_url: str, context: Context) -> None:
        """Look, before anything is submitted, whether the site is what the settings say: practice or real.

        Looks once; again only if a later answer contradicts. Raises NeedsPerson (PRACTICE_MISMATCH), which
        stops the channel.
        """
        if self._practice is None or self._practice_seen:
            return
        answer = self.call(Request("GET", base_url, reading=True, head_only=True), context)
        if answer.is_practice is not self._practice:
            if answer.status >= 500:  # whoever answered for the site, it was not the site
                raise TransientFailure(Reason.BUSY, "渠道暂时无法访问", evidence=f"{answer.where}: {answer.status}")
            set_to, found = ("演练", "正式网站") if self._practice else ("正式", "演练服务")
            raise NeedsPerson(
                Reason.PRACTICE_MISMATCH,
                f"渠道设置为{set_to}，但对方是{found}，未提交任何内容",
                evidence=answer.where,
                stops_channel=True,
            )
        self._practice_seen = True

    def _exchange(self, request: Request, call: Call) -> Answer | None:
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = request.url
        prepared.headers = CaseInsensitiveDict({"User-Agent": _USER_AGENT, **request.headers})
        prepared.body = request.body or None
        if request.body or not request.reading:
            prepared.headers["Content-Length"] = str(len(request.body))
        timeout = (self.settings.connect, max(0.001, min(self.settings.read, call.remaining)))
        raw: Any = None
        try:
            raw = self._adapter().send(prepared, stream=True, timeout=timeout).raw
            body = read_body(raw, 0 if request.head_only else max(self.settings.max_answer, request.max_answer))
            if call.was_cut:
                raise TimeoutError  # what looks like the end of the answer is where it was cut
        except ChannelError:
            raise
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if raw is not None:
                raw.close()
            raise self._failed(request, call, error) from None
        if body is None and not request.head_only:
            return None
        return Answer(
            raw.status, CaseInsensitiveDict(raw.headers), body or b"", self._where(request), self.settings.charset
        )

    def _adapter(self) -> _Adapter:
        adapter: _Adapter | None = getattr(self._own, "adapter", None)
        if adapter is None:
            adapter = self._own.adapter = _Adapter(self._tls)
        return adapter

    def _tls(self) -> ssl.SSLContext:
        if self._ssl_context is None:  # made when first needed: reading the certificates takes a while
            self._ssl_context = _ssl_context(self.settings)
        return self._ssl_context

    def _where(self, request: Request) -> str:
        return self.redact.in_text(request.where)

    def _failed(self, request: Request, call: Call, error: Exception) -> ChannelError:
        """What a failure of the line means: by how far the call had come, not by the words of a library."""
        evidence = f"{self._where(request)}: {type(error).__name__}"
        if not call.sent:
            return _not_sent(request, call, error, evidence)
        in_time = not call.was_cut and not _is_time_limit(error)
        if request.reading:
            detail = "查询时连接中断" if in_time else "查询超过时限"
            return TransientFailure(Reason.UNREACHABLE, detail, evidence=evidence)
        if in_time:
            return OutcomeUnknown(Reason.ANSWER_LOST, "已发出，但连接中断，未收到完整答复", evidence=evidence)
        return OutcomeUnknown(Reason.TIME_LIMIT, "已发出，但在时限内未得到完整答复", evidence=evidence)

    def _moved(self, answer: Answer) -> NeedsPerson:
        target = self.redact(answer.headers.get("Location", "")).partition("?")[0]
        return NeedsPerson(
            Reason.MOVED, f"渠道地址跳转到 {target}", evidence=f"{answer.where}: {answer.status}", stops_channel=True
        )


def _not_sent(request: Request, call: Call, error: Exception, evidence: str) -> ChannelError:
    host = urlsplit(request.url).hostname or ""
    if _is_tls(error):
        cause = _tls_cause(error)
        detail = f"与 {host} 的安全连接（TLS）未能建立：{_TLS_HINTS.get(cause, _TLS_HINT)}"
        return TransientFailure(Reason.TLS, detail, evidence=f"{evidence} {cause}".rstrip())
    if isinstance(error, ValueError):
        return NeedsPerson(Reason.TEMPLATE_FAULT, "请求的地址或请求头无效，未发出任何内容", evidence=evidence)
    return TransientFailure(Reason.UNREACHABLE, f"连接不上 {host}", evidence=evidence)


_TLS_HINTS = {
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "对方只会旧式握手，确需连接的，由管理员为该渠道设置 legacy_tls = true",
    "UNSUPPORTED_PROTOCOL": "对方只支持旧版 TLS，确需连接的，由管理员为该渠道设置 tls_from",
    "TLSV1_ALERT_PROTOCOL_VERSION": "对方只支持旧版 TLS，确需连接的，由管理员为该渠道设置 tls_from",
    "CERTIFICATE_VERIFY_FAILED": "对方证书未通过校验（自签、过期或域名不符），向对方索取证书后填入该渠道的 ca_file",
    "DH_KEY_TOO_SMALL": "对方密钥过短，确需连接的，由管理员为该渠道设置 legacy_tls = true",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "双方没有共同的加密套件，确需连接的，由管理员为该渠道设置 legacy_tls = true",
    "WRONG_VERSION_NUMBER": "对方的这个端口不是 TLS，请核对网址",
    "UNEXPECTED_EOF_WHILE_READING": (
        "对方在握手时断开，可能只支持旧版 TLS 或旧式握手，确需连接的，由管理员为该渠道设置 tls_from 或 legacy_tls"
    ),
}
"""What an administrator can do about OpenSSL's names of causes; verification is never switched off."""
_TLS_HINT = "原因见记录；对方系统较旧的，由管理员为该渠道试设 tls_from 或 legacy_tls"
"""The same where the cause is none of these, or is not told."""


def _tls_cause(error: BaseException) -> str:
    """OpenSSL's own name of what went wrong, such as CERTIFICATE_VERIFY_FAILED; its words where it has no name."""
    words = ""
    seen: list[object] = [error]
    for one in seen:  # grows: wrapped exceptions are arguments, or causes, of those around them
        if isinstance(one, ssl.SSLError) and one.reason:
            return str(one.reason)
        if isinstance(one, ssl.SSLEOFError):
            return "UNEXPECTED_EOF_WHILE_READING"  # Python notices some of them before OpenSSL does, and names no cause
        if isinstance(one, ssl.SSLError):
            words = words or str(one)
        if isinstance(one, BaseException):
            around = (*one.args, one.__cause__, one.__context__, getattr(one, "reason", None))
            seen += [inner for inner in around if isinstance(inner, BaseException) and inner not in seen]
    return words


def _is_tls(error: BaseException | None) -> bool:
    return isinstance(error, requests.exceptions.SSLError | SSLError | ssl.SSLError)


def _is_time_limit(error: Exception) -> bool:
    return isinstance(error, requests.exceptions.Timeout | ReadTimeoutError | TimeoutError)


def retry_after(value: str | None, now: datetime) -> datetime | None:
    """The instant that a Retry-After header names, in seconds or as an HTTP date; at most LONGEST_WAIT from now.

    None where there is none, or none that can be read.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return now + min(timedelta(seconds=min(int(value), 10**9)), LONGEST_WAIT)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(now, min(when, now + LONGEST_WAIT))


def status_error(answer: Answer, context: Context, *, reading: bool = False) -> ChannelError | None:
    """What the HTTP status alone says; None where it says nothing against the request (2xx)."""
    status = answer.status
    evidence = f"{answer.where}: HTTP {status}"
    if status < 400:
        return None
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        reason = Reason.RATE_LIMITED if status == HTTPStatus.TOO_MANY_REQUESTS else Reason.BUSY
        not_before = retry_after(answer.headers.get("Retry-After"), context.now())
        return TransientFailure(reason, "渠道要求稍后再试", evidence=evidence, not_before=not_before)
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}:  # it says itself that it did not take it
        return TransientFailure(Reason.BUSY, "渠道未能收完请求", evidence=evidence)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return NeedsPerson(Reason.BAD_CREDENTIAL, "渠道不接受账号或密钥", evidence=evidence, stops_channel=True)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return PermanentFailure(Reason.TOO_LARGE, "内容超过渠道的大小限制", evidence=evidence)
    if status < 500:
        return PermanentFailure(Reason.REFUSED, f"渠道拒绝（HTTP {status}）", evidence=evidence)
    if reading:
        return TransientFailure(Reason.BUSY, "渠道内部出错，暂时无法查询", evidence=evidence)
    return OutcomeUnknown(Reason.SERVER_ERROR, f"渠道内部出错（HTTP {status}）", evidence=evidence)
