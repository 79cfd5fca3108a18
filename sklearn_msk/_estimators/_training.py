"""The parts of a fit that every estimator shares."""

import math
import sys
import warnings

import numpy as np

from sklearn_msk._dynamics import smallest_tol
from sklearn_msk._estimators._spectrum_cache import cached_spectrum
from sklearn_msk._memory import free_memory
from sklearn_msk._operators import BlockedOperator, CompactOperator, DenseOperator
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._spectrum import leading_spectrum, serves_compact
from sklearn_msk._threads import n_blas_threads
from sklearn_msk._validation import (
    check_matrix_symmetric,
    check_positive_semidefinite,
    count_distinct_rows,
)
from sklearn_msk.kernels._adapters import CallableKernel, PrecomputedKernel
from sklearn_msk.kernels._resolution import (
    check_digits_kept,
    describe_kernel,
    evaluate_kernel,
)
from sklearn_msk.spectral_maps._evaluation import modified_eigenvalues

# Rounding relative to y that a user need not hear of: a preconditioner near the
# rounding of K cannot do better.
_ROUNDING = 1e-2


# What a fit takes at its peak, in bytes an entry: a tenth more than the kernel matrix,
# and the copy of one triangle that pairs are computed from; or that triangle alone. How
# much of the memory that is free it may take.
_PEAK, _COPY, _SHARE = 1.1, 2, 0.75

# Rows that a function of the user's is tried on where its matrix is not held.
_TRIED_ROWS = 100


def kernel_operator(estimator, X, weights=None, *, compact=False):
    """Evaluate and check the kernel of the training rows.

    The matrix is held where the memory that is free holds it, and computed block by
    block for every product otherwise.

    Parameters
    ----------
    estimator : MSKRegressor or MSKKernel
        Whose kernel and parameters they are.
    X : ndarray of shape (n_samples, n_features)
    weights : ndarray of shape (n_samples,), default=None
    compact : bool, default=False
        Whether products in single precision will do, where the leading directions are
        found by them.

    Returns
    -------
    CompactOperator, DenseOperator or BlockedOperator

    Raises
    ------
    ValueError
        If the matrix is not square, not finite or not symmetric.
    """
    kernel = estimator.kernel_
    if isinstance(kernel, PrecomputedKernel) and X.shape[0] != X.shape[1]:
        raise ValueError(
            "With kernel='precomputed', X must be the square kernel matrix of shape "
            f"(n_samples, n_samples). Got shape {X.shape} instead."
        )
    check_digits_kept(kernel, X)
    distinct = count_distinct_rows(X if weights is None else X[weights > 0])
    rows = X, weights, distinct
    own = not isinstance(kernel, CallableKernel | PrecomputedKernel)
    if compact and own and _COPY * X.shape[0] ** 2 <= _room():
        k = estimator._n_directions(distinct)
        if serves_compact(X.shape[0], k, estimator.eigen_solver):
            source = BlockedOperator(kernel, *rows, estimator.n_jobs)
            n_threads = max(source.n_threads, n_blas_threads())
            return CompactOperator(source, k + 1, n_threads)
    return in_double_precision(estimator, *rows)


def in_double_precision(estimator, X, weights, n_distinct, *, compactable=True):
    """Hold the matrix of the kernel where memory does, for exact products.

    Parameters
    ----------
    estimator : MSKRegressor or MSKKernel
        Whose kernel and parameters they are.
    X : ndarray of shape (n_samples, n_features)
    weights : ndarray of shape (n_samples,) or None
    n_distinct : int
        As in `KernelOperator`.
    compactable : bool, default=True
        Whether leading pairs may be looked for on a compact copy first.

    Returns
    -------
    DenseOperator or BlockedOperator
    """
    kernel = estimator.kernel_
    unknown = isinstance(kernel, CallableKernel | PrecomputedKernel)
    if isinstance(kernel, PrecomputedKernel) or _fits(estimator, X):
        K = evaluate_kernel(kernel, X, n_jobs=estimator.n_jobs)
        if unknown:
            check_matrix_symmetric(K, describe_kernel(kernel))
        return DenseOperator(K, weights, n_distinct, compactable=compactable)
    if unknown:
        rows = X[:_TRIED_ROWS]
        K = evaluate_kernel(kernel, rows, rows)
        check_matrix_symmetric(K, describe_kernel(kernel))
    return BlockedOperator(kernel, X, weights, n_distinct, estimator.n_jobs)


def _room():
    """Bytes that a fit may take."""
    return _SHARE * free_memory()


def _fits(estimator, X):
    """Whether the memory that is free holds the kernel matrix of the rows."""
    n, room = X.shape[0], _room()
    if n**2 * (8 * _PEAK + _COPY) <= room:
        return True
    itemsize = evaluate_kernel(estimator.kernel_, X[:1], X[:1]).dtype.itemsize
    fits = n**2 * (itemsize * _PEAK + _COPY) <= room
    if not fits and getattr(estimator, "verbose", 0):
        print(
            f"[{type(estimator).__name__}] the kernel matrix of {n} rows takes "
            f"{n**2 * itemsize / 2**30:.1f} GiB, for which too little memory is free: "
            "it is computed block by block for every product. 'landmarks' are faster."
        )
    return fits


def find_spectrum(estimator, A, k, X, tol, monitor=None):
    """Find the leading directions, and check that the kernel has no negative ones.

    Parameters
    ----------
    estimator : MSKRegressor or MSKKernel
        Whose kernel and parameters they are.
    A : operator
    k : int
    X : ndarray of shape (n_samples, n_features)
        Training rows.
    tol : Tolerance
        Of the pairs. What is kept on disk serves any map.
    monitor : callable, default=None
        Told of the progress, see `leading_spectrum`.

    Returns
    -------
    Spectrum

    Raises
    ------
    ValueError
        If the kernel is not positive semi-definite.
    """
    kernel = estimator.kernel_
    # What is diagonal is decomposed already.
    memory = None if A.is_diagonal else estimator.memory
    if memory is not None:
        tol = tol.strict
    settings = estimator.eigen_solver, estimator.random_state, tol

    def compute(k):
        return leading_spectrum(A, k, *settings, monitor)

    spectrum = cached_spectrum(memory, compute, k, kernel, X, A, *settings)
    check_positive_semidefinite(
        spectrum.smallest, spectrum.largest, describe_kernel(kernel)
    )
    return spectrum


def precondition(spectrum, g, *, allow_zero=False):
    """Give the leading directions the rates that g has for them.

    Parameters
    ----------
    spectrum : Spectrum
    g : callable
    allow_zero : bool, default=False
        Whether ``g(lam) = 0`` is legal.

    Returns
    -------
    Preconditioner

    Raises
    ------
    ValueError
        If g returns what it must not.
    """
    rates = modified_eigenvalues(g, spectrum.eigenvalues, allow_zero=allow_zero)
    return Preconditioner(spectrum, rates)


def warn_user(message, category):
    """Warn where the user's code called, however deep in wrappers we are."""
    frame, level = sys._getframe(), 1
    while frame.f_back and _is_ours(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_ours(frame):
    package = frame.f_globals.get("__name__", "").split(".")[0]
    return package in ("sklearn_msk", "sklearn", "contextlib")


def convergence_messages(A, S, path, schedule, tol):
    """Yield what the user has to be told of a path, with what to do about it."""
    tol = max(tol, smallest_tol(A))
    if path.error_estimate > tol:
        yield (
            f"The solver stopped after {path.n_products} products at a relative error "
            f"of {path.error_estimate:.1e} in the fitted values, above tol={tol:.1e}. "
            f"Use solver='eigh' (a full decomposition of the {A.shape[0]} rows), a "
            "smaller max_iter, a larger k or alpha, or a larger tol."
        )
    noise = A.noise(S.spectrum.largest)
    lost = np.count_nonzero(S.modified_eigenvalues + schedule.ridge <= noise)
    if lost:
        yield (
            f"g gives {lost} of the {len(S.ratios)} leading directions rates of "
            f"{S.modified_eigenvalues.min():.1e} and more, which rounding hides (up to "
            f"{noise:.1e}): they are not learned, in any number of steps. Use a "
            "smaller k, a map closer to the identity, or alpha > 0."
        )
    repeated = A.shape[0] - A.n_distinct
    interpolates = math.isinf(schedule.max_iter) and schedule.ridge == 0
    dropped = path.n_dropped(schedule.ridge) if interpolates else 0
    if S.largest_rate > 0 and dropped > repeated:
        yield (
            "The kernel matrix is too ill-conditioned for the limit without ridge: at "
            f"least {dropped - repeated} of its {A.n_distinct} eigenvalues are "
            f"below {path.noise / S.spectrum.largest:.1e} of the largest, where "
            "rounding hides them, and their directions were left out. Set alpha > 0 or "
            f"a finite max_iter{', or pass float64' * (A.dtype == np.float32)}."
        )
    elif path.rounding_error > max(tol, _ROUNDING):
        yield (
            "The preconditioned problem is too ill-conditioned: rounding alone moves "
            f"the fitted values by {path.rounding_error:.1e} relative to y. The rates "
            f"that g gives are between {S.ratios.min(initial=1.0):.1e} and "
            f"{S.ratios.max(initial=1.0):.1e} times the eigenvalues; use a smaller k, "
            "a map closer to the identity, alpha > 0 or fewer steps."
        )
