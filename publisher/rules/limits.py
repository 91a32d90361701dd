"""What a channel cannot take of a notice, found before any channel hears of it: all limits at once, with figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from publisher.channel import Capabilities, Fidelity, Limits, Rendition
from publisher.errors import ADVICE, PermanentFailure, Problem, Reason
from publisher.notice import AttachmentRef, Notice, html_to_text

_LISTED = 20
"""Offending characters named in one message; more are counted."""


def exceeded(
    notice: Notice,
    rendition: Rendition,
    capabilities: Capabilities,
    *,
    channel_name: str,
    channel_title: str,
) -> tuple[Problem, ...]:
    """Every limit of the channel that the notice, its rendition and its attachments exceed.

    Reasons are LIMIT_EXCEEDED and CANNOT_BE_SHOWN. Nothing is ever cut to fit. Characters are Unicode
    characters of the rendition as it is sent; bytes are those of the channel's charset (UTF-8 if it names none).
    """
    found = [
        *_too_much(notice, rendition, capabilities),
        *_attachments_too_large(notice.attachments, capabilities.limits),
    ]
    problems = [Problem(Reason.LIMIT_EXCEEDED, f"{channel_title}：{what}。", channel=channel_name) for what in found]
    if what := _not_shown(notice, rendition, capabilities):
        problems.append(Problem(Reason.CANNOT_BE_SHOWN, f"{channel_title}：{what}。", channel=channel_name))
    return tuple(problems)


def foreseen(refusals: Sequence[PermanentFailure], *, channel_name: str, channel_title: str) -> tuple[Problem, ...]:
    """What the channel itself says beforehand that it would refuse, as problems like those of `exceeded`."""
    return tuple(
        Problem(
            Reason.CANNOT_BE_SHOWN if error.reason is Reason.CANNOT_BE_SHOWN else Reason.LIMIT_EXCEEDED,
            f"{channel_title}：{error.detail or ADVICE[error.reason]}",
            channel=channel_name,
        )
        for error in refusals
    )


def _too_much(notice: Notice, rendition: Rendition, capabilities: Capabilities) -> Iterator[str]:
    limits = capabilities.limits
    body = rendition.text
    size = len(body.encode(capabilities.charset or "utf-8", "replace"))
    measured = (
        ("标题", len(rendition.title), limits.title_chars, "个字"),
        ("正文（含排版标记）", len(body), limits.body_chars, "个字符"),
        ("正文（含排版标记）", size, limits.body_bytes, "字节"),
        ("附件", len(notice.attachments), limits.attachments, "个"),
    )
    for what, is_now, limit, unit in measured:
        if limit is not None and is_now > limit:
            yield f"{what}有 {is_now:,} {unit}，上限为 {limit:,} {unit}，超出 {is_now - limit:,} {unit}"


def _attachments_too_large(attachments: Sequence[AttachmentRef], limits: Limits) -> Iterator[str]:
    limit = limits.attachment_bytes
    for attachment in attachments:
        if limit is not None and attachment.size > limit:
            yield f"附件“{attachment.name}”有 {attachment.size:,} 字节，上限为 {limit:,} 字节"


def _not_shown(notice: Notice, rendition: Rendition, capabilities: Capabilities) -> str:
    charset = capabilities.charset
    if charset is None:
        return ""
    # Written by its number a character is shown by a page in any charset, if the page goes out as it is.
    as_sent = capabilities.fidelity is Fidelity.FULL or "html" not in rendition.media_type
    visible = rendition.text if as_sent else html_to_text(rendition.text)
    shown = rendition.title + visible + "".join(attachment.name for attachment in notice.attachments)
    offending = [char for char in dict.fromkeys(shown) if not _expressible(char, charset)]
    if not offending:
        return ""
    listed = "、".join(f"“{char}”（U+{ord(char):04X}）" for char in offending[:_LISTED])
    more = f" 等 {len(offending)} 个字符" if len(offending) > _LISTED else ""
    return f"无法显示 {listed}{more}（该渠道的编码为 {charset}），请换用其他写法"


def _expressible(char: str, charset: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
