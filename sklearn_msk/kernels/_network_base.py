"""What `NTK` and `NNGP` share: parameters, matrices and gradients for scikit-learn."""

import math
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel
from sklearn.utils import check_array

from sklearn_msk._array_api import Array, Place, place_of, to_host
from sklearn_msk._batches import batches
from sklearn_msk._tuning import NETWORK_TILE_ROWS
from sklearn_msk.kernels._activations import ACTIVATIONS, Activation
from sklearn_msk.kernels._angles import Angles, Lengths
from sklearn_msk.kernels._layer_statistics import LayerStatistics
from sklearn_msk.kernels._network_arrays import network_matrix
from sklearn_msk.kernels._network_matrix import (
    TileEvaluator,
    choose_evaluator,
    fill_matrix,
    fill_rows,
)


class InfiniteWidthKernel(Kernel):
    """A scikit-learn kernel that states its recursion over the layers."""

    # Whether the kernel is Theta, and not Sigma.
    tangent: bool

    def __init__(
        self,
        depth: int = 1,
        activation: str = "relu",
        weight_variance: float = 2.0,
        bias_variance: float = 0.1,
        weight_variance_bounds: tuple[float, float] | str = (1e-5, 1e5),
        bias_variance_bounds: tuple[float, float] | str = (1e-5, 1e5),
        normalized: bool = False,
    ) -> None:
        self.depth = depth
        self.activation = activation
        self.weight_variance = weight_variance
        self.bias_variance = bias_variance
        self.weight_variance_bounds = weight_variance_bounds
        self.bias_variance_bounds = bias_variance_bounds
        self.normalized = normalized

    @abstractmethod
    def recursion(self, x: list[Lengths], z: list[Lengths], angles: Angles) -> Array:
        """Kernel from the lengths in each layer and the angles entering the first.

        Lengths are shaped (n_x, 1) and (1, n_z); the read-out is the last of the
        ``depth + 1`` layers.
        """

    @abstractmethod
    def recursion_diagonal(self, x: list[Lengths]) -> Array:
        """Kernel of rows with themselves, from their lengths in each layer."""

    @property
    def dual(self) -> Activation:
        """Gaussian expectations of the activation."""
        return ACTIVATIONS[self.activation]

    @property
    def hyperparameter_weight_variance(self) -> Hyperparameter:
        """Weight variance as scikit-learn's `Hyperparameter`, fixed at 0."""
        return self._hyperparameter("weight_variance")

    @property
    def hyperparameter_bias_variance(self) -> Hyperparameter:
        """Bias variance as scikit-learn's `Hyperparameter`, fixed at 0."""
        return self._hyperparameter("bias_variance")

    def _hyperparameter(self, name: str) -> Hyperparameter:
        """Hyperparameter of a variance, with its bounds."""
        # The logarithm that scikit-learn optimises does not exist at 0.
        fixed = getattr(self, name) == 0
        bounds = "fixed" if fixed else getattr(self, f"{name}_bounds")
        return Hyperparameter(name, "numeric", bounds)

    def __call__(
        self,
        X: ArrayLike,
        Y: ArrayLike | None = None,
        eval_gradient: bool = False,
        n_jobs: int | None = None,
    ) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Kernel matrix.

        Parameters
        ----------
        X : array-like of shape (n_samples_X, n_features)
            Rows, float32 or float64 (anything else is converted to float64).
        Y : array-like of shape (n_samples_Y, n_features), default=None
            Rows of the other set; None means X, and the result is then exactly
            symmetric.
        eval_gradient : bool, default=False
            Whether to return the gradient for the logarithms of the variances that
            are not held fixed too.
        n_jobs : int, default=None
            Number of threads that compute the matrix, as in `joblib.Parallel`. The
            result does not depend on it.

        Returns
        -------
        K : ndarray of shape (n_samples_X, n_samples_Y)
            In float32 where X (and Y) are, float64 otherwise.
        K_gradient : ndarray of shape (n_samples_X, n_samples_X, n_dims)
            Only with ``eval_gradient=True``.

        Raises
        ------
        ValueError
            If a parameter is out of its range, if X holds NaN or infinity, if X and Y
            differ in their features, or if a gradient is asked for between two sets.
        """
        place = place_of(X)
        if place is not None:
            K = self._matrix_there(place, X, Y, n_jobs)
        else:
            K = self._matrix(X, Y, n_jobs)
        if not eval_gradient:
            return K
        if Y is not None:
            raise ValueError("The gradient can be evaluated only where Y is None.")
        gradient = np.empty((*K.shape, self.n_dims))
        for dimension in range(self.n_dims):
            gradient[..., dimension] = self._derivative(X, dimension, n_jobs)
        return K, gradient

    def _derivative(
        self, X: ArrayLike, dimension: int, n_jobs: int | None
    ) -> np.ndarray:
        """Differentiate for one entry of theta, by central differences.

        ``(8 (k(h) - k(-h)) - (k(2h) - k(-2h))) / 12h`` is exact up to h^4; in the
        logarithm of a variance, where the kernel changes on a scale of 1, that and the
        rounding ``eps / h`` are both below 1e-11 for h = 1e-3.
        """
        h = 1e-3
        X = np.asarray(X, dtype=np.float64)
        derivative = np.zeros((len(X), len(X)))
        for steps, weight in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
            theta = self.theta.copy()
            theta[dimension] += steps * h
            shifted = self.clone_with_theta(theta)
            derivative += weight / (12.0 * h) * shifted._matrix(X, None, n_jobs)
        return derivative

    def _matrix_there(
        self, place: Place, X: Array, Y: Array | None, n_jobs: int | None
    ) -> Array:
        """Kernel matrix of arrays of another library, where they are."""
        self.check_parameters()
        if place.engine is None:
            return place.put(self._matrix(to_host(X), to_host(Y), n_jobs))
        return network_matrix(self, X, Y)

    def _matrix(
        self,
        X: ArrayLike,
        Y: ArrayLike | None,
        n_jobs: int | None,
        engine: type[TileEvaluator] | None = None,
    ) -> np.ndarray:
        """Kernel matrix, by the fastest engine where none is given."""
        self.check_parameters()
        X = self._validate_rows(X)
        Z = X if Y is None else self._validate_rows(Y, X.shape[1])
        out = np.empty((X.shape[0], Z.shape[0]), np.result_type(X, Z))
        dtype = self._working_dtype(out.dtype)
        x = LayerStatistics.of_rows(self, X, dtype)
        z = x if Y is None else LayerStatistics.of_rows(self, Z, dtype)
        engine = engine or choose_evaluator(self, out.size)
        diagonal = self._diagonal(x) if Y is None else None
        make_evaluator = partial(engine, self, NETWORK_TILE_ROWS, dtype)
        fill_matrix(out, x, z, make_evaluator, diagonal, n_jobs)
        return out

    def tiles(self, X: ArrayLike) -> Callable[[slice, slice], np.ndarray]:
        """Return what evaluates ``k(X)`` tile by tile, its rows prepared once.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        callable
            ``tile(rows, columns)`` is a new array, ``k(X)[rows, columns]`` for two
            slices that are equal or disjoint.
        """
        self.check_parameters()
        X = self._validate_rows(X)
        dtype = self._working_dtype(X.dtype)
        prepared = LayerStatistics.of_rows(self, X, dtype)
        engine = choose_evaluator(self, len(X) ** 2)
        make_evaluator = partial(engine, self, NETWORK_TILE_ROWS, dtype)

        def tile(rows: slice, columns: slice) -> np.ndarray:
            x, symmetric = prepared[rows], rows == columns
            z = x if symmetric else prepared[columns]
            out = np.empty((len(x), len(z)), X.dtype)
            diagonal = self._diagonal(x) if symmetric else None
            for part in batches(len(x), NETWORK_TILE_ROWS):
                fill_rows(out, x, z, part, make_evaluator, diagonal)
            return out

        return tile

    def diag(self, X: ArrayLike) -> np.ndarray:
        """Diagonal of ``k(X, X)`` in O(n_samples), by the closed form at angle 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            The diagonal.
        """
        self.check_parameters()
        X = self._validate_rows(X)
        dtype = self._working_dtype(X.dtype)
        diagonal = self._diagonal(LayerStatistics.of_rows(self, X, dtype))
        return diagonal.astype(X.dtype, copy=False)

    def _diagonal(self, x: LayerStatistics) -> np.ndarray:
        """Kernel of rows with themselves; it may overflow."""
        with np.errstate(over="ignore", invalid="ignore"):
            own = self.recursion_diagonal(x.layers)
            # 1 exactly, 0 for a zero row without bias, and not finite as before.
            return np.where(own > 0, own / own, own) if self.normalized else own

    def is_stationary(self) -> bool:
        """Return False: the kernel depends on the lengths of the rows."""
        return False

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(depth={self.depth!r}, "
            f"activation={self.activation!r}, "
            f"weight_variance={_short(self.weight_variance)}, "
            f"bias_variance={_short(self.bias_variance)}"
            f"{', normalized=True' if self.normalized else ''})"
        )

    def _working_dtype(self, dtype: np.dtype) -> np.dtype:
        """Precision of the recursion for a matrix of this precision."""
        return np.dtype(np.float64) if self.dual.needs_double else dtype

    def check_parameters(self) -> None:
        """Raise a ValueError where a parameter is out of its range."""
        name = type(self).__name__
        if (
            not isinstance(self.depth, Integral)
            or isinstance(self.depth, bool)
            or self.depth < 1
        ):
            raise ValueError(
                f"The 'depth' of {name} must be an int >= 1, the number of hidden "
                f"layers. Got {self.depth!r} instead."
            )
        if not isinstance(self.activation, str) or self.activation not in ACTIVATIONS:
            raise ValueError(
                f"The 'activation' of {name} must be one of {sorted(ACTIVATIONS)}. "
                f"Got {self.activation!r} instead."
            )
        for parameter in ("weight_variance", "bias_variance"):
            value = getattr(self, parameter)
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not number or not 0 <= value < math.inf:
                raise ValueError(
                    f"The '{parameter}' of {name} must be a finite number >= 0. "
                    f"Got {value!r} instead."
                )

        if not isinstance(self.normalized, bool | np.bool_):
            raise ValueError(
                f"The 'normalized' of {name} must be True or False. Got "
                f"{self.normalized!r} instead."
            )

    def _validate_rows(self, X: ArrayLike, n_features: int | None = None) -> np.ndarray:
        """Rows in float32 or float64, with as many features as the others."""
        rows: np.ndarray = check_array(
            X, dtype=[np.float64, np.float32], estimator=type(self).__name__
        )
        if n_features is not None and rows.shape[1] != n_features:
            raise ValueError(
                f"{type(self).__name__} compares rows of the same features: X has "
                f"{n_features}, Y has {rows.shape[1]}."
            )
        return rows


def _short(value: object) -> str:
    """Three digits of a number, or whatever it is instead of one."""
    return f"{value:.3g}" if isinstance(value, Real) else repr(value)
