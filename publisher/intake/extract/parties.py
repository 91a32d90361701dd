"""Tenderee and agency, with address, contact and telephone."""

from __future__ import annotations

import re

from publisher.intake.extract.codes import credit_code
from publisher.intake.extract.dates import first_moment, moments, spans
from publisher.intake.extract.facts import Facts
from publisher.intake.extract.pieces import Pair
from publisher.intake.extract.source import Source, is_blank
from publisher.notice import Party, ProjectClass, normalise_name

ORGANISATION = (
    r"[\u4e00-\u9fffA-Za-z0-9（）()·]{2,40}?(?:公司|管理局|分局|局|中心|委员会|管委会|政府|街道办事处|办事处|学校|中学|小学|幼儿园|大学|学院|医院|卫生院"
    r"|研究院|设计院|研究所|事务所|法院|检察院|总队|支队|大队|总站|管理站|管理处|办公室|秘书处|协会|联合会|合作社|集团|银行|本级行政|厅|部)"
    r"(?!(?:[（(]集团[）)]|[）)]|集团|股份|有限|责任|建设|工程)*公司)"
)
_ORGANISATION = re.compile(ORGANISATION)
_WHOLE_ORGANISATION = re.compile(rf"{ORGANISATION}(?:[（(][^）)]*[)）])?")
_LONGEST_NAME = 80


def clean_name(value: str) -> str | None:
    """An organisation's name without seal words, repetition and what follows it; None where nothing is left."""
    name = re.sub(r"[（(]\s*(?:盖|签|公)?章?[^）)]*(?:章|字|名)\s*[)）]", "", value)
    name = re.split(r"[。；;]|\s{2,}|地\s*址\s*[：:]|联系|电话|，(?!.*公司)", name)[0]
    parts = [part.strip() for part in re.split(r"[,，、]", name) if part.strip()]
    if parts and len(set(parts)) == 1:
        name = parts[0]
    name = re.sub(r"20\d\d\s*年.*$|(?:其?法定代表人?|其?委托代理人)(?:或|和|及).*$", "", name).strip(" \t　，,、：:")
    return None if is_blank(name) or len(name) < 2 or len(name) > _LONGEST_NAME else name


def find_parties(source: Source, facts: Facts) -> None:
    """Both parties: labels, party blocks, then sentences, title and signature."""
    tenderee = _by_label(source, facts, "tenderee") or _by_sentence(source, facts)
    agency = _by_label(source, facts, "agency") or _agency_said(source, facts)
    signed = _signed(source)
    if tenderee is None and facts.project_class is not ProjectClass.PROPERTY:
        tenderee = _by_title(source, facts) or _by_signature(source, facts, signed, agency)
    if agency is None and facts.project_class is ProjectClass.LAND:
        agency = next((name for name in signed if name != tenderee and re.search(r"中心|代理", name)), None)
    facts.tenderee = _party(source, tenderee, "tenderee")
    facts.agency = _party(source, agency, "agency")


def _by_label(source: Source, facts: Facts, key: str) -> str | None:
    """The block at the end (名称 under 采购人信息) is the form's own place; a plain label serves as well."""
    for pair in source.pairs:
        if pair.key == key or (pair.key == "name" and pair.section == key):
            name = None if is_blank(pair.value) else clean_name(pair.value)
            if name:
                facts.places[key] = pair.place
                return name
    return None


_SENTENCES = (
    re.compile(rf"(?:招标人|采购人|出让人|转让方)\s*[为是]\s*({ORGANISATION})(?=[，。；,;])"),
    re.compile(rf"受\s*({ORGANISATION})\s*(?:（[^）]*）)?\s*(?:的)?委托"),
    re.compile(rf"({ORGANISATION})的[^。：]{{4,150}}?中标候选人公示已(?:经)?结束"),
    re.compile(rf"批准[，,]\s*({ORGANISATION})\s*(?:决定)?\s*(?:对|以|将|采用)"),
    re.compile(
        rf"({ORGANISATION})\s*(?:于|定于|决定|委托|拟)[^。]{{0,60}}(?:挂牌|拍卖|招标|协议)(?:方式)?(?:公开)?出让"
    ),
    re.compile(r"(\S{2,20}法院)\s*(?:将|决定|委托|于)"),
)


def _by_sentence(source: Source, facts: Facts) -> str | None:
    for pattern in _SENTENCES:
        if found := source.search(pattern):
            facts.places["tenderee"] = found[1]
            return found[0].group(1)
    return None


_AGENCY_SENTENCES = (
    re.compile(rf"代理机构\s*[为是]\s*({ORGANISATION})(?=[，。；,;])"),
    re.compile(rf"^\s*({ORGANISATION})\s*受\s*[^，。；]{{2,60}}?(?:的)?委托"),
)


def _agency_said(source: Source, facts: Facts) -> str | None:
    for pattern in _AGENCY_SENTENCES:
        if found := source.search(pattern):
            facts.places["agency"] = found[1]
            return found[0].group(1)
    return None


def _by_title(source: Source, facts: Facts) -> str | None:
    """The older provincial layout prints the buyer only before the project name in the title."""
    title = re.sub(r"\s", "", source.title)
    name = re.sub(r"\s", "", facts.project_name or "")
    at = title.find(name) if name else -1
    if at >= 4 and _WHOLE_ORGANISATION.fullmatch(title[:at]):
        facts.places["tenderee"] = "标题"
        return title[:at]
    return None


def _signed(source: Source) -> list[str]:
    """The organisations that sign, in the last lines with the date."""
    names: list[str] = []
    for line in source.lines[-4:]:
        for part in re.split(r"[、，,\s]|(?=20\d\d年)", line.text):
            if _WHOLE_ORGANISATION.fullmatch(part):
                names.append(part)
    if not names and source.lines:
        # a signature that copying glued behind a telephone number
        found = re.search(rf"(?<=\d)({ORGANISATION})\s*20\d\d\s*年", source.flat[-200:])
        names = [found.group(1)] if found else []
    return names


def _by_signature(source: Source, facts: Facts, signed: list[str], agency: str | None) -> str | None:
    for name in signed:
        if normalise_name(name) != normalise_name(agency or ""):
            facts.places["tenderee"] = "落款"
            return name
    return None


def _party(source: Source, name: str | None, key: str) -> Party | None:
    if name is None:
        return None
    mine = [pair for pair in source.pairs if pair.section == key or pair.key.startswith(f"{key}_")]
    code = next((credit_code(pair.value) for pair in mine if pair.key == "credit_code"), None)
    return Party(
        name=name,
        address=_detail(mine, key, "address"),
        contact=_detail(mine, key, "contact"),
        phone=_detail(mine, key, "phone"),
        credit_code=code,
    )


def _detail(pairs: list[Pair], party: str, key: str) -> str | None:
    """The first value that fits: a telephone has figures, a contact loses the number printed behind it."""
    wanted = (key, f"{party}_{key}")
    for pair in pairs:
        value = _fitting(key, pair.value) if pair.key in wanted and not is_blank(pair.value) else ""
        if value:
            return value[:200]
    if key == "contact":
        mixed = [p.value for p in pairs if p.key in ("phone", f"{party}_phone")]
        return next((found[1].strip("、， ") for value in mixed if (found := _PERSON.match(value))), None)
    return None


_PERSON = re.compile(r"\s*([\u4e00-\u9fff、\s]{2,20}?)[，,；;：:\s]*(?=[\d（(])")


def _fitting(key: str, value: str) -> str:
    if key == "contact":
        return re.split(r"[；;，,]?\s*\d{3,}", value)[0].strip()
    if key == "phone":
        person = _PERSON.match(value)
        bare = value[person.end() :] if person else value
        return bare if re.search(r"\d{5}", bare) else ""
    return value


_DATE_LINE = re.compile(
    r"^\s*(?:发布(?:时间|日期)\s*[：:])?\s*20\d\d\s*[年\-./]\s*\d{1,2}\s*[月\-./]\s*\d{1,2}\s*日?\s*$"
)
_STAMP = re.compile(r"^\s*(20\d\d\s*年.{4,16}?)\s*(?:信息)?来源")


def find_printed_on(source: Source, facts: Facts) -> None:
    """The date that the notice bears: the signature's, the one after 发布时间, or that of a change."""
    for line in reversed(source.lines[-5:]):
        found = moments(line.text)
        if spans(line.text) or re.search(r"[：:](?!.*(?:章|字))", line.text[: found[0].start] if found else ""):
            continue  # a period or another date's label
        if found and (_DATE_LINE.match(line.text) or found[-1].end >= len(line.text.rstrip("。 "))):
            facts.printed_on, facts.places["printed_on"] = found[-1].day, line.place
            return
    published = sorted(source.with_key("published"), key=lambda pair: "公告" in pair.label)
    stated = [(pair.value, pair.place) for pair in published]
    stated += [(m.group(1), line.place) for line in source.lines[:3] if (m := _STAMP.match(line.text))]
    stated += [(pair.value, pair.place) for pair in source.with_key("change_date")]
    for text, place in stated:
        if moment := first_moment(text):
            facts.printed_on, facts.places["printed_on"] = moment.day, place
            return
