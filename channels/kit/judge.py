"""What an answer that is no success stands for, by a site's own words first and by its HTTP status then."""

from __future__ import annotations

import re

from channels.kit.answers import Options, Place, Rule, Words
from channels.kit.http import Http, Request, status_error
from publisher.channel import Context
from publisher.errors import ChannelError, NeedsPerson, OutcomeUnknown, PermanentFailure, Reason, TransientFailure


class Refusals(Options):
    """How a site says no; tried in this order.

    not_allowed: this machine's address is not on its list; locked: the credential is refused; busy: try later;
    refused: it will not take it. `messages`: where it says what is wrong.
    """

    not_allowed: tuple[Rule, ...] = ()
    locked: tuple[Rule, ...] = ()
    busy: tuple[Rule, ...] = ()
    refused: tuple[Rule, ...] = (Rule(status=(200, 400, 409, 413, 422), path="result", equals=("refused",)),)
    messages: tuple[Place, ...] = (Place(path="message"), Place(path="errors"))


def evidence_of(words: Words, http: Http) -> str:
    """Where the answer came from, its status and its beginning, without secrets."""
    return http.redact(f"{words.answer.where}: HTTP {words.answer.status} {words.snippet}")


def not_taken(words: Words, refusals: Refusals, http: Http, context: Context) -> ChannelError:
    """The error that an answer to a request stands for which is not success."""
    answer = words.answer
    evidence = evidence_of(words, http)
    said = http.redact(words.messages(refusals.messages))
    if words.has_any(refusals.not_allowed):
        return NeedsPerson(Reason.ADDRESS_NOT_ALLOWED, _address_in(said), evidence=evidence, stops_channel=True)
    if words.has_any(refusals.locked):
        return NeedsPerson(Reason.BAD_CREDENTIAL, "渠道不接受账号或密钥", evidence=evidence, stops_channel=True)
    if words.has_any(refusals.busy):
        return TransientFailure(Reason.BUSY, said, evidence=evidence)
    if words.has_any(refusals.refused):
        reason = Reason.TOO_LARGE if answer.status == 413 else Reason.REFUSED
        return PermanentFailure(reason, said or "渠道拒绝，未说明原因", evidence=evidence)
    if error := status_error(answer, context):
        if isinstance(error, PermanentFailure) and said:
            return PermanentFailure(error.reason, said, evidence=evidence)
        return error
    return OutcomeUnknown(Reason.UNKNOWN_ANSWER, "渠道的答复无法识别", evidence=evidence)


_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){2,7}")


def _address_in(said: str) -> str:
    """What is to be done, with the address that the site saw, if it says so: behind a gateway nobody else knows it."""
    found = _IP.search(said)
    return f"请将 {found.group()} 加入该渠道的 IP 白名单" if found else said


def ask(request: Request, http: Http, context: Context) -> Words:
    """Make a call that only reads. Raises TransientFailure where it was not answered in full."""
    try:
        return Words(http.call(request, context))
    except OutcomeUnknown as error:
        raise TransientFailure(error.reason, error.detail, evidence=error.evidence, channel_wide=False) from None


def not_told(words: Words, http: Http, context: Context) -> ChannelError:
    """A question that was not answered in words we know: it could not be asked, the state stays."""
    error = status_error(words.answer, context, reading=True)
    if error is not None and not isinstance(error, PermanentFailure):
        return error
    return TransientFailure(
        Reason.UNKNOWN_ANSWER,
        "渠道对查询的答复无法识别",
        evidence=evidence_of(words, http),
        channel_wide=False,
    )
