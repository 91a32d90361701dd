"""The options of a provincial site: how its interface looks. The defaults are those of the practice province.

Texts in `path`, `fields`, `headers` and `sheet` are templates (`channels.kit.templates`) with the variables of
`channels.kit.submissions`; in `query` also `ticket`, in `watch` also `feeder_number`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from channels.kit.answers import Options, Place, Rule
from channels.kit.durations import Duration
from channels.kit.judge import Refusals
from channels.kit.site_options import BaseUrl, CallOptions, LimitOptions
from channels.kit.uploads import Upload
from publisher.channel import Fidelity
from publisher.delivery import Operation

_CONTENT: dict[str, Any] = {
    "noticeName": "{{ title }}",
    "noticeContent": "{{ body }}",
    "attachments": {"each": "attachments", "as": "{{ item.ref }}"},
}
_NOTICE: dict[str, Any] = {
    "sourceDataKey": "{{ key }}",
    "noticeForm": "{{ form }}",
    "businessKind": "{{ project_class_label }}",
    "projectCode": "{{ project_no }}",
    "projectName": "{{ project_name }}",
    "tendererName": "{{ tenderee }}",
    "agencyName": "{{ agency }}",
    "winnerName": "{{ winners }}",
    "bidDeadline": "{{ bid_deadline }}",
    "relateNoticeId": "{{ original_number }}",
    **_CONTENT,
}


class Act(Options):
    """A request that changes something at the site."""

    method: Literal["POST", "PUT", "DELETE"] = "POST"
    path: str
    fields: dict[str, Any] = Field(default_factory=dict)


class StatusWords(Options):
    """The site's words for the state of a notice. A word that is in none of the lists is unknown, never success."""

    published: tuple[str, ...] = ("已发布",)
    reviewing: tuple[str, ...] = ("已接收", "待审核", "审核中", "审核通过", "待发布")
    refused: tuple[str, ...] = ("审核不通过", "已退回")
    withdrawn: tuple[str, ...] = ("已撤销",)

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        words = [*self.published, *self.reviewing, *self.refused, *self.withdrawn]
        if twice := sorted({word for word in words if words.count(word) > 1}):
            raise ValueError(f"{twice[0]} stands in two lists; a word has one meaning")
        return self


class Answers(Refusals):
    """What the site's answers to a request mean; tried in this order.

    locked, busy; immutable: what is public stays as it is; duplicate: it has the notice already; refused; taken.
    `ticket`: under what it can be asked for.
    """

    immutable: tuple[Rule, ...] = (Rule(status=(409,), path="result", equals=("immutable",)),)
    duplicate: tuple[Rule, ...] = (Rule(status=(200, 409), path="result", equals=("duplicate",)),)
    taken: tuple[Rule, ...] = (Rule(path="result", equals=("accepted", "ok")),)
    ticket: Place = Place(path="ticket")


class Query(Options):
    """How the site is asked what became of a notice: by its ticket, where that is known, else by delivery key.

    After an update or a withdrawal: by the site's own number. A path that is empty cannot be asked.
    `captcha`: the site wants to see a person. `files`: where the list of attachments stands.
    """

    path: str = "/api/tickets/{{ ticket | urlencode }}"
    path_by_key: str = "/api/notices?key={{ key | urlencode }}"
    path_by_number: str = "/api/notices/{{ number | urlencode }}"
    absent: tuple[Rule, ...] = (Rule(status=(200, 404), path="result", equals=("absent",)),)
    captcha: tuple[Rule, ...] = (Rule(matches='id="captcha"'),)
    files: str | None = "files"


class Told(Options):
    """Where an answer says what became of a notice, whichever question it answers."""

    status: str = "status"
    number: Place = Place(path="number")
    url: Place | None = Place(path="url")
    since: Place | None = Place(path="publishedAt")
    reason: tuple[Place, ...] = (Place(path="reason"), Place(path="message"))
    content: Place | None = Place(path="content")


class Watch(Options):
    """How a site that is fed by another is asked: by the number there, and by project number.

    `items`: the list in the answer. An item is ours if its `source` is the number of the feeding channel; asked
    by project, also if its title is ours.
    """

    path: str = "/api/notices?source_number={{ feeder_number | urlencode }}"
    path_by_project: str = "/api/notices?project_no={{ project_no | urlencode }}"
    items: str = "items"
    source: str = "source_number"
    title: str = "title"
    number: str = "number"
    url: str = "url"
    since: str = "published_at"


class SheetLine(Options):
    """One field of the site's own form, in its order."""

    label: str = Field(min_length=1)
    value: str


def _sheet() -> tuple[SheetLine, ...]:
    lines = {
        "公告类型": "{{ form }}",
        "公告标题": "{{ title }}",
        "项目编号": "{{ project_no }}",
        "项目名称": "{{ project_name }}",
        "采购人（招标人）": "{{ tenderee }}",
        "代理机构": "{{ agency }}",
        "预算金额（元）": "{{ budget }}",
        "控制价（元）": "{{ control_price }}",
        "投标截止时间": "{{ bid_deadline }}",
        "中标（成交）人": "{{ winners }}",
        "原公告编号": "{{ original_number }}",
        "首次公告日期": "{{ original_date }}",
        "附件": "{% for item in attachments %}{{ item.name }}{{ '' if loop.last else '、' }}{% endfor %}",
        "公告正文": "{{ shown_text }}",
    }
    return tuple(SheetLine(label=label, value=value) for label, value in lines.items())


class ProvinceOptions(CallOptions):
    """Everything about one site.

    mode                    `api`: by its interface; `assisted`: a person types it in, from a sheet (a captcha);
                            `watched`: another channel feeds it, it is only asked
    fed_by                  watched: name of the channel that feeds it
    key_header              header that carries the secret `key`, where there is one
    needs_original_number   whether a change notice is refused whose original has no number there
    idempotent_for          how long the site remembers a delivery key; 0s: a repeat is a second item
    findable                whether `query` can be asked
    operations              what the channel carries out
    sheet, page             assisted: the fields of the form in its order (`shown_text`: the text as approved), and
                            where the form is
    """

    mode: Literal["api", "assisted", "watched"] = "api"
    base_url: BaseUrl | None = None
    page: str = ""
    fed_by: str | None = None
    key_header: str = "X-Api-Key"
    headers: dict[str, str] = Field(default_factory=dict)
    submit: Act = Act(path="/api/notices", fields=_NOTICE)
    update: Act = Act(method="PUT", path="/api/notices/{{ number | urlencode }}", fields=_CONTENT)
    withdraw: Act = Act(path="/api/notices/{{ number | urlencode }}/withdraw", fields={"reason": "{{ reason }}"})
    upload: Upload = Upload()
    answers: Answers = Answers()
    words: StatusWords = StatusWords()
    query: Query = Query()
    told: Told = Told()
    watch: Watch = Watch()
    sheet: tuple[SheetLine, ...] = Field(default_factory=_sheet, min_length=1)
    needs_original_number: bool = False
    idempotent_for: Duration = timedelta(0)
    findable: bool = True
    takes_attachments: bool = True
    operations: tuple[Operation, ...] = (Operation.PUBLISH,)
    settle_window: Duration = timedelta(seconds=120)
    fidelity: Fidelity | None = None
    limits: LimitOptions = LimitOptions()

    @model_validator(mode="after")
    def _what_the_mode_needs(self) -> Self:
        if self.mode != "assisted" and self.base_url is None:
            raise ValueError('base_url is missing; write the address of the site, or mode = "assisted"')
        if (self.mode == "watched") is not (self.fed_by is not None):
            raise ValueError('mode = "watched" and fed_by (the channel that feeds this site) go together')
        if self.mode == "watched" and self.operations != (Operation.PUBLISH,):
            raise ValueError('a watched site carries nothing out; leave operations at ["publish"]')
        return self
