"""The pages that readers of a practice site see: a list and one page per notice, each marked as practice."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from string import Template

from channels.practice.site_store import Item, StoredFile

_STYLE = (
    "body{margin:0;background:#f4f5f7;color:#222;font:16px/1.8 'Noto Sans CJK SC','Microsoft YaHei',sans-serif}"
    "header{background:#0b4f8a;color:#fff;padding:18px 0}header h1{font-size:22px;margin:0}"
    ".w{max-width:960px;margin:0 auto;padding:0 20px}.p{background:#fff3cd;color:#7a5b00;text-align:center;padding:6px}"
    "main.w{background:#fff;margin:20px auto;padding:24px 32px}h2{text-align:center;font-size:22px;margin:0 0 8px}"
    ".m{text-align:center;color:#777;font-size:14px;border-bottom:1px solid #ddd;padding-bottom:12px;margin:0 0 2em}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #999;padding:6px 10px}"
    "ul.l{list-style:none;padding:0}ul.l li{display:flex;justify-content:space-between;border-bottom:1px dashed #ccc;"
    "padding:8px 0}ul.l time{color:#777;white-space:nowrap;margin-left:20px}a{color:#0b4f8a;text-decoration:none}"
    ".f{background:#f7f9fb;border:1px solid #dde;padding:10px 18px;margin-top:24px}"
)

_SHELL = Template(
    '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"><title>$title</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><style>$style</style></head><body>'
    '<div class="p">演练网站：以下内容仅供培训和测试，不是正式公告</div>'
    '<header><div class="w"><h1>$name（演练）</h1></div></header>'
    '<main class="w">$main</main></body></html>'
)

KIND_NAMES = {
    "bid_announcement": "招标公告",
    "change_notice": "变更公告",
    "winning_bid_notice": "中标公示",
    "award_result": "成交信息",
}


def page(title: str, name: str, main: str) -> bytes:
    """A page with the site's head, marked as practice; `main` is HTML."""
    return _SHELL.substitute(title=escape(title), name=escape(name), style=_STYLE, main=main).encode()


def article_page(name: str, item: Item, files: Sequence[StoredFile]) -> bytes:
    """The page of one notice; its text stands in the element `notice-text`."""
    parts = [
        f"<h2>{escape(item.title)}</h2>",
        f'<div class="m">编号：<span id="notice-number">{item.number}</span>　'
        f"栏目：{escape(KIND_NAMES.get(item.kind, item.kind))}　"
        f'发布时间：<time id="notice-time" datetime="{escape(item.published_at)}">'
        f"{escape(item.published_at[:16].replace('T', ' '))}</time></div>",
        f'<div id="notice-text">{item.body}</div>',
    ]
    if files:
        links = "".join(
            f'<li><a class="notice-file" data-sha256="{file.sha256}" href="{file.path}">{escape(file.name)}</a></li>'
            for file in files
        )
        parts.append(f'<div class="f">附件下载<ul>{links}</ul></div>')
    return page(item.title, name, "".join(parts))


def list_page(name: str, items: Sequence[Item]) -> bytes:
    """The list of public notices, newest first."""
    rows = "".join(
        f'<li><a href="{item.path}">［{escape(KIND_NAMES.get(item.kind, item.kind))}］{escape(item.title)}</a>'
        f"<time>{escape(item.published_at[:10])}</time></li>"
        for item in reversed(items)
    )
    return page(name, name, f'<h2>公告列表</h2><ul class="l">{rows or "<li>暂无公告</li>"}</ul>')


def word_page(name: str, words: str) -> str:
    """A page with a word of the site's form: what a form site answers."""
    return (
        f"<html><head><title>{escape(name)}</title></head><body>"
        f'<div class="p">演练网站</div><div id="result">{words}</div></body></html>'
    )
