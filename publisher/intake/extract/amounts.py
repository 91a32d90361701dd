"""Amounts as notices print them: figures and capitals, 元 and 万元, unit prices, yearly prices and rates."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from publisher.figures import capital_amount
from publisher.notice import Money, PriceBasis

_FACTOR = {"元": Decimal(1), "万元": Decimal(10_000), "亿元": Decimal(100_000_000), "万": Decimal(10_000)}
_FIGURE = re.compile(
    r"(?P<n>\d[\d,]*(?:\.\d+)?)\s*(?:[(]\s*(?P<u1>亿元|万元|元|%)\s*[)]|(?P<u2>亿元|万元|万|元|%))?(?P<rest>[^\d;。,]{0,12})"
)
_PER_YEAR = re.compile(r"^\s*(?:[/每]\s*年|每一?年|[(]\s*(?:每年|年)\s*[)])|每年")
_PER_UNIT = re.compile(r"^\s*(?:/|每|1?(?=平方米))\s*(?!年)\S")
_UNIT_WORD = re.compile(r"(亿元|万元|元|%)")
_RATE_WORD = re.compile(r"下浮|上浮|折扣|费率|优惠率|让利|百分比")
LARGEST = Decimal(10_000_000_000)
"""元 above which an amount is not believed (100 亿)."""
_LONGEST_RAW = 120


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount as understood, with what is wrong with it (`suspect`, in words for staff; empty = nothing)."""

    money: Money
    suspect: str = ""


_LISTED = re.compile(r"\d{4,}(?:\.\d+)?(?:,\d{4,}(?:\.\d+)?)+")


def listed_figures(raw: str) -> tuple[str, ...]:
    """The figures of a value that lists one per lot behind bare commas (`1780000,820000`); else nothing."""
    text = re.sub(r"\s", "", plain(raw))
    return tuple(text.split(",")) if _LISTED.fullmatch(text) else ()


def plain(text: str) -> str:
    """Half-width figures and signs, so that one pattern reads both widths."""
    return unicodedata.normalize("NFKC", text)


def unit_in(label: str) -> str | None:
    """The unit that a label or column head names: 元, 万元, 亿元 or %."""
    found = _UNIT_WORD.search(re.sub(r"\s", "", plain(label)))
    return found.group(1) if found else None


def parse_amount(raw: str, label: str = "") -> Amount | None:
    """The first amount in `raw`; the unit behind the figure wins over the one in `label`. None without a figure.

    元 is assumed where neither names a unit. Figures in capitals win over digits that differ
    (财政部令第87号 第五十九条), and the difference is reported.
    """
    text = re.sub(r"(?<=\d)\s+(?=[.,]?\d)", "", plain(raw))
    text = re.sub(r"\s+", " ", text)
    capital = capital_amount(text)
    match = _FIGURE.search(text)
    if match is None:
        return None if capital is None else Amount(Money(raw=_short(raw), yuan=capital, unit="元"))
    number = Decimal(match["n"].replace(",", ""))
    unit = match["u1"] or match["u2"] or unit_in(label)
    unit = "万元" if unit == "万" else unit
    if unit == "%" or (_RATE_WORD.search(label) and unit is None):
        return Amount(Money(raw=_short(raw), unit="%", basis=PriceBasis.RATE, rate_percent=number, addable=False))
    basis = _basis(match["rest"], label)
    yuan = number * _FACTOR.get(unit or "元", Decimal(1))
    suspect = suspicion(number, yuan, unit, basis)
    if capital is not None and capital != yuan and basis is PriceBasis.TOTAL:
        suspect = f"大写金额（{capital}元）与小写金额（{yuan}元）不一致"
        yuan = capital
    money = Money(raw=_short(raw), yuan=yuan, unit=unit, basis=basis, addable=basis is PriceBasis.TOTAL)
    return Amount(money, suspect)


def suspicion(number: Decimal, yuan: Decimal, unit: str | None, basis: PriceBasis) -> str:
    """Why a figure cannot be the price it stands for, in words for staff; empty if it can."""
    if number == 0:
        return "金额为 0"
    if basis is PriceBasis.TOTAL and number == 1 and unit != "万元":
        return f"金额为 {number}"
    if yuan > LARGEST:
        return f"金额达 {yuan / 100_000_000:.2f} 亿元，单位可能有误"
    return ""


def _basis(rest: str, label: str) -> PriceBasis:
    head = re.sub(r"\s", "", plain(label))
    if _PER_YEAR.search(rest) or re.search(r"[/每]年", head):
        return PriceBasis.PER_YEAR
    if _PER_UNIT.search(rest) or re.search(r"元/(?!年)|单价", head):
        return PriceBasis.UNIT
    return PriceBasis.TOTAL


def _short(raw: str) -> str:
    text = re.sub(r"\s+", " ", raw).strip()
    return text if len(text) <= _LONGEST_RAW else text[:_LONGEST_RAW]
