"""What every row of rule data says: whom it asks, from when to when, how strictly, and who said so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from publisher.errors import Reason
from publisher.notice import Form, Kind, Notice, ProjectClass

Strictness = Literal["hold", "warn", "off"]
"""What a breach does: `hold` stops the notice for a person, `warn` is shown beside it, `off` asks nothing."""


class Row(BaseModel):
    """One row. Empty kinds, forms or classes mean all; `except_` takes out.

    In force from `valid_from` to `valid_to`, both days included; `source` names the text of law or the
    office's own decision, `sure` how the row's author knows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_.]*$")
    on_breach: Strictness = "hold"
    kinds: tuple[Kind, ...] = ()
    forms: tuple[Form, ...] = ()
    classes: tuple[ProjectClass, ...] = ()
    except_forms: tuple[Form, ...] = ()
    except_classes: tuple[ProjectClass, ...] = ()
    unless_failed: bool = False
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = Field(min_length=2)
    sure: Literal["law", "high", "medium", "practice"]

    def in_force(self, day: date | None) -> bool:
        """Whether the row holds on `day`; None asks for the row at any time."""
        if self.on_breach == "off":
            return False
        if day is None:
            return True
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def asked_of(self, notice: Notice) -> bool:
        """Whether the row speaks of such a notice."""
        return (
            (not self.kinds or notice.kind in self.kinds)
            and (not self.forms or notice.form in self.forms)
            and (not self.classes or notice.project_class in self.classes)
            and notice.form not in self.except_forms
            and notice.project_class not in self.except_classes
            and not (self.unless_failed and (notice.failed or notice.form is Form.FAILED_TENDER))
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, before the data says how strictly it is taken.

    `rule` is the id of the row that asks; `detail` complete Chinese for staff; `place` where it stands.
    """

    rule: str
    reason: Reason
    detail: str
    field: str | None = None
    place: str | None = None
