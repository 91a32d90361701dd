"""What verify says, in Chinese for who reads it; JSON keeps the words of the program."""

from __future__ import annotations

import re

from publisher.ledger.verify import Verdict
from publisher.ledger.walk import Fault

KINDS = {
    "removed": "日志缺行",
    "changed": "日志行被改动",
    "cut": "日志尾部被截断",
    "rebuilt": "日志链被重建",
    "head_unreadable": "链头文件无法识别",
    "head_forged": "链头签名不符",
    "version_changed": "公告内容被改动",
    "rendition_changed": "发布文本被改动",
    "receipt_changed": "渠道回执被改动",
    "attachment_changed": "附件被改动或缺失",
    "delivery_removed": "发布任务缺失",
    "delivery_added": "发布任务未经受理",
    "notice_changed": "公告的标题、形式或类别被改动",
    "delivery_changed": "发布任务的统计项目或公开时间被改动",
    "intake_changed": "收件记录被改动或缺失",
    "source_changed": "原件被改动或缺失",
    "entry_changed": "批准、录入数字、已报出报告或核准例外与日志不符",
    "ledger_changed": "账本编号或账别与首行不符",
    "state_changed": "发布任务的状态与日志不符",
    "rollup_changed": "汇总数与日志不符",
    "unprotected": "数据库中日志的只追加保护缺失",
}
"""Kinds of faults that `verify` names."""

_PLACES = (
    (r"row (\d+)", r"第 \1 行"),
    (r"row (\d+) or before", r"第 \1 行或更早"),
    (r"rows (\d+) to (-?\d+)", r"第 \1 至 \2 行"),
    (r"rows after (\d+)|after row (\d+)", r"第 \1\2 行之后"),
    (r"version (\d+) of intake (.+)", r"编号 \2 的第 \1 版"),
    (r"intake (\S+) on (.+)", r"编号 \1 在渠道 \2 上"),
    (r"intake (.+)", r"编号 \1"),
    (r"delivery (.+)", r"发布任务 \1"),
    (r"approval of version (\d+)", r"版本 \1 的批准"),
    (r"figure (.+)", r"录入数字 \1"),
    (r"issued_report (.+)", r"已报出报告 \1"),
    (r"rule_override (.+)", r"核准例外（文件 \1）"),
    (r"heads/(.+)", r"文件 \1"),
    (r"head of (.+)", r"\1 的链头"),
    (r"trigger (.+)", r"触发器 \1"),
    (r"head row", "账本头"),
    (r"rollup (.+)", r"发布条数 \1"),
    (r"notice_rollup (.+)", r"公告份数 \1"),
)
_DETAILS = (
    (r"missing from the log", "日志中没有"),
    (r"its text does not have its hash after the row before", "文字与接在上一行之后的哈希不符"),
    (r"its text is no JSON( object)?", "文字不是程序写的格式"),
    (r"it does not hold what a row of (.+) holds", r"缺少 \1 行应有的内容"),
    (r"columns differ from the hashed text: (.+)", r"各列与所哈希的文字不同：\1"),
    (r"the head row says there are (\d+) rows", r"账本头记有 \1 行"),
    (r"the head row does not know them", "账本头没有记到"),
    (r"the last hash is not that of the head row", "末行哈希与账本头不同"),
    (r"the head of (\S+) says there were (\d+) rows", r"\1 的链头记有 \2 行"),
    (r"its hash is not that of the head of (.+)", r"哈希与 \1 的链头不同"),
    (r"not a head of this ledger", "不是本账本的链头"),
    (r"its signature is not that of the key (.+)", r"不是公钥 \1 的签名"),
    (r"it is missing: rows could be changed", "已被去掉：日志行可以被改动"),
    (r"the first row of the log is of another ledger, or of another kind", "日志首行是另一账本，或另一账别"),
    (r"says (-?\d+), the log (-?\d+)", r"记为 \1，按日志应为 \2"),
    (r"it is (\S+), and the log does not say so", r"现为 \1，日志中没有记载"),
    (r"the log never (accepted|claimed) it", "日志中没有受理（收件）记载"),
    (r"(an accepted|a claimed) .+ is missing", "日志中有，现已缺失"),
    (r"an attachment is not what was accepted", "与受理时不同"),
    (r".+ (is|are) not what was (accepted|claimed|logged)|it is not what was logged", "与日志所记不同"),
    (
        r"it is not filed as it was accepted|it is not of the version and the notice that were accepted",
        "归属与受理时不同",
    ),
    (r"its title, form or class is not what its text says", "与公告正文不同"),
    (r"its version is that of another file", "所属版本是另一文件的"),
)
_PROOF = (
    (r"no head file: .+", "没有链头文件；日志尾部若与账本头一并被截去，无从发现"),
    (r"(signed )?head of (\S+) \((\w+)\)", r"\2 保存的链头"),
)


def said(fault: Fault) -> str:
    """A fault in one line."""
    return f"{KINDS.get(fault.kind, fault.kind)}：{_chinese(fault.place, _PLACES)}　{_chinese(fault.detail, _DETAILS)}"


def proof(verdict: Verdict) -> str:
    """Up to which row nothing is missing, and by which head."""
    by = _chinese(verdict.proved_by, _PROOF)
    return f"到第 {verdict.proved_to} 行为止没有缺失，依据 {by}" if verdict.proved_to else by


def _chinese(text: str, words: tuple[tuple[str, str], ...]) -> str:
    """`text` by the first pattern that is all of it; where none is, as it stands."""
    for pattern, chinese in words:
        if match := re.fullmatch(pattern, text):
            return match.expand(chinese)
    return text
