"""Operators, preconditioners and the literal recurrence, for the tests of the parts."""

import numpy as np
from joblib import Memory

from sklearn_msk._operators import BlockedOperator, DenseOperator, mixed_precision
from sklearn_msk._preconditioner import Preconditioner
from sklearn_msk._spectrum import Spectrum, leading_spectrum
from sklearn_msk.kernels import NTK


def kernel_matrix(n=60, seed=0, dtype=np.float64):
    """NTK matrix of random rows."""
    X = np.random.RandomState(seed).standard_normal((n, 3)).astype(dtype)
    return NTK(bias_variance=0.3)(X)


def preconditioner(A, k, g):
    """S of the k leading pairs, exact."""
    spectrum = leading_spectrum(A, k, eigen_solver="dense")
    return Preconditioner(spectrum, g(spectrum.eigenvalues))


def rough_preconditioner(A, k, seed=0):
    """S > 0 that has little to do with the eigenvectors of A."""
    rng = np.random.RandomState(seed)
    vectors = np.linalg.qr(rng.standard_normal((A.shape[0], k)))[0]
    values = np.linspace(1.0, 0.2, k) * np.trace(A.dense())
    spectrum = Spectrum(values, vectors, np.zeros(k), "dense", *np.zeros(4))
    return Preconditioner(spectrum, values * rng.uniform(0.3, 1.0, k))


def dense_preconditioner(S):
    """S as a matrix, by its definition in the design."""
    V = S.spectrum.eigenvectors
    drop = 1.0 - S.modified_eigenvalues / S.spectrum.eigenvalues
    return np.eye(V.shape[0]) - (V * drop) @ V.T


def recurrence(K, y, S, eta, T, alpha=0.0, weights=None):
    """Coefficients after T steps of the design's recurrence, written out.

    ``a <- (1 - eta alpha / n) a - (eta / n) S (K a - y)``; with weights, in the
    variable ``c`` of ``a = D^(1/2) c``.
    """
    w = np.ones(len(K)) if weights is None else weights
    root = np.sqrt(w / w.sum())
    c = np.zeros_like(y)
    for _ in range(T):
        a = (root * c.T).T
        residual = (root * (K @ a - y).T).T
        c = (1 - eta * alpha / w.sum()) * c - eta * S @ residual
    return (root * c.T).T


def dense(K, weights=None):
    """Operator of a kernel matrix."""
    return DenseOperator(K, weights)


def blobs(n_classes, n=120, seed=0):
    """Rows of overlapping classes, their numbers as labels, and weights."""
    rng = np.random.RandomState(seed)
    y = np.arange(n) % n_classes
    angles = 2 * np.pi * y / n_classes
    X = 2 * np.column_stack([np.cos(angles), np.sin(angles)])
    return X + rng.standard_normal((n, 2)), y, rng.uniform(0.5, 2.0, n)


def in_small_panels(source, n_pairs, n_threads=1, **thresholds):
    """Operator in mixed precision with several panels, the last one not full."""
    return mixed_precision(source, n_pairs, n_threads, tile_side=40, **thresholds)


class RecordedTiles(BlockedOperator):
    """Remembers the precisions that tiles were asked for."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.asked = []

    def tiles(self, dtype):
        self.asked.append(np.dtype(dtype))
        return super().tiles(dtype)


class CountedProducts(DenseOperator):
    """Counts the columns that it was multiplied with."""

    n_columns = 0

    def __matmul__(self, V):
        self.n_columns += 1 if V.ndim == 1 else V.shape[1]
        return super().__matmul__(V)


class CountedKernel:
    """NTK that notes how many rows it was evaluated between, copies included."""

    def __init__(self):
        self.sizes = []

    def __call__(self, X, Y):
        self.sizes.append((len(X), len(Y)))
        return NTK()(X, Y)

    def __deepcopy__(self, memo):
        return self


class CountedMemory:
    """A `joblib.Memory` that notes the k of every decomposition, copies included.

    Without a location nothing is stored: every decomposition is computed.
    """

    def __init__(self, location=None):
        self.calls = []
        self._memory = Memory(location, verbose=0)

    def cache(self, function, ignore):
        return _Counted(self._memory.cache(function, ignore=ignore), self.calls)

    def __deepcopy__(self, memo):
        return self


class _Counted:
    """Stored function ``(key, compute, k)`` that notes what is computed."""

    def __init__(self, stored, calls):
        self._stored, self._calls = stored, calls

    def __call__(self, key, compute, k):
        return self._stored(key, self._counted(compute), k)

    def call(self, key, compute, k):
        return self._stored.call(key, self._counted(compute), k)

    def _counted(self, compute):
        def counted(k):
            self._calls.append(k)
            return compute(k)

        return counted


def assert_same_results(ours, theirs, atol=1e-6):
    """The same tables of scores, of any time."""
    ours, theirs = ours.cv_results_, theirs.cv_results_
    assert set(ours) == set(theirs)
    assert ours["params"] == theirs["params"]
    for key, values in theirs.items():
        if key.startswith("param_"):
            assert list(ours[key]) == list(values)
        elif key != "params" and "time" not in key and not key.startswith("rank"):
            np.testing.assert_allclose(ours[key], values, atol=atol, err_msg=key)
        elif "time" in key:
            assert np.all(ours[key] >= 0)
