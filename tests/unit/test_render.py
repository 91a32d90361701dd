"""Rendering: no blank, no active content and no missing text ever gets into a rendition."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from publisher.channel import Tier
from publisher.errors import Problem, Reason
from publisher.notice import (
    LOCAL,
    AttachmentRef,
    Candidate,
    Change,
    Dates,
    Form,
    Lot,
    Money,
    Notice,
    PriceBasis,
    html_to_text,
    text_digest,
)
from publisher.receipts import ways_of
from publisher.render import Renderer, TemplateFault, fields_for_staff
from publisher.settings import ChannelSettings
from publisher.wording import BlankValue, day, moment, price, yuan
from tests.support.builders import START, a_change_notice, a_notice

CHANNEL = ChannelSettings(
    name="gazette", title="县公报网", adapter="channels.no_such_adapter:NoSuchAdapter", tier=Tier.COUNTY
)


@pytest.fixture
def overrides(tmp_path: Path) -> Path:
    return tmp_path / "templates"


def own(overrides: Path, template: str, name: str = "notice.html.j2") -> Renderer:
    (overrides / "gazette").mkdir(parents=True, exist_ok=True)
    (overrides / "gazette" / name).write_text(template, "utf-8")
    return Renderer(overrides)


def fault_of(renderer: Renderer, notice: Notice | None = None) -> TemplateFault:
    with pytest.raises(TemplateFault) as caught:
        renderer.render(notice or a_notice(), CHANNEL)
    return caught.value


def test_a_rendition_carries_title_text_and_digests(overrides: Path) -> None:
    notice = a_notice()
    rendition = own(overrides, "<h1>{{ notice.title }}</h1>{{ body }}").render(notice, CHANNEL)
    assert rendition.text == f"<h1>{notice.title}</h1>{notice.body_html}"
    assert rendition.sha256 == hashlib.sha256(rendition.content).hexdigest()
    assert rendition.text_digest == text_digest(html_to_text(rendition.text))
    assert rendition.title == notice.title
    assert rendition.media_type == "text/html"


def test_the_same_notice_gives_the_same_bytes(overrides: Path) -> None:
    renderer = own(overrides, "{{ body }}")
    assert renderer.render(a_notice(), CHANNEL) == Renderer(overrides).render(a_notice(), CHANNEL)


@pytest.mark.parametrize(
    "expression", ["notice.budget", "notice.budget|yuan", "notice.budget.yuan", "notice.budget|price"]
)
def test_a_missing_amount_stops_the_channel_and_is_named(overrides: Path, expression: str) -> None:
    fault = fault_of(own(overrides, f"{{{{ body }}}}\n<p>中标金额：{{{{ {expression} }}}}</p>"), a_notice(budget=None))
    assert f"template gazette/notice.html.j2, line 2: {expression}" in str(fault)
    assert expression in fault.detail
    assert "第 2 行" in fault.detail
    assert fault.channel == "gazette"
    assert fault.problem == Problem(Reason.TEMPLATE_FAULT, fault.detail, channel="gazette")


def test_a_misspelt_variable_stops_the_channel_and_is_named(overrides: Path) -> None:
    fault = fault_of(own(overrides, "{{ body }}<p>{{ notice.projekt_no }}</p>"))
    assert "notice.projekt_no" in str(fault)
    assert "has no attribute 'projekt_no'" in str(fault)


def test_a_blank_in_an_included_template_is_found_in_that_template(overrides: Path) -> None:
    own(overrides, "<p>{{ notice.publish_at }}</p>", "foot.html.j2")
    fault = fault_of(own(overrides, "{{ body }}\n\n{% include 'channels/gazette/foot.html.j2' %}"))
    assert "template gazette/foot.html.j2, line 1: notice.publish_at" in str(fault)


def test_a_filter_that_fails_stops_the_channel(overrides: Path) -> None:
    fault = fault_of(own(overrides, "{{ body }}{{ notice.title|yuan }}"))
    assert "notice.title|yuan" in str(fault)


def test_nought_prints_as_nought(overrides: Path) -> None:
    notice = a_notice(budget=Money(raw="0元", yuan=Decimal(0)))
    text = own(overrides, "{{ body }}|{{ notice.sequence }}|{{ notice.budget.yuan }}|{{ notice.budget|yuan }}").render(
        notice, CHANNEL
    )
    assert text.text.endswith("|0|0|0.00 元")


def test_markup_in_a_field_is_escaped(overrides: Path) -> None:
    notice = a_notice(project_name="<b>甲</b>&乙")
    rendition = own(overrides, "{{ body }}{{ notice.project_name }}").render(notice, CHANNEL)
    assert "&lt;b&gt;甲&lt;/b&gt;&amp;乙" in rendition.text
    assert "<b>" not in rendition.text


@pytest.mark.parametrize("text", ["{{ 7*7 }}", "{% raw %}", "{{ notice.budget }}"])
def test_template_text_in_the_data_is_not_executed(overrides: Path, text: str) -> None:
    notice = a_notice(project_name=text, body_html=f"<p>{text}</p>")
    rendition = own(overrides, "{{ body }}{{ notice.project_name }}").render(notice, CHANNEL)
    assert rendition.text == f"<p>{text}</p>{text}"


def test_a_template_cannot_reach_into_the_program(overrides: Path) -> None:
    fault = fault_of(own(overrides, "{{ body }}{{ notice.__class__.__mro__ }}"))
    assert "__class__" in str(fault)


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ("<script>alert(1)</script>", "<script>"),
        ("<style>p{color:white}</style>", "<style>"),
        ('<p onclick="x()">字</p>', "onclick in <p>"),
        ('<img src="x" ONERROR="x()">', "onerror in <img>"),
        ('<a href=" java\tscript:x()">字</a>', "href in <a>"),
        ('<iframe src="http://127.0.0.1"></iframe>', "<iframe>"),
        ('<p style="display: none">字</p>', "style in <p>"),
        ("<p hidden>字</p>", "hidden in <p>"),
    ],
)
def test_active_content_and_hidden_text_are_refused(overrides: Path, markup: str, found: str) -> None:
    by_template = fault_of(own(overrides, "{{ body }}" + markup))
    assert found in str(by_template)
    by_body = fault_of(own(overrides, "{{ body }}"), a_notice(body_html=a_notice().body_html + markup))
    assert found in str(by_body)


def test_ordinary_styles_and_links_are_taken(overrides: Path) -> None:
    markup = '<p style="font-size:16px">字</p><a href="https://a.gov.cn/1">附件</a><img src="data:image/png;base64,AA">'
    assert markup in own(overrides, "{{ body }}" + markup).render(a_notice(), CHANNEL).text


@pytest.mark.parametrize("template", ["<p>版权所有</p>", "{{ notice.title }}", "{{ body|striptags|truncate(20) }}"])
def test_a_page_that_lacks_text_of_the_notice_is_refused(overrides: Path, template: str) -> None:
    fault = fault_of(own(overrides, template))
    assert "lacks part of the notice's text" in str(fault)
    assert "没有完整显示公告正文" in fault.detail


def test_an_excerpt_may_lack_text_when_that_is_said(overrides: Path) -> None:
    rendition = own(overrides, "<p>{{ notice.title }}</p>").render(a_notice(), CHANNEL, whole_text=False)
    assert rendition.text == f"<p>{a_notice().title}</p>"


def test_a_template_with_bad_syntax_is_named_with_its_line(overrides: Path) -> None:
    renderer = own(overrides, "{{ body }}\n{% if %}")
    fault = fault_of(renderer)
    assert "gazette/notice.html.j2, line 2" in str(fault)
    assert "模板语法有误" in fault.detail
    assert [found.channel for found in renderer.compile_all([CHANNEL])] == ["gazette"]


def test_tags_on_lines_of_their_own_leave_no_blank_lines(overrides: Path) -> None:
    rendition = own(overrides, "{{ body }}\n  {% if notice.title %}\n<p>字</p>\n  {% endif %}\n").render(
        a_notice(), CHANNEL
    )
    assert rendition.text == a_notice().body_html + "\n<p>字</p>\n"


def test_a_channel_without_any_template_is_named() -> None:
    fault = fault_of(Renderer())
    assert "no_such_adapter/notice.html.j2: no such template" in str(fault)


def test_a_channel_s_own_template_replaces_the_shipped_one_for_that_channel_only(overrides: Path) -> None:
    renderer = own(overrides, "<p>曲阜</p>{% include 'wechat_feed/notice.html.j2' %}")
    adapter = "channels.wechat_feed:WechatFeed"
    changed = renderer.render(a_notice(), CHANNEL.model_copy(update={"adapter": adapter}))
    plain = renderer.render(a_notice(), CHANNEL.model_copy(update={"adapter": adapter, "name": "other"}))
    assert changed.text == "<p>曲阜</p>" + plain.text


# how values are written


def test_amounts_are_written_with_two_decimals_and_commas() -> None:
    assert yuan(Decimal("1436000")) == "1,436,000.00 元"
    assert yuan(Money(raw="60万元", yuan=Decimal("600000"))) == "600,000.00 元"


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(raw="x", yuan=Decimal("736320")), "736,320.00 元"),
        (Money(raw="x", yuan=Decimal("513360"), basis=PriceBasis.PER_YEAR), "513,360.00 元／年"),
        (Money(raw="x", yuan=Decimal("286.6"), basis=PriceBasis.UNIT), "286.60 元（单价）"),
        (Money(raw="x", rate_percent=Decimal("24.91"), basis=PriceBasis.RATE), "24.91%（费率或下浮率）"),
        (Money(raw="按国家标准收取"), "按国家标准收取"),
    ],
)
def test_prices_are_written_with_their_basis(money: Money, text: str) -> None:
    assert price(money) == text


def test_days_and_instants_are_written_in_local_time() -> None:
    instant = datetime(2017, 12, 4, 16, 30, tzinfo=UTC)
    assert moment(instant) == "2017年12月5日 00:30"
    assert day(instant) == "2017年12月5日"
    assert day(date(2017, 12, 5)) == moment(date(2017, 12, 5)) == "2017年12月5日"


@pytest.mark.parametrize("write", [yuan, price, day, moment])
def test_a_value_that_is_not_there_is_never_written(write: Any) -> None:
    with pytest.raises(BlankValue):
        write(None)


def test_a_price_with_neither_value_nor_text_is_never_written() -> None:
    with pytest.raises(BlankValue):
        price(Money(raw=""))


def test_an_instant_without_a_zone_is_never_written() -> None:
    with pytest.raises(ValueError, match="zone"):
        moment(datetime(2017, 12, 4, 9, 0))  # noqa: DTZ001  # that is what is refused


# what staff read


def test_staff_read_the_fields_as_understood_and_blanks_as_not_stated() -> None:
    fields = dict(fields_for_staff(a_notice(agency=None, lots=(Lot(no="1", name="一标段"), Lot(no="2")))))
    assert fields["公告类别"] == "招标公告"
    assert fields["项目类别"] == "工程"
    assert fields["标段（包）"] == "1 一标段；2"
    assert fields["代理机构"] == "未写明"
    assert fields["预算金额"] == "未写明"
    assert fields["最高限价"] == "12,345,678.90 元"
    assert fields["投标（响应）截止时间"] == "2017年12月28日 09:00"


def test_staff_read_what_a_change_changes() -> None:
    changes = (Change(item="开标时间", before="9时", after="13时"), Change(item="工程量清单"))
    fields = dict(fields_for_staff(a_change_notice(changes=changes)))
    assert fields["公告类别"] == "变更公告（更正公告）"
    assert fields["首次公告日期"] == "2017年12月4日"
    assert fields["变更内容"] == "开标时间：9时 → 13时；工程量清单"
    assert fields["新的截止时间"] == "2018年1月5日 09:00"


def test_staff_read_candidates_with_rank_and_price_and_the_publicity() -> None:
    candidates = (
        Candidate(name="甲公司", rank=1, price=Money(raw="x", yuan=Decimal(7)), lot="2"),
        Candidate(name="乙公司", rank=2),
    )
    dates = Dates(publicity_start=date(2026, 3, 16), publicity_end=date(2026, 3, 18))
    fields = dict(fields_for_staff(a_notice(form=Form.CANDIDATES, candidates=candidates, dates=dates)))
    assert fields["中标候选人"] == "[2] 第1名 甲公司，7.00 元；第2名 乙公司，价格未写明"
    assert fields["公示期"] == "2026年3月16日 至 2026年3月18日"


def test_staff_read_that_nobody_won() -> None:
    assert "流标" in dict(fields_for_staff(a_notice(form=Form.FAILED_TENDER, failed=True)))["结果"]


def test_staff_read_the_attachments_and_the_wished_time() -> None:
    ref = AttachmentRef(name="清单.pdf", sha256="0" * 64, size=1)
    when = datetime(2017, 12, 5, 8, 0, tzinfo=LOCAL)
    fields = dict(fields_for_staff(a_notice(attachments=(ref,), attachments_mentioned=2, publish_at=when)))
    assert fields["附件"] == "清单.pdf（正文提到 2 个，收到 1 个）"
    assert fields["指定发布时间"] == "2017年12月5日 08:00"


def a_receipt(**changes: Any) -> str:
    values: dict[str, Any] = {
        "number": "17",
        "practice": False,
        "office": "曲阜市公共资源交易中心",
        "received_at": START,
        "file_name": "招标公告<1>.docx",
        "fields": [("标题", "某某招标公告"), ("代理机构", "")],
        "warnings": [],
        "channels": [
            {
                "title": "县公报网",
                "mandatory": True,
                "state_label": "已发布",
                "number": "A-1",
                "url": "http://127.0.0.1/1",
                "visible_since": START,
                "reason": None,
            },
            {
                "title": "微信资讯",
                "mandatory": False,
                "state_label": "暂停，待人工处理",
                "number": None,
                "url": None,
                "visible_since": None,
                "reason": "渠道拒绝了该公告",
            },
        ],
        "complete": True,
        "needs_someone": False,
    }
    return Renderer().text("receipt.txt.j2", **(values | changes))


def test_a_receipt_tells_number_fields_and_each_channel() -> None:
    text = a_receipt()
    assert text.splitlines()[:5] == [
        "曲阜市公共资源交易中心　公告发布回执",
        "编号：17",
        "文件：招标公告<1>.docx",
        "收到：2017年12月4日 09:00",
        "状态：已在全部必发渠道发布",
    ]
    assert "  标题：某某招标公告\n  代理机构：未写明\n" in text
    assert (
        "  县公报网（必发）：已发布\n    渠道编号：A-1\n"
        "    地址：http://127.0.0.1/1\n    公开时间：2017年12月4日 09:00\n" in text
    )
    assert text.endswith("  微信资讯（选发）：暂停，待人工处理\n    说明：渠道拒绝了该公告\n")


def test_a_receipt_lists_all_warnings_and_that_it_is_not_complete() -> None:
    warnings = [
        Problem(Reason.ATTACHMENT_MISSING, "正文提到附件“清单”，未收到"),
        Problem(Reason.DEADLINE_TOO_SHORT, ""),
    ]
    text = a_receipt(warnings=warnings, complete=False)
    assert "状态：正在发布" in text
    assert "状态：有渠道被拒绝或暂停，等待人工处理" in a_receipt(complete=False, needs_someone=True)
    assert "  1. 正文提到附件“清单”，未收到\n  2. 投标期限短于法定期限，请核对。\n" in text


def test_practice_is_printed_on_every_text_for_staff() -> None:
    common = {
        "number": "17",
        "practice": True,
        "office": "中心",
        "file_name": "a.docx",
        "at": START,
        "drop_folder": "待发布",
    }
    problems = [Problem(Reason.EMPTY_BODY, "正文为空")]
    texts = [
        a_receipt(practice=True),
        Renderer().text("returned.txt.j2", problems=problems, **common),
        Renderer().text(
            "held.txt.j2",
            problems=problems,
            fields=[],
            answer_name="a.docx.答复.txt",
            yaml_name="a.docx.yaml",
            offer=None,
            ways=[],
            **common,
        ),
    ]
    assert all(text.startswith("【演练】") for text in texts)
    assert "演练" not in a_receipt()


def test_a_returned_file_gets_every_problem_and_where_to_put_it_again() -> None:
    problems = [Problem(Reason.EMPTY_BODY, "正文为空"), Problem(Reason.EMPTY_FIELD, "未写明：招标人")]
    text = Renderer().text(
        "returned.txt.j2",
        number="17",
        practice=False,
        office="中心",
        file_name="a.docx",
        at=START,
        problems=problems,
        drop_folder="待发布",
    )
    assert "共 2 项" in text
    assert "  1. 正文为空\n  2. 未写明：招标人\n" in text
    assert "重新放入“待发布”文件夹" in text


def test_a_held_file_says_how_to_answer() -> None:
    text = Renderer().text(
        "held.txt.j2",
        number="17",
        practice=False,
        office="中心",
        file_name="a.docx",
        at=START,
        problems=[Problem(Reason.SAME_IDENTITY_OTHER_TEXT, "与编号 3 重号，内容不同")],
        fields=[("标题", "某某招标公告")],
        drop_folder="待发布",
        answer_name="a.docx.答复.txt",
        yaml_name="a.docx.yaml",
        offer=None,
        ways=ways_of([Reason.SAME_IDENTITY_OTHER_TEXT]),
    )
    assert "  1. 与编号 3 重号，内容不同\n" in text
    assert "  标题：某某招标公告\n" in text
    assert "a.docx.答复.txt" in text
    assert all(word in text for word in ("新版本", "更正", "重复"))


@pytest.mark.parametrize(
    ("reasons", "offered"),
    [
        ([Reason.SAME_IDENTITY_OTHER_TEXT], {"答复.txt”，\n      第一行只写“新版本”"}),
        ([Reason.OLD_FILE], {"第一行只写“发布”"}),
        ([Reason.WITHDRAWAL_REQUESTED], {"第一行只写“办结”"}),
        ([Reason.KIND_CONFLICT], {"子文件夹", "a.docx.yaml"}),
        ([Reason.EMPTY_FIELD, Reason.DEADLINE_TOO_SHORT], {"a.docx.yaml", "放行"}),
        ([Reason.PRIVATE_DATA], {"a.docx.yaml", "放行"}),
        ([Reason.READER_FAULT], {"转给管理员"}),
        ([Reason.MAIN_DOCUMENT_DOUBT], set()),
    ],
)
def test_a_note_offers_what_helps_with_its_problems_and_nothing_else(reasons: list[Reason], offered: set[str]) -> None:
    text = Renderer().text(
        "held.txt.j2",
        number="17",
        practice=False,
        office="中心",
        file_name="a.docx",
        at=START,
        problems=[Problem(reason, "某事") for reason in reasons],
        fields=[],
        drop_folder="待发布",
        answer_name="a.docx.答复.txt",
        yaml_name="a.docx.yaml",
        offer=None,
        ways=ways_of(reasons),
    )
    every = {
        "答复.txt”，\n      第一行只写“新版本”",
        "第一行只写“发布”",
        "第一行只写“办结”",
        "子文件夹",
        "a.docx.yaml",
        "放行",
        "转给管理员",
    }
    assert {words for words in every if words in text} == offered
    assert "改好后把新文件放入“待发布”文件夹" in text
    ways = re.findall(r"^  ([一二三四五六七])、", text, re.M)
    assert "".join(ways) == "一二三四五六七"[: len(ways)]


def test_a_staff_text_without_one_of_its_values_is_a_fault_without_a_channel() -> None:
    with pytest.raises(TemplateFault, match=r"returned\.txt\.j2, line \d+: office: 'office' is undefined") as caught:
        Renderer().text("returned.txt.j2", number="17", practice=False)
    assert caught.value.channel is None


def test_a_character_that_the_channel_lacks_is_written_by_its_number_and_reads_the_same(
    overrides: Path,
) -> None:
    renderer = own(overrides, "<div>{{ body }}</div>")
    notice = a_notice(body_html="<p>保证金 ¥200000.00 元，招标人在𠮷祥路。本公告其余内容照旧。</p>")
    plain, coded = renderer.render(notice, CHANNEL), renderer.render(notice, CHANNEL, charset="gbk")
    assert "&#165;200000.00" in coded.text and "&#134071;祥路" in coded.text
    coded.text.encode("gbk")
    assert coded.text_digest == plain.text_digest and coded.sha256 == hashlib.sha256(coded.content).hexdigest()
