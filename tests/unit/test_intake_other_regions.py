"""Notices of other regions: other words for the same labels, other tables, other numbering."""

from __future__ import annotations

from typing import Any

import pytest

from publisher.intake.reading import NamedBytes, read_files
from tests.support.office_files import xlsx_of
from tests.support.other_regions import NOTICES, RegionNotice, page


def as_expected(found: Any, wanted: Any) -> Any:
    """`found` cut down to what `wanted` speaks of."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: as_expected(found.get(key), value) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [as_expected(one, other) for one, other in zip(found, wanted, strict=True)]
    return found


@pytest.mark.parametrize("notice", NOTICES, ids=[notice.name for notice in NOTICES])
def test_a_notice_of_another_region_gives_the_fields_a_person_reads_in_it(notice: RegionNotice) -> None:
    (draft,) = read_files([NamedBytes("公告.html", notice.text.encode())], notice.folder)

    assert as_expected(dict(draft.fields), dict(notice.fields)) == dict(notice.fields)
    assert not draft.problems


def workbook(heads: list[str], *rows: list[str | float]) -> list[dict[str, Any]]:
    drafts = read_files([NamedBytes("汇总.xlsx", xlsx_of([heads, *rows]))])
    return [dict(draft.fields) for draft in drafts]


def test_a_list_of_tenders_is_read_under_other_heads() -> None:
    (found,) = workbook(
        [
            "序号",
            "公告名称",
            "招标编号",
            "工程名称",
            "建设单位",
            "代理机构名称",
            "控制价(万元)",
            "投标截止时间",
            "信息类型",
        ],
        [
            1,
            "垫江县桂溪路改造工程招标公告",
            "DJ-2022-08",
            "垫江县桂溪路改造工程",
            "垫江县住建委",
            "重庆某某咨询公司",
            356.5,
            "2022-09-01 10:00",
            "招标公告",
        ],
    )
    wanted = {
        "title": "垫江县桂溪路改造工程招标公告",
        "project_no": "DJ-2022-08",
        "project_name": "垫江县桂溪路改造工程",
        "tenderee": "垫江县住建委",
        "agency": "重庆某某咨询公司",
        "control_price_yuan": "3565000.00",
        "bid_deadline": "2022-09-01T10:00:00+08:00",
    }

    assert as_expected(found, wanted) == wanted


def test_a_list_of_results_is_read_under_other_heads() -> None:
    first, second = workbook(
        ["公告标题", "项目编号", "项目名称", "采购单位", "中标单位", "成交金额（元）", "成交日期"],
        ["某校课桌椅成交公告", "A-1", "某校课桌椅", "某市第一中学", "某某家具有限公司", 98000, "2022年9月1日"],
        ["某院耗材成交公告", "A-2", "某院耗材", "某市人民医院", "某某医疗有限公司", 12345.5, "2022年9月2日"],
    )

    assert [winner["price_yuan"] for winner in (*first["winners"], *second["winners"])] == ["98000.00", "12345.50"]
    assert [found["tenderee"] for found in (first, second)] == ["某市第一中学", "某市人民医院"]
    assert second["winners"][0]["name"] == "某某医疗有限公司"


def test_a_rank_head_over_rank_and_name_still_gives_name_and_price() -> None:
    rows = (
        ("第一名", "山东某某路桥有限公司", "1,234.56", "95.2"),
        ("第二名", "济宁某某建设有限公司", "1,240.00", "93.7"),
    )
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    head = "<tr><td colspan=2>名次</td><td>投标报价（万元）</td><td>得分</td></tr>"
    text = page(
        "<h1>曲阜市某某桥工程中标候选人公示</h1>",
        "项目编号：QFZB-2017-0612",
        "招标人：曲阜市交通运输局",
        "公示期：2017年12月5日至2017年12月8日",
        f"<table>{head}{cells}</table>",
    )
    (draft,) = read_files([NamedBytes("公示.html", text.encode())])

    assert [(w["name"], w["price_yuan"], w["score"]) for w in draft.fields["winners"]] == [
        ("山东某某路桥有限公司", "12345600.00", "95.2"),
        ("济宁某某建设有限公司", "12400000.00", "93.7"),
    ]
