"""Worlds of the municipal site: a practice site, and options that describe three kinds of interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from channels.municipal_site import MunicipalSite
from channels.practice.site import PracticeSite
from publisher.channel import ChannelConfig
from tests.support.builders import a_config
from tests.support.channel_contract import SECRET, Held, Trouble

FORM_OPTIONS: Mapping[str, Any] = {
    "encoding": "form",
    "charset": "gbk",
    "idempotency_header": "",
    "takes_attachments": False,
    "submit": {
        "path": "/form/notices",
        "fields": {
            "password": "{{ secrets.key }}",
            "key": "{{ key }}",
            "title": "{{ title }}",
            "body": "{{ body }}",
            "original_number": "{{ original_number }}",
        },
    },
    "answers": {
        "locked": [{"matches": "登录失败"}],
        "duplicate": [{"matches": "请勿重复提交"}],
        "refused": [{"matches": "提交失败"}],
        "success": [{"matches": "发布成功"}],
        "number": {"pattern": "编号：([^，<]+)"},
        "url": {"pattern": "地址：([^，<]+)"},
        "messages": [{"pattern": "提交失败：([^<]+)"}],
    },
    "query": {
        "path": "/form/query?key={{ key | urlencode }}",
        "absent": [{"matches": "查无此公告"}],
        "found": [{"matches": "查询结果：已发布"}],
        "number": {"pattern": "编号：([^，<]+)"},
        "url": {"pattern": "地址：([^，<]+)"},
        "page_xpath": "//*[@id='notice-text']",
    },
}
"""A site with a form in GBK that answers in words, cannot be sent anything twice, and shows its text on a page."""

JSON_OPTIONS: Mapping[str, Any] = {
    "idempotent_for": "30d",
    "operations": ["publish", "update", "withdraw"],
}
"""A site with an interface in JSON that remembers keys and carries out every operation."""

PAGES_OPTIONS: Mapping[str, Any] = {
    "upload": {
        "encoding": "raw",
        "headers": {"X-File-Name": "{{ item.name | urlencode }}", "X-Key": "{{ key }}"},
    },
    "query": {"page_xpath": "//*[@id='notice-text']"},
}
"""A site with an interface in JSON that forgets keys, takes bare attachments, and is read back from its pages."""

_SWITCHES: Mapping[Trouble, Mapping[str, object]] = {
    Trouble.SLOW: {"slow": 60},
    Trouble.REFUSING: {"refuse_title": "曲阜市"},
    Trouble.LOCKED_OUT: {"key": "another"},
    Trouble.ANSWER_LOST: {"fail": "reset_after_store"},
    Trouble.ERROR_BEFORE: {"fail": "500_before_store"},
    Trouble.ERROR_AFTER: {"fail": "500_after_store"},
    Trouble.UNKNOWN_WORD: {"fail": "unknown_word"},
    Trouble.EMPTY_ANSWER: {"fail": "empty"},
    Trouble.ERROR_IN_SUCCESS: {"fail": "error_in_200"},
    Trouble.BUSY: {"fail": "429", "retry_after": 120},
    Trouble.CANNOT_ASK: {"fail_query": "503"},
    Trouble.LATE_FIND: {"query_after": 3600},
    Trouble.OTHER_TEXT: {"garble": True},
    Trouble.FILES_REFUSED: {"fail_files": 100},
    Trouble.FILES_LOST: {"lose_files": True},
}


class SiteWorld:
    """A practice site and the adapter that `options` make for it."""

    def __init__(
        self,
        adapter: Callable[[ChannelConfig], MunicipalSite],
        folder: Path,
        options: Mapping[str, Any],
        *,
        idempotent: bool,
        form: bool = False,
    ) -> None:
        self._adapter = adapter
        self.options = dict(options)
        self.form = form
        self._well = {
            "idempotent": idempotent,
            "key": SECRET,
            **{name: value for change in _SWITCHES.values() for name, value in _defaults(change).items()},
        } | {"key": SECRET}
        self.site = PracticeSite(folder, switches=self._well).start()

    @property
    def takes_files(self) -> bool:
        return not self.form

    def adapter(self, **more: Any) -> MunicipalSite:
        options = {"base_url": self.site.base_url, **self.options, **more}
        return self._adapter(a_config(options=options, secrets={"key": SECRET}))

    def held(self) -> Sequence[Held]:
        return [
            Held(
                key=item["key"],
                title=item["title"],
                text=item["body"],
                files=tuple(file["name"] for file in item["files"]),
                quotes=item["original_number"],
                number=item["number"],
            )
            for item in self.site.items()
            if item["state"] == "public"
        ]

    def uploads(self) -> int:
        return sum(path == "/api/files" for _, path in self.site.seen)

    def reached(self) -> int:
        return len(self.site.seen)

    def trouble(self, kind: Trouble) -> None:
        if kind is Trouble.DOWN:
            self.site.down()
        elif kind is Trouble.ERROR_IN_SUCCESS and self.form:
            self.site.switch(refuse_title="曲阜市")  # the form says everything with status 200
        else:
            self.site.switch(**_SWITCHES[kind])

    def mend(self) -> None:
        self.site.switch(**self._well)
        self.site.up()

    def close(self) -> None:
        self.site.stop()


def _defaults(change: Mapping[str, object]) -> dict[str, object]:
    kinds: dict[type, Callable[[], object]] = {str: str, int: int, bool: bool, float: float}
    return {name: kinds[type(value)]() for name, value in change.items()}
