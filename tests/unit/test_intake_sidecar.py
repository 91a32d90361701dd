"""What staff state beside a file: read strictly, said where it is wrong, set over what the reader found."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from publisher.errors import Reason
from publisher.intake.pairing import pair
from publisher.intake.reading import Draft, NamedBytes, read_files
from publisher.intake.sidecar import read_sidecar
from publisher.notice import LOCAL, Form, Kind, ProjectClass
from tests.support.line import as_json, notice_text


def stated(text: str) -> Draft:
    (draft,) = read_files([NamedBytes("招标公告.txt", notice_text().encode())], None, text.encode())
    return draft


def test_every_kind_of_line_is_read_in_utf8_and_gbk() -> None:
    text = (
        "# 说明\n项目编号: QF-1  # 旧号\n标题：某公告\n公告类型: 变更公告\n项目类别: 土地\n标段: [一标段, 2]\n"
        "渠道:\n  - 微信资讯\n  - 'feed'\n加急: 是\n最高限价: 1,234.5万元\n发布时间: 2017-12-05 08:30\n"
        "首次公告日期: 2017年12月1日\n代理机构: 无\n"
    )
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        found = read_sidecar(text.encode(encoding))

        assert found.problems == ()
        assert found.values["project_no"] == "QF-1"
        assert found.values["title"] == "某公告"
        assert found.values["form"] is Kind.CHANGE_NOTICE
        assert found.values["project_class"] is ProjectClass.LAND
        assert [lot.no for lot in found.values["lots"]] == ["1", "2"]
        assert found.values["agency"] is None
        assert found.values["control_price"].money.yuan == Decimal("12345000")
        assert found.values["first_published"] == date(2017, 12, 1)
        assert found.publish_at == datetime(2017, 12, 5, 8, 30, tzinfo=LOCAL)
        assert (found.wishes.chosen, found.wishes.urgent) == (("微信资讯", "feed"), True)
        assert found.places["project_no"] == "说明文件第2行"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("项目便号: QF-1", "项目便号"),
        ("项目编号: QF-1\n项目编号: QF-2", "写了两次"),
        ("发布时间: 明天早上", "2017-12-04 09:00"),
        ("发布时间: 2017-12-05", "时刻"),
        ("预算金额: 面议", "金额"),
        ("预算金额: 0元", "金额为 0"),
        ("公告类型: 公告", "招标公告"),
        ("加急: 很急", "“是”或“否”"),
        ("标题: 无", "不能为空"),
        ("招标次数: 一百", "整数"),
        ("看不懂的一行", "看不懂"),
        ("项目编号: &a QF\n项目名称: *a\n  深一层: 内容", "看不懂"),
        ("渠道:", "没有写内容"),
        ("标题: " + "长" * 400, "过长"),
        ("x" * 70_000, "64 KB"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_never_raised(text: str, told: str) -> None:
    found = read_sidecar(text.encode())

    assert found.problems
    assert all(problem.reason is Reason.SIDECAR_INVALID for problem in found.problems)
    assert told in "".join(str(problem) for problem in found.problems)


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(read_sidecar("甲: 1\n加急: 或许\n???\n发布时间: 后天\n".encode()).problems) == 4


def test_stated_fields_correct_the_reader_and_say_where_they_stand() -> None:
    draft = stated(
        "项目编号: QF-改\n招标人: 曲阜市水务局\n投标截止时间: 2017-12-29 10:00\n发布时间: 2017-12-05 08:30\n标段: A"
    )

    assert draft.notice is not None and not draft.problems
    assert draft.notice.project_no == draft.fields["project_no"] == "QF-改"
    assert draft.notice.tenderee is not None and draft.notice.tenderee.name == "曲阜市水务局"
    assert draft.notice.dates.bid_deadline == datetime(2017, 12, 29, 10, tzinfo=LOCAL)
    assert draft.notice.publish_at == datetime(2017, 12, 5, 8, 30, tzinfo=LOCAL)
    assert [lot.no for lot in draft.notice.lots] == ["A"]
    assert draft.places["project_no"] == "说明文件第1行"
    assert "QFZB-2017-0900" in draft.notice.body_html  # the printed text stays as printed


def test_a_stated_field_answers_the_question_about_a_missing_one() -> None:
    text = notice_text().replace("五、投标文件递交截止时间：2017年12月28日9时00分，", "五、")
    (asked,) = read_files([NamedBytes("招标公告.txt", text.encode())])
    (told,) = read_files([NamedBytes("招标公告.txt", text.encode())], None, "投标截止时间: 2017-12-28 09:00".encode())

    assert [problem.field for problem in asked.problems] == ["bid_deadline"]
    assert not told.problems


def test_a_stated_form_ends_the_doubt_about_the_kind() -> None:
    file = [NamedBytes("招标公告.txt", notice_text().encode())]
    (asked,) = read_files(file, "中标候选人公示")
    (told,) = read_files(file, "中标候选人公示", "公告类型: 招标公告".encode())

    assert [problem.reason for problem in asked.problems] == [Reason.KIND_CONFLICT]
    assert not told.problems and told.notice is not None and told.notice.form is Form.TENDER


def test_a_wrong_sidecar_holds_the_notice() -> None:
    draft = stated("加急: 或许")

    assert [problem.reason for problem in draft.problems] == [Reason.SIDECAR_INVALID]
    assert "sidecar_invalid" in draft.fields["warnings"]


def test_the_first_lines_of_a_text_state_fields_and_are_no_part_of_the_notice() -> None:
    text = f"---\n项目编号: QF-首\n加急: 是\n---\n{notice_text()}"
    (draft,) = read_files([NamedBytes("招标公告.txt", text.encode())])

    assert draft.notice is not None and not draft.problems
    assert (draft.notice.project_no, draft.wishes.urgent) == ("QF-首", True)
    assert draft.notice.title == "曲阜市某某路改造工程施工招标公告"
    assert "加急" not in draft.notice.text


def test_the_sidecar_counts_before_the_first_lines() -> None:
    text = f"---\n项目编号: QF-首\n---\n{notice_text()}"
    (draft,) = read_files([NamedBytes("招标公告.txt", text.encode())], None, "项目编号: QF-旁".encode())

    assert draft.notice is not None and draft.notice.project_no == "QF-旁"


def test_a_data_file_is_corrected_too_and_what_does_not_fit_is_a_problem() -> None:
    file = [NamedBytes("公告.json", as_json().encode())]
    (draft,) = read_files(file, None, "项目编号: QF-数\n公示结束日期: 2017-12-20\n预算金额: 5万元".encode())
    (wrong,) = read_files(file, None, "招标次数: 0".encode())

    assert draft.notice is not None and not draft.problems
    assert draft.notice.project_no == "QF-数" and draft.notice.dates.publicity_end == date(2017, 12, 20)
    assert draft.notice.budget is not None and draft.notice.budget.yuan == 50000
    assert [problem.reason for problem in wrong.problems] == [Reason.SIDECAR_INVALID]


def test_a_sidecar_within_a_folder_serves_and_is_no_attachment() -> None:
    files = [
        NamedBytes("招标公告.txt", notice_text().encode()),
        NamedBytes("清单.xlsx", b"PK not opened"),
        NamedBytes("说明.yaml", "项目编号: QF-夹".encode()),
    ]
    (draft,) = read_files(files)

    assert draft.notice is not None and draft.notice.project_no == "QF-夹"
    assert [ref.name for ref in draft.notice.attachments] == ["清单.xlsx"]


def test_a_sidecar_belongs_to_the_one_file_of_its_name() -> None:
    found = pair(["a.docx", "a.docx.yaml", "b.txt", "b.yml", "c.yaml", "d.doc", "d.pdf", "d.yaml", "项目", "项目.yaml"])

    assert found.sidecars == {"a.docx": "a.docx.yaml", "b.txt": "b.yml", "项目": "项目.yaml"}
    assert set(found.waiting) == {"c.yaml", "d.yaml"}
    assert set(found.doubted) == {"d.doc", "d.pdf"}


def test_two_sidecars_of_one_file_let_it_wait() -> None:
    found = pair(["a.docx", "a.docx.yaml", "a.yaml"])

    assert found.sidecars == {}
    assert set(found.doubted) == {"a.docx"}
