"""By the site's interface: submitted, reviewed there, asked for by ticket until it is public or refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from channels.kit.answers import Words
from channels.kit.dates import instant
from channels.kit.http import Http, Request, json_body
from channels.kit.judge import ask, evidence_of, not_taken, not_told
from channels.kit.submissions import Values, number_of, submission_values
from channels.kit.templates import Fields, Text
from channels.kit.uploads import Uploads, missing_attachments
from channels.provincial_site.options import Act, ProvinceOptions
from publisher.channel import (
    Absent,
    CannotTell,
    Capabilities,
    ChannelConfig,
    Fidelity,
    Finding,
    Found,
    Receipt,
    Submission,
)
from publisher.delivery import Operation
from publisher.errors import ChannelError, PermanentFailure, Reason, TransientFailure
from publisher.notice import Kind, html_to_text, text_digest

_TICKET = "ticket"
"""The step under which a delivery's ticket is kept; empty while a new submission's ticket is not known."""


@dataclass(frozen=True, slots=True)
class _Act:
    """One kind of request, compiled."""

    method: str
    path: Text
    fields: Fields


def _act(name: str, part: Act) -> _Act:
    return _Act(part.method, Text(f"{name}.path", part.path), Fields(f"{name}.fields", part.fields))


class ByInterface:
    """The mode `api`. Raises SettingsError for options that are wrong."""

    def __init__(self, config: ChannelConfig, options: ProvinceOptions) -> None:
        assert options.base_url is not None  # the options see to that
        self._options, self._base_url = options, options.base_url
        self._secrets = dict(config.secrets)
        settings = options.http_settings(repeat_is_harmless=bool(options.idempotent_for))
        self._http = Http(settings, name=config.name, secrets=config.secrets, practice=config.practice)
        self._acts = {
            Operation.PUBLISH: _act("submit", options.submit),
            Operation.UPDATE: _act("update", options.update),
            Operation.WITHDRAW: _act("withdraw", options.withdraw),
        }
        self._headers = {name: Text(f"headers.{name}", text) for name, text in options.headers.items()}
        query = options.query
        self._paths = {
            name: Text(f"query.{name}", path)
            for name, path in (
                ("path", query.path),
                ("path_by_key", query.path_by_key),
                ("path_by_number", query.path_by_number),
            )
            if path
        }
        self._uploads = Uploads(options.upload, self._base_url, self._http, self._common_headers, self._not_taken)
        self.capabilities = Capabilities(
            limits=options.limits.limits(takes_attachments=options.takes_attachments),
            fidelity=options.fidelity or Fidelity.FULL,
            findable=options.findable,
            settle_window=options.settle_window,
            operations=frozenset(options.operations),
            asynchronous=True,
            idempotent_for=options.idempotent_for,
        )

    # -- submit ------------------------------------------------------------------------------------

    def submit(self, submission: Submission) -> Receipt:
        """Hand in, update or withdraw. Attachments go first; if one fails, the text is not sent."""
        self._refuse_what_cannot_be(submission)
        self._http.check_practice(f"{self._base_url}/", submission.context)
        values = submission_values(submission, self._secrets)
        if submission.operation is not Operation.WITHDRAW and submission.attachments:
            values["attachments"] = self._uploads.bring(submission, values)
        act = self._acts[submission.operation]
        body, content_type = json_body(act.fields.render(values))
        headers = self._common_headers(values) | {"Content-Type": content_type}
        request = Request(act.method, self._base_url + act.path.render(values), body, headers)
        store = submission.context.store
        if store.step(_TICKET):
            store.step(_TICKET, "")  # that of an earlier submission: should this answer be lost, it is asked by key
        words = Words(self._http.call(request, submission.context))
        if submission.operation is Operation.WITHDRAW and words.answer.status in {404, 410}:
            return self._withdrawn_already(submission)
        try:
            return self._receipt(words, submission)
        except PermanentFailure:
            self._uploads.forget(submission)
            raise

    def _withdrawn_already(self, submission: Submission) -> Receipt:
        """The site says it has no such notice: believed only if it cannot be found either."""
        if isinstance(self.find(submission), Absent):
            return Receipt(number=number_of(submission), note="渠道上已无此公告")
        raise TransientFailure(Reason.UNKNOWN_ANSWER, "渠道答复没有此公告，但仍可查到，尚未撤回", channel_wide=False)

    def _refuse_what_cannot_be(self, submission: Submission) -> None:
        if submission.operation not in self.capabilities.operations:
            raise PermanentFailure(Reason.NOT_SUPPORTED, "该网站的接口没有开通此操作")
        if submission.operation is not Operation.PUBLISH:
            if not number_of(submission):
                raise PermanentFailure(Reason.NOT_SUPPORTED, "没有该网站给出的编号，无法更改或撤回")
            return
        is_change = submission.version.notice.kind is Kind.CHANGE_NOTICE
        if self._options.needs_original_number and is_change and not _original_number(submission):
            raise PermanentFailure(
                Reason.REFUSED,
                "该网站要求更正公告引用其给原公告的编号，但原公告没有该网站的编号：请先使原公告在该网站发布并取得编号"
                "（人工发布的，用 confirm 填入编号），再执行 retry",
            )
        if submission.attachments and not self._options.takes_attachments:
            raise PermanentFailure(Reason.NOT_SUPPORTED, "该网站不接收附件，而公告带有附件")

    def _receipt(self, words: Words, submission: Submission) -> Receipt:
        answers = self._options.answers
        if words.has_any((*answers.not_allowed, *answers.locked, *answers.busy)):
            raise self._not_taken(words, submission)
        if words.has_any(answers.immutable):
            said = self._http.redact(words.messages(answers.messages)) or "渠道答复：已发布，不可修改"
            raise PermanentFailure(Reason.NOT_SUPPORTED, said, evidence=evidence_of(words, self._http))
        duplicate = words.has_any(answers.duplicate)
        if not duplicate and (words.has_any(answers.refused) or not words.has_any(answers.taken)):
            raise self._not_taken(words, submission)
        if ticket := words.find(answers.ticket):
            submission.context.store.step(_TICKET, ticket)  # before anything else: it is the thread back to the notice
        word = words.word_at(self._options.told.status)
        # An update or withdrawal that is taken without a word about its state is carried out.
        if word is None:
            public = submission.operation is not Operation.PUBLISH
        else:
            known, withdraws = self._options.words, submission.operation is Operation.WITHDRAW
            public = word in (known.withdrawn if withdraws else known.published)
        parts = [f"受理号 {ticket}" if ticket else "", word or "", "渠道答复：已有此公告" if duplicate else ""]
        return self._told(words, submission, public=public, note="；".join(part for part in parts if part))

    def _not_taken(self, words: Words, submission: Submission) -> ChannelError:
        return not_taken(words, self._options.answers, self._http, submission.context)

    # -- find --------------------------------------------------------------------------------------

    def find(self, submission: Submission) -> Finding:
        """What became of it: under review, public (with the digest of its text), refused, or not there."""
        asked = False
        for request in self._questions(submission):
            words = ask(request, self._http, submission.context)
            if words.has_any(self._options.query.captcha):
                return CannotTell("该网站的查询要求输入验证码，请人工登录核对")
            if not words.has_any(self._options.query.absent):
                return self._finding(words, submission)
            asked = True
        return Absent() if asked else CannotTell("该网站没有查询接口，或没有可查询的受理号和编号")

    def _questions(self, submission: Submission) -> Iterator[Request]:
        """By ticket, and if that is not known (any more) by our key; after an act by the site's number."""
        values = submission_values(submission, self._secrets)
        if submission.operation is not Operation.PUBLISH:
            names = ["path_by_number"] if number_of(submission) else []
        else:
            values["ticket"] = submission.context.store.step(_TICKET) or ""
            names = ["path", "path_by_key"] if values["ticket"] else ["path_by_key"]
        if self._options.findable:
            for name in names:
                if name in self._paths:
                    yield self._get(self._base_url + self._paths[name].render(values), values)

    def _finding(self, words: Words, submission: Submission) -> Finding:
        known = self._options.words
        word = words.word_at(self._options.told.status) if 200 <= words.answer.status < 300 else None
        if word is None:
            raise not_told(words, self._http, submission.context)
        if word in known.published:
            return self._published(words, submission)
        if word in known.refused:
            said = self._http.redact(words.messages(self._options.told.reason))
            raise PermanentFailure(Reason.REFUSED, said or f"渠道{word}，未说明原因", evidence=words.answer.where)
        if word in known.withdrawn:
            return Absent()
        word = self._http.redact(word)[:100]
        if word in known.reviewing:
            return Found(self._told(words, submission, public=False, note=word))
        return Found(self._told(words, submission, public=False, note=f"未知状态：{word}"), unknown_word=word)

    def _published(self, words: Words, submission: Submission) -> Finding:
        html = words.find(self._options.told.content)
        if html is None:
            return Found(self._told(words, submission, public=True))
        missing = self._missing_attachments(words, submission)
        # attachments belong to what is shown: without them it is another text
        digest = text_digest("\n".join([html_to_text(html), *(f"缺附件：{name}" for name in missing)]))
        note = f"渠道上附件缺失或内容不符：{'、'.join(missing)}" if missing else ""
        return Found(self._told(words, submission, public=True, digest=digest, note=note), digest)

    def _missing_attachments(self, words: Words, submission: Submission) -> list[str]:
        files = self._options.query.files
        if files is None or not submission.attachments:
            return []
        values = submission_values(submission, self._secrets)
        return missing_attachments(
            words.list_at(files),
            submission,
            self._http,
            lambda url: self._get(urljoin(f"{self._base_url}/", url), values),
        )

    # -- what both need ----------------------------------------------------------------------------

    def _told(self, words: Words, submission: Submission, **more: Any) -> Receipt:
        told = self._options.told
        url = words.find(told.url)
        number = words.find(told.number) or number_of(submission)
        return Receipt(
            number=self._http.redact.in_text(number) if number else None,
            url=self._http.redact.in_text(urljoin(f"{self._base_url}/", url)) if url else None,
            visible_since=instant(words.find(told.since)),
            **more,
        )

    def _get(self, url: str, values: Values) -> Request:
        """The request for an address; the credential goes along to the site itself only."""
        own = urlsplit(url)[:2] == urlsplit(self._base_url)[:2]
        return Request("GET", url, headers=self._common_headers(values) if own else {}, reading=True)

    def _common_headers(self, values: Values) -> dict[str, str]:
        headers = {name: text.render(values) for name, text in self._headers.items()}
        if self._options.key_header and "key" in self._secrets:
            headers[self._options.key_header] = self._secrets["key"]
        return headers


def _original_number(submission: Submission) -> str | None:
    return submission.references[0].number if submission.references else None
