"""The fields a notice must have before any channel hears of it; which ones is data in `config/rules/required.toml`."""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Self

from pydantic import field_validator, model_validator

from publisher.errors import Problem, Reason
from publisher.notice import Candidate, Form, Notice, html_to_text, normalise
from publisher.rules.files import read_rows
from publisher.rules.row import Finding, Row

SHORTEST_BODY = 30
"""Characters below which a body counts as empty; white space and a repeated title are not counted."""
BODY_RULE = "required.body"
TITLE_RULE = "required.title"
"""Ids of what every notice must have; no data turns them off."""

_BLANK_VALUES = frozenset(
    {"", "/", "／", "-", "—", "——", "无", "空", "待定", "详见附件", "见附件", "详见文件", "xxx", "×××"}
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_CHANGE_LABEL = re.compile(
    r"(?:更正|变更|修改|澄清|答疑|补充|补遗)(?:[)）])?的?(?:主要)?(内容|事项)(?:如下)?\s*[:：\t\n]?"
)
_ONLY_POINTS_ELSEWHERE = re.compile(r"^(详情|详|具体|内容)?(请)?(参)?见(招标|采购|澄清|更正)?(文件|附件|公告)[。.]?$")
_ONLY_CHOICES = re.compile(r"^[√☑✓☐□■\s]*((采购|招标)(公告|文件|结果)[√☑✓☐□■、,，\s]*)+$")
_CHANGED_TO = re.compile(
    r"(?:更正|变更|修改|修正|调整|更改|改|延长|延期|推迟|顺延)(?:为|至|到)\s*[:：]?\s*[^\s:：_。，]{2}"
)
_STOPPED = re.compile(r"暂停|中止|终止|延期|推迟|撤回|取消")
_PUBLICITY_TERM = re.compile(
    r"公示(期限?|时间|期间)[^。\n]{0,20}?([0-9０-９]+|[一二三四五六七八九十]+)\s*个?(工作)?(日|天)"
)


def _has(text: str | None) -> bool:
    return text is not None and text.strip().casefold() not in _BLANK_VALUES


def _says_what_changes(notice: Notice) -> bool:
    if any(_has(change.after) or _has(change.before) or _has(change.item) for change in notice.changes):
        return True
    if notice.form in {Form.SUSPENSION, Form.TERMINATION} or _STOPPED.search(notice.title):
        return True
    if _CHANGED_TO.search(notice.text):
        return True
    return any(_content_follows(notice.text, label.end()) for label in _CHANGE_LABEL.finditer(notice.text))


def _content_follows(text: str, at: int) -> bool:
    lines = [line.strip(" \t：:") for line in text[at:].split("\n")]
    first = next((line for line in lines if line), "")
    if re.search(r"^[\d一二三四五六七八九十]*[、.]?(更正|变更)日期", first) or not _has(first):
        return False
    return not (_ONLY_POINTS_ELSEWHERE.match(first) or _ONLY_CHOICES.match(first)) and len(first) >= 4


def _has_price(winner: Candidate) -> bool:
    """A price in money, or a rate where the text prints a rate; 0 元 is no price."""
    if winner.price is None:
        return False
    return bool(winner.price.yuan) or winner.price.rate_percent is not None


def _all_have_prices(notice: Notice) -> bool:
    return bool(notice.winners) and all(_has_price(winner) for winner in notice.winners)


def _printed_publicity(notice: Notice) -> bool:
    dates = notice.dates
    return dates.publicity_end is not None or bool(_PUBLICITY_TERM.search(notice.text))


def _original_is_named(notice: Notice) -> bool:
    original = notice.original
    return (
        _has(notice.project_no)
        or _has(notice.project_name)
        or (original is not None and (_has(original.project_no) or _has(original.project_name)))
    )


def _has_team(notice: Notice) -> bool:
    """Someone beside the leader; a candidate's leader alone is no team."""
    leader = re.compile(r"项目(?:负责人|经理|总监)|总监")
    return any(member.role is not None and not leader.search(member.role) for member in notice.team)


_PRESENT: Mapping[str, Callable[[Notice], bool]] = {
    "project_name": lambda n: _has(n.project_name),
    "project_no": lambda n: _has(n.project_no),
    "tenderee": lambda n: n.tenderee is not None and _has(n.tenderee.name),
    "bid_deadline": lambda n: n.dates.bid_deadline is not None,
    "publicity": _printed_publicity,
    "original_number_or_name": _original_is_named,
    "first_published": lambda n: n.original is not None and n.original.first_published is not None,
    "what_changes": _says_what_changes,
    "candidates": lambda n: any(_has(c.name) for c in n.candidates),
    "winners": lambda n: any(_has(w.name) for w in n.winners),
    "prices": _all_have_prices,
    "budget": lambda n: n.budget is not None or any(lot.budget is not None for lot in n.lots),
    "control_price": lambda n: n.control_price is not None or any(lot.control_price is not None for lot in n.lots),
    "agency": lambda n: n.agency is not None and _has(n.agency.name),
    "contact_phone": lambda n: any(p is not None and _has(p.phone) for p in (n.tenderee, n.agency)),
    "documents": lambda n: n.dates.documents_from is not None,
    "scores": lambda n: any(c.score is not None for c in (*n.candidates, *n.winners)),
    "candidate_prices": lambda n: any(c.price is not None for c in n.candidates),
    "durations": lambda n: any(_has(c.duration) for c in (*n.candidates, *n.winners)),
    "qualities": lambda n: any(_has(c.quality) for c in (*n.candidates, *n.winners)),
    "addresses": lambda n: any(_has(c.address) for c in n.winners),
    "rejected_bids": lambda n: bool(n.rejected_bids),
    "team": lambda n: any(_has(member.name) for member in n.team),
    "team_beside_leader": _has_team,
    "performance": lambda n: any(not one.is_award for one in n.performance),
    "awards": lambda n: any(one.is_award for one in n.performance),
    "contract_signed_on": lambda n: n.dates.contract_signed_on is not None,
}
"""How each field that the data may name is looked for."""


class Requirement(Row):
    """One row of the data: met when any field of `any_of` is there, or the text matches any pattern of `says`."""

    label: str
    any_of: tuple[str, ...] = ()
    says: tuple[str, ...] = ()

    @field_validator("any_of")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in _PRESENT]:
            raise ValueError(f"unknown field {unknown[0]}; known are {', '.join(_PRESENT)}")
        return names

    @field_validator("says")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern} is no pattern: {error}") from error
        return patterns

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.any_of and not self.says:
            raise ValueError("any_of or says must name something")
        return self

    def met_by(self, notice: Notice) -> bool:
        """Whether the notice has what is asked."""
        return any(_PRESENT[name](notice) for name in self.any_of) or any(
            re.search(pattern, notice.text) for pattern in self.says
        )


@functools.cache
def shipped_requirements() -> tuple[Requirement, ...]:
    """The requirements that travel with the program. Raises SettingsError if the data is wrong."""
    text = importlib.resources.files("config").joinpath("rules/required.toml").read_text("utf-8")
    return read_requirements(text)


def read_requirements(text: str, label: str = "rules/required.toml") -> tuple[Requirement, ...]:
    """The requirements of a TOML text. Raises SettingsError."""
    return read_rows(text, label, "requirement", Requirement)


def missing_fields(notice: Notice, requirements: tuple[Requirement, ...] | None = None) -> tuple[Problem, ...]:
    """Everything whose lack holds the notice, all at once: an empty body, then each required field that is blank."""
    asked = shipped_requirements() if requirements is None else requirements
    strict = tuple(requirement for requirement in asked if requirement.on_breach == "hold")
    return tuple(
        Problem(found.reason, found.detail, found.field, rule=found.rule) for found in lacking(notice, strict, None)
    )


def lacking(notice: Notice, requirements: Sequence[Requirement], day: date | None) -> Iterator[Finding]:
    """What the notice lacks of the requirements in force on `day`, strict or not."""
    if not _surely_long(notice) and (length := _body_length(notice)) < SHORTEST_BODY:
        detail = f"正文为空或过短：标题之外只有 {length} 个字，至少应有 {SHORTEST_BODY} 个字。请补充正文后重新放入。"
        yield Finding(BODY_RULE, Reason.EMPTY_BODY, detail, "body_html")
    if not re.search(r"\w{2}", notice.title):
        yield Finding(TITLE_RULE, Reason.EMPTY_FIELD, "未写明：标题。请补齐后重新放入。", "title")
    for requirement in requirements:
        if requirement.in_force(day) and requirement.asked_of(notice) and not requirement.met_by(notice):
            after = "请补齐后重新放入。" if requirement.on_breach == "hold" else f"（{requirement.source}）"
            detail = f"未写明：{requirement.label}{_whose(requirement, notice)}。{after}"
            field = requirement.any_of[0] if requirement.any_of else None
            yield Finding(requirement.id, Reason.EMPTY_FIELD, detail, field)


def _whose(requirement: Requirement, notice: Notice) -> str:
    if "prices" not in requirement.any_of:
        return ""
    without = [winner.name for winner in notice.winners if not _has_price(winner)]
    return f"（{'、'.join(without)}）" if without else ""


def _body_length(notice: Notice) -> int:
    """Characters of the body that are not white space, without the title where the body begins with it."""
    return len(normalise(html_to_text(notice.body_html)).removeprefix(normalise(notice.title)))


def _surely_long(notice: Notice) -> bool:
    """Far more than the shortest body, seen without taking the page apart; bodies are clean of scripts and styles."""
    return len(_CHINESE.findall(notice.body_html, 0, 6000)) > 200 + len(notice.title)
