"""The answers that staff find in their folders: receipt, held note, returned note; written anew as things move."""

from __future__ import annotations

import glob
import logging
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from publisher.delivery import IntakeState, Operation, State, WaitsFor, label_of
from publisher.errors import ADVICE, Reason
from publisher.intake.staff_folders import CLEANED, NOTE_ENDINGS, StaffFolders, sidecar_name, write_whole
from publisher.ledger import contents, deliveries, intake_rows
from publisher.ledger.channel_state import ALL, stopped_channels
from publisher.ledger.deliveries import Delivery
from publisher.ledger.intake_rows import IntakeRow
from publisher.ledger.store import Connection, Ledger
from publisher.offers import Offer, copy_of, offer_of, put_offer, take_away
from publisher.render import Renderer, fields_for_staff
from publisher.wording import moment

logger = logging.getLogger(__name__)

_WAITS = {
    WaitsFor.APPROVAL: "等待批准",
    WaitsFor.PREDECESSOR: "等待原公告在该渠道发布",
    WaitsFor.TIME: "等待预定的发布时间",
}
_STOPPED = "该渠道已停止发送，由管理员处理后恢复"
_WAYS: dict[Reason, tuple[str, ...]] = {
    Reason.SAME_IDENTITY_OTHER_TEXT: ("which",),
    Reason.OLD_FILE: ("old",),
    Reason.WITHDRAWAL_REQUESTED: ("withdrawal",),
    Reason.KIND_CONFLICT: ("kind", "state"),
    Reason.KIND_UNKNOWN: ("kind", "state"),
    Reason.MAIN_DOCUMENT_DOUBT: (),
    Reason.ATTACHMENT_MISSING: (),
    Reason.SIDECAR_INVALID: ("state",),
    Reason.EMPTY_FIELD: ("state",),
    Reason.EMPTY_BODY: (),
    Reason.AMOUNT_UNIT_SUSPECT: ("state", "let_go"),
    Reason.CREDIT_CODE_WRONG: ("state", "let_go"),
    Reason.READER_FAULT: ("admin",),
    Reason.TEMPLATE_FAULT: ("admin",),
    Reason.NO_CHANNEL: ("admin",),
    Reason.LIMIT_EXCEEDED: ("admin",),
}
"""What may be done about a held file beside handing it in anew; any other reason is for an administrator to let go."""


def ways_of(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """What the note beside a held file offers: only what helps with these reasons, each once."""
    return tuple(dict.fromkeys(way for reason in reasons for way in _WAYS.get(reason, ("state", "let_go"))))


_TEMPLATES = {"held": "held.txt.j2", "returned": "returned.txt.j2"}


@dataclass(frozen=True, slots=True)
class Receipts:
    """Writes the answers. `titles` are the channels' Chinese names, `office` heads every text."""

    ledger: Ledger
    renderer: Renderer
    folders: StaffFolders
    titles: Mapping[str, str]
    office: str

    def write_due(self) -> int:
        """Write every answer that is out of date; gives how many. One that cannot be written waits."""
        with self.ledger.read() as conn:
            rows = intake_rows.with_receipt_due(conn)
        if not rows:
            return 0
        with self.ledger.write() as tx:
            mine = intake_rows.writing_receipts(tx, [row.id for row in rows])
        written = []
        for row in (row for row in rows if row.id in mine):
            try:
                self._write(row)
            except OSError as error:
                logger.warning("the answer for intake %s cannot be written now: %s", row.n, error)
                continue
            written.append(row.id)
        with self.ledger.write() as tx:
            intake_rows.receipts_written(tx, written)
        return len(written)

    def text(self, conn: Connection, row: IntakeRow) -> str:
        """The answer for an intake row, as staff read it."""
        if row.state == IntakeState.ACCEPTED.value and row.notice_id is not None:
            return self._receipt(conn, row)
        problems = [str(p) for p in intake_rows.problems_of(row.problems)]
        place = "held" if row.state == IntakeState.HELD.value else "returned"
        values: dict[str, Any] = {
            "problems": problems or [ADVICE[Reason.DUPLICATE]],
            "at": row.decided_at or row.claimed_at,
        }
        values["duplicate"] = row.state == IntakeState.DUPLICATE.value
        values |= self._common(row) | {"drop_folder": self.folders.drop.name}
        if place == "held":
            values |= {"fields": [], "answer_name": f"{row.place_name or row.file_name}.答复.txt"}
            values["yaml_name"] = sidecar_name(row.place_name or row.file_name)
            values["offer"] = self._offer(conn, row)
            values["ways"] = ways_of(problem.reason for problem in intake_rows.problems_of(row.problems))
        return self.renderer.text(_TEMPLATES[place], **values)

    def _offer(self, conn: Connection, row: IntakeRow) -> Offer | None:
        return offer_of(row, partial(contents.read_blob, conn))

    def _common(self, row: IntakeRow) -> dict[str, Any]:
        number = intake_rows.number_of(row)
        return {"number": number, "practice": not self.ledger.real, "office": self.office, "file_name": row.file_name}

    def _receipt(self, conn: Connection, row: IntakeRow) -> str:
        notice = contents.read_notice(conn, row.version_id)
        rows = deliveries.of_version(conn, row.version_id)
        stopped = stopped_channels(conn)
        publications = [r for r in rows if r.operation == Operation.PUBLISH.value]
        must = [r for r in publications if r.mandatory] or publications
        public = (State.PUBLISHED.value, State.ENDED.value)
        return self.renderer.text(
            "receipt.txt.j2",
            **self._common(row),
            received_at=row.claimed_at,
            fields=fields_for_staff(notice),
            warnings=[str(w) for w in intake_rows.problems_of(row.warnings)],
            channels=[self._line(r, stopped) for r in rows],
            complete=bool(must) and all(r.state in public for r in must),
            needs_someone=any(r.state in (State.FAILED.value, State.HELD.value) for r in rows),
        )

    def _line(self, row: Delivery, stopped: Set[str]) -> dict[str, Any]:
        public = row.state in (State.PUBLISHED.value, State.ENDED.value)
        waits = _WAITS.get(WaitsFor(row.waits_for)) if row.waits_for and row.state == State.PENDING.value else None
        if waits is not None and row.publish_at is not None and row.waits_for == WaitsFor.TIME.value:
            waits = f"{waits}（{moment(row.publish_at)}）"
        receipt = deliveries.receipt_of(row)
        told = public or row.state == State.SUBMITTED.value
        forwarded = deliveries.waits_for_feeder(row)
        operation = Operation(row.operation)
        act = {Operation.UPDATE: "（更新文本）", Operation.WITHDRAW: "（撤回）"}.get(operation, "")
        why = f"理由：{row.reason_given}" if row.reason_given else None
        reason = row.detail or waits or why or (receipt.note if told and receipt else None)
        if row.state == State.PENDING.value and stopped & {row.channel, ALL}:
            reason = f"{reason}。{_STOPPED}" if reason else _STOPPED
        return {
            "title": f"{self.titles.get(row.channel, row.channel)}{act}",
            "mandatory": row.mandatory,
            "state_label": "等待转发"
            if forwarded
            else label_of(State(row.state), operation, withdrawn=row.reason_given is not None),
            "number": row.channel_number,
            "url": row.url,
            "visible_since": row.visible_since if public else None,
            "reason": reason,
        }

    def _write(self, row: IntakeRow) -> None:
        with self.ledger.read() as conn:
            if row.sub and row.state != IntakeState.ACCEPTED.value:
                return  # the workbook's own note lists the problems of all its rows
            if row.state == IntakeState.ACCEPTED.value and row.notice_id is None:
                return  # a workbook: each of its rows has a receipt
            text = self.text(conn, row)
            offer = self._offer(conn, row) if row.state == IntakeState.HELD.value else None
        if offer is not None:
            put_offer(offer, self.folders.held)
        if row.state == IntakeState.ACCEPTED.value:
            number = intake_rows.number_of(row)
            stem = row.place_name or f"{number}_{row.file_name}"
            path = self.folders.receipts / f"{_shortened(stem)}.回执.txt"
        else:
            place = "held" if row.state == IntakeState.HELD.value else "returned"
            path = self.folders.place(place, "") / f"{row.place_name}{NOTE_ENDINGS[place]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Office programs on the staff's machines take a text without this mark for GBK.
        write_whole(path, ("\ufeff" + text.replace("\n", "\r\n")).encode("utf-8"))

    def remove_old_notes(self, row: IntakeRow) -> None:
        """Take away our own note beside a place that the file has left, and a cleaned copy that nobody took."""
        for place, ending in NOTE_ENDINGS.items():
            if place != row.place:
                (self.folders.place(place, "") / f"{row.place_name}{ending}").unlink(missing_ok=True)
        if row.place != "held" and any(self.folders.held.glob(f"{glob.escape(f'{row.n}_')}*{CLEANED}*")):
            with self.ledger.read() as conn:
                take_away(copy_of(row, partial(contents.read_blob, conn)), self.folders.held)


def _shortened(stem: str) -> str:
    """A stem to which 「.回执.txt」 can be added within a file system's limit."""
    return stem.encode()[:230].decode("utf-8", "ignore")
