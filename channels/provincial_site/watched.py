"""A site that another channel feeds: nothing is ever sent there, it is only asked whether the notice has come up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from channels.kit.dates import instant
from channels.kit.http import Http, Request
from channels.kit.judge import ask, not_told
from channels.kit.submissions import submission_values
from channels.kit.templates import Text
from channels.provincial_site.options import ProvinceOptions
from publisher.channel import Absent, Capabilities, ChannelConfig, Fidelity, Finding, Found, Receipt, Submission
from publisher.errors import PermanentFailure, Reason
from publisher.notice import normalise


class Watched:
    """The mode `watched`. Raises SettingsError for options that are wrong."""

    def __init__(self, config: ChannelConfig, options: ProvinceOptions) -> None:
        assert options.base_url is not None  # the options see to that
        self._base_url, self._watch, self._key_header = options.base_url, options.watch, options.key_header
        self._secrets = dict(config.secrets)
        settings = options.http_settings(repeat_is_harmless=True)
        self._http = Http(settings, name=config.name, secrets=config.secrets, practice=config.practice)
        self._by_number = Text("watch.path", options.watch.path)
        self._by_project = Text("watch.path_by_project", options.watch.path_by_project)
        self._headers = {name: Text(f"headers.{name}", text) for name, text in options.headers.items()}
        self.capabilities = Capabilities(
            limits=options.limits.limits(),
            fidelity=options.fidelity or Fidelity.REFLOWED,
            settle_window=options.settle_window,
            asynchronous=True,
            watched_only=True,
            fed_by=options.fed_by,
        )

    def submit(self, submission: Submission) -> Receipt:
        """Never done: the feeding channel does it."""
        raise PermanentFailure(Reason.NOT_SUPPORTED, "该网站由其他渠道转发，不能直接提交")

    def find(self, submission: Submission) -> Finding:
        """Whether it has come up, asked by the feeding channel's number and then by project number."""
        self._http.check_practice(f"{self._base_url}/", submission.context)
        for request, by_project in self._questions(submission):
            words = ask(request, self._http, submission.context)
            if not 200 <= words.answer.status < 300 or not isinstance(words.json, Mapping):
                raise not_told(words, self._http, submission.context)
            if self._watch.items not in words.json:
                raise not_told(words, self._http, submission.context)
            for item in words.list_at(self._watch.items):
                if isinstance(item, Mapping) and self._is_ours(item, submission, by_project=by_project):
                    return Found(self._receipt(item))
        return Absent()

    def _questions(self, submission: Submission) -> Iterator[tuple[Request, bool]]:
        values = submission_values(submission, self._secrets)
        values["feeder_number"] = _feeder_number(submission) or ""
        headers = {name: text.render(values) for name, text in self._headers.items()}
        if self._key_header and "key" in self._secrets:
            headers[self._key_header] = self._secrets["key"]
        wanted = [(values["feeder_number"], self._by_number, False), (values["project_no"], self._by_project, True)]
        for known, path, by_project in wanted:
            if known:
                yield Request("GET", self._base_url + path.render(values), headers=headers, reading=True), by_project

    def _is_ours(self, item: Mapping[str, Any], submission: Submission, *, by_project: bool) -> bool:
        feeder = _feeder_number(submission)
        source = item.get(self._watch.source)
        if source and feeder:
            return str(source) == feeder
        # Of one project there are many notices; only the whole title tells them apart.
        title = normalise(str(item.get(self._watch.title, "")))
        return by_project and title == normalise(submission.rendition.title)

    def _receipt(self, item: Mapping[str, Any]) -> Receipt:
        number, url, since = (_text(item.get(key)) for key in (self._watch.number, self._watch.url, self._watch.since))
        address = urljoin(f"{self._base_url}/", url) if url else None
        if address is not None and urlsplit(address).scheme not in {"http", "https"}:
            address = None
        clean = self._http.redact.in_text
        return Receipt(
            number=clean(number) if number else None,
            url=clean(address) if address else None,
            visible_since=instant(since),
        )


def _feeder_number(submission: Submission) -> str | None:
    return submission.references[0].number if submission.references else None


def _text(value: Any) -> str | None:
    return str(value).strip() or None if isinstance(value, str | int) else None
