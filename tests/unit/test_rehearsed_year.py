"""The generator of a year: its sums, and that the comparer finds what is wrong."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from publisher.intake.reading import NamedBytes, read_files
from publisher.rehearse.compare import Comparison, compare_site, printed, write
from publisher.rehearse.generate import generate
from publisher.rehearse.projects import projects_of, shared
from publisher.rehearse.targets import targets_of


def test_the_year_of_the_office_comes_to_the_figures_that_the_office_printed(tmp_path: Path) -> None:
    figures = generate(targets_of(2017), tmp_path)["figures"]
    assert [figures[f"projects{g}"] for g in ("", ".works", ".procurement", ".land_property")] == [
        "637",
        "104",
        "503",
        "30",
    ]
    amounts = [int(figures[f"amount{g}"]) for g in ("", ".works", ".procurement", ".land_property")]
    assert amounts == [3614 * 10**8, 2106 * 10**8, 218 * 10**8, 1290 * 10**8]
    said = {name: write(name, figures[name], style) for name, style in SAID}
    assert list(said.values()) == ["2890余", "860余", "130余", "21.7%", "3.77%", "8.26%", "1.06"]


SAID = [("notices", "over"), ("high.notices", "over"), ("feeds.cumulative", "over"), ("growth", "rate1"),
        ("saving_rate.works", "rate"), ("saving_rate.procurement", "rate"), ("saved_and_gained", "yi")]  # fmt: skip


def test_the_same_seed_makes_the_same_year_and_another_seed_another(tmp_path: Path) -> None:
    first, again, other = (
        generate(targets_of(seed, 0.05), tmp_path / str(i)) for i, seed in enumerate((2017, 2017, 9))
    )
    assert first == again and first["figures"]["amount"] != other["figures"]["amount"]
    names = {path.name: path.read_bytes() for path in (tmp_path / "0" / "files").iterdir() if path.suffix != ".docx"}
    assert names == {p.name: p.read_bytes() for p in (tmp_path / "1" / "files").iterdir() if p.suffix != ".docx"}


def test_sharing_out_leaves_nothing_over_and_nobody_with_nothing() -> None:
    parts = shared(1_000_000_00, [5, 1e-9, 3.3, 1])
    assert sum(parts) == 1_000_000_00 and min(parts) >= 100 and all(part % 100 == 0 for part in parts)


def test_some_projects_have_no_limit_some_a_rate_and_some_a_misprint() -> None:
    projects = projects_of(targets_of(2017))
    assert sum(p.done and p.planned is None for p in projects) >= 10
    assert sum(p.rate_price for p in projects) >= 3 and sum(p.misprint > 0 for p in projects) >= 20


def test_every_file_of_a_year_is_read_as_the_form_that_its_name_says(tmp_path: Path) -> None:
    generate(targets_of(3, 0.05), tmp_path)
    for path in sorted((tmp_path / "files").iterdir()):
        if not path.name[0].isdigit():
            continue
        (draft,) = read_files((NamedBytes(path.name, path.read_bytes()),), None)
        assert draft.notice is not None and not draft.problems, (path.name, draft.problems)
        said = path.stem.split("-", 1)[1]
        assert draft.notice.form.value == {"转让公告": "产权转让公告"}.get(said, said)


def test_a_corrected_result_prints_who_won_for_how_much(tmp_path: Path) -> None:
    generate(targets_of(2017, 0.3), tmp_path)
    corrected = [p for p in (tmp_path / "files").iterdir() if "结果更正" in p.name and p.suffix != ".docx"]
    for path in corrected:
        (draft,) = read_files((NamedBytes(path.name, path.read_bytes()),), None)
        assert draft.notice is not None and draft.notice.winners[0].price is not None
    assert corrected


def test_the_comparer_names_every_cell_that_differs_or_is_missing_on_either_side() -> None:
    result = Comparison()
    result.table("figures", {"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"})
    assert result.cells == 3
    assert [(d.place, d.expected, d.found) for d in result.differ] == [
        ("figures b", "2", "3"),
        ("figures c", "None", "4"),
    ]


def test_the_comparer_finds_what_a_site_lacks_holds_twice_or_never_should_have_had(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "site.sqlite3") as db:
        db.execute("create table item (title text, state text)")
        held = [("甲", "public"), ("乙", "public"), ("乙", "public"), ("丁", "public"), ("丙", "withdrawn")]
        db.executemany("insert into item values (?, ?)", held)
    db.close()
    result = Comparison()
    compare_site(result, "site", ["甲", "乙", "丙"], tmp_path)
    found = {one.place: (one.expected, one.found) for one in result.differ}
    assert found == {"site holds": ("3", "4"), "site 乙": ("1", "2"), "site 丙": ("1", "0"), "site 丁": ("0", "1")}


@pytest.mark.parametrize(
    ("name", "value", "style", "text"),
    [
        ("notices", "2893", "over", "2890余"),
        ("notices", "2890", "over", "2890"),
        ("notices", "2893", "", "2,893"),
        ("amount", "361400000000", "yi", "36.14"),
        ("amount.land_property", "129000000000", "yi", "12.9"),
        ("saved.works", "165013400", "", "165.01"),
        ("growth", "21.683502%", "rate1", "21.7%"),
        ("saving_rate.works", "3.770000%", "", "3.77%"),
        ("growth", None, "", "—"),
    ],
)
def test_the_comparer_writes_numbers_in_its_own_way(name: str, value: str | None, style: str, text: str) -> None:
    assert write(name, value, style) == text


def test_printed_numbers_are_found_with_their_figure_and_style() -> None:
    link = '<a class="n" href="#f-x" data-f="x" data-s="over">10余</a>'
    page = f'<p>共{link}条</p>\n<td><span data-f="y" data-s="">—</span></td>'
    assert [found[1:] for found in printed(page)] == [("x", "over", "10余"), ("y", "", "—")]


def test_the_manifest_is_kept_beside_the_files_as_it_was_given(tmp_path: Path) -> None:
    manifest = generate(targets_of(2017, 0.02), tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text("utf-8")) == json.loads(json.dumps(manifest))


def test_what_a_seller_asks_at_least_is_understood_as_the_reserve_and_not_as_a_ceiling(tmp_path: Path) -> None:
    generate(targets_of(2017, 0.1), tmp_path)
    offers = [p for p in (tmp_path / "files").iterdir() if "出让公告" in p.name or "-转让公告" in p.name]
    for path in offers:
        (draft,) = read_files((NamedBytes(path.name, path.read_bytes()),), None)
        assert draft.notice is not None and draft.notice.control_price is None
        assert draft.notice.reserve_price is not None and draft.notice.reserve_price.addable
    assert len(offers) >= 3
