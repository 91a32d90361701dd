"""How long a set that has grown takes to be shown: the phone pages of many standing notices.

`python -m tests.bench.sets [NOTICES]` (default 20,000): all are accepted and taken for public, then the set is shown
into an empty folder in memory (/dev/shm) with one notice more, and refreshed. Times are CPU seconds of one core.
The last line of the output is one JSON object.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from channels.wechat_feed import WechatFeed
from publisher.ledger.tables import to_micros
from tests.support.builders import START, a_config, a_notice
from tests.support.sending import World, a_world

BODY = "<p>" + "项目已具备招标条件，现公开招标，欢迎投标人参加投标。" * 40 + "</p>"


def world_of(folder: Path, notices: int) -> World:
    """A ledger on which so many notices stand on the phone pages, a minute apart, and none has a page yet."""
    feed = WechatFeed(a_config("wechat_feed", folder=folder / "out", options={"base_url": "http://127.0.0.1:9/"}))
    limits = {"refresh": timedelta(hours=1), "attempt": timedelta(hours=1)}
    world = a_world(folder, {"wechat_feed": feed}, settings={"wechat_feed": limits})
    for n in range(notices):
        world.accept(a_notice(project_no=f"NO-{n}", title=f"第{n}号公告", dates={}, body_html=BODY))
    stands = {"start": to_micros(START), "first": to_micros(START - timedelta(minutes=notices))}
    with world.ledger.write() as tx:
        tx.conn.execute(
            text(
                "update delivery set state = 'published', next_at = null, first_attempt_at = :start, "
                "visible_since = :first + 60000000 * id"
            ),
            stands,
        )
    return world


def shown(world: World) -> float:
    """CPU seconds until the set was shown once more."""
    world.clock.move_to(world.clock() + timedelta(hours=2))
    began = time.process_time()
    world.step()
    return round(time.process_time() - began, 2)


def main(notices: int) -> None:
    """Make the set, show it, refresh it, print."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        world = world_of(Path(folder), notices)
        world.accept(a_notice(project_no="NEW", title="新公告", dates={}, body_html=BODY))
        first, refresh = shown(world), shown(world)
        pages = len(list((Path(folder) / "out" / "articles").glob("*.html")))
        assert not world.alarms(), world.alarms()
        world.ledger.close()
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    figures = {"notices": notices, "first showing, CPU s": first, "refresh, CPU s": refresh, "pages": pages}
    print(json.dumps(figures | {"peak memory, MB": peak}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
