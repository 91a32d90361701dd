"""A sender as a process of its own: `python -m tests.bench.worker FOLDER ADDRESS [URL]`; ends when nothing is left."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from publisher.ledger.store import no_fault
from publisher.send.recovery import recover
from publisher.send.settle import Rules
from publisher.settings import SendingSettings
from tests.bench.deliveries import build


def main(arguments: list[str]) -> None:
    """Settle what an earlier process left behind (SQLite), then send."""
    folder, address, *url = arguments
    bench = build(Path(folder), address, url[0] if url else None)
    if not url:
        rules = Rules(SendingSettings(), random.Random(1))
        recover(bench.ledger, bench.channels, bench.sender.daemon_id, rules, no_fault)
    bench.run()


if __name__ == "__main__":
    main(sys.argv[1:])
