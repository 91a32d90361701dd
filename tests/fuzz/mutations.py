"""Ways in which a file is spoilt on its way, or made by someone who means ill."""

from __future__ import annotations

import io
import random
import zipfile

TOKENS = (
    b"\x00", b"\xff" * 8, b"<", b"<table>" * 60, b"</td>", b"<td colspan='99999' rowspan=99999>", b"<div>" * 250,
    b"&#0;",
    b"&amp;lt;", b"<![CDATA[", b"]]>", b"<?xml version='1.0'?>", b"{", b"[" * 400, b'"', b"\\u0000", b"1e999", b"-1",
    b"999999999999999999999", "：".encode() * 300, "（".encode() * 200, "一、".encode() * 50, "2017年13月45日".encode(),
    "金额：".encode(), b"9" * 5000, "壹佰".encode() * 300, "第一名".encode() * 40, "\u202e\u200b\ufeff".encode(),
    b"\xd0\xcf\x11\xe0", b"PK\x03\x04", b"PK\x05\x06", b"%PDF-", b"endobj", b"stream\r\n", b"/Kids [1 0 R]", b" 0 R",
    b"---\n", b"charset=utf-7", b"\r\n", b"Content-Type: multipart/related\r\n",
)  # fmt: skip


def mutated(seeds: list[bytes], chance: random.Random) -> bytes:
    """One of the seeds, changed one to six times; of a package, half the time one part and then packed again."""
    data = chance.choice(seeds)
    if data.startswith(b"PK") and chance.random() < 0.6:
        return _repacked(data, chance)
    return _changed(data, seeds, chance)


def _changed(data: bytes, seeds: list[bytes], chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 6)):
        data = chance.choice((_flip, _cut, _drop, _double, _token, _swap))(data, chance)
        if chance.random() < 0.1:
            other = chance.choice(seeds)
            data = data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]
    return _still_text(data) if chance.random() < 0.8 and _is_text(seeds[0]) else data


def _is_text(data: bytes) -> bool:
    return b"\x00" not in data and not data.startswith((b"PK", b"%PDF", b"\xd0"))


def _still_text(data: bytes) -> bytes:
    """Without the bytes that break the encoding: most readers would go no further than those."""
    return data.decode("utf-8", "ignore").replace("\x00", "").encode()


def _at(data: bytes, chance: random.Random) -> int:
    return chance.randrange(len(data) + 1)


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: _at(data, chance)] if chance.random() < 0.3 else data


def _drop(data: bytes, chance: random.Random) -> bytes:
    begin = _at(data, chance)
    return data[:begin] + data[begin + chance.randint(1, 200) :]


def _double(data: bytes, chance: random.Random) -> bytes:
    begin = _at(data, chance)
    part = data[begin : begin + chance.randint(1, 400)]
    return data[:begin] + part * chance.randint(2, 20) + data[begin:]


def _token(data: bytes, chance: random.Random) -> bytes:
    begin = _at(data, chance)
    return data[:begin] + chance.choice(TOKENS) + data[begin:]


def _swap(data: bytes, chance: random.Random) -> bytes:
    one, two = sorted((_at(data, chance), _at(data, chance)))
    return data[two:] + data[one:two] + data[:one] if chance.random() < 0.2 else data


def _repacked(data: bytes, chance: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    name = chance.choice(sorted(parts))
    parts[name] = _changed(parts[name], list(parts.values()), chance)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for part, content in parts.items():
            package.writestr(part, content)
    return out.getvalue()
