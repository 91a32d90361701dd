"""Which runs of a Word text nobody sees: marked hidden, hidden by their style, white on paper, or a point high."""

from __future__ import annotations

from collections.abc import Collection

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OFF = ("0", "false", "off")
_PAPER = ("", "AUTO", "FFFFFF")
_WHITE = 0xFA
"""From this value of each colour on, on paper, nobody reads a text."""
_TINY = 4
"""Largest size, in half points, that is taken for hidden."""


def hidden_styles(styles: etree._Element | None) -> frozenset[str]:
    """The ids of styles that hide text, by themselves or by the style they are based on."""
    if styles is None:
        return frozenset()
    every = {one.get(f"{W}styleId", ""): one for one in styles.iter(f"{W}style")}
    return frozenset(name for name in every if _hides(name, every, set()))


def _hides(name: str, every: dict[str, etree._Element], seen: set[str]) -> bool:
    style = every.get(name)
    if style is None or name in seen:
        return False
    mark = style.find(f"{W}rPr/{W}vanish")
    if mark is not None:
        return mark.get(f"{W}val") not in _OFF
    base = style.find(f"{W}basedOn")
    return base is not None and _hides(base.get(f"{W}val", ""), every, seen | {name})


def is_hidden(run: etree._Element, styles: Collection[str] = ()) -> bool:
    """Whether nobody sees the text of a run."""
    mark = run.find(f"{W}rPr/{W}vanish")
    if mark is not None:
        return mark.get(f"{W}val") not in _OFF
    return bool(styles and _styles_of(run) & set(styles)) or _is_tiny(run) or (_is_white(run) and _on_paper(run))


def _styles_of(run: etree._Element) -> set[str]:
    paragraph = next(run.iterancestors(f"{W}p"), None)
    marks = [run.find(f"{W}rPr/{W}rStyle")]
    marks += [paragraph.find(f"{W}pPr/{W}pStyle")] if paragraph is not None else []
    return {mark.get(f"{W}val", "") for mark in marks if mark is not None}


def _is_tiny(run: etree._Element) -> bool:
    size = run.find(f"{W}rPr/{W}sz")
    value = size.get(f"{W}val", "") if size is not None else ""
    return value.isdigit() and int(value) <= _TINY


def _is_white(run: etree._Element) -> bool:
    color = run.find(f"{W}rPr/{W}color")
    value = color.get(f"{W}val", "") if color is not None else ""
    if len(value) != 6 or color is None or color.get(f"{W}themeColor") not in (None, "background1"):
        return False
    try:
        return min(bytes.fromhex(value)) >= _WHITE
    except ValueError:
        return False


def _on_paper(run: etree._Element) -> bool:
    """Whether nothing lies between the text and the paper that may have a colour: shade, table style, text box."""
    if run.find(f"{W}rPr/{W}highlight") is not None or _is_shaded(run.find(f"{W}rPr")):
        return False
    for ancestor in run.iterancestors():
        if ancestor.tag == f"{W}p" and _is_shaded(ancestor.find(f"{W}pPr")):
            return False
        if ancestor.tag == f"{W}tc" and _is_shaded(ancestor.find(f"{W}tcPr")):
            return False
        if ancestor.tag == f"{W}tbl" and ancestor.find(f"{W}tblPr/{W}tblStyle") is not None:
            return False
        if ancestor.tag == f"{W}txbxContent":
            return False
    return run.getroottree().find(f".//{W}background") is None


def _is_shaded(properties: etree._Element | None) -> bool:
    shade = properties.find(f"{W}shd") if properties is not None else None
    return shade is not None and shade.get(f"{W}fill", "").upper() not in _PAPER
