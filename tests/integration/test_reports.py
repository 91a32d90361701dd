"""Reports over a real ledger: projects, amounts, typed-in figures, issued reports, and every number to its rows."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import docx
import pytest

from publisher.channel import Receipt
from publisher.counts import queries
from publisher.counts.queries import Span
from publisher.counts.report.blocks import numbers_of
from publisher.counts.report.drawing import Report, draw
from publisher.counts.report.layout import lay_out
from publisher.counts.report.page import to_page
from publisher.counts.report.word.document import to_word
from publisher.errors import PermanentFailure, Reason
from publisher.ledger.acts import Person
from publisher.ledger.figures import issue_report, set_figure
from publisher.ledger.tables import attempt, attempt_delivery, observation
from publisher.notice import LOCAL, Form, Notice
from tests.support.builders import a_notice
from tests.support.desk import TestDesk
from tests.support.scripted import Scripted
from tests.support.sending import World, a_world

MARCH = datetime(2017, 3, 6, 9, 0, tzinfo=LOCAL)
CLERK = Person("王某", "wang@desk")


def money(yuan: str, **more: Any) -> dict[str, Any]:
    return {"raw": f"{yuan}元", "yuan": yuan, "unit": "元"} | more


def announced(no: str, ceiling: str | None = "100.00", **changes: Any) -> Notice:
    limit = {"control_price": money(ceiling) if ceiling else None, "title": f"{no}招标公告", "dates": {}}
    return a_notice(**({"project_no": no, **limit} | changes))


def awarded(no: str, price: str, *, form: Form = Form.WINNING_RESULT, **changes: Any) -> Notice:
    fields = {"form": form, "control_price": None, "winners": [{"name": "某公司", "price": money(price)}], "dates": {}}
    return a_notice(**({"project_no": no, "title": f"{no}{form.value}"} | fields | changes))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return a_world(tmp_path, {"site": Scripted()}, start=MARCH)


def publish(world: World, *notices: Notice) -> None:
    """Each a minute after the one before it."""
    for one in notices:
        world.accept(one)
        world.run_for(minutes=1)


def report(world: World, year: int = 2017, month: int | None = None, as_of: datetime | None = None) -> Report:
    with world.ledger.read() as conn:
        return draw(
            conn, year, month, now=world.clock(), real=True, office="某中心", titles={"site": "某网"}, as_of=as_of
        )


def figure(world: World, name: str, **at: Any) -> Any:
    return report(world, **at).figures[name].value


def enter(world: World, name: str, value: str, year: int = 2017) -> None:
    with world.ledger.write() as tx:
        set_figure(tx, name, year, value, CLERK)


def test_a_corrected_result_replaces_and_does_not_add(world: World) -> None:
    publish(world, announced("A"), awarded("A", "95.00"))
    assert figure(world, "amount") == 9500
    publish(world, awarded("A", "90.00", form=Form.RESULT_CORRECTION, original={"project_no": "A"}))
    assert (figure(world, "projects"), figure(world, "amount"), figure(world, "saved.works")) == (1, 9000, 1000)


def test_a_contract_repeats_the_amount_and_does_not_count(world: World) -> None:
    publish(world, announced("A"), awarded("A", "95.00"), awarded("A", "95.00", form=Form.CONTRACT))
    assert (figure(world, "projects"), figure(world, "amount"), figure(world, "notices")) == (1, 9500, 3)


def test_a_terminated_or_failed_project_is_not_completed(world: World) -> None:
    publish(world, announced("A"), awarded("A", "95.00"), awarded("A", "0", form=Form.TERMINATION, winners=()))
    publish(world, announced("B"), awarded("B", "0", form=Form.FAILED_TENDER, winners=(), failed=True))
    assert (figure(world, "projects"), figure(world, "amount")) == (0, 0)


def test_lots_add_up_to_one_project_and_a_failed_lot_takes_its_budget_with_it(world: World) -> None:
    lots = [{"no": "1", "control_price": money("60.00")}, {"no": "2", "control_price": money("40.00")}]
    publish(world, announced("A", lots=lots), awarded("A", "55.00", lots=[{"no": "1"}]))
    assert figure(world, "planned.works") == 6000 and figure(world, "saved.works") == 500
    publish(world, awarded("A", "38.00", lots=[{"no": "2"}]))
    assert (figure(world, "projects"), figure(world, "amount"), figure(world, "saved.works")) == (1, 9300, 700)


def test_a_price_that_cannot_be_added_is_left_out_and_named_until_its_total_is_typed_in(world: World) -> None:
    rate = {"raw": "下浮12.5%", "basis": "rate", "rate_percent": "12.5", "addable": False}
    publish(world, announced("A-1"), awarded("A-1", "1", winners=[{"name": "某公司", "price": rate}]))
    before = report(world)
    assert before.figures["projects"].value == 1 and before.figures["amount"].value == 0
    assert [p.name for p in before.unpriced] == ["no:A-1"] and "A-1" in to_page(before, lay_out(before))
    enter(world, "project_total.A-1", "87.50")
    assert figure(world, "amount") == 8750 and report(world).unpriced == []


def test_a_project_without_a_limit_counts_in_the_amount_but_in_neither_side_of_the_rate(world: World) -> None:
    publish(world, announced("A"), awarded("A", "90.00"), announced("B", None), awarded("B", "500.00"))
    drawn = report(world)
    assert drawn.figures["amount"].value == 59000
    assert drawn.figures["saving_rate.works"].exact == "10.000000%"
    assert [p.name for p in drawn.unlimited] == ["no:B"]


def test_land_brings_what_it_fetched_over_its_reserve(world: World) -> None:
    offer = announced("L", None, form=Form.LAND_OFFER, project_class="land", reserve_price=money("1000.00"))
    publish(world, offer, awarded("L", "1250.00", form=Form.LAND_RESULT, project_class="land"))
    drawn = report(world)
    assert drawn.figures["gained.land_property"].value == 25000
    assert drawn.figures["gain_rate.land_property"].exact == "25.000000%"
    assert drawn.figures["saved_and_gained"].value == 25000


def test_growth_comes_from_what_was_typed_in_for_the_year_before_else_from_the_ledger(world: World) -> None:
    publish(world, announced("A"), awarded("A", "90.00"))
    assert figure(world, "growth") is None
    enter(world, "amount", "75.00", 2016)
    assert report(world).figures["growth"].exact == "20.000000%"
    world.run_to(MARCH.replace(year=2018))
    publish(world, announced("B"), awarded("B", "99.00"))
    assert report(world, year=2018).figures["growth"].exact == "10.000000%"
    enter(world, "amount", "198.00", 2017)  # the ledger had only a part of that year
    assert report(world, year=2018).figures["growth"].exact == "-50.000000%"


def test_the_newest_of_a_typed_figure_stands_and_the_older_ones_stay_in_the_log(world: World) -> None:
    enter(world, "history.site", "70", 2016)
    at = world.clock()
    world.run_for(hours=1)
    enter(world, "history.site", "76", 2016)
    publish(world, announced("A"))
    assert figure(world, "cumulative.site") == 77
    assert figure(world, "cumulative.site", as_of=at) == 70
    assert world.events().count("figure_set") == 2 and world.verdict().ok


def test_the_report_counts_what_the_count_counts_on_both_sides_of_midnight(tmp_path: Path) -> None:
    new_year, site = datetime(2018, 1, 1, tzinfo=LOCAL), Scripted()
    world = a_world(tmp_path, {"site": site}, start=new_year - timedelta(minutes=5))
    for title, seconds in {"late": -1, "early": 600, "morning": 27000}.items():
        site.will(title, Receipt(number="R", visible_since=new_year + timedelta(seconds=seconds)))
        world.accept(announced(title, title=title))
    world.run_for(minutes=20)
    for year, number in ((2017, 1), (2018, 2)):
        with world.ledger.read() as conn:
            tally = queries.count(conn, ("channel",), Span(date(year, 1, 1), date(year, 12, 31)))
        figures = report(world, year=year).figures
        assert figures["notices"].value == tally.notices == number
        assert figures["publications"].value == tally.publications == number
    assert figure(world, "notices", year=2018, month=1) == 2


def test_a_notice_that_reaches_the_province_after_new_year_is_of_the_old_year_and_its_publication_of_the_new(
    tmp_path: Path,
) -> None:
    tiers = {"county": {"tier": "county"}, "province": {"tier": "provincial"}}
    end = datetime(2017, 12, 31, 16, 0, tzinfo=LOCAL)
    world = a_world(tmp_path, {name: Scripted() for name in tiers}, settings=tiers, start=end)
    world.channels["province"].adapter.will(  # type: ignore[union-attr]
        "A招标公告", Receipt(number="P", visible_since=end + timedelta(days=2))
    )
    publish(world, announced("A"))
    old, new = report(world, year=2017).figures, report(world, year=2018).figures
    assert (old["notices"].value, old["high.notices"].value, old["publications"].value) == (1, 0, 1)
    assert (new["notices"].value, new["high.publications"].value, new["publications"].value) == (0, 1, 1)


def test_every_number_of_the_page_opens_to_its_rows(world: World) -> None:
    publish(world, announced("A"), awarded("A", "90.00"), announced("B"))
    drawn = report(world)
    page = to_page(drawn, lay_out(drawn))
    linked = re.findall(r'<a class="n" href="#(f-[^"]+)"', page)
    assert "f-notices" in linked and "f-amount" in linked and "f-channel.site" in linked
    assert all(page.count(f'<p id="{name}">') == 1 for name in set(linked))
    rows = re.search(r'<p id="f-notices">.*?</details>', page, re.DOTALL)
    assert rows is not None and re.findall(r'href="#n-(\d+)"', rows[0]) == ["1", "2", "3"]
    assert all(f'<tr id="n-{number}">' in page for number in ("1", "2", "3"))


def test_every_number_that_is_not_nothing_has_rows_also_in_charts_and_in_each_format(world: World) -> None:
    enter(world, "amount", "50", 2016)
    enter(world, "applications_received", "3")
    publish(world, announced("A"), awarded("A", "90.00"), announced("B"), announced("L", reserve_price=money("5")))
    drawn = report(world)
    numbers = [number for block in lay_out(drawn) for number in numbers_of(block)]

    assert {number.figure.name for number in numbers} >= {"growth", "month.2017-03", "saving_rate.works", "notices"}
    for number in numbers:
        assert number.figure.rows or number.figure.value in (None, 0), number.figure.name
    page = to_page(drawn, lay_out(drawn))
    printed = re.findall(r'<tspan data-f="([^"]+)"', page)
    assert "month.2017-03" in printed and "channel.site" in printed


def test_no_link_of_the_page_leads_nowhere(world: World) -> None:
    enter(world, "history.site", "70", 2016)
    enter(world, "reviews", "1")
    publish(world, announced("A"), awarded("A", "90.00"))
    world.run_to(MARCH.replace(year=2018))
    publish(world, announced("B"), awarded("B", "99.00"))
    for year in (2017, 2018):
        drawn = report(world, year=year)
        page = to_page(drawn, lay_out(drawn))
        links, places = set(re.findall(r'href="#([^"]+)"', page)), set(re.findall(r' id="([^"]+)"', page))
        assert links <= places and any(link.startswith("e-") for link in links)
    project = re.search(r'<p id="f-projects">.*?</details>', page, re.DOTALL)
    assert project is not None and re.findall(r'href="#n-(\d+)">([^<]+)<', project[0]) == [("4", "B")]


def test_titles_are_text_on_the_page_and_no_markup(world: World) -> None:
    publish(world, announced("A", title="<script>alert(1)</script>招标公告"))
    drawn = report(world)
    page = to_page(drawn, lay_out(drawn))
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_an_issued_report_is_kept_and_a_later_one_names_what_differs(world: World) -> None:
    publish(world, announced("A"), awarded("A", "95.00"))
    first = report(world)
    assert first.differences == [] and first.issued is None
    with world.ledger.write() as tx:
        issue_report(tx, first.period, first.head, first.values(), CLERK)
    assert report(world).differences == []
    publish(world, awarded("A", "90.00", form=Form.RESULT_CORRECTION, original={"project_no": "A"}))
    later = report(world)
    named = {one.name: (one.before, one.now) for one in later.differences}
    assert named["amount"] == ("9500", "9000") and named["notices"] == ("2", "3")
    assert later.issued is not None and later.issued.head == first.head
    assert "与上次报出的差异" in to_page(later, lay_out(later))
    assert world.verdict().ok and "report_issued" in world.events()


def test_a_report_can_be_drawn_again_as_it_stood(world: World) -> None:
    publish(world, announced("A"), awarded("A", "95.00"))
    before, at = report(world), world.clock()
    world.run_for(days=1)
    publish(world, awarded("A", "90.00", form=Form.RESULT_CORRECTION, original={"project_no": "A"}), announced("B"))
    again = report(world, as_of=at)
    assert again.values() == before.values() != report(world).values()
    assert again.head == before.head != report(world).head


def test_a_refused_notice_is_in_no_number(tmp_path: Path) -> None:
    site = Scripted()
    world = a_world(tmp_path, {"site": site}, start=MARCH)
    site.will("A招标公告", PermanentFailure(Reason.REFUSED, "no"))
    publish(world, announced("A"), awarded("A", "90.00"))
    figures = report(world).figures
    assert figures["notices"].value == 1
    assert figures["planned.works"].value == 0  # the refused announcement says nothing
    assert figures["amount"].value == 9000


def test_figures_stay_when_the_details_of_attempts_are_gone(world: World) -> None:
    publish(world, announced("A"), awarded("A", "95.00"))
    before = report(world).values()
    with world.ledger.write() as tx:
        for table in (attempt_delivery, attempt, observation):
            tx.conn.execute(table.delete())
    assert report(world).values() == before and world.attempts() == []


# ---- as it is typed


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    made.build("site")
    made.drop("甲招标公告")
    assert made.run("once").exit_code == 0
    yield made
    made.close()


def this_year(desk: TestDesk) -> str:
    (row,) = desk.json("count", "--by", "year")
    return str(row["rows"][0]["year"])


def test_the_yearly_report_is_written_in_four_formats_with_the_same_numbers(desk: TestDesk, tmp_path: Path) -> None:
    year = this_year(desk)
    text = desk.run("report", "annual", "--year", year).stdout
    assert f"{year}年共发布各类交易信息1条（准确数1条" in text and "【演练】" in text
    page = tmp_path / "r.html"
    assert desk.run("report", "annual", "--year", year, "--format", "html", "--out", str(page)).exit_code == 0
    assert "<svg" in page.read_text("utf-8") and 'href="#f-notices"' in page.read_text("utf-8")
    word = tmp_path / "r.docx"
    assert desk.run("report", "annual", "--year", year, "--format", "docx", "--out", str(word)).exit_code == 0
    document = docx.Document(io.BytesIO(word.read_bytes()))
    assert any(f"{year}年共发布各类交易信息1条（准确数1条" in p.text for p in document.paragraphs)
    assert len(document.tables) >= 4
    facts = json.loads(desk.run("report", "annual", "--year", year, "--format", "json").stdout)
    assert facts["figures"]["notices"]["value"] == "1" and facts["practice"] is True


def test_a_number_is_explained_by_its_rows(desk: TestDesk) -> None:
    year = this_year(desk)
    explained = json.loads(desk.run("report", "annual", "--year", year, "--explain", "channel.site").stdout)
    assert explained["rows"] == ["1@site"]
    unknown = desk.run("report", "annual", "--year", year, "--explain", "nonsense")
    assert unknown.exit_code == 1 and "high.notices" in unknown.stderr


def test_count_list_month_and_year_say_the_same_number_and_open_to_as_many_rows(desk: TestDesk) -> None:
    for title in ("乙招标公告", "丙招标公告"):
        desk.drop(title)
    assert desk.run("once").exit_code == 0
    (listed,) = desk.json("count", "--by", "month", "--list")
    year, month = listed["rows"][0]["month"].split("-")
    annual = ("report", "annual", "--year", year)
    monthly = ("report", "monthly", "--year", year, "--month", str(int(month)))
    for words in (annual, monthly):
        facts = json.loads(desk.run(*words, "--format", "json").stdout)["figures"]
        assert facts["publications"]["value"] == facts["notices"]["value"] == "3" == str(listed["publications"])
        rows = json.loads(desk.run(*words, "--explain", "publications").stdout)["rows"]
        assert sorted(rows) == sorted(f"{row['number']}@{row['channel']}" for row in listed["list"])


def test_no_secret_of_a_channel_is_in_any_report(desk: TestDesk, tmp_path: Path) -> None:
    year, home = this_year(desk), desk.home / "channels.toml"
    secret = home.read_text("utf-8").replace("[site.options]", 'secrets = { api_key = "SITE_KEY" }\n[site.options]')
    home.write_text(secret, "utf-8")
    for form in ("md", "html", "json", "docx"):
        out = tmp_path / f"r.{form}"
        words = ("report", "annual", "--year", year, "--format", form, "--out", str(out))
        made = desk.run(*words, env={"SITE_KEY": "TESTSECRET123"})
        assert made.exit_code == 0, made.output
        content = out.read_bytes()
        if form == "docx":
            with zipfile.ZipFile(out) as parts:
                content = b"".join(parts.read(name) for name in parts.namelist())
        assert b"TESTSECRET123" not in content and b"SITE_KEY" not in content


def test_a_month_needs_its_number_and_a_year_has_none(desk: TestDesk) -> None:
    assert desk.run("report", "monthly", "--year", "2024").exit_code == 2
    assert desk.run("report", "annual", "--year", "2024", "--month", "3").exit_code == 2
    assert "2024年3月共发布各类交易信息0条" in desk.run("report", "monthly", "--year", "2024", "--month", "3").stdout


def test_figures_are_typed_in_once_and_printed_and_a_missing_one_says_so(desk: TestDesk) -> None:
    before = desk.run("report", "annual", "--year", "2024").stdout
    assert "（未填写：" in before
    for name, value in (("applications_received", "3"), ("reviews", "0"), ("problems", "人手不足，正在招录。")):
        assert desk.run("figures", "set", name, value, "--year", "2024", "--by", "王某").exit_code == 0
    after = desk.run("report", "annual", "--year", "2024").stdout
    assert "| 一、本年新收政府信息公开申请数量 |  |  | — | — | — | — | — | — | 3 |" in after
    assert "| — | — | — | — | 0 | — | — | — | — | — | — | — | — | — | — |" in after and "人手不足，正在招录。" in after
    (listed,) = [row for row in desk.json("figures", "list") if row["name"] == "reviews"]
    assert (listed["value"], listed["by"], listed["year"]) == ("0", "王某", 2024)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("aplications", "3", "没有名为"),
        ("reviews", "3.5", "整数"),
        ("amount", "很多", "数字"),
        ("amount", "NaN", "金额"),
    ],
)
def test_a_wrong_name_or_value_is_refused_and_nothing_is_kept(desk: TestDesk, name: str, value: str, said: str) -> None:
    refused = desk.run("figures", "set", name, value, "--year", "2024", "--by", "王某")
    assert refused.exit_code == 1 and said in refused.stderr
    assert desk.json("figures", "list") == []


def test_the_word_report_is_black_in_chinese_letters_with_the_same_numbers(world: World) -> None:
    publish(world, announced("A"), awarded("A", "90.00"))
    document = docx.Document(io.BytesIO(to_word(lay_out(report(world)))))
    used = {paragraph.style.name for paragraph in document.paragraphs}
    namespace = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

    assert used >= {"Title", "Heading 1", "Normal"}
    for name in used:
        style = document.styles[name]
        fonts = style.element.rPr.rFonts
        font = fonts.get(f"{namespace}eastAsia")
        assert font in ("仿宋", "黑体", "楷体", "方正小标宋简体") and f"{namespace}eastAsiaTheme" not in fonts.attrib
        assert str(style.font.color.rgb) == "000000"
