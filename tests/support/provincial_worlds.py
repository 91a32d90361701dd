"""Worlds of the provincial site: a practice province, and options that describe how it is reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from channels.practice.province import PracticeProvince
from channels.provincial_site import ProvincialSite
from publisher.channel import ChannelConfig, Tier
from tests.support.builders import START, a_config
from tests.support.channel_contract import SECRET, Held, Trouble

REMEMBERS: Mapping[str, Any] = {"idempotent_for": "30d", "operations": ["publish", "update", "withdraw"]}
"""A platform that remembers keys, and on which what is public can be changed."""

FORGETS: Mapping[str, Any] = {}
"""A platform that takes a repeat for a second notice, and on which what is public stays as it is."""

_SWITCHES: Mapping[Trouble, Mapping[str, object]] = {
    Trouble.SLOW: {"slow": 60.0},
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
    Trouble.LATE_FIND: {"query_after": 3600.0},
    Trouble.OTHER_TEXT: {"garble": True},
    Trouble.FILES_REFUSED: {"fail_files": 100},
    Trouble.FILES_LOST: {"lose_files": True},
}
_WELL = {
    "slow": 0.0,
    "refuse_title": "",
    "fail": "",
    "retry_after": 0,
    "fail_query": "",
    "query_after": 0.0,
    "garble": False,
    "fail_files": 0,
    "lose_files": False,
    "key": SECRET,
}


class ProvinceWorld:
    """A practice province and the adapter that `options` make for it.

    `switches` are its own beside those of trouble: as it stands, it publishes at once what it takes.
    """

    takes_files = True

    def __init__(
        self,
        adapter: Callable[[ChannelConfig], ProvincialSite],
        folder: Path,
        options: Mapping[str, Any],
        *,
        clock: Callable[[], datetime] = lambda: START,
        **switches: object,
    ) -> None:
        self._adapter = adapter
        self.options = dict(options)
        self._well = {**_WELL, "auto_publish_after": 0.0, **switches}
        self.province = PracticeProvince(folder, switches=self._well, clock=clock).start()

    def adapter(self, **more: Any) -> ProvincialSite:
        options = {"base_url": self.province.base_url, **self.options, **more}
        config = a_config("prov_site", title="某省平台", tier=Tier.PROVINCIAL, options=options, secrets={"key": SECRET})
        return self._adapter(config)

    def held(self) -> Sequence[Held]:
        return [
            Held(
                key=item["fields"]["sourceDataKey"],
                title=item["fields"]["noticeName"],
                text=item["fields"]["noticeContent"],
                files=tuple(file["name"] for file in item["files"]),
                quotes=item["fields"]["relateNoticeId"],
                number=item["number"],
            )
            for item in self.province.items()
            if item["state"] in {"published", "waiting"}
        ]

    def uploads(self) -> int:
        return sum(path == "/api/files" for _, path in self.province.seen)

    def reached(self) -> int:
        return len(self.province.seen)

    def trouble(self, kind: Trouble) -> None:
        if kind is Trouble.DOWN:
            self.province.down()
        else:
            self.province.switch(**_SWITCHES[kind])

    def mend(self) -> None:
        self.province.switch(**self._well)
        self.province.up()

    def close(self) -> None:
        self.province.stop()
