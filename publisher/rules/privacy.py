"""Personal data and listed words in a text: what is found is named by place and masked value, never repeated whole."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from publisher.errors import Reason
from publisher.figures import is_card_number, is_credit_code, is_identity_number, masked
from publisher.notice import Kind
from publisher.rules.book import Word
from publisher.rules.row import Finding


@dataclass(frozen=True, slots=True)
class Passage:
    """One paragraph, or one row of a table with a tab between its cells; `place` says in Chinese where it stands."""

    text: str
    place: str


_IDENTITY = re.compile(r"(?<![0-9A-Za-z])(\d{6})[ -]?(\d{8})[ -]?(\d{3}[\dXx])(?![0-9A-Za-z])")
_ID_LABEL = re.compile(r"身份证(?:件)?(?:号码?|编号)?\s*[:\t(]?\s*([0-9]{14,17}[0-9Xx])(?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<![\d.])(?:\+?86[- ]?)?(1[3-9]\d)[- ]?(\d{4})[- ]?(\d{4})(?![\d.]\d|\d)")
_CARD = re.compile(r"(?<![0-9A-Za-z])62\d{2}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?![0-9A-Za-z])")
_ACCOUNT = re.compile(r"(?:账\s*号|帐\s*号|卡\s*号|银行账户|银行帐户)\s*[:\t]?\s*(\d[\d -]{7,32}\d)")
_HOME = re.compile(
    r"(?:家庭(?:住址|地址)|户籍(?:地址|所在地|地)|身份证(?:住址|地址)|(?:个人|现|经常)?居?住(?:地|地址|址))\s*[:\t]\s*"
    r"(\S*?[\u4e00-\u9fff]\S*?(?:号|室|户|村|组|楼|幢|栋|单元|弄|巷|街|路)\S*)"
)
_FLAT = re.compile(r"[\u4e00-\u9fff]{2,}(?:\d+|[一二三四五六七八九十]+)号?[楼栋幢座]\d+单元\d+[室户号]?")
_NATURAL_PERSON = re.compile(r"姓\s*名|身份证|自然人|本人|个人|性别|出生")
_CONTACT = re.compile(
    r"联\s*系|电\s*话|咨\s*询|热\s*线|传\s*真|客\s*服|投\s*诉|监\s*督|举\s*报|异\s*议|质\s*疑|询\s*问|答\s*疑|报\s*名|[Tt][Ee][Ll]"
)
_CONTACT_HEADING = re.compile(
    r"^\s*(?:[(]?[一二三四五六七八九十\d]{1,3}[)]?\s*[、.．])?\s*.{0,24}(?:联系方式|方式联系|联系人)"
)
_HEADING = re.compile(r"^\s*[一二三四五六七八九十]{1,3}\s*[、.．]")
_PERSONAL = re.compile(
    r"项目经理|项目负责人|项目总监|总监理工程师|技术负责人|建造师|班子成员|施工员|安全员|质检员|"
    r"法定代表人|法人代表|委托代理人|授权代表|授权委托人|评审专家|评标专家|身份证|住址|业主代表"
)
_OFFICE = re.compile(r"采购人|招标人|代理机构|采购单位|招标单位|建设单位|出让人|转让方|监督|中心|项目联系")
_PURPOSE = re.compile(r"保证金|缴纳|交纳|缴款|汇款|转账|文件费|服务费|收款|履约|售价|工本费|保函|缴费")
_HOLDER = re.compile(r"(?:户\s*名|账户名称|帐户名称|开户名称?|收款人|收款单位|单位名称)\s*[:\t]?\s*(\S+)")
_ORGANISATION = re.compile(r"公司|中心|局|院|校|政府|委员会|所|厅|社|站|部|处|会|厂|集团|银行|财政|学")
_WINNERS = frozenset({Kind.WINNING_BID_NOTICE, Kind.AWARD_RESULT})
_ENOUGH = 20
"""Findings of one rule in one text after which the rest is only counted."""


def passages_of(text: str, label: str = "正文") -> list[Passage]:
    """The lines of a text as passages."""
    return [Passage(line, f"{label}第 {number} 行") for number, line in enumerate(text.split("\n"), 1)]


def screen(passages: Sequence[Passage], kind: Kind, words: Sequence[Word] = ()) -> Iterator[Finding]:
    """Everything in the passages that must not be public, in order of kind of finding."""
    whole = unicodedata.normalize("NFKC", "\n".join(passage.text.replace("\n", " ") for passage in passages))
    texts = whole.split("\n")
    # Each screen looks at the whole text first: most texts have nothing of its kind, and there are many texts.
    if _IDENTITY.search(whole) or _ID_LABEL.search(whole):
        yield from _limited(_identities(passages, texts))
    if _ACCOUNT.search(whole) or _CARD.search(whole):
        yield from _limited(_accounts(passages, texts, kind))
    if _MOBILE.search(whole):
        yield from _limited(_mobiles(passages, texts, kind))
    if "住" in whole or "户籍" in whole or "址" in whole or "单元" in whole:
        yield from _limited(_homes(passages, texts))
    for word in words:
        if word.in_force(None) and re.search(word.like, whole):
            yield from _limited(_listed(passages, texts, word))


def _limited(findings: Iterator[Finding]) -> Iterator[Finding]:
    found = list(findings)
    yield from found[:_ENOUGH]
    if len(found) > _ENOUGH:
        last = found[_ENOUGH]
        detail = f"同类问题另有 {len(found) - _ENOUGH} 处，请一并处理。"
        yield Finding(last.rule, last.reason, detail, last.field, last.place)


def _identities(passages: Sequence[Passage], texts: Sequence[str]) -> Iterator[Finding]:
    for passage, text in zip(passages, texts, strict=True):
        seen: set[str] = set()
        for match in _IDENTITY.finditer(text):
            number = "".join(match.groups())
            if is_identity_number(number) and not is_credit_code(number.upper()):
                seen.add(number)
                yield _private("privacy.id_number", f"有身份证号码 {masked(number)}", passage)
        for match in _ID_LABEL.finditer(text):
            if match[1] not in seen and len(match[1]) in (15, 18):
                yield _private("privacy.id_number", f"写有身份证号码 {masked(match[1])}（校验位不符或为旧号）", passage)


def _private(rule: str, what: str, passage: Passage) -> Finding:
    detail = f"{passage.place}{what}，不应公开，请删除或用星号遮盖后重新放入。"
    return Finding(rule, Reason.PRIVATE_DATA, detail, "body_html", passage.place)


def _accounts(passages: Sequence[Passage], texts: Sequence[str], kind: Kind) -> Iterator[Finding]:
    for at, (passage, text) in enumerate(zip(passages, texts, strict=True)):
        if not re.search(r"\d{4}", text):
            continue
        numbers = {re.sub(r"[ -]", "", match[1]) for match in _ACCOUNT.finditer(_with_label(texts, at))}
        numbers |= {number for match in _CARD.finditer(text) if is_card_number(number := re.sub(r"[ -]", "", match[0]))}
        for number in sorted(numbers):
            if 8 <= len(number) <= 30 and not _is_office_account(texts, at, kind):
                yield _private("privacy.bank_account", f"有银行账号 {masked(number)}", passage)


def _with_label(texts: Sequence[str], at: int) -> str:
    """The passage; behind a short label of its own line, label and value together."""
    before = texts[at - 1].strip() if at else ""
    return f"{before}:{texts[at].strip()}" if re.fullmatch(r"\S{0,8}(?:账|帐|卡)\s*号\s*:?", before) else texts[at]


def _is_office_account(texts: Sequence[str], at: int, kind: Kind) -> bool:
    """An account of an office or company to which bidders pay; never in a notice of winners."""
    around = texts[max(0, at - 8) : at + 4]
    if kind in _WINNERS or not any(_PURPOSE.search(text) for text in around):
        return False
    holders = [match[1] for text in texts[max(0, at - 4) : at + 4] for match in _HOLDER.finditer(text)]
    return bool(holders) and all(_ORGANISATION.search(holder) for holder in holders)


def _mobiles(passages: Sequence[Passage], texts: Sequence[str], kind: Kind) -> Iterator[Finding]:
    in_contacts = False
    for at, (passage, text) in enumerate(zip(passages, texts, strict=True)):
        if _CONTACT_HEADING.match(text) and len(text) < 60:
            in_contacts = True
        elif _HEADING.match(text):
            in_contacts = False
        if "1" not in text:
            continue
        for match in _MOBILE.finditer(text):
            if not _is_contact(texts, at, match.start(), kind, in_contacts=in_contacts):
                yield _private("privacy.mobile", f"有联系方式以外的手机号码 {masked(''.join(match.groups()))}", passage)


def _is_contact(texts: Sequence[str], at: int, start: int, kind: Kind, *, in_contacts: bool) -> bool:
    """Whether the number at `start` is a tenderee's or agency's way to be asked, not a bidder's or an expert's."""
    text = texts[at]
    cells, cell, inner = _cells_before(text, start)
    own = cell[:inner]
    left = cells[-1] if cells else ""
    before = f"{left} {own}"
    if _is_personal(before, kind) and not in_contacts:
        return False
    if _CONTACT.search(own) or _CONTACT.search(left) or in_contacts:
        return True
    column = _column_is_contact(texts, at, len(cells), kind) if "\t" in text else None
    if column is not None:
        return column
    near = [one for one in texts[max(0, at - 3) : at] if one.strip()]
    return any(_CONTACT.search(one) for one in near) and not (kind in _WINNERS and any(map(_PERSONAL.search, near)))


def _is_personal(before: str, kind: Kind) -> bool:
    """Words of a person stand nearer before the number than those of an office."""
    person = max((match.end() for match in _PERSONAL.finditer(before)), default=-1)
    office = max((match.end() for match in _OFFICE.finditer(before)), default=-1)
    if kind not in _WINNERS:
        return person > office and re.search(r"身份证|住址|评审专家|评标专家", before) is not None
    return person > office


def _cells_before(text: str, start: int) -> tuple[list[str], str, int]:
    """The cells left of the one that holds `start`, that cell, and the place in it."""
    left = text[:start].split("\t")
    cell = text[start - len(left[-1]) :].split("\t", 1)[0]
    return left[:-1], cell, len(left[-1])


def _column_is_contact(texts: Sequence[str], at: int, column: int, kind: Kind) -> bool | None:
    """Of a row of a table: what the nearest row above with that column says at its head; None without one."""
    for above in reversed(texts[max(0, at - 60) : at]):
        cells = above.split("\t")
        if len(cells) < 2:
            return None  # above the table
        if len(cells) > column and not re.search(r"\d{5}", cells[column]):
            return bool(_CONTACT.search(cells[column])) and not (kind in _WINNERS and not _OFFICE.search(above))
    return None


def _homes(passages: Sequence[Passage], texts: Sequence[str]) -> Iterator[Finding]:
    for passage, text in zip(passages, texts, strict=True):
        labelled = _HOME.search(text) if "住" in text or "址" in text or "户籍" in text else None
        if labelled:
            yield _private("privacy.home_address", f"有个人住址“{labelled[1][:4]}…”", passage)
        elif "单元" in text and _NATURAL_PERSON.search(text) and (flat := _FLAT.search(text)):
            yield _private("privacy.home_address", f"有个人住址“{flat[0][:4]}…”", passage)


def _listed(passages: Sequence[Passage], texts: Sequence[str], word: Word) -> Iterator[Finding]:
    for passage, text in zip(passages, texts, strict=True):
        if match := re.search(word.like, text):
            detail = f"{passage.place}有{word.what}“{match[0].strip()[:20]}”，请核对修改。"
            yield Finding(word.id, Reason.WORD_LISTED, detail, "body_html", passage.place)
