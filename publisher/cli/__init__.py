"""The command line: what an administrator types, and what it prints."""

from __future__ import annotations

import sys

from publisher.cli import (
    acting,
    cleaning,
    figures,
    looking,
    projects,
    proving,
    reconciling,
    rehearsing,
    reporting,
    reports,
    running,
    scheduling,
)
from publisher.cli.base import app

__all__ = ["main"]

for part in (
    running,
    looking,
    cleaning,
    reporting,
    reports,
    figures,
    projects,
    proving,
    reconciling,
    acting,
    scheduling,
    rehearsing,
):
    part.register(app)


def main() -> None:
    """Run the command that was typed; texts go out as UTF-8 whatever the machine's locale is."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    app()
