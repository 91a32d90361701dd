"""The switches of a practice site: how it misbehaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

FAILURES = frozenset(
    {
        "",
        "reset_before_store",
        "reset_after_store",
        "500_before_store",
        "500_after_store",
        "429",
        "429_date",
        "503",
        "lock_out",
        "moved",
        "duplicate",
        "unknown_word",
        "error_in_200",
        "empty",
        "truncated",
    }
)
"""What `fail` may be: how creates, updates and withdrawals fail."""


@dataclass
class CommonSwitches:
    """How any practice site behaves; every switch can be changed while it runs.

    refuse_title    notices whose title holds this text are refused with field messages
    slow            seconds before a change is answered (after it is carried out)
    slow_query      seconds before a query is answered
    trickle         seconds between the bytes of such an answer
    fail            how changes fail: one of FAILURES
    fail_times      how many fail in this way before all is well again; negative: all
    fail_every      only every so many-th fails
    fail_query      how queries fail: one of FAILURES
    fail_files      how many uploads are refused as too large
    retry_after     seconds named by 429 and 503; 0: not named
    garble          the reader's page shows another text than was sent
    lose_files      attachments vanish from the pages
    practice_name   it names itself as a practice server
    key             the API key it demands; empty: none
    max_bytes       the largest body of a notice
    max_file_bytes  the largest attachment
    idempotent      a create with a key it knows is answered as a duplicate; else it is a second item
    query_after     seconds after storing before a query tells of an item; negative: never
    clock           the site's clock stands at this instant (ISO); empty: the machine's clock
    """

    refuse_title: str = ""
    slow: float = 0.0
    slow_query: float = 0.0
    trickle: float = 0.0
    fail: str = ""
    fail_times: int = -1
    fail_every: int = 1
    fail_query: str = ""
    fail_files: int = 0
    retry_after: int = 0
    garble: bool = False
    lose_files: bool = False
    practice_name: bool = True
    key: str = ""
    max_bytes: int = 2 * 1024**2
    max_file_bytes: int = 20 * 1024**2
    idempotent: bool = True
    query_after: float = 0.0
    clock: str = ""

    def change(self, values: Mapping[str, object]) -> None:
        """Set switches by name; text is understood as the switch's type. Raises ValueError for what cannot be."""
        kinds = {f.name: type(getattr(self, f.name)) for f in dataclasses.fields(self)}
        for name, value in values.items():
            if name not in kinds:
                raise ValueError(f"no switch {name!r}; there are: {', '.join(sorted(kinds))}")
            if name in {"fail", "fail_query"} and value not in FAILURES:
                raise ValueError(f"{name} must be one of {', '.join(sorted(FAILURES))}")
            setattr(self, name, _as(kinds[name], value))

    def as_dict(self) -> dict[str, object]:
        """All switches, without the key."""
        return {**dataclasses.asdict(self), "key": "***" if self.key else ""}


@dataclass
class Switches(CommonSwitches):
    """How a practice site behaves, beside what is common to all.

    public_after    seconds after storing before an item is public; until then it is under review
    reject          after the review the item is rejected
    withdraw_404    withdrawals are answered "not found" although the item is there
    tells_time      answers tell since when the item is visible
    """

    public_after: float = 0.0
    reject: bool = False
    withdraw_404: bool = False
    tells_time: bool = False


def _as(kind: type, value: object) -> object:
    if kind is bool:
        if isinstance(value, bool):
            return value
        words = {
            "true": True,
            "1": True,
            "yes": True,
            "on": True,
            "false": False,
            "0": False,
            "no": False,
            "off": False,
        }
        if str(value).lower() not in words:
            raise ValueError(f"{value!r} is neither true nor false")
        return words[str(value).lower()]
    return kind(value)
