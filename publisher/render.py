"""The door to Jinja2: renditions for channels, and the texts that staff get.

A rendition never goes out with a blank: a missing or misspelt variable is a `TemplateFault`, and so is
active content, hidden text, or a page that lacks part of the notice's text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    FileSystemLoader,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from publisher.channel import Rendition
from publisher.errors import Problem, PublisherError, Reason
from publisher.notice import Notice, html_to_text, normalise, text_digest
from publisher.settings import ChannelSettings
from publisher.wording import BlankValue, day, fields_for_staff, moment, price, yuan

__all__ = ["Renderer", "TemplateFault", "fields_for_staff"]

_OWN = "channels"  # prefix under which a channel's own templates are found


class TemplateFault(PublisherError):
    """A template cannot be used for this notice: `str()` names template, line and variable in English for the log,
    `detail` says the same in Chinese. `channel` is None for the texts that staff get."""

    def __init__(self, message: str, *, detail: str, channel: str | None = None) -> None:
        super().__init__(message)
        self.detail = detail
        self.channel = channel

    @property
    def problem(self) -> Problem:
        """The fault as a problem that stops this channel only."""
        return Problem(Reason.TEMPLATE_FAULT, self.detail, channel=self.channel)


class Renderer:
    """Makes renditions and staff texts from the shipped templates.

    `overrides` is the folder `templates` beside the settings: `<overrides>/<channel name>/notice.html.j2`
    replaces the template of that one channel (it may extend or include the shipped one by its name, such
    as `municipal_site/notice.html.j2`).
    """

    def __init__(self, overrides: Path | None = None) -> None:
        loaders: list[BaseLoader] = [PackageLoader("templates", package_path=".")]
        if overrides is not None:
            loaders.insert(0, PrefixLoader({_OWN: FileSystemLoader(overrides)}))
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader(loaders),
            autoescape=_is_html,
            undefined=StrictUndefined,
            finalize=_not_blank,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters.update(yuan=yuan, day=day, moment=moment, price=price)

    def render(
        self, notice: Notice, channel: ChannelSettings, *, whole_text: bool = True, charset: str | None = None
    ) -> Rendition:
        """The rendition of `notice` for `channel`.

        The template is given `notice`, `body` (the notice's HTML, not escaped) and `channel` (its name,
        title and the options of its adapter). With `whole_text` the page must hold the notice's whole text, in
        order; without it (an excerpt) only part. A character that `charset` lacks (¥ in GBK) is written by its
        number, so that readers see it all the same. Raises TemplateFault.
        """
        values = {
            "notice": notice,
            "body": Markup(notice.body_html),  # sanitised at intake, and looked at again below
            "channel": {"name": channel.name, "title": channel.title, "options": channel.options},
        }
        template = self._find(_names(channel), channel)
        html = self._fill(template, channel, values)
        _refuse_active(html, str(template.name), channel)
        if whole_text:
            _refuse_incomplete(html, notice, str(template.name), channel)
        if charset is not None:
            html = html.encode(charset, "xmlcharrefreplace").decode(charset)
        content = html.encode("utf-8")
        return Rendition(
            sha256=hashlib.sha256(content).hexdigest(),
            media_type="text/html",
            title=notice.title,
            content=content,
            text_digest=text_digest(html_to_text(html)),
        )

    def text(self, template_name: str, **values: object) -> str:
        """A text for staff from a shipped template, such as `receipt.txt.j2`. Raises TemplateFault."""
        return self._fill(self._find([template_name], None), None, values)

    def compile_all(self, channels: Sequence[ChannelSettings]) -> tuple[TemplateFault, ...]:
        """What is wrong with the templates of these channels, without a notice: missing ones and bad syntax."""
        faults = []
        for channel in channels:
            try:
                self._find(_names(channel), channel)
            except TemplateFault as fault:
                faults.append(fault)
        return tuple(faults)

    def _find(self, names: Sequence[str], channel: ChannelSettings | None) -> Template:
        try:
            return self._environment.select_template(list(names))
        except TemplateNotFound as error:
            raise _fault(channel, names[-1], "no such template", "没有这个模板") from error
        except TemplateSyntaxError as error:
            where = f"{error.name or names[-1]}, line {error.lineno}"
            raise _fault(channel, where, str(error.message), "模板语法有误") from error

    def _fill(self, template: Template, channel: ChannelSettings | None, values: dict[str, Any]) -> str:
        try:
            return template.render(**values)
        except TemplateSyntaxError as error:  # in a template that this one includes
            where = f"{error.name or template.name}, line {error.lineno}"
            raise _fault(channel, where, str(error.message), "模板语法有误") from error
        except (
            TemplateError,
            BlankValue,
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
        ) as error:
            where, printed = self._place(error.__traceback__, str(template.name))
            what = str(error) or type(error).__name__
            raise _fault(channel, where, f"{printed}: {what}", f"{printed} 没有值或无法使用") from error

    def _place(self, traceback: TracebackType | None, name: str) -> tuple[str, str]:
        """Template and line of the innermost template frame, and the expressions printed on that line."""
        loader = self._environment.loader
        sources = {}
        if loader is not None:
            for known in {name, *self._environment_names()}:
                try:
                    source, filename, _ = loader.get_source(self._environment, known)
                except TemplateNotFound:
                    continue
                sources[filename or known] = (known, source.splitlines())
        found = (name, 0, "")
        while traceback is not None:
            file = traceback.tb_frame.f_code.co_filename
            if file in sources:
                known, lines = sources[file]
                line = lines[traceback.tb_lineno - 1] if traceback.tb_lineno <= len(lines) else ""
                found = (known, traceback.tb_lineno, line)
            traceback = traceback.tb_next
        printed = re.findall(r"\{\{-?\s*(.*?)\s*-?\}\}", found[2]) or [found[2].strip()]
        return f"{found[0]}, line {found[1]}", "; ".join(printed)

    def _environment_names(self) -> Sequence[str]:
        return self._environment.list_templates(extensions=["j2"])


def _names(channel: ChannelSettings) -> tuple[str, str]:
    """The channel's own template, then the one shipped with its adapter."""
    module = channel.adapter.partition(":")[0].rpartition(".")[2]
    return f"{_OWN}/{channel.name}/notice.html.j2", f"{module}/notice.html.j2"


def _is_html(name: str | None) -> bool:
    return name is None or not name.endswith(".txt.j2")


def _fault(channel: ChannelSettings | None, where: str, english: str, chinese: str) -> TemplateFault:
    where = where.removeprefix(f"{_OWN}/")
    whose = f"渠道“{channel.title}”的模板" if channel else "模板"
    return TemplateFault(
        f"template {where}: {english}",
        detail=f"{whose} {where.replace(', line ', ' 第 ')}{' 行' if ', line ' in where else ''}：{chinese}。",
        channel=channel.name if channel else None,
    )


def _not_blank(value: object) -> object:
    if value is None:
        raise BlankValue("has no value")
    return value


_ACTIVE_TAGS = frozenset(
    {"script", "style", "iframe", "frame", "object", "embed", "applet", "form", "base", "meta", "link", "template"}
)
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|expression\s*\(|url\s*\(", re.I)


class _ActiveContent(HTMLParser):
    """Finds what must not be in a notice: elements and attributes that run, load or hide."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE_TAGS:
            self.found.append(f"<{tag}>")
        self.found.extend(f"{name} in <{tag}>" for name, value in attrs if _is_active(name, value or ""))


def _is_active(name: str, value: str) -> bool:
    if name.startswith("on") or name in {"srcdoc", "formaction", "hidden"}:
        return True
    if name == "style":
        return bool(_HIDING.search(value))
    return bool(re.match(r"(javascript|vbscript|data:text)", re.sub(r"[\s\x00-\x1f]", "", value), re.I))


def _refuse_active(html: str, where: str, channel: ChannelSettings) -> None:
    reader = _ActiveContent()
    reader.feed(html)
    reader.close()
    if reader.found:
        listed = ", ".join(dict.fromkeys(reader.found))
        raise _fault(channel, where, f"active content or hidden text: {listed}", f"含有不允许的内容 {listed}")


def _refuse_incomplete(html: str, notice: Notice, where: str, channel: ChannelSettings) -> None:
    """The page must hold the body's text unbroken and in order; the title travels beside the content."""
    if normalise(html_to_text(notice.body_html)) not in normalise(html_to_text(html)):
        raise _fault(channel, where, "the page lacks part of the notice's text", "没有完整显示公告正文")
