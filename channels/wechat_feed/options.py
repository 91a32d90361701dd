"""What can be set of the feed."""

from __future__ import annotations

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Options(BaseModel):
    """The adapter's keys in `channels.toml`.

    base_url       where the output folder is served
    feed_title     title of the feed and the list page (default: the channel's title)
    author         whom readers see as the source (default: the channel's title)
    max_entries    how many of the newest notices the feeds hold; pages and list hold all
    window         how many of the newest pages are made and read back at each showing; of the older ones as many in
                   turn, and what is gone of them is made again
    tag_authority  first part of every entry id, `host,year` (default: host of `base_url`, 2017);
                   to be set before the pages move to another host, or every reader sees all as new
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    base_url: str
    feed_title: str = ""
    author: str = ""
    max_entries: Annotated[int, Field(ge=1, strict=True)] = 50
    window: Annotated[int, Field(ge=1, strict=True)] = 1000
    tag_authority: Annotated[str, Field(pattern=r"^([a-z0-9.-]+,\d{4}(-\d\d){0,2})?$")] = ""

    @model_validator(mode="after")
    def _feeds_are_made_of_what_is_given(self) -> Self:
        if self.window < self.max_entries:
            raise ValueError("window must not be less than max_entries: the feeds hold what is made at each showing")
        return self

    @field_validator("base_url")
    @classmethod
    def _complete(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be the http(s) address of the folder, such as https://ggzy.example.gov.cn/wx/")
        return url.rstrip("/") + "/"
