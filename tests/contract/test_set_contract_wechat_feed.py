"""The feed keeps the contract of sets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from channels.kit.files import Fault, no_fault
from channels.wechat_feed import WechatFeed
from publisher.channel import Item
from tests.support.builders import a_config
from tests.support.set_contract import SECRET, FileSetContract
from tests.support.sets import full_disk

ATOM = "{http://www.w3.org/2005/Atom}"


class FeedRig:
    """A folder in which the feed writes, and a reader that knows nothing of the program's own readers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def adapter(self, fault: Fault = no_fault) -> WechatFeed:
        config = a_config(
            "wechat_feed",
            title="曲阜公共资源交易",
            folder=self.folder,
            options={"base_url": "http://127.0.0.1:8703/wx"},
            secrets={"key": SECRET},
        )
        return WechatFeed(config, fault=fault)

    def seen(self) -> list[str]:
        atom = ElementTree.fromstring(self._text("feed.atom"))
        rss = ElementTree.fromstring(self._text("feed.rss"))
        views = [
            [entry.findtext(f"{ATOM}title") or "" for entry in atom.iter(f"{ATOM}entry")],
            [item.findtext("title") or "" for item in rss.iter("item")],
            [item["title"] for item in json.loads(self._text("feed.json"))["items"]],
            re.findall(r'<a href="articles/[^"]+"[^>]*>([^<]+)</a>', self._text("index.html")),
            [
                re.findall(r"<title>([^<]+)</title>", page.read_text(encoding="utf-8"))[0]
                for page in (self.folder / "articles").glob("*.html")
            ],
        ]
        found = {tuple(sorted(title.removeprefix("【演练】") for title in view)) for view in views}
        assert len(found) == 1, f"readers of different files see different sets: {found}"
        return list(found.pop())

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def snapshot(self) -> Mapping[str, bytes]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("[!.]*")
            if path.is_file()
        }

    def read_by_people(self, names: Iterable[str]) -> list[str]:
        return [
            name for name in names if name.endswith(".html")
        ]  # feeds are read by programs, and hold the newest only

    @contextmanager
    def broken(self) -> Iterator[None]:
        with full_disk():
            yield

    def unshowable(self, item: Item) -> Item:
        return replace(item, rendition=replace(item.rendition, media_type="application/pdf"))


class TestWechatFeed(FileSetContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> FeedRig:
        return FeedRig(tmp_path / "wx")
