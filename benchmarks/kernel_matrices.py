"""Speed of NTK matrices against `neural-tangents`, per CPU second on one core.

``k(X)`` in float64 and float32, and a cross-kernel, for one and three hidden layers.
Each by compiled code, where numba is installed, and by NumPy. Run it with ``python
benchmarks/kernel_matrices.py``; `neural-tangents` 0.6.5 runs only with ``jax==0.4.35``,
in an environment of its own: pass its interpreter as ``--peer``.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from measure import cpu_seconds

from sklearn_msk.kernels import NTK

DEPTHS, DTYPES = (1, 3), ("float64", "float32")

PEER = """
import os, sys, time
os.environ["XLA_FLAGS"] = (
    "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
import jax
jax.config.update("jax_enable_x64", True)
import numpy as np
from neural_tangents import stax
n, d, repeats = map(int, sys.argv[1:])
X = np.random.RandomState(0).standard_normal((n, d))
for depth in (1, 3):
    hidden = (stax.Dense(1, W_std=2**0.5, b_std=0.1**0.5), stax.Relu()) * depth
    kernel = stax.serial(*hidden, stax.Dense(1, W_std=2**0.5, b_std=0.1**0.5))[2]
    matrix = jax.jit(lambda x: kernel(x, None, "ntk"))
    for dtype in ("float64", "float32"):
        x = X.astype(dtype)
        matrix(x).block_until_ready()
        seconds = []
        for _ in range(repeats):
            started = time.process_time()
            matrix(x).block_until_ready()
            seconds.append(time.process_time() - started)
        print(depth, dtype, sorted(seconds)[repeats // 2])
"""


def peer_seconds(interpreter, *sizes):
    """CPU seconds of neural-tangents by depth and dtype, empty where it cannot run."""
    if interpreter is None:
        print("neural-tangents: skipped, no --peer interpreter was given")
        return {}
    command = [interpreter, "-c", PEER, *map(str, sizes)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print(f"neural-tangents: skipped, {done.stderr.strip().splitlines()[-1]}")
        return {}
    rows = [line.rsplit(maxsplit=1) for line in done.stdout.splitlines()]
    return {setting: float(seconds) for setting, seconds in rows}


def own_seconds(options):
    """CPU seconds of k(X) and k(X, Z) by depth and dtype, as this process has them."""
    X = np.random.RandomState(0).standard_normal((options.rows, options.features))
    seconds = {}
    for depth in DEPTHS:
        for dtype in DTYPES:
            x, kernel = X.astype(dtype), NTK(depth)
            kernel(x)
            seconds[f"{depth} {dtype}"] = [
                cpu_seconds(lambda k=kernel, x=x: k(x), options.repeats),
                cpu_seconds(lambda k=kernel, x=x: k(x, x[::-1]), options.repeats),
            ]
    return seconds


def numpy_seconds():
    """Return the same where numba is told not to compile."""
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, __file__, *sys.argv[1:], "--own"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return json.loads(done.stdout)


def main():
    """Print a row for each depth and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--peer", help="Python interpreter that has neural-tangents")
    parser.add_argument("--own", action="store_true", help="only the seconds, as JSON")
    options = parser.parse_args()
    if options.own:
        print(json.dumps(own_seconds(options)))
        return
    sizes = options.rows, options.features, options.repeats
    peer, by_numpy = peer_seconds(options.peer, *sizes), numpy_seconds()
    compiled = {}
    if importlib.util.find_spec("numba"):
        compiled = own_seconds(options)
    else:
        print("compiled: skipped, numba is not installed")
    print("| M entries / s | numba | | NumPy | | neural-tangents |")
    print("| hidden layers, dtype | k(X) | k(X, Z) | k(X) | k(X, Z) | k(X) |")
    print("|---|---|---|---|---|---|")
    missing = [np.nan, np.nan]
    for setting, seconds in by_numpy.items():
        cells = compiled.get(setting, missing) + seconds + [peer.get(setting, np.nan)]
        rates = " | ".join(f"{1e-6 * options.rows**2 / cell:.1f}" for cell in cells)
        print(f"| {setting} | {rates} |", flush=True)


if __name__ == "__main__":
    main()
