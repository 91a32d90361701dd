"""Exports, evidence, signed heads, clean-up and reconciliation, on installations that ran."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from publisher.counts import queries
from publisher.counts.export import Sheet, as_csv, as_xlsx, safe
from publisher.delivery import State
from publisher.errors import NotAllowed, Reason, SettingsError, TransientFailure
from publisher.ledger.heads import write_head
from publisher.ledger.retention import BATCH, clean_up
from publisher.ledger.signing import make_key, public_path, read_public, read_signer
from publisher.ledger.tables import attempt, observation
from publisher.ledger.verify import verify
from publisher.notice import Candidate, Form, Money
from tests.support.builders import a_change_notice, a_notice
from tests.support.desk import TestDesk
from tests.support.ocds_package import package_of
from tests.support.scripted import Scripted
from tests.support.sending import World, a_world


@pytest.fixture
def desk(tmp_path: Path) -> TestDesk:
    return TestDesk(tmp_path)


# ---- export


@pytest.mark.parametrize("cell", ["=1+1", "+86", "-2", "@sum", "\t=1", "\r=1", " =1", "＝1"])
def test_a_cell_that_a_spreadsheet_would_reckon_with_is_shown_as_it_is(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["123456789012", "0012345", "00", "1E5", "2017.5e+3"])
def test_a_cell_that_a_spreadsheet_would_take_for_another_number_is_shown_as_it_is(cell: str) -> None:
    assert safe(cell) == f"'{cell}"


@pytest.mark.parametrize(
    "cell", ["", "QFZB-2017-0412", "2017-12-04", "公告=更正", "1234", "12345678901", "0", "E5", "1E", "17-2"]
)
def test_any_other_cell_is_left_alone(cell: str) -> None:
    assert safe(cell) == cell


def test_a_workbook_holds_every_cell_as_text_whatever_stands_in_it() -> None:
    rows = (("=1+1", "123456789012345678", "<甲&乙>\x00\x0b", " x\n"),)
    made = as_xlsx(Sheet(("一", "二", "三", "四"), rows))
    (sheet,) = CalamineWorkbook.from_filelike(io.BytesIO(made)).sheet_names
    read = CalamineWorkbook.from_filelike(io.BytesIO(made)).get_sheet_by_name(sheet).to_python()

    assert read == [["一", "二", "三", "四"], ["=1+1", "123456789012345678", "<甲&乙>\x00\x0b", " x\n"]]
    assert as_xlsx(Sheet(("一", "二", "三", "四"), rows)) == made
    assert as_csv(Sheet(("一",), ())).startswith(b"\xef\xbb\xbf")


def test_what_no_workbook_can_hold_is_refused_and_not_cut_off() -> None:
    with pytest.raises(NotAllowed, match=r"第 1 行“标题”过长.*--format csv"):
        as_xlsx(Sheet(("标题",), (("长" * 32_768,),)))
    with pytest.raises(NotAllowed, match=r"共 1,048,576 行.*分期导出"):
        as_xlsx(Sheet(("标题",), (("甲",),) * 1_048_576))


def test_c054_every_export_has_as_many_rows_as_the_count_says(desk: TestDesk, tmp_path: Path) -> None:
    desk.build("county", "city")
    for title in ("招标公告甲", "=HYPERLINK(1)"):
        desk.drop(title)
    desk.run("once")
    (counted,) = desk.json("count")
    for name in ("csv", "xlsx", "jsonl", "ocds"):
        made = desk.run("export", "--format", name, "--out", str(tmp_path / f"out.{name}"), "--by", "王某")
        assert made.exit_code == 0, made.output
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text("utf-8-sig"))))
    sheet = CalamineWorkbook.from_path(tmp_path / "out.xlsx").get_sheet_by_index(0).to_python()
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    package = json.loads((tmp_path / "out.ocds").read_text("utf-8"))
    weights = [json.loads(line["payload"]).get("weight", 0) for line in lines]

    assert counted["publications"] == len(rows) == len(sheet) - 1 == sum(weights) == 4
    assert counted["notices"] == len(package["releases"]) == 2
    assert {row["账别"] for row in rows} == {"演练"} and "'=HYPERLINK(1)" in {row["标题"] for row in rows}
    assert desk.run("export", "--out", str(tmp_path / "out.csv")).exit_code == 2, "nothing is overwritten"
    with desk.ledger().read() as conn:
        exported = list(conn.exec_driver_sql("select by from publication_log where event = 'exported'"))
    assert [row.by for row in exported] == ["王某"] * 4


def test_an_award_becomes_a_release_with_amounts_suppliers_and_the_ocid_of_its_tender(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"site": Scripted()})
    world.accept(a_notice(dates={}))
    winner = Candidate(name="山东某某建设有限公司", price=Money(raw="100万元", yuan="1000000", unit="万元"))
    world.accept(a_notice(form=Form.WINNING_RESULT, title="中标结果公告", winners=(winner,), dates={}))
    world.accept(a_change_notice(dates={}))
    world.run_for(minutes=1)
    made = package_of(world)
    releases = made["releases"]

    assert {release["ocid"] for release in releases} == {"ocds-abc123-QFZB-2017-0412"}
    assert sorted(release["tag"] for release in releases) == [["award"], ["tender"], ["tenderAmendment"]]
    assert len({release["id"] for release in releases}) == 3
    (award,) = [release for release in releases if release["tag"] == ["award"]]
    assert award["awards"][0]["value"] == {"amount": 1000000.0, "currency": "CNY"}
    roles = {party["name"]: party["roles"] for party in award["parties"]}
    assert roles["山东某某建设有限公司"] == ["supplier"] and "buyer" in roles["曲阜市陵城镇人民政府"]
    for release in releases:
        assert {"ocid", "id", "date", "tag", "initiationType"} <= set(release)
        assert release["date"].endswith("+08:00")


# ---- evidence


def test_an_evidence_pack_holds_all_and_is_the_same_file_each_time(desk: TestDesk, tmp_path: Path) -> None:
    desk.build("county", approvals=1)
    desk.drop("招标公告甲")
    desk.run("once")
    desk.run("approve", "1", "--by", "李某")
    desk.run("once")
    packs = []
    for name in ("a.zip", "b.zip"):
        if name == "b.zip":
            desk.drop("招标公告乙")  # the log grows, and heads are added
            desk.run("once")
        made = desk.run("evidence", "1", "--out", str(tmp_path / name))
        assert made.exit_code == 0, made.output
        packs.append(zipfile.ZipFile(tmp_path / name))
    files = {name: packs[0].read(name) for name in packs[0].namelist()}
    again = {name: packs[1].read(name) for name in packs[1].namelist()}

    assert files == again
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert all(entry.date_time == (1980, 1, 1, 0, 0, 0) for entry in packs[0].infolist())
    assert files["原件/招标公告甲.json"].startswith(b"{")
    (folder,) = {name.split("/")[1] for name in files if name.startswith("渠道/")}
    tries = json.loads(files[f"渠道/{folder}/发送记录.json"])
    assert tries[-1]["outcome"] == "published" and len(tries[-1]["request_digest"]) == 64
    rows = [json.loads(line) for line in files["日志/日志.jsonl"].decode().splitlines()]
    for row in rows:
        assert hashlib.sha256(f"{row['previous']}\n{row['payload']}".encode()).hexdigest() == row["hash"]
    accepted = next(json.loads(r["payload"]) for r in rows if json.loads(r["payload"])["event"] == "accepted")
    assert hashlib.sha256(files["版本/version.json"]).hexdigest() == accepted["data"]["content_sha256"]
    published = next(json.loads(r["payload"]) for r in rows if json.loads(r["payload"])["event"] == "published")
    receipt = files[f"渠道/{folder}/渠道回执.json"]
    assert hashlib.sha256(receipt).hexdigest() == published["data"]["receipt_sha256"]
    page = files["index.html"].decode()
    assert "演练账本" in page and "李某" in page and "county网" in page and "已发布" in page
    assert any(name.startswith("日志/head-") for name in files)


def test_an_evidence_pack_of_a_number_that_is_not_there_is_refused(desk: TestDesk) -> None:
    desk.build("county")
    desk.run("once")
    assert desk.run("evidence", "77").exit_code == 1


# ---- signed heads


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = a_world(tmp_path, {"county": Scripted()})
    made.accept(a_notice(dates={}))
    made.step()
    return made


def test_a_signed_head_proves_completeness_with_the_public_key_alone(world: World, tmp_path: Path) -> None:
    key = tmp_path / "keys" / "signing.key"
    made = make_key(key)
    write_head(world.ledger, tmp_path / "heads", "stop", read_signer(key))
    verdict = verify(world.ledger, tmp_path / "heads", read_public(public_path(key)))

    assert verdict.ok and verdict.signed_to == verdict.proved_to == verdict.rows
    assert key.stat().st_mode & 0o777 == 0o600
    assert verify(world.ledger, tmp_path / "heads").signed_to == 0, "without the key nothing is known of signatures"
    with pytest.raises(SettingsError, match="never overwritten"):
        make_key(key)
    assert read_public(public_path(key)).name == made.name


def test_a_head_that_was_changed_after_it_was_signed_is_named(world: World, tmp_path: Path) -> None:
    public = make_key(tmp_path / "signing.key")
    path = write_head(world.ledger, tmp_path / "heads", "stop", read_signer(tmp_path / "signing.key"))
    body = json.loads(path.read_text("utf-8")) | {"at": "2017-12-05T00:00:00.000000+08:00"}
    path.write_text(json.dumps(body), "utf-8")
    verdict = verify(world.ledger, tmp_path / "heads", public)

    assert [fault.kind for fault in verdict.faults] == ["head_forged"]
    assert verdict.signed_to == 0


def test_keygen_makes_a_key_and_the_daemon_signs_with_it(desk: TestDesk) -> None:
    desk.build("county")
    key = desk.home / "signing.key"
    assert desk.run("keygen", str(desk.data / "signing.key")).exit_code == 2, "not where the log is"
    assert desk.run("keygen", str(key)).exit_code == 0
    settings = desk.home / "publisher.toml"
    settings.write_text(settings.read_text("utf-8") + '[ledger]\nsigning_key = "signing.key"\n', "utf-8")
    desk.drop("招标公告甲")
    desk.run("once")
    (told,) = desk.json("verify")
    (alone,) = desk.json("verify", "--no-heads")

    assert told["ok"] and told["signed_to"] == told["proved_to"] > 0
    assert alone["ok"] and alone["proved_to"] == 0
    assert desk.run("keygen", str(desk.home / "other.key")).exit_code == 0
    others = desk.run("verify", "--key", str(desk.home / "other.key.pub"))
    assert "没有签名为证" in others.output and "没有签名为证" not in desk.run("verify").output
    settings.write_text(settings.read_text("utf-8").replace("signing.key", "../data/k"), "utf-8")
    assert desk.run("once").exit_code == 2


# ---- clean-up


def test_c069_a_clean_up_takes_details_and_nothing_else_and_goes_on_where_it_was(tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    broken = [False]

    def fault(point: str) -> object:
        if broken[0] and point == "commit.before":
            raise Interrupted
        return None

    site = Scripted()
    world = a_world(tmp_path, {"site": site}, fault=fault, settings={"site": {"read_back": [timedelta(minutes=1)]}})
    site.will("a", TransientFailure(Reason.BUSY, "忙", evidence="HTTP 503"))
    world.accept(a_notice(title="a", dates={}))
    world.run_for(hours=1)
    before = _counts(world)
    world.clock.move_to(world.clock() + timedelta(days=400))
    with world.ledger.read() as conn:
        assert conn.execute(select(attempt.c.evidence).where(attempt.c.evidence.is_not(None))).all()
    broken[0] = True
    with pytest.raises(Interrupted):
        clean_up(world.ledger, timedelta(days=90))
    broken[0] = False
    first, second = clean_up(world.ledger, timedelta(days=90)), clean_up(world.ledger, timedelta(days=90))

    assert first > 0 and second == 0
    assert world.events().count("cleaned_up") == 1
    with world.ledger.read() as conn:
        for column in (attempt.c.detail, attempt.c.evidence, observation.c.detail):
            assert conn.execute(select(column).where(column.is_not(None))).all() == []
        outcomes = conn.execute(select(attempt.c.outcome).order_by(attempt.c.id)).scalars().all()
        assert outcomes == ["transient", "published"]
    assert _counts(world) == before
    assert world.verdict().ok


def test_a_clean_up_leaves_what_is_not_old_enough(tmp_path: Path) -> None:
    site = Scripted()
    site.will("a", TransientFailure(Reason.BUSY, "忙"))
    world = a_world(tmp_path, {"site": site})
    world.accept(a_notice(title="a", dates={}))
    world.run_for(hours=1)

    assert BATCH > 1 and clean_up(world.ledger, timedelta(days=90)) == 0
    assert "cleaned_up" not in world.events()


def _counts(world: World) -> list[queries.Tally]:
    with world.ledger.read() as conn:
        return [queries.count(conn, (group,)) for group in queries.GROUPS]


# ---- reconciliation


def test_missing_different_and_foreign_items_are_named_and_nothing_is_sent(desk: TestDesk) -> None:
    desk.build("county", "city", more='[county.options.query]\nlist_path = "/"\n')
    desk.drop("招标公告甲")
    desk.drop("招标公告乙")
    desk.run("once")
    month = str(desk.row("1", "county").visible_since)[:7]
    (good,) = desk.json("reconcile", "--month", month)
    assert [(c["channel"], c["logged"], c["found"], c["agrees"]) for c in good["channels"]] == [
        ("city", 2, 2, True),
        ("county", 2, 2, True),
    ]
    posts = len(desk.sites["county"].items())
    stranger = TestDesk(desk.folder / "stranger", {"county": desk.sites["county"]})
    stranger.folder.mkdir()
    stranger.build()
    stranger.drop("招标公告丙")
    stranger.run("once")
    (told,) = desk.json("reconcile", "--month", month, "--channel", "county", code=1)

    (county,) = told["channels"]
    (foreign,) = county["items"]
    assert foreign["what"] == "foreign" and "招标公告丙" in foreign["title"]
    assert len(desk.sites["county"].items()) == posts + 1
    with desk.ledger().read() as conn:
        rows = conn.exec_driver_sql("select channel from publication_log where event = 'reconciled'").scalars().all()
    assert sorted(rows) == ["city", "county", "county"]
    desk.close()


def test_a_publication_that_the_channel_lost_is_named_missing_and_stays_as_it_is(desk: TestDesk) -> None:
    desk.build("county")
    desk.drop("招标公告甲")
    desk.run("once")
    with closing(sqlite3.connect(desk.folder / "sites" / "county" / "site.sqlite3")) as connection:
        connection.execute("delete from item")
        connection.commit()
    month = str(desk.row("1", "county").visible_since)[:7]
    (told,) = desk.json("reconcile", "--month", month, code=1)

    (item,) = told["channels"][0]["items"]
    assert (item["what"], item["number"], item["title"]) == ("missing", "1", "招标公告甲")
    assert desk.row("1", "county").state == State.PUBLISHED.value
    assert desk.sites["county"].items() == []
    desk.close()
