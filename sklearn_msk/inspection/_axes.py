"""Axes to draw on."""

import numpy as np
from sklearn.utils._optional_dependencies import check_matplotlib_support

# Of the palette of Okabe and Ito, which colour-blind readers tell apart.
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#767676"


def prepare_axes(ax, count, caller):
    """Axes, side by side, in a new figure or where the user wants them.

    Parameters
    ----------
    ax : matplotlib Axes, array-like of them, or None
        One axes is the frame that several are drawn in.
    count : int
        Number of axes to draw on.
    caller : str
        Name for the error where matplotlib is not installed.

    Returns
    -------
    ndarray of Axes, of shape (count,)

    Raises
    ------
    ValueError
        If another number of axes is given.
    """
    check_matplotlib_support(caller)
    import matplotlib.pyplot as plt
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    if ax is None:
        size = (4.8 * count, 3.6)
        _figure, axes = plt.subplots(
            1, count, figsize=size, layout="constrained", squeeze=False
        )
        return axes[0]
    given = np.ravel(np.asarray(ax, dtype=object))
    if len(given) == count:
        return given
    if len(given) == 1:
        ax.set_axis_off()
        grid = GridSpecFromSubplotSpec(
            1, count, subplot_spec=ax.get_subplotspec(), wspace=0.35
        )
        return np.array([ax.figure.add_subplot(cell) for cell in grid], dtype=object)
    raise ValueError(
        f"The 'ax' parameter must be one axes or {count} of them. Got {len(given)} "
        "instead."
    )


def finish(axis, xlabel, ylabel):
    """Labels, legend and a grid that does not get in the way."""
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False)
