"""Unified social credit codes (GB 32100-2015): found in text, and their check character verified."""

from __future__ import annotations

import re

from publisher.figures import is_credit_code

_CODE = re.compile(r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])", re.I)


def credit_code(text: str) -> str | None:
    """The first valid code in `text`, in capitals; None if there is none."""
    for match in _CODE.finditer(re.sub(r"(?<=[0-9A-Za-z])\s+(?=[0-9A-Za-z])", "", text)):
        if is_credit_code(match.group(0).upper()):
            return match.group(0).upper()
    return None
