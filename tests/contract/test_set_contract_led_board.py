"""The LED board keeps the contract of sets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from channels.kit.files import Fault, no_fault
from channels.led_board import LedBoard
from publisher.channel import Item
from tests.support.builders import a_config
from tests.support.set_contract import SECRET, FileSetContract
from tests.support.sets import full_disk


class BoardRig:
    """The folder of a screen, and an editor that reads manifest and texts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def adapter(self, fault: Fault = no_fault) -> LedBoard:
        config = a_config(
            "hall_led",
            title="大厅LED屏",
            folder=self.folder,
            options={"width": 192, "height": 32, "max_pages_per_item": 3, "full_text_at": "本站"},
            secrets={"key": SECRET},
        )
        return LedBoard(config, fault=fault)

    def seen(self) -> list[str]:
        current = self.folder / "current"
        pages = json.loads((current / "manifest.json").read_text(encoding="utf-8"))["pages"]
        texts: dict[str, list[str]] = {}
        for page in pages:
            gb, utf8 = (current / f"{page['order']:03d}.{end}" for end in ("txt", "utf8.txt"))
            text = gb.read_bytes().decode("gb18030")
            assert utf8.read_bytes().decode("utf-8-sig") == text
            texts.setdefault(page["title"], []).append("".join(text.split("\r\n")))
        for title, lines in texts.items():
            assert "".join(lines).startswith(f"【演练】{title}")
        drawn = {path.name for path in current.glob("*.png")}
        assert drawn == {f"{page['order']:03d}.png" for page in pages}
        return sorted(texts)

    def snapshot(self) -> Mapping[str, bytes]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in (self.folder / "current").rglob("*")
            if path.is_file()
        }

    def read_by_people(self, names: Iterable[str]) -> list[str]:
        return list(names)

    @contextmanager
    def broken(self) -> Iterator[None]:
        with full_disk():
            yield

    def unshowable(self, item: Item) -> Item:
        return replace(item, rendition=replace(item.rendition, title="\ue000祥路工程"))


class TestLedBoard(FileSetContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> BoardRig:
        return BoardRig(tmp_path / "led")
