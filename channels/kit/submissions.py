"""What templates in an adapter's options see of a submission.

The variables: `key`, `notice_key`, `title`, `body` (HTML), `text`, `kind`, `kind_label`, `form`,
`project_class`, `project_class_label`, `project_no`, `project_name`, `tenderee`, `agency`, `budget` and
`control_price` (元), `winners` (names), `bid_deadline`, `printed_on`, `number` and `url` (the site's own, from
the last receipt), `original_number` and `original_url` (the site's own, of the first notice quoted),
`original_date` (as printed), `references`, `reason` (of an update or withdrawal), `attachments` (each with
`name`, `size`, `media_type`, `sha256`, `ref`) and `secrets`. What is not known is the empty text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from publisher.channel import Attachment, Submission
from publisher.notice import LOCAL, Money, Notice, Party

Values = Mapping[str, Any]
"""The variables of the templates."""


def number_of(submission: Submission) -> str | None:
    """The number that the site gave on the last receipt."""
    return submission.last_receipt.number if submission.last_receipt else None


def submission_values(submission: Submission, secrets: Mapping[str, str]) -> dict[str, Any]:
    """The variables for one submission; `attachments` is empty until they are uploaded."""
    notice = submission.version.notice
    references = [
        {
            "number": reference.number or "",
            "url": reference.url or "",
            "project_no": reference.project_no or "",
            "title": reference.title or "",
            "first_published": reference.first_published.isoformat() if reference.first_published else "",
        }
        for reference in submission.references
    ]
    first = references[0] if references else {"number": "", "url": "", "first_published": ""}
    last = submission.last_receipt
    return {
        "key": submission.delivery_key,
        "notice_key": submission.notice_key,
        "title": submission.rendition.title,
        "body": submission.rendition.text,
        **_notice_values(notice),
        "number": (last.number if last else None) or "",
        "url": (last.url if last else None) or "",
        "original_number": first["number"],
        "original_url": first["url"],
        "original_date": first["first_published"],
        "references": references,
        "reason": submission.reason,
        "attachments": [],
        "secrets": dict(secrets),
    }


def _notice_values(notice: Notice) -> dict[str, str]:
    return {
        "text": notice.text,
        "kind": notice.kind.value,
        "kind_label": notice.kind.label,
        "form": notice.form.value,
        "project_class": notice.project_class.value,
        "project_class_label": notice.project_class.label,
        "project_no": notice.project_no or "",
        "project_name": notice.project_name or "",
        "tenderee": _name(notice.tenderee),
        "agency": _name(notice.agency),
        "budget": _yuan(notice.budget),
        "control_price": _yuan(notice.control_price),
        "winners": "、".join(winner.name for winner in notice.winners),
        "bid_deadline": _when(notice.dates.bid_deadline),
        "printed_on": _when(notice.dates.printed_on),
    }


def _name(party: Party | None) -> str:
    return party.name if party else ""


def _yuan(money: Money | None) -> str:
    return f"{money.yuan:f}" if money is not None and money.yuan is not None else ""


def _when(when: datetime | date | None) -> str:
    if isinstance(when, datetime):
        return when.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")
    return when.isoformat() if when else ""


def attachment_values(attachment: Attachment, ref: str = "") -> dict[str, Any]:
    """What templates see of an attachment; `ref` is what the site names it by."""
    of = attachment.ref
    return {"name": of.name, "size": of.size, "media_type": of.media_type, "sha256": of.sha256, "ref": ref}
