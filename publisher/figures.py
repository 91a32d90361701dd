"""Figures that carry their own check: credit codes, identity numbers, bank cards, amounts in capitals."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_PROVINCES = frozenset({*range(11, 16), 21, 22, 23, *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66)})
_OUTSIDE = frozenset({71, 81, 82, 83})
_CAPITAL = re.compile(
    r"[零壹贰叁肆伍陆柒捌玖拾佰仟万亿]{2,}[元圆](?:[零壹贰叁肆伍陆柒捌玖]角)?(?:零?[壹贰叁肆伍陆柒捌玖]分)?整?"
)
_CAPITAL_DIGITS = {c: i for i, c in enumerate("零壹贰叁肆伍陆柒捌玖")}
_CAPITAL_UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def is_credit_code(code: str) -> bool:
    """Whether the 18th character of a unified social credit code is the check of the first 17 (GB 32100-2015)."""
    if len(code) != 18 or any(char not in _CODE_ALPHABET for char in code):
        return False
    total = sum(_CODE_ALPHABET.index(char) * weight for char, weight in zip(code, _CODE_WEIGHTS, strict=False))
    return _CODE_ALPHABET[(31 - total % 31) % 31] == code[17]


def is_identity_number(number: str) -> bool:
    """Whether 18 characters are a resident's identity number: province, day of birth, check (GB 11643-1999)."""
    if not re.fullmatch(r"\d{17}[\dXx]", number) or int(number[:2]) not in _PROVINCES | _OUTSIDE:
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return 1900 <= born.year <= 2100 and _ID_CHECKS[total % 11] == number[17].upper()


def is_card_number(number: str) -> bool:
    """Whether the digits are a bank card's: 16 to 19 of them, begun with 62, with the Luhn check digit."""
    if not re.fullmatch(r"62\d{14,17}", number):
        return False
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def masked(value: str) -> str:
    """The value with its middle hidden, so that a message does not repeat what must not be public."""
    keep = 3 if len(value) >= 11 else 1
    return value[:keep] + "*" * max(3, len(value) - 2 * keep) + value[-keep:]


def capital_amount(text: str) -> Decimal | None:
    """The value in 元 of an amount in capitals (壹佰壹拾柒万壹仟零肆拾元整), or None."""
    found = _CAPITAL.search(text)
    if not found:
        return None
    whole, _, small = re.sub("圆", "元", found.group(0)).partition("元")
    total = section = digit = 0
    for char in whole:
        if char in _CAPITAL_DIGITS:
            digit = _CAPITAL_DIGITS[char]
        elif char in _CAPITAL_UNITS:
            section += (digit or 1) * _CAPITAL_UNITS[char]
            digit = 0
        else:
            factor = 10_000 if char == "万" else 100_000_000
            total = (total + section + digit) * factor if char == "亿" else total + (section + digit) * factor
            section = digit = 0
    value = Decimal(total + section + digit)
    for name, part in (("角", Decimal("0.1")), ("分", Decimal("0.01"))):
        at = small.find(name)
        if at > 0:
            value += _CAPITAL_DIGITS.get(small[at - 1], 0) * part
    return value
