"""`python -m channels.practice site …` or `… province …`: run a practice channel until it is told to end."""

from __future__ import annotations

import sys

from channels.practice import province_command, site_command

COMMANDS = {"site": site_command.main, "province": province_command.main}


def main(arguments: list[str]) -> int:
    """Run the practice channel that the first argument names."""
    if not arguments or arguments[0] not in COMMANDS:
        print(f"usage: python -m channels.practice {{{','.join(COMMANDS)}}} …", file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
