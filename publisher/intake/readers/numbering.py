"""Word's automatic numbers made text: 一、, 1., （一） are part of what is published; HTML lists do not count so."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_DOCUMENT, _NUMBERING, _STYLES = "word/document.xml", "word/numbering.xml", "word/styles.xml"
_DIGITS = "〇一二三四五六七八九"
_CHINESE = {
    "chineseCounting", "chineseCountingThousand", "ideographTraditional", "japaneseCounting", "taiwaneseCounting",
    "taiwaneseCountingThousand", "ideographDigital", "chineseLegalSimplified",
}  # fmt: skip
_LARGEST = 9999


def _q(name: str) -> str:
    return f"{{{_W}}}{name}"


@dataclass(frozen=True, slots=True)
class _Level:
    """One level of a list: `text` is its pattern (`第%1条`), `style` the paragraph style it belongs to."""

    form: str
    text: str
    start: int
    space: str
    style: str | None


_Lists = Mapping[str, tuple[str, Mapping[int, _Level]]]
"""By list number: the definition that several lists may share the count of, and its levels."""


def with_numbers(data: bytes) -> bytes:
    """The same `.docx` with every automatic number written out. Bullets stay as they are.

    Raises what zipfile and lxml raise for a package that is out of shape.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        names = set(package.namelist())
        if _NUMBERING not in names:
            return data
        content = package.read(_DOCUMENT)
        if b"numPr" not in content and b"pStyle" not in content:
            return data
        document = _parsed(content)
        lists = _lists(_parsed(package.read(_NUMBERING)))
        styles = _style_numbers(_parsed(package.read(_STYLES))) if _STYLES in names else {}
        if not _write_numbers(document, lists, styles):
            return data
        out = io.BytesIO()
        text = etree.tostring(document, xml_declaration=True, encoding="UTF-8", standalone=True)
        with zipfile.ZipFile(out, "w") as copy:
            for item in package.infolist():
                copy.writestr(item.filename, text if item.filename == _DOCUMENT else package.read(item))
        return out.getvalue()


def _parsed(data: bytes) -> etree._Element:
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False))


def _value(node: etree._Element | None, default: str = "") -> str:
    return default if node is None else str(node.get(_q("val"), default))


def _whole(text: str, default: int) -> int:
    return int(text) if re.fullmatch(r"\d{1,6}", text) else default


def _lists(numbering: etree._Element) -> _Lists:
    definitions = {}
    for definition in numbering.iter(_q("abstractNum")):
        levels = {_whole(str(level.get(_q("ilvl"))), 0): _level(level) for level in definition.iter(_q("lvl"))}
        definitions[str(definition.get(_q("abstractNumId")))] = levels
    found: dict[str, tuple[str, Mapping[int, _Level]]] = {}
    for item in numbering.iter(_q("num")):
        number, base = str(item.get(_q("numId"))), _value(item.find(_q("abstractNumId")))
        restarts = item.find(f".//{_q('startOverride')}") is not None
        if base in definitions:
            found[number] = (f"{base}:{number}" if restarts else base, definitions[base])
    return found


def _level(level: etree._Element) -> _Level:
    return _Level(
        form=_value(level.find(_q("numFmt")), "decimal"),
        text=_value(level.find(_q("lvlText"))),
        start=_whole(_value(level.find(_q("start"))), 1),
        space=" " if _value(level.find(_q("suff")), "tab") == "space" else "",
        style=_value(level.find(_q("pStyle"))) or None,
    )


def _style_numbers(styles: etree._Element) -> Mapping[str, tuple[str, str]]:
    """List number and level of every paragraph style that numbers, its own or inherited."""
    own: dict[str, tuple[str, str]] = {}
    parents: dict[str, str] = {}
    for style in styles.iter(_q("style")):
        name = str(style.get(_q("styleId")))
        parents[name] = _value(style.find(_q("basedOn")))
        numbers = style.find(f"{_q('pPr')}/{_q('numPr')}")
        if numbers is not None:
            own[name] = (_value(numbers.find(_q("numId"))), _value(numbers.find(_q("ilvl"))))
    found = {}
    for name in parents:
        at, steps = name, 0
        while at and at not in own and steps < 20:
            at, steps = parents.get(at, ""), steps + 1
        if at in own:
            found[name] = own[at]
    return found


def _write_numbers(document: etree._Element, lists: _Lists, styles: Mapping[str, tuple[str, str]]) -> bool:
    counts: dict[str, dict[int, int]] = {}
    written = False
    for paragraph in document.iter(_q("p")):
        numbered = _numbered(paragraph, lists, styles)
        if numbered is None:
            continue
        key, levels, at = numbered
        label = _label(counts.setdefault(key, {}), levels, at)
        if label:
            _prepend(paragraph, label + levels[at].space)
            written = True
    return written


def _numbered(
    paragraph: etree._Element, lists: _Lists, styles: Mapping[str, tuple[str, str]]
) -> tuple[str, Mapping[int, _Level], int] | None:
    """The list, its levels and the level of a numbered paragraph that has text; None for others and for bullets."""
    style = _value(paragraph.find(f"{_q('pPr')}/{_q('pStyle')}"))
    number, level = styles.get(style, ("", ""))
    direct = paragraph.find(f"{_q('pPr')}/{_q('numPr')}")
    if direct is not None:
        number = _value(direct.find(_q("numId"))) or number
        level = _value(direct.find(_q("ilvl"))) or level
    if number not in lists or not any((text.text or "").strip() for text in paragraph.iter(_q("t"))):
        return None
    key, levels = lists[number]
    at = _whole(level, -1)
    if at < 0:
        at = next((index for index, one in levels.items() if one.style == style), 0)
    if at not in levels or levels[at].form == "bullet":
        return None
    return key, levels, at


def _label(counts: dict[int, int], levels: Mapping[int, _Level], at: int) -> str:
    counts[at] = counts[at] + 1 if at in counts else levels[at].start
    for deeper in [level for level in counts if level > at]:
        del counts[deeper]

    def number(match: re.Match[str]) -> str:
        level = int(match[1]) - 1
        if level not in levels:
            return ""
        return shown(counts.setdefault(level, levels[level].start), levels[level].form)

    return re.sub(r"%([1-9])", number, levels[at].text)


def shown(value: int, form: str) -> str:
    """A count in the form that Word names: decimal, Chinese, letters, Roman, circled."""
    if form in _CHINESE:
        return chinese(value)
    if form == "decimalEnclosedCircle" and 1 <= value <= 20:
        return chr(0x2460 + value - 1)
    if form in ("lowerLetter", "upperLetter") and value >= 1:
        letter = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letter if form == "lowerLetter" else letter.upper()
    if form in ("lowerRoman", "upperRoman"):
        roman = _roman(value)
        return roman if form == "upperRoman" else roman.lower()
    return "" if form == "none" else str(value)


def chinese(value: int) -> str:
    """1 → 一, 12 → 十二, 120 → 一百二十; figures above 9999 stay figures."""
    if not 0 < value <= _LARGEST:
        return str(value)
    out, gap = "", False
    for unit, word in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, value = divmod(value, unit)
        if digit:
            out += ("零" if gap and out else "") + _DIGITS[digit] + word
            gap = False
        else:
            gap = bool(out)
    return out.removeprefix("一") if out.startswith("一十") else out


def _roman(value: int) -> str:
    out = ""
    for size, word in ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
                       (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):  # fmt: skip
        count, value = divmod(value, size)
        out += word * count
    return out


def _prepend(paragraph: etree._Element, label: str) -> None:
    """Writes the number before the text, and takes the paragraph out of its list."""
    properties = paragraph.find(_q("pPr"))
    if properties is None:
        properties = etree.Element(_q("pPr"))
        paragraph.insert(0, properties)
    numbers = properties.find(_q("numPr"))
    if numbers is not None:
        properties.remove(numbers)
    off = etree.SubElement(properties, _q("numPr"))
    etree.SubElement(off, _q("ilvl")).set(_q("val"), "0")
    etree.SubElement(off, _q("numId")).set(_q("val"), "0")
    run = etree.Element(_q("r"))
    text = etree.SubElement(run, _q("t"))
    text.text = label
    text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    paragraph.insert(list(paragraph).index(properties) + 1, run)
