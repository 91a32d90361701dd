"""The reconciliation page says everything that the log keeps, and nothing that a channel answered is active on it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import lxml.html
import pytest

from publisher.counts.reconciled import Item, Kept, OfChannel, is_month, span_name
from publisher.counts.reconciled_page import Letterhead, is_web_address, to_page
from publisher.notice import LOCAL

DECEMBER = (date(2017, 12, 1), date(2017, 12, 31))
EVIL = "<img src=x onerror=alert(1)>\u202e公告</td></table><script>alert(2)</script>"


def kept(result: OfChannel, seq: int = 41, by: str = "程序") -> Kept:
    return Kept(seq, f"{seq:064x}", datetime(2018, 1, 3, 8, 0, tzinfo=LOCAL), by, result)


def page_of(*results: Kept, real: bool = False) -> Any:
    titles = {"county": "曲阜市公共资源交易网", "city": "济宁市公共资源交易网"}
    return lxml.html.document_fromstring(to_page(results, *DECEMBER, Letterhead("曲阜某办", titles, real)))


def cells(table: Any) -> list[list[str]]:
    return [[cell.text_content() for cell in row] for row in table.iter("tr")]


def wrong(what: str, number: str = "", title: str = "", detail: str = "", url: str = "") -> Item:
    return Item(what, "county", number, title, detail, url)


COUNTY = kept(
    OfChannel(
        "county",
        5,
        1,
        1,
        True,
        (
            wrong("missing", "17", "甲公告", "渠道上没有", "http://127.0.0.1/17"),
            wrong("different", "18-2", "乙公告", "内容不一致", "https://127.0.0.1/18"),
            wrong("unanswered", "19", "丙公告", "连接被拒绝"),
            wrong("foreign", "", EVIL, "账里没有", 'javascript:alert(3)"><b onclick=x>'),
        ),
        (wrong("by_hand", "20", "丁公告", "该渠道不能由程序查询", "http://127.0.0.1/20"),),
        "county",
    )
)
CITY = kept(OfChannel("city", 7, 7, 0, False, (), (), "municipal"), seq=42, by="王某")


def test_one_table_has_every_channel_with_its_figures_and_their_sums() -> None:
    top, county, city, total = cells(page_of(COUNTY, CITY).find(".//table"))

    assert top[2:9] == ["账上", "相符", "人工核对", "缺失", "内容不同", "账外", "未能查询"]
    assert county == [
        *("曲阜市公共资源交易网", "县级", "5", "1", "1", "1", "1", "1", "1"),
        *("已比对", "2018-01-03 08:00", "程序", "41"),
    ]
    assert city[:5] == ["济宁市公共资源交易网", "市级", "7", "7", "0"]
    assert city[9:] == ["渠道不提供", "2018-01-03 08:00", "王某", "42"]
    assert total[2:9] == ["12", "8", "1", "1", "1", "1", "1"]


def test_every_item_stands_there_by_number_title_channel_what_is_wrong_address_and_what_to_do() -> None:
    _, items, by_hand = page_of(COUNTY, CITY).iter("table")
    rows = cells(items)[1:]

    assert [row[1] for row in rows] == ["17", "18-2", "", "19"]
    assert [row[4].partition("：")[0] for row in rows] == ["缺失", "内容不同", "账外", "未能查询"]
    assert rows[0][2:6] == ["甲公告", "曲阜市公共资源交易网", "缺失：渠道上没有", "http://127.0.0.1/17"]
    assert "publisher reconcile --month 2017-12 --channel county" in rows[0][6]
    assert all(row[6] for row in rows)
    assert cells(by_hand)[1] == ["□", "20", "丁公告", "http://127.0.0.1/20", ""]


def test_it_says_when_by_whom_on_which_row_of_the_log_it_stands_and_leaves_room_to_sign() -> None:
    text = page_of(COUNTY, CITY).text_content()

    assert "曲阜某办发布对账单（2017-12）" in text
    assert "2018年1月3日 08:00" in text and "程序、王某" in text
    assert f"发布日志第 42 行，哈希 {42:064x}" in text
    assert "核对人：" in text and "日期：" in text


def test_the_practice_mark_stands_on_a_practice_ledgers_page_alone() -> None:
    assert "【演练】" in page_of(CITY).text_content() and "演练账本" in page_of(CITY).text_content()
    assert "演练" not in page_of(CITY, real=True).text_content()


def test_nothing_that_a_channel_answered_is_active_and_only_web_addresses_are_links() -> None:
    page = page_of(COUNTY)

    assert {element.tag for element in page.iter()} <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "b", "span", "a"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert not [name for element in page.iter() for name in element.attrib if name.startswith("on")]
    links = [link.get("href") for link in page.iter("a")]
    assert links == ["http://127.0.0.1/17", "https://127.0.0.1/18", "http://127.0.0.1/20"]
    (policy,) = page.xpath("//meta[@http-equiv]")
    assert policy.get("content") == "default-src 'none'; style-src 'unsafe-inline'"
    foreign = cells(list(page.iter("table"))[1])[3]
    assert foreign[2] == EVIL.replace("\u202e", " ") and foreign[5] == 'javascript:alert(3)"><b onclick=x>'


@pytest.mark.parametrize(
    ("url", "is_link"),
    [
        ("http://127.0.0.1:8701/notices/6.html", True),
        ("https://ggzy.example.gov.cn/公告?编号=1", True),
        ("HTTP://example.gov.cn/", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.gov.cn/", False),
        ("http:///notices", False),
        ("http://[1/", False),
        ("http://example.gov.cn/ x", False),
        ("http://example.gov.cn/\u202etxt", False),
        ("java\nscript:alert(1)", False),
        ("", False),
    ],
)
def test_an_address_is_a_link_only_if_it_is_one_of_the_web(url: str, is_link: bool) -> None:
    assert is_web_address(url) is is_link


def test_where_all_agrees_the_page_says_so_and_has_no_lists() -> None:
    page = page_of(CITY)

    assert "程序核对过的全部相符。" in page.text_content()
    assert len(list(page.iter("table"))) == 1


def test_a_list_that_was_not_read_is_told_apart_from_one_that_the_channel_does_not_have() -> None:
    unread = OfChannel("county", 1, 1, 0, False, (wrong("unanswered", detail="渠道的公告列表无法读取"),))

    assert cells(page_of(kept(unread)).find(".//table"))[1][9] == "没有读到"


def test_a_span_is_named_as_the_command_takes_it() -> None:
    assert span_name(*DECEMBER) == "2017-12" and is_month(*DECEMBER)
    assert span_name(date(2017, 1, 1), date(2017, 12, 31)) == "2017"
    assert span_name(date(2017, 12, 4), date(2017, 12, 4)) == "2017-12-04"
    assert not is_month(date(2017, 12, 1), date(2017, 12, 30))
