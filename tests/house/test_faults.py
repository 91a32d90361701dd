"""Every point at which the program lets itself be killed is one at which the kill tests kill it."""

from __future__ import annotations

import ast

from tests.support.kills import POINTS
from tests.support.repository import python_files


def _point(node: ast.AST) -> str | None:
    """The point of a bare `fault("point")`; one whose answer is used is a switch for a test and no point to die at."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return None
    called, arguments = node.value.func, node.value.args
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    if name.lstrip("_") == "fault" and arguments and isinstance(arguments[0], ast.Constant):
        return str(arguments[0].value)
    return None


def test_the_kill_tests_know_every_fault_point_of_the_program_and_no_other() -> None:
    points = {point for _, tree in python_files("publisher") for node in ast.walk(tree) if (point := _point(node))}
    assert points == set(POINTS)
