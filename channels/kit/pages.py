"""Pages for the phone: the shells around a text, and the text made fit for WeChat's article rules.

Rules (WeChat's article structure specification): styles inline only, no script, no `font-family`,
no fixed width wider than the column, nothing placed absolutely, tables with widths in per cent.
None of this changes a character of the text.
"""

from __future__ import annotations

import hashlib
import html
import importlib.resources
import re
from functools import cache
from importlib.metadata import version

import jinja2
import lxml.html
import nh3

from channels.kit.text import legal
from publisher.notice import html_to_text, text_digest

_KEPT_TAGS = frozenset(
    {"p", "div", "section", "br", "hr", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"span", "strong", "b", "em", "i", "u", "s", "sub", "sup", "a", "img"}
    | {"ul", "ol", "li", "dl", "dt", "dd"}
    | {"table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th"}
)
_DROPPED_WITH_CONTENT = frozenset({"script", "style", "template", "noscript"})
_KEPT_ATTRIBUTES = {
    "*": {"style"},
    "a": {"href"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
}
_KEPT_STYLES = {
    "text-align": frozenset({"left", "center", "right", "justify"}),
    "font-weight": frozenset({"bold", "normal"}),
    "font-style": frozenset({"italic", "normal"}),
    "text-decoration": frozenset({"underline", "line-through", "none"}),
}
_PICTURE = re.compile(r"(https?://|data:image/(png|jpeg|gif);base64,)", re.IGNORECASE)
_LINK = re.compile(r"https?://", re.IGNORECASE)

_CELL = "border:1px solid #999;padding:4px 5px;overflow-wrap:normal;"  # an amount broken over two lines is misread
_STYLES = {
    "table": "border-collapse:collapse;font-size:14px;line-height:1.5;margin:10px 0;",
    "td": _CELL,
    "th": _CELL,
    "img": "max-width:100%;height:auto;",
    **{f"h{level}": "font-size:17px;line-height:1.6;margin:14px 0 6px;" for level in range(1, 7)},
}
_COLUMNS_THAT_FIT = 4
_PERCENT_PER_COLUMN = 24


class NotShowable(ValueError):
    """A text that cannot be put on a page unchanged; the message says why, in Chinese."""


@cache
def edition() -> str:
    """Changes with every release of the program and every change of the shells: then pages are made anew."""
    folder = importlib.resources.files("templates") / "wechat_feed"
    shells = sorted((item.name, item.read_bytes()) for item in folder.iterdir() if item.name.endswith(".j2"))
    seen = hashlib.sha256(version("notice-publisher").encode())
    for name, content in shells:
        seen.update(f"\n{name} {len(content)}\n".encode() + content)
    return seen.hexdigest()


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _source(name: str) -> str | None:
    file = importlib.resources.files("templates").joinpath(*name.split("/"))
    return file.read_text(encoding="utf-8") if file.is_file() else None


def render_shell(name: str, **values: object) -> str:
    """Fill the shell `name` (below the package `templates`). Raises `jinja2.TemplateError`."""
    return _environment().get_template(name).render(values)


def phone_html(fragment: str) -> str:
    """The fragment as a phone shows it: the same text, with only those tags and inline styles that are allowed.

    Links and pictures stay where their address is complete. A table with more columns than fit is
    wider than its frame, which can be moved sideways. Raises `NotShowable` if the text would change
    or a picture be lost.
    """
    given = legal(fragment)
    clean = nh3.clean(
        given,
        tags=set(_KEPT_TAGS),
        clean_content_tags=set(_DROPPED_WITH_CONTENT),
        attributes={tag: set(names) for tag, names in _KEPT_ATTRIBUTES.items()},
        attribute_filter=_attribute,
        url_schemes={"http", "https", "data"},
        link_rel=None,
    )
    shown = _styled(clean)
    if text_digest(html_to_text(shown)) != text_digest(html_to_text(given)):
        raise NotShowable("正文的网页代码有错，整理后文字会改变")
    return shown


def text_as_html(text: str) -> str:
    """Plain text as a fragment: a paragraph per line."""
    return "\n".join(f"<p>{html.escape(line)}</p>" for line in legal(text).splitlines() if line.strip())


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "style":
        return _style(value)
    if name == "href":
        return value if _LINK.match(value) else None
    if name == "src":
        return value if _PICTURE.match(value) else None
    return value


def _style(value: str) -> str | None:
    kept = []
    for declaration in value.lower().split(";"):
        name, _, wanted = (part.strip() for part in declaration.partition(":"))
        if wanted in _KEPT_STYLES.get(name, ()):
            kept.append(f"{name}:{wanted};")
    return "".join(kept) or None


def _styled(clean: str) -> str:
    root = lxml.html.fragment_fromstring(clean, create_parent="div")
    for element in list(root.iterdescendants()):
        style = _STYLES.get(str(element.tag), "")
        if element.tag == "table":
            style = f"width:{_table_width(element)}%;{style}"
        elif element.tag == "p" and any(True for _ in element.iterancestors("td", "th")):
            style = "margin:0;"
        elif element.tag == "img" and "src" not in element.attrib:
            raise NotShowable("正文中的图片没有可用的地址")
        if style:
            element.set("style", style + element.get("style", ""))
    for table in root.xpath(".//table[not(ancestor::table)]"):
        _frame(table)
    whole = lxml.html.tostring(root, encoding="unicode")
    return whole.removeprefix("<div>").removesuffix("</div>").strip()


def _table_width(table: lxml.html.HtmlElement) -> int:
    columns = max((sum(_span(cell) for cell in row if cell.tag in ("td", "th")) for row in table.iter("tr")), default=1)
    fits = columns <= _COLUMNS_THAT_FIT or any(True for _ in table.iterancestors("table"))
    return 100 if fits else columns * _PERCENT_PER_COLUMN


def _span(cell: lxml.html.HtmlElement) -> int:
    span = cell.get("colspan", "1").strip()
    return int(span) if re.fullmatch(r"[1-9][0-9]?", span) else 1


def _frame(table: lxml.html.HtmlElement) -> None:
    parent = table.getparent()
    if parent is None:
        return
    frame = lxml.html.Element("section", style="overflow-x:auto;max-width:100%;")
    parent.replace(table, frame)
    frame.tail, table.tail = table.tail, None
    frame.append(table)
