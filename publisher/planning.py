"""From what was read to what is accepted: all rules at once, and a planned delivery for each channel.

The *check, render* step of the line, apart from its ledger: commands that only look ask the same questions.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from publisher.channel import Fidelity, Rendition
from publisher.errors import ADVICE, NotAllowed, Problem, Reason
from publisher.intake.reading import Draft
from publisher.intake.sidecar import NO_WISHES, Wishes
from publisher.ledger.acceptance import Planned
from publisher.notice import LOCAL, Notice
from publisher.render import Renderer, TemplateFault
from publisher.rules.book import RuleBook
from publisher.rules.clock import publish_by
from publisher.rules.content import Checked, Papers, check_content
from publisher.rules.due import deadline
from publisher.rules.limits import exceeded, foreseen
from publisher.rules.routing import Route, route
from publisher.rules.terms import Findings, Law, check_terms, dates_outside, day_of
from publisher.send.open_channel import OpenChannel

logger = logging.getLogger(__name__)

URGENT = timedelta(minutes=15)
"""How soon an urgent notice is to be public: its deliveries go before those with a later deadline."""


def check_draft(
    draft: Draft,
    notice: Notice,
    book: RuleBook,
    *,
    day: date | None,
    let_go: Collection[str] = frozenset(),
    terms: Findings | None = None,
) -> Checked:
    """Everything that the rules over content find in what was read, with what reading and the legal terms found."""
    names = {ref.sha256: ref.name for ref in notice.attachments}
    papers = Papers(
        (draft.main.name, draft.main.data) if draft.main else None,
        {names.get(sha256, sha256): data for sha256, data in draft.attachments.items()},
    )
    by_law = terms or Findings()
    # The terms speak of dates with more knowledge than a comparison of dates has: they are said first.
    read = ([*draft.problems, *by_law.problems], [*draft.warnings, *by_law.warnings])
    return check_content(notice, papers, book, day=day, read=read, let_go=let_go)


def check_all(
    draft: Draft, notice: Notice, book: RuleBook, law: Law, *, at: datetime, let_go: Collection[str] = frozenset()
) -> Checked:
    """All rules, as published at `at`."""
    day = at.astimezone(LOCAL).date()
    found = check_terms(notice, law, published=day, overridden=let_go)
    terms = Findings(found.problems, (*found.warnings, *dates_outside(notice, at)))
    return check_draft(draft, notice, book, day=day, let_go=let_go, terms=terms)


def plan(
    notice: Notice,
    now: datetime,
    channels: Mapping[str, OpenChannel],
    renderer: Renderer,
    law: Law,
    wishes: Wishes = NO_WISHES,
) -> tuple[list[Planned], list[Problem]]:
    """One planned delivery per channel that carries the notice, and everything that stops the notice.

    A problem of an optional channel holds that delivery only. The deadline of a mandatory one is the channel's or
    the next one that the law sets, whichever comes first: what is nearest goes first.
    """
    planned: list[Planned] = []
    chosen, refused, problems = _wished(channels, wishes)
    base = max(now, notice.publish_at) if notice.publish_at else now
    settings = [channel.settings for channel in channels.values()]
    routes = route(notice, settings, day_of(base), chosen=chosen, refused=refused)
    problems += _unheeded(routes, channels, chosen, refused)
    for routed in routes:
        channel = channels[routed.channel.name]
        try:
            one, found = _plan_one(notice, base, channel, renderer, law, mandatory=routed.mandatory)
        except TemplateFault as fault:
            logger.error("%s", fault)
            if routed.mandatory:
                problems.append(fault.problem)
                continue
            one, found = _held_for_template(notice, base, channel, law, fault.problem), [fault.problem]
        planned.append(one)
        if routed.mandatory:
            problems += found
    planned = with_feeders(planned, channels)
    if wishes.urgent:
        planned = [replace(one, deadline=min(one.deadline, base + URGENT)) for one in planned]
    if not planned and not problems:
        problems.append(Problem(Reason.NO_CHANNEL, ADVICE[Reason.NO_CHANNEL]))
    return planned, problems


def with_feeders(planned: Sequence[Planned], channels: Mapping[str, OpenChannel]) -> list[Planned]:
    """Without what nobody would forward: an optional delivery is left out, a mandatory one held from the start."""
    names = {plan.channel for plan in planned}
    kept = []
    for plan in planned:
        if plan.fed_by is None or plan.fed_by in names:
            kept.append(plan)
        elif plan.mandatory:
            feeder = channels[plan.fed_by].title if plan.fed_by in channels else plan.fed_by
            detail = f"应由{feeder}转发，但本公告不在那里发布：请人工在该渠道发布后用 confirm 确认，或调整渠道设置"
            kept.append(replace(plan, held=Problem(Reason.FEEDER_FAILED, detail, channel=plan.channel)))
    return kept


def _plan_one(
    notice: Notice, base: datetime, channel: OpenChannel, renderer: Renderer, law: Law, *, mandatory: bool
) -> tuple[Planned, Sequence[Problem]]:
    """The delivery for one channel, and what of the channel's limits it exceeds. Raises `TemplateFault`."""
    rendition, found = _render(notice, channel, renderer)
    held = None
    if found and not mandatory:
        held = Problem(Reason.CHANNEL_LIMIT, "；".join(str(p) for p in found), channel=channel.name)
    due = deadline(base, channel.settings, law.calendar)
    planned = _planned(channel, mandatory, rendition, due, held)
    return _by_law(planned, notice, base, law) if mandatory else planned, found


def _by_law(planned: Planned, notice: Notice, base: datetime, law: Law) -> Planned:
    """With what the law sets: its next day that is not over is a deadline; lateness is told by its first one."""
    clock = publish_by(notice, law, day_of(base))
    first = clock.deadlines[0].at if clock.deadlines else None
    return replace(planned, deadline=min(planned.deadline, clock.after(base) or planned.deadline), legal_by=first)


def _planned(
    channel: OpenChannel, mandatory: bool, rendition: Rendition, due: datetime, held: Problem | None
) -> Planned:
    fed_by = channel.capabilities.fed_by if channel.capabilities.watched_only else None
    return Planned(channel.name, channel.settings.tier.value, mandatory, rendition, due, held, fed_by)


def _held_for_template(notice: Notice, base: datetime, channel: OpenChannel, law: Law, problem: Problem) -> Planned:
    """An optional delivery with the notice's own text, held until `retry --render` makes the right one."""
    content = notice.body_html.encode()
    own = Rendition(hashlib.sha256(content).hexdigest(), "text/html", notice.title, content, notice.digest)
    held = Problem(Reason.TEMPLATE_FAULT, str(problem), channel=channel.name)
    return _planned(channel, False, own, deadline(base, channel.settings, law.calendar), held)


def plan_choice(notice: Notice, now: datetime, channel: OpenChannel | None, renderer: Renderer, law: Law) -> Planned:
    """The delivery for a channel that a person chooses after the notice was accepted.

    Raises `NotAllowed`: the channel is off, does not carry such a notice, or cannot take it.
    """
    if channel is None:
        raise NotAllowed("该渠道未启用，不能增发")
    base = max(now, notice.publish_at) if notice.publish_at else now
    routes = route(notice, [channel.settings], day_of(base), chosen=[channel.name])
    if not routes:
        raise NotAllowed(f"{channel.title}不承接此类公告（见 publisher check 的承接表）")
    try:
        planned, found = _plan_one(notice, base, channel, renderer, law, mandatory=routes[0].mandatory)
    except TemplateFault as fault:
        raise NotAllowed(str(fault.problem)) from fault
    if found:
        raise NotAllowed("；".join(str(problem) for problem in found))
    return planned


def _wished(channels: Mapping[str, OpenChannel], wishes: Wishes) -> tuple[set[str], set[str], list[Problem]]:
    """The channels meant by name or title, and a problem for each word that means none."""
    names = {channel.title: name for name, channel in channels.items()} | {name: name for name in channels}
    unknown = [word for word in (*wishes.chosen, *wishes.refused) if word not in names]
    known = "、".join(channel.title for channel in channels.values())
    problems = [
        Problem(Reason.SIDECAR_INVALID, f"没有名为“{word}”的渠道（现有：{known}），请改正说明文件", "channels")
        for word in unknown
    ]
    chosen, refused = ({names[word] for word in words if word in names} for words in (wishes.chosen, wishes.refused))
    return chosen, refused, problems


def _unheeded(
    routes: Sequence[Route], channels: Mapping[str, OpenChannel], chosen: set[str], refused: set[str]
) -> list[Problem]:
    """A wish that the routing rules do not allow is told, never passed over."""
    goes = {routed.channel.name: routed.mandatory for routed in routes}
    told = [(name, "不承接此类公告，不能选发") for name in sorted(chosen - goes.keys() - refused)] + [
        (name, "是此类公告的必发渠道，不能不发") for name in sorted(refused) if goes.get(name)
    ]
    return [
        Problem(Reason.SIDECAR_INVALID, f"渠道“{channels[name].title}”{why}，请改正说明文件", "channels", name)
        for name, why in told
    ]


def _render(notice: Notice, channel: OpenChannel, renderer: Renderer) -> tuple[Rendition, Sequence[Problem]]:
    """The rendition for a channel, and what of the channel's limits it exceeds. Raises `TemplateFault`."""
    whole = channel.capabilities.fidelity is not Fidelity.EXCERPT
    # Only a page that is shown as it is sent may say a character by its number, as a browser's form does.
    charset = channel.capabilities.charset if channel.capabilities.fidelity is Fidelity.FULL else None
    rendition = renderer.render(notice, channel.settings, whole_text=whole, charset=charset)
    found = exceeded(notice, rendition, channel.capabilities, channel_name=channel.name, channel_title=channel.title)
    refusals = channel.foresees.refusals(rendition) if channel.foresees else ()
    return rendition, (*found, *foreseen(refusals, channel_name=channel.name, channel_title=channel.title))


def render_again(notice: Notice, channel: OpenChannel | None, renderer: Renderer) -> Rendition:
    """A new rendition for one channel, after its template or its limits were put right.

    Raises `NotAllowed` while it cannot be sent: the channel is off, its template faulty, or its limits exceeded.
    """
    if channel is None:
        raise NotAllowed("该渠道未启用，无法重新排版")
    try:
        rendition, found = _render(notice, channel, renderer)
    except TemplateFault as fault:
        raise NotAllowed(str(fault.problem)) from fault
    if found:
        raise NotAllowed("；".join(str(problem) for problem in found))
    return rendition
