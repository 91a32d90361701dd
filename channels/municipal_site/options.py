"""The options of a municipal site: how its interface looks. The defaults are those of the practice site.

Texts in `path`, `fields` and `headers` are templates (`channels.kit.templates`) with the variables of
`channels.kit.submissions`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from channels.kit.answers import Options, Place, Rule
from channels.kit.durations import Duration
from channels.kit.judge import Refusals
from channels.kit.site_options import BaseUrl, CallOptions, LimitOptions
from channels.kit.uploads import Upload
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
    fields: dict[str, Any] = Field(default_factory=lambda: {"reason": "{{ reason }}"})


class Answers(Refusals):
    """What the site's answers to submit, update and withdraw mean; tried in this order.

    locked, busy; duplicate: it has the notice already; refused; pending: taken, not yet public; success.
    """

    duplicate: tuple[Rule, ...] = (Rule(status=(200, 409), path="result", equals=("duplicate",)),)
    pending: tuple[Rule, ...] = (Rule(path="result", equals=("accepted",)),)
    success: tuple[Rule, ...] = (Rule(path="result", equals=("ok",)),)
    number: Place | None = Place(path="number")
    url: Place | None = Place(path="url")
    since: Place | None = Place(path="published_at")


class Query(Options):
    """How the site is asked what it holds: by delivery key, and by its own number after an update or withdrawal.

    The text it shows is read from `content` in the answer (HTML) or from the reader's page, at `page_xpath`.
    `list_path`: the page that lists what readers see, `list_xpath` the links on it (for reconciliation).
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
    list_path: str | None = None
    list_xpath: str = "//li/a[@href]"
    files: str | None = "files"
    file_name: str = "name"
    file_url: str = "url"


class SiteOptions(CallOptions):
    """Everything about one site.

    encoding, charset      of requests; JSON is always UTF-8
    key_header             header that carries the secret `key`, where there is one
    idempotency_header     header that carries the delivery key; empty: none
    idempotent_for         how long the site remembers a delivery key; 0s: a repeat is a second item
    findable               whether `query` can be asked
    takes_attachments      whether `upload` works; if not, a notice with attachments is refused, unless
    attachments_at         names where readers find them: the shipped template then says so in the text
    operations             what the channel carries out
    """

    base_url: BaseUrl
    encoding: Literal["json", "form"] = "json"
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
    attachments_at: str = ""
    operations: tuple[Operation, ...] = (Operation.PUBLISH,)
    settle_window: Duration = timedelta(seconds=120)
    asynchronous: bool = False
    fidelity: Fidelity = Fidelity.FULL
    limits: LimitOptions = LimitOptions()
