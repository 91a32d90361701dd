"""What files carry beside the text one sees: revisions, comments, hidden text, names in their properties.

Attachments go out as they are, so that their text is screened like that of the notice.
"""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from lxml import etree

from publisher.errors import Reason
from publisher.notice import Kind
from publisher.rules.book import Word
from publisher.rules.hidden_runs import hidden_styles as _hidden_styles
from publisher.rules.hidden_runs import is_hidden
from publisher.rules.old_office import MAGIC, OldFileUnreadable, names_in_old_file
from publisher.rules.old_texts import embedded_in
from publisher.rules.passages import BROKEN, MAX_PART, NotScreened, W, passages_in, run_text, xml_part
from publisher.rules.pdf_papers import PdfUnreadable, look_into_pdf
from publisher.rules.privacy import screen
from publisher.rules.row import Finding

MAX_ENTRIES = 500
_DOCUMENTS = frozenset({"OFD.xml", "mimetype"})
"""What stands in packages that are documents, not archives, and have no list of types."""
_NOT_A_NAME = re.compile(
    r"管理员|用户|微软|办公|科室|公司|中心|未知|作者|电脑|系统|雨林|番茄|联想|学院|大学|政府|招标|采购"
)
_PERSON = re.compile(r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{1,6}·[\u4e00-\u9fff·]{1,12}")


def paper_findings(
    main: tuple[str, bytes] | None, attachments: Mapping[str, bytes], kind: Kind, words: Sequence[Word] = ()
) -> Iterator[Finding]:
    """What the main document carries beside its text, and everything in the attachments (name → bytes)."""
    if main is not None:
        with contextlib.suppress(NotScreened):  # of a file that is no package its reader took what is public
            yield from _beside_text(main[1], "公告正文文件", "file.author")
    for name, data in attachments.items():
        yield from _attachment(PurePosixPath(name).name, data, kind, words, depth=0)


def carried_beside(data: bytes, label: str) -> list[Finding]:
    """What one file carries beside its text, strictly; a file that cannot be looked into has nothing to say."""
    found: list[Finding] = []
    with contextlib.suppress(NotScreened):
        found.extend(_beside_text(data, label, "file.author_attachment"))
    return [one for one in found if one.reason is not Reason.NOT_SCREENED]


def _attachment(name: str, data: bytes, kind: Kind, words: Sequence[Word], depth: int) -> Iterator[Finding]:
    label = f"附件“{name}”"
    try:
        if _is_archive(data):
            yield from _entries(name, data, kind, words, depth)
            return
        yield from _beside_text(data, label, "file.author_attachment")
        passages = passages_in(data, label)
    except NotScreened as why:
        detail = f"{label}{why}，程序无法逐字检查，请人工核对有无个人信息。"
        yield Finding("file.not_screened", Reason.NOT_SCREENED, detail, "attachments", label)
        return
    yield from screen(passages, kind, words)


def _parts(data: bytes) -> set[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return set(package.namelist())
    except BROKEN:
        return set()


def _is_archive(data: bytes) -> bool:
    return data.startswith(b"PK") and not any(name == "[Content_Types].xml" for name in _parts(data))


def _entries(name: str, data: bytes, kind: Kind, words: Sequence[Word], depth: int) -> Iterator[Finding]:
    if depth > 1:
        raise NotScreened("是多层压缩包")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            entries = [entry for entry in package.infolist() if not entry.is_dir()]
            if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > 4 * MAX_PART:
                raise NotScreened("压缩包过大")
            if _DOCUMENTS & {entry.filename for entry in entries}:
                raise NotScreened("的格式（OFD 或 ODF）")
            inner = {f"{name}/{_entry_name(entry)}": package.read(entry) for entry in entries}
    except BROKEN:
        raise NotScreened("压缩包打不开或有密码") from None
    for path, content in inner.items():
        yield from _attachment(path.replace("/", "›"), content, kind, words, depth + 1)


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """The name in GBK where the archive does not say UTF-8, as Chinese Windows writes it."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return entry.filename


def _beside_text(data: bytes, label: str, author_rule: str) -> Iterator[Finding]:
    """Revisions, comments, hidden content and names of an office package or a PDF; raises `NotScreened`."""
    if data.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as package:
                yield from _package(package, label, author_rule)
        except BROKEN:
            raise NotScreened("打不开或已损坏") from None
    elif data.startswith(b"%PDF"):
        yield from _pdf_beside_text(data, label, author_rule)
    elif data.startswith(MAGIC):
        yield from _old_file(data, label, author_rule)


def _old_file(data: bytes, label: str, author_rule: str) -> Iterator[Finding]:
    try:
        yield from _authors(names_in_old_file(data), label, author_rule)
        yield from _embedded(embedded_in(data), label)
    except OldFileUnreadable as why:
        raise NotScreened(str(why)) from None


def _package(package: zipfile.ZipFile, label: str, author_rule: str) -> Iterator[Finding]:
    names = package.namelist()
    styles = _hidden_styles(xml_part(package, "word/styles.xml"))
    texts = r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml"
    for part in sorted(n for n in names if re.fullmatch(texts, n)):
        root = xml_part(package, part)
        if root is not None:
            yield from _word_part(root, label, styles)
    comments = 0
    for part in (n for n in names if re.fullmatch(r"(word/comments|xl/comments\d*|xl/threadedComments/.+)\.xml", n)):
        root = xml_part(package, part)
        comments += 0 if root is None else sum(1 for e in root.iter("{*}comment", "{*}threadedComment"))
    if comments:
        detail = f"{label}中有 {comments} 条批注，请清理后重新放入。"
        yield Finding("file.comments", Reason.HIDDEN_CONTENT, detail, "file", label)
    book = xml_part(package, "xl/workbook.xml")
    for sheet in book.iter("{*}sheet") if book is not None else ():
        if sheet.get("state") in ("hidden", "veryHidden"):
            detail = f"{label}中有隐藏的工作表“{sheet.get('name')}”，请清理后重新放入。"
            yield Finding("file.hidden", Reason.HIDDEN_CONTENT, detail, "file", label)
    yield from _inserted_objects(names, label)
    core = xml_part(package, "docProps/core.xml")
    if core is not None:
        people = {e.text for e in core.iter("{*}creator", "{*}lastModifiedBy") if e.text}
        yield from _authors(people, label, author_rule)


def _word_part(root: etree._Element, label: str, styles: Collection[str]) -> Iterator[Finding]:
    for tags, what, rule in (
        ((f"{W}ins", f"{W}moveTo"), "插入修订", "file.changes"),
        ((f"{W}del", f"{W}moveFrom"), "删除修订", "file.changes"),
    ):
        texts = [run_text(change) for change in root.iter(*tags)]
        if texts := [text for text in texts if text.strip()]:
            first = next(e for e in root.iter(*tags) if run_text(e).strip())
            place = _paragraph_place(root, first)
            where = f"首处在{place}：“{texts[0].strip()[:12]}”"
            detail = f"{label}中有 {len(texts)} 处{what}（{where}），请接受或拒绝全部修订后重新放入。"
            yield Finding(rule, Reason.HIDDEN_CONTENT, detail, "file", f"{label}{place}")
    hidden = [run for run in root.iter(f"{W}r") if is_hidden(run, styles) and run_text(run).strip()]
    if hidden:
        place = _paragraph_place(root, hidden[0])
        detail = f"{label}中有 {len(hidden)} 处隐藏文字（首处在{place}），请清理后重新放入。"
        yield Finding("file.hidden", Reason.HIDDEN_CONTENT, detail, "file", f"{label}{place}")


def _embedded(objects: Sequence[str], label: str) -> Iterator[Finding]:
    if objects:
        detail = (
            f"{label}中嵌有 {len(objects)} 个文件（{PurePosixPath(objects[0]).name}），程序不检查其内容，请人工核对。"
        )
        yield Finding("file.embedded_object", Reason.NOT_SCREENED, detail, "file", label)


def _inserted_objects(names: Sequence[str], label: str) -> Iterator[Finding]:
    yield from _embedded([n for n in names if re.fullmatch(r"(?:word|xl|ppt)/embeddings/.+", n)], label)
    if any(PurePosixPath(n).name == "vbaProject.bin" for n in names):
        detail = f"{label}中有宏程序，请另存为不含宏的文件后重新放入。"
        yield Finding("file.script", Reason.HIDDEN_CONTENT, detail, "file", label)


def _paragraph_place(root: etree._Element, inside: etree._Element) -> str:
    for ancestor in (inside, *inside.iterancestors()):
        if ancestor.tag == f"{W}p":
            return next((f"第 {n} 段" for n, p in enumerate(root.iter(f"{W}p"), 1) if p is ancestor), "")
    return "段落之间"


def _authors(people: Collection[str], label: str, rule: str) -> Iterator[Finding]:
    for name in sorted(people):
        person = re.sub(r"\s", "", name)
        if _PERSON.fullmatch(person) and not _NOT_A_NAME.search(person):
            shown = person[0] + "*" * (len(person) - 1)
            detail = f"{label}的属性中留有个人姓名“{shown}”（作者或最后修改人），请清理文件属性。"
            yield Finding(rule, Reason.FILE_METADATA, detail, "file", label)


def _pdf_beside_text(data: bytes, label: str, author_rule: str) -> Iterator[Finding]:
    try:
        inside = look_into_pdf(data)
    except PdfUnreadable as why:
        raise NotScreened(str(why)) from None
    yield from _authors(inside.names, label, author_rule)
    if inside.note_pages:
        pages = "、".join(str(page) for page in inside.note_pages[:10])
        detail = f"{label}第 {pages} 页有批注或标注，请清理后重新放入。"
        yield Finding("file.comments", Reason.HIDDEN_CONTENT, detail, "file", f"{label}第 {inside.note_pages[0]} 页")
    for page, text in inside.hidden.items():
        detail = f"{label}第 {page} 页有看不见的文字（开头为“{_begin(text)}”），请清理后重新放入。"
        yield Finding("file.hidden", Reason.HIDDEN_CONTENT, detail, "file", f"{label}第 {page} 页")
    if inside.embedded:
        detail = f"{label}中嵌有 {len(inside.embedded)} 个文件（{inside.embedded[0]}），请清理后重新放入。"
        yield Finding("file.embedded", Reason.HIDDEN_CONTENT, detail, "file", label)
    if inside.scripts:
        detail = f"{label}中有脚本程序，请清理后重新放入。"
        yield Finding("file.script", Reason.HIDDEN_CONTENT, detail, "file", label)


def _begin(text: str) -> str:
    """The first letters of a hidden text, enough to find it; figures are not repeated, they may be private."""
    return re.sub(r"\d", "*", text[:12])
