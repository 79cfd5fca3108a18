"""What a piece of work costs: CPU seconds and peak memory."""

import resource
import time

import numpy as np


def cpu_seconds(work, repeats=1):
    """Median CPU seconds of calls; where there are several, another goes before."""
    if repeats > 1:
        work()
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return float(np.median(seconds))


def peak_megabytes():
    """Largest resident size of this process so far.

    VmHWM where the system has it: `ru_maxrss` of a child starts at its parent's peak.
    """
    try:
        with open("/proc/self/status") as status:
            lines = dict(line.split(":", 1) for line in status if ":" in line)
        return int(lines["VmHWM"].split()[0]) / 1024
    except (OSError, KeyError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
