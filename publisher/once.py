"""One run to the end: take in what lies there, publish what is due, and stop."""

from __future__ import annotations

from publisher.app import Worker
from publisher.counts.views import calls_begun
from publisher.intake.folder import Candidate, FolderUnavailable, candidates

_PAUSE = 0.05
"""Seconds between two looks while something is still running or resting."""


def once(worker: Worker) -> tuple[Candidate, ...]:
    """Ask the feeds, take in, publish what is due, end; gives what had to be left in the drop folder.

    Waits for the rest rule, for calls in flight and their quick retries; not for slow retries, questions that are
    due later, approvals, or a file that stays open in an editor.
    """
    worker.read_feeds()
    while True:
        before = worker.office.machine.clock()
        decided = worker.take_in()
        resting = worker.line.watch.still_resting(before)
        flying = worker.sender.in_flight()
        # Outcomes are recorded behind the calls: what has ended is written before it is looked for what is due.
        worker.recorder.record(lambda tx: None).result()
        calls = _calls(worker)
        worker.send(_PAUSE)
        idle = not flying and _calls(worker) == calls
        worker.answer()
        if idle and not decided and not resting:
            return _left(worker)
        if resting:
            worker.office.machine.sleep(_PAUSE)


def _calls(worker: Worker) -> tuple[int, int]:
    with worker.office.ledger.read() as conn:
        return calls_begun(conn)


def _left(worker: Worker) -> tuple[Candidate, ...]:
    try:
        return tuple(candidates(worker.office.folders.drop, worker.office.settings.intake))
    except FolderUnavailable:
        return ()
