"""What can go wrong: who acts next is the class, why is the reason.

PublisherError
├── ChannelError            raised by an adapter, classified by `send.py`
│   ├── TransientFailure    the program acts: nothing was published, or a repeat is harmless
│   ├── OutcomeUnknown      the program asks: the channel may or may not have published
│   ├── PermanentFailure    the sender acts: the channel refuses this content
│   └── NeedsPerson         an administrator acts: credential, address list, captcha, a word never seen
├── NoticeReturned          the office that sent the file acts
└── NotAllowed              the command cannot be carried out in this state
SettingsError               whoever configures acts; outside the tree, so that nothing swallows it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """The closed set of reasons; each is explained in `docs/operating.md` and, for staff, in `ADVICE`."""

    # transient: the program acts
    UNREACHABLE = "unreachable"
    NAME_LOOKUP = "name_lookup"
    TLS = "tls"
    BUSY = "busy"
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    FOLDER_UNWRITABLE = "folder_unwritable"
    NO_LONGER_MINE = "no_longer_mine"
    INTERRUPTED = "interrupted"
    # outcome unknown: the program asks
    ANSWER_LOST = "answer_lost"
    TIME_LIMIT = "time_limit"
    SERVER_ERROR = "server_error"
    UNKNOWN_ANSWER = "unknown_answer"
    DAEMON_DIED = "daemon_died"
    # permanent: the sender acts
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    NOT_SUPPORTED = "not_supported"
    CANNOT_BE_SHOWN = "cannot_be_shown"
    # an administrator acts
    BAD_CREDENTIAL = "bad_credential"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    MOVED = "moved"
    PRACTICE_MISMATCH = "practice_mismatch"
    ADAPTER_FAULT = "adapter_fault"
    TEMPLATE_FAULT = "template_fault"
    # the program stopped and waits for a person
    CANNOT_BE_ASKED = "cannot_be_asked"
    FOREIGN_TEXT = "foreign_text"
    GAVE_UP = "gave_up"
    PREDECESSOR_FAILED = "predecessor_failed"
    FEEDER_FAILED = "feeder_failed"
    BID_DEADLINE_OVER = "bid_deadline_over"
    CHANNEL_LIMIT = "channel_limit"
    GONE_FROM_CHANNEL = "gone_from_channel"
    CONFIRMATION_UNDONE = "confirmation_undone"
    HELD_BY_PERSON = "held_by_person"
    CLOCK_STEPPED = "clock_stepped"
    # intake: returned to the office that sent it
    EMPTY_BODY = "empty_body"
    PASSWORD_PROTECTED = "password_protected"
    DAMAGED_FILE = "damaged_file"
    NO_TEXT_LAYER = "no_text_layer"
    UNSUPPORTED_FORMAT = "unsupported_format"
    UNSAFE_ARCHIVE = "unsafe_archive"
    NOT_BY_SCHEMA = "not_by_schema"
    READER_FAULT = "reader_fault"
    DUPLICATE = "duplicate"
    # intake: held with a question
    EMPTY_FIELD = "empty_field"
    KIND_CONFLICT = "kind_conflict"
    KIND_UNKNOWN = "kind_unknown"
    AMOUNT_UNIT_SUSPECT = "amount_unit_suspect"
    DEADLINE_TOO_SHORT = "deadline_too_short"
    PUBLICITY_TOO_SHORT = "publicity_too_short"
    SPAN_TOO_SHORT = "span_too_short"
    ATTACHMENT_MISSING = "attachment_missing"
    MAIN_DOCUMENT_DOUBT = "main_document_doubt"
    SAME_IDENTITY_OTHER_TEXT = "same_identity_other_text"
    SIDECAR_INVALID = "sidecar_invalid"
    WITHDRAWAL_REQUESTED = "withdrawal_requested"
    OLD_FILE = "old_file"
    LIMIT_EXCEEDED = "limit_exceeded"
    NO_CHANNEL = "no_channel"
    CREDIT_CODE_WRONG = "credit_code_wrong"
    PRIVATE_DATA = "private_data"
    WORD_LISTED = "word_listed"
    HIDDEN_CONTENT = "hidden_content"
    # intake: shown beside the notice, stops nothing
    DATE_SUSPECT = "date_suspect"
    PHONE_MASKED = "phone_masked"
    SUSPENSION = "suspension"
    ORIGINAL_UNKNOWN = "original_unknown"
    NEVER_CARRIED = "never_carried"
    RESULT_CORRECTION = "result_correction"
    LEGAL_TERM_MISSED = "legal_term_missed"
    CALENDAR_MISSING = "calendar_missing"
    SECTION_ORDER = "section_order"
    FILE_METADATA = "file_metadata"
    NOT_SCREENED = "not_screened"


ADVICE: dict[Reason, str] = {
    Reason.UNREACHABLE: "渠道连接不上，程序会自动重试；如长时间不恢复，请联系该网站。",
    Reason.NAME_LOOKUP: "域名解析失败，程序会自动重试；请检查网络和 DNS 设置。",
    Reason.TLS: "安全连接（TLS）建立失败，请管理员检查证书或该渠道的 TLS 设置。",
    Reason.BUSY: "渠道暂时繁忙，程序会自动重试。",
    Reason.RATE_LIMITED: "渠道限制了提交频率，程序会按其要求的时间再试。",
    Reason.QUOTA: "渠道当日额度已用完，额度恢复后自动继续。",
    Reason.FOLDER_UNWRITABLE: "输出文件夹无法写入，请管理员检查共享文件夹和权限；恢复后自动继续。",
    Reason.NO_LONGER_MINE: "本次发送的时限或许可已失效，未发出任何内容，程序会重新安排。",
    Reason.INTERRUPTED: "程序中断，重复发送无害，已重新排队。",
    Reason.ANSWER_LOST: "已发出但未收到答复，程序会先向渠道查询再决定。",
    Reason.TIME_LIMIT: "超过时限未得到答复，程序会先向渠道查询再决定。",
    Reason.SERVER_ERROR: "渠道内部出错，是否已发布未知，程序会先查询再决定。",
    Reason.UNKNOWN_ANSWER: "渠道的答复无法识别，程序会先查询再决定。",
    Reason.DAEMON_DIED: "程序在发送途中中断，是否已发布未知，程序会先查询再决定。",
    Reason.REFUSED: "渠道拒绝了该公告，请按所附原因修改后重新送交，或与该渠道联系。",
    Reason.TOO_LARGE: "内容或附件超过渠道限制，请缩减后重新送交。",
    Reason.NOT_SUPPORTED: "该渠道不支持此操作，请改用更正公告或人工办理。",
    Reason.CANNOT_BE_SHOWN: "内容中有该渠道无法显示的字符，请修改或在该渠道改为人工发布。",
    Reason.BAD_CREDENTIAL: "渠道账号或密钥无效，请管理员更新凭据后执行 resume。",
    Reason.ADDRESS_NOT_ALLOWED: "本机地址不在渠道白名单内，请管理员将所示地址加入白名单后执行 resume。",
    Reason.MOVED: "渠道地址发生跳转，请管理员核对 channels.toml 中的地址。",
    Reason.PRACTICE_MISMATCH: "演练与正式环境不一致，已停止发送，请管理员核对渠道配置。",
    Reason.ADAPTER_FAULT: "渠道程序出现未预料的错误，请管理员查看日志。",
    Reason.TEMPLATE_FAULT: "渠道模板有误，请管理员修正模板后执行 retry --render。",
    Reason.CANNOT_BE_ASKED: "是否已发布无法查询，请人工到渠道核对：已发布则 confirm，未发布则 release --not-there。",
    Reason.FOREIGN_TEXT: "渠道上显示的内容与批准的文本不一致，请人工核对。",
    Reason.GAVE_UP: "超过 72 小时仍未成功，已停止重试，请处理原因后执行 release。",
    Reason.PREDECESSOR_FAILED: "原公告在该渠道未能发布，请先处理原公告。",
    Reason.FEEDER_FAILED: "本渠道由其他渠道转发，而那个渠道未能发布：请先处理那边，那边发布后本渠道自动继续。",
    Reason.BID_DEADLINE_OVER: "轮到发布时投标截止时间已过，请核对是否仍需发布。",
    Reason.CHANNEL_LIMIT: "不符合该（可选）渠道的限制，仅该渠道暂停。",
    Reason.GONE_FROM_CHANNEL: "渠道上已看不到该公告，请人工核对。",
    Reason.CONFIRMATION_UNDONE: "人工确认已撤回，请重新核对。",
    Reason.HELD_BY_PERSON: "由管理员暂停。",
    Reason.CLOCK_STEPPED: "系统时钟突然向前跳动，是否真的到点无法确定，请核对时间后执行 release 或 reschedule。",
    Reason.EMPTY_BODY: "正文为空或过短，请补充正文后重新放入。",
    Reason.PASSWORD_PROTECTED: "文件已加密，请去除打开密码后重新放入。",
    Reason.DAMAGED_FILE: "文件已损坏或未复制完整，请重新复制一份放入。",
    Reason.NO_TEXT_LAYER: "文件是扫描图片，没有文字，请改用可编辑的文件（如 .docx）。",
    Reason.UNSUPPORTED_FORMAT: "暂不支持该文件格式，请另存为 .docx 后重新放入。",
    Reason.UNSAFE_ARCHIVE: "压缩包内容不安全或过大，请解压检查后重新放入。",
    Reason.NOT_BY_SCHEMA: "数据文件不符合格式要求，请按所列各项改正。",
    Reason.READER_FAULT: "程序读取该文件时出错，文件已妥善保存，请联系管理员查看日志。",
    Reason.DUPLICATE: "该公告已收过，不再重复发布。",
    Reason.EMPTY_FIELD: "必填项为空，请补齐后重新放入。",
    Reason.KIND_CONFLICT: "公告类别前后不一致，请确认类别。",
    Reason.KIND_UNKNOWN: "无法判断公告类别，请放入以类别命名的子文件夹（如“招标公告”）。",
    Reason.AMOUNT_UNIT_SUSPECT: "金额或单位可疑，请核对元与万元。",
    Reason.DEADLINE_TOO_SHORT: "投标期限短于法定期限，请核对。",
    Reason.PUBLICITY_TOO_SHORT: "公示期短于法定期限，请核对。",
    Reason.SPAN_TOO_SHORT: "期限短于法定期限，请核对日期。",
    Reason.ATTACHMENT_MISSING: "正文提到的附件未一并送交，请补齐附件。",
    Reason.MAIN_DOCUMENT_DOUBT: "无法确定哪个文件是公告正文，请只保留一个正文或以“正文”命名。",
    Reason.SAME_IDENTITY_OTHER_TEXT: "同一公告已收过但内容不同，请说明是新版本、更正还是重复。",
    Reason.SIDECAR_INVALID: "说明文件的内容有误，请按所列各项改正后保存。",
    Reason.WITHDRAWAL_REQUESTED: "这是一份撤回请求，由指定的管理员核对后办理，程序不会自行撤回。",
    Reason.OLD_FILE: "文件很久以前就已写成，请确认是否仍需发布。",
    Reason.LIMIT_EXCEEDED: "内容超过必发渠道的限制，请缩减后重新放入。",
    Reason.NO_CHANNEL: "没有任何渠道承接此类公告，请管理员检查渠道设置。",
    Reason.DATE_SUSPECT: "日期前后矛盾，请核对；只是提醒，不影响发布。",
    Reason.PHONE_MASKED: "联系电话中有星号，公众无法拨打，请核对；只是提醒，不影响发布。",
    Reason.SUSPENSION: "本公告暂停项目；恢复时须另行发布公告。",
    Reason.ORIGINAL_UNKNOWN: "本系统没有收过原公告，按公告所印的编号和日期引用，各渠道照发；请核对。",
    Reason.NEVER_CARRIED: "该（选发）渠道没有发布过原公告，本公告不在该渠道发布。",
    Reason.RESULT_CORRECTION: "本公告更正的是结果，统计时以更正后的结果为准。",
    Reason.LEGAL_TERM_MISSED: "已超过法定公开时限，请尽快发布并查明原因。",
    Reason.CALENDAR_MISSING: "没有当年的工作日历，期限无法计算，请管理员补充日历文件。",
    Reason.CREDIT_CODE_WRONG: "统一社会信用代码校验不符，请对照营业执照核对。",
    Reason.PRIVATE_DATA: "含有不应公开的个人信息，请删除或用星号遮盖后重新放入。",
    Reason.WORD_LISTED: "出现了词表中的用语，请核对修改。",
    Reason.HIDDEN_CONTENT: "文件中有修订、批注或隐藏内容，请清理后重新放入。",
    Reason.SECTION_ORDER: "章节与规定格式不一致，请核对；只是提醒，不影响发布。",
    Reason.FILE_METADATA: "文件属性中留有个人姓名，请清理文件属性。",
    Reason.NOT_SCREENED: "有文件程序无法逐字检查，请人工核对。",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file or a notice, in words its sender can act on.

    `detail` is Chinese and complete in itself; `field` names the field of the notice, `channel`
    the channel whose limit is meant, `rule` the rule of `config/rules` that asks (by which a person may
    let the notice go), `place` where in the file it stands.
    """

    reason: Reason
    detail: str
    field: str | None = None
    channel: str | None = None
    rule: str | None = None
    place: str | None = None

    def __str__(self) -> str:
        return self.detail or ADVICE[self.reason]


class PublisherError(Exception):
    """Root of all errors that the program raises on purpose."""


class ChannelError(PublisherError):
    """What a call to a channel came to, other than a receipt.

    `detail` may be shown to staff and is logged: it never holds a secret.
    `evidence` is short technical material (status code, answer word), without secrets.
    """

    def __init__(self, reason: Reason, detail: str = "", *, evidence: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
        self.evidence = evidence

    @property
    def in_words(self) -> str:
        """What staff are told: the detail, or what to do about the reason."""
        return self.detail or ADVICE[self.reason]


class TransientFailure(ChannelError):
    """Nothing was published, or a repeat is harmless. `not_before` is the earliest useful next try (aware)."""

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        *,
        evidence: str = "",
        not_before: datetime | None = None,
        channel_wide: bool = True,
    ) -> None:
        super().__init__(reason, detail, evidence=evidence)
        self.not_before = not_before
        self.channel_wide = channel_wide


class OutcomeUnknown(ChannelError):
    """The request may have been carried out; only asking the channel can tell."""


class PermanentFailure(ChannelError):
    """The channel will not take this content; the sender must change something."""


class NeedsPerson(ChannelError):
    """An administrator must act; with `stops_channel` nothing more is sent there until `resume`."""

    def __init__(self, reason: Reason, detail: str = "", *, evidence: str = "", stops_channel: bool = False) -> None:
        super().__init__(reason, detail, evidence=evidence)
        self.stops_channel = stops_channel


class NoticeReturned(PublisherError):
    """The file cannot become a notice and goes back to the office that sent it, with every problem at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{p.reason.value}: {p}" for p in problems))
        self.problems = tuple(problems)


class NotAllowed(PublisherError):
    """A command that the present state forbids; the message says what to do instead."""


class SettingsError(Exception):
    """A setting is wrong; the message names file, place and remedy."""
