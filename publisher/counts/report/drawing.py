"""All figures of one report, drawn from the ledger at one instant."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from sqlalchemy import Connection, func, select

from publisher.channel import Tier
from publisher.counts.queries import Span
from publisher.counts.report import entered as typed
from publisher.counts.report.notices import HIGH, Counted, Period, counted, standing_on
from publisher.counts.report.numbers import Figure
from publisher.counts.report.projects import RESULTS, SELLING, ClassFigures, Project, completed
from publisher.counts.report.totals import entered_figures
from publisher.ledger.figures import Entered, Head, Issued, head_at, last_issued, standing_figures
from publisher.ledger.tables import notice, publication_log
from publisher.notice import Form, Kind, ProjectClass

GROUPS: dict[str, tuple[str, frozenset[str]]] = {
    "works": ("工程", frozenset({ProjectClass.WORKS.value})),
    "procurement": ("政府采购", frozenset({ProjectClass.PROCUREMENT.value})),
    "land_property": ("土地产权", SELLING),
    "other": ("其他", frozenset({ProjectClass.OTHER.value})),
}
"""The report's columns of project classes: name → Chinese word, classes."""

_FEED = Tier.SELF_MEDIA.value


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not as it was issued."""

    name: str
    label: str
    before: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `figures` by name; `unpriced` and `unlimited` are named in footnotes."""

    period: str
    year: int
    month: int | None
    as_of: datetime
    real: bool
    office: str
    head: Head
    figures: Mapping[str, Figure]
    channels: Sequence[tuple[str, str, str]]
    """(name, title, tier) of every channel with publications or history, in the order of the settings."""
    months: Sequence[str]
    """The months of a year (YYYY-MM); each is a figure, `month.YYYY-MM`."""
    notices: Sequence[Counted]
    entered: Sequence[Entered]
    """Everything that was typed in and stands."""
    unpriced: Sequence[Project]
    unlimited: Sequence[Project]
    issued: Issued | None
    differences: Sequence[Difference]

    @property
    def period_words(self) -> str:
        """2017年, or 2017年3月."""
        return f"{self.year}年" if self.month is None else f"{self.year}年{self.month}月"

    def values(self) -> dict[str, str]:
        """Name → exact value of every figure that is known."""
        return {name: one.exact for name, one in self.figures.items() if one.exact is not None}


def span_of(year: int, month: int | None, as_of: datetime | None) -> Span:
    """The local days of a year, or of a month."""
    if month is None:
        return Span(date(year, 1, 1), date(year, 12, 31), as_of)
    return Span(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]), as_of)


@dataclass(slots=True)
class _Book:
    """The figures as they are put in."""

    figures: dict[str, Figure]

    def count(self, name: str, label: str, rows: Iterable[str]) -> None:
        found = tuple(rows)
        self.figures[name] = Figure(name, label, "count", len(found), found)

    def fen(self, name: str, label: str, value: int | None, rows: Iterable[str] = ()) -> None:
        self.figures[name] = Figure(name, label, "fen", value, tuple(rows))

    def rate(self, name: str, label: str, value: Fraction | None, rows: Iterable[str] = ()) -> None:
        self.figures[name] = Figure(name, label, "rate", value, tuple(rows))


def draw(
    conn: Connection,
    year: int,
    month: int | None = None,
    *,
    now: datetime,
    real: bool,
    office: str,
    titles: Mapping[str, str],
    as_of: datetime | None = None,
) -> Report:
    """Draw the report of a year, or of a month; with `as_of`, as the ledger stood then.

    `titles`: channel → Chinese name, in the order in which channels are shown.
    """
    span = span_of(year, month, as_of)
    period = f"{year}" if month is None else f"{year}-{month:02}"
    seen = counted(conn, span)
    figures = standing_figures(conn, as_of)
    book = _Book({})
    _notices(book, seen)
    channels = _channels(conn, book, seen, span, titles, figures, year)
    projects = _completed(conn, seen.notices, figures, span)
    book.figures |= project_figures(projects)
    _growth(conn, book, figures, span, year, month)
    book.figures |= entered_figures(figures, year)
    issued = last_issued(conn, period)
    return Report(
        period=period,
        year=year,
        month=month,
        as_of=as_of or now,
        real=real,
        office=office,
        head=head_at(conn, as_of),
        figures=book.figures,
        channels=channels,
        months=_months(book, seen, year) if month is None else (),
        notices=seen.notices,
        entered=sorted(figures.values(), key=lambda one: one.id),
        unpriced=[p for p in projects if p.amount is None],
        unlimited=[p for p in projects if p.amount is not None and p.planned is None],
        issued=issued,
        differences=_differences(book.figures, issued),
    )


# ---- notices and publications


def _notices(book: _Book, seen: Period) -> None:
    book.count("notices", "发布各类交易信息（不同渠道和方式公开相同信息计1条）", (n.number for n in seen.notices))
    for kind in Kind:
        rows = (n.number for n in seen.notices if n.kind == kind.value)
        book.count(f"notices.{kind.value}", kind.label, rows)
    for group, (label, classes) in GROUPS.items():
        book.count(
            f"notices.class.{group}", f"{label}类信息", (n.number for n in seen.notices if n.project_class in classes)
        )
    corrections = (n.number for n in seen.notices if n.form in (Form.CORRECTION, Form.RESULT_CORRECTION))
    book.count("corrections", "更正公告", corrections)
    book.count("high.notices", "在省级以上网站发布信息", (n.number for n in seen.notices if n.high))
    book.count("high.publications", "省级以上网站发布条次", (p.row for p in seen.publications if p.tier in HIGH))
    book.count("publications", "各渠道发布条次合计", (p.row for p in seen.publications))
    website = {Tier.COUNTY, Tier.MUNICIPAL, Tier.PROVINCIAL, Tier.NATIONAL}
    public = {p.notice_id for p in seen.publications if p.tier in {tier.value for tier in website}}
    book.count("websites.notices", "政府网站", (n.number for n in seen.notices if n.id in public))
    feeds = {p.notice_id for p in seen.publications if p.tier == _FEED}
    book.count("feeds.notices", "政务微信", (n.number for n in seen.notices if n.id in feeds))
    others = {p.notice_id for p in seen.publications if p.tier in (Tier.ON_SITE.value, Tier.PRESS.value)}
    book.count("others.notices", "其他方式", (n.number for n in seen.notices if n.id in others))


def _channels(
    conn: Connection,
    book: _Book,
    seen: Period,
    span: Span,
    titles: Mapping[str, str],
    figures: Mapping[tuple[str, int], Entered],
    year: int,
) -> list[tuple[str, str, str]]:
    tiers = {p.channel: p.tier for p in seen.publications}
    history = {name.removeprefix("history.") for name, _ in figures if name.startswith("history.")}
    used = [name for name in titles if name in tiers or name in history]
    used += sorted((tiers.keys() | history) - set(titles))
    cumulative = []
    for name in used:
        title = titles.get(name, name)
        mine = [p for p in seen.publications if p.channel == name]
        book.count(f"channel.{name}", title, (p.row for p in mine))
        earlier = [e for (key, y), e in sorted(figures.items()) if key == f"history.{name}" and y <= year]
        since = standing_on(conn, name, span)
        rows = [*since, *(f"figure:{one.id}" for one in earlier)]
        total = len(since) + sum(int(one.value) for one in earlier)
        figure = Figure(f"cumulative.{name}", f"{title}开通以来", "count", total, rows)
        book.figures[figure.name] = figure
        if tiers.get(name) == _FEED:
            cumulative.append(figure)
    feeds = sum(int(str(one.value)) for one in cumulative)
    rows = [row for one in cumulative for row in one.rows]
    book.figures["feeds.cumulative"] = Figure("feeds.cumulative", "公众号开通以来发布信息", "count", feeds, rows)
    return [(name, titles.get(name, name), tiers.get(name, "")) for name in used]


def _months(book: _Book, seen: Period, year: int) -> list[str]:
    months = [f"{year}-{month:02}" for month in range(1, 13)]
    for month in months:
        mine = (n.number for n in seen.notices if n.day.startswith(month))
        book.count(f"month.{month}", f"{int(month[5:])}月首次公开的信息", mine)
    return months


# ---- projects


def _completed(
    conn: Connection, notices: Sequence[Counted], figures: Mapping[tuple[str, int], Entered], span: Span
) -> list[Project]:
    totals: dict[str, int] = {}
    for (name, _), one in sorted(figures.items(), key=lambda item: item[0][1]):
        if name.startswith("project_total."):
            totals["no:" + name.removeprefix("project_total.").upper()] = typed.amount(one)
    projects = {n.project for n in notices if n.form in RESULTS}
    return completed(conn, notices, totals, span.as_of, _visible(conn, projects, span.as_of))


def _visible(conn: Connection, projects: set[str], as_of: datetime | None) -> dict[str, set[int]]:
    """Project → those of its notices that are or were public."""
    log = publication_log.c
    conditions = [log.weight != 0] + ([log.recorded_at <= as_of] if as_of is not None else [])
    same = (notice.c.project, notice.c.id)
    found: dict[str, set[int]] = defaultdict(set)
    ordered = sorted(projects)
    for start in range(0, len(ordered), 500):
        part = notice.c.project.in_(ordered[start : start + 500])
        query = select(*same).join(publication_log, log.notice_id == notice.c.id).where(part, *conditions)
        for project, notice_id in conn.execute(query.group_by(*same).having(func.sum(log.weight) > 0)):
            found[project].add(notice_id)
    return found


def project_figures(projects: Sequence[Project]) -> dict[str, Figure]:
    """Name → figure of everything that is said of completed projects, in all and by group of classes."""
    book = _Book({})
    for group, (label, classes) in {"": ("", frozenset[str]()), **GROUPS}.items():
        mine = ClassFigures(tuple(p for p in projects if not group or p.project_class in classes))
        end = f".{group}" if group else ""
        names = [p.name.removeprefix("no:") for p in mine.projects]
        compared = [p.name.removeprefix("no:") for p in mine.compared]
        book.count(f"projects{end}", f"完成{label}交易项目", names)
        book.fen(f"amount{end}", f"{label}交易额", mine.amount, names)
        if group in ("works", "procurement", "other"):
            book.fen(f"planned{end}", f"{label}预算或控制价", mine.planned, compared)
            book.fen(f"saved{end}", f"{label}节约资金", mine.difference, compared)
            book.rate(f"saving_rate{end}", f"{label}节资率", mine.rate, compared)
        elif group == "land_property":
            gained = -mine.difference
            book.fen(f"planned{end}", f"{label}起始价（底价）", mine.planned, compared)
            book.fen(f"gained{end}", f"{label}增收", gained, compared)
            rate = Fraction(gained, mine.planned) if mine.planned else None
            book.rate(f"gain_rate{end}", f"{label}增值率", rate, compared)
    _saved_and_gained(book)
    return book.figures


def _saved_and_gained(book: _Book) -> None:
    parts = [book.figures[f"saved.{g}"] for g in ("works", "procurement", "other")]
    parts.append(book.figures["gained.land_property"])
    value = sum(int(Fraction(one.value or 0)) for one in parts)
    book.fen("saved_and_gained", "增收节约资金", value, [row for one in parts for row in one.rows])
    saved = parts[:-1]
    book.fen("saved", "节约资金", sum(int(Fraction(p.value or 0)) for p in saved), [r for p in saved for r in p.rows])


def _growth(
    conn: Connection,
    book: _Book,
    figures: Mapping[tuple[str, int], Entered],
    span: Span,
    year: int,
    month: int | None,
) -> None:
    """Growth of the amount against the period a year before: as typed in for the year, else from the ledger.

    What is typed in wins, because a ledger that was opened in the course of that year holds only a part of it.
    """
    one = figures.get(("amount", year - 1)) if month is None else None
    if one is not None:
        amount, rows = typed.amount(one) or None, [f"figure:{one.id}"]
    else:
        before = span_of(year - 1, month, span.as_of)
        earlier = _completed(conn, counted(conn, before).notices, figures, before)
        amount = ClassFigures(tuple(earlier)).amount or None
        rows = [p.name.removeprefix("no:") for p in earlier]
    book.fen("amount.before", "上年交易额", amount, rows)
    value = int(Fraction(book.figures["amount"].value or 0))
    growth = Fraction(value - amount, amount) if amount else None
    book.rate("growth", "交易额比上年增长", growth, [*book.figures["amount"].rows, *rows])


# ---- issued before


def _differences(figures: Mapping[str, Figure], issued: Issued | None) -> list[Difference]:
    if issued is None:
        return []
    now = {name: one.exact for name, one in figures.items() if one.exact is not None}
    names = sorted(name for name in now.keys() | issued.figures.keys() if now.get(name) != issued.figures.get(name))
    labels = {name: one.label for name, one in figures.items()}
    return [Difference(n, labels.get(n, n), issued.figures.get(n), now.get(n)) for n in names]
