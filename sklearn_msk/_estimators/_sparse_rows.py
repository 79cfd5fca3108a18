"""Sparse rows: which kernels take them, and what is said where none does."""

from typing import Any

from scipy.sparse import issparse

# Kernels of scikit-learn that multiply sparse rows.
SPARSE_KERNELS = (
    "cosine",
    "laplacian",
    "linear",
    "poly",
    "polynomial",
    "rbf",
    "sigmoid",
)


def accepted_sparse(estimator: Any) -> str | bool:
    """Return the sparse format that the kernel of an estimator takes, or False."""
    kernel = estimator.kernel
    takes = isinstance(kernel, str) and kernel in SPARSE_KERNELS
    # Landmarks are dense, and so are the features on them.
    return "csr" if takes and getattr(estimator, "landmarks", None) is None else False


def check_dense(estimator: Any, X: Any) -> None:
    """Raise a TypeError where rows are sparse and the kernel does not take them."""
    if not issparse(X) or accepted_sparse(estimator):
        return
    if getattr(estimator, "landmarks", None) is not None:
        need = "landmarks are dense"
        remedy = "landmarks=None"
    else:
        need = f"the kernel {estimator.kernel!r} takes no sparse rows"
        remedy = f"a kernel that takes sparse rows, one of {list(SPARSE_KERNELS)}"
    raise TypeError(
        f"Sparse data was passed for X, but dense data is required: {need}. Use "
        "'.toarray()', an encoder with dense output "
        f"(OneHotEncoder(sparse_output=False)), or {remedy}."
    )


def check_dense_array(array: Any, name: str) -> None:
    """Raise a TypeError where an array is sparse."""
    if issparse(array):
        raise TypeError(
            f"Sparse data was passed for {name}, but dense data is required. Use "
            "'.toarray()' to convert to a dense numpy array."
        )
