"""Rules that a person let pass for one file, with name and reason."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from publisher.delivery import IntakeState
from publisher.errors import NotAllowed, Problem, Reason
from publisher.ledger import again, intake_rows
from publisher.ledger.acts import Person, Told
from publisher.ledger.chain import Entry
from publisher.ledger.intake_rows import IntakeRow
from publisher.ledger.store import Tx
from publisher.ledger.tables import rule_override

_TO_COMPLETE = frozenset({Reason.EMPTY_FIELD, Reason.EMPTY_BODY})


def _can_pass(problem: Problem) -> bool:
    """What is missing or was not understood in a file must be put right in the file."""
    read = (problem.rule or "").startswith("reading.")
    return not read and problem.reason not in _TO_COMPLETE


def overridden(conn: Connection, row: IntakeRow) -> tuple[str, ...]:
    """The rules that a person let pass for exactly these bytes, in the order in which it was done."""
    mine = (rule_override.c.sha256 == row.sha256, rule_override.c.sub == row.sub)
    return tuple(conn.execute(select(rule_override.c.rule).where(*mine).order_by(rule_override.c.id)).scalars())


def override(tx: Tx, number: str, rules: Sequence[str], person: Person, reason: str) -> Told:
    """Let a held file pass rules that it breaks; it is then decided once more.

    Raises `NotAllowed` unless the file is held by each of `rules`, and without a reason.
    """
    row = intake_rows.by_number(tx.conn, number)
    if row is None or row.state != IntakeState.HELD.value:
        raise NotAllowed(f"{number} 不在待处理中，没有可以核准的规则")
    if not reason.strip():
        raise NotAllowed("核准例外必须写明理由（--reason）")
    broken = [problem.rule for problem in intake_rows.problems_of(row.problems) if problem.rule and _can_pass(problem)]
    for rule in rules:
        if rule not in broken:
            listed = "、".join(dict.fromkeys(broken)) or "无（须由送交部门补正）"
            raise NotAllowed(f"{number} 没有因规则 {rule} 待处理；可以核准的规则：{listed}")
    for rule in dict.fromkeys(rules):
        values = {"sha256": row.sha256, "sub": row.sub, "rule": rule, "reason": reason, "given_at": tx.now}
        tx.conn.execute(insert(rule_override).values(**values, by=person.by, account=person.account))
        data = {"rule": rule, "why": reason, "account": person.account, "sha256": row.sha256}
        tx.log(Entry(event="rule_overridden", by=person.by, number=number, data=data))
    again.retry_file(tx, number, person, reason)
    return Told(number, None, f"已核准规则 {'、'.join(dict.fromkeys(rules))}，重新检查")
