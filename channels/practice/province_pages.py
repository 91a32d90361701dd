"""The pages of a practice province: for its readers, for whoever reviews, for whoever types a notice in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from channels.practice.province_store import PUBLISHED, REFUSED, WAITING, Filed
from channels.practice.site_pages import page
from channels.practice.site_store import StoredFile

_STATES = {WAITING: "待审核", PUBLISHED: "已发布", REFUSED: "审核不通过", "withdrawn": "已撤销"}

TYPED = {
    "noticeForm": "公告类型",
    "noticeName": "公告标题",
    "projectCode": "项目编号",
    "projectName": "项目名称",
    "tendererName": "采购人（招标人）",
    "agencyName": "代理机构",
    "winnerName": "中标（成交）人",
    "bidDeadline": "投标截止时间",
    "relateNoticeId": "原公告编号",
    "noticeContent": "公告正文",
}
"""The fields of the form in which a person types a notice in, in its order."""


def _when(text: str) -> str:
    return escape(text[:16].replace("T", " "))


def _files(files: Sequence[StoredFile]) -> str:
    links = "".join(
        f'<li><a class="notice-file" data-sha256="{file.sha256}" href="{file.path}">{escape(file.name)}</a></li>'
        for file in files
    )
    return f'<div class="f">附件下载<ul>{links}</ul></div>' if files else ""


def notice_page(name: str, item: Filed, content: str, files: Sequence[StoredFile]) -> bytes:
    """The public page of one notice; its text stands in the element `notice-text`."""
    title = item.fields["noticeName"]
    main = (
        f"<h2>{escape(title)}</h2>"
        f'<div class="m">编号：<span id="notice-number">{escape(item.number)}</span>　'
        f"类型：{escape(item.fields['noticeForm'])}　"
        f'发布时间：<time id="notice-time" datetime="{escape(item.published_at)}">'
        f"{_when(item.published_at)}</time></div>"
        f'<div id="notice-text">{content}</div>{_files(files)}'
    )
    return page(title, name, main)


def front_page(name: str, items: Sequence[Filed]) -> bytes:
    """The list of public notices, newest first, with the way to review and to the form."""
    rows = "".join(
        f'<li><a href="{item.path}">［{escape(item.fields["noticeForm"])}］{escape(item.fields["noticeName"])}</a>'
        f"<time>{escape(item.published_at[:10])}</time></li>"
        for item in reversed(items)
    )
    ways = '<p class="f"><a href="/review">审核工作台</a>　<a href="/desk">人工录入公告</a></p>'
    return page(name, name, f'<h2>公告列表</h2><ul class="l">{rows or "<li>暂无公告</li>"}</ul>{ways}')


def review_list(name: str, items: Sequence[Filed]) -> bytes:
    """What there is to review, and what was decided; newest first."""
    rows = "".join(
        f"<tr><td>{item.ticket}</td><td>{escape(item.fields['noticeForm'])}</td>"
        f'<td><a href="/review/{item.id}">{escape(item.fields["noticeName"])}</a></td>'
        f"<td>{_when(item.received_at)}</td><td>{_STATES[item.state]}</td>"
        f"<td>{escape(item.number or item.reason)}</td></tr>"
        for item in reversed(items)
    )
    head = "<tr><th>受理号</th><th>类型</th><th>标题</th><th>收到时间</th><th>状态</th><th>编号／理由</th></tr>"
    waiting = sum(item.state == WAITING for item in items)
    main = f"<h2>审核工作台</h2><p>待审核 {waiting} 件</p><table>{head}{rows}</table>"
    return page("审核工作台", name, main)


def review_page(name: str, item: Filed, files: Sequence[StoredFile], problem: str = "") -> bytes:
    """One notice as the reviewer reads it, with the form to approve or refuse it."""
    facts = "".join(
        f"<tr><th>{label}</th><td>{escape(item.fields.get(field, '')) or '（无）'}</td></tr>"
        for field, label in TYPED.items()
        if field != "noticeContent"
    )
    decided = f"<p>状态：{_STATES[item.state]}　{escape(item.number or item.reason)}</p>"
    form = (
        f'<form method="post" action="/review/{item.id}" class="f">'
        '<p><button name="act" value="approve">审核通过并发布</button></p>'
        '<p><input name="reason" size="50" placeholder="退回理由（不通过时必填）"> '
        '<button name="act" value="refuse">审核不通过</button></p></form>'
    )
    main = (
        f"<h2>{escape(item.fields['noticeName'])}</h2>"
        f'<div class="m">受理号：{item.ticket}　收到时间：{_when(item.received_at)}</div>'
        + (f'<p id="problem"><strong>{escape(problem)}</strong></p>' if problem else "")
        + f'<table>{facts}</table><div id="notice-text">{item.fields["noticeContent"]}</div>{_files(files)}'
        + (form if item.state == WAITING else decided)
        + '<p><a href="/review">返回列表</a></p>'
    )
    return page("审核", name, main)


def desk_page(name: str, question: str, token: str, typed: Mapping[str, str], problems: Sequence[str] = ()) -> bytes:
    """The form in which a person types a notice in; `question` is the captcha."""

    def field(key: str, label: str) -> str:
        value = escape(typed.get(key, ""))
        if key == "noticeContent":
            return f'<p>{label}<br><textarea name="{key}" rows="12" cols="90">{value}</textarea></p>'
        return f'<p>{label}<br><input name="{key}" size="80" value="{value}"></p>'

    said = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    main = (
        "<h2>人工录入公告</h2>"
        + (f'<ul id="problem">{said}</ul>' if problems else "")
        + '<form method="post" action="/desk">'
        + "".join(field(key, label) for key, label in TYPED.items())
        + f'<p id="captcha">验证码：{escape(question)} = <input name="captcha" size="4">'
        f'<input type="hidden" name="token" value="{escape(token)}"></p><p><button>提交</button></p></form>'
    )
    return page("人工录入公告", name, main)


def typed_page(name: str, base_url: str, item: Filed) -> bytes:
    """What a person sees after typing a notice in: the number and the address, to be confirmed with."""
    address = f"{base_url}{item.path}"
    main = (
        f'<h2>已发布</h2><p>编号：<span id="notice-number">{escape(item.number)}</span></p>'
        f'<p>地址：<a id="notice-url" href="{escape(address)}">{escape(address)}</a></p>'
        "<p>请把编号和地址填入 publisher confirm 的 --number 和 --url。</p>"
    )
    return page("已发布", name, main)


def captcha_page(name: str) -> bytes:
    """What a question is answered that should have come from a person."""
    return page("请输入验证码", name, '<h2>请输入验证码</h2><div id="captcha">访问过于频繁，请完成验证后继续。</div>')


def word_page(name: str, words: str) -> bytes:
    """A page with a word."""
    return page(name, name, f'<div id="result">{escape(words)}</div>')
