"""Amounts that cannot be right, and credit codes whose check character is wrong."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

from publisher.errors import Reason
from publisher.figures import capital_amount, is_credit_code
from publisher.notice import Candidate, Money, Notice, PriceBasis
from publisher.rules.row import Finding

LARGEST = Decimal(10_000_000_000)
"""元 above which an amount is not believed (100 亿)."""
_FACTORS = {"元": Decimal(1), "万元": Decimal(10_000), "": Decimal(1)}
_PAIR = re.compile(
    r"(?P<capital>[零壹贰叁肆伍陆柒捌玖拾佰仟万亿]{2,}[元圆](?:[零壹贰叁肆伍陆柒捌玖]角)?(?:零?[壹贰叁肆伍陆柒捌玖]分)?整?)"
    r"\s*[(,;]?\s*(?:小写)?\s*[:]?\s*(?:人民币)?\s*(?P<sign>[¥￥])?\s*"
    r"(?P<digits>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>万元|元)?"
)
_PAIR_REVERSED = re.compile(
    r"(?P<sign>[¥￥])?\s*(?P<digits>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>万元|元)?\s*[(,;]?\s*大写\s*[:]?\s*(?:人民币)?\s*"
    r"(?P<capital>[零壹贰叁肆伍陆柒捌玖拾佰仟万亿]{2,}[元圆](?:[零壹贰叁肆伍陆柒捌玖]角)?(?:零?[壹贰叁肆伍陆柒捌玖]分)?整?)"
)
_LABELLED_CODE = re.compile(r"信用代码[^0-9A-Za-z\n]{0,12}([0-9A-Za-z]{15,20})(?![0-9A-Za-z*])")


def money_findings(notice: Notice) -> Iterator[Finding]:
    """Everything about the amounts of a notice that a clerk would ask about."""
    yield from _against_limits(notice)
    yield from _units(notice)
    yield from _capitals(notice)
    yield from _sum_of_lots(notice)


def _limit_for(notice: Notice, person: Candidate) -> tuple[str, Money] | None:
    """The ceiling of the lot the person bids for, else of the project; the control price before the budget."""
    lots = [lot for lot in notice.lots if lot.no == person.lot] if person.lot else []
    if not lots and len(notice.lots) == 1:
        lots = list(notice.lots)
    ceilings = [(lot.control_price, lot.budget) for lot in lots] + [(notice.control_price, notice.budget)]
    for control_price, budget in ceilings:
        for what, money in (("最高限价", control_price), ("预算金额", budget)):
            if money is not None and money.yuan and money.basis is PriceBasis.TOTAL:
                return what, money
    return None


def _against_limits(notice: Notice) -> Iterator[Finding]:
    for person in (*notice.candidates, *notice.winners):
        price, limit = person.price, _limit_for(notice, person)
        if price is None or not price.yuan or price.basis is not PriceBasis.TOTAL or limit is None:
            continue
        what, money = limit
        assert money.yuan is not None  # _limit_for
        if price.yuan > money.yuan:
            detail = (
                f"{person.name}的金额 {price.yuan:,.2f} 元超过{what} {money.yuan:,.2f} 元，请核对金额、元与万元，"
                "以及预算或限价是否写错。"
            )
            yield Finding("money.over_limit", Reason.AMOUNT_UNIT_SUSPECT, detail, "prices")
        elif price.yuan * 100 < money.yuan and len(notice.lots) < 2:
            detail = (
                f"{person.name}的金额 {price.yuan:,.2f} 元不到{what} {money.yuan:,.2f} 元的百分之一，请核对元与万元。"
            )
            yield Finding("money.far_below", Reason.AMOUNT_UNIT_SUSPECT, detail, "prices")


def _units(notice: Notice) -> Iterator[Finding]:
    named: list[tuple[str, str, Money | None]] = [
        ("budget", "预算金额", notice.budget),
        ("control_price", "最高限价（控制价）", notice.control_price),
        *(("lots", f"标段（包）{lot.no} 的预算金额", lot.budget) for lot in notice.lots),
    ]
    if not notice.failed:
        named += [("prices", f"{one.name}的金额", one.price) for one in (*notice.candidates, *notice.winners)]
    for field, what, money in named:
        if money is None or money.yuan is None:
            continue
        wrong = ""
        if money.yuan == 0:
            wrong = "金额为 0"
        elif money.yuan == 1 and money.basis is PriceBasis.TOTAL:
            wrong = "金额为 1 元"
        elif money.yuan > LARGEST:
            wrong = f"金额达 {money.yuan / 100_000_000:,.2f} 亿元"
        if wrong:
            detail = f"{what}可疑：原文“{money.raw}”，{wrong}。请核对元与万元。"
            yield Finding("money.unit", Reason.AMOUNT_UNIT_SUSPECT, detail, field)


def _capitals(notice: Notice) -> Iterator[Finding]:
    if not re.search("[壹贰叁肆伍陆柒捌玖]", notice.text):
        return
    for number, line in enumerate(notice.text.split("\n"), 1):
        flat = unicodedata.normalize("NFKC", line)
        for pattern in (_PAIR, _PAIR_REVERSED):
            for match in pattern.finditer(flat):
                if not (match["sign"] or match["unit"]):
                    continue  # a number of something else
                capital = capital_amount(match["capital"])
                yuan = Decimal(match["digits"].replace(",", "")) * _FACTORS[match["unit"] or ""]
                if capital is not None and capital != yuan:
                    detail = (
                        f"大写金额“{match['capital']}”（{capital:,}元）与小写金额 {yuan:,} 元不一致，"
                        "以大写为准，请改正。"
                    )
                    yield Finding("money.capitals", Reason.AMOUNT_UNIT_SUSPECT, detail, "prices", f"正文第 {number} 行")


def _sum_of_lots(notice: Notice) -> Iterator[Finding]:
    budgets = [lot.budget.yuan for lot in notice.lots if lot.budget and lot.budget.yuan]
    whole = notice.budget.yuan if notice.budget else None
    if len(budgets) < 2 or len(budgets) != len(notice.lots) or not whole or sum(budgets) == whole:
        return
    detail = f"各标段（包）预算之和为 {sum(budgets):,.2f} 元，总预算为 {whole:,.2f} 元，请核对。"
    yield Finding("money.lots_sum", Reason.AMOUNT_UNIT_SUSPECT, detail, "budget")


def code_findings(notice: Notice) -> Iterator[Finding]:
    """Codes printed behind their label, and codes of the parties, whose check character is wrong."""
    codes = {c.credit_code: c.name for c in (*notice.candidates, *notice.winners) if c.credit_code}
    codes |= {p.credit_code: p.name for p in (notice.tenderee, notice.agency) if p and p.credit_code}
    wrong = {code: f"{name}的" for code, name in codes.items() if not is_credit_code(code.upper())}
    places: dict[str, str] = {}
    if "信用代码" in notice.text:
        for number, line in enumerate(notice.text.split("\n"), 1):
            for match in _LABELLED_CODE.finditer(unicodedata.normalize("NFKC", line)):
                code = match[1]
                if not is_credit_code(code.upper()):
                    wrong.setdefault(code, "")
                    places.setdefault(code, f"正文第 {number} 行")
    for code, whose in wrong.items():
        why = f"有 {len(code)} 位，应为 18 位" if len(code) != 18 else "校验位不符"
        detail = f"{whose}统一社会信用代码“{code}”{why}，请对照营业执照核对。"
        yield Finding("code.credit", Reason.CREDIT_CODE_WRONG, detail, "credit_code", places.get(code))
