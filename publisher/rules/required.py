"""The fields a notice must have before any channel hears of it; which ones is data in `config/rules/required.toml`."""

from __future__ import annotations

import functools
import importlib.resources
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from publisher.errors import Problem, Reason, SettingsError
from publisher.notice import Candidate, Form, Kind, Notice, ProjectClass, html_to_text, normalise

SHORTEST_BODY = 30
"""Characters below which a body counts as empty; white space and a repeated title are not counted."""

_BLANK_VALUES = frozenset(
    {"", "/", "／", "-", "—", "——", "无", "空", "待定", "详见附件", "见附件", "详见文件", "xxx", "×××"}
)
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
}
"""How each field that the data may name is looked for."""


class Requirement(BaseModel):
    """One row of the data: met when any field of `any_of` is there; `source` and `sure` say why it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    any_of: tuple[str, ...]
    kinds: tuple[Kind, ...] = ()
    forms: tuple[Form, ...] = ()
    classes: tuple[ProjectClass, ...] = ()
    except_forms: tuple[Form, ...] = ()
    except_classes: tuple[ProjectClass, ...] = ()
    unless_failed: bool = False
    source: str
    sure: Literal["law", "high", "medium", "practice"]

    @field_validator("any_of")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in names if name not in _PRESENT]:
            raise ValueError(f"unknown field {unknown[0]}; known are {', '.join(_PRESENT)}")
        return names

    def asked_of(self, notice: Notice) -> bool:
        """Whether this notice must meet the requirement."""
        return (
            (not self.kinds or notice.kind in self.kinds)
            and (not self.forms or notice.form in self.forms)
            and (not self.classes or notice.project_class in self.classes)
            and notice.form not in self.except_forms
            and notice.project_class not in self.except_classes
            and not (self.unless_failed and (notice.failed or notice.form is Form.FAILED_TENDER))
        )

    def met_by(self, notice: Notice) -> bool:
        """Whether the notice has what is asked."""
        return any(_PRESENT[name](notice) for name in self.any_of)


@functools.cache
def shipped_requirements() -> tuple[Requirement, ...]:
    """The requirements that travel with the program. Raises SettingsError if the data is wrong."""
    text = importlib.resources.files("config").joinpath("rules/required.toml").read_text("utf-8")
    return read_requirements(text)


def read_requirements(text: str) -> tuple[Requirement, ...]:
    """The requirements of a TOML text. Raises SettingsError."""
    try:
        rows = tomllib.loads(text).get("requirement", [])
        return tuple(Requirement.model_validate(row) for row in rows)
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError(f"rules/required.toml: {error}") from error


def missing_fields(notice: Notice, requirements: tuple[Requirement, ...] | None = None) -> tuple[Problem, ...]:
    """Everything the notice lacks, all at once: an empty body, then each required field that is blank."""
    problems = []
    if (length := _body_length(notice)) < SHORTEST_BODY:
        detail = f"正文为空或过短：标题之外只有 {length} 个字，至少应有 {SHORTEST_BODY} 个字。请补充正文后重新放入。"
        problems.append(Problem(Reason.EMPTY_BODY, detail, field="body_html"))
    if not re.search(r"\w{2}", notice.title):
        problems.append(Problem(Reason.EMPTY_FIELD, "未写明：标题。请补齐后重新放入。", field="title"))
    for requirement in shipped_requirements() if requirements is None else requirements:
        if requirement.asked_of(notice) and not requirement.met_by(notice):
            detail = f"未写明：{requirement.label}{_whose(requirement, notice)}。请补齐后重新放入。"
            problems.append(Problem(Reason.EMPTY_FIELD, detail, field=requirement.any_of[0]))
    return tuple(problems)


def _whose(requirement: Requirement, notice: Notice) -> str:
    if "prices" not in requirement.any_of:
        return ""
    without = [winner.name for winner in notice.winners if not _has_price(winner)]
    return f"（{'、'.join(without)}）" if without else ""


def _body_length(notice: Notice) -> int:
    """Characters of the body that are not white space, without the title where the body begins with it."""
    return len(normalise(html_to_text(notice.body_html)).removeprefix(normalise(notice.title)))
