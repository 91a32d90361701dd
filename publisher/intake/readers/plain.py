"""Text files: the encoding is found, lines that were cut by copying are joined again, paragraphs are marked."""

from __future__ import annotations

import codecs
import html
import re

from publisher.errors import Reason
from publisher.intake.readers.document import Document, returned

_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([\w-]+)""", re.I)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decode(data: bytes) -> str:
    """The text of `data`: byte order mark, then UTF-8, then GB18030 (which covers GBK and GB2312).

    A stated charset is believed only where it is none of these and fits: pages that say gb2312 and
    hold GBK, or say GBK and hold UTF-8, are common. Raises `NoticeReturned` where nothing fits.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _or_returned(data[len(bom) :], encoding)
    for encoding in ("utf-8", "gb18030", _declared(data) or "gb18030"):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    raise returned(Reason.UNSUPPORTED_FORMAT, "文字编码无法识别，请另存为 UTF-8 编码的文本或 .docx 后重新放入。")


def _declared(data: bytes) -> str | None:
    found = _DECLARED.search(data[:2048])
    return found.group(1).decode("ascii", "ignore") if found else None


def _or_returned(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise returned(Reason.DAMAGED_FILE, "文本文件不完整，请重新复制一份放入。") from None


_CJK = "\u3400-\u9fff"
_NUMERAL = "一二三四五六七八九十"
_STARTS_ITEM = re.compile(
    rf"\s*(?:[{_NUMERAL}]{{1,3}}\s*、|[（(]\s*[{_NUMERAL}\d]{{1,3}}\s*[）)]|\d{{1,2}}\s*[、．.](?!\d)|第[{_NUMERAL}\d]+(?:名|中标候选人|包|标段)"
    rf"|(?:标项|标段|标包|分标|采购包|合同包|包)\s*[{_NUMERAL}\d]{{1,3}}(?:[（(：:]|\s*$)|附件|注[：:]|【)"
)
_LABEL = re.compile(rf"\s*[{_CJK}A-Za-z（）()/、 　]{{2,24}}\d{{0,2}}[：:]")
_SALUTATION = re.compile(rf"(?:各|致|尊敬的?)[{_CJK}、（）()]{{2,24}}[：:]\s*")
_CONTINUES = re.compile(
    r"\s*(?:[，。、：；:;,）)】”》％%~\-—–]|年|月|日(?!照)|时(?!间)|分(?!包|为|局)|元|万元|至(?=\d|\s|$)|[（(][^）)]{0,12}[）)]\s*$)"
)
_NUMBER = re.compile(r"\s*[\d０-９.,，:：％%A-Za-z\-]{1,24}\s*")
_OPEN_END = re.compile(r"(?:[，、：:（(\-—–“《【/]|[\d０-９]|\d\s*[年月日时分至元]|[年月至])\s*$")
_SENTENCE_END = re.compile(r"[。！？；;]\s*$")
_LETTERED = re.compile(rf"\s*[{_CJK}]{{1,2}}\s*[：:]")
_CUT_LABELS = ("地址", "电话", "名称", "编号", "联系人", "联系电话", "项目名称", "项目编号")
_SIGNATURE = re.compile(rf"\s*[{_CJK}（）()]{{4,30}}(?:公司|局|中心|委员会|学校|大学|医院|政府|法院)\s*")
_BARE_NUMBERING = re.compile(rf"\d{{1,2}}\s*[、．.]|[{_NUMERAL}]{{1,3}}\s*、|第[{_NUMERAL}]名\s*[.．:：、]?")
_TITLE_END = re.compile(r"(?:公告|公示)\s*$")
_TITLE_LINES = 4
_CLOSING_DATE = re.compile(r"\s*20\d\d\s*[年\-]")


def join_lines(text: str) -> list[str]:
    """The lines of a text with those joined that copying cut: a digit group, a unit, a value under its label.

    A text in which hardly anything is cut keeps its lines, except where a line cannot stand alone.
    """
    lines = [line.strip(" \t\u3000\u00a0") for line in re.split(r"\r\n|[\r\n\v\f\u2028\u2029]", text)]
    lines = [line for line in lines if line]
    cut = sum(1 for line in lines if _NUMBER.fullmatch(line) or re.match(r"[，。、：；:,）)年月日元]", line))
    shattered = len(lines) >= 8 and cut * 5 >= len(lines)
    out: list[str] = []
    for index, line in enumerate(lines):
        after = lines[index + 1] if index + 1 < len(lines) else ""
        ended = len(out) <= _TITLE_LINES and bool(out) and _TITLE_END.search(out[-1])
        if out and not ended and _belongs(out[-1], line, after, shattered):
            out[-1] = _glue(out[-1], line)
        else:
            out.append(line)
    return out


def _belongs(before: str, line: str, after: str, shattered: bool) -> bool:
    """Whether `line` goes on with `before`."""
    if _label_is_cut(before, line) or _BARE_NUMBERING.fullmatch(before):
        return True
    if _new_number(line, after) or _STARTS_ITEM.match(line):
        return False
    if _CONTINUES.match(line):
        return True
    if _LABEL.match(line) and not before.endswith(("-", "（", "(")):
        return False
    if re.search(r"[：:]\s*$", before):
        return not _SALUTATION.fullmatch(before)
    return shattered and _goes_on(before, line)


def _goes_on(before: str, line: str) -> bool:
    if _SENTENCE_END.search(before):
        return False
    if re.fullmatch(rf"[{_CJK}]{{1,4}}", line) and re.search(rf"[{_CJK}]$", before):
        return True
    if _SIGNATURE.fullmatch(line) and re.search(r"\d\s*$", before):
        return False
    if _NUMBER.fullmatch(line) and not _CLOSING_DATE.match(line):
        return len(before) > 1
    return bool(_OPEN_END.search(before)) or (len(before) > 16 and len(line) < 40 and not _SIGNATURE.fullmatch(before))


def _new_number(line: str, after: str) -> bool:
    """`13` alone, before a line that begins with the mark of a numbering."""
    return bool(re.fullmatch(r"\d{1,2}", line)) and bool(re.match(r"\s*[、．]|\s*\.(?!\d)", after))


def _label_is_cut(before: str, line: str) -> bool:
    found = _LETTERED.match(line)
    if not found:
        return False
    tail = re.sub(r"\s|[：:]", "", found.group(0))
    return any(label.endswith(tail) and before.endswith(label[: -len(tail)]) and label != tail for label in _CUT_LABELS)


def _glue(before: str, line: str) -> str:
    wide = re.search(r"[A-Za-z]$", before) and re.match(r"[A-Za-z]", line)
    return f"{before} {line}" if wide else before + line


def paragraphs(lines: list[str]) -> str:
    """The lines as HTML paragraphs."""
    return "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in lines)


_HEAD = re.compile(r"\A\s*---[ \t]*\r?\n(?P<lines>.{0,20000}?)^---[ \t]*\r?$\n?", re.S | re.M)


def head_of(text: str) -> tuple[str, str]:
    """The lines between two `---` at the head of a text, and the text behind them; ("", text) without such lines."""
    found = _HEAD.match(text)
    return (found["lines"], text[found.end() :]) if found else ("", text)


def read_text(data: bytes) -> Document:
    """A `.txt` file: one paragraph per line, behind what its head states. Raises `NoticeReturned`."""
    head, text = head_of(decode(data))
    if sum(1 for char in text if ord(char) < 32 and char not in "\r\n\t\v\f") > len(text) // 200:
        raise returned(Reason.UNSUPPORTED_FORMAT, "文件不是文字内容，请另存为 .docx 后重新放入。")
    return Document(body_html=paragraphs(join_lines(text)), head=head)
