"""The exports as a spreadsheet program shows them: nothing is computed, rounded or garbled, and no row is lost."""

from __future__ import annotations

import csv
import shutil
import subprocess
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from publisher.counts.export import HEADS
from tests.support.desk import TestDesk

pytestmark = pytest.mark.real

PROJECTS = {
    "=1+1招标公告": "370881202702000123456",
    "+86招标公告": "0012345678",
    "-2招标公告": "20171E5",
    "@SUM(1)招标公告": "12345678901",
    '=HYPERLINK("http://127.0.0.1:9/";"点此")': "QFZB-2017-0412",
    "𠮷祥路“改造”，第（二）标段；曲阜·尼山镇①招标公告": "SDGP370881202702000123",
    "  =cmd|' /C calc'!A0 招标公告": "1234567890123456789012345678901234567890",
}
"""Title → project number, each hard on a spreadsheet in its own way."""

CSV_AS_UTF8 = "--infilter=CSV:44,34,76,1"
"""Comma, quotation mark, UTF-8 (what the mark at its beginning makes the import dialog propose), from line one."""
TO_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"
TO_XLSX = "xlsx:Calc MS Excel 2007 XML"


@dataclass(frozen=True)
class Exported:
    """The two exports of one ledger, and how many publications it counts."""

    csv: Path
    xlsx: Path
    publications: int

    @property
    def rows(self) -> list[list[str]]:
        """The rows of the CSV as a program reads them, without the apostrophes that are for spreadsheets."""
        with self.csv.open(encoding="utf-8-sig", newline="") as file:
            return [[cell.removeprefix("'") for cell in row] for row in csv.reader(file)]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("office")
    desk = TestDesk(folder)
    desk.build("county", feed=True)
    for number, (title, project) in enumerate(PROJECTS.items()):
        notice = desk.notice(title, project_no=project, project_name=f"第{number}个项目")
        desk.drop(f"{number}").write_text(
            notice.model_dump_json(exclude_none=True, exclude={"text", "digest"}), "utf-8"
        )
    desk.run("once")
    made = Exported(folder / "发布.csv", folder / "发布.xlsx", int(desk.json("count")[0]["publications"]))
    for path in (made.csv, made.xlsx):
        told = desk.run("export", "--format", path.suffix[1:], "--out", str(path))
        assert told.exit_code == 0, told.output
    desk.close()
    assert made.publications == 2 * len(PROJECTS)
    return made


def calc(path: Path, form: str, folder: Path, *options: str) -> Path:
    """Have LibreOffice Calc open a file and save it in another format; gives the file that it wrote."""
    program = shutil.which("soffice")
    assert program is not None, "soffice is missing: `make test-real` installs libreoffice-calc"
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [program, profile, "--headless", "--norestore", *options, "--convert-to", form, "--outdir", folder, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    made = folder / f"{path.stem}.{form.partition(':')[0]}"
    assert done.returncode == 0 and made.exists(), done.stdout + done.stderr
    return made


def cells(path: Path) -> list[list[Any]]:
    return list(CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python())


def as_typed(value: Any) -> str:
    """What Calc holds in a cell, in the words of the export: it takes days and instants for such, short numbers too."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.0f}"
    return str(value).removeprefix("'")


def test_the_csv_opened_in_calc_has_every_cell_as_it_was_and_a_row_for_each_publication(
    exported: Exported, tmp_path: Path
) -> None:
    seen = [[as_typed(value) for value in row] for row in cells(calc(exported.csv, TO_XLSX, tmp_path, CSV_AS_UTF8))]

    assert tuple(seen[0]) == HEADS, "the mark at the beginning is no part of the first head"
    assert len(seen) - 1 == exported.publications
    assert seen == exported.rows
    assert {row[HEADS.index("项目")] for row in seen[1:]} == set(PROJECTS.values())
    assert {row[HEADS.index("标题")].strip() for row in seen[1:]} == {title.strip() for title in PROJECTS}


def test_the_workbook_opened_in_calc_has_every_cell_as_it_was_and_a_row_for_each_publication(
    exported: Exported, tmp_path: Path
) -> None:
    with calc(exported.xlsx, TO_CSV, tmp_path).open(encoding="utf-8-sig", newline="") as file:
        seen = list(csv.reader(file))

    assert len(seen) - 1 == exported.publications
    assert seen == exported.rows
    assert {row[HEADS.index("项目")] for row in seen[1:]} == set(PROJECTS.values())


def test_calc_does_compute_and_round_what_is_not_made_safe(exported: Exported, tmp_path: Path) -> None:
    """Proof that the tests above can fail: the same rows without apostrophes."""
    unsafe = tmp_path / "unsafe.csv"
    with unsafe.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([*exported.rows, ["=1+1"]])
    seen = [[as_typed(value) for value in row] for row in cells(calc(unsafe, TO_XLSX, tmp_path, CSV_AS_UTF8))]

    projects = {row[HEADS.index("项目")] for row in seen[1:]}
    assert not projects & {"370881202702000123456", "0012345678"}
    assert seen[-1][0] == "2"
