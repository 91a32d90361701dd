"""XML of the exchange standard of public-resource platforms: records with a name, a text and codes.

Provinces spell the element names alike but not the same (NOTICE_NAME, noticeName), so names are compared without case
and underscores. Amounts are left to the text: BID_AMOUNT is in 万元 in one province and in 元 in another.
"""

from __future__ import annotations

import re

from lxml import etree

from publisher.errors import Reason
from publisher.intake.readers.document import Document, returned
from publisher.intake.readers.plain import decode, join_lines, paragraphs
from publisher.intake.readers.web import from_markup, html_safe

MAX_RECORDS = 1000
_CONTENTS = (
    "noticecontent",
    "publicitycontent",
    "bulletincontent",
    "winbidbulletincontent",
    "terminationbulletincontent",
)
_TITLES = ("noticename", "publicityname", "bulletinname", "winbidbulletintitle", "terminationbulletintitle", "title")
_LABELS = {
    "tenderprojectcode": "项目编号",
    "purchaseprojectcode": "项目编号",
    "projectcode": "项目编号",
    "purchaseprojectname": "项目名称",
    "tenderprojectname": "项目名称",
    "projectname": "项目名称",
    "tenderername": "招标人",
    "tenderagencyname": "招标代理机构",
    "purchaseragencyname": "采购代理机构",
    "biddocreferendtime": "投标截止时间",
    "bidopentime": "开标时间",
    "publicitystarttime": "公示开始时间",
    "publicityendtime": "公示结束时间",
    "winbidbulletinstarttime": "首次公告日期",
}
"""Elements whose value is a field, and the label that each stands for; the first of two with one label counts."""
_COLUMNS = (
    (("winbidbulletincontent",), "成交信息"),
    (("terminationbulletincontent",), "变更公告"),
    (("publicitycontent",), "中标候选人公示"),
    (("winbiddername",), "中标结果公告"),
)
_STAMP = re.compile(r"(20\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\d\d")
_ROOT = re.compile(
    rb"\A\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.{0,2000}?-->\s*)*"
    rb"(?:<!DOCTYPE\s+(?!html)[^\[>]{0,200}(?:\[.{0,2000}?\])?\s*>\s*)?<([A-Za-z_][\w.-]*)[\s/>]",
    re.S | re.I,
)
_HTML_ROOTS = frozenset(
    "html head body meta title table tbody tr td div p h1 h2 h3 h4 h5 h6 span br b i u font center style script a ul"  # noqa: SIM905
    " ol section article form img link pre blockquote strong em".split()
)


def is_exchange(head: bytes) -> bool:
    """Whether the beginning of a file is XML whose root is no element of a web page."""
    found = _ROOT.match(head)
    return found is not None and found.group(1).lower().decode("ascii") not in _HTML_ROOTS


def read_exchange(data: bytes) -> tuple[Document, ...]:
    """A document per record that carries a text. Raises `NoticeReturned`; definitions in the XML are refused."""
    text = html_safe(decode(data))
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise returned(Reason.NOT_BY_SCHEMA, "XML 中含有不允许的定义（DOCTYPE），请重新导出后放入。")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except (etree.XMLSyntaxError, ValueError):
        raise returned(Reason.NOT_BY_SCHEMA, "XML 格式有误或未复制完整，请重新导出后放入。") from None
    records = [node for node in root.iter() if _has_content(node)]
    if not records:
        detail = "XML 中没有公告内容（如 NOTICE_CONTENT、PUBLICITY_CONTENT），请改用 .docx 或按格式导出。"
        raise returned(Reason.NOT_BY_SCHEMA, detail)
    if len(records) > MAX_RECORDS:
        raise returned(Reason.NOT_BY_SCHEMA, f"XML 中的公告超过 {MAX_RECORDS} 条，请分开放入。")
    return tuple(_document(node) for node in records)


def _name(node: etree._Element) -> str:
    tag = node.tag if isinstance(node.tag, str) else ""
    return tag.rpartition("}")[2].replace("_", "").lower()


def _has_content(node: etree._Element) -> bool:
    return any(_name(child) in _CONTENTS for child in node)


def _document(node: etree._Element) -> Document:
    values = {_name(child): "".join(child.itertext()).strip() for child in node if isinstance(child.tag, str)}
    title = next((values[name] for name in _TITLES if values.get(name)), None)
    content = next(values[name] for name in _CONTENTS if name in values)
    pairs: dict[str, str] = {}
    for name, label in _LABELS.items():
        if value := values.get(name):
            pairs.setdefault(label, _STAMP.sub(r"\1-\2-\3 \4:\5", value))
    column = next((word for names, word in _COLUMNS if any(values.get(name) for name in names)), None)
    if "<" in content:
        read = from_markup(content)
        return Document(read.body_html, title, column, tuple(pairs.items()), warnings=read.warnings)
    return Document(paragraphs(join_lines(content)), title, column, tuple(pairs.items()))
