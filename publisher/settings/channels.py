"""The sections of channels.toml: what a channel is, carries, and how many persons approve what goes there."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, field_validator, model_validator

from publisher.channel import Tier
from publisher.delivery import Operation
from publisher.hours import opens_at, patience
from publisher.notice import FORM_KIND, Form, Kind, ProjectClass
from publisher.settings.values import Duration, PathText, QuietText, Section, WindowText


class RateSettings(Section):
    """At most `calls` (submit, show and find together) in any stretch of `per`."""

    calls: StrictInt = Field(ge=1)
    per: Duration


class Condition(Section):
    """What a notice must be for a routing rule beside form and class; several conditions must all be met.

    `amount_over`, `amount_up_to`: of the budget, ceiling or award in 元, as printed; `lots_over`: more lots than.
    """

    amount_over: StrictInt | None = Field(default=None, ge=0)
    amount_up_to: StrictInt | None = Field(default=None, ge=0)
    lots_over: StrictInt | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.amount_over is None and self.amount_up_to is None and self.lots_over is None:
            raise ValueError("is empty; write amount_over, amount_up_to or lots_over")
        return self

    @property
    def label(self) -> str:
        """The condition in words (Chinese)."""
        words = [f"金额超过 {self.amount_over:,} 元"] if self.amount_over is not None else []
        words += [f"金额不超过 {self.amount_up_to:,} 元"] if self.amount_up_to is not None else []
        words += [f"多于 {self.lots_over} 个标段"] if self.lots_over is not None else []
        return "，".join(words)


class CarriesRule(Section):
    """One row of a channel's routing matrix: empty kinds, forms or classes mean all.

    `valid_from`, `valid_to`: first and last local day of publication on which the rule holds. `when`: a condition;
    a notice that prints no amount meets one about amounts, unless the rule says none: rather one too many.
    `default` counts for optional only: whether the channel gets the notice unless a person says otherwise.
    """

    valid_from: date | None = None
    valid_to: date | None = None
    when: Condition | None = None

    kinds: tuple[Kind, ...] = ()
    forms: tuple[Form, ...] = ()
    classes: tuple[ProjectClass, ...] = ()
    carry: Literal["mandatory", "optional", "none"]
    default: StrictBool = True

    @model_validator(mode="after")
    def _can_match(self) -> Self:
        alien = [form.value for form in self.forms if self.kinds and FORM_KIND[form] not in self.kinds]
        if alien:
            raise ValueError(f"form {alien[0]} is of none of these kinds; take the form or the kinds out")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from; exchange them")
        return self

    @property
    def matches_all(self) -> bool:
        """Whether no notice passes this rule by."""
        return not (self.kinds or self.forms or self.classes or self.when or self.valid_from or self.valid_to)

    def holds_on(self, day: date) -> bool:
        """Whether the rule holds for what is published on a local day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def matches(self, kind: Kind, form: Form, project_class: ProjectClass) -> bool:
        """Whether the rule speaks of such a notice."""
        return (
            (not self.kinds or kind in self.kinds)
            and (not self.forms or form in self.forms)
            and (not self.classes or project_class in self.classes)
        )


class ApprovalRule(Section):
    """One row of the approval rules: empty kinds, forms, classes or channels mean all.

    `persons`: how many different persons must approve such a notice before it goes to such a channel.
    """

    kinds: tuple[Kind, ...] = ()
    forms: tuple[Form, ...] = ()
    classes: tuple[ProjectClass, ...] = ()
    channels: tuple[StrictStr, ...] = ()
    persons: Literal[0, 1, 2]

    def matches(self, form: Form, project_class: ProjectClass, channel: str) -> bool:
        """Whether the rule speaks of such a notice on such a channel."""
        return (
            (not self.kinds or FORM_KIND[form] in self.kinds)
            and (not self.forms or form in self.forms)
            and (not self.classes or project_class in self.classes)
            and (not self.channels or channel in self.channels)
        )


class ApprovalSettings(Section):
    """Who must approve what: the first rule that matches decides; none matches: `approvals`."""

    rules: tuple[ApprovalRule, ...] = ()


POLL_PLAN = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 360, 720))
"""When a taken delivery is asked for, counted from the last asking; the last span repeats."""


class ChannelSettings(Section):
    """One section of `channels.toml`; its heading is the channel's `name`.

    `title`: the Chinese name that staff read; `adapter`: "module:Class"; `due_within`: legal or agreed time from the
    base instant to being public; `due_working_days` wins over it and counts working days to the end of the last;
    `attempt` None: as `[sending] attempt`; `poll`: the sparse plan for deliveries that are taken but not public;
    `read_back`: when a published delivery is read back and its text compared, counted from the last look (empty:
    never); `windows`, `quiet`: when something may be published (empty: always), and days on which nothing is;
    `shown_for`, `refresh`: sets only, how long an item stays and how often the set is shown again;
    `options`: the adapter's own keys; `secrets`: secret name → environment variable; `folder` None: `out/<name>`
    under data.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", strict=True)
    title: StrictStr = Field(min_length=1)
    adapter: StrictStr = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    tier: Tier
    enabled: StrictBool = True
    practice: StrictBool = True
    designated_for: tuple[ProjectClass, ...] = ()
    carries: tuple[CarriesRule, ...] = ()
    due_within: Duration = timedelta(hours=12)
    due_working_days: StrictInt | None = Field(default=None, ge=1, le=30)
    rate: RateSettings | None = None
    concurrency: StrictInt = Field(default=4, ge=1, le=256)
    attempt: Duration | None = None
    poll: tuple[Duration, ...] = Field(default=POLL_PLAN, min_length=1)
    operations: tuple[Operation, ...] = (Operation.PUBLISH,)
    windows: tuple[WindowText, ...] = ()
    quiet: tuple[QuietText, ...] = ()
    shown_for: Duration | None = None
    read_back: tuple[Duration, ...] = (timedelta(minutes=1),)
    refresh: Duration | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, StrictStr] = Field(default_factory=dict)
    folder: PathText | None = None

    def opens_at(self, moment: datetime) -> datetime:
        """The first instant from `moment` on at which something may be published here; `moment` itself if open."""
        return opens_at(self.windows, self.quiet, moment)

    def patience(self, moment: datetime, lasting: timedelta) -> timedelta:
        """How long from `moment` on it takes until `lasting` of open time has passed."""
        return patience(self.windows, self.quiet, moment, lasting) - moment

    @field_validator("operations")
    @classmethod
    def _publishes(cls, operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
        if Operation.PUBLISH not in operations:
            raise ValueError('must hold "publish"; to switch the channel off write enabled = false')
        return operations

    @field_validator("carries")
    @classmethod
    def _reachable(cls, rules: tuple[CarriesRule, ...]) -> tuple[CarriesRule, ...]:
        for number, rule in enumerate(rules[:-1], start=1):
            if rule.matches_all:
                raise ValueError(
                    f"rule {number} matches every notice, so the rules after it are never used; put it last"
                )
        return rules

    @field_validator("secrets")
    @classmethod
    def _variable_names(cls, secrets: dict[str, str]) -> dict[str, str]:
        for name, variable in secrets.items():
            if not re.fullmatch(r"[A-Z][A-Z0-9_]*", variable):
                raise ValueError(
                    f"{name} must be the name of an environment variable in capitals, such as CITY_SITE_PASSWORD, "
                    "never the secret itself"
                )
        return secrets

    @field_validator("options")
    @classmethod
    def _no_secret_here(cls, options: dict[str, Any]) -> dict[str, Any]:
        for key, value in options.items():
            if isinstance(value, str) and re.search(r"(password|passwd|secret|token|api_?key)$", key):
                raise ValueError(f"{key} looks like a secret; name its environment variable under secrets instead")
        return options
