"""How a practice site fails when its switches say so: before it stores, or after."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from channels.practice.site_switches import CommonSwitches
from channels.practice.wire import Response, json_response


class FailureCount:
    """Which of the calls fail: all, the next few, or every so many-th."""

    def __init__(self, switches: CommonSwitches) -> None:
        self._switches = switches
        self._asked = 0
        self._failed = 0
        self._lock = threading.Lock()

    def restart(self) -> None:
        """Count from the beginning."""
        with self._lock:
            self._asked = self._failed = 0

    def next(self) -> str:
        """How this call fails; empty: it does not."""
        switches = self._switches
        if not switches.fail:
            return ""
        with self._lock:
            self._asked += 1
            due = self._asked % switches.fail_every == 0
            if not due or 0 <= switches.fail_times <= self._failed:
                return ""
            self._failed += 1
        return switches.fail


def early_failure(failure: str, retry_after: int, now: datetime) -> Response | None:
    """The answer that is given instead of carrying the request out; None: it is carried out."""
    if failure == "429_date":
        when = format_datetime((now + timedelta(seconds=retry_after)).astimezone(UTC), usegmt=True)
        return json_response(429, {"result": "busy", "message": "提交过于频繁"}, headers={"Retry-After": when})
    wait = {"Retry-After": str(retry_after)} if retry_after else {}
    answers = {
        "reset_before_store": Response(reset=True),
        "500_before_store": json_response(500, {"result": "error", "message": "内部错误"}),
        "429": json_response(429, {"result": "busy", "message": "提交过于频繁"}, headers=wait),
        "503": json_response(503, {"result": "busy", "message": "系统维护中"}, headers=wait),
        "moved": Response(302, headers={"Location": "/login"}),
        "error_in_200": json_response(200, {"result": "refused", "message": "栏目不存在", "errors": {}}),
    }
    return answers.get(failure)


def late_failure(failure: str, response: Response) -> Response:
    """What becomes of the answer to a request that was carried out."""
    if failure == "duplicate" and response.media_type.startswith("application/json"):
        return json_response(200, {**json.loads(response.body), "result": "duplicate"}, delay=response.delay)
    answers = {
        "reset_after_store": replace(response, reset=True),
        "500_after_store": json_response(500, {"result": "error", "message": "内部错误"}),
        "unknown_word": json_response(200, {"result": "SUMITTED"}),
        "empty": Response(200, b""),
        "truncated": replace(response, body=response.body[: len(response.body) // 2]),
    }
    return answers.get(failure, response)
