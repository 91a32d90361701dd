"""The command about a whole project: thread."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from publisher.cli import words
from publisher.cli.base import OK, Desk, Json, command
from publisher.cli.output import say, say_json, say_table
from publisher.counts import thread as threads
from publisher.counts.thread import Thread, standing_results


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "thread", thread)


def thread(
    desk: Desk,
    project: Annotated[
        str, typer.Argument(metavar="N|PROJECT", help="Intake number, project number, or the project's name.")
    ],
    as_json: Json = False,
) -> int:
    """Show all notices of a project by lots（项目全程）, with what is missing between them."""
    with desk.office() as office:
        with office.ledger.read() as conn:
            found = threads.thread(conn, project, office.ledger.clock())
        if as_json:
            say_json(_thread_facts(found) | {"practice": not office.ledger.real})
        else:
            _say_thread(found, words.practice_mark(office.ledger.real))
    return OK


def _thread_facts(found: Thread) -> dict[str, Any]:
    knots = [
        {
            "number": knot.number,
            "form": knot.content.form,
            "kind": knot.content.kind,
            "title": knot.content.title,
            "lots": knot.lots,
            "round": knot.content.round,
            "taken_in": knot.taken_in,
            "visible": knot.visible,
            "marks": knot.marks,
        }
        for knot in found.knots
    ]
    facts = {"project": found.project, "lots": found.lots, "rounds": found.rounds, "notices": knots}
    return facts | {"gaps": found.gaps, "standing_results": [one.number for one in standing_results(found.knots)]}


def _say_thread(found: Thread, mark: str) -> None:
    say(f"项目 {found.project}{mark}　公告 {len(found.knots)} 份　共 {found.rounds} 次招标")
    for lot in found.lots or (None,):
        if lot is not None:
            say(f"标段（包）{lot}")
        cells = (
            (k.number, k.visible, k.content.form.value, k.content.title, "，".join(k.marks))
            for k in found.knots
            if k.concerns(lot)
        )
        say_table(["编号", "首次公开", "形式", "标题", "说明"], cells)
    for gap in found.gaps:
        where = f"标段（包）{gap.lot}　" if gap.lot is not None else ""
        say(f"缺口：{where}编号 {gap.number}　{gap.said}")
    if not found.gaps:
        say("没有缺口")
