"""How much memory a process took at most."""

from __future__ import annotations

import re
import resource
from pathlib import Path


def peak_mb() -> float:
    """The most that this process held at once, in MB.

    On Linux the kernel's figure for the program that runs now: that of `getrusage` begins with what the process
    that started it held.
    """
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s*(\d+) kB", status.read_text())):
        return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
