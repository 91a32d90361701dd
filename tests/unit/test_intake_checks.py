"""What holds a notice with a question, all questions at once, and what is only shown."""

from __future__ import annotations

import pytest

from publisher.errors import Reason
from publisher.intake.reading import Draft, NamedBytes, read_files
from publisher.notice import Form, Kind
from tests.support import notice_texts as texts


def read(text: str, declared: str | None = None, name: str = "公告.txt") -> Draft:
    (draft,) = read_files([NamedBytes(name, text.encode())], declared)
    return draft


def asked(draft: Draft) -> set[str | None]:
    return {problem.field for problem in draft.problems}


def without(text: str, *starts: str) -> str:
    return "\n".join(line for line in text.split("\n") if not any(start in line for start in starts))


@pytest.mark.parametrize(
    ("text", "gone", "field"),
    [
        (texts.OPEN_TENDER, ("9点30分",), "bid_deadline"),
        (texts.OPEN_TENDER, ("名    称",), "tenderee"),
        (texts.CANDIDATES, ("公示期",), "publicity"),
        (texts.CANDIDATES, ("中标候选人：",), "candidates"),
        (texts.CHANGE, ("首次公告日期",), "first_published"),
        (texts.RESULT, ("供应商名称",), "winners"),
        (texts.RESULT, ("38.6万元",), "prices"),
        (texts.LAND_RESULT, ("竞得人",), "winners"),
    ],
)
def test_a_core_field_that_is_missing_holds_the_notice(text: str, gone: tuple[str, ...], field: str) -> None:
    draft = read(without(text, *gone))
    assert asked(draft) == {field}
    assert {problem.reason for problem in draft.problems} == {Reason.EMPTY_FIELD}
    assert draft.fields["outcome"] == "held"
    assert draft.notice is not None


def test_everything_that_is_missing_is_asked_at_once() -> None:
    draft = read(without(texts.OPEN_TENDER, "9点30分", "名    称"))
    assert asked(draft) == {"bid_deadline", "tenderee"}


def test_a_change_that_does_not_say_what_changes_is_held() -> None:
    head, tail = texts.CHANGE.split("更正内容：")
    emptied = head + "更正内容：\n更正日期" + tail.split("更正日期")[1]
    draft = read(emptied.split("三、其他补充事宜")[0] + "更正内容：")
    assert "what_changes" in asked(draft)


def test_a_termination_needs_no_first_date_and_a_failed_bid_no_winner() -> None:
    assert read(texts.TERMINATION).problems == ()
    assert read(texts.FAILED).problems == ()


def test_a_blank_address_of_the_tenderee_is_asked_for_and_a_blank_fax_is_not() -> None:
    blank = texts.WORKS_TENDER.replace("地    址：曲阜市陵城镇驻地  ", "地    址：  ")
    assert asked(read(blank)) == {"tenderee.address"}
    assert read(texts.WORKS_TENDER.replace("2017年12月4日\n", "传    真：\n2017年12月4日\n")).problems == ()


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("预算金额：￥1,286,000.00元", "预算金额：0元 人民币", "budget"),
        ("128.6万元", "1286000万元", "control_price"),
    ],
)
def test_a_figure_that_cannot_be_the_amount_is_asked_for(old: str, new: str, field: str) -> None:
    draft = read(texts.OPEN_TENDER.replace(old, new))
    assert [(p.reason, p.field) for p in draft.problems] == [(Reason.AMOUNT_UNIT_SUSPECT, field)]
    assert new.split("：")[-1] in draft.problems[0].detail


def test_a_price_of_nought_is_no_price_and_a_price_far_from_the_ceiling_is_asked_for() -> None:
    nought = read(texts.RESULT.replace("38.6万元", "0元"))
    assert {p.reason for p in nought.problems} == {Reason.AMOUNT_UNIT_SUSPECT, Reason.EMPTY_FIELD}
    assert nought.notice is not None and nought.notice.winners[1].price is None
    far = read(texts.LAND_RESULT.replace("四、成交价：3650万元", "四、成交价：3650万元\n最高限价：100万元"))
    assert [(p.reason, p.field) for p in far.problems] == [(Reason.AMOUNT_UNIT_SUSPECT, "prices")]


@pytest.mark.parametrize("declared", ["招标公告", "bid_announcement", "公开招标公告", "其他", None, "新建文件夹"])
def test_a_folder_that_agrees_or_says_nothing_is_no_question(declared: str | None) -> None:
    assert read(texts.OPEN_TENDER, declared).problems == ()


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        (texts.OPEN_TENDER, "变更公告"),
        (texts.CANDIDATES, "招标公告"),
        (texts.RESULT, "中标公示"),
        (texts.CHANGE, "award_result"),
        (texts.RESULT, "竞争性磋商公告"),
    ],
)
def test_a_folder_that_contradicts_the_text_is_asked_about_and_not_followed(text: str, declared: str) -> None:
    held, free = read(text, declared), read(text)
    assert [problem.reason for problem in held.problems] == [Reason.KIND_CONFLICT]
    assert held.notice is not None and free.notice is not None
    assert held.notice.form is free.notice.form
    assert declared in held.problems[0].detail


def test_a_failed_bid_may_lie_in_the_folder_of_results() -> None:
    assert read(texts.FAILED, "成交信息").problems == ()
    assert read(texts.FAILED, "中标结果公告").problems == ()


def test_a_title_that_contradicts_its_body_is_asked_about() -> None:
    body = texts.CHANGE.split("\n", 1)[1].replace("招标公告 招标文件", "其他")
    draft = read("曲阜市陵城镇崇文社区建设工程（施工）中标候选人公示\n" + body)
    assert Reason.KIND_CONFLICT in {problem.reason for problem in draft.problems}


def test_the_column_of_a_saved_page_is_a_claim_to_check() -> None:
    lines = "".join(f"<p>{line}</p>" for line in texts.CHANGE.split("\n"))
    crumb = "<div>当前位置：首页 &gt; 工程建设 &gt; 招标/资审公告</div>"
    (draft,) = read_files([NamedBytes("a.html", f"<html><body>{crumb}{lines}</body></html>".encode())])
    assert [problem.reason for problem in draft.problems] == [Reason.KIND_CONFLICT]
    assert "招标/资审公告" in draft.problems[0].detail


PLAIN = "曲阜市某事项\n" + "本单位就有关情况说明如下，请有关各方知悉并予以配合，具体安排另行告知。" * 2


def test_a_text_that_is_no_notice_has_no_kind_and_no_notice() -> None:
    draft = read(PLAIN)
    assert draft.notice is None
    assert [problem.reason for problem in draft.problems] == [Reason.KIND_UNKNOWN]


def test_the_folder_decides_where_title_and_body_do_not() -> None:
    draft = read(PLAIN, "单一来源公示")
    assert draft.notice is not None
    assert (draft.notice.form, draft.notice.kind) == (Form.SINGLE_SOURCE, Kind.BID_ANNOUNCEMENT)
    assert Reason.KIND_UNKNOWN not in {problem.reason for problem in draft.problems}


def test_an_announcement_without_a_kind_word_is_told_by_its_body() -> None:
    draft = read(texts.WORKS_TENDER.replace("（施工）招标公告", "（施工）", 1))
    assert draft.notice is not None
    assert draft.notice.form is Form.TENDER


def test_a_change_whose_content_stands_only_in_an_attachment_waits_for_it() -> None:
    head, tail = texts.CHANGE.split("更正内容：")
    text = f"{head}更正内容：详见崇文社区建设工程变更内容（一）\n更正日期{tail.split('更正日期')[1]}"
    alone = read(text)
    assert [problem.reason for problem in alone.problems] == [Reason.ATTACHMENT_MISSING]
    files = [NamedBytes("变更公告.txt", text.encode()), NamedBytes("变更内容.pdf", b"%PDF-1.4")]
    (together,) = read_files(files)
    assert together.problems == ()


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("采购需求：详见招标文件。", "采购需求：详见附件。", Reason.ATTACHMENT_MISSING),
        ("联系方式：0537-0049911", "联系方式：139****0001", Reason.PHONE_MASKED),
        ("2025年12月24日 9点30分（北京时间）\n", "2025年12月25日 9点30分（北京时间）\n", Reason.DATE_SUSPECT),
        ("自合同签订之日起30日历天", "2024年4月至2024年7月", Reason.DATE_SUSPECT),
    ],
)
def test_what_looks_odd_is_shown_and_stops_nothing(old: str, new: str, reason: Reason) -> None:
    text = texts.OPEN_TENDER.replace(old, new)
    assert text != texts.OPEN_TENDER
    draft = read(text)
    assert draft.problems == ()
    assert [warning.reason for warning in draft.warnings] == [reason]
    assert draft.fields["warnings"] == [reason.value]
    assert draft.fields["outcome"] == "accepted"


def test_a_help_file_or_another_documents_annex_is_no_attachment() -> None:
    text = texts.OPEN_TENDER.replace("采购需求：详见招标文件。", "采购需求：详见招标文件附件三。")
    draft = read(text)
    assert draft.warnings == ()
    assert draft.fields["attachments_mentioned"] == 0


def test_a_suspension_and_a_correction_of_a_result_are_marked() -> None:
    start = texts.CHANGE.index("1.原投标")
    end = texts.CHANGE.index("更正日期：")
    suspended = read(texts.CHANGE[:start] + "本项目因故暂停，恢复时间另行公告。\n" + texts.CHANGE[end:])
    assert [warning.reason for warning in suspended.warnings] == [Reason.SUSPENSION]
    assert suspended.problems == ()
    corrected = read(texts.RESULT_CORRECTION)
    assert [warning.reason for warning in corrected.warnings] == [Reason.RESULT_CORRECTION]


def test_a_change_that_names_neither_number_nor_project_asks_which_notice_it_changes() -> None:
    start, end = texts.CHANGE.index("首次公告日期"), texts.CHANGE.index("四、凡对")
    draft = read("更正公告\n" + texts.CHANGE[start:end])
    assert asked(draft) == {"original_number_or_name"}


def test_a_text_of_many_colons_or_brackets_is_read_in_a_moment() -> None:
    for odd in ("：".join(["项目编号"] * 8000), "（" * 9000 + "）" * 9000, "原将现由从更正为：" * 3000, "{a:" * 5000):
        draft = read("某项目更正公告\n首次公告日期：2025年1月2日\n" + odd)
        assert draft.notice is not None
