"""Notices of other provinces that no rule was written for: none is held, and each planted defect is found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from publisher.errors import Problem, Reason
from publisher.intake.reading import NamedBytes, read_files
from publisher.notice import LOCAL, Kind, Notice, ProjectClass
from publisher.planning import check_all
from publisher.rules.book import rule_book
from publisher.rules.content import Checked
from publisher.rules.terms import load_law
from tests.support.rules import held_by, word_file

FOLDER = Path(__file__).parents[1] / "data" / "unseen"
NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
DAY = datetime(2026, 3, 18, 9, 0, tzinfo=LOCAL)
"""The day on which all of them are published."""


def text_of(name: str, *changes: tuple[str, str]) -> str:
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    for before, after in changes:
        assert text.count(before) >= 1, f"{before} is not in {name}"
        text = text.replace(before, after)
    return text


def judged(files: Mapping[str, bytes]) -> tuple[Notice, Checked]:
    (draft,) = read_files([NamedBytes(name, data) for name, data in files.items()])
    assert draft.notice is not None, [str(problem) for problem in draft.problems]
    return draft.notice, check_all(draft, draft.notice, rule_book(), load_law(), at=DAY)


def checked_text(text: str) -> Checked:
    return judged({"公告.txt": text.encode()})[1]


KINDS: dict[str, tuple[Kind, ProjectClass]] = {
    "四川-工程施工招标": (Kind.BID_ANNOUNCEMENT, ProjectClass.WORKS),
    "安徽-土地挂牌": (Kind.BID_ANNOUNCEMENT, ProjectClass.LAND),
    "广东-公开招标": (Kind.BID_ANNOUNCEMENT, ProjectClass.PROCUREMENT),
    "广西-询价": (Kind.BID_ANNOUNCEMENT, ProjectClass.PROCUREMENT),
    "江西-单一来源公示": (Kind.BID_ANNOUNCEMENT, ProjectClass.PROCUREMENT),
    "河北-终止公告": (Kind.CHANGE_NOTICE, ProjectClass.PROCUREMENT),
    "浙江-中标候选人公示": (Kind.WINNING_BID_NOTICE, ProjectClass.WORKS),
    "湖北-成交结果": (Kind.AWARD_RESULT, ProjectClass.PROCUREMENT),
    "湖南-竞争性磋商": (Kind.BID_ANNOUNCEMENT, ProjectClass.PROCUREMENT),
    "福建-产权转让": (Kind.BID_ANNOUNCEMENT, ProjectClass.PROPERTY),
    "辽宁-更正公告": (Kind.CHANGE_NOTICE, ProjectClass.PROCUREMENT),
    "重庆-流标公告": (Kind.AWARD_RESULT, ProjectClass.WORKS),
    "陕西-竞争性谈判": (Kind.BID_ANNOUNCEMENT, ProjectClass.PROCUREMENT),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_notice_of_another_province_is_read_as_what_it_is_and_held_for_nothing(name: str) -> None:
    notice, checked = judged({f"{name}.txt": text_of(name).encode()})
    assert [f"{problem.rule}: {problem}" for problem in checked.problems] == []
    assert (notice.kind, notice.project_class) == KINDS[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_notice_as_a_word_file_is_held_for_nothing_either(name: str) -> None:
    _, checked = judged({f"{name}.docx": word_file(*text_of(name).splitlines())})
    assert held_by(checked) == []


PLANTED: list[tuple[str, str, tuple[tuple[str, str], ...], str]] = [
    # what is wrong, in which notice, how it is put there, the rule that finds it
    ("no deadline", "广西-询价", (("2026年03月26日 15:00", "另行通知"),), "required.bid_deadline"),
    (
        "no tenderee",
        "四川-工程施工招标",
        (
            ("招标人为川西县交通建设投资有限责任公司", "招标人待定"),
            ("招标人：川西县交通建设投资有限责任公司", "招标人："),
            ("项目业主为川西县交通运输局，", ""),
        ),
        "required.tenderee",
    ),
    ("consultation in nine days", "湖南-竞争性磋商", (("2026年4月3日9点30分", "2026年3月27日9点30分"),), "P6"),
    ("tender in nineteen days", "广东-公开招标", (("04月14日", "04月11日"),), "P4"),
    (
        "tender of works in eighteen days",
        "四川-工程施工招标",
        (("2026年4月13日10时00分", "2026年4月7日10时00分"),),
        "E3",
    ),
    ("documents for three days", "四川-工程施工招标", (("2026年3月27日23:59", "2026年3月22日23:59"),), "E1"),
    ("inquiry in two working days", "广西-询价", (("03月26日 15:00", "03月20日 15:00"),), "P7"),
    ("announced for two working days", "陕西-竞争性谈判", (("3个工作日", "2个工作日"),), "P2"),
    ("candidates for two days", "浙江-中标候选人公示", (("至2026年3月23日", "至2026年3月20日"),), "E7"),
    ("single source for four working days", "江西-单一来源公示", (("至2026年03月26日", "至2026年03月24日"),), "P14"),
    ("land in sixteen days", "安徽-土地挂牌", (("2026年4月9日9时", "2026年4月3日9时"),), "L1"),
    (
        "property for eighteen working days",
        "福建-产权转让",
        (("至2026年4月16日（20个工作日）", "至2026年4月14日"),),
        "Q1",
    ),
    ("price over the budget", "湖北-成交结果", (("成交金额：39.8万元", "成交金额：43.8万元"),), "money.over_limit"),
    ("unit lost", "湖北-成交结果", (("成交金额：39.8万元", "成交金额：39.8元"),), "money.far_below"),
    ("no price", "湖北-成交结果", (("成交金额：39.8万元", "成交金额：万元"),), "required.prices"),
    ("wrong credit code", "湖北-成交结果", (("91420100MA4K00006B", "91420100MA4K00006C"),), "code.credit"),
    (
        "identity card of a leader",
        "浙江-中标候选人公示",
        (("项目负责人：卢一", "项目负责人：卢一（430100190001010020）"),),
        "privacy.id_number",
    ),
    ("mobile of an expert", "湖北-成交结果", (("万一、金二", "万一（13900000011）、金二"),), "privacy.mobile"),
    (
        "mobile of a bidder's leader",
        "浙江-中标候选人公示",
        (("项目负责人：裘二", "项目负责人：裘二，手机13900000012"),),
        "privacy.mobile",
    ),
    (
        "account of the winner",
        "湖北-成交结果",
        (("成交金额：39.8万元", "成交金额：39.8万元\n开户行：武汉某某银行，账号：6222020000000000018"),),
        "privacy.bank_account",
    ),
    (
        "home of a leader",
        "浙江-中标候选人公示",
        (("项目负责人：卢一", "项目负责人：卢一，家庭住址：越东县城南街道东门路8号301室"),),
        "privacy.home_address",
    ),
    ("an unfinished text", "辽宁-更正公告", (("更正原因：采购需求调整", "更正原因：（待补充）"),), "words.unfinished"),
    ("no first date", "辽宁-更正公告", (("首次公告日期：2026年3月2日\n", ""),), "required.first_published"),
    (
        "candidates without names",
        "浙江-中标候选人公示",
        (("浙江某某建设集团有限公司", ""), ("宁波某某建工有限公司", ""), ("绍兴某某市政园林工程有限公司", "")),
        "text.blank",
    ),
]


@pytest.mark.parametrize(
    ("name", "changes", "rule"), [one[1:] for one in PLANTED], ids=[one[0].replace(" ", "_") for one in PLANTED]
)
def test_a_defect_planted_in_a_sound_notice_holds_it_by_the_rule_about_it(
    name: str, changes: tuple[tuple[str, str], ...], rule: str
) -> None:
    assert rule in held_by(checked_text(text_of(name, *changes)))


@pytest.mark.parametrize(
    ("hidden", "rule"),
    [
        ({"hidden": "内定供应商"}, "file.hidden"),
        ({"comment": "请核"}, "file.comments"),
        ({"deleted": "旧价"}, "file.changes"),
    ],
)
def test_what_is_hidden_in_the_word_file_of_a_sound_notice_holds_it(hidden: dict[str, str], rule: str) -> None:
    lines = text_of("湖南-竞争性磋商").splitlines()
    assert held_by(judged({"公告.docx": word_file(*lines, **hidden)})[1]) == [rule]


def test_everything_wrong_with_one_notice_is_said_at_once() -> None:
    text = text_of(
        "湖北-成交结果",
        ("成交金额：39.8万元", "成交金额：43.8万元"),
        ("91420100MA4K00006B", "91420100MA4K00006C"),
        ("万一、金二", "万一（13900000011）、金二"),
    )
    found = checked_text(text).problems
    assert {problem.rule for problem in found} == {"money.over_limit", "code.credit", "privacy.mobile"}
    assert all(_says_what_to_do(problem) for problem in found)


def _says_what_to_do(problem: Problem) -> bool:
    return any(word in str(problem) for word in ("请", "核准")) and problem.reason in Reason
