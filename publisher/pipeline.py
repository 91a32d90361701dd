"""The line: from the drop folder to the publication log. Read this first.

    drop folder → claim → read → check, render → accept → (approve) → send → channel → record → confirm

`Line.tick` is one turn of it. Everything before *accept* is here, step by step; from *due* on the
sender goes on by itself (`publisher.send.sender`), from the rows that accept left behind.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

from publisher.delivery import IntakeState
from publisher.errors import ADVICE, NotAllowed, NoticeReturned, Problem, Reason
from publisher.intake import folder
from publisher.intake.folder import Candidate, FolderUnavailable, RestWatch, Taken
from publisher.intake.hearing import Hearing
from publisher.intake.progress import Progress
from publisher.intake.reading import Draft, NamedBytes, read_files
from publisher.intake.sidecar import Wishes
from publisher.intake.staff_folders import Mover, StaffFolders, move, placed_name, sidecar_name
from publisher.intake.withdrawal import WithdrawalRequest, requested
from publisher.ledger import acceptance, alarms, contents, intake_rows, overrides
from publisher.ledger.acceptance import Planned
from publisher.ledger.chain import local_day
from publisher.ledger.intake_rows import IntakeRow
from publisher.ledger.named_lease import NamedLease
from publisher.ledger.store import PROGRAM, Fault, Ledger, Tx, is_unreachable, no_fault
from publisher.notice import Kind, Notice, identity
from publisher.planning import check_all, plan, with_feeders
from publisher.receipts import Receipts
from publisher.render import Renderer, TemplateFault
from publisher.rules.book import rule_book
from publisher.rules.content import Checked
from publisher.rules.terms import Law
from publisher.send.open_channel import OpenChannel
from publisher.settings import Settings

logger = logging.getLogger(__name__)

AT_ONCE = 200
"""Most files that one turn takes in."""


@dataclass(frozen=True, slots=True)
class Line:
    """The parts of the line, put together by `publisher.app`."""

    ledger: Ledger
    settings: Settings
    folders: StaffFolders
    mover: Mover
    renderer: Renderer
    receipts: Receipts
    channels: Mapping[str, OpenChannel]
    watch: RestWatch
    law: Law
    lease: NamedLease
    fault: Fault = no_fault
    progress: Progress = field(default_factory=Progress)

    # ---- one turn

    def tick(self, now: datetime) -> int:
        """Sweep, claim what has rested, decide what is claimed, tidy the folders; gives how many were decided."""
        self.sweep()
        self.hear(now)
        self.claim(now)
        decided = self.decide_claimed(now)
        self.sweep()
        self.receipts.write_due()
        return decided

    # ---- claim: bytes and row first, then the file

    def claim(self, now: datetime) -> int:
        """Claim every file that has rested; gives how many."""
        try:
            found = folder.candidates(self.folders.drop, self.settings.intake)
        except FolderUnavailable as error:
            self._alarm("drop_folder", f"收件夹不可用：{error}", stands=True)
            return 0
        self._alarm("drop_folder", "收件夹已恢复", stands=False)
        found = self._not_yet_claimed(found)
        rested = self.watch.rested(found, now)
        long = self.watch.waiting_long(found, now)
        self._note_waiting(long)
        # A thousand files at once come in portions: the first are on their way while the last still lie there.
        # One that is locked is no part of a portion.
        rows: list[IntakeRow] = []
        for group in folder.in_groups(islice(self._readable(rested, now), AT_ONCE)):
            rows += self._claim(group)
        self.progress.left = max(0, len(rested) - AT_ONCE)
        self._set_moved([row for row in rows if self._take_over(row)])
        return len(rows)

    def _not_yet_claimed(self, found: Sequence[Candidate]) -> list[Candidate]:
        """Without files whose row is committed but which could not be moved yet (someone holds them)."""
        with self.ledger.read() as conn:
            sources = {row.source for row in intake_rows.to_move(conn) if row.state == IntakeState.CLAIMED.value}
        return [one for one in found if one.source not in sources]

    def _readable(self, rested: Sequence[Candidate], now: datetime) -> Iterator[tuple[Candidate, Taken]]:
        """Each file with its bytes, without those that are not to be had now."""
        for one in rested:
            taken = folder.take(one, self.settings.intake)
            if taken and not folder.is_half_copy(one, taken, now, self.watch.no_longer_copied(one, now)):
                yield one, taken

    def _claim(self, group: Sequence[tuple[Candidate, Taken]]) -> list[IntakeRow]:
        """Bytes and rows of some files, committed at once: one write to the disk for all of them."""
        self.lease.keep()
        self.fault("claim_row.before")
        with self.ledger.write() as tx:
            self.lease.check(tx)  # two daemons that both take the folders for theirs must not both take a file
            return [intake_rows.read(tx.conn, self._claim_row(tx, one, taken)) for one, taken in group]

    def _claim_row(self, tx: Tx, one: Candidate, taken: Taken) -> int:
        return intake_rows.claim(
            tx,
            file_name=one.name,
            source=one.source,
            declared=one.declared,
            is_folder=one.is_folder,
            sha256=taken.sha256,
            blobs=taken.blobs,
            place_name=placed_name("{n}", one.name),
            sidecar_sha256=taken.sidecar_sha256,
            sidecar_source=one.sidecar_source,
            modified_at=folder.modified_at(one),
        )

    def _set_moved(self, rows: Sequence[IntakeRow]) -> None:
        with self.ledger.write() as tx:
            for row in rows:
                intake_rows.set_moved(tx, row.id, row.place, row.place_name)

    def _take_over(self, row: IntakeRow) -> bool:
        """Move a claimed file out of the drop folder; other bytes than those stored stay there as a new file.

        False if it cannot be moved now: the sweep tries again.
        """
        dropped = folder.path_of_source(self.folders.drop, row.source)
        target = self.folders.working / row.place_name
        self.fault("rename.before")
        if not target.exists() and dropped.exists():
            try:
                move(dropped, target)
            except OSError as error:
                logger.warning("%s cannot be moved yet: %s", row.file_name, error)
                return False
        self.fault("rename.after")
        if target.exists() and folder.hash_of(target, row.is_folder, self.settings.intake) != row.sha256:
            self._give_back(target, dropped)
        self.mover.put(row.place_name, row.sha256, row.is_folder, self.folders.working)
        self._take_over_sidecar(row)
        return True

    def _take_over_sidecar(self, row: IntakeRow) -> None:
        """The sidecar goes with its file; one that changed meanwhile stays, and is noted as lying without a file."""
        if row.sidecar_sha256 is None:
            return
        dropped = folder.path_of_source(self.folders.drop, row.sidecar_source or "")
        if folder.hash_of(dropped, False, self.settings.intake) == row.sidecar_sha256:
            dropped.unlink()
        self.mover.put(sidecar_name(row.place_name), row.sidecar_sha256, False, self.folders.working)

    def _give_back(self, target: Path, dropped: Path) -> None:
        """Someone wrote into the file between our reading and our moving it: that is a new file."""
        back, count = dropped, 1
        while back.exists():
            count += 1
            back = dropped.with_name(f"{dropped.stem}({count}){dropped.suffix}")
        move(target, back)

    def _note_waiting(self, long: Sequence[Candidate]) -> None:
        names = sorted(f"{one.name}（{folder.why_not_ready(one) or '仍在变化或无法读取'}）" for one in long)
        detail = f"收件夹中有文件超过 {int(self.settings.intake.note_after.total_seconds() // 60)} 分钟未能收取："
        self._alarm("unready_files", detail + "、".join(names), stands=bool(names))

    def _alarm(self, cause: str, detail: str, *, stands: bool) -> None:
        with self.ledger.read() as conn:
            known = any(row.cause == cause for row in alarms.standing(conn))
        if stands == known:
            return
        with self.ledger.write() as tx:
            if stands:
                alarms.raise_alarm(tx, cause, detail)
            else:
                alarms.clear_alarm(tx, cause, detail)

    # ---- hear: what staff answer in 待处理

    def hear(self, now: datetime) -> None:
        """Take what staff answer in 待处理; see `publisher.intake.hearing`."""
        Hearing(self.ledger, self.folders, self.settings.intake, self._tell, self._give_back, self._return).hear(now)

    def _tell(self, cause: str, detail: str, stands: bool) -> None:
        self._alarm(cause, detail, stands=stands)

    # ---- decide: duplicate, returned, held, or accepted

    def decide_claimed(self, now: datetime) -> int:
        """Decide every claimed row; one that breaks its reader stops nobody else."""
        with self.ledger.read() as conn:
            rows = intake_rows.claimed(conn)
        for done, row in enumerate(rows, 1):
            self.lease.keep()
            try:
                self._decide_or_hold(row, now)
            except intake_rows.AlreadyDecided as told:
                logger.warning("left as another daemon decided it: %s", told)
            self.progress.step(self.ledger.clock(), len(rows) - done)
        return len(rows)

    def _decide_or_hold(self, row: IntakeRow, now: datetime) -> None:
        try:
            self._decide(row, now)
        except intake_rows.AlreadyDecided:
            raise
        except (NotAllowed, TemplateFault) as error:
            self._hold(row, [Problem(Reason.TEMPLATE_FAULT, str(error))], [])
        except Exception as error:
            if is_unreachable(error):
                raise  # not the file's fault: it is decided when the ledger is back
            # A file is not lost to a fault of a reader, nor does it stop the others: a person looks.
            logger.exception("deciding intake %s failed", row.n)
            told = f"{ADVICE[Reason.READER_FAULT]}（{type(error).__name__}）"
            self._hold(row, [Problem(Reason.READER_FAULT, told)], [])

    def _decide(self, row: IntakeRow, now: datetime) -> None:
        with self.ledger.read() as conn:
            twin = intake_rows.same_bytes(conn, row)
            if twin is not None:
                self._duplicate(row, intake_rows.number_of(twin), twin.id)
                return
            files = folder.named_bytes(row.file_name, row.sha256, row.is_folder, partial(contents.read_blob, conn))
            beside = contents.read_blob(conn, row.sidecar_sha256) if row.sidecar_sha256 else None
        if too_large := self._too_large(files):
            self._return(row, too_large)
            return
        if asked := requested(row.file_name, files):
            self._ask_withdrawal(row, asked)
            return
        if old := self._too_old(row, now):
            self._hold(row, [old], [])
            return
        try:
            drafts = read_files(files, row.declared, beside)
        except NoticeReturned as returned:
            self._return(row, returned.problems)
            return
        if len(drafts) == 1:
            self._decide_draft(row, drafts[0], now)
        else:
            self._decide_rows(row, drafts, now)

    def _too_old(self, row: IntakeRow, now: datetime) -> Problem | None:
        """A backlog does not pour out: a file written long ago waits until a person has answered anything about it."""
        limit = self.settings.intake.old_after
        if row.answer is not None or row.modified_at is None or now - row.modified_at <= limit:
            return None
        detail = (
            f"文件最后修改于 {local_day(row.modified_at)}，已超过 {limit.days} 天：请确认是否仍需发布"
            "（需要的，按下面的办法答复“发布”；已经发布过的，删除即可）"
        )
        return Problem(Reason.OLD_FILE, detail)

    def _ask_withdrawal(self, row: IntakeRow, asked: WithdrawalRequest) -> None:
        """Staff ask for a withdrawal: held, with an alarm, until a named person says that it is settled."""
        cause = f"withdrawal_request:{row.n}"
        if row.answer == "settled":
            self._alarm(cause, f"撤回请求 {row.n} 已由 {row.answered_by} 办结", stands=False)
            self._return(row, [Problem(Reason.WITHDRAWAL_REQUESTED, f"撤回请求已由 {row.answered_by} 核对办结")])
            return
        with self.ledger.read() as conn:
            found = acceptance.referred(conn, asked.references)
        meant = "、".join(f"编号 {number}《{title}》" for number, title in found)
        named = "、".join(asked.references) or "未写明编号"
        target = f"所指公告：{meant}" if found else f"没有找到所指的公告（{named}），请写明收件编号或项目编号"
        detail = f"这是一份撤回请求，不会自动撤回任何内容。{target}。由指定的管理员核对后办理，再答复“办结”"
        self._hold(row, [Problem(Reason.WITHDRAWAL_REQUESTED, detail)], [])
        self._alarm(cause, f"编号 {row.n} 请求撤回：{target}", stands=True)

    def _too_large(self, files: Sequence[NamedBytes]) -> list[Problem]:
        size, limit = sum(len(f.data) for f in files), self.settings.intake.max_bytes
        if size <= limit:
            return []
        return [Problem(Reason.TOO_LARGE, f"文件共 {size:,} 字节，超过上限 {limit:,} 字节，请缩减后重新放入")]

    def _decide_rows(self, parent: IntakeRow, drafts: Sequence[Draft], now: datetime) -> None:
        """A workbook: each of its rows is an intake of its own, N-1, N-2 …"""
        for sub, draft in enumerate(drafts, 1):
            with self.ledger.write() as tx:
                intake_rows.lock(tx, parent)
                row_id = intake_rows.add_row(tx, parent, sub)
            with self.ledger.read() as conn:
                row = intake_rows.read(conn, row_id)
            if row.state == IntakeState.CLAIMED.value:
                self._decide_draft(row, draft, now)
        with self.ledger.write() as tx:
            intake_rows.decide_workbook(tx, parent)

    def _decide_draft(self, row: IntakeRow, draft: Draft, now: datetime) -> None:
        notice = draft.notice
        if notice is None:
            self._hold(row, draft.problems, draft.warnings)
            return
        checked = self._check(row, draft, notice, now)
        draft = replace(draft, problems=checked.problems, warnings=checked.warnings)
        if draft.problems:
            # Before anything is asked, what mandatory channels cannot take is found too: all problems at once.
            self._hold(row, [*draft.problems, *self.plan(notice, now, draft.wishes)[1]], draft.warnings, notice)
            return
        with self.ledger.read() as conn:
            number = intake_rows.same_text(conn, notice)
            standing = acceptance.find_notice(conn, identity(notice))
        if number is not None:
            self._duplicate(row, number, None)
        elif standing is None:
            self._accept(row, draft, notice, now)
        else:
            self._decide_again(row, draft, notice, standing.title, now)

    def _check(self, row: IntakeRow, draft: Draft, notice: Notice, now: datetime) -> Checked:
        """All rules, as published at the instant at which it will go; rules that a person let pass only warn."""
        with self.ledger.read() as conn:
            passed = overrides.overridden(conn, row)
        goes = max(now, notice.publish_at or now)
        book = rule_book(self.settings.folder)
        checked = check_all(draft, notice, book, self.law, at=goes, let_go=passed)
        unknown = [warning for warning in checked.warnings if warning.reason is Reason.CALENDAR_MISSING]
        if unknown:
            self._alarm("calendar", str(unknown[0]), stands=True)
        return checked

    def _decide_again(self, row: IntakeRow, draft: Draft, notice: Notice, title: str, now: datetime) -> None:
        """A notice of this identity stands, with another text: staff say what this one is."""
        if row.answer == "version":
            try:
                self._accept(row, draft, notice, now)
            except NotAllowed as refused:
                problem = Problem(Reason.SAME_IDENTITY_OTHER_TEXT, f"不能作为新版本：{refused}")
                self._hold(row, [problem], draft.warnings, notice)
        elif row.answer == "change":
            detail = "请按更正公告的格式（写明原公告、更正事项、更正前后内容）另行放入，原公告照常保留"
            self._return(row, [Problem(Reason.SAME_IDENTITY_OTHER_TEXT, detail)])
        elif row.answer == "duplicate":
            with self.ledger.read() as conn:
                number = acceptance.newest_number(conn, identity(notice))
            self._duplicate(row, number, None)
        else:
            self._hold(row, [self._which(notice, title)], draft.warnings, notice)

    def _which(self, notice: Notice, title: str) -> Problem:
        detail = f"已收过同一公告（{title}），但内容不同：请确认是新版本、更正还是重复"
        return Problem(Reason.SAME_IDENTITY_OTHER_TEXT, detail)

    def _accept(self, row: IntakeRow, draft: Draft, notice: Notice, now: datetime) -> None:
        planned, problems = self.plan(notice, now, draft.wishes)
        if problems:
            self._hold(row, problems, draft.warnings, notice)
            return
        planned, told = self._by_original(notice, planned)
        planned = with_feeders(planned, self.channels)
        with self.ledger.write() as tx:
            acceptance.accept(
                tx,
                row,
                notice,
                draft.attachments,
                planned,
                approvals_needed=self.settings.approvals_by_channel(notice.form, notice.project_class),
                ledger_id=self.ledger.ledger_id,
                warnings=[*draft.warnings, *told],
                by=row.answered_by or PROGRAM,
            )

    def _by_original(self, notice: Notice, planned: Sequence[Planned]) -> tuple[list[Planned], list[Problem]]:
        """A change notice follows its original: an optional channel that never carried that one gets nothing."""
        if notice.kind is not Kind.CHANGE_NOTICE or notice.original is None:
            return list(planned), []
        with self.ledger.read() as conn:
            original = acceptance.find_original(conn, notice)
            if original is None:
                return list(planned), [Problem(Reason.ORIGINAL_UNKNOWN, ADVICE[Reason.ORIGINAL_UNKNOWN])]
            carried = {p.channel for p in planned if acceptance.predecessor(conn, original, p.channel) is not None}
        left_out = [p for p in planned if not p.mandatory and p.channel not in carried]
        told = [
            Problem(Reason.NEVER_CARRIED, f"{self.channels[p.channel].title}：{ADVICE[Reason.NEVER_CARRIED]}")
            for p in left_out
        ]
        return [p for p in planned if p not in left_out], told

    # ---- check and render, for every channel before any hears of it

    def plan(self, notice: Notice, now: datetime, wishes: Wishes) -> tuple[list[Planned], list[Problem]]:
        """See `plan`."""
        return plan(notice, now, self.channels, self.renderer, self.law, wishes)

    # ---- outcomes of intake

    def _return(self, row: IntakeRow, problems: Sequence[Problem]) -> None:
        with self.ledger.write() as tx:
            intake_rows.decide(tx, row, IntakeState.RETURNED, "returned", reason=problems[0].reason, problems=problems)

    def _hold(
        self, row: IntakeRow, problems: Sequence[Problem], warnings: Sequence[Problem], notice: Notice | None = None
    ) -> None:
        understood = notice.model_dump_json(exclude_none=True, exclude={"body_html", "text"}) if notice else None
        with self.ledger.write() as tx:
            intake_rows.decide(
                tx,
                row,
                IntakeState.HELD,
                "held",
                reason=problems[0].reason,
                problems=problems,
                warnings=warnings,
                data={"understood": understood},
            )

    def _duplicate(self, row: IntakeRow, number: str, twin: int | None) -> None:
        problem = Problem(Reason.DUPLICATE, f"已收过：与编号 {number} 相同，不再重复发布")
        with self.ledger.write() as tx:
            intake_rows.decide(
                tx,
                row,
                IntakeState.DUPLICATE,
                "returned",
                reason=Reason.DUPLICATE,
                problems=[problem],
                duplicate_of=twin,
                data={"same_as": number},
            )

    # ---- the folders agree with the rows

    def sweep(self) -> None:
        """Bring every file to where its row says it belongs; at a restart this is where the line goes on."""
        with self.ledger.read() as conn:
            rows = intake_rows.to_move(conn)
        for row in rows:
            self.lease.keep()
            try:
                self._sweep(row)
            except OSError as error:
                logger.warning("the file of intake %s stays where it is for now: %s", row.n, error)

    def _sweep(self, row: IntakeRow) -> None:
        if row.state == IntakeState.CLAIMED.value:
            if self._take_over(row):
                self._set_moved([row])
            return
        place = self.folders.place(row.place, local_day(self.ledger.clock()))
        self.mover.put(row.place_name, row.sha256, row.is_folder, place)
        if row.sidecar_sha256 is not None:
            self._place_sidecar(row, place)
        self.receipts.remove_old_notes(row)
        with self.ledger.write() as tx:
            intake_rows.set_moved(tx, row.id, row.place, row.place_name)

    def _place_sidecar(self, row: IntakeRow, place: Path) -> None:
        """The sidecar lies beside its file with the bytes that counted; what staff changed there since stays."""
        name = sidecar_name(row.place_name)
        beside = self.mover.find(name)
        if beside is not None and beside.parent == place:
            return
        self.mover.put(name, row.sidecar_sha256, False, place)
