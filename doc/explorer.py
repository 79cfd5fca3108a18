"""The interactive figure of the first page: its data, and where they go.

``<!-- explorer -->`` in a page becomes ``explorer.html``. The build writes the data to
``_static/explorer_data.js``. ``_static/explorer.js`` evaluates the same sum as
`evaluate`.

A model after T steps of the flow is

    f_T(x) = mean(y) + sum_i (1 - exp(-T mu_i / mu_max)) F_i(x),

where ``F_i(x) = (v_i . y) k(x, X) v_i / (n lam_i)`` is what the interpolant has in
eigen-direction i, and ``mu_i = g(lam_i)`` for the k leading ones, ``lam_i`` beyond. The
browser holds F on a coarse grid. Directions whose eigenvalues differ by a few per cent,
on one side of every k that the slider offers, are one term of the sum.
"""

import base64
import json
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.cbook import get_sample_data
from sklearn.metrics.pairwise import laplacian_kernel

from sklearn_msk.kernels import NTK

HERE = Path(__file__).parent
MARKER = "<!-- explorer -->"
SECONDS = HERE.parent / "benchmarks" / "results" / "explorer.json"

MAPS = ("identity", "flatten", "power", "lift")
COUNTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000, np.inf)


def landscape(n_rows=2000):
    """Pixels of an elevation model, to learn from and to look at."""
    elevation = get_sample_data("jacksboro_fault_dem.npz")["elevation"].astype(float)
    rows, columns = np.indices(elevation.shape)
    X = np.column_stack([columns.ravel(), -rows.ravel()]).astype(float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = elevation.ravel()
    sampled = np.zeros(len(y), dtype=bool)
    sampled[np.random.RandomState(0).choice(len(y), n_rows, replace=False)] = True
    shown = ((rows % 6 == 3) & (columns % 6 == 3)).ravel()
    return {
        "kernel": NTK(depth=1, bias_variance=0.5),
        "X": X[sampled],
        "y": y[sampled],
        "grid": X[shown],
        "truth": y[shown],
        "judged": ~sampled[shown],
        "shape": elevation[3::6, 3::6].shape,
        "counts": COUNTS,
        "ratio": 1.12,
    }


def curve(x):
    """Values of a slow wave, of a fast one in the middle, and of a step."""
    slow = np.sin(2 * np.pi * x)
    fast = 0.6 * np.sin(40 * np.pi * x) * np.exp(-(((x - 0.45) / 0.12) ** 2))
    return slow + fast + 0.8 * (x > 0.75)


def signal(n_rows=200):
    """Noisy values of a curve at equal distances."""
    x = (np.arange(n_rows) + 0.5) / n_rows
    grid = np.linspace(0, 1, 361)
    noise = np.random.RandomState(0).normal(scale=0.1, size=n_rows)
    return {
        "kernel": laplacian_of_one,
        "X": x[:, None],
        "y": curve(x) + noise,
        "grid": grid[:, None],
        "truth": curve(grid),
        "judged": np.ones(len(grid), dtype=bool),
        "shape": (1, len(grid)),
        "counts": tuple(count for count in COUNTS if count <= n_rows / 2),
        "ratio": 1.0,
    }


def laplacian_of_one(X, Y):
    """Laplacian kernel of length scale 1/5, for rows of one feature."""
    return laplacian_kernel(X, Y, gamma=5.0)


PROBLEMS = {"landscape": landscape, "signal": signal}


def terms(problem):
    """Eigenvalues and fields of the interpolant, neighbours in one term.

    Parameters
    ----------
    problem : dict
        What `landscape` or `signal` returns. "ratio" is the largest ratio of the
        eigenvalues of one term.

    Returns
    -------
    dict
        Per term: ``eigenvalues``, ``first`` and ``size`` (number of the first
        direction, from 0, and of directions), ``fields``, a row each; and ``levels``,
        the eigenvalue of direction k for each k > 0 that is offered.
    """
    kernel, X, y = problem["kernel"], problem["X"], problem["y"]
    n = len(y)
    lam, V = np.linalg.eigh(kernel(X, X) / n)
    lam, V = lam[::-1], V[:, ::-1]
    coefficients = V.T @ (y - y.mean())
    fields = kernel(problem["grid"], X) @ (V * (coefficients / (n * lam)))

    starts = [0]
    for i in range(1, n):
        if i in problem["counts"] or lam[starts[-1]] / lam[i] > problem["ratio"]:
            starts.append(i)
    energy = np.maximum(coefficients**2, 1e-12 * np.max(coefficients**2))
    logs = np.add.reduceat(energy * np.log(lam), starts)
    return {
        "eigenvalues": np.exp(logs / np.add.reduceat(energy, starts)),
        "first": np.array(starts),
        "size": np.diff([*starts, n]),
        "fields": np.add.reduceat(fields.T, starts, axis=0),
        "levels": {count: lam[count - 1] for count in problem["counts"] if count},
    }


def shares(g, k, steps, eigenvalues, first, levels):
    """Share of each term that is learned: 1 - exp(-steps mu / max(mu))."""
    mu, leading = np.array(eigenvalues), np.asarray(first) < k
    if k and g == "flatten":
        mu[leading] = levels[k]
    elif k and g == "lift":
        mu[leading] = levels[1]
    elif k and g == "power":
        mu[leading] = np.sqrt(levels[1] * mu[leading])
    if np.isinf(steps):
        return np.ones(len(mu))
    return -np.expm1(-steps * mu / mu.max())


def packed(problem, terms):
    """Numbers that the browser holds: a signed byte for each pixel of each term."""
    scale = np.maximum(np.abs(terms["fields"]).max(axis=1), 1e-300) / 127
    values = np.rint(terms["fields"] / scale[:, None]).astype(np.int8)
    truth, judged = problem["truth"], problem["judged"]
    low, high = truth.min(), truth.max()
    return {
        "shape": problem["shape"],
        "mean": problem["y"].mean(),
        "spread": truth[judged].std(),
        "eigenvalues": _rounded(terms["eigenvalues"]),
        "first": terms["first"].tolist(),
        "size": terms["size"].tolist(),
        "scale": _rounded(scale),
        "values": _base64(values),
        "counts": problem["counts"],
        "levels": dict(
            zip(terms["levels"], _rounded(terms["levels"].values()), strict=True)
        ),
        "low": low,
        "high": high,
        "truth": _base64(np.rint((truth - low) / (high - low) * 255).astype(np.uint8)),
        "judged": _base64(judged.astype(np.uint8)),
        "rows": len(problem["y"]),
    }


def evaluate(packed, g, k, steps):
    """Prediction on the grid, from the numbers that the browser holds."""
    levels = {int(count): level for count, level in packed["levels"].items()}
    share = shares(g, k, steps, packed["eigenvalues"], packed["first"], levels)
    values = np.frombuffer(base64.b64decode(packed["values"]), dtype=np.int8)
    values = values.reshape(len(share), -1)
    return packed["mean"] + (share * packed["scale"]) @ values


def data():
    """Everything that ``_static/explorer.js`` reads."""
    found = {}
    for name, make in PROBLEMS.items():
        problem = make()
        found[name] = packed(problem, terms(problem))
        if name == "signal":
            found[name]["x"] = _rounded(problem["X"].ravel())
            found[name]["y"] = _rounded(problem["y"])
    colours = (255 * colormaps["cividis"](np.linspace(0, 1, 64))[:, :3]).round()
    seconds = json.loads(SECONDS.read_text(encoding="utf-8"))
    return {
        "maps": MAPS,
        "steps": ["limit" if np.isinf(steps) else steps for steps in STEPS],
        "colours": colours.astype(int).tolist(),
        "problems": found,
        "seconds": seconds["seconds"],
        "machine": seconds["machine"],
    }


def _rounded(values):
    return [float(f"{value:.6g}") for value in values]


def _base64(values):
    return base64.b64encode(values.tobytes()).decode("ascii")


def insert(app, docname, source):
    """Put the figure where a page has the marker."""
    if MARKER in source[0]:
        html = (HERE / "explorer.html").read_text(encoding="utf-8")
        app.env.note_dependency(str(HERE / "explorer.html"))
        # The figure has an id, so that a page has one.
        before, after = source[0].split(MARKER, 1)
        figure = f"```{{raw}} html\n{html}```"
        source[0] = before + figure + after.replace(MARKER, "")


def write(app, exception):
    """Write the data beside the script."""
    if exception is None and app.builder.format == "html":
        text = json.dumps(data(), separators=(",", ":"))
        path = Path(app.outdir) / "_static" / "explorer_data.js"
        path.write_text(f"window.explorerData={text};\n", encoding="utf-8")


def setup(app):
    """Register with Sphinx."""
    app.connect("source-read", insert)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
