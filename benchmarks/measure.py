"""What a piece of work costs: CPU seconds and peak memory."""

import json
import resource
import subprocess
import time
from contextlib import suppress
from threading import Event, Thread

import numpy as np
import psutil

# Seconds between two looks at the memory of processes.
_INTERVAL = 0.5


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


def tree_cpu_seconds():
    """CPU seconds of this process and of its workers, living or ended, until now."""
    total = 0.0
    for process in _tree(psutil.Process()):
        with suppress(psutil.NoSuchProcess):
            # Those of the children are of ended ones.
            total += sum(process.cpu_times()[:4])
    return total


def run_watched(command):
    """Run a command that prints JSON in its last line.

    Parameters
    ----------
    command : list of str

    Returns
    -------
    dict
        What it printed, and "mebibytes": the largest memory of the process and its
        workers together, several times a second. Pages that processes share count once
        (PSS) where the system tells; files mapped into memory count.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    ended, peak = Event(), [0.0]

    def watch():
        root = psutil.Process(process.pid)
        while not ended.wait(_INTERVAL):
            peak[0] = max(peak[0], sum(_megabytes(part) for part in _tree(root)))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    out, _ = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}.")
    return {**json.loads(out.splitlines()[-1]), "mebibytes": peak[0]}


def _tree(root):
    """Return a process and all that it has started."""
    with suppress(psutil.NoSuchProcess):
        return [root, *root.children(recursive=True)]
    return []


def _megabytes(process):
    """Memory of a process, 0 once it has ended."""
    try:
        found = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0.0
    return getattr(found, "pss", found.rss) / 2**20
