"""The command that draws reports."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from publisher.cli.base import NOT_DONE, OK, USAGE, By, Desk, command
from publisher.cli.files import write_over
from publisher.cli.output import plain, say, say_json
from publisher.cli.times import state_of
from publisher.counts.report.drawing import Report, draw
from publisher.counts.report.layout import lay_out
from publisher.counts.report.markdown import to_markdown
from publisher.counts.report.page import to_page
from publisher.counts.report.word.document import to_word
from publisher.ledger.figures import issue_report


class Period(StrEnum):
    """What a report is of."""

    ANNUAL = "annual"
    MONTHLY = "monthly"


class Format(StrEnum):
    """How a report is written."""

    MD = "md"
    HTML = "html"
    DOCX = "docx"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(app, "report", report)


# ---- report


def report(
    desk: Desk,
    period: Annotated[Period, typer.Argument(metavar="PERIOD", help="annual or monthly.")],
    year: Annotated[int, typer.Option("--year", metavar="Y", min=1990, max=2200, help="The year.")],
    month: Annotated[
        int | None, typer.Option("--month", metavar="M", min=1, max=12, help="The month, 1 to 12.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.MD,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it here (docx: needed).")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="T", help="As recorded by this instant, or by the end of this day.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="FIGURE", help="List the rows behind one figure instead.")
    ] = None,
    issue: Annotated[bool, typer.Option("--issue", help="Keep it as issued; later ones say what differs.")] = False,
    by: By = None,
) -> int:
    """Draw the yearly or monthly report（年报、月报）from the log, each number with the rows behind it."""
    if (period is Period.MONTHLY) != (month is not None):
        typer.echo("give --month with monthly, and only with it", err=True)
        return USAGE
    if form is Format.DOCX and out is None:
        typer.echo("--format docx needs --out FILE", err=True)
        return USAGE
    with desk.office() as office:
        moment = state_of(as_of, office.ledger.clock())
        with office.ledger.read() as conn:
            drawn = draw(
                conn,
                year,
                month,
                now=office.ledger.clock(),
                real=office.ledger.real,
                office=office.settings.office,
                titles=office.titles,
                as_of=moment,
            )
        if explain is not None:
            return _explain(drawn, explain)
        _give(drawn, form, out)
        if issue:
            with office.ledger.write() as tx:
                issue_report(tx, drawn.period, drawn.head, drawn.values(), desk.person(by))
    return OK


def _explain(drawn: Report, name: str) -> int:
    figure = drawn.figures.get(name)
    if figure is None:
        known = "、".join(sorted(drawn.figures))
        typer.echo(f"没有名为 {name} 的数字；可用：{known}", err=True)
        return NOT_DONE
    say_json({"name": name, "label": figure.label, "value": figure.exact, "rows": list(figure.rows)})
    return OK


def _give(drawn: Report, form: Format, out: Path | None) -> None:
    content = written_report(drawn, form)
    if out is None:
        say(content.decode().rstrip("\n"))
        return
    write_over(out, content)
    say(f"已写入 {out}")


def written_report(drawn: Report, form: Format) -> bytes:
    """The bytes of a report in a format."""
    blocks = lay_out(drawn)
    if form is Format.DOCX:
        return to_word(blocks)
    if form is Format.HTML:
        return to_page(drawn, blocks).encode()
    if form is Format.MD:
        return to_markdown(blocks).encode()
    return json.dumps(plain(report_facts(drawn)), ensure_ascii=False).encode() + b"\n"


def report_facts(drawn: Report) -> dict[str, Any]:
    """A report as data: every figure with label, unit, exact value, and how many rows it was drawn from."""
    figures = {
        name: {"label": one.label, "unit": one.unit, "value": one.exact, "rows": len(one.rows)}
        for name, one in drawn.figures.items()
    }
    return {
        "practice": not drawn.real,
        "period": drawn.period,
        "as_of": drawn.as_of,
        "head": drawn.head,
        "figures": figures,
        "months": {month: drawn.figures[f"month.{month}"].value for month in drawn.months},
        "unpriced": [p.name for p in drawn.unpriced],
        "unlimited": [p.name for p in drawn.unlimited],
        "differences": drawn.differences,
        "report": to_markdown(lay_out(drawn)),
    }
