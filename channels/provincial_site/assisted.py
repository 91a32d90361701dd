"""A person types it in: for a site with a captcha or without an interface. The program makes no call at all.

The sheet gives every field of the site's own form in its order, to be copied one by one; the person confirms
with the number that the site gave, and where the notice stands.
"""

from __future__ import annotations

from datetime import timedelta

from channels.kit.submissions import attachment_values, submission_values
from channels.kit.templates import Text
from channels.provincial_site.options import ProvinceOptions
from publisher.channel import (
    CannotTell,
    Capabilities,
    ChannelConfig,
    Fidelity,
    Finding,
    Receipt,
    Submission,
    TaskNote,
)
from publisher.delivery import Operation
from publisher.errors import PermanentFailure, Reason
from publisher.notice import html_to_text

_FOREVER = timedelta(days=36500)
"""How long a repeat is harmless that makes no call."""

_ACTS = {
    Operation.PUBLISH: "发布以下公告",
    Operation.UPDATE: "将编号 {number} 的公告改为以下内容",
    Operation.WITHDRAW: "撤下编号 {number} 的公告",
}


class ByPerson:
    """The mode `assisted`. Raises SettingsError for options that are wrong."""

    def __init__(self, config: ChannelConfig, options: ProvinceOptions) -> None:
        self._title, self._practice = config.title, config.practice
        self._page = options.page or options.base_url or ""
        self._sheet = [
            (line.label, Text(f"sheet.{number}.value", line.value)) for number, line in enumerate(options.sheet)
        ]
        self.capabilities = Capabilities(
            limits=options.limits.limits(takes_attachments=options.takes_attachments),
            fidelity=options.fidelity or Fidelity.FULL,
            findable=False,
            operations=frozenset(options.operations),
            asynchronous=True,
            idempotent_for=_FOREVER,
        )

    def submit(self, submission: Submission) -> Receipt:
        """A task with the sheet; nothing leaves this machine."""
        if submission.operation not in self.capabilities.operations:
            raise PermanentFailure(Reason.NOT_SUPPORTED, "该网站没有开通此操作")
        submission.context.still_mine(None)
        return Receipt(public=False, task=self._task(submission), note="由人工在网站上录入")

    def find(self, submission: Submission) -> Finding:
        """Only a person can look."""
        return CannotTell("该网站须人工登录查看（有验证码或没有接口）")

    def _task(self, submission: Submission) -> TaskNote:
        number = submission.version.number
        last = submission.last_receipt.number if submission.last_receipt else None
        act = _ACTS[submission.operation].format(number=last or "（见原公告）")
        mark = "【演练】" if self._practice else ""
        what = f"{mark}请登录{self._title}，{act}；完成后用 confirm 填写网站给出的编号和网址，并说明凭据（截图等）"
        return TaskNote(what=what, text=self._sheet_text(submission, f"{mark}{self._title}录入单（收件编号 {number}）"))

    def _sheet_text(self, submission: Submission, head: str) -> str:
        values = submission_values(submission, {})
        values["attachments"] = [attachment_values(attachment) for attachment in submission.attachments]
        values["shown_text"] = html_to_text(submission.rendition.text)
        lines = [head]
        if self._page:
            lines.append(f"网址：{self._page}")
        if submission.reason:
            lines.append(f"理由：{submission.reason}")
        if submission.operation is not Operation.WITHDRAW:
            lines.append("请按下列顺序逐项复制，不要改动文字：")
            lines += [_field(n, label, text.render(values)) for n, (label, text) in enumerate(self._sheet, start=1)]
        return "\n".join(lines)


def _field(number: int, label: str, value: str) -> str:
    value = value.strip()
    apart = "\n" if "\n" in value else ""
    return f"{number}. {label}：{apart}{value or '（无）'}"
