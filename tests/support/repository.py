"""The repository as the house tests see it: its root, its files as git knows them, its parsed Python."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

BIN = Path(sys.executable).parent
"""Where the tools of this environment are."""


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, output captured; the caller looks at `returncode`."""
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)


@cache
def files() -> tuple[str, ...]:
    """Every file that belongs to the repository (also one not committed yet), as paths with `/` from its root."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed.returncode:
        raise RuntimeError(f"git ls-files: {listed.stderr}")
    return tuple(sorted(name for name in set(listed.stdout.split("\0")) if name and (ROOT / name).is_file()))


def python_files(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """The Python files below these folders, parsed."""
    for name in files():
        if name.endswith(".py") and name.split("/")[0] in folders:
            yield name, ast.parse((ROOT / name).read_text("utf-8"), name)
