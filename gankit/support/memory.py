"""The most memory that this process has had."""

import pathlib
import re
import sys

STATUS = pathlib.Path("/proc/self/status")


def peak_mb() -> int | None:
    """Peak resident memory of this process, in MiB; None where the system does not say.

    On Linux it is the kernel's ``VmHWM``, which begins with the program. ``getrusage`` would count the process that
    started this one too: its peak is kept over ``fork`` and ``exec``.

    Examples:
        >>> peak_mb() is None or peak_mb() > 1
        True
    """
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", STATUS.read_text("ascii"), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) // 2**10
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)
