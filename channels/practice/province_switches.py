"""The switches of a practice province: how it reviews, and how it misbehaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from channels.practice.site_switches import CommonSwitches


@dataclass
class ProvinceSwitches(CommonSwitches):
    """How a practice province behaves, beside what is common to all.

    auto_publish_after  seconds after which the review lets a notice through by itself; negative: a person reviews
    script              successive answers to the question what became of a notice, the last one stays (as text:
                        with commas between; null: no word); 已发布 and 审核不通过 take effect
    reject              the review refuses everything, for this reason
    needs_original      change notices must quote the number of a notice that is public here
    captcha             whoever asks is shown a captcha
    forward_to          address of the higher practice site; empty: nothing is forwarded
    forward_after       seconds after which a public notice is forwarded there
    mutable             what is public can be changed and withdrawn; else that is refused
    """

    auto_publish_after: float = -1.0
    script: list[str | None] = field(default_factory=list)
    reject: str = ""
    needs_original: bool = False
    captcha: bool = False
    forward_to: str = ""
    forward_after: float = 0.0
    mutable: bool = False

    def change(self, values: Mapping[str, object]) -> None:
        """Set switches by name. Raises ValueError for what cannot be."""
        if "script" in values:
            self.script = _script(values["script"])
        super().change({name: value for name, value in values.items() if name != "script"})


def _script(value: object) -> list[str | None]:
    if isinstance(value, str):
        value = [word.strip() for word in value.split(",") if word.strip()]
    if not isinstance(value, list) or not all(word is None or isinstance(word, str) for word in value):
        raise ValueError("script must be a list of words, or words with commas between")
    return [None if word in (None, "null") else word for word in value]
