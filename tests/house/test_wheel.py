"""The wheel carries everything that the program needs, and works where there is no repository."""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.repository import ROOT, files, run

PACKAGES = ("publisher", "channels", "templates", "config")


@dataclass(frozen=True)
class Wheel:
    """A wheel built from the repository's files alone, and a Python in which it is installed."""

    file: Path
    python: Path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Wheel:
    work = tmp_path_factory.mktemp("wheel")
    for name in files():
        target = work / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", work, cwd=work / "source")
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = work.glob("*.whl")

    made = run(sys.executable, "-m", "venv", "--without-pip", work / "venv")
    assert made.returncode == 0, made.stderr
    python = work / "venv" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "--python", python]
    installed = run(*pip, "install", "--no-deps", "--no-index", file)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    # The libraries come from this environment; the .pth of its editable install is not read through this line.
    (site_packages,) = (work / "venv" / "lib").glob("python*/site-packages")
    (site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return Wheel(file, python)


def test_the_wheel_holds_every_file_of_the_four_packages_and_nothing_else(wheel: Wheel) -> None:
    with zipfile.ZipFile(wheel.file) as archive:
        carried = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert carried == {name for name in files() if name.split("/")[0] in PACKAGES}


def test_templates_settings_and_migrations_load_from_the_wheel_in_another_folder(wheel: Wheel, tmp_path: Path) -> None:
    program = """
import sys
from importlib.resources import files
for package, name in zip(sys.argv[1::2], sys.argv[2::2]):
    print(len(files(package).joinpath(*name.split("/")).read_bytes()))
print(files("publisher"))
"""
    wanted = [
        *("config", "publisher.toml"),
        *("config", "rules/required.toml"),
        *("templates", "receipt.txt.j2"),
        *("publisher.ledger.migrations", "script.py.mako"),
    ]
    loaded = run(wheel.python, "-c", program, *wanted, cwd=tmp_path)
    assert loaded.returncode == 0, loaded.stderr
    *sizes, home = loaded.stdout.splitlines()
    assert len(sizes) == 4 and all(int(size) > 0 for size in sizes)
    assert Path(home).is_relative_to(wheel.python.parents[1])


def test_the_installed_command_describes_a_notice_without_the_repository(wheel: Wheel, tmp_path: Path) -> None:
    described = run(wheel.python.with_name("publisher"), "schema", cwd=tmp_path)
    assert described.returncode == 0, described.stderr
    assert "project_no" in json.loads(described.stdout)["properties"]
