"""What a PDF carries beside the text one sees, and a copy of it without that.

Found are: names in the properties and in the XMP packet, notes and drawn marks, embedded files, scripts, and text that
nobody sees (drawn invisibly without a scanned page over it, in white on white, or outside the page). The text that a
scanner's reading lays invisibly under the picture of a page belongs to the picture and is left alone.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pypdfium2
from pypdfium2 import raw as pdfium

MAX_PAGES = 400
"""Pages of a PDF that are looked at."""
MAX_OBJECTS = 20_000
"""Objects of one page that are looked at for hidden text; a plan of more lines than that is a drawing."""
_NOTES = {
    pdfium.FPDF_ANNOT_TEXT, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_HIGHLIGHT, pdfium.FPDF_ANNOT_STRIKEOUT,
    pdfium.FPDF_ANNOT_UNDERLINE, pdfium.FPDF_ANNOT_SQUIGGLY, pdfium.FPDF_ANNOT_INK, pdfium.FPDF_ANNOT_CARET,
    pdfium.FPDF_ANNOT_SQUARE, pdfium.FPDF_ANNOT_CIRCLE, pdfium.FPDF_ANNOT_LINE, pdfium.FPDF_ANNOT_POLYGON,
    pdfium.FPDF_ANNOT_POLYLINE, pdfium.FPDF_ANNOT_REDACT,
}  # fmt: skip
_BESIDE_NOTES = {pdfium.FPDF_ANNOT_POPUP, pdfium.FPDF_ANNOT_FILEATTACHMENT}
_DRAWN_BY_PROGRAM = "AutoCAD SHX Text"
"""Title of the marks that a drawing program makes of its own letters; they say what the drawing shows anyway."""
_SCRIPT = re.compile(rb"/S\s*/JavaScript\b")
_XMP_NAMES = re.compile(rb"<dc:creator>(.*?)</dc:creator>", re.DOTALL)
_XMP_NAME = re.compile(rb"<rdf:li[^>]*>([^<]{1,200})</rdf:li>")
_WHITE = 250
"""From this value of each colour on, on paper, nobody reads a text."""


class PdfUnreadable(Exception):
    """The file does not open, is locked or damaged; the message says so in Chinese."""


@dataclass(frozen=True, slots=True)
class PdfInside:
    """`names`: as written in the properties; pages count from 1; `hidden`: page → how the hidden text begins."""

    names: frozenset[str] = frozenset()
    note_pages: tuple[int, ...] = ()
    hidden: dict[int, str] = field(default_factory=dict)
    embedded: tuple[str, ...] = ()
    scripts: bool = False
    signed: bool = False


def look_into_pdf(data: bytes) -> PdfInside:
    """What a PDF carries. Raises `PdfUnreadable`."""
    with _Opened(data) as document:
        notes: list[int] = []
        hidden: dict[int, str] = {}
        for number in range(min(len(document), MAX_PAGES)):
            page = document[number]
            if any(True for _ in _marks(page, _NOTES)):
                notes.append(number + 1)
            if text := "".join(_text_of(one, page) for one in _hidden_texts(page)).strip():
                hidden[number + 1] = text
            page.close()
        return PdfInside(
            _names(document, data),
            tuple(notes),
            hidden,
            _embedded(document),
            bool(pdfium.FPDFDoc_GetJavaScriptActionCount(document) > 0 or _SCRIPT.search(data)),
            pdfium.FPDF_GetSignatureCount(document) > 0,
        )


def clean_pdf(data: bytes) -> bytes:
    """The pages alone in a new file: without properties, notes, embedded files, scripts and hidden text.

    What a form shows stays as drawn; bookmarks do not. Raises `PdfUnreadable`; a signed file is refused, because its
    signature would be gone.
    """
    with _Opened(data) as document:
        if pdfium.FPDF_GetSignatureCount(document) > 0:
            raise PdfUnreadable("带有电子签章，清理会使签章失效，请在原程序中清理后重新签章")
        form = pdfium.FPDF_GetFormType(document) != pdfium.FORMTYPE_NONE
        with _Opened(None) as copy:
            copy.import_pages(document)
            for number in range(len(copy)):
                _clean_page(copy[number], flatten=form)
            out = io.BytesIO()
            copy.save(out, flags=pdfium.FPDF_NO_INCREMENTAL)
    return _always_the_same(out.getvalue(), data)


def _always_the_same(copy: bytes, original: bytes) -> bytes:
    """Without the instant and the chance in it, so that an untouched copy is known again. No length changes."""
    mark = hashlib.md5(original, usedforsecurity=False).hexdigest().upper().encode()
    copy = re.sub(rb"(/CreationDate\(D:)\d{14}", rb"\g<1>20000101000000", copy)
    return re.sub(rb"/ID\[<[0-9A-F]{32}><[0-9A-F]{32}>\]", b"/ID[<%s><%s>]" % (mark, mark), copy)


class _Opened:
    """A document as a context manager; None: a new, empty one. Errors of the library become `PdfUnreadable`."""

    def __init__(self, data: bytes | None) -> None:
        self._data = data

    def __enter__(self) -> pypdfium2.PdfDocument:
        try:
            new = self._data is None
            self._document = pypdfium2.PdfDocument.new() if new else pypdfium2.PdfDocument(self._data)
        except pypdfium2.PdfiumError:
            raise PdfUnreadable("打不开或有密码") from None
        return self._document

    def __exit__(self, kind: object, error: object, _traceback: object) -> None:
        self._document.close()
        if isinstance(error, pypdfium2.PdfiumError):
            raise PdfUnreadable("打不开或已损坏") from None


def _clean_page(page: pypdfium2.PdfPage, *, flatten: bool) -> None:
    for index in sorted(_marks(page, _NOTES | _BESIDE_NOTES, drawn=True), reverse=True):
        pdfium.FPDFPage_RemoveAnnot(page, index)
    if hidden := list(_hidden_texts(page)):
        for one in hidden:
            page.remove_obj(one)
        page.gen_content()
    if flatten:
        pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    page.close()


# ---- names, marks, files


def _names(document: pypdfium2.PdfDocument, data: bytes) -> frozenset[str]:
    """Author by the properties and by the XMP packet, which lies in the file as plain text."""
    found = {str(document.get_metadata_dict().get("Author") or "")}
    for packet in _XMP_NAMES.findall(data):
        found |= {name.decode("utf-8", "replace") for name in _XMP_NAME.findall(packet)}
    return frozenset(name.strip() for name in found if name.strip())


def _marks(page: pypdfium2.PdfPage, kinds: set[int], *, drawn: bool = False) -> Iterator[int]:
    """The places of annotations of these kinds; those that a drawing program makes only if `drawn`."""
    for index in range(pdfium.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        mine = pdfium.FPDFAnnot_GetSubtype(annotation) in kinds
        if mine and not drawn:
            mine = _title_of(annotation) != _DRAWN_BY_PROGRAM
        pdfium.FPDFPage_CloseAnnot(annotation)
        if mine:
            yield index


def _title_of(annotation: object) -> str:
    size = pdfium.FPDFAnnot_GetStringValue(annotation, b"T", None, 0)
    buffer = ctypes.create_string_buffer(size)
    given = ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR))
    pdfium.FPDFAnnot_GetStringValue(annotation, b"T", given, size)
    return buffer.raw[: max(size - 2, 0)].decode("utf-16-le", "replace")


def _embedded(document: pypdfium2.PdfDocument) -> tuple[str, ...]:
    names = [document.get_attachment(at).get_name() for at in range(document.count_attachments())]
    for number in range(min(len(document), MAX_PAGES)):
        page = document[number]
        names += [f"第 {number + 1} 页的附件" for _ in _marks(page, {pdfium.FPDF_ANNOT_FILEATTACHMENT})]
        page.close()
    return tuple(names)


# ---- text that nobody sees


def _hidden_texts(page: pypdfium2.PdfPage) -> Iterator[pypdfium2.PdfObject]:
    """Objects of text that are drawn and cannot be seen."""
    found = list(page.get_objects(max_depth=1, textpage=None)) if _few(page) else []
    texts = [one for one in found if one.type == pdfium.FPDF_PAGEOBJ_TEXT]
    if not texts:
        return
    under = [one.get_bounds() for one in found if _covers(one)]
    width, height = page.get_size()
    scanned = any((b[2] - b[0]) * (b[3] - b[1]) > 0.5 * width * height for b in under)
    box = page.get_cropbox()
    for one in texts:
        if pdfium.FPDFTextObj_GetTextRenderMode(one) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE:
            if not scanned:
                yield one
        elif _outside(one.get_bounds(), box) or (_is_white(one) and not _lies_on(one.get_bounds(), under)):
            yield one


def _few(page: pypdfium2.PdfPage) -> bool:
    return 0 < int(pdfium.FPDFPage_CountObjects(page)) <= MAX_OBJECTS


def _covers(one: pypdfium2.PdfObject) -> bool:
    """A picture, a shade, a form, or an area filled with a colour: text on it may be seen in white."""
    if one.type == pdfium.FPDF_PAGEOBJ_PATH:
        mode, stroke = ctypes.c_int(), ctypes.c_int()
        pdfium.FPDFPath_GetDrawMode(one, mode, stroke)
        filled = int(mode.value) != int(pdfium.FPDF_FILLMODE_NONE)
        return filled and not _is_white(one)
    return int(one.type) in (pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING, pdfium.FPDF_PAGEOBJ_FORM)


def _is_white(one: pypdfium2.PdfObject) -> bool:
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    if not pdfium.FPDFPageObj_GetFillColor(one, red, green, blue, alpha):
        return False
    return alpha.value == 0 or min(red.value, green.value, blue.value) >= _WHITE


def _lies_on(bounds: tuple[float, ...], under: list[tuple[float, ...]]) -> bool:
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    return any(b[0] <= x <= b[2] and b[1] <= y <= b[3] for b in under)


def _outside(bounds: tuple[float, ...], box: tuple[float, ...]) -> bool:
    left, bottom, right, top = bounds
    return right < box[0] or left > box[2] or top < box[1] or bottom > box[3]


def _text_of(one: pypdfium2.PdfObject, page: pypdfium2.PdfPage) -> str:
    page_text = page.get_textpage()
    try:
        size = pdfium.FPDFTextObj_GetText(one, page_text, None, 0)
        buffer = ctypes.create_string_buffer(size)
        pdfium.FPDFTextObj_GetText(one, page_text, ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), size)
    finally:
        page_text.close()
    return buffer.raw[: max(size - 2, 0)].decode("utf-16-le", "replace")
