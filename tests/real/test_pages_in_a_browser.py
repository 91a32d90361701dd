"""What staff and auditors open in a browser, in a real one: links lead to their rows, and nothing runs or asks."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.chromium import Chromium, Page
from tests.support.desk import TestDesk

pytestmark = pytest.mark.real

EVIL = "<img src=http://127.0.0.1:9/x onerror=document.title='ran'>甲招标公告<script>document.title='ran'</script>"
NUMBERS = """[...document.querySelectorAll('a[href^="#f-"]')]"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of an installation that published an evil title, on a site that shows another one of strangers."""
    folder = tmp_path_factory.mktemp("office")
    desk = TestDesk(folder)
    desk.build("county", feed=True, more='[county.options.query]\nlist_path = "/"\n')
    drop_titled(desk, "甲", EVIL)
    desk.drop("乙")
    desk.run("once")
    stranger = TestDesk(folder / "stranger", {"county": desk.sites["county"]})
    stranger.folder.mkdir()
    stranger.build()
    drop_titled(stranger, "丙", f"账外{EVIL}")
    stranger.run("once")
    year, month = str(desk.row("1", "county").visible_since)[:4], str(desk.row("1", "county").visible_since)[:7]
    desk.run("figures", "set", "history.wechat_feed", "2345", "--year", "2016", "--by", "王某", "--source", EVIL)
    made = {name: folder / f"{name}.html" for name in ("report", "reconciliation")}
    told = [
        desk.run("report", "annual", "--year", year, "--format", "html", "--out", str(made["report"])),
        desk.run("reconcile", "--month", month, "--page", str(made["reconciliation"])),
        desk.run("evidence", "1", "--out", str(folder / "evidence.zip")),
    ]
    desk.close()
    assert [one.exit_code for one in told] == [0, 1, 0], [one.output for one in told]
    with zipfile.ZipFile(folder / "evidence.zip") as archive:
        archive.extractall(folder / "evidence")
    return made | {"evidence": folder / "evidence" / "index.html"}


def drop_titled(desk: TestDesk, name: str, title: str) -> None:
    """Drop a notice of this title in a file named `name`."""
    notice = desk.notice(title, project_no=f"NO-{name}")
    desk.drop(name).write_text(notice.model_dump_json(exclude_none=True, exclude={"text", "digest"}), "utf-8")


def opened(chromium: Chromium, path: Path) -> Page:
    return chromium.open(f"file://{quote(str(path))}")


def nothing_ran_or_was_asked(page: Page) -> bool:
    own = page.evaluate("location.href.split('#')[0]")
    return (page.requests, page.complaints, page.evaluate("document.title") == "ran") == ([own], [], False)


@pytest.mark.parametrize("name", ["report", "reconciliation", "evidence"])
def test_a_title_with_code_in_it_is_read_and_does_nothing(
    chromium: Chromium, pages: dict[str, Path], name: str
) -> None:
    page = opened(chromium, pages[name])
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

    assert nothing_ran_or_was_asked(page)
    assert page.evaluate("document.querySelectorAll('script, img, iframe, object, embed, link, form').length") == 0
    assert page.evaluate("document.body.innerText").count(EVIL) >= 1


def test_the_browser_of_these_tests_notices_a_page_that_runs_and_asks(chromium: Chromium, tmp_path: Path) -> None:
    (tmp_path / "active.html").write_text(f"<!doctype html><title>before</title>{EVIL}", "utf-8")
    page = opened(chromium, tmp_path / "active.html")

    assert not nothing_ran_or_was_asked(page)
    assert page.evaluate("document.title") == "ran"
    assert page.requests[1:] == ["http://127.0.0.1:9/x"]


def test_every_number_of_the_report_opens_the_rows_behind_it(chromium: Chromium, pages: dict[str, Path]) -> None:
    page = opened(chromium, pages["report"])
    numbers = page.evaluate(f"{NUMBERS}.map(a => a.getAttribute('href'))")
    places = page.evaluate("[...document.querySelectorAll('details p')].map(p => '#' + p.id)")
    assert len(numbers) > 10 and set(numbers) == set(places)
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 0
    for number, place in enumerate(numbers):
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = false)")
        assert not seen(page, place), f"{place} is seen before anybody clicks"
        page.click(f"{NUMBERS}[{number}]")
        assert page.evaluate("location.hash") == place
        assert seen(page, place), f"the click on {place} shows no rows"
        rows = page.evaluate(f"document.getElementById('{place[1:]}').innerText")
        assert rows.strip(), f"{place} names no row"


def test_every_row_that_a_number_names_leads_on_to_the_notice_or_the_figure(
    chromium: Chromium, pages: dict[str, Path]
) -> None:
    page = opened(chromium, pages["report"])
    inside = "[...document.querySelectorAll('details p a')]"
    places = page.evaluate(f"{inside}.map(a => a.getAttribute('href'))")
    assert {place[:3] for place in places} == {"#n-", "#e-"}
    for number, place in enumerate(places):
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = false)")
        page.evaluate(f"{inside}[{number}].closest('details').open = true")
        page.click(f"{inside}[{number}]")
        assert seen(page, place), f"{place} is not shown"


def seen(page: Page, place: str) -> bool:
    """Whether what stands at `place` (`#name`) is inside the window, not only inside the page."""
    return bool(
        page.evaluate(
            f"(e => {{ const r = e.getClientRects()[0];"
            " return !!r && e.checkVisibility() && r.height > 0 && r.bottom > 0 && r.top < innerHeight })"
            f"(document.getElementById('{place[1:]}'))"
        )
    )


def test_the_reconciliation_page_has_the_strangers_title_as_text_and_its_address_as_the_only_kind_of_link(
    chromium: Chromium, pages: dict[str, Path]
) -> None:
    page = opened(chromium, pages["reconciliation"])

    assert f"账外{EVIL}" in page.evaluate("document.body.innerText")
    links = page.evaluate("[...document.links].map(a => a.href)")
    assert links and all(link.startswith("http://127.0.0.1:") for link in links)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off at the side"


def test_every_file_that_the_evidence_names_is_there(chromium: Chromium, pages: dict[str, Path]) -> None:
    page = opened(chromium, pages["evidence"])
    names = page.evaluate("[...document.links].map(a => decodeURIComponent(a.getAttribute('href')))")

    assert len(names) > 5
    assert [name for name in names if not (pages["evidence"].parent / name).is_file()] == []


def test_the_texts_in_the_evidence_run_nothing_either(chromium: Chromium, pages: dict[str, Path]) -> None:
    texts = [path for path in pages["evidence"].parent.rglob("*.html") if path.name != "index.html"]

    assert len(texts) >= 3
    for path in texts:
        assert nothing_ran_or_was_asked(opened(chromium, path)), path.name
