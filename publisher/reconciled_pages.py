"""The reconciliation pages in their staff folder: one for each month, written anew whenever it was compared."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from publisher.counts.reconciled import compared_since, is_month, last_kept, span_name
from publisher.counts.reconciled_page import Letterhead, to_page
from publisher.intake.staff_folders import write_whole
from publisher.ledger import channel_state
from publisher.ledger.alarms import clear_alarm, raise_alarm, standing_since
from publisher.ledger.channel_state import LedgerStore
from publisher.ledger.store import Ledger

_WRITTEN = "reconciled_page"
"""Under this name the ledger keeps the row of the log up to which the pages in the folder are written."""


def page_name(first: date) -> str:
    """The file name of a month's page, such as 2017-12.html."""
    return f"{first:%Y-%m}.html"


def page_of(ledger: Ledger, first: date, last: date, letterhead: Letterhead) -> bytes | None:
    """The page of the newest comparisons of these days, from the log alone; None: there is none."""
    with ledger.read() as conn:
        kept = last_kept(conn, first, last)
    return to_page(kept, first, last, letterhead).encode() if kept else None


def write_pages(ledger: Ledger, folder: Path, letterhead: Letterhead) -> tuple[Path, ...]:
    """Write the page of every month that was compared since the last call; gives the files. For the daemon.

    Where the folder is away the alarm `reconcile_page` is raised and OSError with it; the next call that succeeds
    writes them and clears it.
    """
    store = LedgerStore(ledger, channel_state.ALL)
    before = int(store.get(_WRITTEN) or 0)
    with ledger.read() as conn:
        spans, end = compared_since(conn, before)
    months = sorted(span for span in spans if is_month(*span))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = tuple(write_page(ledger, folder, first, last, letterhead) for first, last in months)
    except OSError as error:
        with ledger.write() as tx:
            detail = f"对账单无法写入文件夹：{folder}（{error.strerror}）；对账结果已在日志中"
            raise_alarm(tx, "reconcile_page", detail)
        raise
    if end != before:
        store.put(_WRITTEN, str(end))
    _clear(ledger)
    return written


def write_page(ledger: Ledger, folder: Path, first: date, last: date, letterhead: Letterhead) -> Path:
    """Write the page of a month that was compared, in place of the old one as a whole. Raises OSError."""
    page = page_of(ledger, first, last, letterhead)
    assert page is not None, f"{span_name(first, last)} was compared"
    path = folder / page_name(first)
    write_whole(path, page)
    return path


def _clear(ledger: Ledger) -> None:
    with ledger.read() as conn:
        stands = standing_since(conn, "reconcile_page") is not None
    if stands:
        with ledger.write() as tx:
            clear_alarm(tx, "reconcile_page", "对账单已写入")
