"""What the papers tell a reader to type exists: make targets, commands and options of `publisher`."""

from __future__ import annotations

import re
import tomllib
from functools import cache

import pytest
from typer.testing import CliRunner

from publisher.cli import app
from tests.support.repository import ROOT, files, run

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = frozenset(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
PAPERS = [name for name in files() if re.fullmatch(r"README[^/]*\.md|docs/(?!adr/).+\.md|\.ci/run", name)]
COMMAND = re.compile(r"(?<![\w./-])(?:\.venv/bin/)?publisher (?:--\w[\w-]* \S+ )*([a-z][a-z-]*)([^`\n#|;&]*)")


def _code(paper: str) -> str:
    """What a paper shows as code: fenced blocks and `spans`, one after the other; of a script all."""
    text = (ROOT / paper).read_text("utf-8")
    if not paper.endswith(".md"):
        return re.sub(r"^ *#.*", "", text, flags=re.MULTILINE)
    fenced = re.findall(r"^ *```[^\n]*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))
    return "\n".join([*fenced, *spans])


@cache
def _help(*command: str) -> str:
    """The help of `publisher` or of one of its commands, or "" if there is none of that name."""
    wide = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    answer = CliRunner().invoke(app, [*command, "--help"], env=wide)
    return answer.stdout if answer.exit_code == 0 else ""


def test_make_alone_lists_every_target_with_its_own_comment() -> None:
    made = run("make")
    listed = re.findall(r"^  make ([a-z-]+) +\S", made.stdout, re.MULTILINE)
    assert made.returncode == 0, made.stderr
    assert set(listed) == TARGETS and len(listed) == len(TARGETS)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_folder_with_a_targets_name_does_not_stop_it(target: str) -> None:
    phony = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert target in " ".join(phony).split()


@pytest.mark.parametrize("paper", PAPERS)
def test_every_make_target_in_a_paper_exists(paper: str) -> None:
    named = set(re.findall(r"(?:^|[\s(&;])make ([a-z][a-z-]*)", _code(paper), re.MULTILINE))
    assert named - TARGETS == set()


@pytest.mark.parametrize("paper", PAPERS)
def test_every_publisher_command_in_a_paper_exists_and_knows_the_options_shown(paper: str) -> None:
    unknown = []
    for command, rest in COMMAND.findall(_code(paper)):
        explained = _help(command)
        if not explained:
            unknown.append(command)
        options = re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)
        unknown += [f"{command} {option}" for option in options if option not in explained]
    assert unknown == []


def test_every_publisher_command_is_explained_to_who_operates_it() -> None:
    _, _, commands = _help().partition("Commands")
    names = re.findall(r"^\W*([a-z][a-z-]*)  +\S", commands, re.MULTILINE)
    explained = {command for command, _ in COMMAND.findall(_code("docs/operating.md"))}
    assert {"run", "once", "demo", "verify"} <= set(names)
    assert sorted(set(names) - explained) == []


@pytest.mark.parametrize("paper", ["README.md", "README.zh.md"])
def test_a_newcomer_finds_a_paper_with_the_first_command_to_type(paper: str) -> None:
    assert "make demo" in _code(paper)


def test_constraints_pin_every_declared_package_and_name_no_address() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    names = {_canonical(name) for name in pinned}
    declared = [*pyproject["project"]["dependencies"], *pyproject["dependency-groups"]["dev"]]
    assert [line for line in declared if _canonical(re.split(r"[^\w.-]", line)[0]) not in names] == []
    assert [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.!+]+", line)] == []


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
