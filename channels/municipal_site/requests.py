"""The requests of a municipal site, made from its options: what the templates say with what a notice holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from channels.kit.http import Request, form_body, json_body, multipart_body
from channels.kit.templates import Fields, Text
from channels.municipal_site.options import SiteOptions, Submit, Update, Upload, Withdraw
from publisher.channel import Attachment, Submission
from publisher.delivery import Operation
from publisher.errors import NeedsPerson, Reason

Values = Mapping[str, Any]
"""The variables of the templates."""


@dataclass(frozen=True, slots=True)
class _Act:
    """One kind of request, compiled."""

    method: str
    path: Text
    fields: Fields


def _act(name: str, part: Submit | Update | Withdraw | Upload) -> _Act:
    return _Act(part.method, Text(f"{name}.path", part.path), Fields(f"{name}.fields", part.fields))


def number_of(submission: Submission) -> str | None:
    """The number that the site gave on the last receipt."""
    return submission.last_receipt.number if submission.last_receipt else None


class Requests:
    """Makes the requests of one site. Raises SettingsError for templates that are wrong."""

    def __init__(self, options: SiteOptions, secrets: Mapping[str, str]) -> None:
        self._options = options
        self._secrets = dict(secrets)
        self._acts = {
            operation: _Act(
                part.method, Text(f"{operation}.path", part.path), Fields(f"{operation}.fields", part.fields)
            )
            for operation, part in (
                (Operation.PUBLISH, options.submit),
                (Operation.UPDATE, options.update),
                (Operation.WITHDRAW, options.withdraw),
            )
        }
        upload = options.upload
        self._upload = _Act(upload.method, Text("upload.path", upload.path), Fields("upload.fields", upload.fields))
        self._headers = {name: Text(f"headers.{name}", text) for name, text in options.headers.items()}
        self._upload_headers = {name: Text(f"upload.headers.{name}", text) for name, text in upload.headers.items()}
        self._by_key = Text("query.path", options.query.path)
        by_number = options.query.path_by_number
        self._by_number = Text("query.path_by_number", by_number) if by_number is not None else None

    def values(self, submission: Submission) -> dict[str, Any]:
        """The variables for one submission; `attachments` is empty until they are uploaded."""
        notice = submission.version.notice
        references = [
            {
                "number": reference.number or "",
                "url": reference.url or "",
                "project_no": reference.project_no or "",
                "title": reference.title or "",
                "first_published": reference.first_published.isoformat() if reference.first_published else "",
            }
            for reference in submission.references
        ]
        last = submission.last_receipt
        return {
            "key": submission.delivery_key,
            "notice_key": submission.notice_key,
            "title": submission.rendition.title,
            "body": submission.rendition.text,
            "text": notice.text,
            "kind": notice.kind.value,
            "kind_label": notice.kind.label,
            "form": notice.form.value,
            "project_class": notice.project_class.value,
            "project_class_label": notice.project_class.label,
            "project_no": notice.project_no or "",
            "project_name": notice.project_name or "",
            "number": (last.number if last else None) or "",
            "url": (last.url if last else None) or "",
            "original_number": references[0]["number"] if references else "",
            "original_url": references[0]["url"] if references else "",
            "references": references,
            "attachments": [],
            "secrets": self._secrets,
        }

    def operation(self, operation: Operation, values: Values) -> Request:
        """The request that carries an operation out."""
        act = self._acts[operation]
        fields = act.fields.render(values)
        assert isinstance(fields, dict)
        if self._options.encoding == "json":
            body, content_type = json_body(fields)
        else:
            body, content_type = form_body(_flat(fields), self._options.charset)
        headers = self._common_headers(values) | {"Content-Type": content_type}
        if self._options.idempotency_header:
            headers[self._options.idempotency_header] = values["key"]
        return Request(act.method, self._options.base_url + act.path.render(values), body, headers)

    def upload(self, attachment: Attachment, position: int, values: Values) -> Request:
        """The request that brings one attachment."""
        options = self._options.upload
        with_item = {**values, "item": attachment_values(attachment), "position": position}
        headers = self._common_headers(with_item)
        headers |= {name: text.render(with_item) for name, text in self._upload_headers.items()}
        if options.encoding == "raw":
            body, content_type = attachment.read(), attachment.ref.media_type
        else:
            fields = self._upload.fields.render(with_item)
            assert isinstance(fields, dict)
            texts = {name: text for name, text in fields.items() if isinstance(text, str)}
            file = (_ascii_name(attachment, position), attachment.read(), attachment.ref.media_type)
            body, content_type = multipart_body({**texts, options.file_field: file})
        headers["Content-Type"] = content_type
        url = self._options.base_url + self._upload.path.render(with_item)
        return Request(options.method, url, body, headers)

    def query(self, submission: Submission) -> Request | None:
        """The question what the site holds of a delivery; None where it cannot be asked."""
        path = self._by_key if submission.operation is Operation.PUBLISH else self._by_number
        if not self._options.findable or path is None:
            return None
        if submission.operation is not Operation.PUBLISH and number_of(submission) is None:
            return None
        return self._get(self._options.base_url + path.render(self.values(submission)), submission)

    def read(self, url: str, submission: Submission) -> Request:
        """The request for a page whose address the site has told.

        The credential goes along to the site itself only.
        """
        address = self.address(url)
        if urlsplit(address)[:2] == urlsplit(self._options.base_url)[:2]:
            return self._get(address, submission)
        return Request("GET", address, reading=True)

    def _get(self, url: str, submission: Submission) -> Request:
        return Request("GET", url, headers=self._common_headers(self.values(submission)), reading=True)

    def address(self, url: str) -> str:
        """An address as the site prints it, made whole."""
        return urljoin(f"{self._options.base_url}/", url)

    def _common_headers(self, values: Values) -> dict[str, str]:
        headers = {name: text.render(values) for name, text in self._headers.items()}
        if self._options.key_header and "key" in self._secrets:
            headers[self._options.key_header] = self._secrets["key"]
        return headers


def attachment_values(attachment: Attachment, ref: str = "") -> dict[str, Any]:
    """What templates see of an attachment; `ref` is what the site names it by."""
    of = attachment.ref
    return {"name": of.name, "size": of.size, "media_type": of.media_type, "sha256": of.sha256, "ref": ref}


def _ascii_name(attachment: Attachment, position: int) -> str:
    ending = "".join(c for c in attachment.ref.name.rpartition(".")[2] if c.isascii() and c.isalnum())
    return f"{position}.{ending or 'bin'}"


def _flat(fields: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """A form has no tables in it: texts, and lists of texts."""
    for name, value in fields.items():
        if isinstance(value, dict) or (isinstance(value, list) and not all(isinstance(v, str) for v in value)):
            raise NeedsPerson(Reason.TEMPLATE_FAULT, f"表单字段 {name} 只能是文字或文字列表")
    return dict(fields)
