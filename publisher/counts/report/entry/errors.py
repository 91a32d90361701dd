"""Cells of a workbook that show an error such as #REF!: the reader of workbooks gives them as empty."""

from __future__ import annotations

import io
import posixpath
import zipfile

from lxml import etree

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def error_cells(data: bytes) -> dict[tuple[str, str], str]:
    """(sheet, cell) → what it shows. Raises `zipfile.BadZipFile` or `KeyError` for what is no .xlsx."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        book = etree.fromstring(archive.read("xl/workbook.xml"), parser)
        relations = etree.fromstring(archive.read("xl/_rels/workbook.xml.rels"), parser)
        targets = {one.get("Id"): posixpath.join("xl", str(one.get("Target"))) for one in relations}
        return {
            (str(sheet.get("name")), str(cell.get("r"))): str(cell.findtext(f"{_MAIN}v"))
            for sheet in book.iter(f"{_MAIN}sheet")
            for cell in etree.fromstring(archive.read(targets[sheet.get(_RELATION)].lstrip("/")), parser).iter(
                f"{_MAIN}c"
            )
            if cell.get("t") == "e"
        }
