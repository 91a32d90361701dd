"""Every notice becomes a release that the schema of the standard accepts, whatever its form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker

from publisher.notice import Dates, Form, Lot, Money, Party, PriceBasis, ProjectClass
from tests.support.builders import a_notice
from tests.support.ocds_package import SECOND, WINNER, one_of, package_of
from tests.support.scripted import Scripted
from tests.support.sending import World, a_world

SCHEMA = Path(__file__).parent.parent / "data" / "ocds" / "release-schema-1.1.5.json"


@cache
def validator() -> Draft4Validator:
    return Draft4Validator(json.loads(SCHEMA.read_text("utf-8")), format_checker=FormatChecker())


def unlike_the_schema(release: dict[str, Any]) -> list[str]:
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in validator().iter_errors(release)]


def empty_parts(value: Any, place: str = "") -> Iterator[str]:
    """Places that hold nothing: the standard asks that they be left out."""
    if value in (None, "", [], {}):
        yield place
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from empty_parts(inner, f"{place}/{key}")


def releases(world: World) -> list[dict[str, Any]]:
    world.run_for(minutes=1)
    made = package_of(world)
    # As a reader gets it: through JSON.
    return list(json.loads(json.dumps(made))["releases"])


def world_of(tmp_path: Path, *notices: Any) -> World:
    world = a_world(tmp_path, {"site": Scripted()})
    for notice in notices:
        world.accept(notice)
    return world


def test_every_form_becomes_a_release_that_the_schema_accepts(tmp_path: Path) -> None:
    forms = list(Form)
    world = world_of(tmp_path, *(one_of(form, project_no=f"QFZB-2017-{n:04}") for n, form in enumerate(forms)))
    made = releases(world)

    assert [release["tender"]["procurementMethodDetails"] for release in made] == [form.value for form in forms]
    for release in made:
        assert unlike_the_schema(release) == []
        assert list(empty_parts(release)) == []
        parties = {party["id"] for party in release.get("parties", [])}
        awards = release.get("awards", [])
        named = [one["id"] for award in awards for one in award["suppliers"]] + [release["buyer"]["id"]]
        assert parties >= {*named, *(one["id"] for one in release["tender"].get("tenderers", []))}
        assert {one["awardID"] for one in release.get("contracts", [])} <= {one["id"] for one in awards}


@pytest.mark.parametrize(
    ("form", "tag", "awards", "tender"),
    [
        (Form.TENDER, "tender", [], "active"),
        (Form.CORRECTION, "tenderAmendment", [], "active"),
        (Form.TERMINATION, "tenderCancellation", [], "cancelled"),
        (Form.CANDIDATES, "award", ["pending"], "active"),
        (Form.WINNING_RESULT, "award", ["active"], "complete"),
        (Form.RESULT_CORRECTION, "awardUpdate", ["active"], "complete"),
        (Form.CONTRACT, "contract", ["active"], "complete"),
        (Form.FAILED_TENDER, "tenderCancellation", [], "unsuccessful"),
    ],
)
def test_tags_and_statuses_say_how_far_the_project_is(
    tmp_path: Path, form: Form, tag: str, awards: list[str], tender: str
) -> None:
    (release,) = releases(world_of(tmp_path, one_of(form)))

    assert release["tag"] == [tag]
    assert [award["status"] for award in release.get("awards", [])] == awards
    assert release["tender"]["status"] == tender


def test_an_award_has_one_id_from_the_candidates_to_the_contract(tmp_path: Path) -> None:
    made = releases(
        world_of(
            tmp_path, one_of(Form.CANDIDATES), one_of(Form.WINNING_RESULT), one_of(Form.CONTRACT, winners=(WINNER,))
        )
    )

    assert {release["ocid"] for release in made} == {"ocds-abc123-QFZB-2017-0412"}
    assert {award["id"] for release in made for award in release["awards"]} == {"1-1-1"}
    (contract,) = made[-1]["contracts"]
    assert (contract["awardID"], contract["dateSigned"]) == ("1-1-1", "2017-12-20T00:00:00+08:00")
    assert [one["name"] for one in made[0]["tender"]["tenderers"]] == [WINNER.name, SECOND.name]


def test_a_notice_with_next_to_no_fields_and_one_with_all_pass_too(tmp_path: Path) -> None:
    bare = a_notice(project_no=None, project_name="某项目", agency=None, control_price=None, dates=Dates())
    lots = (Lot(no="1", name="一标段"), Lot(no="2", name="二标段"))
    yearly = Money(raw="每年3万元", yuan=Decimal(30000), basis=PriceBasis.PER_YEAR)
    full = one_of(
        Form.DEAL_RESULT,
        project_class=ProjectClass.PROCUREMENT,
        lots=lots,
        tenderee=Party(name="曲阜市某局", credit_code="11370881004000000X"),
        winners=(WINNER, SECOND.model_copy(update={"lot": "2", "price": yearly})),
    )
    made = releases(world_of(tmp_path, bare, full))

    assert [unlike_the_schema(release) for release in made] == [[], []]
    assert [award.get("value") for award in made[1]["awards"]] == [{"amount": 1000000.0, "currency": "CNY"}, None]


def test_the_schema_refuses_what_is_wrong(tmp_path: Path) -> None:
    (release,) = releases(world_of(tmp_path, one_of(Form.TENDER)))

    assert unlike_the_schema(release | {"tag": ["made up"]})
    assert unlike_the_schema(release | {"date": "gestern"})
    assert unlike_the_schema(release | {"tender": release["tender"] | {"status": "open"}})
