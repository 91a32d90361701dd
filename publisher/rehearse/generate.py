"""Writes a year as files, with the hour at which each is dropped, what goes wrong meanwhile, and the manifest."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from publisher.notice import LOCAL
from publisher.rehearse import texts
from publisher.rehearse.files import file_bytes
from publisher.rehearse.manifest import manifest_of
from publisher.rehearse.notices import (
    BACK_AGAIN,
    CITY,
    COUNTY,
    LAST_DROP,
    NATION,
    PROVINCE,
    Planned,
    notices_of,
)
from publisher.rehearse.projects import Project, projects_of
from publisher.rehearse.targets import YEAR, Targets

_SITES = (COUNTY, CITY, PROVINCE, NATION)
_FAILURES = ("503", "reset_before_store", "reset_after_store", "500_after_store", "error_in_200")
_FORMS = ("txt", "html", "json")


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    data: bytes
    at: datetime


def generate(targets: Targets, folder: Path) -> dict[str, Any]:
    """Write `files/`, `steps.json` and `manifest.json` into the folder; gives the manifest."""
    chance = random.Random(f"files {targets.seed}")
    projects = projects_of(targets)
    notices = notices_of(targets, projects)
    files = [_file(notice, number, chance) for number, notice in enumerate(notices, 1)]
    extra, decided = _unfit(files, projects, len(notices), chance)
    manifest = manifest_of(targets, projects, notices)
    manifest["intake"] = {"accepted": len(notices), **decided}
    target = folder / "files"
    target.mkdir(parents=True)
    for one in (*files, *extra):
        (target / one.name).write_bytes(one.data)
    steps = _steps([*files, *extra], _outages(len(notices), chance))
    _write(folder / "steps.json", steps)
    _write(folder / "manifest.json", manifest)
    return manifest


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), "utf-8")


def _file(notice: Planned, number: int, chance: random.Random) -> _File:
    form = "docx" if chance.random() < 0.006 else chance.choice(_FORMS)
    title, lines = notice.text()
    name = f"{number:05}-{notice.form}.{form}"
    return _File(name, file_bytes(form, title, lines, texts.CLASSES[notice.project.group]), notice.at)


# ---- files that are no notices


def _unfit(
    files: Sequence[_File], projects: Sequence[Project], count: int, chance: random.Random
) -> tuple[list[_File], dict[str, int]]:
    """Files that are given back, files taken before, files that raise a question; and how many of each."""
    each = max(1, count // 200)
    made = []
    for index in range(each):
        day = date(YEAR, 2, 1) + timedelta(days=chance.randint(0, 300))
        at = datetime.combine(day, time(11, 0), LOCAL)
        empty = f"曲阜市第{index + 1}批办公用品采购项目询价公告"
        made.append(_File(f"空白-{index + 1:03}.txt", empty.encode("gb18030"), at))
        one = chance.choice([f for f in files if f.at < datetime(YEAR, 12, 20, tzinfo=LOCAL)])
        made.append(_File(f"又-{one.name}", one.data, one.at + timedelta(days=chance.randint(1, 9))))
        made.append(_File(f"缺截止-{index + 1:03}.txt", _without_deadline(index, projects[-1], at.date()), at))
    names = {one.name for one in made}  # the same file may have been chosen twice
    unique = [next(one for one in made if one.name == name) for name in sorted(names)]
    return unique, {
        "returned": each,
        "duplicate": sum(one.name.startswith("又-") for one in unique),
        "held": each,
    }


def _without_deadline(index: int, like: Project, day: date) -> bytes:
    title, lines = texts.announcement(like, day, second=False)
    number = f"QFCG-{YEAR}-9{index:03}"
    kept = [line.replace(like.no, number) for line in lines if "截止" not in line]
    return "\r\n".join([title, *kept]).encode("gb18030")


# ---- what happens when


def _outages(count: int, chance: random.Random) -> list[tuple[datetime, str, dict[str, Any]]]:
    """(instant, site, switches): sites fail for some hours of a day, each in another way, and are well again.

    What a site refuses outright (error_in_200) the program does not send again by itself: once the site is well, an
    administrator does.
    """
    found = []
    for _ in range(max(3, count // 180)):
        day = date(YEAR, 1, 10) + timedelta(days=chance.randint(0, 330))
        start = datetime.combine(day, time(chance.choice((8, 9, 10, 13, 14))), LOCAL)
        site = chance.choice(_SITES)
        found.append((start, site, {"fail": chance.choice(_FAILURES)}))
        found.append((start + timedelta(minutes=chance.randint(40, 240)), site, {"fail": ""}))
    for site in (PROVINCE, NATION):
        found.append((LAST_DROP - timedelta(hours=2), site, {"fail": "503"}))
        found.append((BACK_AGAIN, site, {"fail": ""}))
    return found


def _steps(files: Sequence[_File], outages: Sequence[tuple[datetime, str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The instants at which something happens, in order; the last is a day on which nothing more does."""
    steps: dict[datetime, dict[str, Any]] = {}

    def step(at: datetime) -> dict[str, Any]:
        return steps.setdefault(at, {"at": at.isoformat(), "files": [], "switches": [], "retry": []})

    for one in files:
        step(one.at)["files"].append(one.name)
    for at, site, values in outages:
        step(at)["switches"].append([site, values])
        if not values["fail"]:
            step(at)["retry"].append(site)
    step(BACK_AGAIN + timedelta(days=3))
    return [steps[at] for at in sorted(steps)]
