"""Random histories of a ledger, written by the program's own acts: for tests of everything that is counted from it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from publisher.channel import Receipt, Tier
from publisher.delivery import Operation, State
from publisher.errors import NotAllowed, PermanentFailure, Reason
from publisher.ledger import acts, again, amend, deliveries
from publisher.ledger.acts import Person
from publisher.ledger.contents import read_notice
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Tx
from publisher.notice import LOCAL, Form, ProjectClass
from publisher.send.open_channel import opened
from tests.support.builders import a_notice, a_rendition
from tests.support.scripted import Scripted
from tests.support.sending import World, a_world, channel_settings

NEW_YEAR = datetime(2018, 1, 1, tzinfo=LOCAL)
BORDERS = (NEW_YEAR, datetime(2018, 2, 1, tzinfo=LOCAL), datetime(2018, 4, 1, tzinfo=LOCAL))
"""Instants at which a year, a month or a quarter begins."""
TIERS = {"site": "county", "city": "municipal", "province": "provincial", "nation": "national"}
PEOPLE = tuple(Person(f"{name}某", f"{name}@desk") for name in "王李张")
FORMS = (Form.TENDER, Form.CORRECTION, Form.CANDIDATES, Form.WINNING_RESULT)
_TICK = timedelta(microseconds=1)

Act = Callable[[Tx, Delivery], object]


class History:
    """One history; `live` goes on with it. The same seed gives the same one."""

    def __init__(self, folder: Path, url: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.sites = {name: Scripted() for name in TIERS}
        start = NEW_YEAR - timedelta(days=2)
        tiers = {name: {"tier": tier} for name, tier in TIERS.items()}
        self.world: World = a_world(folder, self.sites, start=start, settings=tiers, url=url)
        self.made = 0

    def live(self, acts_of_this_history: int) -> None:
        """Let so many random things happen; some of them the program refuses."""
        happenings: list[tuple[Callable[[], object], int]] = [
            (self._new_notice, 6),
            (self._new_version, 1),
            (self._switch_tier, 1),
            (lambda: self._on_one(self._approve), 4),
            (lambda: self._on_one(self._take_back, State.PUBLISHED), 3),
            (lambda: self._on_one(self._confirm, State.HELD, State.SUBMITTED, State.FAILED), 4),
            (lambda: self._on_one(self._release, State.HELD), 2),
            (lambda: self._on_one(self._update, State.PUBLISHED), 2),
            (lambda: self._on_one(self._withdraw), 2),
            (lambda: self._on_one(self._end, State.PUBLISHED), 1),
            (lambda: self._on_one(self._cancel), 1),
            (lambda: self._on_one(self._retry, State.FAILED), 1),
        ]
        for _ in range(acts_of_this_history):
            (happens,) = self.chance.choices([what for what, _ in happenings], [weight for _, weight in happenings])
            happens()
            if self.chance.random() < 0.7:
                self.world.step()
            self._let_time_pass()
        self.world.step()

    def _let_time_pass(self) -> None:
        now = self.world.clock()
        spans = (_TICK, timedelta(seconds=1), timedelta(minutes=7), timedelta(hours=5), timedelta(days=3))
        targets = [now + self.chance.choice(spans)]
        for border in BORDERS:
            targets += [border - _TICK, border] if now < border else []
        chosen = targets[0] if self.chance.random() < 0.9 else self.chance.choice(targets)
        self.world.clock.move_to(max(chosen, now + _TICK))  # no two acts at one instant

    # ---- what happens

    def _new_notice(self) -> None:
        self.made += 1
        title = f"t{self.made}"
        for site in self.sites.values():
            site.will(title, self._answer())
        where = [name for name in TIERS if self.chance.random() < 0.6] or ["site"]
        self.world.approvals = self.chance.choice((0, 0, 1))
        content = a_notice(
            title=title,
            project_no=f"NO-{self.chance.randrange(4)}",
            form=self.chance.choice(FORMS),
            project_class=self.chance.choice(list(ProjectClass)),
            round=self.made,
            dates={},
        )
        self.world.accept(content, on=where)

    def _answer(self) -> Receipt | PermanentFailure:
        kind = self.chance.randrange(8)
        if kind == 0:
            return PermanentFailure(Reason.REFUSED, "格式不符")
        if kind == 1:
            return Receipt(number="R", public=False)
        if kind < 5:
            return Receipt(number="R")
        border = self.chance.choice(BORDERS)
        near = (-_TICK, timedelta(0), timedelta(hours=-8), timedelta(hours=8), timedelta(days=1), timedelta(days=-20))
        return Receipt(number="R", visible_since=border + self.chance.choice(near))

    def _new_version(self) -> None:
        if not self.made:
            return
        old = self.chance.choice(self.world.rows())
        with self.world.ledger.read() as conn:
            content = read_notice(conn, old.version_id)
        other_class = self.chance.choice(list(ProjectClass))
        changed = content.model_copy(update={"body_html": f"<p>第{self.chance.random()}稿</p>"})
        try:
            self.world.accept(changed.model_copy(update={"project_class": other_class}), on=[old.channel, "nation"])
        except NotAllowed:
            return

    def _switch_tier(self) -> None:
        """The settings say another tier of a channel from now on."""
        name = self.chance.choice(list(TIERS))
        settings = channel_settings(name, tier=Tier(self.chance.choice(list(TIERS.values()))))
        self.world.channels[name] = opened(settings, self.sites[name])

    def _on_one(self, act: Act, *states: State) -> None:
        """Do it to some delivery in one of these states (none named: in any), refused or not."""
        rows = [row for row in self.world.rows() if not states or State(row.state) in states]
        if rows:
            self._do(act, self.chance.choice(rows))

    def _do(self, act: Act, row: Delivery) -> None:
        try:
            with self.world.ledger.write() as tx:
                act(tx, deliveries.read(tx.conn, row.id))
        except NotAllowed:
            return

    def _somebody(self) -> Person:
        return self.chance.choice(PEOPLE)

    def _approve(self, tx: Tx, row: Delivery) -> object:
        return acts.approve(tx, row.number, self._somebody())

    def _take_back(self, tx: Tx, row: Delivery) -> object:
        return acts.undo_confirm(tx, row, self._somebody(), "看错了")

    def _confirm(self, tx: Tx, row: Delivery) -> object:
        first = row.first_attempt_at or row.created_at
        seen = first + (tx.now - first) * self.chance.random()
        seen_at = self.chance.choice((None, seen, first))
        return acts.confirm(tx, row, self._somebody(), seen_at=seen_at, proof="截图")

    def _release(self, tx: Tx, row: Delivery) -> object:
        return acts.release(tx, [row], self._somebody(), "", lambda name: None, not_there=True)

    def _ways(self) -> amend.Ways:
        itself = self.chance.random() < 0.5
        return amend.Ways(lambda channel, operation: itself, {})

    def _update(self, tx: Tx, row: Delivery) -> object:
        text = a_rendition(content=f"<p>更新{self.chance.random()}</p>")
        published = row.operation == Operation.PUBLISH.value
        return published and amend.update(tx, row, text, self._somebody(), "排版", self._ways())

    def _withdraw(self, tx: Tx, row: Delivery) -> object:
        return amend.withdraw(tx, [row], self._somebody(), f"理由{self.chance.randrange(2)}", self._ways())

    def _end(self, tx: Tx, row: Delivery) -> None:
        if row.state == State.PUBLISHED.value and row.operation == Operation.PUBLISH.value:
            deliveries.end(tx, row, "time")

    def _cancel(self, tx: Tx, row: Delivery) -> object:
        return acts.cancel(tx, [row], self._somebody(), "不再发布")

    def _retry(self, tx: Tx, row: Delivery) -> object:
        return again.retry(tx, [row], self._somebody(), "")
