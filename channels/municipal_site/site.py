"""The adapter: one notice at a time to a web site, and the question what the site holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lxml.etree
import lxml.html

from channels.kit.answers import Words
from channels.kit.dates import instant
from channels.kit.http import Http, HttpSettings, Request, status_error
from channels.kit.judge import ask, not_taken, not_told
from channels.kit.options import read_options
from channels.kit.submissions import Values, number_of
from channels.kit.uploads import Uploads, missing_attachments
from channels.municipal_site.options import SiteOptions
from channels.municipal_site.requests import Requests
from publisher.channel import (
    Absent,
    CannotTell,
    Capabilities,
    ChannelConfig,
    Context,
    Finding,
    Found,
    Listed,
    Receipt,
    Submission,
)
from publisher.delivery import Operation
from publisher.errors import (
    ChannelError,
    PermanentFailure,
    Reason,
    SettingsError,
    TransientFailure,
)
from publisher.notice import html_to_text, text_digest


class MunicipalSite:
    """A `Channel` whose interface is described by `SiteOptions`. Raises SettingsError for options that are wrong."""

    def __init__(self, config: ChannelConfig) -> None:
        self._options = options = read_options(SiteOptions, config.options)
        self._requests = Requests(options, config.secrets)
        self._http = Http(http_settings(options), name=config.name, secrets=config.secrets, practice=config.practice)
        self._uploads = Uploads(options.upload, options.base_url, self._http, self._requests.headers, self._not_taken)
        self.capabilities = _capabilities(options)
        self._xpath = _xpath(options.query.page_xpath)
        self._list_xpath = _xpath(options.query.list_xpath, "list_xpath")

    # -- submit ------------------------------------------------------------------------------------

    def submit(self, submission: Submission) -> Receipt:
        """Publish, update or withdraw. Attachments go first; if one fails, the text is not sent."""
        if submission.operation not in self.capabilities.operations:
            raise PermanentFailure(Reason.NOT_SUPPORTED, "该网站的接口没有开通此操作")
        if submission.operation is not Operation.PUBLISH and not number_of(submission):
            raise PermanentFailure(Reason.NOT_SUPPORTED, "没有该网站给出的编号，无法更改或撤回")
        self._http.check_practice(f"{self._options.base_url}/", submission.context)
        values = self._requests.values(submission)
        if submission.operation is not Operation.WITHDRAW:
            values["attachments"] = self._bring_attachments(submission, values)
        request = self._requests.operation(submission.operation, values)
        words = Words(self._http.call(request, submission.context))
        if submission.operation is Operation.WITHDRAW and words.answer.status in {404, 410}:
            return self._withdrawn_already(submission)
        try:
            return self._receipt(words, submission)
        except PermanentFailure:
            self._uploads.forget(submission)
            raise

    def _bring_attachments(self, submission: Submission, values: Values) -> list[dict[str, Any]]:
        """What the site names each attachment by, after it was brought."""
        if not submission.attachments or (self._options.attachments_at and not self._options.takes_attachments):
            return []
        if not self._options.takes_attachments:
            raise PermanentFailure(Reason.NOT_SUPPORTED, "该网站不接收附件，而公告带有附件")
        return self._uploads.bring(submission, values)

    # -- answers -----------------------------------------------------------------------------------

    def _receipt(self, words: Words, submission: Submission) -> Receipt:
        answers = self._options.answers
        if words.has_any((*answers.not_allowed, *answers.locked, *answers.busy)):
            raise self._not_taken(words, submission)
        duplicate = words.has_any(answers.duplicate)
        if not duplicate and words.has_any(answers.refused):
            raise self._not_taken(words, submission)
        pending = words.has_any(answers.pending)
        if not (duplicate or pending or words.has_any(answers.success)):
            raise self._not_taken(words, submission)
        return Receipt(
            number=self._clean(words.find(answers.number)) or number_of(submission),
            url=self._address(words.find(answers.url)),
            public=not pending,
            visible_since=instant(words.find(answers.since)),
            note="渠道答复：已有此公告" if duplicate else "",
        )

    def _not_taken(self, words: Words, submission: Submission) -> ChannelError:
        return not_taken(words, self._options.answers, self._http, submission.context)

    def _withdrawn_already(self, submission: Submission) -> Receipt:
        """The site says it has no such notice: believed only if it cannot be found either."""
        if isinstance(self.find(submission), Absent):
            return Receipt(number=number_of(submission), note="渠道上已无此公告")
        raise TransientFailure(Reason.UNKNOWN_ANSWER, "渠道答复没有此公告，但仍可查到，尚未撤回", channel_wide=False)

    # -- find --------------------------------------------------------------------------------------

    def find(self, submission: Submission) -> Finding:
        """What the site holds of this delivery, with the digest of the text it shows."""
        request = self._requests.query(submission)
        if request is None:
            return CannotTell("该网站没有查询接口，或没有该网站给出的编号")
        words = self._read(request, submission)
        query = self._options.query
        if words.has_any(query.absent):
            return Absent()
        if words.has_any(query.refused):
            said = self._http.redact(words.messages(query.messages))
            raise PermanentFailure(Reason.REFUSED, said or "渠道审核未通过", evidence=words.answer.where)
        if words.has_any(query.found):
            return self._found(words, submission)
        if words.has_any(query.pending):
            return Found(self._found_receipt(words, submission, public=False))
        raise not_told(words, self._http, submission.context)

    def _read(self, request: Request, submission: Submission) -> Words:
        return ask(request, self._http, submission.context)

    def _found_receipt(self, words: Words, submission: Submission, **more: Any) -> Receipt:
        query = self._options.query
        return Receipt(
            number=self._clean(words.find(query.number)) or number_of(submission),
            url=self._address(words.find(query.url)),
            visible_since=instant(words.find(query.since)),
            **more,
        )

    def _found(self, words: Words, submission: Submission) -> Finding:
        query = self._options.query
        html = words.find(query.content)
        if self._xpath is not None:
            page = self._page_text(words, submission)
            if page is None:
                return Found(self._found_receipt(words, submission, public=False, note="公告页面尚不可见"))
            html = page
        if html is None:
            return Found(self._found_receipt(words, submission))
        text = html_to_text(html)
        missing = self._missing_attachments(words, submission)
        # attachments belong to what is shown: without them it is another text
        digest = text_digest("\n".join([text, *(f"缺附件：{name}" for name in missing)]))
        note = f"渠道上附件缺失或内容不符：{'、'.join(missing)}" if missing else ""
        return Found(self._found_receipt(words, submission, digest=digest, note=note), digest)

    def _page_text(self, words: Words, submission: Submission) -> str | None:
        """HTML of the text on the reader's page; None while there is no such page."""
        url = words.find(self._options.query.url)
        if url is None or self._xpath is None:
            return None
        page = self._read(self._requests.read(url, submission), submission)
        if page.answer.status != 200:
            error = status_error(page.answer, submission.context, reading=True)
            if isinstance(error, TransientFailure):
                raise error
            return None
        if not page.text.strip():
            return None
        elements = self._xpath(lxml.html.document_fromstring(page.text))
        if not isinstance(elements, list) or not elements:
            return None
        return lxml.html.tostring(elements[0], encoding="unicode", with_tail=False)

    def _missing_attachments(self, words: Words, submission: Submission) -> list[str]:
        """Names of the attachments that the site does not show with exactly our bytes."""
        query = self._options.query
        if not query.files or not self._options.takes_attachments:
            return []
        return missing_attachments(
            words.list_at(query.files),
            submission,
            self._http,
            lambda url: self._requests.read(url, submission),
            name_at=query.file_name,
            url_at=query.file_url,
        )

    # -- list --------------------------------------------------------------------------------------

    def listed(self, context: Context) -> Sequence[Listed] | None:
        """Every link of the readers' list; None where the options do not say where it is."""
        query = self._options.query
        if query.list_path is None:
            return None
        address = self._requests.address(query.list_path)
        words = ask(Request("GET", address, reading=True), self._http, context)
        if words.answer.status != 200 or not words.text.strip():
            raise not_told(words, self._http, context)
        page = lxml.html.document_fromstring(words.text)
        found = self._list_xpath(page) if self._list_xpath is not None else []
        links = found if isinstance(found, list) else []
        return [Listed(self._address(link.get("href")) or "", link.text_content().strip()) for link in links]

    def _clean(self, text: str | None) -> str | None:
        return self._http.redact.in_text(text) if text else None

    def _address(self, url: str | None) -> str | None:
        return self._clean(self._requests.address(url)) if url else None


def _capabilities(options: SiteOptions) -> Capabilities:
    return Capabilities(
        limits=options.limits.limits(takes_attachments=options.takes_attachments or bool(options.attachments_at)),
        charset=None if options.charset == "utf-8" else options.charset,
        fidelity=options.fidelity,
        findable=options.findable,
        settle_window=options.settle_window,
        operations=frozenset(options.operations),
        asynchronous=options.asynchronous,
        idempotent_for=options.idempotent_for,
    )


def http_settings(options: SiteOptions) -> HttpSettings:
    """How the site is called."""
    return options.http_settings(repeat_is_harmless=bool(options.idempotent_for))


def _xpath(expression: str | None, name: str = "page_xpath") -> lxml.etree.XPath | None:
    if expression is None:
        return None
    try:
        return lxml.etree.XPath(expression)
    except lxml.etree.XPathSyntaxError as error:
        raise SettingsError(f"options.query.{name}: {error}") from None
