"""The options of a municipal site: how its interface looks. The defaults are those of the practice site.

Texts in `path`, `fields` and `headers` are templates (`channels.kit.templates`) with these variables:
`key`, `notice_key`, `title`, `body` (HTML), `text`, `kind`, `kind_label`, `form`, `project_class`,
`project_class_label`, `project_no`, `project_name`, `number` and `url` (the site's own, from the last
receipt), `original_number` and `original_url` (the site's own, of the first notice quoted), `references`,
`attachments` (each with `name`, `size`, `media_type`, `sha256`, `ref`) and `secrets`. What is not known
is the empty text.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from channels.kit.answers import Options, Place, Rule
from channels.kit.durations import Duration
from publisher.channel import Fidelity
from publisher.delivery import Operation

_CONTENT: dict[str, Any] = {
    "title": "{{ title }}",
    "body": "{{ body }}",
    "files": {"each": "attachments", "as": "{{ item.ref }}"},
}

_NOTICE: dict[str, Any] = {
    "key": "{{ key }}",
    "notice_key": "{{ notice_key }}",
    "kind": "{{ kind }}",
    "form": "{{ form }}",
    "project_class": "{{ project_class }}",
    "project_no": "{{ project_no }}",
    "original_number": "{{ original_number }}",
    **_CONTENT,
}


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no web address; it begins with http:// or https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("holds more than scheme, host and path; secrets belong under secrets")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_address)]


class Submit(Options):
    """The request that publishes."""

    method: Literal["POST", "PUT"] = "POST"
    path: str = "/api/notices"
    fields: dict[str, Any] = Field(default_factory=lambda: dict(_NOTICE))


class Update(Options):
    """The request that replaces the text of a published notice."""

    method: Literal["POST", "PUT", "PATCH"] = "PUT"
    path: str = "/api/notices/number/{{ number | urlencode }}"
    fields: dict[str, Any] = Field(default_factory=lambda: dict(_CONTENT))


class Withdraw(Options):
    """The request that takes a published notice back."""

    method: Literal["POST", "PUT", "DELETE"] = "POST"
    path: str = "/api/notices/number/{{ number | urlencode }}/withdraw"
    fields: dict[str, Any] = Field(default_factory=dict)


class Upload(Options):
    """The request that brings one attachment (`item` in templates); `ref` is what the notice names it by.

    `multipart`: the bytes are the part `file_field`, under an ASCII file name because sites garble others;
    the name that readers see goes into `fields`. `raw`: the bytes are the body.
    """

    method: Literal["POST", "PUT"] = "POST"
    path: str = "/api/files"
    encoding: Literal["multipart", "raw"] = "multipart"
    file_field: str = "file"
    fields: dict[str, str] = Field(default_factory=lambda: {"name": "{{ item.name }}", "key": "{{ key }}"})
    headers: dict[str, str] = Field(default_factory=dict)
    success: tuple[Rule, ...] = (Rule(path="result", equals=("ok",)),)
    ref: Place = Place(path="id")


class Answers(Options):
    """What the site's answers to submit, update and withdraw mean; tried in this order.

    locked: the credential is refused; busy: try later; duplicate: it has the notice already; refused: it
    will not take it; pending: taken, not yet public; success. `messages`: where it says what is wrong.
    """

    locked: tuple[Rule, ...] = ()
    busy: tuple[Rule, ...] = ()
    duplicate: tuple[Rule, ...] = (Rule(status=(200, 409), path="result", equals=("duplicate",)),)
    refused: tuple[Rule, ...] = (Rule(status=(200, 400, 409, 413, 422), path="result", equals=("refused",)),)
    pending: tuple[Rule, ...] = (Rule(path="result", equals=("accepted",)),)
    success: tuple[Rule, ...] = (Rule(path="result", equals=("ok",)),)
    number: Place | None = Place(path="number")
    url: Place | None = Place(path="url")
    since: Place | None = Place(path="published_at")
    messages: tuple[Place, ...] = (Place(path="message"), Place(path="errors"))


class Query(Options):
    """How the site is asked what it holds: by delivery key, and by its own number after an update or withdrawal.

    The text it shows is read from `content` in the answer (HTML) or from the reader's page, at `page_xpath`.
    `files`: path of the list of attachments, each with its name and address; empty: the site does not tell.
    """

    path: str = "/api/notices/{{ key | urlencode }}"
    path_by_number: str | None = "/api/notices/number/{{ number | urlencode }}"
    absent: tuple[Rule, ...] = (Rule(status=(200, 404), path="result", equals=("absent",)),)
    refused: tuple[Rule, ...] = (Rule(path="status", equals=("rejected",)),)
    found: tuple[Rule, ...] = (Rule(path="status", equals=("published",)),)
    pending: tuple[Rule, ...] = (Rule(path="status", equals=("reviewing",)),)
    number: Place | None = Place(path="number")
    url: Place | None = Place(path="url")
    since: Place | None = Place(path="published_at")
    messages: tuple[Place, ...] = (Place(path="message"),)
    content: Place | None = Place(path="content")
    page_xpath: str | None = None
    files: str | None = "files"
    file_name: str = "name"
    file_url: str = "url"


class LimitOptions(Options):
    """What the site takes at most; see `publisher.channel.Limits`."""

    title_chars: int | None = None
    body_chars: int | None = None
    body_bytes: int | None = None
    attachments: int | None = None
    attachment_bytes: int | None = None


class SiteOptions(Options):
    """Everything about one site.

    encoding, charset      of requests; JSON is always UTF-8; charset also of answers that tell none
    key_header             header that carries the secret `key`, where there is one
    idempotency_header     header that carries the delivery key; empty: none
    idempotent_for         how long the site remembers a delivery key; 0s: a repeat is a second item
    findable               whether `query` can be asked
    takes_attachments      whether `upload` works; if not, a notice with attachments is refused, unless
    attachments_elsewhere  its text says where they are
    operations             what the channel carries out
    keep_alive             how long a connection is used again; None: 2 s where a repeat is a second item, else 30 s
    """

    base_url: BaseUrl
    encoding: Literal["json", "form"] = "json"
    charset: Literal["utf-8", "gbk"] = "utf-8"
    key_header: str = "X-Api-Key"
    idempotency_header: str = "Idempotency-Key"
    headers: dict[str, str] = Field(default_factory=dict)
    submit: Submit = Submit()
    update: Update = Update()
    withdraw: Withdraw = Withdraw()
    upload: Upload = Upload()
    answers: Answers = Answers()
    query: Query = Query()
    idempotent_for: Duration = timedelta(0)
    findable: bool = True
    takes_attachments: bool = True
    attachments_elsewhere: bool = False
    operations: tuple[Operation, ...] = (Operation.PUBLISH,)
    settle_window: Duration = timedelta(seconds=120)
    asynchronous: bool = False
    fidelity: Fidelity = Fidelity.FULL
    limits: LimitOptions = LimitOptions()
    connect: Duration = timedelta(seconds=5)
    read: Duration = timedelta(seconds=30)
    total: Duration = timedelta(seconds=90)
    keep_alive: Duration | None = None
    max_answer: int = Field(default=4 * 1024**2, ge=1024)
    ca_file: Path | None = None
    legacy_tls: bool = False
