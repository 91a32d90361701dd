"""The reconciliation page: one HTML file that is read, printed on A4, filled in and signed.

Titles and addresses come from the channels, which anybody may have written into: everything is escaped, only http and
https addresses become links, and the page itself forbids a browser to run or load anything.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from publisher.channel import Tier
from publisher.counts.reconciled import WORDS, Item, Kept, span_name
from publisher.notice import LOCAL
from publisher.wording import day, moment

_STYLE = """
@page{size:A4;margin:14mm}
body{font-family:"Noto Sans SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif;max-width:62rem;margin:1.5rem auto;
padding:0 1rem;line-height:1.6;color:#111}
h1{font-size:1.5rem;text-align:center;margin:.5rem 0}h2{font-size:1.15rem;margin:1.4rem 0 .4rem}h3{font-size:1rem}
table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{border:1px solid #888;padding:.2rem .4rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#eee;overflow-wrap:normal}td.n{text-align:right}td.n,td.w{white-space:nowrap}td.seen{width:9rem}tr{break-inside:avoid}
thead{display:table-header-group}.wrong{font-weight:bold;color:#b00020}
.practice{border:2px solid #b00020;color:#b00020;padding:.4rem;font-weight:bold;text-align:center}
.box{font-size:1.2rem;line-height:1}.sign{margin-top:2.5rem;display:flex;gap:4rem}
.sign span{border-bottom:1px solid #111;display:inline-block;width:11rem}
.small{font-size:.8rem;color:#444;overflow-wrap:anywhere}
@media print{body{max-width:none;margin:0;padding:0;font-size:9.5pt}table{font-size:8pt}th,td{padding:.15rem .25rem}
h1{font-size:14pt}a{color:inherit}h2,h3{break-after:avoid}td.seen{width:6rem}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_TO_DO = {
    "missing": "打开地址查看。确实没有的，联系渠道查明原因并恢复（公告不得擅自撤下），恢复后再对账一次。",
    "different": "与批准的文本逐字比对（publisher show 编号），请渠道按批准的文本改正，并报告负责人。",
    "foreign": "查明由谁发布。本系统没有发布过，不要再放入待发布文件夹；不属本单位的，请渠道说明或撤下。",
    "unanswered": "渠道恢复后再对账一次。",
}
"""What a person does about an item."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What the page says beside the log: the office, the channels' Chinese names, whether the ledger is real."""

    office: str
    titles: Mapping[str, str]
    real: bool


def to_page(kept: Sequence[Kept], first: date, last: date, letterhead: Letterhead) -> str:
    """The page of the comparisons of the days `first` to `last`. Raises ValueError where there is none."""
    if not kept:
        raise ValueError(f"there is no comparison of {first} to {last}")
    span = span_name(first, last)
    title = f"{letterhead.office}发布对账单（{span}）"
    mark = "" if letterhead.real else Markup('<p class="practice">演练账本：本对账单不是正式核对的依据</p>')
    newest = max(kept, key=lambda one: one.seq)
    parts = [
        mark,
        Markup("<h1>{}</h1>").format(title if letterhead.real else f"【演练】{title}"),
        Markup("<p>{}</p>").format(_opening(kept, first, last, newest)),
        _overview(kept, letterhead),
        _wrong(kept, letterhead, span),
        _to_look(kept, letterhead),
        Markup('<p class="sign"><b>核对人：<span>&nbsp;</span></b><b>日期：<span>&nbsp;</span></b></p>'),
        Markup('<p class="small">{}</p>').format(_basis(newest, span)),
    ]
    head = Markup(
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" content="{}"><meta name="referrer" content="no-referrer">'
        "<title>{}</title><style>{}</style></head><body>\n"
    ).format(_POLICY, title, Markup(_STYLE))
    return str(head + Markup("\n").join(part for part in parts if part) + Markup("\n</body></html>\n"))


def _opening(kept: Sequence[Kept], first: date, last: date, newest: Kept) -> str:
    people = "、".join(dict.fromkeys(_plain(one.by) for one in kept))
    days = day(first) if first == last else f"{day(first)}至{day(last)}"
    return (
        f"核对范围：{days}公开、至核对时仍应公开的全部发布。核对时间：{moment(newest.at)}。核对方式：由{people}"
        "发起，程序逐条询问渠道，不发送任何公告。"
    )


def _basis(newest: Kept, span: str) -> str:
    return (
        f"依据：发布日志第 {newest.seq} 行，哈希 {newest.hash}（publisher verify 可校验）。"
        f"再次核对：publisher reconcile --month {span}，只核对一个渠道的加 --channel；"
        f"只看上次结果：publisher reconcile --month {span} --last。"
    )


# ---- one table over all channels


def _overview(kept: Sequence[Kept], letterhead: Letterhead) -> Markup:
    heads = ("渠道", "层级", "账上", "相符", "人工核对", *WORDS.values(), "渠道公告列表", "核对时间", "发起", "日志行")
    rows = [_of_channel(one, letterhead) for one in kept]
    results = [one.result for one in kept]
    totals = [sum(r.logged for r in results), sum(r.found for r in results), sum(r.by_hand for r in results)]
    totals += [sum(r.count(what) for r in results) for what in WORDS]
    last = Markup("<tr><th>合计</th><th></th>{}<th></th><th></th><th></th><th></th></tr>").format(_numbers(totals))
    return Markup("<h2>各渠道</h2>{}").format(_table(heads, [*rows, last]))


def _of_channel(one: Kept, letterhead: Letterhead) -> Markup:
    result = one.result
    figures = [result.logged, result.found, result.by_hand]
    wrong = [result.count(what) for what in WORDS]
    local = one.at.astimezone(LOCAL)
    cells = Markup(
        "<td>{}</td><td class=w>{}</td>{}{}<td>{}</td><td>{}</td><td class=w>{}</td><td class=n>{}</td>"
    ).format(
        _title(one, letterhead),
        Tier(result.tier).label if result.tier else "",
        _numbers(figures),
        _numbers(wrong, alarming=True),
        _of_list(one),
        f"{local:%Y-%m-%d %H:%M}",
        _plain(one.by),
        one.seq,
    )
    return Markup("<tr>{}</tr>").format(cells)


def _of_list(one: Kept) -> str:
    if one.result.listed:
        return "已比对"
    return "没有读到" if any(i.what == "unanswered" and not i.number for i in one.result.items) else "渠道不提供"


def _numbers(values: Sequence[int], *, alarming: bool = False) -> Markup:
    """Cells of figures; with `alarming`, those above zero stand out."""
    shown = (("n wrong" if alarming and value else "n", value) for value in values)
    return Markup("").join(Markup('<td class="{}">{}</td>').format(*one) for one in shown)


# ---- what is wrong, item by item


def _wrong(kept: Sequence[Kept], letterhead: Letterhead, span: str) -> Markup:
    items = [(item, one) for what in WORDS for one in kept for item in one.result.items if item.what == what]
    if not items:
        by_hand = any(one.result.by_hand for one in kept)
        end = "；另有须人工核对的，见下表。" if by_hand else "。"
        return Markup("<h2>不符事项</h2><p>程序核对过的全部相符{}</p>").format(end)
    heads = ("序号", "编号", "标题", "渠道", "问题", "地址", "怎样办理")
    rows = [
        Markup("<tr><td class=n>{}</td>{}<td>{}</td><td><b>{}</b>：{}</td><td>{}</td><td>{}</td></tr>").format(
            number,
            _named(item),
            _title(one, letterhead),
            WORDS[item.what],
            _plain(item.detail),
            _address(item.url),
            _to_do(item, span),
        )
        for number, (item, one) in enumerate(items, 1)
    ]
    return Markup("<h2>不符事项（{} 件）</h2>{}").format(len(items), _table(heads, rows))


def _to_do(item: Item, span: str) -> str:
    again = f"命令：publisher reconcile --month {span} --channel {item.channel}"
    return f"{_TO_DO[item.what]}{again}" if item.what in ("missing", "unanswered") else _TO_DO[item.what]


# ---- what a person must look at


def _to_look(kept: Sequence[Kept], letterhead: Letterhead) -> Markup:
    waiting = [one for one in kept if one.result.by_hand]
    if not waiting:
        return Markup("")
    count = sum(one.result.by_hand for one in waiting)
    intro = Markup("<h2>须人工核对（{} 件）</h2><p>程序查询不了下列发布。请逐条打开地址或到现场查看，").format(count)
    intro += "看到的在方框内打勾，没有看到或内容不同的在“所见”栏写明，并按不符事项办理。"
    return intro + Markup("</p>") + Markup("").join(_checklist(one, letterhead) for one in waiting)


def _checklist(one: Kept, letterhead: Letterhead) -> Markup:
    """The channel's list; what must be looked at for another reason is listed apart."""
    if not one.result.to_look:
        lost = "这次核对由旧版本程序记录，没有留下逐条名单；再对账一次即可得到。"
        return Markup("<h3>{}</h3><p>{}</p>").format(_title(one, letterhead), lost)
    reasons: dict[str, list[Markup]] = {}
    for item in one.result.to_look:
        row = Markup('<tr><td class="box">□</td>{}<td>{}</td><td class="seen"></td></tr>')
        reasons.setdefault(item.detail, []).append(row.format(_named(item), _address(item.url)))
    heads = ("核对", "编号", "标题", "地址", "所见")
    text = Markup("<h3>{}（{} 件）：{}</h3>{}")
    return Markup("").join(
        text.format(_title(one, letterhead), len(rows), _plain(reason), _table(heads, rows))
        for reason, rows in reasons.items()
    )


# ---- small things


def _table(heads: Sequence[str], rows: Sequence[Markup]) -> Markup:
    top = Markup("").join(Markup("<th>{}</th>").format(head) for head in heads)
    return Markup("<table><thead><tr>{}</tr></thead><tbody>\n{}\n</tbody></table>").format(top, Markup("\n").join(rows))


def _title(one: Kept, letterhead: Letterhead) -> str:
    """A channel that is no longer in the settings keeps its name."""
    return _plain(letterhead.titles.get(one.result.channel, one.result.channel))


def _named(item: Item) -> Markup:
    return Markup("<td class=w>{}</td><td>{}</td>").format(item.number, _plain(item.title))


def _address(url: str) -> Markup:
    """A link where the address is one of the web; else the plain text."""
    if not is_web_address(url):
        return escape(_plain(url))
    link = Markup('<a href="{0}" rel="noopener noreferrer" target="_blank">{0}</a>')
    return link.format(url)


def is_web_address(url: str) -> bool:
    """Whether an address may become a link: http or https, a host, no blanks, control or direction characters."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and url == _plain(url) and " " not in url


def _plain(text: str) -> str:
    """The text without characters that are not seen, or that turn the direction of those around them."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") else char for char in text)
