"""The daemon: APScheduler calls the ticks; the ledger, not the scheduler, knows what is due.

Traps of the scheduler that are closed here: a late tick is run, not dropped (`misfire_grace_time`
None); missed ticks are run once (`coalesce`); two runs of one tick never overlap; an exception of a
tick is logged as an error of ours, and the tick goes on at its next turn; the zone is given.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from types import FrameType

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from publisher.app import Worker
from publisher.notice import LOCAL

logger = logging.getLogger(__name__)

_LINGER_SHARE = 0.9
"""The share of its interval for which a sending tick goes on with what becomes due meanwhile."""


_WATCH_EVERY = 30
_RECONCILE_EVERY = 600
"""Whether a month is due is looked at this often; the comparison itself is made once."""


def run(worker: Worker, ready: Callable[[], None], grace: float = 5.0) -> None:
    """Run until SIGTERM or SIGINT, then end within `grace` seconds and a little. `ready` is called once it runs."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        logger.info("signal %d: ending", number)
        worker.sender.stop_starting()
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    scheduler = make_scheduler(worker)
    scheduler.start()
    ready()
    while not stop.wait(1.0):
        keep_ticking(scheduler, worker.office.machine.clock())
    scheduler.shutdown(wait=False)
    worker.close(grace)


def make_scheduler(worker: Worker) -> BackgroundScheduler:
    """A scheduler with the ticks of this program; its job store is memory: it is a bell, not a record."""
    # A tick that lingers makes the scheduler warn of each turn it skips; what matters is said by `_on_error`.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(
        timezone=LOCAL,
        executors={"default": ThreadPoolExecutor(5)},
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )
    scheduler.add_listener(_on_error, EVENT_JOB_ERROR)
    settings = worker.office.settings
    tick = settings.sending.tick.total_seconds()
    scheduler.add_job(worker.take_in, "interval", seconds=settings.intake.poll.total_seconds(), id="take_in")
    scheduler.add_job(worker.send, "interval", seconds=tick, id="send", args=[tick * _LINGER_SHARE])
    scheduler.add_job(worker.answer, "interval", seconds=max(1.0, tick), id="answer")
    if worker.feeds is not None:
        scheduler.add_job(worker.read_feeds, "interval", seconds=max(1.0, tick), id="read_feeds")
    if settings.ledger.reconcile_monthly:
        scheduler.add_job(worker.reconcile, "interval", seconds=_RECONCILE_EVERY, id="reconcile")
    scheduler.add_job(worker.watch, "interval", seconds=_WATCH_EVERY, id="watch")
    return scheduler


def keep_ticking(scheduler: BackgroundScheduler, now: datetime) -> None:
    """Ring at once what is set for later than its interval: the clock went back, and the scheduler waits for it."""
    for job in scheduler.get_jobs():
        due, every = job.next_run_time, job.trigger.interval
        if due is not None and due > now + 2 * every:
            logger.warning("the clock went back; tick %s is set anew", job.id)
            job.modify(next_run_time=now)


def _on_error(event: JobExecutionEvent) -> None:
    logger.error("tick %s failed; it runs again at its next turn", event.job_id, exc_info=event.exception)
