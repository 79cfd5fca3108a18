"""How a kernel matrix is held, and the ladder of more exact products."""

import numpy as np
import pytest
from problems import kernel_matrix
from sklearn.gaussian_process.kernels import Matern

from sklearn_msk._operators import (
    BlockedOperator,
    DenseOperator,
    MixedPrecisionOperator,
    Storage,
    choose_storage,
    entry_size,
    hold_kernel,
    mixed_precision,
    more_exact,
)
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import (
    CallableKernel,
    PairwiseKernel,
    PrecomputedKernel,
)


@pytest.mark.parametrize(
    ("limit", "itemsize", "mixed", "expected"),
    [
        (10.9, 8, False, (Storage.DENSE, True)),
        (10.7, 8, False, (Storage.BLOCKED, False)),
        (10.9, 8, True, (Storage.MIXED, True)),
        (2.1, 8, True, (Storage.MIXED, False)),
        (1.9, 8, True, (Storage.BLOCKED, False)),
        (6.5, 4, False, (Storage.DENSE, False)),
        (6.3, 4, False, (Storage.BLOCKED, False)),
        (10.9, 4, False, (Storage.DENSE, True)),
        (2.1, 4, True, (Storage.MIXED, False)),
    ],
)
def test_storage_by_bytes_an_entry(limit, itemsize, mixed, expected):
    n = 30_000
    assert expected == choose_storage(
        n, itemsize=itemsize, memory_limit=limit * n**2, mixed_allowed=mixed
    )


def hold(kernel, X, storage, **settings):
    settings = {"n_pairs": 5, "n_jobs": None, "fits_dense": True} | settings
    return hold_kernel(kernel, X, None, len(X), storage, **settings)


@pytest.mark.parametrize(
    ("storage", "kind"),
    [
        (Storage.MIXED, MixedPrecisionOperator),
        (Storage.DENSE, DenseOperator),
        (Storage.BLOCKED, BlockedOperator),
    ],
)
@pytest.mark.parametrize("fits_dense", [False, True])
def test_kernel_is_held_as_told(storage, kind, fits_dense, data):
    X, Y, _ = data
    A = hold(NTK(), X, storage, fits_dense=fits_dense)
    assert type(A) is kind
    assert A.fits_dense is fits_dense
    np.testing.assert_allclose(A @ Y, NTK()(X) @ Y / 60, atol=1e-5)


def test_precomputed_matrix_is_held_as_it_is():
    K = kernel_matrix()
    for storage in Storage:
        assert hold(PrecomputedKernel(), K, storage).K is K
    with pytest.raises(ValueError, match=r"square kernel matrix.*\(60, 50\)"):
        hold(PrecomputedKernel(), K[:, :50], Storage.DENSE)


@pytest.mark.parametrize("storage", [Storage.DENSE, Storage.BLOCKED])
def test_functions_are_checked_for_symmetry(storage, data):
    def lopsided(X, Y):
        return X @ Y.T + X[:, :1]

    with pytest.raises(ValueError, match="'lopsided' must be symmetric"):
        hold(CallableKernel(lopsided), data[0], storage)


@pytest.mark.parametrize(
    ("kernel", "dtype", "size"),
    [
        (NTK(), np.float32, 4),
        (NTK(), np.float64, 8),
        (PrecomputedKernel(), np.float32, 4),
        (PairwiseKernel("rbf"), np.float64, 8),
    ],
)
def test_bytes_of_an_entry(kernel, dtype, size, data):
    assert entry_size(kernel, data[0].astype(dtype)) == size


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("fits_dense", [False, True])
def test_ladder_of_precision(fits_dense, overwrite):
    """Errors fall from rung to rung; the last one is double precision."""
    X = np.random.RandomState(0).standard_normal((300, 10))
    kernel = Matern(0.7, nu=1.5)
    source = BlockedOperator(kernel, X, fits_dense=fits_dense)
    A, rungs = mixed_precision(source, 5), []
    matrix = kernel(X) / 300
    while A is not None:
        dtype = getattr(A, "remainder_dtype", None)
        rungs.append((type(A), dtype, np.linalg.norm(A @ np.eye(300) - matrix)))
        assert A.fits_dense is fits_dense
        A = more_exact(A, overwrite=overwrite)
    last = DenseOperator if fits_dense else BlockedOperator
    assert [rung[:2] for rung in rungs] == [
        (MixedPrecisionOperator, np.float32),
        (MixedPrecisionOperator, np.float64),
        (last, None),
    ]
    errors = [rung[2] for rung in rungs]
    assert errors[2] < 1e-3 * errors[1] < 0.5e-3 * errors[0]


@pytest.mark.parametrize("fits_dense", [False, True])
def test_ladder_from_a_matrix_that_is_held(fits_dense):
    A = DenseOperator(kernel_matrix(), fits_dense=fits_dense)
    top = more_exact(mixed_precision(A, 5))
    assert top.K is A.K
    assert not top.compactable
    assert more_exact(top) is None
