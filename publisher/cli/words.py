"""The Chinese words for what the ledger keeps in English: events, states, groups, faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publisher.channel import Tier
from publisher.delivery import IntakeState, Operation, State, WaitsFor, label_of
from publisher.ledger.channel_state import ALL
from publisher.notice import Kind, ProjectClass

EVENTS = {
    "ledger_opened": "建账",
    "started_running": "程序启动",
    "stopped_running": "程序停止",
    "recovered": "接续上次中断",
    "day_begins": "新的一天，程序运行正常",
    "claimed": "收件",
    "accepted": "受理",
    "intake_held": "收件待处理",
    "intake_retried": "收件重新处理",
    "returned": "退回",
    "duplicate": "重复件",
    "approved": "批准",
    "approved_late": "批准晚于指定时间",
    "late": "晚于指定时间发送",
    "late_answer": "迟到的答复",
    "double_settled": "重复发布警报已核实处理",
    "answered": "收到工作人员答复",
    "routed": "增发渠道",
    "routing_changed": "渠道承接规则变动",
    "rule_overridden": "负责人核准例外",
    "stated": "收到说明文件",
    "feed_passed_over": "信息源原有旧条目不收",
    "still_held": "查询后仍需人工处理",
    "published": "发布",
    "update_asked": "要求更新文本",
    "withdraw_asked": "要求撤回",
    "reason_changed": "撤回理由更改",
    "updated": "已更新",
    "withdrawn": "已撤回",
    "submitted": "渠道已受理",
    "outcome_unknown": "结果未知",
    "unknown_word": "渠道给出未知的状态",
    "read_back": "回读",
    "odd_instant": "渠道给出的公开时间不可信，改按本系统首次得知的时间",
    "refused": "渠道拒绝",
    "try_failed": "未成功，稍后重试",
    "not_there": "查明未发布",
    "interrupted": "发送中断，重新排队",
    "held": "暂停",
    "released": "放行",
    "release_asked": "放行前查询",
    "retried": "重发",
    "retry_asked": "立即重试",
    "rendered": "重新排版",
    "cancelled": "取消",
    "superseded": "被新版本取代",
    "ended": "到期",
    "stopped": "停止发送",
    "resumed": "恢复发送",
    "silenced": "维护静默",
    "silence_ended": "提前结束静默",
    "rescheduled": "改期",
    "clock_stepped": "系统时钟跳动",
    "alarm_raised": "警报",
    "alarm_cleared": "警报解除",
    "cleaned_up": "清理到期的调用明细",
    "reconciled": "与渠道核对",
    "exported": "导出",
    "evidence_given": "出具证据包",
    "figure_set": "录入数字",
    "report_issued": "报出报告",
}
"""Events of the publication log."""

OPERATIONS = {Operation.PUBLISH: "", Operation.UPDATE: "更新", Operation.WITHDRAW: "撤回"}
"""What a delivery is, where it does not publish."""

_WAITS = {
    WaitsFor.PERSON: "等人工处理",
    WaitsFor.APPROVAL: "等批准",
    WaitsFor.PREDECESSOR: "等原公告",
    WaitsFor.TIME: "等指定时间",
    WaitsFor.CHANNEL: "等渠道",
}
_LED_TO = {
    "published": "已发布",
    "submitted": "已受理，待渠道公开",
    "unknown": "结果未知",
    "transient": "未成功",
    "refused": "被拒绝",
    "person": "需人工处理",
}
_FINDINGS = {
    "found": "渠道上有",
    "absent": "渠道上没有",
    "cannottell": "无法查询",
    "failed": "没有问到",
}
_INTAKE = {
    IntakeState.CLAIMED: "正在读取",
    IntakeState.HELD: "待处理",
    IntakeState.RETURNED: "退回",
    IntakeState.DUPLICATE: "重复",
    IntakeState.ACCEPTED: "已受理",
}
OUTCOMES = {
    IntakeState.ACCEPTED: "可以受理",
    IntakeState.HELD: "将转待处理",
    IntakeState.RETURNED: "将退回",
    IntakeState.DUPLICATE: "将作为重复件退回",
}
"""What would become of a file."""

GROUPS = {
    "channel": "渠道",
    "kind": "类别",
    "tier": "层级",
    "form": "公告形式",
    "class": "项目类别",
    "day": "日期",
    "project": "项目",
    "operator": "经办人",
    "month": "月份",
    "quarter": "季度",
    "year": "年份",
}
"""What can be counted by."""


def state_of(row: Any) -> str:
    """The state of a delivery's row as people read it: an update is 已更新, what was taken back 已撤回."""
    label = label_of(State(row.state), Operation(row.operation), withdrawn=row.reason_given is not None)
    return _with_wait(label, row.state, row.waits_for)


def state(value: str, waits_for: str | None = None) -> str:
    """A delivery's state, with what it waits for."""
    return _with_wait(State(value).label, value, waits_for)


def _with_wait(label: str, value: str, waits_for: str | None) -> str:
    if waits_for and value == State.PENDING.value:
        return f"{label}（{_WAITS[WaitsFor(waits_for)]}）"
    if waits_for == WaitsFor.PREDECESSOR.value and value == State.SUBMITTED.value:
        return "等待转发"  # nothing was sent there: another channel forwards it once it has published
    return label


def outcome(value: str | None) -> str:
    """What came of a call."""
    return "进行中" if value is None else _LED_TO.get(value, value)


def finding(value: str | None) -> str:
    """What a channel answered when it was asked."""
    return "进行中" if value is None else _FINDINGS.get(value, value)


def intake(value: str) -> str:
    """An intake row's state."""
    return _INTAKE[IntakeState(value)]


def event(value: str) -> str:
    """An event of the log."""
    return EVENTS.get(value, value)


def channel(name: str | None, titles: Mapping[str, str]) -> str:
    """A channel's Chinese name; a channel that is no longer in the settings keeps its name."""
    if name == ALL:
        return "全部渠道"
    return titles.get(name or "", name or "")


def group(kind_of_group: str, value: str, titles: Mapping[str, str]) -> str:
    """The value of a group as people read it."""
    if kind_of_group == "channel":
        return channel(value, titles)
    if kind_of_group == "kind":
        return Kind(value).label
    if kind_of_group == "tier":
        return Tier(value).label
    if kind_of_group == "project":
        return value.partition(":")[2] or value
    if kind_of_group == "class":
        return ProjectClass(value).label
    return value


def practice_mark(real: bool) -> str:
    """What is printed on everything that comes from a practice ledger."""
    return "" if real else "【演练】"
