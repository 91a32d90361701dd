"""The requests of a municipal site, made from its options: what the templates say with what a notice holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from channels.kit.http import Request, form_body, json_body
from channels.kit.submissions import Values, number_of, submission_values
from channels.kit.templates import Fields, Text
from channels.municipal_site.options import SiteOptions
from publisher.channel import Submission
from publisher.delivery import Operation
from publisher.errors import NeedsPerson, Reason


@dataclass(frozen=True, slots=True)
class _Act:
    """One kind of request, compiled."""

    method: str
    path: Text
    fields: Fields


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
        self._headers = {name: Text(f"headers.{name}", text) for name, text in options.headers.items()}
        self._by_key = Text("query.path", options.query.path)
        by_number = options.query.path_by_number
        self._by_number = Text("query.path_by_number", by_number) if by_number is not None else None

    def values(self, submission: Submission) -> dict[str, Any]:
        """The variables for one submission; `attachments` is empty until they are uploaded."""
        return submission_values(submission, self._secrets)

    def operation(self, operation: Operation, values: Values) -> Request:
        """The request that carries an operation out."""
        act = self._acts[operation]
        fields = act.fields.render(values)
        assert isinstance(fields, dict)
        if self._options.encoding == "json":
            body, content_type = json_body(fields)
        else:
            body, content_type = form_body(_flat(fields), self._options.charset)
        headers = self.headers(values) | {"Content-Type": content_type}
        if self._options.idempotency_header:
            headers[self._options.idempotency_header] = values["key"]
        return Request(act.method, self._options.base_url + act.path.render(values), body, headers)

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
        return Request("GET", url, headers=self.headers(self.values(submission)), reading=True)

    def address(self, url: str) -> str:
        """An address as the site prints it, made whole."""
        return urljoin(f"{self._options.base_url}/", url)

    def headers(self, values: Values) -> dict[str, str]:
        """What every request carries."""
        headers = {name: text.render(values) for name, text in self._headers.items()}
        if self._options.key_header and "key" in self._secrets:
            headers[self._options.key_header] = self._secrets["key"]
        return headers


def _flat(fields: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """A form has no tables in it: texts, and lists of texts."""
    for name, value in fields.items():
        if isinstance(value, dict) or (isinstance(value, list) and not all(isinstance(v, str) for v in value)):
            raise NeedsPerson(Reason.TEMPLATE_FAULT, f"表单字段 {name} 只能是文字或文字列表")
    return dict(fields)
