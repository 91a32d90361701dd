"""校验本证据包（checks this evidence pack with nothing but the standard library of Python）.

重新计算每个摘要，核对日志的哈希链、链头和签名。

只用 Python 3.8 以上的标准库，不联网，不改动任何文件。先把证据包解开，再在解开的文件夹里运行：

    python3 校验.py
    python3 校验.py --key 公钥文件        （另核对链头的签名；公钥请向主管部门索取）

全部相符时退出码为 0，有不符时为 1。
"""

import argparse
import base64
import binascii
import hashlib
import json
import sys
from pathlib import Path

# ---- Ed25519, verification only (RFC 8032, section 5.1)

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point(data):
    """The curve point of 32 bytes, in extended coordinates; None if they are none."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def add(one, other):
    a, b = (one[1] - one[0]) * (other[1] - other[0]), (one[1] + one[0]) * (other[1] + other[0])
    c, d = 2 * D * one[3] * other[3], 2 * one[2] * other[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, one):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, one)
        one, number = add(one, one), number >> 1
    return total


def is_signed(key, data, signature):
    """Whether `signature` (64 bytes) is that of the public key (32 bytes) under `data`."""
    if len(signature) != 64:
        return False
    mine, nonce, number = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if mine is None or nonce is None or number >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + data).digest(), "little") % ORDER
    left, right = times(number, BASE), add(nonce, times(challenge, mine))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def read_key(path):
    """The 32 bytes of a public key in a PEM file: the end of its SubjectPublicKeyInfo (RFC 8410)."""
    lines = path.read_text("ascii").split("-----")
    data = base64.b64decode("".join(lines[2].split()), validate=True)
    if data[:12] != bytes.fromhex("302a300506032b6570032100") or len(data) != 44:
        raise ValueError("not an Ed25519 public key")
    return data[12:]


# ---- what is checked


class Report:
    """Prints each finding; `wrong` counts what does not agree, `unproved` what cannot be seen from the pack."""

    def __init__(self):
        self.wrong = self.unproved = 0

    def check(self, agrees, what, otherwise=""):
        self.wrong += not agrees
        print("[相符] " + what if agrees else "[不符] " + what + ("：" + otherwise if otherwise else ""))

    def tell(self, what):
        print("[说明] " + what)

    def leave_open(self, what):
        self.unproved += 1
        print("[未证] " + what)


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def digest_of(path):
    return sha256(path.read_bytes()) if path.is_file() else None


def read_rows(path):
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def data_of(row):
    return json.loads(row["payload"]).get("data", {})


def check_rows(report, rows):
    """Each row of the log by itself: its hash, its number, and the row before it where that is here too."""
    hashes = {}
    for row in rows:
        body, before = json.loads(row["payload"]), hashes.get(row["seq"] - 1)
        good = sha256((row["previous"] + "\n" + row["payload"]).encode("utf-8")) == row["hash"]
        good = good and body.get("seq") == row["seq"] and before in (None, row["previous"])
        hashes[row["seq"]] = row["hash"]
        if not good:
            report.check(False, "日志第 %d 行" % row["seq"], "哈希不是由上一行的哈希和本行文字算出的")
    if not report.wrong:
        report.check(True, "日志 %d 行，每行的哈希都由上一行的哈希和本行文字算出" % len(rows))


def join(rows, links):
    """Own rows and the rows between, each with its true hash, as far as they follow one another without a gap."""
    found = {row["seq"]: row for row in links}
    found.update({row["seq"]: row for row in rows})
    return found


def reaches(found, start, head):
    """Whether the rows from `start` to the head's last row are all here and end in its hash."""
    before = found[start]["hash"]
    for seq in range(start + 1, head["seq"] + 1):
        if seq not in found:
            return None
        before = sha256((before + "\n" + found[seq]["payload"]).encode("utf-8"))
        if before != found[seq]["hash"]:
            return False
    return before == head["hash"]


def check_heads(report, rows, links, heads, end, key):
    """Every row leads to a head that was kept outside the database; the heads are signed."""
    found, missing, bare = join(rows, links), [], []
    for row in rows:
        head = next((one for _, one in heads if one["seq"] >= row["seq"]), None)
        if head is None:
            missing.append(row["seq"])
            continue
        led = reaches(found, row["seq"], head)
        if led is None:
            bare.append(row["seq"])
        elif not led:
            report.check(False, "日志第 %d 行与链头 %s" % (row["seq"], head["at"]), "接不到该链头的哈希")
    proved = len(rows) - len(missing) - len(bare)
    if proved and not report.wrong:
        report.check(True, "日志 %d 行逐行接到数据库之外保存的链头" % proved)
    if bare and links:
        report.check(False, "第 %s 行到链头之间的日志行" % "、".join(map(str, bare)), "中间有缺失")
    elif bare:
        report.leave_open("第 %s 行未附连接行，接到链头须另取整本日志核对" % "、".join(map(str, bare)))
    if missing:
        report.leave_open("第 %s 行之后尚无链头：出具本包时还未到下一次保存链头的时间" % "、".join(map(str, missing)))
    for name, head in heads:
        report.check(head["ledger_id"] == end["ledger_id"], "链头 %s 属于同一账本" % name)
        check_signature(report, name, head, key)


def check_signature(report, name, head, key):
    signature = head.get("signature")
    if signature is None:
        report.leave_open("链头 %s 没有签名" % name)
    elif key is None:
        report.leave_open("链头 %s 有签名（公钥编号 %s）；用 --key 指明公钥即可核对" % (name, head.get("key")))
    else:
        signed = canonical({k: v for k, v in head.items() if k != "signature" and v is not None}).encode("utf-8")
        try:
            good = is_signed(key, signed, base64.b64decode(signature, validate=True))
        except binascii.Error:
            good = False
        report.check(good, "链头 %s 的签名" % name, "不是公钥 %s 的签名" % sha256(key)[:16])


def check_source(report, folder, claimed, stated):
    """The files as they were handed in, and what was stated beside them last."""
    if claimed is None:
        report.leave_open("日志中没有收件行，原件无从核对")
        return
    told, listing = data_of(claimed), folder / "原件" / "清单.json"
    digests = {digest_of(path) for path in (folder / "原件").rglob("*") if path.is_file()}
    beside = stated[-1] if stated else told.get("sidecar")
    if beside:
        report.check(beside in digests, "随原件填写的说明", "没有与收件时相同的文件")
    if told.get("folder") and listing.is_file():
        report.check(digest_of(listing) == told["sha256"], "原件清单")
        for one in json.loads(listing.read_text("utf-8"))["files"]:
            report.check(one["sha256"] in digests, "原件 " + one["path"], "没有这样的文件")
    else:
        report.check(told["sha256"] in digests, "原件 " + told.get("file", ""), "没有与收件时相同的文件")


def check_version(report, folder, accepted, approved):
    """The content that was accepted, its attachments, and who approved it."""
    path = folder / "版本" / "version.json"
    if accepted is None:
        report.tell("没有受理的版本")
        return
    told = data_of(accepted)
    report.check(digest_of(path) == told["content_sha256"], "受理的版本 version.json")
    content = json.loads(path.read_text("utf-8"))
    body = (folder / "版本" / "正文.html").read_bytes()
    report.check(body == content["body_html"].encode("utf-8"), "正文.html 与版本一致")
    digests = {digest_of(path) for path in (folder / "版本" / "附件").rglob("*") if path.is_file()}
    for sha in told["attachments"]:
        report.check(sha in digests, "附件 " + sha[:16], "没有这样的文件")
    given = json.loads((folder / "版本" / "批准.json").read_text("utf-8"))
    logged = {(body["by"], canonical(data_of(row)["digests"])) for row, body in approved}
    for one in given:
        pair = one["by"], canonical(json.loads(one["digests"]))
        report.check(pair in logged, "批准人 " + one["by"], "日志中没有这次批准")


def told_of_deliveries(rows):
    """By delivery: the sha256 of its text and of its receipt, and what the row says that made it public."""
    texts, receipts, public = {}, {}, {}
    for row in rows:
        body, data = json.loads(row["payload"]), data_of(row)
        for one in data.get("deliveries", []) if body["event"] in ("accepted", "routed") else []:
            texts[one["id"]] = one["rendition"]
        one = body.get("delivery_id")
        if body["event"] in ("rendered", "update_asked", "withdraw_asked"):
            texts[one] = data["rendition"]
        if "receipt_sha256" in data:
            receipts[one] = data["receipt_sha256"]
        if body["weight"]:
            public[one] = data if body["weight"] > 0 else None
    return texts, receipts, public


def check_deliveries(report, folder, rows):
    texts, receipts, public = told_of_deliveries(rows)
    names = [path.parent.name for path in (folder / "渠道").glob("*/发布任务.json")]
    for one in sorted(set(texts) - {int(name.split("-")[-2]) for name in names}):
        report.check(False, "发布任务 %d" % one, "没有它的文件夹")
    for path in sorted((folder / "渠道").glob("*/发布任务.json")):
        task = json.loads(path.read_text("utf-8"))
        one, where = task["id"], "渠道 " + path.parent.name
        sent = [file for file in path.parent.iterdir() if file.stem == "发布文本"]
        report.check([digest_of(file) for file in sent] == [texts.get(one)], where + " 的发布文本")
        if one in receipts or "receipt_sha256" in task:
            report.check(digest_of(path.parent / "渠道回执.json") == receipts.get(one), where + " 的渠道回执")
        if public.get(one):
            told = [public[one].get(name) for name in ("channel_number", "url", "visible_since")]
            shown = [task.get(name) for name in ("channel_number", "url", "visible_since")]
            report.check(told == shown, where + " 的编号、网址和公开时间", "日志中为 " + canonical(told))


def check(folder, key):
    """Check the unpacked pack in `folder`."""
    report = Report()
    log = folder / "日志"
    rows, links = read_rows(log / "日志.jsonl"), read_rows(log / "连接.jsonl")
    end = json.loads((log / "本公告末行.json").read_text("utf-8"))
    heads = [(path.name, json.loads(path.read_text("utf-8"))) for path in log.glob("head-*.json")]
    heads.sort(key=lambda pair: (pair[1]["seq"], pair[0]))
    check_rows(report, rows)
    last = rows[-1] if rows else {"seq": 0, "hash": ""}
    report.check((last["seq"], last["hash"]) == (end["seq"], end["hash"]), "本公告末行")
    check_heads(report, rows, links, heads, end, key)
    bodies = [(row, json.loads(row["payload"])) for row in rows]
    claimed = [row for row, body in bodies if body["event"] == "claimed"]
    mine = [row for row, body in bodies if body["event"] == "accepted" and body.get("number") == end["number"]]
    stated = [data_of(row)["sidecar"] for row, body in bodies if body["event"] == "stated"]
    check_source(report, folder, claimed[0] if claimed else None, stated)
    approved = [(row, body) for row, body in bodies if body["event"] == "approved"]
    check_version(report, folder, mine[-1] if mine else None, approved)
    check_deliveries(report, folder, rows)
    if not end["real"]:
        report.tell("这是演练账本，不是正式发布的证据")
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", type=Path, metavar="公钥文件", help="核对链头签名用的公钥（PEM）")
    chosen = parser.parse_args()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        key = read_key(chosen.key) if chosen.key else None
    except (OSError, ValueError, IndexError) as error:
        print("公钥文件读不出来：%s" % error)
        return 2
    try:
        report = check(Path(__file__).resolve().parent, key)
        wrong, unproved = report.wrong, report.unproved
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        print("[不符] 证据包不完整或已被改动：%s: %s" % (type(error).__name__, error))
        wrong, unproved = 1, 0
    rest = "，另有 %d 项未证" % unproved if unproved else ""
    print("结论：" + ("全部相符" if not wrong else "有不符之处") + rest)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
