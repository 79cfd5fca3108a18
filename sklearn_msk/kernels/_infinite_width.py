"""Kernels of fully connected neural networks of infinite width."""

import math
from numbers import Integral, Real

import numpy as np
from joblib import Parallel, delayed
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel
from sklearn.utils import check_array

from sklearn_msk._batches import batches
from sklearn_msk.kernels._activations import ACTIVATIONS
from sklearn_msk.kernels._piecewise_linear import PiecewiseLinear
from sklearn_msk.kernels._rows import Rows
from sklearn_msk.kernels._tiles import COMPILE_FROM, Tiles, compiled_tiles

# Rows and columns of a tile: its few buffers stay in cache. Not a power of two, as a
# transposed copy of such a tile would hit the same cache lines again and again.
_TILE = 200


class _InfiniteWidthKernel(Kernel):
    """Recursion over the layers, shared by `NTK` and `NNGP`."""

    def __init__(
        self,
        depth=1,
        activation="relu",
        weight_variance=2.0,
        bias_variance=0.1,
        weight_variance_bounds=(1e-5, 1e5),
        bias_variance_bounds=(1e-5, 1e5),
    ):
        self.depth = depth
        self.activation = activation
        self.weight_variance = weight_variance
        self.bias_variance = bias_variance
        self.weight_variance_bounds = weight_variance_bounds
        self.bias_variance_bounds = bias_variance_bounds

    @property
    def hyperparameter_weight_variance(self):
        """Weight variance as scikit-learn's `Hyperparameter`, fixed at 0."""
        return self._hyperparameter("weight_variance")

    @property
    def hyperparameter_bias_variance(self):
        """Bias variance as scikit-learn's `Hyperparameter`, fixed at 0."""
        return self._hyperparameter("bias_variance")

    def _hyperparameter(self, name):
        # The logarithm that scikit-learn optimises does not exist at 0.
        fixed = getattr(self, name) == 0
        bounds = "fixed" if fixed else getattr(self, f"{name}_bounds")
        return Hyperparameter(name, "numeric", bounds)

    def __call__(self, X, Y=None, eval_gradient=False, n_jobs=None):
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
        K = self._matrix(X, Y, n_jobs)
        if not eval_gradient:
            return K
        if Y is not None:
            raise ValueError("The gradient can be evaluated only where Y is None.")
        gradient = np.empty((*K.shape, self.n_dims))
        for dimension in range(self.n_dims):
            gradient[..., dimension] = self._derivative(X, dimension, n_jobs)
        return K, gradient

    def _derivative(self, X, dimension, n_jobs):
        """Differentiate for one entry of theta, by central differences.

        ``(8 (k(h) - k(-h)) - (k(2h) - k(-2h))) / 12h`` is exact up to h^4; in the
        logarithm of a variance, where the kernel changes on a scale of 1, that and the
        rounding ``eps / h`` are both below 1e-11 for h = 1e-3.
        """
        h = 1e-3
        X = np.asarray(X, dtype=np.float64)
        derivative = 0.0
        for steps, weight in ((1, 8.0), (-1, -8.0), (2, -1.0), (-2, 1.0)):
            theta = self.theta.copy()
            theta[dimension] += steps * h
            shifted = self.clone_with_theta(theta)
            derivative = derivative + weight / (12.0 * h) * shifted._matrix(
                X, None, n_jobs
            )
        return derivative

    def _matrix(self, X, Y, n_jobs):
        self._validate()
        X = self._validate_rows(X)
        Z = X if Y is None else self._validate_rows(Y, X.shape[1])
        out = np.empty((X.shape[0], Z.shape[0]), np.result_type(X, Z))
        dtype = self._working_dtype(out.dtype)
        x = Rows.entering(self, X, dtype)
        z = x if Y is None else Rows.entering(self, Z, dtype)
        make_tiles = self._choose_tiles(out.size)
        Parallel(n_jobs=n_jobs, require="sharedmem")(
            delayed(self._fill_rows)(out, x, z, rows, make_tiles, symmetric=Y is None)
            for rows in batches(out.shape[0], _TILE)
        )
        return out

    def tiles(self, X):
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
        self._validate()
        X = self._validate_rows(X)
        prepared = Rows.entering(self, X, self._working_dtype(X.dtype))
        make_tiles = self._choose_tiles(len(X) ** 2)

        def tile(rows, columns):
            x, symmetric = prepared[rows], rows == columns
            z = x if symmetric else prepared[columns]
            out = np.empty((len(x), len(z)), X.dtype)
            for part in batches(len(x), _TILE):
                self._fill_rows(out, x, z, part, make_tiles, symmetric)
            return out

        return tile

    def _choose_tiles(self, n_entries):
        """Class that evaluates tiles of a matrix of this size."""
        worthwhile = n_entries * self.depth >= COMPILE_FROM
        if worthwhile and isinstance(self.dual, PiecewiseLinear):
            return compiled_tiles() or Tiles
        return Tiles

    def _fill_rows(self, out, x, z, rows, make_tiles, symmetric):
        """Compute some rows tile by tile, and their mirror image if symmetric."""
        # A kernel value that overflows is infinite, which the estimators report.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            tiles, x = make_tiles(self, _TILE, x.dtype), x[rows]
            for columns in batches(rows.stop if symmetric else out.shape[1], _TILE):
                tile, block = tiles.evaluate(x, z[columns]), out[rows, columns]
                if symmetric:
                    tiles.copy_transposed(tile, out[columns, rows])
                if symmetric and rows == columns:
                    np.copyto(block, tile, where=np.tri(len(tile), dtype=bool))
                    np.fill_diagonal(block, self._diagonal(x))
                else:
                    np.copyto(block, tile)

    def diag(self, X):
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
        self._validate()
        X = self._validate_rows(X)
        rows = Rows.entering(self, X, self._working_dtype(X.dtype))
        diagonal = self._diagonal(rows)
        return diagonal.astype(X.dtype, copy=False)

    def _diagonal(self, rows):
        """Kernel of rows with themselves, from their lengths layer by layer."""
        with np.errstate(over="ignore", invalid="ignore"):
            covariances = [np.square(layer.total) for layer in rows.layers]
            if not self.tangent:
                return covariances[-1]
            tangent = covariances[0]
            for layer, covariance in zip(rows.layers, covariances[1:], strict=False):
                slope = self.dual.mean_square_slope(layer.total)
                tangent = covariance + self.weight_variance * slope * tangent
        return tangent

    def is_stationary(self):
        """Return False: the kernel depends on the lengths of the rows."""
        return False

    def __repr__(self):
        return (
            f"{type(self).__name__}(depth={self.depth!r}, "
            f"activation={self.activation!r}, "
            f"weight_variance={_short(self.weight_variance)}, "
            f"bias_variance={_short(self.bias_variance)})"
        )

    def _working_dtype(self, dtype):
        """Precision of the recursion for a matrix of this precision."""
        return np.dtype(np.float64) if self.dual.needs_double else dtype

    @property
    def dual(self):
        return ACTIVATIONS[self.activation]

    def _validate(self):
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

    def _validate_rows(self, X, n_features=None):
        X = check_array(
            X, dtype=[np.float64, np.float32], estimator=type(self).__name__
        )
        if n_features is not None and X.shape[1] != n_features:
            raise ValueError(
                f"{type(self).__name__} compares rows of the same features: X has "
                f"{n_features}, Y has {X.shape[1]}."
            )
        return X


def _short(value):
    """Three digits of a number, or whatever it is instead of one."""
    return f"{value:.3g}" if isinstance(value, Real) else repr(value)


class NNGP(_InfiniteWidthKernel):
    """Neural network Gaussian process kernel: the prior of an infinitely wide network.

    Covariance of the outputs of a randomly initialised fully connected network whose
    hidden layers are infinitely wide, in the normalisation of `neural-tangents`:
    inputs enter as ``x.z / n_features``, and every layer, the read-out included, has
    weight variance ``weight_variance`` and bias variance ``bias_variance``::

        Sigma_1     = weight_variance * x.z / n_features + bias_variance
        Sigma_{l+1} = weight_variance * E[phi phi](Sigma_l) + bias_variance

    and the kernel is ``Sigma_{depth + 1}``.

    Parameters
    ----------
    depth : int, default=1
        Number of hidden layers, >= 1.
    activation : {"relu", "leaky_relu", "abs", "erf", "sin", "cos", "gaussian", \
            "gelu"}, default="relu"
        Activation function; leaky_relu has slope 0.01 below zero, gaussian is
        ``exp(-f^2)``.
    weight_variance : float, default=2.0
        Variance of the weights, >= 0. 2 keeps the scale of relu layers.
    bias_variance : float, default=0.1
        Variance of the biases, >= 0. With relu, one hidden layer and no bias, functions
        of odd frequency >= 3 on the sphere cannot be learned.
    weight_variance_bounds, bias_variance_bounds : pair of floats >= 0 or "fixed", \
            default=(1e-5, 1e5)
        Bounds for the optimiser of a Gaussian process. A variance of 0 is held fixed.

    See Also
    --------
    NTK : The kernel that describes training such a network by gradient descent.

    References
    ----------
    J. Lee, Y. Bahri, R. Novak, S. Schoenholz, J. Pennington, J. Sohl-Dickstein, *Deep
    Neural Networks as Gaussian Processes*, ICLR 2018.

    Examples
    --------
    >>> from sklearn_msk.kernels import NNGP
    >>> NNGP(bias_variance=0.0)([[1.0, 0.0], [0.0, 1.0]]).round(4)
    array([[1.    , 0.3183],
           [0.3183, 1.    ]])
    """

    tangent = False


class NTK(_InfiniteWidthKernel):
    """Neural tangent kernel: an infinitely wide network under gradient descent.

    In the normalisation of `neural-tangents`, with the ``Sigma`` of `NNGP`::

        Theta_1     = Sigma_1
        Theta_{l+1} = Sigma_{l+1} + weight_variance * Theta_l * E[phi' phi'](Sigma_l)

    and the kernel is ``Theta_{depth + 1}``.

    Parameters
    ----------
    depth : int, default=1
        Number of hidden layers, >= 1.
    activation : {"relu", "leaky_relu", "abs", "erf", "sin", "cos", "gaussian", \
            "gelu"}, default="relu"
        Activation function; leaky_relu has slope 0.01 below zero, gaussian is
        ``exp(-f^2)``.
    weight_variance : float, default=2.0
        Variance of the weights, >= 0. 2 keeps the scale of relu layers.
    bias_variance : float, default=0.1
        Variance of the biases, >= 0. With relu, one hidden layer and no bias, functions
        of odd frequency >= 3 on the sphere cannot be learned.
    weight_variance_bounds, bias_variance_bounds : pair of floats >= 0 or "fixed", \
            default=(1e-5, 1e5)
        Bounds for the optimiser of a Gaussian process. A variance of 0 is held fixed.

    See Also
    --------
    NNGP : The kernel of such a network at initialisation.

    References
    ----------
    A. Jacot, F. Gabriel, C. Hongler, *Neural Tangent Kernel: Convergence and
    Generalization in Neural Networks*, NeurIPS 2018.

    Examples
    --------
    >>> from sklearn.kernel_ridge import KernelRidge
    >>> from sklearn_msk.kernels import NTK
    >>> NTK(bias_variance=0.0)([[1.0, 0.0], [0.0, 1.0]]).round(4)
    array([[2.    , 0.3183],
           [0.3183, 2.    ]])
    >>> model = KernelRidge(kernel=NTK(depth=3), alpha=1e-3)
    >>> model.fit([[0.0], [1.0]], [0.0, 1.0]).predict([[1.0]]).round(2)
    array([1.])
    """

    tangent = True
