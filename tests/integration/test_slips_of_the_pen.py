"""Commands that tell, with arguments that cannot be meant: a clear error that names the option, and no figure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.notice import LOCAL
from tests.support.desk import TestDesk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path_factory.mktemp("desk"))
    made.build("county")
    made.drop("招标公告甲")
    made.run("once")
    yield made
    made.close()


SLIPS = {
    "count --from 2030 --to 2020": (2, "--from 2030 is after --to 2020"),
    "export --from 2018-02 --to 2018-01": (2, "--from 2018-02 is after --to 2018-01"),
    "count --to 9999-12-31": (2, "--to 9999-12-31: is no year that can be meant"),
    "count --from 0001": (2, "--from 0001: is no year that can be meant"),
    "count --as-of 9999-12-31T23:59": (2, "--as-of 9999-12-31T23:59: is no year that can be meant"),
    "count --as-of 2999": (2, "--as-of 2999: lies in time to come"),
    "export --as-of 2999-01-01": (2, "--as-of 2999-01-01: lies in time to come"),
    "report annual --year 2017 --as-of 2999-01-01T10:00": (2, "lies in time to come"),
    "count --from 2017-02-30": (2, "--from 2017-02-30: is no day"),
    "count --by weather": (2, "--by weather: unknown group; known are channel,"),
    "log --channel nowhere": (2, "--channel nowhere: no such channel; known are *, county"),
    "log --number 99": (1, "没有编号 99 的收件"),
    "tasks 99": (1, "没有编号 99 的收件"),
    "evidence 99": (1, "没有编号 99 的收件"),
}


@pytest.mark.parametrize("line", SLIPS)
def test_is_a_clear_error(desk: TestDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    code, said = SLIPS[line]
    monkeypatch.chdir(tmp_path)  # where a file would be written
    told = desk.run(*line.split())

    assert (told.exit_code, said in told.stderr) == (code, True), told.output
    assert told.stdout == "" and list(tmp_path.iterdir()) == []


def test_a_group_that_is_named_twice_is_counted_by_once(desk: TestDesk) -> None:
    (twice,) = desk.json("count", "--by", "channel,kind", "--by", "channel")
    (once,) = desk.json("count", "--by", "channel,kind")

    assert twice["rows"] == once["rows"] != []


def test_today_is_no_time_to_come(desk: TestDesk) -> None:
    (now,) = desk.json("count")
    today = desk.row("1", "county").visible_since.astimezone(LOCAL)
    (as_of,) = desk.json("count", "--as-of", f"{today:%Y}")

    assert as_of["publications"] == now["publications"] == 1
