"""For tests of the rules over content: a text as it is read and checked, and Word files with hidden things."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping
from datetime import date

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from publisher.errors import Problem
from publisher.intake.reading import NamedBytes, read_files
from publisher.planning import check_draft
from publisher.rules.book import RuleBook, rule_book
from publisher.rules.content import Checked

LATE = date(2026, 3, 16)
"""A day on which every shipped rule is in force."""


def checked_files(
    files: Mapping[str, bytes],
    *,
    day: date = LATE,
    book: RuleBook | None = None,
    let_go: Collection[str] = (),
    declared: str | None = None,
) -> Checked:
    """The files as one notice: read, then checked by every rule."""
    (draft,) = read_files([NamedBytes(name, data) for name, data in files.items()], declared)
    assert draft.notice is not None
    return check_draft(draft, draft.notice, book or rule_book(), day=day, let_go=frozenset(let_go))


def checked(text: str, *, day: date = LATE, book: RuleBook | None = None, let_go: Collection[str] = ()) -> Checked:
    """A text as the only file."""
    return checked_files({"公告.txt": text.encode()}, day=day, book=book, let_go=let_go)


def held_by(result: Checked) -> list[str]:
    """Ids of the rules that hold it."""
    return [problem.rule or "" for problem in result.problems]


def warned_by(result: Checked) -> list[str]:
    """Ids of the rules that only say something."""
    return [problem.rule or "" for problem in result.warnings]


def of_rule(result: Checked, rule: str) -> Problem:
    """The one problem or warning of a rule."""
    (found,) = [one for one in (*result.problems, *result.warnings) if one.rule == rule]
    return found


def word_file(
    *lines: str, inserted: str = "", deleted: str = "", comment: str = "", hidden: str = "", author: str = "python-docx"
) -> bytes:
    """A Word file of paragraphs; behind the last one a revision, a comment or hidden text, as Word writes them."""
    document = docx.Document()
    document.core_properties.author = author
    document.core_properties.last_modified_by = author
    for line in lines:
        document.add_paragraph(line)
    last = document.paragraphs[-1]
    for tag, text, holder in (("w:ins", inserted, "w:t"), ("w:del", deleted, "w:delText")):
        if text:
            mark, run, words = OxmlElement(tag), OxmlElement("w:r"), OxmlElement(holder)
            mark.set(qn("w:id"), "1")
            mark.set(qn("w:author"), author)
            words.text = text
            run.append(words)
            mark.append(run)
            last._p.append(mark)
    if comment:
        document.add_comment(last.runs, text=comment, author=author, initials="x")
    if hidden:
        last.add_run(hidden).font.hidden = True
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def hidden_sheet(workbook: bytes) -> bytes:
    """The workbook with its first sheet hidden."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "xl/workbook.xml":
                content = content.replace(b"<sheet ", b'<sheet state="hidden" ', 1)
            new.writestr(entry, content)
    return out.getvalue()
