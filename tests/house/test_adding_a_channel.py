"""The worked example of `docs/adding-a-channel.md` is taken out of the page and run."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from publisher.render import Renderer
from publisher.settings import load_settings
from tests.support.builders import a_notice
from tests.support.repository import BIN, ROOT, run

PAGE = (ROOT / "docs/adding-a-channel.md").read_text("utf-8")
BLOCKS = {
    re.sub(r"[#{} ]", "", text.partition("\n")[0]): text.partition("\n")[2]
    for text in re.findall(r"```\w+\n(.*?)```", PAGE, re.DOTALL)
}
EXTEND = (
    "import channels\nfrom pathlib import Path\nchannels.__path__.append(str(Path(__file__).parent / 'channels'))\n"
)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A folder with the files of the example, and the shipped settings with the example's section."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    for name, text in BLOCKS.items():
        # not below `tests`: that name is taken by the package of our own tests
        path = tmp_path / name.replace("tests/contract/", "suite/")
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text("utf-8") if path.exists() else ""
        path.write_text(before + text, "utf-8")
    (tmp_path / "conftest.py").write_text(EXTEND, "utf-8")
    return tmp_path


def test_the_page_shows_a_file_for_each_of_the_four_places() -> None:
    assert sorted(name.split("/")[0] for name in BLOCKS) == ["channels", "config", "templates", "tests"]


def test_the_example_passes_the_obligatory_suite(example: Path) -> None:
    pytest_here: list[str | Path] = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        ROOT / "pyproject.toml",
    ]
    done = run(*pytest_here, f"--rootdir={example}", f"--confcutdir={example}", example / "suite")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 20


@pytest.mark.parametrize("command", [["format", "--check"], ["check", "--no-cache"]])
def test_the_example_keeps_the_rules_of_format_and_lint(example: Path, command: list[str]) -> None:
    python = sorted(path for path in example.rglob("*.py") if path.name != "conftest.py")
    assert len(python) == 3, "the adapter, its suite, and the package of the settings"
    ours = 'lint.isort.known-first-party = ["channels", "publisher", "tests"]'
    done = run(BIN / "ruff", *command, "--config", ROOT / "pyproject.toml", "--config", ours, *python)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_section_is_accepted_and_the_template_renders(example: Path) -> None:
    channel = load_settings(example / "config", {}).channel("hall_text")
    rendition = Renderer(example / "templates").render(a_notice(), channel)
    assert a_notice().title in rendition.text
