"""What a practice site refuses, as the real thing would."""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import unquote

from channels.practice.site_store import COLUMNS
from channels.practice.site_switches import Switches
from channels.practice.wire import Request

_MUST = {"key": "缺少发布标识", "title": "标题不能为空", "body": "正文不能为空"}


class Refused(Exception):
    """A refusal: status, message, and what is wrong with which field."""

    def __init__(self, status: int, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.fields = dict(fields or {})


def json_object(request: Request) -> dict[str, Any]:
    """The request's body as a JSON object. Raises Refused."""
    try:
        value = request.json()
    except ValueError:
        raise Refused(400, "请求不是有效的 JSON") from None
    if not isinstance(value, dict):
        raise Refused(400, "请求不是一个对象")
    return value


def checked(fields: Mapping[str, Any], switches: Switches) -> dict[str, str]:
    """The fields of a notice. Raises Refused with every problem at once."""
    problems = {name: words for name, words in _MUST.items() if not str(fields.get(name) or "").strip()}
    problems |= {name: "没有这个字段" for name in fields if name not in COLUMNS}
    problems |= {name: "应为文字" for name, value in fields.items() if not isinstance(value, str)}
    if switches.refuse_title and switches.refuse_title in str(fields.get("title")):
        problems["title"] = f"标题含有不允许的词：{switches.refuse_title}"
    if problems:
        raise Refused(422, "提交的内容有误", problems)
    if len(fields["body"].encode()) > switches.max_bytes:
        raise Refused(413, "正文过大")
    if "<script" in fields["body"].lower():
        raise Refused(422, "内容被安全策略拦截", {"body": "正文含有脚本"})
    return dict(fields)


def uploaded(request: Request) -> tuple[str, bytes, str]:
    """Name, bytes and delivery key of an upload: a multipart form, or bare bytes with headers. Raises Refused."""
    media_type = request.headers.get("content-type", "")
    if not media_type.startswith("multipart/form-data"):
        name = unquote(request.headers.get("x-file-name", ""))
        return _named(name), request.body, request.headers.get("x-key", "")
    head = b"Content-Type: " + media_type.encode() + b"\r\n\r\n"
    message = message_from_bytes(head + request.body, policy=policy.HTTP)
    parts = {str(part.get_param("name", header="content-disposition")): part for part in message.iter_parts()}
    if "file" not in parts:
        raise Refused(422, "提交的内容有误", {"file": "没有附件"})
    values = {name: bytes(part.get_payload(decode=True) or b"") for name, part in parts.items()}
    name = values.get("name", b"").decode() or str(parts["file"].get_filename() or "")
    return _named(name), values["file"], values.get("key", b"").decode()


def _named(name: str) -> str:
    if not name:
        raise Refused(422, "提交的内容有误", {"name": "附件没有名称"})
    return name
