"""The command reconcile: compare the log with the channels, or show what the last comparison came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from publisher.app import Office
from publisher.cli import words
from publisher.cli.base import NOT_DONE, OK, USAGE, By, Desk, Json, OneChannel, command
from publisher.cli.files import refuse_existing, write_new
from publisher.cli.output import plain, say, say_json, say_table
from publisher.cli.times import first_day, last_day
from publisher.counts.reconciled import WORDS, Kept, OfChannel, is_month, last_kept, span_name
from publisher.errors import NotAllowed
from publisher.notice import LOCAL
from publisher.reconciled_pages import page_of, write_page
from publisher.reconciling.asking import Asker
from publisher.reconciling.comparing import reconcile as reconcile_channels
from publisher.reconciling.monthly import due_month


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(app, "reconcile", reconcile)


def reconcile(
    desk: Desk,
    month: Annotated[
        str | None,
        typer.Option("--month", metavar="MONTH", help="YYYY-MM; also a day or a year (default: last month)."),
    ] = None,
    channel: OneChannel = None,
    last: Annotated[
        bool, typer.Option("--last", help="Show the newest kept result of every channel; asks none of them.")
    ] = False,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FILE", help="Write the page to print and sign, with all channels, to FILE."),
    ] = None,
    by: By = None,
    as_json: Json = False,
) -> int:
    """Compare the log with what every channel holds（对账）; sends nothing. Exit code 1 if something is not right."""
    if page is not None:
        refuse_existing(page, "--page")  # before the channels are asked, which may take long
    with desk.office() as office:
        if channel is not None and channel not in office.titles:
            typer.echo(f"--channel {channel}: no such channel", err=True)
            return USAGE
        first, end = due_month(office.ledger.clock(), days_in=0)
        first, end = first_day(month, "--month") or first, last_day(month, "--month") or end
        if last:
            kept = _kept(office, first, end, channel)
            results, written = [one.result for one in kept], True
        else:
            asker = Asker(office.ledger, office.machine, office.settings.sending)
            who = desk.person(by)
            named = {"by": who.by, "account": who.account}
            results = reconcile_channels(asker, office.channels, first, end, **named, only=channel)
            kept, written = (), _write_page(office, first, end)
        if as_json:
            _say_json(results, kept, first, end, office)
        else:
            _say(results, kept, first, end, office)
        if page is not None:
            write_new(page, page_of(office.ledger, first, end, office.letterhead) or b"", "--page")
            if not as_json:
                say(f"对账单：{page}")
        return OK if written and all(one.agrees for one in results) else NOT_DONE


def _kept(office: Office, first: date, last: date, channel: str | None) -> tuple[Kept, ...]:
    with office.ledger.read() as conn:
        kept = tuple(one for one in last_kept(conn, first, last) if channel in (None, one.result.channel))
    if not kept:
        span = span_name(first, last)
        raise NotAllowed(f"{span} 还没有对账结果；去掉 --last 运行 publisher reconcile --month {span} 即可对账")
    return kept


def _write_page(office: Office, first: date, last: date) -> bool:
    """A month's page in the staff folder, if that is here: else the daemon writes it, wherever it runs.

    Where it cannot be written, the result stands in the log all the same.
    """
    folder = office.folders.reconciled
    if not is_month(first, last) or not folder.exists():
        return True
    try:
        write_page(office.ledger, folder, first, last, office.letterhead)
    except OSError as error:
        typer.echo(f"对账单没有写入 {folder}（{error.strerror}）；对账结果已在日志中，文件夹恢复后程序会补写", err=True)
        return False
    return True


def _say_json(results: Sequence[OfChannel], kept: Sequence[Kept], first: date, last: date, office: Office) -> None:
    facts = [plain(one) | {"agrees": one.agrees} for one in results]
    for fact, one in zip(facts, kept, strict=False):
        fact |= {"row": one.seq, "at": plain(one.at), "by": one.by}
    say_json({"practice": not office.ledger.real, "from": first, "to": last, "channels": facts})


def _say(results: Sequence[OfChannel], kept: Sequence[Kept], first: date, last: date, office: Office) -> None:
    mark = words.practice_mark(office.ledger.real)
    say(f"对账{mark}：{first} 至 {last}{'（已有结果，没有再询问渠道）' if kept else ''}")
    cells = []
    for number, one in enumerate(results):
        foreign = "已比对" if one.listed else "没有列表"
        when = (f"{kept[number].at.astimezone(LOCAL):%Y-%m-%d %H:%M}", kept[number].by) if kept else ()
        figures = (one.logged, one.found, one.by_hand, len(one.items), foreign)
        cells.append((words.channel(one.channel, office.titles), *figures, *when))
    say_table(["渠道", "日志", "查到", "须人工核对", "不符", "账外", *(("核对时间", "发起") if kept else ())], cells)
    for one in results:
        for item in one.items:
            where = words.channel(item.channel, office.titles)
            say("　".join(part for part in (f"{WORDS[item.what]}：{where}", item.number, item.title) if part))
            say(f"　　{item.detail}　{item.url}".rstrip())
    if by_hand := sum(one.by_hand for one in results):
        folder = f"在“{office.folders.reconciled.name}”文件夹中，或" if is_month(first, last) else ""
        say(f"须人工核对 {by_hand} 件，逐条名单见对账单（{folder}加 --page FILE 写出）。")
    if all(one.agrees for one in results):
        say("日志与各渠道相符。")
