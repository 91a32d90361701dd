"""What staff answer in 待处理: a text beside the held file, a `.yaml` beside it, or the file itself replaced."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from publisher.errors import Problem, Reason
from publisher.intake import folder
from publisher.intake.answers import Answer, answers, has_rested
from publisher.intake.staff_folders import StaffFolders, cleaned_name, sidecar_name
from publisher.ledger import again, intake_rows
from publisher.ledger.intake_rows import IntakeRow
from publisher.ledger.store import Ledger
from publisher.settings import IntakeSettings


@dataclass(frozen=True, slots=True)
class Hearing:
    """Looks through 待处理. `alarm(cause, detail, stands)` tells what nobody understands; `give_back(row, path)` puts
    a replaced file into the drop folder and `returned(row, problems)` closes its old row."""

    ledger: Ledger
    folders: StaffFolders
    settings: IntakeSettings
    alarm: Callable[[str, str, bool], None]
    give_back: Callable[[Path, Path], None]
    returned: Callable[[IntakeRow, list[Problem]], None]

    def hear(self, now: datetime) -> None:
        """Take answers to held files, what is newly stated beside them, and held files replaced by better ones."""
        with self.ledger.read() as conn:
            held = {row.place_name: row for row in intake_rows.held_at(conn)}
        not_understood = []
        for answer in answers(self.folders.held, now, self.settings.quiet):
            row = held.pop(answer.placed_name, None)
            if row is None or answer.word is None:
                not_understood.append(answer.path.name)
                continue
            if answer.word == "cleaned":
                if not self._hear_cleaned(row, answer):
                    not_understood.append(answer.path.name)
                continue
            with self.ledger.write() as tx:
                again.answer_file(tx, row, answer.word, answer.by, answer.text)
            answer.path.unlink()  # its text is in the log
        names = "、".join(not_understood)
        detail = f"待处理中有答复看不懂（第一行写“新版本”“更正”“重复”等说明中所列的词，第二行写姓名）：{names}"
        self.alarm("answers", detail, bool(not_understood))
        for row in held.values():
            if not self._hear_stated(row, now):
                self._hear_replaced(row, now)

    def _hear_cleaned(self, row: IntakeRow, answer: Answer) -> bool:
        """The cleaned copy is wanted: it goes into the drop folder in place of the held file; False: there is none."""
        held, dropped = Path(row.place_name), Path(row.file_name)
        names = [held.name, f"{held.stem}.zip", f"{held.name}.zip"]  # of a folder or a ZIP the copy is a ZIP
        copies = [path for name in names if (path := self.folders.held / cleaned_name(name)).is_file()]
        if not copies:
            return False
        taken_as = dropped.name if copies[0].suffix == dropped.suffix else f"{dropped.name}{copies[0].suffix}"
        self.give_back(copies[0], self.folders.drop / taken_as)
        with self.ledger.write() as tx:
            again.note_answer(tx, row, "cleaned", answer.by, answer.text)
        self.returned(row, [Problem(Reason.HIDDEN_CONTENT, f"{answer.by} 已核对清理后的副本，改用副本重新收取")])
        answer.path.unlink()  # its text is in the log
        return True

    def _hear_stated(self, row: IntakeRow, now: datetime) -> bool:
        """A `.yaml` beside the held file that is new, or says something new since the file was decided."""
        path = self.folders.held / sidecar_name(row.place_name)
        try:
            status = path.stat()
            if not status.st_size or not has_rested(status.st_mtime, now, self.settings.quiet):
                return False
            data = path.read_bytes()
        except OSError:
            return False  # none there, or someone is writing it: looked at again
        digest = hashlib.sha256(data).hexdigest()
        if digest == row.sidecar_sha256:
            return False
        with self.ledger.write() as tx:
            again.state_file(tx, row, digest, data)
        return True

    def _hear_replaced(self, row: IntakeRow, now: datetime) -> None:
        path = self.folders.held / row.place_name
        try:
            changed = path.stat().st_mtime
        except FileNotFoundError:
            return
        decided = row.decided_at.timestamp() if row.decided_at else 0.0
        if row.is_folder or changed <= decided or not has_rested(changed, now, self.settings.quiet):
            return
        if folder.hash_of(path, row.is_folder, self.settings) in (row.sha256, None):
            return
        self.give_back(path, self.folders.drop / Path(row.file_name).name)
        self.returned(row, [Problem(Reason.EMPTY_FIELD, "已由替换后的文件重新收取")])
