"""Puts what staff state beside a file into what was read: they correct the reader, never the printed text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from publisher.errors import Problem, Reason
from publisher.intake.extract.facts import Facts
from publisher.intake.extract.kinds import DEFAULT_FORM
from publisher.intake.sidecar import WHOLE_FILE, Stated
from publisher.notice import FORM_KIND, Form, Kind, Money, Notice, OriginalNotice, Party

_PLAIN = ("title", "project_no", "project_name", "round", "sequence", "bid_deadline", "bid_opening")
_AMOUNTS = ("budget", "control_price")
_DAYS = ("publicity_start", "publicity_end")
_PARTIES = ("tenderee", "agency")


def form_stated(stated: Stated, read: Form | None) -> Form | None:
    """The form that staff state; a mere kind keeps the form that was read where it is of that kind."""
    value = stated.values.get("form")
    if isinstance(value, Kind):
        return read if read is not None and FORM_KIND[read] is value else DEFAULT_FORM[value]
    return value


def state_facts(facts: Facts, stated: Stated) -> None:
    """Set the fields that are stated, each with the place where it is; what the reader doubted of them is settled."""
    values = stated.values
    for name in (*_PLAIN, *_AMOUNTS, *_DAYS):
        if name in values:
            setattr(facts, name, values[name])
    if "lots" in values:
        known = {lot.no: lot for lot in facts.lots}
        facts.lots = [known.get(lot.no, lot) for lot in values["lots"]]
    for name in _PARTIES:
        if name in values:
            setattr(facts, name, _party(values[name], getattr(facts, name)))
    if "first_published" in values:
        original = facts.original or OriginalNotice(project_no=facts.project_no, project_name=facts.project_name)
        facts.original = original.model_copy(update={"first_published": values["first_published"]})
    if facts.original is not None:
        named = {name: values[name] for name in ("project_no", "project_name") if name in values}
        facts.original = facts.original.model_copy(update=named)
    facts.places.update({name: place for name, place in stated.places.items() if name not in _WISHES})


_WISHES = ("channels", "not_channels", "urgent")


def _party(name: str | None, known: Party | None) -> Party | None:
    if name is None:
        return None
    return known.model_copy(update={"name": name}) if known is not None else Party(name=name)


def state_notice(notice: Notice, stated: Stated) -> tuple[Notice, tuple[Problem, ...]]:
    """A notice that came as data with the stated fields set; what does not fit the schema is a problem."""
    values = stated.values
    changed: dict[str, Any] = {name: values[name] for name in ("title", "project_no", "project_name") if name in values}
    changed |= {name: values[name] for name in ("round", "sequence", "lots", "project_class") if name in values}
    changed |= {name: _money(values[name]) for name in _AMOUNTS if name in values}
    changed |= {name: _party(values[name], getattr(notice, name)) for name in _PARTIES if name in values}
    if form := form_stated(stated, notice.form):
        changed |= {"form": form, "kind": FORM_KIND[form]}
    dates = {name: values[name] for name in ("bid_deadline", "bid_opening", *_DAYS) if name in values}
    if dates:
        changed["dates"] = notice.dates.model_copy(update=dates)
    if "first_published" in values:
        original = notice.original or OriginalNotice(project_no=notice.project_no)
        changed["original"] = original.model_copy(update={"first_published": values["first_published"]})
    if "publish_at" in values:
        changed["publish_at"] = values["publish_at"]
    if not changed:
        return notice, ()
    try:
        return Notice.model_validate(notice.model_dump() | _dumped(changed)), ()
    except ValidationError as error:
        told = "；".join(str(item["msg"]) for item in error.errors())
        return notice, (Problem(Reason.SIDECAR_INVALID, f"说明文件所填内容不能用于本公告：{told}"),)


def _money(amount: Any) -> Money | None:
    return None if amount is None else amount.money


def _dumped(changed: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(plain(item) for item in value)
        return value.model_dump() if hasattr(value, "model_dump") else value

    return {name: plain(value) for name, value in changed.items()}


def unfit_for_several(stated: Stated) -> tuple[Problem, ...]:
    """What may not be stated for a file that holds several notices."""
    wrong = [place for name, place in stated.places.items() if name not in WHOLE_FILE]
    if not wrong:
        return ()
    detail = f"文件中有多份公告，{'、'.join(wrong)}所填的项目不能用于每一份；请改在表格中填写。"
    return (Problem(Reason.SIDECAR_INVALID, detail),)
