"""Notices of other regions: other words for the same labels, other tables, other numbering."""

from __future__ import annotations

from typing import Any

import pytest

from publisher.intake.reading import NamedBytes, read_files
from tests.support.other_regions import NOTICES, RegionNotice


def as_expected(found: Any, wanted: Any) -> Any:
    """`found` cut down to what `wanted` speaks of."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: as_expected(found.get(key), value) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [as_expected(one, other) for one, other in zip(found, wanted, strict=True)]
    return found


@pytest.mark.parametrize("notice", NOTICES, ids=[notice.name for notice in NOTICES])
def test_a_notice_of_another_region_gives_the_fields_a_person_reads_in_it(notice: RegionNotice) -> None:
    (draft,) = read_files([NamedBytes("公告.html", notice.text.encode())], notice.folder)

    assert as_expected(dict(draft.fields), dict(notice.fields)) == dict(notice.fields)
    assert not draft.problems
