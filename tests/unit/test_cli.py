"""What every command shares: masked program log, exit codes, days as they are typed, Chinese words."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from publisher.channel import Receipt
from publisher.cli import faults, times, words
from publisher.cli.base import Desk, command
from publisher.cli.output import plain
from publisher.counts.queries import GROUPS
from publisher.delivery import IntakeState, State, WaitsFor
from publisher.errors import NotAllowed, NoticeReturned, Problem, Reason, SettingsError
from publisher.ledger import deliveries, intake_rows
from tests.support.desk import PUBLISHER, SITE
from tests.support.repository import ROOT

SECRET = 'TEST/"SECRET" 123'


def type_command(tmp_path: Path, work: Callable[[Desk], int | None], *words_typed: str) -> Result:
    """Run `work` as a command of an installation whose county site has the secret."""
    (tmp_path / "publisher.toml").write_text(PUBLISHER.format(approvals=0), "utf-8")
    site = SITE.format(name="county", title="县网", url="http://127.0.0.1:9")
    text = site.replace("read_back = []", 'secrets = { key = "COUNTY_KEY" }')
    (tmp_path / "channels.toml").write_text(text, "utf-8")

    def try_it(desk: Desk) -> int | None:
        """Try it."""
        return work(desk)

    app = typer.Typer()
    command(app, "try", try_it)
    typed = ["--home", str(tmp_path), "--data", str(tmp_path), *words_typed]
    return CliRunner().invoke(app, typed, env={"COUNTY_KEY": SECRET}, catch_exceptions=False)


def test_a_secret_stands_in_no_message_no_log_line_and_no_traceback(tmp_path: Path) -> None:
    def work(desk: Desk) -> int:
        assert desk.settings.channels
        logging.getLogger("publisher.somewhere").warning("asked http://county/?key=%s", quote(SECRET, safe=""))
        logging.getLogger("publisher.somewhere").warning("sent %s", json.dumps({"key": SECRET}))
        raise RuntimeError(f"cannot open http://county/?key={SECRET}")

    result = type_command(tmp_path, work)
    assert result.exit_code == 70
    assert "asked http://county/?key=***" in result.stderr and "RuntimeError: cannot open" in result.stderr
    for form in (SECRET, quote(SECRET, safe=""), json.dumps(SECRET)[1:-1]):
        assert form not in result.output


def test_a_secret_stands_in_no_settings_error(tmp_path: Path) -> None:
    def work(desk: Desk) -> int:
        assert desk.settings.channels
        raise SettingsError(f"{SECRET} was refused")

    result = type_command(tmp_path, work)
    assert (result.exit_code, result.stderr) == (2, "*** was refused\n")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (SettingsError("wrong key"), 2, "wrong key"),
        (NotAllowed("不能取消"), 1, "不能取消"),
        (NoticeReturned([Problem(Reason.EMPTY_BODY, "正文为空"), Problem(Reason.EMPTY_FIELD, "")]), 1, "正文为空；"),
    ],
)
def test_an_error_that_was_foreseen_is_one_message(tmp_path: Path, error: Exception, code: int, text: str) -> None:
    def work(desk: Desk) -> int:
        raise error

    result = type_command(tmp_path, work)
    assert result.exit_code == code
    assert result.stderr.startswith(text) and len(result.stderr.splitlines()) == 1 and result.stdout == ""


def test_the_log_shows_what_its_level_asks_for_and_goes_back_to_what_it_was(tmp_path: Path) -> None:
    def work(desk: Desk) -> None:
        logging.getLogger("publisher.somewhere").info("looked")

    before = (list(logging.getLogger().handlers), logging.getLogger().level)
    assert "looked" in type_command(tmp_path, work, "--log-level", "info").stderr
    assert type_command(tmp_path, work).stderr == ""
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == before


# ---- days and instants


def test_a_day_a_month_and_a_year_have_a_first_and_a_last_day() -> None:
    spans = {
        text: (times.first_day(text, "--from"), times.last_day(text, "--to"))
        for text in ("2016-02-03", "2016-2", "2016")
    }
    assert spans == {
        "2016-02-03": (date(2016, 2, 3), date(2016, 2, 3)),
        "2016-2": (date(2016, 2, 1), date(2016, 2, 29)),
        "2016": (date(2016, 1, 1), date(2016, 12, 31)),
    }
    assert times.first_day(None, "--from") is None


def test_an_instant_without_offset_is_local_and_a_day_stands_for_its_end() -> None:
    assert times.instant("2017-12-04 08:00", "--seen-at") == datetime(2017, 12, 4, tzinfo=UTC)
    assert times.instant("2017-12-04T08:00:00+00:00", "--seen-at") == datetime(2017, 12, 4, 8, tzinfo=UTC)
    assert times.end_of("2017-12-04", "--as-of") == datetime(2017, 12, 4, 15, 59, 59, 999999, tzinfo=UTC)
    assert times.end_of("2017-12-04 08:00", "--as-of") == datetime(2017, 12, 4, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2017-02-30", "yesterday", "2017/12/04", "17", ""])
def test_what_is_no_day_is_refused_with_the_option_and_a_pattern(text: str) -> None:
    for read in (times.first_day, times.last_day, times.end_of):
        with pytest.raises(SettingsError, match=r"--x .*2017-12-04"):
            read(text, "--x")


# ---- words


def test_every_event_that_the_program_logs_has_a_chinese_word() -> None:
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "publisher").rglob("*.py"))
    patterns = [
        r"\bevent=\"(\w+)\"",
        r"(?<!_)\bentry\(\s*\w+,\s*\"(\w+)\"",
        r"_log\(tx, row, \"(\w+)\"",
        r"plain_entry\(\"(\w+)\"",
    ]
    logged = {name for pattern in patterns for name in re.findall(pattern, source)}
    logged |= {*intake_rows._EVENTS.values(), *deliveries._PUBLISHED_EVENT.values()}
    assert {"published", "claimed", "refused", "recovered", "retry_asked"} <= logged
    assert sorted(logged - set(words.EVENTS)) == []


FAULT_MODULES = ("verify.py", "walk.py", "borne_out.py", "borne_out_more.py")


def test_every_state_wait_group_and_fault_has_a_chinese_word() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    assert all(chinese.search(words.state(state.value)) for state in State)
    assert all("（" in words.state("pending", waits.value) for waits in WaitsFor)
    assert all(chinese.search(words.intake(state.value)) for state in IntakeState)
    assert set(words.OUTCOMES) == set(IntakeState) - {IntakeState.CLAIMED}
    assert set(words.GROUPS) == set(GROUPS)
    source = "\n".join((ROOT / "publisher/ledger" / name).read_text("utf-8") for name in FAULT_MODULES)
    assert set(re.findall(r"Fault\(\s*\"(\w+)\"", source)) <= set(faults.KINDS)


def test_json_holds_local_instants_and_plain_values() -> None:
    receipt = Receipt(number="7", visible_since=datetime(2017, 12, 4, tzinfo=UTC))
    made = plain({"receipt": receipt, "state": State.HELD, "days": (date(2017, 12, 4),), "path": Path("a")})
    assert made["receipt"]["visible_since"] == "2017-12-04T08:00:00.000000+08:00"
    assert (made["state"], made["days"], made["path"]) == ("held", ["2017-12-04"], "a")
