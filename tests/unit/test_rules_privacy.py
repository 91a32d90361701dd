"""The screen for personal data and listed words: what must not be public is found, ways to ask an office are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.errors import Reason
from publisher.figures import is_card_number, is_identity_number, masked
from publisher.notice import Kind
from publisher.rules.book import read_book, rule_book
from publisher.rules.privacy import passages_of, screen
from tests.support import notice_texts as texts
from tests.support.rules import checked, held_by, of_rule

# Invented: the region 000 of no county, days long past, and check digits worked out.
IDENTITY = "110000190001010009"
OTHER = "370000190012310015"
CARD = "6222000000000000018"


def found(text: str, kind: Kind = Kind.AWARD_RESULT) -> list[str]:
    return [one.rule for one in screen(passages_of(text), kind, rule_book().words)]


def with_check(first: str) -> str:
    """17 digits with their 18th."""
    return next(first + last for last in "0123456789X" if is_identity_number(first + last))


def card(first: str) -> str:
    """15 digits or more with the Luhn digit behind them."""
    return next(first + last for last in "0123456789" if is_card_number(first + last))


# ---- identity numbers


@pytest.mark.parametrize("first", [IDENTITY[:17], OTHER[:17], "65000019991231001"])
def test_an_identity_number_is_found_by_its_check_digit_in_any_writing(first: str) -> None:
    number = with_check(first)
    for text in (
        f"项目经理李明（{number}）",
        f"身份证：{number}",
        f"姓名\t证件\n李明\t{number}",
        f"法人：{number[:6]} {number[6:14]} {number[14:]}",
        number.translate(str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")),
    ):
        assert found(text) == ["privacy.id_number"], text


@pytest.mark.parametrize(
    "text",
    [
        "统一社会信用代码：915201026801514260",
        "项目编号：SDGP370881000202511000123",
        "证书编号：渝2502020202110392",
        "流水号 110000190013010009",  # no such month
        "身份证号：3708**********0015",
        "开标时请携带身份证原件（2026年03月16日）",
    ],
)
def test_other_long_numbers_are_no_identity_numbers(text: str) -> None:
    assert found(text) == []


def test_a_number_labelled_as_identity_is_found_even_with_a_wrong_check_digit() -> None:
    number = with_check(OTHER[:17])
    wrong = number[:17] + ("1" if number[17] != "1" else "2")
    assert found(f"身份证号码：{wrong}") == ["privacy.id_number"]
    assert found(f"编号：{wrong}") == []


def test_a_message_names_the_place_and_never_the_whole_value() -> None:
    number = with_check(OTHER[:17])
    text = texts.RESULT.replace("品牌（如有）：康达", f"服务人员身份证 {number}")
    problem = of_rule(checked(text), "privacy.id_number")
    assert problem.reason is Reason.PRIVATE_DATA and problem.place and problem.place in str(problem)
    assert number not in str(problem) and number[4:14] not in str(problem) and masked(number) in str(problem)


# ---- bank accounts


@pytest.mark.parametrize(
    "text", [f"银行卡 {card('622200000000000001')}", "开户行：某银行\n账号：20110012345678901", "账号\n3700160123 4567"]
)
def test_a_bank_account_in_a_result_is_found(text: str) -> None:
    assert found(text) == ["privacy.bank_account"]


def test_the_account_to_which_bidders_pay_their_deposit_is_no_private_one() -> None:
    text = "投标保证金缴纳方式：转账\n户名：曲阜市公共资源交易中心\n开户行：某银行\n账号：20110012345678901"
    assert found(text, Kind.BID_ANNOUNCEMENT) == []
    assert found(text.replace("曲阜市公共资源交易中心", "李明"), Kind.BID_ANNOUNCEMENT) == ["privacy.bank_account"]
    assert found(text.split("\n", 1)[1], Kind.BID_ANNOUNCEMENT) == ["privacy.bank_account"]


@pytest.mark.parametrize(
    "text", ["凭公共资源交易网账号下载", "账号登录：2026年3月16日", "凭证编号 6222000000000000017 不是银行卡"]
)
def test_an_account_of_a_site_and_numbers_without_the_check_are_none(text: str) -> None:
    assert found(text) == []


# ---- mobiles


@pytest.mark.parametrize(
    "text",
    [
        "联系人：孔工　联系电话：13900000001",
        "项目联系方式\n项目联系人：刘工\n电　　话：13900000001",
        "电 话：13900000001\t电 话：0537-0031750",
        "招标人联系电话\t13900000001",
        "联系人\n刘工\n联系方式\n13900000001",
        "异议受理：孔工 139-0000-0001",
        "七、凡对本次公告提出询问，请按以下方式联系\n孔工\n139 0000 0001",
        "联系方式：13900000001 13900000002",
    ],
)
def test_a_mobile_in_a_contact_field_is_left_alone(text: str) -> None:
    assert found(text) == [] and found(text, Kind.BID_ANNOUNCEMENT) == []


@pytest.mark.parametrize(
    "text",
    [
        "项目经理：李明，联系电话：13900000001",
        "候选人\t项目负责人\t联系电话\n某公司\t李明\t13900000001",
        "评审专家名单：张三 13900000001、李四",
        "法定代表人手机 139 0000 0001",
        "本项目由13900000001负责供货",
    ],
)
def test_the_mobile_of_a_winner_or_an_expert_is_held(text: str) -> None:
    assert found(text) == ["privacy.mobile"]


@pytest.mark.parametrize("text", ["金额13900000001.50元", "编号 139000000012", "合同价：13900000001.00"])
def test_figures_that_only_look_like_a_mobile_are_none(text: str) -> None:
    assert found(text) == []


def test_in_an_announcement_the_project_leader_of_the_agency_may_be_called() -> None:
    assert found("项目负责人：张工 电话：13900000001", Kind.BID_ANNOUNCEMENT) == []


# ---- home addresses


@pytest.mark.parametrize(
    "text",
    [
        "家庭住址：曲阜市某街3号",
        "住址\t曲阜市某村12号",
        "户籍所在地：某县某镇某村4组",
        "姓名：李明 某小区3号楼2单元501室",
    ],
)
def test_a_home_address_is_held(text: str) -> None:
    assert found(text) == ["privacy.home_address"]


@pytest.mark.parametrize(
    "text", ["供应商地址：某市某街3号楼2单元501室", "标的位于某小区3号楼2单元501室", "地址：曲阜市仓庚路8号"]
)
def test_the_address_of_a_company_or_of_what_is_sold_is_left_alone(text: str) -> None:
    assert found(text) == []


# ---- words


@pytest.mark.parametrize(
    "text", ["机密★一年", "★秘密", "内部资料，注意保存", "请勿外传", "（征求意见稿）", "采购需求：待补充"]
)
def test_a_listed_word_holds_the_notice(text: str) -> None:
    (rule,) = found(text)
    assert rule.startswith("words.")
    assert held_by(checked(texts.RESULT.replace("八、其他补充事宜\n无", f"八、其他补充事宜\n{text}"))) == [rule]


def test_business_secrets_and_secrecy_duties_are_no_marks_of_secrecy() -> None:
    assert found("供应商应保守商业秘密和国家秘密，签订保密协议") == []


def test_the_office_keeps_its_own_list(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    row = '[[word]]\nid = "words.own"\nlike = "某某牌"\nwhat = "指定品牌"\nsource = "本中心"\nsure = "practice"\n'
    (tmp_path / "rules" / "words.toml").write_text(row, "utf-8")
    book = read_book(tmp_path)
    problem = of_rule(checked(texts.RESULT.replace("康达\n", "某某牌\n"), book=book), "words.own")
    assert problem.reason is Reason.WORD_LISTED and "指定品牌“某某牌”" in str(problem)
    assert held_by(checked(texts.RESULT.replace("八、", "内部资料\n八、"), book=book)) == []


def test_very_many_findings_of_one_kind_are_counted() -> None:
    lines = [one.detail for one in screen(passages_of("供货人13900000001\n" * 60), Kind.AWARD_RESULT)]
    assert len(lines) == 21 and "另有 40 处" in lines[-1]
