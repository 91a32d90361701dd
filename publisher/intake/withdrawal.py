"""A file named 撤回…: staff ask that a notice be taken back. A named person settles the request; it acts on nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from publisher.errors import NoticeReturned
from publisher.intake.readers.detect import FileType, file_type
from publisher.intake.readers.plain import decode
from publisher.intake.reading import NamedBytes

_NAMED = re.compile(r"^[\s（(【\[]*撤回(?:申请|请求|公告|通知)?[】\])）]*(?P<rest>.*)$", re.S)
_NUMBER = re.compile(r"(?<![\w-])(?:编号|intake|N)?\s*[：:#]?\s*(\d{1,7}(?:-\d{1,4})?)(?![\w-])")
_PROJECT = re.compile(r"[A-Za-z0-9\[\]〔〕()（）\u4e00-\u9fff]*[A-Za-z0-9][A-Za-z0-9\-/_\[\]〔〕()（）]{4,60}")
_LABELLED = re.compile(r"(?:收件)?编号\s*[：:]\s*(\S+)|项目编号\s*[：:]\s*(\S+)")
_LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class WithdrawalRequest:
    """What is asked: `references` may be intake numbers or project numbers, most certain first; `text` as written."""

    references: tuple[str, ...]
    text: str = ""


def requested(name: str, files: Sequence[NamedBytes]) -> WithdrawalRequest | None:
    """The request that a file of this name makes, or None where its name does not begin with 撤回."""
    named = _NAMED.match(PurePosixPath(name).stem)
    if named is None:
        return None
    text = _text(files)
    found = [group for match in _LABELLED.finditer(text) for group in match.groups() if group]
    rest = named["rest"].strip(" _-－—:：")
    found += [match.group(1) for match in _NUMBER.finditer(rest)]
    found += [match.group(0) for match in _PROJECT.finditer(rest)]
    found += [match.group(1) for match in _NUMBER.finditer(text.split("\n")[0])] if not found else []
    return WithdrawalRequest(tuple(dict.fromkeys(one.strip("。，；") for one in found)), text)


def _text(files: Sequence[NamedBytes]) -> str:
    if len(files) != 1 or file_type(files[0].data) is not FileType.TEXT:
        return ""
    try:
        return decode(files[0].data)[:_LONGEST_TEXT]
    except NoticeReturned:
        return ""
