"""The command that rehearses a year."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.base import NOT_DONE, OK, USAGE, Desk, Json, command
from publisher.cli.output import moving_line, say, say_json, say_table
from publisher.counts.report.blocks import plain
from publisher.counts.report.tables import channel_table, project_table
from publisher.rehearse import run
from publisher.rehearse.run import Outcome
from publisher.rehearse.targets import YEAR

_SHOWN = 20
"""Differences that are listed; all of them stand in the JSON."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "rehearse", rehearse)


def rehearse(
    desk: Desk,
    year: Annotated[int, typer.Argument(metavar="YEAR", help=f"The year; {YEAR} is the one there is.")],
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Another seed: another year of other figures.")
    ] = YEAR,
    scale: Annotated[float, typer.Option("--scale", hidden=True)] = 1.0,
    as_json: Json = False,
) -> int:
    """Rehearse a whole year（演练全年）on practice channels: outages, kills, report, comparison with what went in."""
    if year != YEAR or not 0 < scale <= 1:
        typer.echo(f"the year that can be rehearsed is {YEAR}", err=True)
        return USAGE
    outcome = run.rehearse(
        desk.data or Path("var/rehearse"), seed, (lambda line: None) if as_json else say, moving_line(), scale
    )
    if as_json:
        say_json(run.facts(outcome))
    else:
        _say(outcome)
    return OK if outcome.ok else NOT_DONE


def _say(outcome: Outcome) -> None:
    say()
    for paragraph in run.paragraphs(outcome.report):
        say(paragraph)
    for table in (channel_table(outcome.report), project_table(outcome.report)):
        say()
        say_table(table.heads, [[plain(cell) for cell in row] for row in table.rows])
    say()
    verdict, differ = outcome.verdict, outcome.comparison.differ
    proof = "日志校验通过" if verdict.ok else "日志校验发现问题"
    say(f"途中子进程被强行终止 {outcome.kills} 次；{proof}，共 {verdict.rows} 行。")
    asked = [one for one in outcome.reconciled if one.found or one.items]
    wrong, found = sum(len(one.items) for one in asked), sum(one.found for one in asked)
    month = run.busiest_month(outcome.report)[0].month
    said = f"{wrong} 件不符" if wrong else "相符"
    say(f"{month} 月与 {len(asked)} 个演练网站对账，查到 {found} 件，{said}。")
    if differ:
        say(f"与投放清单比对 {outcome.comparison.cells} 项，{len(differ)} 项不符：")
        for one in differ[:_SHOWN]:
            say(f"  {one.place}：应为 {one.expected}，实为 {one.found}")
    else:
        say(f"与投放清单比对 {outcome.comparison.cells} 项，全部一致。")
    say(f"报告与全部数据：{outcome.folder}")
