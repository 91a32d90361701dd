"""Commands that look without touching the ledger: check, extract, preview, schema."""

from __future__ import annotations

import json

import typer

from publisher.cli.base import OK, Desk, command
from publisher.cli.output import say
from publisher.notice import Notice


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "schema", schema)


def schema(desk: Desk) -> int:
    """Print the JSON Schema of a notice（公告的数据格式）."""
    say(json.dumps(Notice.model_json_schema(), ensure_ascii=False, indent=2))
    return OK
