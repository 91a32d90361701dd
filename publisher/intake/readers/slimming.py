"""A Word package without what its reader does not use: it builds a slow tree of everything it is given.

An empty document of an office program brings nine thousand elements of styles; of these only the names count here.
"""

from __future__ import annotations

import io
import re
import zipfile

from lxml import etree

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STYLES, _DOCUMENT = "word/styles.xml", "word/document.xml"
_OF_RUN = {f"{_W}{name}" for name in ("b", "i", "u", "vertAlign", "strike", "rStyle", "vanish", "webHidden", "caps")}
_OF_PARAGRAPH = {f"{_W}{name}" for name in ("pStyle", "numPr", "ind", "jc", "rPr")}
_LEFT_OUT = {f"{_W}{name}" for name in ("proofErr", "bookmarkStart", "bookmarkEnd", "lastRenderedPageBreak", "sectPr")}


def slimmed(data: bytes) -> bytes:
    """The same `.docx` with the names of its styles, without pictures' bytes and without properties nobody reads.

    Raises what zipfile and lxml raise for a package that is out of shape.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as package, zipfile.ZipFile(out, "w") as copy:
        used = _styles_used(package)
        for item in package.infolist():
            if not item.filename.endswith((".xml", ".rels")) or _UNREAD.match(item.filename):
                continue  # pictures are counted by what refers to them
            text = package.read(item)
            if item.filename == _STYLES:
                text = _names_of_styles(text, used)
            elif item.filename == _DOCUMENT:
                text = _plain(text)
            copy.writestr(item.filename, text)
    return out.getvalue()


def _parsed(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))


_UNREAD = re.compile(
    r"(?:docProps|customXml)/|word/(?:theme/|glossary/|settings|webSettings|fontTable|stylesWithEffects|header\d|footer\d)"
)
_USES_STYLE = re.compile(rb'<w:(?:p|r|tbl)Style\b[^>]*?\bw:val="([^"]*)"')


def _styles_used(package: zipfile.ZipFile) -> set[str]:
    """The styles that the text names, wherever it stands (notes and headers too)."""
    names = [name for name in package.namelist() if name.endswith(".xml") and not _UNREAD.match(name)]
    parts = [name for name in names if name != _STYLES]
    found = {style for name in parts for style in _USES_STYLE.findall(package.read(name))}
    return {style.decode("utf-8", "replace") for style in found}


def _names_of_styles(data: bytes, used: set[str]) -> bytes:
    """Id, type, name and numbering of the styles that are used, built anew: leaving out the rest takes much longer."""
    if not used:
        return etree.tostring(etree.Element(f"{_W}styles"), encoding="UTF-8", xml_declaration=True)
    old = _parsed(data)
    root = etree.Element(old.tag, nsmap=old.nsmap)
    for style in old.iterfind(f"{_W}style"):
        if style.get(f"{_W}styleId") not in used:
            continue
        kept = etree.SubElement(root, style.tag, dict(style.attrib))
        name, numbers = style.find(f"{_W}name"), style.find(f"{_W}pPr/{_W}numPr")
        if name is not None:
            kept.append(name)
        if numbers is not None:
            etree.SubElement(kept, f"{_W}pPr").append(numbers)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _plain(data: bytes) -> bytes:
    root = _parsed(data)
    for node in list(root.iter(*_LEFT_OUT)):
        parent = node.getparent()
        if parent is not None:
            parent.remove(node)
    for node in root.iter(f"{_W}rPr"):
        _keep(node, _OF_RUN)
    for node in root.iter(f"{_W}pPr"):
        _keep(node, _OF_PARAGRAPH)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _keep(node: etree._Element, names: set[str]) -> None:
    for child in list(node):
        if child.tag not in names:
            node.remove(child)
