"""Notices of more regions, in the containers offices use: see `tests/support/regions.py`."""

from __future__ import annotations

from typing import Any

import pytest

from publisher.errors import NoticeReturned, Reason
from publisher.intake.reading import NamedBytes, read_files
from tests.support.office_files import xlsx_of, zip_of
from tests.support.regions import Dropped, as_read, dropped


@pytest.mark.parametrize("notice", list(dropped()), ids=lambda notice: notice.name)
def test_a_dropped_notice_gives_the_fields_a_clerk_reads_in_it(notice: Dropped) -> None:
    (draft,) = read_files([NamedBytes(notice.file_name, notice.data)], notice.folder)

    assert as_read(dict(draft.fields), dict(notice.fields)) == dict(notice.fields)
    assert bool(draft.problems) == (notice.fields["outcome"] == "held")


def test_what_a_site_prints_around_a_notice_is_not_made_public_with_it() -> None:
    (page,) = [notice for notice in dropped() if notice.name == "网页 另存 导航 相关链接"]
    (draft,) = read_files([NamedBytes(page.file_name, page.data)])

    assert draft.notice is not None
    body = draft.notice.body_html
    for around in (
        "网站首页",
        "登录",
        "阅读次数",
        "相关信息",
        "校园监控",
        "技术支持",
        "网站地图",
        "stat.example",
        "打印",
    ):
        assert around not in body
    assert "招标文件.pdf" in body and "技术参数.docx" in body


def rows(*lines: list[str | float]) -> list[dict[str, Any]]:
    return [dict(draft.fields) for draft in read_files([NamedBytes("汇总表.xlsx", xlsx_of(list(lines)))])]


def test_a_list_without_titles_takes_unit_and_kind_from_around_the_rows_and_leaves_the_sum_out() -> None:
    first, second = rows(
        ["2024年3月份工程建设项目中标公示汇总表"],
        ["单位：万元"],
        ["序号", "工程名称", "工程编号", "招标单位", "中标单位", "中标价", "公示起止时间", "公告类型"],
        [1, "某校运动场工程", "GC-2024-01", "某镇中心小学", "甲建设有限公司", 156.8, "2024.3.4-2024.3.7", "中标公示"],
        [2, "某村道路工程", "GC-2024-02", "某村委会", "乙建设有限公司", 88, "2024.3.5-2024.3.8", "中标公示"],
        ["合计", "", "", "", "共2项", 244.8, "", "含税"],
    )

    assert (first["title"], second["title"]) == ("某校运动场工程中标公示", "某村道路工程中标公示")
    assert [found["winners"][0]["price_yuan"] for found in (first, second)] == ["1568000.00", "880000.00"]
    assert (first["project_no"], first["publicity_end"], first["outcome"]) == ("GC-2024-01", "2024-03-07", "accepted")


def test_heads_in_two_rows_are_put_together() -> None:
    (found,) = rows(
        ["序号", "项目", "", "中标情况", "", "公告类型"],
        ["", "编号", "名称", "中标人", "金额（万元）", ""],
        [1, "A-2024-1", "某街道路灯工程", "某某照明工程有限公司", 12.5, "中标结果公告"],
    )

    assert (found["project_no"], found["project_name"]) == ("A-2024-1", "某街道路灯工程")
    assert found["winners"][0]["price_yuan"] == "125000.00"


def test_one_row_that_says_too_little_is_asked_about_and_the_others_go() -> None:
    first, second = read_files(
        [
            NamedBytes(
                "汇总.xlsx",
                xlsx_of(
                    [
                        ["公告标题", "项目编号", "招标人", "投标截止时间", "公告类型"],
                        ["某街道路灯招标公告", "A-2027-1", "某某街道办事处", "2027年12月20日 9:00", "招标公告"],
                        ["某街道垃圾桶招标公告", "A-2", "某局", "", "招标公告"],
                    ]
                ),
            )
        ]
    )

    assert first.notice is not None and not first.problems
    assert second.notice is None
    (problem,) = second.problems
    assert problem.reason is Reason.EMPTY_BODY and problem.detail.startswith("工作表“公告”第3行：正文为空或过短")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (bytes.fromhex("4c0000000114020000000000c000000000000046") + bytes(200), "快捷方式"),
        (b"[InternetShortcut]\r\nURL=http://x.example/\r\n", "快捷方式"),
        (b"From: a@b.example\nSubject: x\nDate: today\n\n" + "请发布附件中的公告".encode(), "邮件"),
        (zip_of({"OFD.xml": b"<ofd/>", "Doc_0/Document.xml": b"<d/>"}), "OFD"),
        (b"MZ" + bytes(500), "程序"),
        (b"\0\0\0\x18ftypmp42" + bytes(500), "音像"),
        (b"Rar!\x1a\x07\x01\x00" + bytes(200), "先解压"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "附件"),
    ],
)
def test_what_is_no_document_comes_back_with_what_to_do_about_just_that(data: bytes, told: str) -> None:
    with pytest.raises(NoticeReturned) as caught:
        read_files([NamedBytes("公告.docx", data)])
    (problem,) = caught.value.problems
    assert told in problem.detail and any(word in problem.detail for word in ("放入", "取走"))


def test_the_time_of_opening_is_the_deadline_of_a_tender_that_prints_no_other() -> None:
    (found,) = rows(
        ["项目编号", "项目名称", "招标人", "招标控制价/万元", "开标时间", "公告类型"],
        ["ZB-1", "某桥梁维修工程", "某公路局", 325.6, "2024年5月6日上午9：30", "招标公告"],
    )

    assert (found["control_price_yuan"], found["bid_deadline"]) == ("3256000.00", "2024-05-06T09:30:00+08:00")


@pytest.mark.parametrize(
    "title",
    ["某局2024年6月政府采购意向公告", "某河治理工程招标计划公告", "中标通知书", "开标记录表", "关于召开工作会议的通知"],
)
def test_papers_that_are_no_transaction_notice_are_held_with_the_words_what_to_do(title: str) -> None:
    body = "\n项目名称：某河治理工程\n招标人：某县水利局\n预计招标时间：2024年8月\n投资估算：2000万元"
    (draft,) = read_files([NamedBytes("文件.txt", (title + body).encode())])

    (problem,) = draft.problems
    assert problem.reason is Reason.KIND_UNKNOWN and "取走" in problem.detail
    (chosen,) = read_files([NamedBytes("文件.txt", (title + body).encode())], "招标公告")
    assert all("取走" not in problem.detail for problem in chosen.problems)
