"""An account that may only read the ledger sees and verifies everything, and changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from publisher.app import system_clock
from publisher.errors import NotAllowed
from publisher.ledger.chain import Entry
from publisher.ledger.heads import write_head
from publisher.ledger.store import Ledger, open_ledger
from publisher.ledger.verify import verify
from tests.support.desk import TestDesk
from tests.support.postgres import fresh_database, server_folder

ONLY_READS = "当前账户对账本只有读取权限（审计），不能作任何改动"
# The permissions of files bind root too once it gives up the right to pass over them.
AS_AUDITOR = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    """An installation with one public notice, whose data nobody may write."""
    made = TestDesk(tmp_path, url=f"sqlite:///{tmp_path}/data/ledger.sqlite3")
    made.build("county")
    made.drop("道路工程")
    assert made.run("once").exit_code == 0
    yield made
    permit(made.data, write=True)
    made.close()


def permit(folder: Path, *, write: bool) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755 if write else 0o555)
        else:
            path.chmod(0o644 if write else 0o444)


def typed(desk: TestDesk, *words: str) -> subprocess.CompletedProcess[str]:
    """What a command says that is typed under an account that may only read."""
    command = [sys.executable, "-m", "publisher", *words, "--home", desk.home, "--data", desk.data]
    return subprocess.run([*AS_AUDITOR, *command], capture_output=True, text=True, check=False)


def everything(folder: Path) -> dict[str, str]:
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_an_auditor_sees_counts_and_verifies_and_leaves_no_trace(desk: TestDesk, tmp_path: Path) -> None:
    desk.run("reconcile", "--by", "王某")
    permit(desk.data, write=False)
    before = everything(desk.data)

    for words in (["status"], ["show", "1"], ["log"], ["tasks"], ["report", "annual", "--year", "2026"]):
        done = typed(desk, *words)
        assert (done.returncode, done.stderr) == (0, ""), words
    counted = json.loads(typed(desk, "count", "--json").stdout)
    assert (counted["publications"], counted["notices"]) == (1, 1)
    assert "校验通过" in typed(desk, "verify").stdout
    pack = typed(desk, "evidence", "1", "--out", str(tmp_path / "pack.zip"))
    assert pack.returncode == 0 and "只读账户：本次取出没有记入发布日志" in pack.stdout

    page = tmp_path / "page.html"
    assert typed(desk, "reconcile", "--last", "--page", str(page)).returncode == 0
    assert "county网" in page.read_text("utf-8")

    assert everything(desk.data) == before


def test_a_head_that_is_written_later_can_be_read_by_whoever_may_read_the_rest(desk: TestDesk) -> None:
    """It is made whole beside its place, as a file for its maker alone: an auditor would find it unreadable."""
    before = os.umask(0o027)
    try:
        ledger = open_ledger(desk.url, real=False, clock=system_clock)
        path = write_head(ledger, desk.data / "heads", "midnight", None)
        ledger.close()
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "words",
    [
        ["reconcile"],
        ["stop", "--by", "王某", "--reason", "x"],
        ["figures", "set", "lawsuits", "0", "--year", "2026", "--by", "王某"],
        ["withdraw", "1", "--by", "王某", "--reason", "x"],
        ["report", "annual", "--year", "2026", "--issue", "--by", "王某"],
    ],
)
def test_an_auditor_is_refused_every_act_in_words(desk: TestDesk, words: list[str]) -> None:
    permit(desk.data, write=False)
    before = everything(desk.data)

    done = typed(desk, *words)

    assert done.returncode == 1 and ONLY_READS in done.stderr
    assert everything(desk.data) == before


@pytest.mark.parametrize("word", ["once", "run"])
def test_the_daemon_does_not_start_under_an_auditors_account(desk: TestDesk, word: str) -> None:
    permit(desk.data, write=False)

    done = typed(desk, word)

    assert done.returncode == 2 and "run the daemon under the account that owns the data folder" in done.stderr


def test_an_auditor_reads_beside_a_program_that_writes(desk: TestDesk) -> None:
    """What is not in the ledger's file yet, but in the one beside it, is read too."""
    ledger = open_ledger(desk.url, real=False, clock=system_clock)
    with ledger.write() as tx:
        tx.log(Entry(event="stopped", by="王某"))
    permit(desk.data, write=False)

    said = [json.loads(line) for line in typed(desk, "log", "--last", "1", "--json").stdout.splitlines()]
    ledger.close()

    assert [row["event"] for row in said] == ["stopped"]


def test_what_was_read_while_the_program_came_to_life_is_not_given_as_the_truth(desk: TestDesk) -> None:
    """Read as a file that nobody uses, it may be half old and half new: the answer is to ask again."""
    database = desk.data / "ledger.sqlite3"
    unused = open_ledger(f"sqlite:///file:{database}?mode=ro&immutable=1&uri=true", real=False, clock=system_clock)
    unused.must_have_stood_still()

    writing = open_ledger(desk.url, real=False, clock=system_clock)
    with writing.write() as tx:
        tx.log(Entry(event="stopped", by="王某"))
    with pytest.raises(NotAllowed, match="请重新执行本命令"):
        unused.must_have_stood_still()
    unused.close()
    writing.close()


def test_a_ledger_of_an_older_program_is_not_changed_by_an_auditor(desk: TestDesk) -> None:
    ledger = open_ledger(desk.url, real=False, clock=system_clock)
    with ledger.engine.connect() as conn:
        conn.exec_driver_sql("delete from alembic_version")
        conn.commit()
    ledger.close()
    permit(desk.data, write=False)

    done = typed(desk, "status")

    assert done.returncode == 2 and "made by an older version, and this account may only read it" in done.stderr


# ---- PostgreSQL


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[tuple[Ledger, str]]:
    """A ledger on PostgreSQL, and its address for a role that may select and nothing else."""
    url = fresh_database()
    ledger = open_ledger(url, real=False, clock=system_clock)
    name = str(make_url(url).database)
    with psycopg.connect(f"postgresql://postgres:@/{name}?host={server_folder()}", autocommit=True) as connection:
        role = f"auditor_{name}"
        connection.execute(f"create role {role} login")
        connection.execute(f"grant select on all tables in schema public to {role}")
    yield ledger, url.replace("//postgres:@", f"//{role}:@")
    ledger.close()


def test_a_role_that_may_only_select_verifies_and_cannot_write(shared: tuple[Ledger, str], tmp_path: Path) -> None:
    writing, url = shared
    write_head(writing, tmp_path, "start", None)

    auditing = open_ledger(url, real=False, clock=system_clock)
    verdict = verify(auditing, tmp_path)
    assert (verdict.faults, verdict.rows, verdict.proved_to) == ((), 1, 1)
    with pytest.raises(NotAllowed, match="只有读取权限"), auditing.write():
        pass
    with pytest.raises(DBAPIError, match="permission denied"), auditing.engine.connect() as conn:
        conn.execute(text("delete from publication_log"))
    auditing.close()
