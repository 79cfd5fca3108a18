"""Draw the table of `large.py modes`: seconds, memory and error over the rows.

``python draw_modes.py results/modes.json ../doc/images/modes.png``
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator

PANELS = {
    "cpu_seconds": "CPU seconds of a fit",
    "mebibytes": "peak memory, MiB",
    "relative_rmse": "RMSE / sd(y)",
}


def curves(measured):
    """Split what was measured into numbers over the rows, for each mode."""
    found = {}
    for name, numbers in measured.items():
        found.setdefault(name.rsplit(", ", 1)[0], []).append(numbers)
    return found


def main():
    """Draw a panel for each number."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("numbers", type=Path, help="what --json has written")
    parser.add_argument("picture", type=Path, help="file of the picture")
    options = parser.parse_args()
    of_modes = curves(json.loads(options.numbers.read_text())["models"])
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    markers = dict(zip(of_modes, "osD^v", strict=False))
    for ax, (key, title) in zip(axes, PANELS.items(), strict=True):
        for mode, numbers in of_modes.items():
            rows = [one["rows"] for one in numbers]
            values = [one[key] for one in numbers]
            ax.plot(rows, values, marker=markers[mode], label=mode)
        ax.set(xscale="log", yscale="log", xlabel="training rows", title=title)
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
        ax.yaxis.set_minor_formatter("{x:g}")
        ax.grid(visible=True, which="both", alpha=0.3)
    axes[0].legend()
    figure.savefig(options.picture, dpi=100)


if __name__ == "__main__":
    main()
