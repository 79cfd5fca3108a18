"""The operator whose products compute the kernel matrix anew, tile by tile."""

import pickle

import numpy as np
import pytest
from sklearn import config_context

from sklearn_msk._operators import (
    BlockedOperator,
)
from sklearn_msk.kernels import NTK
from sklearn_msk.kernels._adapters import PairwiseKernel


@pytest.fixture(params=[1024, 0.05], ids=["one tile", "many tiles"])
def working_memory(request):
    with config_context(working_memory=request.param):
        yield


def test_pickled_rows_take_no_matrix():
    X = np.random.RandomState(0).standard_normal((1000, 3))
    A = BlockedOperator(NTK(), X)
    A @ np.ones(1000)
    vectors = 3
    assert len(pickle.dumps(A)) < X.nbytes + vectors * 8 * 1000 + 10_000


def test_threads_change_no_bit(data):
    with config_context(working_memory=0.05):
        products = [
            BlockedOperator(NTK(), data[0], n_jobs=n_jobs) @ data[1]
            for n_jobs in (1, 2, 5)
        ]
    for product in products[1:]:
        np.testing.assert_array_equal(product, products[0])


class WatchedTiles(BlockedOperator):
    """Notes the rows and columns of the tiles that products take."""

    def tiles(self, dtype):
        evaluate, self.taken = super().tiles(dtype), []

        def tile(rows, columns):
            self.taken.append((rows, columns))
            return evaluate(rows, columns)

        return tile


@pytest.mark.parametrize("working_memory", [1, 64, 1024])
def test_tiles_of_all_threads_fit_in_the_working_memory(working_memory):
    """Eight threads, each with a tile and three temporaries of its size."""
    A = WatchedTiles(PairwiseKernel("linear"), np.ones((5000, 1)))
    with config_context(working_memory=working_memory):
        np.testing.assert_allclose(A @ np.ones(5000), np.ones(5000))
    sizes = [(a.stop - a.start) * (b.stop - b.start) for a, b in A.taken]
    assert 8 * 4 * 8 * max(sizes) <= working_memory * 2**20
    covered = sum(
        size * (1 if a == b else 2) for size, (a, b) in zip(sizes, A.taken, strict=True)
    )
    assert covered == 5000**2
