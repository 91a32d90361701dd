"""The OCDS export under the eyes of libcoveocds, the data review tool of the standard's keepers, without a network."""

from __future__ import annotations

import copy
import json
import os
import socket
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from publisher.notice import Form
from tests.support.ocds_package import one_of, package_of
from tests.support.repository import ROOT
from tests.support.scripted import Scripted
from tests.support.sending import a_world

pytestmark = pytest.mark.real

TOOL = ROOT / "var" / "conformance-venv" / "bin" / "libcoveocds"
DATA = ROOT / "tests" / "data" / "ocds"
_EMPTY = '{"$schema": "http://json-schema.org/draft-04/schema#"}'


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The package of a ledger that published a notice of every form."""
    world = a_world(tmp_path_factory.mktemp("ledger"), {"site": Scripted()})
    for number, form in enumerate(Form):
        world.accept(one_of(form, project_no=f"QFZB-2017-{number:04}"))
    world.run_for(minutes=1)
    made: dict[str, Any] = json.loads(json.dumps(package_of(world)))
    world.ledger.close()
    return made


@pytest.fixture(scope="module")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The standard as the tool wants it: a ZIP with one folder, its schemas, and the codes of every closed list.

    Of open lists no code is known: what is not in one is no error. The schemas that only records and versioned
    releases need are empty.
    """
    release = json.loads((DATA / "release-schema-1.1.5.json").read_text("utf-8"))
    codes: dict[str, str] = {}
    for name, values in _codelists(release):
        rows = "".join(f"{code},{code}\n" for code in values)
        codes[name] = f"Code,Title\n{rows}"
    files = {
        "release-schema.json": json.dumps(release),
        "release-package-schema.json": (DATA / "release-package-1.1.json").read_text("utf-8"),
        "record-package-schema.json": _EMPTY,
        "versioned-release-validation-schema.json": _EMPTY,
        **{f"codelists/{name}": text for name, text in codes.items()},
    }
    path = tmp_path_factory.mktemp("standard") / "standard.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("standard-1__1__5/", "")
        for name, text in files.items():
            archive.writestr(f"standard-1__1__5/schema/{name}", text)
    return path


def _codelists(schema: Any) -> Iterator[tuple[str, list[str]]]:
    """Every codelist that the schema names, with the codes that it enumerates (of an open list: none)."""
    if isinstance(schema, dict):
        if "codelist" in schema:
            values = schema.get("enum") or schema.get("items", {}).get("enum") or []
            yield schema["codelist"], [code for code in values if code is not None]
        for inner in schema.values():
            yield from _codelists(inner)


class Verdict:
    """What the tool says of a package."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.said = said
        self.errors = said["validation_errors"]
        self.additional_fields = [field["field_name"] for field in said["all_additional_fields"] or ()]
        self.failed_checks = said["additional_checks"]
        self.unknown_codes = said["additional_closed_codelist_values"]
        self.deprecated = said["deprecated_fields"]
        self.conformance_errors = said.get("conformance_errors")


def review(package: Any, standard: Path, folder: Path) -> Verdict:
    """Run the tool's command line; whatever it would ask the network for is asked of a port of this test's own."""
    path = folder / "package.json"
    path.write_text(json.dumps(package, ensure_ascii=False), "utf-8")
    assert TOOL.exists(), f"{TOOL} is missing: `make test-real` installs it"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environ = os.environ | dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
        ran = subprocess.run(
            [TOOL, "--standard-zip", standard, path], env=environ, capture_output=True, text=True, timeout=120
        )
        assert ran.returncode == 0, ran.stderr
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    return Verdict(json.loads(ran.stdout))


def test_the_export_of_every_form_has_no_error_no_field_of_its_own_and_no_failed_check(
    exported: dict[str, Any], standard: Path, tmp_path: Path
) -> None:
    verdict = review(exported, standard, tmp_path)

    assert verdict.said["version_used"] == "1.1"
    assert verdict.said["count"] == len(Form) == verdict.said["unique_ocids_count"]
    assert verdict.errors == []
    assert verdict.additional_fields == []
    assert not verdict.failed_checks
    assert not verdict.unknown_codes
    assert not verdict.deprecated and not verdict.conformance_errors


def _own_field(package: dict[str, Any]) -> None:
    package["releases"][3]["tender"]["noticeNumber"] = "17"


def _empty_field(package: dict[str, Any]) -> None:
    package["releases"][3]["tender"]["description"] = " "


def _made_up_code(package: dict[str, Any]) -> None:
    package["releases"][3]["tender"]["status"] = "in progress"


def _day_alone(package: dict[str, Any]) -> None:
    package["releases"][3]["date"] = "2017-12-04"


def _twice(package: dict[str, Any]) -> None:
    package["releases"].append(package["releases"][3])


def _no_address(package: dict[str, Any]) -> None:
    del package["uri"]


def _amount_as_text(package: dict[str, Any]) -> None:
    package["releases"][0]["tender"]["value"] = {"amount": "12,345,678.90", "currency": "CNY"}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_own_field, "additional_fields"),
        (_empty_field, "failed_checks"),
        (_made_up_code, "unknown_codes"),
        (_day_alone, "errors"),
        (_twice, "errors"),
        (_no_address, "errors"),
        (_amount_as_text, "errors"),
    ],
)
def test_a_spoilt_export_is_noticed(
    exported: dict[str, Any], standard: Path, tmp_path: Path, spoil: Callable[[dict[str, Any]], None], told: str
) -> None:
    package = copy.deepcopy(exported)
    spoil(package)
    verdict = review(package, standard, tmp_path)

    assert getattr(verdict, told)
