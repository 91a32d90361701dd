"""Figures typed into a workbook: what is in it, what is taken from it, and what is refused, as it is typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.counts.report.entry.plan import entries_of, others_of, plan
from tests.support.desk import TestDesk
from tests.support.workbooks import fill

CELLS = {
    entry.name: (sheet.name, entry.place.cell)
    for sheet, entry in entries_of(plan(2024, others_of([("site", "site网")], [])))
}
"""Name → sheet and cell of the workbook of a desk with one channel."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    made.build("site")
    made.drop("甲招标公告")
    assert made.run("once").exit_code == 0
    yield made
    made.close()


def sheet(desk: TestDesk, name: str = "录入.xlsx", year: str = "2024") -> Path:
    path = desk.folder / name
    made = desk.run("figures", "sheet", "--year", year, "--out", str(path))
    assert made.exit_code == 0, made.output
    return path


def typed_in(path: Path, figures: dict[str, float | str | None]) -> Path:
    fill(path, {CELLS[name]: value for name, value in figures.items()})
    return path


def load(desk: TestDesk, path: Path, *more: str, year: str = "2024") -> str:
    done = desk.run("figures", "load", str(path), "--year", year, "--by", "王某", *more)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(desk: TestDesk, path: Path, year: str = "2024") -> str:
    done = desk.run("figures", "load", str(path), "--year", year, "--by", "王某")
    assert done.exit_code == 1 and desk.json("figures", "list") == []
    return done.stderr


def standing(desk: TestDesk) -> dict[str, str]:
    return {row["name"]: row["value"] for row in desk.json("figures", "list")}


def test_what_is_typed_into_the_workbook_is_entered_with_name_and_source_and_printed(desk: TestDesk) -> None:
    row = {f"applications.received.{who}": 1 for who in ("natural", "business", "research", "legal_service", "other")}
    figures = row | {"applications.received.public_benefit": 1234, "fees_charged": 1.23456, "problems": "人手不足。"}
    said = load(desk, typed_in(sheet(desk), figures), "--source", "台账")
    assert "已录入 8 个数字" in said and "申请情况，本年新收政府信息公开申请数量，社会公益组织" in said

    entered = desk.json("figures", "list")
    assert {(one["by"], one["source"], one["year"]) for one in entered} == {("王某", "台账", 2024)}
    assert standing(desk)["fees_charged"] == "12345.6" and len(entered) == 8
    report = desk.run("report", "annual", "--year", "2024").stdout
    assert "| 一、本年新收政府信息公开申请数量 |  |  | 1 | 1 | 1 | 1,234 | 1 | 1 | 1,239 |" in report
    assert "| 行政事业性收费 | 1.23 |" in report and "人手不足。" in report


def test_each_figure_of_a_workbook_is_a_row_of_the_log_and_the_chain_holds(desk: TestDesk) -> None:
    load(desk, typed_in(sheet(desk), {"licences": 0, "penalties": 2}))
    rows = desk.json("log", "--last", "5")
    figures = [row for row in rows if row["event"] == "figure_set"]
    assert [(row["data"]["name"], row["data"]["value"], row["by"]) for row in figures] == [
        ("licences", "0", "王某"),
        ("penalties", "2", "王某"),
    ]
    assert desk.run("verify").exit_code == 0


def test_only_what_was_changed_is_entered_and_nothing_twice(desk: TestDesk) -> None:
    load(desk, typed_in(sheet(desk), {"licences": 3, "penalties": 2}))
    again = typed_in(sheet(desk, "again.xlsx"), {"penalties": 5})
    (said,) = desk.json("figures", "load", str(again), "--year", "2024", "--by", "李某")
    assert [(one["name"], one["before"], one["after"]) for one in said["entered"]] == [("penalties", "2", "5")]
    assert said["entered"][0]["place"] == "工作表“主动公开”B13" and said["practice"] is True
    assert "没有改动，一个数字也没有录入" in load(desk, again)
    by = {one["name"]: one["by"] for one in desk.json("figures", "list")}
    assert by == {"licences": "王某", "penalties": "李某"}


def test_a_cell_that_the_clerk_left_alone_takes_nothing_back_that_another_entered_meanwhile(desk: TestDesk) -> None:
    path = typed_in(sheet(desk), {"penalties": 5})
    assert desk.run("figures", "set", "licences", "7", "--year", "2024", "--by", "李某").exit_code == 0
    load(desk, path)
    assert standing(desk) == {"licences": "7", "penalties": "5"}


def test_a_cell_that_is_emptied_takes_its_figure_back_and_it_is_printed_as_unknown(desk: TestDesk) -> None:
    load(desk, typed_in(sheet(desk), {"licences": 3}))
    said = load(desk, typed_in(sheet(desk, "again.xlsx"), {"licences": None}))
    assert "已录入 1 个数字（其中收回 1 个）" in said and "—（收回）" in said and standing(desk) == {}
    assert "| 行政许可 | — |" in desk.run("report", "annual", "--year", "2024").stdout
    assert desk.run("figures", "set", "penalties", "2", "--year", "2024", "--by", "王某").exit_code == 0
    back = desk.run("figures", "set", "penalties", "", "--year", "2024", "--by", "王某")
    assert "已收回" in back.stdout and standing(desk) == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [(2.5, "整数"), (-1, "不小于 0"), ("三件", "整数|数字"), ("12件", "数字")],
)
def test_wrong_cells_are_named_all_at_once_and_then_nothing_is_entered(
    desk: TestDesk, value: float | str, said: str
) -> None:
    wrong = {"applications.granted.natural": value, "applications.granted.business": 4, "reviews.upheld": value}
    complaint = refused(desk, typed_in(sheet(desk), wrong))
    assert (
        "工作表“申请情况”D9：" in complaint
        and "工作表“复议诉讼”A7：" in complaint
        and "一个数字也没有录入" in complaint
    )
    assert any(word in complaint for word in said.split("|")) and "E9" not in complaint


def test_a_cell_that_shows_an_error_is_not_taken_for_an_empty_one(desk: TestDesk) -> None:
    path = sheet(desk)
    fill(path, {CELLS["licences"]: "#REF!"}, error=True)
    assert "工作表“主动公开”B10：显示的是错误 #REF!" in refused(desk, path)


def test_an_amount_in_ten_thousands_has_at_most_whole_fen(desk: TestDesk) -> None:
    assert "单位是万元，最多精确到分" in refused(desk, typed_in(sheet(desk), {"fees_charged": 1.2345678}))


def test_the_workbook_of_another_year_is_refused(desk: TestDesk) -> None:
    path = typed_in(sheet(desk), {"licences": 3})
    assert "这是 2024 年的录入表，不能按 2023 年录入" in refused(desk, path, year="2023")


def test_a_moved_table_is_refused_because_its_figures_would_go_to_wrong_names(desk: TestDesk) -> None:
    path = typed_in(sheet(desk), {"applications.granted.natural": 3})
    fill(path, {("申请情况", "B9"): "（二）部分公开"})
    assert "工作表“申请情况”B9：应是“（一）予以公开”" in refused(desk, path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", "名称,数值".encode(), b"\xd0\xcf\x11\xe0" + bytes(600)])
def test_what_is_no_such_workbook_is_refused_with_what_to_do(desk: TestDesk, content: bytes) -> None:
    path = desk.folder / "x.xlsx"
    path.write_bytes(content)
    assert "请用 publisher figures sheet 重新生成录入表" in refused(desk, path)


def test_a_workbook_cut_off_in_copying_is_refused(desk: TestDesk) -> None:
    path = typed_in(sheet(desk), {"licences": 3})
    path.write_bytes(path.read_bytes()[:-2000])
    assert "重新生成录入表" in refused(desk, path)


def test_any_other_workbook_is_refused(desk: TestDesk, tmp_path: Path) -> None:
    other = tmp_path / "other.xlsx"
    out = desk.run("export", "--format", "xlsx", "--out", str(other))
    assert out.exit_code == 0, out.output
    assert "这不是本版程序生成的录入表" in refused(desk, other)


def test_a_workbook_that_may_hold_work_is_never_written_over(desk: TestDesk) -> None:
    path = typed_in(sheet(desk), {"licences": 3})
    before = path.read_bytes()
    again = desk.run("figures", "sheet", "--year", "2024", "--out", str(path))
    assert again.exit_code == 1 and "已存在" in again.stderr and path.read_bytes() == before


def test_a_breach_of_the_forms_own_rule_is_told_at_entry_and_in_the_report_and_the_figures_stay(
    desk: TestDesk,
) -> None:
    received = {name: 0.0 for name in CELLS if name.startswith("applications.")}
    path = typed_in(sheet(desk), received | {"applications.received.natural": 3, "applications.granted.natural": 2})
    said = load(desk, path)
    breach = (
        "申请情况表“自然人”一列勾稽不符：本年新收 3 件加上年结转 0 件为 3 件，办理结果总计 2 件加结转下年度 0 件为 2 件"
    )
    assert f"请核对：{breach}。" in said and "“总计”一列勾稽不符" in said and "“商业企业”" not in said
    report = desk.run("report", "annual", "--year", "2024").stdout
    assert f"【数据核对】{breach}。请核对后再报出。" in report
    mended = desk.run("figures", "set", "applications.carried_forward.natural", "1", "--year", "2024", "--by", "王某")
    assert "勾稽" not in mended.stdout
    assert "数据核对" not in desk.run("report", "annual", "--year", "2024").stdout


def test_the_workbook_asks_for_the_totals_of_projects_that_were_awarded_without_one(desk: TestDesk) -> None:
    rate = {"raw": "下浮12.5%", "basis": "rate", "rate_percent": "12.5", "addable": False}
    desk.drop(
        "乙中标结果公告", form="中标结果公告", project_no="R-1", dates={}, control_price=None,
        winners=[{"name": "某公司", "price": rate}],
    )  # fmt: skip
    assert desk.run("once").exit_code == 0
    (row,) = desk.json("count", "--by", "year")
    year = str(row["rows"][0]["year"])
    path = sheet(desk, year=year)
    place = {
        entry.name: (sheet.name, entry.place.cell)
        for sheet, entry in entries_of(plan(int(year), others_of([("site", "site网")], ["R-1"])))
    }
    fill(path, {place["project_total.R-1"]: 8750, place["history.site"]: 70})
    load(desk, path, year=year)
    assert standing(desk) == {"project_total.R-1": "8750", "history.site": "70"}


@pytest.mark.parametrize(
    "words",
    [
        ("sheet", "--year", "2024"),
        ("sheet", "--out", "x.xlsx"),
        ("sheet", "--year", "2024", "--out", "x.csv"),
        ("load", "--year", "2024"),
        ("load", "x.xlsx"),
    ],
)
def test_what_is_missing_on_the_command_line_is_named(desk: TestDesk, words: tuple[str, ...]) -> None:
    done = desk.run("figures", *words)
    assert done.exit_code == 2 and "figures" in done.stderr


def test_a_missing_workbook_is_told_with_the_command_that_makes_one(desk: TestDesk) -> None:
    done = desk.run("figures", "load", "没有.xlsx", "--year", "2024")
    assert done.exit_code == 1 and "figures sheet --year 2024 --out 没有.xlsx" in done.stderr
