"""A workbook as a clerk leaves it: cells are filled in, the rest of the file stays as it is."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from lxml import etree

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def fill(path: Path, cells: Mapping[tuple[str, str], float | str | None], *, error: bool = False) -> None:
    """Put values into cells, by (sheet, cell); None empties one; with `error` texts are what a formula shows."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    names = re.findall(rb'<sheet name="([^"]+)"', files["xl/workbook.xml"])
    for (sheet, cell), value in cells.items():
        part = f"xl/worksheets/sheet{names.index(sheet.encode()) + 1}.xml"
        tree = etree.fromstring(files[part])
        (found,) = [one for one in tree.iter(f"{{{_MAIN}}}c") if one.get("r") == cell]
        _put(found, value, error=error)
        files[part] = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def _put(cell: etree._Element, value: float | str | None, *, error: bool) -> None:
    for child in list(cell):
        cell.remove(child)
    cell.attrib.pop("t", None)
    if value is None:
        return
    if isinstance(value, str) and not error:
        cell.set("t", "inlineStr")
        etree.SubElement(etree.SubElement(cell, f"{{{_MAIN}}}is"), f"{{{_MAIN}}}t").text = value
        return
    if error:
        cell.set("t", "e")
    etree.SubElement(cell, f"{{{_MAIN}}}v").text = str(value)


def sheet_xml(data: bytes, number: int) -> etree._Element:
    """The XML of the sheet of that number, from 1."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return etree.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))
