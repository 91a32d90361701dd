"""Rules over the fields and the order of a notice; each in several wordings, so that none is keyed to one text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from publisher.errors import Reason, SettingsError
from publisher.notice import Candidate, Dates, Form, Lot, Money, Notice, Party, ProjectClass
from publisher.rules.book import read_book, rule_book
from publisher.rules.content import Papers, check_content
from publisher.rules.order import date_findings
from publisher.rules.required import lacking, read_requirements
from tests.support import notice_texts as texts
from tests.support.builders import a_notice
from tests.support.rules import checked, held_by, of_rule, warned_by

EVERY_TEXT = [value for name, value in vars(texts).items() if name.isupper() and isinstance(value, str)]


def rules_of(notice: Notice, **options: object) -> tuple[list[str], list[str]]:
    """Ids that hold a notice, and ids that only say something, without those of practice over its sections."""
    result = check_content(notice, Papers(), rule_book(), day=date(2026, 3, 16), **options)  # type: ignore[arg-type]
    return held_by(result), warned_by(result)


def money(text: str, yuan: str | None = None) -> Money:
    return Money(raw=text, yuan=Decimal(yuan or text))


def a_result(price: str, **changes: object) -> Notice:
    winner = Candidate(
        name="山东甲建设有限公司", price=money(price), lot=str(changes.pop("lot")) if "lot" in changes else None
    )
    fields: dict[str, object] = {
        "form": Form.DEAL_RESULT,
        "project_class": ProjectClass.PROCUREMENT,
        "body_html": "<p>经评审委员会评审，现将本项目的评审结果公示如下，欢迎社会各界监督，并提出宝贵意见。</p>",
        "control_price": None,
        "winners": (winner,),
    }
    return a_notice(**(fields | changes))


@pytest.mark.parametrize("text", EVERY_TEXT)
def test_a_notice_in_the_official_form_is_not_held(text: str) -> None:
    assert held_by(checked(text)) == []


# ---- money


@pytest.mark.parametrize(
    ("price", "limit", "held"),
    [("1000000", "1000000", False), ("1000000.01", "1000000", True), ("98", "95.5", True), ("10000", "1000000", False)],
)
def test_an_award_over_the_budget_or_the_control_price_is_held(price: str, limit: str, *, held: bool) -> None:
    for field in ("budget", "control_price"):
        assert ("money.over_limit" in rules_of(a_result(price, **{field: money(limit)}))[0]) is held


def test_of_several_lots_each_award_is_measured_by_its_own() -> None:
    lots = (Lot(no="1", budget=money("500000")), Lot(no="2", budget=money("900000")))
    assert rules_of(a_result("600000", lots=lots, lot="2"))[0] == []
    assert rules_of(a_result("600000", lots=lots, lot="1"))[0] == ["money.over_limit"]


def test_a_price_of_land_may_be_over_the_starting_price() -> None:
    notice = a_result("999", form=Form.LAND_RESULT, project_class=ProjectClass.LAND, control_price=money("100"))
    assert "money.over_limit" not in rules_of(notice)[0]


def test_an_award_under_a_hundredth_of_the_budget_has_lost_its_unit() -> None:
    assert rules_of(a_result("117.1", budget=money("1171000")))[0] == ["money.far_below"]


@pytest.mark.parametrize(("raw", "yuan"), [("0元", "0"), ("1", "1"), ("24959500万元", "249595000000")])
def test_an_amount_that_cannot_be_right_in_its_unit_is_held(raw: str, yuan: str) -> None:
    assert rules_of(a_notice(budget=money(raw, yuan)))[0] == ["money.unit"]


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ("中标金额：人民币壹佰壹拾柒万壹仟零肆拾元整（¥1171040.00）", False),
        ("中标金额：人民币壹佰壹拾柒万壹仟零肆拾元整（¥1171400.00）", True),
        ("成交价：叁拾捌万陆仟元整（小写：38.6万元）", False),
        ("成交价：叁拾捌万陆仟元整（小写：386元）", True),
        ("合同总价 ￥52,300.50元（大写：伍万贰仟叁佰元伍角整）", False),
        ("合同总价 ￥52,300.50元（大写：伍万贰仟叁佰元整）", True),
    ],
)
def test_an_amount_in_capitals_must_be_that_in_digits(words: str, *, held: bool) -> None:
    notice = a_notice(body_html=f"<p>本项目已经评审完成，现将有关事项公告如下，欢迎各界监督。</p><p>{words}</p>")
    found = rules_of(notice)[0]
    assert found == (["money.capitals"] if held else [])


def test_lots_that_do_not_add_up_to_the_budget_are_shown() -> None:
    lots = (Lot(no="1", budget=money("200000")), Lot(no="2", budget=money("300000")))
    assert "money.lots_sum" in rules_of(a_notice(lots=lots, budget=money("550000")))[1]
    assert "money.lots_sum" not in rules_of(a_notice(lots=lots, budget=money("500000")))[1]


# ---- credit codes


@pytest.mark.parametrize(
    "code", ["91420111751839827U", "31110000567482469L", "915201026801514260", "12500000745322928L"]
)
def test_a_valid_credit_code_is_fine_and_one_with_a_changed_character_is_held(code: str) -> None:
    label = f"<p>供应商的统一社会信用代码：{code}，评审得分较高，价格合理，现予公示，欢迎监督。</p>"
    assert rules_of(a_notice(body_html=label))[0] == []
    other = code[:9] + ("3" if code[9] != "3" else "4") + code[10:]
    assert rules_of(a_notice(body_html=label.replace(code, other)))[0] == ["code.credit"]
    assert rules_of(a_notice(tenderee=Party(name="曲阜市某局", credit_code=other)))[0] == ["code.credit"]


def test_a_credit_code_that_is_too_short_is_named_with_its_length_and_place() -> None:
    text = texts.RESULT.replace("91420111751839827U", "9142011175183982")
    problem = of_rule(checked(text), "code.credit")
    assert problem.reason is Reason.CREDIT_CODE_WRONG
    assert "有 16 位，应为 18 位" in str(problem) and problem.place == "正文第 7 行"


# ---- dates and sections


def test_dates_in_their_order_are_fine_and_a_day_equals_any_hour_of_it() -> None:
    dates = Dates(printed_on=date(2026, 3, 16), documents_from=date(2026, 3, 17), documents_until=date(2026, 3, 23))
    assert list(date_findings(a_notice(dates=dates))) == []
    same = a_notice(dates=Dates(documents_until=date(2017, 12, 28), bid_deadline=a_notice().dates.bid_deadline))
    assert list(date_findings(same)) == []


@pytest.mark.parametrize(
    "dates",
    [
        {"documents_from": date(2026, 3, 18), "documents_until": date(2026, 3, 17)},
        {"documents_from": date(2026, 4, 8), "bid_deadline": date(2026, 4, 7)},
        {"documents_until": date(2026, 4, 8), "bid_deadline": date(2026, 4, 7)},
        {"bid_deadline": date(2026, 4, 7), "bid_opening": date(2026, 4, 6)},
        {"printed_on": date(2026, 4, 8), "bid_deadline": date(2026, 4, 7)},
        {"publicity_start": date(2026, 4, 8), "publicity_end": date(2026, 4, 7)},
    ],
)
def test_dates_that_stand_the_wrong_way_round_are_shown_and_hold_nothing(dates: dict[str, date]) -> None:
    held, shown = rules_of(a_notice(dates=Dates.model_validate(dates)))
    assert "dates.order" in shown and "dates.order" not in held


def test_sections_out_of_the_official_order_are_named_once_in_words() -> None:
    head, rest = texts.OPEN_TENDER.split("二、申请人的资格要求")
    body, tail = rest.split("五、公告期限\n自本公告发布之日起5个工作日。\n")
    moved = f"{head}二、公告期限\n自本公告发布之日起5个工作日。\n三、申请人的资格要求{body}{tail}"
    warning = of_rule(checked(moved), "sections.order")
    assert "“申请人的资格要求”应在“公告期限”之前" in str(warning)
    assert "sections.order" not in warned_by(checked(texts.OPEN_TENDER))
    assert "sections.order" not in warned_by(checked(moved, day=date(2019, 1, 1)))


# ---- what the office promises


@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        ("works.scores", "综合得分"),
        ("works.rejected", "否决"),
        ("works.leader", "项目负责人"),
        ("works.objection", "异议"),
    ],
)
def test_what_a_winning_bid_notice_of_works_lacks_is_shown_and_does_not_hold_it(rule: str, gone: str) -> None:
    assert rule not in warned_by(checked(texts.CANDIDATES))
    lacking_it = checked(texts.CANDIDATES.replace(gone, "某某"))
    assert rule in warned_by(lacking_it) and held_by(lacking_it) == []


def test_performance_awards_and_team_are_met_in_any_usual_wording() -> None:
    asked = {"works.performance", "works.awards", "works.team"}
    assert asked <= set(warned_by(checked(texts.CANDIDATES)))
    more = "\n企业业绩：曲阜市某路改造工程\n所获奖项：泰山杯\n项目管理机构人员：李明、王强\n"
    assert asked.isdisjoint(warned_by(checked(texts.CANDIDATES.replace("\n七、", f"{more}七、"))))


# ---- rules as data


def own_rules(folder: Path, name: str, text: str) -> Path:
    path = folder / "rules" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return folder


REQUIREMENT = """
[[requirement]]
id = "own.supervisor"
label = "监督部门电话"
says = ['监督(?:部门)?电话']
classes = ["works"]
valid_from = 2026-01-01
valid_to = 2026-12-31
source = "本中心2026年规定"
sure = "practice"
"""


def test_a_requirement_added_as_data_holds_within_its_days_and_no_code_changes(tmp_path: Path) -> None:
    book = read_book(own_rules(tmp_path, "required.toml", REQUIREMENT))
    held = [
        (day, held_by(checked(texts.WORKS_TENDER, day=day, book=book)))
        for day in map(date, [2025, 2026, 2027], [12, 1, 1], [31, 1, 1])
    ]
    assert [rules for _, rules in held] == [[], ["own.supervisor"], []]
    with_it = texts.WORKS_TENDER.replace("7. 联系方式", "7. 监督部门电话：0537-0041000\n8. 联系方式")
    assert held_by(checked(with_it, book=book)) == []
    assert held_by(checked(texts.RESULT, book=book)) == []


def test_rows_of_an_own_file_are_added_and_one_with_a_shipped_id_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    row = '[[rule]]\nid = "code.credit"\ntitle = "x"\non_breach = "warn"\nsource = "本中心"\nsure = "practice"\n'
    (tmp_path / "rules" / "content.own.toml").write_text(row, "utf-8")
    word = '[[word]]\nid = "words.own"\nlike = "医用"\nwhat = "x"\nsource = "本中心"\nsure = "practice"\n'
    (tmp_path / "rules" / "words.own.toml").write_text(word, "utf-8")
    result = checked(texts.RESULT.replace("91420111751839827U", "91420111751839827A"), book=read_book(tmp_path))
    assert set(held_by(result)) == {"words.own"} and "code.credit" in warned_by(result)
    assert len(read_book(tmp_path).rules) == len(rule_book().rules)


def test_how_strictly_a_rule_is_taken_is_data(tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[2] / "config" / "rules" / "content.toml").read_text("utf-8")
    text = texts.RESULT.replace("91420111751839827U", "91420111751839827A")
    assert held_by(checked(text)) == ["code.credit"]
    for word in ("warn", "off"):
        changed = shipped.replace('id = "code.credit"\n', f'id = "code.credit"\non_breach = "{word}"\n')
        book = read_book(own_rules(tmp_path, "content.toml", changed))
        result = checked(text, book=book)
        assert held_by(result) == [] and ("code.credit" in warned_by(result)) is (word == "warn")


def test_a_rule_that_a_person_has_let_go_is_shown_and_holds_no_more() -> None:
    text = texts.RESULT.replace("91420111751839827U", "91420111751839827A").replace("38.6万元", "")
    assert set(held_by(checked(text))) == {"code.credit", "required.prices"}
    result = checked(text, let_go=["code.credit"])
    assert held_by(result) == ["required.prices"] and "code.credit" in warned_by(result)


@pytest.mark.parametrize(("on_breach", "held", "warned"), [("hold", 1, 0), ("warn", 0, 1), ("off", 0, 0)])
def test_a_field_that_reading_misses_is_asked_as_strictly_as_the_data_say(
    tmp_path: Path, on_breach: str, held: int, warned: int
) -> None:
    row = (
        '[[requirement]]\nid = "own.price"\nlabel = "金额"\nany_of = ["prices"]\nsource = "本中心"\nsure = "practice"\n'
    )
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "required.toml").write_text(f'{row}on_breach = "{on_breach}"\n', "utf-8")
    result = checked(texts.RESULT.replace("38.6万元", ""), book=read_book(tmp_path))
    assert [rule for rule in held_by(result) if rule != "text.blank"] == ["own.price"] * held
    assert [rule for rule in warned_by(result) if "price" in rule or "empty" in rule] == ["own.price"] * warned


def test_a_label_without_a_value_before_the_next_label_is_named_with_its_line() -> None:
    lines = ["第一中标候选人：", "投标报价：736320元", "质量：合格"]
    problem = of_rule(checked(texts.RESULT + "\n" + "\n".join(lines)), "text.blank")
    assert f"正文第 {len(texts.RESULT.splitlines())}" in str(problem) and "“第一中标候选人”之后没有内容" in str(problem)


@pytest.mark.parametrize(
    "lines",
    [
        ("采购人：", "名 称：某局"),
        ("成交金额：", "大写：柒拾万元整"),
        ("预算金额（元）：", "第一标段：30万元"),
        ("成交供应商：", "山东甲有限公司"),
        ("一、项目编号：", "QF-2026-001"),
        ("采购需求：", "采购包1：钢琴一台"),
    ],
)
def test_a_label_whose_value_stands_in_the_next_line_or_in_parts_is_not_blank(lines: tuple[str, str]) -> None:
    assert "text.blank" not in held_by(checked(texts.RESULT + "\n" + "\n".join(lines)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("required.toml", '[[requirement]]\nid = "a"\nlabel = "x"\nsource = "某规定"\nsure = "law"\n'),
        ("required.toml", '[[requirement]]\nid = "a"\nlabel = "x"\nsays = ["("]\nsource = "某规定"\nsure = "law"\n'),
        (
            "content.toml",
            '[[rule]]\nid = "money.unit"\ntitle = "x"\non_breach = "stop"\nsource = "某规定"\nsure = "law"\n',
        ),
        ("words.toml", '[[word]]\nid = "words.a"\nlike = "["\nwhat = "x"\nsource = "某规定"\nsure = "law"\n'),
        ("words.toml", '[[words]]\nid = "words.a"\n'),
        ("sections.toml", "[[sections\n"),
    ],
)
def test_wrong_rule_data_is_a_settings_error_that_names_the_file(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name.replace(".", r"\.")):
        read_book(own_rules(tmp_path, name, text))


def test_every_shipped_row_has_an_id_of_its_own_a_source_and_says_how_sure_it_is() -> None:
    book = rule_book()
    ids = [row.id for row in (*book.requirements, *book.rules, *book.words)]
    assert len(ids) == len(set(ids)) > 60
    assert all(row.source and row.sure for row in (*book.requirements, *book.rules, *book.words, *book.sections))


def test_a_requirement_needs_a_field_or_a_pattern_and_off_asks_nothing() -> None:
    text = '[[requirement]]\nid = "a"\nlabel = "天气"\nsays = ["天气"]\non_breach = "{}"\n'
    text += 'source = "某规定"\nsure = "law"\n'
    found = [list(lacking(a_notice(), read_requirements(text.format(word)), None)) for word in ("hold", "warn", "off")]
    assert [[one.rule for one in each] for each in found] == [["a"], ["a"], []]
