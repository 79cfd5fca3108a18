"""Gradients of kernel expansions, in closed form where the kernel has one."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    Exponentiation,
    Matern,
    Product,
    RationalQuadratic,
    Sum,
    WhiteKernel,
)

from sklearn_msk._batches import batches
from sklearn_msk.kernels._adapters import PairwiseKernel, PrecomputedKernel
from sklearn_msk.kernels._angles import unit_rows
from sklearn_msk.kernels._evaluation import evaluate_kernel
from sklearn_msk.kernels._layer_statistics import LayerStatistics
from sklearn_msk.kernels._network_base import InfiniteWidthKernel
from sklearn_msk.kernels._network_pairs import network_pairs
from sklearn_msk.kernels._pair_derivatives import (
    DifferenceTerm,
    Pairs,
    PlaneTerm,
    SignTerm,
    Term,
    difference_steps,
)
from sklearn_msk.kernels._resolution import ResolvedKernel

PairFunction = Callable[[np.ndarray], Pairs]
Profile = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]

# Entries of a block of rows with all others; a network holds about 15 such matrices.
_BLOCK_ENTRIES = 500_000

# As in `_distances`: closer pairs are taken from the differences of the rows.
_CLOSE = 1e-2

# Above this share of close pairs, all differences by `cdist` cost less than a gather.
_MANY = 0.05


def weighted_gradients(
    kernel: ResolvedKernel,
    X: np.ndarray,
    coef: np.ndarray,
    *,
    rows: np.ndarray | None = None,
    n_jobs: int | None = None,
    block_entries: int = _BLOCK_ENTRIES,
) -> np.ndarray:
    """Gradients of ``f(x) = sum_j a_j k(x, x_j)`` at rows.

    In closed form for "linear", "poly", "sigmoid", "cosine", "rbf" and "laplacian", the
    kernel objects `RBF`, `RationalQuadratic`, `DotProduct`, `Matern` with nu of 0.5,
    1.5, 2.5 and infinity, `NTK` and `NNGP`, and for sums, products, powers and
    multiples of these; by central differences of fourth order for all others. With
    ``t = |x - z|^2`` for kernels ``k = p(t)`` of the distance, and ``c = x.z`` for
    those of the product::

        grad_x p(t) = 2 p'(t) (x - z)
        grad_x p(c) = p'(c) z
        grad_x exp(-gamma |x - z|_1) = -gamma k sign(x - z)

    Sums over j are products with matrices of shape (n_rows, n), a block of rows at a
    time. Where a kernel has a kink at equal rows ("laplacian", `Matern` of 1/2, `NTK`
    of a piecewise linear activation), the derivative there is the mean of both sides,
    as a central difference would have it: 0 for kernels of a constant diagonal, for
    others half the gradient of ``k(x, x)``.

    Parameters
    ----------
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n, n_features)
        The rows x_j.
    coef : ndarray of shape (n,) or (n, n_targets)
        The coefficients a_j.
    rows : ndarray of shape (n_rows, n_features), default=None
        Where to differentiate; None means X.
    n_jobs : int, default=None
        Threads, as in `joblib.Parallel`. The result does not depend on it.
    block_entries : int
        Entries of a block of rows with X, of which a few are in memory.

    Returns
    -------
    ndarray of shape (n_rows, n_features) or (n_rows, n_features, n_targets), float64

    Raises
    ------
    ValueError
        If the kernel is precomputed.
    """
    if isinstance(kernel, PrecomputedKernel):
        raise ValueError(
            "The gradient of kernel='precomputed' is not known. Pass a kernel that can "
            "be computed between any two rows."
        )
    X = np.asarray(X, dtype=np.float64)
    rows = X if rows is None else np.asarray(rows, dtype=np.float64)
    columns = np.asarray(coef, dtype=np.float64).reshape(len(X), -1)
    pairs = pair_function(kernel, X)
    out = np.empty((*rows.shape, columns.shape[1]))

    def fill(block: slice) -> None:
        out[block] = _contract(pairs(rows[block]).terms, rows[block], columns)

    n_rows = max(1, block_entries // len(X))
    Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(fill)(block) for block in batches(len(rows), n_rows)
    )
    return out[..., 0] if np.ndim(coef) == 1 else out


def _contract(
    terms: tuple[Term, ...], rows: np.ndarray, coef: np.ndarray
) -> np.ndarray:
    """Sum of the terms over all j, for each column of coefficients."""
    total = np.zeros((*rows.shape, coef.shape[1]))
    for term in terms:
        total += term.contract(coef)
    return total


def pair_function(kernel: Any, X: np.ndarray) -> PairFunction:
    """Return what gives `Pairs` of any rows with those of X, float64."""
    # A subclass of a kernel of scikit-learn may compute something else.
    if type(kernel) in (Sum, Product):
        first, second = (pair_function(part, X) for part in (kernel.k1, kernel.k2))
        return partial(_sum if type(kernel) is Sum else _product, first, second)
    if type(kernel) is Exponentiation:
        return partial(_power, pair_function(kernel.kernel, X), kernel.exponent)
    if type(kernel) in (ConstantKernel, WhiteKernel):
        return partial(_without_gradient, kernel, X)
    if isinstance(kernel, InfiniteWidthKernel):
        kernel.check_parameters()
        prepared = LayerStatistics.of_rows(kernel, X, np.dtype(np.float64))
        return partial(network_pairs, kernel, z=prepared)
    if isinstance(kernel, PairwiseKernel) and kernel.metric == "laplacian":
        return partial(_city_block, _gamma(kernel, X), X)
    if isinstance(kernel, PairwiseKernel) and kernel.metric == "cosine":
        return partial(_cosine, X)
    distance = _distance_profile(kernel, X)
    if distance is not None:
        return _euclidean(*distance, X)
    product = _product_profile(kernel, X)
    if product is not None:
        return partial(_inner_product, product, X)
    return partial(_differences, kernel, X, difference_steps(X))


def _sum(first: PairFunction, second: PairFunction, rows: np.ndarray) -> Pairs:
    """Pairs of a sum of kernels."""
    one, other = first(rows), second(rows)
    return Pairs(one.value + other.value, one.terms + other.terms)


def _product(first: PairFunction, second: PairFunction, rows: np.ndarray) -> Pairs:
    """``grad k l = l grad k + k grad l``."""
    one, other = first(rows), second(rows)
    terms = [term.times(other.value) for term in one.terms]
    terms += [term.times(one.value) for term in other.terms]
    return Pairs(one.value * other.value, tuple(terms))


def _power(base: PairFunction, exponent: float, rows: np.ndarray) -> Pairs:
    """``grad k^p = p k^(p-1) grad k``."""
    pairs = base(rows)
    factor = exponent * pairs.value ** (exponent - 1.0)
    terms = tuple(term.times(factor) for term in pairs.terms)
    return Pairs(pairs.value**exponent, terms)


def _without_gradient(
    kernel: ConstantKernel | WhiteKernel, X: np.ndarray, rows: np.ndarray
) -> Pairs:
    """Pairs of a kernel that does not change with a single row."""
    return Pairs(kernel(rows, X), ())


def _differences(
    kernel: ResolvedKernel, X: np.ndarray, steps: np.ndarray, rows: np.ndarray
) -> Pairs:
    """Pairs of a kernel that is known by its values alone."""

    def evaluate(moved: np.ndarray) -> np.ndarray:
        return evaluate_kernel(kernel, moved, X)

    return Pairs(evaluate(rows), (DifferenceTerm(evaluate, rows, steps),))


def _city_block(gamma: float, X: np.ndarray, rows: np.ndarray) -> Pairs:
    """``exp(-gamma |x - z|_1)``, whose gradient is ``-gamma k sign(x - z)``."""
    value = np.exp(-gamma * cdist(rows, X, "cityblock"))
    return Pairs(value, (SignTerm(-gamma * value, rows, X),))


def _cosine(X: np.ndarray, rows: np.ndarray) -> Pairs:
    """``u_x.u_z``, whose gradient is ``(u_z - k u_x) / |x|``; 0 for a row of zeros."""
    lengths, directions = unit_rows(rows)
    _, others = unit_rows(X)
    value = directions @ others.T
    inverse = np.where(lengths > 0, 1.0 / np.where(lengths > 0, lengths, 1.0), 0.0)
    other = np.repeat(inverse[:, None], len(X), axis=1)
    return Pairs(value, (PlaneTerm(1.0, -value * other, other, directions, others),))


def _inner_product(profile: Profile, X: np.ndarray, rows: np.ndarray) -> Pairs:
    """``p(x.z)``, whose gradient is ``p'(x.z) z``."""
    value, slope = profile(rows @ X.T)
    return Pairs(value, (PlaneTerm(1.0, np.zeros_like(slope), slope, rows, X),))


def _product_profile(kernel: Any, X: np.ndarray) -> Profile | None:
    """Return p and p' as functions of ``x.z``, or None for another kernel."""
    if type(kernel) is DotProduct:
        return lambda c: (c + kernel.sigma_0**2, np.ones_like(c))
    if not isinstance(kernel, PairwiseKernel):
        return None
    gamma, shift = _gamma(kernel, X), kernel.params.get("coef0", 1.0)
    degree = kernel.params.get("degree", 3)
    if kernel.metric == "linear":
        return lambda c: (c, np.ones_like(c))
    if kernel.metric in ("poly", "polynomial"):
        return partial(_polynomial, gamma, degree, shift)
    if kernel.metric == "sigmoid":
        return partial(_sigmoid, gamma, shift)
    return None


def _polynomial(
    gamma: float, degree: float, shift: float, c: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """``(gamma c + shift)^degree`` and its derivative."""
    base = gamma * c + shift
    if degree == 0:
        return np.ones_like(c), np.zeros_like(c)
    return base**degree, gamma * degree * base ** (degree - 1)


def _sigmoid(
    gamma: float, shift: float, c: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """``tanh(gamma c + shift)`` and its derivative."""
    value = np.tanh(gamma * c + shift)
    return value, gamma * (1.0 - np.square(value))


def _gamma(kernel: PairwiseKernel, X: np.ndarray) -> float:
    """Return gamma as `pairwise_kernels` reads it."""
    gamma = kernel.params.get("gamma")
    return 1.0 / X.shape[1] if gamma is None else gamma


def _distance_profile(
    kernel: Any, X: np.ndarray
) -> tuple[Profile, float | np.ndarray] | None:
    """Return p and ``2 p'`` as functions of t, and what rows are multiplied by."""
    if isinstance(kernel, PairwiseKernel):
        if kernel.metric != "rbf":
            return None
        return _gaussian, math.sqrt(2.0 * _gamma(kernel, X))
    if type(kernel) is RationalQuadratic:
        return partial(_rational_quadratic, kernel.alpha), 1.0 / kernel.length_scale
    if type(kernel) is RBF:
        return _gaussian, 1.0 / np.asarray(kernel.length_scale)
    if type(kernel) is Matern and kernel.nu in _MATERN:
        factor = math.sqrt(2.0 * kernel.nu) if kernel.nu < math.inf else 1.0
        return _MATERN[kernel.nu], factor / np.asarray(kernel.length_scale)
    return None


def _gaussian(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``exp(-t / 2)`` and ``-exp(-t / 2)``."""
    value = np.exp(-0.5 * t)
    return value, -value


def _matern_1(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``exp(-u)`` and ``-exp(-u) / u``, 0 between equal rows, where it has a kink."""
    u = np.sqrt(t)
    value = np.exp(-u)
    return value, np.where(u > 0, -value / np.where(u > 0, u, 1.0), 0.0)


def _matern_3(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(1 + u) exp(-u)`` and ``-exp(-u)``."""
    u = np.sqrt(t)
    decay = np.exp(-u)
    return (1.0 + u) * decay, -decay


def _matern_5(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(1 + u + u^2 / 3) exp(-u)`` and ``-(1 + u) exp(-u) / 3``."""
    u = np.sqrt(t)
    decay = np.exp(-u)
    return (1.0 + u + t / 3.0) * decay, -(1.0 + u) * decay / 3.0


def _rational_quadratic(alpha: float, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(1 + t / 2 alpha)^-alpha`` and ``-(1 + t / 2 alpha)^(-alpha - 1)``."""
    base = 1.0 + t / (2.0 * alpha)
    value = base**-alpha
    return value, -value / base


_MATERN: dict[float, Profile] = {
    0.5: _matern_1,
    1.5: _matern_3,
    2.5: _matern_5,
    math.inf: _gaussian,
}


def _euclidean(
    profile: Profile, scale: float | np.ndarray, X: np.ndarray
) -> PairFunction:
    """Return the pairs of ``p(|s (x - z)|^2)``, of gradient ``2 p' s^2 (x - z)``."""
    # Centre the rows: distances are invariant, cancellation is not.
    origin = X.mean(axis=0)
    others = (X - origin) * scale

    def pairs(rows: np.ndarray) -> Pairs:
        some = (rows - origin) * scale
        value, slope = profile(_squared_distances(some, others))
        return Pairs(value, (PlaneTerm(scale, None, -slope, some, others),))

    return pairs


def _squared_distances(X: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """``|x - z|^2`` by a product, by differences for pairs that are close."""
    own, other = (np.einsum("ij,ij->i", rows, rows) for rows in (X, Z))
    t = (-2.0 * X) @ Z.T
    t += own[:, None]
    t += other
    close = t < _CLOSE * (own.max(initial=0.0) + other.max(initial=0.0))
    if np.count_nonzero(close) > _MANY * close.size:
        return cdist(X, Z, "sqeuclidean")
    i, j = np.nonzero(close)
    difference = X[i] - Z[j]
    t[i, j] = np.einsum("ij,ij->i", difference, difference)
    return t
