"""The small pieces of reading: dates, amounts, credit codes, labels, titles, joined lines."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from publisher.figures import capital_amount, is_credit_code
from publisher.intake.extract.amounts import parse_amount
from publisher.intake.extract.blocks import Line, Table, blocks_of
from publisher.intake.extract.codes import credit_code
from publisher.intake.extract.dates import first_moment, moments, spans
from publisher.intake.extract.grids import grids_of
from publisher.intake.extract.pairs import pairs_of
from publisher.intake.extract.pieces import split_line
from publisher.intake.extract.titles import choose_title, name_in_title, round_of, sequence_of, without_title
from publisher.intake.readers.plain import join_lines
from publisher.notice import LOCAL, PriceBasis


def at(*parts: int) -> datetime:
    year, month, day, hour, minute = parts
    return datetime(year, month, day, hour, minute, tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026年3月20日10：00（北京时间）", at(2026, 3, 20, 10, 0)),
        ("2025-11-03 09:30:00", at(2025, 11, 3, 9, 30)),
        ("202 6 年 3 月 1 6 日 9 时 05 分", at(2026, 3, 16, 9, 5)),
        ("2017年12月27日下午2时30分", at(2017, 12, 27, 14, 30)),
        ("2017年12月27日9点半", at(2017, 12, 27, 9, 30)),
        ("２０２６年４月７日", date(2026, 4, 7)),
        ("2026.3.16", date(2026, 3, 16)),
        ("2026年3月20日24:00", at(2026, 3, 21, 0, 0)),
        ("2026年3月20日（星期五）10:00", at(2026, 3, 20, 10, 0)),
    ],
)
def test_a_date_is_read_in_every_way_that_notices_print_it(text: str, value: date) -> None:
    found = first_moment(text)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    "text", ["2026年2月30日", "2026年13月1日", "项目编号20260316001", "1899-2026-03", "2026年3月5日27:00"]
)
def test_an_impossible_date_is_none(text: str) -> None:
    assert first_moment(text) is None


def test_a_range_may_leave_out_year_and_month_of_its_end() -> None:
    ((begin, end),) = spans("3月公示：2026年03月17日08:30至23日17:00")
    assert (begin.value, end.value) == (at(2026, 3, 17, 8, 30), at(2026, 3, 23, 17, 0))
    ((begin, end),) = spans("自2017年8月23日 9:00起至2017年9月1日14:30 止")
    assert (begin.value, end.value) == (at(2017, 8, 23, 9, 0), at(2017, 9, 1, 14, 30))
    assert spans("2026年3月17日发布，2026年4月1日开标") == ()


def test_two_dates_in_a_row_are_two() -> None:
    assert [m.day for m in moments("2026年3月17日2026年3月18日")] == [date(2026, 3, 17), date(2026, 3, 18)]


@pytest.mark.parametrize(
    ("raw", "label", "yuan", "basis"),
    [
        ("￥10618.520389 万元（人民币）", "", "106185203.89", PriceBasis.TOTAL),
        ("2,446,475.04 元", "", "2446475.04", PriceBasis.TOTAL),
        ("60 \n 万元", "", "600000", PriceBasis.TOTAL),
        ("30.0 (万元)", "", "300000", PriceBasis.TOTAL),
        ("480.000000（万元）", "", "4800000", PriceBasis.TOTAL),
        ("140.000000", "预算金额(万元)", "1400000", PriceBasis.TOTAL),
        ("283500元", "报价（万元）", "283500", PriceBasis.TOTAL),
        ("1.2亿元", "", "120000000", PriceBasis.TOTAL),
        ("736320.0", "", "736320", PriceBasis.TOTAL),
        ("513360.00元每年", "", "513360", PriceBasis.PER_YEAR),
        ("12.6万元/年", "", "126000", PriceBasis.PER_YEAR),
        ("286.6元/工日", "", "286.6", PriceBasis.UNIT),
        ("45", "单价（元/平方米）", "45", PriceBasis.UNIT),
        ("人民币壹佰壹拾柒万壹仟零肆拾元整", "", "1171040", PriceBasis.TOTAL),
    ],
)
def test_an_amount_has_its_value_in_yuan_and_says_what_it_is_the_price_of(
    raw: str, label: str, yuan: str, basis: PriceBasis
) -> None:
    amount = parse_amount(raw, label)
    assert amount is not None
    assert (amount.money.yuan, amount.money.basis) == (Decimal(yuan), basis)
    assert amount.money.addable is (basis is PriceBasis.TOTAL)
    assert amount.suspect == ""


@pytest.mark.parametrize(("raw", "label"), [("24.91%", ""), ("24.91％", "投标报价"), ("24.91", "下浮率")])
def test_a_rate_is_no_money(raw: str, label: str) -> None:
    amount = parse_amount(raw, label)
    assert amount is not None
    assert (amount.money.yuan, amount.money.rate_percent, amount.money.addable) == (None, Decimal("24.91"), False)


@pytest.mark.parametrize(
    ("raw", "label", "word"),
    [
        ("0元 人民币", "", "0"),
        ("1", "中标金额", "1"),
        ("24959500.00", "控制价(万元)", "亿"),
        ("0", "预算（万元）", "0"),
    ],
)
def test_a_figure_that_cannot_be_the_price_is_suspect(raw: str, label: str, word: str) -> None:
    amount = parse_amount(raw, label)
    assert amount is not None
    assert word in amount.suspect


def test_capitals_win_over_figures_and_the_difference_is_told() -> None:
    amount = parse_amount("壹佰贰拾万元整（¥1300000元）")
    assert amount is not None
    assert amount.money.yuan == 1200000
    assert "不一致" in amount.suspect


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("贰仟零伍元叁角贰分", "2005.32"),
        ("壹亿贰仟叁佰万元整", "123000000"),
        ("拾伍万圆整", "150000"),
        ("叁拾捌万陆仟元", "386000"),
    ],
)
def test_capitals_are_worth_what_they_say(text: str, yuan: str) -> None:
    assert capital_amount(text) == Decimal(yuan)


def test_no_figure_is_no_amount() -> None:
    assert parse_amount("详见采购文件") is None


@pytest.mark.parametrize(
    "code", ["91420111751839827U", "91500000202805587B", "12500000745322928L", "31110000567482469L"]
)
def test_the_check_character_of_a_credit_code_is_verified(code: str) -> None:
    assert is_credit_code(code)
    assert credit_code(f"统一社会信用代码：{code}。") == code
    changed = ("2" if code[9] != "2" else "3").join((code[:9], code[10:]))
    assert not is_credit_code(changed)
    assert credit_code(changed) is None


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ("一、项目基本情况项目编号：QF-1", [("project_no", "QF-1")]),
        ("名 称：某局 地　址：某路1号", [("name", "某局"), ("address", "某路1号")]),
        ("采购人：某某有限公司地址：某路1号", [("tenderee", "某某有限公司"), ("address", "某路1号")]),
        ("（公示期：2026年3月1日至2026年3月5日）", [("publicity", "2026年3月1日至2026年3月5日")]),
        ("中标（成交）金额：（可填写下浮率、折扣率或费率）：28万元", [("price", "28万元")]),
        ("2.4项目计划投资：5.84万元。", [("budget", "5.84万元")]),
        ("标段（包）编号：E65001", [("lot_no", "E65001")]),
        ("本项目（招标项目编号：E6500）已由某局批准", [("project_no", "E6500")]),
        ("地点：某网（https://a.example:8080/x）10：00前", [("", "某网（https://a.example:8080/x）10：00前")]),
    ],
)
def test_a_line_is_split_at_its_labels(line: str, pairs: list[tuple[str, str]]) -> None:
    assert [(piece.key, piece.value) for piece in split_line(line)] == pairs


@pytest.mark.parametrize("line", ["合同编号：HT-9", "采购执行编号：ZC-1", "预算编号：0026", "品牌名称：康达"])
def test_a_longer_word_is_another_label(line: str) -> None:
    assert [piece.key for piece in split_line(line)] == [""]


def test_a_value_may_stand_under_its_label_but_a_label_is_no_value() -> None:
    blocks = blocks_of(
        "<p>项目编号：</p><p>QF-2025-1</p><p>预算金额：</p><p>采购人：某局</p><p>三、公示期限</p><p>自某日</p>"
    )
    found = {pair.key: pair.value for pair in pairs_of(blocks)}
    assert found == {"project_no": "QF-2025-1", "budget": "", "tenderee": "某局", "publicity": "自某日"}


def test_parts_of_a_table_give_the_same_label_its_owner() -> None:
    rows = ("招标人信息", "单位名称|甲局", "招标代理机构信息", "单位名称|乙公司", "中标人信息", "单位名称|丙公司")
    body = "".join(f"<tr><td>{'</td><td>'.join(row.split('|'))}</td></tr>" for row in rows)
    pairs = pairs_of(blocks_of(f"<table>{body}</table>"))
    assert [(pair.section, pair.value) for pair in pairs] == [
        ("tenderee", "甲局"),
        ("agency", "乙公司"),
        ("winner", "丙公司"),
    ]


def test_spans_are_spread_and_column_heads_found() -> None:
    html = (
        "<table><tr><td rowspan=2>排序</td><td rowspan=2>名称</td><td colspan=2>项目经理</td></tr>"
        "<tr><td>姓名</td><td>证书编号</td></tr><tr><td>1</td><td>甲公司</td><td>赵</td><td>鲁1</td></tr></table>"
    )
    (grid,) = grids_of(blocks_of(html))
    assert grid.heads == ("排序", "名称", "姓名", "证书编号")
    assert grid.records[0].get("姓名") == ("姓名", "赵")
    assert grid.records[0].place == "表格1 第3行"


def test_layout_tables_are_lines_and_places_count_from_one() -> None:
    blocks = blocks_of("<p>甲</p><table><tr><td>标包：A</td></tr><tr><td>供应商：乙</td></tr></table><p>丙<br>丁</p>")
    assert [(b.text, b.place) for b in blocks if isinstance(b, Line)] == [
        ("甲", "第1行"),
        ("标包：A", "第2行"),
        ("供应商：乙", "第3行"),
        ("丙", "第4行"),
        ("丁", "第5行"),
    ]
    assert not any(isinstance(block, Table) for block in blocks)


@pytest.mark.parametrize(
    ("lines", "marked", "title", "count"),
    [
        (["某局某项目招标公告", "一、概况"], None, "某局某项目招标公告", 1),
        (["某工程", "中标候选人公示", "（公示期：某日）"], None, "某工程中标候选人公示", 2),
        (["某项目（监理）", "（ E6500003901）", "一、条件"], None, "某项目（监理）", 1),
        (["某校施 工公告", "正文"], "某校施工公告", "某校施工公告", 1),
        (["一、项目编号：1"], "页面标题招标公告", "页面标题招标公告", 0),
    ],
)
def test_the_title_is_what_stands_before_the_first_heading(
    lines: list[str], marked: str | None, title: str, count: int
) -> None:
    assert choose_title([Line(text, at) for at, text in enumerate(lines, 1)], marked) == (title, count)


def test_a_title_that_is_no_element_of_its_own_stays_in_the_body() -> None:
    assert without_title("<h1>甲</h1><p>乙</p>", 1) == "<p>乙</p>"
    assert without_title("<p>甲<br>乙</p>", 1) == "<p>甲<br>乙</p>"


@pytest.mark.parametrize(
    ("title", "turn"),
    [
        ("某项目（第二次）招标公告", 2),
        ("某项目第三次公告", 3),
        ("某项目（二次）竞争性磋商公告", 2),
        ("某装修工程（暂估价二次招标）中标人公告", 1),
        ("某项目第二次更正公告", 1),
        ("某项目招标公告", 1),
    ],
)
def test_the_round_is_that_of_the_tender_not_of_its_corrections(title: str, turn: int) -> None:
    assert round_of(title) == turn


@pytest.mark.parametrize(
    ("title", "number"),
    [
        ("某项目更正公告(四)", 4),
        ("某项目更正（澄清）公告（一）", 1),
        ("某项目第二次更正公告", 2),
        ("某项目变更公告3", 3),
        ("招标文件修改、澄清（答疑）纪要（十二）", 12),
        ("某项目更正公告", 0),
    ],
)
def test_the_sequence_of_a_change_is_read_from_its_title(title: str, number: int) -> None:
    assert sequence_of(title) == number


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("某校教室照明改造项目公开招标公告", "某校教室照明改造项目"),
        ("（某中心2026年维修项目（第二次））中标结果公告", "某中心2026年维修项目（第二次）"),
        ("某中心用车服务采购项目合同", "某中心用车服务采购项目"),
        ("某市国有建设用地使用权网上挂牌出让公告", "某市国有建设用地使用权"),
    ],
)
def test_the_name_of_the_project_is_left_when_the_notice_words_go(title: str, name: str) -> None:
    found = name_in_title(title)
    assert found is not None
    assert found.strip("（）") == name.strip("（）")


def test_what_copying_cut_is_joined_and_items_stay_apart() -> None:
    head = "某校食堂承包项目\n中标结果公示\n1\n、中标人：甲公司\n中标价\n：\n18791886.00\n元\n"
    text = head + "2\n、开标时间：\n2026\n年\n3\n月\n9\n日\n联系人：\n王工\n"
    assert join_lines(text) == [
        "某校食堂承包项目",
        "中标结果公示",
        "1、中标人：甲公司中标价：18791886.00元",
        "2、开标时间：2026年3月9日",
        "联系人：王工",
    ]


def test_an_ordinary_text_keeps_its_lines() -> None:
    lines = ["某局公告", "根据有关规定现公告如下", "一、项目名称：甲", "二、预算金额：5万元", "地址：", "联系人：王工"]
    assert join_lines("\n".join(lines)) == lines


def test_a_unit_on_the_next_line_and_a_label_cut_in_two_are_joined() -> None:
    assert join_lines("预算金额：\n30.0\n(万元)\n采购人：甲公司地\n址：乙路") == [
        "预算金额：30.0(万元)",
        "采购人：甲公司地址：乙路",
    ]
