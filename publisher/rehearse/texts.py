"""The texts of a rehearsed year's notices, in the words of the usual forms. All names and numbers are invented."""

from __future__ import annotations

from datetime import date, timedelta

from publisher.rehearse.projects import Project
from publisher.rules.calendar import Unit, load_calendar

_CALENDAR = load_calendar()
_OWNER = {"works": "招标人", "procurement": "采购人", "land": "出让人", "property": "转让方"}
_LIMIT = {"works": "招标控制价", "procurement": "预算金额", "land": "起始价", "property": "转让底价"}
CLASSES = {"works": "工程建设", "procurement": "政府采购", "land": "土地", "property": "产权"}


def yuan(fen: int) -> str:
    """12,345.00元."""
    return f"{fen // 100:,}.{fen % 100:02}元"


def cn(day: date) -> str:
    """2017年3月5日."""
    return f"{day.year}年{day.month}月{day.day}日"


def _head(project: Project) -> list[str]:
    return [
        f"项目编号：{project.no}",
        f"项目名称：{project.name}",
        f"{_OWNER[project.group]}：{project.owner}",
    ]


def _last_day(day: date, length: int, unit: Unit) -> date:
    """The last day of a span that the law sets, counted without the day on which it starts."""
    last = _CALENDAR.last_day(day, length, unit)
    assert isinstance(last, date)  # the year that is rehearsed is known
    return last


def announcement(project: Project, day: date, second: bool) -> tuple[str, list[str]]:
    """Title and lines of an announcement; its deadline lies twenty days ahead, of property as many working days."""
    title = f"{project.name}{'（第二次）' if second else ''}{project.method}"
    if project.group == "property":
        title = f"{project.name}转让公告"
    end = cn(_last_day(day, 20, Unit.WORKING_DAYS) if project.group == "property" else day + timedelta(days=20))
    limit = [] if project.planned is None else [f"{_LIMIT[project.group]}：{yuan(project.planned)}"]
    what = {
        "works": ["招标范围：施工图纸所示全部内容，详见招标文件。", "投标人资格要求：具备相应施工总承包资质。"],
        "procurement": [f"项目类别：{CLASSES['procurement']}", "供应商资格要求：符合政府采购法第二十二条规定。"],
        "land": ["竞买人资格：境内外法人、自然人和其他组织均可申请竞买。", "土地用途：商住用地，出让年限按规定执行。"],
        "property": ["受让方资格：具有完全民事行为能力的法人或自然人。", "标的概况：国有资产，产权清晰，无抵押。"],
    }[project.group]
    closing = {
        "works": ["招标文件的获取：登录济宁市公共资源交易网下载。", f"投标截止时间：{end}9时00分"],
        "procurement": ["采购文件的获取：登录济宁市公共资源交易网下载。", f"提交响应文件截止时间：{end}9时30分"],
        "land": [f"挂牌报价截止时间：{end}10时00分"],
        "property": [f"信息披露期限：{cn(day)}至{end}", f"报名截止时间：{end}17时00分"],
    }[project.group]
    return title, [*_head(project), *limit, *what, *closing, cn(day)]


def correction(project: Project, day: date, first: date, sequence: str) -> tuple[str, list[str]]:
    """A correction of the announcement."""
    lines = [
        *_head(project),
        f"首次公告日期：{cn(first)}",
        "更正事项：采购文件" if project.group == "procurement" else "更正事项：招标文件",
        f"更正内容：技术要求第{sequence}项的交付时间，原为30日历天，现更正为45日历天，其他内容不变。",
        f"更正日期：{cn(day)}",
        cn(day),
    ]
    return f"{project.name}更正公告（{sequence}）", lines


def clarification(project: Project, day: date, first: date) -> tuple[str, list[str]]:
    """A clarification of the documents."""
    lines = [
        *_head(project),
        f"首次公告日期：{cn(first)}",
        "澄清内容：现场踏勘由各单位自行组织，图纸以发布的电子版为准，其他内容不变。",
        cn(day),
    ]
    return f"{project.name}澄清公告", lines


def failed(project: Project, day: date) -> tuple[str, list[str]]:
    """The first round failed."""
    lines = [*_head(project), "流标原因：有效响应不足三家，本项目流标，采购活动将重新组织。", cn(day)]
    return f"{project.name}流标公告", lines


def termination(project: Project, day: date) -> tuple[str, list[str]]:
    """The project is given up."""
    lines = [*_head(project), "终止原因：因采购任务取消，本次采购活动终止，不再另行组织采购。", cn(day)]
    return f"{project.name}终止公告", lines


def candidates(project: Project, day: date) -> tuple[str, list[str]]:
    """The candidates of a works project."""
    end = _last_day(day, 3, Unit.DAYS)
    lines = [
        *_head(project),
        f"第一中标候选人：{project.winner}",
        f"投标报价：{yuan(project.amount)}",
        f"公示期：{cn(day)}至{cn(end)}",
        "投标人或者其他利害关系人对评标结果有异议的，应当在公示期间提出。",
        cn(day),
    ]
    return f"{project.name}中标候选人公示", lines


def result(project: Project, day: date) -> tuple[str, list[str]]:
    """Who won for how much; a misprinted one is corrected later."""
    who = {"works": "中标人", "procurement": "中标供应商", "land": "竞得人", "property": "受让方"}[project.group]
    what = {"works": "中标金额", "procurement": "中标金额", "land": "成交价", "property": "交易价格"}[project.group]
    if project.result == "成交结果公告":
        who, what = "成交供应商", "成交金额"
    price = f"{what}：{yuan(project.amount + project.misprint)}"
    if project.rate_price:
        price = "下浮率：12.5%"
    dated = "成交日期" if project.group != "works" else "中标日期"
    said = "各有关当事人对结果有异议的，可以书面形式提出质疑，逾期不再受理。"
    lines = [*_head(project), f"{who}：{project.winner}", price, f"{dated}：{cn(day)}", said, cn(day)]
    return f"{project.name}{project.result}", lines


def result_correction(project: Project, day: date, first: date) -> tuple[str, list[str]]:
    """The right amount of a misprinted result."""
    who, what = ("成交供应商", "成交金额") if project.result == "成交结果公告" else ("中标供应商", "中标金额")
    if project.group == "works":
        who = "中标人"
    lines = [
        *_head(project),
        f"首次公告日期：{cn(first)}",
        "更正事项：采购结果" if project.group == "procurement" else "更正事项：中标结果",
        f"更正内容：原公告所列金额{yuan(project.amount + project.misprint)}有误，现更正为{yuan(project.amount)}。",
        f"{who}：{project.winner}",
        f"{what}：{yuan(project.amount)}",
        cn(day),
    ]
    return f"{project.name}结果更正公告", lines


def contract(project: Project, day: date) -> tuple[str, list[str]]:
    """The contract; its amount does not count again."""
    amount = "合同金额：按成交下浮率据实结算" if project.rate_price else f"合同金额：{yuan(project.amount)}"
    lines = [
        *_head(project),
        f"供应商（乙方）：{project.winner}",
        amount,
        f"合同签订日期：{cn(day)}",
        "合同履行期限：自合同签订之日起按约定执行，详见合同文本。",
        cn(day),
    ]
    return f"{project.name}合同公告", lines
