"""Commands that prove: verify, keygen, export, evidence."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from publisher.app import Office
from publisher.cli import faults, words
from publisher.cli.base import NOT_DONE, OK, By, Desk, Json, Number, command
from publisher.cli.files import write_new
from publisher.cli.output import moving_line, plain, say, say_json
from publisher.cli.times import span_of
from publisher.counts import evidence as evidence_pack
from publisher.counts import export as exports
from publisher.counts import ocds
from publisher.counts.queries import Span
from publisher.errors import SettingsError
from publisher.ledger.chain import Entry
from publisher.ledger.signing import PublicKey, make_key, public_path, read_public, read_signer
from publisher.ledger.verify import verify as verify_ledger


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "verify", verify)
    command(app, "keygen", keygen)
    command(app, "export", export)
    command(app, "evidence", evidence)


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
        public = _public_key(office, key)
        verdict = verify_ledger(office.ledger, heads, public, progress=lambda done, of: show(done, of, "校验日志"))
    if as_json:
        say_json(plain(verdict) | {"ok": verdict.ok, "practice": not verdict.real})
        return OK if verdict.ok else NOT_DONE
    mark = words.practice_mark(verdict.real)
    if verdict.ok:
        say(f"校验通过{mark}：日志共 {verdict.rows} 行，链完整，公告、文本、回执和汇总数均与日志相符。")
    else:
        say(f"校验发现 {len(verdict.faults)} 处问题{mark}（日志 {verdict.rows} 行）：")
        for fault in verdict.faults:
            say(f"  {faults.said(fault)}")
    say(f"完整性：{faults.proof(verdict)}")
    if verdict.signed_to:
        say(f"签名：到第 {verdict.signed_to} 行为止有签名为证")
    elif public is not None and not no_heads:
        say(f"签名：没有一个链头是由公钥 {public.name} 签的，没有签名为证")
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
    ending = "json" if form is Format.OCDS else form.value
    path = out or Path(f"发布-{first or '全部'}{f'至{last}' if last and last != first else ''}.{ending}")
    with desk.office() as office:
        span = span_of(first, last, as_of, office.ledger.clock())
        data = _exported(office, form, span, ocid_prefix, uri)
        write_new(path, data)
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


# ---- evidence


def evidence(
    desk: Desk,
    number: Number,
    out: Out = None,
    links: Annotated[
        bool | None,
        typer.Option(
            "--links/--no-links",
            help="With other notices' rows of the log that lead to the heads, or without (default: with, "
            "unless one of these notices never was public).",
            show_default=False,
        ),
    ] = None,
    by: By = None,
) -> int:
    """Put together everything that proves what became of one notice, as one ZIP（证据包）."""
    path = out or Path(f"证据-{number}.zip")
    with desk.office() as office:
        with office.ledger.read() as conn:
            heads = office.settings.heads_folder
            made = evidence_pack.pack(conn, number, heads, office.titles, words.EVENTS, linked=links)
        write_new(path, made.data)
        mark = words.practice_mark(office.ledger.real)
        say(f"证据包{mark}：{path}（{len(made.data):,} 字节），内有 index.html 可直接阅读，校验方法.txt 说明如何核对")
        if made.links:
            say("包内“连接.jsonl”是其他公告的日志行，用来接到链头；不宜对外的请加 --no-links")
        if made.withheld:
            say(
                f"接到链头的 {made.withheld} 行日志涉及尚未公开的公告，没有放入，凭本包不能一直核对到链头；"
                "可等其公开后再出具，或者（只供内部）加 --links"
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
