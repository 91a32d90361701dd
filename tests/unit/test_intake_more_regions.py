"""Notices of more regions, in the containers offices use: see `tests/support/regions.py`."""

from __future__ import annotations

import pytest

from publisher.intake.reading import NamedBytes, read_files
from tests.support.regions import Dropped, as_read, dropped


@pytest.mark.parametrize("notice", list(dropped()), ids=lambda notice: notice.name)
def test_a_dropped_notice_gives_the_fields_a_clerk_reads_in_it(notice: Dropped) -> None:
    (draft,) = read_files([NamedBytes(notice.file_name, notice.data)], notice.folder)

    assert as_read(dict(draft.fields), dict(notice.fields)) == dict(notice.fields)
    assert bool(draft.problems) == (notice.fields["outcome"] == "held")


def test_what_a_site_prints_around_a_notice_is_not_made_public_with_it() -> None:
    (page,) = [notice for notice in dropped() if notice.name == "网页 另存 导航 相关链接"]
    (draft,) = read_files([NamedBytes(page.file_name, page.data)])

    assert draft.notice is not None
    body = draft.notice.body_html
    for around in (
        "网站首页",
        "登录",
        "阅读次数",
        "相关信息",
        "校园监控",
        "技术支持",
        "网站地图",
        "stat.example",
        "打印",
    ):
        assert around not in body
    assert "招标文件.pdf" in body and "技术参数.docx" in body
