"""What is mutated: for each format files as offices write them, whole and sound."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support import notice_texts as texts
from tests.support.builders import a_notice
from tests.support.office_files import doc_of, docx_of, pdf_of, xlsx_of, zip_of
from tests.support.other_regions import NOTICES

GRID = [
    ["标段", "中标人", "中标价（元）"],
    ["一标段", "曲阜市建筑公司", "1,234,567.89"],
    ["二标段", "济宁市政公司", "98万元"],
]
OLD = Path(__file__).parent.parent / "data" / "old"
LINES = texts.OPEN_TENDER.splitlines()


def _page(text: str) -> bytes:
    return ("<html><body>" + "".join(f"<p>{line}</p>" for line in text.splitlines()) + "</body></html>").encode()


def _texts() -> list[bytes]:
    plain = [n.text.encode() for n in NOTICES if not n.text.startswith("<")]
    return [*plain, texts.CANDIDATES.encode("gb18030"), texts.CHANGE.encode("utf-16"), texts.RESULT.encode("utf-8-sig")]


def _pages() -> list[bytes]:
    return [n.text.encode() for n in NOTICES if n.text.startswith("<")] + [_page(texts.LAND_OFFER)]


def _archives() -> list[bytes]:
    head = (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n'
    )
    return [
        head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(_page(texts.RESULT)) + b"\r\n--b--"
    ]


def _words() -> list[bytes]:
    return [docx_of(*LINES), docx_of("中标公示", GRID, *texts.CANDIDATES.splitlines())]


def _old_words() -> list[bytes]:
    return [doc_of("\r".join(LINES)), doc_of("成交公告\r项目编号：1\r" + "\x07".join(GRID[0]) + "\x07\x07\r")]


def _workbooks() -> list[bytes]:
    heads = ["公告标题", "项目编号", "项目名称", "采购人", "预算金额（万元）", "投标截止时间"]
    return [xlsx_of([heads, ["某路工程招标公告", "QF-1", "某路工程", "某局", 12.5, "2017年12月28日 09:00"]])]


def _pdfs() -> list[bytes]:
    return [pdf_of([LINES[:30], LINES[30:]]), pdf_of([LINES[:8]], grid=GRID)]


def _data() -> list[bytes]:
    release = {"ocid": "o", "tag": ["tender"], "tender": {"id": "1", "title": "某公告", "value": {"amount": 1.5}}}
    record = {"标题": "某公告", "content": texts.CONTRACT, "项目编号": "1", "fields": {"采购人": "某局"}}
    values = [a_notice().model_dump(mode="json", exclude={"text", "digest"}), {"releases": [release]}, [record]]
    return [json.dumps(value, ensure_ascii=False).encode() for value in values]


def _records() -> list[bytes]:
    inner = "<GCJS_NOTICE><NOTICE_NAME>某工程招标公告</NOTICE_NAME><TENDERER_NAME>某局</TENDERER_NAME><NOTICE_CONTENT>"
    text = "&lt;p&gt;" + texts.WORKS_TENDER.replace("\n", "&lt;/p&gt;&lt;p&gt;")
    return [f"<?xml version='1.0'?><Data>{inner}{text}</NOTICE_CONTENT></GCJS_NOTICE></Data>".encode()]


def _zips() -> list[bytes]:
    inner = {"公告正文.docx": docx_of(*LINES), "清单.xlsx": _workbooks()[0], "说明.yaml": "加急: 是\n".encode()}
    return [zip_of(inner), zip_of({"招标公告.txt": texts.OPEN_TENDER.encode()}, encoding="gb18030", packed=False)]


def _papers() -> list[bytes]:
    """Attachments: they are not read but screened."""
    old = [path.read_bytes() for path in sorted(OLD.glob("experts.*"))]
    return [*old, *_words(), *_workbooks(), *_pdfs(), *_archives(), *_pages()[:1], *_zips()]


SEEDS: Mapping[str, Callable[[], list[bytes]]] = {
    "text": _texts,
    "html": _pages,
    "mht": _archives,
    "docx": _words,
    "doc": _old_words,
    "xlsx": _workbooks,
    "pdf": _pdfs,
    "json": _data,
    "xml": _records,
    "zip": _zips,
    "papers": _papers,
}
"""Files by reader; "papers" are those beside the notice."""
