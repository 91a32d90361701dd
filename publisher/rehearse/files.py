"""Writes a notice as one of the files that staff have: text, web page, data file or Word."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from html import escape

import docx

FORMATS = ("txt", "html", "json", "docx")


def file_bytes(form: str, title: str, lines: Sequence[str], title_of_class: str) -> bytes:
    """The bytes of a notice in a format of `FORMATS`."""
    if form == "txt":
        return "\r\n".join([title, *lines, ""]).encode("gb18030")
    if form == "html":
        body = "".join(f"<p>{escape(line)}</p>" for line in lines)
        head = f'<html><head><meta charset="utf-8"><title>{escape(title)}</title></head><body>'
        return f'{head}<p align="center">{escape(title)}</p><div class="content">{body}</div></body></html>'.encode()
    if form == "json":
        record = {"公告标题": title, "业务类型": title_of_class, "正文": "\n".join(lines)}
        return json.dumps(record, ensure_ascii=False).encode()
    document = docx.Document()
    for line in (title, *lines):
        document.add_paragraph(line)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()
