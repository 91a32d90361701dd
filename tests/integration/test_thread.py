"""The thread of a project: its notices by lots in order, and what is missing between them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from publisher.counts.thread import Thread, standing_results, thread
from publisher.errors import NotAllowed
from publisher.notice import LOCAL, Form, ProjectClass
from tests.support.builders import a_notice
from tests.support.clocked_desk import ALL, ClockedDesk
from tests.support.desk import TestDesk

MONDAY = datetime(2026, 3, 16, 9, 0, tzinfo=LOCAL)
NO = "NO-7"
DEADLINE = "2026-04-28T09:00:00+08:00"
WINNER = [{"name": "山东甲建设有限公司", "price": {"raw": "736,320元", "yuan": "736320"}}]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClockedDesk]:
    made = ClockedDesk(tmp_path, MONDAY)
    made.open(county=ALL)
    yield made
    made.close()


def lots(*numbers: str) -> list[dict[str, str]]:
    return [{"no": number} for number in numbers]


class Project:
    """Drops notices of one project, one after the other."""

    def __init__(self, desk: ClockedDesk) -> None:
        self.desk, self.count = desk, 0

    def add(self, form: Form, **changes: Any) -> None:
        """One notice of this form."""
        self.count += 1
        body = f"<p>第{self.count}份。本公告的内容按规定在指定媒介上发布，请各有关单位和个人知悉，特此公告。</p>"
        fields: dict[str, Any] = {
            "form": form,
            "title": f"{self.count}号{form.value}",
            "project_no": NO,
            "body_html": body,
            "project_class": ProjectClass.PROCUREMENT,
            "dates": {},
        }
        self.desk.drop(f"{self.count}", a_notice(**(fields | changes)))

    def announce(self, **changes: Any) -> None:
        """The announcement."""
        self.add(**({"form": Form.OPEN_TENDER, "dates": {"bid_deadline": DEADLINE}} | changes))

    def result(self, **changes: Any) -> None:
        """A result."""
        self.add(Form.DEAL_RESULT, **({"winners": WINNER} | changes))

    def change(self, form: Form = Form.CORRECTION, **changes: Any) -> None:
        """A change of the project's notice."""
        original = {"project_no": NO, "first_published": "2026-03-16"}
        self.add(form, **({"original": original, "changes": [{"item": "其他", "after": "见文"}]} | changes))

    def thread(self, wanted: str = NO, now: datetime | None = None) -> Thread:
        """Its thread."""
        with self.desk.read() as conn:
            return thread(conn, wanted, now or self.desk.clock())


def said(found: Thread) -> list[tuple[str, str | None, str]]:
    return [(gap.number, gap.lot, gap.said) for gap in found.gaps]


def test_a_project_without_gaps_lists_its_notices_in_order(desk: ClockedDesk) -> None:
    project = Project(desk)
    project.announce()
    project.change(sequence=1)
    project.result()
    assert desk.intake_states() == ["accepted"] * 3
    found = project.thread()
    assert [(knot.number, knot.content.form) for knot in found.knots] == [
        ("1", Form.OPEN_TENDER),
        ("2", Form.CORRECTION),
        ("3", Form.DEAL_RESULT),
    ]
    assert found.knots[1].marks == ("更正（1）",)
    assert found.knots[1].original_id == found.knots[0].notice_id
    assert all(knot.visible for knot in found.knots)
    assert found.gaps == ()
    assert project.thread("3") == found  # by intake number too
    assert project.thread(" no-7 ") == found


def test_a_result_without_an_announcement_is_a_gap_in_its_lot_only(desk: ClockedDesk) -> None:
    project = Project(desk)
    project.announce(lots=lots("1"))
    project.result(lots=lots("1"))
    project.result(lots=lots("2"))
    found = project.thread()
    assert found.lots == ("1", "2")
    assert said(found) == [("3", "2", "有结果公告，没有本次的招标（采购、出让）公告")]


def test_works_need_their_candidates_before_the_result(desk: ClockedDesk) -> None:
    project = Project(desk)
    works = {"project_class": ProjectClass.WORKS}
    project.announce(**works, form=Form.TENDER)
    project.add(Form.WINNING_RESULT, winners=WINNER, **works)
    assert said(project.thread()) == [("2", None, "有中标结果公告，没有中标候选人公示")]


def test_a_change_of_a_notice_that_is_not_here_is_a_gap(desk: ClockedDesk) -> None:
    project = Project(desk)
    project.change()
    assert said(project.thread()) == [("1", None, "变更公告的原公告不在本系统")]


def test_a_suspension_is_a_gap_until_something_follows(desk: ClockedDesk) -> None:
    project = Project(desk)
    project.announce()
    project.change(Form.SUSPENSION)
    assert said(project.thread()) == [("2", None, "已暂停，尚未恢复或终止")]
    project.change(title="项目恢复公告", sequence=2)
    assert project.thread().gaps == ()


def test_a_deadline_that_is_over_without_a_result_is_a_gap_and_a_later_deadline_counts(desk: ClockedDesk) -> None:
    project = Project(desk)
    project.announce()
    over = datetime(2026, 4, 29, tzinfo=LOCAL)
    assert project.thread().gaps == ()
    assert said(project.thread(now=over)) == [("1", None, "截止时间已过，尚无结果、流标或终止公告")]
    project.change(dates={"bid_deadline": "2026-05-08T09:00:00+08:00"})
    assert project.thread(now=over).gaps == ()
    project.add(Form.TERMINATION, original={"project_no": NO})
    assert project.thread(now=datetime(2026, 6, 1, tzinfo=LOCAL)).gaps == ()


def test_a_tender_after_a_failed_one_is_a_round_of_its_own(desk: ClockedDesk) -> None:
    project = Project(desk)
    project.announce()
    project.add(Form.FAILED_TENDER, failed=True)
    project.announce(round=2, dates={"bid_deadline": "2026-05-28T09:00:00+08:00"})
    found = project.thread()
    assert found.rounds == 2
    assert [knot.marks for knot in found.knots] == [(), ("终止或流标",), ("第 2 次",)]
    assert found.gaps == ()
    project.result()  # of the first round again: its announcement is there
    assert project.thread().gaps == ()
    project.result(round=3)
    assert [gap[0] for gap in said(project.thread())] == ["5"]


def test_a_corrected_result_replaces_the_one_it_corrects(desk: ClockedDesk) -> None:
    project = Project(desk)
    project.announce()
    project.result()
    project.change(Form.RESULT_CORRECTION, winners=WINNER)
    found = project.thread()
    assert found.knots[1].marks == ("已被编号 3 更正",)
    assert found.knots[2].marks[0] == "更正编号 2 的结果，统计以此为准"
    assert [knot.number for knot in standing_results(found.knots)] == ["3"]


def test_a_project_that_is_not_here_is_said(desk: ClockedDesk) -> None:
    with pytest.raises(NotAllowed, match="没有编号"):
        Project(desk).thread("NO-8")


def test_thread_as_typed(tmp_path: Path) -> None:
    desk = TestDesk(tmp_path)
    desk.build("county_site")
    try:
        desk.drop("甲项目公告")
        desk.run("once")
        shown = desk.run("thread", "1")
        assert shown.exit_code == 0
        assert "没有缺口" in shown.stdout
        (facts,) = desk.json("thread", "NO-甲项目公告")
        assert [one["number"] for one in facts["notices"]] == ["1"]
        assert facts["gaps"] == []
        assert desk.run("thread", "NO-乙").exit_code == 1
    finally:
        desk.close()
