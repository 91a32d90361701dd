"""A figure of a report, and how figures are written.

Amounts are whole 分 and rates are exact fractions until they are printed; each is rounded once, half up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

Unit = Literal["count", "fen", "rate", "text"]

NOT_GIVEN = "—"
"""What stands where a figure was neither drawn nor typed in; never 0."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: `value` is a count, an amount in 分, a rate as a fraction, or a text; None is not known.

    `rows` are what it was drawn from: intake numbers of notices, `number@channel` of publications, project
    numbers, or `figure:id` of what was typed in.
    """

    name: str
    label: str
    unit: Unit
    value: int | Fraction | str | None
    rows: Sequence[str] = field(default=(), repr=False)

    @property
    def exact(self) -> str | None:
        """The value as text that says it all: what is kept and compared. Rates with six decimals of a percent."""
        if self.value is None:
            return None
        if isinstance(self.value, Fraction):
            return f"{rounded(self.value * 100, 6)}%"
        return str(self.value)


def rounded(value: Fraction | int, places: int) -> Decimal:
    """A fraction as a decimal, half up (away from zero)."""
    scaled = abs(Fraction(value)) * 10**places
    whole = (scaled + Fraction(1, 2)).__floor__()
    return Decimal(whole if value >= 0 else -whole).scaleb(-places)


# ---- how a figure is written


def exactly(value: int) -> str:
    """2893 → 2,893."""
    return f"{value:,}"


def over(value: int) -> str:
    """The office's way of saying a count: down to tens, with 余 where something is left. 2893 → 2890余, 890 → 890."""
    tens = value // 10 * 10
    return str(value) if value < 10 or tens == value else f"{tens}余"


def in_yi(fen: int) -> str:
    """分 as 亿元 with up to two decimals, as the office prints it: 21.06, 12.9, 3."""
    return _short(rounded(Fraction(fen, 10**10), 2))


def in_wan(fen: int) -> str:
    """分 as 万元 with two decimals: 775,064.72."""
    return f"{rounded(Fraction(fen, 10**6), 2):,.2f}"


def percent(rate: Fraction) -> str:
    """A rate in percent with up to two decimals: 21.7%, 3.77%."""
    return f"{_short(rounded(rate * 100, 2))}%"


def percent_short(rate: Fraction) -> str:
    """A rate in percent with up to one decimal: 21.7%."""
    return f"{_short(rounded(rate * 100, 1))}%"


def _short(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def fen_of(yuan: Decimal) -> int:
    """元 as whole 分."""
    return int((yuan * 100).quantize(Decimal(1), ROUND_HALF_UP))


_WRITERS: dict[str, Callable[[int], str]] = {"exact": exactly, "over": over, "yi": in_yi, "wan": in_wan}


def written(figure: Figure, style: str = "") -> str:
    """The figure in a style: exact, over, yi, wan, rate, rate1; without, the one of its unit.

    Raises ValueError for a style that the figure's unit does not have.
    """
    if figure.value is None:
        return NOT_GIVEN
    if isinstance(figure.value, str):
        return figure.value
    if figure.unit == "rate":
        if style not in ("", "rate", "rate1"):
            raise ValueError(f"{figure.name} is a rate and cannot be written as {style}")
        rate = Fraction(figure.value)
        return percent_short(rate) if style == "rate1" else percent(rate)
    chosen = style or ("wan" if figure.unit == "fen" else "exact")
    if chosen not in _WRITERS or (chosen in ("yi", "wan")) != (figure.unit == "fen"):
        raise ValueError(f"{figure.name} is a {figure.unit} and cannot be written as {chosen}")
    return _WRITERS[chosen](int(figure.value))
