"""What holds for every amount, date, encoding and file name, not only for those that came to mind."""

from __future__ import annotations

import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote_from_bytes

from hypothesis import example, given
from hypothesis import strategies as st

from publisher.intake.extract.amounts import capital_amount, parse_amount
from publisher.intake.extract.dates import first_moment, spans
from publisher.intake.folder import path_of_source, shown_name
from publisher.intake.pairing import pair
from publisher.intake.readers.plain import decode, join_lines
from publisher.intake.reading import NamedBytes, read_files
from publisher.intake.sidecar import read_sidecar
from publisher.intake.staff_folders import placed_name
from publisher.notice import LOCAL, html_to_text, normalise, normalise_name
from tests.support.line import notice_text

CENTS = st.integers(min_value=2_00, max_value=9_999_999_999_99)
DAYS = st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31))
CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=60)


def yuan(cents: int) -> Decimal:
    return Decimal(cents) / 100


@given(
    CENTS,
    st.booleans(),
    st.sampled_from(["元", " 元", "（元）", "(元)", "元整", "元人民币"]),
    st.sampled_from(["", "¥", "￥", "人民币"]),
)
def test_an_amount_in_yuan_is_read_to_the_cent(cents: int, grouped: bool, unit: str, mark: str) -> None:
    value = yuan(cents)
    amount = parse_amount(f"{mark}{value:,.2f}{unit}" if grouped else f"{mark}{value:.2f}{unit}")

    assert amount is not None and amount.money.yuan == value and amount.suspect == ""


@given(CENTS, st.sampled_from(["预算金额（万元）", "中标价(万元)", "投标报价：万元"]))
def test_ten_thousands_in_head_or_value_are_the_same_money(cents: int, head: str) -> None:
    value = yuan(cents)
    by_head = parse_amount(f"{value / 10_000}", head)
    by_value = parse_amount(f"{value / 10_000}万元", "预算金额")

    assert by_head is not None and by_value is not None
    assert by_head.money.yuan == by_value.money.yuan == value


_FIGURES = "零壹贰叁肆伍陆柒捌玖"


def in_capitals(whole: int) -> str:
    """The number in capitals, as banks and notices write it."""
    out, zero = "", False
    for unit, size in (("亿", 10**8), ("万", 10**4), ("", 1)):
        part, whole = divmod(whole, size)
        text = ""
        for place, power in (("仟", 1000), ("佰", 100), ("拾", 10), ("", 1)):
            figure, part = divmod(part, power)
            if figure:
                text += ("零" if zero and (out or text) else "") + _FIGURES[figure] + place
                zero = False
            else:
                zero = True
        out += text + unit if text else ""
    return f"{out}元整"


@given(st.integers(min_value=11, max_value=999_999_999_999))
def test_an_amount_in_capitals_is_worth_its_figures(whole: int) -> None:
    assert capital_amount(in_capitals(whole)) == whole


@given(st.integers(min_value=11, max_value=9_999_999), st.integers(min_value=1, max_value=9))
def test_capitals_win_and_a_difference_is_told(whole: int, more: int) -> None:
    same = parse_amount(f"{in_capitals(whole)}（¥{whole}.00元）")
    other = parse_amount(f"{in_capitals(whole)}（¥{whole + more}.00元）")

    assert same is not None and (same.money.yuan, same.suspect) == (whole, "")
    assert other is not None and other.money.yuan == whole and "不一致" in other.suspect


@given(st.text(max_size=200), st.text(max_size=30))
def test_no_text_breaks_the_reading_of_amounts_and_dates(text: str, label: str) -> None:
    amount = parse_amount(text, label)
    first_moment(text)
    spans(text)

    assert amount is None or amount.money.raw.strip() == amount.money.raw


@given(
    DAYS,
    st.sampled_from(
        ["{0}年{1}月{2}日", "{0}-{1:02}-{2:02}", "{0}/{1}/{2}", "{0}.{1:02}.{2:02}", "{0} 年 {1} 月 {2} 日"]
    ),
)
def test_a_day_is_read_in_every_shape(day: date, shape: str) -> None:
    moment = first_moment("自" + shape.format(day.year, day.month, day.day) + "起")

    assert moment is not None and moment.value == day


@given(
    DAYS,
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(["{0:02}:{1:02}", "{0}时{1}分", "{0}点{1:02}分", "{0:02}：{1:02}"]),
)
def test_a_time_is_local_to_the_minute(day: date, hour: int, minute: int, shape: str) -> None:
    moment = first_moment(f"{day.year}年{day.month}月{day.day}日 {shape.format(hour, minute)}")

    assert moment is not None
    assert moment.value == datetime(day.year, day.month, day.day, hour, minute, tzinfo=LOCAL)


@given(DAYS, DAYS, st.sampled_from(["至", "到", "—", "-", "～", "~"]))
def test_a_period_has_both_its_ends(begin: date, end: date, link: str) -> None:
    ((first, last),) = spans(f"{begin.year}年{begin.month}月{begin.day}日{link}{end.year}年{end.month}月{end.day}日")

    assert (first.value, last.value) == (begin, end)


@example("乻", "utf-16")  # its bytes are those of "{N"
@given(CHINESE, st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"]))
def test_a_notice_is_the_same_in_every_encoding(title: str, encoding: str) -> None:
    text = notice_text().replace("曲阜市某某路改造工程施工招标公告", f"{title}招标公告")
    (draft,) = read_files([NamedBytes("x", text.encode(encoding, "ignore"))])
    (plain,) = read_files([NamedBytes("x", text.encode(encoding, "ignore").decode(encoding).encode())])

    assert draft.fields == plain.fields


@given(st.binary(max_size=400))
def test_bytes_are_text_or_given_back(data: bytes) -> None:
    try:
        decoded = decode(data)
    except Exception as error:  # noqa: BLE001 - the kind is what is asked
        assert type(error).__name__ == "NoticeReturned"
    else:
        assert isinstance(decoded, str)


@given(st.lists(CHINESE, min_size=1, max_size=12))
def test_joining_lines_loses_no_letter(lines: list[str]) -> None:
    assert normalise("".join(join_lines("\n".join(lines)))) == normalise("".join(lines))


@given(st.binary(min_size=1, max_size=255).filter(lambda raw: not set(raw) & {0, 0x2F} and raw not in (b".", b"..")))
def test_every_file_name_is_shown_as_text_kept_in_its_bytes_and_fits(raw: bytes) -> None:
    shown = shown_name(raw)
    placed = placed_name("123456", shown)

    assert shown.encode() and "/" not in shown and shown.isprintable()
    assert len(f"{placed}.待处理说明.txt".encode()) <= 255
    assert os.fsencode(path_of_source(Path("d"), quote_from_bytes(raw))) == b"d/" + raw


@given(
    st.lists(
        st.sampled_from(["a", "b", "项目"]).flatmap(
            lambda s: st.sampled_from([s, f"{s}.docx", f"{s}.pdf", f"{s}.yaml", f"{s}.docx.yaml", f"{s}.yml"])
        ),
        unique=True,
    )
)
def test_every_sidecar_has_one_owner_or_waits(names: list[str]) -> None:
    found = pair(names)
    sidecars = {name for name in names if name.endswith((".yaml", ".yml"))}

    assert (
        set(found.sidecars.values())
        | set(found.waiting)
        | {name for owner, name in found.sidecars.items() if owner in found.doubted}
        <= sidecars
    )
    assert not set(found.sidecars) & set(found.doubted)
    assert len(set(found.sidecars.values())) == len(found.sidecars)
    assert all(name in found.sidecars.values() or name in found.waiting or found.doubted for name in sidecars)


@given(st.text(max_size=400))
def test_no_sidecar_breaks_the_reader(text: str) -> None:
    found = read_sidecar(text.encode("utf-8", "ignore"))

    assert all(str(problem).endswith("。") for problem in found.problems)


@given(st.text(max_size=200))
def test_names_are_compared_without_regard_to_their_shape(text: str) -> None:
    assert normalise_name(normalise_name(text)) == normalise_name(text)
    assert html_to_text(f"<p>{text.replace('<', '').replace('&', '')}</p>").count("\n\n") == 0
