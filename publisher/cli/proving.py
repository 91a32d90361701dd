"""Commands that prove: verify, keygen, export, evidence, reconcile."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from publisher.app import Office
from publisher.cli import words
from publisher.cli.base import NOT_DONE, OK, USAGE, By, Desk, Json, Number, OneChannel, command
from publisher.cli.output import moving_line, plain, say, say_json, say_table
from publisher.cli.times import end_of, first_day, last_day
from publisher.counts import evidence as evidence_pack
from publisher.counts import export as exports
from publisher.counts import ocds
from publisher.counts.queries import Span
from publisher.errors import SettingsError
from publisher.ledger.chain import Entry
from publisher.ledger.signing import PublicKey, make_key, public_path, read_public, read_signer
from publisher.ledger.verify import verify as verify_ledger
from publisher.reconciling import Asker, OfChannel, due_month
from publisher.reconciling import reconcile as reconcile_channels


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "verify", verify)
    command(app, "keygen", keygen)
    command(app, "export", export)
    command(app, "evidence", evidence)
    command(app, "reconcile", reconcile)


# ---- verify, keygen


def verify(
    desk: Desk,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="Public key for the heads (default: that of the signing key)."),
    ] = None,
    no_heads: Annotated[bool, typer.Option("--no-heads", help="Look at the database alone.")] = False,
    as_json: Json = False,
) -> int:
    """Recompute the log's chain and compare it with tables and heads（校验）. Exit code 1 if anything is wrong."""
    with desk.office() as office:
        heads = None if no_heads else office.settings.heads_folder
        show = moving_line()
        verdict = verify_ledger(
            office.ledger, heads, _public_key(office, key), progress=lambda done, of: show(done, of, "校验日志")
        )
    if as_json:
        say_json(plain(verdict) | {"ok": verdict.ok, "practice": not verdict.real})
        return OK if verdict.ok else NOT_DONE
    mark = words.practice_mark(verdict.real)
    if verdict.ok:
        say(f"校验通过{mark}：日志共 {verdict.rows} 行，链完整，公告、文本、回执和汇总数均与日志相符。")
    else:
        say(f"校验发现 {len(verdict.faults)} 处问题{mark}（日志 {verdict.rows} 行）：")
        for fault in verdict.faults:
            say(f"  {words.FAULTS.get(fault.kind, fault.kind)}：{fault.place}　{fault.detail}")
    proved = f"到第 {verdict.proved_to} 行为止没有缺失，依据 " if verdict.proved_to else ""
    say(f"完整性：{proved}{verdict.proved_by}")
    if verdict.signed_to:
        say(f"签名：到第 {verdict.signed_to} 行为止有签名为证")
    say(f"末行哈希：{verdict.last_hash}")
    return OK if verdict.ok else NOT_DONE


def _public_key(office: Office, path: Path | None) -> PublicKey | None:
    """The key that was given, else that beside the signing key, else that of the signing key itself."""
    if path is not None:
        return read_public(path)
    private = office.settings.signing_key
    if private is None:
        return None
    beside = public_path(private)
    return read_public(beside) if beside.exists() else read_signer(private).public


def keygen(
    desk: Desk,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key goes, outside the data folder.")],
) -> int:
    """Make the key that signs the log's daily heads（生成签名密钥）. Nothing is overwritten."""
    if path.resolve().is_relative_to(desk.settings.data.resolve()):
        raise SettingsError(f"{path} lies in the data folder; keep the key where the log is not")
    public = make_key(path)
    say(f"私钥：{path}（仅本账户可读，请在 publisher.toml 的 [ledger] 中写明 signing_key）")
    say(f"公钥：{public_path(path)}（编号 {public.name}，请另存一份于主管部门，供 publisher verify --key 使用）")
    return OK


# ---- export


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
    OCDS = "ocds"


Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write; nothing is overwritten.")]


def export(
    desk: Desk,
    form: Annotated[
        Format,
        typer.Option("--format", help="csv, xlsx: publications; jsonl: rows of the log; ocds: OCDS 1.1 releases."),
    ] = Format.CSV,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day; also YYYY-MM or YYYY.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day; also YYYY-MM or YYYY.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="T", help="As recorded by this instant, or by the end of this day.")
    ] = None,
    ocid_prefix: Annotated[
        str, typer.Option("--ocid-prefix", metavar="PREFIX", help="The publisher's registered OCDS prefix.")
    ] = "ocds-000000",
    uri: Annotated[
        str, typer.Option("--uri", metavar="URI", help="Where the OCDS package will be published.")
    ] = "https://example.org/releases.json",
    out: Out = None,
    by: By = None,
) -> int:
    """Write publications, the log or OCDS releases to a file（导出）, with the figures that `count` counts."""
    span = Span(first_day(first, "--from"), last_day(last, "--to"), end_of(as_of, "--as-of"))
    ending = "json" if form is Format.OCDS else form.value
    path = out or Path(f"发布-{first or '全部'}{f'至{last}' if last and last != first else ''}.{ending}")
    with desk.office() as office:
        data = _exported(office, form, span, ocid_prefix, uri)
        _write(path, data)
        person = desk.person(by)
        facts = {"account": person.account, "format": form.value, "file": path.name, "bytes": len(data)}
        _log(office, Entry(event="exported", by=person.by, data=facts))
        say(f"已导出{words.practice_mark(office.ledger.real)}：{path}（{len(data):,} 字节）")
    return OK


def _exported(office: Office, form: Format, span: Span, prefix: str, uri: str) -> bytes:
    ledger = office.ledger
    with ledger.read() as conn:
        if form is Format.JSONL:
            return exports.joined(exports.log_lines(conn, span))
        if form is Format.OCDS:
            made = ocds.package(
                conn,
                span,
                prefix=prefix,
                office=office.settings.office + words.practice_mark(ledger.real),
                uri=uri,
                at=ledger.clock(),
                ledger_id=ledger.ledger_id,
            )
            return (json.dumps(made, ensure_ascii=False, indent=1) + "\n").encode()
        table = exports.sheet(conn, span, office.titles, real=ledger.real)
    return exports.as_csv(table) if form is Format.CSV else exports.as_xlsx(table)


def _write(path: Path, data: bytes) -> None:
    """Write a new file. Raises SettingsError if it exists or cannot be written."""
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise SettingsError(f"{path} exists already; name another file with --out") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error


# ---- evidence


def evidence(desk: Desk, number: Number, out: Out = None, by: By = None) -> int:
    """Put together everything that proves what became of one notice, as one ZIP（证据包）."""
    path = out or Path(f"证据-{number}.zip")
    with desk.office() as office:
        with office.ledger.read() as conn:
            heads = office.settings.heads_folder
            data = evidence_pack.pack(conn, number, heads, office.titles, words.EVENTS)
        _write(path, data)
        say(
            f"证据包{words.practice_mark(office.ledger.real)}：{path}（{len(data):,} 字节），内有 index.html 可直接阅读"
        )
        person = desk.person(by)
        # Not with the notice's number: a pack that is asked for again is the same file.
        facts = {"account": person.account, "of": number, "file": path.name}
        _log(office, Entry(event="evidence_given", by=person.by, data=facts))
    return OK


def _log(office: Office, entry: Entry) -> None:
    """Log that something was given out; an auditor's account cannot, and is told."""
    if office.ledger.read_only:
        say("（只读账户：本次取出没有记入发布日志）")
        return
    with office.ledger.write() as tx:
        tx.log(entry)


# ---- reconcile


def reconcile(
    desk: Desk,
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="MONTH", help="YYYY-MM; also a day or a year (default: last month)."),
    ] = None,
    channel: OneChannel = None,
    by: By = None,
    as_json: Json = False,
) -> int:
    """Compare the log with what every channel holds（对账）; sends nothing. Exit code 1 if something is not right."""
    with desk.office() as office:
        if channel is not None and channel not in office.titles:
            typer.echo(f"--channel {channel}: no such channel", err=True)
            return USAGE
        first, last = due_month(office.ledger.clock(), days_in=0)
        first, last = first_day(month, "--month") or first, last_day(month, "--month") or last
        asker = Asker(office.ledger, office.machine, office.settings.sending)
        who = desk.person(by).by
        results = reconcile_channels(asker, office.channels, first, last, by=who, only=channel)
        if as_json:
            facts = [plain(one) | {"agrees": one.agrees} for one in results]
            say_json({"practice": not office.ledger.real, "from": first, "to": last, "channels": facts})
        else:
            say(f"对账{words.practice_mark(office.ledger.real)}：{first} 至 {last}")
            _say_reconciled(results, office)
    return OK if all(one.agrees for one in results) else NOT_DONE


_WHAT = {"missing": "缺失", "different": "内容不同", "foreign": "账外公告", "unanswered": "未能查询"}


def _say_reconciled(results: list[OfChannel], office: Office) -> None:
    cells = []
    for one in results:
        foreign = "已比对" if one.listed else "渠道不提供列表"
        wrong = len(one.items)
        cells.append((words.channel(one.channel, office.titles), one.logged, one.found, one.by_hand, wrong, foreign))
    say_table(["渠道", "日志", "查到", "须人工核对", "不符", "账外"], cells)
    for one in results:
        for item in one.items:
            where = words.channel(item.channel, office.titles)
            say(f"{_WHAT[item.what]}：{where}　{item.number}　{item.title}　{item.detail}")
    if all(one.agrees for one in results):
        say("日志与各渠道相符。")
