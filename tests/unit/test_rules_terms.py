"""Legal terms: each rule just kept and just broken, by the notice's own text and by the day of publication."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from publisher.errors import Reason, SettingsError
from publisher.intake.reading import NamedBytes, read_files
from publisher.notice import LOCAL, Dates, Form, Money, Notice, PriceBasis, ProjectClass
from publisher.rules.calendar import Calendar, Unit, load_calendar
from publisher.rules.lengths import stated_term
from publisher.rules.terms import (
    Findings,
    Law,
    check_terms,
    dates_outside,
    load_law,
    read_terms,
    shipped_terms,
)
from tests.support import notice_texts as texts
from tests.support.builders import a_change_notice, a_notice

LAW = load_law()
W, P, LAND, PROPERTY, OTHER = (
    ProjectClass.WORKS,
    ProjectClass.PROCUREMENT,
    ProjectClass.LAND,
    ProjectClass.PROPERTY,
    ProjectClass.OTHER,
)


def day(text: str) -> date:
    return date.fromisoformat(text)


def at_nine(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T09:00:00+08:00")


def a_text(form: Form, project_class: ProjectClass, body: str = "", **dates: Any) -> Notice:
    return a_notice(form=form, project_class=project_class, body_html=f"<p>公告正文。{body}</p>", dates=Dates(**dates))


def rules(found: Findings) -> tuple[list[str | None], list[str | None]]:
    return [problem.rule for problem in found.problems], [warning.rule for warning in found.warnings]


def read(text: str) -> Notice:
    (draft,) = read_files([NamedBytes("公告.txt", text.encode())], None)
    assert draft.notice is not None
    return draft.notice


SPANS: list[tuple[str, Form, ProjectClass, str, str, str, str, str]] = [
    # rule, form, class, what starts it on a day, what it must reach, the first day that is right, the last that is not
    ("E1", Form.TENDER, W, "documents_from", "2026-03-16", "documents_until", "2026-03-20", "2026-03-19"),
    ("E2", Form.PREQUALIFICATION, W, "documents_until", "2026-03-20", "bid_deadline", "2026-03-25", "2026-03-24"),
    ("E3", Form.TENDER, W, "documents_from", "2026-03-17", "bid_deadline", "2026-04-06", "2026-04-05"),
    ("E3", Form.OPEN_TENDER, W, "printed_on", "2026-03-17", "bid_deadline", "2026-04-06", "2026-04-05"),
    ("E7", Form.CANDIDATES, W, "publicity_start", "2026-03-16", "publicity_end", "2026-03-19", "2026-03-18"),
    ("E7", Form.CANDIDATES, W, "publicity_start", "2026-03-12", "publicity_end", "2026-03-16", "2026-03-15"),
    ("P3", Form.OPEN_TENDER, P, "documents_from", "2026-03-16", "documents_until", "2026-03-20", "2026-03-19"),
    ("P3", Form.OPEN_TENDER, P, "documents_from", "2026-09-29", "documents_until", "2026-10-10", "2026-10-09"),
    ("P4", Form.OPEN_TENDER, P, "documents_from", "2026-03-17", "bid_deadline", "2026-04-06", "2026-04-05"),
    ("P5", Form.PREQUALIFICATION, P, "printed_on", "2026-04-01", "bid_deadline", "2026-04-09", "2026-04-08"),
    ("P6", Form.CONSULTATION, P, "documents_from", "2026-03-17", "bid_deadline", "2026-03-27", "2026-03-26"),
    ("P7", Form.NEGOTIATION, P, "documents_from", "2026-03-16", "bid_deadline", "2026-03-19", "2026-03-18"),
    ("P7", Form.INQUIRY, P, "documents_from", "2026-04-02", "bid_deadline", "2026-04-08", "2026-04-07"),
    ("P14", Form.SINGLE_SOURCE, P, "publicity_start", "2026-03-16", "publicity_end", "2026-03-23", "2026-03-20"),
    ("L1", Form.LAND_OFFER, LAND, "printed_on", "2026-03-02", "offer_from", "2026-03-22", "2026-03-21"),
]


@pytest.mark.parametrize(("rule", "form", "project_class", "start", "first", "goal", "right", "wrong"), SPANS)
def test_a_span_is_held_when_it_is_a_day_short_and_goes_on_when_it_is_just_long_enough(
    rule: str, form: Form, project_class: ProjectClass, start: str, first: str, goal: str, right: str, wrong: str
) -> None:
    def judged(last: str) -> list[str | None]:
        value: Any = at_nine(last) if goal in ("bid_deadline", "offer_from") else day(last)
        return rules(check_terms(a_text(form, project_class, **{start: day(first), goal: value}), LAW))[0]

    assert judged(right) == []
    assert judged(wrong) == [rule]


WARNED = [
    ("E4", Form.CORRECTION, W, "corrected_on", "2026-03-02", "bid_deadline", "2026-03-17", "2026-03-16"),
    ("P8", Form.CLARIFICATION, P, "printed_on", "2026-03-02", "bid_deadline", "2026-03-17", "2026-03-16"),
    ("P8A", Form.CORRECTION, P, "corrected_on", "2017-07-26", "bid_deadline", "2017-08-10", "2017-07-31"),
    ("E7O", Form.CANDIDATES, OTHER, "publicity_start", "2026-03-16", "publicity_end", "2026-03-19", "2026-03-18"),
    ("L2", Form.LAND_OFFER, LAND, "offer_from", "2017-08-23", "bid_deadline", "2017-09-02", "2017-09-01"),
]


@pytest.mark.parametrize(("rule", "form", "project_class", "start", "first", "goal", "right", "wrong"), WARNED)
def test_a_span_that_a_person_must_judge_is_only_shown(
    rule: str, form: Form, project_class: ProjectClass, start: str, first: str, goal: str, right: str, wrong: str
) -> None:
    def judged(last: str) -> tuple[list[str | None], list[str | None]]:
        value: Any = at_nine(last) if goal in ("bid_deadline", "offer_from") else day(last)
        dates = {"printed_on": day(first) - timedelta(days=30)} | {start: day(first), goal: value}
        return rules(check_terms(a_text(form, project_class, **dates), LAW))

    assert judged(right) == ([], [])
    assert judged(wrong) == ([], [rule])


@pytest.mark.parametrize(
    ("form", "project_class", "right", "wrong", "rule"),
    [
        (
            Form.OPEN_TENDER,
            P,
            "五、公告期限\n自本公告发布之日起5个工作日。",
            "公告期限：发布之日起 3 个工作日。",
            "P1",
        ),
        (Form.CONSULTATION, P, "公告期限：自本公告发布之日起3个工作日", "公告期限：自本公告发布之日起两个工作日", "P2"),
        (Form.NEGOTIATION, P, "公告期限：三个工作日", "公告期限：2日", "P2"),
        (Form.WINNING_RESULT, P, "七、公告期限：自本公告发布之日起1个工作日", "公告期限：0个工作日", "P10"),
        (Form.PREQUALIFICATION, P, "公告期限：五个工作日", "公告期限：四个工作日", "P1"),
        (Form.INQUIRY, P, "公告期限：3个工作日", "公告期限：2个工作日", "P2"),
        (Form.DEAL_RESULT, P, "公告期限：1个工作日", "公告期限：0日", "P10"),
        (Form.SINGLE_SOURCE, P, "公示期限：5个工作日", "公示期：4个工作日", "P14S"),
        (Form.CANDIDATES, W, "公示期：3日", "公示期为2天。", "E7S"),
        (Form.CANDIDATES, W, "公示期限：自2026年3月16日至2026年3月19日", "公示时间：公示1个工作日", "E7S"),
    ],
)
def test_a_length_in_words_under_the_legal_one_is_held(
    form: Form, project_class: ProjectClass, right: str, wrong: str, rule: str
) -> None:
    printed = {"printed_on": day("2026-03-16")}
    assert rules(check_terms(a_text(form, project_class, right, **printed), LAW)) == ([], [])
    assert rules(check_terms(a_text(form, project_class, wrong, **printed), LAW)) == ([rule], [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("公示期：十五日", (15, Unit.DAYS)),
        ("公示期：二十个工作日", (20, Unit.WORKING_DAYS)),
        ("公示期：３天", (3, Unit.DAYS)),
        ("公示期：2026年3月16日至2026年3月19日", None),
        ("公示期：3月16日9时至3月19日17时", None),
        ("公示期：见附件。质量保证期30日", None),
        ("采购需求：30日", None),
    ],
)
def test_lengths_are_read_and_dates_are_no_lengths(text: str, found: tuple[int, Unit] | None) -> None:
    assert stated_term(text, ("公示期",)) == found


TITLED = [
    # rule, title, form, class, start, its day, what it must reach, the first right day, the last wrong one, held
    (
        "E5",
        "资格预审文件澄清公告",
        Form.CLARIFICATION,
        W,
        "printed_on",
        "2026-03-16",
        "bid_deadline",
        "2026-03-19",
        "2026-03-18",
        False,
    ),
    (
        "L4",
        "某县采矿权挂牌出让公告",
        Form.LAND_OFFER,
        LAND,
        "printed_on",
        "2026-03-02",
        "offer_from",
        "2026-03-30",
        "2026-03-28",
        False,
    ),
    (
        "L5",
        "某县采矿权成交公示",
        Form.LAND_RESULT,
        LAND,
        "publicity_start",
        "2026-03-16",
        "publicity_end",
        "2026-03-30",
        "2026-03-27",
        False,
    ),
    (
        "Q1",
        "某公司51%股权转让公告",
        Form.PROPERTY_OFFER,
        PROPERTY,
        "printed_on",
        "2026-03-02",
        "publicity_end",
        "2026-03-30",
        "2026-03-27",
        True,
    ),
    (
        "Q2",
        "某公司股权转让预披露公告",
        Form.PROPERTY_OFFER,
        PROPERTY,
        "printed_on",
        "2026-03-02",
        "publicity_end",
        "2026-03-30",
        "2026-03-27",
        False,
    ),
    (
        "Q3",
        "某公司一批车辆转让公告",
        Form.PROPERTY_OFFER,
        PROPERTY,
        "printed_on",
        "2026-03-02",
        "publicity_end",
        "2026-03-16",
        "2026-03-13",
        False,
    ),
    (
        "Q4",
        "某公司增资公告",
        Form.PROPERTY_OFFER,
        PROPERTY,
        "printed_on",
        "2026-03-02",
        "publicity_end",
        "2026-04-28",
        "2026-04-27",
        True,
    ),
]


@pytest.mark.parametrize(
    ("rule", "title", "form", "project_class", "start", "first", "goal", "right", "wrong", "held"), TITLED
)
def test_where_form_and_class_do_not_tell_the_title_says_which_term_it_is(
    rule: str, title: str, form: Form, project_class: ProjectClass, start: str, first: str, goal: str,
    right: str, wrong: str, held: bool,
) -> None:  # fmt: skip
    def judged(last: str) -> tuple[list[str | None], list[str | None]]:
        value: Any = at_nine(last) if goal in ("bid_deadline", "offer_from") else day(last)
        notice = a_notice(
            title=title, form=form, project_class=project_class, dates=Dates(**{start: day(first), goal: value})
        )
        return rules(check_terms(notice, LAW))

    assert judged(right) == ([], [])
    assert judged(wrong) == (([rule], []) if held else ([], [rule]))


def _asset(price: str | None, last: str, *, per_year: bool = False) -> Notice:
    basis = PriceBasis.PER_YEAR if per_year else PriceBasis.TOTAL
    money = None if price is None else Money(raw=f"{price}元", yuan=Decimal(price), unit="元", basis=basis)
    return a_notice(
        title="某公司一批设备转让公告",
        form=Form.PROPERTY_OFFER,
        project_class=PROPERTY,
        reserve_price=money,
        dates=Dates(printed_on=day("2026-03-02"), publicity_end=day(last)),
    )


@pytest.mark.parametrize(
    ("price", "right", "wrong", "rule"),
    [
        ("1000000", "2026-03-16", "2026-03-13", "Q3"),  # ten working days
        ("9999999.99", "2026-03-16", "2026-03-13", "Q3"),
        ("10000000", "2026-03-30", "2026-03-27", "Q3M"),  # twenty
        ("250000000", "2026-03-30", "2026-03-27", "Q3M"),
        (None, "2026-03-16", "2026-03-13", "Q3"),
    ],
)
def test_the_disclosure_of_assets_is_twice_as_long_from_ten_million_yuan_on(
    price: str | None, right: str, wrong: str, rule: str
) -> None:
    assert rules(check_terms(_asset(price, right), LAW)) == ([], [])
    assert rules(check_terms(_asset(price, wrong), LAW)) == ([], [rule])


def test_under_a_million_no_disclosure_of_assets_is_set_and_a_yearly_rent_is_no_price() -> None:
    assert rules(check_terms(_asset("999999.99", "2026-03-03"), LAW)) == ([], [])
    assert rules(check_terms(_asset("20000000", "2026-03-16", per_year=True), LAW)) == ([], [])
    assert rules(check_terms(_asset("20000000", "2026-03-13", per_year=True), LAW)) == ([], ["Q3"])


def test_the_price_is_the_one_that_the_text_prints() -> None:
    short = texts.PROPERTY_OFFER.replace("2025年11月06日\n", "2025年10月31日\n").replace("128.50万元", "1280.50万元")
    (warning,) = [one for one in check_terms(read(short), LAW).warnings if (one.rule or "").startswith("Q")]
    assert warning.rule == "Q3M" and "只有 16 个工作日，少于 20 个工作日" in warning.detail


PUBLISHED = [
    ("P9", Form.DEAL_RESULT, P, "award_decided_on", "2026-09-30", "2026-10-09", "2026-10-10"),
    ("P12", Form.CONTRACT, P, "contract_signed_on", "2026-03-13", "2026-03-17", "2026-03-18"),
    ("L3", Form.LAND_RESULT, LAND, "award_decided_on", "2026-03-02", "2026-03-16", "2026-03-17"),
]


@pytest.mark.parametrize(("rule", "form", "project_class", "start", "first", "right", "wrong"), PUBLISHED)
def test_a_result_published_after_its_working_days_is_shown(
    rule: str, form: Form, project_class: ProjectClass, start: str, first: str, right: str, wrong: str
) -> None:
    notice = a_text(form, project_class, **{start: day(first)})
    in_time = day(right) if rule != "P9" else day("2026-10-09")
    assert rules(check_terms(notice, LAW, published=in_time)) == ([], [])
    assert rules(check_terms(notice, LAW, published=day(wrong))) == ([], [rule])


def test_publishing_later_than_the_text_supposes_is_shown_and_does_not_hold() -> None:
    notice = a_text(Form.TENDER, W, documents_from=day("2026-03-17"), bid_deadline=at_nine("2026-04-07"))
    assert rules(check_terms(notice, LAW, published=day("2026-03-18"))) == ([], [])
    assert rules(check_terms(notice, LAW, published=day("2026-03-19"))) == ([], ["E3P"])


def test_a_breach_names_days_rule_and_source_and_says_who_may_let_it_pass() -> None:
    short = a_text(Form.CANDIDATES, W, publicity_start=day("2026-03-16"), publicity_end=day("2026-03-18"))
    (problem,) = check_terms(short, LAW).problems
    assert problem.reason is Reason.PUBLICITY_TOO_SHORT
    for part in ("起始日不计", "只有 2 日", "少于 3 日", "至少到 2026-03-19", "E7", "第五十四条", "核准规则 E7"):
        assert part in str(problem)
    sunday = a_text(Form.CANDIDATES, W, publicity_start=day("2026-03-12"), publicity_end=day("2026-03-15"))
    assert "最后一日为休息日" in str(check_terms(sunday, LAW).problems[0])


def test_an_overridden_rule_warns_and_another_one_still_holds() -> None:
    dates = {"documents_from": day("2026-03-16"), "documents_until": day("2026-03-17")}
    notice = a_text(Form.TENDER, W, **dates, bid_deadline=at_nine("2026-03-20"))
    assert rules(check_terms(notice, LAW))[0] == ["E1", "E3"]
    found = check_terms(notice, LAW, overridden=("E1",))
    assert rules(found) == (["E3"], ["E1"])
    assert "已由负责人核准" in str(found.warnings[0])


def test_every_broken_term_is_said_at_once_and_none_twice() -> None:
    dates = {"printed_on": day("2026-03-16"), "publicity_start": day("2026-03-16"), "publicity_end": day("2026-03-17")}
    found = check_terms(a_text(Form.CANDIDATES, W, **dates), LAW, published=day("2026-03-16"))
    assert rules(found) == (["E7"], [])  # the same said of the day of publication adds nothing


def test_companies_with_their_own_money_are_not_held_by_the_law_of_public_tenders() -> None:
    dates = {"documents_from": day("2026-03-16"), "bid_deadline": at_nine("2026-03-18")}
    for form in (Form.TENDER, Form.INQUIRY, Form.CONSULTATION):
        assert rules(check_terms(a_text(form, OTHER, **dates), LAW)) == ([], [])


def test_dates_in_the_wrong_order_are_no_short_term() -> None:
    dates = {"documents_from": day("2026-03-20"), "bid_deadline": at_nine("2026-03-18")}
    assert rules(check_terms(a_text(Form.TENDER, W, **dates), LAW)) == ([], [])


def test_the_rule_that_was_law_on_the_printed_day_decides() -> None:
    body = "公告期限：2个工作日"
    result = a_text(Form.DEAL_RESULT, P, "公告期限：0个工作日", printed_on=day("2017-09-30"))
    assert rules(check_terms(result, LAW)) == ([], ["P10A"])
    old = check_terms(a_text(Form.OPEN_TENDER, P, body, printed_on=day("2017-09-30")), LAW)
    new = check_terms(a_text(Form.OPEN_TENDER, P, body, printed_on=day("2017-10-01")), LAW)
    ancient = check_terms(a_text(Form.OPEN_TENDER, P, body, printed_on=day("2015-01-05")), LAW)
    assert (rules(old), rules(new), rules(ancient)) == (([], ["P1A"]), (["P1"], []), ([], []))


def test_a_term_that_reaches_a_year_without_a_calendar_is_unknown_and_said() -> None:
    known = load_calendar()
    law = Law(shipped_terms(), Calendar({}))
    dates = {"documents_from": day("2026-12-30"), "bid_deadline": at_nine("2027-01-04")}
    (warning,) = check_terms(a_text(Form.INQUIRY, P, **dates), law).warnings
    assert (warning.reason, warning.rule) == (Reason.CALENDAR_MISSING, "P7")
    assert "2026" in str(warning)
    assert rules(check_terms(a_text(Form.INQUIRY, P, **dates), Law(shipped_terms(), known)))[0] == (
        [] if 2027 not in known.years else ["P7"]
    )


# ---- real wordings


def test_a_publicity_that_counts_its_first_day_is_held_and_three_full_days_go_on() -> None:
    short = read(texts.CANDIDATES.replace("2018年1月2日", "2017年12月30日"))
    exact = read(texts.CANDIDATES)
    assert [problem.reason for problem in check_terms(short, LAW).problems] == [Reason.PUBLICITY_TOO_SHORT]
    assert check_terms(exact, LAW).problems == ()


def test_a_deadline_too_near_is_held_whatever_the_text_calls_it() -> None:
    short = texts.OPEN_TENDER.replace("时间：2025年12月03日至", "时间：2025年12月13日至")
    other = short.replace("提交投标文件截止时间", "递交投标文件的截止时间")
    for text in (short, other):
        assert Reason.DEADLINE_TOO_SHORT in [problem.reason for problem in check_terms(read(text), LAW).problems]
    assert check_terms(read(texts.OPEN_TENDER), LAW).problems == ()


def test_a_deadline_moved_within_fifteen_days_of_the_change_is_shown() -> None:
    notice = read(texts.CHANGE.replace("2017年12月29日14时30分", "2017年12月20日14时30分"))
    found = check_terms(notice, LAW)
    assert [warning.reason for warning in found.warnings] == [Reason.DEADLINE_TOO_SHORT]
    assert found.problems == ()
    assert rules(check_terms(a_change_notice(), LAW)) == ([], [])


# ---- dates that cannot be meant


@pytest.mark.parametrize(
    ("opening", "said"),
    [("2048-12-31", "一年以后"), ("2017-12-01", "已过"), ("2018-12-06", "一年以后"), ("2017-12-25", None)],
)
def test_an_opening_over_already_or_over_a_year_ahead_is_shown_before_it_goes_out(
    opening: str, said: str | None
) -> None:
    now = datetime(2017, 12, 4, 9, 0, tzinfo=LOCAL)
    found = dates_outside(a_text(Form.TENDER, W, bid_opening=at_nine(opening)), now)
    assert [problem.reason for problem in found] == ([Reason.DATE_SUSPECT] if said else [])
    assert said is None or said in str(found[0])


def test_a_date_without_a_time_is_over_only_at_midnight() -> None:
    notice = a_text(Form.CANDIDATES, W, publicity_end=day("2026-03-19"))
    last = datetime(2026, 3, 19, 23, 59, tzinfo=LOCAL)
    assert dates_outside(notice, last) == ()
    assert len(dates_outside(notice, last + timedelta(minutes=1))) == 1


# ---- rules as data


TEN_DAYS = """
[[term]]
id = "X1"
label = "中标候选人公示期（本区产权类）"
forms = ["中标候选人公示"]
classes = ["property"]
from = ["publicity_start"]
to = "publicity_end"
at_least = 10
unit = "days"
last_day_working = true
breach = "hold"
reason = "publicity_too_short"
source = "本区管理办法 第九条"
sure = "practice"
"""


def test_a_class_with_a_ten_day_display_is_a_rule_added_as_data() -> None:
    law = Law((*shipped_terms(), *read_terms(TEN_DAYS)), load_calendar())
    start = day("2026-03-16")

    def judged(last: str) -> list[str | None]:
        notice = a_text(Form.CANDIDATES, PROPERTY, publicity_start=start, publicity_end=day(last))
        return rules(check_terms(notice, law))[0]

    assert judged("2026-03-25") == ["X1"]
    assert judged("2026-03-26") == []


def test_an_offices_own_terms_replace_the_shipped_ones(tmp_path: Any) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "terms.toml").write_text(TEN_DAYS, "utf-8")
    assert [term.id for term in load_law(tmp_path).terms] == ["X1"]


def test_rows_of_an_own_file_are_added_and_one_with_a_shipped_id_takes_its_place(tmp_path: Any) -> None:
    (tmp_path / "rules").mkdir()
    longer = TEN_DAYS.replace('"X1"', '"E7"').replace('classes = ["property"]', 'classes = ["works"]')
    (tmp_path / "rules" / "terms.own.toml").write_text("\ufeff" + TEN_DAYS + longer, "utf-8")
    law = load_law(tmp_path)
    assert len(law.terms) == len(shipped_terms()) + 1
    e7 = law.term("E7")
    assert e7 is not None and e7.at_least == 10 and law.term("X1") is not None
    notice = a_text(Form.CANDIDATES, W, publicity_start=day("2026-03-16"), publicity_end=day("2026-03-25"))
    assert rules(check_terms(notice, law))[0] == ["E7"]


@pytest.mark.parametrize("name", ["terms.toml", "terms.own.toml"])
def test_wrong_own_rule_data_names_the_file_it_is_in(tmp_path: Any, name: str) -> None:
    (tmp_path / "rules").mkdir()
    for wrong in ('[[terms]]\nid = "X1"\n', "[[term]]\n", "[[term"):
        (tmp_path / "rules" / name).write_text(wrong, "utf-8")
        with pytest.raises(SettingsError, match=name.replace(".", r"\.")):
            load_law(tmp_path)


def test_every_shipped_rule_names_its_source_and_how_sure_it_is() -> None:
    assert len(shipped_terms()) >= 25
    assert all(term.source and term.sure and term.label for term in shipped_terms())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("at_least = 10\n", "", "at_least or at_most"),
        ("at_least = 10", "at_most = 10", "belong together"),
        ('to = "publicity_end"', 'to = "stated_term"', "stated"),
        ('"publicity_start"', '"moon"', "moon"),
        ('reason = "publicity_too_short"', 'reason = "no_such"', "reason"),
        ("[[term]]", "valid = [[term]]", "terms.toml"),
        ('id = "X1"', 'id = "X1"\nlasts = 3', r"number 1 \(X1\): lasts: Extra inputs"),
        ('"publicity_too_short"', '"busy"', "reason: write one of deadline_too_short, .*, not 'busy'"),
        ('sure = "practice"', 'sure = "practice"' + TEN_DAYS, "two rules have the id X1"),
        ('source = "本区', 'valid_from = 2026-02-01\nvalid_to = 2026-01-01\nsource = "本区', "valid_to lies before"),
        ('source = "本区', 'reserve_at_least = 5\nreserve_below = 5\nsource = "本区', "no price lies between them"),
        ('source = "本区', 'reserve_unknown = true\nsource = "本区', "reserve_unknown needs reserve_at_least"),
    ],
)
def test_wrong_rule_data_says_what_is_wrong(before: str, after: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_terms(TEN_DAYS.replace(before, after))
