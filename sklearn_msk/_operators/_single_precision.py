"""Products with a kernel matrix at the speed of single precision."""

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
from scipy.linalg import eigh

# Largest side of a tile. It stays in cache while it is used twice, and with AVX-512
# OpenBLAS does not pack the factors of a product of less than a million operations, as
# that of a tile and a block of 16 columns is.
_SIDE = 240

# Shares of the panels that threads take, whatever the number of threads: so that this
# does not change the order of sums.
_SHARES = 4

# Pivots of the factor that are drawn at once.
_PIVOTS = 8

# Adding and subtracting it takes digits below 1e-36 from a double: what is left is 0
# or has all its digits in single precision.
_FLUSH = 1e-20


class SinglePrecisionProducts:
    """``A / A.scale = F F^T + R`` with F in double and R in single precision.

    ``F F^T`` is a partial Cholesky factorisation of A from a few randomly chosen
    pivots. It holds the leading directions, so that what single precision rounds are
    the entries of R, whose norm is that of an eigenvalue further down: with a rank of
    64 a product loses some 1e-6 of ``lam_100`` instead of 1e-5 to 1e-4. One triangle of
    R is held, a quarter of the memory of K, in panels of rows whose tiles are used
    twice, ``out_i += R_ij V_j`` and ``out_j += R_ij^T V_i``. It is a context manager,
    which ends its threads.

    Parameters
    ----------
    A : DenseOperator
    rank : int
        Number of columns of F; it has fewer where A has a smaller rank.
    rng : RandomState
        Draws the pivots and what the rounding is measured with.
    n_threads : int, default=1
        Threads that multiply; BLAS is to be held at one thread meanwhile.

    Attributes
    ----------
    rounding : float
        Norm of the error of the image of a unit vector: the larger of those measured
        for a random and for a smooth one.

    References
    ----------
    Y. Chen, E. Epperly, J. Tropp, R. Webber, *Randomly Pivoted Cholesky*, Comm. Pure
    Appl. Math., 2025.
    """

    def __init__(self, A, rank, rng, n_threads=1):
        self.n = A.shape[0]
        self._factor = _partial_cholesky(A, rank, rng)
        n_panels = -(-self.n // _SIDE)
        self._side = -(-self.n // n_panels)
        n_threads = min(n_threads, _SHARES)
        self._pool = ThreadPoolExecutor(n_threads) if n_threads > 1 else None
        self._panels = list(self._map(self._panel, repeat(A), range(n_panels)))
        probes = rng.standard_normal(self.n), self._factor.sum(axis=1)
        self.rounding = max(self._error(A, probe) for probe in probes)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._pool is not None:
            self._pool.shutdown()

    def __matmul__(self, V):
        """Return ``A @ V / A.scale`` for V of shape (n, m), in double precision."""
        blocks = np.zeros((len(self._panels), self._side, V.shape[1]), np.float32)
        blocks.reshape(-1, V.shape[1])[: self.n] = V
        image = sum(self._map(self._multiply_panels, range(_SHARES), repeat(blocks)))
        product = self._through_factor(V)
        product += image.reshape(-1, V.shape[1])[: self.n]
        return product

    def smoothed(self, V):
        """Return ``(F F^T + c I) V``, c a tenth of the largest eigenvalue of F F^T.

        For a random block that is about what a product with A makes of it, for nothing;
        directions that the pivots have missed stay in it.
        """
        largest = np.linalg.norm(self._factor, 2) ** 2 if self._factor.size else 1.0
        return self._through_factor(V) + 0.1 * largest * V

    def _map(self, function, *arguments):
        """Apply a function to each of some arguments, in threads where there are."""
        run = map if self._pool is None else self._pool.map
        return run(function, *arguments)

    def _multiply_panels(self, first, blocks):
        """Multiply every so many panels, from the first on, and add up."""
        image = np.zeros_like(blocks)
        for i in range(first, len(self._panels), _SHARES):
            tiles = self._panels[i].reshape(self._side, i + 1, self._side)
            tiles = tiles.transpose(1, 0, 2)
            image[i] += (tiles @ blocks[: i + 1]).sum(axis=0)
            image[:i] += tiles[:i].transpose(0, 2, 1) @ blocks[i]
        return image

    def _through_factor(self, V):
        """Return ``F F^T V``."""
        # BLAS packs a large second factor with less work.
        return ((V.T @ self._factor) @ self._factor.T).T

    def _error(self, A, probe):
        """Norm of the error of the image of a vector, brought to unit length."""
        probe = probe / (np.linalg.norm(probe) or 1.0)
        image = (self @ probe[:, None])[:, 0]
        return float(np.linalg.norm(A @ probe / A.scale - image))

    def _panel(self, A, i):
        """Rows of the lower triangle of R, and zeros beyond the last row."""
        roots, start = A.roots / np.sqrt(A.scale), i * self._side
        rows = slice(start, min(start + self._side, self.n))
        panel = np.zeros((self._side, start + self._side), np.float32)
        for first in range(0, rows.stop, self._side):
            columns = slice(first, min(first + self._side, self.n))
            tile = roots[rows, None] * A.K[rows, columns]
            tile *= roots[columns]
            tile -= self._factor[rows] @ self._factor[columns].T
            # Entries too small for single precision become zeros: processors take their
            # time over denormal numbers.
            tile += _FLUSH
            tile -= _FLUSH
            panel[: len(tile), columns] = tile
        return panel


def _partial_cholesky(A, rank, rng):
    """F of shape (n, rank), its pivots drawn by what is left of the diagonal."""
    roots, left = A.roots / np.sqrt(A.scale), A.diagonal() / A.scale
    floor = A.rank_floor * left.max()
    factor = np.zeros((len(left), 0))
    while factor.shape[1] < rank and left.any():
        pivots = np.unique(rng.choice(len(left), _PIVOTS, p=left / left.sum()))
        columns = roots[:, None] * A.K[:, pivots] * roots[pivots]
        columns -= factor @ factor[pivots].T
        values, vectors = eigh(columns[pivots])
        # Pivots that depend on each other add no direction.
        kept = values > max(floor, 1e-10 * values[-1])
        columns = columns @ (vectors[:, kept] / np.sqrt(values[kept]))
        factor = np.hstack([factor, columns])
        left = np.maximum(left - np.sum(columns**2, axis=1), 0.0)
        left[pivots] = 0.0
        left[left <= floor] = 0.0
    return factor
