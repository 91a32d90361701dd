"""Takes secrets out of whatever may be logged, shown or stored."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"

_QUERY = re.compile(r"(https?://[^\s?'\"<>]+)\?[^\s'\"<>]*", re.IGNORECASE)
_USER = re.compile(r"(https?://)[^\s/@'\"]+@", re.IGNORECASE)
_HEADER = re.compile(r"((?:proxy-)?authorization|(?:set-)?cookie)(['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+", re.IGNORECASE)
_PAIR = re.compile(
    r"\b(access_token|token|secret|appsecret|password|passwd|pwd|api_?key|signature)(=)[^&\s'\"<>]+", re.IGNORECASE
)


def _spellings(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode()


class Redactor:
    """Masks the given secrets in every spelling they travel in, and anything that looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
        # the longest first, so that no rest of a longer spelling stays behind
        ordered = sorted(spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self._bytes = re.compile(b"|".join(re.escape(s.encode()) for s in ordered)) if ordered else None

    def __call__(self, text: str) -> str:
        """The text without secrets, query strings, user names in addresses and credentials in headers."""
        text = self.in_text(text)
        text = _USER.sub(rf"\1{MASK}@", _QUERY.sub(r"\1?…", text))
        return _PAIR.sub(rf"\1\2{MASK}", _HEADER.sub(rf"\1\2{MASK}", text))

    def in_text(self, text: str) -> str:
        """The text with the given secrets masked, and nothing else: for numbers and addresses of receipts."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text

    def in_bytes(self, data: bytes) -> bytes:
        """The bytes with the given secrets masked, and nothing else."""
        return self._bytes.sub(MASK.encode(), data) if self._bytes is not None else data
