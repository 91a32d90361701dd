"""C022: a site that always says HTTP 200 and puts the result into the body; only explicit success is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.municipal_site import MunicipalSite
from tests.support.builders import a_config, a_notice
from tests.support.raw_server import Conversation, RawServer
from tests.support.sending import a_world

PRACTICE = "X-Practice: notice-publisher\r\nConnection: close\r\n"
RULES = {
    "success": [{"path": "errcode", "equals": [0]}],
    "refused": [{"path": "errcode", "equals": [45166]}],
    "busy": [{"path": "errcode", "equals": [-1]}],
    "locked": [{"path": "errcode", "equals": [40001]}],
    "duplicate": [],
    "pending": [],
    "number": {"path": "publish_id"},
    "url": None,
    "since": None,
}
ANSWERS = {
    '{"errcode":40001,"errmsg":"invalid credential"}': ("pending", 0),
    '{"errcode":45166,"errmsg":"invalid content"}': ("failed", 0),
    '{"errcode":-1}': ("pending", 0),
    '{"errcode":"0"}': ("held", 0),
    '{"errcode":200040}': ("held", 0),
    "": ("held", 0),
    "<html>维护中</html>": ("held", 0),
    '{"errcode":0,"publish_id":"10': ("held", 0),
    '{"errcode":0,"publish_id":"1001"}': ("published", 1),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_only_the_explicit_success_shape_is_counted(tmp_path: Path, answer: str) -> None:
    def script(conversation: Conversation) -> None:
        request = conversation.request()
        body = answer if request.startswith(b"POST") else ""
        conversation.answer(body.encode(), headers=PRACTICE + "Content-Type: application/json\r\n")

    with RawServer(script) as server:
        options = {"base_url": server.url, "findable": False, "answers": RULES}
        site = MunicipalSite(a_config("wx", options=options))
        world = a_world(tmp_path, {"wx": site}, sending={"quick_wait": "0s"})
        number = world.accept(a_notice(dates={}))
        world.step()
        posts = sum(request.startswith(b"POST") for request in server.requests)

    with world.ledger.read() as conn:
        counted = conn.exec_driver_sql("select coalesce(sum(weight), 0) from publication_log").scalar_one()
    assert (world.state(number, "wx").value, counted) == ANSWERS[answer]
    assert posts == 1
