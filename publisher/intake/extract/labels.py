"""The labels of the standard forms: which label is which, however it is numbered, spaced or bracketed."""

from __future__ import annotations

import re
from functools import lru_cache

from publisher.intake.extract.lots import LOT

_PARTY_TAIL = "(?:(?:信息)?(?:名称|全称)|信息)?"
LABELS: dict[str, str] = {
    "project_no": r"(?:原公告的?)?(?:采购|招标|交易)?项目(?:标段)?(?:招标)?(?:编号|编码|代码|号)"
    r"|(?:采购|招标|磋商|谈判|询价)(?:文件)?编号|编号|标的编号|工程编号|(?:委托|招标|采购)?代理编号",
    "project_name": r"(?:原公告的?)?(?:采购|招标|工程|交易|合同)?项目(?:及?标段)?名称|工程名称|标的名称",
    "lot_no": rf"(?:{LOT})(?:编?号|编码)|标包|标段|标项",
    "lot_name": rf"(?:{LOT})名称|包内容",
    "parcel": r"(?:地块|宗地)(?:编?号|编号)",
    "tenderee": rf"(?:采购|招标)(?:人|单位|机关){_PARTY_TAIL}|建设单位{_PARTY_TAIL}|出让(?:人|方){_PARTY_TAIL}"
    rf"|(?:转让|出租|招租|委托)(?:人|方){_PARTY_TAIL}|(?:项目)?业主(?:单位)?{_PARTY_TAIL}|甲方|委托法院"
    rf"|(?:发包|比选|询价|竞价|招选|遴选|磋商|谈判|需求)(?:人|方|单位){_PARTY_TAIL}|采购主体{_PARTY_TAIL}",
    "agency": rf"(?:采购|招标|交易)?代理(?:机构|单位|公司|服务机构){_PARTY_TAIL}|招标代理|采购代理"
    rf"|(?:集中)?采购机构{_PARTY_TAIL}",
    "tenderee_address": r"(?:采购|招标)(?:人|单位)地址",
    "tenderee_contact": r"(?:采购|招标)(?:人|单位)(?:项目)?(?:联系人|经办人)|采购经办人",
    "tenderee_phone": r"(?:采购|招标)(?:人|单位)(?:联系)?(?:电话|方式)",
    "agency_address": r"(?:采购|招标)?代理机构地址",
    "agency_contact": r"(?:采购|招标)?代理机构(?:项目)?(?:联系人|经办人)",
    "agency_phone": r"(?:采购|招标)?代理机构(?:联系)?(?:电话|方式)",
    "name": r"(?:单位)?(?:名称|全称)",
    "address": r"(?:单位|联系|通讯)?地址",
    "contact": r"(?:项目)?联系人(?:及电话|姓名)?",
    "phone": r"(?:项目)?(?:联系)?(?:电话|方式)|(?:项目)?联系人?(?:电话|方式)",
    "credit_code": r"统一(?:社会)?信用代码|社会信用代码",
    "budget": r"(?:项目|采购|标段|包|本项目)?预算(?:总)?(?:金额|价|额)?|采购预算|预算审核价|项目预算"
    r"|(?:项目|标段)?计划(?:总)?投资(?:额)?|(?:合同|标段)?(?:合同)?估算(?:价|金额)",
    "control_price": r"(?:招标|采购|投标|本项目|项目|标段)?(?:最高(?:投标)?限价|控制价|拦标价)(?:总计|合计|总价|金额)?"
    r"|投标最高限价|招标控制价|(?:投标|招标|采购|报价)?上限(?:价|金额)",
    "reserve_price": r"(?:出让|转让|挂牌|拍卖|竞买|竞价|交易)?(?:起始|起拍|起叫|保留|挂牌|转让)(?:总)?价(?:格)?"
    r"|(?:出让|转让|挂牌|拍卖|交易)?底价",
    "deadline": r"(?:.{0,8})?(?:提交|递交|投标|响应|申请|报价|竞价)(?:.{0,14})?截止(?:时间|日期)"
    r"(?:.{0,10}(?:时间|地点))?|截止时间|截止日期",
    "opening": r"(?:.{0,6})?(?:开标|开启|磋商开始|谈判开始|评审|开评标)(?:时间|日期)(?:.{0,4}地点)?",
    "documents": r"(?:获取|发售|领取|购买|报名)(?:.{0,8}文件)?的?(?:时间|期限|日期)"
    r"|(?:.{0,6})?文件(?:获取|发售|领取|购买)的?(?:时间|期限)|获取文件(?:期限|时间)",
    "time": r"时间",
    "published": r"(?:公告|公示|信息)?发布(?:时间|日期)|(?:合同)?公告(?:时间|日期)",
    "publicity": r"(?:.{0,6})?公示(?:期限?|时间|起止时间|日期|期间)|信息披露(?:期限?|时间|起止(?:时间|日期)|期间)",
    "publicity_start": r"公示(?:开始|起始)(?:时间|日期)",
    "publicity_end": r"公示(?:结束|截止)(?:时间|日期)",
    "first_published": r"(?:首次|原)(?:招标|采购|中标|结果)?(?:公告|公示)(?:的?发布)?(?:日期|时间)",
    "change_content": r"(?:更正|变更|澄清|修改|补充|答疑)(?:的)?(?:主要)?(?:内容|事项)(?:、内容)?|更正(?:事项|信息)"
    r"|(?:.{0,8})?(?:澄清|修改|答疑).{0,6}(?:主要内容|内容)",
    "change_date": r"(?:本次)?(?:更正|变更|澄清)(?:日期|时间)",
    "winner": r"(?:第一)?(?:拟)?(?:中标|成交|中选)+(?:供应商|候选人|人|单位|方|社会资本方)(?:名称)?|供应商(?:名称)?"
    r"|竞得(?:人|方|单位)(?:名称)?|(?:受让|承租|摘牌)(?:人|方|单位)(?:名称)?|买受人|乙方",
    "price": r"(?:总)?(?:拟)?(?:中标|成交|中选)+(?:总)?(?:金额|价[格款]?|报价|总价)|合同(?:总)?(?:金额|价款?)"
    r"|交易(?:价格?|金额)|投标(?:总)?报价|(?:最终|最后)报价|总报价|报价",
    "rate": r"(?:中标|成交|投标)?(?:下浮(?:率|比例|系数|幅度)?|折扣率?|费率|优惠率|让利率)",
    "score": r"(?:.{0,8})?(?:评审总?得分|(?:综合|最终|评标|综合评标|综合评估)得分|总得分)|评分结果",
    "award_date": r"(?:成交|定标|中标|交易)(?:日期|时间)",
    "contract_date": r"合同(?:签订|签署)(?:日期|时间)",
    "term": r"合同(?:履行|履约)?(?:期限|工期)|(?:履行|履约|服务)期限",
    "reject": r"否决投标(?:情况)?(?:及理由|说明)?|废标(?:理由|说明|原因)"
    r"|(?:.{0,4})?(?:终止|流标|失败)(?:的)?(?:原因|理由)",
    "manager": r"(?:项目负责人|项目经理|拟任项目经理|总监理工程师|项目总监)(?:姓名)?",
    "certificate": r"证书(?:名称|编号)(?:和编号)?|证书?号",
    "duration": r"(?:中标|计划|总)?工期|交货期|服务期",
    "quality": r"(?:中标|工程)?质量(?:要求|标准|目标)?",
    "attachment": r"(?:相关|公告)?附件",
}
"""Key and pattern of every label that is looked for; a pattern meets the whole compact label."""
_FULL = {key: re.compile(rf"(?:{pattern})") for key, pattern in LABELS.items()}
_SUFFIX_KEYS = (
    "project_no", "project_name", "lot_no", "lot_name", "tenderee", "agency", "address", "contact", "phone", "budget",
    "control_price", "deadline", "opening", "documents", "publicity", "publicity_start", "publicity_end",
    "first_published", "change_content",
    "change_date",
    "winner", "price", "rate", "score", "award_date", "contract_date", "manager", "certificate", "duration", "quality",
    "reject", "name", "attachment",
)  # fmt: skip
NUMBERING = re.compile(
    r"^(?:[（(]?[一二三四五六七八九十]{1,3}[)）]?[、.．]|[（(][一二三四五六七八九十\d]{1,3}[)）]"
    r"|\d{1,2}(?:\.\d{1,2})*[、.．)）]?(?=\D))+"
)
BRACKETED = re.compile(r"[（(【\[][^（）()【】\[\]]*[)）】\]]")
LONGEST_LABEL = 40
_LONGEST_KEPT = 60
_REMEMBERED = 2048
"""Labels whose answer is kept, and the longest of them: all notices use the same few hundred."""


def compact(text: str) -> str:
    """A label as compared: no numbering, brackets, white space or marks around it."""
    return _compact(text) if len(text) <= _LONGEST_KEPT else _compact.__wrapped__(text)


@lru_cache(maxsize=_REMEMBERED)
def _compact(text: str) -> str:
    text = re.sub(r"\s", "", text).lstrip("★☆▲△*●■◆#")
    text = NUMBERING.sub("", text)
    text = BRACKETED.sub("", text)
    return text.strip("（()）【】[]“”\"'.．、*★☆●■□·-—_ ")


def key_of(label: str) -> str:
    """The key of a compact label, or an empty string."""
    return _key(label) if len(label) <= _LONGEST_KEPT else ""


@lru_cache(maxsize=_REMEMBERED)
def _key(label: str) -> str:
    return next((key for key, pattern in _FULL.items() if pattern.fullmatch(label)), "")


def known_suffix(text: str) -> tuple[str, str] | None:
    """The longest known label at the end of `text`, with its key; at least two characters."""
    return _suffix(text[-16:])


@lru_cache(maxsize=_REMEMBERED)
def _suffix(text: str) -> tuple[str, str] | None:
    for start in range(max(0, len(text) - 16), len(text) - 1):
        tail = text[start:]
        for key in _SUFFIX_KEYS:
            if _FULL[key].fullmatch(tail):
                return tail, key
    return None
