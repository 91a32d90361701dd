"""Acts of persons: approve, hold, release, retry, confirm, cancel, stop, resume. Each names who, and is a log row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from publisher.app import Office
from publisher.cli import words
from publisher.cli.base import NOT_DONE, OK, By, Desk, Json, Number, OneChannel, Why, command
from publisher.cli.output import say, say_json
from publisher.cli.times import instant
from publisher.counts import views
from publisher.errors import NotAllowed, Reason, SettingsError
from publisher.ledger import acceptance, acts, again, amend, channel_state, contents, overrides
from publisher.ledger.acts import Person, Told
from publisher.ledger.amend import Ways
from publisher.ledger.channel_state import ALL
from publisher.ledger.deliveries import Delivery
from publisher.planning import plan_choice, render_again
from publisher.settings import enabled

WhichChannel = Annotated[str | None, typer.Argument(metavar="CHANNEL", help="Channel (default: all).")]


class HeldFor(StrEnum):
    """For what many of a channel may be held that go on together once the cause is mended."""

    GAVE_UP = "gave_up"
    ADAPTER_FAULT = "adapter_fault"
    CLOCK_STEPPED = "clock_stepped"


class HeldAnswer(StrEnum):
    """What may be answered to the question about a held file."""

    VERSION = "version"
    CHANGE = "change"
    DUPLICATE = "duplicate"
    PUBLISH = "publish"
    SETTLED = "settled"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "approve", approve)
    command(app, "hold", hold)
    command(app, "release", release)
    command(app, "retry", retry)
    command(app, "confirm", confirm)
    command(app, "cancel", cancel)
    command(app, "update", update)
    command(app, "withdraw", withdraw)
    command(app, "override", override)
    command(app, "route", route)
    command(app, "stop", stop)
    command(app, "resume", resume)


def _tell(office: Office, told: Sequence[Told], as_json: bool) -> int:
    for one in told:
        if as_json:
            say_json(one)
        else:
            say(f"{one.number}　{words.channel(one.channel, office.titles)}：{one.said}")
    return OK


def _but_off(office: Office, told: Sequence[Told]) -> list[Told]:
    """What was told, with the truth about channels that are not enabled: nothing goes there."""
    return [
        replace(one, said=f"{one.said}，但该渠道已停用，启用后才会办理")
        if one.channel is not None and one.channel not in office.channels
        else one
        for one in told
    ]


def _told(rows: Sequence[Delivery], said: str) -> list[Told]:
    return [Told(row.number, row.channel, said) for row in rows]


def _known(office: Office, channel: str | None) -> str | None:
    """The channel, if it is in the settings or the ledger; raises `SettingsError` with the nearest name."""
    if channel is not None and channel not in office.titles:
        with office.ledger.read() as conn:
            if channel not in views.channels_used(conn):
                office.settings.channel(channel)
    return channel


# ---- one notice


def approve(desk: Desk, number: Number, by: By = None, as_json: Json = False) -> int:
    """Approve the present version of a notice with its texts for every channel（批准）."""
    with desk.office() as office:
        with office.ledger.write() as tx:
            missing = acts.approve(tx, number, desk.person(by))
        if as_json:
            say_json({"number": number, "approvals_missing": missing})
        else:
            say(f"{number}：已批准" + (f"，还差 {missing} 人批准" if missing else ""))
    return OK


def hold(
    desk: Desk, number: Number, channel: OneChannel = None, by: By = None, reason: Why = "", as_json: Json = False
) -> int:
    """Stop what is not sent yet, on one channel or all（暂停）."""
    with desk.office() as office:
        with office.ledger.write() as tx:
            rows = acts.of_number(tx.conn, number, _known(office, channel))
            held = acts.hold(tx, rows, desk.person(by), reason)
        return _tell(office, _told(held, "已暂停"), as_json)


def release(
    desk: Desk,
    number: Annotated[str | None, typer.Argument(metavar="N", help="Intake number (编号).")] = None,
    channel: OneChannel = None,
    all_held: Annotated[
        HeldFor | None,
        typer.Option("--all-held", help="Everything held on this channel for this one cause（放行该渠道同因暂停项）."),
    ] = None,
    not_there: Annotated[
        bool, typer.Option("--not-there", help="You looked, and it is not public there（已人工核对未发布）.")
    ] = False,
    answer: Annotated[
        HeldAnswer | None,
        typer.Option("--as", help="Answer the question about a file that is held at intake（答复待处理的问题）."),
    ] = None,
    by: By = None,
    reason: Why = "",
    as_json: Json = False,
) -> int:
    """Let go on what is held（放行）; where it may be public, the channel is asked first, or --not-there says so.

    With --as it answers a file in 待处理, as the text beside it does: version 新版本, change 更正, duplicate 重复,
    publish 发布 (an old file), settled 办结 (a request to withdraw).
    """
    if all_held is not None:
        if number is not None or channel is None or not_there or answer is not None:
            raise SettingsError("say which: `release N`, or `release --channel C --all-held REASON`")
        return _release_all(desk, channel, Reason(all_held.value), by, reason, as_json)
    if number is None:
        raise SettingsError("say which: `release N`, or `release --channel C --all-held REASON`")
    if answer is not None:
        return _answer(desk, number, answer, by, reason, as_json)
    if not_there and by is None:
        raise SettingsError("--not-there is a person's word: give the name of who looked with --by NAME")
    with desk.office() as office:
        with office.ledger.write() as tx:
            rows = acts.of_number(tx.conn, number, _known(office, channel))
            told = acts.release(tx, rows, desk.person(by), reason, office.capabilities, not_there=not_there)
        return _tell(office, _but_off(office, told), as_json)


def _release_all(desk: Desk, channel: str, cause: Reason, by: str | None, reason: str, as_json: bool) -> int:
    with desk.office() as office:
        _known(office, channel)
        with office.ledger.write() as tx:
            rows = again.held_for(tx.conn, channel, cause)
            told, left = again.release_all(tx, rows, desk.person(by), reason, office.capabilities)
        _tell(office, told, as_json)
        return NOT_DONE if left else OK


def _answer(desk: Desk, number: str, answer: HeldAnswer, by: str | None, reason: str, as_json: bool) -> int:
    if by is None:
        raise SettingsError("--as is a person's answer: give the name of who decides with --by NAME")
    with desk.office() as office:
        with office.ledger.write() as tx:
            told = again.answer_number(tx, number, answer.value, desk.person(by), reason)
        return _tell(office, [told], as_json)


def retry(
    desk: Desk,
    number: Annotated[str | None, typer.Argument(metavar="N", help="Intake number (编号).")] = None,
    channel: OneChannel = None,
    all_failed: Annotated[
        bool, typer.Option("--all-failed", help="Everything that this channel refused（重发该渠道失败项）.")
    ] = False,
    render: Annotated[
        bool, typer.Option("--render", help="Make the text for the channel anew, after its template was put right.")
    ] = False,
    by: By = None,
    reason: Why = "",
    as_json: Json = False,
) -> int:
    """Try again now（重试）: ask for what is unknown, repeat what was refused, read a held file once more."""
    if (number is None) is not all_failed or (all_failed and channel is None):
        raise SettingsError("say which: `retry N`, perhaps with --channel C, or `retry --channel C --all-failed`")
    with desk.office() as office:
        _known(office, channel)
        person = desk.person(by)
        if render:
            return _tell(office, _render_again(office, number, channel, person, reason), as_json)
        with office.ledger.write() as tx:
            if number is not None and again.is_held_file(tx.conn, number):
                told = [again.retry_file(tx, number, person, reason)]
            else:
                rows = again.meant(tx.conn, number, channel)
                told = again.retry(tx, rows, person, reason)
        return _tell(office, _but_off(office, told), as_json)


def _render_again(office: Office, number: str | None, channel: str | None, person: Person, reason: str) -> list[Told]:
    """Templates run outside the transaction: a slow one must not keep the ledger."""
    with office.ledger.read() as conn:
        rows = again.renderable(conn, again.meant(conn, number, channel))
        notices = {row.id: contents.read_notice(conn, row.version_id) for row in rows}
    renditions = {}
    for row in rows:
        renditions[row.id] = render_again(notices[row.id], office.channels.get(row.channel), office.renderer)
    with office.ledger.write() as tx:
        fresh = again.meant(tx.conn, number, channel)
        return again.replace_texts(tx, fresh, renditions, person, reason)


def confirm(
    desk: Desk,
    number: Number,
    channel: OneChannel = None,
    seen_at: Annotated[
        str | None,
        typer.Option("--seen-at", metavar="T", help='When you saw it, such as "2017-12-04 10:30" (default: now).'),
    ] = None,
    channel_number: Annotated[
        str | None, typer.Option("--number", metavar="TEXT", help="The channel's own number for it.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", metavar="URL", help="Where it stands.")] = None,
    proof: Annotated[str, typer.Option("--proof", metavar="TEXT", help="What proves it: a photo, a page saved.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take the confirmation back（撤回确认）.")] = False,
    by: By = None,
    reason: Why = "",
    as_json: Json = False,
) -> int:
    """Say that a person saw it published（人工确认）; or take that back with --undo."""
    seen = instant(seen_at, "--seen-at") if seen_at else None
    with desk.office() as office:
        person = desk.person(by)
        with office.ledger.write() as tx:
            row = acts.to_confirm(acts.of_number(tx.conn, number, _known(office, channel)), undo=undo)
            if undo:
                acts.undo_confirm(tx, row, person, reason)
            else:
                acts.confirm(tx, row, person, seen_at=seen, channel_number=channel_number, url=url, proof=proof)
        return _tell(office, _told([row], "确认已撤回，请重新核对" if undo else "已确认发布"), as_json)


def cancel(
    desk: Desk,
    number: Number,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log.")],
    channel: OneChannel = None,
    by: By = None,
    as_json: Json = False,
) -> int:
    """Never send what is not sent yet（取消）: the whole notice, or one channel; refused once part of it has gone."""
    with desk.office() as office:
        with office.ledger.write() as tx:
            rows = acts.of_number(tx.conn, number, _known(office, channel))
            cancelled = acts.cancel(tx, rows, desk.person(by), reason)
        return _tell(office, _told(cancelled, "已取消"), as_json)


# ---- what is public


def update(
    desk: Desk,
    number: Number,
    channel: Annotated[str, typer.Option("--channel", metavar="C", help="On this channel.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who answers for it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log.")],
    as_json: Json = False,
) -> int:
    """Replace what is public on a channel by the same notice set anew（更新文本）; its content never changes."""
    with desk.office() as office:
        _known(office, channel)
        with office.ledger.read() as conn:
            row = amend.to_update(conn, number, channel)
            notice = contents.read_notice(conn, row.version_id)
        text = render_again(notice, office.channels.get(channel), office.renderer)
        with office.ledger.write() as tx:
            told = amend.update(tx, row, text, desk.person(by), reason, _ways(office))
        return _tell(office, [told], as_json)


def withdraw(
    desk: Desk,
    number: Number,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who answers for it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log.")],
    channel: OneChannel = None,
    as_json: Json = False,
) -> int:
    """Take a published notice back（撤回）, where the channel does that; elsewhere a person gets a task."""
    with desk.office() as office:
        with office.ledger.write() as tx:
            rows = acts.of_number(tx.conn, number, _known(office, channel))
            outcome = amend.withdraw(tx, rows, desk.person(by), reason, _ways(office))
        _tell(office, outcome.told, as_json)
        return NOT_DONE if outcome.left else OK


def _ways(office: Office) -> Ways:
    switched_on = {c.name: c.operations for c in enabled(office.settings)}
    return Ways(lambda channel, operation: operation in switched_on.get(channel, ()), office.titles)


def override(
    desk: Desk,
    number: Number,
    rule: Annotated[list[str], typer.Option("--rule", metavar="ID", help="A rule that the note names; repeatable.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who answers for it.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log.")],
    as_json: Json = False,
) -> int:
    """Let a held file pass a legal rule that it breaks（核准例外）; it is then checked once more."""
    with desk.office() as office:
        with office.ledger.write() as tx:
            told = overrides.override(tx, number, rule, desk.person(by), reason)
        return _tell(office, [told], as_json)


def route(
    desk: Desk,
    number: Number,
    add: Annotated[str, typer.Option("--add", metavar="C", help="The channel that is to get the notice too.")],
    by: By = None,
    reason: Why = "",
    as_json: Json = False,
) -> int:
    """Send a notice to one more channel（增发）: optional and off by default, or added after it was taken in."""
    with desk.office() as office:
        name = _known(office, add) or add
        with office.ledger.read() as conn:
            version_id = max(row.version_id for row in acts.of_number(conn, number))
            content = contents.read_notice(conn, version_id)
        planned = plan_choice(content, office.ledger.clock(), office.channels.get(name), office.renderer, office.law)
        needed = office.settings.approvals_by_channel(content.form, content.project_class)[name]
        with office.ledger.write() as tx:
            acceptance.add_delivery(
                tx,
                number,
                planned,
                desk.person(by),
                reason,
                approvals_needed=needed,
                ledger_id=office.ledger.ledger_id,
            )
        waits = "，等待批准" if needed else ""
        return _tell(office, [Told(number, name, f"已增发{waits}")], as_json)


# ---- channels


def stop(
    desk: Desk,
    named: WhichChannel = None,
    channel: OneChannel = None,
    by: By = None,
    reason: Why = "",
    as_json: Json = False,
) -> int:
    """Stop all sending, or one channel's, at once and across restarts（停止发送）."""
    with desk.office() as office:
        name, person = _one_of(office, named, channel), desk.person(by)
        with office.ledger.write() as tx:
            if not channel_state.stop(tx, name, person.by, reason, person.account):
                raise NotAllowed(f"{words.channel(name, office.titles)}已处于停止状态")
        return _tell_channel(office, name, "已停止发送，执行 resume 后恢复", as_json)


def resume(
    desk: Desk,
    named: WhichChannel = None,
    channel: OneChannel = None,
    by: By = None,
    reason: Why = "",
    as_json: Json = False,
) -> int:
    """Let all sending, or one channel's, go on（恢复发送）."""
    with desk.office() as office:
        name, person = _one_of(office, named, channel), desk.person(by)
        with office.ledger.write() as tx:
            if not channel_state.resume(tx, name, person.by, reason, person.account):
                raise NotAllowed(f"{words.channel(name, office.titles)}没有停止（停止中的见 status）")
        return _tell_channel(office, name, "已恢复发送", as_json)


def _one_of(office: Office, named: str | None, channel: str | None) -> str:
    if named and channel and named != channel:
        raise SettingsError(f"two channels are named, {named} and {channel}: give one")
    return _known(office, named or channel) or ALL


def _tell_channel(office: Office, name: str, said: str, as_json: bool) -> int:
    if as_json:
        say_json({"channel": name, "said": said})
    else:
        say(f"{words.channel(name, office.titles)}：{said}")
    return OK
