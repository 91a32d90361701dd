"""`python -m publisher`: the same as the command `publisher`."""

from __future__ import annotations

from publisher.cli import main

if __name__ == "__main__":
    main()
