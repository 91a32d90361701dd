"""HTML: sanitised and rebuilt as plain paragraphs, lists and tables; nothing is fetched or followed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

import nh3
from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from publisher.errors import Problem, Reason
from publisher.intake.readers.document import Document, returned
from publisher.intake.readers.plain import decode

_INLINE = {"b": "b", "strong": "b", "i": "i", "em": "i", "u": "u", "sub": "sub", "sup": "sup"}
_HEADINGS = {"h1": "h1", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h5", "h6": "h6"}
_BLOCKS = {
    "html", "body", "div", "section", "article", "header", "footer", "main", "aside", "center", "form", "fieldset",
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody",
    "tfoot", "tr", "td", "th", "blockquote", "pre", "hr", "address", "figure", "figcaption", "nav",
}  # fmt: skip
_DROPPED = {
    "head", "script", "style", "template", "noscript", "iframe", "object", "embed", "applet", "input", "button",
    "select", "textarea", "option", "svg", "math", "audio", "video", "canvas", "map", "link", "meta", "title", "base",
    "nav", "aside", "footer",
}  # fmt: skip
_ALLOWED = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "table", "thead", "tbody", "tr", "td", "th", "caption",
    "b", "i", "u", "sub", "sup", "br", "a",
}  # fmt: skip
_ATTRIBUTES = {"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "a": {"href"}, "ol": {"start"}}
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")
_CRUMB = re.compile(r"^\s*(?:您?(?:的)?(?:当前|现在|所在)的?位置)\s*[：:]?")
_BUTTONS = re.compile(
    r"\s*(?:[\[【〖(（]?\s*(?:返回顶部|打印本?页?|关闭(?:窗口|本页)?|返回|收藏|分享|字体|大|中|小)\s*[\]】〗)）]?[\s|｜·：:]*)+"
)
_FOOTER = re.compile(
    r"\s*(?:网站地图|关于我们|联系我们|郑重声明|版权所有|隐私声明|设为首页)(?:[\s|｜·]+\S{2,8}){1,8}\s*"
)
_IMPRINT = re.compile(
    r"ICP\s*备|公网安备|网站标识码|版权所有|copyright|(?:主办|承办|版权).{2,60}技术支持|技术支持.{2,60}(?:主办|承办|版权)",
    re.I,
)
_NEIGHBOUR = re.compile(r"\s*(?:上|下)一(?:篇|条|页|则)\s*[：:].{0,120}")
_MORE = re.compile(r"\s*(?:相关(?:信息|公告|链接|阅读|新闻|推荐)|热门\S{2}|最新(?:公告|信息|动态)|更多\s*[>＞»+]*)\s*")
_COUNTER = re.compile(
    r"[\[【（(]?\s*(?:(?:阅读|浏览|点击|访问)(?:次数|量|数)?\s*[：:]\s*\d*\s*次?|字[体号]\s*[：:]?\s*(?:[\[【（(]?\s*[大中小]\s*[\]】）)]?\s*){1,3}"
    r"|[\[【（(]\s*(?:打印|关闭|收藏|分享)(?:本页|窗口)?\s*[\]】）)])\s*[\]】）)]?"
)
"""What a site prints beside the date of a page: how often it was read, sizes of letters, buttons."""
_FILE_LINK = re.compile(r"\.(?:pdf|docx?|xlsx?|wps|et|zip|rar|7z|ofd|dwg|png|jpe?g)\b|附件|下载", re.I)
_LONGEST_FURNITURE = 240
_LEAKED_CSS = re.compile(
    r"[\w.#*\-, :]{1,60}\{\s*[\w\-]{2,30}\s*:[^{};]{1,200}(?:;\s*[\w\-]{2,30}\s*:[^{};]{1,200})*;?\s*\}\s*"
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.I)
MAX_DEPTH = 200
"""Deepest nesting that is walked; deeper markup is no document that an office writes."""


def sanitise(fragment: str) -> str:
    """The fragment with nothing but headings, paragraphs, lists, tables, plain emphasis and http(s) links."""
    return nh3.clean(
        fragment,
        tags=_ALLOWED,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def read_html(data: bytes) -> Document:
    """A saved web page or an HTML fragment, in whatever Chinese encoding. Raises `NoticeReturned`."""
    return from_markup(decode(data))


def from_markup(markup: str, *, unwrap_layout: bool = True) -> Document:
    """The document in `markup`: title and breadcrumb told apart, page furniture and Word clutter gone."""
    try:
        root = document_fromstring(
            html_safe(markup),
            parser=HTMLParser(remove_comments=True, remove_pis=True, no_network=True),
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise returned(Reason.EMPTY_BODY, "文件中没有可读的正文，请补充正文后重新放入。") from None
    page = _Page(unwrap_layout)
    title = _title(root)
    body = sanitise("".join(page.blocks(root, 0)).replace(_OPEN_LINK, "").replace(_CLOSE_LINK, ""))
    warnings = []
    if page.pictures:
        detail = f"文件中有 {page.pictures} 张图片；发布内容只含文字和表格，图片未纳入，请核对预览。"
        warnings.append(Problem(Reason.CANNOT_BE_SHOWN, detail, "body_html"))
    return Document(body_html=body, title=title, column=page.column, warnings=tuple(warnings))


def html_safe(markup: str) -> str:
    """The markup without characters that no parser takes, and without a declaration of another encoding."""
    markup = re.sub(r"^\s*<\?xml[^>]*\?>", "", markup)
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ue000\ue001]", "", markup)


def _title(root: HtmlElement) -> str | None:
    for path in (
        "//meta[translate(@name,'AT','at')='articletitle']/@content",
        "//h1",
        "//h2",
        "//h3",
        "//h4",
        "//title",
    ):
        for found in _texts(root, path):
            if 4 <= len(found) <= 200 and not found.rstrip().endswith(("：", ":")):
                return found
    return None


def _texts(root: HtmlElement, path: str) -> Iterable[str]:
    found = root.xpath(path)
    for item in found if isinstance(found, list) else []:
        text = item if isinstance(item, str) else str(item.text_content()) if isinstance(item, HtmlElement) else ""
        yield _SPACE.sub(" ", text).strip()


class _Page:
    """Rebuilds a page as flat blocks; what it left out or found beside the text is kept in its fields."""

    def __init__(self, unwrap_layout: bool) -> None:
        self.column: str | None = None
        self.pictures = 0
        self._unwrap = unwrap_layout

    def blocks(self, node: HtmlElement, depth: int) -> list[str]:
        """The blocks within `node`, loose text wrapped in paragraphs."""
        out: list[str] = []
        run: list[str] = [html.escape(node.text or "", quote=False)]
        for child in node:
            if _is_block(child) and not _skipped(child):
                self._flush(run, out)
                out.extend(self._block(child, depth + 1))
            else:
                run.append(self._inline(child, depth + 1))
            run.append(html.escape(child.tail or "", quote=False))
        self._flush(run, out)
        return out

    def _flush(self, run: list[str], out: list[str], tag: str = "p") -> None:
        text = _tidy("".join(run))
        run.clear()
        plain = _plain(text)
        if plain and len(plain) <= _LONGEST_FURNITURE and _COUNTER.search(plain):
            plain = _SPACE.sub(" ", _COUNTER.sub("", plain)).strip(" \u3000|｜")
            text = html.escape(plain, quote=False)
        if not plain or self._furniture(plain) or _only_links(text, 2):
            return
        out.append(f"<{tag}>{text}</{tag}>")

    def _furniture(self, plain: str) -> bool:
        if _CRUMB.match(plain) and len(plain) < 200:
            self.column = self.column or _CRUMB.sub("", plain).strip()
            return True
        if len(plain) <= _LONGEST_FURNITURE and _IMPRINT.search(plain):
            return True
        return any(form.fullmatch(plain) for form in (_BUTTONS, _FOOTER, _NEIGHBOUR, _MORE))

    def _block(self, node: HtmlElement, depth: int) -> list[str]:
        tag = str(node.tag)
        if depth > MAX_DEPTH:
            raise returned(Reason.UNSAFE_ARCHIVE, "文件的嵌套层次异常，请用 Word 打开后另存为 .docx 重新放入。")
        if tag == "table":
            return self._table(node, depth)
        if tag in ("ul", "ol"):
            return self._list(node, depth)
        if (tag in _HEADINGS or tag in ("p", "caption", "dt", "dd")) and not any(_is_block(child) for child in node):
            out: list[str] = []
            self._flush([self._content(node, depth)], out, _HEADINGS.get(tag, "p"))
            return out
        return self.blocks(node, depth)

    def _list(self, node: HtmlElement, depth: int) -> list[str]:
        items = [child for child in node if child.tag == "li"]
        if not items:
            return self.blocks(node, depth)
        inner = ["".join(self._unparagraphed(self.blocks(item, depth + 1))) for item in items]
        if _only_links("".join(inner), 2):
            return []
        listed = "".join(f"<li>{text}</li>" for text in inner if text)
        tag = str(node.tag)
        return [f"<{tag}>{listed}</{tag}>"] if listed else []

    @staticmethod
    def _unparagraphed(blocks: list[str]) -> list[str]:
        """A lone paragraph loses its tag: a cell or list item needs none."""
        if len(blocks) == 1 and blocks[0].startswith("<p>"):
            return [blocks[0][3:-4]]
        return blocks

    def _table(self, node: HtmlElement, depth: int) -> list[str]:
        rows = [row for row in node.iter("tr") if _owner(row) is node]
        cells = [[cell for cell in row if cell.tag in ("td", "th")] for row in rows]
        if self._unwrap and _is_layout(node, cells):
            return [block for row in cells for cell in row for block in self.blocks(cell, depth + 1)]
        out = []
        for row in cells:
            inner = "".join(self._cell(cell, depth + 1) for cell in row)
            if inner:
                out.append(f"<tr>{inner}</tr>")
        captions = [block for child in node if child.tag == "caption" for block in self._block(child, depth + 1)]
        return captions + ([f"<table>{''.join(out)}</table>"] if out else [])

    def _cell(self, cell: HtmlElement, depth: int) -> str:
        spans = ""
        for name in ("colspan", "rowspan"):
            value = str(cell.get(name) or "").strip()
            if value.isdigit() and 1 < int(value) <= 1000:
                spans += f' {name}="{int(value)}"'
        tag = str(cell.tag)
        return f"<{tag}{spans}>{''.join(self._unparagraphed(self.blocks(cell, depth)))}</{tag}>"

    def _content(self, node: HtmlElement, depth: int) -> str:
        parts = [html.escape(node.text or "", quote=False)]
        for child in node:
            parts.append(self._inline(child, depth + 1))
            parts.append(html.escape(child.tail or "", quote=False))
        return "".join(parts)

    def _inline(self, node: HtmlElement, depth: int) -> str:
        if not isinstance(node.tag, str) or depth > MAX_DEPTH or _skipped(node):
            return ""
        tag = node.tag.lower()
        if tag == "br":
            return "<br>"
        if tag == "img":
            self.pictures += 1 if (node.get("src") or "").strip() else 0
            return ""
        inner = self._content(node, depth)
        if tag == "a":
            return f"{_OPEN_LINK}{self._link(node, inner)}{_CLOSE_LINK}"
        plain = _INLINE.get(tag)
        return f"<{plain}>{inner}</{plain}>" if plain and inner.strip() else inner

    @staticmethod
    def _link(node: HtmlElement, inner: str) -> str:
        href = str(node.get("href") or "").strip()
        if href.lower().startswith("javascript:"):
            return "" if _BUTTONS.fullmatch(html.unescape(inner)) else inner
        if re.match(r"https?://", href, re.I) and inner.strip():
            return f'<a href="{html.escape(href)}">{inner}</a>'
        return inner


_OPEN_LINK, _CLOSE_LINK = "\ue000", "\ue001"
"""Where a link begins and ends while a page is rebuilt, also one whose address is left out."""
_LINK = re.compile(f"{_OPEN_LINK}([^{_OPEN_LINK}{_CLOSE_LINK}]*){_CLOSE_LINK}")


def _plain(text: str) -> str:
    bare = re.sub(r"<[^>]*>", "", text).replace(_OPEN_LINK, "").replace(_CLOSE_LINK, "")
    return html.unescape(bare).strip()


def _only_links(text: str, fewest: int) -> bool:
    """Whether a line or list is a site's navigation: some links and nothing else, none of them to a file."""
    found = _LINK.findall(text)
    if len(found) < fewest or _FILE_LINK.search(text):
        return False
    return not re.sub(r"[\s|｜·、，>＞»\-\[\]【】]", "", _plain(_LINK.sub("", text)))


def _tidy(text: str) -> str:
    text = _SPACE.sub(" ", text)
    if "{" in text:
        text = _LEAKED_CSS.sub(" ", text)
    text = re.sub(r"^(?: |<br>)+|(?: |<br>)+$", "", text)
    text = re.sub(r" ?<br> ?", "<br>", text)
    return re.sub(r"</(b|i|u|sub|sup)><\1>", "", text)


def _is_block(node: HtmlElement) -> bool:
    return isinstance(node.tag, str) and (
        node.tag in _BLOCKS
        or (node.tag not in ("a", "br", "img") and any(child.tag in _BLOCKS for child in node.iter()))
    )


def _skipped(node: HtmlElement) -> bool:
    return not isinstance(node.tag, str) or node.tag in _DROPPED or bool(_HIDDEN.search(node.get("style") or ""))


def _owner(row: HtmlElement) -> HtmlElement | None:
    """The table that a row belongs to."""
    return next((parent for parent in row.iterancestors() if parent.tag == "table"), None)


def _is_layout(node: HtmlElement, cells: list[list[HtmlElement]]) -> bool:
    """A table that only places things: it holds tables, or it is one row of at most one cell."""
    if any(child.tag == "table" for child in node.iterdescendants()):
        return True
    return len(cells) == 1 and len(cells[0]) <= 1
