"""The spectrum of a kernel, before and after g, and where y lies in it."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_msk._estimators import MSKClassifierCV
from sklearn_msk.inspection._axes import BLUE, GREY, ORANGE, finish, prepare_axes
from sklearn_msk.inspection._directions import (
    check_fitted,
    find_directions,
    find_targets,
)
from sklearn_msk.inspection._last_step import last_step


class SpectrumDisplay:
    """Eigenvalues before and after g, and the energy of y in each eigen-direction.

    Create the display with `from_estimator`. The energy of y in an eigen-direction is
    the part of the sum of squares of y along it. Plain descent is slow in
    eigen-directions with much energy and small eigenvalues: raise their rates.

    Parameters
    ----------
    eigenvalues : ndarray of shape (n_directions,)
        Eigenvalues of K/n, descending.
    modified_eigenvalues : ndarray of shape (n_directions,)
        Rates: ``g(eigenvalues)`` for the k leading eigen-directions, the eigenvalues
        beyond.
    energies : ndarray of shape (n_directions,), default=None
        Part of the sum of squares of y minus its mean in each eigen-direction.

    Attributes
    ----------
    figure_ : matplotlib Figure
        Figure of the axes.
    ax_ : matplotlib Axes
        Axes with the eigenvalues.
    energy_ax_ : matplotlib Axes or None
        Axes with the energies.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import make_friedman1
    >>> from sklearn_msk import MSKRegressor
    >>> from sklearn_msk.inspection import SpectrumDisplay
    >>> X, y = make_friedman1(200, random_state=0)
    >>> model = MSKRegressor(k=20).fit(X, y)
    >>> display = SpectrumDisplay.from_estimator(model, X, y)
    >>> print(f"{display.energies.sum():.2f} of y in {len(display.energies)}")
    0.84 of y in 50
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        eigenvalues: np.ndarray,
        modified_eigenvalues: np.ndarray,
        energies: np.ndarray | None = None,
    ) -> None:
        self.eigenvalues = eigenvalues
        self.modified_eigenvalues = modified_eigenvalues
        self.energies = energies

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        n_directions: int | None = None,
        ax: Any = None,
    ) -> "SpectrumDisplay":
        """Decompose the kernel of a fitted estimator on some rows, and draw it.

        Parameters
        ----------
        estimator : MSKRegressor, MSKClassifier, MSKKernel or WideNetworkRegressor
            Fitted estimator; or a fitted pipeline that ends in one, or a search with
            `best_estimator_`.
        X : array-like of shape (n_samples, n_features)
            Training rows as the pipeline or search takes them, or a random part of
            them, at most 10 000 rows. The spectrum of K/n and the energies mean the
            same at every number of rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Targets, or labels of a classifier. None draws no energies.
        n_directions : int, default=None
            Number of eigen-directions to draw. None is the larger of 50 and twice the
            number whose rates g sets.
        ax : matplotlib Axes, or two of them, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        SpectrumDisplay
            The display.

        Raises
        ------
        TypeError
            If the estimator is none of these.
        ValueError
            If the rows or targets are not what the estimator takes.
        """
        estimator, X = last_step(estimator, X, shown=(MSKClassifierCV,))
        check_fitted(estimator)
        directions = find_directions(estimator, X, n_directions)
        energies = None
        if y is not None:
            energies = directions.energies(find_targets(estimator, X, y))
        display = cls(
            eigenvalues=directions.eigenvalues,
            modified_eigenvalues=directions.rates,
            energies=energies,
        )
        return display.plot(ax=ax)

    def plot(self, ax: Any = None) -> "SpectrumDisplay":
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, or two of them, default=None
            Axes to draw on. None makes a new figure.

        Returns
        -------
        self : SpectrumDisplay
            The display itself.
        """
        count = 1 if self.energies is None else 2
        axes = prepare_axes(ax, count, "SpectrumDisplay.plot")
        self.ax_, self.figure_ = axes[0], axes[0].figure
        self.energy_ax_ = None if self.energies is None else axes[1]
        number = np.arange(1, len(self.eigenvalues) + 1)
        self.ax_.loglog(number, self.eigenvalues, "o", color=GREY, ms=4, label="kernel")
        self.ax_.loglog(
            number, self.modified_eigenvalues, color=ORANGE, lw=2, label="after g"
        )
        finish(self.ax_, "direction", "eigenvalue of K/n, rate of learning")
        if self.energies is not None:
            _plot_energies(axes[1], number, self.energies)
        return self


def _plot_energies(axis: Any, number: np.ndarray, energies: np.ndarray) -> None:
    """Draw the energies, and what is left of y beyond each direction."""
    left = np.maximum(1.0 - np.cumsum(energies), 0.0)
    axis.loglog(number, energies, "o", color=GREY, ms=4, label="in the direction")
    shown = left > 0
    axis.loglog(
        number[shown], left[shown], color=BLUE, lw=2, label="in all that follow"
    )
    finish(axis, "direction", "part of the energy of y")
