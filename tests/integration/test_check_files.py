"""Pre-flight: `publisher check FILE`, `publisher clean`, and what the line does with the same problems."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.delivery import IntakeState, State
from publisher.ledger import intake_rows
from publisher.rules.clean import cleaned_copy
from tests.support import notice_texts as texts
from tests.support.desk import TestDesk
from tests.support.office_files import xlsx_of, zip_of
from tests.support.rules import hidden_sheet, word_file

WRONG = (
    texts.RESULT.replace("91420111751839827U", "91420111751839827A")
    .replace("品牌（如有）：康达", "供货人手机 13900000001")
    .replace("八、其他补充事宜\n无", "八、其他补充事宜\n内部资料")
)
LIMITED = """
[small]
title = "小渠道"
adapter = "channels.municipal_site:MunicipalSite"
tier = "county"
read_back = []
carries = [{{ carry = "{carry}" }}]
[small.options]
base_url = "http://127.0.0.1:9"
[small.options.limits]
title_chars = 5
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    yield made
    made.close()


def a_file(desk: TestDesk, name: str, data: bytes, folder: str = "someone") -> Path:
    path = desk.folder / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def drop(desk: TestDesk, name: str, data: bytes) -> Path:
    return a_file(desk, name, data, "data/folders/待发布")


def questions(desk: TestDesk, number: str = "1") -> tuple[str, list[str]]:
    """State of an intake, and its problems in words."""
    ledger = desk.ledger()
    with ledger.read() as conn:
        row = intake_rows.by_number(conn, number)
    ledger.close()
    assert row is not None
    return row.state, [str(problem) for problem in intake_rows.problems_of(row.problems)]


def test_check_names_every_problem_at_once_with_place_rule_and_severity(desk: TestDesk) -> None:
    desk.build("county")
    path = a_file(desk, "结果公告.txt", WRONG.encode())
    (facts,) = desk.json("check", str(path), code=1)
    (found,) = facts["files"]
    assert found["outcome"] == "held"
    held = {problem["rule"]: problem for problem in found["problems"]}
    assert set(held) == {"code.credit", "privacy.mobile", "words.internal"}
    assert all(one["severity"] == "hold" and one["detail"] and one["place"] for one in held.values())
    assert [one["rule"] for one in found["warnings"]] == ["reading.attachment_missing"]
    assert found["warnings"][0]["severity"] == "warn"
    shown = desk.run("check", str(path)).stdout
    assert "将转待处理" in shown and "正文第 " in shown and "〔privacy.mobile〕" in shown and "13900000001" not in shown


def test_check_judges_by_the_printed_day_and_at_another_when_told(desk: TestDesk) -> None:
    desk.build("county")
    (desk.home / "rules").mkdir()
    row = '[[word]]\nid = "words.own"\nlike = "{}"\nwhat = "旧用语"\nsource = "本中心"\nsure = "practice"\n'
    rule = row.format("崇文社区") + "valid_from = 2018-01-01\n"
    (desk.home / "rules" / "words.toml").write_text(rule, "utf-8")
    path = a_file(desk, "招标公告.txt", texts.WORKS_TENDER.encode())  # printed 2017-12-04

    def found(*words: str, code: int) -> list[str]:
        (facts,) = desk.json("check", str(path), *words, code=code)
        return [problem["rule"] for problem in facts["files"][0]["problems"] if problem["rule"].startswith("words")]

    assert found(code=0) == []
    assert set(found("--at", "2018-01-01", code=1)) == {"words.own"}
    assert found("--at", "2017-12-31 23:59", code=0) == []
    assert desk.run("check", str(path), "--at", "gestern").exit_code == 2


def test_wrong_rule_data_is_a_settings_error_and_no_file_is_taken_in(desk: TestDesk) -> None:
    desk.build("county")
    (desk.home / "rules").mkdir()
    (desk.home / "rules" / "words.toml").write_text("[[word]]\n", "utf-8")
    ran = desk.run("check")
    assert ran.exit_code == 2 and "words.toml" in ran.output
    drop(desk, "结果公告.txt", texts.RESULT.encode())
    assert desk.run("once").exit_code == 2
    assert (desk.data / "folders" / "待发布" / "结果公告.txt").exists()


def test_check_says_that_the_original_of_a_change_is_not_known_to_the_ledger(desk: TestDesk) -> None:
    desk.build("county")
    change = a_file(desk, "变更公告.txt", texts.CHANGE.encode())
    drop(desk, "别的公告.txt", texts.TERMINATION.encode())
    assert desk.run("once").exit_code == 0
    assert "本系统没有收过原公告" in desk.run("check", str(change)).stdout
    drop(desk, "招标公告.txt", texts.WORKS_TENDER.encode())
    desk.run("once")
    assert "本系统没有收过原公告" not in desk.run("check", str(change)).stdout


def test_the_line_holds_a_file_with_every_problem_and_sends_nothing(desk: TestDesk) -> None:
    desk.build("county")
    drop(desk, "结果公告.txt", WRONG.encode())
    assert desk.run("once").exit_code == 1
    state, problems = questions(desk)
    assert state == IntakeState.HELD.value and len(problems) == 3
    (note,) = (desk.data / "folders" / "待处理").glob("*说明*")
    assert all(problem in note.read_text("utf-8-sig") for problem in problems)
    assert desk.json("count")[-1]


def test_content_and_limits_of_mandatory_channels_are_asked_together(desk: TestDesk) -> None:
    desk.build("county", more=LIMITED.format(carry="mandatory"))
    drop(desk, "结果公告.txt", texts.RESULT.replace("91420111751839827U", "91420111751839827A").encode())
    assert desk.run("once").exit_code == 1
    _, problems = questions(desk)
    assert len(problems) == 2 and "校验位不符" in problems[0] and "小渠道：标题有" in problems[1]


def test_the_limit_of_an_optional_channel_holds_its_own_delivery_only(desk: TestDesk) -> None:
    desk.build("county", more=LIMITED.format(carry="optional"))
    drop(desk, "结果公告.txt", texts.RESULT.encode())
    desk.run("once")
    assert desk.row("1", "county").state == State.PUBLISHED.value
    held = desk.row("1", "small")
    assert (held.state, held.reason) == (State.HELD.value, "channel_limit")


def test_the_broken_template_of_an_optional_channel_holds_its_own_delivery_until_it_is_put_right(
    desk: TestDesk,
) -> None:
    desk.build("county", "other")
    channels = desk.home / "channels.toml"
    head, tail = channels.read_text("utf-8").split("[other]")
    channels.write_text(head + "[other]" + tail.replace('"mandatory"', '"optional"'), "utf-8")
    own = desk.home / "templates" / "other" / "notice.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text("<p>{{ notice.colour }}</p>", "utf-8")
    drop(desk, "结果公告.txt", texts.RESULT.encode())
    desk.run("once")
    assert desk.row("1", "county").state == State.PUBLISHED.value
    held = desk.row("1", "other")
    assert (held.state, held.reason) == (State.HELD.value, "template_fault")
    own.unlink()
    assert (
        desk.run("retry", "1", "--channel", "other", "--render", "--by", "王某", "--reason", "模板已修正").exit_code
        == 0
    )
    desk.run("once")
    assert desk.row("1", "other").state == State.PUBLISHED.value


def test_an_amount_that_is_missing_never_goes_out_as_a_blank(desk: TestDesk) -> None:
    desk.build("county")
    drop(desk, "结果公告.txt", texts.RESULT.replace("38.6万元", "元").encode())
    assert desk.run("once").exit_code == 1
    _, problems = questions(desk)
    assert any("中标（成交）金额" in problem for problem in problems)


def test_markup_and_template_text_in_a_name_are_shown_as_they_are(desk: TestDesk) -> None:
    desk.build("county")
    text = texts.RESULT.replace("山东和信医疗科技有限公司", "山东<b>{{ 7*7 }}</b>公司")
    drop(desk, "结果公告.txt", text.encode())
    assert desk.run("once").exit_code == 0
    (facts,) = desk.json("preview", str(a_file(desk, "再看.txt", text.encode())))
    page = Path(facts["path"]).read_text("utf-8")
    assert "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;" in page and "49" not in page.split("山东")[1][:20]


def test_a_body_with_nothing_but_a_title_is_refused(desk: TestDesk) -> None:
    desk.build("county")
    drop(desk, "公告.docx", word_file("曲阜市人民医院医用耗材柜采购项目中标结果公告", "见图"))
    assert desk.run("once").exit_code == 1
    _, problems = questions(desk)
    assert "正文为空或过短" in problems[0]


def test_clean_writes_a_copy_beside_the_file_that_the_line_accepts_and_overwrites_nothing(desk: TestDesk) -> None:
    desk.build("county")
    dirty = word_file(*texts.RESULT.splitlines(), comment="对吗", inserted="另有说明。", author="孔某某")
    path = a_file(desk, "结果公告.docx", dirty)
    assert desk.run("check", str(path)).exit_code == 1
    first, second = (desk.json("clean", str(path))[0]["cleaned"] for _ in range(2))
    assert Path(first).name == "结果公告.已清理.docx" and Path(second).name == "结果公告.已清理(2).docx"
    assert path.read_bytes() == dirty and Path(first).read_bytes() == cleaned_copy(dirty)
    drop(desk, "结果公告.docx", Path(first).read_bytes())
    assert desk.run("once").exit_code == 0


def test_clean_says_of_each_file_that_it_cannot_clean_why(desk: TestDesk) -> None:
    desk.build("county")
    good, bad = a_file(desk, "甲.docx", word_file("正文")), a_file(desk, "乙.doc", b"\xd0\xcf\x11\xe0old")
    lines = desk.json("clean", str(bad), str(good), "--out", str(desk.folder / "out"), code=1)
    assert lines[0]["cleaned"] is None and "Word" in lines[0]["problem"]
    assert Path(lines[1]["cleaned"]).parent == desk.folder / "out" and Path(lines[1]["cleaned"]).exists()
    assert desk.run("clean", str(desk.folder / "none.docx")).exit_code == 2
    assert json.dumps(lines)


# ---- cleaned copies offered beside a held file


DIRTY = {"comment": "对吗", "inserted": "另有说明。", "author": "孔某某"}


def held_folder(desk: TestDesk) -> Path:
    return desk.data / "folders" / "待处理"


def answer(desk: TestDesk, held: str, *lines: str) -> None:
    path = held_folder(desk) / f"{held}.答复.txt"
    path.write_text("\n".join(lines), "utf-8")
    os.utime(path, (0, 0))  # long at rest


def test_a_held_file_gets_a_cleaned_copy_beside_it_and_goes_out_once_a_named_person_answers(desk: TestDesk) -> None:
    desk.build("county")
    drop(desk, "结果公告.docx", word_file(*texts.RESULT.splitlines(), **DIRTY))
    assert desk.run("once").exit_code == 1
    copy = held_folder(desk) / "1_结果公告.已清理.docx"
    assert copy.read_bytes() == cleaned_copy((held_folder(desk) / "1_结果公告.docx").read_bytes())
    (note,) = held_folder(desk).glob("*说明*")
    assert "“1_结果公告.已清理.docx”" in note.read_text("utf-8-sig") and "第一行写“清理”" in note.read_text("utf-8-sig")
    desk.run("once")
    assert copy.exists(), "it never goes by itself"
    assert desk.sites["county"].items() == []

    answer(desk, "1_结果公告.docx", "清理")  # no name: nobody answers for it
    desk.run("once")
    assert copy.exists()
    answer(desk, "1_结果公告.docx", "清理", "王某")
    desk.run("once")
    desk.run("once")
    assert len(desk.sites["county"].items()) == 1
    assert questions(desk, "2")[0] == IntakeState.ACCEPTED.value
    state, (why,) = questions(desk, "1")
    assert state == IntakeState.RETURNED.value and "王某 已核对清理后的副本" in why
    assert list(held_folder(desk).iterdir()) == []
    assert "王某" in desk.run("log").stdout
    assert desk.run("verify").exit_code == 0


def test_of_a_zip_or_a_folder_the_copy_is_a_zip_with_every_file_and_the_clean_ones_untouched(
    desk: TestDesk,
) -> None:
    desk.build("county")
    files = {
        "结果公告.docx": word_file(*texts.RESULT.splitlines(), comment="对吗"),
        "附件/清单.docx": word_file("清单", author="孔某某"),
        "附件/说明.txt": "无".encode(),
    }
    drop(desk, "结果.zip", zip_of(files, encoding="gb18030"))
    for name, data in files.items():
        a_file(desk, name.replace("附件/", ""), data, "data/folders/待发布/另一份")
    assert desk.run("once").exit_code == 1
    copies = sorted(held_folder(desk).glob("*已清理*"))
    assert {path.name for path in copies} == {"1_结果.已清理.zip", "2_另一份.已清理.zip"} or {
        path.name for path in copies
    } == {"2_结果.已清理.zip", "1_另一份.已清理.zip"}
    for path in copies:
        with zipfile.ZipFile(path) as archive:
            inside = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
        assert inside == {
            "结果公告.docx": cleaned_copy(files["结果公告.docx"]),
            "清单.docx": cleaned_copy(files["附件/清单.docx"]),
            "说明.txt": "无".encode(),
        }
    first = next(path.name for path in copies if "结果" in path.name)
    answer(desk, first.replace(".已清理", ""), "清理", "王某")
    desk.run("once")
    desk.run("once")
    assert len(desk.sites["county"].items()) == 1


def test_a_copy_that_nobody_took_goes_when_the_file_leaves_and_one_that_staff_changed_stays(desk: TestDesk) -> None:
    desk.build("county")
    for title in ("甲", "乙"):
        text = texts.RESULT.replace("曲阜市人民医院", f"曲阜市{title}医院").replace("SDGP", f"SD{ord(title)}GP")
        drop(desk, f"{title}.docx", word_file(*text.splitlines(), comment="对吗"))
        desk.run("once")
    untouched, changed = (next(held_folder(desk).glob(f"*{title}.已清理.docx")) for title in ("甲", "乙"))
    changed.write_bytes(changed.read_bytes() + b" ")
    for number in ("1", "2"):
        ran = desk.run("override", number, "--rule", "file.comments", "--by", "王主任", "--reason", "批注可公开")
        assert ran.exit_code == 0, ran.output
    desk.run("once")
    assert questions(desk, "1")[0] == questions(desk, "2")[0] == IntakeState.ACCEPTED.value
    assert not untouched.exists() and changed.exists()


def test_where_no_copy_can_be_made_the_note_says_why(desk: TestDesk) -> None:
    desk.build("county")
    files = {"结果公告.txt": texts.RESULT.encode(), "清单.xlsx": hidden_sheet(xlsx_of([["附件"]]))}
    drop(desk, "结果.zip", zip_of(files))
    assert desk.run("once").exit_code == 1
    (note,) = held_folder(desk).glob("*说明*")
    assert "程序不能代为清理该文件：“清单.xlsx”文件中有隐藏的工作表“公告”" in note.read_text("utf-8-sig")
    assert list(held_folder(desk).glob("*已清理*")) == []
