"""Axes to draw on."""

from typing import Any

import numpy as np

from sklearn_msk._compat import check_matplotlib_support

# Colours of Okabe and Ito, which colour-blind readers tell apart.
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#767676"
COLORS = (BLUE, ORANGE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9")


def prepare_axes(
    ax: Any, count: int, caller: str, size: tuple[float, float] = (4.8, 3.6)
) -> np.ndarray:
    """Return as many axes, in a new figure for None, within one, or those given.

    `size` is the width and the height of one axes of a new figure, in inches.
    """
    check_matplotlib_support(caller)
    import matplotlib.pyplot as plt
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    if ax is None:
        width, height = size
        _figure, axes = plt.subplots(
            1,
            count,
            figsize=(count * width, height),
            layout="constrained",
            squeeze=False,
        )
        return axes[0]
    given = np.ravel(np.asarray(ax, dtype=object))
    if len(given) == count:
        return given
    if len(given) == 1:
        frame = given[0]
        frame.set_axis_off()
        grid = GridSpecFromSubplotSpec(
            1, count, subplot_spec=frame.get_subplotspec(), wspace=0.35
        )
        cells = [grid[0, column] for column in range(count)]
        added = [frame.figure.add_subplot(cell) for cell in cells]
        return np.array(added, dtype=object)
    raise ValueError(
        f"The 'ax' parameter must be one axes or {count} of them. Got {len(given)} "
        "instead."
    )


def set_scales(axis: Any, measured: np.ndarray) -> None:
    """Make x logarithmic, and y where measured values differ by a factor of 10.

    A logarithmic y ends below the smallest measured value: predictions far below, as
    of errors smaller than `tol`, do not squeeze the rest.
    """
    axis.set_xscale("log")
    positive = measured[np.isfinite(measured) & (measured > 0.0)]
    if positive.size and positive.max() > 10.0 * positive.min():
        axis.set_yscale("log")
        bottom, smallest = axis.get_ylim()[0], positive.min()
        axis.set_ylim(bottom=max(bottom, smallest / 3.0))


def finish(axis: Any, xlabel: str, ylabel: str) -> None:
    """Add labels, a light grid, and a legend where anything has a label."""
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False)


def put_legend_beside(axis: Any) -> None:
    """Put the legend to the right of the axes, where it covers no data."""
    axis.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False)
