"""Files as offices hand them in, built in memory: Word, workbook, ZIP, PDF and old binary Word."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

import docx

Block = str | Sequence[Sequence[str]]


def docx_of(*blocks: Block) -> bytes:
    """A `.docx`: a text is a paragraph, a list of rows a table."""
    document = docx.Document()
    for block in blocks:
        if isinstance(block, str):
            document.add_paragraph(block)
            continue
        table = document.add_table(rows=len(block), cols=max(len(row) for row in block))
        for number, row in enumerate(block):
            for column, text in enumerate(row):
                table.cell(number, column).text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def zip_of(files: Mapping[str, bytes], *, encoding: str = "utf-8", packed: bool = True) -> bytes:
    """A ZIP; with another encoding the names are written as old Windows programs do, without the UTF-8 flag."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            shown = name if encoding == "utf-8" else name.encode(encoding).decode("cp437")
            entry = _Raw(shown) if encoding != "utf-8" else zipfile.ZipInfo(shown)
            entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            archive.writestr(entry, data)
    return out.getvalue()


class _Raw(zipfile.ZipInfo):
    """An entry whose name goes out in code page 437 as it is."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("cp437"), self.flag_bits & ~0x800


def xlsx_of(rows: Sequence[Sequence[str | float]]) -> bytes:
    """A workbook of one sheet, texts inline."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = []
        for column, value in enumerate(row):
            place = f"{chr(65 + column)}{number}"
            if isinstance(value, str):
                cells.append(f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>')
            else:
                cells.append(f'<c r="{place}"><v>{value}</v></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return zip_of(
        {
            "[Content_Types].xml": (
                f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
                f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
                f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>'
            ).encode(),
            "_rels/.rels": (
                f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
                f'Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
            ).encode(),
            "xl/workbook.xml": (
                f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets>'
                f'<sheet name="公告" sheetId="1" r:id="r1"/></sheets></workbook>'
            ).encode(),
            "xl/_rels/workbook.xml.rels": (
                f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
                f'Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
            ).encode(),
            "xl/worksheets/sheet1.xml": (
                f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData></worksheet>'
            ).encode(),
        }
    )


_SECTOR = 512


def ole_of(streams: Mapping[str, bytes]) -> bytes:
    """A compound file with these streams, each of 4096 bytes or more (shorter ones are padded)."""
    padded = {name: data.ljust(4096, b"\x00") for name, data in streams.items()}
    sectors: list[bytes] = []
    chain: list[int] = []
    entries = [_entry("Root Entry", 5, 0xFFFFFFFE, 0, child=1)]
    for number, (name, data) in enumerate(padded.items(), 1):
        start, count = len(sectors), -(-len(data) // _SECTOR)
        sectors += [data[i * _SECTOR : (i + 1) * _SECTOR].ljust(_SECTOR, b"\x00") for i in range(count)]
        chain += [*range(start + 1, start + count), 0xFFFFFFFE]
        entries.append(_entry(name, 2, start, len(data), right=number + 1 if number < len(padded) else None))
    directory = b"".join(entries)
    directory += bytes(-len(directory) % _SECTOR)
    first, count = len(sectors), len(directory) // _SECTOR
    sectors += [directory[i * _SECTOR : (i + 1) * _SECTOR] for i in range(count)]
    chain += [*range(first + 1, first + count), 0xFFFFFFFE]
    tables = 1
    while (len(chain) + tables) > tables * 128:
        tables += 1
    begin = len(sectors)
    chain += [0xFFFFFFFD] * tables
    chain += [0xFFFFFFFF] * (tables * 128 - len(chain))
    sectors += [struct.pack("<128I", *chain[i * 128 : (i + 1) * 128]) for i in range(tables)]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, tables, first, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", *range(begin, begin + tables), *[0xFFFFFFFF] * (109 - tables))
    return header + b"".join(sectors)


def _entry(name: str, kind: int, start: int, size: int, *, child: int | None = None, right: int | None = None) -> bytes:
    raw = name.encode("utf-16-le") + b"\x00\x00"
    none = 0xFFFFFFFF
    links = struct.pack("<III", none, none if right is None else right, none if child is None else child)
    return (
        raw.ljust(64, b"\x00")
        + struct.pack("<HBB", len(raw), kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def doc_of(text: str, *, encrypted: bool = False, deleted: bool = False, numbered: bool = False) -> bytes:
    """An old Word file: \\r ends a paragraph, \\x07 a cell.

    `deleted` marks its characters as a tracked deletion, `numbered` its paragraphs as members of a list.
    """
    body = text.encode("utf-16-le")
    pieces = b"\x02" + struct.pack("<I", 16) + struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, 1024, 0)
    page_at = (1024 + len(body) + _SECTOR - 1) // _SECTOR
    characters = struct.pack("<III", 1024, 1024 + len(body), page_at)
    paragraphs = struct.pack("<III", 1024, 1024 + len(body), page_at + 1)
    fib = bytearray(1024)
    struct.pack_into("<HH", fib, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", fib, 10, 0x0200 | (0x0100 if encrypted else 0))
    struct.pack_into("<H", fib, 32, 14)
    struct.pack_into("<H", fib, 62, 22)
    struct.pack_into("<i", fib, 64 + 12, len(text))
    struct.pack_into("<H", fib, 152, 93)
    struct.pack_into("<II", fib, 154 + 33 * 8, 0, len(pieces))
    struct.pack_into("<II", fib, 154 + 12 * 8, len(pieces), 12)
    struct.pack_into("<II", fib, 154 + 13 * 8, len(pieces) + 12, 12)
    # a toggle before the property that matters, so that a reader has to step over it
    run = struct.pack("<HBHB", 0x0835, 1, 0x0800 if deleted else 0x0836, 1)
    listed = struct.pack("<HHH", 0, 0x460B, 1 if numbered else 0)
    pages = _page(b"", run, 1) + _page(b"\x00" * 12, listed, 13)
    main = bytes(fib) + body.ljust(page_at * _SECTOR - 1024, b"\x00") + pages
    return ole_of({"WordDocument": main, "1Table": pieces + characters + paragraphs})


def _page(rest: bytes, run: bytes, entry: int) -> bytes:
    """A page of formatting with one run; its size counts bytes for characters, half words for paragraphs."""
    page = bytearray(_SECTOR)
    page[8 : 8 + entry] = b"\x64" + rest
    size = len(run) if entry == 1 else (len(run) + 1) // 2 + (1 if len(run) % 2 == 0 else 0)
    page[200 : 201 + len(run)] = bytes([size]) + run
    page[511] = 1
    return bytes(page)


def pdf_of(pages: Sequence[Sequence[str]], *, grid: Sequence[Sequence[str]] = ()) -> bytes:
    """A PDF with a line of text per entry; `grid` is drawn as a ruled table at the foot of the first page."""
    objects: list[bytes] = [b"", b""]
    font = (
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts["
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>"
        b"/FontDescriptor<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/FontBBox[0 -200 1000 900]/ItalicAngle 0"
        b"/Ascent 880/Descent -120/CapHeight 700/StemV 90>>>>]>>"
    )
    objects.append(font)
    kids = []
    for number, lines in enumerate(pages):
        content = b"".join(_line(text, 60, 780 - 20 * at) for at, text in enumerate(lines))
        if number == 0 and grid:
            content += _ruled(grid)
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
            % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[0] = b"<</Type/Catalog/Pages 2 0 R>>"
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    out, places = b"%PDF-1.4\n", []
    for number, item in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)


def _line(text: str, x: float, y: float, size: int = 12) -> bytes:
    return b"BT /F1 %d Tf %g %g Td <%s> Tj ET\n" % (size, x, y, text.encode("utf-16-be").hex().encode())


def _ruled(grid: Sequence[Sequence[str]]) -> bytes:
    width, height, left, top = 120, 24, 60, 400
    columns, rows = max(len(row) for row in grid), len(grid)
    out = b"0.5 w\n"
    for at in range(rows + 1):
        out += b"%d %d m %d %d l S\n" % (left, top - at * height, left + columns * width, top - at * height)
    for at in range(columns + 1):
        out += b"%d %d m %d %d l S\n" % (left + at * width, top, left + at * width, top - rows * height)
    for number, row in enumerate(grid):
        for column, text in enumerate(row):
            out += _line(text, left + column * width + 4, top - number * height - 16, 9)
    return out
