"""ZIP files: entries are named rightly and unpacked in memory within limits; nothing in them is run or followed."""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from publisher.errors import Reason
from publisher.intake.readers.document import returned

MAX_ENTRIES = 200
MAX_TOTAL = 300 * 1024 * 1024
"""Largest total size of all entries when unpacked, in bytes."""
MAX_RATIO = 200
"""Largest factor by which an entry of more than 1 MB may grow."""

_LITTER = re.compile(r"(?:^|/)(?:__MACOSX/|\.DS_Store$|\._|Thumbs\.db$|desktop\.ini$|~\$|~WRL|\.~lock\.)", re.I)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive; `name` is without folders."""

    name: str
    data: bytes


def unpack(data: bytes) -> tuple[Entry, ...]:
    """The files of a ZIP. An archive within it stays closed. Raises `NoticeReturned`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            _check(infos)
            wanted = [(entry_name(info), info) for info in infos]
            return _unique([Entry(name, _bytes(archive, info)) for name, info in wanted if not _LITTER.search(name)])
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        raise returned(Reason.DAMAGED_FILE, "压缩包已损坏或未复制完整，请重新复制一份放入。") from None


def entry_name(info: zipfile.ZipInfo) -> str:
    """The entry's name; without the UTF-8 flag it is GB18030 where that fits (Chinese Windows writes it so)."""
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _check(infos: Sequence[zipfile.ZipInfo]) -> None:
    if any(info.flag_bits & 1 for info in infos):
        raise returned(Reason.PASSWORD_PROTECTED, "压缩包已加密，请去除密码后重新放入。")
    if len(infos) > MAX_ENTRIES:
        raise returned(Reason.UNSAFE_ARCHIVE, f"压缩包内文件超过 {MAX_ENTRIES} 个，请分开放入。")
    if sum(info.file_size for info in infos) > MAX_TOTAL or any(_is_bomb(info) for info in infos):
        raise returned(Reason.UNSAFE_ARCHIVE, "压缩包解压后异常庞大，请解压检查后重新放入。")
    for info in infos:
        name = entry_name(info).replace("\\", "/")
        parts = PurePosixPath(name).parts
        if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in parts or "\x00" in name:
            raise returned(Reason.UNSAFE_ARCHIVE, "压缩包内的路径不安全，请解压检查后重新放入。")
        if stat.S_ISLNK(info.external_attr >> 16):
            raise returned(Reason.UNSAFE_ARCHIVE, "压缩包内含有链接文件，请解压检查后重新放入。")


def _is_bomb(info: zipfile.ZipInfo) -> bool:
    return info.file_size > 1024 * 1024 and info.file_size > MAX_RATIO * max(1, info.compress_size)


def _bytes(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Reads no more than the directory promises, whatever the stream holds."""
    with archive.open(info) as stream:
        data = stream.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise zipfile.BadZipFile("size")
    return data


def _unique(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Folders are dropped from the names where the bare names differ; else they become part of the name."""
    paths = [entry.name.replace("\\", "/") for entry in entries]
    bare = [PurePosixPath(path).name for path in paths]
    if len(set(bare)) < len(bare):
        bare = [path.replace("/", "_") for path in paths]
    return tuple(Entry(name, entry.data) for name, entry in zip(bare, entries, strict=True))
