"""The practice province as a program: prints its address as one JSON line when it is ready, ends on SIGTERM."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from channels.practice.province import PracticeProvince
from channels.practice.site_command import serve, switches_of


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m channels.practice province", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the site; 0: a free one")
    parser.add_argument("--admin-port", type=int, default=0, help="port that answers /practice/ even when down")
    parser.add_argument("--store", type=Path, required=True, help="folder that keeps what the site is given")
    parser.add_argument("--name", default="某省公共资源交易平台", help="name that the pages show")
    parser.add_argument("--prefix", default="SD", help="how the numbers of the site begin")
    parser.add_argument("--switch", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--pages", action="store_true", help="write the readers' pages below the store as well")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end with whoever holds the other end of stdin")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Run the province until SIGTERM or SIGINT."""
    options = _arguments(arguments)
    try:
        province = PracticeProvince(
            options.store,
            name=options.name,
            prefix=options.prefix,
            port=options.port,
            admin_port=options.admin_port,
            switches=switches_of(options.switch),
            pages=options.pages,
        )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    serve(province, until_stdin_ends=options.until_stdin_ends)
    return 0
