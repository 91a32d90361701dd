"""Attachments of a notice for a web site: brought before the text, once each, and looked at afterwards.

A public text with dead links to the bidding documents is worse than no text: if one attachment cannot be
brought, the text is not sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from channels.kit.answers import Options, Place, Rule, Words
from channels.kit.http import Http, Request, multipart_body, status_error
from channels.kit.submissions import Values, attachment_values
from channels.kit.templates import Fields, Text
from publisher.channel import Attachment, Submission
from publisher.errors import ChannelError, OutcomeUnknown, PermanentFailure, TransientFailure


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


class Uploads:
    """Brings the attachments of one site. Raises SettingsError for templates that are wrong.

    `headers` gives what every request to the site carries; `judge` the error that an answer stands for
    which is not success.
    """

    def __init__(
        self,
        options: Upload,
        base_url: str,
        http: Http,
        headers: Callable[[Values], dict[str, str]],
        judge: Callable[[Words, Submission], ChannelError],
    ) -> None:
        self._options = options
        self._base_url = base_url
        self._http = http
        self._common = headers
        self._judge = judge
        self._path = Text("upload.path", options.path)
        self._fields = Fields("upload.fields", options.fields)
        self._headers = {name: Text(f"upload.headers.{name}", text) for name, text in options.headers.items()}

    def bring(self, submission: Submission, values: Values) -> list[dict[str, Any]]:
        """Bring what an earlier attempt has not brought; gives what the site names each by. Raises ChannelError."""
        store = submission.context.store
        brought = []
        for position, attachment in enumerate(submission.attachments, start=1):
            step = _step(position, attachment)
            ref = store.step(step)
            if not ref:
                ref = self._bring(attachment, position, submission, values)
                store.step(step, ref)
            brought.append(attachment_values(attachment, ref))
        return brought

    def forget(self, submission: Submission) -> None:
        """The site refused the text: the next try brings every attachment anew.

        What a site keeps without a notice it may throw away, and a refusal may be of just that.
        """
        for position, attachment in enumerate(submission.attachments, start=1):
            step = _step(position, attachment)
            if submission.context.store.step(step):
                submission.context.store.step(step, "")

    def _bring(self, attachment: Attachment, position: int, submission: Submission, values: Values) -> str:
        request = self._request(attachment, position, values)
        name = attachment.ref.name
        try:
            words = Words(self._http.call(request, submission.context))
            if words.has_any(self._options.success) and (ref := words.find(self._options.ref)):
                return ref
            raise self._judge(words, submission)
        except OutcomeUnknown as error:
            # nothing is public yet: bringing it once more is harmless
            raise TransientFailure(
                error.reason, f"附件“{name}”未能确认送达", evidence=error.evidence, channel_wide=False
            ) from None
        except PermanentFailure as error:
            raise PermanentFailure(
                error.reason, f"附件“{name}”：{error.detail}，正文未发布", evidence=error.evidence
            ) from None

    def _request(self, attachment: Attachment, position: int, values: Values) -> Request:
        with_item = {**values, "item": attachment_values(attachment), "position": position}
        headers = self._common(with_item)
        headers |= {name: text.render(with_item) for name, text in self._headers.items()}
        if self._options.encoding == "raw":
            body, content_type = attachment.read(), attachment.ref.media_type
        else:
            fields = self._fields.render(with_item)
            assert isinstance(fields, dict)  # as its template is
            texts = {name: text for name, text in fields.items() if isinstance(text, str)}
            file = (_ascii_name(attachment, position), attachment.read(), attachment.ref.media_type)
            body, content_type = multipart_body({**texts, self._options.file_field: file})
        headers["Content-Type"] = content_type
        return Request(self._options.method, self._base_url + self._path.render(with_item), body, headers)


def _step(position: int, attachment: Attachment) -> str:
    """The step under which it is kept what the site names an attachment by; empty: it has to be brought anew."""
    return f"attachment {position} {attachment.ref.sha256}"


def _ascii_name(attachment: Attachment, position: int) -> str:
    ending = "".join(c for c in attachment.ref.name.rpartition(".")[2] if c.isascii() and c.isalnum())
    return f"{position}.{ending or 'bin'}"


def missing_attachments(
    shown: Sequence[Any],
    submission: Submission,
    http: Http,
    read: Callable[[str], Request],
    *,
    name_at: str = "name",
    url_at: str = "url",
) -> list[str]:
    """Names of the attachments that the site does not show with exactly our bytes.

    `shown`: the site's list, each with a name and an address; `read` makes the request for an address.
    Raises TransientFailure where it cannot be asked.
    """
    entries = [entry for entry in shown if isinstance(entry, Mapping)]
    missing = []
    for attachment in submission.attachments:
        name = attachment.ref.name
        urls = [entry.get(url_at) for entry in entries if entry.get(name_at) == name]
        if not any(_shows(read(str(url)), attachment, submission, http) for url in urls):
            missing.append(name)
    return missing


def _shows(request: Request, attachment: Attachment, submission: Submission, http: Http) -> bool:
    try:
        page = http.call(replace(request, max_answer=attachment.ref.size), submission.context)
    except OutcomeUnknown:
        return False  # longer than ours
    error = status_error(page, submission.context, reading=True)
    if isinstance(error, TransientFailure):
        raise error
    return error is None and hashlib.sha256(page.body).hexdigest() == attachment.ref.sha256
