"""Unified social credit codes (GB 32100-2015): found in text, and their check character verified."""

from __future__ import annotations

import re

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])", re.I)


def is_credit_code(code: str) -> bool:
    """Whether the 18th character is the check of the first 17."""
    if len(code) != 18 or any(char not in _ALPHABET for char in code):
        return False
    total = sum(_ALPHABET.index(char) * weight for char, weight in zip(code, _WEIGHTS, strict=False))
    return _ALPHABET[(31 - total % 31) % 31] == code[17]


def credit_code(text: str) -> str | None:
    """The first valid code in `text`, in capitals; None if there is none."""
    for match in _CODE.finditer(re.sub(r"(?<=[0-9A-Za-z])\s+(?=[0-9A-Za-z])", "", text)):
        if is_credit_code(match.group(0).upper()):
            return match.group(0).upper()
    return None
