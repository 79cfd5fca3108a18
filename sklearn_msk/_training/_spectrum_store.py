"""Leading eigenpairs kept on disk, so that searches compute each set of them once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.validation import check_memory

from sklearn_msk._array_api import mapped, to_host
from sklearn_msk._linalg import Status
from sklearn_msk._operators import (
    DenseOperator,
    DeviceOperator,
    KernelOperator,
    Operator,
)
from sklearn_msk._spectrum import Spectrum
from sklearn_msk._training._fingerprint import fingerprint
from sklearn_msk.kernels._adapters import CallableKernel, PrecomputedKernel


def stored_pairs(
    memory: Any,
    compute: Callable[[int], Spectrum],
    k: int,
    kernel: Any,
    X: np.ndarray | None,
    A: Operator,
    settings: tuple,
) -> Spectrum:
    """Take leading pairs from the store, or compute them where it holds too few.

    Parameters
    ----------
    memory : None, str or object with the interface of `joblib.Memory`
        None always computes.
    compute : callable
        ``compute(k)`` returns a `Spectrum`.
    k : int
        Number of pairs. A stored spectrum of more serves it with its first k.
    kernel : object returned by `resolve_kernel`
    X : ndarray of shape (n_samples, n_features) or None
    A : operator
    settings : tuple
        What else the pairs depend on: eigensolver, random state, accuracy.

    Returns
    -------
    Spectrum
    """
    if memory is None or not isinstance(A, KernelOperator):
        # What is not a kernel operator is diagonal, and decomposed already.
        return compute(k)
    matrix = _matrix_key(kernel, to_host(X), A)
    if matrix is None:
        return compute(k)
    key = (matrix, A.sqrt_weights, settings)
    stored = check_memory(memory).cache(_compute_pairs, ignore=["compute", "k"])
    requested, spectrum = stored(key, compute, k)
    # Where the store holds fewer pairs than it was asked for, the kernel has no more.
    more = requested < k and len(spectrum.eigenvalues) == requested
    if more or spectrum.status != Status.CONVERGED:
        stored.call(key, compute, k)
        _, spectrum = stored(key, compute, k)
    # What is stored is NumPy's, and serves every device.
    vectors = A.put(spectrum.eigenvectors)
    return replace(spectrum, eigenvectors=vectors).truncated(k)


def _matrix_key(kernel: Any, X: np.ndarray | None, A: KernelOperator) -> Any:
    """Return what tells a kernel matrix from any other; None where nothing does."""
    if not isinstance(kernel, CallableKernel | PrecomputedKernel):
        assert X is not None
        return fingerprint(kernel, X), X
    # A function of the user's may look at anything: its whole matrix is the key.
    return to_host(A.K) if isinstance(A, DenseOperator | DeviceOperator) else None


def _compute_pairs(
    key: Any, compute: Callable[[int], Spectrum], k: int
) -> tuple[int, Spectrum]:
    """Return k and the pairs; the store knows them by the key alone."""
    return k, mapped(compute(k), to_host)
