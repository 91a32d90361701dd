"""The command that makes a cleaned copy of a Word file, workbook, PDF or old office file; the file stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from publisher.cli.base import NOT_DONE, OK, Desk, Json, command
from publisher.cli.output import say, say_json
from publisher.errors import SettingsError
from publisher.rules.clean import CannotBeCleaned, cleaned_copy

MARK = "已清理"
"""Stands behind the name of a cleaned copy."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(app, "clean", clean)


def clean(
    desk: Desk,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Word, Excel, PDF or old office files.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to (default: beside each file).")
    ] = None,
    as_json: Json = False,
) -> int:
    """Write a copy without revisions, comments, hidden text, embedded files and names（清理）; the file stays."""
    done = True
    for path in files:
        target = _free(out or path.parent, path)
        try:
            data = cleaned_copy(path.read_bytes())
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from error
        except CannotBeCleaned as why:
            done = False
            facts = {"path": path, "cleaned": None, "problem": str(why)}
            say_json(facts) if as_json else say(f"{path}：{why}")
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        except OSError as error:
            raise SettingsError(f"{target}: cannot be written ({error.strerror or error})") from error
        if as_json:
            say_json({"path": path, "cleaned": target, "problem": None})
        else:
            say(f"{path}：已另存为 {target}，请打开核对后放入收件夹")
    return OK if done else NOT_DONE


def _free(folder: Path, path: Path) -> Path:
    """A name that is not taken: nothing is overwritten."""
    target, count = folder / f"{path.stem}.{MARK}{path.suffix}", 1
    while target.exists():
        count += 1
        target = folder / f"{path.stem}.{MARK}({count}){path.suffix}"
    return target
