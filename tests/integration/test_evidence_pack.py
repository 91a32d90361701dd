"""An evidence pack is checked by its own program with nothing but Python, and by hand against the signing library."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.desk import TestDesk
from tests.support.repository import ROOT

KEY = '[ledger]\nsigning_key = "signing.key"\n'


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    made.build("county", "city", approvals=1)
    assert made.run("keygen", str(made.home / "signing.key")).exit_code == 0
    settings = made.home / "publisher.toml"
    settings.write_text(settings.read_text("utf-8") + KEY, "utf-8")
    made.drop("招标公告乙")
    made.drop("招标公告甲")
    made.run("once")
    made.run("approve", "1", "--by", "李某")
    made.run("once")
    yield made
    made.close()


def unpacked(desk: TestDesk, links: str = "--links") -> Path:
    folder = desk.folder / "unpacked"
    made = desk.run("evidence", "1", "--out", str(desk.folder / "a.zip"), links)
    assert made.exit_code == 0, made.output
    zipfile.ZipFile(desk.folder / "a.zip").extractall(folder)
    return folder


def checked(folder: Path, *more: str) -> tuple[int, str]:
    """What the pack's program says: with no package in its reach, in a folder of its own."""
    command = [sys.executable, "-I", "-S", "-X", "utf8", str(folder / "校验.py"), *more]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, cwd=folder.parent)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_pack_proves_itself_with_nothing_but_python(desk: TestDesk) -> None:
    folder = unpacked(desk)
    code, said = checked(folder, "--key", str(desk.home / "signing.key.pub"))

    assert code == 0, said
    assert "逐行接到数据库之外保存的链头" in said and "的签名" in said and "演练账本" in said
    assert said.splitlines()[-1] == "结论：全部相符"
    assert "不符" not in said.removesuffix("结论：全部相符\n")
    code, said = checked(folder)
    assert (code, said.splitlines()[-1].startswith("结论：全部相符，另有")) == (0, True), "all but the signature"
    how = (folder / "校验方法.txt").read_text("utf-8-sig")
    assert "python3 校验.py --key 公钥文件" in how and "{" not in how
    assert "校验.py" in (folder / "index.html").read_text("utf-8")


def test_the_commands_of_the_paper_for_checking_by_hand_say_what_it_promises(desk: TestDesk) -> None:
    folder = unpacked(desk)
    how = (folder / "校验方法.txt").read_text("utf-8-sig")
    (line,) = (one.strip() for one in how.splitlines() if one.strip().startswith('python3 -c "'))
    code = line.removeprefix('python3 -c "').removesuffix('"')
    done = subprocess.run([sys.executable, "-I", "-X", "utf8", "-c", code], capture_output=True, text=True, cwd=folder)

    assert {row.split()[1] for row in done.stdout.splitlines()} == {"True"}, done.stderr


def edited(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = max(folder.glob(name))
        text = path.read_text("utf-8")
        assert old in text, text
        path.write_text(text.replace(old, new), "utf-8")

    return edit


def removed(name: str) -> Callable[[Path], None]:
    return lambda folder: max(folder.glob(name)).unlink()


def cut(name: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        lines = read(folder / name)
        (folder / name).write_text("".join(f"{line}\n" for line in lines[:2] + lines[3:]), "utf-8")

    return edit


def without_a_channel(folder: Path) -> None:
    shutil.rmtree(max(folder.glob("渠道/county-*")))


FORGERIES = {
    "a row of the log": (edited("日志/日志.jsonl", "county", "County"), "日志第"),
    "a row that leads to the head": (edited("日志/连接.jsonl", "county", "County"), "链头"),
    "the source": (edited("原件/*.json", "曲阜市", "邹城市"), "原件"),
    "the version": (edited("版本/version.json", "曲阜市", "邹城市"), "version.json"),
    "the readable text": (edited("版本/正文.html", "曲阜市", "邹城市"), "正文.html"),
    "who approved": (edited("版本/批准.json", "李某", "王某"), "批准人 王某"),
    "what was sent": (edited("渠道/county-*/发布文本.html", "曲阜市", "邹城市"), "发布文本"),
    "a receipt": (edited("渠道/county-*/渠道回执.json", '"public":true', '"public":false'), "渠道回执"),
    "since when it is public": (
        edited("渠道/city-*/发布任务.json", 'visible_since": "2', 'visible_since": "1'),
        "公开时间",
    ),
    "the head's instant": (edited("日志/head-*.json", '"why": "', '"why": "x'), "的签名"),
    "a receipt that is gone": (removed("渠道/county-*/渠道回执.json"), "渠道回执"),
    "a file that is gone": (removed("版本/version.json"), "version.json"),
    "a row of another notice that is gone": (cut("日志/连接.jsonl"), "链头"),
    "a row that is gone": (cut("日志/日志.jsonl"), "批准人 李某"),
    "a channel that is gone": (without_a_channel, "没有它的文件夹"),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_the_pack_names_a_forgery_of(desk: TestDesk, what: str) -> None:
    forge, named = FORGERIES[what]
    folder = unpacked(desk)
    forge(folder)
    code, said = checked(folder, "--key", str(desk.home / "signing.key.pub"))

    assert code == 1, said
    assert any(line.startswith("[不符]") and named in line for line in said.splitlines()), said


def test_the_key_of_somebody_else_proves_nothing(desk: TestDesk) -> None:
    assert desk.run("keygen", str(desk.home / "other.key")).exit_code == 0
    folder = unpacked(desk)

    assert checked(folder, "--key", str(desk.home / "other.key.pub"))[0] == 1
    assert checked(folder, "--key", str(desk.home / "publisher.toml"))[0] == 2


def test_a_pack_can_be_made_without_the_rows_of_other_notices_and_says_what_it_then_does_not_prove(
    desk: TestDesk,
) -> None:
    folder = unpacked(desk, "--no-links")
    code, said = checked(folder)
    others = {json.loads(json.loads(line)["payload"]).get("number") for line in read(folder / "日志" / "日志.jsonl")}

    assert not (folder / "日志" / "连接.jsonl").exists() and others == {"1"}
    assert (code, "未附连接行" in said) == (0, True)


def test_rows_that_speak_of_a_notice_not_yet_public_are_given_only_where_that_is_asked_for(desk: TestDesk) -> None:
    """A complainant is not to read of a tender that is still to be announced: here one that waits for approval."""

    def pack(name: str, *more: str) -> tuple[str, str]:
        path = desk.folder / f"{name}.zip"
        said = desk.run("evidence", "1", "--out", str(path), *more).stdout
        with zipfile.ZipFile(path) as archive:
            links = archive.read("日志/连接.jsonl").decode() if "日志/连接.jsonl" in archive.namelist() else ""
        return said, links

    said, links = pack("before")
    assert ("涉及尚未公开的公告，没有放入" in said, links) == (True, "")
    assert '\\"number\\":\\"2\\"' in pack("inside", "--links")[1]

    desk.run("approve", "2", "--by", "李某")
    desk.run("once")
    said, links = pack("after")
    assert "涉及尚未公开的公告" not in said and '\\"number\\":\\"2\\"' in links


def read(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_what_was_stated_beside_a_file_is_in_the_pack(desk: TestDesk) -> None:
    path = desk.drop("招标公告丙")
    path.with_name(path.name + ".yaml").write_text("标题: 另定的标题\n", "utf-8")
    desk.run("once")
    made = desk.run("evidence", "3", "--out", str(desk.folder / "c.zip"))
    assert made.exit_code == 0, made.output
    zipfile.ZipFile(desk.folder / "c.zip").extractall(desk.folder / "stated")
    code, said = checked(desk.folder / "stated")

    assert (code, "[相符] 随原件填写的说明" in said) == (0, True), said


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check", ROOT / "templates" / "evidence" / "check.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_the_packs_own_check_of_signatures_agrees_with_the_library_that_makes_them(program: ModuleType) -> None:
    chance = random.Random(7)
    for _ in range(12):
        key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        data = chance.randbytes(chance.randrange(80))
        signature = key.sign(data)
        place = chance.randrange(64)
        broken = signature[:place] + bytes([signature[place] ^ 1 << chance.randrange(8)]) + signature[place + 1 :]

        assert program.is_signed(public, data, signature)
        assert not program.is_signed(public, data + b"x", signature)
        assert not program.is_signed(public, data, broken)
        assert not program.is_signed(chance.randbytes(32), data, signature)
