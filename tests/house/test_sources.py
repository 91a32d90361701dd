"""The sources watch themselves: docstrings, arrows between modules, words that must not be there, tests that test."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib

from tests.support.repository import BIN, ROOT, files, python_files, run

FORBIDDEN = {
    # written so that this file does not hold them itself
    "a path of one machine": r"(?<![\w.])/(?:wor[k]|roo[t]|home/[a-z]+)/",
    "a package registry": r"pyp[i]\.org|pythonh[o]sted|mirrors?\.[a-z]+\.(?:com|cn|edu)|registry\.n[p]mjs",
    "work left undone": r"\b(?:TOD[O]|FIXM[E]|XX[X])\b",
    "a paper that is not shipped": r"\bDESIG[N]\.md|\bcase[s]\.md|\breference/(?:notice|protocol|model|feature)[s]",
}
MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])")


def test_every_module_opens_with_a_docstring_whose_first_line_is_a_sentence() -> None:
    bad = []
    for name, tree in python_files("publisher", "channels", "templates", "config", "tests"):
        first, _, rest = (ast.get_docstring(tree) or "").partition("\n")
        if not first.endswith((".", ":")) or (rest and not rest.startswith("\n")):
            bad.append(name)
    assert bad == []


def test_imports_go_only_where_the_contracts_in_pyproject_let_them() -> None:
    linted = run(BIN / "lint-imports", "--no-logo", "--no-cache")
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_no_file_names_a_machine_a_registry_an_absent_paper_or_unfinished_work() -> None:
    found = []
    for name, text in _texts().items():
        for what, pattern in FORBIDDEN.items():
            found += [f"{name}: {what}: {match.group()}" for match in re.finditer(pattern, text)]
    assert found == []


def test_every_mobile_number_is_an_invented_one() -> None:
    found = [f"{name}: {number}" for name, text in _texts().items() for number in MOBILE.findall(text)]
    assert [line for line in found if ": 1390000" not in line] == []


def _texts() -> dict[str, str]:
    """All files but pictures, in whose bytes any word may occur, and schemas that stand as others wrote them."""
    named = (name for name in files() if not name.endswith(".png") and not name.startswith("tests/data/ocds/"))
    return {name: (ROOT / name).read_bytes().decode("utf-8", "replace") for name in named}


def test_every_imported_library_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {_canonical(re.split(r"[^\w.-]", line)[0]) for line in project["dependencies"]}
    homes = importlib.metadata.packages_distributions()
    missing = set()
    for name, tree in python_files("publisher", "channels"):
        for library in _imported(tree) - {"publisher", "channels"} - sys.stdlib_module_names:
            if not declared & {_canonical(home) for home in homes.get(library, ())}:
                missing.add(f"{name}: {library}")
    assert sorted(missing) == []


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_every_test_asserts_something() -> None:
    """Itself, or through a function of the tests that does; functions are known by their bare names."""
    functions = {
        name: [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for name, tree in python_files("tests")
    }
    asserting = {"raises", "warns", "fail"}
    while True:
        more = {f.name for nodes in functions.values() for f in nodes if _asserts(f, asserting)} - asserting
        if not more:
            break
        asserting |= more
    idle = [
        f"{name}: {function.name}"
        for name, nodes in functions.items()
        for function in nodes
        if function.name.startswith("test_") and not _asserts(function, asserting)
    ]
    assert idle == []


def _asserts(function: ast.FunctionDef, asserting: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in asserting:
                return True
    return False
