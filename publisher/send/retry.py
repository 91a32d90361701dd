"""When to try again: quickly in the process, slowly by rows. The one door to tenacity."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from publisher.settings import SendingSettings

_QUICK_TRIES = 4
"""A bound that holds on a simulated clock too, where waiting takes no time."""


def slow_wait(tries: int, sending: SendingSettings, chance: random.Random) -> timedelta:
    """How long to wait after `tries` failed tries (1, 2 …): doubling from the first wait, capped, jittered."""
    first, cap = sending.retry_first.total_seconds(), sending.retry_cap.total_seconds()
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = min(max(1, tries), 40)  # beyond that, doubling only overflows
    seconds = wait_exponential(multiplier=first, max=cap)(state)
    return timedelta(seconds=seconds * chance.uniform(1 - sending.jitter, 1 + sending.jitter))


def quickly(
    try_once: Callable[[], bool], give_back: Callable[[], None], sleep: Callable[[float], None], budget: timedelta
) -> None:
    """Call `try_once` until it returns False (no further quick try) or `budget` is used up, then `give_back`.

    `try_once` never raises for an outcome of a channel. Waits: 0.2 to 0.5 s, then doubling.
    """
    if not try_once():
        return
    retrying = Retrying(
        retry=retry_if_result(lambda again: again),
        wait=wait_exponential(multiplier=0.2, max=1.0) + wait_random(0, 0.3),
        stop=stop_before_delay(budget.total_seconds()) | stop_after_attempt(_QUICK_TRIES),
        sleep=sleep,
        retry_error_callback=lambda _: give_back(),
    )
    # The first wait comes before the second try, not after it.
    sleep(wait_random(0.2, 0.5)(RetryCallState(retrying, None, (), {})))
    retrying(try_once)
