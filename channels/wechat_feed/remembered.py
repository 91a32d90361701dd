"""What is remembered of every notice that is shown, so that the same set gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from channels.wechat_feed.common import sha256
from publisher.channel import Context, Item
from publisher.errors import Reason, TransientFailure
from publisher.notice import text_digest


class Stamp(BaseModel):
    """What is remembered of a notice that is shown.

    `text`: digest of title and text; `made`: digest of all that its page was made from; `page`:
    digest of the page's bytes; `shows`: text digest of the body on the page.
    """

    model_config = ConfigDict(frozen=True)

    shown: AwareDatetime
    updated: AwareDatetime
    text: str
    made: str = ""
    page: str = ""
    shows: str = ""


_STAMPS = TypeAdapter(dict[str, Stamp])


def read_stamps(kept: str | None) -> dict[str, Stamp]:
    """By notice key, what was kept in the channel's store."""
    try:
        return _STAMPS.validate_json(kept or "{}")
    except ValidationError:
        return {}  # an older program's form: all is made anew, ids and links stay


def remember(context: Context, kept: str | None, stamps: Mapping[str, Stamp]) -> None:
    """Keep the stamps in place of `kept`. Raises `TransientFailure` where another show has kept others meanwhile."""
    new = _STAMPS.dump_json(dict(sorted(stamps.items()))).decode()
    if new != kept and not context.store.compare_and_set("entries", kept, new):
        raise TransientFailure(Reason.NO_LONGER_MINE, "展示期间另一个进程写入了更新的集合")


def stamp_of(item: Item, title: str, old: Stamp | None, now: datetime) -> Stamp:
    """When the notice was first shown, and when its title or text last changed."""
    shown = item.visible_since or (old.shown if old else now)
    text = sha256(f"{text_digest(title)} {item.rendition.text_digest}".encode())
    if old is None or (old.text == text and old.updated == old.shown):
        updated = shown
    else:
        updated = old.updated if old.text == text else now
    made = old.model_dump(include={"made", "page", "shows"}) if old else {}
    return Stamp(shown=shown, updated=max(shown, updated), text=text, **made)
