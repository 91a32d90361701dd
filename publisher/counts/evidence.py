"""The evidence pack: everything that proves what became of one notice, in one ZIP that anybody can read.

Asked for twice, it is the same file, byte for byte, however long the log has grown meanwhile: it holds the rows of
its notice, the first head file after each of them, and the rows between. Only a later act on the notice, or the
first head after one, makes another file.
"""

from __future__ import annotations

import importlib.resources
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import Connection, select

from publisher.counts.export import joined, zipped
from publisher.counts.extract import extract
from publisher.counts.views import AnyRow, DeliveryView, NoticeView, one_notice
from publisher.delivery import State
from publisher.ledger.chain import iso
from publisher.ledger.contents import read_blob
from publisher.ledger.tables import head, publication_log, version
from publisher.notice import LOCAL

_ATTEMPT = ("id", "call", "started_at", "ended_at", "outcome", "reason", "detail", "evidence", "request_digest")
_ASKED = ("id", "started_at", "ended_at", "finding", "detail", "digest")
_DELIVERY = ("id", "channel", "tier", "operation", "mandatory", "state", "delivery_key", "channel_number", "url")
_PROOF = ("visible_since", "shown_digest", "rendition_digest", "rendition_sha256", "receipt_sha256")
_ENDINGS = {"text/html": "html", "text/plain": "txt", "application/json": "json"}


@dataclass(frozen=True, slots=True)
class Pack:
    """A ZIP, how many rows of other notices are in it, and how many were withheld because they are not public yet."""

    data: bytes
    links: int
    withheld: int


def pack(
    conn: Connection,
    number: str,
    heads_folder: Path,
    titles: Mapping[str, str],
    events: Mapping[str, str],
    *,
    linked: bool | None = None,
) -> Pack:
    """The ZIP of one intake number. `titles`: Chinese names of channels; `events`: of what the log records.

    `linked`: with the rows of other notices that lead from this one's rows to the heads; None: unless one of these
    notices never was public.
    Raises `NotAllowed` if there is no such number.
    """
    seen = one_notice(conn, number)
    rows = _log_of(conn, seen)
    end = _End(number, *conn.execute(select(head.c.ledger_id, head.c.real)).one(), rows[-1].seq, rows[-1].hash)
    files: dict[str, bytes] = {}
    files |= _source(conn, seen)
    files |= _version(conn, seen)
    for one in seen.deliveries:
        files |= _delivery(conn, one)
    cut = extract(conn, rows, heads_folder, end.ledger_id, linked=linked)
    files["日志/日志.jsonl"] = joined(cut.rows)
    if cut.links:
        files["日志/连接.jsonl"] = joined(cut.links)
    files["日志/本公告末行.json"] = _pretty(asdict(end))
    files |= {f"日志/{path.name}": path.read_bytes() for path in cut.heads}
    files |= _how_to_check(end)
    page = _index(seen, list(files), titles, events, end)
    data = zipped({"index.html": page.encode(), **dict(sorted(files.items()))})
    return Pack(data, len(cut.links), cut.withheld)


def _log_of(conn: Connection, seen: NoticeView) -> list[AnyRow]:
    """The rows of the notice; of a row of a workbook, with the one in which its file was claimed."""
    if seen.intake.sub == 0:
        return list(seen.log)
    column = publication_log.c
    query = select(publication_log).where(column.number == str(seen.intake.n), column.event == "claimed")
    return sorted([*conn.execute(query), *seen.log], key=lambda row: row.seq)


def _how_to_check(end: _End) -> dict[str, bytes]:
    """How the pack is checked by whoever has nothing but Python, and the program that does it."""
    folder = importlib.resources.files("templates").joinpath("evidence")
    how = tomllib.loads(folder.joinpath("wording.toml").read_text("utf-8"))["how"]
    told = how.strip().format(number=end.number, seq=end.seq, hash=end.hash)
    return {"校验方法.txt": f"\ufeff{told}\n".encode(), "校验.py": folder.joinpath("check.py").read_bytes()}


@dataclass(frozen=True, slots=True)
class _End:
    """The last row of the log about this notice, and the ledger that it stands in."""

    number: str
    ledger_id: str
    real: bool
    seq: int
    hash: str


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, default=_plain) + "\n").encode()


def _plain(value: Any) -> str:
    return iso(value) if hasattr(value, "astimezone") else str(value)


def _chosen(row: AnyRow, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names if getattr(row, name) is not None}


def _safe(name: str) -> str:
    """A name that stays inside its folder, whoever unpacks it."""
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return "/".join(part.replace(":", "：") for part in parts) or "文件"


def _source(conn: Connection, seen: NoticeView) -> dict[str, bytes]:
    """The bytes as they were dropped; of a folder its list and each of its files."""
    row = seen.intake
    data = read_blob(conn, row.sha256) if _stored(conn, row.sha256) else None
    if data is None:
        return {}
    stated = row.sidecar_sha256
    beside = {f"原件/{_safe(row.file_name)}.yaml": read_blob(conn, stated)} if stated and _stored(conn, stated) else {}
    if not row.is_folder:
        return {f"原件/{_safe(row.file_name)}": data, **beside}
    files = {"原件/清单.json": data, **beside}
    for listed in json.loads(data)["files"]:
        name, sha256 = _listed(listed)
        if _stored(conn, sha256):
            files[f"原件/{_safe(name)}"] = read_blob(conn, sha256)
    return files


def _listed(entry: Any) -> tuple[str, str]:
    """Name and hash of one file of a folder's list."""
    return unquote(str(entry["path"]), errors="replace"), str(entry["sha256"])


def _stored(conn: Connection, sha256: str) -> bool:
    try:
        read_blob(conn, sha256)
    except LookupError:
        return False
    return True


def _version(conn: Connection, seen: NoticeView) -> dict[str, bytes]:
    if seen.notice is None:
        return {}
    row = conn.execute(select(version).where(version.c.id == seen.intake.version_id)).one()
    approvals = [_chosen(a, ("by", "account", "digests", "given_at")) for a in seen.approvals]
    files = {
        # Exactly the stored text: its sha256 stands in the log.
        "版本/version.json": row.content.encode(),
        "版本/正文.html": seen.notice.body_html.encode(),
        "版本/正文.txt": seen.notice.text.encode(),
        "版本/批准.json": _pretty(approvals),
    }
    for ref in seen.notice.attachments:
        if _stored(conn, ref.sha256):
            files[f"版本/附件/{_safe(ref.name)}"] = read_blob(conn, ref.sha256)
    return files


def _folder(row: AnyRow) -> str:
    return f"渠道/{_safe(row.channel)}-{row.id}-{row.operation}"


def _delivery(conn: Connection, one: DeliveryView) -> dict[str, bytes]:
    row, folder = one.row, _folder(one.row)
    ending = _ENDINGS.get(row.rendition_media_type.partition(";")[0], "bin")
    files = {
        f"{folder}/发布任务.json": _pretty(_chosen(row, (*_DELIVERY, *_PROOF))),
        f"{folder}/发送记录.json": _pretty([_chosen(each, _ATTEMPT) for each in one.attempts]),
        f"{folder}/查询与回读.json": _pretty([_chosen(each, _ASKED) for each in one.observations]),
    }
    if _stored(conn, row.rendition_sha256):
        files[f"{folder}/发布文本.{ending}"] = read_blob(conn, row.rendition_sha256)
    if row.receipt is not None:
        files[f"{folder}/渠道回执.json"] = row.receipt.encode()  # exactly the stored text, hashed in the log
    if one.tasks:
        tasks = [_chosen(each, ("what", "text", "opened_at", "done_at", "done_by", "proof")) for each in one.tasks]
        files[f"{folder}/人工事项.json"] = _pretty(tasks)
    return files


# ---- the page

_STYLE = (
    "body{font-family:'Noto Sans SC','Microsoft YaHei',sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.3em .5em;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}.practice{background:#fe9;padding:.5em;font-weight:bold}"
)


def _index(
    seen: NoticeView, names: Sequence[str], titles: Mapping[str, str], events: Mapping[str, str], end: _End
) -> str:
    title = seen.notice.title if seen.notice else seen.intake.file_name
    mark = "" if end.real else '<p class="practice">演练账本：以下内容不是正式发布的证据。</p>'
    parts = [
        f"<h1>公告发布证据：编号 {escape(seen.number)}</h1>{mark}<p>{escape(title)}</p>",
        _section("收件", ["项目", "内容"], _intake_rows(seen)),
        _section(
            "各渠道",
            ["渠道", "结果", "公开时间", "渠道编号", "网址", "文本一致"],
            [_channel_cells(one.row, titles) for one in seen.deliveries],
        ),
        _section(
            "经过",
            ["日志行", "时间", "渠道", "事项", "经办"],
            [
                (
                    row.seq,
                    _shown(row.recorded_at),
                    titles.get(row.channel or "", row.channel),
                    events.get(row.event, row.event),
                    row.by,
                )
                for row in seen.log
            ],
        ),
        f"<h2>文件</h2><ul>{''.join(_link(name) for name in sorted(names))}</ul>",
        _checked_by(end),
    ]
    head_html = f'<meta charset="utf-8"><title>编号 {escape(seen.number)} 证据</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="zh-CN"><head>{head_html}</head><body>{"".join(parts)}</body></html>\n'


def _intake_rows(seen: NoticeView) -> list[tuple[object, ...]]:
    row = seen.intake
    found: list[tuple[object, ...]] = [
        ("文件", row.file_name),
        ("收到", _shown(row.claimed_at)),
        ("文件 SHA-256", row.sha256),
    ]
    if seen.notice is not None:
        found.append(("正文摘要", seen.notice.digest))
    found += [("批准", f"{a.by}（{a.account}）{_shown(a.given_at)}") for a in seen.approvals]
    return found


def _channel_cells(row: AnyRow, titles: Mapping[str, str]) -> tuple[object, ...]:
    if row.shown_digest is None:
        same = "未回读"
    else:
        same = "一致" if row.shown_digest == row.rendition_digest else "不同，见回读记录"
    name = titles.get(row.channel, row.channel)
    return name, State(row.state).label, _shown(row.visible_since), row.channel_number, row.url, same


def _shown(moment: Any) -> str:
    return "" if moment is None else f"{moment.astimezone(LOCAL):%Y-%m-%d %H:%M:%S}"


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return f"<h2>{title}</h2><p>无</p>"
    top = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in rows)
    return f"<h2>{title}</h2><table><tr>{top}</tr>{body}</table>"


def _cell(value: object) -> str:
    return f"<td>{escape('' if value is None else str(value))}</td>"


def _link(name: str) -> str:
    return f'<li><a href="{escape(quote(name))}">{escape(name)}</a></li>'


def _checked_by(end: _End) -> str:
    return (
        "<h2>如何核对</h2>"
        "<p>解开证据包，在该文件夹运行 <code>python3 校验.py</code>（只需 Python 3.8 以上，不联网）；"
        "核对链头签名另加 <code>--key 公钥文件</code>，公钥请向主管部门索取。手工核对的方法见 "
        f'<a href="{escape(quote("校验方法.txt"))}">校验方法.txt</a>。要点：</p><ol>'
        "<li>“日志/日志.jsonl”每行的 hash 等于 SHA-256（previous、换行符、payload 依次相接，UTF-8 编码）。</li>"
        "<li>各文件的 SHA-256 与日志 payload 中记载的相同：版本文件为 content_sha256，发布文本为 rendition，"
        "渠道回执为 receipt_sha256。</li>"
        "<li>“日志/head-….json”是数据库之外保存的链头，是记下本公告各行之后的第一个（尚无的，为此前最近的一个）；"
        "“日志/连接.jsonl”是其间的日志行，逐行可由本公告的行算到链头。</li>"
        f"<li>本公告在日志中的末行为第 {end.seq} 行，其哈希 {escape(end.hash)}；"
        "整本日志用 publisher verify 校验，每次出具证据包在日志中另有一行。</li></ol>"
        "<p>发送记录、查询与回读、人工事项是工作记录，其中的结论另有日志行。"
        "超过保存期限的调用明细按规定清理，不影响日志、编号、摘要和统计。</p>"
    )
