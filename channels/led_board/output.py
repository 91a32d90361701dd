"""The files of one screen: pages as text and pictures, one moving picture of all, a player page, and the manifest."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import jinja2

from channels.kit.pages import render_shell
from channels.kit.pictures import (
    Picture,
    UnreadablePicture,
    as_bmp,
    as_gif,
    as_one_bit_bmp,
    as_png,
    blank,
    look,
)
from channels.kit.text import one_line
from channels.led_board.options import PALETTES, Options
from channels.led_board.pages import Composed, Composer, Row
from publisher.channel import Item
from publisher.errors import NeedsPerson, Reason
from publisher.notice import LOCAL

SCHEMA_VERSION = 1
"""Of the manifest: raised when a key changes its meaning or goes."""

MANIFEST, MOVING, PLAYER = "manifest.json", "all.gif", "player.html"


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice that is shown: since when and until when (local), the deadline by which it is ordered, its pages."""

    item: Item
    since: datetime | None
    until: datetime | None
    deadline: datetime | None
    composed: Composed


@dataclass(frozen=True, slots=True)
class Screen:
    """The screen that the files are for."""

    name: str
    title: str
    practice: bool
    options: Options


@dataclass(frozen=True, slots=True)
class SetFiles:
    """All files by name, and for each notice the names of its own."""

    files: Mapping[str, bytes]
    of_notice: Mapping[str, tuple[str, ...]]
    frames: int


def set_files(screen: Screen, entries: Sequence[Entry], composer: Composer) -> SetFiles:
    """What lies in the folder while `entries` are shown in this order. Raises NeedsPerson (TEMPLATE_FAULT)."""
    files: dict[str, bytes] = {}
    of_notice: dict[str, tuple[str, ...]] = {}
    listed: list[dict[str, Any]] = []
    pictures: list[Picture] = []
    for entry in entries:
        mine: list[str] = []
        for page in entry.composed.pages:
            picture = composer.picture(page)
            pictures.append(picture)
            made = _page_files(f"{len(pictures):03d}", page, picture)
            files |= made
            mine += made
            listed.append(_listed(entry, len(pictures), len(mine) // len(made), made, screen.options))
        of_notice[entry.item.notice_key] = tuple(mine)
    shown = pictures or [blank(screen.options.width, screen.options.height, PALETTES[screen.options.colour])]
    files[MOVING] = as_gif(shown, screen.options.dwell)
    files[PLAYER] = _player(screen, listed)
    common = {name: sha256(files[name]) for name in (MOVING, PLAYER)}
    files[MANIFEST] = _manifest(screen, listed, common)
    return SetFiles(files, of_notice, sum(1 for _ in groupby(picture.tobytes() for picture in shown)))


def _page_files(number: str, page: Sequence[Row], picture: Picture) -> dict[str, bytes]:
    text = "".join(f"{row.text}\r\n" for row in page)
    return {
        f"{number}.txt": text.encode("gb18030"),
        f"{number}.utf8.txt": codecs.BOM_UTF8 + text.encode("utf-8"),
        f"{number}.bmp": as_bmp(picture),
        f"{number}.1bit.bmp": as_one_bit_bmp(picture),
        f"{number}.png": as_png(picture),
    }


def _listed(entry: Entry, order: int, page: int, made: Mapping[str, bytes], options: Options) -> dict[str, Any]:
    """A page in the manifest."""
    cut = entry.composed.cut
    return {
        "order": order,
        "notice": entry.item.notice_key,
        "number": entry.item.version.number,
        "title": one_line(entry.item.rendition.title),
        "page": page,
        "pages": len(entry.composed.pages),
        "valid_from": _instant(entry.since),
        "valid_until": _instant(entry.until),
        "deadline": _instant(entry.deadline),
        "dwell_seconds": options.dwell,
        "substitutions": dict(entry.composed.replaced),
        "shortened": {"characters": cut.whole, "shown": cut.shown} if cut else None,
        "files": {name: sha256(content) for name, content in made.items()},
    }


def _manifest(screen: Screen, pages: list[dict[str, Any]], common: Mapping[str, str]) -> bytes:
    options = screen.options
    body = {
        "schema_version": SCHEMA_VERSION,
        "practice": screen.practice,
        "channel": screen.name,
        "title": screen.title,
        "screen": {
            "width": options.width,
            "height": options.height,
            "dots": options.dots,
            "colour": options.colour,
            "charset": options.charset,
        },
        "files": dict(common),
        "pages": pages,
    }
    return (json.dumps({"set": _set_name(body), **body}, ensure_ascii=False, indent=1) + "\n").encode()


def _set_name(body: Mapping[str, Any]) -> str:
    """No rising number and no hour of writing: the same set gives the same bytes, and this digest names it."""
    return sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode())


def _player(screen: Screen, pages: Sequence[Mapping[str, Any]]) -> bytes:
    playlist = [
        {"file": f"{page['order']:03d}.png", "seconds": page["dwell_seconds"], "until": page["valid_until"]}
        for page in pages
    ]
    try:
        return render_shell(
            "led_board/player.html.j2",
            title=("【演练】" if screen.practice else "") + one_line(screen.title),
            width=screen.options.width,
            height=screen.options.height,
            playlist=playlist,
        ).encode()
    except jinja2.TemplateError as error:
        raise NeedsPerson(
            Reason.TEMPLATE_FAULT, f"播放页模板有误：{error}", evidence=type(error).__name__, stops_channel=True
        ) from error


def _instant(value: datetime | None) -> str | None:
    return value.astimezone(LOCAL).isoformat(timespec="seconds") if value else None


def sha256(content: bytes) -> str:
    """Digest of a file, as the manifest states it."""
    return hashlib.sha256(content).hexdigest()


def wrong_files(made: SetFiles, screen: Screen, read: Callable[[str], bytes | None]) -> list[str]:
    """Read every file as a screen's editor would: the names of those that are not what they should be.

    Digests are compared with those of the manifest that is there; pictures are decoded and measured.
    """
    manifest = read(MANIFEST)
    if manifest is None or manifest != made.files[MANIFEST]:
        return [MANIFEST]
    told = json.loads(manifest)
    stated = {**told["files"], **{name: digest for page in told["pages"] for name, digest in page["files"].items()}}
    return [
        name
        for name, digest in stated.items()
        if (content := read(name)) is None or sha256(content) != digest or not _is_whole(name, content, made, screen)
    ]


@dataclass(frozen=True, slots=True)
class Told:
    """What the manifest that is there says: the numbers of each notice's pages, and digests of the shared files."""

    orders: Mapping[str, tuple[int, ...]]
    shared: Mapping[str, str]


def told_by(manifest: bytes) -> Told | None:
    """What a manifest says; None: it is none of ours, or was changed."""
    try:
        body = json.loads(manifest)
        if _set_name({name: value for name, value in body.items() if name != "set"}) != body["set"]:
            return None
        orders: dict[str, tuple[int, ...]] = {}
        for page in body["pages"]:
            orders[str(page["notice"])] = (*orders.get(str(page["notice"]), ()), int(page["order"]))
        return Told(orders, {str(name): str(digest) for name, digest in body["files"].items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def page_files(entry: Composed, orders: Sequence[int], composer: Composer) -> dict[str, bytes]:
    """The files of a notice's pages under these order numbers."""
    files: dict[str, bytes] = {}
    for order, page in zip(orders, entry.pages, strict=False):
        files |= _page_files(f"{order:03d}", page, composer.picture(page))
    return files


_BITS = {".1bit.bmp": ("BMP", 1), ".bmp": ("BMP", 24), ".png": ("PNG", 8), ".gif": ("GIF", 0)}


def _is_whole(name: str, content: bytes, made: SetFiles, screen: Screen) -> bool:
    expected = next((what for end, what in _BITS.items() if name.endswith(end)), None)
    if expected is None:
        return True
    try:
        seen = look(content)
    except UnreadablePicture:
        return False
    form, bits = expected
    frames = made.frames if form == "GIF" else 1
    size = (screen.options.width, screen.options.height)
    return (seen.form, seen.width, seen.height, seen.frames) == (form, *size, frames) and bits in (0, seen.bits)


def text_as_read(names: Sequence[str], read: Callable[[str], bytes | None]) -> str:
    """What the page texts among these files say, in order."""
    return "\n".join((read(name) or b"").decode("utf-8-sig") for name in names if name.endswith(".utf8.txt"))
