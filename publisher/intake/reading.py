"""From the files that were dropped to notices: the entry of reading and extraction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import PurePosixPath
from typing import Any

from publisher.errors import NoticeReturned, Problem, Reason
from publisher.intake.extract.fields import fields_of_notice
from publisher.intake.extract.notices import Attached, Extracted, extract
from publisher.intake.readers import archive, exchange, legacy, mht, plain, portable, records, web, word, workbook
from publisher.intake.readers.detect import DOCUMENTS, FileType, file_type, package_names
from publisher.intake.readers.document import MAX_BYTES, MAX_TEXT, Document, returned
from publisher.intake.sidecar import NO_WISHES, NOTHING, Stated, Wishes, is_sidecar, read_lines, read_sidecar
from publisher.intake.stating import form_stated, state_facts, state_notice, unfit_for_several
from publisher.notice import Notice


@dataclass(frozen=True, slots=True)
class NamedBytes:
    """A file as handed in; `name` may hold a path below the dropped folder."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """What one notice was read as.

    `notice` is None when none can be made; then `problems` say why. `attachments` holds the bytes
    by sha256. `problems` hold the notice, `warnings` stop nothing. `places` says where a field was
    found, `fields` are the values for `publisher extract --json`, `main` the file that is the notice, `wishes` what
    staff ask of the sending.
    """

    notice: Notice | None
    attachments: Mapping[str, bytes] = field(repr=False)
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    places: Mapping[str, str]
    fields: Mapping[str, Any]
    wishes: Wishes = NO_WISHES
    main: NamedBytes | None = field(default=None, repr=False)


def read_files(
    files: Sequence[NamedBytes], declared: str | None = None, sidecar: bytes | None = None
) -> tuple[Draft, ...]:
    """The notices in one dropped file, or in all files of one dropped folder.

    `declared` is the name of the sub-folder it was dropped in (a kind or a form in Chinese, or
    anything else); `sidecar` the bytes of the `.yaml` beside it (one within a folder or ZIP serves too). A workbook or
    problems: EMPTY_BODY, PASSWORD_PROTECTED, DAMAGED_FILE, NO_TEXT_LAYER, UNSUPPORTED_FORMAT,
    UNSAFE_ARCHIVE, NOT_BY_SCHEMA.
    """
    given, inner = _without_sidecar(_unpacked(files))
    main = _main_of(given)
    if main is None:
        return (_doubt(given),)
    attached = [Attached(PurePosixPath(file.name).name, file.data) for file in given if file is not main]
    readings = _read(main)
    stated = [read_sidecar(data) for data in (sidecar, inner) if data is not None]
    several = unfit_for_several(stated[0]) if stated and len(readings) > 1 else ()
    if len(readings) == 1:
        return (replace(_draft(readings[0], declared, attached, stated, several), main=main),)
    return tuple(replace(_row(reading, declared, attached, stated, several), main=main) for reading in readings)


def _row(
    reading: Notice | Document,
    declared: str | None,
    attached: Sequence[Attached],
    stated: Sequence[Stated],
    several: tuple[Problem, ...],
) -> Draft:
    """One of several notices of a file: what is wrong with this one does not bring back the others."""
    try:
        return _draft(reading, declared, attached, stated, several)
    except NoticeReturned as error:
        place = (reading.place if isinstance(reading, Document) else None) or "其中一条公告"
        problems = tuple(replace(problem, detail=f"{place}：{problem.detail}") for problem in error.problems)
        fields = {"outcome": "held", "warnings": [problem.reason.value for problem in problems]}
        return Draft(None, {}, problems, (), {}, fields)


def _without_sidecar(files: Sequence[NamedBytes]) -> tuple[list[NamedBytes], bytes | None]:
    """The files without the one `.yaml` among them, if there is but one and anything beside it; and its bytes."""
    found = [file for file in files if is_sidecar(file.name)]
    if len(found) != 1 or len(files) == 1:
        return list(files), None
    return [file for file in files if file is not found[0]], found[0].data


def is_whole(name: str, data: bytes) -> bool:
    """Whether a container (ZIP, `.docx`, `.xlsx`) opens, so that it is no half copy. Other files are whole."""
    if not data.startswith(b"PK"):
        return not (name.lower().endswith((".zip", ".docx", ".xlsx")) and _is_short(data))
    return package_names(data) is not None


def _is_short(data: bytes) -> bool:
    """Nothing, or nothing but zeros: the room that a copy in progress has reserved."""
    return not data.strip(b"\x00")


def _unpacked(files: Sequence[NamedBytes]) -> list[NamedBytes]:
    """A lone ZIP is its entries; beside other files a ZIP is an attachment."""
    if not files:
        raise returned(Reason.EMPTY_BODY, "文件夹是空的，请放入公告文件。")
    if len(files) > 1 or file_type(files[0].data) is not FileType.ZIP:
        return list(files)
    entries = archive.unpack(files[0].data)
    if not entries:
        raise returned(Reason.EMPTY_BODY, "压缩包是空的，请放入公告文件。")
    return [NamedBytes(entry.name, entry.data) for entry in entries]


_KIND_WORD = re.compile(r"公告|公示|澄清|答疑|更正|变更通知|补遗|合同公告")
_ATTACHMENT_WORD = re.compile(r"附件|附表|清单|图纸|采购需求|招标文件|采购文件|磋商文件|声明函|评分|样表|格式")
_EDITABLE = DOCUMENTS - {FileType.PDF, FileType.XLSX, FileType.XLS}


def _main_of(files: Sequence[NamedBytes]) -> NamedBytes | None:
    """The document that is the notice: by 正文 in its name, by a notice word, or as the only one. None = doubt."""
    if len(files) == 1:
        return files[0]
    documents = [file for file in files if file_type(file.data) in DOCUMENTS]
    if not documents:
        return _best_unreadable(files)
    names = {id(file): PurePosixPath(file.name).stem for file in documents}
    choices = (
        [file for file in documents if "正文" in names[id(file)]],
        [f for f in documents if _KIND_WORD.search(names[id(f)]) and not _ATTACHMENT_WORD.search(names[id(f)])],
        [f for f in documents if file_type(f.data) in _EDITABLE and not _ATTACHMENT_WORD.search(names[id(f)])],
        documents,
    )
    for chosen in choices:
        if len(chosen) == 1:
            return chosen[0]
        if len(chosen) > 1 and chosen is not documents:
            return _only_editable(chosen)
    return None


def _only_editable(chosen: Sequence[NamedBytes]) -> NamedBytes | None:
    """The same notice as Word file and as PDF: the Word file is the text."""
    editable = [file for file in chosen if file_type(file.data) in _EDITABLE]
    stems = {PurePosixPath(file.name).stem for file in chosen}
    return editable[0] if len(editable) == 1 and len(stems) == 1 else None


def _best_unreadable(files: Sequence[NamedBytes]) -> NamedBytes:
    """No readable document: the file whose reason staff must hear first."""
    order = (FileType.ENCRYPTED, FileType.BROKEN_ZIP, FileType.OTHER, FileType.IMAGE, FileType.ARCHIVE)
    return min(files, key=lambda file: order.index(t) if (t := file_type(file.data)) in order else len(order))


def _doubt(files: Sequence[NamedBytes]) -> Draft:
    names = "、".join(PurePosixPath(file.name).name for file in files[:12])
    detail = f"无法确定哪个文件是公告正文（{names}）。请只保留一个正文，或把正文的文件名改为以“正文”开头。"
    problem = Problem(Reason.MAIN_DOCUMENT_DOUBT, detail)
    fields = {"outcome": "held", "warnings": [problem.reason.value]}
    return Draft(None, {}, (problem,), (), {}, fields)


_REFUSED: dict[FileType, tuple[Reason, str]] = {
    FileType.EMPTY: (Reason.EMPTY_BODY, "文件是空的（0 字节或全为空白），请重新复制一份放入。"),
    FileType.ENCRYPTED: (
        Reason.PASSWORD_PROTECTED,
        "文件已加密，程序打不开。请用 Word（WPS）打开，取消打开密码后另存一份，重新放入。",
    ),
    FileType.BROKEN_ZIP: (Reason.DAMAGED_FILE, "文件已损坏或未复制完整，请重新复制一份放入。"),
    FileType.IMAGE: (
        Reason.NO_TEXT_LAYER,
        "文件是图片，程序读不出文字。请改用公告的 Word 原稿（.docx）；图片要作附件的，与原稿放进同一个文件夹一起放入。",
    ),
    FileType.ARCHIVE: (
        Reason.UNSUPPORTED_FORMAT,
        "程序只认 .zip 压缩包。请先解压，再把解压出来的整个文件夹放入，或改压成 .zip 放入。",
    ),
    FileType.SHORTCUT: (Reason.UNSUPPORTED_FORMAT, "这是快捷方式，不是文件本身。请找到它所指的原文件，复制一份放入。"),
    FileType.MAIL: (Reason.UNSUPPORTED_FORMAT, "这是一封邮件。请把邮件里的公告文件另存出来，再放入。"),
    FileType.OFD: (
        Reason.UNSUPPORTED_FORMAT,
        "OFD 文件读不出可发布的文字。请改用公告的 Word 原稿（.docx）；要作附件的，与原稿放进同一个文件夹一起放入。",
    ),
    FileType.PROGRAM: (Reason.UNSUPPORTED_FORMAT, "这是程序或音像文件，不是公告。放错了请取走，公告请用 .docx 放入。"),
    FileType.ZIP: (Reason.UNSUPPORTED_FORMAT, "压缩包内又是压缩包，请解压后重新放入。"),
    FileType.OTHER: (
        Reason.UNSUPPORTED_FORMAT,
        "程序读不了这种格式的文件，请用制作它的软件打开，另存为 .docx 后重新放入。",
    ),
}


_WRITTEN = frozenset({FileType.TEXT, FileType.HTML, FileType.JSON, FileType.XML})


def _read(file: NamedBytes) -> Sequence[Notice | Document]:
    """The file's notices, by content. Raises `NoticeReturned`."""
    kind = file_type(file.data)
    if refused := _REFUSED.get(kind):
        raise returned(*refused)
    limit = MAX_TEXT if kind in _WRITTEN else MAX_BYTES
    if len(file.data) > limit:
        detail = f"文件超过 {limit // 1024 // 1024} MB，请只放入公告正文，其余作为附件。"
        raise returned(Reason.UNSUPPORTED_FORMAT, detail)
    if kind is FileType.JSON:
        return records.read_json(file.data)
    if kind is FileType.XML:
        return exchange.read_exchange(file.data)
    if kind in (FileType.XLSX, FileType.XLS):
        return workbook.read_workbook(file.data, package=kind is FileType.XLSX)
    readers = {
        FileType.DOCX: word.read_docx,
        FileType.DOC: legacy.read_doc,
        FileType.PDF: portable.read_pdf,
        FileType.HTML: web.read_html,
        FileType.MHT: mht.read_mht,
        FileType.TEXT: plain.read_text,
    }
    return (readers[kind](file.data),)


def _draft(
    reading: Notice | Document,
    declared: str | None,
    attached: Sequence[Attached],
    beside: Sequence[Stated],
    problems: tuple[Problem, ...],
) -> Draft:
    """One notice with what is stated of it: beside its file, else in the head of its text."""
    stated = reduce(lambda first, then: first.over(then), (*beside, _of_head(reading)))
    if isinstance(reading, Notice):
        notice, unfit = state_notice(reading, stated)
        draft = _by_schema(notice, attached)
        problems = (*unfit, *problems)
    else:
        draft = _of_document(reading, declared, attached, stated)
    problems = (*stated.problems, *problems)
    if not problems and stated is NOTHING:
        return draft
    fields = dict(draft.fields)
    if problems:
        fields["warnings"] = list(dict.fromkeys([*draft.fields.get("warnings", ()), Reason.SIDECAR_INVALID.value]))
    return replace(draft, problems=(*problems, *draft.problems), fields=fields, wishes=stated.wishes)


def _of_head(reading: Notice | Document) -> Stated:
    head = reading.head if isinstance(reading, Document) else ""
    return read_lines(head, "文首说明") if head else NOTHING


def _of_document(document: Document, declared: str | None, attached: Sequence[Attached], stated: Stated) -> Draft:
    found: Extracted = extract(
        document,
        declared,
        attached,
        lambda read: form_stated(stated, read),
        lambda facts: state_facts(facts, stated),
    )
    attachments = {file.ref.sha256: file.data for file in attached} if found.notice else {}
    notice = found.notice
    if notice is not None and stated.publish_at is not None:
        notice = notice.model_copy(update={"publish_at": stated.publish_at})
    return Draft(notice, attachments, found.problems, found.warnings, found.places, found.fields)


def _by_schema(notice: Notice, attached: Sequence[Attached]) -> Draft:
    """A notice that came as data: its attachments must have been handed in, each with the stated bytes."""
    given = {file.ref.sha256: file.data for file in attached}
    problems = tuple(
        Problem(Reason.ATTACHMENT_MISSING, f"附件“{ref.name}”未一并送交，或内容与所列校验值不符。", "attachments")
        for ref in notice.attachments
        if ref.sha256 not in given
    )
    if not notice.attachments and attached:
        notice = notice.model_copy(update={"attachments": tuple(file.ref for file in attached)})
    wanted = {ref.sha256 for ref in notice.attachments}
    kept = {sha256: data for sha256, data in given.items() if sha256 in wanted}
    return Draft(notice, kept, problems, (), {}, fields_of_notice(notice, problems, ()))


__all__ = ["Draft", "NamedBytes", "NoticeReturned", "is_whole", "read_files"]
