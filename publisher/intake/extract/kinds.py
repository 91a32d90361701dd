"""Which form a notice has: the title says it, the body must bear it out, folder and site column are claims to check."""

from __future__ import annotations

import re
from dataclasses import dataclass

from publisher.errors import Problem, Reason
from publisher.intake.extract.source import Source
from publisher.notice import Form, Kind, ProjectClass

_TITLE_FORMS: tuple[tuple[Form, str], ...] = (
    (Form.RESULT_CORRECTION, r"(?:结果|中标|成交|候选人).{0,8}(?:更正|变更)|(?:更正|变更).{0,6}(?:结果|中标|成交)"),
    (Form.FAILED_TENDER, r"流标|废标|(?:招标|采购|交易)失败"),
    (Form.TERMINATION, r"终止|中止.{0,4}公告|取消(?:招标|采购)"),
    (Form.SUSPENSION, r"暂停"),
    (Form.CLARIFICATION, r"澄清(?!）|\))|答疑|补遗|招标文件修改"),
    (Form.CORRECTION, r"更正|变更公告|变更通知|变更$|补充(?:公告|通知)|延期|修改(?:公告|通知)"),
    (Form.CONTRACT, r"合同(?:[（(][^）)]{1,12}[）)])?(?:公告|公示)?(?:[（(][^）)]{1,12}[）)])?\s*$"),
    (Form.CANDIDATES, r"候选人|评标结果.{0,4}公示|(?:招标|评审|比选)结果的?公示"),
    (Form.LAND_RESULT, r"(?:地|宗地|使用权|采矿权|探矿权).{0,20}(?:成交|出让结果)"),
    (Form.WINNING_RESULT, r"中标"),
    (Form.PROPERTY_RESULT, r"(?:产权|转让|交易).{0,12}(?:成交|结果)"),
    (Form.DEAL_RESULT, r"成交|中选|结果公[告示]"),
    (Form.PREQUALIFICATION, r"资格预审"),
    (Form.SINGLE_SOURCE, r"单一来源"),
    (Form.CONSULTATION, r"磋商"),
    (Form.NEGOTIATION, r"谈判"),
    (Form.INQUIRY, r"询价"),
    (Form.INVITED_TENDER, r"邀请招标"),
    (Form.OPEN_TENDER, r"公开招标"),
    (Form.LAND_OFFER, r"出让公告|(?:使用权|采矿权|探矿权|地块|宗地).{0,16}(?:挂牌|拍卖|出让)"),
    (Form.SALE, r"变卖|拍卖"),
    (Form.PROPERTY_OFFER, r"(?:转让|出租|招租|挂牌|预披露|信息披露).{0,6}公告"),
    (Form.TENDER, r"招标公告|招标邀请"),
    (Form.OTHER_ANNOUNCEMENT, r"(?:采购|比选|遴选|征集|竞价|询比|招募|竞选).{0,6}公告|需求公示"),
)
"""The first that is found in the title decides; changes stand before results, results before announcements."""

_BODY: dict[Kind, tuple[str, ...]] = {
    Kind.BID_ANNOUNCEMENT: (
        r"获取(?:招标|采购|询价|磋商|谈判|资格预审|竞价|比选|(?:挂牌|拍卖)?出让)文件|(?:招标|采购|询价|磋商|谈判|资格预审)文件的?(?:获取|发售)",
        r"(?:投标人|供应商|申请人|竞买人|受让方|竞价人|意向受让方)(?:的)?(?:资格|条件)",
        r"潜在(?:投标人|供应商)应|特邀请|欢迎.{0,20}(?:参加|报名)|凡有意参加|竞买申请|提交竞买|竞买保证金",
        r"(?:提交|递交)(?:投标|响应|报价|申请)文件|(?:投标|响应)文件的?(?:提交|递交)|挂牌报价时间",
        r"(?:挂牌|拍卖|竞价)(?:开始|报价)?(?:时间|期限)|(?:挂牌|拍卖)?出让文件|竞买保证金|受让方资格条件",
    ),
    Kind.CHANGE_NOTICE: (
        r"更正(?:信息|事项|内容)|变更(?:内容|事项)|现更正|更正为|变更为|更正日期",
        r"首次公告日期|原公告的|原公告(?:名称|日期|时间)",
        r"(?:澄清|答疑)(?:（答疑）)?.{0,8}内容|招标文件(?:的)?(?:修改|澄清)|答疑纪要|澄清与修改|(?:修改|澄清).{0,8}纪要",
        r"作废[，,。]?以|延期(?:后|至)|因故暂停",
    ),
    Kind.WINNING_BID_NOTICE: (
        r"中标候选人(?:排序|名称|名单|及)|第[一二三]中标候选人|已确定\s*中标\s*候选人|推荐.{0,6}中标候选人",
        r"第[一二三]名",
        r"公示期",
        r"(?:异议|投诉).{0,20}(?:渠道|提出)|评标情况|存有异议",
    ),
    Kind.AWARD_RESULT: (
        r"(?:中标|成交|中选)(?:（成交）|\(成交\))?(?:供应商|人|单位)(?:名称|信息)?\s*(?:[：:\n]|为|已经?确定)",
        r"(?:中标|成交|中选)(?:（成交）|\(成交\))?(?:金额|价)|合同金额|交易价格|成交价|竞得",
        r"(?:中标|成交)(?:（成交）|\(成交\))?(?:信息|情况|结果)|采购结果|成交日期|竞得人",
        r"本项目(?:流标|废标)|作?流标处理|予以废标|合同签(?:订|署)",
    ),
}
_BODY_PATTERNS = {kind: tuple(re.compile(p) for p in patterns) for kind, patterns in _BODY.items()}

_CLAIMS: tuple[tuple[Kind, str], ...] = (
    (Kind.CHANGE_NOTICE, r"变更|更正|澄清|答疑|补遗|暂停|终止|中止"),
    (Kind.WINNING_BID_NOTICE, r"候选人|中标公示|评标结果|预中标"),
    (Kind.AWARD_RESULT, r"成交|结果|中标|合同|流标|废标|失败"),
    (
        Kind.BID_ANNOUNCEMENT,
        r"招标|资审|资格预审|采购公告|采购/|采购文件|出让|转让|询价|谈判|磋商|交易公告|单一来源|变卖|招租",
    ),
)
DEFAULT_FORM = {
    Kind.BID_ANNOUNCEMENT: Form.TENDER,
    Kind.CHANGE_NOTICE: Form.CORRECTION,
    Kind.WINNING_BID_NOTICE: Form.CANDIDATES,
    Kind.AWARD_RESULT: Form.WINNING_RESULT,
}
"""The form of a notice of which only the kind is known."""


def claimed_kind(text: str | None) -> Kind | None:
    """The kind that a folder's or column's name claims, or None. Our own words for kinds are exact."""
    for kind in Kind:
        if text in (kind.value, kind.label):
            return kind
    last = re.split(r"[>＞»›/]\s*(?=[^/>＞]*$)", text or "")[-1] if text and re.search(r"[>＞»›]", text) else text
    return next((kind for kind, pattern in _CLAIMS if last and re.search(pattern, last)), None)


def declared_form(declared: str | None) -> Form | None:
    """The form whose official name a folder carries, or None."""
    return next((form for form in Form if declared and form.value == declared.strip()), None)


def title_form(title: str) -> Form | None:
    """The form that a title names, or None."""
    flat = re.sub(r"\s", "", title)
    tail = flat[-40:]
    for form, pattern in _TITLE_FORMS:
        if re.search(pattern, tail if form in (Form.CLARIFICATION, Form.TENDER, Form.WINNING_RESULT) else flat):
            return form
    return None


def body_evidence(text: str) -> dict[Kind, int]:
    """How many of its marks each kind has in the body."""
    return {kind: sum(1 for p in patterns if p.search(text)) for kind, patterns in _BODY_PATTERNS.items()}


_NO_NOTICE = re.compile(
    r"采购意向|招标计划|中标通知书|成交通知书|开标(?:记录|一览)表?|评标报告|(?:会议|培训|放假).{0,8}通知|招标代理.{0,6}合同"
)
"""Papers of a tender, and letters of an office, that are no transaction notice."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The form, why, and the problems that deciding met."""

    form: Form | None
    place: str
    problems: tuple[Problem, ...] = ()


def decide(source: Source, project_class: ProjectClass) -> Decided:
    """The form of a notice. Claims that contradict the text are a problem, never silently followed or dropped."""
    if (other := _NO_NOTICE.search(source.title)) and claimed_kind(source.declared) is None:
        detail = (
            f"“{other[0]}”不属于本系统发布的四类公告（招标公告、变更公告、中标公示、成交信息），已停下等待处理。"
            "放错了请取走；如确需按公告发布，请放入以类别命名的子文件夹（如“招标公告”）后重新放入。"
        )
        return Decided(None, "", (Problem(Reason.KIND_UNKNOWN, detail, "form"),))
    marks = body_evidence(source.flat)
    named = title_form(source.title)
    strongest = max(marks, key=lambda kind: marks[kind])
    place = "标题"
    if named is None:
        named, place = _without_title(source, marks, strongest)
    if named is None:
        detail = "标题和正文都看不出公告类别，请放入以类别命名的子文件夹（如“招标公告”“变更公告”）后重新放入。"
        return Decided(None, "", (Problem(Reason.KIND_UNKNOWN, detail, "form"),))
    form = _refined(named, source, project_class)
    problems = []
    if place == "标题" and marks[form.kind] == 0 and marks[strongest] >= 2 and strongest is not form.kind:
        detail = (
            f"标题表明是“{form.value}”（{form.kind.label}），正文却是{strongest.label}的内容，请确认公告类别："
            "标题或正文用错的，请改正；标题无误的，请放入以类别命名的子文件夹后重新放入。"
        )
        problems.append(Problem(Reason.KIND_CONFLICT, detail, "kind"))
    for claim, whose in ((source.declared, "子文件夹"), (source.document.column, "来源栏目")):
        kind = claimed_kind(claim)
        if kind and kind is not form.kind and not _tolerated(kind, form, claim, whose):
            detail = (
                f"{whose}“{claim}”属于{kind.label}，文件内容却是“{form.value}”（{form.kind.label}），请确认公告类别："
                "放错文件夹的，请放入正确的子文件夹；内容用错的，请换成正确的文件。"
            )
            problems.append(Problem(Reason.KIND_CONFLICT, detail, "kind"))
    return Decided(form, place, tuple(problems))


def _without_title(source: Source, marks: dict[Kind, int], strongest: Kind) -> tuple[Form | None, str]:
    """The title names no form: the body decides if it is clear, else folder and column."""
    second = sorted(marks.values())[-2]
    if marks[strongest] >= 2 or (marks[strongest] == 1 and second == 0):
        return _body_form(source, strongest), "正文"
    for claim, place in ((source.declared, "子文件夹"), (source.document.column, "来源栏目")):
        kind = claimed_kind(claim)
        if kind:
            return declared_form(claim) or DEFAULT_FORM[kind], place
    return None, ""


def _body_form(source: Source, kind: Kind) -> Form:
    if kind is Kind.CHANGE_NOTICE and re.search(r"澄清|答疑", source.flat):
        return Form.CLARIFICATION
    if kind is Kind.BID_ANNOUNCEMENT:
        way = re.search(r"采购方式[：:]?\s*(\S{2,8})", source.flat)
        found = title_form(f"{way[1]}公告") if way else None
        return found if found and found.kind is kind else DEFAULT_FORM[kind]
    return DEFAULT_FORM[kind]


def _tolerated(kind: Kind, form: Form, claim: str | None, whose: str) -> bool:
    """Words that sites use for both stages (中标公示, 结果公示) contradict neither; a failed bid is filed anywhere.

    A folder with one of our own four words means just that kind.
    """
    if form is Form.FAILED_TENDER or (form is Form.TERMINATION and kind is Kind.AWARD_RESULT):
        return True
    if whose == "子文件夹" and claim in {label for one in Kind for label in (one.value, one.label)}:
        return False
    stages = {Kind.WINNING_BID_NOTICE, Kind.AWARD_RESULT}
    return {kind, form.kind} == stages and bool(re.search(r"公示|结果", claim or "")) and "候选人" not in (claim or "")


_CHOSEN_RESULT = re.compile(
    r"更正事项\s*[：:]\s*(?:[□☐]?\s*采购(?:公告|文件)\s*)*(?:[√☑✓■]\s*采购结果|采购结果\s*$)", re.M
)
_FAILED = re.compile(
    r"(?:本项目|本包|本标段|该项目|该包)\s*(?:作|按|予以)?\s*(?:流标|废标)|(?:流标|废标)处理|予以(?:流标|废标)|(?:招标|采购)失败"
)


def says_failed(text: str) -> bool:
    """Whether the text says that nobody won."""
    return bool(_FAILED.search(text))


def _refined(form: Form, source: Source, project_class: ProjectClass) -> Form:
    """The form that the body makes of the one the title names."""
    if form in (Form.CORRECTION, Form.CLARIFICATION) and _CHOSEN_RESULT.search(source.flat):
        return Form.RESULT_CORRECTION
    if form in (Form.WINNING_RESULT, Form.DEAL_RESULT, Form.PROPERTY_RESULT) and says_failed(source.flat):
        return form if any(source.with_key("price")) else Form.FAILED_TENDER
    if form in (Form.WINNING_RESULT, Form.DEAL_RESULT):
        return _result_form(form, source, project_class)
    if form is Form.TENDER and project_class is ProjectClass.PROCUREMENT and "公开招标" in source.flat[:3000]:
        return Form.OPEN_TENDER
    return form


def _result_form(form: Form, source: Source, project_class: ProjectClass) -> Form:
    """A 中标公示 that ranks candidates is a candidates' notice; land and property have results of their own."""
    title = re.sub(r"\s", "", source.title)
    marks = body_evidence(source.flat)
    ranked = re.search(r"第[二三]\s*(?:名|中标候选人)", source.flat)
    if title.endswith("公示") and ranked and marks[Kind.WINNING_BID_NOTICE] >= 2:
        return Form.CANDIDATES
    if project_class is ProjectClass.LAND:
        return Form.LAND_RESULT
    return Form.PROPERTY_RESULT if project_class is ProjectClass.PROPERTY else form


_CLASS_WORDS: tuple[tuple[ProjectClass, str, int], ...] = (
    (ProjectClass.LAND, r"建设用地使用权|(?:国有|集体)土地|地块编号|宗地|采矿权|探矿权|矿业权", 4),
    (ProjectClass.PROPERTY, r"法院(?=.{0,60}(?:拍卖|变卖))|网络拍卖|竞买人条件", 4),
    (
        ProjectClass.PROPERTY,
        r"产权(?:转让|交易)|股权转让|资产转让|转让方|受让方|挂牌转让|招租|承租方|变卖|司法拍卖|交易价格",
        4,
    ),
    (ProjectClass.OTHER, r"企业自筹|国企(?:阳光)?采购|国有企业采购|非政府采购|自主采购", 6),
    (
        ProjectClass.OTHER,
        r"我公司(?:于|拟|组织|决定)|我司|劳务(?:分包)?(?:招标|采购|比选)",
        6,
    ),  # a company buys for itself
    (ProjectClass.PROCUREMENT, r"政府采购|财政部|采购人|采购单位|SDGP|成交供应商|采购代理机构|采购包", 2),
    (ProjectClass.WORKS, r"(?:批准|核准|备案)建设|施工总承包|工程监理|资格预审申请文件", 3),
    (
        ProjectClass.WORKS,
        r"招标人|招标投标法|工程建设|建设单位|施工图|监理|项目编码|暂列金|投标文件|招标文件|中标通知书|中标候选人",
        1,
    ),
)
_CLASS_CLAIMS: tuple[tuple[ProjectClass, str], ...] = (
    (ProjectClass.PROCUREMENT, r"政府采购"),
    (ProjectClass.WORKS, r"工程(?:建设|交易)?|建设工程"),
    (ProjectClass.LAND, r"土地|矿业权|国土"),
    (ProjectClass.PROPERTY, r"产权|国有资产"),
)


def class_of(source: Source) -> ProjectClass:
    """The project class: a folder or column that names one, else the class whose words weigh most."""
    for claim in (source.declared, source.document.column):
        for project_class, pattern in _CLASS_CLAIMS:
            if claim and re.search(pattern, claim):
                return project_class
    text = source.title + "\n" + source.flat
    weights = dict.fromkeys(ProjectClass, 0)
    for project_class, pattern, weight in _CLASS_WORDS:
        weights[project_class] += weight * len(set(re.findall(pattern, text)))
    best = max(weights, key=lambda project_class: weights[project_class])
    return best if weights[best] else ProjectClass.OTHER
