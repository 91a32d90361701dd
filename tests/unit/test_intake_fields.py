"""Every standard form is read by its labels: real notices, and rewritten ones with other words and numbers."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from publisher.intake.reading import Draft, NamedBytes, read_files
from publisher.notice import Form, Kind, PriceBasis, ProjectClass
from tests.support import notice_texts as texts
from tests.support.office_files import Block, docx_of

DATA = Path(__file__).parents[1] / "data" / "notices"


def read(text: str, declared: str | None = None) -> Draft:
    (draft,) = read_files([NamedBytes("公告.txt", text.encode())], declared)
    return draft


def read_file(name: str) -> Draft:
    (draft,) = read_files([NamedBytes(name, (DATA / name).read_bytes())])
    return draft


REAL: dict[str, dict[str, Any]] = {
    "01-jinan-two-lots.docx": {
        "form": "竞争性磋商公告",
        "project_no": "SDGP370100000202602000045",
        "tenderee": "济南市皇亭竞技体育学校",
        "agency": "海逸恒安项目管理有限公司",
        "budget_yuan": "480000.00",
        "bid_deadline": "2026-03-27T09:00:00+08:00",
    },
    "02-shandong-lot-a.html": {
        "form": "公开招标公告",
        "budget_yuan": "1400000.00",
        "control_price_yuan": "1400000.00",
        "lots": [{"no": "A", "name": None, "budget_yuan": "1400000.00"}],
        "project_name": "“好运山东”山东省马拉松联赛运营服务项目(2)",
    },
    "03-rizhao-split-unit.docx": {"budget_yuan": "600000.00", "bid_deadline": "2026-04-07T14:30:00+08:00"},
    "05-aohan-supervision.docx": {
        "form": "招标公告",
        "project_class": "works",
        "project_no": None,
        "title": "敖汉旗新惠中学体育馆建设项目监理招标公告",
        "tenderee": "敖汉旗新惠中学",
        "bid_deadline": "2026-04-07T09:00:00+08:00",
    },
    "13-jingmen-wrong-attachment.docx": {
        "form": "更正公告",
        "original_notice": {"project_no": "JQ2026-CS-02", "first_published": "2026-03-16"},
    },
    "14-jiangsu-suspended.docx": {"kind": "change_notice", "sequence": 4, "warnings": ["suspension"]},
    "20-huaying-percent-price.txt": {
        "kind": "winning_bid_notice",
        "tenderee": "华蓥发展建设有限公司",
        "publicity_start": "2026-03-16",
        "publicity_end": "2026-03-18",
    },
    "22-qingdao-item-table.docx": {"form": "成交结果公告", "tenderee": "青岛市黄岛区教育和体育局"},
    "24-beijing-lot-one.docx": {"lots": [{"no": "1", "name": "体育行业领域预付费纠纷法律服务项目"}]},
    "25-dangtu-price-per-year.docx": {"attachments_mentioned": 2, "warnings": ["attachment_missing"]},
    "26-nanping-failed-bid.docx": {"form": "流标公告", "failed": True, "winners": []},
    "29-jinan-university-four-lots.html": {
        "tenderee": "济南大学",
        "title": "济南大学中心校区学生公寓改造提升项目施工中标（成交）公告",
    },
    "31-zhangzhou-broken-lines.txt": {
        "title": "漳州市芗城区体育公园中标结果公示",
        "publicity_end": "2026-03-26",
        "agency": "福建工实工程项目管理有限公司",
    },
}


@pytest.mark.parametrize("name", sorted(REAL))
def test_a_real_notice_is_accepted_with_the_fields_it_prints(name: str) -> None:
    draft = read_file(name)
    assert draft.problems == ()
    assert draft.notice is not None
    assert draft.fields["outcome"] == "accepted"
    assert {field: draft.fields[field] for field in REAL[name]} == REAL[name]
    json.dumps(dict(draft.fields))


WINNERS = {
    "20-huaying-percent-price.txt": [
        (1, "四川广泰建安建设工程有限公司", None, "24.91"),
        (2, "四川云禧建筑工程有限公司", None, "23.9"),
        (3, "四川哲匠建设工程有限公司", None, "22.4"),
    ],
    "22-qingdao-item-table.docx": [(None, "青岛高校电子有限公司", "736320.00", None)],
    "24-beijing-lot-one.docx": [(None, "北京恒都律师事务所", "235000.00", None)],
    "25-dangtu-price-per-year.docx": [(None, "安徽盛农农业集团有限公司", "513360.00", None)],
    "29-jinan-university-four-lots.html": [
        (None, "中建八局第二建设有限公司", "28378613.89", None),
        (None, "中建八局东南建设有限公司", "27670000.00", None),
        (None, "济南一建集团有限公司", "25786590.00", None),
        (None, "中铁十局集团有限公司", "24350000.00", None),
    ],
    "31-zhangzhou-broken-lines.txt": [(None, "福建中闽谦合建工有限公司", "18791886.00", None)],
}


@pytest.mark.parametrize("name", sorted(WINNERS))
def test_winners_of_a_real_notice_have_their_price_in_yuan_or_their_rate(name: str) -> None:
    winners: Any = read_file(name).fields["winners"]
    assert [(w["rank"], w["name"], w["price_yuan"], w.get("rate_percent")) for w in winners] == WINNERS[name]


def test_scores_and_credit_codes_are_joined_from_tables_of_their_own() -> None:
    qingdao, beijing = read_file("22-qingdao-item-table.docx").notice, read_file("24-beijing-lot-one.docx").notice
    assert qingdao is not None and beijing is not None
    assert str(qingdao.winners[0].score) == "91.49"
    assert str(beijing.winners[0].score) == "83.84"
    assert beijing.winners[0].credit_code == "31110000567482469L"


def test_a_yearly_price_and_a_rate_may_not_enter_a_sum() -> None:
    yearly, rate = read_file("25-dangtu-price-per-year.docx").notice, read_file("20-huaying-percent-price.txt").notice
    assert yearly is not None and rate is not None
    assert yearly.winners[0].price is not None and rate.candidates[0].price is not None
    assert (yearly.winners[0].price.basis, yearly.winners[0].price.addable) == (PriceBasis.PER_YEAR, False)
    assert (rate.candidates[0].price.basis, rate.candidates[0].price.yuan) == (PriceBasis.RATE, None)


def test_the_title_leaves_the_body_and_lines_cut_by_copying_are_whole_again() -> None:
    notice = read_file("20-huaying-percent-price.txt").notice
    assert notice is not None
    assert notice.title.endswith("华蓥市体育公园建设项目-单体建筑主体工程劳务招标结果的公示")
    assert notice.text.startswith("我公司于2026年3月16日组织的")
    assert "公示期：2026年3月16日至2026年3月18日。" in notice.text.split("\n")[5]


def test_an_announcement_of_2020_form_is_read_with_an_opening_under_the_common_heading() -> None:
    draft = read(texts.OPEN_TENDER)
    notice = draft.notice
    assert notice is not None and draft.problems == ()
    assert (notice.form, notice.project_class) == (Form.OPEN_TENDER, ProjectClass.PROCUREMENT)
    assert notice.title == "曲阜市第一实验学校教室照明改造项目公开招标公告"
    assert notice.budget is not None and str(notice.budget.yuan) == "1286000.00"
    assert notice.control_price is not None and notice.control_price.yuan == 1286000
    assert str(notice.dates.bid_deadline) == str(notice.dates.bid_opening) == "2025-12-24 09:30:00+08:00"
    assert str(notice.dates.documents_until) == "2025-12-10"
    assert notice.agency is not None and notice.agency.phone == "13900008801"
    assert notice.tenderee is not None and notice.tenderee.address == "曲阜市仓庚路8号"


def test_two_parties_side_by_side_keep_their_own_address_contact_and_telephone() -> None:
    notice = read(texts.WORKS_TENDER).notice
    assert notice is not None and notice.tenderee is not None and notice.agency is not None
    assert (notice.tenderee.name, notice.tenderee.contact) == ("曲阜市陵城镇人民政府", "孔主任")
    assert (notice.agency.address, notice.agency.phone) == ("济宁市任城区洸河路22号", "0537-0023345")
    assert notice.project_name == "曲阜市陵城镇崇文社区建设工程"
    assert str(notice.dates.bid_deadline) == "2017-12-27 09:00:00+08:00"
    assert str(notice.dates.printed_on) == "2017-12-04"
    assert notice.control_price is not None and str(notice.control_price.yuan) == "46853210.55"


def test_candidates_in_running_text_have_price_score_term_quality_and_leader() -> None:
    draft = read(texts.CANDIDATES)
    notice = draft.notice
    assert notice is not None and draft.problems == ()
    assert [(c.rank, c.name) for c in notice.candidates] == [
        (1, "山东圣大建设集团有限公司"),
        (2, "曲阜市建筑安装有限公司"),
        (3, "济宁市工程建设有限公司"),
    ]
    first, third = notice.candidates[0], notice.candidates[2]
    assert (str(first.score), first.duration, first.quality) == ("92.15", "355日历天", "合格")
    assert third.price is not None and third.price.yuan == 46335000
    assert [(m.name, m.bidder) for m in notice.team] == [
        ("李明", "山东圣大建设集团有限公司"),
        ("王强", "曲阜市建筑安装有限公司"),
    ]
    assert notice.rejected_bids[0].name == "泗水县宏远建筑有限公司"
    assert "安全生产许可证" in (notice.rejected_bids[0].reason or "")
    assert str(notice.dates.publicity_end) == "2018-01-02"


def test_candidates_in_a_table_with_two_header_rows_and_lots_in_wan_yuan() -> None:
    table = [
        ["标段", "排序", "中标候选人名称", "投标报价（万元）", "综合得分", "项目经理", ""],
        ["", "", "", "", "", "姓名", "证书编号"],
        ["一标段", "第一名", "甲建设集团有限公司", "1,203.45", "91.2", "赵甲", "鲁1370001"],
        ["一标段", "第二名", "乙工程有限公司", "1,198.00", "88.0", "钱乙", "鲁1370002"],
    ]
    data = docx_of(
        "孔府西苑道路工程中标候选人公示",
        "项目编号：QFZB-2018-0007",
        "招标人：曲阜市住房和城乡建设局",
        table,
        "公示期：2018年3月1日至2018年3月5日",
    )
    (draft,) = read_files([NamedBytes("公示.docx", data)])
    assert draft.notice is not None and draft.problems == ()
    first = draft.notice.candidates[0]
    assert first.price is not None and first.price.yuan == 12034500
    assert (first.lot, str(first.score)) == ("1", "91.2")
    assert [(m.name, m.certificate) for m in draft.notice.team] == [("赵甲", "鲁1370001"), ("钱乙", "鲁1370002")]


def test_winners_per_lot_have_their_own_price_and_capitals_are_read() -> None:
    notice = read(texts.RESULT).notice
    assert notice is not None
    assert [(w.lot, w.name) for w in notice.winners] == [
        ("1", "济南康达医疗器械有限公司"),
        ("2", "山东和信医疗科技有限公司"),
    ]
    prices = [w.price.yuan for w in notice.winners if w.price]
    assert prices == [1171040, 386000]
    assert notice.winners[0].credit_code == "91420111751839827U"
    assert [lot.no for lot in notice.lots] == ["1", "2"]


def test_goods_with_unit_prices_and_other_bidders_are_no_winners() -> None:
    data = docx_of(
        "曲阜市某小学课桌椅采购项目成交公告",
        "一、项目编号：SDGP370881000202508000055",
        "二、项目名称：曲阜市某小学课桌椅采购项目",
        "三、采购人：曲阜市某小学",
        [["序号", "成交供应商名称", "成交金额（万元）"], ["1", "山东明德家具有限公司", "28.35"]],
        [["供应商", "名称", "规格型号", "数量", "单价（元）"], ["山东明德家具有限公司", "课桌", "KZ-1", "300", "450"]],
        [
            ["序号", "投标单位", "报价（元）"],
            ["1", "山东明德家具有限公司", "283500"],
            ["2", "曲阜木业有限公司", "290000"],
        ],
    )
    (draft,) = read_files([NamedBytes("a.docx", data)])
    assert draft.notice is not None
    assert [(w.name, str(w.price and w.price.yuan)) for w in draft.notice.winners] == [
        ("山东明德家具有限公司", "283500.00")
    ]


def test_a_change_states_before_and_after_and_moves_the_deadline() -> None:
    notice = read(texts.CHANGE).notice
    assert notice is not None and notice.original is not None
    assert (notice.sequence, str(notice.original.first_published)) == (1, "2017-12-04")
    assert [(c.item, c.before, c.after) for c in notice.changes] == [
        ("投标截止时间", "2017年12月27日9时00分", "2017年12月29日14时30分"),
        ("招标控制价", "46853210.55元", "46153210.55元"),
    ]
    assert str(notice.dates.bid_deadline) == "2017-12-29 14:30:00+08:00"


def test_changes_in_lines_in_quotes_and_with_you_zhi_are_all_found() -> None:
    notice = read(texts.CHANGE_IN_LINES).notice
    assert notice is not None
    assert [(c.item, c.before, c.after) for c in notice.changes] == [
        ("提交投标文件截止时间", "2025年11月25日09时00分", "2025年12月05日09时30分"),
        ("采购文件", "质保期一年", "质保期三年"),
        ("开标时间", "2025年11月25日09时00分", "2025年12月05日09时30分"),
    ]
    assert notice.sequence == 2


def test_changes_in_a_table_of_before_and_after() -> None:
    table = [["序号", "更正项", "更正前内容", "更正后内容"], ["1", "预算金额", "50万元", "48万元"]]
    data = docx_of(
        "某镇卫生院CT采购更正公告",
        "首次公告日期：2025年3月3日",
        "原公告的采购项目编号：SDGP370881000202502000009",
        "二、更正信息",
        table,
    )
    (draft,) = read_files([NamedBytes("a.docx", data)])
    assert draft.notice is not None
    assert [(c.item, c.before, c.after) for c in draft.notice.changes] == [("预算金额", "50万元", "48万元")]


@pytest.mark.parametrize(
    ("text", "form", "kind", "project_class"),
    [
        (texts.TERMINATION, Form.TERMINATION, Kind.CHANGE_NOTICE, ProjectClass.PROCUREMENT),
        (texts.FAILED, Form.FAILED_TENDER, Kind.AWARD_RESULT, ProjectClass.PROCUREMENT),
        (texts.SINGLE_SOURCE, Form.SINGLE_SOURCE, Kind.BID_ANNOUNCEMENT, ProjectClass.PROCUREMENT),
        (texts.LAND_OFFER, Form.LAND_OFFER, Kind.BID_ANNOUNCEMENT, ProjectClass.LAND),
        (texts.LAND_RESULT, Form.LAND_RESULT, Kind.AWARD_RESULT, ProjectClass.LAND),
        (texts.PROPERTY_OFFER, Form.PROPERTY_OFFER, Kind.BID_ANNOUNCEMENT, ProjectClass.PROPERTY),
        (texts.NEGOTIATION, Form.NEGOTIATION, Kind.BID_ANNOUNCEMENT, ProjectClass.PROCUREMENT),
        (texts.RESULT_CORRECTION, Form.RESULT_CORRECTION, Kind.CHANGE_NOTICE, ProjectClass.PROCUREMENT),
        (texts.CONTRACT, Form.CONTRACT, Kind.AWARD_RESULT, ProjectClass.PROCUREMENT),
        (texts.WORKS_TENDER, Form.TENDER, Kind.BID_ANNOUNCEMENT, ProjectClass.WORKS),
        (texts.CHANGE, Form.CORRECTION, Kind.CHANGE_NOTICE, ProjectClass.WORKS),
    ],
    ids=lambda value: value.value if isinstance(value, Form) else "",
)
def test_each_form_is_told_with_its_kind_and_class(
    text: str, form: Form, kind: Kind, project_class: ProjectClass
) -> None:
    draft = read(text)
    assert draft.problems == ()
    assert draft.notice is not None
    assert (draft.notice.form, draft.notice.kind, draft.notice.project_class) == (form, kind, project_class)


def test_failed_and_ended_projects_are_marked_and_the_round_is_counted() -> None:
    failed, ended = read(texts.FAILED).notice, read(texts.TERMINATION).notice
    assert failed is not None and ended is not None
    assert (failed.failed, failed.round, failed.winners) == (True, 2, ())
    assert (ended.failed, ended.round) == (True, 1)


def test_a_contract_notice_takes_the_project_number_not_that_of_the_contract() -> None:
    notice = read(texts.CONTRACT).notice
    assert notice is not None
    assert notice.project_no == "SDGP370881000202509000077"
    assert notice.winners[0].name == "济南康达医疗器械有限公司"
    assert notice.winners[0].price is not None and notice.winners[0].price.yuan == 1171040
    assert str(notice.dates.contract_signed_on) == "2025-10-28"


def test_parcels_of_land_are_lots_and_the_end_of_quotation_is_the_deadline() -> None:
    offer, result = read(texts.LAND_OFFER).notice, read(texts.LAND_RESULT).notice
    assert offer is not None and result is not None
    assert [lot.no for lot in offer.lots] == [lot.no for lot in result.lots] == ["2025-11"]
    assert str(offer.dates.bid_deadline) == "2025-12-01 10:00:00+08:00"
    assert offer.tenderee is not None and offer.tenderee.name == "曲阜市自然资源和规划局"
    assert offer.project_no == "曲自然资规告字〔2025〕11号"
    assert result.winners[0].price is not None and result.winners[0].price.yuan == 36500000


def test_forms_without_a_deadline_print_their_publicity() -> None:
    single, offer = read(texts.SINGLE_SOURCE).notice, read(texts.PROPERTY_OFFER).notice
    assert single is not None and offer is not None
    assert (str(single.dates.publicity_start), str(single.dates.publicity_end)) == ("2025-11-03", "2025-11-07")
    assert str(offer.dates.publicity_end) == "2025-11-06"


def test_a_negotiation_of_the_older_layout_has_window_opening_and_date() -> None:
    notice = read(texts.NEGOTIATION).notice
    assert notice is not None
    assert str(notice.dates.documents_from) == "2017-11-20 08:30:00+08:00"
    assert str(notice.dates.bid_deadline) == str(notice.dates.bid_opening) == "2017-11-28 09:00:00+08:00"
    assert str(notice.dates.printed_on) == "2017-11-17"


def test_every_field_says_where_it_was_found() -> None:
    draft = read(texts.CANDIDATES)
    assert draft.places["project_no"] == "第3行"
    assert draft.places["candidates"] == "第7行"
    assert draft.places["title"] == "标题"
    assert draft.places["publicity_end"] == "第11行"


def test_lots_are_summed_where_no_total_is_printed_and_left_alone_where_one_is() -> None:
    table = [["包号", "预算金额(万元)", "最高限价(万元)"], ["1", "12.5", "12"], ["2", "7.5", "7"]]
    body = ("项目编号：SDGP370881000202510000002", "项目名称：某局办公家具采购项目", "采购人：某局")
    until = "并于2025年11月20日09时00分（北京时间）前递交投标文件，潜在投标人应获取招标文件。"
    (summed,) = read_files([NamedBytes("a.docx", docx_of("某局办公家具采购项目公开招标公告", *body, table, until))])
    assert summed.notice is not None and summed.notice.budget is not None and summed.notice.control_price is not None
    assert [summed.notice.budget.yuan, summed.notice.control_price.yuan] == [Decimal(200000), Decimal(190000)]
    assert [lot.no for lot in summed.notice.lots] == ["1", "2"]
    parts = ("某局办公家具采购项目公开招标公告", *body, "预算金额：25万元", table, until)
    (printed,) = read_files([NamedBytes("a.docx", docx_of(*parts))])
    assert printed.notice is not None and printed.notice.budget is not None
    assert printed.notice.budget.yuan == 250000


def word(*blocks: Block) -> Draft:
    (draft,) = read_files([NamedBytes("公告.docx", docx_of(*blocks))])
    return draft


def test_a_turned_table_has_a_column_per_candidate() -> None:
    about = [
        ["项目名称", "某中学教学楼工程"],
        ["招标人", "曲阜市教育和体育局"],
        ["公示期", "2025年12月2日至2025年12月5日"],
    ]
    table = [
        ["", "第一中标候选人", "第二中标候选人"],
        ["单位名称", "甲建设有限公司", "乙建设有限公司"],
        ["投标报价（万元）", "1200.5", "1210"],
        ["工期", "300天", "310天"],
        ["综合得分", "90.1", "88.2"],
    ]
    draft = word("某中学教学楼工程中标候选人公示", about, table, "如有异议请在公示期内提出。")
    assert draft.notice is not None and draft.problems == ()
    found = [(c.rank, c.name, str(c.price and c.price.yuan), str(c.score), c.duration) for c in draft.notice.candidates]
    assert found == [
        (1, "甲建设有限公司", "12005000.0", "90.1", "300天"),
        (2, "乙建设有限公司", "12100000", "88.2", "310天"),
    ]
    assert draft.notice.tenderee is not None and draft.notice.tenderee.name == "曲阜市教育和体育局"


def test_candidates_may_be_listed_by_bare_numbers() -> None:
    draft = word(
        "某桥梁维修项目评标结果公示",
        "项目编号：QF-9",
        "招标人：曲阜市交通运输局",
        "评标委员会推荐的中标候选人依次为：1.甲建设有限公司，报价100万元；2.乙路桥集团有限公司，报价1,010,000元。",
        "公示期：2025年3月1日至2025年3月4日",
    )
    assert draft.notice is not None and draft.problems == ()
    assert [(c.rank, c.name, str(c.price and c.price.yuan)) for c in draft.notice.candidates] == [
        (1, "甲建设有限公司", "1000000"),
        (2, "乙路桥集团有限公司", "1010000"),
    ]
    assert draft.notice.dates.printed_on is None


def test_a_result_table_per_lot_names_lots_winners_and_prices_beside_quantities() -> None:
    draft = word(
        "某图书馆空调采购项目成交公告",
        "一、采购人：某图书馆 地址：春秋路1号 联系方式：0537-0040001",
        "采购代理机构：山东惠民招标有限公司 地址：济宁市 联系方式：0537-0040002",
        "二、采购项目名称：某图书馆空调采购项目",
        "采购项目编号：SDGP370881201702000066",
        "三、公告发布日期：2017年9月4日",
        "四、开标日期：2017年9月15日",
        "六、成交情况：",
        [
            ["标包", "货物服务名称", "数量", "成交供应商名称", "成交金额（元）"],
            ["A", "中央空调", "1", "济南制冷设备有限公司", "¥458,000.00"],
            ["B", "分体空调", "20", "曲阜电器有限公司", "¥62,300.00"],
        ],
        "发布时间：2017年9月16日",
    )
    notice = draft.notice
    assert notice is not None and draft.problems == ()
    assert [(lot.no, lot.name) for lot in notice.lots] == [("A", "中央空调"), ("B", "分体空调")]
    assert [(w.lot, w.name, str(w.price and w.price.yuan)) for w in notice.winners] == [
        ("A", "济南制冷设备有限公司", "458000.00"),
        ("B", "曲阜电器有限公司", "62300.00"),
    ]
    assert notice.tenderee is not None and notice.tenderee.address == "春秋路1号"
    assert notice.agency is not None and notice.agency.phone == "0537-0040002"
    assert (str(notice.dates.bid_opening), str(notice.dates.printed_on)) == ("2017-09-15", "2017-09-16")


def test_parcels_in_a_table_are_lots() -> None:
    draft = word(
        "曲阜市国有建设用地使用权拍卖出让公告",
        "曲国土告字〔2017〕8号",
        "经曲阜市人民政府批准，曲阜市国土资源局决定以拍卖方式出让2宗国有建设用地使用权，现公告如下：",
        [
            ["宗地编号", "土地位置", "面积（平方米）", "用途", "出让年限", "起始价（万元）", "竞买保证金（万元）"],
            ["QF2017-11", "某路", "12000", "商服", "40", "1200", "240"],
            ["QF2017-12", "某街", "8000", "住宅", "70", "900", "180"],
        ],
        "竞买申请截止时间：2017年12月20日16时",
        "2017年11月28日",
    )
    assert draft.notice is not None and draft.problems == ()
    assert [lot.no for lot in draft.notice.lots] == ["QF2017-11", "QF2017-12"]
    assert draft.notice.budget is None and draft.notice.control_price is None
    assert str(draft.notice.dates.bid_deadline) == "2017-12-20 16:00:00+08:00"


def test_questions_and_answers_are_what_a_clarification_changes() -> None:
    draft = word(
        "某工程答疑纪要（二）",
        "项目编号：QFZB-1",
        "首次公告日期：2025年1月2日",
        "问题1：清单中门窗的规格？",
        "答：详见图纸建施-05。",
        "问题2：工期能否延长？",
        "答：不能。",
        "招标人：曲阜市某局",
        "2025年1月10日",
    )
    assert draft.notice is not None and draft.problems == ()
    assert draft.notice.form is Form.CLARIFICATION and draft.notice.sequence == 2
    assert [(c.item, c.before, c.after) for c in draft.notice.changes] == [
        ("问题1", "清单中门窗的规格？", "详见图纸建施-05"),
        ("问题2", "工期能否延长？", "不能"),
    ]


def test_track_records_and_the_team_are_read_under_their_bidders_heading() -> None:
    draft = word(
        "某工程中标候选人公示",
        "招标人：曲阜市某局",
        [["排序", "名称", "投标报价（元）"], ["第一名", "甲建设有限公司", "1000000"]],
        "第一中标候选人项目管理机构主要人员（甲建设有限公司）",
        [["职务", "姓名", "证书名称", "证书编号"], ["项目负责人", "赵甲", "一级建造师", "鲁1"]],
        "第一中标候选人类似业绩（甲建设有限公司）",
        [["项目业主", "项目名称", "合同价格（元）"], ["某镇", "某路工程", "5,000,000"], ["无", "无", "无"]],
        "第一中标候选人获奖情况（甲建设有限公司）",
        [["序号", "奖项名称", "颁发日期"], ["1", "泰山杯", "2016年"]],
        "其他投标人情况",
        [["投标人名称", "投标报价（元）", "否决投标理由"], ["乙公司", "99", "未提供业绩证明"], ["丙公司", "98", "/"]],
        "公示期：2025年3月1日至2025年3月4日",
    )
    notice = draft.notice
    assert notice is not None and draft.problems == ()
    assert [c.name for c in notice.candidates] == ["甲建设有限公司"]
    assert [(m.role, m.name, m.certificate, m.bidder) for m in notice.team] == [
        ("项目负责人", "赵甲", "一级建造师 鲁1", "甲建设有限公司")
    ]
    assert [(p.text, p.bidder, p.is_award) for p in notice.performance] == [
        ("某镇；某路工程；5,000,000", "甲建设有限公司", False),
        ("1；泰山杯；2016年", "甲建设有限公司", True),
    ]
    assert [(bid.name, bid.reason) for bid in notice.rejected_bids] == [("乙公司", "未提供业绩证明")]


def test_a_buyer_named_only_before_the_project_in_the_title_is_the_tenderee() -> None:
    table = [["序号", "中标供应商名称", "中标金额(元)"], ["1", "甲电子有限公司", "98000"]]
    named = word(
        "曲阜市某镇人民政府办公设备采购项目成交公告", "一、项目名称：办公设备采购项目", table, "二、项目编号：SDGP37088"
    )
    assert named.notice is not None and named.notice.tenderee is not None
    assert named.notice.tenderee.name == "曲阜市某镇人民政府"


def test_a_moved_time_without_its_old_value_and_a_row_without_its_item_are_changes_too() -> None:
    moved = word(
        "某工程更正公告",
        "原公告的项目编号：QFZB-1",
        "首次公告日期：2025年1月2日",
        "更正内容：",
        "1、由于招标文件修改，投标保证金递交截止时间延期至2025年2月10日13时00分止。",
        "2、现更正招标文件中“开标时间及地点”为：2025年2月10日14时00分在曲阜市公共资源交易中心。",
    )
    assert moved.notice is not None
    assert [(c.item, c.before, c.after) for c in moved.notice.changes] == [
        ("投标保证金递交截止时间", None, "2025年2月10日13时00分"),
        ("开标时间", None, "2025年2月10日14时00分"),
    ]
    assert moved.notice.dates.bid_deadline is None
    heads = ["序号", "更正项", "更正前内容", "更正后内容"]
    table = word(
        "某工程更正公告", "原公告的项目编号：QFZB-1", "首次公告日期：2025年1月2日", [heads, ["1", "", "甲", "乙"]]
    )
    assert table.notice is not None
    assert [(c.item, c.before, c.after) for c in table.notice.changes] == [("更正内容", "甲", "乙")]


def test_a_lot_number_above_a_table_names_the_lot_of_its_contents() -> None:
    draft = word(
        "某局综合服务项目竞争性磋商公告",
        "项目概况：潜在供应商应获取采购文件，并于2026年3月27日 10:00（北京时间）前递交响应文件。",
        "项目号：QF26C00197",
        "项目名称：某局综合服务项目",
        "采购人：某局",
        "预算金额：1,799,980.20元",
        "包号：1",
        [["包内容", "最高限价", "数量", "单位"], ["物业服务", "1,799,980.20元", "1", "批"]],
        "最高限价总计：1,799,980.20元",
    )
    assert draft.notice is not None and draft.problems == ()
    assert [(lot.no, lot.name, str(lot.budget and lot.budget.yuan)) for lot in draft.notice.lots] == [
        ("1", "物业服务", "1799980.20")
    ]
    assert draft.notice.project_no == "QF26C00197"


def test_the_sequence_of_a_clarification_may_stand_in_its_first_line() -> None:
    draft = word(
        "某公园项目（勘察设计）",
        "招标文件修改、澄清（答疑）纪要（三）",
        "首次公告日期：2025年1月2日",
        "招标文件修改、澄清（答疑）内容如下：",
        "本工程原发布的“给投标人资料”作废，以随本答疑同步发布的“设计基础资料”为准，请各投标人自行下载。",
    )
    assert draft.notice is not None
    assert (draft.notice.form, draft.notice.sequence) == (Form.CLARIFICATION, 3)
    assert [(c.before, c.after) for c in draft.notice.changes] == [("给投标人资料", "设计基础资料")]
