"""Leading spectra kept on disk, so that a search computes each of them once."""

from sklearn.utils.validation import check_memory

from sklearn_msk._operators import DenseOperator
from sklearn_msk.kernels._adapters import CallableKernel, PrecomputedKernel


def cached_spectrum(memory, compute, k, kernel, X, A, *settings):
    """Leading pairs from the store, computed where it holds too few.

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
    *settings : object
        What else the pairs depend on.

    Returns
    -------
    Spectrum
    """
    # Functions are hashed by their names, which do not say what they compute; their
    # matrix does, where there is one.
    unnamed = isinstance(kernel, CallableKernel | PrecomputedKernel)
    if memory is None or (unnamed and not isinstance(A, DenseOperator)):
        return compute(k)
    key = (A.K if unnamed else (kernel, X), A.roots, settings)
    stored = check_memory(memory).cache(_compute_pairs, ignore=["compute", "k"])
    requested, spectrum = stored(key, compute, k)
    # Fewer pairs than requested are all that the kernel has.
    if requested < k and len(spectrum.eigenvalues) == requested:
        stored.call(key, compute, k)
        _, spectrum = stored(key, compute, k)
    return spectrum.truncated(k)


def _compute_pairs(key, compute, k):
    """Return k and the pairs; the store knows them by the key alone."""
    return k, compute(k)
