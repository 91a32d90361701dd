"""Every command that changes something leaves a row of the log that says who, from which account, and what.

Each is typed on an installation that runs, in one story; what it has to leave is the table in docs/operating.md.
"""

from __future__ import annotations

import getpass
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from publisher.cli.base import app
from publisher.ledger.tables import metadata, publication_log
from tests.support.desk import TestDesk
from tests.support.repository import ROOT

LOOKS = "approvals check count extract gaps log overdue preview schema show status tasks thread verify"
ELSEWHERE = "clean keygen demo rehearse"
READS = {*LOOKS.split(), *ELSEWHERE.split()}
"""Commands that leave the ledger as it is, or make one of their own."""

STORY = """
once
approve 1 --by 李某
once
confirm 1 --channel county --undo --reason 看错了 --by 王某
confirm 1 --channel county --by 王某
update 1 --channel county --by 王某 --reason 排版
withdraw 1 --channel city --by 王某 --reason 项目暂停
route 1 --add portal --by 王某 --reason 加发
reschedule 2 --at "2098-01-05 15:00" --by 王某 --reason 改期
hold 2 --channel county --by 王某 --reason 等领导
release 2 --channel county --by 王某
retry 2 --channel county --render --by 王某 --reason 模板改了
cancel 2 --channel county --by 王某 --reason 不发
override 3 --rule E3 --by 王某 --reason 抢险
stop county --by 王某 --reason 检修
resume county --by 王某
silence county --until "2098-01-05 15:00" --by 王某 --reason 维护
figures set reviews 0 --year 2026 --by 王某
report annual --year 2026 --issue --by 王某
export --by 王某
evidence 1 --by 王某
reconcile --by 王某
"""

NO_ACCOUNT = {"once", "run"}
"""The program itself acts: there is the daemon with its host."""


def told_in_paper() -> dict[str, set[str]]:
    """Command → the events that it can leave, as the paper for administrators has it."""
    text = (ROOT / "docs/operating.md").read_text("utf-8")
    _, _, part = text.partition("## What each command leaves in the log")
    rows = re.findall(r"^\| (`[^|]+) \| (`[^|]+) \|", part.partition("\n## ")[0], re.MULTILINE)
    found: dict[str, set[str]] = {}
    for commands, events in rows:
        for command in re.findall(r"`([a-z]+)", commands):
            found[command] = set(re.findall(r"`(\w+)`", events))
    return found


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    made.build("county", "city", approvals=1, more=PORTAL)
    made.drop("招标公告甲")
    made.drop("招标公告乙")
    made.drop("招标公告丙", dates={"documents_from": "2098-12-20", "bid_deadline": "2098-12-28T09:00:00+08:00"})
    monkeypatch.chdir(tmp_path)  # where export and evidence write
    yield made
    made.close()


PORTAL = """
[portal]
title = "门户"
adapter = "channels.municipal_site:MunicipalSite"
tier = "county"
read_back = []
carries = [{ carry = "optional", default = false }]
[portal.options]
base_url = "http://127.0.0.1:9"
"""


def rows_after(desk: TestDesk, seq: int) -> list[dict[str, Any]]:
    ledger = desk.ledger()
    with ledger.read() as conn:
        query = publication_log.select().where(publication_log.c.seq > seq).order_by(publication_log.c.seq)
        found = [json.loads(row.payload) for row in conn.execute(query)]
    ledger.close()
    return found


def contents(desk: TestDesk) -> dict[str, list[Any]]:
    """Everything in the ledger but log and head."""
    ledger = desk.ledger()
    with ledger.read() as conn:
        kept = {
            name: sorted(map(repr, conn.execute(table.select())))
            for name, table in metadata.tables.items()
            if name not in ("publication_log", "head")
        }
    ledger.close()
    return kept


def test_every_command_that_changes_something_is_a_row_of_the_log_with_name_and_account(desk: TestDesk) -> None:
    paper, seq, typed = told_in_paper(), 0, set()
    for line in STORY.strip().splitlines():
        command = line.split()[0]
        if command == "update":  # from now on the channel's text is another one
            own = desk.home / "templates" / "county" / "notice.html.j2"
            own.parent.mkdir(parents=True)
            own.write_text("<h1>{{ notice.title }}</h1>\n{{ notice.body_html | safe }}\n", "utf-8")
        done = desk.run(*shlex.split(line))
        assert done.exit_code in (0, 1, 3), (line, done.output)
        rows = rows_after(desk, seq)
        seq = rows[-1]["seq"] if rows else seq
        mine = [row for row in rows if row["event"] in paper[command]]
        assert mine, (line, done.output, [row["event"] for row in rows])
        typed.add(command)
        if command not in NO_ACCOUNT:
            name = re.search(r"--by (\S+)", line)
            assert name is not None
            for row in mine[-1:]:
                assert row["by"] == name[1], (line, row)
                assert f"{getpass.getuser()}@" in json.dumps(row["data"], ensure_ascii=False), (line, row)
    known = {command.name for command in app.registered_commands}
    assert known - READS - typed == {"run"}, "a new command belongs into the story, or among those that read"
    assert set(paper) == typed | {"run"}


READING = "approvals, check, count, gaps, log, overdue, schema, show 1, status, tasks, thread 1, verify, figures list"


def test_commands_that_read_leave_every_table_as_it_was(desk: TestDesk) -> None:
    desk.run("once")
    seq, before = len(rows_after(desk, 0)), contents(desk)
    for line in (*READING.split(", "), "report annual --year 2026"):
        assert desk.run(*line.split()).exit_code in (0, 1), line

    assert rows_after(desk, seq) == []
    assert contents(desk) == before
