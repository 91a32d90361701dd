"""The command `figures`: types in what comes from elsewhere, one by one or by a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from publisher.app import Office
from publisher.cli.base import NOT_DONE, OK, USAGE, By, Desk, Json, command
from publisher.cli.files import write_new
from publisher.cli.output import plain, say, say_json, say_table
from publisher.counts.report import entered
from publisher.counts.report.drawing import draw
from publisher.counts.report.entry.plan import others_of, plan
from publisher.counts.report.entry.reading import Change, changes, read_workbook
from publisher.counts.report.entry.writing import write_workbook
from publisher.counts.report.totals import disagreements_of
from publisher.ledger.figures import set_figure, standing_figures
from publisher.notice import LOCAL


class Action(StrEnum):
    """What is done with figures."""

    SET = "set"
    LIST = "list"
    SHEET = "sheet"
    LOAD = "load"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(app, "figures", figures)


def figures(
    desk: Desk,
    action: Annotated[Action, typer.Argument(metavar="ACTION", help="set, list, sheet or load.")],
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME|FILE", help="set: the figure's name (`list` shows them); load: the workbook."),
    ] = None,
    value: Annotated[
        str | None,
        typer.Argument(metavar="VALUE", help='set: a count, an amount in 元, or a text; "" takes it back.'),
    ] = None,
    year: Annotated[int | None, typer.Option("--year", metavar="Y", min=1990, max=2200, help="The year.")] = None,
    by: By = None,
    source: Annotated[str | None, typer.Option("--source", metavar="TEXT", help="Where it was taken from.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="sheet: write the workbook here.")] = None,
    as_json: Json = False,
) -> int:
    """Type in figures that come from elsewhere（录入数字）, one by one or by a workbook; the newest stands."""
    if action is Action.LIST:
        with desk.office() as office:
            _list(office, as_json)
        return OK
    if action is Action.SHEET:
        return _sheet(desk, year, out, as_json)
    if action is Action.LOAD:
        return _load(desk, name, year, by, source, as_json)
    if name is None or value is None or year is None:
        typer.echo("figures set needs NAME, VALUE and --year", err=True)
        return USAGE
    return _set(desk, name, value, year, by, source, as_json)


# ---- one figure


def _set(desk: Desk, name: str, value: str, year: int, by: str | None, source: str | None, as_json: bool) -> int:
    kept = entered.checked(name, value)
    with desk.office() as office, office.ledger.write() as tx:
        set_figure(tx, name, year, kept, desk.person(by), source)
        doubts = disagreements_of(tx.conn, year)
    if as_json:
        say_json({"name": name, "year": year, "value": kept, "disagreements": doubts})
        return OK
    label = f"{year} 年 {entered.kind_of(name)[1]}（{name}）"
    say(f"已录入：{label}＝{kept}" if kept else f"已收回：{label}")
    _say_doubts(doubts)
    return OK


def _say_doubts(doubts: Sequence[str]) -> None:
    for doubt in doubts:
        say(f"请核对：{doubt}。")


# ---- the workbook


def _sheet(desk: Desk, year: int | None, out: Path | None, as_json: bool) -> int:
    if year is None or out is None:
        typer.echo("figures sheet needs --year and --out FILE", err=True)
        return USAGE
    if out.suffix.lower() != ".xlsx":
        typer.echo(f"figures sheet writes a workbook: give --out a name that ends with .xlsx, not {out.name}", err=True)
        return USAGE
    if out.exists():
        typer.echo(f"{out} 已存在，里面可能有还没录入的数字；请换个文件名，或先把它移走", err=True)
        return NOT_DONE
    with desk.office() as office:
        standing, others = _standing(office, year)
        content = write_workbook(year, plan(year, others), standing, office.ledger.clock())
    write_new(out, content)
    if as_json:
        say_json({"year": year, "file": out, "filled": len(standing), "practice": not office.ledger.real})
    else:
        say(f"已写入 {out}：{year} 年录入表，已填入现有数字 {len(standing)} 个")
        say(f"填好保存后录入：publisher figures load {out} --year {year} --by 姓名")
    return OK


def _standing(office: Office, year: int) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """What is entered for a year, and the figures outside the official tables with their labels."""
    with office.ledger.read() as conn:
        standing = {name: one.value for (name, of), one in standing_figures(conn).items() if of == year}
        drawn = draw(
            conn,
            year,
            now=office.ledger.clock(),
            real=office.ledger.real,
            office=office.settings.office,
            titles=office.titles,
        )
    known = {name.removeprefix("history.") for name in standing if name.startswith("history.")}
    channels = [*office.titles, *sorted(known - office.titles.keys())]
    projects = {name.removeprefix("project_total.") for name in standing if name.startswith("project_total.")}
    projects |= {one.name.removeprefix("no:") for one in drawn.unpriced if one.name.startswith("no:")}
    return standing, others_of([(name, office.titles.get(name, name)) for name in channels], sorted(projects))


def _load(desk: Desk, file: str | None, year: int | None, by: str | None, source: str | None, as_json: bool) -> int:
    if file is None or year is None:
        typer.echo("figures load needs FILE and --year", err=True)
        return USAGE
    path = Path(file)
    if not path.is_file():
        typer.echo(f"没有文件 {path}；请先用 publisher figures sheet --year {year} --out {path} 生成录入表", err=True)
        return NOT_DONE
    typed = read_workbook(path.read_bytes(), year)
    with desk.office() as office, office.ledger.write() as tx:
        before = {name: one.value for (name, of), one in standing_figures(tx.conn).items() if of == year}
        changed = changes(typed, before)
        for one in changed:
            set_figure(tx, one.name, year, one.after, desk.person(by), source)
        doubts = disagreements_of(tx.conn, year)
    blank = sum(not one.value for one in typed)
    if as_json:
        facts = {"year": year, "entered": changed, "unchanged": len(typed) - len(changed), "blank": blank}
        say_json(plain(facts) | {"disagreements": doubts, "practice": not office.ledger.real})
    else:
        _say_loaded(changed, len(typed), blank)
        _say_doubts(doubts)
    return OK


def _say_loaded(changed: Sequence[Change], cells: int, blank: int) -> None:
    rows = [(one.place, one.label, one.before or "—", one.after or "—（收回）") for one in changed]
    if rows:
        say_table(["单元格", "内容", "原数", "现数"], rows)
    taken_back = sum(not one.after for one in changed)
    back = f"（其中收回 {taken_back} 个）" if taken_back else ""
    done = f"已录入 {len(changed)} 个数字{back}" if changed else "没有改动，一个数字也没有录入"
    say(f"{done}；未改动 {cells - len(changed)} 格，仍空白 {blank} 格")


# ---- what stands


def _list(office: Office, as_json: bool) -> None:
    with office.ledger.read() as conn:
        rows = [one for _, one in sorted(standing_figures(conn).items())]
    if as_json:
        for one in rows:
            say_json(plain(one) | {"practice": not office.ledger.real})
        return
    cells = (
        (o.year, o.name, entered.kind_of(o.name)[1], o.value, o.by, o.source, o.set_at.astimezone(LOCAL)) for o in rows
    )
    say_table(["年度", "名称", "内容", "数值", "录入人", "来源", "录入时间"], cells, "还没有录入数字")
    say("可录入：" + "；".join(f"{name} {label}" for name, (_, label) in entered.OTHERS.items()) + f"；{entered.HOW}")
    say(f"官方表格各格（成批录入用 publisher figures sheet）：{entered.cells_told()}")
