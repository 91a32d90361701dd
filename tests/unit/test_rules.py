"""The rules: required fields, limits, routing and deadlines."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from publisher.channel import Capabilities, Fidelity, Limits, Rendition, Tier
from publisher.errors import Problem, Reason, SettingsError
from publisher.notice import (
    LOCAL,
    AttachmentRef,
    Candidate,
    Change,
    Dates,
    Form,
    Kind,
    Money,
    Notice,
    OriginalNotice,
    PriceBasis,
    ProjectClass,
)
from publisher.rules.calendar import Calendar, load_calendar
from publisher.rules.due import deadline
from publisher.rules.limits import exceeded
from publisher.rules.required import missing_fields, read_requirements, shipped_requirements
from publisher.rules.routing import describe_routing, route, routing_diff, routing_of
from publisher.settings import CarriesRule, ChannelSettings
from tests.support.builders import START, a_change_notice, a_notice, a_rendition

DAY = START.date()
LONG = "<p>经评标委员会评审，现将本项目的评审结果公示如下，欢迎社会各界监督，并提出宝贵意见。</p>"


def a_result(**changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "form": Form.DEAL_RESULT,
        "title": "某某项目成交结果公告",
        "body_html": LONG,
        "winners": (Candidate(name="山东甲建设有限公司", price=Money(raw="736,320.00元", yuan=Decimal("736320"))),),
    }
    return a_notice(**(fields | changes))


def a_candidates_notice(**changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "form": Form.CANDIDATES,
        "title": "某某项目中标候选人公示",
        "body_html": LONG,
        "candidates": (Candidate(name="山东甲建设有限公司", rank=1),),
        "dates": Dates(publicity_start=date(2026, 3, 16), publicity_end=date(2026, 3, 18)),
    }
    return a_notice(**(fields | changes))


def labels(problems: tuple[Problem, ...]) -> list[str | None]:
    return [problem.field for problem in problems]


def reasons(problems: tuple[Problem, ...]) -> list[Reason]:
    return [problem.reason for problem in problems]


@pytest.mark.parametrize("notice", [a_notice(), a_change_notice(), a_result(), a_candidates_notice()])
def test_a_complete_notice_lacks_nothing(notice: Notice) -> None:
    assert missing_fields(notice) == ()


def test_everything_that_an_announcement_lacks_is_said_at_once() -> None:
    problems = missing_fields(a_notice(project_name=None, tenderee=None, dates=Dates()))
    assert labels(problems) == ["project_name", "tenderee", "bid_deadline"]
    assert set(reasons(problems)) == {Reason.EMPTY_FIELD}
    assert all("未写明" in str(problem) for problem in problems)


@pytest.mark.parametrize("blank", ["/", "无", " — ", "详见附件"])
def test_a_field_filled_with_a_stroke_is_blank(blank: str) -> None:
    assert labels(missing_fields(a_notice(project_name=blank))) == ["project_name"]


def test_a_land_offer_is_known_by_its_parcel_number() -> None:
    land = {"form": Form.LAND_OFFER, "project_class": ProjectClass.LAND, "project_name": None}
    assert missing_fields(a_notice(**land)) == ()
    assert labels(missing_fields(a_notice(**land, project_no=None))) == ["project_no"]


def test_a_single_source_publicity_needs_its_period_and_no_deadline() -> None:
    notice = a_notice(form=Form.SINGLE_SOURCE, dates=Dates())
    assert labels(missing_fields(notice)) == ["publicity"]
    assert missing_fields(a_notice(form=Form.SINGLE_SOURCE, dates=Dates(publicity_end=date(2026, 3, 20)))) == ()


def test_a_change_needs_the_first_date_a_termination_does_not() -> None:
    blank = OriginalNotice(project_no="QFZB-2017-0412")
    assert labels(missing_fields(a_change_notice(original=blank))) == ["first_published"]
    assert missing_fields(a_change_notice(form=Form.TERMINATION, original=blank)) == ()


def test_a_change_needs_the_number_or_the_name_of_the_original() -> None:
    first = OriginalNotice(first_published=date(2017, 12, 4))
    nameless = a_change_notice(project_no=None, project_name=None, original=first)
    assert labels(missing_fields(nameless)) == ["original_number_or_name"]
    named = first.model_copy(update={"project_name": "某项目"})
    assert missing_fields(a_change_notice(project_no=None, project_name=None, original=named)) == ()


@pytest.mark.parametrize(
    "body",
    [
        "<p>更正事项：√采购公告 □采购文件</p><p>2、更正内容：工程量清单上传错误，请重新下载查看</p>",
        "<p>更正内容：本项目因故暂停，后续事宜请关注更正公告</p><p>更正日期：2026-03-16，其余内容均不作变动。</p>",
        "<p>招标文件修改、澄清（答疑）内容如下：</p><p>一、本工程原发布的资料作废，以随本答疑发布的为准，请自行下载。</p>",
        "<p>开标时间由2017年7月31日9时30分变更为2017年7月31日13时00分，其余内容不变，请知悉。</p>",
        "<table><tr><td>变更内容</td><td>项目负责人资格要求改为二级建造师及以上</td></tr></table><p>其余不变，特此公告，请各投标人知悉。</p>",
    ],
)
def test_what_changes_is_seen_in_the_text(body: str) -> None:
    assert missing_fields(a_change_notice(body_html=body)) == ()


@pytest.mark.parametrize(
    "body",
    [
        "<p>更正事项：√采购公告 □采购文件 □采购结果</p><p>更正内容：</p><p>更正日期：2026-03-16，特此公告。</p>",
        "<p>对文件澄清与修改的主要内容\t详情见文件</p><p>投标保证金金额 0元 人民币，评标办法：综合评估法。</p>",
        "<table><tr><td>澄清内容</td><td>详见附件</td></tr></table><p>请各投标人知悉，并及时自行下载，以免影响投标，特此公告。</p>",
        "<p>更正内容：/</p><p>凡对本次公告内容提出询问，请按以下方式联系采购人或者代理机构，特此公告。</p>",
    ],
)
def test_a_change_that_does_not_say_what_changes_is_asked(body: str) -> None:
    assert labels(missing_fields(a_change_notice(body_html=body))) == ["what_changes"]
    stated = Change(item="投标截止时间", before="9时", after="13时")
    assert missing_fields(a_change_notice(body_html=body, changes=(stated,))) == ()


@pytest.mark.parametrize(
    "stopped", [{"form": Form.SUSPENSION}, {"form": Form.TERMINATION}, {"title": "某某项目延期开标公告"}]
)
def test_that_a_project_is_stopped_or_moved_says_enough(stopped: dict[str, Any]) -> None:
    body = "<p>各潜在投标人：因采购需求需要进一步论证，具体安排请关注后续公告，给您带来的不便敬请谅解。</p>"
    assert labels(missing_fields(a_change_notice(body_html=body))) == ["what_changes"]
    assert missing_fields(a_change_notice(body_html=body, **stopped)) == ()


def test_candidates_need_names_and_a_publicity() -> None:
    assert labels(missing_fields(a_candidates_notice(candidates=()))) == ["candidates"]
    assert labels(missing_fields(a_candidates_notice(dates=Dates()))) == ["publicity"]


def test_a_publicity_printed_as_a_number_of_days_is_enough() -> None:
    body = LONG + "<p>公示期：自本公示发布之日起3个工作日。</p>"
    assert missing_fields(a_candidates_notice(dates=Dates(), body_html=body)) == ()


def test_candidates_priced_by_a_rate_are_not_held() -> None:
    rate = Money(raw="下浮比例：24.91%", basis=PriceBasis.RATE, rate_percent=Decimal("24.91"), unit="%")
    bidders = tuple(
        Candidate(name=f"四川{name}建设工程有限公司", rank=n, price=rate) for n, name in enumerate("甲乙丙", 1)
    )
    notice = a_candidates_notice(project_no=None, agency=None, project_class=ProjectClass.OTHER, candidates=bidders)
    assert missing_fields(notice) == ()


@pytest.mark.parametrize("price", [None, Money(raw=""), Money(raw="0元 人民币", yuan=Decimal(0))])
def test_a_result_without_its_amount_never_goes_on(price: Money | None) -> None:
    winners = (Candidate(name="湖州某旅游汽车服务有限公司", price=price),)
    (problem,) = missing_fields(a_result(winners=winners))
    assert problem.reason is Reason.EMPTY_FIELD
    assert "中标（成交）金额（湖州某旅游汽车服务有限公司）" in str(problem)


@pytest.mark.parametrize(
    "price",
    [
        Money(raw="513360.00 元每年", yuan=Decimal("513360"), basis=PriceBasis.PER_YEAR),
        Money(raw="286.6元/工日", yuan=Decimal("286.6"), basis=PriceBasis.UNIT),
        Money(raw="下浮率：5%", rate_percent=Decimal(5), basis=PriceBasis.RATE),
    ],
)
def test_a_result_priced_by_year_unit_or_rate_goes_on(price: Money) -> None:
    assert missing_fields(a_result(winners=(Candidate(name="某公司", price=price),))) == ()


def test_a_result_needs_a_winner_unless_it_failed() -> None:
    assert labels(missing_fields(a_result(winners=()))) == ["winners", "prices"]
    assert missing_fields(a_result(winners=(), failed=True)) == ()
    assert missing_fields(a_result(winners=(), form=Form.FAILED_TENDER)) == ()


@pytest.mark.parametrize("body", ["<p>&nbsp;</p>", "<p></p>", "<p>详见附件。</p>", "<p>" + "字" * 29 + "</p>"])
def test_a_body_under_thirty_characters_is_empty(body: str) -> None:
    (problem,) = missing_fields(a_notice(body_html=body))
    assert problem.reason is Reason.EMPTY_BODY
    assert "正文为空或过短" in str(problem)


def test_a_body_of_thirty_characters_is_enough() -> None:
    assert missing_fields(a_notice(body_html="<p>" + "字 " * 30 + "</p>")) == ()


def test_a_repeated_title_does_not_count_as_body() -> None:
    title = "曲阜市陵城镇崇文社区建设工程施工招标公告（第二次）（招标编号曲建招字第四百一十二号）"
    notice = a_notice(title=title, body_html=f"<h1>{title}</h1><p>见附件</p>")
    assert reasons(missing_fields(notice)) == [Reason.EMPTY_BODY]


def test_a_title_of_marks_only_is_asked() -> None:
    assert labels(missing_fields(a_notice(title="——"))) == ["title"]


def test_every_shipped_requirement_names_its_source() -> None:
    assert len(shipped_requirements()) >= 10
    assert all(requirement.source for requirement in shipped_requirements())


@pytest.mark.parametrize(
    "text",
    [
        '[[requirement]]\nlabel = "x"\nany_of = ["colour"]\nsource = "x"\nsure = "law"\n',
        '[[requirement]]\nlabel = "x"\nany_of = ["project_no"]\nsource = "x"\nsure = "perhaps"\n',
        "[[requirement\n",
    ],
)
def test_wrong_rule_data_is_a_settings_error(text: str) -> None:
    with pytest.raises(SettingsError, match=r"rules/required\.toml"):
        read_requirements(text)


# limits


def too_much(notice: Notice, capabilities: Capabilities, rendition: Rendition | None = None) -> tuple[Problem, ...]:
    return exceeded(
        notice,
        rendition or a_rendition(notice),
        capabilities,
        channel_name="city_site",
        channel_title="济宁市公共资源交易网",
    )


def a_ref(name: str, size: int) -> AttachmentRef:
    return AttachmentRef(name=name, sha256=hashlib.sha256(name.encode()).hexdigest(), size=size)


def test_a_notice_within_all_limits_has_no_problem() -> None:
    limits = Limits(title_chars=100, body_chars=5000, body_bytes=20000, attachments=1, attachment_bytes=10)
    notice = a_notice(attachments=(a_ref("清单.pdf", 10),))
    assert too_much(notice, Capabilities(limits=limits, charset="gbk")) == ()


def test_every_limit_is_reported_at_once_with_figures_and_nothing_is_cut() -> None:
    notice = a_notice(
        title="题" * 41,
        body_html="<p>" + "字" * 25_000 + "𠮷堃</p>",
        attachments=(a_ref("清单.pdf", 11), a_ref("图纸.dwg", 3)),
    )
    rendition = a_rendition(notice)
    before = rendition.content
    limits = Limits(title_chars=40, body_chars=20_000, body_bytes=20_000, attachments=1, attachment_bytes=10)
    problems = too_much(notice, Capabilities(limits=limits, charset="gbk"), rendition)
    texts = [str(problem) for problem in problems]
    assert reasons(problems) == [Reason.LIMIT_EXCEEDED] * 5 + [Reason.CANNOT_BE_SHOWN]
    assert "标题有 41 个字，上限为 40 个字，超出 1 个字" in texts[0]
    assert "25,009" in texts[1]
    assert "上限为 20,000 字节" in texts[2]
    assert "附件有 2 个，上限为 1 个" in texts[3]
    assert "“清单.pdf”有 11 字节，上限为 10 字节" in texts[4]
    assert all("济宁市公共资源交易网" in text for text in texts)
    assert {problem.channel for problem in problems} == {"city_site"}
    assert rendition.content == before


def test_bytes_are_counted_in_the_charset_of_the_channel() -> None:
    notice = a_notice(body_html="<p>" + "字" * 100 + "</p>")
    limits = Limits(body_bytes=207)
    assert too_much(notice, Capabilities(limits=limits, charset="gbk")) == ()
    assert reasons(too_much(notice, Capabilities(limits=limits))) == [Reason.LIMIT_EXCEEDED]


def test_each_character_that_cannot_be_shown_is_listed_once() -> None:
    notice = a_notice(title="𠮷项目公告", body_html="<p>&#x20BB7;𠮷與㎡😀</p>")
    (problem,) = too_much(notice, Capabilities(charset="gb2312"))
    assert problem.reason is Reason.CANNOT_BE_SHOWN
    assert str(problem).count("𠮷") == 1
    assert "“𠮷”（U+20BB7）" in str(problem)
    assert "“😀”（U+1F600）" in str(problem)
    assert "gb2312" in str(problem)


def test_a_title_must_be_expressible_too() -> None:
    assert reasons(too_much(a_notice(title="𠮷项目公告"), Capabilities(charset="gbk"))) == [Reason.CANNOT_BE_SHOWN]


def test_characters_written_by_number_are_shown_by_a_page_that_goes_out_as_it_is_and_by_no_other_channel() -> None:
    notice = a_notice()
    html = a_rendition(notice, content="<p>&#x20BB7;</p>")
    assert too_much(notice, Capabilities(charset="gbk"), html) == ()
    reflowed = Capabilities(charset="gbk", fidelity=Fidelity.REFLOWED)
    assert reasons(too_much(notice, reflowed, html)) == [Reason.CANNOT_BE_SHOWN]
    plain = dataclasses.replace(html, media_type="text/plain")
    assert too_much(notice, Capabilities(charset="gbk"), plain) == ()


def test_a_name_of_an_attachment_must_be_expressible_too() -> None:
    notice = a_notice(attachments=(a_ref("𠮷.pdf", 1),))
    assert reasons(too_much(notice, Capabilities(charset="gbk"))) == [Reason.CANNOT_BE_SHOWN]


def test_very_many_characters_that_cannot_be_shown_are_counted() -> None:
    notice = a_notice(body_html="<p>" + "".join(chr(0x20000 + n) for n in range(30)) + "</p>")
    (problem,) = too_much(notice, Capabilities(charset="gbk"))
    assert "等 30 个字符" in str(problem)


# routing and deadlines


def a_channel(name: str, *rules: dict[str, Any], **changes: Any) -> ChannelSettings:
    return ChannelSettings(
        name=name,
        title=name,
        adapter="channels.fake:Fake",
        tier=Tier.COUNTY,
        carries=tuple(CarriesRule(**rule) for rule in rules),
        **changes,
    )


def test_the_first_rule_that_matches_decides() -> None:
    channel = a_channel(
        "a",
        {"kinds": (Kind.BID_ANNOUNCEMENT,), "classes": (ProjectClass.WORKS,), "carry": "none"},
        {"carry": "mandatory"},
    )
    assert route(a_notice(), [channel], DAY) == ()
    (found,) = route(a_notice(project_class=ProjectClass.PROCUREMENT), [channel], DAY)
    assert (found.channel, found.mandatory) == (channel, True)


def test_a_channel_without_a_matching_rule_gets_nothing() -> None:
    assert (
        route(a_notice(), [a_channel("a"), a_channel("b", {"kinds": (Kind.CHANGE_NOTICE,), "carry": "mandatory"})], DAY)
        == ()
    )


def test_an_optional_channel_gets_the_notice_only_if_on_by_default() -> None:
    channels = [a_channel("on", {"carry": "optional"}), a_channel("off", {"carry": "optional", "default": False})]
    routes = route(a_notice(), channels, DAY)
    assert [(found.channel.name, found.mandatory) for found in routes] == [("on", False)]


def test_a_channel_that_is_switched_off_gets_nothing() -> None:
    assert route(a_notice(), [a_channel("a", {"carry": "mandatory"}, enabled=False)], DAY) == ()


def test_a_rule_may_name_forms() -> None:
    channel = a_channel("a", {"forms": (Form.TENDER,), "carry": "mandatory"})
    assert route(a_notice(), [channel], DAY)
    assert not route(a_notice(form=Form.OPEN_TENDER), [channel], DAY)


def test_the_routing_table_has_a_row_for_every_kind_and_class_and_shows_enabled_channels() -> None:
    channels = [
        a_channel("county", {"carry": "mandatory"}),
        a_channel("feed", {"classes": (ProjectClass.LAND,), "carry": "none"}, {"carry": "optional", "default": False}),
        a_channel("gone", {"carry": "mandatory"}, enabled=False),
    ]
    rows = {(row.kind, row.project_class): row.cells for row in describe_routing(channels, DAY)}
    assert len(rows) == 4 * 5
    assert rows[Kind.CHANGE_NOTICE, ProjectClass.LAND] == {"county": "mandatory", "feed": "none"}
    assert rows[Kind.CHANGE_NOTICE, ProjectClass.WORKS] == {"county": "mandatory", "feed": "optional, off"}


def test_the_routing_table_names_forms_where_they_differ() -> None:
    channel = a_channel("a", {"forms": (Form.CONTRACT,), "carry": "none"}, {"carry": "mandatory"})
    rows = {(row.kind, row.project_class): row.cells["a"] for row in describe_routing([channel], DAY)}
    cell = rows[Kind.AWARD_RESULT, ProjectClass.PROCUREMENT]
    assert "none: 合同公告" in cell
    assert cell.startswith("mandatory: 中标结果公告、成交结果公告")


def test_a_deadline_is_the_base_instant_and_the_time_the_channel_allows() -> None:
    channel = a_channel("a", due_within=timedelta(hours=12))
    assert deadline(START, channel, load_calendar()) == datetime(2017, 12, 4, 13, 0, tzinfo=UTC)


def test_a_deadline_in_working_days_is_the_end_of_the_last_and_passes_over_holidays() -> None:
    channel = a_channel("a", due_working_days=1)
    before_holidays = datetime(2017, 9, 30, 16, 0, tzinfo=LOCAL)  # a Saturday that is worked
    assert deadline(START, channel, load_calendar()) == datetime(2017, 12, 6, 0, 0, tzinfo=LOCAL)
    assert deadline(before_holidays, channel, load_calendar()) == datetime(2017, 10, 10, 0, 0, tzinfo=LOCAL)


def test_working_days_of_an_unknown_year_are_not_guessed_and_the_shorter_hours_stand() -> None:
    assert deadline(START, a_channel("a", due_working_days=1), Calendar({})) == START + timedelta(hours=12)


def test_a_deadline_from_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        deadline(datetime(2017, 12, 4, 9, 0), a_channel("a"), Calendar({}))  # noqa: DTZ001  # that is what is refused


# routing by date, condition and choice


def routed(channel: ChannelSettings, day: date = DAY, **changes: Any) -> bool | None:
    """Whether mandatory (True) or optional (False); None: not at all."""
    found = route(a_notice(**changes), [channel], day)
    return found[0].mandatory if found else None


def test_a_rule_holds_from_its_first_day_to_its_last() -> None:
    channel = a_channel(
        "a",
        {"valid_to": date(2017, 12, 31), "carry": "mandatory"},
        {"valid_from": date(2018, 1, 1), "valid_to": date(2018, 6, 30), "carry": "optional"},
    )
    days = [date(2017, 12, 31), date(2018, 1, 1), date(2018, 6, 30), date(2018, 7, 1)]
    assert [routed(channel, day) for day in days] == [True, False, False, None]


def test_a_condition_on_the_amount_looks_at_budget_then_ceiling_then_lots() -> None:
    channel = a_channel(
        "a", {"when": {"amount_over": 4_000_000}, "carry": "mandatory"}, {"carry": "optional", "default": False}
    )
    over, under = Money(raw="x", yuan=Decimal("4000000.01")), Money(raw="x", yuan=Decimal(4_000_000))
    assert routed(channel, budget=over, control_price=under) is True
    assert routed(channel, budget=under, control_price=over) is None
    assert routed(channel, budget=None, control_price=over) is True
    lots = ({"no": "1", "budget": under}, {"no": "2", "budget": under})
    assert routed(channel, control_price=None, lots=lots) is True
    assert routed(channel, control_price=None, lots=lots[:1]) is None


def test_where_no_amount_is_printed_a_channel_rather_carries_than_not() -> None:
    carries = a_channel("a", {"when": {"amount_over": 4_000_000}, "carry": "mandatory"})
    leaves_out = a_channel("b", {"when": {"amount_up_to": 4_000_000}, "carry": "none"}, {"carry": "mandatory"})
    assert routed(carries, control_price=None) is True
    assert routed(leaves_out, control_price=None) is True
    assert routed(leaves_out, budget=Money(raw="x", yuan=Decimal(1))) is None


def test_a_condition_may_ask_for_several_lots() -> None:
    channel = a_channel("a", {"when": {"lots_over": 1}, "carry": "mandatory"})
    assert routed(channel, lots=({"no": "1"},)) is None
    assert routed(channel, lots=({"no": "1"}, {"no": "2"})) is True


def test_a_person_chooses_and_refuses_optional_channels_only() -> None:
    channels = [
        a_channel("must", {"carry": "mandatory"}),
        a_channel("on", {"carry": "optional"}),
        a_channel("off", {"carry": "optional", "default": False}),
        a_channel("none", {"carry": "none"}),
    ]
    every = ["must", "on", "off", "none"]
    assert [one.channel.name for one in route(a_notice(), channels, DAY, chosen=every)] == ["must", "on", "off"]
    assert [one.channel.name for one in route(a_notice(), channels, DAY, refused=every)] == ["must"]


def test_the_table_shows_conditions_and_the_rules_of_the_day() -> None:
    channel = a_channel(
        "a",
        {"valid_from": date(2018, 1, 1), "carry": "none"},
        {"when": {"amount_over": 4_000_000, "lots_over": 1}, "carry": "mandatory"},
        {"carry": "optional"},
    )
    before, after = (describe_routing([channel], day)[0].cells["a"] for day in (DAY, date(2018, 1, 1)))
    assert before == "mandatory (金额超过 4,000,000 元，多于 1 个标段) / optional"
    assert after == "none"


@pytest.mark.parametrize(
    "rule",
    [
        {"when": {}, "carry": "mandatory"},
        {"when": {"amount_over": -1}, "carry": "mandatory"},
        {"valid_from": date(2018, 1, 1), "valid_to": date(2017, 1, 1), "carry": "mandatory"},
    ],
)
def test_a_rule_that_says_nothing_or_ends_before_it_begins_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"empty|greater than or equal|exchange"):
        a_channel("a", rule)


def test_a_dated_or_conditional_rule_does_not_hide_those_after_it() -> None:
    a_channel("a", {"valid_to": date(2017, 12, 31), "carry": "mandatory"}, {"carry": "none"})
    a_channel("a", {"when": {"lots_over": 1}, "carry": "mandatory"}, {"carry": "none"})
    with pytest.raises(ValueError, match="never used"):
        a_channel("a", {"carry": "mandatory"}, {"carry": "none"})


def test_what_changed_in_the_routing_is_said_channel_by_channel() -> None:
    before = routing_of([a_channel("a", {"carry": "mandatory"}), a_channel("b", {"carry": "optional"})])
    after = routing_of(
        [
            a_channel("a", {"carry": "mandatory"}, designated_for=(ProjectClass.WORKS,)),
            a_channel("b", {"carry": "optional"}, enabled=False),
            a_channel("c", {"kinds": (Kind.AWARD_RESULT,), "carry": "mandatory"}),
        ]
    )
    assert routing_diff(before, before) == []
    assert routing_diff(before, after) == [
        "a（a）的指定媒介类别由 无 改为 works",
        "停用渠道 b（b）",
        "新增渠道 c（c）：kinds=['award_result']，carry=mandatory",
    ]
